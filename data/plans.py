"""What is taken of the future where a planner has not planned: prices hold, promotions do not run.

Axis letters: N items, G groups, F future periods.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from data.groups import GroupSums, log_changes
from data.schema import PRICE

#: What an unplanned future covariate is: zero, or its last known value carried forward.
Unplanned = Literal["zero", "carried"]


def filled_plan(planned: np.ndarray, last: np.ndarray, unplanned: Unplanned, horizon: int) -> np.ndarray:
    """The plan [N, horizon] of one covariate: ``planned`` [N, F] where it is known, else as ``unplanned`` says.

    ``last`` [N] is the last value known before the plan begins.
    """
    answer = np.full((len(last), horizon), np.nan, np.float32)
    width = min(horizon, planned.shape[1])
    answer[:, :width] = planned[:, :width]
    if unplanned == "zero":
        return np.where(np.isfinite(answer), answer, np.float32(0.0))
    return carried_forward(np.column_stack([last, answer]))[:, 1:]


def carried_forward(values: np.ndarray) -> np.ndarray:
    """``values`` [N, T] with every unknown replaced by the last known before it; NaN where there is none."""
    values = np.asarray(values, np.float32)
    place = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    return np.take_along_axis(values, np.maximum.accumulate(place, axis=1), axis=1)


def last_known(values: np.ndarray) -> np.ndarray:
    """The last finite value [N] of each row of ``values`` [N, T]; NaN where there is none."""
    seen = np.isfinite(values)
    place = values.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    return np.where(seen.any(axis=1), values[np.arange(len(values)), place], np.float32(np.nan)).astype(np.float32)


class PlannedGroups:
    """Group means of the planned covariates, summed chunk by chunk.

    Whether a covariate is zero or carried where it is unplanned is known when all items were seen, so both are summed.
    """

    def __init__(self) -> None:
        self._sums = GroupSums()

    def add(self, static: Mapping[str, np.ndarray], planned: Mapping[str, np.ndarray], last: Mapping[str, np.ndarray]) -> None:
        """Adds items with attributes ``static`` [n]: ``planned`` name → [n, F], ``last`` known name → [n]."""
        measures = {}
        for name, values in planned.items():
            carried = filled_plan(values, last[name], "carried", values.shape[1])
            if name == PRICE:
                measures[name] = log_changes(np.column_stack([last[name], carried]))[:, 1:]
            else:
                measures[f"carried {name}"] = carried
                measures[f"zero {name}"] = filled_plan(values, last[name], "zero", values.shape[1])
        self._sums.add_measures(static, measures)

    def means(self, attribute: str, unplanned: Mapping[str, Unplanned]) -> dict[str, np.ndarray]:
        """name → [G, F] means over each group; of the price, its index as changed since the last known period."""
        plain = {name: self._sums.mean(attribute, f"{rule} {name}") for name, rule in unplanned.items() if name != PRICE}
        if PRICE in unplanned:
            plain[PRICE] = np.cumsum(self._sums.mean(attribute, PRICE), axis=1)
        return {name: plain[name].astype(np.float32) for name in unplanned}
