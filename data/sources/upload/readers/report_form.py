"""Where a report has its table: titles above the header, a header of two rows, and pages that repeat both.

Rows are lists of cells as text, "" where empty, as the first rows of a CSV or of a sheet have them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data.sources.upload.columns.column_names import role_named
from data.sources.upload.dates.date_styles import names_a_period
from data.sources.upload.limits import shortened
from data.sources.upload.offers import YES, Offer

#: First rows among which the header is looked for.
LOOKED_AT = 60

#: A header fills this share of the cells that rows below it fill, and so many at least.
_SHARE, _LEAST = 0.6, 2

#: So many periods in a row name the columns of a wide table.
_WIDE = 4

#: Between the upper and the lower word of a header of two rows.
JOIN = " | "

_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,\s'’]*[)%-]?\s?[$€£¥]?")


@dataclass(frozen=True)
class Header:
    """Where the header stands.

    Attributes
    ----------
    first : its first row among those given, from 0.
    rows : 1, or 2 where an upper row spans columns; 0 where there is none.
    names : the columns' names.
    titles : the rows above it, without their numbers, so that they are known again on the next page.
    """

    first: int
    rows: int
    names: tuple[str, ...]
    titles: frozenset[str]


def header_of(rows: Sequence[Sequence[str]], *, may_lack: bool = True) -> Header:
    """The header among the first rows; the first row that holds anything where no other looks more like one.

    Where that row is one of the table and ``may_lack``, there is no header, and columns are numbered.
    """
    filled = [sum(map(bool, row)) for row in rows]
    there = [place for place, count in enumerate(filled) if count]
    if not there:
        return Header(0, 1, (), frozenset())
    first = _first(rows, filled, there)
    names, depth = tuple(" ".join(cell.split()) for cell in rows[first]), 1
    if may_lack and first == there[0] and is_data(rows[first], [rows[place] for place in there[1:]]):
        return Header(first, 0, tuple(f"Column {place + 1}" for place in range(len(names))), frozenset())
    for upper in (first - 1, first):
        if upper in there and upper + 1 in there and (joined := _two_rows(rows[upper], rows[upper + 1])):
            first, names, depth = upper, joined, 2
            break
    titles = frozenset(filter(None, (without_numbers(rows[place]) for place in there if place < first)))
    return Header(first, depth, names, titles)


def without_numbers(row: Sequence[str]) -> str:
    """A title as another page may have it, with another number."""
    return re.sub(r"\d+", "#", " ".join(" ".join(row).split()))


def no_header(answer: str, example: str) -> Offer:
    """The offer to take the first row for one of the table and to number the columns."""
    return Offer(
        kind="no-header",
        title="No header",
        words="The first row holds a date and a number as the others do: it is read as a row, and the columns are numbered.",
        count=1,
        before=shortened(example),
        after="Column 1 | Column 2 | …",
        effect="Otherwise the first row is taken for names and its demand is lost.",
        default=YES,
        answer=answer,
    )


def is_number(cell: str) -> bool:
    """Whether a cell looks like a number."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_title(row: Sequence[str], titles: frozenset[str]) -> bool:
    """Whether a row repeats a title that stood above the header."""
    return bool(titles) and without_numbers(row) in titles


def _first(rows: Sequence[Sequence[str]], filled: Sequence[int], there: Sequence[int]) -> int:
    """The first row that fills as many cells as rows usually do, with words rather than numbers."""
    usual = sorted(filled[place] for place in there)[len(there) // 2 :]  # rows of the table are at least half of those seen
    typical = max(set(usual), key=lambda count: (usual.count(count), count))
    start = there[0]
    names = [place for place in there[:-1] if filled[place] >= max(_LEAST, _SHARE * typical) and _words(rows[place]) == 1]
    if not names:
        return start
    best = max(names, key=lambda place: (_roles(rows[place]), filled[place] >= typical, -place))
    if start in names and (_roles(rows[start]) >= _roles(rows[best]) and filled[start] >= typical):
        return start
    enough = filled[start] >= max(_LEAST, _SHARE * typical) and _words(rows[start]) >= 0.5
    if enough and not _roles(rows[best]) > _roles(rows[start]) and filled[best] <= filled[start]:
        return start
    return best


def _roles(row: Sequence[str]) -> int:
    """How many different roles the cells of a row name."""
    return len({role for cell in row if cell and (role := role_named(cell))})


def _words(row: Sequence[str]) -> float:
    """The share of a row's cells that could name a column: no numbers, and no dates unless there are many as in wide tables."""
    cells = [cell for cell in row if cell]
    wide = sum(map(names_a_period, cells)) >= _WIDE
    numbers = [_NUMBER.fullmatch(cell) or names_a_period(cell) for cell in cells]
    return sum(not number or (wide and names_a_period(cell)) for cell, number in zip(cells, numbers, strict=True)) / len(cells)


def is_data(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether what stands as header is a row like those below it: a date and a number over dates and numbers."""
    cells = [cell for cell in row if cell]
    if len(cells) < _LEAST or sum(map(names_a_period, cells)) >= _WIDE or _roles(row) or len(below) < _LEAST:
        return False
    kinds = [{_kind(one[place]) for one in (row, *below) if place < len(one) and one[place]} for place in range(len(row))]
    return {"date"} in kinds and {"number"} in kinds


def _kind(cell: str) -> str:
    return "date" if names_a_period(cell) else "number" if _NUMBER.fullmatch(cell) else "word"


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
