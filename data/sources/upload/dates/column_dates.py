"""A column of dates: how they are written is found out from all of its cells, and what they leave open from their steps.

Work is done once for each different cell. Axis letters: R rows, U different cells.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.sources.upload.columns.row_keys import counted
from data.sources.upload.dates.calendar_words import folded
from data.sources.upload.dates.date_styles import STYLES, DateStyle, day_of, leading_numbers, number_in, style_of
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.value_parsing import Coded, sample, something

_EARLIEST, _LATEST = np.datetime64("1970-01-01"), np.datetime64("2100-01-01")

#: How many times more empty periods one reading must leave before the other is taken for proven.
_CLEARLY = 4

_UTC = re.compile(r"[T ](\d{1,2}):00(?::00(?:[.,]0+)?)? ?(?:Z|\+00:?00|UTC)$")
_FISCAL = re.compile(r"(FY ?)?\d{2,4}[- ./]?P ?\d{1,2}|P ?\d{1,2}[- ./](FY ?)?\d{2,4}|0\d{2}[./]\d{4}", re.IGNORECASE)
_MONTH_NAME = re.compile(r"month|monat|mois|mes\b|mese|maand|miesiac|月")
_DAY_NAME = re.compile(r"day|tag\b|jour|dia\b|giorno|dag\b|dzien|日")
_WEEK_NAME = re.compile(r"week|woche|\bkw\b|semaine|semana|settimana|tydz|wk|週|周")


@dataclass(frozen=True, eq=False)
class Dates:
    """A column's dates.

    Attributes
    ----------
    days : [R] datetime64[D], NaT where there is none.
    empty : [R] bool, a cell that holds nothing.
    bad : [R] bool, a cell that is no date.
    odd : [R] bool, a date written in another way than most, and not to be read with them.
    words : how dates are written, by example.
    odd_words : how the others are.
    ambiguous : day and month could be swapped in every cell, and the steps between them tell little.
    day_first : which one was taken to come first.
    remarks : what was found out and done, in words.
    offers : other ways that may be read with the rest.
    problem : why the column cannot be read without a word of the planner's, "" where it can.
    """

    days: np.ndarray
    empty: np.ndarray
    bad: np.ndarray
    odd: np.ndarray
    words: str
    odd_words: str
    ambiguous: bool
    day_first: bool
    remarks: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    problem: str = ""


def dates(
    column: Coded, *, day_first: bool | None, day_first_if_unclear: bool, decisions: Decisions | None = None, name: str = ""
) -> Dates:
    """The column's dates; ``day_first`` settles 02/01/2024, None finds out from the other cells; ``name`` is the column's."""
    return _Reading(column, name, day_first, day_first_if_unclear, decisions or {}).read()


def date_share(column: Coded) -> float:
    """Which share of the column's different cells look like dates; day numbers do not."""
    texts = sample(something(column.texts))
    styles = [(style_of(text), text) for text in texts]  # fiscal periods are told as what they are, once they are chosen
    looks = [STYLES[s].order not in ("x", "s", "k") if s >= 0 else bool(_FISCAL.fullmatch(text)) for s, text in styles]
    return sum(looks) / len(looks) if looks else 0.0


