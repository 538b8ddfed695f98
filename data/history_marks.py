"""The history ledger: what planners say of the recorded past, row by row, and the history as it stands with their rows.

Imported records are never changed. A mark says of some periods that what was recorded is not what is usual, and the history
that forecasting learns from is the imported one with all marks laid over it in the order in which they were made:

* one-off: demand was ``units`` a period as is usual, or is unknown where no usual number is given;
* out of stock: the item was not there to be bought, so that demand was at least what sold;
* event: demand of the item, its category or all items is unknown, for nobody knows what it would have been without;
* wrong: demand was ``units`` a period;
* right: what was recorded is right as it stands; nothing changes, and nothing is proposed there again.

Three more kinds are about an item's life, see ``data.life_cycle``: replaces, ended and sold on.

Axis letters: N items, T periods, G groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Literal, get_args

import numpy as np
import pandas as pd

from data.errors import ConfigurationError
from data.schema import GroupSeries, Panel

Kind = Literal["one-off", "out of stock", "event", "wrong", "right", "replaces", "ended", "sold on"]

#: The kinds that change what is recorded of their periods.
CHANGING: tuple[Kind, ...] = ("one-off", "out of stock", "event", "wrong")

#: The kinds that tell where an item's life begins, ends or goes on.
LIFE: tuple[Kind, ...] = ("replaces", "ended", "sold on")


@dataclass(frozen=True)
class Mark:
    """One row of the ledger.

    Attributes
    ----------
    kind : what it says.
    first, last : the stamps of the first and the last period it is about, as 2024-03-04. An item that "ended" sells nothing
        from ``first`` on; one that "replaces" another takes its demand from ``first`` on ("" where its own sales begin), in
        part until ``last`` ("" at once).
    item_id, category : whom it is about; both empty, all items. Only events are about more than one item.
    units : a period, usual or right; of "replaces", how many of it sell for one of the ``other``. None: not known.
    name : of an event.
    reason : why, in the planner's words.
    other : the item that is replaced.
    share : of the other's demand that is taken from ``first`` until ``last``, 0 … 1.
    known : the last period on record when it was made, "" for the newest: before that nobody could know it.
    number : by which it is undone; they rise in the order in which marks are made, and 0 is one not kept yet.

    Raises
    ------
    ConfigurationError : it cannot be meant.
    """

    kind: Kind
    first: str
    last: str
    item_id: str = ""
    category: str = ""
    units: float | None = None
    name: str = ""
    reason: str = ""
    other: str = ""
    share: float = 1.0
    known: str = ""
    number: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ConfigurationError(f"{self.kind!r} is no kind of mark. Take one of {', '.join(get_args(Kind))}.")
        if wrong := self._wrong():
            raise ConfigurationError(wrong)

    def _wrong(self) -> str:
        """Why it cannot be meant, "" where it can."""
        for stamp in (self.first, self.last, self.known):
            if stamp and not _is_date(stamp):
                return f"{stamp!r} is no date. Write it as 2024-03-04."
        if self.kind not in LIFE and not (self.first and self.last):
            return "A mark needs its first and its last period. Choose both."
        if self.first and self.last and self.first > self.last:
            return f"The first period, {self.first}, lies after the last, {self.last}. Change one of them."
        if self.units is not None and not 0 <= self.units < float("inf"):
            return f"{self.units:g} units cannot be sold. Give 0 or more."
        if self.kind == "wrong" and self.units is None:
            return "A wrong number needs the right one. Give it, or mark the period as a one-off without a usual number."
        if self.kind == "event" and not self.name.strip():
            return "An event needs a name, by which you find it on the chart. Give it one."
        if self.kind != "event" and not self.item_id:
            return "Only an event is about more than one item. Choose an item."
        if self.kind == "replaces":
            return self._wrong_pair()
        return ""

    def _wrong_pair(self) -> str:
        if not self.other or self.other == self.item_id:
            return "Choose the product that this one replaces; it cannot be this one itself."
        if self.units is not None and self.units <= 0:
            return "Of the new product some must sell for one of the old. Give a ratio above 0."
        if not 0 <= self.share <= 1:
            return "A share lies between 0 and 100 %. Change it."
        return ""

    @property
    def scope(self) -> str:
        """Whom it is about, in words."""
        return f"item {self.item_id}" if self.item_id else f"category {self.category}" if self.category else "all items"

    @property
    def ratio(self) -> float:
        """Units of the new product that sell for one of the old."""
        return 1.0 if self.units is None else self.units

    def covers(self, periods: pd.DatetimeIndex) -> np.ndarray:
        """[T] bool: which periods it is about."""
        return np.asarray((periods >= pd.Timestamp(self.first)) & (periods <= pd.Timestamp(self.last)))

    def is_about(self, item_id: str, category: str) -> bool:
        """Whether it is about an item of this category."""
        return self.item_id == item_id if self.item_id else self.category in ("", category)


@dataclass(frozen=True)
class Ledger:
    """All marks of a catalog, oldest first; ``version`` rises with every one that is made or undone."""

    version: int = 0
    marks: tuple[Mark, ...] = ()

    @property
    def digest(self) -> str:
        """Names what forecasting reads of it, "" where that is nothing: a mark that was undone leaves no trace."""
        read = [astuple(replace(mark, number=0, reason="")) for mark in self.marks if mark.kind != "right"]
        return hashlib.blake2b(repr(read).encode(), digest_size=8).hexdigest() if read else ""

    def of(self, item_id: str, category: str) -> tuple[Mark, ...]:
        """Those that are about one item; as the one replaced, too."""
        return tuple(mark for mark in self.marks if mark.is_about(item_id, category) or mark.other == item_id)


def corrected(panel: Panel, marks: Sequence[Mark]) -> Panel:
    """The panel [N, T] with the marks laid over what is recorded; itself where none is about it.

    Its groups stay as they are, see ``corrected_groups``. A category is a value of the panel's first static attribute.
    """
    marks = [mark for mark in marks if mark.kind in CHANGING]
    rows_of = {str(item_id): row for row, item_id in enumerate(panel.item_ids)} if any(mark.item_id for mark in marks) else {}
    categories = next(iter(panel.static.values()), None)
    demand, in_stock = panel.demand.copy(), panel.in_stock.copy()
    touched = False
    for mark in marks:
        if mark.item_id:
            rows = np.array([rows_of[mark.item_id]] if mark.item_id in rows_of else [], int)
        elif mark.category:
            rows = np.zeros(0, int) if categories is None else np.flatnonzero(categories == mark.category)
        else:
            rows = np.arange(len(panel))
        span = np.flatnonzero(mark.covers(panel.periods))
        if not rows.size or not span.size:
            continue
        touched, cells = True, np.ix_(rows, span)
        if mark.kind == "out of stock":
            in_stock[cells] = 0.0
        else:
            demand[cells] = np.nan if mark.kind == "event" or mark.units is None else mark.units
    return replace(panel, demand=demand, in_stock=in_stock) if touched else panel


def corrected_groups(imported: Panel, marks: Sequence[Mark]) -> tuple[GroupSeries, ...]:
    """The groups of the whole catalog with the marks counted, from an ``imported`` panel of the items that marks name.

    Marks of items move every sum those items count in. An event of all items leaves nothing known of any group, one of a
    category nothing of that category, and the sum of all items is then without it. Sums by other attributes keep such a
    category's items as they were recorded, for that would need every item of it.
    """
    category, after, answer = next(iter(imported.static), ""), corrected(imported, marks), []
    for group in imported.groups:
        sums = [one.astype(np.float64) for one in (group.demand, group.sellers)]
        for each, read in zip(sums, (_units, _known), strict=True):
            np.subtract.at(each, group.codes, read(imported))  # the named are left out until all others are done
        answer.append(replace(group, demand=sums[0], sellers=sums[1]))
    whole, own = (next((group for group in answer if group.column == name), None) for name in ("", category))
    for mark in (one for one in marks if one.kind == "event" and not one.item_id):
        span = mark.covers(imported.periods)
        if not mark.category:
            for group in answer:
                group.demand[:, span], group.sellers[:, span] = 0.0, 0.0
        elif own is not None and mark.category in (labels := own.labels.tolist()):
            row = labels.index(mark.category)
            for name in ("demand", "sellers"):
                mine = getattr(own, name)
                if whole is not None and whole is not own:
                    getattr(whole, name)[0, span] -= mine[row, span]
                mine[row, span] = 0.0
    for group in answer:
        np.add.at(group.demand, group.codes, _units(after))
        np.add.at(group.sellers, group.codes, _known(after))
    return tuple(
        replace(group, demand=_sum(group.demand), sellers=_sum(np.round(group.sellers)), codes=np.zeros(0, np.int32))
        for group in answer
    )


def _units(panel: Panel) -> np.ndarray:
    """Demand [N, T], 0 where it is not known."""
    return np.nan_to_num(panel.demand).astype(np.float64)


def _known(panel: Panel) -> np.ndarray:
    """[N, T] 1.0 where demand is known."""
    return np.isfinite(panel.demand).astype(np.float64)


def _sum(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0.0).astype(np.float32)


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False
