"""Every page through app.py and alone: its numbers are the desk's, and it says what to do where it has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import stand_in
from streamlit.testing.v1 import AppTest

from pages.ui.display import formats

Visit = Callable[..., AppTest]
PAGES = ("today", "item", "what_if", "new_items", "buy_plan", "accuracy", "data")
ITEM = "SKU-0003"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


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


# every page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_a_question_through_the_router_and_alone(visit: Visit, alone: Visit, name: str) -> None:
    for app in (visit(name, item=ITEM), alone(name, item=ITEM)):
        assert title(app).endswith("?")
        assert len(app.title) == 1
        assert {"Today", "Item", "What if", "New items", "Buy plan", "Accuracy", "Data"} <= set(links(app))


def test_app_py_run_as_a_script_is_the_router(desk: stand_in.State) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS).run()
    assert title(app) == "What needs me today?"
    app.switch_page("pages/item.py")
    app.query_params["item"] = ITEM
    assert "Rye bread" in title(app.run())


@pytest.mark.parametrize("name", PAGES)
def test_the_sidebar_has_catalog_search_and_selection_in_the_same_order(visit: Visit, name: str) -> None:
    app = visit(name, item=ITEM)
    notes = [element.proto.body for element in app.sidebar.get("html")]
    assert "Corner shop" in notes[0]
    assert "240 items, 104 weeks to 28 Dec 2025" in notes[0]
    assert ITEM in notes[1]
    assert [box.label for box in app.sidebar.text_input] == ["Find an item"]


@pytest.mark.parametrize("name", PAGES)
def test_without_a_catalog_every_page_says_so_and_leads_to_the_data(visit: Visit, desk: stand_in.State, name: str) -> None:
    desk.catalog = False
    app = visit(name, item=ITEM)
    assert title(app)
    assert "Load the demo" in text(app)
    assert "Data" in links(app)


@pytest.mark.parametrize("name", ["item", "what_if"])
def test_without_a_model_the_item_pages_lead_to_training(visit: Visit, desk: stand_in.State, name: str) -> None:
    desk.trained = False
    app = visit(name, item=ITEM)
    assert "There is no model for this data yet" in text(app)
    assert "Train one" in links(app)


@pytest.mark.parametrize("name", ["item", "what_if"])
def test_an_unknown_item_and_none_at_all_have_a_way_back(visit: Visit, name: str) -> None:
    unknown = visit(name, item="SKU-9999")
    assert "SKU\\-9999" in text(unknown)
    assert "See all items" in links(unknown)
    nothing = visit(name)
    assert "Choose an item first" in text(nothing)
    assert not nothing.get("plotly_chart")


@pytest.mark.parametrize("address", [{"tau": "nan"}, {"tau": "7", "horizon": "x"}, {"horizon": "-4"}, {"scenario": "p9x_m"}])
def test_a_broken_address_shows_the_nearest_view(visit: Visit, address: dict[str, str]) -> None:
    for name in ("item", "what_if"):
        assert "Rye bread" in title(visit(name, item=ITEM, **address))


def test_the_search_finds_items_and_keeps_the_view(visit: Visit) -> None:
    app = visit("item", item=ITEM, tau="0.75", scenario="p-10")
    app.sidebar.text_input[0].set_value("sku-0010").run()
    hits = {label: query for label, query in links(app).items() if "0010" in label}
    assert list(hits.values()) == ["item=SKU-0010&tau=0.75"]
    app.sidebar.text_input[0].set_value("no such thing").run()
    assert "Nothing found" in text(app)


def test_a_name_with_signs_is_shown_as_it_is_written(visit: Visit) -> None:
    app = visit("item", item="SKU-0001")
    assert formats.plain(stand_in.facts(1).name) in title(app)
    assert "<b>juice</b>" not in text(app)


# Today


def test_today_shows_the_catalog_and_the_ranking(visit: Visit) -> None:
    app = visit()
    rows = stand_in.Desk().today().rows
    total = sum(row.expected_units for row in stand_in.Desk().today(limit=999).rows)
    assert figures(app) == {
        "Items": "240",
        "Weeks on record": "104",
        "Units, next 13 weeks": formats.units(total),
        "Newest week": "28 Dec 2025",
    }
    assert formats.units(rows[0].expected_units) in text(app)
    assert f"{formats.units(rows[1].low)} – {formats.units(rows[1].high)}" in text(app)
    named = [query for label, query in links(app).items() if label.startswith(":primary")]
    assert named[:3] == [f"item={row.item_id}&tau=0.9" for row in rows[:3]]
    assert len(named) == 20


@pytest.mark.parametrize("order", ["uncertain", "recent"])
def test_today_can_be_ranked_otherwise_and_the_address_says_how(visit: Visit, order: str) -> None:
    app = visit()
    app.button_group(key="order").set_value(order).run()
    first = stand_in.Desk().today(order, 1).rows[0]
    assert app.query_params["order"] == order
    assert first.item_id in next(label for label in links(app) if label.startswith(":primary")).replace("\\", "")


def test_today_is_paged_and_searched_by_the_desk(visit: Visit) -> None:
    app = visit(q="coffee", page="2", order="expected")
    rows = stand_in.Desk().today("expected", 20, 20, "coffee").rows
    assert [query for label, query in links(app).items() if label.startswith(":primary")] == [
        f"item={row.item_id}&tau=0.9" for row in rows
    ]
    nothing = visit(q="no such thing")
    assert "No item matches" in text(nothing)
    beyond = visit(page="999")
    assert not beyond.exception


def test_today_without_forecasts_ranks_by_recent_sales_and_offers_to_make_them(visit: Visit, desk: stand_in.State) -> None:
    desk.summarised = False
    app = visit()
    assert figures(app)["Units, next 13 weeks"] == "—"
    assert "still to be made" in text(app)
    button(app, "Forecast all items now").click().run()
    assert desk.summarised
    assert figures(app)["Units, next 13 weeks"] != "—"


# Item


def test_the_item_page_shows_the_numbers_of_the_desk(visit: Visit) -> None:
    app = visit("item", item=ITEM, horizon="4", tau="0.75")
    fan = stand_in.Desk().item(ITEM, 4).forecast
    expected, chosen = float(fan.span_mean()[0, -1]), float(fan.span_at(0.75)[0, -1])
    low, high = (float(fan.span_at(tau)[0, -1]) for tau in (0.1, 0.9))
    assert figures(app) == {
        "Expected, next 4 weeks": formats.units(expected),
        "8 times in 10 between": f"{formats.units(low)} – {formats.units(high)}",
        "P75: 3 times in 4 fewer than": formats.units(chosen),
        "Price elasticity": formats.elasticity_figure(stand_in.elasticity(3)),
    }
    assert f"3 times in 4 you will sell **fewer than {formats.units(chosen)}**" in text(app)
    assert f"<td class=n>{formats.units(float(fan.at(0.75)[0, 2]))}</td>" in text(app)
    assert len(figure(app)["layout"]["annotations"]) >= 2
    assert "P75 runs from" in app.get("plotly_chart")[0].proto.alt


def test_moving_the_sliders_rewrites_the_address(visit: Visit) -> None:
    app = visit("item", item=ITEM)
    slider(app, "Chosen quantile").set_value(60).run()
    slider(app, "How many weeks ahead").set_value(5).run()
    assert app.query_params["tau"] == "0.6"
    assert app.query_params["horizon"] == "5"
    assert "Expected, next 5 weeks" in figures(app)
    assert "P60: 3 times in 5 fewer than" in figures(app)


def test_the_address_moves_the_sliders(visit: Visit) -> None:
    app = visit("item", item=ITEM, tau="0.75")
    app.query_params["tau"] = "0.25"
    app.query_params["horizon"] = "2"
    app.run()
    assert slider(app, "Chosen quantile").value == 25
    assert slider(app, "How many weeks ahead").value == 2


def test_the_link_of_a_view_says_all_of_it(visit: Visit) -> None:
    app = visit("item", item=ITEM, tau="0.75")
    assert app.code[0].value.endswith("/item?item=SKU-0003&tau=0.75&horizon=13")
    there = visit("what_if", item=ITEM, scenario="p-10")
    assert there.code[0].value.endswith("/what_if?item=SKU-0003&tau=0.9&scenario=p-10&horizon=13")


def test_a_short_history_is_said(visit: Visit) -> None:
    assert "Only 6 weeks on record" in text(visit("item", item="SKU-0000"))
    assert "on record:" not in text(visit("item", item=ITEM))


def test_earlier_forecasts_cost_nothing_until_they_are_opened(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    answer = stand_in.Desk.past_fans
    monkeypatch.setattr(stand_in.Desk, "past_fans", lambda *a: asked.append(a) or answer(*a))
    app = visit("item", item=ITEM)
    assert not asked
    app.session_state["past"] = True
    app.run()
    assert asked
    inside = known = 0
    for fan in stand_in.Desk().past_fans(ITEM, 13):
        low, high = fan.forecast.at(0.1)[0], fan.forecast.at(0.9)[0]
        inside, known = inside + int(((fan.actual >= low) & (fan.actual <= high)).sum()), known + len(fan.actual)
    assert f"**{inside} of {known}**" in text(app)
    assert len(app.get("plotly_chart")) == 2
    assert any("networks that had not learned from the periods" in caption.value for caption in app.caption)


# What-if


def test_what_if_shows_the_plan_until_something_changes(visit: Visit) -> None:
    app = visit("what_if", item=ITEM)
    before = stand_in.Desk().scenario(ITEM, 13, stand_in.PlanChange()).before
    assert figures(app)["Units, next 13 weeks"] == formats.units(before.units)
    assert not [metric for metric in app.metric if metric.delta]
    assert button(app, "Reset").disabled


def test_a_lower_price_sells_more_and_the_page_says_what_the_desk_says(visit: Visit) -> None:
    app = visit("what_if", item=ITEM)
    slider(app, "Price in all periods, against the plan").set_value(-10).run()
    plan = stand_in.Desk().item(ITEM)
    view = stand_in.Desk().scenario(ITEM, 13, stand_in.PlanChange(plan.plan_price * 0.9, None))
    assert app.query_params["scenario"] == "p-10"
    assert figures(app) == {
        "Units, next 13 weeks": formats.units(view.after.units),
        "Revenue": formats.money(view.after.revenue),
        "Margin": formats.money(view.after.margin),
        "8 times in 10 between": f"{formats.units(view.after.low)} – {formats.units(view.after.high)}",
    }
    assert view.after.units > view.before.units
    assert app.metric[0].delta == formats.unit_change(view.before.units, view.after.units)
    assert formats.elasticity(view.elasticity) in text(app)
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
        "edited_rows": {2: {"New price": 2.1}, 4: {"New promotion": 30}},
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


# Data


def test_data_shows_what_is_loaded_and_what_the_import_found(visit: Visit) -> None:
    app = visit("data")
    assert figures(app)["Items"] == "240"
    assert "12 items have no price in their first weeks." in text(app)
    assert "▲ worth mending" in text(app)
    assert "It fits the data that is loaded" in text(app)


def test_a_model_older_than_the_data_is_said(visit: Visit, desk: stand_in.State) -> None:
    desk.stale = True
    app = visit("data")
    assert "trained on other data" in app.warning[0].value


def test_training_shows_progress_can_be_stopped_and_taken_up(visit: Visit) -> None:
    from pages.ui.resources import service

    app = visit("data")
    button(app, "Train on this data").click().run()
    assert app.get("progress")
    assert "seconds left" in app.get("progress")[0].proto.text
    button(app, "Stop training").click().run()
    app.run()
    assert "Stopped at" in text(app)
    button(app, "Resume training").click().run()
    while service.training().running:
        app.run()
    app.run()
    assert not app.exception
    assert not app.get("progress")


def test_a_training_that_failed_says_why(visit: Visit) -> None:
    from pages.ui.resources import service

    service.training().failed = "No space is left."
    assert "No space is left" in text(visit("data"))


def test_the_demo_and_a_simulated_catalog_can_be_loaded(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data", item=ITEM)
    app.button_group(key="source/upload").set_value("demo").run()
    button(app, "Load the demo").click().run()
    assert desk.loaded == ["complete journey"]
    assert app.success[0].value == "The demo is loaded."
    assert "item" not in app.query_params
    app.button_group(key="source/upload").set_value("simulated").run()
    app.number_input[0].set_value(500).run()
    button(app, "Make and load it").click().run()
    assert desk.loaded[-1] == "simulated 500 104 1 ['holidays', 'launches', 'stockouts']"


def test_a_file_is_read_mapped_and_loaded(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload(), "text/csv")).run()
    assert not app.exception
    assert "2 items" in text(app)
    assert next(box for box in app.selectbox if box.label == "Item (needed)").value == "sku"
    button(app, "Load it").click().run()
    assert desk.loaded == ["mine: 60 rows of mine.csv"]


def test_a_file_that_breaks_the_contract_is_not_loaded_and_says_which_rows(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload().replace(b",7,", b",-7,"), "text/csv")).run()
    assert "It cannot be loaded like this" in app.error[0].value
    assert "row" in app.error[0].value
    assert button(app, "Load it").disabled
    empty = visit("data")
    empty.file_uploader[0].set_value(("empty.csv", b"", "text/csv")).run()
    assert not empty.exception
    assert empty.error
    assert not desk.loaded


def test_the_planner_can_say_otherwise_what_a_column_is(visit: Visit) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload(), "text/csv")).run()
    next(box for box in app.selectbox if box.label == "Price").set_value("—")
    button(app, "Read it like this").click().run()
    assert not app.exception
    assert next(box for box in app.selectbox if box.label == "Price").value == "—"


def upload() -> bytes:
    """Two items over 30 weeks."""
    import pandas as pd

    weeks = pd.date_range("2025-01-05", periods=30, freq="W-SUN")
    rows = [
        f"{sku},{week:%Y-%m-%d},{units % 9},{2.5},{kind}"
        for sku, kind in (("A", "tea"), ("B", "soap"))
        for units, week in enumerate(weeks)
    ]
    return "\n".join(["sku,week,units,price,category", *rows]).encode()
