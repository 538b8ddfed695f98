"""One item's answers counted in another unit: every number of demand, and nothing else, times what a piece is.

This is the one place where pieces become cases, kilograms or money. Money is at the price of each period: what was recorded,
then what is planned, else the last known. The range of a total in money is that of its pieces at the mean price that
they are expected to sell at, which is exact where the price stays. Chances, percentages and elasticities do not change.

Axis letters: T periods on record, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.facts import ItemFacts
from data.units import Unit
from forecasting.core.types import QuantileForecast
from forecasting.explain.attention_attribution import AttentionAttribution
from forecasting.explain.error_history import ErrorHistory
from forecasting.explain.forecast_revision import ForecastRevision
from forecasting.explain.shapley_drivers import Drivers
from forecasting.service.view_models import ItemHistory, ItemView, PastFan, ScenarioView


@dataclass(frozen=True, eq=False)
class Scale:
    """What one piece of an item is in ``unit`` in each of the ``periods`` [T + H] that are known or planned of it."""

    unit: Unit
    periods: pd.DatetimeIndex
    per_piece: np.ndarray

    def at(self, periods: pd.DatetimeIndex) -> np.ndarray:
        """The same [K] of these periods; of others that of the nearest known one."""
        places = np.searchsorted(self.periods.to_numpy(), pd.DatetimeIndex(periods).to_numpy())
        return np.asarray(self.per_piece[np.clip(places, 0, len(self.per_piece) - 1)])

    def forecast(self, found: QuantileForecast) -> QuantileForecast:
        """A forecast of the item; what its periods are expected to sell adds up to what the total is, as in pieces."""
        each = self.at(found.periods)  # (H,)
        return replace(
            found,
            values=found.values * each[:, None],
            cumulative=found.cumulative * self._so_far(found.mean()[0], each)[:, None],
        )

    def history(self, found: ItemHistory) -> ItemHistory:
        """What is on record of the item."""
        each = self.at(found.periods)
        imported = None if found.imported is None else found.imported * each
        return replace(found, demand=found.demand * each, imported=imported, unit=self.unit)

    def view(self, found: ItemView) -> ItemView:
        """The item's page."""
        return replace(found, history=self.history(found.history), forecast=self.forecast(found.forecast), unit=self.unit)

    def past(self, found: Sequence[PastFan]) -> tuple[PastFan, ...]:
        """Earlier forecasts and what came."""
        return tuple(
            replace(one, forecast=self.forecast(one.forecast), actual=one.actual * self.at(one.forecast.periods))
            for one in found
        )

    def drivers(self, found: Drivers, periods: pd.DatetimeIndex) -> Drivers:
        """What the forecast of these periods [H] is made of."""
        each = self.at(periods)
        return Drivers(found.groups, found.parts * each, found.reference * each, found.forecast * each)

    def attention(self, found: AttentionAttribution, periods: pd.DatetimeIndex) -> AttentionAttribution:
        """Where the forecast of these periods [H] looked; shares of attention stay."""
        each = self.at(periods)
        return replace(found, forecast=found.forecast * each, masked=found.masked * each)

    def errors(self, found: ErrorHistory, periods: pd.DatetimeIndex) -> ErrorHistory:
        """What was said before, and what that did to the forecast of these periods [H]."""
        then, each = self.at(found.judged), self.at(periods)
        ahead = ("raised", "steadied", "forecast", "without")
        moved = {name: getattr(found, name)[: len(each)] * each[: len(getattr(found, name))] for name in ahead}
        return replace(
            found, said=found.said * then, came=found.came * then, earlier=found.earlier[:, : len(each)] * each, **moved
        )

    def revision(self, found: ForecastRevision) -> ForecastRevision:
        """What changed in the last period."""
        each = self.at(found.periods)
        since = float(self.at(self.periods[self.periods < found.periods[0]][-1:])[0])
        return replace(
            found,
            parts=found.parts * each,
            before=found.before * each,
            after=found.after * each,
            expected=found.expected * since,
            came=found.came * since,
        )

    @staticmethod
    def _so_far(expected: np.ndarray, each: np.ndarray) -> np.ndarray:
        """The mean factor [H] of what is expected up to each period."""
        sold = expected.cumsum()
        plain = each.cumsum() / np.arange(1, len(each) + 1)
        return np.divide((expected * each).cumsum(), sold, out=plain, where=sold > 0)


def scale_of(view: ItemView, unit: Unit) -> Scale | None:
    """What one piece of the item is in ``unit``; None where the catalog does not know, and for pieces."""
    if unit.is_pieces:
        return None
    return _scale(unit, view.facts, view.history, view.forecast.periods, view.plan_price)


def scenario_in(found: ScenarioView, unit: Unit) -> ScenarioView | None:
    """A scenario beside its baseline, each at its own prices; None where the item lacks the factor."""
    fan, prices = found.baseline.periods, (found.baseline_plan.price, found.scenario_plan.price)
    scales = [_scale(unit, found.facts, found.history, fan, price) for price in prices]
    if unit.is_pieces or scales[0] is None or scales[1] is None:
        return None
    baseline, scenario = scales[0].forecast(found.baseline), scales[1].forecast(found.scenario)
    before, after = (
        replace(
            one,
            units=float(fan.span_mean()[0, -1]),
            low=float(fan.span_at(0.1)[0, -1]),
            high=float(fan.span_at(0.9)[0, -1]),
        )
        for one, fan in ((found.before, baseline), (found.after, scenario))
    )
    history = scales[0].history(found.history)
    return replace(found, history=history, baseline=baseline, scenario=scenario, before=before, after=after, unit=unit)


def columns_of(facts: ItemFacts) -> Mapping[str, object]:
    """Everything that may hold a factor of the item."""
    return {**facts.static, **facts.commercial}


def _scale(
    unit: Unit, facts: ItemFacts, history: ItemHistory, ahead: pd.DatetimeIndex, plan_price: np.ndarray | None
) -> Scale | None:
    periods = pd.DatetimeIndex(history.periods).append(ahead)
    if not unit.is_money:
        each = unit.factor(columns_of(facts))
        return None if each is None else Scale(unit, periods, np.full(len(periods), each))
    planned = np.full(len(ahead), np.nan) if plan_price is None else np.asarray(plan_price, np.float64)
    price = every_price(np.concatenate([np.asarray(history.price, np.float64), planned])[None], facts.commercial.get("price"))[
        0
    ]
    return Scale(unit, periods, price) if np.isfinite(price).all() and len(price) else None


def every_price(prices: np.ndarray, listed: float | np.ndarray | None = None) -> np.ndarray:
    """Prices [N, T] with the last known one where none is known, before the first that one, and the ``listed`` where none is
    known at all.

    >>> every_price(np.array([[np.nan, 2.0, np.nan, 3.0]])).tolist()
    [[2.0, 2.0, 2.0, 3.0]]
    """
    known = np.isfinite(prices) & (prices > 0)
    places = np.where(known, np.arange(prices.shape[1]), -1)
    last = np.maximum.accumulate(places, axis=1)
    first = np.argmax(known, axis=1)[:, None]
    filled = np.take_along_axis(prices, np.where(last >= 0, last, first), axis=1)
    none = ~known.any(axis=1)
    stand_in = np.broadcast_to(np.asarray(np.nan if listed is None else listed, np.float64), none.shape)
    filled = np.where(none[:, None], np.where(stand_in > 0, stand_in, np.nan)[:, None], filled)
    return np.asarray(filled, np.float64)
