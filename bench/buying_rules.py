"""Rules that a policy is measured against: a fixed cover, and the best constant quantile in hindsight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecasting.inventory.inventory_simulation import ReplayData, Replayed, lost_sales_rule, replay
from forecasting.inventory.learned_policy import unit_costs


def fixed_cover(past: ReplayData, periods: float) -> Replayed:
    """Up to ``periods`` of the recent mean demand, whatever is forecast."""
    level = periods * past.recent
    return replay(past, (np.round(level) if past.whole_units else level)[..., None])


def best_tau_in_hindsight(past: ReplayData, ratio: float, grid: Sequence[float]) -> np.ndarray:
    """Money [K, N] had each item been bought at the constant tau of ``grid`` that turned out cheapest for it."""
    spent = replay(past, lost_sales_rule(past, np.asarray(grid)), len(grid)).cost(unit_costs(past, ratio))  # (K, N, G)
    best = spent.sum(axis=0).argmin(axis=-1)  # (N,)
    return np.take_along_axis(spent, best[None, :, None], axis=-1)[..., 0]
