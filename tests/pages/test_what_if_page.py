"""What if: the plan until something changes, and what the service says of another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import stand_in
from seen import button, figure, figures, slider, text
from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]
PAGES = ("today", "item", "what_if", "new_items", "buy_plan", "accuracy", "data")
ITEM = "SKU-0003"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def test_what_if_shows_the_plan_until_something_changes(visit: Visit) -> None:
    app = visit("what_if", item=ITEM)
    assert figures(app)["Units, next 13 weeks"] == "1,467"
    assert not [metric for metric in app.metric if metric.delta]
    assert button(app, "Reset").disabled


def test_a_lower_price_sells_more_and_the_page_says_what_the_desk_says(visit: Visit) -> None:
    app = visit("what_if", item=ITEM)
    slider(app, "Price in all periods, against the plan").set_value(-10).run()
    assert app.query_params["scenario"] == "p-10"
    assert figures(app) == {
        "Units, next 13 weeks": "1,709",
        "Revenue": "$3,829",
        "Margin": "$1,949",
        "8 times in 10 between": "1,198 – 2,044",
    }
    assert app.metric[0].delta == "+242 (+17%)"
    assert "A price 1% higher sells about 1.4% fewer units." in text(app)
    button(app, "Reset").click().run()
    assert "scenario" not in app.query_params


def test_a_price_never_seen_is_hatched_and_said(visit: Visit) -> None:
    inside = visit("what_if", item=ITEM, scenario="p-10")
    outside = visit("what_if", item=ITEM, scenario="p-10_3p1.00")
    for app, seen in ((inside, False), (outside, True)):
        names = {trace.get("name") for trace in figure(app)["data"]}
        assert ("Price never seen: unsure" in names) is seen
        assert ("Unsure where hatched" in text(app)) is seen
    assert "in 1 week of the scenario" in text(outside)
    assert "18 Jan 2026 †" in text(outside)


def test_a_promotion_is_asked_of_the_desk(visit: Visit) -> None:
    app = visit("what_if", item=ITEM)
    app.button_group(key="promotion").set_value("100").run()
    assert app.query_params["scenario"] == "m100"
    assert "With a promotion in full" in text(app)
    half = visit("what_if", item=ITEM, scenario="m50")
    assert "With a promotion at 50%" in text(half)


def test_a_promotion_harder_than_ever_is_hatched_and_said(visit: Visit) -> None:
    app = visit("what_if", item=ITEM, scenario="m100")
    assert "Promotion never seen: unsure" in {trace.get("name") for trace in figure(app)["data"]}
    assert "at most in 80% of stores promoted, and 13 weeks of the scenario asks for more" in text(app)


def test_what_nobody_plans_is_called_usual(visit: Visit) -> None:
    stand_in.STATE.planned = False
    item = visit("item", item=ITEM)
    assert "counts on **promotions as usual** (18% of stores, the mean of the last 13 weeks)" in text(item)
    assert "Promotion as usual" in text(item)
    app = visit("what_if", item=ITEM)
    assert app.button_group(key="promotion").options[0] == "As usual"
    assert "As usual you will sell about" in text(app)
    assert "Grey is what is usual" in text(app)


def test_single_periods_are_taken_over_together(visit: Visit) -> None:
    app = visit("what_if", item=ITEM, scenario="p-10")
    app.session_state["single"] = True
    app.run()
    key = f"edits/{ITEM}/13/"
    app.session_state[key] = {
        "edited_rows": {2: {"New price": "-3"}, 4: {"New promotion": "30"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    button(app, "Take over").click().run()
    assert app.query_params["scenario"] == "p-10"
    assert "is not between 0.01 and 99,999" in " ".join(one.value for one in app.error).replace("\\", "")
    app.session_state[key] = {
        "edited_rows": {2: {"New price": "2,10"}, 4: {"New promotion": "30"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    button(app, "Take over").click().run()
    assert not app.exception
    assert app.query_params["scenario"] == "p-10_3p2.10_5m30"
    assert "2 weeks set by hand" in text(app)


def test_an_item_without_a_cost_says_why_it_has_no_margin(visit: Visit) -> None:
    app = visit("what_if", item="SKU-0004", scenario="p-10")
    margin = next(metric for metric in app.metric if metric.label == "Margin")
    assert margin.value == "—"
    assert "no unit cost" in margin.help
