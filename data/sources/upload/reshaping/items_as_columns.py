"""A table with a row for each period and a column for each item, as one row for each item and period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from data.sources.upload import limits
from data.sources.upload.columns.column_names import is_count, is_money, part_named, rank, role_named
from data.sources.upload.dates.column_dates import date_share
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.readers.table import FileTable
from data.sources.upload.value_parsing import coded, decimal_mark, numeric_share

#: So many columns of numbers beside the date, and nothing else, may be items.
_LEAST = 3

_SURE = 0.9


def items_from_columns(table: FileTable, decisions: Decisions, name: str) -> FileTable:
    """The table with one row for each item and period where that is wanted, and the offer to do so.

    Only the date may stand beside the items.
    """
    cells = {column: coded(values) for column, values in table.columns.items()}
    dated = [column for column, found in cells.items() if date_share(found) >= _SURE]
    items = [column for column in cells if column not in dated]
    if len(dated) != 1 or len(items) < _LEAST or (cells[dated[0]].codes < 0).any():
        return table
    if len(cells[dated[0]].texts) < len(table) or any(_has_role(column) for column in items):
        return table
    decimal, _ = decimal_mark(cells.values(), table.delimiter)
    if any(numeric_share(cells[column], decimal) < _SURE for column in items):
        return table
    answer = answer_to("item-columns", decisions, NO)
    listed = limits.shortened(", ".join(items), 80)
    offer = Offer(
        kind="item-columns",
        title="Items as columns",
        words=f"Beside the date there are only numbers, in {len(items):,} columns ({listed}). "
        "If each of them is an item, every cell is read as a row of its own.",
        count=len(items),
        before=limits.shortened(" | ".join([dated[0], *items[:3]]), 60) + " | …",
        after=f"{dated[0]} | Item | Units",
        effect="Without it one column has to be chosen for the units, and the others are left out.",
        default=NO,
        answer=answer,
    )
    found = replace(table, offers=(*table.offers, offer))
    if answer == NO:
        return found
    rows = len(table)
    limits.check_cells(name, rows * len(items), 3)
    texts = [np.append(np.array(cells[item].texts, dtype=object), "")[cells[item].codes] for item in items]
    place = pa.array(np.tile(np.arange(rows), len(items)))
    columns = {
        "Item": pa.array(np.repeat(np.array(items, dtype=object), rows), pa.string()),
        dated[0]: table.columns[dated[0]].take(place),
        "Units": pa.array(np.concatenate(texts), pa.string()),
    }
    return replace(found, columns=columns, rows=np.tile(table.rows, len(items)))


def _has_role(column: str) -> bool:
    named = role_named(column) or part_named(column) or is_money(column) or is_count(column)
    return bool(named) or any(rank(role, column) is not None for role in ("demand", "price", "date"))
