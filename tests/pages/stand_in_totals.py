"""The totals of the stand-in's items: sums of what each sold and is expected to sell, with a fan by a closed formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from stand_in_items import HORIZON, NORMAL, PERIODS, TAUS, WEEKS, forecast, history

from forecasting.batch.common_error import CommonError
from forecasting.service.total_view import TotalForecast, TotalView
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
