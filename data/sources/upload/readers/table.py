"""The cells of a file, whatever its format, and problems that name their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.errors import Problem
from data.sources.upload import limits
from data.sources.upload.offers import Offer
from data.sources.upload.readers.coded_columns import codes_of, encoded, only_held

#: Row numbers a problem names before it only counts.
SHOWN_ROWS = 5

#: What programs call a column without a name.
_UNNAMED = re.compile(r"unnamed: \d+(_level_\d+)?|index|column\d+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class FileTable:
    """The cells of a file.

    Attributes
    ----------
    columns : header → cells [R], coded by their different values: text, numbers or timestamps as the format has them, null
        where a cell is empty.
    rows : [R] each row's number as a spreadsheet shows it; the header is row 1.
    delimiter : of a CSV, "" otherwise.
    remarks : what was left aside on the way, in words.
    problems : rows and headers that do not fit the table.
    offers : other ways to read its form.
    format : "CSV", "Parquet" or "XLSX".
    """

    columns: dict[str, pa.Array]
    rows: np.ndarray
    delimiter: str
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]
    offers: tuple[Offer, ...] = ()
    format: str = ""

    def __len__(self) -> int:
        return len(self.rows)


def table_of(
    file_name: str,
    names: Sequence[str],
    columns: Iterable[pa.ChunkedArray | pa.Array],
    rows: np.ndarray,
    delimiter: str,
    remarks: tuple[str, ...],
    problems: list[Problem],
) -> FileTable:
    """The table without blank rows and unnamed blank columns; headers that repeat are a problem.

    Raises UploadError for a cell that is too long.
    """
    kept: dict[str, pa.Array] = {}
    seen: set[str] = set()
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        cells = only_held(encoded(column))
        name = " ".join(name.split())
        limits.check_longest(file_name, name, _longest(cells))
        if not name and not _filled(cells).any():
            continue
        if (not name or _UNNAMED.fullmatch(name)) and _counts_rows(cells):
            remarks = (*remarks, f"Column {place + 1} only numbers the rows and is left out.")
        elif not name:
            problems.append(Problem(f"Column {place + 1} has values and no name in the header", 1, (1,)))
        elif len(name) > limits.LONGEST_NAME:
            problems.append(Problem(f"The header names {limits.shortened(name)!r}, which is too long for a name", 1, (1,)))
        elif name.casefold() in seen:
            problems.append(Problem(f"The header names {name!r} more than once", 1, (1,)))
        else:
            kept[name] = cells
            seen.add(name.casefold())
    if kept:
        filled = np.zeros(len(rows), dtype=bool)
        for cells in kept.values():
            filled |= _filled(cells)
            if filled.all():
                break
        if not filled.all():
            kept = {name: cells.filter(pa.array(filled)) for name, cells in kept.items()}
            rows = rows[filled]
    return FileTable(kept, rows, delimiter, remarks, tuple(problems))


def _counts_rows(cells: pa.DictionaryArray) -> bool:
    """Whether a column holds 0, 1, 2 … or 1, 2, 3 …, as a table that was saved with its index does."""
    if len(cells.dictionary) < len(cells):
        return False
    try:
        numbers = cells.dictionary_decode().cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        return False
    return len(numbers) > 2 and numbers[0] in (0, 1) and bool((np.diff(numbers) == 1).all())


def many(count: int, noun: str) -> str:
    """The count with its noun: 1 row, 2,000 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def problem_at(message: str, rows: np.ndarray, where: np.ndarray) -> Problem:
    """The problem of the rows marked in ``where`` [R]."""
    hit = rows[where]
    return Problem(message, len(hit), tuple(int(row) for row in np.sort(hit)[:SHOWN_ROWS]))


def _longest(cells: pa.DictionaryArray) -> int:
    """Bytes of the longest text."""
    held = cells.dictionary
    return (pc.max(pc.binary_length(held)).as_py() or 0) if pa.types.is_string(held.type) else 0


def _filled(cells: pa.DictionaryArray) -> np.ndarray:
    """Where [R] a cell holds anything."""
    held = cells.dictionary
    if pa.types.is_string(held.type):
        something = pc.not_equal(pc.fill_null(pc.utf8_trim_whitespace(held), ""), "").to_numpy(zero_copy_only=False)
    else:
        something = pc.is_valid(held).to_numpy(zero_copy_only=False)
    if something.all():
        return codes_of(cells) >= 0
    return np.append(something, False)[codes_of(cells)]
