"""The rows that a catalog was made of, kept beside it, so that next week's file can be added to them.

They are kept as they were read, before anything was made of them: with a further file they are read anew, and give what one
file with all rows would have given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import ConfigurationError
from data.sources.upload.readers.coded_columns import coded_array
from data.sources.upload.readers.table import FileTable
from data.sources.upload.recipes import Recipe
from data.sources.upload.value_parsing import coded

#: What a file is called beside the catalog, and the key under which it says how it was read.
_ENDING, _RECIPE, _DELIMITER, _FORMAT = ".rows", b"tideline recipe", b"tideline delimiter", b"tideline format"

#: Rows written together.
_ROWS = 1_000_000


@dataclass(frozen=True, eq=False)
class KeptRows:
    """The rows of a catalog as a table, with the ``recipe`` by which they are read."""

    table: FileTable
    recipe: Recipe


class RowStore:
    """The kept rows in a directory, of one catalog at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, catalog_hash: str) -> KeptRows | None:
        """The rows that the catalog with this hash was made of; None where they were not kept, or cannot be read."""
        path = self._path(catalog_hash)
        if not path.is_file():
            return None
        try:
            read = pq.read_table(path, read_dictionary=pq.read_schema(path).names)
            held = read.schema.metadata or {}
            recipe = Recipe.of(held[_RECIPE].decode())
        except (pa.ArrowException, OSError, KeyError, ConfigurationError):
            return None
        table = FileTable(
            columns={name: read.column(name).unify_dictionaries().combine_chunks() for name in read.column_names},
            rows=np.arange(2, len(read) + 2, dtype=np.int32),
            delimiter=held[_DELIMITER].decode(),
            remarks=(),
            problems=(),
            format=held[_FORMAT].decode(),
        )
        return KeptRows(replace(table, columns={name: _whole(cells) for name, cells in table.columns.items()}), recipe)

    def has(self, catalog_hash: str) -> bool:
        """Whether the rows of this catalog are there."""
        return self._path(catalog_hash).is_file()

    def keep(self, catalog_hash: str, table: FileTable, recipe: Recipe) -> None:
        """Keeps the rows of a catalog, and lets go those of the one before it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._path(catalog_hash)
        fresh = path.with_suffix(".new")
        columns = {}
        for name, cells in table.columns.items():
            held = coded(cells)
            columns[name] = coded_array(held.codes, pa.array(held.texts, pa.string()))
        told = {_RECIPE: recipe.text().encode(), _DELIMITER: table.delimiter.encode(), _FORMAT: table.format.encode()}
        rows = pa.table(columns).replace_schema_metadata(told)
        try:
            pq.write_table(rows, fresh, compression="zstd", compression_level=1, row_group_size=_ROWS, write_statistics=False)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        self.drop_others(catalog_hash)

    def drop_others(self, catalog_hash: str) -> None:
        """Lets go the rows of all other catalogs."""
        for path in self._directory.glob(f"*{_ENDING}"):
            if path != self._path(catalog_hash):
                path.unlink(missing_ok=True)

    def _path(self, catalog_hash: str) -> Path:
        return self._directory / f"{catalog_hash}{_ENDING}"


def _whole(cells: pa.DictionaryArray | pa.ChunkedArray) -> pa.DictionaryArray:
    return cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
