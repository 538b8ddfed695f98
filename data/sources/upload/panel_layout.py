"""The rows of a file as they were understood, and how they are laid out as a panel.

Axis letters: R rows, N items, T periods with demand, F planned periods after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from data.errors import Problem
from data.facts import Check
from data.groups import MOST_GROUPS
from data.plans import carried_forward
from data.schema import PRICE, PROMO, Panel, Plan
from data.sources.upload import limits
from data.sources.upload.date_frequency import Calendar
from data.sources.upload.offers import Offer


@dataclass(eq=False)
class Rows:
    """What the rows say; ``problems`` empty means that they can be laid out.

    Attributes
    ----------
    item_ids : [N] in order of first appearance; names : [N].
    item, period : [R] place of each row among the items and periods, -1 none.
    periods : T, up to the last with demand; planned : F, those after it with something planned.
    demand, in_stock : [R]; known, past : name → [R]; NaN where empty.
    static : column → [N]; commercial : [N] rows.
    """

    item_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    item: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    period: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    calendar: Calendar | None = None
    date_format: str = ""
    periods: int = 0
    planned: int = 0
    gaps: int = 0
    missing: Literal["zero", "unknown"] = "unknown"
    price_seen: Literal["always", "when sold"] = "always"
    demand: np.ndarray = field(default_factory=lambda: np.zeros(0))
    in_stock: np.ndarray | None = None
    known: dict[str, np.ndarray] = field(default_factory=dict)
    past: dict[str, np.ndarray] = field(default_factory=dict)
    static: dict[str, np.ndarray] = field(default_factory=dict)
    commercial: pd.DataFrame = field(default_factory=pd.DataFrame)
    checks: tuple[Check, ...] = ()
    problems: tuple[Problem, ...] = ()
    offers: tuple[Offer, ...] = ()


def too_large(rows: Rows) -> str:
    """Why rows with a calendar cannot be laid out, "" where they can."""
    assert rows.calendar is not None
    items, span, columns = len(rows.item_ids), rows.periods + rows.planned, 2 + len(rows.known) + len(rows.past)
    first, last = (f"{rows.calendar.periods[place]:%Y-%m-%d}" for place in (0, span - 1))
    if span > limits.MOST_PERIODS:
        return (
            f"From the first date, {first}, to the last, {last}, are {span:,} periods; the most is {limits.MOST_PERIODS:,}. "
            "Correct the date that is wrong, or load fewer years"
        )
    most_groups = min(MOST_GROUPS, items // 2)
    labels = sum(count for values in rows.static.values() if 2 <= (count := len(set(values))) <= most_groups)
    size = items * span * columns + 4 * labels * span * (1 + len(rows.known))  # groups: sums and counts, twice as wide
    at_once = (min(items, limits.READ_TOGETHER) + labels) * span * columns
    what = f"{items:,} items × {span:,} periods from {first} to {last} × {columns:,} columns"
    if size > limits.MOST_NUMBERS or at_once > limits.MOST_AT_ONCE:
        most = limits.MOST_NUMBERS if size > limits.MOST_NUMBERS else limits.MOST_AT_ONCE
        return (
            f"{what}, and their groups, are too many for one load: {size:,} numbers, and the most is {most:,}. "
            "Load fewer items or periods, or leave out columns"
        )
    if size > limits.FEW_NUMBERS and len(rows.item) < limits.FILLED * items * span:
        return (
            f"{what} would be laid out, and the file's {len(rows.item):,} rows leave nearly all of it empty. "
            "Check the first and the last date, or load fewer periods"
        )
    return ""


def panel_of(rows: Rows) -> tuple[Panel, Plan | None]:
    """The panel [N, T] of rows without problems, and the plan [N, F] where something is planned."""
    assert rows.calendar is not None
    items, T, F = len(rows.item_ids), rows.periods, rows.planned
    dense = lambda values: _laid_out(rows, values, T + F)  # noqa: E731
    demand = dense(rows.demand)[:, :T]
    if rows.missing == "zero":
        there = np.zeros((items, T), dtype=bool)
        past = (rows.period >= 0) & (rows.period < T)
        there[rows.item[past], rows.period[past]] = True
        begun = np.logical_or.accumulate(there, axis=1)
        demand[begun & ~there] = 0.0
    known = {name: dense(values) for name, values in rows.known.items()}
    if PRICE in known:
        known[PRICE][:, :T] = carried_forward(known[PRICE][:, :T])
    if PROMO in known:
        known[PROMO][:, :T] = np.nan_to_num(known[PROMO][:, :T], nan=0.0)
    panel = Panel(
        item_ids=np.array(rows.item_ids, dtype=object),
        periods=rows.calendar.periods[:T],
        frequency=rows.calendar.frequency,
        demand=demand,
        in_stock=np.full((items, T), np.nan, np.float32) if rows.in_stock is None else dense(rows.in_stock)[:, :T],
        known={name: np.ascontiguousarray(values[:, :T]) for name, values in known.items()},
        past={name: dense(values)[:, :T] for name, values in rows.past.items()},
        static=rows.static,
        price_seen=rows.price_seen,
    )
    if not F:
        return panel, None
    plan = {name: np.ascontiguousarray(values[:, T:]) for name, values in known.items()}
    return panel, Plan(rows.calendar.periods[T : T + F], plan)


def _laid_out(rows: Rows, values: np.ndarray, periods: int) -> np.ndarray:
    answer = np.full((len(rows.item_ids), periods), np.nan, np.float32)
    inside = (rows.period >= 0) & (rows.period < periods) & np.isfinite(values)
    answer[rows.item[inside], rows.period[inside]] = values[inside]
    return answer
