"""Groups: sums over a whole catalog are the same however it is cut into chunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from catalogs import panel_of
from hypothesis import given
from hypothesis import strategies as st

from data.groups import ALL, MOST_GROUPS, GroupSums, group_series, grouping_columns
from data.plans import (
    PlannedGroups,
    carried_forward,
    filled_plan,
    given_cells,
    last_known,
    plausible_prices,
    usual_value,
    usual_values,
)


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


def test_unplanned_periods_are_as_usual():
    planned = np.array([[np.nan, 7, np.nan]], np.float32)
    np.testing.assert_array_equal(filled_plan(planned, np.array([2.0]), 4), [[2, 7, 2, 2]])
    np.testing.assert_array_equal(filled_plan(planned, np.array([2.0]), 2), [[2, 7]])
    np.testing.assert_array_equal(given_cells(planned, 4), [[False, True, False, False]])


def test_what_is_usual():
    nan = np.nan
    promo = np.array([[1.0] * 3 + [0.0] * 9 + [0.5, nan, 1.0, 0.0]], np.float32)  # the last 13 known: 1 0×9 0.5 1 0
    np.testing.assert_allclose(usual_value("promo", promo), [2.5 / 13])
    np.testing.assert_allclose(usual_value("coupon", promo), [2.5 / 13])  # a share of something
    visits = np.array([[0, 0, 26.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(usual_value("visits", visits), [2])  # comes and goes
    np.testing.assert_array_equal(usual_value("stores", np.array([[3.0, 8.0, 9.0, nan]], np.float32)), [9])  # a level
    np.testing.assert_array_equal(usual_value("price", np.array([[2.0, 3.0, 0.0], [nan] * 3], np.float32)), [3, nan])
    np.testing.assert_array_equal(usual_value("promo", np.full((1, 3), nan, np.float32)), [nan])


@pytest.mark.parametrize("name", ["price", "promo", "stores"])
def test_what_was_usual_at_a_date_is_what_is_usual_of_the_past_until_then(name):
    random = np.random.default_rng(0)
    recorded = (random.integers(0, 3, (4, 40)) * (1 if name == "stores" else 0.5)).astype(np.float32)
    recorded[random.random(recorded.shape) < 0.2] = np.nan
    recorded[2] += 5
    then = np.stack([usual_value(name, recorded[:, : t + 1]) for t in range(40)], axis=1)
    np.testing.assert_allclose(usual_values(name, recorded), then, rtol=1e-6)


def test_a_price_that_cannot_be_meant_is_unknown():
    nan, inf = np.nan, np.inf
    planned = np.array([[0.0, -1.0, inf, nan, 0.49, 0.5, 16.0, 16.1]], np.float32)
    recorded = np.array([[2.0, 4.0, 0.0, nan]], np.float32)
    np.testing.assert_array_equal(plausible_prices(planned, recorded), [[nan, nan, nan, nan, nan, 0.5, 16, nan]])
    never = np.full((1, 3), nan, np.float32)
    np.testing.assert_array_equal(plausible_prices(planned, never)[0, 3:], [nan, *planned[0, 4:]])


def test_planned_groups_are_means_over_all_items_planned_or_not():
    planned = {"price": np.array([[2.0, 1.0], [np.nan, np.nan]]), "promo": np.array([[1.0, np.nan], [np.nan, np.nan]])}
    usual = {"price": np.array([2.0, 5.0]), "promo": np.array([0.25, 0.75])}
    groups = PlannedGroups()
    groups.add({}, planned, usual)
    means = groups.means(ALL, ("price", "promo"))
    np.testing.assert_allclose(means["price"], [[0, np.log(0.5) / 2]], rtol=1e-6)
    np.testing.assert_array_equal(means["promo"], [[0.875, 0.5]])
