"""Which location supplies which: a product's depot and its branches, from three static columns of the catalog.

``product`` is what the rows of several locations have in common, ``location`` is where a row stands, and ``supplied_from`` is
the location that supplies it, empty where it is bought from outside. Only two echelons are known: a depot buys from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PRODUCT, LOCATION, SUPPLIED_FROM = "product", "location", "supplied_from"

#: The static columns, all three of which a catalog of several locations has.
LOCATION_COLUMNS = (PRODUCT, LOCATION, SUPPLIED_FROM)

#: What limits a branch or its depot to nothing in a list that buys line by line.
BY_LOCATION = "plan by location"

#: How an upload writes an empty cell of a text.
_EMPTY = "unknown"


@dataclass(frozen=True)
class Family:
    """A product's ``depot`` and the ``branches`` that it supplies, as rows of the catalog."""

    product: str
    depot: int
    branches: tuple[int, ...]


@dataclass(frozen=True)
class Contradiction:
    """What cannot be of ``row``: such a row counts as bought from outside."""

    row: int
    message: str


def location_columns(static: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each of ``LOCATION_COLUMNS`` → [M] str, "" where not known; nothing unless all of them are there."""
    if not set(LOCATION_COLUMNS) <= set(static):
        return {}
    columns = {name: np.asarray(static[name], dtype=object) for name in LOCATION_COLUMNS}
    return {name: np.where((column == _EMPTY) | (column == None), "", column) for name, column in columns.items()}  # noqa: E711


def families(
    product: Sequence[str], location: Sequence[str], supplied_from: Sequence[str]
) -> tuple[tuple[Family, ...], tuple[Contradiction, ...]]:
    """The depots of a catalog of M rows with their branches, and the rows that contradict two echelons."""
    where: dict[tuple[str, str], int] = {}
    wrong: dict[int, str] = {}
    for row, key in enumerate(zip(product, location, strict=True)):
        if supplied_from[row] and not all(key):
            wrong[row] = f"It is supplied from {supplied_from[row]!r} but has no product or no location. Fill in both."
        elif all(key) and key in where:
            wrong[row] = f"Product {key[0]!r} stands at location {key[1]!r} twice. Keep one of the rows."
        elif all(key):
            where[key] = row
    found: dict[int, list[int]] = {}
    for row, source in enumerate(supplied_from):
        if not source or row in wrong:
            continue
        depot = where.get((product[row], source))
        if depot is None:
            wrong[row] = f"Product {product[row]!r} has no row at {source!r}, which supplies it. Add the depot's row."
        elif depot == row:
            wrong[row] = f"Location {source!r} supplies itself. Leave supplied_from empty where it is bought from outside."
        elif supplied_from[depot]:
            wrong[row] = (
                f"{source!r} supplies it and is itself supplied from {supplied_from[depot]!r}: only two echelons are worked "
                "out. Name the depot that buys from outside."
            )
        else:
            found.setdefault(depot, []).append(row)
    made = tuple(Family(str(product[depot]), depot, tuple(rows)) for depot, rows in found.items())
    return made, tuple(Contradiction(row, wrong[row]) for row in sorted(wrong))
