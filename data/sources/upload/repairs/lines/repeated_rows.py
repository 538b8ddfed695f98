"""Rows that stand in a file twice, alike in every column: an export that was appended to itself, and never twice the sales."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from data.facts import Check
from data.sources.upload.columns.row_keys import pieces
from data.sources.upload.offers import YES, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Sheet
from data.sources.upload.value_parsing import Coded, numbers

KIND = "repeated-rows"

#: Items times dates that are marked one by one.
_MOST_CELLS = 400_000_000

_CLOCK = re.compile(r"\d{1,2}:\d{2}")

#: The share of a column's cells that differ from one another where it numbers the lines or the documents of a file.
_NUMBERED = 0.2

#: The share of rows of one same quantity from which on rows may well be alike by chance.
_SAME = 0.6


def find(sheet: Sheet, decisions: Decisions) -> Found[Sheet] | None:
    """Rows alike in every column are left out but for the first.

    They are not where a file lists single sales without a number or a time of day: two alike are then two sales.
    """
    mapping = sheet.mapping
    if not (mapping.item_id and mapping.date):
        return None
    if not _come_again(sheet):
        return None
    codes, numbered = _codes(sheet)
    again = codes.duplicated().to_numpy()
    if not again.any():
        return None
    count = int(again.sum())
    if not exported_twice(sheet):
        words = f"{many(count, 'row')} are like an earlier one in every column. Rows are single sales here, and each counts."
        return None if numbered else Found(sheet, None, (Check("Rows alike", words, count, "note"),))
    answer = answer_to(KIND, decisions, YES)
    first = int(np.flatnonzero(again)[0])
    earlier = int(np.flatnonzero((codes == codes.iloc[first]).all(axis=1))[0])
    offer = Offer(
        kind=KIND,
        title="Rows twice",
        words=f"{many(count, 'row')} stand in the file twice, alike in every column. One of each is kept; none is added up.",
        count=count,
        before=f"rows {sheet.numbers[earlier]:,} and {sheet.numbers[first]:,}: {sheet.row(first)}",
        after=f"row {sheet.numbers[earlier]:,} alone",
        effect="What sold would count twice in these periods, and the forecast would follow.",
        default=YES,
        answer=answer,
    )
    sheet = replace(sheet, twice=True)
    return Found(sheet.take(~again) if answer == YES else sheet, offer)


def _come_again(sheet: Sheet) -> bool:
    """Whether two rows may be alike, for their item and date are; rows of an item are alike in these before any other cell."""
    item, date = sheet.cells[sheet.mapping.item_id], sheet.cells[sheet.mapping.date]
    width = len(date.texts) + 1
    if (len(item.texts) + 1) * width > _MOST_CELLS:
        return True
    marks, rows = np.zeros((len(item.texts) + 1) * width, bool), len(item.codes)
    for part in pieces(rows):  # an empty cell, -1, is a value of its own
        marks[(item.codes[part].astype(np.int64) + 1) * width + date.codes[part] + 1] = True
    return int(np.count_nonzero(marks)) < rows


def _codes(sheet: Sheet) -> tuple[pd.DataFrame, bool]:
    """The codes [R, columns] of the cells without those that only number the rows, and whether there are such."""
    mapping = sheet.mapping
    said = {mapping.item_id, mapping.date, mapping.demand, mapping.price}
    numbering = {column for column, one in sheet.cells.items() if column not in said and _counts_rows(one)}
    kept = [one.codes for column, one in sheet.cells.items() if column not in numbering]
    return pd.DataFrame(dict(enumerate(kept))), bool(numbering)


def _counts_rows(column: Coded) -> bool:
    """Whether a column counts the rows, one by one."""
    rows = len(column.codes)
    if len(column.texts) != rows or (np.diff(column.codes) != 1).any():
        return False
    ends = (column.texts[0], column.texts[-1])
    return all(text.isdecimal() and len(text) <= 18 for text in ends) and int(ends[1]) - int(ends[0]) == rows - 1


def exported_twice(sheet: Sheet) -> bool:
    """Whether rows are alike because they were written twice: hardly others share item and date, or each has a number."""
    codes, numbered = _codes(sheet)
    again = codes.duplicated().to_numpy()
    if not again.any():
        return False
    keys = [sheet.mapping.item_id, sheet.mapping.date, *filter(None, [sheet.mapping.location])]
    key = pd.DataFrame({column: sheet.cells[column].codes for column in keys})
    others = key.duplicated().to_numpy() & ~again
    if others.sum() > again.sum():
        return not numbered and numbers_lines(sheet)
    if not _single_units(sheet):
        return True
    times = codes[codes.duplicated(keep=False)].value_counts(sort=False).to_numpy()
    return len(set(times.tolist())) == 1


def _single_units(sheet: Sheet) -> bool:
    """Whether nearly every row is of one same quantity above zero, as at a till, where two rows may be alike by chance."""
    demand, _ = numbers(sheet.cells[sheet.mapping.demand], sheet.decimal) if sheet.mapping.demand else (np.zeros(1), None)
    known = demand[np.isfinite(demand)]
    return len(known) > 0 and bool((known != 0).all()) and np.unique(known, return_counts=True)[1].max() >= _SAME * len(known)


def numbers_lines(sheet: Sheet) -> bool:
    """Whether some column tells one line of the file from another: a document's number, or a time of day."""
    mapping = sheet.mapping
    counted = {mapping.item_id, mapping.demand, mapping.price, mapping.stock, mapping.name, *mapping.known}
    return any(_differs_by_line(one) for column, one in sheet.cells.items() if column not in counted)


def _differs_by_line(column: Coded) -> bool:
    texts = column.texts[:50]
    timed = sum(_CLOCK.search(text) is not None and not text.endswith("00:00") for text in texts) * 2 > len(texts)
    digits = sum(any(map(str.isdigit, text)) and date_like(text) is False for text in texts) * 2 > len(texts)
    return len(texts) > 0 and (timed or (digits and len(column.texts) >= _NUMBERED * max(1, len(column.codes))))


def date_like(text: str) -> bool:
    """Whether a text could be a date, which many rows share and which numbers nothing."""
    return re.search(r"\d[-./]\d", text) is not None
