"""Dates as files write them: days, weeks, months and quarters, in several languages, and what they leave open."""

from __future__ import annotations

import pandas as pd
import pytest
from uploads import findings, seen

from data.sources.upload.load import UploadPreview, decide

MONDAYS = pd.date_range("2023-12-04", periods=8, freq="W-MON")
ISO = [day.isocalendar() for day in MONDAYS]
MONTHS = pd.date_range("2023-10-01", periods=8, freq="MS")


def read(dates: list[str], header: str = "date") -> UploadPreview:
    return seen(f"item,{header},qty\n" + "".join(f'{item},"{day}",{n}\n' for item in "AB" for n, day in enumerate(dates)))


@pytest.mark.parametrize(
    "form", ["{y}W{w:02}", "{y}-W{w:02}", "KW {w:02}/{y}", "KW{w}/{y}", "W{w:02} {y}", "Week {w} {y}", "{y}{w:02}",
             "{y}-{w:02}", "{w:02}.{y}", "{w:02}/{y}", "{y}年第{w}週", "{y} week {w}", "semaine {w} {y}"],
)  # fmt: skip
def test_weeks_are_read(form: str) -> None:
    got = read([form.format(y=one.year, w=one.week) for one in ISO])
    assert got.problems == ()
    assert (got.frequency_words, got.first, got.last) == ("Weeks, stamped on Mondays", MONDAYS[0], MONDAYS[-1])


@pytest.mark.parametrize(
    "form", ["%Y%m", "%Y-%m", "%m.%Y", "%m/%Y", "%b-%y", "%B %Y", "%YM%m", "%Y年%m月", "%Y %b", "%m/%d/%Y"]
)
def test_months_are_read(form: str) -> None:
    got = read([f"{day:{form}}" for day in MONTHS])
    assert got.problems == ()
    assert (got.frequency_words, got.first, got.last) == ("Months, stamped on their first day", MONTHS[0], MONTHS[-1])


@pytest.mark.parametrize(
    "dates",
    [
        ["Okt 2023", "Nov. 2023", "Dezember 2023", "Januar 2024", "Februar 2024", "März 2024"],
        ["octobre 2023", "novembre 2023", "décembre 2023", "janvier 2024", "février 2024", "mars 2024"],
        ["octubre 2023", "noviembre 2023", "diciembre 2023", "enero 2024", "febrero 2024", "marzo 2024"],
        ["ottobre 2023", "novembre 2023", "dicembre 2023", "gennaio 2024", "febbraio 2024", "marzo 2024"],
        ["outubro 2023", "novembro 2023", "dezembro 2023", "janeiro 2024", "fevereiro 2024", "março 2024"],
        ["oktober 2023", "november 2023", "december 2023", "januari 2024", "februari 2024", "maart 2024"],
        ["październik 2023", "listopad 2023", "grudzień 2023", "styczeń 2024", "luty 2024", "marzec 2024"],
    ],
)
def test_months_have_names_in_several_languages(dates: list[str]) -> None:
    got = read(dates)
    assert (got.first, got.last, got.gaps) == (pd.Timestamp("2023-10-01"), pd.Timestamp("2024-03-01"), 0)


