"""Rows that were read and checked, written as a catalog: some items at a time, in an order that is not the file's.

Items are written by their ids and attributes by their names, so that the same data make the same catalog whichever way they
came: in one file or in a folder of many, by item or by date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from data.catalog_writer import CatalogWriter
from data.events import Stamp
from data.facts import Check
from data.orders import Orders
from data.schema import Frequency, Panel, Plan
from data.sources.upload.panel_layout import Rows, panel_of
from data.sources.upload.readers.coded_columns import Telling, silent

#: Items, and numbers, written at a time.
_CHUNK, _NUMBERS = 20_000, 16_000_000

#: Attributes that group items before others do: the first of a catalog is the one whose sums the desk shows first.
_GROUPING = ("category", "department", "family", "group", "class", "segment", "division", "product_group", "brand")


@dataclass(frozen=True)
class Naming:
    """What a catalog is called and how it is read: see ``CatalogWriter``."""

    name: str
    words: str
    frequency: Frequency
    price_seen: Literal["always", "when sold"]
    currency: str
    country: str | None
    stamp: Stamp | None


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some items [n] as they are written, with names, commercial columns and plan."""

    panel: Panel
    names: Sequence[str]
    commercial: pd.DataFrame
    plan: Plan | None
    suppliers: Sequence[str] | None = None


def chunks_of(rows: Rows) -> Iterable[Chunk]:
    """All items of rows without problems in the order of a catalog, some at a time."""
    order = catalog_order(rows.item_ids)
    rows = rows.renumbered(order)
    width = (rows.periods + rows.planned) * (2 + len(rows.known) + len(rows.past))
    size = min(_CHUNK, max(1, _NUMBERS // max(1, width)))
    for first in range(0, len(order), size):
        part = rows.stretch(first, min(first + size, len(order)))
        panel, plan = panel_of(part)
        panel = replace(panel, static=in_order(panel.static, first=_GROUPING), past=in_order(panel.past))
        known = in_order(panel.known, first=("price", "promo"))
        yield Chunk(replace(panel, known=known), part.names, part.commercial, plan)


def catalog_order(item_ids: Sequence[str]) -> np.ndarray:
    """The order [N] in which items are written: by their ids, those of one product together."""
    return np.array(sorted(range(len(item_ids)), key=lambda place: item_ids[place].split(" @ ")), dtype=np.int64)


def in_order(columns: Mapping[str, np.ndarray], first: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The columns by name, those named ``first`` before others."""
    place = {name: number for number, name in enumerate(first)}
    return dict(sorted(columns.items(), key=lambda column: (place.get(column[0], len(place)), column[0])))


def write(
    path: Path,
    naming: Naming,
    chunks: Iterable[Chunk],
    items: int,
    *,
    orders: Orders | None = None,
    checks: Iterable[Check] = (),
    tell: Telling = silent,
) -> None:
    """Writes the catalog at ``path``, all of the ``items`` or nothing; raises DataError, ResourceError."""
    with CatalogWriter(
        path,
        name=naming.name,
        source="upload",
        words=naming.words,
        frequency=naming.frequency,
        currency=naming.currency,
        country=naming.country,
        price_seen=naming.price_seen,
        stamp=naming.stamp,
    ) as writer:
        done = 0
        for chunk in chunks:
            writer.add(
                chunk.panel,
                names=chunk.names,
                commercial=chunk.commercial,
                suppliers=chunk.suppliers,
                plan=chunk.plan,
            )
            done += len(chunk.panel)
            tell(done, items, f"Writing {done:,} of {items:,} items")
        if orders is not None:
            writer.set_orders(orders)
        for check in checks:
            writer.note(check)
        tell(items, items, "Putting the catalog in order")
