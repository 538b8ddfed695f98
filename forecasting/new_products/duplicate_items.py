"""Items that are probably one and the same: alike in every attribute, nearly in name and price, and selling together.

Axis letters: T periods on record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from data.facts import ItemFacts
from data.schema import PRICE, Panel
from forecasting.new_products.similarity_network import words_of

#: The share of all words of two names that both must have, how far prices may be apart, and the least correlation.
_WORDS, _PRICE_GAP, _CORRELATION = 0.8, 0.05, 0.5

#: Periods that both must have on record, pairs that are compared in demand, and items of one kind that are compared.
_PERIODS, _PAIRS, _OF_KIND = 8, 5000, 200


@dataclass(frozen=True)
class Duplicate:
    """Two items that are probably one; ``correlation`` is of the logs of their demand over ``periods`` both have on record."""

    first: ItemFacts
    second: ItemFacts
    correlation: float
    periods: int


def duplicates(items: Sequence[ItemFacts], panel_of: Callable[[list[str]], Panel]) -> tuple[Duplicate, ...]:
    """All pairs of ``items`` that are probably duplicates, the surest first; ``panel_of`` reads the history of some ids."""
    pairs = _alike(items)[:_PAIRS]
    ids = sorted({one.item_id for pair in pairs for one in pair})
    if not ids:
        return ()
    demand = dict(zip(ids, panel_of(ids).demand.astype(np.float64), strict=True))
    found = []
    for first, second in pairs:
        correlation, periods = _together(demand[first.item_id], demand[second.item_id])
        if correlation >= _CORRELATION:
            found.append(Duplicate(first, second, correlation, periods))
    return tuple(sorted(found, key=lambda one: -one.correlation))


def _alike(items: Sequence[ItemFacts]) -> list[tuple[ItemFacts, ItemFacts]]:
    """Pairs with the same attributes and nearly the same name and price, in the order of the items."""
    kinds: dict[tuple[str, ...], list[ItemFacts]] = defaultdict(list)
    for facts in items:
        kinds[tuple(facts.static.values())].append(facts)
    return [
        pair
        for kind in kinds.values()
        for pair in combinations(kind[:_OF_KIND], 2)
        if _same_words(*pair) and _same_price(*pair)
    ]


def _same_words(first: ItemFacts, second: ItemFacts) -> bool:
    mine, theirs = set(words_of(first.name)), set(words_of(second.name))
    return len(mine & theirs) >= _WORDS * len(mine | theirs)


def _same_price(first: ItemFacts, second: ItemFacts) -> bool:
    """Whether prices are near; a price that is not known tells nothing against it."""
    prices = [price for one in (first, second) if (price := one.commercial.get(PRICE))]
    return len(prices) < 2 or max(prices) <= (1 + _PRICE_GAP) * min(prices)


def _together(mine: np.ndarray, theirs: np.ndarray) -> tuple[float, int]:
    """The correlation of log demand [T] over periods that both have on record, −1 where it is not defined; and how many."""
    both = np.isfinite(mine) & np.isfinite(theirs)
    periods = int(both.sum())
    if periods < _PERIODS:
        return -1.0, periods
    logs = np.log1p(np.stack([mine[both], theirs[both]]))
    if (logs.std(axis=1) < 1e-9).any():
        return -1.0, periods
    return float(np.corrcoef(logs)[0, 1]), periods
