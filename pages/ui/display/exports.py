"""Files for a planner's spreadsheet: CSV and XLSX of a table, stamped with where its numbers come from.

A CSV keeps one plain header and carries its stamp in columns of its own, so that any program reads it; a workbook keeps the
stamp on a second sheet. Text that a spreadsheet would run as a formula is escaped with an apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pages.ui.display import formats
from pages.ui.display.tables import Column, Table

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
_EXCEL_FORMATS = {
    "units": "#,##0.0",
    "difference": "+#,##0.0;-#,##0.0;0.0",
    "count": "#,##0",
    "price": "#,##0.00",
    "money": "#,##0.00",
    "percent": "0.0%",
    "promotion": "0%",
    "loss": "0.0000",
    "factor": "0.00",
}


@dataclass(frozen=True)
class Stamp:
    """Where the numbers of a file come from; ``supply`` says it of stock, costs, suppliers and orders, "" for nothing."""

    catalog: str
    creation_date: pd.Timestamp | None
    model: str
    scenario: str = "as planned"
    supply: str = ""

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Titles and words, in the order they are written."""
        created = "" if self.creation_date is None else f"{self.creation_date:%Y-%m-%d}"
        return (
            ("creation_date", created),
            ("model_version", escape(self.model)),
            ("scenario", escape(self.scenario)),
            ("catalog", escape(self.catalog)),
            *((("supply", escape(self.supply)),) if self.supply else ()),
        )


def escape(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    >>> escape("=1+1"), escape("Rye bread")
    ("'=1+1", 'Rye bread')
    """
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def as_csv(table: Table, stamp: Stamp) -> bytes:
    """The table as CSV in UTF-8 with a mark that spreadsheets recognise; numbers unrounded, dates as 2025-01-05."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    pairs = _pairs(table, stamp)
    writer.writerow([*(escape(column.title) for column in table.columns), *(title for title, _ in pairs)])
    words = [word for _, word in pairs]
    for row in zip(*(_cells(column) for column in table.columns), strict=True):
        writer.writerow(
            ["" if cell is None else f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else cell for cell in row] + words
        )
    return text.getvalue().encode("utf-8-sig")


def _pairs(table: Table, stamp: Stamp) -> tuple[tuple[str, str], ...]:
    """The stamp of one table's file: with what its units are counted in, where these are not pieces."""
    return stamp.pairs() if table.unit.is_pieces else (*stamp.pairs(), ("unit", table.unit.label))


def as_xlsx(table: Table, stamp: Stamp) -> bytes:
    """The table as a workbook: the numbers on the first sheet, the stamp on the second."""
    return workbook([("Tideline", table)], stamp)


def workbook(sheets: Sequence[tuple[str, Table]], stamp: Stamp) -> bytes:
    """A workbook with these named sheets, and the stamp on the last."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, table in sheets:
        _fill(book.create_sheet(title), table)
    about = book.create_sheet("About these numbers")
    for _, table in sheets[:1]:
        about.append(["table", escape(table.title)])
    for pair in _pairs(sheets[0][1], stamp) if sheets else stamp.pairs():
        about.append(list(pair))
    about.column_dimensions["A"].width, about.column_dimensions["B"].width = 18, 60
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _fill(sheet: Worksheet, table: Table) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.append([escape(column.title) for column in table.columns])
    for row in zip(*(_cells(column) for column in table.columns), strict=True):
        sheet.append([cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell for cell in row])
    for position, column in enumerate(table.columns, start=1):
        number_format = "yyyy-mm-dd" if column.kind == "period" else _EXCEL_FORMATS.get(column.kind)
        if column.kind in ("units", "difference") and number_format:
            number_format = number_format.replace("0.0", f"0.{'0' * table.unit.digits}")
        longest = max([len(column.title), *(len(text) for text in table.texts(column))])
        sheet.column_dimensions[get_column_letter(position)].width = min(longest + 3, 60)
        for (cell,) in sheet.iter_rows(2, sheet.max_row, position, position):
            if number_format:
                cell.number_format = number_format
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "B2"


def name(title: str, stamp: Stamp, suffix: str) -> str:
    """A file name that tells the table's title and its creation date."""
    dated = [stamp.creation_date] if stamp.creation_date is not None else []
    return formats.file_name(title, *dated, suffix=suffix)


def _cells(column: Column) -> list[object]:
    """The column's values for a file: text escaped, what is not known None."""
    if column.kind in ("text", "words"):
        return [None if value is None else escape(str(value)) for value in column.values]
    return [None if pd.isna(value) else value for value in column.values]
