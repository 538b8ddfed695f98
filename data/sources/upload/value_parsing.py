"""Cells as numbers, dates and words: how a file writes them is found out from all of its cells, not from the first.

Work is done once for each different cell, of which a file has few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pyarrow as pa

from data.sources.upload.limits import LONGEST_NUMBER, shortened

#: Texts that stand for an empty cell where a number or a date should be; elsewhere NA may be a name.
_NOTHING = frozenset({"", "-", "–", "na", "n/a", "nan", "null", "none", "#n/a", "nil"})
_YES = frozenset({"1", "yes", "y", "true", "t", "x", "on"})
_NO = frozenset({"0", "no", "n", "false", "f", "off"})

Decimal = Literal[".", ","]


@dataclass(frozen=True, eq=False)
class Coded:
    """A column as its different texts and, for each row, which one: ``texts`` [U], ``codes`` [R], -1 where empty."""

    texts: tuple[str, ...]
    codes: np.ndarray

    def spread(self, values: np.ndarray, empty: object) -> np.ndarray:
        """``values`` [U] of the texts as values [R] of the rows."""
        return np.append(values, np.array([empty], dtype=values.dtype))[self.codes]

    def filled(self) -> np.ndarray:
        """Where [R] a cell holds more than what stands for nothing."""
        return self.spread(np.array([_is_something(text) for text in self.texts], dtype=bool), False)

    def example(self, where: np.ndarray) -> str:
        """The first cell of those marked in ``where`` [R], as a message shows it."""
        return repr(shortened(self.texts[self.codes[np.flatnonzero(where)[0]]]))


def coded(cells: pa.Array) -> Coded:
    """The column's different cells as trimmed text."""
    if pa.types.is_timestamp(cells.type) and _all_midnight(cells):
        cells = cells.cast(pa.date32())
    encoded = cells.dictionary_encode()
    different = encoded.dictionary
    if pa.types.is_floating(different.type):
        raw = [_as_typed(number) for number in different.to_pylist()]
    else:
        raw = [" ".join(text.split()) for text in different.cast(pa.string()).to_pylist()]
    texts = tuple(dict.fromkeys(text for text in raw if text))
    place = {text: number for number, text in enumerate(texts)}
    renumbered = np.array([place.get(text, -1) for text in raw] + [-1], dtype=np.int64)
    return Coded(texts, renumbered[encoded.indices.fill_null(len(raw)).to_numpy(zero_copy_only=False)])


def _is_something(text: str) -> bool:
    return text.casefold() not in _NOTHING


def _something(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if _is_something(text)]


def _all_midnight(cells: pa.Array) -> bool:
    stamps = cells.to_numpy(zero_copy_only=False)
    stamps = stamps[~np.isnat(stamps)]
    return bool((stamps == stamps.astype("datetime64[D]")).all())


def _as_typed(number: float) -> str:
    """The number as a planner would type it; "" for what is none."""
    if not np.isfinite(number):
        return ""
    return str(int(number)) if abs(number) < 1e22 and number == int(number) else repr(number)


# numbers

