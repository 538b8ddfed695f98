"""A catalog's two echelons, from its purchase list: which depots are short, and one product's transfers and depot order.

Joint paths here keep the learned quantile functions of every span: on a path a branch stays at one level of all of its spans,
and the levels of branches are tied as past errors of a category were. Axis letters: N branches, S samples, H horizons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from data.errors import UnknownItem
from data.locations import LOCATION, Contradiction, Family
from forecasting.core import quantile_function
from forecasting.core.types import Progress, Report
from forecasting.inventory.multi_echelon import Allocation, Branches, DepotOrder, allocation, depot_order
from forecasting.inventory.order_policy import Costs
from forecasting.purchasing.plan_inputs import PlanInputs, by_period
from forecasting.purchasing.purchase_plan import BuyPlan

_SAMPLES = 1000
_REPORTED = 20  # products between two words of progress


@dataclass(frozen=True, eq=False)
class BranchErrorCorrelation:
    """What the past says: the correlation ``shared`` by the errors of two branches, and which rows of the catalog have a record
    of demand, ``sells`` [M]. A depot without one has no demand of its own.
    """

    shared: float
    sells: np.ndarray


@dataclass(frozen=True)
class DepotLine:
    """A product and what its branches lack beyond the depot's stock, units: above 0 where the depot is short."""

    product: str
    depot: str
    branches: int
    lacking: float
    on_hand: float

    @property
    def short(self) -> float:
        """Units that the depot cannot give."""
        return max(self.lacking - self.on_hand, 0.0)


@dataclass(frozen=True, eq=False)
class ProductPlan:
    """One product: its ``names`` [N] of locations served, each step [N] in units, the transfers and the depot's order.

    A depot that sells is served, too, from its own stock: ``is_depot`` [N].
    """

    line: DepotLine
    names: tuple[str, ...]
    item_ids: tuple[str, ...]
    is_depot: np.ndarray
    need: np.ndarray
    on_hand: np.ndarray
    on_the_way: np.ndarray
    back_orders: np.ndarray
    moved: Allocation
    order: DepotOrder

    @property
    def position(self) -> np.ndarray:
        """Units [N] that meet demand before anything is given."""
        return self.on_hand + self.on_the_way - self.back_orders


def depot_lines(plan: BuyPlan) -> tuple[DepotLine, ...]:
    """Every product of the list that a depot supplies, the shortest of stock first."""
    place = _places(plan)
    lines = [_line(plan, one, place) for one in _within(plan, place)]
    return tuple(sorted(lines, key=_shortest_first))


def contradictions(plan: BuyPlan) -> tuple[tuple[str, Contradiction], ...]:
    """Item ids whose location columns cannot be, and why."""
    return tuple((str(plan.inputs.assortment.item_ids[one.row]), one) for one in plan.inputs.assortment.echelons[1])


def product_plan(plan: BuyPlan, product: str, depot: str, past: BranchErrorCorrelation) -> ProductPlan:
    """Transfers and the depot's order of one product; raises UnknownItem, ConfigurationError."""
    place, location = _places(plan), plan.inputs.assortment.locations.get(LOCATION, ())
    for family in plan.inputs.assortment.echelons[0]:
        if (family.product, str(location[family.depot])) == (product, depot) and _is_whole(family, place):
            return _planned(plan, family, place, past)
    raise UnknownItem(f"The list has no product {product!r} supplied from {depot!r}. Choose one of those shown.")


def product_plans(plan: BuyPlan, past: BranchErrorCorrelation, report: Report) -> tuple[ProductPlan, ...]:
    """The same of every product of the list, the shortest depots first."""
    place, made = _places(plan), []
    whole = _within(plan, place)
    for done, family in enumerate(whole):
        if done % _REPORTED == 0:
            report(Progress(done, len(whole), f"Shared out {done:,} of {len(whole):,} depots' stock"))
        made.append(_planned(plan, family, place, past))
    return tuple(sorted(made, key=lambda one: _shortest_first(one.line)))


