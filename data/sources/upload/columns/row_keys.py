"""Which items have a row on which days: what comes twice, how the dates step, and where each row lies among them.

Millions of rows are not sorted for it: they are marked on a grid of items and days, some at a time. Axis letters: R rows, N
items, D different days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

#: Rows, and cells of a grid, looked at together.
_ROWS, _CELLS = 2_000_000, 2_000_000

#: A grid with more cells, or with fewer of them filled, is not made: few rows are sorted as quickly.
_MOST_CELLS, _LEAST_FILLED = 400_000_000, 0.005


@dataclass(frozen=True, eq=False)
class Seen:
    """Which items [N] have a row on which of the different ``days`` [D], sorted; ``again`` counts rows that come once more."""

    days: np.ndarray
    grid: np.ndarray
    again: int

    def steps(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The days between each row of an item and its next, with the item, some items at a time."""
        height = max(1, _CELLS // max(1, len(self.days)))
        number = self.days.astype(np.int64)
        for start in range(0, len(self.grid), height):
            item, place = np.nonzero(self.grid[start : start + height])
            inside = item[1:] == item[:-1]
            yield item[1:][inside] + start, np.diff(number[place])[inside]


def pieces(count: int) -> Iterator[slice]:
    """So many rows, some at a time."""
    return (slice(start, start + _ROWS) for start in range(0, count, _ROWS))


def different_days(days: np.ndarray, which: np.ndarray | None = None) -> np.ndarray:
    """The different days [D] among ``days`` [R], of the rows marked in ``which`` [R] alone; sorted, without NaT."""
    found: list[np.ndarray] = []
    for part in pieces(len(days)):
        some = days[part] if which is None else days[part][which[part]]
        some = some[~np.isnat(some)]
        if len(some):
            first = some.min()
            marks = np.zeros(int((some.max() - first).astype(np.int64)) + 1, bool)
            marks[(some - first).astype(np.int64)] = True
            found.append(first + np.flatnonzero(marks))
    return np.unique(np.concatenate(found)) if found else days[:0]


def looked_up(days: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``values`` [D] of the ``known`` days [D] for each of ``days`` [R], -1 for others."""
    answer = np.full(len(days), -1, np.int32)
    if not len(known):
        return answer
    first = known[0]
    span = int((known[-1] - first).astype(np.int64)) + 1
    table = np.full(span + 1, -1, np.int32)
    table[(known - first).astype(np.int64)] = values
    for part in pieces(len(days)):
        offset = (days[part] - first).astype(np.int64)  # NaT is far below 0
        answer[part] = table[np.where((offset >= 0) & (offset < span), offset, span)]
    return answer


def seen(items: np.ndarray, days: np.ndarray) -> Seen | None:
    """What rows of items [R] (-1 none) on days [R] (NaT none) mark; None where that is more than is laid out."""
    known = different_days(days)
    count = int(items.max(initial=-1)) + 1
    if count * len(known) > max(_CELLS, min(_MOST_CELLS, len(items) / _LEAST_FILLED)):
        return None
    grid = np.zeros(count * len(known), bool)
    place, marked = looked_up(days, known, np.arange(len(known))), 0
    for part in pieces(len(items)):
        whole = (items[part] >= 0) & (place[part] >= 0)
        key = items[part].astype(np.int64) * len(known) + place[part]
        key = key if whole.all() else key[whole]
        grid[key] = True
        marked += len(key)
    return Seen(known, grid.reshape(count, len(known)), marked - int(np.count_nonzero(grid)))


def first_rows(codes: np.ndarray, count: int) -> np.ndarray:
    """The first row [count] that holds each code, the number of rows where none does."""
    answer = np.full(count + 1, len(codes), np.int64)
    for part in reversed(list(pieces(len(codes)))):
        some = codes[part][::-1]  # the last one written is the first of the file
        answer[some] = np.arange(part.start + len(some) - 1, part.start - 1, -1)
    return answer[:-1]


def counted(codes: np.ndarray, count: int) -> np.ndarray:
    """How many rows [count] hold each code."""
    answer = np.zeros(count, np.int64)
    for part in pieces(len(codes)):
        some = codes[part]
        answer += np.bincount(some[some >= 0], minlength=count)
    return answer
