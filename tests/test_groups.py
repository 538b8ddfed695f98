"""Groups: sums over a whole catalog are the same however it is cut into chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from catalogs import panel_of
from hypothesis import given
from hypothesis import strategies as st

from data.groups import ALL, MOST_GROUPS, GroupSums, group_series, grouping_columns
from data.plans import PlannedGroups, carried_forward, filled_plan, last_known


@given(cuts=st.lists(st.integers(1, 29), max_size=5), seed=st.integers(0, 5))
def test_chunks_sum_to_the_whole(cuts, seed):
    panel = panel_of(30, 20, seed)
    sums = GroupSums()
    for rows in np.split(np.arange(30), sorted(set(cuts))):
        sums.add(panel.take(rows))
    for got, expected in zip(sums.series(panel), group_series(panel), strict=True):
        assert got.column == expected.column
        assert got.labels.tolist() == expected.labels.tolist()
        np.testing.assert_array_equal(got.codes, expected.codes)
        np.testing.assert_array_equal(got.demand, expected.demand)
        np.testing.assert_array_equal(got.sellers, expected.sellers)
        for name, values in expected.known.items():
            np.testing.assert_allclose(got.known[name], values, rtol=1e-5, atol=1e-6)


def test_sums_are_what_a_loop_over_items_gives():
    panel = panel_of(12, 15)
    group = next(group for group in group_series(panel) if group.column == "category")
    for code, label in enumerate(group.labels):
        members = panel.static["category"] == label
        demand, price = panel.demand[members].astype(float), panel.known["price"][members].astype(float)
        np.testing.assert_allclose(group.demand[code], np.nansum(demand, axis=0), rtol=1e-6)
        np.testing.assert_array_equal(group.sellers[code], np.isfinite(demand).sum(axis=0))
        np.testing.assert_allclose(group.known["promo"][code], panel.known["promo"][members].mean(axis=0), rtol=1e-6)
        changes = np.zeros(15)
        for s in range(1, 15):
            steps = np.log(price[:, s]) - np.log(price[:, s - 1])
            changes[s] = np.mean(steps[np.isfinite(steps)]) if np.isfinite(steps).any() else 0.0
        np.testing.assert_allclose(group.known["price"][code], np.cumsum(changes), rtol=1e-4, atol=1e-5)


def test_chunks_are_grouped_by_what_groups_the_whole():
    panel = panel_of(30, 4)
    panel = replace(
        panel,
        static={
            **panel.static,
            "same": np.array(["one"] * 30, dtype=object),
            "own": np.array([f"{n}" for n in range(30)], dtype=object),
            "late": np.array(["a"] * 25 + ["b"] * 5, dtype=object),
        },
    )
    sums = GroupSums()
    for start in range(0, 30, 10):
        sums.add(panel.take(np.arange(start, start + 10)))
    assert sums.chosen() == grouping_columns(panel.static) == (ALL, "category", "brand", "late")


def test_an_attribute_with_too_many_values_is_let_go_of():
    panel = panel_of(MOST_GROUPS * 3, 2)
    panel = replace(panel, static={"code": np.array([f"{n // 2}" for n in range(len(panel))], dtype=object)})
    sums = GroupSums()
    for start in range(0, len(panel), 500):
        sums.add(panel.take(np.arange(start, start + 500)))
    assert sums.chosen() == grouping_columns(panel.static) == (ALL,)
    assert not [key for key in sums._sums if key[0] == "code"]


def test_a_group_without_any_known_price_has_a_still_index():
    panel = panel_of(6, 5)
    panel = replace(panel, known={"price": np.full((6, 5), np.nan, np.float32)})
    for group in group_series(panel):
        assert (group.known["price"] == 0).all()


# plans


def test_what_is_carried_comes_from_before_only():
    nan = np.nan
    values = np.array([[nan, 1, nan, 3, nan], [nan] * 5], np.float32)
    np.testing.assert_array_equal(carried_forward(values), [[nan, 1, 1, 3, 3], [nan] * 5])
    np.testing.assert_array_equal(last_known(values), [3, nan])


@pytest.mark.parametrize(("rule", "expected"), [("zero", [0, 7, 0, 0]), ("carried", [2, 7, 7, 7])])
def test_unplanned_periods_follow_their_rule(rule, expected):
    planned = np.array([[np.nan, 7, np.nan]], np.float32)
    np.testing.assert_array_equal(filled_plan(planned, np.array([2.0]), rule, 4), [expected])
    np.testing.assert_array_equal(filled_plan(planned, np.array([2.0]), rule, 2), [expected[:2]])


def test_planned_groups_are_means_over_all_items_planned_or_not():
    planned = {"price": np.array([[2.0, 1.0], [np.nan, np.nan]]), "promo": np.array([[1.0, np.nan], [np.nan, np.nan]])}
    last = {"price": np.array([2.0, 5.0]), "promo": np.array([0.0, 1.0])}
    groups = PlannedGroups()
    groups.add({}, planned, last)
    means = groups.means(ALL, {"price": "carried", "promo": "zero"})
    np.testing.assert_allclose(means["price"], [[0, np.log(0.5) / 2]], rtol=1e-6)
    np.testing.assert_array_equal(means["promo"], [[0.5, 0]])
