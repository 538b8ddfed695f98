"""What is known of one item's history and life beside its numbers: marks, proposals, what it replaces, whether it has ended.

Axis letters: T periods on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.errors import UnknownItem
from data.history_marks import CHANGING, Kind, Ledger, Mark
from data.history_proposals import Proposal, proposals
from data.life_cycle import Pair, seems_over
from data.schema import Panel

if TYPE_CHECKING:
    from data.corrected_catalog import CorrectedCatalog  # it is handed an opened one

#: The kinds after which nothing is proposed of their periods: a planner has spoken.
SPOKEN: tuple[Kind, ...] = (*CHANGING, "right")


@dataclass(frozen=True)
class ItemLife:
    """Where one item's life begins and ends, as far as is known.

    Attributes
    ----------
    ended : the planner's mark that it is no longer sold, None without.
    sold_on : the planner's mark that it is still sold, None without.
    silent : periods since its last sale.
    seems_over : its history by itself says that it is no longer sold.
    replaces, replaced_by : the pair in which it is the successor, and the one in which it is the predecessor.
    names : what the partners are called, by id; ids that the catalog does not hold are missing.
    """

    ended: Mark | None = None
    sold_on: Mark | None = None
    silent: int = 0
    seems_over: bool = False
    replaces: Pair | None = None
    replaced_by: Pair | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether it is taken for ended by its history or a planner; a product that was replaced is told of by its pair."""
        return self.ended is not None or (self.seems_over and self.sold_on is None)


@dataclass(frozen=True, eq=False)
class ItemRecord:
    """One item's history in its layers [T], as imported and as it counts, with all that was said of it.

    ``lent`` [T] is where another item's history stands in, ``version`` that of the ledger, and ``category`` the item's value of
    the first attribute. Marks are oldest first, proposals newest first.
    """

    item_id: str
    name: str
    category: str
    periods: pd.DatetimeIndex
    imported: np.ndarray
    demand: np.ndarray
    in_stock_imported: np.ndarray
    in_stock: np.ndarray
    lent: np.ndarray
    marks: tuple[Mark, ...]
    proposals: tuple[Proposal, ...]
    version: int
    life: ItemLife

    @property
    def changed(self) -> np.ndarray:
        """[T] where what counts is not what was imported."""
        same = (self.imported == self.demand) | (np.isnan(self.imported) & np.isnan(self.demand))
        stock = (self.in_stock_imported == self.in_stock) | (np.isnan(self.in_stock_imported) & np.isnan(self.in_stock))
        return ~(same & stock)

    @property
    def put_right(self) -> np.ndarray:
        """[T] where that is so because a planner marked the period."""
        return self.changed & covered(self.marks, self.periods, CHANGING)


def record_of(catalog: CorrectedCatalog, item_id: str) -> ItemRecord:
    """The record of one item; raises UnknownItem."""
    catalog = catalog.as_it_is()
    ledger, panel, imported = catalog.ledger, catalog.panel([item_id]), catalog.imported([item_id])
    facts = catalog.item(item_id)
    category = next(iter(facts.static.values()), "")
    lent = np.zeros(len(panel.periods), bool) if panel.life is None else panel.life.lent(panel.periods)[0]
    known = np.flatnonzero(np.isfinite(panel.demand[0]) | np.isfinite(imported.demand[0]))
    shown = slice(int(known[0]) if known.size else len(panel.periods), None)
    marks = ledger.of(item_id, category)
    return ItemRecord(
        item_id=item_id,
        name=facts.name,
        category=category,
        periods=panel.periods[shown],
        imported=imported.demand[0, shown],
        demand=panel.demand[0, shown],
        in_stock_imported=imported.in_stock[0, shown],
        in_stock=panel.in_stock[0, shown],
        lent=lent[shown],
        marks=marks,
        proposals=tuple(_from(proposals(panel, covered(marks, panel.periods, SPOKEN) | lent), shown.start)),
        version=ledger.version,
        life=life_of(catalog, panel, ledger),
    )


def covered(marks: Sequence[Mark], periods: pd.DatetimeIndex, kinds: Sequence[Kind]) -> np.ndarray:
    """[T] which periods a mark of one of these kinds is about."""
    answer = np.zeros(len(periods), bool)
    for mark in marks:
        if mark.kind in kinds:
            answer |= mark.covers(periods)
    return answer


def life_of(catalog: CorrectedCatalog, panel: Panel, ledger: Ledger) -> ItemLife:
    """Of the one item of ``panel``."""
    item_id, pairs = str(panel.item_ids[0]), catalog.pairs()
    own = [mark for mark in ledger.marks if mark.item_id == item_id and mark.kind in ("ended", "sold on")]
    said = own[-1] if own else None  # the later counts
    replaces = pairs.get(item_id)
    replaced_by = next((pair for pair in pairs.values() if pair.other == item_id), None)
    sold = np.flatnonzero(np.nan_to_num(panel.demand[0]) > 0)
    return ItemLife(
        ended=said if said is not None and said.kind == "ended" else None,
        sold_on=said if said is not None and said.kind == "sold on" else None,
        silent=len(panel.periods) - 1 - int(sold[-1]) if sold.size else 0,
        seems_over=bool(seems_over(panel)[0]),
        replaces=replaces,
        replaced_by=replaced_by,
        names=_names(catalog, replaces.other if replaces else "", replaced_by.item_id if replaced_by else ""),
    )


def _names(catalog: CorrectedCatalog, *item_ids: str) -> dict[str, str]:
    answer = {}
    for item_id in filter(None, item_ids):
        try:
            answer[item_id] = catalog.item(item_id).name
        except UnknownItem:
            continue
    return answer


def _from(found: tuple[Proposal, ...], start: int) -> list[Proposal]:
    """The proposals with positions that count from ``start``."""
    return [replace(one, first=one.first - start, last=one.last - start) for one in found]
