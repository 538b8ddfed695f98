"""The purchase list: for every item how many to buy, each step of the arithmetic, and what a planner inputs of it.

Everything is worked out for all items at once from the stored span quantiles, so that another quantile, scope or budget is
a new list in a moment. Where the catalog does not know what buying needs, the settings' assumptions stand in and are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pandas as pd

from data.errors import ConfigurationError, UnknownItem
from data.locations import BY_LOCATION
from data.planner_store import Term
from forecasting.inventory.budget_allocation import BudgetedPlan, budgeted
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
)
from forecasting.purchasing.plan_inputs import PlanInputs, in_time, lost_before
from forecasting.purchasing.purchase_terms import BuySettings, costs_of, terms


@dataclass(frozen=True)
class BuyRow:
    """One line of the list, units, but ``unit_cost`` and ``money``, which are NaN where nobody knows a price.

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
    """Sums over the scope: of what is bought, and of what it is expected to miss and to leave over, units and money (NaN: no
    prices)."""

    items: int
    items_bought: int
    units: float
    money: float
    lost_sales: float
    left_over: float
    cost: float


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
    is_extended : where lead time and review reach beyond the forecast.
    assumed : commercial column → how many items in scope took the settings' value.
    budget : what the budget did, None without one.
    terms : column → [K] on what terms each item is bought, see ``purchase_terms``.
    """

    inputs: PlanInputs
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
    is_extended: np.ndarray
    assumed: Mapping[str, int]
    budget: BudgetedPlan | None
    terms: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def creation_date(self) -> pd.Timestamp:
        """Of the forecasts."""
        return self.inputs.creation_date

    @property
    def money(self) -> np.ndarray:
        """What each quantity costs."""
        return self.quantity * self.unit_cost

    @property
    def is_priced(self) -> bool:
        """Whether money can be told: the catalog has prices or costs, or planners have set some of those in scope."""
        unknown = (self.assumed.get(name) == len(self) for name in ("price", "unit_cost"))
        return self.inputs.has_prices or not all(unknown)

    @property
    def located(self) -> int:
        """How many items a depot supplies, or are such depots: they are planned together and not line by line."""
        return int(self.inputs.assortment.by_location[self.rows].sum())

    @property
    def position(self) -> np.ndarray:
        """Units that meet demand over lead time and review, with what is bought."""
        return self.order.position - self.order.quantity + self.quantity

    @cached_property
    def totals(self) -> Totals:
        """Of the whole scope."""
        found = outcome(self.knots, self.inputs.taus, self.position + self.order.lost_before, self.costs)
        return Totals(
            items=len(self),
            items_bought=int((self.quantity > 0).sum()),
            units=float(self.quantity.sum()),
            money=float(self.money.sum()) if self.is_priced else float("nan"),
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
            shown &= self.inputs.assortment.matching(folded)[self.rows]
        chosen = np.flatnonzero(shown)
        return chosen[np.argsort(-self.money[chosen], kind="stable")]

    def lines(self, places: Sequence[int] | np.ndarray) -> tuple[BuyRow, ...]:
        """The list's rows at these places."""
        places = np.asarray(places, dtype=int)
        return self._lines(places, self.quantity[places], self.is_edited[places])

    def line_with(self, item_id: str, units: float) -> BuyRow:
        """An item's row if ``units`` were bought; raises UnknownItem where it is not in the list."""
        found = np.flatnonzero(self.rows == self.inputs.row_of.get(item_id, -1))
        if not found.size:
            raise UnknownItem(f"{item_id} is not in this list. Choose all items, or its own category.")
        return self._lines(found, np.array([float(units)]), np.array([True]))[0]

    def _lines(self, places: np.ndarray, quantity: np.ndarray, edited: np.ndarray) -> tuple[BuyRow, ...]:
        steps = {one.name: getattr(self.order, one.name)[places] for one in fields(self.order)}
        position = self.order.position[places] - steps["quantity"] + quantity
        costs = Costs(self.costs.underage[places], self.costs.overage[places])
        found = outcome(self.knots[places], self.inputs.taus, position + steps["lost_before"], costs)
        level = np.minimum(found.service, 0.9999)
        unit_cost = np.where(self.is_priced, self.unit_cost[places], np.nan)
        rows, assortment = self.rows[places], self.inputs.assortment
        names = assortment.names_of(rows)
        categories = assortment.category.take(rows)
        suppliers = [""] * len(rows) if assortment.supplier is None else assortment.supplier.take(rows)
        numbers = {name: values for name, values in steps.items() if name not in ("cap", "quantity")} | {
            "tau": self.tau[places],
            "periods": self.periods[places],
            "give_or_take": self.give_or_take[places],
            "later": self.later[places],
            "at_most": steps["cap"],
            "planned": steps["quantity"],
            "quantity": quantity,
            "position": position,
            "level": level,
            "implied": implied_ratio(level),
            "lost_sales": found.lost_sales + self.lost_anyway[places],
            "left_over": found.left_over,
            "unit_cost": unit_cost,
            "money": quantity * unit_cost,
        }
        return tuple(
            BuyRow(
                item_id=str(assortment.item_ids[row]),
                name=names[k],
                category=str(categories[k]),
                limit=str(self.limit[places[k]]),
                is_edited=bool(edited[k]),
                supplier=str(suppliers[k]),
                **{name: float(values[k]) for name, values in numbers.items()},
            )
            for k, row in enumerate(rows)
        )


