"""A Parquet file as a table: what it declares is asked first, then its flat columns are read a stretch at a time."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.offers import Decisions
from data.sources.upload.readers.table import FileTable, table_of

_ROWS = 65_536  # of a stretch


def read_parquet(name: str, content: bytes, decisions: Decisions) -> FileTable:
    """The table; columns with lists or records are left out. Raises UploadError, or whatever a damaged part sets off."""
    metadata = pq.read_metadata(io.BytesIO(content))
    limits.check_columns(name, metadata.num_columns)
    limits.check_cells(name, metadata.num_rows, metadata.num_columns)
    limits.check_unpacked(name, sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)))
    schema = metadata.schema.to_arrow_schema()
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    flat = [field for field in schema if not pa.types.is_nested(field.type)]
    words = [field.name for field in flat if _is_text(field.type)]  # a text that repeats is held once
    source = pq.ParquetFile(io.BytesIO(content), metadata=metadata, read_dictionary=words, pre_buffer=False)
    wanted = list(dict.fromkeys(field.name for field in flat))
    batches, size = [], 0
    for batch in source.iter_batches(_ROWS, columns=wanted, use_threads=False):
        size += batch.nbytes
        limits.check_unpacked(name, size)
        batches.append(batch)
    table = pa.Table.from_batches(batches) if batches else pa.table({column: pa.array([], pa.string()) for column in wanted})
    columns = [plain_column(name, column, cells) for column, cells in zip(table.column_names, table.columns, strict=True)]
    for cells in columns:
        cells.validate(full=True)
    remarks = (f"Columns with lists or records are left out: {limits.shortened(', '.join(nested), 200)}.",) if nested else ()
    return table_of(name, table.column_names, columns, np.arange(2, len(table) + 2), "", remarks, [])


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def plain_column(name: str, column: str, cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The column as text, float64, int64, bool or timestamp."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return plain_column(name, column, _spelled_out(name, column, cells))
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return cells.cast(pa.float64())
    if pa.types.is_integer(kind):
        return cells.cast(pa.int64(), safe=False)
    if pa.types.is_timestamp(kind) and kind.tz is not None and kind.tz.upper() not in ("UTC", "Z", "+00:00", "ETC/UTC"):
        return pc.local_timestamp(cells).cast(pa.timestamp("us"), safe=False)
    if pa.types.is_timestamp(kind):
        return cells.cast(pa.timestamp("us", None if kind.tz is None else "UTC"), safe=False)
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("us"))
    return cells if pa.types.is_boolean(kind) else cells.cast(pa.string())


def _spelled_out(name: str, column: str, cells: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A coded column with its values in every row; raises UploadError where that takes more than is held."""
    if _is_text(cells.type.value_type):
        size = 0
        for chunk in cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]:
            lengths = pc.fill_null(pc.binary_length(chunk.dictionary), 0)
            limits.check_longest(name, column, pc.max(lengths).as_py() or 0)
            size += pc.sum(lengths.take(chunk.indices.drop_null())).as_py() or 0
        if size > limits.LARGEST_UNPACKED:
            raise UploadError(
                f"{name} has {size / 2**20:,.0f} MB of text in the column {limits.shortened(column)!r}; the most is "
                f"{limits.LARGEST_UNPACKED / 2**20:,.0f} MB. Leave the column out."
            )
    return cells.cast(cells.type.value_type)
