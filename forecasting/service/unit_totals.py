"""All items of a catalog counted in another unit: what ranks them, and their totals.

A total in another unit is that of the items that have its factor, and says of how many. What is expected of it is the sum of
what is expected of each; its range is that of the pieces, as wide for what is expected, for how the items' errors hang together
is measured in pieces.

Axis letters: M items that were forecast, T periods on record, H horizons, G totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.schema import PRICE, Frequency, Panel, Plan
from data.units import Unit
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import mean
from forecasting.service.in_unit import every_price
from forecasting.service.total_view import TotalView, last_year, mean_of_known, season_of

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Items read, and items whose spans are averaged, at a time.
_ITEMS = 4096


@dataclass(frozen=True, eq=False)
class Counted:
    """What the items of a summary are in ``unit``.

    Attributes
    ----------
    expected : [M, H] pieces.
    each : [M, H] units in a piece; NaN where the item lacks the factor.
    recent : [M] the same of the newest period on record.
    labels : [M] the category of each item, "" where it has none.
    history : category → [T] units sold of the items that have the factor, "" being all; NaN where no item's is known.
    """

    unit: Unit
    expected: np.ndarray
    each: np.ndarray
    recent: np.ndarray
    labels: np.ndarray
    history: Mapping[str, np.ndarray]

    @cached_property
    def whole(self) -> np.ndarray:
        """[M] units in a piece over all H periods, as they are expected to sell."""
        return self.up_to(self.each.shape[1])

    def up_to(self, periods: int) -> np.ndarray:
        """[M] units in a piece of the first ``periods`` coming ones, as they are expected to sell."""
        expected, each = self.expected[:, :periods], self.each[:, :periods]
        sold = expected.sum(axis=1)
        return np.divide((expected * each).sum(axis=1), sold, out=each.mean(axis=1), where=sold > 0)

    def of(self, category: str) -> tuple[np.ndarray, int, int]:
        """Units in a piece [H] of the total of a category, how many items have the factor, and of how many."""
        mine = np.ones(len(self.each), bool) if not category else self.labels == category
        pieces, units = self.expected[mine].sum(axis=0), np.nansum(self.expected[mine] * self.each[mine], axis=0)
        having = int(np.isfinite(self.each[mine]).all(axis=1).sum())
        return np.divide(units, pieces, out=np.zeros_like(units), where=pieces > 0), having, int(mine.sum())


def counted(catalog: Catalog, summary: Summary, unit: Unit) -> Counted:
    """All items in a unit, in one reading of the catalog."""
    catalog = catalog.as_it_is()
    assortment, horizon = catalog.assortment(), summary.horizon
    place = pd.Index(assortment.item_ids).get_indexer(summary.item_ids)
    labels = np.asarray(assortment.category.take(place), dtype=object).astype(str)
    row_of = pd.Index(summary.item_ids)
    every, known = pd.Index(assortment.item_ids), assortment.factors(unit, np.arange(len(assortment)))
    each, recent = np.full((len(place), horizon), np.nan), np.full(len(place), np.nan)
    sums: dict[str, np.ndarray] = {}
    for panel, plan in catalog.batches_with_plan(_ITEMS, horizon):
        at = every.get_indexer(panel.item_ids)
        scale = _scale(panel, plan, unit, known[at], assortment.commercial[PRICE][at])  # (N, T + H)
        rows = row_of.get_indexer(panel.item_ids)
        there, past = rows >= 0, scale[:, : len(panel.periods)]
        each[rows[there]], recent[rows[there]] = scale[there, len(panel.periods) :], past[there, -1]
        _add(sums, np.asarray(assortment.category.take(at), dtype=object).astype(str), panel.demand * past)
    return Counted(unit, _expected(summary), each, recent, labels, sums)


def total_in(view: TotalView, found: Counted, frequency: Frequency, horizon: int) -> TotalView:
    """A total in the unit of ``found``; as it is in pieces where none of its items has the factor."""
    each, having, items = found.of(view.category)
    past = found.history.get(view.category)
    if not having or past is None:
        return replace(view, having=having, counted=items)
    past = past[len(past) - len(view.history.demand) :]
    lately = mean_of_known(past[len(past) - view.recent_periods :])
    forecast = view.forecast
    if forecast is not None:
        forecast = replace(forecast, expected=forecast.expected * each, values=forecast.values * each[:, None])
    typical = float(each.mean())
    return replace(
        view,
        history=replace(view.history, demand=past, unit=found.unit),
        last_year=last_year(past, frequency, horizon),
        forecast=forecast,
        recent=lately,
        season=season_of(past, view.unknown, frequency, horizon, view.recent_periods, lately),
        planned=None if view.planned is None else view.planned * typical,
        unit=found.unit,
        having=having,
        counted=items,
    )


def _scale(panel: Panel, plan: Plan, unit: Unit, known: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Units in a piece [N, T + H] of these items."""
    periods = len(panel.periods) + len(plan)
    if not unit.is_money:
        return np.repeat(known[:, None], periods, axis=1)
    prices = np.full((len(panel), periods), np.nan)
    if PRICE in panel.known:
        prices = np.concatenate([panel.known[PRICE], plan.known[PRICE]], axis=1).astype(np.float64)
    return every_price(prices, listed)


def _add(sums: dict[str, np.ndarray], labels: np.ndarray, sold: np.ndarray) -> None:
    """Adds units sold [N, T] to the sum of each label and of all."""
    for label, mine in (("", slice(None)), *((one, labels == one) for one in np.unique(labels) if one)):
        known = np.isfinite(sold[mine])
        added = np.where(known.any(axis=0), np.where(known, sold[mine], 0.0).sum(axis=0), np.nan)
        before = sums.get(label)
        both = added if before is None else np.where(np.isnan(before), added, before + np.nan_to_num(added))
        sums[label] = both


def _expected(summary: Summary) -> np.ndarray:
    """Pieces [M, H] expected of each item and period, which add up to what is expected of its total."""
    means = [mean(summary.taus, summary.spans[begin : begin + _ITEMS]) for begin in range(0, len(summary.item_ids), _ITEMS)]
    spans = np.maximum.accumulate(np.concatenate(means), axis=1)
    whole = np.maximum(spans[:, -1:], 1e-12)
    return np.diff(spans, axis=1, prepend=0.0) / whole * summary.expected[:, None].astype(np.float64)
