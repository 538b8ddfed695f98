"""A further file added to the rows of the catalog in use: where it has an item on a date, it takes the place of what is there.

Both together are read by the catalog's own recipe, as if they had come in one file. Axis letters: R rows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa

from data.errors import UploadError
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.columns.key_columns import joined
from data.sources.upload.columns.row_keys import looked_up, pieces
from data.sources.upload.dates.column_dates import dates
from data.sources.upload.limits import shortened
from data.sources.upload.offers import Decisions
from data.sources.upload.readers.coded_columns import CodedColumns, coded_array
from data.sources.upload.readers.table import FileTable, many
from data.sources.upload.value_parsing import Coded, coded
from data.sources.upload.writing.kept_rows import KeptRows

#: Between the names of columns that make an item together, see ``columns.proposal``.
_AND = " + "


def added(kept: KeptRows, table: FileTable, name: str, made: Collection[str] = ()) -> FileTable:
    """The kept rows with those of the ``table`` of the file ``name``; raises UploadError where columns are missing.

    Rows of the file keep their numbers; those of the catalog have the numbers after them. ``made`` are columns that the file
    itself has not: one for its only item bears its name, and is the catalog's only item.
    """
    mapping, decisions = kept.recipe.mapping, kept.recipe.decisions
    table = _with_items(table, mapping)
    if mapping.item_id in made and len(one := coded(kept.table.columns[mapping.item_id]).texts) == 1:
        only = coded_array(np.zeros(len(table), np.int8), pa.array(one, pa.string()))
        table = replace(table, columns={**table.columns, mapping.item_id: only})
    needed = [column for column in dict.fromkeys(mapping.columns()) if column not in table.columns]
    if needed:
        raise UploadError(
            f"{name} cannot be added: it has no column {', '.join(map(repr, needed))}, which the catalog was read from. It has "
            f"{shortened(', '.join(table.columns), 300)}. Name them alike, or replace the catalog."
        )
    keys = [column for column in (mapping.item_id, mapping.location) if column]
    there = _again(kept.table, table, keys, mapping, decisions)
    columns: dict[str, pa.DictionaryArray] = {}
    for column in kept.table.columns:
        both = CodedColumns((column,))
        own = coded(table.columns[column]) if column in table.columns else Coded((), np.full(len(table), -1, np.int8))
        old = coded(kept.table.columns[column])
        both.add([_array(Coded(old.texts, old.codes[~there]))])
        both.add([_array(own)])
        columns[column] = both.array(0)
    last = int(table.rows.max(initial=1))
    numbers = np.concatenate([np.arange(last + 1, last + 1 + int((~there).sum()), dtype=np.int32), table.rows.astype(np.int32)])
    left = [column for column in table.columns if column not in kept.table.columns]
    told = [f"Added to the rows that the catalog was made of: {many(len(table), 'row')} of {name}."]
    if left:
        told.append(f"Left out, for the catalog was read without them: {shortened(', '.join(left), 200)}.")
    return replace(
        kept.table, columns=columns, rows=numbers, remarks=(*told, *table.remarks), problems=table.problems, offers=()
    )


def _array(cells: Coded) -> pa.DictionaryArray:
    return coded_array(cells.codes, pa.array(cells.texts, pa.string()))


def _with_items(table: FileTable, mapping: ColumnMapping) -> FileTable:
    """The table with the column of items that several columns make, where the catalog has such a one."""
    item = mapping.item_id
    parts = item.split(_AND)
    if item in table.columns or len(parts) < 2 or any(part not in table.columns for part in parts):
        return table
    made = joined(parts, {part: coded(table.columns[part]) for part in parts})
    return replace(table, columns={**table.columns, item: made.array()})


def _again(kept: FileTable, table: FileTable, keys: list[str], mapping: ColumnMapping, decisions: Decisions) -> np.ndarray:
    """Where [R] a kept row is of an item and a date that the table has, too."""
    days = [_days(one, mapping, decisions) for one in (kept, table)]
    known = np.unique(days[1][~np.isnat(days[1])])
    item, count = np.zeros(len(kept), np.int64), 1
    own = np.zeros(len(table), np.int64)
    for key in keys:
        old, new = coded(kept.columns[key]), coded(table.columns[key])
        place = {text: number for number, text in enumerate(new.texts)}
        to = np.array([*(place.get(text, -1) for text in old.texts), -1], dtype=np.int64)[old.codes]
        width = len(new.texts) + 1
        item = np.where((item >= 0) & (to >= 0), item * width + to, -1)
        own, count = own * width + np.where(new.codes >= 0, new.codes, width - 1), count * width
    day = [looked_up(one, known, np.arange(len(known))) for one in days]
    marked = np.unique((own * (len(known) + 1) + day[1])[day[1] >= 0])
    answer = np.zeros(len(kept), bool)
    for part in pieces(len(kept)):
        key = item[part] * (len(known) + 1) + day[0][part]
        answer[part] = (item[part] >= 0) & (day[0][part] >= 0) & np.isin(key, marked)
    return answer


def _days(table: FileTable, mapping: ColumnMapping, decisions: Decisions) -> np.ndarray:
    unclear = table.delimiter == ";"
    column = coded(table.columns[mapping.date])
    return dates(column, day_first=mapping.day_first, day_first_if_unclear=unclear, decisions=decisions, name=mapping.date).days
