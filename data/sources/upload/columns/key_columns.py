"""Which columns together name an item: with the date they must name every row once.

Where a file has no column for the item, or one whose ids come again on one date, the fewest columns are looked for that do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa

from data.sources.upload.columns.row_keys import different_days, seen
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.value_parsing import Coded

#: Columns that are tried, and how many of them together.
_TRIED, _TOGETHER = 8, 4

#: The least share of items and dates that have a row: a customer or an invoice has few rows on few dates.
_FILLED = 0.2

#: Rows on which all are tried, before those that fit are held against all rows.
_MOST_ROWS = 100_000

#: Between the parts of an item's id.
JOIN = " / "


@dataclass(frozen=True, eq=False)
class Keys:
    """Columns that name an item together, as ``codes`` [R] of ``ids`` [N], -1 where one of them is empty."""

    columns: tuple[str, ...]
    codes: np.ndarray
    ids: tuple[str, ...]

    def cells(self) -> Coded:
        """The items as a column."""
        return Coded(self.ids, self.codes)

    def array(self) -> pa.Array:
        """The items as a column of a table."""
        return pa.array(self.ids, pa.string()).take(pa.array(self.codes, mask=self.codes < 0))


def names_rows_once(items: np.ndarray, days: np.ndarray) -> bool:
    """Whether items and days [R] name every row once, those without either left aside."""
    found = seen(items, days)
    if found is not None:
        return not found.again
    whole = (items >= 0) & ~np.isnat(days)
    pairs = _paired(items[whole], np.unique(days[whole], return_inverse=True)[1])
    return len(np.unique(pairs)) == len(pairs)


def found_keys(cells: Mapping[str, Coded], base: Sequence[str], free: Sequence[str], days: np.ndarray) -> Keys | None:
    """The fewest of the columns ``free`` that name an item together with those of ``base``; None where none do."""
    few = sorted((c for c in free if 2 <= len(cells[c].texts) <= len(days) / 2), key=lambda c: len(cells[c].texts))[:_TRIED]
    few = [column for column in free if column in few]  # in the order of the file
    some = _rows_of_some_days(days)
    fewer = {column: Coded(cells[column].texts, cells[column].codes[some]) for column in (*base, *few)}
    for count in range(1, min(_TOGETHER, len(few)) + 1):
        fitting = []
        for chosen in combinations(few, count):
            trial = joined([*base, *chosen], fewer)
            if not names_rows_once(trial.codes, days[some]):
                continue
            keys = joined([*base, *chosen], cells)
            if names_rows_once(keys.codes, days) and _is_filled(keys, days):
                fitting.append(keys)
        if fitting:
            return min(fitting, key=lambda keys: len(keys.ids))
    return None


def _rows_of_some_days(days: np.ndarray) -> np.ndarray:
    """Rows of whole days, few enough to try many columns on: what comes twice does so on one day."""
    if len(days) <= _MOST_ROWS:
        return np.arange(len(days))
    different, codes, counts = np.unique(days, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    taken = order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), _MOST_ROWS)))]
    chosen = np.zeros(len(different), dtype=bool)
    chosen[taken] = True
    return np.flatnonzero(chosen[codes])


def joined(columns: Sequence[str], cells: Mapping[str, Coded]) -> Keys:
    """These columns as one."""
    codes = cells[columns[0]].codes
    texts = [(text,) for text in cells[columns[0]].texts]
    for column in columns[1:]:
        other = cells[column]
        whole = (codes >= 0) & (other.codes >= 0)
        pairs = np.where(whole, codes.astype(np.int64) * max(1, len(other.texts)) + other.codes, -1)
        different, inverse = np.unique(pairs[whole], return_inverse=True)
        codes = np.full(len(pairs), -1, np.int64)
        codes[whole] = inverse
        left, right = np.divmod(different, max(1, len(other.texts)))
        texts = [(*texts[a], other.texts[b]) for a, b in zip(left, right, strict=True)]
    return Keys(tuple(columns), codes, tuple(JOIN.join(parts) for parts in texts))


def offer_of(keys: Keys, item: str, rows_again: int, decisions: Decisions) -> Offer:
    """The offer to make items of several columns; ``item`` is the column that names them otherwise, "" for none."""
    answer = answer_to("key-columns", decisions, YES)
    names = " and ".join(map(repr, keys.columns))
    why = (
        f"{item!r} comes again on one date in {many(rows_again, 'row')}"
        if item
        else "No column alone names an item that has each date once"
    )
    first = keys.ids[0].split(JOIN)
    return Offer(
        kind="key-columns",
        title="Items of several columns",
        words=f"{why}; {names} together name every row once, and make {many(len(keys.ids), 'item')}.",
        count=len(keys.ids),
        before=shortened(first[0] if item else " | ".join(first)),
        after=shortened(keys.ids[0], 60),
        effect="Each of them is forecast by itself; nothing is added up.",
        default=YES,
        answer=YES if answer != NO else NO,
    )


def _is_filled(keys: Keys, days: np.ndarray) -> bool:
    whole = (keys.codes >= 0) & ~np.isnat(days)
    dates = len(different_days(days, whole))
    return whole.sum() >= _FILLED * len(keys.ids) * dates


def _paired(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other