@pytest.mark.parametrize(
    "dates",
    [
        ["Mon 01.01.2024", "Mon 08.01.2024"], ["Montag, 1. Januar 2024", "Montag, 8. Januar 2024"],
        ["Mon, 01 Jan 2024", "Mon, 08 Jan 2024"], ["1 de enero de 2024", "8 de enero de 2024"], ["01-Jan-24", "08-Jan-24"],
        ["2024年1月1日", "2024年1月8日"], ["45292.0", "45299.0"], ["1704067200", "1704672000"], ["2024.01.01", "2024.01.08"],
        ["01.01.2024 - 07.01.2024", "08.01.2024 - 14.01.2024"],
        ["1/1/2024 12:00:00 AM", "1/8/2024 12:00:00 AM"], ["2024-01-01T00:00:00+01:00", "2024-01-08T00:00:00+01:00"],
        ["2023-12-31T23:00:00Z", "2024-01-07T23:00:00Z"], ["2024-01-01T05:00:00.000Z", "2024-01-08T05:00:00.000Z"],
    ],
)  # fmt: skip
def test_days_are_read(dates: list[str]) -> None:
    got = read(dates)
    assert got.problems == ()
    assert (got.first, got.last) == (pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-08"))


def test_stamps_in_utc_count_for_their_local_day_where_clocks_change_too() -> None:
    got = read(["2024-03-17T23:00:00Z", "2024-03-24T23:00:00Z", "2024-03-31T22:00:00Z", "2024-04-07T22:00:00Z"])
    assert (got.first, got.last, got.gaps) == (pd.Timestamp("2024-03-18"), pd.Timestamp("2024-04-08"), 0)
    assert "midnights of another time zone (UTC+1)" in findings(got)


@pytest.mark.parametrize(
    "dates", [["2023Q1", "2023Q2", "2023Q3"], ["Q1 2023", "Q2 2023", "Q3 2023"], ["2023-03-31", "2023-06-30", "2023-09-30"]]
)
def test_quarters_are_refused_with_a_sentence(dates: list[str]) -> None:
    assert "The dates step by a quarter" in str(read(dates).problems[0])


def test_a_week_that_its_year_lacks_is_told() -> None:
    got = read(["2021-W49", "2021-W50", "2021-W51", "2021-W52", "2021-W53"])
    assert "'2021-W53' in 'date' is not a date" in str(got.problems[0])


def test_first_days_of_months_or_days_in_a_row_are_asked_about_unless_the_column_says() -> None:
    dates = [f"01/{month:02}/2024" for month in range(1, 13)]
    got = read(dates)
    assert "date-order=months or date-order=days" in str(got.problems[0])
    months, days = decide(got, {"date-order": "months"}), decide(got, {"date-order": "days"})
    assert (months.frequency_words, months.last) == ("Months, stamped on their first day", pd.Timestamp("2024-12-01"))
    assert (days.frequency_words, days.last) == ("Days", pd.Timestamp("2024-01-12"))
    assert read(dates, "month").last == pd.Timestamp("2024-12-01")
    assert read(dates, "day").last == pd.Timestamp("2024-01-12")


def test_days_and_months_that_a_spreadsheet_turned_are_turned_back() -> None:
    days = pd.date_range("2023-01-02", periods=60, freq="W-MON")
    turned = [f"{day:%Y-%d-%m}" if day.day <= 12 else f"{day:%d/%m/%Y}" for day in days]
    got = read(turned)
    assert not got.loadable
    assert "seems to have turned day and month" in got.offers[0].words
    mended = decide(got, {"mixed-dates": "yes"})
    assert (mended.first, mended.last, mended.periods, mended.problems) == (days[0], days[-1], 60, ())
    straight = decide(read([f"{day:%Y-%m-%d}" if day.day <= 12 else f"{day:%d/%m/%Y}" for day in days]), {"mixed-dates": "yes"})
    assert (straight.first, straight.last, straight.periods) == (days[0], days[-1], 60)


def test_parts_of_a_date_are_joined() -> None:
    weeks = "".join(f"A,{one.year},{one.week},1\n" for one in ISO)
    got = seen(f"item,Jahr,KW,qty\n{weeks}")
    assert (got.first, got.last, got.mapping.past) == (MONDAYS[0], MONDAYS[-1], ())
    assert "'Jahr' and 'KW' are joined to one date" in findings(got)
    months = seen("item,Year,Month,qty\n" + "".join(f"A,{day.year},{day:%B},1\n" for day in MONTHS))
    assert (months.first, months.last) == (MONTHS[0], MONTHS[-1])
    quarters = seen("item,Year,Quarter,qty\nA,2023,1,1\nA,2023,2,1\nA,2023,3,1\n")
    assert "step by a quarter" in str(quarters.problems[0])


def test_fiscal_periods_without_weeks_are_never_months() -> None:
    got = seen("item,Fiscal Year,Period,qty\n" + "".join(f"A,FY23,P{n:02},1\n" for n in range(1, 13)))
    assert "are no calendar months" in str(got.problems[0])
    assert not got.loadable
