"""All items at once as buying needs them: commercial columns as arrays, names and texts read only where they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.locations import LOCATION_COLUMNS, Contradiction, Family, families, location_columns
from data.units import Unit, is_factor

#: The attribute whose values items are bought from.
SUPPLIER = "supplier"


@dataclass(frozen=True, eq=False)
class Assortment:
    """N items, best sellers first.

    Attributes
    ----------
    item_ids : [N] str.
    names, search_text : [N] as the catalog stores them, the latter with case and character forms folded.
    category : [N] the first attribute of each, "" where the catalog has none.
    supplier : [N] the attribute of this name, else whom the catalog says they are bought from; None where it has neither.
    measures : attribute that measures a piece → [N] as the catalog stores it, see ``data.units``.
    commercial : name → [N] float64, NaN where not known.
    locations : each of ``LOCATION_COLUMNS`` → [N] str, "" where not known; empty unless the catalog has all of them.
    """

    item_ids: np.ndarray
    names: pa.ChunkedArray
    search_text: pa.ChunkedArray
    category: pd.Categorical
    commercial: Mapping[str, np.ndarray]
    locations: Mapping[str, np.ndarray] = field(default_factory=dict)
    supplier: pd.Categorical | None = None
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Every category there is, in alphabetical order."""
        return tuple(sorted({str(one) for one in self.category.categories}))

    @cached_property
    def echelons(self) -> tuple[tuple[Family, ...], tuple[Contradiction, ...]]:
        """Depots with their branches, and what contradicts itself; nothing where the catalog has no locations."""
        where = {name: column.tolist() for name, column in self.locations.items()}
        return families(where["product"], where["location"], where["supplied_from"]) if where else ((), ())

    @cached_property
    def by_location(self) -> np.ndarray:
        """[N] bool: a branch that a depot supplies, or such a depot: not bought line by line."""
        answer = np.zeros(len(self), bool)
        for family in self.echelons[0]:
            answer[[family.depot, *family.branches]] = True
        return answer

    @cached_property
    def suppliers(self) -> tuple[str, ...]:
        """Every supplier there is, in alphabetical order."""
        return () if self.supplier is None else tuple(sorted({str(one) for one in self.supplier.categories}))

    def factors(self, unit: Unit, rows: np.ndarray) -> np.ndarray:
        """What a piece of each of these items [K] is in ``unit``, by its column; NaN where that is not known."""
        column = self.measures.get(unit.column, self.commercial.get(unit.column))
        return np.full(len(rows), np.nan) if column is None else unit.factors(np.asarray(column, dtype=object)[rows])

    def names_of(self, rows: Sequence[int] | np.ndarray) -> list[str]:
        """The names of these rows [K]."""
        return self.names.take(pa.array(np.asarray(rows))).to_pylist()

    def in_category(self, label: str) -> np.ndarray:
        """[N] bool."""
        return np.asarray(self.category == label)

    def from_supplier(self, label: str) -> np.ndarray:
        """[N] bool."""
        return np.zeros(len(self), bool) if self.supplier is None else np.asarray(self.supplier == label)

    def matching(self, folded: str) -> np.ndarray:
        """[N] bool: every word of ``folded`` is in the item's id, name or attributes."""
        found = np.ones(len(self), bool)
        for word in folded.split():
            found &= pc.match_substring(self.search_text, word).to_numpy()
        return found


def assortment_of(rows: pa.Table, static: Sequence[str], commercial: Sequence[str]) -> Assortment:
    """From the catalog's rows of items."""
    grouping = [name for name in static if not is_factor(name)]
    first = rows[f"static_{grouping[0]}"].to_numpy() if grouping else np.full(len(rows), "", dtype=object)
    attribute = next((name for name in static if name.casefold() == SUPPLIER), "")
    unknown, stored = np.full(len(rows), np.nan), set(rows.column_names)  # an older catalog lacks the columns that came later

    def column(name: str) -> np.ndarray:
        kept = f"commercial_{name}"
        return rows[kept].to_numpy().astype(np.float64) if kept in stored else unknown

    def bought_from() -> pd.Categorical | None:
        named = f"static_{attribute}" if attribute else f"commercial_{SUPPLIER}"
        names = rows[named].to_numpy() if named in stored else np.zeros(0, object)
        return pd.Categorical(names) if attribute or (names != "").any() else None

    return Assortment(
        item_ids=rows["item_id"].to_numpy(),
        names=rows["name"],
        search_text=rows["search_text"],
        category=pd.Categorical(first),
        commercial={name: column(name) for name in commercial},
        locations=location_columns({name: rows[f"static_{name}"].to_numpy() for name in LOCATION_COLUMNS if name in static}),
        supplier=bought_from(),
        measures={name: rows[f"static_{name}"].to_numpy() for name in static if is_factor(name)},
    )
