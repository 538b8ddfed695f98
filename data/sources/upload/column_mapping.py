"""What the columns of a file are: proposed from their names and cells, decided by the planner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np

from data.errors import ConfigurationError
from data.events import Stamp
from data.locations import LOCATION_COLUMNS, SUPPLIED_FROM
from data.schema import COMMERCIAL
from data.sources.upload.value_parsing import Coded, Decimal, date_share, numeric_share

#: What the names of a column mean, the likeliest first.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "item_id": (
        "item_id", "item", "sku", "sku_id", "product_id", "product", "article", "article_id", "material", "item_no",
        "item_number", "unique_id", "series_id", "asin", "upc", "ean", "gtin", "artikel", "artikelnummer", "code",
    ),
    "date": (
        "date", "ds", "week", "week_start", "week_starting", "week_end", "week_ending", "month", "day", "period",
        "timestamp", "datetime", "time", "order_date", "sales_date", "invoice_date", "datum", "fecha",
    ),
    "demand": (
        "demand", "units", "qty", "quantity", "units_sold", "unit_sales", "sales_units", "sold", "sales_qty", "sales",
        "y", "volume", "target", "orders", "menge", "absatz", "cantidad",
    ),
    "price": (
        "price", "unit_price", "sell_price", "selling_price", "sales_price", "avg_price", "retail_price", "preis",
    ),
    "promo": ("promo", "promotion", "on_promotion", "onpromotion", "is_promo", "promo_flag", "deal", "feature"),
    "stock": (
        "stock", "in_stock", "instock", "in_stock_share", "availability", "inventory", "stock_units", "stock_level",
        "closing_stock", "opening_stock", "bestand",
    ),
    "name": ("name", "item_name", "product_name", "description", "item_description", "product_description", "title"),
    "location": (
        "store", "store_id", "store_nbr", "location", "location_id", "warehouse", "site", "dc", "branch", "shop",
    ),
    "unit_cost": ("unit_cost", "cost", "cogs", "cost_price", "purchase_price"),
    "pack_size": ("pack_size", "case_size", "case_pack", "units_per_case"),
    "min_order": ("min_order", "moq", "minimum_order", "min_order_qty"),
    "lead_time": ("lead_time", "leadtime", "lead_time_periods"),
    "on_hand": ("on_hand", "stock_on_hand", "soh", "qty_on_hand"),
    "on_order": ("on_order", "qty_on_order", "open_orders"),
    "lead_time_sd": ("lead_time_sd", "lead_time_std", "lead_time_deviation", "lead_time_variability"),
    "arrives_in": ("arrives_in", "on_order_arrives_in", "next_receipt_in", "periods_to_receipt"),
    "back_orders": ("back_orders", "backorders", "qty_back_ordered", "backlog"),
    "shelf_life": ("shelf_life", "shelf_life_periods", "keeps_for"),
    "max_cover": ("max_cover", "maximum_cover", "cover_limit"),
}  # fmt: skip

#: A stock of these names is what was left at the end of a period: the latest is what is on hand.
CLOSING_STOCK = ("stock", "inventory", "stock_units", "stock_level", "closing_stock", "bestand")

#: A column whose numbers name something, when they do not change within an item.
_LABEL = re.compile(r"(^|_)(id|code|nbr|no|number|class|cluster|dept|department|category|group|family|brand|type|segment)$")

_NUMERIC, _DATE = 0.9, 0.9


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


def proposed(columns: Mapping[str, Coded], decimal: Decimal) -> ColumnMapping:
    """The mapping that the names and cells of the columns suggest."""
    plain = {column: plain_name(column) for column in columns}
    numeric = {column for column, cells in columns.items() if numeric_share(cells, decimal) >= _NUMERIC}
    dated = {column for column, cells in columns.items() if date_share(cells) >= _DATE}
    taken: dict[str, str] = {}

    def find(role: str, likely: set[str] | None = None) -> str:
        free = [column for column in columns if column not in taken.values()]
        for wanted in _SYNONYMS[role]:
            for column in free:
                if plain[column] == wanted and (likely is None or column in likely):
                    return column
        return ""

    for role in ("item_id", "date", "demand", "price", "promo", "stock", "name", "location"):
        likely = {"date": dated, "demand": numeric, "price": numeric, "stock": numeric}.get(role)
        taken[role] = find(role, likely) or (find(role) if role in ("date", "demand", "price", "stock") else "")
    if not taken["date"] and len(dated - set(taken.values())) == 1:
        taken["date"] = next(iter(dated - set(taken.values())))
    commercial = {}
    for role in COMMERCIAL:
        if role in _SYNONYMS and role != "price" and (column := find(role, numeric)):
            commercial[role] = taken[role] = column
    items = columns[taken["item_id"]].codes if taken["item_id"] else None
    rest = [c for c in columns if c not in taken.values() and columns[c].texts and c not in dated]
    constant = {c for c in [*rest, taken["location"]] if c and items is not None and not changes(items, columns[c].codes)}
    if taken["location"] in constant:  # every item is at one place only
        rest.append(taken["location"])
        taken["location"] = ""
    named = {c for c in rest if _LABEL.search(plain[c]) or plain[c] in LOCATION_COLUMNS}
    static = {c for c in rest if c in constant and (c not in numeric or c in named)}
    static |= {c for c in rest if taken["location"] and plain[c] == SUPPLIED_FROM}  # it differs by location
    return ColumnMapping(
        item_id=taken["item_id"],
        date=taken["date"],
        demand=taken["demand"],
        price=taken["price"],
        promo=taken["promo"],
        stock=taken["stock"],
        name=taken["name"],
        location=taken["location"],
        past=tuple(c for c in rest if c in numeric and c not in static),
        static=tuple(c for c in columns if c in static),
        commercial=commercial,
    )


def changes(items: np.ndarray, codes: np.ndarray) -> int:
    """How many items [by code] have more than one value among their filled cells."""
    filled = (codes >= 0) & (items >= 0)
    if not filled.any():
        return 0
    lowest = np.full(int(items.max()) + 1, np.iinfo(np.int64).max)
    highest = np.full(len(lowest), -1)
    np.minimum.at(lowest, items[filled], codes[filled])
    np.maximum.at(highest, items[filled], codes[filled])
    return int((lowest < highest).sum())
