"""Parts of a backtest that a planner fears most, as masks, and parts of the catalog, as groups of items.

What a period or an item *is* is decided by rules that look backwards: whether a period is a peak by its own demand and
what came before it, what an item is by what was known at the first creation date. Masks say where a forecast is judged and
are never an input of one. Axis letters: O origins, N items, H horizons, T periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.schema import PRICE, Frequency, Panel
from forecasting.core.demand_classes import DENSE, INTERMITTENT, zero_shares
from forecasting.core.time_splits import position

#: The segment that the promise of calibration is measured on.
DENSE_TITLE = "Zero in fewer than 1 period in 10"

_TWICE = 2.0  # a peak is above so many times the usual level …
_SPREADS = 3.0  # … and above the usual level by so many usual spreads
_NORMAL = 1.4826  # median absolute deviation of a normal distribution → its standard deviation
_LARGEST = 7  # categories that stand for themselves


@dataclass(frozen=True, eq=False)
class Slice:
    """Which targets belong together: ``mask`` [O, N, H]; ``name`` in addresses, ``title`` and ``words`` for a planner."""

    name: str
    title: str
    words: str
    mask: np.ndarray

    def __post_init__(self) -> None:
        self.mask.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Segment:
    """Which items belong together: ``rows`` [N] bool; ``kind`` is what they are grouped by."""

    kind: str
    title: str
    rows: np.ndarray


def slices(panel: Panel, creation_dates: Sequence[pd.Timestamp], horizon: int) -> tuple[Slice, ...]:
    """The slices of a backtest from ``creation_dates``, oldest first; those without a target are there, too."""
    places = [position(panel, date) for date in creation_dates]
    targets = np.array(places)[:, None] + np.arange(1, horizon + 1)  # (O, H)
    inside = targets < len(panel.periods)
    targets = np.minimum(targets, len(panel.periods) - 1)
    after = _recovery(panel.frequency)
    peak = peaks(panel, first=max(0, places[0] + 1 - after))
    past_peak = _soon_after(peak, after) & ~peak

    def at_targets(flags: np.ndarray) -> np.ndarray:
        return np.moveaxis(flags[:, targets], 0, 1) & inside[:, None]  # (N, O, H) → (O, N, H)

    everything = np.ones((len(places), len(panel), horizon), bool)
    known = np.isfinite(panel.demand).cumsum(axis=1)[:, places].T  # (O, N) periods on record at each creation date
    sparse = zero_shares(panel, places[0]) > INTERMITTENT  # (N,)
    unit, young = panel.frequency.unit, _new_below(panel.frequency)
    return (
        Slice("all", "Everything", "every item and period", everything),
        Slice("peak", "Peaks", f"{unit}s that sold more than twice the usual level, far outside its spread", at_targets(peak)),
        Slice("post_peak", "After peaks", f"the {after} {unit}s after a peak", at_targets(past_peak)),
        Slice("promoted", "Promoted", f"{unit}s with an announced promotion", at_targets(promoted(panel, places[0]))),
        Slice("new", "New items", f"items with fewer than {young} {unit}s on record", everything & (known < young)[..., None]),
        Slice(
            "intermittent", "Rare sellers", f"items that sold in less than half of their {unit}s", everything & sparse[:, None]
        ),
    )


def peaks(panel: Panel, first: int = 0) -> np.ndarray:
    """[N, T] bool, from period ``first`` on: demand far above the item's own recent usual level.

    The usual level is the median of the last quarter of a year before the period, its spread 1.4826 times their median
    absolute deviation; a peak is above twice the level and above it by three spreads. Only known periods in stock count,
    and at least a third of the quarter must be known. Where the level is zero nothing is usual and nothing is a peak.
    """
    demand = panel.uncensored
    window = _new_below(panel.frequency)
    found = np.zeros(demand.shape, bool)
    for period in range(max(first, 1), demand.shape[1]):
        before = demand[:, max(0, period - window) : period]
        rows = np.isfinite(before).sum(axis=1) * 3 >= window
        usual = np.full(len(demand), np.nan)
        usual[rows] = np.nanmedian(before[rows], axis=1)
        spread = np.full(len(demand), np.nan)
        spread[rows] = _NORMAL * np.nanmedian(np.abs(before[rows] - usual[rows, None]), axis=1)
        now = demand[:, period]
        found[:, period] = (usual > 0) & (now > _TWICE * usual) & (now > usual + _SPREADS * spread)
    return found


def promoted(panel: Panel, t: int) -> np.ndarray:
    """[N, T] bool: any known-future covariate that is like an event is on.

    Like an event is one, but the price, whose values until period ``t`` lie in 0 … 1 and are zero more often than not.
    """
    on = np.zeros(panel.demand.shape, bool)
    for name, values in panel.known.items():
        seen = values[:, : t + 1][np.isfinite(values[:, : t + 1])]
        if name != PRICE and seen.size and seen.min() >= 0 and seen.max() <= 1 and (seen == 0).mean() > 0.5:
            on |= np.nan_to_num(values) > 0
    return on


def segments(panel: Panel, creation_date: pd.Timestamp) -> tuple[Segment, ...]:
    """The catalog in parts, by what was known at ``creation_date``: all, thirds by volume, zero shares, categories.

    The thirds hold as many items each; only the largest categories stand for themselves. A part without items is left out.
    """
    t = position(panel, creation_date)
    zeros = zero_shares(panel, t)
    volume = np.asarray(np.nansum(panel.demand[:, : t + 1], axis=1, dtype=np.float64))
    third = np.argsort(np.argsort(-volume, kind="stable"), kind="stable") * 3 // max(len(panel), 1)
    parts = [Segment("all", "All items", np.ones(len(panel), bool))]
    parts += [
        Segment("volume", title, third == place)
        for place, title in enumerate(("Best-selling third", "Middle third", "Slowest third"))
    ]
    parts += [
        Segment("zeros", DENSE_TITLE, zeros < DENSE),
        Segment("zeros", "Zero in 1 to 5 periods in 10", (zeros >= DENSE) & (zeros <= INTERMITTENT)),
        Segment("zeros", "Zero in more than half of the periods", zeros > INTERMITTENT),
        Segment("zeros", "Nothing on record yet", np.isnan(zeros)),
    ]
    parts += _categories(panel, volume)
    return tuple(part for part in parts if part.rows.any())


def bands(horizon: int) -> tuple[tuple[int, int], ...]:
    """The whole horizon and its thirds, as first and last period ahead.

    >>> bands(13), bands(2)
    (((1, 13), (1, 4), (5, 8), (9, 13)), ((1, 2),))
    """
    if horizon < 3:
        return ((1, horizon),)
    first, second = horizon // 3, 2 * horizon // 3
    return (1, horizon), (1, first), (first + 1, second), (second + 1, horizon)


def _categories(panel: Panel, volume: np.ndarray) -> list[Segment]:
    """The best-selling values of the attribute ``category``, or of the first that is worth grouping by, and the others."""
    grouped = [group.column for group in panel.groups if group.column]
    column = "category" if "category" in panel.static else next(iter(grouped), "")
    if not column:
        return []
    labels = np.asarray(panel.static[column], dtype=object).astype(str)
    sold = pd.Series(volume).groupby(labels).sum().sort_values(ascending=False, kind="stable")
    largest = list(sold.index[:_LARGEST])
    parts = [Segment(column, label or "(none)", labels == label) for label in largest]
    return [*parts, Segment(column, "Other", ~np.isin(labels, largest))]


def _soon_after(flags: np.ndarray, periods: int) -> np.ndarray:
    """[N, T] bool: a flag stands in one of the ``periods`` before."""
    after = np.zeros(flags.shape, bool)
    for step in range(1, min(periods, flags.shape[1] - 1) + 1):
        after[:, step:] |= flags[:, :-step]
    return after


def _new_below(frequency: Frequency) -> int:
    """Periods on record below which an item is new: a quarter of a year, at least 3."""
    return max(3, round(frequency.per_year / 4))


def _recovery(frequency: Frequency) -> int:
    """The few periods after a peak: about a month, at least 2."""
    return max(2, round(frequency.per_year / 13))
