"""Which step the dates of a file keep, where its weeks begin or end, and which rows fall out of step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import Problem
from data.schema import Frequency
from data.sources.upload.columns.row_keys import different_days, looked_up, seen
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
    different = different_days(days, dated)
    if len(different) < 2:
        words = "The dates do not tell their step: there is only one date. Two periods are the least"
        return None, [problem_at(words, rows, dated)]
    if long := _longer_than_months(different):
        words = (
            f"The dates step by a {long}, and forecasts are made of days, weeks or months. Export the file by month, or by "
            "week; a longer step cannot be split without a guess"
        )
        return None, [problem_at(words, rows, dated)]
    if _all_month_edges(different):
        return _monthly(items, days, rows, dated, different)
    weekdays = (different.astype(np.int64) + 3) % 7  # (D,) 1970-01-01 was a Thursday
    if len(set(weekdays.tolist())) == 1:
        return _weekly(days, different, dated, int(weekdays[0])), []
    votes = _votes(items, days, dated)
    unit = max(votes, key=votes.__getitem__)
    if votes[unit] == 0 or unit == "day":
        return _daily(days, different, dated), _out_of_step(items, days, rows, dated)
    if unit == "month":
        return _monthly(items, days, rows, dated, different)
    weekday = (days.astype(np.int64) + 3) % 7  # (R,)
    usual = int(np.argmax(np.bincount(weekday[dated], minlength=7)))
    off = dated & (weekday != usual)
    words = (
        f"Two frequencies: most rows step by a week, on {_WEEKDAYS[usual]}s, but {many(off.sum(), 'row')} of "
        f"{many(len(np.unique(items[off])), 'item')} on another weekday. Bring all rows to one step and one weekday"
    )
    return None, [problem_at(words, rows, off)]


def _votes(items: np.ndarray, days: np.ndarray, dated: np.ndarray) -> dict[str, int]:
    """How many steps from a row of an item to its next are a day, a week or a month."""
    lengths = np.zeros(32, np.int64)
    for _, step in _steps(items, days, dated):
        lengths += np.bincount(step[(step > 0) & (step < 32)], minlength=32)
    return {"day": int(lengths[1]), "week": int(lengths[7]), "month": int(lengths[28:32].sum())}


def _steps(items: np.ndarray, days: np.ndarray, dated: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Items, and days between one date of an item and its next; between any date and the next where no item has two."""
    found, none = seen(items, days), True
    if found is not None:
        for item, step in found.steps():
            none &= not len(step)
            yield item, step
    else:
        order = np.flatnonzero(dated)[np.lexsort((days[dated], items[dated]))]
        item, day = items[order], days[order].astype(np.int64)
        inside = item[1:] == item[:-1]
        step = np.diff(day)[inside]
        none = not (step > 0).any()
        yield item[1:][inside], step
    if none:
        step = np.diff(different_days(days, dated).astype(np.int64))
        yield np.zeros(len(step), np.int64), step


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


def _weekly(days: np.ndarray, different: np.ndarray, dated: np.ndarray, weekday: int) -> Calendar:
    alias = f"W-{_WEEKDAYS[weekday][:3].upper()}"
    return _laid_out(Frequency.of(alias), f"Weeks, stamped on {_WEEKDAYS[weekday]}s", days, different, dated, 7)


def _daily(days: np.ndarray, different: np.ndarray, dated: np.ndarray) -> Calendar:
    return _laid_out(Frequency.of("D"), "Days", days, different, dated, 1)


def _laid_out(
    frequency: Frequency, words: str, days: np.ndarray, different: np.ndarray, dated: np.ndarray, step: int
) -> Calendar:
    first, last = different[0], different[-1]
    count = int((last - first).astype(np.int64)) // step + 1
    place = _placed(days, different, (different - first).astype(np.int64) // step, dated)
    return Calendar(frequency, words, frequency.range(pd.Timestamp(first), count), place, ())


def _monthly(
    items: np.ndarray, days: np.ndarray, rows: np.ndarray, dated: np.ndarray, different: np.ndarray
) -> tuple[Calendar | None, list[Problem]]:
    months = different.astype("datetime64[M]")
    first = months[0]
    place = _placed(days, different, (months - first).astype(np.int64), dated)
    several = len(np.unique(months)) < len(different)  # days in a month
    again = dated & _repeated(items, place, rows) & ~_repeated(items, days.astype(np.int64), rows) if several else dated[:0]
    if again.any():
        words = (
            f"Two frequencies: most rows step by a month, but {many(again.sum(), 'row')} of "
            f"{many(len(np.unique(items[again])), 'item')} more often. Bring all rows to one step"
        )
        return None, [problem_at(words, rows, again)]
    ends = bool((different + 1 == (months + 1).astype("datetime64[D]")).all())
    frequency = Frequency.of("ME" if ends else "MS")
    stamp = pd.Timestamp((first + 1).astype("datetime64[D]") - 1 if ends else first.astype("datetime64[D]"))
    words = "Months, stamped on their last day" if ends else "Months, stamped on their first day"
    remarks = () if _all_month_edges(different) else ("Months are dated on different days; each row counts for its month.",)
    count = int(place.max()) + 1
    return Calendar(frequency, words, frequency.range(stamp, count), place, remarks), []


def _out_of_step(items: np.ndarray, days: np.ndarray, rows: np.ndarray, dated: np.ndarray) -> list[Problem]:
    """Items among daily ones that keep strictly to weeks or months."""
    size = int(items.max()) + 1 if len(items) else 0
    taken, weekly, monthly = (np.zeros(size) for _ in range(3))
    for owner, step in _steps(items, days, dated):
        taken += np.bincount(owner, minlength=size)
        weekly += np.bincount(owner, weights=step == 7, minlength=size)
        monthly += np.bincount(owner, weights=(step >= 28) & (step <= 31), minlength=size)
    other = (taken >= _SURE_STEPS) & ((weekly == taken) | (monthly == taken))
    if not other.any():
        return []
    words = (
        f"Two frequencies: most items step by a day, but {many(other.sum(), 'item')} by a week or a month. "
        "Bring all items to one step, or load them apart"
    )
    return [problem_at(words, rows, (items >= 0) & other[items])]


def _placed(days: np.ndarray, different: np.ndarray, places: np.ndarray, dated: np.ndarray) -> np.ndarray:
    """The place [R] of each row among the periods, -1 where it has none; ``places`` [D] are those of the different days."""
    place = looked_up(days, different, places)
    if not dated.all():
        place[~dated] = -1
    return place


def _repeated(items: np.ndarray, place: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where [R] an earlier row has the same item and place."""
    order = np.lexsort((rows, place, items))
    same = (items[order][1:] == items[order][:-1]) & (place[order][1:] == place[order][:-1])
    answer = np.zeros(len(items), dtype=bool)
    answer[order[1:][same]] = True
    return answer


def repeated_keys(items: np.ndarray, days: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where [R] an earlier row has the same item and day; rows without either are none of them."""
    found = seen(items, days)
    if found is not None and not found.again:
        return np.zeros(len(items), dtype=bool)
    whole = (items >= 0) & ~np.isnat(days)
    answer = np.zeros(len(items), dtype=bool)
    answer[whole] = _repeated(items[whole], days[whole].astype(np.int64), rows[whole])
    return answer
