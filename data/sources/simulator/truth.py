"""What is true of simulated items, so that a forecast can be compared with the law its demand was drawn from.

Demand of item i in period t is drawn in three steps, the middle one partly shared by the items of a category:

    active ~ Bernoulli(a)            a = 1 but for intermittent items
    G      ~ Gamma(k, 1/k)           a part of it is the category's, the rest the item's own
    demand ~ Poisson(active · G · mean / a)

so one item's demand in one period is exactly a zero-inflated negative binomial, and, since periods are drawn
independently, its demand over a span is a convolution of those. Axis letters: N items, P periods (history and the
planned ones after it), E events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from data.errors import ConfigurationError

_SPAN_TAIL = 20.0  # standard deviations above its mean that a span's distribution is computed to
_SPAN_CELLS = 4_000_000  # complex numbers held at a time


@dataclass(frozen=True, eq=False)
class Truth:
    """The distribution behind N simulated items, and what was drawn from it.

    Attributes
    ----------
    item_ids : [N] str.
    periods : [P] stamps; the first ``history`` of them are the panel's, the others the plan's.
    history : T, how many periods the panel has.
    mean : [N, P] units expected at the prices and promotions of panel and plan; NaN before launch, 0 from the end on.
    shape : [N] k above; the variance of an active period's demand is m + m²/k.
    active : [N] a above, the chance that a period has any demand at all.
    demand : [N, P] float32 units drawn, stock or no stock; NaN before launch.
    lost : [N, T] float32 units of that demand that met an empty shelf and were never recorded.
    elasticity : [N] e ≥ 0: mean ∝ price^(−e), the sign of ``QuantileForecast.elasticity``.
    promotion_lift : [N] what a full promotion sells at an unchanged price, times; share s of one sells lift^s times.
    holiday_names, holiday_effect : E names and [N, E] what a period with that day sells, times (1: nothing).
    launch : [N] first period on sale; 0 for items older than the history, ``history`` for those yet to come.
    end : [N] first period in which nobody wants it any more; P for items that go on.
    """

    item_ids: np.ndarray
    periods: pd.DatetimeIndex
    history: int
    mean: np.ndarray
    shape: np.ndarray
    active: np.ndarray
    demand: np.ndarray
    lost: np.ndarray
    elasticity: np.ndarray
    promotion_lift: np.ndarray
    holiday_names: tuple[str, ...]
    holiday_effect: np.ndarray
    launch: np.ndarray
    end: np.ndarray

    def __post_init__(self) -> None:
        for name, value in self._values():
            if isinstance(value, np.ndarray):
                if len(value) != len(self.item_ids):
                    raise ConfigurationError(f"{name} has {len(value)} rows for {len(self.item_ids)} items.")
                value.flags.writeable = False

    def __len__(self) -> int:
        return len(self.item_ids)

    def at(self, tau: float, periods: slice = slice(None)) -> np.ndarray:
        """Units [N, P] (of ``periods`` only, if given) that demand stays at or below with chance ``tau``.

        The least whole number of units whose chance reaches tau; NaN before launch. Raises ConfigurationError for a tau
        outside (0, 1).
        """
        from scipy.stats import nbinom

        if not 0 < tau < 1:
            raise ConfigurationError(f"A quantile level lies strictly between 0 and 1; got {tau!r}.")
        shape, chance, idle = self._law(periods)
        inner = (tau - idle) / self.active[:, None]  # (N, 1) level among the active periods
        some = np.broadcast_to(inner > 0, chance.shape) & (chance < 1)
        wide = (np.broadcast_to(array, chance.shape)[some] for array in (inner, shape, chance))
        units = np.zeros(chance.shape)
        units[some] = nbinom.ppf(*wide)
        return np.where(np.isnan(chance), np.nan, units)

    def quantiles(self, taus: Sequence[float], periods: slice = slice(None)) -> np.ndarray:
        """``at`` for several taus: units [N, P, Q], in the axes of ``QuantileForecast.values``."""
        return np.stack([self.at(float(tau), periods) for tau in taus], axis=-1)

    def level_of(self, units: float | np.ndarray, periods: slice = slice(None)) -> np.ndarray:
        """Chance [N, P] that a period's demand is no more than ``units`` (which broadcasts against [N, P])."""
        from scipy.stats import nbinom

        shape, chance, idle = self._law(periods)
        units = np.asarray(units, dtype=np.float64)
        level = np.where(units < 0, 0.0, idle + self.active[:, None] * nbinom.cdf(units, shape, chance))
        return np.where(np.isnan(chance), np.nan, level)

    def span_at(self, tau: float, start: int, stop: int) -> np.ndarray:
        """Units [N] that demand summed over the periods ``start`` … ``stop`` − 1 stays at or below with chance ``tau``.

        The convolution of the periods' distributions, by the discrete Fourier transform of their generating functions
        a · (1 + m/k · (1 − z))^(−k) + 1 − a. NaN for items not on sale in the whole span.
        """
        if not 0 < tau < 1 or not 0 <= start < stop <= len(self.periods):
            raise ConfigurationError(f"No quantile {tau!r} of periods {start} … {stop} of {len(self.periods)}.")
        mean = self.mean[:, start:stop]
        peak = mean / self.active[:, None]  # (N, S) mean of an active period
        variance = mean * (1 + peak / self.shape[:, None] + peak - mean)
        most = mean.sum(axis=1) + _SPAN_TAIL * np.sqrt(variance.sum(axis=1)) + 64
        answer = np.full(len(self), np.nan)
        known = np.isfinite(most)
        sizes = np.zeros(len(self), dtype=np.int64)
        sizes[known] = 2 ** np.ceil(np.log2(most[known])).astype(np.int64)
        for size in np.unique(sizes[known]):
            rows = np.flatnonzero(sizes == size)
            step = max(1, _SPAN_CELLS // int(size))
            for few in (rows[i : i + step] for i in range(0, len(rows), step)):
                answer[few] = self._span(few, peak[few], int(size), tau)
        return answer

    def take(self, rows: Sequence[int] | np.ndarray) -> Truth:
        """The truth of these rows [K]."""
        rows = np.asarray(rows)
        kept: dict[str, Any] = {name: value[rows] for name, value in self._values() if isinstance(value, np.ndarray)}
        return replace(self, **kept)

    def _values(self) -> list[tuple[str, object]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]

    def _law(self, periods: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """k [N, 1], the negative binomial's chance k / (k + m) [N, P] and the chance of an idle period [N, 1]."""
        shape, active = self.shape[:, None], self.active[:, None]
        return shape, shape / (shape + self.mean[:, periods] / active), 1 - active

    def _span(self, rows: np.ndarray, peak: np.ndarray, size: int, tau: float) -> np.ndarray:
        """Span quantile [K] of items [K] with active means [K, S], distributions computed up to ``size`` units."""
        away = 1 - np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)  # (M,) 1 − z
        active, shape = self.active[rows, None], self.shape[rows, None]
        transform = np.ones((len(rows), len(away)), dtype=np.complex128)
        for period in range(peak.shape[1]):
            transform *= active * (1 + peak[:, period, None] / shape * away) ** -shape + 1 - active
        level = np.cumsum(np.fft.irfft(transform, n=size, axis=1), axis=1)  # (K, size)
        return (level < tau).sum(axis=1).astype(np.float64)
