"""A simulated supply side for Complete Journey, which tells of sales alone: costs, suppliers, packs, orders and stock.

Every figure here is made up, from a fixed seed, and says so wherever it shows. The stock is what a plain policy would have left
over the recorded year: each week every item whose stock on hand and on order has fallen to its reorder point is ordered up to
some weeks of its recent mean, in whole packs, and the order comes after a lead time drawn from its supplier's own. A few items
are bought as if a promotion never ended, a few are forgotten at the end. The sales stay as they were recorded: where the
simulated shelf held less than was sold, the rest is taken to have come from another store, so nobody was ever turned away; and
fresh goods beyond some weeks of sales are thrown away.

Axis letters: N items, T weeks, S suppliers, O orders, L lead times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.orders import Orders
from data.schema import PRICE, PROMO, Panel

WORDS = "Stock, costs, suppliers and orders of the demo are simulated."

#: What of a lead time is added to what was promised, in weeks.
LATENESS = np.arange(3)

_SEED = 11
_ITEMS_OF_A_SUPPLIER = 550
_RECORDED = 26  # weeks of purchase orders that are kept
_RECENT = 13  # weeks whose mean the policy looks at
_OPENING = 4  # first weeks of an item whose mean its opening stock is bought for
_PACKS = np.array([1, 2, 3, 4, 6, 8, 12, 24])
_SAFETY = 1.2  # deviations of demand that the reorder point holds beyond the mean
_FORGOTTEN, _OVER_ORDERED = (0.005, 0.04), 0.2  # of slow and of brisk items; of those whose promotion ended lately
_BRISK = 8.0  # units a week
_PROMOTED = (4, 10)  # weeks ago that it was
_KEEPS = 3  # weeks of recent sales that fresh goods last
_TIMES = 2.0  # how many times too much is then bought

#: Least and most promised weeks of a supplier of fresh goods, of groceries, and of everything else.
_WEEKS = ((1, 1), (1, 2), (1, 3))
_FRESH = ("Produce", "Meat", "Seafood", "Deli", "Pastry", "Floral", "Salad bar", "Restaurant", "Chef shoppe", "Garden center")
_GROCERY = ("Grocery", "Meat, packaged", "Seafood, packaged", "Nutrition", "Spirits", "Frozen grocery")

#: Share of the regular price that is margin, by department; of all others ``_MARGIN``; own brands earn more.
_MARGINS = {
    "Grocery": 0.27,
    "Drug and general merchandise": 0.36,
    "Meat": 0.22,
    "Meat, packaged": 0.25,
    "Produce": 0.38,
    "Deli": 0.42,
    "Pastry": 0.48,
    "Nutrition": 0.34,
    "Cosmetics": 0.42,
    "Floral": 0.45,
}
_MARGIN, _OWN_BRAND = 0.30, 0.07


@dataclass(frozen=True, eq=False)
class Suppliers:
    """S suppliers and who of them each item is bought from.

    Attributes
    ----------
    names : [S] str. of_item : [N] the supplier of each item, by its number.
    promised : [S] weeks from an order to its receipt, as agreed.
    chances : [S, L] that an order comes ``LATENESS`` weeks later than that.
    least_packs : [S] packs that an order of an item must hold.
    """

    names: np.ndarray
    of_item: np.ndarray
    promised: np.ndarray
    chances: np.ndarray
    least_packs: np.ndarray


@dataclass(frozen=True, eq=False)
class Supply:
    """The simulated supply side of N items.

    Attributes
    ----------
    suppliers : whom the items are bought from, and how long that takes.
    commercial : [N] rows of ``unit_cost``, ``pack_size``, ``min_order``, ``lead_time``, ``on_hand`` and ``on_order``.
    orders : of the last ``_RECORDED`` weeks, received and open.
    on_hand : [N, T] units at the end of each week. received : [N, T] units that came in before it was sold from.
    opening : [N, T] units with which an item's life on the shelf begins. thrown_away : [N, T] units spoilt in each week.
    """

    suppliers: Suppliers
    commercial: pd.DataFrame
    orders: Orders
    on_hand: np.ndarray
    received: np.ndarray
    opening: np.ndarray
    thrown_away: np.ndarray


def supply_of(panel: Panel, seed: int = _SEED) -> Supply:
    """What the shelves and the order book of the panel's items [N, T] would look like after its last week."""
    rng = np.random.default_rng(seed)
    suppliers = _suppliers(panel, rng)
    sold = np.nan_to_num(panel.demand).astype(np.float64)
    known = np.isfinite(panel.demand)
    year, lately = (sold[:, -n:].sum(axis=1) / np.maximum(known[:, -n:].sum(axis=1), 1) for n in (sold.shape[1], _RECORDED))
    usual = np.minimum(year, lately)  # a case fits a season's slow half, too
    pack = _PACKS[np.searchsorted(_PACKS, usual * rng.uniform(1.0, 2.5, len(panel)), "right").clip(1) - 1].astype(np.float64)
    least = pack * np.where(usual >= 1.0, suppliers.least_packs[suppliers.of_item], 1)
    shelf = _Shelf(panel, sold, suppliers, pack, least, rng)
    orders = shelf.run()
    commercial = pd.DataFrame(
        {
            "unit_cost": _unit_cost(panel, rng),
            "pack_size": pack,
            "min_order": least,
            "lead_time": suppliers.promised[suppliers.of_item].astype(np.float64),
            "on_hand": shelf.on_hand[:, -1],
            "on_order": shelf.coming[:, sold.shape[1] :].sum(axis=1),
        }
    )
    return Supply(
        suppliers, commercial, orders, shelf.on_hand, shelf.coming[:, : sold.shape[1]], shelf.opening, shelf.thrown_away
    )


