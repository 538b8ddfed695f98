"""The history ledger: what a mark does to a panel, what it leaves alone, and that it comes back when it is undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from catalogs import assert_same, panel_of, write
from factories import counting_panel, make_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from data.corrected_catalog import CorrectedCatalog
from data.errors import ConfigurationError, ResourceError
from data.groups import group_series
from data.history_marks import CHANGING, Ledger, Mark, corrected, corrected_groups
from data.planner_store import PlannerStore

PANEL = make_panel(6, 30)
STAMPS = [f"{stamp:%Y-%m-%d}" for stamp in PANEL.periods]


def mark(kind: str, first: int, last: int | None = None, **more: object) -> Mark:
    whom = {"item_id": "item 2"} if kind != "event" else {"name": "Strike"}
    return Mark(kind, STAMPS[first], STAMPS[first if last is None else last], **(whom | {"reason": "so it was"} | more))


@st.composite
def marks(draw: st.DrawFn) -> Mark:
    kind = draw(st.sampled_from(CHANGING))
    first = draw(st.integers(0, 29))
    whom: dict[str, object] = {"item_id": f"item {draw(st.integers(0, 5))}"}
    if kind == "event":
        whom = draw(st.sampled_from([whom, {"category": "tea"}, {}])) | {"name": "Strike"}
    if kind in ("wrong", "one-off"):
        whom["units"] = draw(st.floats(0, 1e4, width=32))
    return Mark(kind, STAMPS[first], STAMPS[draw(st.integers(first, 29))], **whom)


@given(st.lists(marks(), max_size=5))
@settings(max_examples=60, deadline=None)
def test_marking_twice_is_marking_once_and_nothing_else_changes(ledger: list[Mark]) -> None:
    once = corrected(PANEL, ledger)
    assert_same(corrected(once, ledger), once)
    named = {one.item_id for one in ledger}
    for row, item_id in enumerate(PANEL.item_ids):
        if item_id not in named and "" not in named:
            np.testing.assert_array_equal(once.demand[row], PANEL.demand[row])
    assert (once.known, once.past) == (PANEL.known, PANEL.past)
    assert_same(corrected(PANEL, []), PANEL)


def test_each_kind_does_what_it_says() -> None:
    row = 2
    assert corrected(PANEL, [mark("wrong", 5, units=7.0)]).demand[row, 5] == 7
    assert corrected(PANEL, [mark("one-off", 5, 6, units=3.0)]).demand[row, 5:7].tolist() == [3, 3]
    assert np.isnan(corrected(PANEL, [mark("one-off", 5)]).demand[row, 5])
    out = corrected(PANEL, [mark("out of stock", 5, 6)])
    assert out.in_stock[row, 5:7].tolist() == [0, 0]
    assert out.out_of_stock[row, 5:7].all()
    np.testing.assert_array_equal(out.demand, PANEL.demand)
    tea = corrected(PANEL, [mark("event", 5, category="tea")])
    assert np.isnan(tea.demand[:, 5]).tolist() == [False, True] * 3
    assert np.isnan(corrected(PANEL, [mark("event", 5)]).demand[:, 5]).all()
    assert corrected(PANEL, [mark("right", 5)]) is PANEL
    assert corrected(PANEL, [mark("wrong", 5, units=7.0, item_id="gone")]) is PANEL


def test_of_two_marks_of_a_period_the_later_counts() -> None:
    twice = [mark("wrong", 5, units=7.0), mark("one-off", 5, units=2.0)]
    assert corrected(PANEL, twice).demand[2, 5] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": STAMPS[3], "last": STAMPS[1]},
        {"first": "2024-3-4"},
        {"units": -1.0},
        {"kind": "wrong", "units": None},
        {"kind": "event", "name": " "},
        {"item_id": ""},
        {"kind": "replaces", "other": "item 2"},
        {"kind": "replaces", "other": "item 1", "units": 0.0},
        {"kind": "nonsense"},
    ],
)
def test_a_mark_that_cannot_be_meant_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Mark(**({"kind": "one-off", "first": STAMPS[1], "last": STAMPS[2], "item_id": "item 2"} | wrong))


@given(st.lists(marks().filter(lambda one: not one.category), max_size=5))
@settings(max_examples=40, deadline=None)
def test_group_sums_are_those_of_the_corrected_items(ledger: list[Mark]) -> None:
    named = [row for row, item_id in enumerate(PANEL.item_ids) if item_id in {one.item_id for one in ledger}] or [0]
    found = corrected_groups(PANEL.take(named), ledger)
    for got, expected in zip(found, group_series(corrected(PANEL, ledger)), strict=True):
        np.testing.assert_allclose(got.demand, expected.demand, rtol=1e-5, atol=0.05)
        np.testing.assert_array_equal(got.sellers, expected.sellers)


def test_an_event_of_a_category_leaves_its_sum_unknown_and_the_sum_of_all_without_it() -> None:
    panel = counting_panel(4)
    panel = replace(panel, static={"category": np.array(["a", "b", "a", "b"], dtype=object)})
    panel = replace(panel, groups=group_series(panel))
    day = f"{panel.periods[3]:%Y-%m-%d}"
    whole, by = corrected_groups(panel.take([0]), [Mark("event", day, day, category="a", name="Strike")])
    assert (by.demand[by.labels.tolist().index("a"), 3], by.sellers[by.labels.tolist().index("a"), 3]) == (0, 0)
    assert (whole.demand[0, 3], whole.sellers[0, 3]) == (panel.demand[[1, 3], 3].sum(), 2)
    assert whole.demand[0, 2] == panel.demand[:, 2].sum()


@pytest.fixture
def store(tmp_path: Path) -> PlannerStore:
    return PlannerStore(tmp_path / "home" / "planner.sqlite")


def test_a_ledger_is_empty_until_somebody_marks_and_asking_writes_nothing(store: PlannerStore, tmp_path: Path) -> None:
    assert store.ledger("shop") == Ledger()
    assert not (tmp_path / "home").exists()


def test_marks_are_kept_undone_and_audited(store: PlannerStore, tmp_path: Path) -> None:
    first = store.add_mark("shop", mark("one-off", 5, units=30.0), 0)
    both = store.add_mark("shop", mark("event", 7, 8), first.version)
    assert store.ledger("shop") == both
    assert [one.kind for one in both.marks] == ["one-off", "event"]
    assert both.marks[0] == replace(mark("one-off", 5, units=30.0), number=both.marks[0].number)
    assert not store.ledger("other shop").marks
    left = store.undo_mark("shop", both.marks[0], both.version)
    assert [one.kind for one in left.marks] == ["event"]
    assert left.version > both.version
    assert left.digest not in ("", both.digest)
    with store._connected() as connection:
        told = connection.execute("SELECT subject, item_id, value FROM audit ORDER BY id").fetchall()
    assert [row[:2] for row in told] == [("history", "item item 2"), ("history", "all items"), ("history", "item item 2")]
    assert told[0][2].endswith("30: so it was")
    assert told[2][2].startswith("undone")


def test_two_planners_never_overwrite_each_other_unseen(store: PlannerStore) -> None:
    seen = store.add_mark("shop", mark("one-off", 5), 0)
    store.add_mark("shop", mark("wrong", 5, units=3.0), seen.version)
    with pytest.raises(ResourceError, match="item item 2"):
        store.undo_mark("shop", seen.marks[0], seen.version)
    with pytest.raises(ResourceError, match="Reload"):
        store.add_mark("shop", mark("wrong", 5, units=4.0), seen.version)
    assert [one.units for one in store.ledger("shop").marks] == [None, 3.0]
    store.add_mark("shop", mark("one-off", 5, item_id="item 3"), seen.version)  # another item may change


def test_a_mark_needs_a_reason(store: PlannerStore) -> None:
    with pytest.raises(ConfigurationError, match="reason"):
        store.add_mark("shop", mark("one-off", 5, reason=" "), 0)


def test_what_is_marked_is_read_at_once_survives_a_reload_and_undoes(store: PlannerStore, tmp_path: Path) -> None:
    panel = panel_of(12, 30)
    path = write(tmp_path / "catalog.duckdb", panel, name="shop")
    catalog, item = CorrectedCatalog(path, store.ledger), str(panel.item_ids[7])
    plain = catalog.panel()
    stamp = f"{panel.periods[20]:%Y-%m-%d}"
    ledger = store.add_mark("shop", Mark("wrong", stamp, stamp, item, units=999.0, reason="typed twice"), 0)
    for read in (catalog.panel(), next(catalog.batches(50)), next(catalog.batches_with_plan(50, 3))[0], catalog.panel([item])):
        row = read.item_ids.tolist().index(item)
        assert read.demand[row, 20] == 999
        for group, expected in zip(read.groups, group_series(catalog.panel()), strict=True):
            np.testing.assert_allclose(group.demand, expected.demand, atol=0.01)
    np.testing.assert_array_equal(catalog.imported([item]).demand[0], panel.demand[7])
    before = catalog.as_it_is()
    longer = write(tmp_path / "again.duckdb", panel_of(12, 34), name="shop")
    assert CorrectedCatalog(longer, store.ledger).panel([item]).demand[0, 20] == 999
    store.undo_mark("shop", ledger.marks[0], ledger.version)
    assert_same(catalog.panel(), plain)
    assert before.panel([item]).demand[0, 20] == 999
