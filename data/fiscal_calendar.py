"""A fiscal calendar over weeks: 4-4-5 and its kin, with a 53rd week where a year needs one, or months from any month on.

A year of weeks ends on one weekday, either on the one nearest to the end of a month (as retailers' years end on the Saturday
nearest to 31 January) or on the last one in it (as those that end on the last Saturday of September). So some years have 53
weeks; the 53rd belongs to the last period. A week counts where most of its days lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from data.errors import ConfigurationError
from data.events import Stamp
from data.schema import Frequency

Pattern = Literal["4-4-5", "4-5-4", "5-4-4", "months"]
Ends = Literal["nearest", "last"]
NamedBy = Literal["ends", "begins"]

#: What weeks may be summed by.
By = Literal["week", "period", "quarter"]

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, order=True)
class FiscalPeriod:
    """One of the twelve periods of a fiscal year."""

    year: int
    number: int

    @property
    def label(self) -> str:
        """``"FY25 P03"``."""
        return f"FY{self.year % 100:02d} P{self.number:02d}"

    @property
    def quarter(self) -> str:
        """``"FY25 Q1"``."""
        return f"FY{self.year % 100:02d} Q{(self.number - 1) // 3 + 1}"


@dataclass(frozen=True)
class FiscalCalendar:
    """How a year of weeks is cut.

    Attributes
    ----------
    pattern : weeks of the three periods of each quarter, or "months".
    first_day : of any fiscal year, as 2024-02-04; of months only its month counts.
    ends : whether a year ends on the weekday nearest to the end of a month, or on the last one in it.
    named_by : a year by the calendar year that it ends in, or begins in.

    >>> FiscalCalendar("4-5-4", "2023-01-29", "nearest", "begins").period(pd.Timestamp("2024-02-03")).label
    'FY23 P12'
    """

    pattern: Pattern
    first_day: str
    ends: Ends = "nearest"
    named_by: NamedBy = "ends"

    def __post_init__(self) -> None:
        for name, known in (("pattern", Pattern), ("ends", Ends), ("named_by", NamedBy)):
            if getattr(self, name) not in get_args(known):
                raise ConfigurationError(f"{getattr(self, name)!r} is not one of {', '.join(get_args(known))}.")
        try:
            first = pd.Timestamp(self.first_day)
        except ValueError as error:
            raise ConfigurationError(f"{self.first_day!r} is no date. Write the first day as 2024-02-04.") from error
        if pd.isna(first):
            raise ConfigurationError("A fiscal calendar needs the first day of one of its years, such as 2024-02-04.")
        if self.pattern != "months":
            self._check(first.normalize() - _DAY)

    def _check(self, end: pd.Timestamp) -> None:
        off = abs((end - _nearest_month_end(end)).days)
        day, words = f"{end.day} {end:%b %Y}", "Check the first day of the year"
        if self.ends == "nearest" and off > 3:
            raise ConfigurationError(
                f"The year before would end on {day}, {off} days from the end of a month; the nearest such weekday is at most "
                f"3 days away. {words}, or choose the last weekday of the month."
            )
        if self.ends == "last" and (end + pd.Timedelta(days=7)).month == end.month:
            raise ConfigurationError(
                f"The year before would end on {day}, which is not the last {end:%A} of its month. {words}, or choose the one "
                "nearest to the end of the month."
            )

    def period(self, day: pd.Timestamp) -> FiscalPeriod:
        """The period that a day lies in."""
        if self.pattern == "months":
            first = self._first.month
            ended = day.year + (day.month >= first and first > 1)
            return FiscalPeriod(ended - (self.named_by == "begins" and first > 1), (day.month - first) % 12 + 1)
        year = next(year for year in range(day.year - 1, day.year + 3) if day <= self._end(year))
        week = (day - self._end(year - 1) - _DAY).days // 7
        bounds = np.cumsum([int(weeks) for weeks in self.pattern.split("-")] * 4)
        number = min(int(np.searchsorted(bounds, week, side="right")) + 1, 12)
        return FiscalPeriod(year - (self.named_by == "begins" and self._month != 12), number)

    def weeks_of_year(self, day: pd.Timestamp) -> int:
        """52 or 53: the weeks of the year that a day lies in; of months it is not asked."""
        year = next(year for year in range(day.year - 1, day.year + 3) if day <= self._end(year))
        return (self._end(year) - self._end(year - 1)).days // 7

    def periods(self, stamps: pd.DatetimeIndex, stamp: Stamp) -> list[FiscalPeriod]:
        """The period of each week, whose ``stamp`` is its first or its last day: where most of its days lie."""
        middle = pd.Timedelta(days=3 if stamp == "first" else -3)
        return [self.period(one + middle) for one in stamps]

    def labels(self, stamps: pd.DatetimeIndex, stamp: Stamp, by: By = "period") -> list[str]:
        """What each week is summed under."""
        return [one.quarter if by == "quarter" else one.label for one in self.periods(stamps, stamp)]

    def sizes(self, stamps: pd.DatetimeIndex, stamp: Stamp, by: By) -> dict[str, int]:
        """How many weeks each period or quarter has that any of these weeks lies in, also those that are not among them."""
        if not len(stamps):
            return {}
        week = pd.Timedelta(days=7)
        every = pd.date_range(stamps[0] - 16 * week, stamps[-1] + 16 * week, freq="7D")
        labels = self.labels(every, stamp, by)
        return {label: labels.count(label) for label in dict.fromkeys(self.labels(stamps, stamp, by))}

    def days_off(self, frequency: Frequency, stamp: Stamp) -> int:
        """How many days the catalog's weeks end before or after those of this calendar, at most 3; 0 for months."""
        if self.pattern == "months":
            return 0
        some = frequency.range(pd.Timestamp("2024-01-01"), 1)[0]
        end = some if stamp == "last" else some + pd.Timedelta(days=6)
        apart = (end.weekday() - (self._first - _DAY).weekday()) % 7
        return min(apart, 7 - apart)

    @property
    def words(self) -> str:
        """What the calendar is: ``"4-4-5 weeks, the year ends on the Saturday nearest to the end of January"``."""
        named = f"named by the year in which it {self.named_by}"
        if self.pattern == "months":
            return f"months, the year begins with {self._first:%B}, {named}"
        end = self._first - _DAY
        month = pd.Timestamp(2024, self._month, 1)
        where = f"nearest to the end of {month:%B}" if self.ends == "nearest" else f"that is the last in {month:%B}"
        return f"{self.pattern} weeks, the year ends on the {end:%A} {where}, {named}"

    @property
    def _first(self) -> pd.Timestamp:
        return pd.Timestamp(self.first_day).normalize()

    @property
    def _month(self) -> int:
        """The month at whose end a year ends."""
        end = self._first - _DAY
        return int(end.month if self.ends == "last" else _nearest_month_end(end).month)

    def _end(self, year: int) -> pd.Timestamp:
        """The last day of the year that ends with its month of this calendar year."""
        end = pd.Timestamp(year, self._month, 1) + pd.offsets.MonthEnd(0)
        back = (end.weekday() - (self._first - _DAY).weekday()) % 7
        forth = 7 - back
        ahead = self.ends == "nearest" and back > 3
        return end + pd.Timedelta(days=forth) if ahead else end - pd.Timedelta(days=back)


