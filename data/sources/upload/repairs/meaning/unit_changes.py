"""An item that is counted in packs from some day on, or in pieces: its level jumps by the size of a pack and stays there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.facts import Check
from data.schema import PRICE
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows, laid_out
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "unit-change"

#: What a unit may be of another where the file names no pack size.
_PACKS = (6.0, 10.0, 12.0, 24.0, 48.0, 100.0, 144.0, 1000.0)

#: Known periods on each side; the least jump; how steady the sides are and how little they drift, as logs.
_SIDE, _JUMP, _STEADY, _DRIFT = 8, 4.5, 0.6, 0.35

#: How near the item's own pack, or the size of any pack, the jump must be, as a log.
_NEAR, _NEAR_ANY = 0.2, 0.1

#: Periods right before and after the jump that must show it too.
_EDGE = 4


#: Items looked at together.
_CHUNK = 5_000


@dataclass(frozen=True, eq=False)
class _Jumps:
    """Level shifts [K]: whose, from which period on, by how much, and by which pack (NaN none)."""

    item: np.ndarray
    start: np.ndarray
    ratio: np.ndarray
    pack: np.ndarray


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """Demand before the jump is counted in the unit after it, where the planner agrees; other jumps are told."""
    jumps = _jumps(rows)
    told = _told(rows, jumps)
    packs = np.isfinite(jumps.pack)
    if not packs.any():
        return Found(rows, None, told) if told else None
    one = _Jumps(jumps.item[packs], jumps.start[packs], jumps.ratio[packs], jumps.pack[packs])
    priced = _price_answers(rows, one)
    default = YES if priced.all() else NO
    answer = answer_to(KIND, decisions, default)
    assert rows.calendar is not None
    first, when = one.item[0], rows.calendar.periods[one.start[0]]
    by = f"× {one.pack[0]:g}" if one.pack[0] > 1 else f"÷ {1 / one.pack[0]:g}"
    offer = Offer(
        kind=KIND,
        title="Change of unit",
        words=(
            f"The level of {many(len(one.item), 'item')} jumps by the size of a pack and stays, such as "
            f"{shortened(rows.item_ids[first])} {by} on {when:%Y-%m-%d}. What was before is counted in the unit after."
        ),
        count=len(one.item),
        before=f"{shortened(rows.item_ids[first])}: {by} from {when:%Y-%m-%d} on",
        after=f"periods before {when:%Y-%m-%d} {by}",
        effect="A jump by a pack would be learned as growth or collapse; pieces and packs would be added up.",
        default=default,
        answer=answer,
    )
    return Found(rows if answer == NO else _rescaled(rows, one, priced), offer, told)


def _told(rows: Rows, jumps: _Jumps) -> tuple[Check, ...]:
    """The jumps that are no pack's."""
    others = np.flatnonzero(~np.isfinite(jumps.pack))
    if not len(others):
        return ()
    assert rows.calendar is not None
    one = others[0]
    words = (
        f"The level of {many(len(others), 'item')} jumps and stays, such as {shortened(rows.item_ids[jumps.item[one]])} × "
        f"{jumps.ratio[one]:.2g} on {rows.calendar.periods[jumps.start[one]]:%Y-%m-%d}."
    )
    return (Check("Level shift", words, len(others), "note"),)


def _jumps(rows: Rows) -> _Jumps:
    """The items whose level shifts once, abruptly and for good."""
    demand = rows.history()
    found = [jump for start in range(0, len(demand), _CHUNK) for jump in _jumps_among(demand[start : start + _CHUNK], start)]
    item, start, ratio = (np.array(values) for values in zip(*found, strict=True)) if found else (np.zeros(0, np.int64),) * 3
    pack = np.array([_pack(rows, int(i), float(r)) for i, r in zip(item, ratio, strict=True)], np.float64)
    return _Jumps(item, start, ratio, pack)


def _jumps_among(demand: np.ndarray, start: int) -> list[tuple[int, int, float]]:
    """The shifts in ``demand`` [K, T] of the items from ``start`` on: item, period and factor."""
    logs = np.log(np.where(demand > 0, demand, np.nan))
    known = np.isfinite(logs)
    able = (known.sum(axis=1) >= 2 * _SIDE) & (known.sum(axis=1) >= 0.8 * np.isfinite(demand).sum(axis=1))
    able[able] = _may_jump(logs[able])
    return [(start + int(item), *jump) for item in np.flatnonzero(able) if (jump := _jump(logs[item])) is not None]


