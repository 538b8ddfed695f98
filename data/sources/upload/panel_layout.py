"""The rows of a file as they were understood, and how they are laid out as a panel.

Axis letters: R rows, N items, T periods with demand, F planned periods after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from data.errors import Problem
from data.facts import Check
from data.groups import MOST_GROUPS
from data.plans import carried_forward
from data.schema import PRICE, PROMO, Panel, Plan
from data.sources.upload import limits
from data.sources.upload.columns.row_keys import pieces
from data.sources.upload.date_frequency import Calendar
from data.sources.upload.offers import Offer


@dataclass(eq=False)
class Rows:
    """What the rows say; ``problems`` empty means that they can be laid out.

    Attributes
    ----------
    item_ids : [N] in order of first appearance; names : [N].
    item, period : [R] place of each row among the items and periods, -1 none.
    numbers, days : [R] its number in the file and its day (NaT none); no days once the rows lie on a calendar.
    periods : T, up to the last with demand; planned : F, those after it with something planned.
    demand, in_stock : [R]; known, past : name → [R]; NaN where empty.
    product, place : [N] codes of the two parts of an item id, where a location makes it; else empty.
    static : column → [N]; commercial : [N] rows.
    zero_missing : [N] whose missing rows are zero sold, not unknown; sold_only : the file lists what was sold and nothing else.
    short : first day of a period that the file reaches over in part → (open days there, open days of the period).
    """

    item_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    product: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    place: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    item: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    period: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    numbers: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    days: np.ndarray = field(default_factory=lambda: np.zeros(0, "datetime64[D]"))
    calendar: Calendar | None = None
    date_format: str = ""
    periods: int = 0
    planned: int = 0
    gaps: int = 0
    zero_missing: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    sold_only: bool = False
    short: Mapping[np.datetime64, tuple[int, int]] = field(default_factory=dict)
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

    def take(self, kept: np.ndarray) -> Rows:
        """The same of the rows ``kept`` [R] bool, or of those places."""
        some = lambda columns: {name: values[kept] for name, values in columns.items()}  # noqa: E731
        return replace(
            self,
            item=self.item[kept],
            period=self.period[kept] if len(self.period) else self.period,
            numbers=self.numbers[kept],
            days=self.days[kept] if len(self.days) else self.days,
            demand=self.demand[kept],
            in_stock=None if self.in_stock is None else self.in_stock[kept],
            known=some(self.known),
            past=some(self.past),
        )

    def of_items(self, kept: np.ndarray) -> Rows:
        """The same of the items ``kept`` [N] bool alone."""
        place = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        rows = self.take((self.item >= 0) & np.append(kept, False)[self.item])
        chosen = np.flatnonzero(kept)
        return replace(
            rows,
            item=place[rows.item],
            item_ids=tuple(self.item_ids[one] for one in chosen),
            names=tuple(self.names[one] for one in chosen),
            static={column: values[kept] for column, values in self.static.items()},
            commercial=self.commercial.iloc[chosen].reset_index(drop=True),
            zero_missing=self.zero_missing[kept],
            product=self.product[kept] if len(self.product) else self.product,
            place=self.place[kept] if len(self.place) else self.place,
        )

    def with_zeros(self, item: np.ndarray, period: np.ndarray) -> Rows:
        """The same with rows added [K] at places that had none: nothing was sold there."""
        no_row = np.zeros(len(item), self.numbers.dtype)
        unknown = lambda values: np.append(values, np.full(len(item), np.nan, values.dtype))  # noqa: E731
        more = lambda columns: {name: unknown(values) for name, values in columns.items()}  # noqa: E731
        return replace(
            self,
            item=np.append(self.item, item.astype(self.item.dtype)),
            period=np.append(self.period, period.astype(self.period.dtype)),
            numbers=np.append(self.numbers, no_row),
            demand=np.append(self.demand, np.zeros(len(item))),
            in_stock=None if self.in_stock is None else unknown(self.in_stock),
            known=more(self.known),
            past=more(self.past),
        )

    def without_days(self) -> Rows:
        """The same as it lies on its calendar, in half the room: a catalog holds no more of a covariate than float32 does."""
        assert self.calendar is not None
        short = lambda columns: {name: values.astype(np.float32) for name, values in columns.items()}  # noqa: E731
        return replace(
            self,
            days=self.days[:0],
            calendar=replace(self.calendar, place=self.calendar.place[:0]),
            in_stock=None if self.in_stock is None else self.in_stock.astype(np.float32),
            known=short(self.known),
            past=short(self.past),
        )

    def renumbered(self, order: np.ndarray) -> Rows:
        """The same with its items in this ``order`` [N]."""
        place = np.empty(len(order) + 1, self.item.dtype)
        place[order], place[-1] = np.arange(len(order)), -1
        return replace(
            self,
            item=place[self.item],
            item_ids=tuple(self.item_ids[one] for one in order),
            names=tuple(self.names[one] for one in order),
            static={column: values[order] for column, values in self.static.items()},
            commercial=self.commercial.iloc[order].reset_index(drop=True),
            zero_missing=self.zero_missing[order],
            product=self.product[order] if len(self.product) else self.product,
            place=self.place[order] if len(self.place) else self.place,
        )

    def stretch(self, first: int, last: int) -> Rows:
        """The same of the items from ``first`` to before ``last`` alone, and of their rows."""
        found = [part.start + np.flatnonzero(_between(self.item[part], first, last)) for part in pieces(len(self.item))]
        rows = self.take(np.concatenate([np.zeros(0, np.int64), *found]))
        items = slice(first, last)
        return replace(
            rows,
            item=rows.item - first,
            item_ids=self.item_ids[items],
            names=self.names[items],
            static={column: values[items] for column, values in self.static.items()},
            commercial=self.commercial.iloc[items].reset_index(drop=True),
            zero_missing=self.zero_missing[items],
            product=self.product[items],
            place=self.place[items],
        )

    @property
    def placed(self) -> np.ndarray:
        """Where [R] a row has an item and a period."""
        return (self.item >= 0) & (self.period >= 0)

    @property
    def inside(self) -> np.ndarray:
        """Where [R] a row lies within the history."""
        return self.placed & (self.period < self.periods)

    def there(self) -> np.ndarray:
        """Where [N, T] the history has a row."""
        answer = np.zeros((len(self.item_ids), self.periods), bool)
        for part in pieces(len(self.item)):
            item, period = self.item[part], self.period[part]
            inside = (item >= 0) & (period >= 0) & (period < self.periods)
            answer[item[inside], period[inside]] = True
        return answer

    def at(self, marked: np.ndarray) -> np.ndarray:
        """Which rows [R] stand at the places that are ``marked`` [N, T]."""
        answer, inside = np.zeros(len(self.item), bool), self.inside
        answer[inside] = marked[self.item[inside], self.period[inside]]
        return answer

    def history(self) -> np.ndarray:
        """Demand [N, T] float32 with what is taken of missing rows; NaN unknown."""
        demand = laid_out(self, self.demand, self.periods)
        if self.zero_missing.any():
            there = self.there()
            demand[np.logical_or.accumulate(there, axis=1) & ~there & self.zero_missing[:, None]] = 0.0
        return demand


def _between(item: np.ndarray, first: int, last: int) -> np.ndarray:
    return (item >= first) & (item < last)


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
    dense = lambda values: laid_out(rows, values, T + F)  # noqa: E731
    known = {name: dense(values) for name, values in rows.known.items()}
    if PRICE in known:
        known[PRICE][:, :T] = carried_forward(known[PRICE][:, :T])
    if PROMO in known:
        known[PROMO][:, :T] = np.nan_to_num(known[PROMO][:, :T], nan=0.0)
    panel = Panel(
        item_ids=np.array(rows.item_ids, dtype=object),
        periods=rows.calendar.periods[:T],
        frequency=rows.calendar.frequency,
        demand=rows.history(),
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


def laid_out(rows: Rows, values: np.ndarray, periods: int) -> np.ndarray:
    """``values`` [R] as [N, periods] float32, NaN where there is no row or it is empty."""
    answer = np.full((len(rows.item_ids), periods), np.nan, np.float32)
    for part in pieces(len(values)):
        item, period, some = rows.item[part], rows.period[part], values[part]
        inside = (period >= 0) & (period < periods) & np.isfinite(some)
        answer[item[inside], period[inside]] = some[inside]
    return answer