class _Shelf:
    """The policy at work, week by week, over all items at once."""

    def __init__(
        self,
        panel: Panel,
        sold: np.ndarray,
        suppliers: Suppliers,
        pack: np.ndarray,
        least: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._panel, self._sold, self._suppliers, self._rng = panel, sold, suppliers, rng
        self._pack, self._least = pack, least
        self._promised = suppliers.promised[suppliers.of_item]
        known = np.isfinite(panel.demand)
        self._sums = tuple(np.cumsum(values, axis=1) for values in (known.astype(np.float64), sold, sold**2))
        items, weeks = sold.shape
        self._fresh = np.isin(panel.static["department"].astype(str), _FRESH)
        self.on_hand, self.thrown_away = np.zeros((items, weeks)), np.zeros((items, weeks))
        self.coming = np.zeros((items, weeks + int(suppliers.promised.max()) + int(LATENESS[-1])))
        first = np.argmax(known, axis=1)
        usual = _mean_from(sold, first, _OPENING)
        launch = self._target(usual, np.sqrt(usual))[1]
        self.opening = np.where(np.arange(weeks) == first[:, None], np.ceil(launch / pack)[:, None] * pack[:, None], 0.0)

    def run(self) -> Orders:
        """Lives through the year; returns the orders of its last ``_RECORDED`` weeks."""
        weeks = self._sold.shape[1]
        forgets, multiplied = self._faults()
        left, placed = np.zeros(len(self._sold)), []
        for t in range(weeks):
            left = np.maximum(left + self.opening[:, t] + self.coming[:, t] - self._sold[:, t], 0.0)
            recent, spread = self._recent(t)
            point, upto = self._target(recent, spread)
            keeps = np.where(self._fresh, np.maximum(np.ceil(_KEEPS * recent), upto), np.inf)
            self.thrown_away[:, t] = np.maximum(left - keeps, 0.0)
            self.on_hand[:, t] = left = np.minimum(left, keeps)
            if t == weeks - 1:
                break  # what to order now is for the planner to say
            position = left + self.coming[:, t + 1 :].sum(axis=1)
            is_multiplied = multiplied == t
            wanted = np.where(is_multiplied, _TIMES, 1.0) * upto - position
            due = ((position <= point) | is_multiplied) & (wanted > 0) & (self._sums[0][:, t] > 0) & (t < forgets)
            rows = np.flatnonzero(due)
            units = np.ceil(np.maximum(wanted, self._least)[rows] / self._pack[rows]) * self._pack[rows]
            late = self._lateness(rows)
            arrives = t + self._promised[rows] + late
            self.coming[rows, arrives] += units
            if t >= weeks - _RECORDED:
                placed.append((np.full(len(rows), t), rows, units, late))
        return self._orders(*(np.concatenate(columns) for columns in zip(*placed, strict=True)))

    def _recent(self, t: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation [N] of sales in the last weeks known at the end of week ``t``."""
        before = t - _RECENT
        count, total, squares = (sums[:, t] - (sums[:, before] if before >= 0 else 0.0) for sums in self._sums)
        mean = total / np.maximum(count, 1)
        return mean, np.sqrt(np.maximum(squares / np.maximum(count, 1) - mean**2, 0.0))

    def _target(self, mean: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reorder point and order-up-to level [N]: demand until the next order arrives, some safety, and a week on top."""
        periods = self._promised + 1
        point = mean * periods + _SAFETY * spread * np.sqrt(periods)
        return np.floor(point), np.ceil(point + mean)

    def _faults(self) -> tuple[np.ndarray, np.ndarray]:
        """The week [N] from which an item is forgotten, and the one in which too much is bought of it; T where never."""
        items, weeks = self._sold.shape
        chance = np.where(self._recent(weeks - 1)[0] < _BRISK, *_FORGOTTEN)
        forgets = np.where(self._rng.random(items) < chance, weeks - self._rng.integers(3, 7, items), weeks)
        promo = self._panel.known[PROMO] if PROMO in self._panel.known else np.zeros(self._sold.shape)
        last = weeks - 1 - np.argmax((promo > 0.5)[:, ::-1], axis=1)
        ago = weeks - 1 - last
        lately = (promo > 0.5).any(axis=1) & (ago >= _PROMOTED[0]) & (ago <= _PROMOTED[1]) & ~self._fresh
        return forgets, np.where(lately & (self._rng.random(items) < _OVER_ORDERED), last, weeks)

    def _lateness(self, rows: np.ndarray) -> np.ndarray:
        """Weeks [O] beyond what was promised that orders of these items take."""
        sure = np.cumsum(self._suppliers.chances[self._suppliers.of_item[rows]], axis=1)
        return np.asarray((self._rng.random(len(rows))[:, None] > sure[:, :-1]).sum(axis=1))

    def _orders(self, week: np.ndarray, row: np.ndarray, units: np.ndarray, late: np.ndarray) -> Orders:
        """Ordered at the end of a week, received early in the week of arrival: each supplier on weekdays of its own."""
        sundays = self._panel.periods.to_numpy().astype("datetime64[D]")
        supplier = self._suppliers.of_item[row]
        ordered = sundays[week] - (1 + supplier % 3)  # Thursday … Saturday
        promised = self._promised[row]
        due = sundays[week] + 7 * (promised - 1) + 1 + supplier % 4  # Monday … Thursday
        has_come = week + promised + late < len(sundays)
        received = np.where(has_come, due + 7 * late, np.datetime64("NaT"))
        return Orders(self._panel.item_ids[row], ordered, due, received, units)


def _suppliers(panel: Panel, rng: np.random.Generator) -> Suppliers:
    """Own and national brands are bought apart, and fresh goods, groceries and the rest; whole categories together."""
    department, brand = panel.static["department"].astype(str), panel.static["brand"].astype(str)
    kind = np.where(np.isin(department, _FRESH), 0, np.where(np.isin(department, _GROCERY), 1, 2))
    columns = {"brand": brand, "kind": kind, "department": department, "category": panel.static["category"].astype(str)}
    counts = pd.DataFrame(columns).groupby(list(columns), sort=True).size()
    before = counts.groupby(level=["brand", "kind"]).cumsum() - counts
    of_category = pd.DataFrame({"number": before // _ITEMS_OF_A_SUPPLIER}).reset_index()
    supplier = of_category.groupby(["brand", "kind", "number"])
    kinds = supplier["kind"].first().to_numpy()  # (S,)
    of_item = supplier.ngroup().to_numpy()[counts.index.get_indexer(pd.MultiIndex.from_arrays(list(columns.values())))]
    S, (least, most) = len(kinds), np.array(_WEEKS)[kinds].T
    on_time = rng.uniform(0.84, 0.99, S)
    chances = np.stack([on_time, 0.8 * (1 - on_time), 0.2 * (1 - on_time)], axis=1)
    names = np.array([f"Supplier {number + 1:02d}" for number in range(S)], dtype=object)
    promised = rng.integers(least, most, endpoint=True)
    return Suppliers(names, of_item, promised, chances, rng.choice([1, 2], S, p=[0.75, 0.25]))


def _unit_cost(panel: Panel, rng: np.random.Generator) -> np.ndarray:
    """Units' cost [N]: the regular price less its department's margin, a little different for every item."""
    regular = panel.past.get("base_price", panel.known[PRICE])[:, -1].astype(np.float64)
    usual = np.array([_MARGINS.get(label, _MARGIN) for label in panel.static["department"]])
    margin = usual + _OWN_BRAND * (panel.static["brand"] == "Private") + rng.normal(0.0, 0.03, len(panel))
    return np.maximum(np.round(regular * (1 - margin.clip(0.08, 0.65)), 2), 0.01)


def _mean_from(sold: np.ndarray, first: np.ndarray, weeks: int) -> np.ndarray:
    """Mean sales [N] of the ``weeks`` from each item's ``first`` [N] on."""
    within = (np.arange(sold.shape[1]) >= first[:, None]) & (np.arange(sold.shape[1]) < first[:, None] + weeks)
    return np.asarray((sold * within).sum(axis=1) / np.maximum(within.sum(axis=1), 1))
