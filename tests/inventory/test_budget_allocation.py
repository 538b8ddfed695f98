"""Buying with less money than the plan asks for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import ConfigurationError
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.budget_allocation import BudgetedPlan, budgeted
from forecasting.inventory.order_policy import Costs, OrderPlan, Rules, Stock, order, outcome

KNOTS = np.array(TAUS)


Case = tuple[np.ndarray, OrderPlan, Rules, Costs, np.ndarray]


def shop(items: int, seed: int, pack: float = 1.0, least: float = 0.0, largest: float = 20.0) -> Case:
    """Knots, the order at P80, its rules, costs and what a unit costs, for items of different size and margin."""
    rng = np.random.default_rng(seed)
    knots = np.sort(rng.gamma(2.0, 1.0, (items, 13)), axis=1) * rng.uniform(largest / 10, largest, (items, 1))
    unit_cost = np.round(rng.uniform(0.5, 9, items), 2)
    costs = Costs(unit_cost * rng.uniform(0.1, 1.5, items), unit_cost * rng.uniform(0.02, 0.3, items))
    rules = Rules(*(np.array([one]) for one in (2.0, 1.0, least, pack, np.inf, np.inf)))
    stock = Stock.of(rng.uniform(0, 10, items).round(), np.zeros(items))
    return knots, order(knots, KNOTS, 0.8, stock, rules), rules, costs, unit_cost


def bought(case: Case, budget: float) -> BudgetedPlan:
    knots, plan, rules, costs, unit_cost = case
    return budgeted(knots, KNOTS, plan, rules, costs, unit_cost, budget)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 6.0]), st.sampled_from([0.0, 12.0]), st.floats(0, 1.2))
def test_a_budget_is_kept_in_whole_packs_at_least_the_minimum_or_nothing(
    seed: int, pack: float, least: float, share: float
) -> None:
    case = shop(12, seed, pack, least)
    _, plan, _, _, unit_cost = case
    budget = share * float((plan.quantity * unit_cost).sum())
    answer = bought(case, budget)
    assert (answer.quantity * unit_cost).sum() == pytest.approx(answer.spent)
    assert answer.spent <= budget * (1 + 1e-9)
    assert answer.quantity / pack == pytest.approx(np.rint(answer.quantity / pack), abs=1e-6)
    assert ((answer.quantity == 0) | (answer.quantity >= least)).all()
    assert answer.cut == pytest.approx(answer.wanted - answer.quantity)
    assert (answer.cut >= 0).all()
    if share >= 1:
        assert answer.quantity == pytest.approx(plan.quantity)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_profit_and_what_is_forgone_are_the_expected_costs_saved(seed: int, share: float) -> None:
    case = shop(8, seed)
    knots, plan, _, costs, unit_cost = case
    answer = bought(case, share * float((plan.quantity * unit_cost).sum()))
    before = plan.position - plan.quantity
    nothing, part, whole = (
        outcome(knots, KNOTS, before + units, costs).cost for units in (np.zeros(8), answer.quantity, plan.quantity)
    )
    assert answer.profit == pytest.approx((nothing - part).sum(), abs=1e-6)
    assert answer.forgone == pytest.approx(part - whole, abs=1e-6)


def test_no_other_use_of_the_money_earns_more_than_the_last_pack_does() -> None:
    case = shop(3, 5, largest=6.0)
    knots, plan, _, costs, _ = case
    unit_cost = np.array([2.0, 2.0, 2.0])  # alike, so that greed is exact
    before = plan.position - plan.quantity

    def profit(units: tuple[int, ...]) -> float:
        costs_of = [outcome(knots, KNOTS, before + np.array(one, float), costs).cost.sum() for one in ((0, 0, 0), units)]
        return float(costs_of[0] - costs_of[1])

    assert 3 < plan.quantity.max() <= 24  # so that every step is one pack
    budget = 12.0
    answer = budgeted(knots, KNOTS, plan, Rules.plain(2.0, 1.0), costs, unit_cost, budget)
    ranges = [range(int(most) + 1) for most in plan.quantity]
    every = [units for units in itertools.product(*ranges) if sum(units) * 2.0 <= budget]
    assert answer.profit == pytest.approx(max(map(profit, every)))


def test_the_frontier_rises_from_nothing_to_the_whole_plan_and_ever_less_steeply_in_single_units() -> None:
    case = shop(40, 3)
    frontier = bought(case, 0.0).frontier
    _, plan, _, _, unit_cost = case
    assert frontier.money[0] == frontier.profit[0] == 0
    assert frontier.money[-1] == pytest.approx((plan.quantity * unit_cost).sum())
    slopes = np.diff(frontier.profit) / np.diff(frontier.money)
    assert (np.diff(slopes) <= 1e-9 * np.abs(slopes[:-1]) + 1e-9).all()


def test_a_budget_of_nothing_buys_nothing_and_a_negative_one_is_refused() -> None:
    case = shop(4, 1)
    assert bought(case, 0.0).quantity.sum() == 0
    with pytest.raises(ConfigurationError, match="amounts of money"):
        bought(case, -1.0)
