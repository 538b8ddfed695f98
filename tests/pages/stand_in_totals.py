"""The totals of the stand-in's items: sums of what each sold and is expected to sell, with a fan by a closed formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from stand_in_items import HORIZON, NORMAL, PERIODS, TAUS, WEEKS, forecast, history

from data.facts import ItemFacts
from data.units import Unit
from forecasting.batch.common_error import CommonError
from forecasting.service.total_view import SpanTotal, TotalForecast, TotalView
from forecasting.service.view_models import ItemHistory

COMMON = CommonError(0.08, 0.11, 240, 7, pd.Timestamp("2025-09-28"), pd.Timestamp("2025-12-14"))

#: How wide the fan of a total is, as a share of its expectation, and what the plan adds a week.
SPREAD, PLANNED, SEASON = 0.1, 260.0, 150.0


def view(numbers: Sequence[int], category: str, categories: tuple[str, ...], created: pd.Timestamp, made: bool) -> TotalView:
    """The total of the items with these numbers; no fan unless it was ``made``."""
    price, promo = np.full(HORIZON, 2.49), (np.arange(HORIZON) == 4) * 0.8
    expected, sold = np.zeros(HORIZON), np.zeros(PERIODS)
    for number in numbers:
        expected += forecast(number, HORIZON, price, promo, created).mean()[0]
        past = history(number)
        sold[PERIODS - len(past.demand) :] += past.demand
    periods = WEEKS.range(pd.Timestamp("2024-01-07"), PERIODS)
    none = np.full(PERIODS, np.nan)
    values = expected[:, None] * (1 + SPREAD * NORMAL)
    fan = TotalForecast(created, WEEKS.after(created, HORIZON), TAUS, expected, values, COMMON)
    return TotalView(
        category=category,
        column="category",
        categories=categories,
        history=ItemHistory(periods, sold, none, none, np.ones(PERIODS), history(1).events),
        unknown=np.zeros(PERIODS),
        last_year=sold[PERIODS - 52 : PERIODS - 52 + HORIZON],
        forecast=fan if made else None,
        recent=float(sold[-13:].mean()),
        recent_periods=13,
        season=SEASON,
        planned=PLANNED if made else None,
    )


def factor(facts: ItemFacts, unit: Unit) -> float | None:
    """Units in a piece of an item; its price does not move here."""
    if unit.is_pieces:
        return 1.0
    return facts.commercial["price"] if unit.is_money else unit.factor(facts.commercial)


def in_unit(found: TotalView, factors: Mapping[int, float | None], unit: Unit) -> TotalView:
    """A total in another unit: what is expected is the sum over the items that have the factor."""
    price, promo, fan = np.full(HORIZON, 2.49), (np.arange(HORIZON) == 4) * 0.8, found.forecast
    having = {number: each for number, each in factors.items() if each is not None}
    if fan is None or not having:
        return replace(found, counted=len(factors) if fan is not None else 0)
    units = sum(forecast(number, HORIZON, price, promo, fan.creation_date).mean()[0] * each for number, each in having.items())
    each = units / fan.expected
    typical = float(each.mean())
    return replace(
        found,
        history=replace(found.history, demand=found.history.demand * typical, unit=unit),
        last_year=found.last_year * typical,
        forecast=replace(fan, expected=units, values=fan.values * each[:, None]),
        recent=found.recent * typical,
        season=None,
        planned=found.planned and found.planned * typical,
        unit=unit,
        having=len(having),
        counted=len(factors),
    )


class Spans:
    """Totals of several periods from the creation date on, by a closed formula."""

    def span_total(self, category: str, unit: Unit, periods: int) -> SpanTotal | None:
        found = self.total(category, unit).forecast
        if found is None:
            return None
        return SpanTotal(TAUS, float(found.expected[:periods].sum()) * (1 + 0.8 * SPREAD * NORMAL))
