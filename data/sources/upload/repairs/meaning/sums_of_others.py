"""Items that are the sum of other items: totals of categories, of stores, of everything, stored beside their parts."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from data.facts import Check
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "sum-of-others"

#: What an item that is a total may be called.
_NAMED = re.compile(
    r"\W*((all|sum|tot)( items| products| stores)?|((grand|sub)?[ -]?total|summe|gesamt|合計|総計|小計|итого|всего)\b.*)\W*",
    re.IGNORECASE,
)

#: Periods with sales, and different quantities among them, without which an equal sum may be chance.
_LEAST, _DIFFERENT = 8, 4

#: How near a sum is equal, as a share, and in which share of the periods it must be.
_NEAR, _PERIODS = 2e-3, 0.95

#: Equations more than unknowns, from which on a combination of series is no chance; and series that are solved for at most.
_MARGIN, _SOLVED = 6, 250

#: Periods that are enough to solve for so many; the sum is then held against all of them.
_ENOUGH = 512

#: Items looked at together.
_CHUNK = 5_000


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """Items that equal the sum of others in nearly all periods are left out."""
    if rows.periods < _LEAST or len(rows.item_ids) < 3:
        return None
    demand = np.nan_to_num(rows.history(), copy=False)
    volume = demand.sum(axis=1, dtype=np.float64)
    parts = (item_id.split(" @ ") for item_id in rows.item_ids)
    named = np.array([any(_NAMED.fullmatch(part) for part in one) for one in parts], bool)
    named &= volume > 2 * np.median(volume)
    total = _totals(rows, demand)
    named &= ~total
    if named.any() and _equal(*(demand[which].sum(axis=0, dtype=np.float64)[None] for which in (named, ~named & ~total)))[0]:
        total, named = total | named, np.zeros_like(named)  # together they hold what all others hold
    checks = _unproven(rows, np.flatnonzero(named)) if named.any() else ()
    if not total.any():
        return Found(rows, None, checks) if checks else None
    answer = answer_to(KIND, decisions, YES)
    hit = np.flatnonzero(total)
    names = ", ".join(shortened(rows.item_ids[one]) for one in hit[:3]) + (" …" if len(hit) > 3 else "")
    times = demand.sum(dtype=np.float64) / max(demand[~total].sum(dtype=np.float64), 1e-9)
    offer = Offer(
        kind=KIND,
        title="Sums of others",
        words=(
            f"{many(len(hit), 'item')} equal the sum of others in nearly every period: {names}. They are left out; "
            f"{many(int((~total).sum()), 'item')} remain."
        ),
        count=len(hit),
        before=f"{many(len(total), 'item')}, units counted {times:.2g} times",
        after=f"{many(int((~total).sum()), 'item')}, each unit counted once",
        effect="Totals would be forecast beside their parts, and money counted twice.",
        default=YES,
        answer=answer,
    )
    return Found(rows if answer == NO else rows.of_items(~total), offer, checks)


def _unproven(rows: Rows, named: np.ndarray) -> tuple[Check, ...]:
    """Items that are called a total and equal no sum that was found."""
    words = (
        f"{many(len(named), 'item')} such as {shortened(rows.item_ids[named[0]])!r} are named like a total, and no items were "
        "found that add up to it. If it is one, leave its rows out of the file."
    )
    return (Check("Totals", words, len(named), "warning"),)


def _totals(rows: Rows, demand: np.ndarray) -> np.ndarray:
    """Which [N] items are sums: whole places or products first, then items of a group, then any."""
    total = np.zeros(len(demand), bool)
    for codes in filter(len, (rows.place, rows.product)):
        left = np.flatnonzero(~total)
        labels, group = np.unique(codes[left], return_inverse=True)
        if len(labels) > 2:
            sums = _summed(demand[left], group, len(labels))
            total[left] = sums_among(sums)[group]
    for values in rows.static.values():
        rest = ~total if total.any() else slice(None)  # a slice copies nothing
        total[rest] = _half_of_group(demand[rest], values[rest])
    rest = ~total if total.any() else slice(None)
    total[rest] = sums_among(demand[rest])
    return total


def _summed(series: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The sums [G, T] of series [K, T] by their group [K], of which each has one at least."""
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(groups))
    return np.add.reduceat(series[order], first, axis=0, dtype=np.float64)


