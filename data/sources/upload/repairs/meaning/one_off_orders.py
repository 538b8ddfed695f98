"""Single quantities far above all else that an item ever sold: one customer's bulk order, not the demand of a period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.facts import Check
from data.schema import PROMO
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows, laid_out
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "one-off-orders"

#: Times the next highest period, and times the usual one, that a one-off lies above; periods with a sale that tell.
_ABOVE_NEXT, _ABOVE_USUAL, _LEAST = 5.0, 10.0, 12

#: Items looked at together.
_CHUNK = 5_000


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """Periods with a one-off are told, and become unknown where the planner agrees."""
    demand = rows.history()
    if rows.periods < _LEAST:
        return None
    parts = [_stands_out(demand[start : start + _CHUNK]) for start in range(0, len(demand), _CHUNK)]
    item = np.flatnonzero(np.concatenate(parts))
    period = np.argmax(np.nan_to_num(demand[item]), axis=1)
    if PROMO in rows.known and len(item):
        calm = ~(laid_out(rows, rows.known[PROMO], rows.periods)[item, period] > 0)
        item, period = item[calm], period[calm]
    if not len(item):
        return None
    assert rows.calendar is not None
    answer = answer_to(KIND, decisions, NO)
    one = (
        f"{shortened(rows.item_ids[item[0]])}, {rows.calendar.periods[period[0]]:%Y-%m-%d}: {demand[item[0], period[0]]:,.10g}"
    )
    usual = np.median(demand[item[0]][demand[item[0]] > 0])
    told = f"{many(len(item), 'item')} sold once far more than ever, such as {one} at usually {usual:,.3g}."
    hit = np.zeros(demand.shape, bool)
    hit[item, period] = True
    offer = Offer(
        kind=KIND,
        title="One-off orders",
        words=f"{told} Each is taken as a one-off that will not come again: demand in that period becomes unknown.",
        count=len(item),
        before=one,
        after="unknown",
        effect="Upper quantiles and safety stock would remember the one order for years.",
        default=NO,
        answer=answer,
    )
    read = rows if answer == NO else replace(rows, demand=np.where(rows.at(hit), np.nan, rows.demand))
    return Found(read, offer, (Check("One-off orders", told, len(item), "warning"),))


def _stands_out(demand: np.ndarray) -> np.ndarray:
    """Which items [K] sold far more in one period than in any other and than usual; ``demand`` [K, T]."""
    sold = np.where(demand > 0, demand, np.nan)
    enough = np.isfinite(sold).sum(axis=1) >= _LEAST
    if not enough.any():
        return enough
    two = np.partition(np.nan_to_num(demand), demand.shape[1] - 2, axis=1)[:, -2:]  # (K, 2) next highest, highest
    usual = np.full(len(demand), np.inf)
    usual[enough] = np.nanmedian(sold[enough], axis=1)
    return enough & (two[:, 1] >= _ABOVE_NEXT * two[:, 0]) & (two[:, 1] >= _ABOVE_USUAL * usual)
