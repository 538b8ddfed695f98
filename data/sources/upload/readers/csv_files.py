"""A CSV as a table of text: its separator, its encoding, and the rows that do not fit its header."""

from __future__ import annotations

import io
import re
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data.errors import Problem, UploadError
from data.sources.upload import limits
from data.sources.upload.readers.table import FileTable, many, problem_at, table_of

_DELIMITERS = ",;\t|"

#: A quoted cell, which begins where a cell does; from the first byte that is not ASCII to the end of its line.
_QUOTED = re.compile(rb'(^|[,;\t|\n])"(?:[^"]++|"")*+"?')
_ABOVE_ASCII = re.compile(rb"[\x80-\xff][^\n]*")


def read_csv(name: str, content: bytes) -> FileTable:
    """The table; its cells stay text. Raises UploadError where it is none."""
    content = _utf8(name, content)
    delimiter, columns = _shape(name, content)
    limits.check_columns(name, columns)
    limits.check_cells(name, content.count(b"\n"), columns)
    ragged: list[tuple[int, int, int, bool]] = []

    def remember(row: pa_csv.InvalidRow) -> str:
        ragged.append((row.number, row.actual_columns, row.expected_columns, not row.text.strip()))
        return "skip" if len(ragged) <= limits.MOST_ODD_ROWS else "error"

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
                column_types={f"f{place}": pa.string() for place in range(limits.MOST_COLUMNS)}, strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        if len(ragged) > limits.MOST_ODD_ROWS:
            raise UploadError(
                f"{name} has more than {limits.MOST_ODD_ROWS:,} rows that do not fit its header. Take blank rows out, and put "
                f"quotes around cells that hold the separator {delimiter!r}.",
                _ragged(ragged, delimiter),
            ) from error
        raise UploadError(f"{name} cannot be read as CSV: {error}. Save it again as CSV UTF-8.") from error
    limits.check_columns(name, table.num_columns)
    header = [cells[0].as_py() for cells in table.columns]
    table = table.slice(1)
    kept = np.ones(len(table) + len(ragged), dtype=bool)
    kept[[number - 2 for number, *_ in ragged]] = False
    rows = np.flatnonzero(kept) + 2
    return table_of(name, header, table.columns, rows, delimiter, (), _ragged(ragged, delimiter))


def _shape(name: str, content: bytes) -> tuple[str, int]:
    """The separator and how many cells the header has."""
    bare = _QUOTED.sub(rb"\1", content[: limits.LONGEST_HEADER + 1])  # separators and line ends within quotes are none
    head = bare.split(b"\n", 1)[0]
    if len(content) > limits.LONGEST_HEADER and b"\n" not in bare:
        raise UploadError(
            f"{name} has a first row of more than {limits.LONGEST_HEADER:,} characters. It must name the columns, at most "
            f"{limits.MOST_COLUMNS:,} of them; close quotes that are left open."
        )
    delimiter = max(_DELIMITERS, key=lambda mark: head.count(mark.encode()))
    return delimiter, head.count(delimiter.encode()) + 1


def _ragged(ragged: list[tuple[int, int, int, bool]], delimiter: str) -> list[Problem]:
    """The problem of rows with more or fewer cells than the header; blank ones are none."""
    odd = [row for row in ragged if not row[3]]
    if not odd:
        return []
    number, actual, expected, _ = odd[0]
    words = (
        f"Another number of cells than the header in {many(len(odd), 'row')}: row {number:,} has {actual} "
        f"and the header {expected}. Put quotes around cells that hold the separator {delimiter!r}"
    )
    return [problem_at(words, np.array([row[0] for row in odd]), np.ones(len(odd), bool))]


def _utf8(name: str, content: bytes) -> bytes:
    """The bytes without a byte order mark; raises UploadError where they are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UploadError(f"{name} is text in UTF-16. Save it as “CSV UTF-8”.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        matches = islice(_ABOVE_ASCII.finditer(content), limits.MOST_ODD_ROWS)
        bad = sum(not _is_utf8(found.group()) for found in matches)
        least = " in at least so many rows" if bad == limits.MOST_ODD_ROWS else ""
        seen = content[max(0, error.start - 10) : error.start + 10].decode("cp1252", errors="replace").strip()
        raise UploadError(
            f"{name} is not UTF-8 text; it looks like Windows-1252 or Latin-1. Save it as “CSV UTF-8”.",
            [Problem(f"Bytes that are not UTF-8, first near “{seen}”{least}", bad, (line,))],
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
