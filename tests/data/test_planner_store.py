"""What planners decide is kept, all of a change or nothing, and never overwritten unseen."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.errors import ConfigurationError, ResourceError
from data.fiscal_calendar import FiscalCalendar
from data.planner_store import PlannerStore, Review, Term

DATE = "2025-12-28"


@pytest.fixture
def store(tmp_path: Path) -> PlannerStore:
    return PlannerStore(tmp_path / "home" / "planner.sqlite")


def test_quantities_survive_and_belong_to_a_catalog_and_a_creation_date(store: PlannerStore, tmp_path: Path) -> None:
    saved = store.set_quantities("shop", DATE, {"A": 12, "B": 0}, 0)
    again = PlannerStore(tmp_path / "home" / "planner.sqlite").quantities("shop", DATE)
    assert again == saved
    assert dict(again.units) == {"A": 12, "B": 0}
    assert not store.quantities("shop", "2026-01-04").units
    assert not store.quantities("other shop", DATE).units


def test_a_quantity_taken_back_is_worked_out_again(store: PlannerStore) -> None:
    version = store.set_quantities("shop", DATE, {"A": 12, "B": 3}, 0).version
    assert dict(store.set_quantities("shop", DATE, {"A": None}, version).units) == {"B": 3}


def test_a_change_made_on_an_old_version_is_refused_and_nothing_of_it_is_kept(store: PlannerStore) -> None:
    seen = store.quantities("shop", DATE).version
    store.set_quantities("shop", DATE, {"A": 12}, seen)
    with pytest.raises(ResourceError, match="changed A since"):
        store.set_quantities("shop", DATE, {"B": 5, "A": 24}, seen)
    assert dict(store.quantities("shop", DATE).units) == {"A": 12}
    assert dict(store.set_quantities("shop", DATE, {"B": 5}, seen).units) == {"A": 12, "B": 5}, "another item may change"


def test_taking_back_counts_as_a_change(store: PlannerStore) -> None:
    seen = store.set_quantities("shop", DATE, {"A": 12}, 0).version
    store.set_quantities("shop", DATE, {"A": None}, seen)
    with pytest.raises(ResourceError, match="Reload"):
        store.set_quantities("shop", DATE, {"A": 1}, seen)


@pytest.mark.parametrize("units", [-1.0, float("nan"), float("inf")])
def test_units_that_cannot_be_bought_are_refused(store: PlannerStore, units: float) -> None:
    with pytest.raises(ConfigurationError, match="cannot be bought"):
        store.set_quantities("shop", DATE, {"A": units}, 0)


def test_several_planners_save_at_once(store: PlannerStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.set_quantities("shop", DATE, {f"item {number}": number}, 0), range(24)))
    assert len(store.quantities("shop", DATE).units) == 24


def test_the_audit_only_grows(store: PlannerStore, tmp_path: Path) -> None:
    version = store.set_quantities("shop", DATE, {"A": 12}, 0).version
    store.set_quantities("shop", DATE, {"A": None}, version)
    connection = sqlite3.connect(tmp_path / "home" / "planner.sqlite")
    try:
        assert connection.execute("SELECT item_id, value FROM audit ORDER BY id").fetchall() == [("A", "12"), ("A", None)]
        assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    finally:
        connection.close()


def test_a_review_is_kept_replaced_and_taken_back(store: PlannerStore) -> None:
    store.set_review("shop", Review("shortage", "A", "reviewed", 120.0, DATE))
    store.set_review("shop", Review("shortage", "A", "snoozed", 90.0, DATE))
    store.set_review("shop", Review("overstock", "A", "reviewed", 5.0, DATE))
    assert store.reviews("shop") == (
        Review("overstock", "A", "reviewed", 5.0, DATE),
        Review("shortage", "A", "snoozed", 90.0, DATE),
    )
    store.forget_review("shop", "shortage", "A")
    assert [one.reason for one in store.reviews("shop")] == ["overstock"]


def test_a_file_that_is_no_store_is_said_to_be_unusable(tmp_path: Path) -> None:
    (tmp_path / "planner.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(ResourceError, match="cannot be used"):
        PlannerStore(tmp_path / "planner.sqlite").quantities("shop", DATE)


def test_terms_belong_to_a_scope_and_are_not_overwritten_unseen(store: PlannerStore) -> None:
    first = store.set_terms("shop", "", "", {"lead_time": 3, "shelf_life": 2}, 0)
    second = store.set_terms("shop", "Dairy", "", {"shelf_life": 1}, first.version)
    third = store.set_terms("shop", "", "A", {"back_orders": 7}, second.version)
    assert store.terms("shop") == third
    assert set(third.terms) == {
        Term("lead_time", 3),
        Term("shelf_life", 2),
        Term("shelf_life", 1, category="Dairy"),
        Term("back_orders", 7, item_id="A"),
    }
    assert not store.terms("other shop").terms
    with pytest.raises(ResourceError, match="shelf life of category Dairy"):
        store.set_terms("shop", "Dairy", "", {"pack_size": 6, "shelf_life": 4}, first.version)
    assert store.terms("shop") == third, "nothing of it is kept"
    with pytest.raises(ConfigurationError, match="0 or more"):
        store.set_terms("shop", "", "", {"lead_time": -1}, third.version)
    assert Term("lead_time", 3) not in store.set_terms("shop", "", "", {"lead_time": None}, third.version).terms


def test_a_fiscal_calendar_belongs_to_a_catalog_and_is_taken_away_again(store: PlannerStore) -> None:
    calendar = FiscalCalendar("4-5-4", "2023-01-29", "nearest", "begins")
    assert store.calendar("shop").calendar is None
    saved = store.set_calendar("shop", calendar, 0)
    assert store.calendar("shop") == saved
    assert saved.calendar == calendar
    assert store.calendar("other shop").calendar is None
    with pytest.raises(ResourceError, match="fiscal calendar since"):
        store.set_calendar("shop", None, 0)
    assert store.set_calendar("shop", None, saved.version).calendar is None
