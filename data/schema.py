"""The data contract: what a catalog holds, and the arrays that models see of it.

Axis letters, everywhere in this order: N items, T past periods, F future periods, G groups, E events.
An unknown number is NaN, never zero. A period is named by its stamp; a forecast made at creation date t may use what
stands at or before t, and of later periods only the known-future covariates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from data.errors import DataError

CONTRACT_VERSION = 2

#: Covariates with a meaning of their own; any other numeric column is a plain covariate.
PRICE, PROMO = "price", "promo"

#: Commercial columns of ``items``: numbers per item that buying needs and that may be null. ``lead_time`` is in periods.
COMMERCIAL_FIRST = ("unit_cost", "price", "pack_size", "min_order", "lead_time", "on_hand", "on_order")

#: Those that came later, so that a catalog may lack them: the deviation of the lead time, in how many periods the units on
#: order arrive, units owed to customers, periods until a unit received is spoilt, and periods of demand to cover at most.
COMMERCIAL_LATER = ("lead_time_sd", "arrives_in", "back_orders", "shelf_life", "max_cover")

COMMERCIAL = (*COMMERCIAL_FIRST, *COMMERCIAL_LATER)

#: The static column that names the item whose place an item takes; it says who the item is, and groups nothing.
REPLACES = "replaces"

Unit = Literal["day", "week", "month"]
_SEASON: dict[Unit, int] = {"day": 7, "week": 52, "month": 12}
_HORIZON: dict[Unit, int] = {"day": 28, "week": 13, "month": 6}


@dataclass(frozen=True)
class Frequency:
    """The catalog's step: a day, a week ending or starting on a fixed weekday, or a month.

    ``alias`` is the pandas offset ("D", "W-SUN", "MS", "ME").
    """

    unit: Unit
    alias: str

    @classmethod
    def of(cls, alias: str) -> Frequency:
        """Frequency named by a pandas alias; raises DataError for one that is not a day, a week or a month."""
        if alias == "D":
            return cls("day", "D")
        if alias.startswith("W"):
            return cls("week", alias if "-" in alias else "W-SUN")
        if alias in ("MS", "M", "ME"):
            return cls("month", "MS" if alias == "MS" else "ME")
        raise DataError(f"The frequency {alias!r} is not one Tideline knows. Use D, W-SUN … W-SAT, MS or ME.")

    @property
    def season(self) -> int:
        """Periods in the season that matters most: 7 days, 52 weeks, 12 months."""
        return _SEASON[self.unit]

    @property
    def horizon(self) -> int:
        """Periods ahead that a planner of this frequency usually needs."""
        return _HORIZON[self.unit]

    @property
    def per_year(self) -> float:
        """Periods in a year."""
        return {"day": 365.25, "week": 52.18, "month": 12.0}[self.unit]

    def range(self, start: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """``count`` period stamps from ``start`` on."""
        return pd.date_range(start, periods=count, freq=self.alias).as_unit("us")

    def after(self, last: pd.Timestamp, count: int) -> pd.DatetimeIndex:
        """The ``count`` period stamps that follow ``last``."""
        return self.range(last, count + 1)[1:]


def _sealed(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class GroupSeries:
    """How all items that share one static attribute moved, period by period.

    Attributes
    ----------
    column : the static attribute ("category"); "" is the group of all items.
    labels : [G] str, the attribute's values.
    codes : [N] int32, the row of each of the panel's items.
    demand : [G, T] float32, summed demand of the items whose demand is known.
    sellers : [G, T] float32, how many items that is.
    known : name → [G, T] float32, mean of each known-future covariate; "price" holds the chained index
        Σ mean(log pₛ/pₛ₋₁), of which only differences mean anything.
    """

    column: str
    labels: np.ndarray
    codes: np.ndarray
    demand: np.ndarray
    sellers: np.ndarray
    known: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class LifeCycle:
    """Where the lives of N items begin and end, as far as anybody said; stamps [N], NaT where nobody did.

    Attributes
    ----------
    own_from : the first period of an item's own sales; what the panel holds before it was lent by the item that it replaces.
        NaT where nothing was lent, and the end of time where an item has not sold yet.
    lent_known : the period from which on it was known that the item replaces another: before it nothing was lent.
    starts : before this period nothing is sold of a product that is still to come.
    ends : from this period on nothing is sold.
    ends_known : the period from which on that was known.
    share : [N] of an item's demand that it keeps, or already has, until ``shared_until``; 1 where it is not shared.
    shared_until : see ``share``.
    sold_on : [N] bool, a planner says that it is sold on, however long it has been silent.
    """

    own_from: np.ndarray
    lent_known: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    ends_known: np.ndarray
    share: np.ndarray
    shared_until: np.ndarray
    sold_on: np.ndarray

    @classmethod
    def unknown(cls, items: int) -> LifeCycle:
        """Of items of which nobody said anything."""
        own_from, lent_known, starts, ends, ends_known, shared_until = (
            np.full(items, np.datetime64("NaT"), "datetime64[us]") for _ in range(6)
        )
        sold_on = np.zeros(items, bool)
        return cls(own_from, lent_known, starts, ends, ends_known, np.ones(items), shared_until, sold_on)

    def take(self, rows: np.ndarray) -> LifeCycle:
        """Of these rows [K]."""
        return LifeCycle(*(getattr(self, one.name)[rows] for one in fields(self)))

    def lent(self, periods: pd.DatetimeIndex) -> np.ndarray:
        """[N, T] bool: which cells of a panel over these periods another item lent."""
        return np.asarray(periods.to_numpy()[None, :] < self.own_from[:, None])


@dataclass(frozen=True, eq=False)
class Panel:
    """Everything that is known of N items over T evenly spaced periods.

    Attributes
    ----------
    item_ids : [N] str.
    periods : [T] stamps.
    frequency : the step between them.
    demand : [N, T] float32 units; NaN unknown (before launch, not recorded).
    in_stock : [N, T] float32 share of the period in stock, 0 … 1; NaN unknown, which counts as in stock.
    known : name → [N, T] float32, known-future covariates; "price" and "promo" are among them where the catalog has them.
    past : name → [N, T] float32, past-only covariates.
    static : column → [N] str.
    groups : one per static attribute worth grouping by, and one for all items; sums over the *whole* catalog, even when
        the panel holds a few items of it.
    event_names, events : E names and [T, E] float32, 1 where the event falls into the period.
    price_seen : "always", or "when sold" where a price is recorded only with a sale: then a changed price would tell
        of the sale, and no forecast may be given a price after its creation date.
    planned : the known-future covariates that somebody plans ahead; of the others no forecast, of the past neither, is told
        more than what is usual. None: all of them.
    catalog_hash : content hash of what forecasting reads of the catalog (``About.history_hash``), "" where there is none.
    life : where items' lives begin and end; None where nobody said anything of any.
    """

    item_ids: np.ndarray
    periods: pd.DatetimeIndex
    frequency: Frequency
    demand: np.ndarray
    in_stock: np.ndarray
    known: Mapping[str, np.ndarray] = field(default_factory=dict)
    past: Mapping[str, np.ndarray] = field(default_factory=dict)
    static: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: tuple[GroupSeries, ...] = ()
    event_names: tuple[str, ...] = ()
    events: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    price_seen: Literal["always", "when sold"] = "always"
    planned: frozenset[str] | None = None
    catalog_hash: str = ""
    life: LifeCycle | None = None

    def __post_init__(self) -> None:
        shape = (len(self.item_ids), len(self.periods))
        arrays = {"demand": self.demand, "in_stock": self.in_stock, **self.known, **self.past}
        for name, array in arrays.items():
            if array.shape != shape:
                raise DataError(f"{name} has shape {array.shape}; {shape[0]} items over {shape[1]} periods need {shape}.")
            _sealed(array)
        if not self.event_names:
            object.__setattr__(self, "events", np.zeros((shape[1], 0), np.float32))
        for name in ("known", "past", "static"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __len__(self) -> int:
        return len(self.item_ids)

    def __reduce__(self) -> tuple[type[Panel], tuple[object, ...]]:
        values = (getattr(self, one.name) for one in fields(self))
        return Panel, tuple(dict(value) if isinstance(value, MappingProxyType) else value for value in values)

    @property
    def last(self) -> pd.Timestamp:
        """The last period on record."""
        return self.periods[-1]

    @property
    def unplanned(self) -> frozenset[str]:
        """The known-future covariates of which nothing is known ahead."""
        return frozenset() if self.planned is None else frozenset(self.known) - self.planned

    @property
    def out_of_stock(self) -> np.ndarray:
        """[N, T] bool: sold out for a part of the period or all of it, so that demand was at least what sold."""
        return self.in_stock < 1

    @property
    def uncensored(self) -> np.ndarray:
        """Demand [N, T] float64, NaN where it is not known or the item was out of stock."""
        return np.where(self.out_of_stock, np.nan, self.demand).astype(np.float64)

    def take(self, rows: Sequence[int] | np.ndarray) -> Panel:
        """The panel of these rows [K], in this order; groups stay those of the whole catalog."""
        rows = np.asarray(rows)
        pick = lambda columns: {name: array[rows] for name, array in columns.items()}  # noqa: E731
        return replace(
            self,
            item_ids=self.item_ids[rows],
            demand=self.demand[rows],
            in_stock=self.in_stock[rows],
            known=pick(self.known),
            past=pick(self.past),
            static=pick(self.static),
            groups=tuple(replace(group, codes=group.codes[rows]) for group in self.groups),
            life=None if self.life is None else self.life.take(rows),
        )


@dataclass(frozen=True, eq=False)
class Plan:
    """What is known at a creation date of the F periods after it.

    Attributes
    ----------
    periods : [F] stamps, the first one right after the panel's last.
    known : name → [N, F] float32, the panel's known-future covariates as planned.
    groups : column → name → [G, F] float32, the group means of those covariates, continuing ``GroupSeries.known``.
    events : [F, E] float32.
    given : name → [N, F] bool, which cells of ``known`` somebody has planned; the others hold what is usual. All of a
        covariate that is not in it are.
    """

    periods: pd.DatetimeIndex
    known: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    events: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    given: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, array in self.known.items():
            if array.shape[1] != len(self.periods):
                raise DataError(f"The plan's {name} covers {array.shape[1]} periods; its dates are {len(self.periods)}.")
        if not self.events.size:
            object.__setattr__(self, "events", np.zeros((len(self.periods), self.events.shape[1]), np.float32))

    def __len__(self) -> int:
        return len(self.periods)

    def take(self, rows: Sequence[int] | np.ndarray) -> Plan:
        """The plan of these rows [K], in this order."""
        rows = np.asarray(rows)
        return replace(
            self,
            known={name: array[rows] for name, array in self.known.items()},
            given={name: array[rows] for name, array in self.given.items()},
        )

    def is_given(self, name: str) -> np.ndarray:
        """[N, F] bool: which cells of a covariate somebody has planned."""
        return self.given[name] if name in self.given else np.ones(self.known[name].shape, bool)