def _planned(plan: BuyPlan, family: Family, place: np.ndarray, past: BranchErrorCorrelation) -> ProductPlan:
    made, order, review = plan.inputs, plan.order, plan.settings.review
    location = made.assortment.locations[LOCATION]
    own = [family.depot] if past.sells[family.depot] else []
    rows = np.array(sorted([*family.branches, *own], key=lambda row: str(location[row])))
    at, source = place[rows], place[family.depot]
    is_depot = rows == family.depot
    lead = np.where(is_depot, 0.0, plan.periods[at] - review)
    knots = plan.knots[at].copy()
    if own:
        knots[is_depot] = made.knots(rows[is_depot], 0.0, review)
    in_time = np.where(is_depot, 0.0, order.on_hand[at] + order.on_order[at]) - order.back_orders[at]
    protected = np.maximum(np.ceil(lead + review), 1).astype(int)
    outside = np.maximum(np.ceil(plan.periods[source] + lead), 1).astype(int)
    costs = Costs(plan.costs.underage[at], plan.costs.overage[at])
    names = tuple(str(location[row]) for row in rows)
    ahead = max(int(np.ceil(review)), 1)
    paths = _paths(made, rows, max(int(outside.max()), int(protected.max()) + ahead), past.shared)
    terms = {name: column[[source]] for name, column in plan.terms.items()}  # of the depot
    pack, least = float(terms["pack_size"][0]), float(terms["min_order"][0])
    on_hand, coming = float(order.on_hand[source]), float(order.on_order[source] + plan.later[source])
    soon = float(by_period(made, np.array([family.depot]), terms, ahead).sum())
    branches = Branches(names, made.taus, knots, in_time, protected, costs)
    moved = allocation(branches, on_hand, pack, paths=paths, review=ahead, arriving=soon)
    there = on_hand + coming + float(in_time.sum() + np.where(is_depot, 0.0, plan.later[at]).sum())
    return ProductPlan(
        line=_line(plan, family, place),
        names=names,
        item_ids=tuple(str(made.assortment.item_ids[row]) for row in rows),
        is_depot=is_depot,
        need=quantile_function.quantile(made.taus, knots, plan.tau[at]),
        on_hand=np.where(is_depot, 0.0, order.on_hand[at]),
        on_the_way=np.where(is_depot, 0.0, order.on_order[at]),
        back_orders=order.back_orders[at],
        moved=moved,
        order=depot_order(paths, outside, float(plan.tau[source]), there, pack, least),
    )


def _places(plan: BuyPlan) -> np.ndarray:
    place = np.full(len(plan.inputs.assortment), -1)
    place[plan.rows] = np.arange(len(plan))
    return place


def _within(plan: BuyPlan, place: np.ndarray) -> list[Family]:
    """Families that the list holds whole."""
    return [one for one in plan.inputs.assortment.echelons[0] if _is_whole(one, place)]


def _is_whole(family: Family, place: np.ndarray) -> bool:
    return all(place[row] >= 0 for row in (family.depot, *family.branches))


def _shortest_first(line: DepotLine) -> tuple[float, float, str, str]:
    return -line.short, -line.lacking, line.product, line.depot


def _line(plan: BuyPlan, family: Family, place: np.ndarray) -> DepotLine:
    at, order = place[list(family.branches)], plan.order
    short = order.need[at] - order.on_hand[at] - order.on_order[at] + order.back_orders[at]
    lacking = float(np.maximum(short, 0).sum())
    depot = str(plan.inputs.assortment.locations[LOCATION][family.depot])
    on_hand = float(order.on_hand[place[family.depot]])
    return DepotLine(family.product, depot, len(family.branches), lacking, on_hand)


def _paths(made: PlanInputs, rows: np.ndarray, periods: int, shared: float) -> np.ndarray:
    """Paths [S, N, H] of ``periods`` whose sums over the first h have the quantile functions of these rows' spans."""
    rng = np.random.default_rng(0)
    common, own = rng.standard_normal((_SAMPLES, 1)), rng.standard_normal((_SAMPLES, len(rows)))
    level = np.clip(ndtr(np.sqrt(shared) * common + np.sqrt(1 - shared) * own), 1e-6, 1 - 1e-6)[..., None]
    places = made.places[rows]
    spans = np.where(places[:, None, None] < 0, 0.0, made.spans[np.maximum(places, 0), :periods])
    total = np.maximum.accumulate(np.maximum(quantile_function.quantile(made.taus, spans, level), 0), axis=2)
    return np.diff(total, axis=2, prepend=0.0)
