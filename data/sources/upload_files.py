"""A planner's file as a table of cells: which format it truly is, how its text is encoded, where its rows lie.

Nothing is interpreted here beyond what the format itself says: cells of a CSV stay text.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.errors import Problem, UploadError

#: Bytes of a file, and of what it unpacks to.
LARGEST_FILE = 200 * 2**20
LARGEST_UNPACKED = 1024 * 2**20

#: Row numbers a problem names before it only counts.
SHOWN_ROWS = 5

_FORMATS = {".csv": "CSV", ".tsv": "CSV", ".txt": "CSV", ".parquet": "Parquet", ".pq": "Parquet", ".xlsx": "XLSX"}
_MOST_COLUMNS = 1000
_DELIMITERS = ",;\t|"
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel (.xls) or password-protected file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "a rich-text document"),
)


@dataclass(frozen=True, eq=False)
class FileTable:
    """The cells of a file.

    Attributes
    ----------
    columns : header → cells [R]; text, numbers or timestamps as the format has them, null where a cell is empty.
    rows : [R] each row's number as a spreadsheet shows it; the header is row 1.
    delimiter : of a CSV, "" otherwise.
    remarks : what was left aside on the way, in words.
    problems : rows and headers that do not fit the table.
    """

    columns: dict[str, pa.Array]
    rows: np.ndarray
    delimiter: str
    remarks: tuple[str, ...]
    problems: tuple[Problem, ...]

    def __len__(self) -> int:
        return len(self.rows)


def read_file(name: str, content: bytes) -> FileTable:
    """The table of the file ``name`` with these bytes; raises UploadError where it cannot be read at all."""
    if not content:
        raise UploadError(f"{name} is empty: it has no bytes at all. Export it again.")
    if len(content) > LARGEST_FILE:
        raise UploadError(
            f"{name} has {len(content) / 2**20:,.0f} MB; the most is {LARGEST_FILE / 2**20:,.0f} MB. "
            "Save it as Parquet, or load fewer periods."
        )
    format_ = _FORMATS.get(PurePath(name).suffix.lower())
    if format_ is None:
        raise UploadError(f"{name} is not a format that is read here. Use .csv, .xlsx or .parquet.")
    found = _kind(content)
    if found != format_:
        raise UploadError(f"{name} is {_article(found)}, not {format_} as its name says. Save or name it as what it is.")
    table = {"CSV": _read_csv, "Parquet": _read_parquet, "XLSX": _read_xlsx}[format_](name, content)
    if not table.columns:
        raise UploadError(f"{name} has no header. Its first row must name the columns.")
    if not len(table):
        raise UploadError(f"{name} has a header and no rows below it.", table.problems)
    return table


def many(count: int, noun: str) -> str:
    """The count with its noun: 1 row, 2,000 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def problem_at(message: str, rows: np.ndarray, where: np.ndarray) -> Problem:
    """The problem of the rows marked in ``where`` [R]."""
    hit = rows[where]
    return Problem(message, len(hit), tuple(int(row) for row in np.sort(hit)[:SHOWN_ROWS]))


def _article(kind: str) -> str:
    return f"a {kind} file" if kind in ("CSV", "Parquet") else "an XLSX file" if kind == "XLSX" else kind


def _kind(content: bytes) -> str:
    """What the bytes are: CSV (any text), Parquet, XLSX, or words for something else."""
    if content[:4] == b"PK\x03\x04" or content[:4] == b"PK\x05\x06":
        try:
            inside = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
        except zipfile.BadZipFile:
            return "a damaged ZIP archive"
        return "XLSX" if "xl/workbook.xml" in inside else "a ZIP archive without a workbook"
    if content[:4] == b"PAR1":
        return "Parquet" if content[-4:] == b"PAR1" and len(content) > 12 else "a Parquet file that was cut off"
    for start, words in _KINDS:
        if content.startswith(start):
            return words
    head = content[:4096]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "CSV"  # text in UTF-16, which is told when it is read
    if b"\x00" in head:
        return "a binary file"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML document"
    return "CSV"


# CSV


def _read_csv(name: str, content: bytes) -> FileTable:
    content = _utf8(name, content)
    head = content.split(b"\n", 1)[0].decode()
    delimiter = max(_DELIMITERS, key=head.count)
    ragged: list[tuple[int, int, int, bool]] = []

    def remember(row: pa_csv.InvalidRow) -> str:
        blank = not row.text.strip()
        ragged.append((row.number, row.actual_columns, row.expected_columns, blank))
        return "skip"

    try:
        table = pa_csv.read_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=16 * 2**20, autogenerate_column_names=True
            ),  # the header is read as a row, so that its cells may be anything
            parse_options=pa_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=remember
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={f"f{place}": pa.string() for place in range(_MOST_COLUMNS)}, strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        raise UploadError(f"{name} cannot be read as CSV: {error}. Save it again as CSV UTF-8.") from error
    if table.num_columns > _MOST_COLUMNS:
        raise UploadError(f"{name} has {table.num_columns:,} columns; the most is {_MOST_COLUMNS:,}.")
    header = [cells[0].as_py() for cells in table.columns]
    table = table.slice(1)
    kept = np.ones(len(table) + len(ragged), dtype=bool)
    kept[[number - 2 for number, *_ in ragged]] = False
    rows = np.flatnonzero(kept) + 2
    odd = [row for row in ragged if not row[3]]
    problems = []
    if odd:
        number, actual, expected, _ = odd[0]
        words = (
            f"Another number of cells than the header in {many(len(odd), 'row')}: row {number:,} has {actual} "
            f"and the header {expected}. Put quotes around cells that hold the separator {delimiter!r}"
        )
        numbers = np.array([row[0] for row in odd])
        problems.append(problem_at(words, numbers, np.ones(len(odd), bool)))
    return _table(header, table.columns, rows, delimiter, (), problems)


