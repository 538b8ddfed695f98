"""The address says everything that a view needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.ui.shell.scenario_code import Scenario
from pages.ui.shell.url_state import Selection, horizon_within, on_change


def test_a_selection_stands_in_the_address_in_full() -> None:
    chosen = Selection("SKU-1", 8, 0.75, Scenario(-10))
    assert chosen.address() == {"item": "SKU-1", "tau": "0.75", "horizon": "8", "scenario": "p-10"}
    assert Selection("SKU-1").address() == {"item": "SKU-1", "tau": "0.9"}
    assert Selection().address() == {}


def test_another_item_keeps_the_view_but_not_the_scenario() -> None:
    chosen = Selection("SKU-1", 8, 0.75, Scenario(-10))
    assert chosen.with_item("SKU-2") == Selection("SKU-2", 8, 0.75)
    assert chosen.with_item("SKU-1") is chosen


def test_a_horizon_is_kept_within_what_the_model_answers() -> None:
    assert [horizon_within(chosen, 13) for chosen in (None, 0, 5, 99)] == [13, 1, 5, 13]


@pytest.mark.parametrize(
    ("page", "address", "first"),
    [
        ("buy_plan", {"by": "costs", "scope": "category", "lost": "1.5", "budget": "250"},
         {"by": [1], "scope": [1], "lost": "1.5", "unsold": "25", "budget": "250", "show": [0]}),
        ("buy_plan", {"tau": "0.75", "q": "milk"}, {"by": [0], "tau": [75.0], "tau typed": "75", "buy q": "milk"}),
        ("today", {"order": "recent", "q": "SKU"}, {"order": [2], "q": "SKU"}),
        ("what_if", {"item": "SKU-0003", "scenario": "p-10_m100"}, {"price": [-10.0], "promotion": [2]}),
        ("new_items", {"described": "1", "called": "Soap", "price": "2.5"},
         {"which": [1], "new name": "Soap", "new price": "2.5"}),
    ],
)  # fmt: skip
def test_a_widget_is_made_with_what_the_address_says(
    visit: Callable[..., AppTest], page: str, address: dict[str, str], first: dict[str, object]
) -> None:
    """A page may run twice as it opens, and the browser then sees the second run alone."""
    app = visit(page, **address).run()
    assert not app.exception, app.exception
    kinds = (app.button_group, app.text_input, app.slider)
    made = {one.key: one.proto for kind in kinds for one in kind}
    seen = {key: list(made[key].default) if isinstance(value, list) else made[key].default for key, value in first.items()}
    assert seen == first


def test_a_click_on_a_page_that_was_left_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    address = {"tau": "0.9"}
    monkeypatch.setattr(st, "session_state", {"tau": 75})
    monkeypatch.setattr(st, "query_params", address)
    write = on_change("tau", "tau", lambda percent: f"{percent / 100:g}")
    write()
    assert address == {"tau": "0.75"}
    st.session_state.clear()
    write()
    assert address == {"tau": "0.75"}
