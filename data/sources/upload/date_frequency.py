"""Which step the dates of a file keep, where its weeks begin or end, and which rows fall out of step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import Problem
from data.schema import Frequency
from data.sources.upload.readers.table import many, problem_at

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Steps an item must have taken, all alike, before it is said to keep another frequency than the rest.
_SURE_STEPS = 6

#: So many dates that are all a quarter or a year apart are no months with gaps.
_QUARTERS = 3


@dataclass(frozen=True, eq=False)
class Calendar:
    """The file's periods.

    Attributes
    ----------
    frequency : the step.
    words : the step and its anchor ("Weeks, stamped on Sundays").
    periods : stamps from the first date to the last.
    place : [R] the period of each row; -1 where it has no date or no item.
    remarks : what was taken for granted.
    """

    frequency: Frequency
    words: str
    periods: pd.DatetimeIndex
    place: np.ndarray
    remarks: tuple[str, ...]


def calendar(items: np.ndarray, days: np.ndarray, rows: np.ndarray) -> tuple[Calendar | None, list[Problem]]:
    """The calendar of rows with items [R] (codes, -1 none) on days [R] (datetime64[D], NaT none), and what breaks it.

    No calendar where the dates do not tell their step.
    """
    dated = ~np.isnat(days) & (items >= 0)
    different = np.unique(days[dated])
    if len(different) < 2:
        words = "The dates do not tell their step: there is only one date. Two periods are the least"
        return None, [problem_at(words, rows, dated)]
    if long := _longer_than_months(different):
        words = (
            f"The dates step by a {long}, and forecasts are made of days, weeks or months. Export the file by month, or by "
            "week; a longer step cannot be split without a guess"
        )
        return None, [problem_at(words, rows, dated)]
    weekday = (days.astype(np.int64) + 3) % 7  # (R,) 1970-01-01 was a Thursday
    step = _steps(items, days, dated)
    if _all_month_edges(different):
        return _monthly(items, days, rows, dated, different)
    if len(set(weekday[dated].tolist())) == 1:
        return _weekly(days, dated, int(weekday[dated][0])), []
    votes = {"day": (step == 1).sum(), "week": (step == 7).sum(), "month": ((step >= 28) & (step <= 31)).sum()}
    unit = max(votes, key=votes.__getitem__)
    if votes[unit] == 0 or unit == "day":
        return _daily(days, dated), _out_of_step(items, days, rows, dated)
    if unit == "month":
        return _monthly(items, days, rows, dated, different)
    usual = int(np.argmax(np.bincount(weekday[dated], minlength=7)))
    off = dated & (weekday != usual)
    words = (
        f"Two frequencies: most rows step by a week, on {_WEEKDAYS[usual]}s, but {many(off.sum(), 'row')} of "
        f"{many(len(np.unique(items[off])), 'item')} on another weekday. Bring all rows to one step and one weekday"
    )
    return None, [problem_at(words, rows, off)]


def _steps(items: np.ndarray, days: np.ndarray, dated: np.ndarray) -> np.ndarray:
    """Days between one date of an item and its next."""
    order = np.lexsort((days[dated], items[dated]))
    item, day = items[dated][order], days[dated][order].astype(np.int64)
    step = np.diff(day)[item[1:] == item[:-1]]
    step = step[step > 0]
    return step if len(step) else np.diff(np.unique(day))


def _all_month_edges(days: np.ndarray) -> bool:
    months = days.astype("datetime64[M]")
    starts = (days == months.astype("datetime64[D]")).all()
    ends = (days + 1 == (months + 1).astype("datetime64[D]")).all()
    return bool(starts or ends)


def _longer_than_months(days: np.ndarray) -> str:
    """ "quarter" or "year" where all different days step by one, at the same edge of the month; "" otherwise."""
    months = days.astype("datetime64[M]").astype(np.int64)
    if len(days) < _QUARTERS or not _all_month_edges(days):
        return ""
    steps = set(np.diff(months).tolist())
    return {(3,): "quarter", (12,): "year", (6,): "half-year"}.get(tuple(steps), "")


def _weekly(days: np.ndarray, dated: np.ndarray, weekday: int) -> Calendar:
    alias = f"W-{_WEEKDAYS[weekday][:3].upper()}"
    return _laid_out(Frequency.of(alias), f"Weeks, stamped on {_WEEKDAYS[weekday]}s", days, dated, 7)


def _daily(days: np.ndarray, dated: np.ndarray) -> Calendar:
    return _laid_out(Frequency.of("D"), "Days", days, dated, 1)


def _laid_out(frequency: Frequency, words: str, days: np.ndarray, dated: np.ndarray, step: int) -> Calendar:
    first, last = days[dated].min(), days[dated].max()
    count = int((last - first).astype(np.int64)) // step + 1
    place = np.where(dated, (days - first).astype(np.int64) // step, -1)
    return Calendar(frequency, words, frequency.range(pd.Timestamp(first), count), place, ())


def _monthly(
    items: np.ndarray, days: np.ndarray, rows: np.ndarray, dated: np.ndarray, different: np.ndarray
) -> tuple[Calendar | None, list[Problem]]:
    months = days.astype("datetime64[M]")
    first = months[dated].min()
    place = np.where(dated, (months - first).astype(np.int64), -1)
    again = dated & _repeated(items, place, rows) & ~_repeated(items, days.astype(np.int64), rows)
    if again.any():
        words = (
            f"Two frequencies: most rows step by a month, but {many(again.sum(), 'row')} of "
            f"{many(len(np.unique(items[again])), 'item')} more often. Bring all rows to one step"
        )
        return None, [problem_at(words, rows, again)]
    ends = bool((different + 1 == (different.astype("datetime64[M]") + 1).astype("datetime64[D]")).all())
    frequency = Frequency.of("ME" if ends else "MS")
    stamp = pd.Timestamp((first + 1).astype("datetime64[D]") - 1 if ends else first.astype("datetime64[D]"))
    words = "Months, stamped on their last day" if ends else "Months, stamped on their first day"
    remarks = () if _all_month_edges(different) else ("Months are dated on different days; each row counts for its month.",)
    count = int(place.max()) + 1
    return Calendar(frequency, words, frequency.range(stamp, count), place, remarks), []


def _out_of_step(items: np.ndarray, days: np.ndarray, rows: np.ndarray, dated: np.ndarray) -> list[Problem]:
    """Items among daily ones that keep strictly to weeks or months."""
    order = np.flatnonzero(dated)[np.lexsort((days[dated], items[dated]))]
    item, day = items[order], days[order].astype(np.int64)
    inside = item[1:] == item[:-1]
    step, owner = np.diff(day)[inside], item[1:][inside]
    size = int(items.max()) + 1 if len(items) else 0
    taken = np.bincount(owner, minlength=size)
    weekly = np.bincount(owner, weights=step == 7, minlength=size)
    monthly = np.bincount(owner, weights=(step >= 28) & (step <= 31), minlength=size)
    other = (taken >= _SURE_STEPS) & ((weekly == taken) | (monthly == taken))
    if not other.any():
        return []
    words = (
        f"Two frequencies: most items step by a day, but {many(other.sum(), 'item')} by a week or a month. "
        "Bring all items to one step, or load them apart"
    )
    return [problem_at(words, rows, (items >= 0) & other[items])]


def _repeated(items: np.ndarray, place: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where [R] an earlier row has the same item and place."""
    order = np.lexsort((rows, place, items))
    same = (items[order][1:] == items[order][:-1]) & (place[order][1:] == place[order][:-1])
    answer = np.zeros(len(items), dtype=bool)
    answer[order[1:][same]] = True
    return answer


def repeated_keys(items: np.ndarray, days: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where [R] an earlier row has the same item and day; rows without either are none of them."""
    whole = (items >= 0) & ~np.isnat(days)
    answer = np.zeros(len(items), dtype=bool)
    answer[whole] = _repeated(items[whole], days[whole].astype(np.int64), rows[whole])
    return answer
