"""Where a report has its table: titles above the header, a header of two rows, and pages that repeat both.

Rows are lists of cells as text, "" where empty, as the first rows of a CSV or of a sheet have them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data.sources.upload.dates.date_styles import names_a_period

#: First rows among which the header is looked for.
LOOKED_AT = 60

#: A header fills this share of the cells that rows below it fill, and so many at least.
_SHARE, _LEAST = 0.6, 2

#: Between the upper and the lower word of a header of two rows.
JOIN = " | "

_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,\s'’]*[)%-]?\s?[$€£¥]?")


@dataclass(frozen=True)
class Header:
    """Where the header stands.

    Attributes
    ----------
    first : its first row among those given, from 0.
    rows : 1, or 2 where an upper row spans columns.
    names : the columns' names.
    titles : the rows above it, without their numbers, so that they are known again on the next page.
    """

    first: int
    rows: int
    names: tuple[str, ...]
    titles: frozenset[str]


def header_of(rows: Sequence[Sequence[str]]) -> Header:
    """The header among the first rows; the first row that holds anything where no other looks more like one."""
    filled = [sum(map(bool, row)) for row in rows]
    there = [place for place, count in enumerate(filled) if count]
    if not there:
        return Header(0, 1, (), frozenset())
    first = _first(rows, filled, there)
    below = next((place for place in there if place > first), None)
    names, depth = tuple(" ".join(cell.split()) for cell in rows[first]), 1
    if below == first + 1 and (joined := _two_rows(rows[first], rows[below])):
        names, depth = joined, 2
    titles = frozenset(filter(None, (without_numbers(rows[place]) for place in there if place < first)))
    return Header(first, depth, names, titles)


def without_numbers(row: Sequence[str]) -> str:
    """A title as another page may have it, with another number."""
    return re.sub(r"\d+", "#", " ".join(" ".join(row).split()))


def is_title(row: Sequence[str], titles: frozenset[str]) -> bool:
    """Whether a row repeats a title that stood above the header."""
    return bool(titles) and without_numbers(row) in titles


def _first(rows: Sequence[Sequence[str]], filled: Sequence[int], there: Sequence[int]) -> int:
    """The first row that fills as many cells as rows usually do, with words rather than numbers."""
    usual = sorted(filled[place] for place in there)[len(there) // 2 :]  # rows of the table are at least half of those seen
    typical = max(set(usual), key=lambda count: (usual.count(count), count))
    start = there[0]
    if filled[start] >= max(_LEAST, _SHARE * typical) and _words(rows[start]) >= 0.5:
        return start
    if filled[start] == typical == 1:
        return start
    for place in there:
        enough = filled[place] >= max(_LEAST, _SHARE * typical)
        if enough and _words(rows[place]) >= 0.75 and place != there[-1]:
            return place
    return start


def _words(row: Sequence[str]) -> float:
    """The share of a row's cells that could name a column: no numbers, or a period as a wide table has them."""
    cells = [cell for cell in row if cell]
    return sum(not _NUMBER.fullmatch(cell) or names_a_period(cell) for cell in cells) / max(1, len(cells))


def _two_rows(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    """The names of a header whose upper row spans columns of the lower one; none where it is of one row."""
    width = max(len(upper), len(lower))
    upper, lower = [*upper, *[""] * (width - len(upper))], [*lower, *[""] * (width - len(lower))]
    if any(_NUMBER.fullmatch(cell) and not names_a_period(cell) for cell in lower):
        return ()
    periods_above = sum(map(names_a_period, upper))
    periods_below = sum(map(names_a_period, lower))
    words_below = [cell for cell in lower if cell and not names_a_period(cell)]
    repeated = len(words_below) > len(set(words_below))
    spans = sum(not cell for cell in upper[1:]) > 0 and len(set(filter(None, lower))) < sum(map(bool, lower))
    crossed = (periods_above >= 2 and repeated and not periods_below) or (periods_below >= 4 and spans)
    if not crossed:
        return ()
    names, over = [], ""
    for above, below in zip(upper, lower, strict=True):
        over = above or over
        spanned = above if not below else over
        if below and not above and not over:
            names.append(below)
        elif not below:
            names.append(spanned if above else "")
        else:
            names.append(f"{spanned}{JOIN}{below}" if spanned else below)
    return tuple(" ".join(name.split()) for name in names)
