"""How large a planner's file may be, in bytes, cells, characters and numbers, and the words that say so.

What a file declares of itself is asked before anything of it is read: a few bytes can unpack to more than a machine holds.
"""

from __future__ import annotations

from data.errors import UploadError

#: Bytes of a file that is brought whole, and of what it unpacks to.
LARGEST_FILE = 200 * 2**20
LARGEST_UNPACKED = 512 * 2**20

#: Bytes, rows and cells of a file that is read where it lies, and different values of one of its columns.
LARGEST_ON_DISK = 8 * 2**30
MOST_ROWS, MOST_CELLS_ON_DISK = 60_000_000, 600_000_000
MOST_DIFFERENT = 3_000_000

#: Columns, cells, and rows that do not fit the header, of one file.
MOST_COLUMNS = 1000
MOST_CELLS = 40_000_000
MOST_ODD_ROWS = 20_000

#: Rows and columns that any program writes into a sheet, and bytes of a workbook's parts that are no sheet.
MOST_SHEET_ROWS = 1_048_576
LARGEST_PART = 8 * 2**20

#: Bytes of a CSV's header, and characters of any cell, of one that holds a number or a date, and of one that names something.
LONGEST_HEADER = 2**20
LONGEST_CELL = 32_767
LONGEST_NUMBER = 64
LONGEST_NAME = 500

#: Units, money and stock above this are no quantities but slips; other numbers have a little more room (bar codes, stamps).
LARGEST_QUANTITY = 1e12
LARGEST_NUMBER = 1e15

#: Periods between the first date and the last: more than twenty years of days.
MOST_PERIODS = 8_000

#: Numbers that one load may lay out; more than few only where the file fills one place in ten.
MOST_NUMBERS, FEW_NUMBERS, FILLED = 400_000_000, 50_000_000, 0.1

#: The catalog reads so many items together, and of these at most so many numbers within its memory.
READ_TOGETHER, MOST_AT_ONCE = 2048, 100_000_000


def check_columns(name: str, columns: int) -> None:
    """Raises UploadError where a file has more columns than are read."""
    if columns > MOST_COLUMNS:
        raise UploadError(f"{name} has {columns:,} columns; the most is {MOST_COLUMNS:,}. Leave out those that are not needed.")


def check_cells(name: str, rows: int, columns: int) -> None:
    """Raises UploadError where a file has more cells than are read."""
    if rows * columns > MOST_CELLS:
        raise UploadError(
            f"{name} has {rows:,} rows of {columns:,} cells, {rows * columns:,} in all; the most is {MOST_CELLS:,}. "
            "Load fewer periods, or leave out columns and empty rows."
        )


def check_rows(name: str, rows: int, columns: int) -> None:
    """Raises UploadError where a file that is read where it lies has more rows or cells than are held."""
    if rows > MOST_ROWS or rows * columns > MOST_CELLS_ON_DISK:
        raise UploadError(
            f"{name} has more than {min(rows, MOST_ROWS):,} rows of {columns:,} columns; the most is {MOST_ROWS:,} rows and "
            f"{MOST_CELLS_ON_DISK:,} cells. Load fewer periods, add up to weeks or months, or leave out columns."
        )


def check_unpacked(name: str, size: int) -> None:
    """Raises UploadError where a file unpacks to more bytes than are held."""
    if size > LARGEST_UNPACKED:
        raise UploadError(
            f"{name} unpacks to {size / 2**20:,.0f} MB; the most is {LARGEST_UNPACKED / 2**20:,.0f} MB. "
            "Load fewer periods, or leave out columns that are not needed."
        )


def check_longest(name: str, column: str, length: int) -> None:
    """Raises UploadError where a cell is a text too long to be of use."""
    if length > LONGEST_CELL:
        raise UploadError(
            f"{name} has a cell of {length:,} characters in the column {shortened(column)!r}; the most is {LONGEST_CELL:,}. "
            "Leave the column out, or close the quotes that are left open."
        )


def shortened(text: str, most: int = 40) -> str:
    """The text as a message can show it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
