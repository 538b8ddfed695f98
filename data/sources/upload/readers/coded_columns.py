"""Columns that are read a stretch at a time and held as their different values and, row by row, which one.

A file of millions of rows has few different values in a column: held so it takes one to four bytes a cell, and whatever is
found out about a cell is found out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.sources.upload import limits

#: How far a long reading is: done, of, and what is being done.
Telling = Callable[[int, int, str], None]


def silent(done: int, total: int, words: str) -> None:
    """Tells nobody."""


class CodedColumns:
    """Columns in the making: ``add`` stretches of rows, then take each as an ``array``.

    ``most`` different values are held of a column; one that has more is ``given_up``, and holds nothing.
    """

    def __init__(self, names: Sequence[str], most: int | None = None) -> None:
        self.names, self.rows = tuple(names), 0
        self.given_up: set[int] = set()
        self._most = most
        self._values: list[pa.Array | None] = [None] * len(names)
        self._codes: list[list[np.ndarray]] = [[] for _ in names]

    def add(self, columns: Iterable[pa.Array | pa.ChunkedArray]) -> None:
        """Adds the rows of these columns, in the order of ``names``."""
        count = 0
        for place, column in enumerate(columns):
            for cells in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
                if place not in self.given_up:
                    self._add(place, encoded(cells))
                count += len(cells) if place == 0 else 0
        self.rows += count

    def _add(self, place: int, cells: pa.DictionaryArray) -> None:
        held, here = self._values[place], cells.dictionary
        if held is None:
            codes, self._values[place] = codes_of(cells), here
        else:
            found = pc.index_in(here, value_set=held)
            new = here.filter(pc.is_null(found))
            there = found.fill_null(-1).to_numpy(zero_copy_only=False).copy()
            there[there < 0] = len(held) + np.arange(len(new))
            self._values[place] = pa.concat_arrays([held, new]) if len(new) else held
            codes = np.append(there, -1)[codes_of(cells)]
        values = self._values[place]
        assert values is not None  # set above
        if self._most is not None and len(values) > self._most:
            self.given_up.add(place)
            self._values[place], self._codes[place] = None, []
            return
        self._codes[place].append(codes.astype(narrowest(len(values)), copy=False))

    def array(self, place: int) -> pa.DictionaryArray:
        """One column, whose stretches are let go; empty cells of text where it was given up or never had any."""
        values, parts = self._values[place], self._codes[place]
        self._codes[place] = []
        if values is None:
            return coded_array(np.full(self.rows, -1, np.int8), pa.array([], pa.string()))
        codes = np.empty(sum(map(len, parts)), narrowest(len(values)))
        start = 0
        for part in parts:
            codes[start : start + len(part)] = part
            start += len(part)
        return coded_array(codes, values)


def one_ahead(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches, each read on a thread of its own while the one before it is made use of."""
    going = iter(batches)
    with ThreadPoolExecutor(1, thread_name_prefix="reading ahead") as reader:
        coming = reader.submit(next, going, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, going, None)
            yield batch


def encoded(cells: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """The cells as their different values and which one each is."""
    if isinstance(cells, pa.ChunkedArray):
        if cells.num_chunks == 1:
            return encoded(cells.chunk(0))
        columns = CodedColumns(("",))
        columns.add([cells])
        if not cells.num_chunks:
            return coded_array(np.zeros(0, np.int8), pa.array([], value_type(cells)))
        return columns.array(0)
    if pa.types.is_dictionary(cells.type):
        return cells
    found = cells.dictionary_encode()
    return coded_array(codes_of(found), found.dictionary)


def coded_array(codes: np.ndarray, values: pa.Array) -> pa.DictionaryArray:
    """The column of these ``codes`` [R] of ``values``, -1 where a cell is empty."""
    codes = codes.astype(narrowest(len(values)), copy=False)
    empty = codes < 0
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=empty if empty.any() else None), values)


def only_held(cells: pa.DictionaryArray) -> pa.DictionaryArray:
    """The column without values that no cell holds, such as its header's, which was read as a row."""
    codes, values = codes_of(cells), cells.dictionary
    held = np.zeros(len(values) + 1, bool)
    held[codes] = True
    held = held[:-1]
    if held.all():
        return cells
    renumbered = np.append(np.cumsum(held) - 1, -1).astype(narrowest(len(values)))
    return coded_array(renumbered[codes], values.filter(pa.array(held)))


def codes_of(cells: pa.DictionaryArray) -> np.ndarray:
    """Which value each cell [R] holds, -1 where it is empty."""
    indices = cells.indices
    return (indices.fill_null(-1) if indices.null_count else indices).to_numpy(zero_copy_only=False)


def value_type(cells: pa.Array | pa.ChunkedArray) -> pa.DataType:
    """What the cells hold: text, numbers or timestamps."""
    return cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type


def narrowest(values: int) -> type[np.signedinteger]:
    """The narrowest whole numbers that count so many values and -1."""
    return np.int8 if values <= 127 else np.int16 if values <= 32_767 else np.int32


def too_various(name: str) -> str:
    """What is told of a column that was given up."""
    return (
        f"Column {limits.shortened(name)!r} has more than {limits.MOST_DIFFERENT:,} different values and is left out. If it is "
        "needed, round its numbers, or load a part of the file."
    )
