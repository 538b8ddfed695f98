"""Two echelons: the depot's stock goes where it saves most, and its order covers the branches' demand together."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from stockpyl.newsvendor import newsvendor_normal

from data.errors import ConfigurationError
from data.locations import families
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.multi_echelon import Branches, allocation, depot_order
from forecasting.inventory.order_policy import Costs

KNOTS = np.array(TAUS)


def branches_of(
    mean: list[float], spread: list[float], position: list[float], under: list[float], over: list[float], protected: int = 2
) -> Branches:
    knots = np.maximum(norm(np.array(mean)[:, None], np.array(spread)[:, None]).ppf(KNOTS), 0)
    names = tuple(f"Shop {row}" for row in range(len(mean)))
    costs = Costs(np.array(under), np.array(over))
    return Branches(names, KNOTS, knots, np.array(position), np.full(len(mean), protected), costs)


def expected_cost(branches: Branches, given_: np.ndarray) -> float:
    stock = branches.position + given_
    lost = quantile_function.shortfall(KNOTS, branches.knots, stock)
    left = stock - quantile_function.mean(KNOTS, branches.knots) + lost
    return float((branches.costs.underage * lost + branches.costs.overage * left).sum())


@st.composite
def some(draw: st.DrawFn) -> Branches:
    count = draw(st.integers(1, 4))
    several = lambda low, high: draw(st.lists(st.floats(low, high), min_size=count, max_size=count))  # noqa: E731
    return branches_of(several(1, 30), several(0.5, 10), several(-3, 20), several(0.5, 9), several(0.1, 3))


@settings(deadline=None, max_examples=60)
@given(some(), st.integers(0, 40), st.sampled_from([1.0, 4.0, 6.0]))
def test_whole_packs_never_negative_and_never_more_than_there_is(branches: Branches, on_hand: int, pack: float) -> None:
    found = allocation(branches, on_hand, pack)
    assert (found.given >= 0).all()
    np.testing.assert_allclose(found.given / pack, np.rint(found.given / pack))
    assert found.kept >= 0
    assert found.given.sum() + found.kept == pytest.approx(on_hand)
    if found.kept >= pack:
        assert (found.marginal <= 1e-9).all(), "what stays would have saved nothing"


def in_order(branches: Branches, rows: np.ndarray) -> Branches:
    """The same branches, in the order of ``rows``."""
    costs = Costs(branches.costs.underage[rows], branches.costs.overage[rows])
    names = tuple(branches.names[row] for row in rows)
    return Branches(names, KNOTS, branches.knots[rows], branches.position[rows], branches.protected[rows], costs)


@settings(deadline=None, max_examples=60)
@given(some(), st.integers(0, 40), st.integers(0, 10), st.randoms())
def test_more_stock_gives_no_branch_less_and_the_order_of_rows_does_not_matter(
    branches: Branches, on_hand: int, more: int, random: Random
) -> None:
    found = allocation(branches, on_hand)
    assert (allocation(branches, on_hand + more).given >= found.given).all()
    rows = np.array(random.sample(range(len(branches.names)), len(branches.names)))
    np.testing.assert_array_equal(allocation(in_order(branches, rows), on_hand).given, found.given[rows])


@settings(deadline=None, max_examples=40)
@given(some(), st.integers(0, 40), st.sampled_from([1.0, 4.0]), st.integers(0, 9), st.randoms())
def test_what_waits_keeps_the_laws_too(branches: Branches, on_hand: int, pack: float, arriving: int, random: Random) -> None:
    paths = np.random.default_rng(4).gamma(1.0, 6.0, (200, len(branches.names), 3))
    found = allocation(branches, on_hand, pack, paths=paths, arriving=arriving)
    assert (found.given >= 0).all()
    np.testing.assert_allclose(found.given / pack, np.rint(found.given / pack))
    assert found.given.sum() + found.kept == pytest.approx(on_hand)
    assert (found.given <= allocation(branches, on_hand, pack).given).all(), "nobody gets more because others wait"
    rows = np.array(random.sample(range(len(branches.names)), len(branches.names)))
    again = allocation(in_order(branches, rows), on_hand, pack, paths=paths[:, rows], arriving=arriving)
    np.testing.assert_array_equal(again.given, found.given[rows])


@pytest.mark.parametrize("on_hand", [0, 3, 9, 14])
def test_greedy_is_the_best_of_all_whole_allocations(on_hand: int) -> None:
    branches = branches_of([6, 4, 9], [2, 3, 1], [3, 0, 8], [4, 9, 2], [1, 1, 0.5])
    possible = [each for each in product(range(on_hand + 1), repeat=3) if sum(each) <= on_hand]
    best = min(expected_cost(branches, np.array(each)) for each in possible)
    assert expected_cost(branches, allocation(branches, on_hand).given) == pytest.approx(best, abs=1e-9)


def test_identical_branches_share_alike_and_a_branch_that_has_enough_gets_nothing() -> None:
    found = allocation(branches_of([10] * 4, [3] * 4, [2, 2, 2, 60], [3] * 4, [1] * 4), 15)
    assert found.given.tolist() == [5, 5, 5, 0]


def test_allocation_by_value_costs_no_more_than_in_proportion_to_need() -> None:
    rng, mean, spread = np.random.default_rng(5), [20.0, 20.0, 60.0], [2.0, 12.0, 20.0]
    branches = branches_of(mean, spread, [0, 0, 0], [5, 5, 2], [1, 1, 1])
    need = quantile_function.quantile(KNOTS, branches.knots, branches.costs.underage / (branches.costs.underage + 1))
    demand = np.maximum(rng.normal(mean, spread, (40_000, 3)), 0)

    def cost(stock: np.ndarray) -> np.ndarray:
        return (branches.costs.underage * np.maximum(demand - stock, 0) + np.maximum(stock - demand, 0)).sum(axis=1)

    for on_hand in (30, 60, 90):
        saved = cost(np.floor(need / need.sum() * on_hand)) - cost(allocation(branches, on_hand).given)
        assert saved.mean() > 2 * saved.std() / np.sqrt(len(saved)), "by more than the error of the replay"


def test_packs_wait_at_the_depot_where_nobody_knows_yet_which_branch_will_sell() -> None:
    rng = np.random.default_rng(3)
    sells = rng.random((4000, 8, 1)) < 0.15
    later = np.concatenate([np.zeros((4000, 8, 2)), sells * 10.0], axis=2)
    branches = branches_of([3] * 8, [3] * 8, [0] * 8, [3] * 8, [1] * 8)
    at_once, waits = allocation(branches, 16), allocation(branches, 16, paths=later, review=1)
    assert at_once.kept == 0
    assert waits.kept == waits.returned > 0
    supplied = allocation(branches, 16, paths=later, review=1, arriving=1000)
    assert supplied.kept == 0, "with plenty arriving at the depot, nothing needs to wait"
    alone = branches_of([3], [3], [0], [3], [1])
    assert allocation(alone, 3, paths=later[:, :1], review=1).returned == 0, "a single branch has nobody to pool with"


def test_packs_that_wait_cost_less_over_two_reviews_than_giving_all_at_once() -> None:
    """Replayed on paths that the allocation has not seen: at the next review the best use of what was kept is made."""
    branches = branches_of([3] * 8, [3] * 8, [0] * 8, [3] * 8, [1] * 8)

    def drawn(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        early, late = rng.poisson(0.5, (6000, 8, 2)), rng.random((6000, 8, 1)) < 0.15
        return np.concatenate([early, late * 10.0], axis=2)

    def cost(given_: np.ndarray, kept: float, paths: np.ndarray) -> np.ndarray:
        early, late = paths[:, :, :2].sum(axis=2), paths[:, :, 2]
        left = np.maximum(given_ - early, 0)
        lacking, over = np.maximum(late - left, 0).sum(axis=1), np.maximum(left - late, 0).sum(axis=1)
        lost = np.maximum(early - given_, 0).sum(axis=1) + np.maximum(lacking - kept, 0)
        return 3 * lost + over + np.maximum(kept - lacking, 0)

    at_once, waits = allocation(branches, 24), allocation(branches, 24, paths=drawn(1), review=1)
    assert waits.returned > 0
    unseen = drawn(2)
    saved = cost(at_once.given, at_once.kept, unseen) - cost(waits.given, waits.kept, unseen)
    assert saved.mean() > 2 * saved.std() / np.sqrt(len(saved))


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_depots_level_is_that_of_eppen_and_schrage(correlation: float) -> None:
    rng, shops, mean, spread = np.random.default_rng(0), 4, 100.0, 20.0
    common = rng.standard_normal((60_000, 1, 3))
    own = rng.standard_normal((60_000, shops, 3))
    paths = mean + spread * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)
    found = depot_order(paths, np.full(shops, 3), 0.9, position=500)
    deviation = spread * np.sqrt(3 * (shops + shops * (shops - 1) * correlation))
    # stockpyl's newsvendor of the summed demand: holding 1 and stock-out 9 make the critical ratio 0.9
    level, _ = newsvendor_normal(1.0, 9.0, 3 * shops * mean, float(deviation))
    assert found.level == pytest.approx(level, rel=0.002)
    assert found.added == pytest.approx(shops * (3 * mean + norm.ppf(0.9) * spread * np.sqrt(3)), rel=0.002)
    assert found.level < found.added
    assert found.gap == pytest.approx(found.level - 500)


@given(st.floats(-50, 400), st.sampled_from([1.0, 6.0, 12.0]), st.sampled_from([0.0, 40.0]))
def test_the_depot_buys_whole_packs_at_least_the_minimum_or_nothing(position: float, pack: float, minimum: float) -> None:
    paths = np.random.default_rng(1).gamma(2, 10, (500, 3, 4))
    found = depot_order(paths, np.array([2, 3, 4]), 0.8, position, pack, minimum)
    assert found.quantity >= 0
    assert found.quantity % pack == 0
    assert found.quantity == 0 or found.quantity >= max(minimum, found.gap) - 1e-6


def test_rows_are_joined_to_families_and_contradictions_are_named() -> None:
    rows = [
        ("Tea", "North", "Depot"), ("Tea", "Depot", ""), ("Tea", "South", "Depot"),
        ("Jam", "North", "Depot"), ("Soap", "East", "East"), ("", "North", "Depot"),
        ("Salt", "A", "B"), ("Salt", "B", "C"), ("Salt", "C", "A"), ("Tea", "North", "Depot"), ("Oil", "North", ""),
    ]  # fmt: skip
    found, wrong = families(*zip(*rows, strict=True))
    assert [(one.product, one.depot, one.branches) for one in found] == [("Tea", 1, (0, 2))]
    said = {one.row: one.message for one in wrong}
    assert sorted(said) == [3, 4, 5, 6, 7, 8, 9]
    assert "no row at 'Depot'" in said[3]
    assert "itself" in said[4]
    assert "no product" in said[5]
    assert all("two echelons" in said[row] for row in (6, 7, 8))
    assert "twice" in said[9]


def test_what_cannot_be_is_refused() -> None:
    branches = branches_of([3], [3], [0], [3], [1])
    with pytest.raises(ConfigurationError, match="pack"):
        allocation(branches, 5, 0)
    with pytest.raises(ConfigurationError, match="Forecast further ahead"):
        allocation(branches, 5, paths=np.zeros((10, 1, 2)), review=1)
    with pytest.raises(ConfigurationError, match="same name"):
        Branches(("A", "A"), KNOTS, np.ones((2, len(KNOTS))), np.ones(2), np.ones(2), Costs(np.ones(2), np.ones(2)))
