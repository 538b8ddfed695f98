"""Launches on record: which items began while the catalog was kept, how they sold at first, and what was known before.

An item is a launch when its first sale comes after periods of the catalog without it; its curve is what it sold from that
period on. What is known of a product before it is sold is its attributes, its name, its price, its announced promotion,
and how the groups that it belongs to stood until then. Axis letters: N products, T periods, W periods of a launch,
G labels of an attribute, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from data.schema import PRICE, PROMO, Frequency, Panel

#: Launched items that a forecast needs at least.
ENOUGH = 20

#: An attribute with more values tells one item from another, not what kind it is.
_MOST_LABELS = 5000

#: Attributes that are looked at: each costs channels.
_MOST_COLUMNS = 6

#: Items of a group that weigh as much as the mean of all items, and periods that tell where a group stands.
_SHRUNK, _RECENT = 2.0, 8


def launch_window(frequency: Frequency, horizon: int) -> int:
    """W: how many periods a launch is followed for, a good half of the usual horizon and never beyond ``horizon``.

    >>> launch_window(Frequency.of("W-SUN"), 13), launch_window(Frequency.of("MS"), 6)
    (8, 4)
    """
    return max(1, min(horizon, round(frequency.horizon * 8 / 13)))


def periods_before(frequency: Frequency) -> int:
    """Periods of the catalog without an item that make its first sale a launch: about a month."""
    return {"day": 28, "week": 4, "month": 2}[frequency.unit]


@dataclass(frozen=True, eq=False)
class Products:
    """What is known of N products before they are sold.

    Attributes
    ----------
    item_ids, names : [N] str.
    static : attribute → [N] str.
    price : [N] money at launch, NaN where not known.
    promo : [N, W] announced promotion of each period of the launch, 0 … 1.
    start : [N] the period of the launch, counted from the catalog's first; it may lie after the last.
    """

    item_ids: np.ndarray
    names: np.ndarray
    static: Mapping[str, np.ndarray]
    price: np.ndarray
    promo: np.ndarray
    start: np.ndarray

    def __len__(self) -> int:
        return len(self.item_ids)

    def take(self, rows: np.ndarray) -> Products:
        """These products."""
        plain = {one.name: getattr(self, one.name)[rows] for one in fields(self) if one.name != "static"}
        return replace(self, **plain, static={name: values[rows] for name, values in self.static.items()})


@dataclass(frozen=True, eq=False)
class Launches:
    """Products whose launch is over, or as far as it is known: ``curves`` [N, W] units, NaN not known yet."""

    products: Products
    curves: np.ndarray

    def __len__(self) -> int:
        return len(self.products)

    @property
    def window(self) -> int:
        """W."""
        return self.curves.shape[1]

    def take(self, rows: np.ndarray) -> Launches:
        """These launches."""
        return Launches(self.products.take(rows), self.curves[rows])

    def finished_by(self, t: int) -> Launches:
        """Those whose whole window was on record at the end of period ``t``."""
        over = (self.products.start + self.window <= t + 1) & np.isfinite(self.curves).all(axis=1)
        return self.take(np.flatnonzero(over))

    def begun_within(self, first: int, last: int) -> Launches:
        """Those launched in the periods ``first`` … ``last`` whose whole window is known."""
        start = self.products.start
        return self.take(np.flatnonzero((start >= first) & (start <= last) & np.isfinite(self.curves).all(axis=1)))


@dataclass(frozen=True, eq=False)
class GroupHistory:
    """How the items of each attribute's values stood at every period, as running sums: column ``t`` knows nothing after t.

    Attributes
    ----------
    labels : attribute → label → row; "" is the attribute of all items, which has the one label "".
    demand, sellers : attribute → [G, T] units sold, and items on sale, of a label in a period.
    price, priced : attribute → [G, T] sum of the first log price of items first priced up to then, and how many they are.
    """

    labels: Mapping[str, Mapping[str, int]]
    demand: Mapping[str, np.ndarray]
    sellers: Mapping[str, np.ndarray]
    price: Mapping[str, np.ndarray]
    priced: Mapping[str, np.ndarray]

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes, the one of all items first."""
        return tuple(self.labels)

    def until(self, t: int) -> GroupHistory:
        """The same as it was known at the end of period ``t``."""
        sums = ("demand", "sellers", "price", "priced")
        return replace(self, **{name: {c: a[:, : t + 1] for c, a in getattr(self, name).items()} for name in sums})

    def rows(self, products: Products, column: str) -> np.ndarray:
        """The row [N] of each product's label, −1 where it has none."""
        known = self.labels[column]
        if not column:
            return np.zeros(len(products), np.int64)
        return np.array([known.get(label, -1) for label in products.static[column]], np.int64)

    def channels(self, products: Products, earlier: Launches) -> np.ndarray:
        """What is known of the products before their launch, [N, C]: price, promotion, and the groups they belong to.

        ``earlier`` are launches to learn each label's usual launch from; of them each product is told only those that were
        over when it began.
        """
        log_price = _log(products.price)
        columns = [np.nan_to_num(log_price), np.isfinite(log_price).astype(float)]
        columns += [products.promo[:, 0], products.promo.mean(axis=1)]
        for column in self.columns:
            columns += self._of_column(column, products, log_price)
            columns += self._launched_before(column, products, earlier)
        return np.stack(columns, axis=1)

    def shared(self, column: str, products: Products, others: Products) -> np.ndarray:
        """Where [N, K] two products have the same known label of an attribute."""
        mine, theirs = self.rows(products, column), self.rows(others, column)
        return np.asarray((mine[:, None] == theirs[None]) & (mine >= 0)[:, None])

    def _of_column(self, column: str, products: Products, log_price: np.ndarray) -> list[np.ndarray]:
        """Level, recent movement and number of the label's items, and where the price stands among theirs; each [N]."""
        rows, last = self.rows(products, column), np.clip(products.start - 1, 0, self.demand[column].shape[1] - 1)
        known = (rows >= 0) & (products.start > 0)
        demand, sellers = (_before(one[column], rows, last, _RECENT) for one in (self.demand, self.sellers))
        lately, on_sale = (_before(one[column], rows, last, 3) for one in (self.demand, self.sellers))
        all_demand, all_sellers = (_before(one[""], rows * 0, last, _RECENT) for one in (self.demand, self.sellers))
        usual = (all_demand + 0.01) / np.maximum(all_sellers, 1)
        level = (np.where(known, demand, 0) + _SHRUNK * usual) / (np.where(known, sellers, 0) + _SHRUNK)
        recent = (np.where(known, lately, 0) + _SHRUNK * level) / (np.where(known, on_sale, 0) + _SHRUNK)
        total, count = (one[column][np.maximum(rows, 0), last] for one in (self.price, self.priced))
        place = np.where(known & (count > 0), log_price - total / np.maximum(count, 1), 0.0)
        return [np.log(level), np.log(recent / level), np.log1p(np.where(known, sellers, 0)), np.nan_to_num(place)]

    def _launched_before(self, column: str, products: Products, earlier: Launches) -> list[np.ndarray]:
        """The mean log level of the label's launches that were over by then, and how many they are; each [N]."""
        if not len(earlier):
            return [np.zeros(len(products))] * 2
        mine, theirs = self.rows(products, column), self.rows(earlier.products, column)
        over, level = earlier.products.start + earlier.window, log_level(earlier.curves)
        width = int(max(over.max(), products.start.max())) + 1
        sums, counts = (np.zeros((len(self.labels[column]), width)) for _ in range(2))
        seen = theirs >= 0
        np.add.at(sums, (theirs[seen], over[seen]), level[seen])
        np.add.at(counts, (theirs[seen], over[seen]), 1)
        sums, counts = sums.cumsum(axis=1), counts.cumsum(axis=1)
        at = (np.maximum(mine, 0), products.start)
        usual = sums.sum(axis=0)[products.start] / np.maximum(counts.sum(axis=0)[products.start], 1)
        count = np.where(mine >= 0, counts[at], 0)
        mean = (np.where(mine >= 0, sums[at], 0) + _SHRUNK * usual) / (count + _SHRUNK)
        return [mean, np.log1p(count)]


