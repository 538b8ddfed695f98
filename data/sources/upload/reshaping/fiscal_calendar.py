"""Fiscal years of weeks in periods of four or five, dated by the first day of the first year, which only a planner knows.

Nothing is guessed: without that day the file is not read, for a fiscal period is no calendar month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from data.errors import Problem
from data.sources.upload.columns.column_names import plain
from data.sources.upload.offers import NO, Decisions, Offer
from data.sources.upload.readers.coded_columns import value_type
from data.sources.upload.readers.table import FileTable, many
from data.sources.upload.value_parsing import Coded, coded

_KIND = "fiscal-calendar"

#: What the columns are called, and how their cells are written.
_YEAR_NAMES = re.compile(
    r"(fiscal|financial|fisc|retail|business)_(year|yr)|fy|fyear|gj|geschaftsjahr|wirtschaftsjahr|exercice|esercizio"
)
_PERIOD_NAMES = re.compile(
    r"((fiscal|financial|fisc|retail|accounting)_)?(period|per|prd|month|periode|periodo)(_no|_number|_nr)?|fp"
)
_WEEK_NAMES = re.compile(
    r"((fiscal|financial|fisc|retail)_)?(week|wk|woche|semaine|semana)(_(of|in|no|number))?(_(period|month|periode))?|week_of_fiscal_period|fw|wop"
)
_YEAR_WEEK_NAMES = re.compile(r"(fiscal|financial|fisc|retail)_(week|wk)(_(of_year|no|number))?|fw|fiscal_year_week")
_YEAR = re.compile(r"(?:FY|GJ)?[ '-]?((?:19|20)?\d{2})(?:/\d{2,4})?", re.IGNORECASE)
_NUMBER = re.compile(r"[A-Za-z]{0,7}[ .-]?(\d{1,2})")
_ANSWER = re.compile(r"(\d{4}-\d{2}-\d{2})(?: for FY(\d{4}))?")

#: Weeks of a fiscal year that has no 53rd.
_WEEKS = 52


@dataclass(frozen=True, eq=False)
class _Fiscal:
    """The columns of a fiscal calendar and their numbers [R], 0 where empty; no period where weeks count through the year."""

    columns: tuple[str, ...]
    year: np.ndarray
    period: np.ndarray | None
    week: np.ndarray | None


def dated_by_fiscal_calendar(table: FileTable, decisions: Decisions) -> FileTable:
    """The table with a date for each fiscal week, once the first day is given; else with the problem that asks for it."""
    found = _fiscal(table)
    if found is None:
        return table
    years = np.unique(found.year[found.year > 0])
    example = ", ".join(str(coded(table.columns[column]).texts[0]) for column in found.columns)
    title = f"FY{int(years[0])}"
    if found.week is None:
        words = (
            f"{' and '.join(map(repr, found.columns))} are fiscal periods ({example}), which are no calendar months and have "
            "no week in this file. Export it with a date, or with the week of the period"
        )
        return replace(table, problems=(*table.problems, Problem(words)))
    answer = decisions.get(_KIND, NO)
    first = _first_day(answer, int(years[0]))
    answer = NO if first is None else f"{first} for {title}"  # so that a recipe's answer is not taken for another year's
    offer = Offer(
        kind=_KIND,
        title="Fiscal weeks",
        words=f"The dates are fiscal weeks ({example}). They become days once it is known on which day {title} begins.",
        count=len(table),
        before=example,
        after=str(first) if first is not None else f"the first day of {title}, as YYYY-MM-DD",
        effect="Weeks stand in their season and beside their holidays only under the right first day.",
        default=NO,
        answer=answer,
        choices=((answer, f"{title} begins on {first}"),) if first is not None else (),
    )
    offers = (*table.offers, offer)
    if first is None:
        words = (
            f"The dates are fiscal weeks ({example}), and the file does not say when {title} begins. Give its first day, "
            f"such as 2023-01-30 ({_KIND}=2023-01-30 on the command line); fiscal periods are not read as calendar months"
        )
        return replace(table, offers=offers, problems=(*table.problems, Problem(words)))
    days = _days(found, first)
    columns = {name: cells for name, cells in table.columns.items() if name not in found.columns}
    columns["Fiscal week"] = pa.array([None if np.isnat(day) else str(day) for day in days], pa.string())
    told = f"{many(len(np.unique(days)), 'fiscal week')} are dated from {first}, the first day of {title}."
    return replace(table, columns=columns, offers=offers, remarks=(*table.remarks, told))


def _first_day(answer: str, year: int) -> np.datetime64 | None:
    """The day that was answered for this fiscal year, None for another one's or no day at all."""
    found = _ANSWER.fullmatch(answer)
    if found is None or int(found[2] or year) != year:
        return None
    try:
        return np.datetime64(found[1], "D")
    except ValueError:
        return None


