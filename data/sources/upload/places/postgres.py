"""A table of a PostgreSQL database, read as the text of a CSV that the server writes.

How to connect stands in the environment alone, as every PostgreSQL program reads it: PGHOST, PGUSER, PGPASSWORD and PGDATABASE,
or one address in TIDELINE_POSTGRES. Nothing of it is kept or shown. ``psycopg`` reads where it is installed; else DuckDB does,
where its extension for PostgreSQL is, with what its own secrets hold.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

import duckdb

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.places.on_disk import flat, table_of_batches
from data.sources.upload.readers.coded_columns import CodedColumns, Telling, silent
from data.sources.upload.readers.csv_files import Text, read_text
from data.sources.upload.readers.table import FileTable
from data.sql import sql

#: Before the name of a table where a file's would stand.
PREFIX = "postgres:"

#: The address of the server, where the usual variables are not enough.
ADDRESS = "TIDELINE_POSTGRES"

_NAME = re.compile(r'[^\W\d][\w$]*|"[^"\x00]{1,63}"')

#: Rows that DuckDB answers together.
_ROWS = 200_000


@dataclass(frozen=True)
class PostgresTable:
    """A table or a view, by its name and that of its schema, "" for the usual one."""

    table: str
    schema: str = ""

    @property
    def name(self) -> str:
        """As a planner gives it."""
        return f"{self.schema}.{self.table}" if self.schema else self.table

    @classmethod
    def of(cls, source: str) -> PostgresTable:
        """From ``postgres:sales`` or ``postgres:shop.sales``; raises UploadError where it is neither."""
        parts = _NAME.findall(source.removeprefix(PREFIX))
        if not 1 <= len(parts) <= 2 or ".".join(parts) != source.removeprefix(PREFIX):
            raise UploadError(f"{source!r} names no table. Write {PREFIX}TABLE or {PREFIX}SCHEMA.TABLE.")
        table, schema = (part.strip('"') for part in (*reversed(parts), "")[:2])
        return cls(table, schema)


def read_postgres(source: PostgresTable, tell: Telling = silent) -> FileTable:
    """The table's rows; raises UploadError where it cannot be reached or read, without any secret."""
    try:
        import psycopg
    except ImportError:
        return _with_duckdb(source, tell)
    try:
        with psycopg.connect(os.environ.get(ADDRESS, ""), client_encoding="utf8", connect_timeout=15) as connection:
            return replace(_copied(connection, psycopg.sql, source, tell), format="PostgreSQL")
    except psycopg.OperationalError as error:
        raise UploadError(_unreachable(_told(error))) from None  # the cause may show how it was connected
    except psycopg.Error as error:
        raise UploadError(f"The table {source.name} cannot be read: {_told(error)}. Check its name and your rights.") from None


def _copied(connection: Any, composed: Any, source: PostgresTable, tell: Telling) -> FileTable:
    """The rows in the order in which the server sends them; what is missing is an empty cell."""
    parts = [part for part in (source.schema, source.table) if part]
    connection.read_only = True
    with connection.cursor() as cursor:
        cursor.execute(sql("postgres_styles"))
        cursor.execute(sql("postgres_rows_about"), [".".join(f'"{part}"' for part in parts)])
        expected = max(0, int((cursor.fetchone() or [0])[0] or 0))
        cursor.execute(composed.SQL(sql("postgres_columns")).format(composed.Identifier(*parts)))
        names = [column.name for column in cursor.description]
        limits.check_columns(source.name, len(names))

        def each(columns: CodedColumns) -> None:
            limits.check_rows(source.name, columns.rows, len(names))
            tell(columns.rows, max(expected, columns.rows, 1), f"Reading {source.name}: {columns.rows:,} rows")

        with cursor.copy(composed.SQL(sql("postgres_copy")).format(composed.Identifier(*parts))) as copy:
            stream = io.BufferedReader(_Blocks(iter(copy)), 2**20)
            head = stream.readline()
            text = Text(head, ",", 0, None, (), len(names))
            return read_text(
                source.name, text, io.BufferedReader(_Blocks(_after(head, cast(BinaryIO, stream))), 2**20), (), each
            )


def _after(head: bytes, rest: BinaryIO) -> Iterator[bytes]:
    yield head
    while block := rest.read(2**20):
        yield block


class _Blocks(io.RawIOBase):
    """Blocks of bytes as one stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not len(self._held):
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._held = memoryview(block)
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count


def _with_duckdb(source: PostgresTable, tell: Telling) -> FileTable:
    """The table by DuckDB's extension, where that is installed already."""
    try:
        with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as connection:
            connection.execute(sql("postgres_extension"))
            connection.execute(sql("postgres_attach"), [os.environ.get(ADDRESS, "")])
            rows = connection.table(f"planner.{source.schema or 'public'}.{source.table}")
            reader = rows.to_arrow_reader(_ROWS)
            names = flat(reader.schema)
            batches = (batch.select(names) for batch in reader)
            return replace(table_of_batches(source.name, reader.schema, batches, 0, tell), format="PostgreSQL")
    except duckdb.CatalogException as error:
        raise UploadError(f"The table {source.name} cannot be read: {_told(error)}. Check its name and your rights.") from None
    except (duckdb.IOException, duckdb.HTTPException, duckdb.InvalidInputException) as error:
        if "xtension" in str(error):
            raise UploadError(
                "PostgreSQL cannot be read here: install what reads it with pip install -r requirements-postgres.txt."
            ) from None
        raise UploadError(_unreachable(_told(error))) from None


def _unreachable(why: str) -> str:
    return (
        f"The PostgreSQL server cannot be reached: {why}. Set PGHOST, PGUSER, PGPASSWORD and PGDATABASE, or one address in "
        f"{ADDRESS}, where Tideline is started."
    )


def _told(error: Exception) -> str:
    """What a driver says, in one line and without a password or an address."""
    words = " ".join(str(error).split())
    for secret in filter(None, (os.environ.get("PGPASSWORD"), os.environ.get(ADDRESS))):
        words = words.replace(secret, "…")
    words = re.sub(r"postgres(ql)?://\S+", "…", words)
    words = re.sub(r"(?i)(password)\s*=\s*\S+", r"\1=…", words)
    return words[:200].rstrip(". ")
