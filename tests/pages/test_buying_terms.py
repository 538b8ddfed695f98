"""Terms are saved for the scope of the list, change it at once, and stand in the arithmetic of the list and of an item."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
import stand_in
from streamlit.testing.v1 import AppTest

from pages.ui.buy_plan import order_table
from pages.ui.display import exports

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.success))


def fill(app: AppTest, **fields: float | str) -> AppTest:
    """Opens the section, types, and saves."""
    app.session_state["terms"] = True
    app.run()
    for label, value in fields.items():
        next(one for one in app.text_input if one.label.startswith(label.replace("_", " "))).set_value(str(value))
    return next(one for one in app.button if one.label.startswith("Save for")).click().run()


def test_what_is_saved_for_one_item_stands_in_its_arithmetic_and_survives(visit: Visit, desk: stand_in.State) -> None:
    address = {"scope": "item", "item": ITEM}
    app = fill(visit("buy_plan", **address), Give_or_take=1.0, Back_orders=9.0, On_order=5.0, They_arrive=8.0, Shelf_life=1.0)
    words = text(app)
    assert "Saved: 5 changes of terms" in words
    for visited in (words, text(visit("buy_plan", **address))):
        assert "for 3 weeks, give or take 1 week (P90)" in visited
        assert "(5 more arrive too late), with 9 back orders on top" in visited
        assert "its shelf life leaves room for" in visited
        assert "That is to have enough" not in visited, "less is bought than was asked for"
    again = visit("buy_plan", **address)
    again.session_state["terms"] = True
    words = text(again.run())
    assert "5 on order, units on order arrive in 8 weeks" in words
    assert "shelf life 1 week" in words
    assert "1 weeks" not in words


@pytest.mark.parametrize(
    ("label", "typed", "said"),
    [
        ("Lead time", "240", "Lead time, weeks: “240” is not between 0 and 60"),
        ("Give or take", "words", "“words” is not a number"),
        ("Shelf life", "-5", "“-5” is not between 1 and 520"),
        ("On hand", "1.240", "“1.240” may be 1,240 or 1.24"),
    ],
)
def test_a_term_that_cannot_be_meant_is_refused_with_a_word(
    visit: Visit, desk: stand_in.State, label: str, typed: str, said: str
) -> None:
    app = fill(visit("buy_plan"), **{label.replace(" ", "_"): typed, "Minimum_order": "7"})
    refused = " ".join(one.value for one in app.error).replace("\\", "")
    assert said in refused
    assert "Nothing was saved" in refused
    assert not stand_in.planner_store().terms("Corner shop").terms


def test_a_term_is_read_as_it_is_written(visit: Visit) -> None:
    words = text(fill(visit("buy_plan"), Lead_time="2,40", On_hand="1 200"))
    assert "Saved: 2 changes of terms" in words
    assert "lead time 2.4 weeks" in words
    assert "1200 on hand" in words


def test_what_is_saved_for_all_stands_in_the_list_and_in_its_file(visit: Visit, desk: stand_in.State) -> None:
    before = visit("buy_plan").metric[0].value
    app = fill(visit("buy_plan"), Cover_at_most=2.0, On_hand=3.0)
    assert app.metric[0].value != before
    assert "no stock on hand" not in text(app), "what somebody has set is not assumed"
    plan = stand_in.Purchases().plan(stand_in.BuySettings(), {}, stand_in.planner_store().terms("Corner shop").terms)
    rows = plan.lines(plan.places()[:25])
    assert "≤ room" in order_table._columns(rows, stand_in.about())
    order = order_table.table(plan, stand_in.about())
    file = list(csv.DictReader(io.StringIO(exports.as_csv(order, exports.Stamp("x", None, "m")).decode("utf-8-sig"))))
    assert {row["Limited by"] for row in file} == {"maximum cover"}
    assert {float(row["On hand"]) for row in file} == {3.0}


def test_what_somebody_else_set_meanwhile_is_not_overwritten(visit: Visit, desk: stand_in.State) -> None:
    app = visit("buy_plan")
    app.session_state["terms"] = True
    app.run()
    stand_in.planner_store().set_terms("Corner shop", "", "", {"lead_time": 6.0}, 0)
    next(one for one in app.text_input if one.label.startswith("Lead time, weeks") and one.placeholder == "not set").set_value(
        "4"
    )
    app = next(one for one in app.button if one.label.startswith("Save for")).click().run()
    assert "Somebody else has changed lead time of all items" in " ".join(one.value for one in app.error)
