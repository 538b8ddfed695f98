"""The Data page starts the forecasts of all items, shows how far they are, and offers what was written."""

from __future__ import annotations

from collections.abc import Callable

import stand_in
from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def button(app: AppTest, label: str) -> object:
    return next(one for one in app.button if one.label == label)


def test_a_run_is_started_stopped_gone_on_with_and_can_be_taken_away(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    assert "Every quantile of all 240 items for the next 13 weeks" in text(app)
    app = button(app, "Forecast all items").click().run()
    assert "Today and the Buy plan read them when all are there" in text(app)
    app = button(app, "Stop").click().run().run()
    assert f"stopped after {desk.parts} of 4 parts" in text(app)
    app = button(app, "Go on").click().run()
    for _ in range(4):
        app.run()
    words = text(app)
    assert "**240 items** for the next 13 weeks, from 28 Dec 2025 on, by v1; made on 5 Jan 2026, in 4 parts" in words
    assert button(app, "Forecast them again")
    labels = [one.proto.label for one in app.get("download_button")]
    assert "Parquet" in labels
    assert labels.count("CSV") == 2


def test_without_a_model_there_is_nothing_to_start(visit: Visit, desk: stand_in.State) -> None:
    desk.trained = False
    assert "Forecasts of all items" not in [one.value for one in visit("data").subheader]
