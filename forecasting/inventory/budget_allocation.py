"""Buying with less money than the plan asks for: the next pack goes where it earns most for each unit of money.

A pack of p units on top of S earns c_u · (E[(D − S)⁺] − E[(D − S − p)⁺]) − c_o · (E[(S + p − D)⁺] − E[(S − D)⁺]), which falls
with every pack, so that taking packs in the order of their yield is the best use of the money but for what is left of it
when the last one does not fit. An item's first step is its minimum order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import ConfigurationError
from forecasting.core import quantile_function
from forecasting.inventory.order_policy import Costs, OrderPlan, Rules

#: Steps in which an item's order is bought; an order of more packs takes several in a step.
_STEPS = 24
_POINTS = 60  # of the frontier
_PASSES = 200  # over what is left when a step no longer fits


@dataclass(frozen=True, eq=False)
class Frontier:
    """What more money would earn: ``money`` [K] spent and the expected ``profit`` [K] over buying nothing."""

    money: np.ndarray
    profit: np.ndarray


@dataclass(frozen=True, eq=False)
class BudgetedPlan:
    """Quantities within a budget.

    Attributes
    ----------
    quantity : [N] units to buy, of the ``wanted`` [N].
    spent : money for them.
    profit : expected, over buying nothing.
    cut : [N] units of the wanted that are not bought.
    forgone : [N] expected profit that goes with them; below 0 where the cut is a gain.
    frontier : budget against expected profit, from nothing to the whole plan.
    """

    quantity: np.ndarray
    wanted: np.ndarray
    spent: float
    profit: float
    cut: np.ndarray
    forgone: np.ndarray
    frontier: Frontier


@dataclass(frozen=True, eq=False)
class _Steps:
    """S steps of the items' orders, an item's own in the order in which they are bought; all arrays [S]."""

    item: np.ndarray
    units: np.ndarray
    money: np.ndarray
    profit: np.ndarray
    rank: np.ndarray  # never rises within an item, so that sorting keeps an item's steps in order


def budgeted(
    knots: np.ndarray,
    taus: np.ndarray,
    plan: OrderPlan,
    rules: Rules,
    costs: Costs,
    unit_cost: np.ndarray,
    budget: float,
) -> BudgetedPlan:
    """The part of ``plan`` that ``budget`` buys, at ``unit_cost`` [N] money a unit; raises ConfigurationError.

    ``knots`` [N, Q] at ``taus`` are of demand over lead time and review, as the plan's.
    """
    unit_cost = np.broadcast_to(np.asarray(unit_cost, np.float64), len(plan.quantity))
    if budget < 0 or not (unit_cost > 0).all():
        raise ConfigurationError("A budget and the cost of every unit are amounts of money; give a cost above 0 to each item.")
    steps = _steps(knots, taus, plan, rules, costs, unit_cost)
    ranked = np.argsort(-steps.rank, kind="stable")
    taken = _affordable(steps, ranked, budget)
    items = len(plan.quantity)
    quantity = np.bincount(steps.item[taken], steps.units[taken], items)
    left = np.ones(len(steps.item), bool)
    left[taken] = False
    return BudgetedPlan(
        quantity=quantity,
        wanted=plan.quantity,
        spent=float(steps.money[taken].sum()),
        profit=float(steps.profit[taken].sum()),
        cut=plan.quantity - quantity,
        forgone=np.bincount(steps.item[left], steps.profit[left], items),
        frontier=_frontier(steps.money[ranked], steps.profit[ranked]),
    )


def _steps(knots: np.ndarray, taus: np.ndarray, plan: OrderPlan, rules: Rules, costs: Costs, unit_cost: np.ndarray) -> _Steps:
    items = np.flatnonzero(plan.quantity > 0)
    every = len(plan.quantity)
    pack, least = (np.broadcast_to(one, every)[items] for one in (rules.pack_size, rules.min_order))
    packs = np.rint(plan.quantity[items] / pack).astype(int)
    first = np.clip(np.ceil(least / pack - 1e-9).astype(int), 1, packs)
    size = np.maximum(np.ceil((packs - first) / (_STEPS - 1)).astype(int), 1)
    count = 1 + np.ceil((packs - first) / size).astype(int)
    row = np.repeat(np.arange(len(items)), count)  # (S,)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)  # 0 … count − 1 within each item
    until = np.minimum(first[row] + number * size[row], packs[row]) * pack[row]
    begun = np.where(number > 0, np.minimum(first[row] + (number - 1) * size[row], packs[row]) * pack[row], 0.0)
    profit = _worth(knots, taus, plan, costs, items, row, until)
    profit -= np.where(number > 0, np.concatenate([[0.0], profit[:-1]]), 0.0)
    money = (until - begun) * unit_cost[items][row]
    return _Steps(items[row], until - begun, money, profit, _falling(profit / money, number, count))


def _worth(
    knots: np.ndarray, taus: np.ndarray, plan: OrderPlan, costs: Costs, items: np.ndarray, row: np.ndarray, units: np.ndarray
) -> np.ndarray:
    """Expected profit [S] of buying ``units`` [S] for items ``items[row]`` over buying nothing."""
    every = len(plan.quantity)
    start = (plan.covered - plan.quantity)[items]
    lost_before = quantile_function.shortfall(taus, knots[items], start)
    lost = quantile_function.shortfall(taus, knots[items][row], start[row] + units)
    saved = lost_before[row] - lost
    underage, overage = (np.broadcast_to(one, every)[items][row] for one in (costs.underage, costs.overage))
    return underage * saved - overage * (units - saved)  # what is not sold more is left over more


def _falling(value: np.ndarray, number: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The least so far within each item: a minimum order may earn less than the pack after it."""
    table = np.full((len(count), count.max(initial=1)), np.inf)
    rows = np.repeat(np.arange(len(count)), count)
    table[rows, number] = value
    return np.minimum.accumulate(table, axis=1)[rows, number]


def _affordable(steps: _Steps, ranked: np.ndarray, budget: float) -> np.ndarray:
    """Steps that the budget buys, best first; an item whose step is too dear gets no further one."""
    taken: list[np.ndarray] = []
    left = budget * (1 + 1e-12)
    for _ in range(_PASSES):
        fits = int(np.searchsorted(np.cumsum(steps.money[ranked]), left, side="right"))
        taken.append(ranked[:fits])
        left -= float(steps.money[ranked[:fits]].sum())
        ranked = ranked[fits:]
        following = _first_of_items(steps, ranked)
        dear = steps.item[following[steps.money[following] > left]]
        ranked = ranked[~np.isin(steps.item[ranked], dear)]
        if not len(ranked):
            break
    return np.concatenate(taken)


def _first_of_items(steps: _Steps, ranked: np.ndarray) -> np.ndarray:
    """The next step of each item among ``ranked``."""
    _, places = np.unique(steps.item[ranked], return_index=True)
    return ranked[places]


def _frontier(money: np.ndarray, profit: np.ndarray) -> Frontier:
    """At most ``_POINTS`` points of money against profit when steps are bought in this order."""
    spent, earned = (np.concatenate([[0.0], np.cumsum(one)]) for one in (money, profit))
    shown = np.unique(np.searchsorted(spent, np.linspace(0, spent[-1], _POINTS)).clip(0, len(spent) - 1))
    return Frontier(spent[shown], earned[shown])
