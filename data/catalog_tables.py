"""Chunks of a catalog as tables that DuckDB takes in: arrays over the periods, and names that tell a column's kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from data.schema import GroupSeries, Panel

#: Bytes that a table's arrays may take at a time.
_ROOM = 100_000_000


def history_rows(panel: Panel, place: pa.Array) -> pa.Table:
    """One row per item of the panel [N, T]."""
    columns = {"place": place, "item_id": pa.array(panel.item_ids.tolist(), pa.string())}
    columns |= named("static", panel.static, texts)
    written = layout(len(panel.periods), 2 + len(panel.known) + len(panel.past))
    columns |= {"demand": written(panel.demand), "in_stock": written(panel.in_stock)}
    columns |= named("known", panel.known, written) | named("past", panel.past, written)
    return pa.table(columns)


def group_rows(grouped: Sequence[GroupSeries], planned: Mapping[str, Mapping[str, np.ndarray]]) -> pa.Table:
    """One row per attribute and label; ``planned``: attribute → name → [G, F]."""
    tables = []
    for group in grouped:
        written = layout(group.demand.shape[1], 2 + 2 * len(group.known))
        columns = {
            "attribute": pa.array([group.column] * len(group.labels)),
            "code": pa.array(np.arange(len(group.labels), dtype=np.int32)),
            "label": texts(group.labels),
            "demand": written(group.demand),
            "sellers": written(group.sellers),
        }
        columns |= named("known", group.known, written)
        columns |= named("planned", planned.get(group.column, {}), written)
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def named(kind: str, columns: Mapping[str, np.ndarray], written: Callable[[np.ndarray], pa.Array]) -> dict[str, pa.Array]:
    """The columns under names that say their kind, so that no name of a planner meets one of ours."""
    return {f"{kind}_{name}": written(values) for name, values in columns.items()}


def arrays(values: np.ndarray) -> pa.FixedSizeListArray:
    """Values [N, T] as N arrays of T numbers, which DuckDB reads fastest."""
    flat = np.ascontiguousarray(values, dtype=np.float32).ravel()
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), values.shape[1])


def lists(values: np.ndarray) -> pa.ListArray:
    """The same as lists, of which DuckDB holds no more than there are."""
    flat = np.ascontiguousarray(values, dtype=np.float32).ravel()
    return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]), pa.array(flat))


def layout(periods: int, columns: int) -> Callable[[np.ndarray], pa.Array]:
    """How a table of so many ``columns`` of values over ``periods`` is written.

    DuckDB makes room for 2,048 arrays of each column at a time, however few there are: years of days in dozens of columns
    would not fit its memory.
    """
    return lists if 2048 * periods * columns * 4 > _ROOM else arrays


def texts(values: np.ndarray) -> pa.Array:
    """Values [N] as text."""
    return pa.array(values.tolist(), pa.string())


def plain_bytes(numbers: np.ndarray) -> bytes:
    """The numbers' bytes with one form of NaN and one of zero."""
    plain = np.where(np.isnan(numbers), np.array(np.nan, numbers.dtype), numbers + 0)
    return np.ascontiguousarray(plain).astype(plain.dtype.newbyteorder("<"), copy=False).tobytes()
