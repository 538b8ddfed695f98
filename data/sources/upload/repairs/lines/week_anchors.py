"""Weeks that some items name by another weekday than the rest: moved to the weekday of most, where the planner agrees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.sources.upload.columns.row_keys import different_days, pieces
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Lines

KIND = "move-weekdays"

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Periods that an item needs before its weekday counts.
_FEW = 3


def find(lines: Lines, decisions: Decisions) -> Found[Lines] | None:
    """Items whose weeks fall on another weekday are moved to the nearest week of the others that keeps both in step."""
    rows = lines.rows
    if len(np.unique((different_days(rows.days).astype(np.int64) + 3) % 7)) < 2:  # 1970-01-01 was a Thursday
        return None
    counts = _weekdays(rows)
    total = counts.sum(axis=1)
    own = counts.argmax(axis=1)  # (N,)
    steady = (counts.max(axis=1) == total) & (total >= _FEW)
    kept = np.bincount(own[steady], weights=total[steady], minlength=7)
    if not steady.all() or (kept > 0).sum() < 2:
        return None
    dated = (rows.item >= 0) & ~np.isnat(rows.days)
    item, day = rows.item[dated], rows.days[dated].astype(np.int64)
    if not _weekly(item, day):
        return None
    weekday = (day + 3) % 7
    usual = int(kept.argmax())
    other = own != usual
    first, last = (np.array([f(day[weekday == w]) if kept[w] else 0 for w in range(7)]) for f in (np.min, np.max))
    shift = np.array([_shift(int(first[w]), int(last[w]), int(first[usual]), int(last[usual])) for w in range(7)])
    moved = np.zeros(len(dated), bool)
    moved[dated] = other[item]
    answer = answer_to(KIND, decisions, NO)
    names = " and ".join(f"{_WEEKDAYS[w]}s" for w in np.flatnonzero(kept) if w != usual)
    one = int(np.flatnonzero(moved)[0])
    days = rows.days + np.where(moved, shift[np.append(own, 0)[rows.item]], 0)
    group = _group(lines, moved)
    offer = Offer(
        kind=KIND,
        title="Move weekdays",
        words=(
            f"{many(int(other.sum()), 'item')}{f' ({group})' if group else ''} have weeks on {names}, the others on "
            f"{_WEEKDAYS[usual]}s. {many(int(moved.sum()), 'row')} are moved to the {_WEEKDAYS[usual]} they belong to."
        ),
        count=int(moved.sum()),
        before=f"{rows.item_ids[rows.item[one]]}: {rows.days[one]}",
        after=str(days[one]),
        effect="All items are then forecast on one calendar of weeks; without it the file has no common step.",
        default=NO,
        answer=answer,
    )
    return Found(lines if answer != YES else replace(lines, rows=replace(rows, days=days)), offer)


def _weekdays(rows: Rows) -> np.ndarray:
    """How many rows each item has on each weekday [N, 7]."""
    counts = np.zeros(len(rows.item_ids) * 7, np.int64)
    for part in pieces(len(rows.item)):
        dated = (rows.item[part] >= 0) & ~np.isnat(rows.days[part])
        weekday = (rows.days[part][dated].astype(np.int64) + 3) % 7
        counts += np.bincount(rows.item[part][dated].astype(np.int64) * 7 + weekday, minlength=len(counts))
    return counts.reshape(-1, 7)


def _weekly(item: np.ndarray, day: np.ndarray) -> bool:
    """Whether the items step by whole weeks."""
    order = np.lexsort((day, item))
    step = np.diff(day[order])[np.diff(item[order]) == 0]
    return len(step) > 0 and bool((step % 7 == 0).all()) and bool((step == 7).mean() > 0.5)


def _shift(first: int, last: int, usual_first: int, usual_last: int) -> int:
    """Days from a group's weekday to the usual one: forward or back, as its first and last week fit those of the others.

    Back where both do: a week's last day then stands for the week before it.
    """
    forward = (usual_first - first) % 7
    back = forward - 7
    apart = [abs(first + days - usual_first) + abs(last + days - usual_last) for days in (back, forward)]
    return forward if apart[1] < apart[0] else back


def _group(lines: Lines, moved: np.ndarray) -> str:
    """The column and value that tell the moved rows from the others, "" where none does."""
    for column, cells in lines.sheet.cells.items():
        if column in (lines.sheet.mapping.item_id, lines.sheet.mapping.date):
            continue
        codes = np.unique(cells.codes[moved])
        if len(codes) == 1 and codes[0] >= 0 and not (cells.codes[~moved] == codes[0]).any():
            return f"{column} {cells.texts[codes[0]]}"
    return ""
