"""The new-product rule: a product without history sells what others of its category sold when they began.

With every period that it has sold, its own mean counts more. The fan is how far launches have been from this rule at
that age. Axis letters: N items, T periods, G categories, A ages, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.core.quantile_function import TAUS
from forecasting.models.patchwork.error_distribution import known_quantiles

#: What a planner reads where the rule answers.
RULE = "new-product rule"

#: Periods on sale for which the rule's fan was learned.
AGES = (0, 1, 3, 6, 10)

#: Own periods, and launches of a category, that weigh as much as the mean of all.
_PERIODS, _LAUNCHES = 3.0, 5.0

#: Launches seen from which they alone make the rule; with fewer, every item's first periods on record do.
_ENOUGH = 50


@dataclass(frozen=True, eq=False)
class LaunchRule:
    """What launches were like at the end of a fit, add-ons taken out.

    Attributes
    ----------
    level : [G + 1] mean units per period over the first periods on sale; the last of all items.
    period, span : [A, H, Q] quantiles of what sold over what the rule said, at each of ``AGES``.
    """

    level: np.ndarray
    period: np.ndarray
    span: np.ndarray

    @classmethod
    def learned(
        cls, demand: np.ndarray, start: np.ndarray, codes: np.ndarray, categories: int, first: int, horizon: int
    ) -> LaunchRule:
        """From ``demand`` [N, T] (add-ons taken out, NaN unknown), each item's first sale and its category [N].

        ``first`` is how many periods make a launch.
        """
        periods = demand.shape[1]
        begun = start < periods
        seen = begun & (start >= first)
        if seen.sum() >= _ENOUGH:
            begun = seen
        rows = np.flatnonzero(begun)
        width = max(AGES) + max(horizon, first)
        place = start[rows, None] + np.arange(width)
        curves = np.where(place < periods, demand[rows[:, None], np.minimum(place, periods - 1)], np.nan)  # (n, width)
        means = _mean(curves[:, :first])
        overall = float(means.mean()) if len(means) else 0.0
        level = np.full(categories + 1, overall)
        for code in range(categories):
            mine = means[codes[rows] == code]
            level[code] = (mine.sum() + _LAUNCHES * overall) / (len(mine) + _LAUNCHES)
        period, span = [], []
        for age in AGES:
            own = _mean(curves[:, :age]) if age else np.zeros(len(rows))
            estimate = blended(own, np.full(len(rows), age), level[codes[rows]])
            later = curves[:, age : age + horizon] / np.where(estimate > 0, estimate, np.nan)[:, None]
            period.append(_fan(later))
            span.append(_fan(later.cumsum(axis=1) / np.arange(1, horizon + 1)))
        return cls(level, np.array(period), np.array(span))

    def fans(self, point: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fans [N, H, Q] of periods and of spans around point forecasts [N, H] of items with ``count`` [N] periods."""
        age = np.searchsorted(AGES, count, side="right") - 1
        return point[..., None] * self.period[age], point.cumsum(axis=1)[..., None] * self.span[age]


def own_share(count: np.ndarray) -> np.ndarray:
    """The share [N] that an item's own mean has in its level after ``count`` [N] periods."""
    return count / (count + _PERIODS)


def blended(own: np.ndarray, count: np.ndarray, launch: np.ndarray) -> np.ndarray:
    """Level [N] of items with mean ``own`` over ``count`` periods whose category launches at ``launch`` [N]."""
    share = own_share(count)
    return share * own + (1 - share) * launch


def _mean(curves: np.ndarray) -> np.ndarray:
    """The mean [n] of what is known, 0 where nothing is."""
    known = np.isfinite(curves)
    return np.nan_to_num(curves).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _fan(ratios: np.ndarray) -> np.ndarray:
    """Quantiles [H, Q] over launches of ratios [n, H]; where none is known those of all horizons, else as it is said."""
    if not np.isfinite(ratios).any():
        return np.ones((ratios.shape[1], len(TAUS)))
    found = known_quantiles(ratios.T)
    return np.where(np.isfinite(found), found, known_quantiles(ratios.reshape(1, -1)))
