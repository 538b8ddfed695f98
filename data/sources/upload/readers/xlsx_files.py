"""A sheet of a workbook as a table, or several with the same header, read row by row.

A sheet may claim rows and columns that no program writes, so that nothing is asked of its size.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.columns.column_names import role_named
from data.sources.upload.dates.date_styles import names_a_period
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.report_form import LOOKED_AT, Header, header_of, is_title, no_header
from data.sources.upload.readers.table import FileTable, many, problem_at, table_of

#: Sheets that are looked at; the answer that takes all with the same header; the column that then names each row's sheet.
_MOST_SHEETS, _ALL, _SHEET = 50, "all alike", "Sheet"

#: Parts of a workbook that hold cells; all others are small.
_CELLS = ("xl/worksheets/", "xl/sharedStrings.xml")

#: Parts that are read besides; pictures and macros are not.
_READ = ("[Content_Types].xml", "_rels/", "docProps/", "xl/_rels/", "xl/styles.xml", "xl/theme/", "xl/workbook.xml")


def read_xlsx(name: str, content: bytes, decisions: Decisions) -> FileTable:
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
    named = answer_to("no-header", decisions, YES) == NO
    looks = [_look(name, sheet, may_lack=not named) for sheet in sheets[:_MOST_SHEETS]]
    if not any(look.header.names for look in looks):
        raise UploadError(f"The sheet {limits.shortened(sheets[0].title)!r} of {name} is empty.")
    chosen, offers = _chosen(looks, decisions)
    tables = [_table(name, look, spread=len(chosen) > 1) for look in chosen]
    found = tables[0] if len(tables) == 1 else _stacked(tables)
    told = found.remarks
    if len(sheets) > 1 and len(chosen) == 1:
        which = "first sheet" if chosen[0] is looks[0] else "sheet that looks most like a table"
        told = (f"Only the {which}, {limits.shortened(chosen[0].sheet.title)!r}, is read.", *told)
    elif len(chosen) > 1:
        told = (f"{len(chosen)} sheets with the same header are read one below the other.", *told)
    if chosen[0].header.rows == 0:
        offers = (*offers, no_header(YES, " | ".join(_cells_of(chosen[0].rows[chosen[0].header.first][1], 8))))
    return replace(found, remarks=told, offers=offers)


@dataclass(frozen=True, eq=False)
class _Look:
    """A sheet, its first rows as (number, cells) and the header among them."""

    sheet: Any
    rows: list[tuple[int, tuple[Any, ...]]]
    header: Header

    @property
    def likeness(self) -> int:
        """How much it looks like the table that is meant: by the names of its columns, then by their number and the rows."""
        names = self.header.names
        roles = {role for name in names if (role := role_named(name)) in ("item_id", "date", "demand")}
        periods = sum(map(names_a_period, names))
        rows = len(self.rows) - self.header.first - self.header.rows
        return 0 if rows < 1 else 10_000 * (3 if periods >= 4 else len(roles)) + min(len(names), 50) * rows


def _look(name: str, sheet: Any, *, may_lack: bool) -> _Look:
    rows = list(islice(_records(name, sheet), LOOKED_AT))
    plain = [[_text(cell) or "" for cell in row] for _, row in rows]
    return _Look(sheet, rows, header_of([[" ".join(cell.split()) for cell in row] for row in plain], may_lack=may_lack))


def _chosen(looks: list[_Look], decisions: Decisions) -> tuple[list[_Look], tuple[Offer, ...]]:
    """The sheets to read, and the choice among them where there is one."""
    filled = [look for look in looks if look.likeness]
    best = max(filled or looks, key=lambda look: look.likeness)
    if len(filled) < 2:
        return [best], ()
    alike = [look for look in filled if look.header.names == best.header.names and len(best.header.names) > 1]
    titles = tuple(look.sheet.title for look in filled)
    answers = (*((_ALL,) if len(alike) > 1 else ()), *titles)
    default = _ALL if len(alike) > 1 else best.sheet.title
    answer = answer_to("sheet", decisions, default, answers)
    one = filled[0] if answer == NO else next((look for look in filled if look.sheet.title == answer), best)
    words = f"The workbook has {len(filled)} sheets with cells. " + (
        "Those with the same header can be read one below the other." if len(alike) > 1 else "One of them is read."
    )
    choices = tuple((title, f"The sheet “{limits.shortened(title)}”") for title in titles)
    if len(alike) > 1:
        choices = ((_ALL, f"The {len(alike)} sheets with the same header"), *choices)
    shown = "all alike" if answer == _ALL else limits.shortened(one.sheet.title)
    effect = "What stands on the other sheets is not read."
    listed = limits.shortened(", ".join(titles), 120)
    offer = Offer("sheet", "Sheets", words, len(filled), listed, shown, effect, default, answer, choices)
    return (alike if answer == _ALL else [one]), (offer,)


def _table(name: str, look: _Look, *, spread: bool) -> FileTable:
    """The table of one sheet; with the sheet's name in a column of its own where several are read."""
    header = look.header
    width = len(header.names)
    if not width:
        raise UploadError(f"The sheet {limits.shortened(look.sheet.title)!r} of {name} is empty.")
    top = look.rows[header.first][0]
    upper = [_cells_of(look.rows[header.first + extra][1], width) for extra in range(header.rows)]
    body, numbers, beyond, again = list[tuple[Any, ...]](), list[int](), list[bool](), 0
    for number, row in _records(name, look.sheet):
        if number < top + header.rows:
            continue
        if _cells_of(row, width) in upper or _is_title(row, header):
            again += 1
            continue
        body.append(row[:width])
        numbers.append(number)
        beyond.append(len(row) > width)
        limits.check_cells(name, len(body), width)
    columns = [_typed([row[i] if i < len(row) else None for row in body]) for i in range(width)]
    rows, outside = np.array(numbers, dtype=np.int64), np.array(beyond, dtype=bool)
    problems = [problem_at("Cells beyond the last column that the header names", rows, outside)] if outside.any() else []
    remarks: tuple[str, ...] = (f"The header was found in row {top}.",) if top > 1 else ()
    if header.rows == 2:
        remarks = (*remarks, "The header has two rows; their words are joined.")
    if again:
        remarks = (*remarks, f"Left out, for each page repeats them: {many(again, 'row')} of headers and titles.")
    names = list(header.names)
    if spread:
        names, columns = [*names, _SHEET], [*columns, pa.array([look.sheet.title] * len(body), pa.string())]
    return table_of(name, names, columns, rows, "", remarks, problems)


