"""The purchase list: for every item how many to buy, each step of the arithmetic, and what a planner made of it.

Everything is worked out for all items at once from the stored span quantiles, so that another quantile, scope or budget is
a new list in a moment. Where the catalog does not know what buying needs, the settings' assumptions stand in and are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pandas as pd

from data.assortment import Assortment
from data.errors import ConfigurationError, UnknownItem
from data.locations import BY_LOCATION
from data.planner_store import Term
from forecasting.batch.forecast_summary import Summary
from forecasting.inventory.budget_allocation import BudgetedPlan, budgeted
from forecasting.inventory.lead_times import Supply, uncertain_knots
from forecasting.inventory.lost_sales import demand_ahead
from forecasting.inventory.order_policy import (
    HIGHEST_TAU,
    LOWEST_TAU,
    Costs,
    OrderPlan,
    Rules,
    Stock,
    critical_ratio,
    implied_ratio,
    order,
    outcome,
    span_knots,
)
from forecasting.purchasing.arrivals import in_time, lost_before
from forecasting.purchasing.purchase_terms import BuySettings, costs_of, terms

#: Mixtures that are kept: the list in use, and the ones that Today and another review ask for.
_MIXED_KEPT = 4


@dataclass(frozen=True)
class BuyRow:
    """One line of the list, units, but ``unit_cost`` and ``money``.

    ``planned`` is what was worked out and ``quantity`` what is to be bought: the planner's where ``is_edited``, else within
    the budget. ``level`` is the chance that demand is no more than the position then, and ``implied`` how many unsold units
    a lost sale must cost for that to be best. ``periods`` may last ``give_or_take`` longer or shorter; of what is on order,
    ``later`` comes too late to count; ``lost_before`` is demand that no order can serve any more; ``at_most`` is what shelf
    life or cover leave room for, whichever ``limit`` names.
    """

    item_id: str
    name: str
    category: str
    tau: float
    periods: float
    give_or_take: float
    need: float
    on_hand: float
    on_order: float
    later: float
    back_orders: float
    lost_before: float
    gap: float
    after_minimum: float
    after_pack: float
    at_most: float
    limit: str
    planned: float
    quantity: float
    is_edited: bool
    position: float
    level: float
    implied: float
    lost_sales: float
    left_over: float
    unit_cost: float
    money: float
    supplier: str = ""


@dataclass(frozen=True)
class Totals:
    """Sums over the scope: of what is bought, and of what it is expected to miss and to leave over, units and money."""

    items: int
    items_bought: int
    units: float
    money: float
    lost_sales: float
    left_over: float
    cost: float


@dataclass(frozen=True, eq=False)
class Basis:
    """What the list of N items is worked out from, whatever is chosen: made once for a catalog and a model.

    ``places`` [N] are the rows of the assortment's items in ``spans`` [M, H, Q] at ``taus``, −1 where an item was not forecast.
    ``supply`` is what past and open orders tell, None where the catalog has none.
    """

    assortment: Assortment
    taus: np.ndarray
    spans: np.ndarray
    places: np.ndarray
    creation_date: pd.Timestamp
    supply: Supply | None = None

    @property
    def horizon(self) -> int:
        """Periods that were forecast."""
        return self.spans.shape[1]

    def by_row(self, edits: Mapping[str, float]) -> np.ndarray:
        """Units [N] of the items that ``edits`` names, NaN elsewhere; names that the catalog no longer has are passed over."""
        answer = np.full(len(self.assortment), np.nan)
        for item_id, units in edits.items():
            if (row := self.row_of.get(item_id)) is not None:
                answer[row] = units
        return answer

    def knots(
        self, rows: np.ndarray, lead_time: float | np.ndarray, review: float, deviation: np.ndarray | None = None
    ) -> np.ndarray:
        """Knots [K, Q] of what ``rows`` [K] sell over lead time and review; nothing where an item was not forecast.

        ``deviation`` [K] of the lead times; those that receipts tell of are mixed as they were seen. What was mixed lately is
        kept, for a quantile does not change it.
        """
        places = self.places[rows]
        knots = span_knots(self.taus, self.spans, lead_time, review, np.maximum(places, 0))
        if deviation is not None and deviation.any():
            sure = np.broadcast_to(np.asarray(lead_time, np.float64), len(rows))
            key = (rows.tobytes(), sure.tobytes(), deviation.tobytes(), review)
            if key not in self._mixed:
                while len(self._mixed) >= _MIXED_KEPT:
                    self._mixed.pop(next(iter(self._mixed)))
                some = np.flatnonzero(deviation > 0)
                at, wanted = np.maximum(places[some], 0), rows[some]
                mixed = uncertain_knots(self.supply, self.taus, self.spans, at, wanted, sure[some], deviation[some], review)
                self._mixed[key] = (some, mixed)
            some, mixed = self._mixed[key]
            knots[some] = mixed
        knots[places < 0] = 0.0
        return knots

    def demand_ahead(self, places: np.ndarray, lead_time: np.ndarray, review: int) -> tuple[np.ndarray, np.ndarray]:
        """``lost_sales.demand_ahead`` of the forecasts at ``places`` [K]; the last answer is kept."""
        key = (places.tobytes(), lead_time.tobytes(), review)
        if key not in self._ahead:
            self._ahead.clear()
            self._ahead[key] = demand_ahead(self.taus, self.spans[places], lead_time, review)
        return self._ahead[key]

    @cached_property
    def _ahead(self) -> dict[tuple[bytes, bytes, int], tuple[np.ndarray, np.ndarray]]:
        return {}

    @cached_property
    def commercial(self) -> Mapping[str, np.ndarray]:
        """The catalog's commercial columns [N]; lead times and units on order as orders tell them where they do."""
        known = self.assortment.commercial
        return known if self.supply is None else self.supply.over(known)

    @cached_property
    def _mixed(self) -> dict[tuple[bytes, bytes, bytes, float], tuple[np.ndarray, np.ndarray]]:
        return {}

    @cached_property
    def middle_price(self) -> float:
        """What stands in for a price that is not known."""
        price = self.assortment.commercial["price"]
        sold = price[np.isfinite(price) & (price > 0)]
        return float(np.median(sold)) if sold.size else 1.0

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Where each item stands."""
        return {str(item_id): row for row, item_id in enumerate(self.assortment.item_ids)}


@dataclass(frozen=True, eq=False)
class BuyPlan:
    """The purchase list of K items in scope; arrays [K] in the order of the assortment.

    Attributes
    ----------
    rows : of the items in the assortment.
    knots : [K, Q] at ``taus`` of demand over lead time and review.
    tau : the quantile that was asked for, of each item.
    order : the arithmetic.
    lost_anyway : units that are expected to be lost before an order arrives, whatever is bought.
    quantity : to buy: the planner's, or worked out, within the budget.
    is_edited : where the quantity is the planner's.
    price, unit_cost : money.
    costs : of a lost sale and an unsold unit.
    periods : lead time and review together.
    give_or_take : deviation of the lead time.
    later : units on order that arrive after that.
    limit : what limits each item's cover, "shelf life", "maximum cover" or its plan by location; "" where nothing does.
    saved : how many terms of planners there are.
    is_extended : where lead time and review reach beyond the forecast.
    assumed : commercial column → how many items in scope took the settings' value.
    budget : what the budget did, None without one.
    """

    basis: Basis
    settings: BuySettings
    rows: np.ndarray
    knots: np.ndarray
    tau: np.ndarray
    order: OrderPlan
    lost_anyway: np.ndarray
    quantity: np.ndarray
    is_edited: np.ndarray
    price: np.ndarray
    unit_cost: np.ndarray
    costs: Costs
    periods: np.ndarray
    give_or_take: np.ndarray
    later: np.ndarray
    limit: np.ndarray
    saved: int
    is_extended: np.ndarray
    assumed: Mapping[str, int]
    budget: BudgetedPlan | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def creation_date(self) -> pd.Timestamp:
        """Of the forecasts."""
        return self.basis.creation_date

    @property
    def money(self) -> np.ndarray:
        """What each quantity costs."""
        return self.quantity * self.unit_cost

    @property
    def located(self) -> int:
        """How many items a depot supplies, or are such depots: they are planned together and not line by line."""
        return int(self.basis.assortment.by_location[self.rows].sum())

    @property
    def position(self) -> np.ndarray:
        """Units that meet demand over lead time and review, with what is bought."""
        return self.order.position - self.order.quantity + self.quantity

    @cached_property
    def totals(self) -> Totals:
        """Of the whole scope."""
        found = outcome(self.knots, self.basis.taus, self.position + self.order.lost_before, self.costs)
        return Totals(
            items=len(self),
            items_bought=int((self.quantity > 0).sum()),
            units=float(self.quantity.sum()),
            money=float(self.money.sum()),
            lost_sales=float((found.lost_sales + self.lost_anyway).sum()),
            left_over=float(found.left_over.sum()),
            cost=float(found.cost.sum()),
        )

    def places(self, *, only_to_buy: bool = False, folded: str = "") -> np.ndarray:
        """Places in the list, dearest first, of those to buy and of those that match a search."""
        shown = np.ones(len(self), bool)
        if only_to_buy:
            shown &= (self.quantity > 0) | self.is_edited
        if folded:
            shown &= self.basis.assortment.matching(folded)[self.rows]
        chosen = np.flatnonzero(shown)
        return chosen[np.argsort(-self.money[chosen], kind="stable")]

    def lines(self, places: Sequence[int] | np.ndarray) -> tuple[BuyRow, ...]:
        """The list's rows at these places."""
        places = np.asarray(places, dtype=int)
        return self._lines(places, self.quantity[places], self.is_edited[places])

    def line_with(self, item_id: str, units: float) -> BuyRow:
        """An item's row if ``units`` were bought; raises UnknownItem where it is not in the list."""
        found = np.flatnonzero(self.rows == self.basis.row_of.get(item_id, -1))
        if not found.size:
            raise UnknownItem(f"{item_id} is not in this list. Choose all items, or its own category.")
        return self._lines(found, np.array([float(units)]), np.array([True]))[0]

    def _lines(self, places: np.ndarray, quantity: np.ndarray, edited: np.ndarray) -> tuple[BuyRow, ...]:
        steps = {one.name: getattr(self.order, one.name)[places] for one in fields(self.order)}
        position = self.order.position[places] - steps["quantity"] + quantity
        costs = Costs(self.costs.underage[places], self.costs.overage[places])
        found = outcome(self.knots[places], self.basis.taus, position + steps["lost_before"], costs)
        level = np.minimum(found.service, 0.9999)
        rows, assortment = self.rows[places], self.basis.assortment
        names = assortment.names_of(rows)
        categories = assortment.category.take(rows)
        suppliers = [""] * len(rows) if assortment.supplier is None else assortment.supplier.take(rows)
        return tuple(
            BuyRow(
                item_id=str(assortment.item_ids[row]),
                name=names[k],
                category=str(categories[k]),
                tau=float(self.tau[places[k]]),
                periods=float(self.periods[places[k]]),
                give_or_take=float(self.give_or_take[places[k]]),
                later=float(self.later[places[k]]),
                limit=str(self.limit[places[k]]),
                at_most=float(steps["cap"][k]),
                need=float(steps["need"][k]),
                on_hand=float(steps["on_hand"][k]),
                on_order=float(steps["on_order"][k]),
                back_orders=float(steps["back_orders"][k]),
                lost_before=float(steps["lost_before"][k]),
                gap=float(steps["gap"][k]),
                after_minimum=float(steps["after_minimum"][k]),
                after_pack=float(steps["after_pack"][k]),
                planned=float(steps["quantity"][k]),
                quantity=float(quantity[k]),
                is_edited=bool(edited[k]),
                position=float(position[k]),
                level=float(level[k]),
                implied=float(implied_ratio(level[k])),
                lost_sales=float(found.lost_sales[k] + self.lost_anyway[places[k]]),
                left_over=float(found.left_over[k]),
                unit_cost=float(self.unit_cost[places[k]]),
                money=float(quantity[k] * self.unit_cost[places[k]]),
                supplier=str(suppliers[k]),
            )
            for k, row in enumerate(rows)
        )


