"""Years, weeks and months in columns of their own, joined to one column of dates."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa

from data.sources.upload.columns.column_names import part_named, rank
from data.sources.upload.dates.calendar_words import MONTHS, folded
from data.sources.upload.dates.column_dates import date_share
from data.sources.upload.limits import LONGEST_NUMBER
from data.sources.upload.readers.coded_columns import value_type
from data.sources.upload.readers.table import FileTable
from data.sources.upload.value_parsing import Coded, coded

_DATE = 0.9
_NUMBER = re.compile(r"\D{0,8}?(\d{1,2})(?:\.0)?\D{0,2}")
_YEAR = re.compile(r"(?:FY)?((?:19|20)\d{2})(?:\.0)?", re.IGNORECASE)

#: Part → least and most of its numbers.
_RANGE = {"week": (1, 53), "month": (1, 12), "day": (1, 31), "quarter": (1, 4)}


def joined(table: FileTable) -> FileTable:
    """The table with year and week, year and month (and day) or year and quarter as one column, where no column is a date."""
    named = {column: part for column in table.columns if (part := part_named(column))}
    if "year" not in named.values() or _has_dates(table):
        return table
    years = [column for column, part in named.items() if part == "year"]
    year = _numbers(coded(table.columns[years[0]]), "year")
    parts: dict[str, tuple[str, np.ndarray]] = {}
    for column, part in named.items():
        if part != "year" and part not in parts and (numbers := _numbers(coded(table.columns[column]), part)) is not None:
            parts[part] = (column, numbers)
    if year is None or not parts:
        return table
    if "week" in parts and parts["week"][1].max() <= 6 and "month" in parts:  # weeks of a month are none of a year
        del parts["week"]
        if "day" not in parts:
            return table
    used: tuple[str, ...]
    if "week" in parts:
        used, texts, words = ("week",), _texts(year, parts["week"][1], "{}-W{:02}"), "weeks by ISO's count"
    elif "month" in parts and "day" in parts:
        used, words = ("month", "day"), "days"
        texts = _texts(year, parts["month"][1], "{}-{:02}", parts["day"][1])
    elif "month" in parts:
        used, texts, words = ("month",), _texts(year, parts["month"][1], "{}-{:02}-01"), "months"
    elif "quarter" in parts:
        used, texts, words = ("quarter",), _texts(year, parts["quarter"][1], "{}-Q{}"), "quarters"
    else:
        return table
    gone = [years[0], *(parts[part][0] for part in used)]
    name = " + ".join(gone)
    columns = {column: cells for column, cells in table.columns.items() if column not in gone}
    told = f"{' and '.join(map(repr, gone))} are joined to one date, read as {words}."
    return replace(table, columns={**columns, name: pa.array(texts, pa.string())}, remarks=(*table.remarks, told))


def _has_dates(table: FileTable) -> bool:
    """Whether a column holds whole dates already."""
    for name, cells in table.columns.items():
        if pa.types.is_timestamp(value_type(cells)):
            return True
        if date_share(coded(cells)) >= _DATE and (rank("date", name) is not None or pa.types.is_string(value_type(cells))):
            return True
    return False


def _numbers(column: Coded, part: str) -> np.ndarray | None:
    """The part's numbers [R], 0 where empty; None where the column holds anything else."""
    values = np.array([_number(text, part) for text in column.texts] or [-1], dtype=np.int64)
    return None if (values < 0).any() else column.spread(values, 0)


def _number(text: str, part: str) -> int:
    if len(text) > LONGEST_NUMBER:
        return -1
    if part == "year":
        found = _YEAR.fullmatch(text)
        return int(found[1]) if found else -1
    if part == "month" and folded(text.strip(".")) in MONTHS:
        return MONTHS[folded(text.strip("."))]
    found = _NUMBER.fullmatch(text)
    lowest, highest = _RANGE[part]
    return int(found[1]) if found and lowest <= int(found[1]) <= highest else -1


def _texts(year: np.ndarray, part: np.ndarray, form: str, day: np.ndarray | None = None) -> list[str]:
    """The date of each row as text, "" where a part is missing."""
    days = np.ones(len(year), np.int64) if day is None else day
    ending = "" if day is None else "-{:02}"
    return [
        form.format(y, p) + ending.format(d) if y and p and d else ""
        for y, p, d in zip(year.tolist(), part.tolist(), days.tolist(), strict=True)
    ]
