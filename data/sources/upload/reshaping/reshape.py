"""The shape of a table before its columns are read: cells of groups filled down, periods as rows, parts of dates joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.sources.upload.offers import Decisions
from data.sources.upload.readers.table import FileTable, many
from data.sources.upload.reshaping.decimal_marks import settled_decimals
from data.sources.upload.reshaping.fill_down import filled_down
from data.sources.upload.reshaping.fiscal_calendar import dated_by_fiscal_calendar
from data.sources.upload.reshaping.items_as_columns import items_from_columns
from data.sources.upload.reshaping.joined_dates import joined
from data.sources.upload.reshaping.wide_periods import narrow
from data.sources.upload.value_parsing import coded

#: Rows at the end of a table that may be words about it.
_FOOTER = 5


def reshaped(table: FileTable, decisions: Decisions, name: str) -> FileTable:
    """The table of the file ``name`` with one row for each item and period and one column of dates, as was decided.

    Raises UploadError where that takes more cells than are read.
    """
    narrowed = narrow(settled_decimals(_without_footer(table), decisions), decisions, name)
    dated = dated_by_fiscal_calendar(narrowed, decisions)
    filled = filled_down(dated if dated is not narrowed else joined(narrowed), decisions)
    return items_from_columns(filled, decisions, name)


def _without_footer(table: FileTable) -> FileTable:
    """The table without the rows at its end that hold one cell of words and nothing else, such as who printed it."""
    if len(table.columns) < 3 or len(table) <= _FOOTER:
        return table
    tail = [coded(cells.slice(len(table) - _FOOTER)) for cells in table.columns.values()]
    filled = np.add.reduce([(cells.codes >= 0).astype(np.int64) for cells in tail])
    first = next(iter(tail))
    count = 0
    for place in reversed(range(_FOOTER)):
        text = first.texts[first.codes[place]] if first.codes[place] >= 0 else ""
        if filled[place] != 1 or " " not in text:
            break
        count += 1
    if not count:
        return table
    kept = len(table) - count
    told = f"Left out, for it stands below the table: {many(count, 'row')} of words."
    columns = {name: cells.slice(0, kept) for name, cells in table.columns.items()}
    return replace(table, columns=columns, rows=table.rows[:kept], remarks=(*table.remarks, told))
