"""When units on order arrive, and what is lost before an order placed now does.

What is on order is a single arrival, of the catalog's columns or a planner's terms, or the open orders of the item where the
catalog has some (see ``receipts``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from forecasting.inventory.lost_sales import unserved

if TYPE_CHECKING:
    from forecasting.purchasing.purchase_plan import Basis


def in_time(made: Basis, rows: np.ndarray, filled: Mapping[str, np.ndarray], periods: np.ndarray) -> np.ndarray:
    """Units [K] on order of the items ``rows`` [K], bought on the terms ``filled``, that arrive within ``periods`` [K]."""
    at_once = np.where(filled["arrives_in"] <= periods, filled["on_order"], 0.0)
    if made.supply is None:
        return at_once
    return np.where(made.supply.has_open[rows], made.supply.arriving_within(rows, periods), at_once)


def by_period(made: Basis, rows: np.ndarray, filled: Mapping[str, np.ndarray], longest: int) -> np.ndarray:
    """The same units [K, L] in t+1 … t+L, L the ``longest``."""
    arrives = np.ceil(filled["arrives_in"]).clip(min=1)
    answer = np.where(np.arange(1, longest + 1) == arrives[:, None], filled["on_order"][:, None], 0.0)
    if made.supply is not None:
        coming = np.zeros((len(rows), longest))
        known = made.supply.arriving[rows, :longest]
        coming[:, : known.shape[1]] = known
        answer = np.where(made.supply.has_open[rows, None], coming, answer)
    return answer


def lost_before(
    made: Basis,
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
    after = int(np.clip(round(review), 1, made.horizon))
    lead = np.clip(np.rint(filled["lead_time"]), 0, made.horizon - after).astype(int)
    places, on_hand = made.places[rows], filled["on_hand"] - filled["back_orders"]
    stocked = ~assumed.get("on_hand", np.zeros(len(rows), bool)) & (places >= 0) & (lead > 0)
    some = np.flatnonzero(stocked & (on_hand < made.spans[np.maximum(places, 0), np.maximum(lead, 1) - 1, -1]))
    if some.size:
        arriving = by_period(made, rows[some], {name: column[some] for name, column in filled.items()}, int(lead[some].max()))
        ahead = made.demand_ahead(places[some], lead[some], after)
        found = unserved(tau[some, None], *ahead, on_hand[some, None], arriving[:, None])
        spared[some], expected[some] = (one[:, 0] for one in found)
    return spared, expected
