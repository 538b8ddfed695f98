"""Today says what needs somebody, with numbers and a way on, and forgets what was dealt with."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import stand_in
from streamlit.testing.v1 import AppTest

from pages.ui import attention, formats

Visit = Callable[..., AppTest]


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def first() -> object:
    return stand_in.Desk().concerns().of([0])[0]


@pytest.fixture
def stocked(desk: stand_in.State) -> stand_in.State:
    desk.stocked = True
    return desk


def test_what_is_at_risk_is_named_dearest_first_with_a_way_to_its_answer(visit: Visit, stocked: stand_in.State) -> None:
    app = visit()
    found = stand_in.Desk().concerns()
    total = formats.money(float(found.money.sum()))
    assert f"**{len(found)} items** may cost you about **{total}**" in text(app)
    about = stand_in.Desk().figures()
    for concern in found.of(range(attention.FIRST)):
        assert attention.sentence(concern, about) in text(app)
    ways = [link.proto for link in app.get("page_link") if link.proto.label in ("Buy", "Lower the price", "Look at it")]
    assert len(ways) == attention.FIRST
    dearest = first()
    assert dearest.reason == "shortage"
    assert ways[0].query_string == f"item={dearest.item_id}&tau=0.9&scope=item"


@pytest.mark.parametrize("title", ["Reviewed", "Snooze"])
def test_what_was_dealt_with_is_gone_and_can_be_brought_back(visit: Visit, stocked: stand_in.State, title: str) -> None:
    app = visit()
    gone = attention.sentence(first(), stand_in.Desk().figures())
    app = next(one for one in app.button if one.label == title).click().run()
    assert gone not in text(app)
    assert gone not in text(visit()), "a reload remembers it"
    app.session_state["dealt with"] = True
    app.run()
    assert gone in text(app)
    app = next(one for one in app.button if one.label == "Bring back").click().run()
    assert gone in text(visit())


def test_more_can_be_shown(visit: Visit, stocked: stand_in.State) -> None:
    app = visit()
    app = next(one for one in app.button if one.label.startswith("Show more")).click().run()
    ways = [link for link in app.get("page_link") if link.proto.label in ("Buy", "Lower the price", "Look at it")]
    assert len(ways) == attention.FIRST + attention.MORE


def test_a_catalog_without_stock_says_so_and_names_its_new_item(visit: Visit) -> None:
    words = text(visit())
    assert "no stock on hand, so nobody can say what will run out" in words
    assert "is new (6 weeks on record)" in words


def test_old_data_is_said_to_be_old() -> None:
    about = stand_in.Desk().figures()
    assert attention.stale(about, "2026-01-10") == ""
    assert attention.stale(about, "2026-03-08") == "The newest week is 28 Dec 2025, 10 weeks ago."
