"""A folder of files with the same columns, such as one a month, read as one table.

Each file is read as it would be by itself, whatever its format allows. Folders named ``category=Dairy`` are columns, as
databases write partitions. What comes of it is what one file with all rows would give, in whichever order the rows come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from data.errors import Problem, UploadError
from data.sources.upload import limits
from data.sources.upload.readers.coded_columns import CodedColumns, Telling, coded_array, silent, too_various
from data.sources.upload.readers.table import FileTable, many, table_of
from data.sources.upload.value_parsing import coded

#: Files of a folder, and how many are named where something is told of them.
_MOST_FILES, _NAMED = 5_000, 3

#: Endings of the files that are read; others, and hidden ones, are left aside.
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".xlsx", ".gz")

#: What a partition is called that has no value.
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def read_folder(name: str, folder: Path, read: Callable[[str, Path], FileTable], tell: Telling = silent) -> FileTable:
    """The rows of all files below the ``folder``, read one after the other by ``read``; raises UploadError.

    Columns are the same where their names are, whatever their order; one that a file lacks is empty in its rows.
    """
    files = files_below(name, folder)
    columns: dict[str, CodedColumns] = {}
    rows, problems, remarks, first = 0, list[Problem](), dict[str, None](), None
    for number, path in enumerate(files):
        tell(number, len(files), f"Reading {path.name}: {rows:,} rows so far")
        shown = str(path.relative_to(folder))
        table = read(shown, path)
        first = first or table
        if table.format != first.format or table.delimiter != first.delimiter:
            raise UploadError(
                f"{name} holds files of several kinds: {files[0].name} is {_kind(first)} and {shown} {_kind(table)}. Put files "
                "that are written alike into a folder of their own."
            )
        partition = partitions(path.relative_to(folder))
        _add(columns, table, {key: value for key, value in partition.items() if key not in table.columns}, rows)
        problems += [replace(one, message=f"{shown}: {one.message}") for one in table.problems]
        remarks |= dict.fromkeys(table.remarks)
        rows += len(table)
        limits.check_rows(name, rows, len(columns))
    assert first is not None  # a folder without files is refused
    told = [f"{many(len(files), 'file')} of the folder {name} are read together, {files[0].name} … {files[-1].name}."]
    left = [column for column, held in columns.items() if held.given_up]
    kept = {column: held for column, held in columns.items() if not held.given_up}
    arrays = [_filled_up(held, rows) for held in kept.values()]
    told += [*list(remarks)[:_NAMED], *map(too_various, left)]
    numbers = np.arange(2, rows + 2, dtype=np.int32)
    found = table_of(name, list(kept), arrays, numbers, first.delimiter, tuple(told), problems)
    return replace(found, offers=first.offers, format=first.format)


def files_below(name: str, folder: Path) -> list[Path]:
    """The files of a folder and of those in it, by name; raises UploadError where there is none, or far too many."""
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix.lower() in TABLES:
            found.append(path)
        if len(found) > _MOST_FILES:
            raise UploadError(f"{name} holds more than {_MOST_FILES:,} files. Put them together by month, or load a part.")
    if not found:
        raise UploadError(f"{name} is a folder without CSV, Parquet or Excel files. Give the folder that holds them.")
    return found


def partitions(path: Path) -> dict[str, str]:
    """The columns that the folders on the way to a file stand for: ``category=Dairy/2024.parquet`` has one."""
    pairs = (part.partition("=") for part in path.parts[:-1] if "=" in part)
    return {unquote(key): "" if value == _NO_VALUE else unquote(value) for key, _, value in pairs if key}


def _kind(table: FileTable) -> str:
    return table.format + (f" separated by {table.delimiter!r}" if table.delimiter else "")


def _add(columns: dict[str, CodedColumns], table: FileTable, partition: Mapping[str, str], before: int) -> None:
    """Adds a file's cells, as text, below the ``before`` rows that are there."""
    for column, cells in table.columns.items():
        known = next((name for name in columns if name.casefold() == column.casefold()), column)
        held = coded(cells)
        _below(columns, known, before).add([coded_array(held.codes, pa.array(held.texts, pa.string()))])
    for column, value in partition.items():
        constant = np.full(len(table), 0 if value else -1, np.int8)
        _below(columns, column, before).add([coded_array(constant, pa.array([value] if value else [], pa.string()))])


def _below(columns: dict[str, CodedColumns], name: str, rows: int) -> CodedColumns:
    """The column of this name with so many rows; those that it had no cell in are empty."""
    held = columns.setdefault(name, CodedColumns((name,), limits.MOST_DIFFERENT))
    if held.rows < rows:
        held.add([coded_array(np.full(rows - held.rows, -1, np.int8), pa.array([], pa.string()))])
    return held


def _filled_up(held: CodedColumns, rows: int) -> pa.DictionaryArray:
    return _below({held.names[0]: held}, held.names[0], rows).array(0)
