"""What a forecast says of items whose life ends, begins or is shared with another: as far as it was known at the creation date.

Axis letters: N items, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from data.life_cycle import seems_over
from data.schema import Panel
from forecasting.core.types import QuantileForecast


def kept_demand(history: Panel, periods: pd.DatetimeIndex) -> np.ndarray:
    """The share [N, H] of an item's demand in the coming ``periods`` that is still, or already, its own; 1 as a rule."""
    share = np.ones((len(history), len(periods)))
    over, life = seems_over(history), history.life
    if life is not None:
        now, ahead = history.last.to_datetime64(), periods.to_numpy()[None, :]  # NaT compares as false
        shared = (ahead < life.shared_until[:, None]) & (life.share < 1)[:, None] & ~(life.lent_known > now)[:, None]
        share = np.where(shared & ~(life.ends_known > now)[:, None], life.share[:, None], share)
        share = np.where((ahead < life.starts[:, None]) & (life.lent_known <= now)[:, None], 0.0, share)
        share = np.where((ahead >= life.ends[:, None]) & (life.ends_known <= now)[:, None], 0.0, share)
        over &= ~life.sold_on
    share[over] = 0.0
    return share


def living(forecast: QuantileForecast, history: Panel) -> QuantileForecast:
    """``forecast`` with each item's share of its demand; the forecast itself where all keep all of it.

    A period's quantiles are multiplied by its share, those of a span by the share of its expectation that is kept.
    """
    share = kept_demand(history, forecast.periods)
    if (share == 1).all():
        return forecast
    mean = forecast.mean()
    spans = np.divide((mean * share).cumsum(axis=1), mean.cumsum(axis=1), out=share.copy(), where=mean.cumsum(axis=1) > 0)
    values = (forecast.values * share[..., None]).astype(forecast.values.dtype)
    cumulative = (forecast.cumulative * spans[..., None]).astype(forecast.cumulative.dtype)
    return replace(forecast, values=values, cumulative=cumulative)
