"""Prices that cannot be meant: zero, 99999, a cent where all others are euros. They stand for "none", and are read so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from data.schema import PRICE
from data.sources.upload.columns.row_keys import pieces
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Lines

KIND = "placeholder-prices"

#: How many times an item's usual price it must be above or below to be no price; where it is all nines, fewer are enough.
_FAR, _NINES_FAR = 20.0, 4.0

#: The share of an item's rows that may hold such a price before it is taken for another price of the item.
_SELDOM = 0.2


def find(lines: Lines, decisions: Decisions) -> Found[Lines] | None:
    """Prices of zero and absurd ones are read as unknown."""
    rows = lines.rows
    if PRICE not in rows.known:
        return None
    price = rows.known[PRICE]
    zero, absurd = price == 0, _absurd(rows.item, price)
    hit = (zero | absurd) & (rows.item >= 0)
    if not hit.any():
        return None
    answer = answer_to(KIND, decisions, YES)
    items = len(np.unique(rows.item[hit]))
    parts = [f"0 in {many(int(zero.sum()), 'row')}"] if zero.any() else []
    if absurd.any():
        parts.append(f"such as {price[absurd].max():,.10g} in {many(int(absurd.sum()), 'row')}")
    first = int(np.flatnonzero(absurd)[0] if absurd.any() else np.flatnonzero(hit)[0])
    offer = Offer(
        kind=KIND,
        title="Prices that are none",
        words=f"Prices of {many(items, 'item')} cannot be meant: {' and '.join(parts)}. They are taken as unknown.",
        count=int(hit.sum()),
        before=f"row {rows.numbers[first]:,}, {rows.item_ids[rows.item[first]]}: {price[first]:,.10g}",
        after="unknown; the last price before it holds",
        effect="Demand would be learned to answer to prices that nobody paid, and a what-if would reach up to them.",
        default=YES,
        answer=answer,
    )
    if answer == NO:
        return Found(lines, offer)
    known = {**rows.known, PRICE: np.where(hit, np.nan, price)}
    return Found(replace(lines, rows=replace(rows, known=known)), offer)


def _absurd(item: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Where [R] a price lies far outside what the item usually costs."""
    meant = (item >= 0) & (price > 0)
    answer = np.zeros(len(price), bool)
    if not meant.any():
        return answer
    meant &= np.append(_wide(item, price, meant), False)[item]
    if not meant.any():
        return answer
    owner, values = item[meant], price[meant]
    times = values / pd.Series(values).groupby(owner).transform("median").to_numpy()
    far = (times >= _FAR) | (times <= 1 / _FAR)
    high = np.flatnonzero((values >= 99) & (times >= _NINES_FAR))
    far[high] |= np.char.strip(np.char.mod("%.10g", values[high]), "9.") == ""
    if far.any():
        share = np.bincount(owner, weights=far) / np.maximum(np.bincount(owner), 1)
        answer[np.flatnonzero(meant)[far & (share[owner] <= _SELDOM)]] = True
    return answer


def _wide(item: np.ndarray, price: np.ndarray, meant: np.ndarray) -> np.ndarray:
    """Which items [N] have prices so far apart that one of them can be none, among the rows that are ``meant`` [R]."""
    lowest, highest = np.full(int(item.max()) + 1, np.inf), np.zeros(int(item.max()) + 1)
    for part in pieces(len(item)):
        owner, values = item[part][meant[part]], price[part][meant[part]]
        np.minimum.at(lowest, owner, values)
        np.maximum.at(highest, owner, values)
    return highest >= _NINES_FAR * lowest
