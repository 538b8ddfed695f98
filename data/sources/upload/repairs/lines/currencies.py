"""A price column's cells: the currency each names, and its number."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from data.errors import Problem
from data.facts import Check
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many, problem_at
from data.sources.upload.value_parsing import Coded, Decimal, decimal_mark, numbers

KIND = "currencies"

_CODES = (
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "RMB", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RON", "BGN", "TRY", "RUB", "UAH", "INR", "BRL", "MXN", "ZAR", "KRW", "SGD", "HKD", "THB", "IDR", "MYR", "PHP",
    "VND", "AED", "SAR", "QAR", "ILS", "EGP", "ARS", "CLP", "COP", "PEN", "ISK",
)  # fmt: skip
_SIGNS = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY", "円": "JPY", "元": "CNY", "₹": "INR", "₽": "RUB", "₺": "TRY", "₩": "KRW",
    "₪": "ILS", "₴": "UAH", "฿": "THB", "₫": "VND", "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "kr": "SEK/NOK/DKK",
    "Fr": "CHF", "SFr": "CHF", "R$": "BRL", "US$": "USD", "C$": "CAD", "A$": "AUD", "$": "USD",
}  # fmt: skip
_MARK = "|".join(sorted((*_CODES, *map(re.escape, _SIGNS)), key=len, reverse=True))
_BEFORE = re.compile(rf"([-+(]?)\s*({_MARK})\.?\s*(?=[-+(\d.,])", re.IGNORECASE)
_AFTER = re.compile(rf"(?<=[\d.,)\-])\s*({_MARK})\.?$", re.IGNORECASE)
_MEANS = {
    **{code.casefold(): code for code in _CODES},
    **{sign.casefold(): code for sign, code in _SIGNS.items()},
    "rmb": "CNY",
}


@dataclass(frozen=True, eq=False)
class Prices:
    """A price column [R].

    Attributes
    ----------
    values : its numbers, NaN where empty or left out; wrong : where a cell is none.
    """

    values: np.ndarray
    wrong: np.ndarray
    offer: Offer | None = None
    checks: tuple[Check, ...] = ()
    problems: tuple[Problem, ...] = ()


def prices(
    cells: Coded, decimal: Decimal, numbers_: np.ndarray, item: np.ndarray, currency: str, decisions: Decisions
) -> Prices:
    """The column's prices, each currency's decimals as that currency's cells show them.

    Parameters
    ----------
    numbers_, item : [R] the row's number in the file, and its item (-1 none).
    currency : in which the catalog is going to show money.
    """
    marks, bare = zip(*map(_parted, cells.texts), strict=True) if cells.texts else ((), ())
    names = sorted(set(marks) - {""})
    if not names:
        return Prices(*numbers(cells, decimal))
    mark = cells.spread(np.array(marks, dtype=object), "")
    values, wrong = np.full(len(mark), np.nan), np.zeros(len(mark), bool)
    for name in {*marks}:
        where = mark == name
        codes = np.where(where, cells.codes, -1)
        part = Coded(bare, codes)
        own, proven = decimal_mark([Coded(tuple(t for t, m in zip(bare, marks, strict=True) if m == name), codes)], "")
        found, bad = numbers(part, own if proven else decimal)
        values[where], wrong = found[where], wrong | bad & where
    counts = {name: int((mark == name).sum()) for name in names}
    most = max(names, key=lambda name: (counts[name], name))
    if len(names) == 1:
        return Prices(values, wrong, None, _other_currency(most, currency, counts[most]))
    return _of_several(Prices(values, wrong), mark, counts, most, numbers_, item, decisions)


def _parted(text: str) -> tuple[str, str]:
    """The currency that a price names, "" for none, and the rest."""
    if found := _BEFORE.match(text):
        return _MEANS[found.group(2).casefold()], found.group(1) + text[found.end() :]
    if found := _AFTER.search(text):
        return _MEANS[found.group(1).casefold()], text[: found.start()]
    return "", text


def _other_currency(name: str, currency: str, count: int) -> tuple[Check, ...]:
    if name in (currency, "USD") or name not in _CODES:  # many a country's money is a dollar
        return ()
    words = f"Prices are marked {name}, and money would be shown in {currency}. Choose {name} as the currency."
    return (Check("Currency", words, count, "warning"),)


def _of_several(
    read: Prices,
    mark: np.ndarray,
    counts: dict[str, int],
    most: str,
    numbers_: np.ndarray,
    item: np.ndarray,
    decisions: Decisions,
) -> Prices:
    """Prices in several currencies: those of one kept, or none loaded."""
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    answer = answer_to(KIND, decisions, NO, tuple(ordered))
    told = ", ".join(f"{name} in {many(len(np.unique(item[(mark == name) & (item >= 0)])), 'item')}" for name in ordered)
    other = (mark != "") & (mark != (most if answer == NO else answer))
    offer = Offer(
        kind=KIND,
        title="Two currencies",
        words=(
            f"{len(ordered)} currencies stand in one column: {told}. One is kept; the price of "
            f"{many(int(other.sum()), 'row')} in another is taken as unknown."
        ),
        count=int(other.sum()),
        before=", ".join(ordered),
        after=f"{most if answer == NO else answer} alone",
        effect="Sales, margins and stock in money would add up two currencies as if they were one.",
        default=NO,
        answer=answer,
        choices=tuple((name, f"Keep prices in {name}") for name in ordered),
    )
    if answer == NO:
        words = f"Two currencies in one column: {told}. Convert them, or keep one of them: take the offer “{offer.title}”"
        return Prices(read.values, read.wrong, offer, (), (problem_at(words, numbers_, other),))
    return Prices(np.where(other, np.nan, read.values), read.wrong & ~other, offer)
