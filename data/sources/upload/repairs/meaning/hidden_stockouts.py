"""Runs of zeros that are all but impossible for an item: it could not sell because there was none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.schema import Unit
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows, laid_out
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "hidden-stockouts"

#: Periods before a run, and after it, that tell how much would have sold; each side needs so many.
_SIDE, _LEAST_SIDE = 8, 3

#: The chance of a run, counted over all places where it could have begun, below which it is no chance.
_IMPOSSIBLE = 1e-4

#: The least a run counts, and the least overdispersion that demand is given the benefit of: σ² = μ + φμ².
_SHORTEST, _LEAST_DISPERSION = 2, 0.05

#: A run at the end is one like those before it only where it is not much longer than they.
_LONGER = 2

#: A year in periods, and how long a run must at least and may at most be to be a season in which the item is not on sale.
_YEAR: dict[Unit, tuple[int, int, int]] = {"day": (365, 60, 300), "week": (52, 9, 48), "month": (12, 2, 11)}

#: Items looked at together.
_CHUNK = 5_000


@dataclass(frozen=True, eq=False)
class _Runs:
    """Runs of zeros [K]: whose, from which period on, how many, and how much sold around them."""

    item: np.ndarray
    start: np.ndarray
    length: np.ndarray
    level: np.ndarray


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """Periods of such runs count as out of stock, where the planner agrees: demand was at least zero there, and not known."""
    assert rows.calendar is not None
    demand = rows.history()
    if rows.in_stock is not None:  # what the file says of stock stands
        demand[laid_out(rows, rows.in_stock, rows.periods) == 0] = np.nan
    runs = _impossible(demand, rows.calendar.frequency.unit)
    if not len(runs.item):
        return None
    item = np.repeat(runs.item, runs.length)
    offset = np.arange(len(item)) - np.repeat(np.cumsum(runs.length) - runs.length, runs.length)
    period = np.repeat(runs.start, runs.length) + offset
    answer = answer_to(KIND, decisions, NO)
    unit = rows.calendar.frequency.unit
    one = int(np.argmax(runs.length * runs.level))
    begin = rows.calendar.periods[runs.start[one]]
    example = (
        f"{shortened(rows.item_ids[runs.item[one]])}: {many(int(runs.length[one]), unit)} of zero from {begin:%Y-%m-%d}, at "
        f"{runs.level[one]:,.3g} a {unit}"
    )
    offer = Offer(
        kind=KIND,
        title="Hidden stockouts",
        words=(
            f"{many(len(runs.item), 'run')} of zeros of {many(len(np.unique(runs.item)), 'item')} are all but impossible "
            f"beside what they sell, such as {example}. These {many(len(item), unit)} count as out of stock."
        ),
        count=len(item),
        before=example,
        after="out of stock: demand unknown",
        effect="The zeros would be learned as no demand, and the forecast and the order would be too low for good.",
        default=NO,
        answer=answer,
    )
    return Found(rows if answer == NO else _out_of_stock(rows, item, period), offer)


def _out_of_stock(rows: Rows, item: np.ndarray, period: np.ndarray) -> Rows:
    """The rows with stock 0 at these places [K]; a place without a row gets one."""
    there = rows.there()
    absent = ~there[item, period]
    rows = rows.with_zeros(item[absent], period[absent])
    hit = np.zeros(there.shape, bool)
    hit[item, period] = True
    stock = np.full(len(rows.item), np.nan) if rows.in_stock is None else rows.in_stock.copy()
    stock[rows.at(hit)] = 0.0
    return replace(rows, in_stock=stock)


def _impossible(demand: np.ndarray, unit: Unit) -> _Runs:
    """The runs of zeros in ``demand`` [N, T] that cannot be chance, season, or an item that has stopped."""
    parts = []
    for start in range(0, len(demand), _CHUNK):
        part = _runs(demand[start : start + _CHUNK])
        part = replace(part, item=part.item + start)
        usual = _of_season(demand, part, *_YEAR[unit])
        if unit == "day":
            usual |= _of_season(demand, part, 7, 1, 7) | _closed(demand, part)
        parts.append(_chosen(part, _beyond_chance(demand, part) & ~usual))
    found = _Runs(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("item", "start", "length", "level")))
    ends = found.start + found.length == demand.shape[1]
    longest = found.length[~ends].max(initial=0)
    return _chosen(found, ~ends | (found.length <= _LONGER * longest))


def _chosen(runs: _Runs, which: np.ndarray) -> _Runs:
    return _Runs(runs.item[which], runs.start[which], runs.length[which], runs.level[which])


def _runs(demand: np.ndarray) -> _Runs:
    """Runs of zeros that have sales on both sides, or before them where they last to the end."""
    zero = demand == 0
    bounds = np.diff(np.pad(zero, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    item, start = np.nonzero(bounds == 1)
    length = np.nonzero(bounds == -1)[1] - start
    long = (length >= _SHORTEST) & (start > 0)
    item, start, length = item[long], start[long], length[long]
    before = _side_level(demand, item, start - 1, -1)
    after = _side_level(demand, item, start + length, 1)
    level = np.where(start + length == demand.shape[1], before, np.minimum(before, after))
    good = np.isfinite(level) & (level > 0)
    return _Runs(item[good], start[good], length[good], level[good])


def _side_level(demand: np.ndarray, item: np.ndarray, begin: np.ndarray, step: int) -> np.ndarray:
    """What [K] sold next to a run, from ``begin`` [K] on in the direction of ``step``: the lower of the nearest and of all.

    Where an item fades out the nearest periods are low. NaN where too few are known.
    """
    place = begin[:, None] + step * np.arange(_SIDE)  # (K, _SIDE)
    valid = (place >= 0) & (place < demand.shape[1])
    values = np.where(valid, demand[item[:, None], np.clip(place, 0, demand.shape[1] - 1)], np.nan)
    known = np.isfinite(values).sum(axis=1)
    sums, near = np.nansum(values, axis=1), np.nan_to_num(values[:, :2]).mean(axis=1)
    mean = np.divide(sums, known, out=np.full(len(known), np.nan), where=known >= _LEAST_SIDE)
    return np.minimum(mean, np.where(np.isfinite(values[:, :2]).all(axis=1), near, mean))


def _beyond_chance(demand: np.ndarray, runs: _Runs) -> np.ndarray:
    """Which runs [K] a negative binomial around their level would not give, with the item's own dispersion and zeros."""
    if not len(runs.item):
        return np.zeros(0, bool)
    items, place = np.unique(runs.item, return_inverse=True)
    rest = demand[items].astype(np.float64)  # (M, T)
    width = rest.shape[1]
    covered = np.zeros((len(items), width + 1), np.int64)
    np.add.at(covered, (place, runs.start), 1)
    np.add.at(covered, (place, runs.start + runs.length), -1)
    rest[np.cumsum(covered, axis=1)[:, :-1] > 0] = np.nan
    known = np.maximum(np.isfinite(rest).sum(axis=1), 1)
    mean = np.nansum(rest, axis=1) / known
    spread = np.nansum((rest - mean[:, None]) ** 2, axis=1) / known
    dispersion = np.maximum((spread - mean) / np.maximum(mean, 1e-9) ** 2, _LEAST_DISPERSION)[place]
    drawn = -np.log1p(dispersion * runs.level) / dispersion  # log P(0) of a negative binomial
    zero = demand[items] == 0
    starts = (zero & ~np.pad(zero, ((0, 0), (1, 0)))[:, :-1]).sum(axis=1)
    own = np.log((starts - 0.5) / np.maximum((demand[items] > 0).sum(axis=1), 1))[place]  # how often a zero follows a sale
    return runs.length * np.maximum(drawn, own) + np.log(width) < np.log(_IMPOSSIBLE)


def _of_season(demand: np.ndarray, runs: _Runs, season: int, least: int, most: int) -> np.ndarray:
    """Which runs [K] of ``least`` to ``most`` periods have like ones a ``season`` before or after, or may have: not always on
    sale."""
    like, compared = (np.zeros(len(runs.item), bool) for _ in range(2))
    middle = runs.start + runs.length // 2
    for place in (middle - season, middle + season):
        valid = (place >= 0) & (place < demand.shape[1])
        valid[valid] = np.isfinite(demand[runs.item[valid], place[valid]])
        like[valid] |= demand[runs.item[valid], place[valid]] == 0
        compared |= valid
    return (like | ~compared) & (runs.length >= least) & (runs.length <= most)


def _closed(demand: np.ndarray, runs: _Runs) -> np.ndarray:
    """Which runs [K] of days are days on which nothing sold at all."""
    quiet = np.append(0, np.cumsum(np.nansum(demand, axis=0) == 0))
    return quiet[runs.start + runs.length] - quiet[runs.start] == runs.length