def basis(
    assortment: Assortment, summary: Summary, known_periods: np.ndarray | None = None, supply: Supply | None = None
) -> Basis:
    """What the list is worked out from.

    A depot whose ``known_periods`` [N] of demand are none sells nothing itself: it is no new product.
    """
    places = summary.rows_of(assortment.item_ids)
    made = Basis(assortment, summary.taus, summary.spans, places, summary.creation_date, supply)
    if known_periods is None:
        return made
    silent = [one.depot for one in assortment.echelons[0] if known_periods[one.depot] == 0]
    return replace(made, places=np.where(np.isin(np.arange(len(places)), silent), -1, places))


def buy_plan(made: Basis, settings: BuySettings, edits: Mapping[str, float], saved: Sequence[Term] = ()) -> BuyPlan:
    """The list for ``settings`` with the planner's ``edits``, units by item, and ``saved`` terms.

    Raises UnknownItem, ConfigurationError.
    """
    rows = _scope(made, settings)
    filled, assumed = terms(made, rows, settings, saved)
    costs, unit_cost = costs_of(filled, settings)
    knots = made.knots(rows, filled["lead_time"], settings.review, filled["lead_time_sd"])
    periods = filled["lead_time"] + settings.review
    arrived = in_time(made, rows, filled, periods)
    tau = np.clip(critical_ratio(costs.underage, costs.overage), LOWEST_TAU, HIGHEST_TAU)
    if settings.tau is not None:
        tau = np.full(len(rows), settings.tau)
    rules = Rules(
        filled["lead_time"],
        np.array([settings.review]),
        filled["min_order"],
        filled["pack_size"],
        filled["shelf_life"],
        filled["max_cover"],
    )
    stock = Stock.of(filled["on_hand"], arrived, filled["back_orders"])
    spared = lost_anyway = np.zeros(len(rows))
    if not settings.waits:
        spared, lost_anyway = lost_before(made, rows, filled, assumed, tau, settings.review)
    plan = order(knots, made.taus, tau, stock, rules, spared)
    moved = made.assortment.by_location[rows]
    plan = replace(plan, quantity=np.where(moved, 0.0, plan.quantity), cap=np.where(moved, 0.0, plan.cap))
    own = made.by_row(edits)[rows]
    edited = np.isfinite(own)
    quantity = np.where(edited, own, plan.quantity)
    bought = None
    if settings.budget is not None:
        left = max(settings.budget - float((quantity * unit_cost)[edited].sum()), 0.0)
        open_ = replace(plan, quantity=np.where(edited, 0.0, plan.quantity))
        bought = budgeted(knots, made.taus, open_, rules, costs, unit_cost, left)
        quantity = np.where(edited, quantity, bought.quantity)
    spoils = filled["lead_time"] + filled["shelf_life"]
    limit = np.where(filled["max_cover"] < spoils, "maximum cover", np.where(np.isfinite(spoils), "shelf life", ""))
    limit = np.where(moved, BY_LOCATION, limit)
    return BuyPlan(
        basis=made,
        settings=settings,
        rows=rows,
        knots=knots,
        tau=tau,
        order=plan,
        lost_anyway=lost_anyway,
        quantity=quantity,
        is_edited=edited,
        price=filled["price"],
        unit_cost=unit_cost,
        costs=costs,
        periods=periods,
        give_or_take=filled["lead_time_sd"],
        later=filled["on_order"] - arrived,
        limit=limit,
        saved=len(saved),
        is_extended=periods > made.horizon,
        assumed={name: int(unsaid.sum()) for name, unsaid in assumed.items()},
        budget=bought,
    )


def _scope(made: Basis, settings: BuySettings) -> np.ndarray:
    if settings.item:
        row = made.row_of.get(settings.item)
        if row is None:
            raise UnknownItem(
                f"The catalog has no item {settings.item!r}. Search for it by its name or the beginning of its id."
            )
        return np.array([row])
    if settings.category:
        if settings.category not in made.assortment.categories:
            raise ConfigurationError(
                f"The catalog has no category {settings.category!r}. Choose one from the list, or all items."
            )
        return np.flatnonzero(made.assortment.in_category(settings.category))
    if settings.supplier:
        if settings.supplier not in made.assortment.suppliers:
            raise ConfigurationError(
                f"The catalog has no supplier {settings.supplier!r}. Choose one from the list, or all items."
            )
        return np.flatnonzero(made.assortment.from_supplier(settings.supplier))
    return np.arange(len(made.assortment))