def log_level(curves: np.ndarray) -> np.ndarray:
    """The log of the mean units per period [N], with a small sale added so that a failure has one, too."""
    return np.log(np.nanmean(curves, axis=1) + 1 / curves.shape[1])


def read_launches(panels: Iterable[Panel], names: Mapping[str, str], window: int) -> tuple[Launches, GroupHistory]:
    """The launches of a catalog that is handed over in parts, and how its groups stood; ``names`` by item id.

    Raises ValueError where no panel is given.
    """
    parts, sums = [], _Sums()
    for panel in panels:
        sums.add(panel)
        parts.append(_launched(panel, names, window))
    return _joined(parts), sums.shelf()


def named(launches: Launches, names: Mapping[str, str]) -> Launches:
    """The launches with the names of their items, by item id."""
    words = np.array([names.get(str(one), str(one)) for one in launches.products.item_ids], dtype=object)
    return replace(launches, products=replace(launches.products, names=words))


def products_of(panel: Panel, names: Mapping[str, str], start: np.ndarray, rows: np.ndarray, window: int) -> Products:
    """Items ``rows`` of the panel as products launched at ``start`` [N]; past the panel's end, at their last price."""
    last = len(panel.periods) - 1
    at = np.minimum(start, last)
    price = panel.known[PRICE][rows, at] if PRICE in panel.known else np.full(len(rows), np.nan)
    ids = panel.item_ids[rows]
    announced = np.zeros((len(rows), window))  # where the panel ends, nothing is announced
    if PROMO in panel.known:
        ahead = start[:, None] + np.arange(window)
        recorded = np.nan_to_num(panel.known[PROMO][rows[:, None], np.minimum(ahead, last)])
        announced = np.where(ahead <= last, recorded, 0.0)
    return Products(
        item_ids=ids,
        names=np.array([names.get(str(one), str(one)) for one in ids], dtype=object),
        static={name: values[rows] for name, values in panel.static.items()},
        price=np.where(price > 0, price, np.nan).astype(np.float64),
        promo=announced,
        start=start.astype(np.int64),
    )


