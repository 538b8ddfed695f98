"""A CSV as a table of text: its encoding, its separator, where its header stands, and the rows that do not fit it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from data.errors import Problem, UploadError
from data.sources.upload import limits
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.coded_columns import CodedColumns, codes_of, encoded, one_ahead, too_various
from data.sources.upload.readers.encodings import as_utf8
from data.sources.upload.readers.list_exports import plain_list
from data.sources.upload.readers.report_form import LOOKED_AT, Header, header_of, is_number, is_title, no_header
from data.sources.upload.readers.table import FileTable, many, problem_at, table_of

_DELIMITERS = ",;\t|"

#: Bytes at the beginning among which the header is looked for.
_HEAD = 2**18

#: A quoted cell, which begins where a cell does; the line by which spreadsheets are told the separator.
_QUOTED = re.compile(rb'(^|[,;\t|\n])"(?:[^"]++|"")*+"?')
_SEPARATOR = re.compile(rb'^"?sep=(.|\\t)"?[,;\t|]*\n', re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Text:
    """A text, or the beginning of one, that is about to be read: its separator, how many lines stand above it, and its form."""

    content: bytes
    delimiter: str
    above: int
    header: Header | None
    remarks: tuple[str, ...]
    columns: int = 1
    lines: np.ndarray | None = None

    @property
    def first_row(self) -> list[str]:
        """The cells of its first row, which mostly names the columns."""
        head = self.content if len(self.content) <= _HEAD else self.content[: max(_HEAD, self.content.find(b"\n", _HEAD) + 1)]
        text = io.StringIO(head.decode("utf-8", "replace"), newline="")
        if self.lines is not None:
            return next(csv.reader(text, delimiter=self.delimiter, quoting=csv.QUOTE_NONE), [])
        return next(csv.reader(text, delimiter=self.delimiter), [])

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """The rows [R] of the text as they are numbered in the file."""
        return rows + self.above if self.lines is None else self.lines[rows - 1]


@dataclass(eq=False)
class _Ragged:
    """Rows with another number of cells than the header: (number, actual, expected, text)."""

    rows: list[tuple[int, int, int, str]] = field(default_factory=list)

    def remember(self, row: pa_csv.InvalidRow) -> str:
        self.rows.append((row.number, row.actual_columns, row.expected_columns, row.text))
        return "skip" if len(self.rows) <= limits.MOST_ODD_ROWS else "error"


def read_csv(name: str, content: bytes, decisions: Decisions) -> FileTable:
    """The table; its cells stay text. Raises UploadError where it is none."""
    content, told, offers = as_utf8(name, content, decisions)
    if not content.strip():
        raise UploadError(f"{name} is empty: it holds nothing but blanks. Export it again.")
    named = answer_to("no-header", decisions, YES) == NO
    text = formed(name, content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), told, may_lack=not named)
    limits.check_cells(name, text.content.count(b"\n"), text.columns)
    return read_text(name, text, io.BytesIO(text.content), offers)


def read_text(
    name: str,
    text: Text,
    source: BinaryIO,
    offers: tuple[Offer, ...],
    each: Callable[[CodedColumns], None] = lambda columns: None,
) -> FileTable:
    """The table that ``source`` gives, a text of the form that ``text`` is of; ``each`` is told after every stretch of it."""
    ragged = _Ragged()
    read = _read(name, text, source, ragged, each)
    width = len(read.names)
    limits.check_columns(name, width)
    left = tuple(read.given_up)
    pa.default_memory_pool().release_unused()  # what the stretches took
    table = pa.table([read.array(place) for place in range(width)], names=list(read.names))
    first = text.first_row
    header = [first[place] if place < len(first) else "" for place in range(width)]
    depth = 1 if text.header is None else text.header.rows
    if text.header is not None and depth == 0:
        offers = (*offers, no_header(YES, " | ".join(header)))
    if text.header is not None and depth != 1:
        header = [*text.header.names, *([""] * len(header) if depth == 0 else header)[len(text.header.names) :]]
    table = table.slice(depth)
    kept = np.ones(len(table) + len(ragged.rows), dtype=bool)
    kept[[number - 1 - depth for number, *_ in ragged.rows]] = False
    numbers = text.numbers((np.flatnonzero(kept) + 1 + depth).astype(np.int32))
    table, numbers, odd, below = _mended(table, numbers, ragged, text)
    table, numbers, again = _without_headers(table, numbers, header, text.header)
    problems = _problems(odd, text)
    remarks = (*text.remarks, *again, *below, *(too_various(header[place]) for place in left))
    whole = [place for place in range(width) if place not in left]
    names, columns = [header[place] for place in whole], [table.column(place) for place in whole]
    found = table_of(name, names, columns, numbers, text.delimiter, remarks, problems)
    return replace(found, offers=(*offers, *found.offers))


def formed(name: str, content: bytes, told: tuple[str, ...], *, may_lack: bool) -> Text:
    """The text from its header on, with the separator; raises UploadError for a header that is none."""
    if (found := plain_list(name, content)) is not None:
        return Text(found.content, "|", 0, None, (*told, *found.remarks), lines=found.numbers)
    above, separator = 0, ""
    if directive := _SEPARATOR.match(content):
        separator = "\t" if directive[1] == b"\\t" else directive[1].decode("ascii", "replace")
        content, above = content[directive.end() :], 1
        told = (*told, f"Its first line, sep={separator!r}, names the separator and is no row.")
    delimiter = separator or _delimiter(name, content)
    header, lines = _header(content, delimiter, may_lack=may_lack)
    if not separator and (header is None or len(header.names) < 2 or header.first > 0):
        delimiter, header, lines = _best(content, delimiter, header, lines, may_lack=may_lack)
    if header is not None and header.first > 0:
        content, above = _after(content, lines), above + lines
        told = (*told, f"The header was found in row {above + 1:,}, below {many(lines, 'row')} of titles.")
    if header is not None and header.rows == 2:
        told = (*told, "The header has two rows; their words are joined.")
    columns = _QUOTED.sub(rb"\1", content[: limits.LONGEST_HEADER + 1]).split(b"\n", 1)[0].count(delimiter.encode()) + 1
    limits.check_columns(name, columns)
    if header is not None and header.rows == 2 and columns < len(header.names):  # its upper row ends before its lower one
        content = _padded(content, delimiter, len(header.names) - columns)
    content = _widened(content, delimiter, columns, 1 if header is None else header.rows)
    return Text(content, delimiter, above, header, told, columns)


def _delimiter(name: str, content: bytes) -> str:
    """The separator that the first row has most of."""
    bare = _QUOTED.sub(rb"\1", content[: limits.LONGEST_HEADER + 1])  # separators and line ends within quotes are none
    head = bare.split(b"\n", 1)[0]
    if len(content) > limits.LONGEST_HEADER and b"\n" not in bare:
        raise UploadError(
            f"{name} has a first row of more than {limits.LONGEST_HEADER:,} characters. It must name the columns, at most "
            f"{limits.MOST_COLUMNS:,} of them; close quotes that are left open."
        )
    return max(_DELIMITERS, key=lambda mark: head.count(mark.encode()))


def _header(content: bytes, delimiter: str, *, may_lack: bool) -> tuple[Header | None, int]:
    """The header among the first rows and how many lines stand above it; none where the first rows cannot be taken apart."""
    head = content[:_HEAD]
    if len(content) > _HEAD:
        head = head[: head.rfind(b"\n") + 1]
    reader = csv.reader(io.StringIO(head.decode("utf-8", "replace"), newline=""), delimiter=delimiter)
    rows, ends = list[list[str]](), [0]
    try:
        for row in islice(reader, LOOKED_AT):
            rows.append([cell.strip() for cell in row])
            ends.append(reader.line_num)
    except csv.Error:
        return None, 0
    if not rows or max(map(len, rows)) > limits.MOST_COLUMNS:
        return None, 0
    header = header_of(rows, may_lack=may_lack)
    return header, ends[header.first]


def _best(
    content: bytes, delimiter: str, header: Header | None, lines: int, *, may_lack: bool
) -> tuple[str, Header | None, int]:
    """The separator under which the first rows are most like a table with a header, where the first row does not tell."""
    best, most = (delimiter, header, lines), len(header.names) if header else 0
    for other in _DELIMITERS:
        found, above = _header(content, other, may_lack=may_lack)
        if found is not None and len(found.names) > most:
            best, most = (other, found, above), len(found.names)
    return best


def _after(content: bytes, lines: int) -> bytes:
    """The content without its first lines."""
    place = 0
    for _ in range(lines):
        place = content.index(b"\n", place) + 1
    return content[place:]


def _widened(content: bytes, delimiter: str, columns: int, depth: int) -> bytes:
    """The content with as many cells in its header as most rows have: separators at the ends of rows name no columns."""
    rows = content[:_HEAD].split(b"\n")[depth : depth + LOOKED_AT]
    mark = delimiter.encode()
    widths = sorted(_QUOTED.sub(rb"\1", row).count(mark) + 1 for row in rows[:-1] if row.strip())
    wide = widths[len(widths) // 2] if widths else columns
    first = content.split(b"\n", 1)[0]
    if wide < columns and depth == 1 and first.endswith(mark * (columns - wide)):  # only the header has them
        return content.replace(first, first[: len(first) - (columns - wide) * len(mark)], 1)
    if not all(row.endswith(mark) or not row.strip() for row in rows[:-1]):
        return content
    if wide <= columns or wide > limits.MOST_COLUMNS:
        return content
    return _padded(content, delimiter, wide - columns)


def _padded(content: bytes, delimiter: str, cells: int) -> bytes:
    """The content with so many empty cells more in its first row."""
    first, _, rest = content.partition(b"\n")
    return first + delimiter.encode() * cells + b"\n" + rest


def _read(name: str, text: Text, source: BinaryIO, ragged: _Ragged, each: Callable[[CodedColumns], None]) -> CodedColumns:
    """All rows, the header among them, as text."""
    try:
        stream = pa_csv.open_csv(
            source,
            read_options=pa_csv.ReadOptions(
                use_threads=False, block_size=16 * 2**20, autogenerate_column_names=True
            ),  # the header is read as a row, so that its cells may be anything
            parse_options=pa_csv.ParseOptions(
                delimiter=text.delimiter,
                quote_char=False if text.lines is not None else '"',
                newlines_in_values=text.lines is None,
                ignore_empty_lines=False,
                invalid_row_handler=ragged.remember,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={f"f{place}": pa.string() for place in range(limits.MOST_COLUMNS)}, strings_can_be_null=False
            ),
        )
        read = CodedColumns(stream.schema.names, limits.MOST_DIFFERENT)
        for batch in one_ahead(stream):
            read.add(batch.columns)
            each(read)
        return read
    except pa.ArrowException as error:
        if len(ragged.rows) > limits.MOST_ODD_ROWS:
            raise UploadError(
                f"{name} has more than {limits.MOST_ODD_ROWS:,} rows that do not fit its header. Take blank rows out, and put "
                f"quotes around cells that hold the separator {text.delimiter!r}.",
                _problems(ragged.rows, text),
            ) from error
        raise UploadError(f"{name} cannot be read as CSV: {error}. Save it again as CSV UTF-8.") from error


def _mended(
    table: pa.Table, numbers: np.ndarray, ragged: _Ragged, text: Text
) -> tuple[pa.Table, np.ndarray, list[tuple[int, int, int, str]], tuple[str, ...]]:
    """The table with the rows that only have empty cells too many, and the rows that are still odd; titles are none.

    Words below the last row that fits are none either, and are told.
    """
    titles = text.header.titles if text.header is not None else frozenset()
    odd, more, places, footers = [], list[list[str]](), list[int](), 0
    last = int(numbers.max(initial=0)) if len(numbers) else 0
    for row in ragged.rows:
        _, _, expected, words = row
        number = int(text.numbers(np.array([row[0]]))[0])
        cells = next(csv.reader([words], delimiter=text.delimiter), [])
        if not any(cell.strip() for cell in cells) or is_title(cells, titles):
            continue
        if number > last and sum(map(bool, map(str.strip, cells))) == 1 and not is_number(cells[0]) and expected > 2:
            footers += 1
            continue
        if len(cells) > expected and not any(cell.strip() for cell in cells[expected:]):
            more.append(cells[:expected])
            places.append(row[0])
        else:
            odd.append(row)
    if more:
        added = (pa.array(column, pa.string()) for column in zip(*more, strict=True))
        numbers = np.concatenate([numbers, text.numbers(np.array(places, dtype=np.int32))])
        order = np.argsort(numbers, kind="stable")
        table, numbers = _joined(table, list(added)).take(pa.array(order)), numbers[order]
    told = (f"Left out, for it stands below the table: {many(footers, 'row')} of words.",) if footers else ()
    return table, numbers, odd, told


def _joined(table: pa.Table, added: Sequence[pa.Array]) -> pa.Table:
    """The table with further rows below it."""
    both = CodedColumns(table.column_names)
    both.add(table.columns)
    both.add(added)
    return pa.table([both.array(place) for place in range(table.num_columns)], names=table.column_names)


def _without_headers(
    table: pa.Table, numbers: np.ndarray, header: Sequence[str], found: Header | None
) -> tuple[pa.Table, np.ndarray, tuple[str, ...]]:
    """The table without rows that repeat the header or a title, as each page of a report does."""
    if not len(table):
        return table, numbers, ()
    again = _holds(table.column(0), header[0])
    for place in range(1, table.num_columns):
        if not again.any():
            break
        again &= _holds(table.column(place), header[place])
    titles = np.zeros(len(table), dtype=bool)
    if found is not None and found.titles and table.num_columns > 1:
        alone = _holds(table.column(table.num_columns - 1), "")
        for place in np.flatnonzero(alone)[: limits.MOST_ODD_ROWS]:
            titles[place] = is_title([cells[int(place)].as_py().strip() for cells in table.columns], found.titles)
    out = again | titles
    if not out.any():
        return table, numbers, ()
    told = f"Left out, for each page repeats them: {many(int(again.sum()), 'header')} and {many(int(titles.sum()), 'title')}."
    return table.filter(pa.array(~out)), numbers[~out], (told,)


def _holds(column: pa.ChunkedArray, text: str) -> np.ndarray:
    """Where [R] a cell is this text."""
    cells = encoded(column)
    place = cells.dictionary.index(text).as_py()
    return codes_of(cells) == place if place >= 0 else np.zeros(len(cells), dtype=bool)


def _problems(ragged: Sequence[tuple[int, int, int, str]], text: Text) -> list[Problem]:
    """The problem of rows with more or fewer cells than the header; blank ones are none."""
    odd = [row for row in ragged if row[3].strip()]
    if not odd:
        return []
    numbers = text.numbers(np.array([row[0] for row in odd], dtype=np.int64))
    _, actual, expected, _ = odd[0]
    words = (
        f"Another number of cells than the header in {many(len(odd), 'row')}: row {numbers[0]:,} has {actual} "
        f"and the header {expected}. Put quotes around cells that hold the separator {text.delimiter!r}"
    )
    return [problem_at(words, numbers, np.ones(len(odd), bool))]
