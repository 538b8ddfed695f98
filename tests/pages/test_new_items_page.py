"""The page for products without history, and the lists of items alike: their numbers are the desk's, the address says all."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import stand_in
import streamlit as st
from seen import button, figures, links, worked
from streamlit.testing.v1 import AppTest

from data.facts import ItemFacts
from forecasting.core.types import Progress, Report
from forecasting.new_products.duplicate_items import Duplicate
from pages.ui.item import similar_items
from pages.ui.new_items import product_form

Visit = Callable[..., AppTest]


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    shown = [element.value for element in (*app.markdown, *app.caption, *app.subheader, *app.error, *app.warning)]
    return " ".join([*shown, *(element.proto.body for element in app.get("html"))])


def test_a_recent_item_is_answered_with_the_numbers_of_the_desk(visit: Visit) -> None:
    app = visit("new_items")
    assert app.title[0].value == "How will New oat drink launch?"
    assert "Expect about **178** units in the first 8 weeks" in text(app)
    assert figures(app) == {
        "Expected, first 8 weeks": "178",
        "8 times in 10 between": "82 – 222",
        "P90: 9 times in 10 fewer than": "222",
        "Of the nearest, failed": "20%",
    }
    assert "75% of it is 3 launches on record" in text(app)
    assert "<td class=n>55</td>" in text(app)  # P90 of the first week


def test_the_chart_shows_both_views_the_analogs_and_what_came(visit: Visit) -> None:
    chart = visit("new_items").get("plotly_chart")[0].proto
    names = [trace.get("name") for trace in json.loads(chart.spec)["data"]]
    assert names.count("Analogs, as they launched") == 3
    assert {"Eight in ten", "Median", "Network alone: 9 in 10 fewer", "Sold so far", "Your P90"} <= set(names)
    assert "P90 runs from" in chart.alt


def test_excluding_an_analog_recomputes_and_stands_in_the_address(visit: Visit) -> None:
    app = visit("new_items")
    without = visit("new_items", weigh=product_form.written({"A1": 0.0}))
    assert figures(app)["Expected, first 8 weeks"] == "178"
    assert figures(without)["Expected, first 8 weeks"] == "166"
    next(one for one in without.button if one.label == "Weigh them as learned").click().run()
    assert "weigh" not in without.query_params
    assert figures(without) == figures(app)


def test_the_table_of_analogs_is_taken_over_when_it_is_edited(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback reads the edits by row and writes them by item."""
    import streamlit as st

    params: dict[str, str] = {"weigh": "A0*2"}
    monkeypatch.setattr(st, "query_params", params)
    monkeypatch.setattr(st, "session_state", {"key": {"edited_rows": {"1": {"Use": False}, 2: {"Weight ×": "3"}}}})
    product_form.weigh("key", ("A0", "A1", "A2"))
    assert product_form.read(params["weigh"]) == {"A0": 2.0, "A1": 0.0, "A2": 3.0}
    memory: dict[str, object] = {"key": {"edited_rows": {0: {"Weight ×": "words"}, 2: {"Weight ×": "0,5"}}}}
    monkeypatch.setattr(st, "session_state", memory)
    product_form.weigh("key", ("A0", "A1", "A2"))
    assert product_form.read(params["weigh"]) == {"A0": 2.0, "A1": 0.0, "A2": 0.5}
    assert memory[product_form.REFUSED] == "Weight ×: “words” is not a number."
    monkeypatch.setattr(st, "session_state", {"key": {"edited_rows": {row: {"Use": True} for row in range(3)}}})
    product_form.weigh("key", ("A0", "A1", "A2"))
    assert "weigh" not in params


def test_excluding_every_analog_says_what_to_do(visit: Visit) -> None:
    assert "Give one of them some weight" in text(visit("new_items", weigh="A0*0~A1*0~A2*0"))


def test_a_product_is_described_with_the_catalogs_values(visit: Visit) -> None:
    app = visit("new_items", described="1")
    assert "describe a product" in text(app)
    box = next(one for one in app.selectbox if one.label == "Category")
    assert box.options == ["—", "Dairy", "Juice"]
    box.set_value("Dairy").run()
    assert app.query_params["is.category"] == "Dairy"
    assert app.title[0].value == "How will A new product launch?"
    assert next(one for one in app.selectbox if one.label == "Brand").options == ["—", "Alpine", "Own brand"]
    next(one for one in app.text_input if one.label == "Name").set_value("Oat cream").run()
    next(one for one in app.text_input if one.label == "Price").set_value("3,50 €").run()
    assert app.title[0].value == "How will Oat cream launch?"
    assert app.query_params["price"] == "3.5"
    address = app.code[0].value
    assert "is.category=Dairy" in address
    assert "called=Oat+cream" in address
    assert "launch=2026-01-04" in address


