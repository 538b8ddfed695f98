"""A last period that holds a part of its days: nearly all items drop at once, lower than season and noise explain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND, TITLE = "unfinished-period", "Unfinished period"
EFFECT = "Each forecast would begin from a fall in sales that did not happen."

#: Periods before the last that it is held against: nothing of these was nearly as low.
_RECENT = {"day": 28, "week": 26, "month": 12}

#: The least periods that tell how much a total moves by itself.
_LEAST = 8

#: How far under the lowest of the recent periods the last must lie, and how many deviations of their logs.
_RATIO, _DEVIATIONS = 0.85, 5.0
_SURE_RATIO, _SURE_DEVIATIONS = 0.75, 7.0

#: The share of items that must lie below most of their own recent periods; and how many items can prove it.
_ITEMS, _FEW = 0.75, 5


@dataclass(frozen=True)
class _Drop:
    """The last total against the usual one, and whether that is all but impossible."""

    share: float
    items: int
    certain: bool


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """The last period is left out of the history; what is known ahead of it becomes the plan."""
    drop = None if rows.short else _drop(rows)
    if drop is None:
        return None
    assert rows.calendar is not None
    last, unit = rows.calendar.periods[rows.periods - 1], rows.calendar.frequency.unit
    default = YES if drop.certain else NO
    answer = answer_to(KIND, decisions, default)
    offer = Offer(
        kind=KIND,
        title=TITLE,
        words=(
            f"The last {unit}, {last:%Y-%m-%d}, looks unfinished: the total of {many(drop.items, 'item')} is "
            f"{drop.share - 1:+.0%} against the {unit}s before, lower than ever. It is left out, and the first one forecast."
        ),
        count=1,
        before=f"history to {last:%Y-%m-%d}",
        after=f"history to {rows.calendar.periods[rows.periods - 2]:%Y-%m-%d}",
        effect=EFFECT,
        default=default,
        answer=answer,
    )
    hit = rows.inside & (rows.period == rows.periods - 1)
    return Found(rows if answer == NO else replace(rows, demand=np.where(hit, np.nan, rows.demand)), offer)


def _drop(rows: Rows) -> _Drop | None:
    """How far the last period lies under all recent ones, None where that may be season or noise."""
    assert rows.calendar is not None
    unit, season = rows.calendar.frequency.unit, rows.calendar.frequency.season
    demand, T = rows.history(), rows.periods
    if T <= _LEAST:
        return None
    known = np.isfinite(demand[:, -1]) & (np.isfinite(demand[:, -_LEAST - 1 : -1]).sum(axis=1) >= _LEAST // 2)
    known &= np.nansum(demand[:, -_LEAST - 1 : -1], axis=1) > 0
    if not known.any():
        return None
    seen = demand if known.all() else demand[known]
    totals = (
        np.nansum(seen, axis=0, dtype=np.float64) * known.sum() / np.maximum(np.isfinite(seen).sum(axis=0), 1)
    )  # for items not there yet
    recent = _like_the_last(totals[:-1], unit)[-_RECENT[unit] :]
    usual = float(np.median(recent[-_LEAST:]))
    if len(recent) < 4 or usual <= 0 or recent.min() <= 0:
        return None
    share, lowest = totals[-1] / usual, totals[-1] / recent.min()
    logs = np.log(recent / usual)
    below = 1.5 * float(np.sqrt(np.mean(np.minimum(logs, 0.0) ** 2)))  # promotions and peaks move a total up only
    spread = max(min(float(np.diff(logs).std()), below), 1.0 / np.sqrt(usual), 0.02)
    deviations = -np.log(max(totals[-1], 0.5) / usual) / spread
    low = _share_below(seen)
    if lowest > _RATIO or deviations < _DEVIATIONS or low < _ITEMS or _fell_before(totals, unit, season):
        return None
    far = deviations >= 1.5 * _SURE_DEVIATIONS
    proven = known.sum() >= _FEW or (known.sum() > _FEW // 2 and far)
    certain = bool(lowest <= _SURE_RATIO and deviations >= _SURE_DEVIATIONS and proven)
    if not certain and known.sum() < _FEW and not far:
        return None  # one item may fall by itself
    return _Drop(float(share), int(known.sum()), certain)


def _like_the_last(before: np.ndarray, unit: str) -> np.ndarray:
    """The totals that the last is like: of days, those of the same weekday."""
    return before[::-1][6::7][::-1] if unit == "day" else before


def _share_below(seen: np.ndarray) -> float:
    """The share of items [N, T] whose last period lies below their lower third of the recent ones, of those that can."""
    recent = np.sort(seen[:, -_LEAST - 1 : -1], axis=1)  # unknown ones come last
    third = np.maximum(np.isfinite(recent).sum(axis=1) - 1, 0) // 3
    bound = np.take_along_axis(recent, third[:, None], axis=1)[:, 0]
    able = bound > 0
    return float((seen[able, -1] < bound[able]).mean()) if able.any() else 0.0


def _fell_before(totals: np.ndarray, unit: str, season: int) -> bool:
    """Whether totals [T] fell about as far under the lowest of the periods before: a year ago, or more than once."""
    if len(totals) <= _LEAST + 2:
        return False
    lowest = np.lib.stride_tricks.sliding_window_view(totals[:-1], _LEAST).min(axis=1)  # (T - _LEAST,)
    falls = np.divide(totals[_LEAST:], lowest, out=np.ones(len(lowest)), where=lowest > 0)
    deep = falls[:-1] < np.exp(0.6 * np.log(max(falls[-1], 1e-3)))
    year = 365 if unit == "day" else season
    a_year_ago = len(falls) - 1 - year
    around = deep[max(0, a_year_ago - 2) : a_year_ago + 3] if a_year_ago > 0 else deep[:0]
    return bool(around.any()) or int(deep.sum()) > max(1, len(deep) // 50)