def period_number(panel_first: pd.Timestamp, stamp: pd.Timestamp, frequency: Frequency) -> int:
    """Which period ``stamp`` falls into, counted from the catalog's first."""
    stamp = max(pd.Timestamp(stamp), panel_first)
    days = max((stamp - panel_first).days, 0)
    stamps = frequency.range(panel_first, days // {"day": 1, "week": 7, "month": 28}[frequency.unit] + 2)
    return int(stamps.searchsorted(stamp))


def _launched(panel: Panel, names: Mapping[str, str], window: int) -> Launches:
    """The panel's items whose first sale follows periods without them, and what they sold from there on."""
    sold = np.nan_to_num(panel.demand) > 0
    first = np.where(sold.any(axis=1), sold.argmax(axis=1), -1)
    rows = np.flatnonzero(first >= periods_before(panel.frequency))
    start, periods = first[rows], len(panel.periods)
    places = start[:, None] + np.arange(window)  # (N, W)
    inside = np.minimum(places, periods - 1)
    known = (places < periods) & ~panel.out_of_stock[rows[:, None], inside]
    curves = np.where(known, panel.demand[rows[:, None], inside], np.nan)
    return Launches(products_of(panel, names, start, rows, window), curves.astype(np.float64))


def _joined(parts: Sequence[Launches]) -> Launches:
    first = parts[0].products
    plain = {
        one.name: np.concatenate([getattr(part.products, one.name) for part in parts])
        for one in fields(Products)
        if one.name != "static"
    }
    static = {name: np.concatenate([part.products.static[name] for part in parts]) for name in first.static}
    return Launches(Products(**plain, static=static), np.concatenate([part.curves for part in parts]))


class _Sums:
    """Sums by label, added up over parts of a catalog."""

    def __init__(self) -> None:
        self._labels: dict[str, dict[str, int]] = {}
        self._sums: dict[str, list[np.ndarray]] = {}
        self._periods = 0

    def add(self, panel: Panel) -> None:
        """Adds the panel's items."""
        self._periods = len(panel.periods)
        known = np.isfinite(panel.demand)
        price, priced = self._first_prices(panel)
        measures = (np.nan_to_num(panel.demand), known.astype(np.float64), price, priced)
        for column in ("", *list(panel.static)[:_MOST_COLUMNS]):
            labels = self._labels.setdefault(column, {})
            values = panel.static[column] if column else [""] * len(panel)
            codes = np.array([labels.setdefault(value, len(labels)) for value in values], np.int64)
            sums = self._sums.setdefault(column, [np.zeros((0, self._periods)) for _ in measures])
            for place, measure in enumerate(measures):
                grown = np.zeros((len(labels), self._periods))
                grown[: len(sums[place])] = sums[place]
                np.add.at(grown, codes, measure)
                sums[place] = grown

    @staticmethod
    def _first_prices(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
        """Each item's first log price in the period it was seen, and a one there; zeros elsewhere; both [N, T]."""
        price, priced = (np.zeros(panel.demand.shape) for _ in range(2))
        if PRICE in panel.known:
            recorded = panel.known[PRICE]
            seen = np.isfinite(recorded) & (recorded > 0)
            rows = np.flatnonzero(seen.any(axis=1))
            at = seen[rows].argmax(axis=1)
            price[rows, at], priced[rows, at] = np.log(recorded[rows, at]), 1.0
        return price, priced

    def shelf(self) -> GroupHistory:
        """What was summed, over attributes with a useful number of labels."""
        kept = [column for column, labels in self._labels.items() if not column or 2 <= len(labels) <= _MOST_LABELS]
        parts = list(zip(*(self._sums[column] for column in kept), strict=True))
        named = [dict(zip(kept, part, strict=True)) for part in parts]
        for sums in named[2:]:
            for column in kept:
                sums[column] = sums[column].cumsum(axis=1)
        return GroupHistory({column: self._labels[column] for column in kept}, *named)


def _before(sums: np.ndarray, rows: np.ndarray, last: np.ndarray, periods: int) -> np.ndarray:
    """The sum [N] of each row of ``sums`` [G, T] over the ``periods`` that end with ``last`` [N]."""
    total = np.concatenate([np.zeros((len(sums), 1)), sums.cumsum(axis=1)], axis=1)
    rows = np.maximum(rows, 0)
    return total[rows, last + 1] - total[rows, np.maximum(last + 1 - periods, 0)]


def _log(price: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(price > 0, np.log(price), np.nan)
