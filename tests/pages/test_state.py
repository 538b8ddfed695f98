"""The address says everything that a view needs."""

from __future__ import annotations

from pages.ui.scenarios import Scenario
from pages.ui.state import Selection, horizon_within


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
