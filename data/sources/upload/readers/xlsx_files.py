"""The first sheet of a workbook as a table, read row by row: a sheet may claim rows and columns that no program writes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pyarrow as pa

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.readers.table import FileTable, problem_at, table_of

#: Parts of a workbook that hold cells; all others are small.
_CELLS = ("xl/worksheets/", "xl/sharedStrings.xml")

#: Parts that are read besides; pictures and macros are not.
_READ = ("[Content_Types].xml", "_rels/", "docProps/", "xl/_rels/", "xl/styles.xml", "xl/theme/", "xl/workbook.xml")


def read_xlsx(name: str, content: bytes) -> FileTable:
    """The table. Raises UploadError, or whatever a damaged part sets off."""
    from openpyxl import load_workbook

    parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    limits.check_unpacked(name, sum(part.file_size for part in parts if part.filename.startswith((*_CELLS, *_READ))))
    for part in parts:
        if part.filename.startswith(_READ) and part.file_size > limits.LARGEST_PART:
            raise UploadError(
                f"{name} has {part.file_size / 2**20:,.0f} MB in its part {limits.shortened(part.filename)}; the most is "
                f"{limits.LARGEST_PART / 2**20:,.0f} MB. Copy the cells into a new workbook, without their formats."
            )
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    if not sheets:
        raise UploadError(f"{name} has no sheet.")
    title = limits.shortened(sheets[0].title)
    records = _records(name, sheets[0])
    top, header = next(records, (0, ()))
    if not top:
        raise UploadError(f"The sheet {title!r} of {name} is empty.")
    width = len(header)
    body: list[tuple[Any, ...]] = []
    numbers, beyond = [], []
    for number, row in records:
        body.append(row[:width])
        numbers.append(number)
        beyond.append(len(row) > width)
        limits.check_cells(name, len(body), width)
    names = [_text(cell) or "" for cell in header]
    columns = [_typed([row[i] if i < len(row) else None for row in body]) for i in range(width)]
    rows, outside = np.array(numbers, dtype=np.int64), np.array(beyond, dtype=bool)
    problems = [problem_at("Cells beyond the last column that the header names", rows, outside)] if outside.any() else []
    remarks = (f"Only the first sheet, {title!r}, is read.",) if len(sheets) > 1 else ()
    if top > 1:
        remarks = (*remarks, f"The header was found in row {top}.")
    return table_of(name, names, columns, rows, "", remarks, problems)


def _records(name: str, sheet: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """(row number, cells up to the last that holds something) of every row that is not blank."""
    sheet.reset_dimensions()
    claimed = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > limits.MOST_SHEET_ROWS:
            raise UploadError(
                f"{name} has a row numbered above {limits.MOST_SHEET_ROWS:,}, which is the last row of a sheet. "
                "Copy the rows into a new workbook."
            )
        width = len(row)
        claimed += width
        if claimed > limits.MOST_CELLS:
            raise UploadError(
                f"{name} has more than {limits.MOST_CELLS:,} cells up to row {number:,}, most of them empty. "
                "Copy the table into a new workbook."
            )
        while width and (row[width - 1] is None or row[width - 1] == ""):
            width -= 1
        limits.check_columns(name, width)
        if width:
            yield number, row[:width]


def _typed(cells: Sequence[Any]) -> pa.Array:
    """One column of a sheet: numbers, dates or, where they are mixed, text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        try:
            return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
        except OverflowError:  # digits that are no number: told as such, with their row, when they are read
            return pa.array([_text(cell) for cell in cells], pa.string())
    if kinds and kinds <= {datetime, date}:
        stamps = [None if cell is None else datetime(cell.year, cell.month, cell.day) for cell in cells]
        return pa.array(stamps, pa.timestamp("us"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    return pa.array([_text(cell) for cell in cells], pa.string())


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat() if isinstance(cell, date) else str(cell)