def _utf8(name: str, content: bytes) -> bytes:
    """The bytes without a byte order mark; raises UploadError where they are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UploadError(f"{name} is text in UTF-16. Save it as “CSV UTF-8”.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        bad = sum(1 for row in content.split(b"\n") if not _is_utf8(row))
        seen = content[max(0, error.start - 10) : error.start + 10].decode("cp1252", errors="replace").strip()
        raise UploadError(
            f"{name} is not UTF-8 text; it looks like Windows-1252 or Latin-1. Save it as “CSV UTF-8”.",
            [Problem(f"Bytes that are not UTF-8, first near “{seen}”", bad, (line,))],
        ) from error
    if not content.strip():
        raise UploadError(f"{name} is empty: it holds nothing but blanks. Export it again.")
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


# Parquet


def _read_parquet(name: str, content: bytes) -> FileTable:
    try:
        source = pq.ParquetFile(io.BytesIO(content))
        size = sum(source.metadata.row_group(i).total_byte_size for i in range(source.num_row_groups))
        if size > LARGEST_UNPACKED:
            raise UploadError(f"{name} unpacks to {size / 2**20:,.0f} MB; the most is {LARGEST_UNPACKED / 2**20:,.0f} MB.")
        table = source.read()
        nested = [field.name for field in table.schema if pa.types.is_nested(field.type)]
        kept = table.drop_columns(nested)
        columns = [_plain(column) for column in kept.columns]
        for column in columns:
            column.validate(full=True)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UploadError(f"{name} cannot be read as Parquet: {error}. Export it again.") from error
    remarks = (f"Columns with lists or records are left out: {', '.join(nested)}.",) if nested else ()
    return _table(kept.column_names, columns, np.arange(2, len(kept) + 2), "", remarks, [])


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as text, float64, int64, bool or timestamp."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64(), safe=False)
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us"), safe=False)
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"))
    return column if pa.types.is_boolean(kind) else column.cast(pa.string())


# XLSX


def _read_xlsx(name: str, content: bytes) -> FileTable:
    from openpyxl import load_workbook

    try:
        size = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(content)).infolist())
        if size > LARGEST_UNPACKED:
            raise UploadError(f"{name} unpacks to {size / 2**20:,.0f} MB; the most is {LARGEST_UNPACKED / 2**20:,.0f} MB.")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        records = _records(sheets[0]) if sheets else []
    except UploadError:
        raise
    except Exception as error:  # what a damaged workbook sets off is whatever its damaged part does
        raise UploadError(f"{name} cannot be read as XLSX: {error}. Save it again in Excel.") from error
    if not records:
        raise UploadError(f"The sheet {sheets[0].title!r} of {name} is empty." if sheets else f"{name} has no sheet.")
    remarks = (f"Only the first sheet, {sheets[0].title!r}, is read.",) if len(sheets) > 1 else ()
    (top, header), *body = records
    width = max((i + 1 for i, cell in enumerate(header) if cell is not None), default=0)
    names = [_text(cell) or "" for cell in header[:width]]
    columns = [_typed([row[i] if i < len(row) else None for _, row in body]) for i in range(width)]
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    beyond = np.array([any(cell is not None for cell in row[width:]) for _, row in body], dtype=bool)
    problems = [problem_at("Cells beyond the last column that the header names", numbers, beyond)] if beyond.any() else []
    if top > 1:
        remarks = (*remarks, f"The header was found in row {top}.")
    return _table(names, columns, numbers, "", remarks, problems)


def _records(sheet: Any) -> list[tuple[int, tuple[Any, ...]]]:
    """(row number, cells) of every row that is not blank."""
    sheet.reset_dimensions()
    rows = enumerate(sheet.iter_rows(values_only=True), start=1)
    return [(number, row) for number, row in rows if any(cell is not None and cell != "" for cell in row)]


def _typed(cells: Sequence[Any]) -> pa.Array:
    """One column of a sheet: numbers, dates or, where they are mixed, text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        return pa.array([None if cell is None else float(cell) for cell in cells], pa.float64())
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


# all


def _table(
    names: Sequence[str],
    columns: Iterable[pa.ChunkedArray | pa.Array],
    rows: np.ndarray,
    delimiter: str,
    remarks: tuple[str, ...],
    problems: list[Problem],
) -> FileTable:
    """The table without blank rows and unnamed blank columns; headers that repeat are a problem."""
    kept: dict[str, pa.Array] = {}
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        name = " ".join(name.split())
        if not name and not _filled(cells).any():
            continue
        if not name:
            problems.append(Problem(f"Column {place + 1} has values and no name in the header", 1, (1,)))
        elif name.casefold() in {other.casefold() for other in kept}:
            problems.append(Problem(f"The header names {name!r} more than once", 1, (1,)))
        else:
            kept[name] = cells
    if kept:
        filled = np.logical_or.reduce([_filled(cells) for cells in kept.values()])
        if not filled.all():
            kept = {name: cells.filter(pa.array(filled)) for name, cells in kept.items()}
            rows = rows[filled]
    return FileTable(kept, rows, delimiter, remarks, tuple(problems))


def _filled(cells: pa.Array) -> np.ndarray:
    """Where [R] a cell holds anything."""
    import pyarrow.compute as pc

    there = pc.is_valid(cells)
    if pa.types.is_string(cells.type):
        there = pc.and_(there, pc.not_equal(pc.fill_null(pc.utf8_trim_whitespace(cells), ""), ""))
    return there.to_numpy(zero_copy_only=False)
