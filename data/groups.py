"""Sums over the items that share an attribute: additive, so that a catalog of any size is summed in chunks.

A group's demand carries season and fashion to items that have none of their own; a group's prices and promotions say
what the shelf around an item will look like.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.schema import PRICE, REPLACES, GroupSeries, Panel
from data.units import is_factor

#: The group of all items.
ALL = ""

#: An attribute with more values than this says who the item is, not whom it moves with.
MOST_GROUPS = 1000

#: Items summed at a time: bounds the memory of one ``add``.
_ROWS = 8192


def grouping_columns(static: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The group of all items, then the attributes [N] with at least 2 and at most ``MOST_GROUPS`` values."""
    counts = {column: len(set(values)) for column, values in static.items() if not _names_or_measures(column)}
    items = len(next(iter(static.values()), ()))
    return (ALL, *(column for column, count in counts.items() if _worth_grouping(count, items)))


@dataclass
class GroupSums:
    """Running sums over the groups of some attributes; ``add`` panels, then read ``series``.

    Without ``columns`` every attribute is summed until it shows too many values, and ``series`` keeps those that
    ``grouping_columns`` would choose of all items added.
    """

    columns: tuple[str, ...] | None = None
    _items: int = 0
    _rows: dict[str, dict[str, int]] = field(default_factory=dict)
    _sums: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    _dropped: set[str] = field(default_factory=set)

    def add(self, panel: Panel) -> None:
        """Adds the panel's items [N, T]; every panel must cover the same periods."""
        for start in range(0, len(panel), _ROWS):
            part = slice(start, start + _ROWS)
            measures = {"demand": panel.demand[part]}
            for name, values in panel.known.items():
                measures[name] = log_changes(values[part]) if name == PRICE else values[part]
            self.add_measures({column: labels[part] for column, labels in panel.static.items()}, measures)

    def add_measures(self, static: Mapping[str, np.ndarray], measures: Mapping[str, np.ndarray]) -> None:
        """Adds items with attributes ``static`` [n] and measures name → [n, T], where NaN counts for nothing."""
        items = len(next(iter(measures.values())))
        self._items += items
        for column in (ALL, *static) if self.columns is None else self.columns:
            if column in self._dropped or _names_or_measures(column):
                continue
            codes = self._codes(column, static.get(column, ()), items, grow=True)
            if self.columns is None and len(self._rows[column]) > MOST_GROUPS:
                self._drop(column)
                continue
            for name, values in measures.items():
                self._accumulate(column, name, codes, values)

    def chosen(self) -> tuple[str, ...]:
        """The attributes that ``series`` answers for."""
        if self.columns is not None:
            return self.columns
        counts = {column: len(rows) for column, rows in self._rows.items() if column not in self._dropped}
        return tuple(c for c, count in counts.items() if c == ALL or _worth_grouping(count, self._items))

    def series(self, panel: Panel) -> tuple[GroupSeries, ...]:
        """The sums as the GroupSeries of a panel whose items were all added."""
        return tuple(self._series(column, panel) for column in self.chosen())

    def mean(self, column: str, name: str) -> np.ndarray:
        """The mean [G, T] of one measure over the items of each group where it is known, 0 where it is for none."""
        return self._sums[column, name] / np.maximum(self._sums[column, f"#{name}"], 1)

    def _series(self, column: str, panel: Panel) -> GroupSeries:
        means = {name: self.mean(column, name) for name in panel.known}
        if PRICE in means:
            means[PRICE] = np.cumsum(means[PRICE], axis=1)
        return GroupSeries(
            column=column,
            labels=np.array(list(self._rows[column]), dtype=object),
            codes=self._codes(column, panel.static.get(column, ()), len(panel), grow=False),
            demand=self._sums[column, "demand"].astype(np.float32),
            sellers=self._sums[column, "#demand"].astype(np.float32),
            known={name: mean.astype(np.float32) for name, mean in means.items()},
        )

    def _accumulate(self, column: str, name: str, codes: np.ndarray, values: np.ndarray) -> None:
        """Adds the finite ``values`` [n, T] and their count to the rows ``codes`` [n]."""
        order = np.argsort(codes, kind="stable")
        present, starts = np.unique(codes[order], return_index=True)
        values = values[order].astype(np.float64)
        seen = np.isfinite(values)
        values[~seen] = 0.0
        for key, addend in ((name, values), (f"#{name}", seen.astype(np.float64))):
            total = np.zeros((len(self._rows[column]), values.shape[1]))  # (G, T)
            old = self._sums.get((column, key))
            if old is not None:
                total[: len(old)] = old
            total[present] += np.add.reduceat(addend, starts, axis=0)
            self._sums[column, key] = total

    def _codes(self, column: str, values: Sequence[str] | np.ndarray, items: int, *, grow: bool) -> np.ndarray:
        """Row [n] of each item's group; new groups get the next free row."""
        rows = self._rows.setdefault(column, {})
        if column == ALL:
            rows.setdefault(ALL, 0)
            return np.zeros(items, np.int32)
        places, labels = pd.factorize(np.asarray(values, dtype=object))
        if grow:
            for label in labels:
                rows.setdefault(label, len(rows))
        return np.array([rows[label] for label in labels], dtype=np.int32)[places]

    def _drop(self, column: str) -> None:
        self._dropped.add(column)
        self._rows[column] = {}
        for key in [key for key in self._sums if key[0] == column]:
            del self._sums[key]


def group_series(panel: Panel) -> tuple[GroupSeries, ...]:
    """The groups of a panel that holds its whole catalog."""
    sums = GroupSums(grouping_columns(panel.static))
    sums.add(panel)
    return sums.series(panel)


def _worth_grouping(count: int, items: int) -> bool:
    """A group of one item would repeat the item itself."""
    return 2 <= count <= min(MOST_GROUPS, items // 2)


def log_changes(price: np.ndarray) -> np.ndarray:
    """log pₛ/pₛ₋₁ [N, T]; NaN where either is unknown or not positive."""
    positive = np.where(price > 0, price, np.nan)
    changes = np.full(price.shape, np.nan)
    changes[:, 1:] = np.log(positive[:, 1:]) - np.log(positive[:, :-1])
    return changes


def _names_or_measures(column: str) -> bool:
    """Whether an attribute says who an item is, or how much, and so groups nothing."""
    return column == REPLACES or is_factor(column)