class _Reading:
    """One pass over the different cells."""

    def __init__(self, column: Coded, name: str, day_first: bool | None, if_unclear: bool, decisions: Decisions) -> None:
        self._column, self._name, self._decisions = column, name, decisions
        self._style = np.array([style_of(text) for text in column.texts], dtype=np.int64)  # (U,)
        self._rows = counted(column.codes, len(column.texts))  # (U,)
        counts = np.bincount(self._style[self._style >= 0], weights=self._rows[self._style >= 0], minlength=len(STYLES))
        self._main = int(np.argmax(counts))
        self._remarks: list[str] = []
        self._offers: list[Offer] = []
        self._problem = ""
        self._weeks = self._names_weeks()
        self._settle_order(day_first, if_unclear)

    def read(self) -> Dates:
        column, nothing = self._column, np.datetime64("NaT", "D")
        days = self._days(self._day_first)
        in_range = ~np.isnat(days)
        swapped = self._unsure & ~in_range  # a day above 12 where the month should stand
        mixed = swapped & (self._proof_day > 0) & (self._proof_month > 0)
        other = (self._style >= 0) & (self._style != self._main) & in_range
        odd = other | mixed
        others = sorted({_written(STYLES[s], self._day_first) for s in self._style[other]})
        if mixed.any():
            others.append(_written(STYLES[self._main], not self._day_first))
            days = np.where(mixed, self._days(not self._day_first), days)
        if odd.any():
            days, odd = self._together(days, odd, mixed.any(), others)
        bad = np.isnat(days) & ~odd
        self._ask_for_fiscal_periods(bad)
        days = self._local(days)
        spread, filled = column.spread, column.filled()
        return Dates(
            days=spread(days, nothing),
            empty=~filled,
            bad=spread(bad, False) & filled,
            odd=spread(odd, False) & filled,
            words=_written(STYLES[self._main], self._day_first),
            odd_words=", ".join(others),
            ambiguous=self._ambiguous,
            day_first=self._day_first,
            remarks=tuple(self._remarks),
            offers=tuple(self._offers),
            problem=self._problem,
        )

    def _days(self, day_first: bool) -> np.ndarray:
        """The days [U] under one order of day and month, NaT where there is none within what calendars hold."""
        nothing = np.datetime64("NaT", "D")
        pairs = zip(self._column.texts, self._style, strict=True)
        read = [day_of(text, STYLES[s], day_first=day_first, weeks=self._weeks) if s >= 0 else nothing for text, s in pairs]
        days = np.array(read, dtype="datetime64[D]")
        days[~(~np.isnat(days) & (days >= _EARLIEST) & (days < _LATEST))] = nothing
        return days

    def _ask_for_fiscal_periods(self, bad: np.ndarray) -> None:
        """Fiscal periods are no calendar months: whoever has them is asked for dates."""
        fiscal = np.array([bool(_FISCAL.fullmatch(text)) for text in self._column.texts], bool) & bad
        if fiscal.any() and not self._problem:
            example = shortened(self._column.texts[int(np.flatnonzero(fiscal)[0])])
            self._problem = (
                f"{example} is a fiscal period, which is no calendar month, and does not say when it begins. Export the first "
                "day of each period or week instead"
            )

    # what a column leaves open

    def _names_weeks(self) -> bool:
        """Whether a year and a number name a week: a number above 12 does, and so does the column's name."""
        pairs = [(text, STYLES[s]) for text, s in zip(self._column.texts, self._style, strict=True) if s >= 0]
        found = [number for text, style in pairs if (number := number_in(text, style))]
        if not found:
            return False
        years = len({re.search(r"\d{4}", text)[0] for text, style in pairs if "p" in style.order})  # type: ignore[index]
        weeks = max(found) > 12 or (years == 1 and bool(_WEEK_NAME.search(folded(self._name))))
        example = shortened(next(text for text, style in pairs if "p" in style.order))
        if weeks:
            self._remarks.append(f"Dates such as {example} are read as a year and a week, by ISO's count.")
        return weeks

    def _settle_order(self, day_first: bool | None, if_unclear: bool) -> None:
        texts, style = self._column.texts, self._style
        self._unsure = np.array([s >= 0 and STYLES[s].order == "??y" for s in style], dtype=bool)
        pairs = [leading_numbers(texts[place], STYLES[style[place]]) for place in np.flatnonzero(self._unsure)]
        both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self._proof_day, self._proof_month = int((both[:, 0] > 12).sum()), int((both[:, 1] > 12).sum())
        self._ambiguous = bool(pairs) and not self._proof_day and not self._proof_month and day_first is None
        if not self._ambiguous:
            self._day_first = day_first if day_first is not None else self._proof_day > self._proof_month
            return
        day, month = (_empty_periods(self._days(order)[self._unsure]) for order in (True, False))
        self._day_first = if_unclear if day == month else day < month
        fewer, more = sorted((day[0], month[0]))
        if fewer == more == 0 and self._months_or_days():
            return
        if more > _CLEARLY * (fewer + 1):
            self._ambiguous = False
            first, second = ("day", "month") if self._day_first else ("month", "day")
            words = (
                f"Dates such as {texts[np.flatnonzero(self._unsure)[0]]} are read {first} first: their steps then leave "
                f"{many(fewer, 'period')} empty, and {more:,} if the {second} came first."
            )
            self._remarks.append(words)

    def _months_or_days(self) -> bool:
        """Whether one order makes first days of months and the other days in a row: then the name, or the planner, decides."""
        where = self._unsure
        both = [self._days(order)[where] for order in (True, False)]
        first = [bool((days.astype("datetime64[M]") == days).all()) for days in both]
        if first[0] == first[1]:
            return False
        months = first[0]  # the order under which they are months
        name = folded(self._name)
        choices = ("months", "days")
        usual = "months" if _MONTH_NAME.search(name) else "days" if _DAY_NAME.search(name) else NO
        answer = answer_to("date-order", self._decisions, usual, choices)
        example = shortened(self._column.texts[np.flatnonzero(where)[-1]])
        as_months, as_days = (str(self._days(order)[where][-1]) for order in (months, not months))
        words = f"Dates such as {example} may be first days of months ({as_months}) or days in a row ({as_days})"
        self._offers.append(
            Offer(
                kind="date-order",
                title="Months or days",
                words=f"{words}; nothing in the file tells which.",
                count=int(self._rows[where].sum()),
                before=example,
                after=as_days if answer == "days" else as_months,
                effect="The forecast steps by a month or by a day.",
                default=usual,
                answer=answer,
                choices=(("months", f"Months: {example} is {as_months}"), ("days", f"Days: {example} is {as_days}")),
            )
        )
        if answer == NO:
            self._problem = f"{words}. Say which: date-order=months or date-order=days"
        self._ambiguous = False
        self._day_first = months if answer != "days" else not months
        return True

    def _together(
        self, days: np.ndarray, odd: np.ndarray, swapped: bool, others: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Days and odd ones [U] once it is decided whether those are read with the rest.

        There is no offer where one of them may be another day.
        """
        unclear = odd & self._unsure
        if unclear.any() and not swapped and bool(self._proof_day) == bool(self._proof_month):
            return days, odd
        if STYLES[self._main].names_days != all(STYLES[s].names_days for s in self._style[odd]):
            return days, odd
        turned = self._turned(days)
        if turned is None:
            return days, odd
        answer = answer_to("mixed-dates", self._decisions, NO)
        changed = odd if turned is days else ~np.isnat(days)
        count, place = int(self._rows[changed].sum()), int(np.flatnonzero(changed)[0])
        words = (
            f"{many(count, 'row')} {'has' if count == 1 else 'have'} dates like {', '.join(others)}; the others are like "
            f"{_written(STYLES[self._main], self._day_first)}. None of them can be another day; all can be read."
        )
        if turned is not days:
            words = (
                f"A spreadsheet seems to have turned day and month in the dates that it understood, and left the others "
                f"({', '.join(others)}) as text. Turned back, their steps are even."
            )
        effect = "Without it these rows stop the loading."
        example = shortened(self._column.texts[place])
        self._offers.append(
            Offer("mixed-dates", "Mixed date formats", words, count, example, str(turned[place]), effect, NO, answer)
        )
        return (days, odd) if answer == NO else (turned, np.zeros(len(odd), dtype=bool))

    def _turned(self, days: np.ndarray) -> np.ndarray | None:
        """The days with day and month of a spreadsheet's dates turned back, where it turned them; as they are where it did not.

        A spreadsheet that takes 05/01/2024 for 1 May leaves 13/01/2024 as text: then every whole date has a day of at most 12
        and no text has. None where the steps do not tell whether it did.
        """
        whole = np.array([s >= 0 and STYLES[s].order in ("ymd", "x") for s in self._style], dtype=bool) & ~np.isnat(days)
        pairs = [leading_numbers(self._column.texts[one], STYLES[self._style[one]]) for one in np.flatnonzero(self._unsure)]
        if not whole.any() or not pairs or min(first for first, _ in pairs) <= 12:
            return days
        months = days[whole].astype("datetime64[M]")
        day = (days[whole] - months.astype("datetime64[D]")).astype(np.int64)  # from 0
        if day.max() > 11:
            return days
        month, year = months.astype(np.int64) % 12, months.astype("datetime64[Y]")
        back = (year.astype("datetime64[M]") + day).astype("datetime64[D]") + month
        turned = days.copy()
        turned[whole] = back
        (as_is, _), (as_turned, _) = _empty_periods(days), _empty_periods(turned)
        if as_is > _CLEARLY * (as_turned + 1):
            return turned
        return days if as_turned > _CLEARLY * (as_is + 1) else None

    def _local(self, days: np.ndarray) -> np.ndarray:
        """Days of stamps that are a midnight elsewhere: in UTC they all stand at one hour, or at two where clocks change."""
        hours = [int(found[1]) if (found := _UTC.search(text)) else -1 for text in self._column.texts]
        different = set(hours)
        if -1 in different or not different or different == {0} or max(different) - min(different) > 1:
            return days
        late = min(different) >= 12
        zone = f"{24 - max(different):+d}" if late else f"{-min(different):+d}"
        words = (
            f"Stamps such as {self._column.texts[0]} are midnights of another time zone (UTC{zone}) written in UTC; "
            "each counts for its local day."
        )
        self._remarks.append(words)
        return days + 1 if late else days


def _written(style: DateStyle, day_first: bool) -> str:
    """The style by example; 31 January, so that the order of day and month can be seen."""
    if style.order != "??y":
        return style.words
    return f"{style.words} (day first)" if day_first else f"01{style.words[2]}31{style.words[5:]} (month first)"


def _empty_periods(days: np.ndarray) -> tuple[int, int]:
    """How many periods between the first day and the last are without one, at the step that fits: months, weeks or days;
    and how many lengths of steps there are."""
    different = np.unique(days[~np.isnat(days)])
    if len(different) < 2:
        return 0, 0
    lengths = len(np.unique(np.diff(different)))
    months = different.astype("datetime64[M]")
    if len(np.unique(months)) == len(different) and len(np.unique(different - months.astype("datetime64[D]"))) == 1:
        return int((months[-1] - months[0]).astype(np.int64)) + 1 - len(different), lengths
    numbers = different.astype(np.int64)
    step = 7 if len(np.unique(numbers % 7)) == 1 else 1
    return int(numbers[-1] - numbers[0]) // step + 1 - len(different), lengths