def _stacked(tables: list[FileTable]) -> FileTable:
    """Tables with the same columns one below the other; as text where their cells differ in kind."""
    columns = {}
    for column in tables[0].columns:
        pieces = [table.columns[column] for table in tables if column in table.columns]
        if len(pieces) < len(tables):  # a column that is blank on a sheet
            pieces = [table.columns.get(column, pa.nulls(len(table), tables[0].columns[column].type)) for table in tables]
        if len({piece.type for piece in pieces}) > 1:
            pieces = [pa.array([_text(cell) for cell in piece.to_pylist()], pa.string()) for piece in pieces]
        columns[column] = pa.concat_arrays(pieces)
    remarks = tuple(dict.fromkeys(remark for table in tables for remark in table.remarks))
    problems = tuple(problem for table in tables for problem in table.problems)
    return FileTable(columns, np.concatenate([table.rows for table in tables]), "", remarks, problems)


def _cells_of(row: Sequence[Any], width: int) -> tuple[str, ...]:
    """A row's cells as text, as many as the header has."""
    return tuple(" ".join((_text(row[place]) or "").split()) if place < len(row) else "" for place in range(width))


def _is_title(row: Sequence[Any], header: Header) -> bool:
    return bool(header.titles) and is_title([_text(cell) or "" for cell in row], header.titles)


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
