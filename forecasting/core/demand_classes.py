"""Dense and intermittent items: classes by the share of periods in which nothing sold."""

from __future__ import annotations

import numpy as np

from data.schema import Panel

#: Items with a smaller share of zero periods are dense, with a larger one than the second intermittent.
DENSE, INTERMITTENT = 0.1, 0.5


def zero_shares(panel: Panel, t: int) -> np.ndarray:
    """Share [N] of the known periods until ``t``, in stock, without demand; NaN where none is known."""
    demand = np.where(panel.out_of_stock, np.nan, panel.demand)[:, : t + 1]
    known = np.isfinite(demand).sum(axis=1)
    return np.where(known > 0, (demand == 0).sum(axis=1) / np.maximum(known, 1), np.nan)