_POINT = re.compile(r"[-+]?(?=\.?\d)(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_COMMA = re.compile(r"[-+]?(?=,?\d)(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?(e[-+]?\d+)?", re.IGNORECASE)
_ORNAMENT = re.compile(r"[\s$€£¥'’]|^(USD|EUR|GBP)|(USD|EUR|GBP)$")
_ONLY_POINT = re.compile(r"\.(\d{1,2}|\d{4,})$|,\d{3}.*\.|\..*e", re.IGNORECASE)
_ONLY_COMMA = re.compile(r",(\d{1,2}|\d{4,})$|\.\d{3}.*,")


def decimal_mark(columns: Iterable[Coded], delimiter: str) -> tuple[Decimal, bool]:
    """How the file writes decimals, and whether some cell settles it.

    Without proof (1,234 and 1.234 may each be either) a file separated by semicolons has decimal commas.
    """
    point = comma = 0
    for column in columns:
        for text in column.texts:
            if len(text) <= LONGEST_NUMBER and ("." in text or "," in text) and any(map(str.isdigit, text)):
                plain = _ORNAMENT.sub("", text)
                point += _ONLY_POINT.search(plain) is not None
                comma += _ONLY_COMMA.search(plain) is not None
    if point != comma:
        return (".", True) if point > comma else (",", True)
    return ("," if delimiter == ";" else "."), False


def numbers(column: Coded, decimal: Decimal) -> tuple[np.ndarray, np.ndarray]:
    """The column's numbers [R] (NaN where empty or none) and where [R] a cell holds something else."""
    values = np.array([_number(text, decimal) for text in column.texts], dtype=np.float64)
    found = column.spread(values, np.nan)
    return found, column.filled() & ~np.isfinite(found)


def _number(text: str, decimal: Decimal) -> float:
    if len(text) > LONGEST_NUMBER:  # no pattern is held against it: some take the square of its length
        return float("nan")
    plain = _ORNAMENT.sub("", text)
    if plain.startswith("(") and plain.endswith(")"):  # as bookkeepers write what is negative
        plain = "-" + plain[1:-1]
    shape = _POINT if decimal == "." else _COMMA
    if not shape.fullmatch(plain):
        return float("nan")
    plain = plain.replace(",", "") if decimal == "." else plain.replace(".", "").replace(",", ".")
    return float(plain)


def typed_number(text: str) -> float | None:
    """What a planner has typed into a field, None where it is no number.

    One field does not settle how decimals are written: what may be read in one way alone is read so, and 1,234 as the pages
    write it, as thousands.

    >>> typed_number("2,40"), typed_number("1.234,5"), typed_number("1,234"), typed_number("$3"), typed_number("words")
    (2.4, 1234.5, 1234.0, 3.0, None)
    """
    readings = (_number(text, decimal) for decimal in (".", ","))
    return next((value for value in readings if np.isfinite(value)), None)


def numeric_share(column: Coded, decimal: Decimal) -> float:
    """Which share of the column's different cells are numbers; 0 where it has none."""
    texts = _something(column.texts)
    good = sum(not np.isnan(_number(text, decimal)) for text in texts)
    return good / len(texts) if texts else 0.0


def switches(column: Coded, decimal: Decimal) -> tuple[np.ndarray, np.ndarray]:
    """A promotion's share [R] from numbers or from yes and no, NaN where empty; and where [R] it is neither."""
    words = {**dict.fromkeys(_YES, 1.0), **dict.fromkeys(_NO, 0.0)}
    values = [words.get(text.casefold(), _number(text.removesuffix("%"), decimal)) for text in column.texts]
    percent = [text.endswith("%") for text in column.texts]
    found = column.spread(np.where(percent, np.array(values) / 100, values), np.nan)
    return found, column.filled() & ~np.isfinite(found)


# dates


@dataclass(frozen=True)
class _DateStyle:
    """One way to write a date; ``order`` names the groups of ``pattern``."""

    words: str
    pattern: re.Pattern[str]
    order: str


_CLOCK = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?(?:Z|[-+]\d{2}:?\d{2})?)?"
_STYLES = tuple(
    _DateStyle(words, re.compile(pattern + _CLOCK, re.IGNORECASE), order)
    for words, pattern, order in (
        ("2024-01-31", r"(\d{4})-(\d{1,2})-(\d{1,2})", "ymd"),
        ("2024/01/31", r"(\d{4})/(\d{1,2})/(\d{1,2})", "ymd"),
        ("20240131", r"((?:19|20)\d{2})(\d{2})(\d{2})", "ymd"),
        ("31/01/2024", r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", "??y"),
        ("31-01-2024", r"(\d{1,2})-(\d{1,2})-(\d{4}|\d{2})", "??y"),
        ("31.01.2024", r"(\d{1,2})\.(\d{1,2})\.(\d{4}|\d{2})", "dmy"),
        ("31 Jan 2024", r"(\d{1,2})[ -]([a-z]{3,9})\.?,?[ -](\d{4}|\d{2})", "dby"),
        ("Jan 31, 2024", r"([a-z]{3,9})\.? (\d{1,2}),? (\d{4})", "bdy"),
        ("2024-W05", r"(\d{4})-?W(\d{1,2})", "yw"),
        ("2024-01", r"(\d{4})[-/](\d{1,2})", "ym"),
        ("Jan 2024", r"([a-z]{3,9})\.?[ -](\d{4})", "by"),
        ("Excel's day numbers (45322)", r"([345]\d{4})", "x"),
    )
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EARLIEST, _LATEST = np.datetime64("1970-01-01"), np.datetime64("2100-01-01")


@dataclass(frozen=True, eq=False)
class Dates:
    """A column's dates.

    Attributes
    ----------
    days : [R] datetime64[D], NaT where there is none.
    empty : [R] bool, a cell that holds nothing.
    bad : [R] bool, a cell that is no date.
    odd : [R] bool, a date written in another way than most.
    words : how dates are written, by example.
    odd_words : how the others are.
    ambiguous : day and month could be swapped in every cell.
    day_first : which one was taken to come first.
    """

    days: np.ndarray
    empty: np.ndarray
    bad: np.ndarray
    odd: np.ndarray
    words: str
    odd_words: str
    ambiguous: bool
    day_first: bool


def dates(column: Coded, *, day_first: bool | None, day_first_if_unclear: bool) -> Dates:
    """The column's dates; ``day_first`` settles 02/01/2024, None finds out from the other cells."""
    style = np.array([_style(text) for text in column.texts], dtype=np.int64)  # (U,)
    rows = np.bincount(column.codes[column.codes >= 0], minlength=len(column.texts))
    counts = np.bincount(style[style >= 0], weights=rows[style >= 0], minlength=len(_STYLES))
    main = int(np.argmax(counts))
    unsure = style >= 0
    unsure &= np.array([s >= 0 and _STYLES[s].order == "??y" for s in style], dtype=bool)
    first, second = _leading(column.texts, unsure)
    proof_day, proof_month = int((first > 12).sum()), int((second > 12).sum())
    ambiguous = bool(unsure.any()) and not proof_day and not proof_month and day_first is None
    if day_first is None:
        day_first = proof_day > proof_month
    if ambiguous:
        day_first = _more_regular(column.texts, unsure, day_first_if_unclear)
    nothing = np.datetime64("NaT", "D")
    read = [_day(text, _STYLES[s], day_first) if s >= 0 else nothing for text, s in zip(column.texts, style, strict=True)]
    days = np.array(read, dtype="datetime64[D]")
    in_range = ~np.isnat(days) & (days >= _EARLIEST) & (days < _LATEST)
    days[~in_range] = nothing
    swapped = unsure & ~in_range  # a day above 12 where the month should stand
    odd_text = (style >= 0) & ((style != main) & in_range | swapped & (proof_day > 0) & (proof_month > 0))
    bad_text = ~in_range & ~odd_text
    others = sorted({_written(_STYLES[s], day_first) for s in style[odd_text & (style != main)]})
    if (odd_text & swapped).any():
        others.append(_written(_STYLES[main], not day_first))
    spread, filled = column.spread, column.filled()
    return Dates(
        days=spread(days, nothing),
        empty=~filled,
        bad=spread(bad_text, False) & filled,
        odd=spread(odd_text, False),
        words=_written(_STYLES[main], day_first),
        odd_words=", ".join(others),
        ambiguous=ambiguous,
        day_first=day_first,
    )


def date_share(column: Coded) -> float:
    """Which share of the column's different cells look like dates; day numbers do not."""
    looks = [s >= 0 and _STYLES[s].order != "x" for s in map(_style, _something(column.texts))]
    return sum(looks) / len(looks) if looks else 0.0


def _style(text: str) -> int:
    """Which style the text is written in, -1 for none."""
    if len(text) > LONGEST_NUMBER:
        return -1
    return next((number for number, style in enumerate(_STYLES) if style.pattern.fullmatch(text)), -1)


def _written(style: _DateStyle, day_first: bool) -> str:
    """The style by example; 31 January, so that the order of day and month can be seen."""
    if style.order != "??y":
        return style.words
    return f"{style.words} (day first)" if day_first else f"01{style.words[2]}31{style.words[5:]} (month first)"


def _leading(texts: Sequence[str], unsure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second number of the texts that leave the order of day and month open."""
    pairs = [re.split(r"[/-]", text)[:2] for text, open_ in zip(texts, unsure, strict=True) if open_]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _more_regular(texts: Sequence[str], unsure: np.ndarray, otherwise: bool) -> bool:
    """Whether reading day first gives the more even steps."""
    steps = []
    open_texts = [text for text, open_ in zip(texts, unsure, strict=True) if open_]
    for day_first in (True, False):
        days = [_day(text, _STYLES[_style(text)], day_first) for text in open_texts]
        gaps = np.diff(np.unique(np.array(days, dtype="datetime64[D]")).astype(np.int64))
        steps.append(len(set(gaps.tolist())))
    return otherwise if steps[0] == steps[1] else steps[0] < steps[1]


def _day(text: str, style: _DateStyle, day_first: bool) -> np.datetime64:
    """The day a text means, NaT where there is no such day."""
    match = style.pattern.fullmatch(text)
    assert match is not None
    order = style.order.replace("??", "dm" if day_first else "md")
    part = dict(zip(order, match.groups(), strict=True))
    try:
        if "x" in part:
            return np.datetime64("1899-12-30") + int(part["x"])
        year = int(part["y"]) + (2000 if len(part["y"]) == 2 else 0)
        if "w" in part:
            return np.datetime64(date.fromisocalendar(year, int(part["w"]), 1))
        month = _MONTHS.index(part["b"][:3].casefold()) + 1 if "b" in part else int(part["m"])
        return np.datetime64(f"{year:04}-{month:02}-{int(part.get('d', 1)):02}")
    except ValueError:
        return np.datetime64("NaT", "D")
