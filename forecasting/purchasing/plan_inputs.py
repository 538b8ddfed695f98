"""What a purchase list is worked out from, whatever is chosen: the forecasts of all items and what is known of their orders.

When units on order arrive, and what is lost before an order placed now does, is worked out here, too.

What is on order is a single arrival, of the catalog's columns or a planner's terms, or the open orders of the item where the
catalog has some (see ``lead_times``). Axis letters: N items of the assortment, K of a list, M forecast, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from data.assortment import Assortment
from forecasting.batch.forecast_summary import Summary
from forecasting.core.kept import Kept
from forecasting.inventory.lead_times import Supply, uncertain_knots
from forecasting.inventory.lost_sales import demand_ahead, unserved
from forecasting.inventory.order_policy import span_knots

#: Mixtures that are kept: the list in use, and the ones that Today and another review ask for.
_MIXED_KEPT = 4


@dataclass(frozen=True, eq=False)
class PlanInputs:
    """What the list of N items is worked out from, whatever is chosen: made once for a catalog and a model.

    ``places`` [N] are the rows of the assortment's items in ``spans`` [M, H, Q] at ``taus``, −1 where an item was not forecast.
    ``supply`` is what past and open orders tell, None where the catalog has none. ``ended`` [N] are items that are no longer
    sold, None for none: they are in no list, but of one asked for by itself.
    """

    assortment: Assortment
    taus: np.ndarray
    spans: np.ndarray
    places: np.ndarray
    creation_date: pd.Timestamp
    supply: Supply | None = None
    ended: np.ndarray | None = None

    def sold(self, rows: np.ndarray) -> np.ndarray:
        """Those of ``rows`` that are still sold."""
        return rows if self.ended is None else rows[~self.ended[rows]]

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
        if not len(self.spans):  # nothing was forecast: all items have ended
            return np.zeros((len(rows), len(self.taus)))
        knots = span_knots(self.taus, self.spans, lead_time, review, np.maximum(places, 0))
        if deviation is not None and deviation.any():
            sure = np.broadcast_to(np.asarray(lead_time, np.float64), len(rows))
            key = (rows.tobytes(), sure.tobytes(), deviation.tobytes(), review)
            some = np.flatnonzero(deviation > 0)
            at, wanted = np.maximum(places[some], 0), rows[some]
            knots[some] = self._mixed.made(
                key,
                lambda: uncertain_knots(self.supply, self.taus, self.spans, at, wanted, sure[some], deviation[some], review),
            )
        knots[places < 0] = 0.0
        return knots

    def demand_ahead(self, places: np.ndarray, lead_time: np.ndarray, review: int) -> tuple[np.ndarray, np.ndarray]:
        """``lost_sales.demand_ahead`` of the forecasts at ``places`` [K]; the last answer is kept."""
        key = (places.tobytes(), lead_time.tobytes(), review)
        return self._ahead.made(key, lambda: demand_ahead(self.taus, self.spans[places], lead_time, review))

    @cached_property
    def _ahead(self) -> Kept[tuple[np.ndarray, np.ndarray]]:
        return Kept(1)

    @cached_property
    def commercial(self) -> Mapping[str, np.ndarray]:
        """The catalog's commercial columns [N]; lead times and units on order as orders tell them where they do."""
        known = self.assortment.commercial
        return known if self.supply is None else self.supply.over(known)

    @cached_property
    def _mixed(self) -> Kept[np.ndarray]:
        return Kept(_MIXED_KEPT)

    @cached_property
    def middle_price(self) -> float:
        """What stands in for a price that is not known."""
        price = self.assortment.commercial["price"]
        sold = price[np.isfinite(price) & (price > 0)]
        return float(np.median(sold)) if sold.size else 1.0

    @cached_property
    def has_prices(self) -> bool:
        """Whether the catalog knows what anything costs or is sold for; without, no money can be told."""
        columns = (self.assortment.commercial.get(name, np.zeros(0)) for name in ("price", "unit_cost"))
        return any(bool((np.isfinite(column) & (column > 0)).any()) for column in columns)

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Where each item stands."""
        return {str(item_id): row for row, item_id in enumerate(self.assortment.item_ids)}


def plan_inputs(
    assortment: Assortment, summary: Summary, known_periods: np.ndarray | None = None, supply: Supply | None = None
) -> PlanInputs:
    """What the list is worked out from.

    A depot whose ``known_periods`` [N] of demand are none sells nothing itself: it is no new product.
    """
    places = summary.rows_of(assortment.item_ids)
    ended = places < 0
    if ended.any():
        ended &= ~assortment.by_location  # a product is planned over all its locations or none
    inputs = PlanInputs(assortment, summary.taus, summary.spans, places, summary.creation_date, supply, ended)
    if known_periods is None:
        return inputs
    silent = [one.depot for one in assortment.echelons[0] if known_periods[one.depot] == 0]
    return replace(inputs, places=np.where(np.isin(np.arange(len(places)), silent), -1, places))


def in_time(inputs: PlanInputs, rows: np.ndarray, filled: Mapping[str, np.ndarray], periods: np.ndarray) -> np.ndarray:
    """Units [K] on order of the items ``rows`` [K], bought on the terms ``filled``, that arrive within ``periods`` [K]."""
    at_once = np.where(filled["arrives_in"] <= periods, filled["on_order"], 0.0)
    if inputs.supply is None:
        return at_once
    return np.where(inputs.supply.has_open[rows], inputs.supply.arriving_within(rows, periods), at_once)


def by_period(inputs: PlanInputs, rows: np.ndarray, filled: Mapping[str, np.ndarray], longest: int) -> np.ndarray:
    """The same units [K, L] in t+1 … t+L, L the ``longest``."""
    arrives = np.ceil(filled["arrives_in"]).clip(min=1)
    answer = np.where(np.arange(1, longest + 1) == arrives[:, None], filled["on_order"][:, None], 0.0)
    if inputs.supply is not None:
        coming = np.zeros((len(rows), longest))
        known = inputs.supply.arriving[rows, :longest]
        coming[:, : known.shape[1]] = known
        answer = np.where(inputs.supply.has_open[rows, None], coming, answer)
    return answer


def lost_before(
    inputs: PlanInputs,
    rows: np.ndarray,
    filled: Mapping[str, np.ndarray],
    assumed: Mapping[str, np.ndarray],
    tau: np.ndarray,
    review: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Units [K] that an order at ``tau`` [K] need not hold, for they are lost before it arrives, and how many to expect.

    None where stock on hand is only assumed.
    """
    spared, expected = np.zeros(len(rows)), np.zeros(len(rows))
    after = int(np.clip(round(review), 1, inputs.horizon))
    lead = np.clip(np.rint(filled["lead_time"]), 0, inputs.horizon - after).astype(int)
    places, on_hand = inputs.places[rows], filled["on_hand"] - filled["back_orders"]
    stocked = ~assumed.get("on_hand", np.zeros(len(rows), bool)) & (places >= 0) & (lead > 0)
    some = np.flatnonzero(stocked & (on_hand < inputs.spans[np.maximum(places, 0), np.maximum(lead, 1) - 1, -1]))
    if some.size:
        arriving = by_period(inputs, rows[some], {name: column[some] for name, column in filled.items()}, int(lead[some].max()))
        ahead = inputs.demand_ahead(places[some], lead[some], after)
        found = unserved(tau[some, None], *ahead, on_hand[some, None], arriving[:, None])
        spared[some], expected[some] = (one[:, 0] for one in found)
    return spared, expected
