"""Where time is cut: the only place that decides what a forecast may know.

A forecaster is handed a panel that ends at the creation date and a plan of what is known ahead; what came after is
not in its hands. Rolling origins are those of the bench format: the last ``origins`` windows of ``horizon`` periods,
``stride`` apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from data.errors import ConfigurationError, TooLittleHistory
from data.plans import filled_plan, given_cells, usual_of_group, usual_value
from data.schema import PRICE, GroupSeries, Panel, Plan

#: What a forecast of the past may be told of its future's covariates, see ``with_plan``.
PLANS = ("known", "unknown", "catalog")


def origins(periods: int, horizon: int, count: int, stride: int) -> tuple[int, ...]:
    """Positions of the creation dates of rolling origins, oldest first; those without history are left out.

    >>> origins(10, horizon=2, count=3, stride=2)
    (3, 5, 7)
    """
    newest = periods - horizon - 1
    return tuple(t for t in range(newest - stride * (count - 1), newest + 1, stride) if t >= 1)


def held_back(periods: int, horizon: int) -> int:
    """The first of the periods at the end of a history that validate a fit: one to two horizons, at most a quarter of it.

    Equals ``periods`` where holding any back would leave too few to learn from.

    >>> held_back(104, horizon=13), held_back(20, horizon=8), held_back(8, horizon=6)
    (78, 12, 8)
    """
    block = max(horizon, min(2 * horizon, periods // 4))
    return periods - block if periods - block >= max(6, horizon // 2) else periods


def judged_from(periods: int, horizon: int) -> int:
    """The first of the periods held back that judge a fit: those before it chose how long and by which recipe it learned, and
    what chooses never judges. The newer half of the block, all of it where it is one period.

    >>> judged_from(104, horizon=13), judged_from(20, horizon=8), judged_from(8, horizon=6)
    (91, 16, 8)
    """
    until = held_back(periods, horizon)
    block = periods - until
    return until + (block + 1) // 2 if block > 1 else until


def position(panel: Panel, creation_date: pd.Timestamp) -> int:
    """Where ``creation_date`` stands among the panel's periods; ConfigurationError where it does not."""
    found = panel.periods.get_indexer([pd.Timestamp(creation_date)])[0]
    if found < 0:
        raise ConfigurationError(
            f"{pd.Timestamp(creation_date):%Y-%m-%d} is not a period of this catalog, which runs "
            f"from {panel.periods[0]:%Y-%m-%d} to {panel.periods[-1]:%Y-%m-%d}. Choose one of its period stamps."
        )
    return int(found)


def history_until(panel: Panel, t: int) -> Panel:
    """What was known of the past at the end of period ``t``: the panel over periods 0 … t."""
    if t < 0:
        raise TooLittleHistory("A forecast needs at least one period of history before its creation date.")
    past, panel = slice(0, t + 1), _before_it_was_lent(panel, t)

    def cut(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: array[:, past] for name, array in columns.items()}

    return replace(
        panel,
        periods=panel.periods[past],
        demand=panel.demand[:, past],
        in_stock=panel.in_stock[:, past],
        known=cut(panel.known),
        past=cut(panel.past),
        groups=tuple(_group_until(group, past) for group in panel.groups),
        events=panel.events[past],
    )


def _before_it_was_lent(panel: Panel, t: int) -> Panel:
    """The panel without what items were lent by those they replace, where nobody knew of that at the end of period ``t``."""
    life = panel.life
    if life is None or not (early := life.lent_known > panel.periods[t].to_datetime64()).any():
        return panel
    hidden = early[:, None] & life.lent(panel.periods)  # (N, T)
    hide = lambda array: np.where(hidden, np.float32(np.nan), array)  # noqa: E731
    known, past = ({name: hide(array) for name, array in columns.items()} for columns in (panel.known, panel.past))
    return replace(panel, demand=hide(panel.demand), in_stock=hide(panel.in_stock), known=known, past=past)