def _fiscal(table: FileTable) -> _Fiscal | None:
    """The fiscal calendar of a table, None where it has none, or a column of dates beside it."""
    plains = {plain(column): column for column in table.columns}
    years = [column for name, column in plains.items() if _YEAR_NAMES.fullmatch(name)]
    if not years and "year" in plains:  # an ordinary name, beside weeks of a period or years written FY23
        texts = coded(table.columns[plains["year"]]).texts
        if all(text[:2].upper() == "FY" for text in texts) or {"week_of_period", "wop", "period"} & set(plains):
            years = [plains["year"]]
    if not years or any(pa.types.is_timestamp(value_type(cells)) for cells in table.columns.values()):
        return None
    year = _numbers(coded(table.columns[years[0]]), _YEAR)
    if year is None:
        return None
    year = np.where((year > 0) & (year < 100), year + 2000, year)
    through = [c for n, c in plains.items() if _YEAR_WEEK_NAMES.fullmatch(n)]
    periods = [c for n, c in plains.items() if _PERIOD_NAMES.fullmatch(n)]
    weeks = [c for n, c in plains.items() if _WEEK_NAMES.fullmatch(n)]
    if through and (week := _numbers(coded(table.columns[through[0]]), _NUMBER)) is not None and week.max() > 6:
        gone = tuple(dict.fromkeys([years[0], *periods, through[0]]))
        return _Fiscal(gone, year, None, week)
    if not periods or (period := _numbers(coded(table.columns[periods[0]]), _NUMBER)) is None or period.max() > 13:
        return None
    if weeks and (week := _numbers(coded(table.columns[weeks[0]]), _NUMBER)) is not None:
        if week.max() > 6:
            return _Fiscal((years[0], periods[0], weeks[0]), year, None, week)
        return _Fiscal((years[0], periods[0], weeks[0]), year, period, week)
    return _Fiscal((years[0], periods[0]), year, period, None)


def _numbers(column: Coded, shape: re.Pattern[str]) -> np.ndarray | None:
    """The numbers [R] of a column, 0 where empty; None where it holds anything else."""
    found = [shape.fullmatch(text) if len(text) <= 20 else None for text in column.texts]
    if not found or not all(found):
        return None
    return column.spread(np.array([int(match[1]) for match in found if match], dtype=np.int64), 0)


def _days(found: _Fiscal, first: np.datetime64) -> np.ndarray:
    """The first day [R] of each fiscal week, NaT where a part is missing."""
    assert found.week is not None
    whole = (found.year > 0) & (found.week > 0)
    start, answer = first, np.full(len(found.year), np.datetime64("NaT", "D"))
    years = np.unique(found.year[whole])
    for year in range(int(years[0]), int(years[-1]) + 1):
        mine = whole & (found.year == year)
        before, weeks = _weeks_before(found, mine)
        answer[mine] = start + 7 * (before[mine] + found.week[mine] - 1)
        start = start + 7 * (53 if weeks == 53 else _WEEKS)
    return answer


def _weeks_before(found: _Fiscal, mine: np.ndarray) -> tuple[np.ndarray, int]:
    """How many weeks of the year come before each row's period [R], and how many the year has in this file."""
    assert found.week is not None
    before = np.zeros(len(mine), np.int64)
    if found.period is None or not mine.any():
        return before, int(found.week[mine].max(initial=0))
    length = np.zeros(15, np.int64)
    np.maximum.at(length, found.period[mine], found.week[mine])
    usual = np.zeros(15, np.int64)  # of the same period in other years, for one that this year has only begun
    np.maximum.at(usual, found.period[found.year > 0], found.week[found.year > 0])
    last = int(found.period[mine].max())
    known = np.where(np.arange(15) < last, np.maximum(length, np.where(length > 0, length, usual)), length)
    known[0] = 0
    before = np.concatenate([[0], np.cumsum(known)])[found.period]
    return before, int(known.sum())
