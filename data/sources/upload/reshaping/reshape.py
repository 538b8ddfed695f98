"""The shape of a table before its columns are read: cells of groups filled down, periods as rows, parts of dates joined."""

from __future__ import annotations

from data.sources.upload.offers import Decisions
from data.sources.upload.readers.table import FileTable
from data.sources.upload.reshaping.fill_down import filled_down
from data.sources.upload.reshaping.fiscal_calendar import dated_by_fiscal_calendar
from data.sources.upload.reshaping.joined_dates import joined
from data.sources.upload.reshaping.wide_periods import narrow


def reshaped(table: FileTable, decisions: Decisions, name: str) -> FileTable:
    """The table of the file ``name`` with one row for each item and period and one column of dates, as was decided.

    Raises UploadError where that takes more cells than are read.
    """
    narrowed = narrow(table, decisions, name)
    dated = dated_by_fiscal_calendar(narrowed, decisions)
    return filled_down(dated if dated is not narrowed else joined(narrowed), decisions)
