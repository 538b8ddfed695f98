"""The Distribution Engine: what a point forecast missed by before, laid around what it says now.

Every past period within the window was a creation date once. The error of a period is what sold over what was said, that
of a span the same of both sums, so quantiles of sums are learned from sums. An item with few errors leans on those of
all items of its route. Axis letters: N items, T past periods, U = T + F, W past creation dates, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.core.quantile_function import TAUS
from forecasting.models.patchwork.adjustments import Factors

#: Past creation dates whose errors count, at most.
_WINDOW = 60

#: Own errors that weigh as much as those of all items of the route.
_POOL_WEIGHT = 10.0


@dataclass(frozen=True, eq=False)
class Points:
    """Point forecasts from any creation date.

    Attributes
    ----------
    level, growth : [N, T] and [N], what the textbook models say, add-ons taken out; NaN where they say nothing.
    bare : [N, T] demand with price and promotion taken out, NaN unknown: what a seasonal naive repeats.
    repeats : [N] bool, half of the point is the seasonal naive's.
    season : periods in a season.
    factors : the add-ons.
    floor : [N] the least that a model may say, so that an error can be a ratio.
    """

    level: np.ndarray
    growth: np.ndarray
    bare: np.ndarray
    repeats: np.ndarray
    season: int
    factors: Factors
    floor: np.ndarray

    def at(self, s: int, horizon: int) -> np.ndarray:
        """Point forecasts [N, H] in units from period s."""
        ahead = np.arange(1, horizon + 1)
        u = s + ahead
        base = self.level[:, s, None] + self.growth[:, None] * (ahead - 1)
        base = np.maximum(base, self.floor[:, None]) * self.factors.season[:, u]
        if self.repeats.any():
            same = u - self.season * np.ceil(ahead / self.season).astype(int)  # (H,) the same period of the last season
            last = np.where(same >= 0, self.bare[:, np.maximum(same, 0)], np.nan)
            both = self.repeats[:, None] & np.isfinite(last)
            base = np.where(both, (base + last) / 2, base)
        return np.maximum(base, self.floor[:, None]) * self.factors.at(s, horizon)


@dataclass(frozen=True, eq=False)
class Errors:
    """What sold over what was said: of single periods and of sums over the first h, [N, W, H]; NaN where not known."""

    period: np.ndarray
    span: np.ndarray

    @classmethod
    def of(cls, points: Points, demand: np.ndarray, horizon: int) -> Errors:
        """From every creation date of the window, against ``demand`` [N, T] (NaN unknown)."""
        items, periods = demand.shape
        dates = np.arange(max(0, periods - 1 - _WINDOW), periods - 1)
        period = np.full((items, len(dates), horizon), np.nan, np.float32)
        span = np.full_like(period, np.nan)
        for place, s in enumerate(dates):
            width = min(horizon, periods - 1 - s)
            forecasts = points.at(s, width)
            sold = demand[:, s + 1 : s + 1 + width]
            usable = np.where(forecasts > 0, forecasts, np.nan)
            period[:, place, :width] = sold / usable
            span[:, place, :width] = sold.cumsum(axis=1) / usable.cumsum(axis=1)
        return cls(period, span)

    def counts(self) -> np.ndarray:
        """How many errors of each horizon [N, H] there are."""
        return np.isfinite(self.period).sum(axis=1)


@dataclass(frozen=True, eq=False)
class ErrorPool:
    """Quantiles [R, H, Q] of the errors of all items of each of R routes, of single periods and of spans."""

    period: np.ndarray
    span: np.ndarray

    @classmethod
    def learned(cls, errors: Errors, route: np.ndarray, routes: int) -> ErrorPool:
        """From the errors of many items and the ``route`` [N] of each; a route without any takes those of all."""
        return cls(_pooled(errors.period, route, routes), _pooled(errors.span, route, routes))

    def around(self, point: np.ndarray, errors: Errors, route: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fans [N, H, Q] of periods and of spans around point forecasts [N, H]."""
        own = own_weight(errors)[..., None]  # (N, H, 1)
        ahead = np.arange(1, point.shape[1] + 1)[:, None]
        period = _blend(own, known_quantiles(np.moveaxis(errors.period, 1, 2)), self.period[route])
        few = own / (own + (1 - own) * ahead)  # sums overlap: h of them are worth one
        span = _blend(few, known_quantiles(np.moveaxis(errors.span, 1, 2)), self.span[route])
        return point[..., None] * period, point.cumsum(axis=1)[..., None] * span


def own_weight(errors: Errors) -> np.ndarray:
    """The share [N, H] that an item's own errors have in its fan of single periods."""
    count = errors.counts()
    return count / (count + _POOL_WEIGHT)


def known_quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles [..., Q] at ``TAUS`` of the known numbers of each row [..., K]; NaN for a row without any."""
    ordered = np.sort(values, axis=-1)  # NaN last
    last = np.isfinite(values).sum(axis=-1, keepdims=True) - 1
    place = np.maximum(np.array(TAUS) * last, 0.0)
    left = np.floor(place).astype(int)
    low = np.take_along_axis(ordered, left, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(left + 1, np.maximum(last, 0)), axis=-1)
    return low + (place - left) * (high - low)


def _blend(own: np.ndarray, mine: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Quantiles averaged, ``own`` parts of ``mine``; the pool's alone where there are none."""
    return np.where(np.isfinite(mine) & (own > 0), own * np.nan_to_num(mine) + (1 - own) * pool, pool)


def _pooled(errors: np.ndarray, route: np.ndarray, routes: int) -> np.ndarray:
    """Quantiles [R, H, Q] of errors [N, W, H] over the items of each route; 1 where there are no errors at all."""
    everyone = _all_quantiles(errors, np.ones((1, errors.shape[2], len(TAUS))))
    return np.concatenate([_all_quantiles(errors[route == each], everyone) for each in range(routes)])


def _all_quantiles(errors: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Quantiles [1, H, Q] over items and dates."""
    if not errors.size:
        return otherwise
    found = known_quantiles(errors.reshape(-1, errors.shape[2]).T)[None]
    return np.where(np.isfinite(found), found, otherwise)
