"""The ways to write a date: days, weeks, months and quarters, with signs, words or numbers alone.

A style names the parts of its pattern: y year, m month, d day, ? day or month, b a month's word, w week, p month or week,
q quarter, x a day number of a spreadsheet, s and k seconds and thousandths since 1970.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from data.sources.upload.dates.calendar_words import MONTHS, QUARTER_WORDS, WEEK_WORDS, WEEKDAYS, folded
from data.sources.upload.limits import LONGEST_NUMBER


@dataclass(frozen=True)
class DateStyle:
    """One way to write a date, with ``words`` for it by example; ``order`` names the groups of ``pattern``."""

    words: str
    pattern: re.Pattern[str]
    order: str

    @property
    def names_days(self) -> bool:
        """Whether it says which day, and not a week, a month or a quarter."""
        return self.order[-1] in "dxsk" or self.order[0] in "d?" or self.order == "bdy"


_CLOCK = r"(?:(?:T|,? )\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M)?(?: ?Z| ?[-+]\d{2}:?\d{2}| UTC)?)?"
_YEAR, _SHORT, _WORD = r"(\d{4})", r"(\d{4}|\d{2})", r"([^\W\d_]{3,12})"
_WEEK, _QUARTER = rf"(?:{WEEK_WORDS})\.?", rf"(?:{QUARTER_WORDS})\.?"
_DAYS = (
    ("2024-01-31", rf"{_YEAR}-(\d{{1,2}})-(\d{{1,2}})", "ymd"),
    ("2024/01/31", rf"{_YEAR}/(\d{{1,2}})/(\d{{1,2}})", "ymd"),
    ("2024.01.31", rf"{_YEAR}\.(\d{{1,2}})\.(\d{{1,2}})\.?", "ymd"),
    ("20240131", r"((?:19|20)\d{2})(\d{2})(\d{2})", "ymd"),
    ("2024年1月31日", r"(\d{4}) ?[年년] ?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日日号일](?: ?[(（].{1,3}[)）])?", "ymd"),
    ("31/01/2024", rf"(\d{{1,2}})/(\d{{1,2}})/{_SHORT}", "??y"),
    ("31-01-2024", rf"(\d{{1,2}})-(\d{{1,2}})-{_SHORT}", "??y"),
    ("31.01.2024", rf"(\d{{1,2}})\. ?(\d{{1,2}})\. ?{_SHORT}", "dmy"),
    ("31 Jan 2024", rf"(\d{{1,2}})(?:\.|er|º|°|st|nd|rd|th)?(?: de|,)?[ -]?{_WORD}\.?(?: de|,)?[ -]?,?{_SHORT}", "dby"),
    ("Jan 31, 2024", rf"{_WORD}\.? (\d{{1,2}})(?:st|nd|rd|th)?,? {_YEAR}", "bdy"),
)
_SPANS = (
    ("2024-W05", rf"{_YEAR}[-/ ._]{{0,2}}{_WEEK}[- _]?(\d{{1,2}})", "yw"),
    ("2024-W05-1", rf"{_YEAR}-?W(\d{{2}})-?[1-7]", "yw"),
    ("W05 2024", rf"{_WEEK}[- _]?(\d{{1,2}})[-/ ._,]{{1,2}}{_SHORT}", "wy"),
    ("05. week 2024", rf"(\d{{1,2}})\.? ?{_WEEK}[-/ ._,]{{1,2}}{_YEAR}", "wy"),
    ("2024年第5週", r"(\d{4})年 ?第?(\d{1,2})[週周]", "yw"),
    ("2024Q1", rf"{_YEAR}[-/ ._]{{0,2}}{_QUARTER}[- _]?([1-4])", "yq"),
    ("Q1 2024", rf"{_QUARTER}[- _]?([1-4])[-/ ._,]{{0,2}}{_SHORT}", "qy"),
    ("1. Quarter 2024", rf"([1-4])\.? ?{_QUARTER}[-/ ._,]{{1,2}}{_SHORT}", "qy"),
    ("2024年1月", r"(\d{4})年 ?(\d{1,2})月", "ym"),
    ("2024-01", rf"{_YEAR}[-/. _]?M?(\d{{1,2}})", "yp"),
    ("01/2024", rf"(\d{{1,2}})[-/. ]{_YEAR}", "py"),
    ("2024 Jan", rf"{_YEAR}[-/. ]{_WORD}\.?", "yb"),
    ("Jan 2024", rf"{_WORD}\.?[-/.' ]{{0,2}}{_SHORT}", "by"),
)
_NUMBERS = (
    ("Excel's day numbers (45322)", r"([345]\d{4})(?:\.\d+)?", "x"),
    ("seconds since 1970", r"(1\d{9})(?:\.\d+)?", "s"),
    ("thousandths of a second since 1970", r"(1\d{12})", "k"),
)

STYLES = tuple(
    DateStyle(words, re.compile(pattern + clock, re.IGNORECASE), order)
    for group, clock in ((_DAYS, _CLOCK), (_SPANS, ""), (_NUMBERS, ""))
    for words, pattern, order in group
)

#: A weekday's word before a date.
_WEEKDAY = re.compile(r"([^\W\d_]{2,13}(?:-feira)?)\.?,? +(?=\d|\D+ \d)")

#: Two days with a dash or a word between them, as weeks are named by both ends.
_SPAN = re.compile(r"(\S*\d\S*\d\S*) (?:-|–|—|to|bis|au|al|t/m|do) \S*\d\S*\d\S*")

_EARLIEST_SHORT, _LATEST_SHORT = 1950, 2100


@lru_cache(maxsize=20_000)
def style_of(text: str) -> int:
    """The number of the style that the text is written in, -1 for none."""
    if len(text) > LONGEST_NUMBER or not any("0" <= one <= "9" for one in text):
        return -1
    bare = without_weekday(text)
    for number, style in enumerate(STYLES):
        if (match := style.pattern.fullmatch(bare)) and _is_meant(style, match):
            return number
    return -1


def without_weekday(text: str) -> str:
    """The text without the weekday that it begins with; of a span of days, its first."""
    if (span := _SPAN.fullmatch(text)) and len(text) <= LONGEST_NUMBER:
        text = span[1]
    found = _WEEKDAY.match(text)
    return text[found.end() :] if found and folded(found[1]) in WEEKDAYS else text


def _is_meant(style: DateStyle, match: re.Match[str]) -> bool:
    """Whether the words and numbers of a match can be what the style says they are."""
    part = dict(zip(style.order, match.groups(), strict=True)) if "?" not in style.order else {}
    if "b" in part and folded(part["b"]) not in MONTHS:
        return False
    if "p" in part:  # a year and a number could be anything
        return _EARLIEST_SHORT <= int(part["y"]) < _LATEST_SHORT and 1 <= int(part["p"]) <= 53
    return "w" not in part or 1 <= int(part["w"]) <= 53


def names_a_period(text: str) -> bool:
    """Whether a column's name is a day, a week, a month or a quarter, as a wide table has them."""
    number = style_of(text)
    return number >= 0 and STYLES[number].order not in ("x", "s", "k")


