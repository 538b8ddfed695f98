"""What adding a file would change in the catalog in use, counted before anything is written.

Axis letters: N items, T periods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.catalog import Catalog
from data.facts import About
from data.sources.upload.panel_layout import Rows
from data.sources.upload.writing.write_catalog import catalog_order

#: Items looked at together, and how many examples are shown.
_CHUNK, _SHOWN = 10_000, 5


@dataclass(frozen=True)
class Change:
    """One number of the history that would be another; NaN is unknown."""

    item_id: str
    period: pd.Timestamp
    before: float
    after: float


@dataclass(frozen=True)
class Difference:
    """What a catalog would be beside the one in use.

    Attributes
    ----------
    catalog : the name of the one in use.
    added, gone : the periods that only the new one has, or only the one in use; unfilled : those added without any demand.
    new_items, lost_items : those that only the new one has, or only the one in use.
    absent : how many items that sold in the last period on record have no demand in the periods added.
    cells : how many numbers of demand are new.
    changed : how many of those on record would be others; before, after : their sums; examples : the largest of them.
    attributes : how many items would be described otherwise.
    """

    catalog: str
    added: tuple[pd.Timestamp, ...] = ()
    gone: tuple[pd.Timestamp, ...] = ()
    unfilled: tuple[pd.Timestamp, ...] = ()
    new_items: tuple[str, ...] = ()
    lost_items: tuple[str, ...] = ()
    absent: int = 0
    cells: int = 0
    changed: int = 0
    before: float = 0.0
    after: float = 0.0
    examples: tuple[Change, ...] = ()
    attributes: int = 0

    @property
    def nothing(self) -> bool:
        """Whether the catalog holds all of it already."""
        return not (self.added or self.gone or self.new_items or self.lost_items or self.changed or self.attributes)


def some_of(names: Sequence[str]) -> str:
    """The first few names, and that there are more."""
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def stretch_of(periods: Sequence[pd.Timestamp]) -> str:
    """From the first period to the last: ``"2024-01-01 to 2024-01-29"``."""
    first, last = (f"{period:%Y-%m-%d}" for period in (periods[0], periods[-1]))
    return first if first == last else f"{first} to {last}"


def difference(catalog: Catalog, rows: Rows) -> Difference:
    """What a catalog of these ``rows``, which have no problems, would be beside ``catalog``."""
    about = catalog.about
    rows = rows.renumbered(catalog_order(rows.item_ids))
    assert rows.calendar is not None
    periods, old = rows.calendar.periods[: rows.periods], about.frequency.range(about.first, about.periods)
    place = {item: number for number, item in enumerate(rows.item_ids)}
    demand, known = rows.history(), set[str]()
    counts = _Counts(about, periods, old)
    for panel in catalog.batches(_CHUNK):
        ids = panel.item_ids.tolist()
        known |= set(ids)
        at = np.array([number for number, item in enumerate(ids) if item in place], dtype=np.int64)
        to = np.array([place[ids[number]] for number in at], dtype=np.int64)
        counts.lost += [item for item in ids if item not in place]
        counts.compare([ids[number] for number in at], panel.demand[at], demand[to])
        shared = [name for name in panel.static if name in rows.static]
        if shared and len(at):
            counts.attributes += int(np.any([panel.static[name][at] != rows.static[name][to] for name in shared], axis=0).sum())
    new = [number for number, item in enumerate(rows.item_ids) if item not in known]
    counts.cells += int(np.isfinite(demand[new]).sum())
    filled = np.isfinite(demand).any(axis=0)
    return Difference(
        catalog=about.name,
        added=tuple(periods[~periods.isin(old)]),
        gone=tuple(old[~old.isin(periods)]),
        unfilled=tuple(periods[~periods.isin(old) & ~filled]),
        new_items=tuple(rows.item_ids[number] for number in new),
        lost_items=tuple(counts.lost),
        absent=counts.absent,
        cells=counts.cells,
        changed=counts.changed,
        before=counts.before,
        after=counts.after,
        examples=counts.examples(),
        attributes=counts.attributes,
    )


class _Counts:
    """What is counted some items at a time."""

    def __init__(self, about: About, periods: pd.DatetimeIndex, old: pd.DatetimeIndex) -> None:
        self._periods, self._old = periods, old
        self._to = periods.get_indexer(old)  # (T,) where the periods on record lie among the new ones
        self._fresh = ~periods.isin(old)
        self.lost: list[str] = []
        self.absent = self.cells = self.changed = self.attributes = 0
        self.before = self.after = 0.0
        self._largest: list[tuple[float, Change]] = []

    def compare(self, ids: Sequence[str], held: np.ndarray, now: np.ndarray) -> None:
        """Compares the demand [n, T] ``held`` of the same items with what it would be ``now`` [n, T']."""
        both = self._to >= 0
        one, other = held[:, both], now[:, self._to[both]]
        known = np.isfinite(one)
        self.cells += int((np.isfinite(other) & ~known).sum()) + int(np.isfinite(now[:, self._fresh]).sum())
        fresh = now[:, self._fresh]
        if fresh.shape[1]:
            self.absent += int(((held[:, -1:] > 0).any(axis=1) & ~np.isfinite(fresh).any(axis=1)).sum())
        where = known & ~((one == other) | (np.isnan(one) & np.isnan(other)))
        if not where.any():
            return
        item, period = np.nonzero(where)
        before, after = one[where].astype(np.float64), other[where].astype(np.float64)
        self.changed += len(item)
        self.before += float(before.sum())
        self.after += float(np.nansum(after))
        apart = np.abs(np.nan_to_num(after) - before)
        stamps = self._old[both]
        for place in np.argsort(-apart, kind="stable")[:_SHOWN]:
            change = Change(ids[item[place]], stamps[period[place]], float(before[place]), float(after[place]))
            self._largest.append((float(apart[place]), change))

    def examples(self) -> tuple[Change, ...]:
        """The largest changes."""
        return tuple(change for _, change in sorted(self._largest, key=lambda one: -one[0])[:_SHOWN])