def test_the_address_opens_the_described_product(visit: Visit) -> None:
    address = {"is.category": "Dairy", "called": "Oat cream", "price": "3.5", "launch": "2026-02-01", "tau": "0.75"}
    app = visit("new_items", **address)
    assert app.title[0].value == "How will Oat cream launch?"
    assert "1 Feb 2026" in text(app)
    assert "P75: 3 times in 4 fewer than" in figures(app)


@pytest.mark.parametrize(
    "address",
    [{"price": "x", "called": "A", "is.category": "Dairy"}, {"launch": "soon", "is.category": "Dairy"}, {"weigh": "??"}],
)
def test_a_broken_address_shows_the_nearest_view(visit: Visit, address: dict[str, str]) -> None:
    assert text(visit("new_items", **address))


def test_an_item_that_is_not_recent_has_a_way_on(visit: Visit) -> None:
    assert "not among the recent items" in text(visit("new_items", recent="SKU-9999"))


def held(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Learning from launches that goes on until it is let go, or stopped; and who learned."""
    let_go, learned = threading.Event(), []

    def learn(desk: stand_in.PlanningService, report: Report) -> None:
        learned.append(threading.current_thread().name)
        report(Progress(1, 4, "Learning which launches were alike"))
        while not let_go.wait(0.01):
            report(Progress(1, 4, "Learning which launches were alike"))
        stand_in.STATE.launches = ""

    monkeypatch.setattr(stand_in.PlanningService, "learn_launches", learn)
    return let_go, learned


def test_launches_are_learned_from_beside_the_page_once_for_all_visitors(
    visit: Visit, desk: stand_in.State, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.launches = "not learned"
    let_go, learned = held(monkeypatch)
    one, other = visit("new_items"), visit("new_items")
    for app in (one, other):
        assert not app.exception, app.exception
        assert app.title[0].value == "What will a product without history do?"
        assert "You can go on working" in text(app)
        assert [button.label for button in app.button if button.label == "Stop"] == ["Stop"]
    item = visit("item", item="SKU-0003")
    item.session_state["similar"] = True
    assert "You can go on working" in text(item.run())
    let_go.set()
    for app in (one, other):
        assert worked(app).title[0].value == "How will New oat drink launch?"
    assert [query for label, query in links(worked(item)).items() if "0011" in label] == ["item=SKU-0011&tau=0.9"]
    assert learned == ["launches"]


def test_learning_that_was_stopped_begins_again_with_a_click_alone(
    visit: Visit, desk: stand_in.State, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.launches = "not learned"
    let_go, learned = held(monkeypatch)
    app = visit("new_items")
    button(app, "Stop").click().run()
    again = button(worked(app.run()), "Learn from the launches")
    assert len(learned) == 1
    let_go.set()
    again.click().run()
    assert worked(app).title[0].value == "How will New oat drink launch?"
    assert len(learned) == 2


def test_too_few_launches_to_learn_from_are_said_and_not_tried_again_and_again(visit: Visit, desk: stand_in.State) -> None:
    desk.launches = "few"
    app = worked(visit("new_items"))
    assert "could not be learned from. The catalog has 3 launches" in text(app).replace("\\", "")
    assert button(app, "Learn from the launches")


@pytest.mark.parametrize(("problem", "words"), [("plain", "has no attributes"), ("none recent", "describe a product")])
def test_what_is_lacking_is_said(visit: Visit, desk: stand_in.State, problem: str, words: str) -> None:
    desk.launches = problem
    assert words in text(visit("new_items")).replace("\\", "")


def test_without_a_model_the_analogs_answer_alone(visit: Visit, desk: stand_in.State) -> None:
    desk.trained = False
    app = visit("new_items")
    assert "no model serves this catalog yet" in text(app)
    assert "Train a model, to add its view" in links(app)


def test_the_record_is_what_was_measured_or_is_said_to_be_unknown(visit: Visit, desk: stand_in.State) -> None:
    app = visit("new_items")
    assert "57 launches" not in text(app)
    app.session_state["launch-record"] = True
    app.run()
    assert "On **57 launches**" in text(app)
    assert "**20% below** that of all launches of the category" in text(app)
    assert "**13% below** that of launches alike by attributes" in text(app)
    desk.launches = "untried"
    other = visit("new_items")
    other.session_state["launch-record"] = True
    assert "It is not known yet" in text(other.run())


def test_similar_items_of_an_item_are_linked(visit: Visit) -> None:
    app = visit("item", item="SKU-0003")
    assert "SKU\\-0011" not in " ".join(links(app))
    app.session_state["similar"] = True
    app.run()
    found = {label: query for label, query in links(app).items() if "0011" in label}
    assert list(found.values()) == ["item=SKU-0011&tau=0.9"]
    assert "Shares Bakery and Mill" in text(app)


def test_probable_duplicates_are_listed_when_asked_for(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (ItemFacts(f"SKU-{row}", f"Bread {row}", {}, {"price": 2.0}, 9.0) for row in (1, 2))
    monkeypatch.setattr(stand_in.PlanningService, "duplicates", lambda desk: (Duplicate(one, other, 0.91, 52),))
    app = visit("data")
    assert "Bread 1" not in text(app)
    app.session_state["duplicates"] = True
    app.run()
    assert "**1 pair** shares" in text(app)
    assert "Bread 1" in text(app)
    assert "0.91" in text(app)


def test_an_item_of_the_catalog_that_nothing_is_on_record_of_is_described_by_itself(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = stand_in.facts
    monkeypatch.setattr(stand_in, "facts", lambda number: replace(facts(number), recent_units=float("nan")))
    app = visit("new_items", recent="SKU-0005")
    assert facts(5).name in app.title[0].value
    shown = app.selectbox(key="recent")
    assert shown.value == "SKU-0005"
    assert "nothing on record yet" in shown.options[-1]
    monkeypatch.setattr(stand_in, "facts", facts)  # the same item with a past cannot be asked about as if it had none
    st.cache_resource.clear()
    assert "not among the recent items" in text(visit("new_items", recent="SKU-0005"))


def test_a_later_launch_says_what_is_known_of_its_time(visit: Visit) -> None:
    address = {"is.category": "Dairy", "called": "Oat cream"}
    assert "the later the launch" not in text(visit("new_items", **address))
    app = visit("new_items", **address, launch="2026-05-03")
    assert "reads the holidays of the launch's periods" in text(app)


def test_of_many_duplicates_the_page_shows_the_surest_and_the_file_has_all(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = tuple(Duplicate(stand_in.facts(row), stand_in.facts(row + 1), 0.9, 52) for row in range(2, 63))
    monkeypatch.setattr(stand_in.PlanningService, "duplicates", lambda desk: pairs)
    filed = []
    monkeypatch.setattr(similar_items, "downloads", lambda table, stamp, name: filed.append(len(table)))
    app = visit("data")
    app.session_state["duplicates"] = True
    app.run()
    assert "**61 pairs** share every attribute" in text(app)
    assert "Shown: the 50 surest of 61. The files have all of them." in text(app)
    assert filed == [61]


def test_today_sends_an_item_without_any_record_to_its_launch(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts = stand_in.Purchases.alerts
    monkeypatch.setattr(
        stand_in.Purchases, "alerts", lambda desk, *asked: replace(alerts(desk, *asked), known=np.zeros(1000, int))
    )
    found = stand_in.Purchases().alerts()
    first = next(one for one in found.of(range(len(found))) if one.reason == "new")
    assert first.known == 0
    assert f"recent={first.item_id}" in links(visit("today"))["See its launch"].split("&")


@pytest.mark.parametrize(
    ("launch", "nearest"),
    [("nat", "2026-01-04"), ("2024-01-31T00:00Z", "2026-01-04"), ("99999-01-01", "2026-01-04"), ("2999-01-01", "2026-12-28")],
)
def test_a_launch_date_that_no_calendar_knows_is_the_nearest_that_can_be(visit: Visit, launch: str, nearest: str) -> None:
    app = visit("new_items", **{"described": "1", "is.category": "Dairy", "launch": launch})
    assert not app.exception, app.exception
    assert f"{app.date_input[0].value:%Y-%m-%d}" == nearest
