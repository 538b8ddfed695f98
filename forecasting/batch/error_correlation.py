"""How far forecasts of different items err together, measured on past forecasts by networks that had not seen what followed.

An item's *level* in its forecast, as a normal score, has a part in common with all items, one with its category, and one of
its own,

    z = √m · market + √(c − m) · category + √(1 − c) · own,

where m and c are the mean products of the scores of two items, of any two and of two of a category.

Axis letters: N items, K creation dates, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtri

from data.errors import TooLittleHistory
from data.schema import Panel
from forecasting.batch.forecast_monitoring import honest
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import actuals_after, unknown_ahead
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Creation dates at least, and items read at a time.
_FEWEST_DATES, _CHUNK = 4, 512

#: Levels are held inside these, so that a score is finite.
_LOWEST, _HIGHEST = 0.005, 0.995


@dataclass(frozen=True)
class ErrorCorrelation:
    """How far items err together.

    ``market`` and ``category`` are the correlations of any two and of two of a category, from ``items`` best sellers at
    ``dates`` creation dates, ``first`` … ``last``, over spans of ``periods``.
    """

    market: float
    category: float
    items: int
    dates: int
    first: pd.Timestamp
    last: pd.Timestamp
    periods: int

    def scores(self, market: np.ndarray, category: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Normal scores of items whose parts are these normal scores; they broadcast against one another."""
        return (
            np.sqrt(self.market) * market + np.sqrt(self.category - self.market) * category + np.sqrt(1 - self.category) * own
        )


def error_correlation_of(catalog: Catalog, networks: FeedbackEnsemble, item_ids: list[str], periods: int) -> ErrorCorrelation:
    """How far these items erred together over spans of ``periods``; raises TooLittleHistory."""
    panel = catalog.panel(item_ids)
    values, actuals, used = past_forecasts(networks, panel, periods, spans=True)
    z = scores(np.array(TAUS), values[:, :, 0], actuals[:, :, 0]).T  # (K, N)
    labels = next(iter(panel.static.values())) if panel.static else np.zeros(len(panel))
    market = shared_part(z, np.zeros(len(panel)))
    category = max(market, shared_part(z, np.asarray(labels)))
    first, last = panel.periods[min(used)], panel.periods[max(used)]
    return ErrorCorrelation(market, category, len(panel), len(used), first, last, periods)


def past_forecasts(
    networks: FeedbackEnsemble, panel: Panel, periods: int, *, spans: bool, most: int | None = None
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """What networks that had not learned what followed said of the next ``periods``, and what came.

    Answers quantiles [N, K, H, Q], actuals [N, K, H] (NaN: not known) and the K creation dates: of each period, or of the whole
    span (H = 1). ``most`` creation dates are read, spread over those there are. Raises TooLittleHistory.
    """
    newest = len(panel.periods) - 1 - (periods if spans else 1)
    unknown, parts, actuals, used = unknown_ahead(panel), [], [], []
    split = [(ensemble, [date for date in dates if date <= newest]) for ensemble, dates in honest(networks, panel)]
    wanted = _spread([date for _, dates in split for date in dates], most)
    for ensemble, dates in split:
        came = {date: actuals_after(panel, date, periods) for date in dates if date in wanted}
        sold = {date: units.sum(axis=1, keepdims=True) if spans else units for date, units in came.items()}  # (N, H)
        mine = [date for date, units in sold.items() if np.isfinite(units).any()]
        if mine:
            rows = [np.arange(start, min(start + _CHUNK, len(panel))) for start in range(0, len(panel), _CHUNK)]
            each = [ensemble.read(panel.take(one), None, mine, unknown=unknown, shown=False, ahead=periods) for one in rows]
            parts.append(np.concatenate([one.cumulative[:, :, -1:] if spans else one.values for one in each]))  # (N, K, H, Q)
            actuals += [sold[date] for date in mine]
            used += mine
    if len(used) < _FEWEST_DATES:
        raise TooLittleHistory(
            f"How far items err together is measured on forecasts of {periods} periods from {_FEWEST_DATES} creation dates "
            f"that the networks had not learned from, with known demand after them, and there are {len(used)}. Load more "
            "history and train again."
        )
    return np.concatenate(parts, axis=1), np.stack(actuals, axis=1), used


def _spread(dates: list[int], most: int | None) -> set[int]:
    """At most so many of the dates, evenly spread."""
    if most is None or len(dates) <= most:
        return set(dates)
    return {dates[round(place)] for place in np.linspace(0, len(dates) - 1, most)}


def scores(taus: np.ndarray, values: np.ndarray, actuals: np.ndarray) -> np.ndarray:
    """Normal scores [...] of ``actuals`` [...] under quantiles ``values`` [..., Q]; NaN where the actual is not known.

    Where the quantile function is flat at the actual (zeros, mostly), the level is drawn from the levels that share it.
    """
    known = np.isfinite(actuals)
    units = np.where(known, actuals, 0.0)
    above = quantile_function.level(taus, values, units)
    below = quantile_function.level(taus, values, np.maximum(units - 0.5, 0) * (1 - 1e-9))
    below = np.where(units <= 0, 0.0, below)
    level = below + np.random.default_rng(0).random(units.shape) * np.maximum(above - below, 0)
    return np.where(known, ndtri(np.clip(level, _LOWEST, _HIGHEST)), np.nan)


def shared_part(z: np.ndarray, groups: np.ndarray) -> float:
    """The share of the variance of scores ``z`` [K, N] that items of a group in ``groups`` [N] have in common.

    It is the mean product of the scores of two different items of a group at the same date. The scores are not centred: with
    few dates a mean that is off is then the common part itself.
    """
    variance = float(np.nanmean(z**2))
    return float(np.clip(_cross(z, groups) / variance, 0.0, 0.99)) if variance > 0 else 0.0


def _cross(z: np.ndarray, groups: np.ndarray) -> float:
    """The mean product of scores [K, N] of two different items of a group; 0 where no group has two."""
    total = pairs = 0.0
    for group in np.unique(groups):
        mine = z[:, groups == group]
        seen = np.isfinite(mine)
        filled, counts = np.where(seen, mine, 0.0), seen.astype(float)
        total += pair_products(filled.T)
        pairs += pair_products(counts.T)
    return total / pairs if pairs > 0 else 0.0


def pair_products(values: np.ndarray) -> float:
    """The sum of the products of two different rows of ``values`` [N, …], each pair counted twice."""
    return float((values.sum(axis=0) ** 2 - (values**2).sum(axis=0)).sum())