def _half_of_group(series: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which series [K, T] are half of the sum of all that share their value [K]: the sum of the others."""
    labels, group = np.unique(values.astype(str), return_inverse=True)
    if len(labels) in (1, len(values)):
        return np.zeros(len(series), bool)
    sums, sizes = _summed(series, group, len(labels)), np.bincount(group)
    answer = np.zeros(len(series), bool)
    for start in range(0, len(series), _CHUNK):
        part = slice(start, start + _CHUNK)
        several = sizes[group[part]] > 2
        answer[part] = several & _equal(2.0 * series[part].astype(np.float64), sums[group[part]])
    return answer


def sums_among(series: np.ndarray) -> np.ndarray:
    """Which of the series [K, T] are the sum of at least two others that are none themselves."""
    answer = np.zeros(len(series), bool)
    if len(series) < 3 or series.shape[1] < _LEAST:
        return answer
    volume = series.sum(axis=1, dtype=np.float64)
    order = np.argsort(volume, kind="stable")
    order = order[volume[order] > 0]
    whole = series.sum(axis=0, dtype=np.float64)
    for one in order[::-1][:2]:  # of everything, with no level or one between
        others = np.delete(order, np.flatnonzero(order == one))
        above = len(others) > 2 and bool((series[others] <= series[one] * (1 + _NEAR) + 1e-9).mean() >= _PERIODS)
        if above and any(_equal(times * series[one][None].astype(np.float64), whole[None])[0] for times in (2, 3)):
            answer[one] = True
    if len(order) > min(_SOLVED, series.shape[1] - _MARGIN):
        return answer
    values = series.astype(np.float64)
    leaves: list[int] = []
    for one in order:
        if answer[one] or _is_sum(values[one], values[leaves]):
            answer[one] = True
        else:
            leaves.append(int(one))
    return answer


def _is_sum(sum_: np.ndarray, parts: np.ndarray) -> bool:
    """Whether a series [T] is the sum of two or more of the ``parts`` [K, T]: least squares gives each weight 0 or 1."""
    fits = (parts <= sum_ * (1 + _NEAR) + 1e-9).mean(axis=1) >= _PERIODS
    parts = parts[fits]
    if len(parts) < 2 or not _tells(sum_):
        return False
    some = slice(None, None, max(1, len(sum_) // _ENOUGH))
    weights = np.linalg.lstsq(parts[:, some].T, sum_[some], rcond=None)[0]
    chosen = np.abs(weights - 1) < 0.2
    if chosen.sum() < 2 or not (chosen | (np.abs(weights) < 0.2)).all():
        return False
    return bool(_equal(sum_[None], parts[chosen].sum(axis=0)[None])[0])


def _equal(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether series [K, T] are equal in nearly every period with sales, and say enough for that to be no chance."""
    active = (one > 0) | (other > 0)
    same = np.abs(one - other) <= _NEAR * np.maximum(one, other) + 1e-6
    share = (same & active).sum(axis=1) / np.maximum(active.sum(axis=1), 1)
    likely = np.flatnonzero(share >= _PERIODS)
    answer = np.zeros(len(one), bool)
    answer[likely] = [_tells(one[place]) for place in likely]
    return answer


def _tells(series: Sequence[float] | np.ndarray) -> bool:
    """Whether a series [T] moves enough to be known again."""
    values = np.asarray(series)
    sold = values[values > 0]
    return len(sold) >= _LEAST and len(np.unique(sold)) >= _DIFFERENT
