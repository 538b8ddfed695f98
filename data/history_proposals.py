"""What a history itself says may be wrong: one-off orders, and zeros that are all but impossible. Proposed, never applied.

Axis letter: T periods of one item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.schema import PROMO, Panel

#: A one-off is at least so many times a usual high period, and twice all that is left when the one-offs are out …
_TIMES, _TIMES_REST = 5.0, 2.0

#: … of so many units at least, known periods on record, and no more than this share of them.
_FEWEST_UNITS, _FEWEST_PERIODS, _MOST_SHARE = 10.0, 12, 0.03

#: What is usual is the median of so many known periods on either side.
_AROUND = 13

#: A promotion that reaches so much of the stores explains a high period.
_PROMOTED = 0.05

#: A run of zeros is proposed where its chance at the item's own share of zeros is below this.
_CHANCE = 1e-5

#: Where so much of the same time of another year was zero, too, zeros are the season.
_SEASON = 0.8


@dataclass(frozen=True)
class Proposal:
    """Periods ``first`` to ``last`` (positions, both inside) that a planner may want to mark as ``kind``.

    ``sold`` units were recorded in them, where ``usual`` is what the periods around sell each.
    """

    kind: Literal["one-off", "out of stock"]
    first: int
    last: int
    sold: float
    usual: float


def proposals(panel: Panel, spared: np.ndarray) -> tuple[Proposal, ...]:
    """What may be wrong with the one item of ``panel``, newest first; nothing of the periods [T] that are ``spared``."""
    demand = np.where(spared, np.nan, panel.uncensored[0])
    promo = np.nan_to_num(panel.known[PROMO][0]) if PROMO in panel.known else np.zeros(len(demand))
    special = panel.events.any(axis=1) if panel.events.size else np.zeros(len(demand), bool)
    season = round(panel.frequency.per_year)
    found = [*_one_offs(demand, (promo > _PROMOTED) | special, season), *_lost_sales(demand, season)]
    return tuple(sorted(found, key=lambda one: -one.first))


def _one_offs(demand: np.ndarray, explained: np.ndarray, season: int) -> list[Proposal]:
    """Single periods that sold many times what is usual, for no reason on record and not at the same time of another year."""
    known = np.isfinite(demand)
    sold = known & (demand > 0)
    if known.sum() < _FEWEST_PERIODS or sold.sum() < 3:
        return []
    high = max(float(np.quantile(demand[known], 0.95)), float(np.median(demand[sold])))
    maybe = known & ~explained & (demand >= max(_TIMES * high, _FEWEST_UNITS))
    rest = float(demand[known & ~maybe].max(initial=0.0))
    maybe &= np.nan_to_num(demand) >= _TIMES_REST * rest
    if maybe.sum() > max(1, _MOST_SHARE * known.sum()):
        return []
    return [
        Proposal("one-off", int(t), int(t), float(demand[t]), usual_around(demand, int(t), int(t)))
        for t in np.flatnonzero(maybe)
        if not _returns(demand, int(t), season)
    ]


def _returns(demand: np.ndarray, t: int, season: int) -> bool:
    """Whether the same time of another year sold at least a third as much."""
    near = [demand[max(0, t + years * season - 1) : max(0, t + years * season + 2)] for years in (-2, -1, 1, 2)]
    other = np.concatenate(near)
    return bool((np.nan_to_num(other) >= demand[t] / 3).any())


def _lost_sales(demand: np.ndarray, season: int) -> list[Proposal]:
    """Runs of zeros after the first sale [T] that the item's own share of zeros makes all but impossible."""
    zero = demand == 0
    sold = np.flatnonzero(np.nan_to_num(demand) > 0)
    if not sold.size:
        return []
    zero[: sold[0]] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], zero, [False]]).astype(int)))
    known, found = np.isfinite(demand[sold[0] :]).sum(), []
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        length = stop - first
        chance = ((zero.sum() - length + 1) / (known - length + 2)) ** length
        if chance <= _CHANCE and not _zero_elsewhere(demand, slice(first, stop), season):
            found.append(Proposal("out of stock", first, stop - 1, 0.0, usual_around(demand, first, stop - 1)))
    return found


def _zero_elsewhere(demand: np.ndarray, run: slice, season: int) -> bool:
    """Whether next to nothing sold at the same time of another year, too: then it is the season."""
    for years in (-1, 1):
        places = np.arange(run.start, run.stop) + years * season
        there = demand[places[(places >= 0) & (places < len(demand))]]
        there = there[np.isfinite(there)]
        if there.size and (there == 0).mean() >= _SEASON:
            return True
    return False


def usual_around(demand: np.ndarray, first: int, last: int) -> float:
    """The median of the known periods [T] on either side of some; NaN where none is known."""
    known = np.flatnonzero(np.isfinite(demand))
    around = np.concatenate([known[known < first][-_AROUND:], known[known > last][:_AROUND]])
    return float(np.median(demand[around])) if around.size else float("nan")