def plan_after(panel: Panel, t: int, horizon: int) -> Plan:
    """What was known at the end of period ``t`` of the ``horizon`` periods after it, as the panel recorded it.

    Where the panel ends sooner, and for covariates that nobody plans, it is what was usual then, see ``data.plans``. Where a
    price is seen only when something sold, the price of the creation date is held, for a changed one would tell of the sale.
    """
    silent = unknown_ahead(panel)

    def recorded_after(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: array[:, t + 1 : t + 1 if name in silent else t + 1 + horizon] for name, array in columns.items()}

    ahead = slice(t + 1, t + 1 + horizon)
    periods = panel.periods[ahead]
    if len(periods) < horizon:
        periods = panel.frequency.after(panel.periods[t], horizon)
    events = np.zeros((horizon, len(panel.event_names)), np.float32)
    events[: len(panel.events[ahead])] = panel.events[ahead]
    later = recorded_after(panel.known)
    return Plan(
        periods=periods,
        known={
            name: filled_plan(values, usual_value(name, panel.known[name][:, : t + 1]), horizon)
            for name, values in later.items()
        },
        groups={
            group.column: {
                name: filled_plan(values, usual_of_group(name, group.known[name][:, : t + 1]), horizon)
                for name, values in recorded_after(group.known).items()
            }
            for group in panel.groups
        },
        events=events,
        given={name: given_cells(values, horizon) for name, values in later.items()},
    )


def with_plan(panel: Panel, plan: str) -> Panel:
    """The panel with covariates of the future ``known`` ahead, ``unknown``, or as the ``catalog`` has them; raises
    ConfigurationError for another word."""
    if plan not in PLANS:
        raise ConfigurationError(f"A plan is one of {', '.join(PLANS)}; got {plan!r}.")
    return panel if plan == "catalog" else replace(panel, planned=None if plan == "known" else frozenset())


def unknown_ahead(panel: Panel) -> frozenset[str]:
    """What a forecast of the past may not be told ahead: covariates that nobody plans, and a price seen with sales only."""
    return panel.unplanned | ({PRICE} & set(panel.known) if panel.price_seen == "when sold" else set())


def plan_from(plan: Plan, first: int, horizon: int) -> Plan:
    """The ``horizon`` periods of a plan from its period ``first`` on; what it lacks at its end goes on as its last."""
    places = np.minimum(np.arange(first, first + horizon), len(plan) - 1)

    def part(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: array[:, places] for name, array in columns.items()}

    return Plan(
        periods=plan.periods[places],
        known=part(plan.known),
        groups={column: part(known) for column, known in plan.groups.items()},
        events=plan.events[places],
        given=part(plan.given),
    )


def masked(panel: Panel, seed: int) -> Panel:
    """The panel as if each item had come into the catalog at a random period: its past is unknown before."""
    rng = np.random.default_rng(seed)
    start = rng.integers(0, len(panel.periods), size=(len(panel), 1))
    unknown = np.arange(len(panel.periods)) < start  # (N, T)
    hide = lambda array: np.where(unknown, np.float32(np.nan), array)  # noqa: E731
    known = {name: hide(array) if name == PRICE else array for name, array in panel.known.items()}
    past = {name: hide(array) for name, array in panel.past.items()}
    return replace(panel, demand=hide(panel.demand), in_stock=hide(panel.in_stock), known=known, past=past)


def _group_until(group: GroupSeries, past: slice) -> GroupSeries:
    return replace(
        group,
        demand=group.demand[:, past],
        sellers=group.sellers[:, past],
        known={name: array[:, past] for name, array in group.known.items()},
    )


def shows_a_year(history: Panel, until: int) -> bool:
    """Whether the time of the year was seen before ``until``: only then can what follows tell if it helps to be told it."""
    return until >= history.frequency.per_year + len(history.periods) - until


def actuals_after(panel: Panel, t: int, horizon: int, since: int = 0) -> np.ndarray:
    """What sold [N, H] in the ``horizon`` periods after period ``t``.

    NaN where not known, out of stock, sold by an item that this one replaces, or before ``since``.
    """
    ahead = slice(t + 1, t + 1 + horizon)
    sold = np.where(panel.out_of_stock[:, ahead], np.nan, panel.demand[:, ahead])
    if panel.life is not None:
        sold = np.where(panel.life.lent(panel.periods[ahead]), np.nan, sold)
    actuals = np.full((len(panel), horizon), np.nan, np.float32)
    actuals[:, : sold.shape[1]] = sold
    actuals[:, : max(0, since - t - 1)] = np.nan
    return actuals