def buy_plan(inputs: PlanInputs, settings: BuySettings, edits: Mapping[str, float], saved: Sequence[Term] = ()) -> BuyPlan:
    """The list for ``settings`` with the planner's ``edits``, units by item, and ``saved`` terms.

    Raises UnknownItem, ConfigurationError.
    """
    rows = _scope(inputs, settings)
    filled, assumed = terms(inputs, rows, settings, saved)
    costs, unit_cost = costs_of(filled, settings)
    knots = inputs.knots(rows, filled["lead_time"], settings.review, filled["lead_time_sd"])
    periods = filled["lead_time"] + settings.review
    arrived = in_time(inputs, rows, filled, periods)
    tau = _taus(settings, costs)
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
        spared, lost_anyway = lost_before(inputs, rows, filled, assumed, tau, settings.review)
    plan = order(knots, inputs.taus, tau, stock, rules, spared)
    moved = inputs.assortment.by_location[rows]
    plan = replace(plan, quantity=np.where(moved, 0.0, plan.quantity), cap=np.where(moved, 0.0, plan.cap))
    own = inputs.by_row(edits)[rows]
    edited = np.isfinite(own)
    quantity = np.where(edited, own, plan.quantity)
    bought = None
    if settings.budget is not None and inputs.has_prices:
        left = max(settings.budget - float((quantity * unit_cost)[edited].sum()), 0.0)
        open_ = replace(plan, quantity=np.where(edited, 0.0, plan.quantity))
        bought = budgeted(knots, inputs.taus, open_, rules, costs, unit_cost, left)
        quantity = np.where(edited, quantity, bought.quantity)
    return BuyPlan(
        inputs=inputs,
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
        limit=np.where(moved, BY_LOCATION, _limits(filled)),
        is_extended=periods > inputs.horizon,
        assumed={name: int(unsaid.sum()) for name, unsaid in assumed.items()},
        budget=bought,
        terms=filled,
    )


def _taus(settings: BuySettings, costs: Costs) -> np.ndarray:
    """The quantile [K] that each item is bought to: the chosen one, else the critical ratio of its costs."""
    if settings.tau is not None:
        return np.full(len(costs.underage), settings.tau)
    return np.clip(critical_ratio(costs.underage, costs.overage), LOWEST_TAU, HIGHEST_TAU)


def _limits(filled: Mapping[str, np.ndarray]) -> np.ndarray:
    """What limits the cover of each item [K] on the terms ``filled``; "" where nothing does."""
    spoils = filled["lead_time"] + filled["shelf_life"]
    return np.where(filled["max_cover"] < spoils, "maximum cover", np.where(np.isfinite(spoils), "shelf life", ""))


def _scope(inputs: PlanInputs, settings: BuySettings) -> np.ndarray:
    if settings.item:
        row = inputs.row_of.get(settings.item)
        if row is None:
            raise UnknownItem(
                f"The catalog has no item {settings.item!r}. Search for it by its name or the beginning of its id."
            )
        return np.array([row])
    if settings.category:
        if settings.category not in inputs.assortment.categories:
            raise ConfigurationError(
                f"The catalog has no category {settings.category!r}. Choose one from the list, or all items."
            )
        return inputs.sold(np.flatnonzero(inputs.assortment.in_category(settings.category)))
    if settings.supplier:
        if settings.supplier not in inputs.assortment.suppliers:
            raise ConfigurationError(
                f"The catalog has no supplier {settings.supplier!r}. Choose one from the list, or all items."
            )
        return inputs.sold(np.flatnonzero(inputs.assortment.from_supplier(settings.supplier)))
    return inputs.sold(np.arange(len(inputs.assortment)))