def _may_jump(logs: np.ndarray) -> np.ndarray:
    """Which [K] items have a period before and after which the mean logs [K, T] of demand lie as far apart as a jump."""
    known = np.isfinite(logs)
    count, sums = known.cumsum(axis=1), np.nan_to_num(logs).cumsum(axis=1, dtype=np.float64)
    later, rest = count[:, -1:] - count, sums[:, -1:] - sums
    inside = (count >= _SIDE) & (later >= _SIDE)
    apart = np.abs(rest / np.maximum(later, 1) - sums / np.maximum(count, 1))
    return np.where(inside, apart, 0.0).max(axis=1, initial=0.0) >= 0.8 * np.log(_JUMP)


def _jump(logs: np.ndarray) -> tuple[int, float] | None:
    """Where logs [T] of demand shift, and by which factor; None where they do not."""
    place = np.flatnonzero(np.isfinite(logs))
    values = logs[place]
    count = len(values)
    at = np.arange(_SIDE, count - _SIDE + 1)
    sums = np.append(0.0, np.cumsum(values))
    apart = (sums[-1] - sums[at]) / (count - at) - sums[at] / at  # difference of the means
    gain = apart**2 * at * (count - at)
    best = int(at[np.argmax(gain)])
    left, right = values[:best], values[best:]
    jump = float(np.median(right) - np.median(left))
    edge = float(np.median(right[:_EDGE]) - np.median(left[-_EDGE:]))
    if abs(jump) < np.log(_JUMP) or abs(edge - jump) > 0.35 * abs(jump) or max(left.std(), right.std()) > _STEADY:
        return None
    if jump * (right.min() - left.max() if jump > 0 else right.max() - left.min()) < 0:
        return None  # the sides overlap
    if max(abs(np.median(side[: len(side) // 2]) - np.median(side[len(side) // 2 :])) for side in (left, right)) > _DRIFT:
        return None  # a season, or growth
    return int(place[best]), float(np.exp(jump))


def _pack(rows: Rows, item: int, ratio: float) -> float:
    """The size of a pack that a jump is near, as the factor it stands for; NaN where it is near none."""
    own = float(rows.commercial["pack_size"].iloc[item]) if "pack_size" in rows.commercial else float("nan")
    sizes = np.array([*([own] if own > 1 else []), *_PACKS])
    factors = np.concatenate([sizes, 1 / sizes])
    apart = np.abs(np.log(factors) - np.log(ratio))
    near = np.tile([*([_NEAR] if own > 1 else []), *[_NEAR_ANY] * len(_PACKS)], 2)
    best = int(np.argmin(apart - near))
    return float(factors[best]) if apart[best] <= near[best] else float("nan")


def _price_answers(rows: Rows, jumps: _Jumps) -> np.ndarray:
    """Which jumps [K] the price makes the other way round: a pack costs as many times more as fewer are sold."""
    if PRICE not in rows.known:
        return np.zeros(len(jumps.item), bool)
    price = laid_out(rows, rows.known[PRICE], rows.periods)
    answer = []
    for item, start, pack in zip(jumps.item, jumps.start, jumps.pack, strict=True):
        before, after = price[item, :start], price[item, start:]
        seen = np.isfinite(before).any() and np.isfinite(after).any()
        answer.append(bool(seen and abs(np.log(np.nanmedian(after) / np.nanmedian(before)) + np.log(pack)) <= _NEAR))
    return np.array(answer, bool)


def _rescaled(rows: Rows, jumps: _Jumps, priced: np.ndarray) -> Rows:
    """The rows with what lies before the jumps in the unit after them, and its price where that jumped too."""
    start, factor, own = np.zeros(len(rows.item_ids), np.int64), np.ones(len(rows.item_ids)), np.ones(len(rows.item_ids))
    start[jumps.item], factor[jumps.item] = jumps.start, jumps.pack
    own[jumps.item] = np.where(priced, jumps.pack, 1.0)
    before = rows.inside & (rows.period < np.append(start, 0)[rows.item])
    times = lambda values, by: np.where(before, values * np.append(by, 1.0)[rows.item], values)  # noqa: E731
    known = dict(rows.known)
    if PRICE in known:
        known[PRICE] = times(known[PRICE], 1 / own)
    return replace(rows, demand=times(rows.demand, factor), known=known)
