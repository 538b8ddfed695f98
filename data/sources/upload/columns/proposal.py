"""The mapping that a file's names and cells suggest, and what a planner should know of why.

Roles are taken from names first, then from cells: the one column of dates, the one of numbers, the columns that name every row
once. What was sold in money, or how many bought, is known only with the demand itself and is told to no forecast.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
import pyarrow as pa

from data.facts import Check
from data.locations import LOCATION_COLUMNS, SUPPLIED_FROM
from data.schema import COMMERCIAL
from data.sources.upload.column_mapping import ColumnMapping, changes, plain_name
from data.sources.upload.columns.column_names import is_count, is_money, part_named, rank, role_named
from data.sources.upload.columns.key_columns import found_keys, joined, names_rows_once, offer_of
from data.sources.upload.dates.column_dates import date_share, dates
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, Decisions
from data.sources.upload.readers.table import FileTable
from data.sources.upload.value_parsing import Coded, Decimal, numbers, numeric_share
from data.units import is_factor

#: A column whose numbers name something, when they do not change within an item.
_LABEL = re.compile(r"(^|_)(id|code|nbr|no|number|class|cluster|dept|department|category|group|family|brand|type|segment)$")

#: One whose numbers count or name something, such as invoices and customers, and measure nothing.
_NUMBERS = re.compile(r"(^|_)(id|code|nbr|no|number|nr)$")

_NUMERIC, _DATE = 0.9, 0.9

#: How closely a number moves with the demand before it tells of it, over so many rows at least and at most.
_TELLS, _LEAST_ROWS, _MOST_ROWS = 0.985, 30, 20_000

#: What a column is called that holds the one item of a file, or items of several columns.
_ITEM = "Item"


@dataclass(frozen=True, eq=False)
class Proposal:
    """A mapping, the table that it is of with the columns that were made for it, and what is told."""

    mapping: ColumnMapping
    table: FileTable
    cells: Mapping[str, Coded]
    checks: tuple[Check, ...]


def proposed(table: FileTable, cells: Mapping[str, Coded], decimal: Decimal, file_name: str, decisions: Decisions) -> Proposal:
    """What the columns are, as their names and cells suggest it."""
    return _Proposing(table, cells, decimal, file_name, decisions).made()


class _Proposing:
    """One pass over the columns; each step takes some of them for a role."""

    def __init__(
        self, table: FileTable, cells: Mapping[str, Coded], decimal: Decimal, file_name: str, decisions: Decisions
    ) -> None:
        self._table, self._cells, self._decimal = table, dict(cells), decimal
        self._file_name, self._decisions = file_name, decisions
        self._numeric = {column for column, found in cells.items() if numeric_share(found, decimal) >= _NUMERIC}
        self._dated = {column for column, found in cells.items() if date_share(found) >= _DATE}
        self._taken: dict[str, str] = {}
        self._checks: list[Check] = []

    def made(self) -> Proposal:
        taken = self._taken
        for role in ("item_id", "date", "demand", "price", "promo", "stock", "name", "location"):
            likely = {"date": self._dated, "demand": self._numeric, "price": self._numeric, "stock": self._numeric}.get(role)
            taken[role] = self._find(role, likely) or (self._find(role) if role in ("demand", "price", "stock") else "")
        self._date()
        commercial = {}
        for role in COMMERCIAL:
            if role != "price" and (column := self._find(role, self._numeric)):
                commercial[role] = taken[role] = column
        self._demand()
        leaks = self._leaks()
        self._items()
        return self._mapping(commercial, leaks)

    def _free(self) -> list[str]:
        return [column for column in self._cells if column not in self._taken.values()]

    def _find(self, role: str, likely: set[str] | None = None) -> str:
        """The free column whose name most likely has the role, "" for none."""
        ranked = [
            (found, place, column)
            for place, column in enumerate(self._free())
            if (likely is None or column in likely) and (found := rank(role, column)) is not None
        ]
        return min(ranked)[2] if ranked else ""

    def _tell(self, title: str, words: str, count: int = 1) -> None:
        self._checks.append(Check(title, words, count, "note"))

    def _date(self) -> None:
        taken, free = self._taken, self._dated - set(self._taken.values())
        if not taken["date"] and len(free) == 1:
            taken["date"] = next(iter(free))
        if not taken["date"]:  # day numbers, or dates that are wrong: told when they are read
            taken["date"] = self._find("date", {c for c in self._cells if c in self._numeric or date_share(self._cells[c])})

    def _demand(self) -> None:
        """A column of numbers where no name says it: the only one, or else what was sold in money."""
        taken = self._taken
        if taken["demand"] and not (is_money(taken["demand"]) and rank("demand", taken["demand"]) is None):
            return
        free = [c for c in self._free() if c in self._numeric and c not in self._dated]
        money = [c for c in free if is_money(c)]
        plain = [c for c in free if c not in money and not is_count(c) and not _LABEL.search(plain_name(c))]
        measures = [c for c in plain if role_named(c) == ""]
        if money:
            taken["demand"] = money[0]
            words = f"The file has no quantity: {money[0]!r}, which is money, is forecast in its place."
            self._checks.append(Check("Columns", words, 1, "warning"))
        elif len(measures) == 1 and taken["date"]:
            taken["demand"] = measures[0]
            self._tell("Columns", f"{measures[0]!r} is the only column of numbers and is taken for the demand.")

    def _leaks(self) -> set[str]:
        """Columns of numbers that are known only with the demand: by their names, and those that move as it does."""
        demand = self._taken["demand"]
        if not demand:
            return set()
        free = [column for column in self._free() if column in self._numeric and not is_factor(plain_name(column))]
        named = {c for c in free if is_money(c) or is_count(c) or rank("demand", c) is not None}
        rows = np.unique(np.linspace(0, len(self._table) - 1, min(len(self._table), _MOST_ROWS)).astype(np.int64))
        sold = numbers(self._cells[demand], self._decimal)[0][rows]
        for column in free:
            if column not in named and len(self._cells[column].texts) > 2:
                other = numbers(self._cells[column], self._decimal)[0][rows]
                if _move_together(sold, other):
                    named.add(column)
        if named:
            listed = shortened(", ".join(repr(column) for column in self._cells if column in named), 200)
            words = (
                f"Not told to the forecast, for they are known only when the demand is: {listed}. "
                "Choose them as known afterwards if they tell more."
            )
            self._tell("Columns", words, len(named))
        return named

    # items

    def _items(self) -> None:
        """One item where the file has only one, or the columns that name every row once."""
        taken = self._taken
        if not taken["date"] or not taken["demand"]:
            return
        days = dates(self._cells[taken["date"]], day_first=None, day_first_if_unclear=self._table.delimiter == ";").days
        free = [column for column in self._free() if self._could_name(column)]
        if taken["item_id"]:
            self._again(days, free)
        elif taken["name"]:
            taken["item_id"], taken["name"] = taken["name"], ""
            self._tell("Columns", f"{taken['item_id']!r} is taken for the item: no column holds its number.")
            self._again(days, free)
        elif names_rows_once(np.zeros(len(days), np.int64), days):
            self._one_item()
        else:
            base = [taken["location"]] if taken["location"] else []
            if base and names_rows_once(self._cells[base[0]].codes, days):
                taken["item_id"], taken["location"] = base[0], ""
                self._tell("Columns", f"{base[0]!r} is taken for the item: with the date it names every row once.")
            elif (keys := found_keys(self._cells, base, free, days)) is not None:
                own = [column for column in keys.columns if column not in base]
                if len(own) == 1:
                    taken["item_id"] = own[0]
                    self._tell("Columns", f"{own[0]!r} is taken for the item: with the date it names every row once.")
                else:
                    self._join(own, "", 0, base)

    def _could_name(self, column: str) -> bool:
        """Whether a column names something: words, or whole numbers with such a name."""
        if column in self._dated or role_named(column) not in ("", "name"):
            return False
        if column not in self._numeric:
            return True
        whole = all(text.isdigit() for text in self._cells[column].texts[:1000])
        return whole and (bool(_LABEL.search(plain_name(column))) or not is_money(column)) and not is_count(column)

    def _again(self, days: np.ndarray, free: list[str]) -> None:
        """Further columns for the item where its ids come again on one date."""
        taken = self._taken
        base = [taken["item_id"], *([taken["location"]] if taken["location"] else [])]
        codes = joined(base, self._cells).codes
        if names_rows_once(codes, days):
            return
        keys = found_keys(self._cells, base, free, days)
        if keys is None:
            return
        whole = (codes >= 0) & ~np.isnat(days)
        _, day = np.unique(days[whole], return_inverse=True)
        again = int(whole.sum()) - len(np.unique(codes[whole].astype(np.int64) * (int(day.max(initial=0)) + 1) + day))
        self._join([column for column in keys.columns if column != taken["location"]], taken["item_id"], again, base[1:])

    def _join(self, columns: list[str], item: str, again: int, location: list[str]) -> None:
        """Items of these columns together, in a column of their own, where that is wanted."""
        ordered = [column for column in self._cells if column in columns]
        keys = joined(ordered, self._cells)
        offer = offer_of(joined([*ordered, *location], self._cells) if location else keys, item, again, self._decisions)
        self._table = replace(self._table, offers=(*self._table.offers, offer))
        if offer.answer == NO:
            return
        name = next(n for n in (_ITEM, *(f"{_ITEM} {place}" for place in range(2, 99))) if n not in self._cells)
        name = " + ".join(ordered) if " + ".join(ordered) not in self._cells else name
        self._table = replace(self._table, columns={**self._table.columns, name: keys.array()})
        self._cells[name] = keys.cells()
        self._taken["item_id"] = name

    def _one_item(self) -> None:
        title = PurePath(self._file_name).name.split(".")[0] or _ITEM
        name = next(n for n in (_ITEM, *(f"{_ITEM} {place}" for place in range(2, 99))) if n not in self._cells)
        codes = np.zeros(len(self._table), np.int64)
        self._table = replace(
            self._table, columns={**self._table.columns, name: pa.array([title] * len(self._table), pa.string())}
        )
        self._cells[name] = Coded((title,), codes)
        self._taken["item_id"] = name
        self._tell("Columns", f"The file has no column for the item and each date once: all of it is one item, {title!r}.")

    # the rest

    def _mapping(self, commercial: dict[str, str], leaks: set[str]) -> Proposal:
        cells, taken = self._cells, self._taken
        items = cells[taken["item_id"]].codes if taken["item_id"] else None
        gone = {*taken.values(), *self._dated, *leaks, *(c for c in cells if part_named(c) and taken["date"])}
        rest = [c for c in cells if c not in gone and cells[c].texts]
        constant = {c for c in [*rest, taken["location"]] if c and items is not None and not changes(items, cells[c].codes)}
        if taken["location"] in constant:  # every item is at one place only
            rest.append(taken["location"])
            taken["location"] = ""
        plain = {column: plain_name(column) for column in cells}
        named = {c for c in rest if _LABEL.search(plain[c]) or plain[c] in LOCATION_COLUMNS or role_named(c) == "location"}
        static = {c for c in rest if c in constant and (c not in self._numeric or c in named)}
        static |= {c for c in rest if taken["location"] and plain[c] == SUPPLIED_FROM}  # it differs by location
        static |= {c for c in rest if c in constant and is_factor(plain[c])}
        mapping = ColumnMapping(
            item_id=taken["item_id"],
            date=taken["date"],
            demand=taken["demand"],
            price=taken["price"],
            promo=taken["promo"],
            stock=taken["stock"],
            name=taken["name"],
            location=taken["location"],
            past=tuple(c for c in rest if c in self._numeric and c not in static and not _NUMBERS.search(plain[c])),
            static=tuple(
                sorted((c for c in cells if c in static), key=lambda c: is_factor(plain[c]))
            ),  # the first groups items
            commercial=commercial,
        )
        return Proposal(mapping, self._table, cells, tuple(self._checks))


def _move_together(sold: np.ndarray, other: np.ndarray) -> bool:
    """Whether two columns of numbers tell nearly the same."""
    both = np.isfinite(sold) & np.isfinite(other)
    if both.sum() < _LEAST_ROWS or np.ptp(sold[both]) == 0 or np.ptp(other[both]) == 0:
        return False
    return bool(np.corrcoef(sold[both], other[both])[0, 1] > _TELLS)