def day_of(text: str, style: DateStyle, *, day_first: bool, weeks: bool) -> np.datetime64:
    """The first day of what a text means, NaT where there is none.

    ``day_first`` settles 02/01/2024, and ``weeks`` that 2024-05 is a week.
    """
    match = style.pattern.fullmatch(without_weekday(text))
    assert match is not None
    order = style.order.replace("??", "dm" if day_first else "md").replace("p", "w" if weeks else "m")
    part = dict(zip(order, match.groups(), strict=True))
    try:
        return _day(part)
    except ValueError:
        return np.datetime64("NaT", "D")


def _day(part: dict[str, str]) -> np.datetime64:
    if "x" in part:
        return np.datetime64("1899-12-30") + int(part["x"])
    if "s" in part or "k" in part:
        return np.datetime64(int(part.get("s") or int(part["k"]) // 1000), "s").astype("datetime64[D]")
    year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
    if "w" in part:
        return np.datetime64(date.fromisocalendar(year, int(part["w"]), 1))
    first_of_quarter = 3 * int(part.get("q", 0)) - 2
    month = MONTHS[folded(part["b"])] if "b" in part else int(part.get("m", first_of_quarter))
    return np.datetime64(f"{year:04}-{month:02}-{int(part.get('d', 1)):02}")


def number_in(text: str, style: DateStyle) -> int:
    """The number that is a month or a week, 0 where the style has none."""
    match = style.pattern.fullmatch(without_weekday(text))
    place = style.order.find("p")
    return int(match.groups()[place]) if match and place >= 0 else 0


def leading_numbers(text: str, style: DateStyle) -> tuple[int, int]:
    """The first two numbers of a text that leaves the order of day and month open."""
    match = style.pattern.fullmatch(without_weekday(text))
    assert match is not None
    return int(match.groups()[0]), int(match.groups()[1])