def _nearest_month_end(day: pd.Timestamp) -> pd.Timestamp:
    """The last day of a month that is nearest."""
    before = day - pd.Timedelta(days=day.day)
    after = day + pd.offsets.MonthEnd(0)
    return before if day - before < after - day else after


@dataclass(frozen=True)
class Stretch:
    """Weeks in a row under one ``label``: those on record and those ahead, as [first, one past the last), of ``size`` weeks."""

    label: str
    past: tuple[int, int]
    ahead: tuple[int, int]
    size: int

    @property
    def weeks(self) -> str:
        """How much of it is there: ``"4"``, ``"2 of 5 to come"``, ``"3 of 4 on record"``."""
        past, ahead = (stop - start for start, stop in (self.past, self.ahead))
        if past and ahead:
            rest = "" if past + ahead == self.size else f", {self.size - past - ahead} not forecast"
            return f"{ahead} of {self.size} to come{rest}"
        there = past + ahead
        return f"{there}" if there == self.size else f"{there} of {self.size} {'forecast' if ahead else 'on record'}"


def stretches(past: Sequence[str], ahead: Sequence[str], sizes: dict[str, int]) -> tuple[Stretch, ...]:
    """The labels of weeks on record [T] and ahead [H], cut where they change.

    >>> stretches(["P1", "P1", "P2"], ["P2", "P3"], {"P1": 4, "P2": 4, "P3": 5})[1].weeks
    '1 of 4 to come, 2 not forecast'
    """
    answer = []
    for label in dict.fromkeys([*past, *ahead]):
        spans = []
        for labels in (past, ahead):
            places = [place for place, one in enumerate(labels) if one == label]
            spans.append((places[0], places[-1] + 1) if places else (0, 0))
        answer.append(Stretch(label, spans[0], spans[1], sizes[label]))
    return tuple(answer)
