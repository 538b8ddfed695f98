"""A purchase list's totals in another unit than pieces; the orders themselves are in pieces and whole packs.

Money is at the sales prices of the catalog, not at what the units cost. Axis letters: K items of a list.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.schema import PRICE
from data.units import PIECES, Unit
from forecasting.inventory.order_policy import outcome
from forecasting.purchasing.purchase_plan import BuyPlan


@dataclass(frozen=True, eq=False)
class PlanInUnit:
    """Sums over the ``having`` of ``items`` that have the factor, and ``each`` [K], the units in a piece (NaN: not known).

    ``bought`` and what is expected to be missed and left over until the next order arrives are in ``unit``.
    """

    unit: Unit
    each: np.ndarray
    having: int
    items: int
    bought: float
    lost_sales: float
    left_over: float

    def of(self, place: int, pieces: float) -> float:
        """So many pieces of the item at this place of the list; NaN where it lacks the factor."""
        return float(self.each[place] * pieces)


def plan_in_unit(plan: BuyPlan, unit: Unit) -> PlanInUnit:
    """The totals of a list in ``unit``; in pieces where none of its items has the factor."""
    each = _factors(plan, unit)
    if not np.isfinite(each).any():
        unit, each = PIECES, np.ones(len(plan))
    found = outcome(plan.knots, plan.inputs.taus, plan.position + plan.order.lost_before, plan.costs)
    total = lambda pieces: float(np.nansum(pieces * each))  # noqa: E731
    return PlanInUnit(
        unit=unit,
        each=each,
        having=int(np.isfinite(each).sum()),
        items=len(plan),
        bought=total(plan.quantity),
        lost_sales=total(found.lost_sales + plan.lost_anyway),
        left_over=total(found.left_over),
    )


def _factors(plan: BuyPlan, unit: Unit) -> np.ndarray:
    """Units in a piece [K] of the list's items; NaN where they lack the factor."""
    known = plan.inputs.assortment
    if unit.is_pieces:
        return np.ones(len(plan))
    if unit.is_money:
        prices = np.asarray(known.commercial[PRICE], np.float64)[plan.rows]
        return np.where(prices > 0, prices, np.nan)
    return known.factors(unit, plan.rows)
