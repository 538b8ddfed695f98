"""The catalog as forecasting reads it: every panel with the history ledger laid over it, in this one place.

What planners mark counts from the next panel that is read, without training. Imported records stay as they are; ``imported``
reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa

from data.catalog import Catalog
from data.errors import UnknownItem
from data.history_marks import CHANGING, LIFE, Ledger, Mark, corrected, corrected_groups
from data.life_cycle import Pair, lived, pairs_of
from data.schema import REPLACES, GroupSeries, Panel
from data.sql import sql

#: Ledgers whose group sums are kept: the one in use and one that a long reading began with.
_KEPT_SUMS = 4

#: What knows the ledger of a catalog, by the catalog's name.
Ledgers = Callable[[str], Ledger]


class CorrectedCatalog(Catalog):
    """The catalog at ``path`` with the ledger that ``ledgers`` knows of it at each reading; raises as a Catalog does."""

    def __init__(self, path: Path, ledgers: Ledgers, *, memory_limit: str = "1GB", threads: int = 2) -> None:
        super().__init__(path, memory_limit=memory_limit, threads=threads)
        self._ledgers = ledgers
        self._summed: dict[str, tuple[GroupSeries, ...]] = {}  # shared with those that are ``as_it_is``

    @property
    def ledger(self) -> Ledger:
        """The marks of this catalog's history as they are now."""
        return self._ledgers(self.about.name)

    def as_it_is(self) -> Self:
        """The same catalog with the marks as they are now, whatever is marked later: for what reads it in many steps."""
        answer, ledger = copy(self), self.ledger
        answer._ledgers = lambda name: ledger
        return answer

    def imported(self, item_ids: Sequence[str]) -> Panel:
        """The history of these items as it was imported; raises UnknownItem."""
        return super()._panel(self._history_rows(item_ids))

    def pairs(self) -> Mapping[str, Pair]:
        """What replaces what, by the successor."""
        return pairs_of(self.ledger.marks, self._recorded_pairs)

    def known_periods(self) -> np.ndarray:
        """[N] as of any catalog; an item that replaces another is known as long as both were, and is no new one."""
        known, pairs = super().known_periods(), self.pairs()
        there = set(self._there(sorted({one for pair in pairs.values() for one in (pair.item_id, pair.other)})))
        own = known.copy()
        for pair in pairs.values():
            if {pair.item_id, pair.other} <= there:
                new, old = self._place(pair.item_id)[1], self._place(pair.other)[1]
                own[new] = min(known[new] + known[old], self.about.periods)
        return own

    @cached_property
    def _recorded_pairs(self) -> dict[str, str]:
        if REPLACES not in self.about.static:
            return {}
        with self._cursor() as cursor:
            return dict(cursor.execute(sql("recorded_pairs")).fetchall())

    def _panel(self, rows: pa.Table) -> Panel:
        panel, ledger = super()._panel(rows), self.ledger
        changing = [mark for mark in ledger.marks if mark.kind in CHANGING]
        if changing:
            groups = zip(panel.groups, self._group_sums(ledger.digest, changing), strict=True)
            summed = tuple(replace(group, demand=new.demand, sellers=new.sellers) for group, new in groups)
            panel = replace(corrected(panel, changing), groups=summed)
        pairs = pairs_of(ledger.marks, self._recorded_pairs)
        life = [mark for mark in ledger.marks if mark.kind in LIFE]
        return lived(panel, life, pairs, self._partners(panel, pairs, changing)) if pairs or life else panel

    def _partners(self, panel: Panel, pairs: Mapping[str, Pair], marks: Sequence[Mark]) -> Panel | None:
        """Both items of every pair that one of the panel's is in."""
        here = {str(item_id) for item_id in panel.item_ids}
        found = {one for pair in pairs.values() if {pair.item_id, pair.other} & here for one in (pair.item_id, pair.other)}
        there = self._there(sorted(found))
        return corrected(self.imported(there), marks) if there else None

    def _there(self, item_ids: Sequence[str]) -> list[str]:
        """Those that the catalog holds: a ledger outlives a reload, and a column may name what was never sold."""
        answer = []
        for item_id in item_ids:
            try:
                self._place(item_id)
            except UnknownItem:
                continue
            answer.append(item_id)
        return answer

    def _group_sums(self, digest: str, marks: Sequence[Mark]) -> tuple[GroupSeries, ...]:
        """The groups with these marks counted; worked out once for each ledger, by its ``digest``."""
        found = self._summed.get(digest)
        if found is None:
            named = self._there(sorted({mark.item_id for mark in marks if mark.item_id and mark.kind != "out of stock"}))
            anyone = named or [self.search("", limit=1).rows[0].item_id]
            found = corrected_groups(self.imported(anyone), marks)
            if len(self._summed) >= _KEPT_SUMS:
                self._summed.clear()
            self._summed[digest] = found
        return found
