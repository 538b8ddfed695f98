"""Why this number: each section is closed until it is opened, says what the desk says, and says what it is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import stand_in
import stand_in_why
from streamlit.testing.v1 import AppTest
from test_pages import figure, text

from data.schema import Frequency
from pages.ui.item import explanation_text

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"
WEEKS = Frequency.of("W-SUN").range(pd.Timestamp("2025-01-05"), 8)
SECTIONS = ("why", "looked", "mistakes", "changes")


def opened(visit: Visit, section: str, **address: str) -> AppTest:
    app = visit("item", **({"item": ITEM} | address))
    app.session_state[section] = True
    app.run()
    assert not app.exception, app.exception
    return app


def test_nothing_is_explained_before_it_is_asked(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in ("drivers", "attention", "errors", "revision"):
        monkeypatch.setattr(stand_in.Items, name, lambda self, item_id, name=name: asked.append(name))
    app = visit("item", item=ITEM)
    assert not app.exception
    assert asked == []


def test_drivers_are_a_bridge_from_the_level_to_the_forecast_on_the_page(visit: Visit) -> None:
    app = opened(visit, "why")
    bridge = figure(app, 1)["data"][0]
    forecast = stand_in.Items().view(ITEM).forecast.mean()[0].sum()
    parts = [13 * part for part in stand_in_why.PARTS]
    assert bridge["type"] == "waterfall"
    assert sum(bridge["y"][:-1]) == pytest.approx(forecast)
    assert bridge["y"][1:-1] == pytest.approx(parts)
    assert "forecast is **1,467**" in text(app)
    assert "promotion +78, level and trend +52" in text(app)
    assert "do not show what causes sales" in text(app)
    assert "What the forecast is made of" in text(app)


def test_drivers_follow_the_horizon(visit: Visit) -> None:
    app = opened(visit, "why", horizon="2")
    assert figure(app, 1)["data"][0]["y"][4] == pytest.approx(2 * 6.0)


def test_where_it_looked_names_the_twin_weeks_and_whether_they_matter(visit: Visit) -> None:
    app = opened(visit, "looked")
    assert "looked most at **14 Dec 2025, 21 Dec 2025 and 28 Dec 2025**, with 80% of its attention; 30% of its level" in text(
        app
    )
    assert "units higher" in text(app)
    assert "not why it says what it says" in text(app)
    app.selectbox(key="looked-target-13").set_value(3).run()
    assert "The link is weak" in text(app)


def test_twin_weeks_before_the_record_begins_are_said_to_be_dates_alone() -> None:
    found = stand_in_why.links(np.full(2, 50.0), WEEKS)
    words = [explanation_text.link(found, 0, WEEKS[-1], Frequency.of("W-SUN"), since) for since in (WEEKS[0], WEEKS[-2], None)]
    assert "before the item's record" not in words[0] + words[2]
    assert "1 of them lies before the item's record begins" in words[1]


def test_the_week_asked_about_is_in_the_address_and_framed_on_the_map(visit: Visit) -> None:
    app = opened(visit, "looked")
    assert "target" not in app.query_params
    app.selectbox(key="looked-target-13").set_value(3).run()
    assert not app.exception
    asked = app.query_params["target"]
    asked = asked[0] if isinstance(asked, list) else asked
    linked = visit("item", item=ITEM, target=asked)  # a link that names a week opens where it was asked
    shown, layout = figure(linked, 2)["data"], figure(linked, 2)["layout"]
    assert linked.selectbox(key="looked-target-13").value == 3
    assert (layout["shapes"][0]["y0"], layout["shapes"][0]["y1"]) == (2.5, 3.5)
    cells = shown[1]
    assert shown[0]["type"] == "heatmap"
    assert [cell[0] for cell in cells["customdata"]] == [row for row in range(13) for _ in range(6)]
    assert cells["y"][3 * 6] == shown[0]["y"][3]


def test_sliders_begin_where_the_address_says_and_need_not_be_moved_there(visit: Visit) -> None:
    app = visit("item", item=ITEM, horizon="5", tau="0.75")
    assert [list(app.slider(key=key).proto.default) for key in ("horizon", "tau")] == [[5], [75]]
    app.slider(key="horizon").set_value(7).run()
    assert app.slider(key="horizon").value == 7
    assert not app.warning


def test_a_week_beyond_the_horizon_is_not_asked_about(visit: Visit) -> None:
    app = visit("item", item=ITEM, target="2026-03-22", horizon="2")
    assert not app.exception
    assert app.selectbox(key="looked-target-2").value == 0


def test_own_mistakes_say_what_they_did_to_the_forecast(visit: Visit) -> None:
    app = opened(visit, "mistakes")
    assert "10 units too low" in text(app)
    assert "raised by 12 units** because forecasts of weeks like it were too low" in text(app)
    assert "Earlier forecasts of the same period" in text(app)


def test_feedback_that_brought_nothing_is_said_to(visit: Visit, desk: stand_in.State) -> None:
    desk.trusting = False
    app = opened(visit, "mistakes")
    assert "The forecast takes nothing of this back" in text(app)
    assert "raised by" not in text(app)
    assert '<th scope="col" class=n>Weight</th>' not in text(app)


def test_what_changed_is_a_bridge_that_closes(visit: Visit) -> None:
    app = opened(visit, "changes")
    bridge = figure(app, 1)["data"][0]["y"]
    assert sum(bridge[:-1]) == pytest.approx(bridge[-1])
    assert bridge[1:3] == pytest.approx([12 * 5.0, 12 * -2.0])
    assert "sold 101 where 95 had been expected" in text(app)
    assert "model therefore add nothing" in text(app)


def test_an_item_without_a_last_time_says_so(visit: Visit) -> None:
    app = opened(visit, "changes", item="SKU-0000")
    assert "no earlier forecast to compare with" in text(app)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_at_one_period_and_for_a_short_history(visit: Visit, section: str) -> None:
    opened(visit, section, item="SKU-0000", horizon="1")
