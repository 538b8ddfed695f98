"""What a page shows, as the tests ask for it."""

from __future__ import annotations

import json
import time

from streamlit.testing.v1 import AppTest


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


def text(app: AppTest) -> str:
    shown = [element.value for element in (*app.markdown, *app.caption, *app.subheader, *app.error, *app.warning)]
    return " ".join([*shown, *(element.proto.body for element in app.get("html"))])


def figure(app: AppTest, place: int = 0) -> dict:
    return json.loads(app.get("plotly_chart")[place].proto.spec)


def title(app: AppTest) -> str:
    assert not app.exception, app.exception
    return app.title[0].value


def slider(app: AppTest, label: str) -> object:
    return next(one for one in app.slider if one.label == label)


def button(app: AppTest, label: str) -> object:
    return next(one for one in app.button if one.label == label)


def worked(app: AppTest) -> AppTest:
    """The page once the job that a click has begun is over."""
    for _ in range(1200):
        if not any("go on working" in caption.value for caption in app.caption):
            return app
        time.sleep(0.05)
        app.run()
    raise AssertionError("the job goes on for a minute")
