"""Fiscal calendars against published years: retailers' 4-5-4, and one that ends on the last Saturday of September."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigurationError
from data.fiscal_calendar import FiscalCalendar, stretches
from data.schema import Frequency

RETAIL = FiscalCalendar("4-5-4", "2023-01-29", "nearest", "begins")
SEPTEMBER = FiscalCalendar("4-4-5", "2023-10-01", "last")
WEEKS = Frequency.of("W-SAT")


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


# The 4-5-4 calendar of the National Retail Federation: first and last day of each fiscal year.
@pytest.mark.parametrize(
    ("year", "first", "last", "weeks"),
    [
        (2012, "2012-01-29", "2013-02-02", 53),
        (2016, "2016-01-31", "2017-01-28", 52),
        (2017, "2017-01-29", "2018-02-03", 53),
        (2018, "2018-02-04", "2019-02-02", 52),
        (2022, "2022-01-30", "2023-01-28", 52),
        (2023, "2023-01-29", "2024-02-03", 53),
        (2024, "2024-02-04", "2025-02-01", 52),
    ],
)
def test_a_retail_year_begins_and_ends_as_published(year: int, first: str, last: str, weeks: int) -> None:
    assert RETAIL.period(day(first)).label == f"FY{year % 100:02d} P01"
    assert RETAIL.period(day(last)).label == f"FY{year % 100:02d} P12"
    assert RETAIL.period(day(last) + pd.Timedelta(days=1)).label == f"FY{(year + 1) % 100:02d} P01"
    assert RETAIL.weeks_of_year(day(first)) == weeks


# The same calendar of 2023: February has 4 weeks, March 5, April 4; January is the fifth week longer in a year of 53.
def test_the_months_of_a_retail_year_are_as_published() -> None:
    begins = {1: "2023-01-29", 2: "2023-02-26", 3: "2023-04-02", 4: "2023-04-30", 12: "2023-12-31"}
    for number, first in begins.items():
        assert RETAIL.period(day(first)).number == number
        assert RETAIL.period(day(first) - pd.Timedelta(days=1)).number == (number - 2) % 12 + 1
    weeks = WEEKS.range(day("2023-02-04"), 53)
    assert RETAIL.sizes(weeks, "last", "period")["FY23 P12"] == 5
    assert RETAIL.sizes(weeks, "last", "quarter")["FY23 Q4"] == 14


# Years that end on the last Saturday of September, as annual reports of one well-known company have them: 2012, 2017 and 2023
# had 53 weeks.
@pytest.mark.parametrize(
    ("last", "weeks"),
    [("2012-09-29", 53), ("2016-09-24", 52), ("2017-09-30", 53), ("2022-09-24", 52), ("2023-09-30", 53), ("2024-09-28", 52)],
)
def test_a_year_may_end_on_the_last_weekday_of_a_month(last: str, weeks: int) -> None:
    assert SEPTEMBER.period(day(last)).label == f"FY{last[2:4]} P12"
    assert SEPTEMBER.period(day(last) + pd.Timedelta(days=1)).number == 1
    assert SEPTEMBER.weeks_of_year(day(last)) == weeks


def test_months_begin_where_the_year_does() -> None:
    calendar = FiscalCalendar("months", "2024-07-01")
    assert calendar.period(day("2024-07-01")).label == "FY25 P01"
    assert calendar.period(day("2025-06-30")).label == "FY25 P12"
    assert calendar.period(day("2025-06-30")).quarter == "FY25 Q4"
    assert FiscalCalendar("months", "2024-07-01", named_by="begins").period(day("2025-06-30")).label == "FY24 P12"
    assert FiscalCalendar("months", "2024-01-01").period(day("2024-12-31")).label == "FY24 P12"


@given(st.sampled_from(["4-4-5", "4-5-4", "5-4-4"]), st.integers(0, 2000))
def test_every_week_is_in_one_period_and_years_have_52_or_53(pattern: str, weeks: int) -> None:
    calendar = FiscalCalendar(pattern, "2023-01-29")
    stamp = day("2000-01-01") + pd.Timedelta(days=7 * weeks)
    here, then = calendar.period(stamp), calendar.period(stamp + pd.Timedelta(days=7))
    assert calendar.weeks_of_year(stamp) in (52, 53)
    assert then == here or (then.year, then.number) in [(here.year, here.number + 1), (here.year + 1, 1)]


def test_a_week_counts_where_most_of_its_days_lie() -> None:
    sundays, saturdays = (pd.DatetimeIndex([one]) for one in ("2023-01-29", "2023-01-28"))  # last days of weeks
    assert RETAIL.labels(saturdays, "last") == ["FY22 P12"]
    assert RETAIL.labels(sundays, "last") == ["FY22 P12"]
    assert RETAIL.days_off(Frequency.of("W-SUN"), "last") == 1
    assert RETAIL.days_off(Frequency.of("W-SAT"), "last") == 0


@pytest.mark.parametrize(
    ("first", "ends", "words"),
    [
        ("2024-07-15", "nearest", "14 days from the end of a month"),
        ("2023-09-24", "last", "not the last Saturday of its month"),
        ("soon", "nearest", "Write the first day as"),
        ("", "nearest", "needs the first day"),
    ],
)
def test_a_first_day_that_cannot_be_is_refused_with_what_to_do(first: str, ends: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        FiscalCalendar("4-4-5", first, ends)


def test_stretches_say_how_much_of_them_is_there() -> None:
    found = stretches(["P1", "P1", "P2", "P2"], ["P2", "P2", "P3"], {"P1": 4, "P2": 4, "P3": 5})
    assert [(one.label, one.weeks) for one in found] == [
        ("P1", "2 of 4 on record"),
        ("P2", "2 of 4 to come"),
        ("P3", "1 of 5 forecast"),
    ]
    assert (found[1].past, found[1].ahead) == ((2, 4), (0, 2))
