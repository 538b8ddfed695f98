"""What the columns of a file are, as the planner decides it in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from data.errors import ConfigurationError
from data.events import Stamp
from data.schema import COMMERCIAL
from data.sources.upload.columns.row_keys import pieces

#: A stock of these names is what was left at the end of a period: the latest is what is on hand.
CLOSING_STOCK = ("stock", "inventory", "stock_units", "stock_level", "closing_stock", "bestand")


@dataclass(frozen=True)
class ColumnMapping:
    """Which column of the file is what; an empty name is not chosen yet.

    Attributes
    ----------
    item_id, date, demand : needed.
    price, promo, stock, name : may be absent.
    location : makes a row's item the product at this place.
    known : further numbers that are known ahead (planned).
    past : further numbers that are known only when they happened.
    static : attributes of the item.
    commercial : commercial column of the catalog → column of the file; the latest cell of each item counts.
    missing : what a row that is not there means between an item's first and last: "zero" sold, or "unknown".
    stock_is : "units", "share" of the period in stock, or None to tell from the numbers.
    day_first : settles dates like 02/01/2024; None to tell from the dates.
    stamp : whether a week is named by its first or its last day; None: Monday is the first, any other the last.
    price_seen : see ``Panel.price_seen``; None to tell from the rows.
    country : ISO code for the holidays, or None.
    currency : ISO code of the prices.
    """

    item_id: str = ""
    date: str = ""
    demand: str = ""
    price: str = ""
    promo: str = ""
    stock: str = ""
    name: str = ""
    location: str = ""
    known: tuple[str, ...] = ()
    past: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    commercial: Mapping[str, str] = field(default_factory=dict)
    missing: Literal["zero", "unknown"] = "unknown"
    stock_is: Literal["units", "share"] | None = None
    day_first: bool | None = None
    stamp: Stamp | None = None
    price_seen: Literal["always", "when sold"] | None = None
    country: str | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        odd = set(self.commercial) - set(COMMERCIAL)
        if odd:
            raise ConfigurationError(f"{min(odd)!r} is not a commercial column. Those are {', '.join(COMMERCIAL)}.")
        object.__setattr__(self, "commercial", MappingProxyType(dict(self.commercial)))

    def columns(self) -> tuple[str, ...]:
        """Every column of the file that has a role."""
        single = (self.item_id, self.date, self.demand, self.price, self.promo, self.stock, self.name, self.location)
        return tuple(c for c in (*single, *self.known, *self.past, *self.static, *self.commercial.values()) if c)


def plain_name(column: str) -> str:
    """A column's name as the catalog has it: lower case, words joined by underscores."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"\W+", "_", spaced.casefold()).strip("_")


def changes(items: np.ndarray, codes: np.ndarray) -> int:
    """How many items [by code] have more than one value among their filled cells."""
    last = np.full(int(items.max(initial=-1)) + 2, -1, codes.dtype)
    changed = np.zeros(len(last), bool)
    for comparing in (False, True):  # an item's last value first, then the rows that have another one
        for part in pieces(len(codes)):
            filled = (codes[part] >= 0) & (items[part] >= 0)
            item, code = items[part][filled], codes[part][filled]
            if comparing:
                changed[item[last[item] != code]] = True
            else:
                last[item] = code
    return int(changed.sum())
