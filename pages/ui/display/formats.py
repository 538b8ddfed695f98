"""How numbers, money, dates and chances are written, the same on every page, in every chart and in every file name.

Units below 10 carry one decimal and others none, in pieces and in most units of ``data.units``; money is in the catalog's
currency; percentages are whole unless below 10. A number that is not known is an em dash, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeGuard

import numpy as np
import pandas as pd

from data.schema import Frequency
from data.units import PIECES, Unit

UNKNOWN = "—"

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
_UNIT_WORDS = {"day": "day", "week": "week", "month": "month"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")
_SPARSE_ODDS = (2, 3, 4, 5, 10, 20, 100)


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and bool(np.isfinite(value))


def units(value: float | None, unit: Unit = PIECES) -> str:
    """Units of demand: ``"9.5"``, ``"1,240"``.

    >>> units(9.96), units(0.04), units(1240.4), units(None)
    ('10', '0.0', '1,240', '—')
    """
    if not _known(value):
        return UNKNOWN
    value = float(value) + 0.0  # no "-0.0"
    return f"{value:,.{_units_digits(value, unit)}f}"


def rounded(value: float, unit: Unit = PIECES) -> float:
    """The number that ``units`` shows."""
    return float(f"{value:.{_units_digits(value, unit)}f}") + 0.0


def _units_digits(value: float, unit: Unit = PIECES) -> int:
    """Decimals that units are shown with."""
    return unit.digits if abs(round(value, unit.digits)) < 10 else 0


def word_of(unit: Unit) -> str:
    """What stands after a number within a sentence that does not say it of pieces: ``" cases"``, and nothing of these."""
    return "" if unit.is_pieces else f" {unit.label}"


def in_unit(title: str, unit: Unit) -> str:
    """A title that says what its numbers are counted in, where these are not pieces: ``"Forecast of Oat milk, in cases"``."""
    return title if unit.is_pieces else f"{title}, in {unit.label}"


def whole(value: float | None) -> str:
    """A count of things: ``"1,240"``."""
    return f"{value:,.0f}" if _known(value) else UNKNOWN


def percent(share: float | None, *, signed: bool = False) -> str:
    """A share 0 … 1 as a percentage, whole unless below 10.

    >>> percent(0.123), percent(0.0834), percent(-0.5, signed=True), percent(0.0996)
    ('12%', '8.3%', '−50%', '10%')
    """
    if not _known(share):
        return UNKNOWN
    value = float(share) * 100
    digits = 1 if abs(round(value, 1)) < 10 and round(value, 1) % 1 else 0
    return _signed(f"{abs(value):,.{digits}f}%", value if round(value, digits) else 0.0, signed)


def loss(value: float | None) -> str:
    """An error in units per unit sold: ``"0.295"``.

    >>> loss(0.29514), loss(float("nan"))
    ('0.295', '—')
    """
    return f"{value:.3f}" if _known(value) else UNKNOWN


def factor(value: float | None) -> str:
    """What a number is multiplied by: ``"1.08"``."""
    return f"{value:.2f}" if _known(value) else UNKNOWN


def points(share: float | None, *, signed: bool = False) -> str:
    """A difference of two percentages: ``"2.1 points"``.

    >>> points(0.0212), points(-0.01, signed=True)
    ('2.1 points', '−1 points')
    """
    text = percent(share, signed=signed)
    return text if text == UNKNOWN else f"{text.removesuffix('%')} points"


def _signed(text: str, value: float, always: bool) -> str:
    """``text`` of an absolute value with its sign: a true minus, and a plus where ``always``."""
    return f"−{text}" if value < 0 else f"+{text}" if always and value > 0 else text


def money(value: float | None, currency: str = "USD", *, signed: bool = False) -> str:
    """A sum of money, without cents from 100 on: ``"$1,240"``, ``"CHF 86.40"``."""
    if not _known(value):
        return UNKNOWN
    digits = _money_digits(value)
    return _signed(_currency(f"{abs(value):,.{digits}f}", currency), value if round(value, digits) else 0.0, signed)


def _money_digits(value: float) -> int:
    """Decimals that a sum of money is shown with."""
    return 0 if abs(round(value, 2)) >= 100 else 2


def price(value: float | None, currency: str = "USD") -> str:
    """The price of one unit, to the cent: ``"$2.49"``."""
    return _signed(_currency(f"{abs(value):,.2f}", currency), value, False) if _known(value) else UNKNOWN


def _currency(text: str, currency: str) -> str:
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{currency} {text}"


def difference(value: float | None, unit: Unit = PIECES) -> str:
    """A difference in units with its sign, where neither end is shown: ``"+12"``, ``"−0.4"``."""
    if not _known(value):
        return UNKNOWN
    return _signed(units(abs(value), unit), value if round(value, unit.digits) else 0.0, True)


def change(before: float | None, after: float | None, unit: Unit = PIECES) -> str:
    """What leads from one number of units to another, both as they are shown, so that whoever adds it up is right.

    >>> change(60.6, 84.4), change(9.5, 12.2), change(301.4, 301.2), change(None, 1.0)
    ('+23', '+2.5', '0', '—')
    """
    if not _known(before) or not _known(after):
        return UNKNOWN
    (moved,), digits = steps(before, [after - before], after, unit)
    return signed(moved, digits)


def steps(
    before: float, parts: Sequence[float], after: float, unit: Unit = PIECES, *, alike: bool = False
) -> tuple[list[float], int]:
    """``parts`` that lead from ``before`` to ``after``, rounded so that they do it with the numbers as they are shown; and
    their decimals. Where both ends are written ``alike``, they have as many.

    What is missing after each part was rounded goes to the parts that rounding took most from; a part that is nothing stays so.

    >>> steps(12.4, [2.7, 0.9, 0.0], 16.0)
    ([3.0, 1.0, 0.0], 0)
    """
    digits = max(_units_digits(before, unit), _units_digits(after, unit))
    ends = [round((value if alike else rounded(value, unit)) * 10**digits) for value in (before, after)]
    exact = np.asarray(parts, np.float64) * 10**digits
    near = np.rint(exact)
    missing = int(ends[1] - ends[0] - near.sum())
    free = np.flatnonzero(np.abs(exact) > 1e-6)
    for _ in range(abs(missing) if free.size else 0):
        way = np.sign(missing)
        place = free[np.argmax(way * (exact - near)[free])]
        near[place] += way
    return [float(one) / 10**digits + 0.0 for one in near], digits


def signed(value: float, digits: int) -> str:
    """A number with its sign and so many decimals, from 10 on without those that say nothing: ``"+12"``, ``"−0.4"``, ``"0"``.

    >>> signed(-28.0, 1), signed(4.0, 1), signed(-18.5, 1)
    ('−28', '+4.0', '−18.5')
    """
    digits = 0 if abs(value) >= 10 and value == round(value) else digits
    return _signed(f"{abs(value):,.{digits}f}", value, True)


def unit_change(before: float | None, after: float | None, unit: Unit = PIECES) -> str:
    """The difference in units, of the numbers as they are shown, with its share: ``"+12 (+8%)"``; empty where not known."""
    if not _known(before) or not _known(after):
        return ""
    return f"{change(before, after, unit)}{_share(before, after)}"


def money_change(before: float | None, after: float | None, currency: str = "USD") -> str:
    """The difference in money, of the sums as they are shown, with its share: ``"−$120 (−8%)"``; empty where not known.

    >>> money_change(3907.4, 3971.9), money_change(99.5, 100.2)
    ('+$65 (+1.7%)', '+$0.50 (+0.7%)')
    """
    if not _known(before) or not _known(after):
        return ""
    digits = max(_money_digits(before), _money_digits(after))
    ends = (float(f"{value:.{_money_digits(value)}f}") for value in (before, after))
    moved = round(-next(ends) + next(ends), digits)
    return f"{_signed(_currency(f'{abs(moved):,.{digits}f}', currency), moved, True)}{_share(before, after)}"


def _share(before: float, after: float) -> str:
    return f" ({percent(after / before - 1, signed=True)})" if before > 0 else ""


def date(stamp: pd.Timestamp | str | None) -> str:
    """A day, always written so: ``"5 Jan 2025"``."""
    if stamp is None or pd.isna(stamp):
        return UNKNOWN
    day = pd.Timestamp(stamp)
    return f"{day.day} {day:%b %Y}"


def period(stamp: pd.Timestamp | None, frequency: Frequency) -> str:
    """A period by its stamp: a day and a week as a date, a month as ``"Jan 2025"``."""
    if stamp is None or pd.isna(stamp):
        return UNKNOWN
    return f"{pd.Timestamp(stamp):%b %Y}" if frequency.unit == "month" else date(stamp)


def last_period(stamp: pd.Timestamp, frequency: Frequency, named_by: str) -> str:
    """The newest period, a week with the word whether it is named by the day on which it ends or begins.

    >>> last_period(pd.Timestamp("2017-12-31"), Frequency.of("W-SUN"), "last")
    'the week ending 31 Dec 2017'
    """
    words = period(stamp, frequency)
    return f"the week {'ending' if named_by == 'last' else 'beginning'} {words}" if frequency.unit == "week" else words


def period_of(stamp: pd.Timestamp, frequency: Frequency) -> str:
    """The same within a sentence: ``"the week of 5 Jan 2025"``."""
    words = period(stamp, frequency)
    return f"the week of {words}" if frequency.unit == "week" else words


def periods(count: int, frequency: Frequency) -> str:
    """A number of periods: ``"1 week"``, ``"13 weeks"``."""
    return f"{count:,} {period_word(frequency)}{'' if count == 1 else 's'}"


def period_word(frequency: Frequency) -> str:
    """What one period is called: ``"week"``."""
    return _UNIT_WORDS[frequency.unit]


def ahead(horizon: int, frequency: Frequency) -> str:
    """The horizon within a sentence: ``"the next 13 weeks"``, ``"the next week"``."""
    return f"the next {period_word(frequency)}" if horizon == 1 else f"the next {periods(horizon, frequency)}"


def ahead_label(horizon: int, frequency: Frequency) -> str:
    """The horizon in a label: ``"next 13 weeks"``."""
    return ahead(horizon, frequency).removeprefix("the ")


def level(tau: float) -> str:
    """The short name of a quantile level: ``"P90"``, ``"P97.5"``."""
    return f"P{tau * 100:g}" if abs(tau * 100 - round(tau * 100)) > 1e-9 else f"P{round(tau * 100)}"


def odds(tau: float) -> str:
    """A chance as a planner says it.

    >>> [odds(tau) for tau in (0.9, 0.95, 0.5, 0.1, 0.75, 0.83)]
    ['9 times in 10', '19 times in 20', '1 time in 2', '1 time in 10', '3 times in 4', '83 times in 100']
    """
    exact = Fraction(tau).limit_denominator(1000)
    of = next((of for of in _SPARSE_ODDS if (exact * of).denominator == 1), None)
    share = (exact * of, of) if of else (round(tau * 1000), 1000)
    return f"{share[0]} time{'' if share[0] == 1 else 's'} in {share[1]}"


def fewer_than(amount: float, unit: Unit = PIECES) -> str:
    """What demand stays below: ``"fewer than 120"``, or ``"none"`` where that is nothing at all."""
    return "none" if round(amount, unit.digits) == 0 else f"fewer than {units(amount, unit)}"


def elasticity(value: float | None) -> str:
    """How demand answers to price, as a sentence.

    >>> elasticity(1.8)
    'A price 1% higher sells about 1.8% fewer units.'
    """
    if not _known(value):
        return "This model cannot tell how demand answers to price."
    if value < 0.05:
        return "Price hardly moves this item: 1% more changes its units by less than 0.1%."
    return f"A price 1% higher sells about {value:.1f}% fewer units."


def elasticity_figure(value: float | None) -> str:
    """The same as a figure: percent fewer units per percent of price, ``"−1.8"``."""
    return _signed(f"{value:.1f}", -1.0 if round(value, 1) else 0.0, False) if _known(value) else UNKNOWN


def duration(seconds: float | None) -> str:
    """Time left, roughly: ``"about 3 minutes"``; empty where it is not known."""
    if not _known(seconds):
        return ""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10:.0f} seconds"
    minutes = round(seconds / 60)
    return f"about {minutes} minutes" if minutes < 90 else f"about {seconds / 3600:.1f} hours"


def plain(text: str) -> str:
    """Text from the data, shown by Streamlit as it is written: markdown signs are escaped."""
    return _MARKDOWN.sub(r"\\\1", str(text)).replace("\n", " ")


def listing(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def file_name(*parts: object, suffix: str) -> str:
    """A file name from words and dates: lower case, one hyphen between words."""
    text = "-".join(f"{part:%Y-%m-%d}" if isinstance(part, pd.Timestamp) else str(part) for part in parts)
    return f"{re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')}.{suffix}"
