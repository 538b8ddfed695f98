"""Periods at the end in which nothing sold of any item: future rows that an export filled with zeros."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "future-zeros"

#: Periods before the zeros that tell how often an item sells nothing.
_BEFORE = 26

#: Periods before the zeros in which most of the items that sell at all must have sold.
_LATELY = 4

#: The chance that so many items sell nothing for so long by themselves, below which it is taken for granted that they did not.
_IMPOSSIBLE = 1e-6


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """The last periods with zeros of all items become the plan, or are left out where nothing is planned in them."""
    demand = rows.history()
    silent, ahead = _zeros_ahead(demand)
    if not ahead:
        return None
    certain = ahead >= 2 and silent and 3 * ahead <= rows.periods
    planned = _planned(rows, ahead)
    if not certain and not (planned and ahead >= 2):
        return None
    default = YES if certain else NO
    answer = answer_to(KIND, decisions, default)
    assert rows.calendar is not None
    first, last = (rows.calendar.periods[rows.periods - place] for place in (ahead, 1))
    unit = rows.calendar.frequency.unit
    hit = rows.inside & (rows.period >= rows.periods - ahead)
    offer = Offer(
        kind=KIND,
        title="Zeros in the future",
        words=(
            f"All {many(len(rows.item_ids), 'item')} are zero in the last {many(ahead, unit)}, {first:%Y-%m-%d} to "
            f"{last:%Y-%m-%d}, and sold before. They are read as the future: "
            + ("what is known of it is the plan." if planned else "nothing is known of it yet.")
        ),
        count=int(hit.sum()),
        before=f"history to {last:%Y-%m-%d}, 0 sold since {first:%Y-%m-%d}",
        after=f"history to {rows.calendar.periods[rows.periods - ahead - 1]:%Y-%m-%d}",
        effect="Every forecast would begin at zero, as if the business had stopped.",
        default=default,
        answer=answer,
    )
    if answer == NO:
        return Found(rows, offer)
    return Found(replace(rows, demand=np.where(hit, np.nan, rows.demand)), offer)


def _zeros_ahead(demand: np.ndarray) -> tuple[bool, int]:
    """Whether the periods at the end in which all known demand [N, T] is zero cannot be chance, and how many they are."""
    sold, known = np.nansum(demand, axis=0), np.isfinite(demand).any(axis=0)
    selling = np.flatnonzero(known & (sold > 0))
    if not len(selling) or selling[-1] == demand.shape[1] - 1:
        return False, 0
    end = int(selling[-1]) + 1
    ahead = demand.shape[1] - end
    if not known[end:].any() or _as_long_before(sold[:end] > 0, ahead):
        return False, 0
    recent = demand[:, max(0, end - _BEFORE) : end]
    active = np.nansum(recent[:, -_LATELY:], axis=1) > 0
    if 2 * active.sum() < (np.nansum(recent, axis=1) > 0).sum():
        return False, 0  # they stopped one after another
    periods = np.isfinite(recent[active]).sum(axis=1)
    zeros = ((recent[active] == 0).sum(axis=1) + 0.5) / (periods + 1.0)  # (N,) how often an item sells nothing
    later = np.isfinite(demand[active, end:]).sum(axis=1)
    chance = float((later * np.log(zeros)).sum())
    return chance < np.log(_IMPOSSIBLE), ahead if int(active.sum()) > 1 else 0  # one item may have stopped


def _as_long_before(selling: np.ndarray, ahead: int) -> bool:
    """Whether nothing sold for about as long before [T], as in goods of one season."""
    edges = np.append(-1, np.flatnonzero(selling))
    return int(np.diff(edges).max()) - 1 >= max(2, ahead // 2)


def _planned(rows: Rows, ahead: int) -> bool:
    """Whether prices or the like stand in the last periods."""
    hit = rows.inside & (rows.period >= rows.periods - ahead)
    return any(bool(np.isfinite(values[hit]).mean() > 0.5) for values in rows.known.values())
