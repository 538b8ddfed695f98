"""Every page through app.py and alone: its numbers are the desk's, and it says what to do where it has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import stand_in
from seen import button, figure, figures, links, slider, text, title, worked
from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]
PAGES = ("today", "item", "what_if", "new_items", "buy_plan", "accuracy", "data")
ITEM = "SKU-0003"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


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
    assert "240 items, 104 weeks to the week ending 28 Dec 2025" in notes[0]
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
    assert bool(app.get("plotly_chart")) == (name == "item"), "what the item sold is shown before there is a forecast"


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
    assert r'=HYPERLINK\("x"\) \*bold\* \<b\>juice\</b\> \[a\]\(b\) \$1\$' in title(app)
    assert "<b>juice</b>" not in text(app)


# Today


def test_today_shows_the_catalog_and_the_ranking(visit: Visit) -> None:
    app = visit()
    assert figures(app) == {
        "Items": "240",
        "Weeks on record": "104",
        "Units, next 13 weeks": "37,838",
        "Newest week": "28 Dec 2025",
    }
    assert "2,264" in text(app)  # expected of the first item
    assert "1,251 – 2,136" in text(app)  # the range of the second
    named = [query for label, query in links(app).items() if label.startswith(":primary")]
    assert named[:3] == ["item=SKU-0001&tau=0.9", "item=SKU-0002&tau=0.9", "item=SKU-0003&tau=0.9"]
    assert len(named) == 20


@pytest.mark.parametrize("order", ["uncertain", "recent"])
def test_today_can_be_ranked_otherwise_and_the_address_says_how(visit: Visit, order: str) -> None:
    app = visit()
    app.button_group(key="order").set_value(order).run()
    first = stand_in.Forecasts().today(order, 1).rows[0]
    assert app.query_params["order"] == order
    assert first.item_id in next(label for label in links(app) if label.startswith(":primary")).replace("\\", "")


def test_today_is_paged_and_searched_by_the_desk(visit: Visit) -> None:
    app = visit(q="coffee", page="2", order="expected")
    rows = stand_in.Forecasts().today("expected", 20, 20, "coffee").rows
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
    worked(button(app, "Forecast all items now").click().run())
    assert desk.summarised
    assert figures(app)["Units, next 13 weeks"] != "—"


# Item


def test_the_item_page_shows_the_numbers_of_the_desk(visit: Visit) -> None:
    app = visit("item", item=ITEM, horizon="4", tau="0.75")
    assert figures(app) == {
        "Expected, next 4 weeks": "380",
        "8 times in 10 between": "240 – 523",
        "P75: 3 times in 4 fewer than": "437",
        "Price elasticity": "−1.4",
    }
    assert "3 times in 4 you will sell **fewer than 437**" in text(app)
    assert "<td class=n>116</td>" in text(app)  # P75 of the third week
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
    answer = stand_in.Items.past_forecasts
    monkeypatch.setattr(stand_in.Items, "past_forecasts", lambda *a: asked.append(a) or answer(*a))
    app = visit("item", item=ITEM)
    assert not asked
    app.session_state["past"] = True
    app.run()
    assert asked
    assert "**39 of 52**" in text(app)
    assert len(app.get("plotly_chart")) == 2
    assert any("networks that had not learned from the periods" in caption.value for caption in app.caption)
