"""A file that is read where it lies, a stretch at a time, because it is too large to be brought whole.

A CSV keeps its form: encoding, separator, titles above the header and rows that do not fit are found as in a small one, from
its beginning. Parquet is read by stretches of rows, and a gzip is unpacked on the way.
"""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.coded_columns import CodedColumns, Telling, one_ahead, silent, too_various
from data.sources.upload.readers.csv_files import formed, read_text
from data.sources.upload.readers.encodings import as_utf8, is_wide_text
from data.sources.upload.readers.parquet_files import plain_column
from data.sources.upload.readers.table import FileTable, table_of

#: Bytes from which the form of a text is found, and of a stretch of it.
_HEAD, _STRETCH = 2**20, 2**22

#: Rows of a Parquet file that are read together.
_ROWS = 500_000

_GZIP = b"\x1f\x8b"


def beginning(path: Path, size: int = _HEAD) -> bytes:
    """The first bytes of a file, unpacked where it is a gzip; raises UploadError."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as opened:
            return opened.read(size)
    except (OSError, EOFError) as error:
        raise UploadError(f"{path.name} cannot be read: {error}. Send or pack it again.") from error


def read_on_disk(name: str, path: Path, decisions: Decisions, tell: Telling = silent) -> FileTable:
    """The table in a CSV, a gzip of one or a Parquet file; raises UploadError, or whatever a damaged part sets off."""
    size = path.stat().st_size
    if size > limits.LARGEST_ON_DISK:
        raise UploadError(
            f"{name} has {size / 2**30:,.1f} GB; the most is {limits.LARGEST_ON_DISK / 2**30:,.0f} GB. Load fewer periods, or "
            "leave out columns that are not needed."
        )
    if beginning(path, 4) == b"PAR1":
        return replace(_parquet(name, path, tell), format="Parquet")
    return replace(_csv(name, path, decisions, tell), format="CSV")


def _csv(name: str, path: Path, decisions: Decisions, tell: Telling) -> FileTable:
    head = beginning(path)
    if is_wide_text(head):
        raise UploadError(f"{name} is text in UTF-16 and too large to be turned. Save it as “CSV UTF-8”.")
    whole = head[: head.rfind(b"\n") + 1] or head
    plain, told, offers = as_utf8(name, whole, decisions)
    encoding = _encoding(offers)
    if not plain.strip():
        raise UploadError(f"{name} is empty: it holds nothing but blanks. Export it again.")
    named = answer_to("no-header", decisions, YES) == NO
    text = formed(name, plain.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), told, may_lack=not named)
    if text.lines is not None:
        raise UploadError(
            f"{name} is a list with rules between its rows, and too large to be read as one. Save it as CSV UTF-8."
        )
    size = path.stat().st_size
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)

        def each(columns: CodedColumns) -> None:
            limits.check_rows(name, columns.rows, len(columns.names))
            tell(raw.tell(), size, f"Reading {name}: {columns.rows:,} rows")

        opened: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
        opened.read(len(whole))
        source = io.BufferedReader(_Continued(text.content, opened, encoding), _STRETCH)
        return read_text(name, text, source, offers, each)


def _encoding(offers: tuple[Offer, ...]) -> str:
    """The encoding that was found or chosen, "" for UTF-8."""
    return next((offer.answer for offer in offers if offer.kind == "encoding"), "")


class _Continued(io.RawIOBase):
    """A text whose beginning was formed already, and goes on as ``rest`` does, from its ``encoding`` to UTF-8."""

    def __init__(self, beginning: bytes, rest: BinaryIO, encoding: str) -> None:
        self._held, self._place, self._rest = beginning, 0, rest
        self._decoder = codecs.getincrementaldecoder(encoding)() if encoding else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while self._place >= len(self._held):
            more = self._rest.read(_STRETCH)
            if not more:
                return 0
            self._held, self._place = self._decoder.decode(more).encode() if self._decoder else more, 0
        count = min(len(buffer), len(self._held) - self._place)
        buffer[:count] = self._held[self._place : self._place + count]
        self._place += count
        return count


def _parquet(name: str, path: Path, tell: Telling) -> FileTable:
    with pq.ParquetFile(path) as source:
        rows, schema = source.metadata.num_rows, source.schema_arrow
        limits.check_columns(name, len(schema))
        return table_of_batches(name, schema, source.iter_batches(_ROWS, columns=flat(schema)), rows, tell)


def flat(schema: pa.Schema) -> list[str]:
    """The columns that hold one value a row."""
    return list(dict.fromkeys(field.name for field in schema if not pa.types.is_nested(field.type)))


def table_of_batches(
    name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch], rows: int, tell: Telling = silent
) -> FileTable:
    """The table of typed rows that come a batch at a time; ``rows`` are expected, and batches hold the flat columns alone."""
    nested, wanted = [field.name for field in schema if pa.types.is_nested(field.type)], flat(schema)
    limits.check_rows(name, rows, len(wanted))
    read = CodedColumns(wanted, limits.MOST_DIFFERENT)
    for batch in one_ahead(batches):
        if batch.nbytes > limits.LARGEST_UNPACKED:
            limits.check_unpacked(name, batch.nbytes)
        read.add(plain_column(name, column, cells) for column, cells in zip(wanted, batch.columns, strict=True))
        limits.check_rows(name, read.rows, len(wanted))
        tell(read.rows, max(rows, read.rows, 1), f"Reading {name}: {read.rows:,} rows")
    pa.default_memory_pool().release_unused()  # what the batches took
    remarks = [too_various(wanted[place]) for place in sorted(read.given_up)]
    if nested:
        remarks.append(f"Columns with lists or records are left out: {limits.shortened(', '.join(nested), 200)}.")
    kept = [place for place in range(len(wanted)) if place not in read.given_up]
    columns = [read.array(place) for place in kept]
    numbers = np.arange(2, read.rows + 2, dtype=np.int32)
    return table_of(name, [wanted[place] for place in kept], columns, numbers, "", tuple(remarks), [])
