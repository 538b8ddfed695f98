"""What is taken of the future where nobody has planned it: prices hold, promotions and the like go on as usual.

A cell of the plan is given or unknown, and unknown is not zero. An unknown price is the last one on record. Of any other
covariate an unknown cell is the item's usual value: the mean of its last ``USUAL_PERIODS`` known periods where it comes and
goes, like a promotion, and the last one where it stands at a level, like a number of stores. A price that cannot be meant
(0 or below, not finite, far outside all that the item ever cost) counts as unknown.

Axis letters: N items, T past periods, G groups, F future periods.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from data.groups import GroupSums, log_changes
from data.schema import PRICE, PROMO

#: Known periods whose mean is the usual value of what comes and goes.
USUAL_PERIODS = 13

#: How many times outside an item's own range a planned price may lie before it counts as a slip.
PRICE_REACH = 4.0

#: How many times outside it demand is still taken to answer to a price.
PRICE_FLAT = 1.25


def usual_value(name: str, recorded: np.ndarray) -> np.ndarray:
    """What [N] an unplanned period of the covariate ``name`` is taken to be, from what is ``recorded`` [N, T] of it.

    NaN where nothing is.
    """
    return usual_values(name, recorded)[:, -1]


def usual_values(name: str, recorded: np.ndarray) -> np.ndarray:
    """The same [N, T] as it stood at the end of each period, from what was recorded until then."""
    recorded = np.asarray(recorded, np.float32)
    if name == PRICE:
        return carried_forward(np.where(recorded > 0, recorded, np.float32(np.nan)))
    seen = np.isfinite(recorded)
    values = np.where(seen, recorded, 0.0).astype(np.float64)
    total, count = _over_recent(values, seen)
    above_one, _ = _over_recent((values > 1).astype(np.float64), seen)
    none, _ = _over_recent((seen & (values <= 0)).astype(np.float64), seen)
    comes_and_goes = (above_one == 0) | (none > 0) | (name == PROMO)  # a flag, a share of something, or what often is not there
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(comes_and_goes, mean, carried_forward(recorded)).astype(np.float32)


def _over_recent(values: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of ``values`` [N, T], 0 where not ``seen``, over the last ``USUAL_PERIODS`` seen periods up to each, and their
    number."""
    total, count = values.cumsum(axis=1), seen.cumsum(axis=1)
    order = np.argsort(~seen, axis=1, kind="stable")  # (N, T) where the first, the second … seen period lies
    before = count - USUAL_PERIODS - 1  # which of them is the last that no longer counts
    gone = np.take_along_axis(total, np.take_along_axis(order, np.maximum(before, 0), axis=1), axis=1)
    return total - np.where(before >= 0, gone, 0.0), np.minimum(count, USUAL_PERIODS)


def usual_of_group(name: str, recorded: np.ndarray) -> np.ndarray:
    """The same [G] of groups, from their means ``recorded`` [G, T]; the index of their prices stays where it stands."""
    return usual_values_of_group(name, recorded)[:, -1]


def usual_values_of_group(name: str, recorded: np.ndarray) -> np.ndarray:
    """The same [G, T] as it stood at the end of each period."""
    return carried_forward(recorded) if name == PRICE else usual_values(name, recorded)


def plausible_prices(planned: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """``planned`` prices [N, F], NaN where none can be meant: 0 or below, not finite, or more than ``PRICE_REACH`` times
    above the highest or below the lowest price ``recorded`` [N, T] of the item."""
    planned = np.asarray(planned, np.float32)
    lowest, highest = price_reach(recorded)
    with np.errstate(invalid="ignore"):
        meant = np.isfinite(planned) & (planned > 0) & (planned >= lowest[:, None]) & (planned <= highest[:, None])
    return np.where(meant, planned, np.float32(np.nan))


def flattened_prices(planned: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """``planned`` prices [N, F] as demand answers to them: beyond a share of ``PRICE_FLAT`` outside all that was ``recorded``
    [N, T] of an item nobody knows the answer, and it stays as at that edge."""
    lowest, highest = price_reach(recorded, PRICE_FLAT)
    return np.clip(planned, lowest[:, None], highest[:, None])


def price_reach(recorded: np.ndarray, reach: float = PRICE_REACH) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest price [N] that can be meant of items whose prices [N, T] are on record, ``reach`` times
    outside them; no bound where none are."""
    seen = np.isfinite(recorded) & (np.asarray(recorded) > 0)
    prices = np.asarray(recorded, np.float64)
    lowest = np.where(seen, prices, np.inf).min(axis=1, initial=np.inf)
    highest = np.where(seen, prices, 0.0).max(axis=1, initial=0.0)
    priced = highest > 0
    return np.where(priced, lowest / reach, 0.0), np.where(priced, highest * reach, np.inf)


def filled_plan(planned: np.ndarray, usual: np.ndarray, horizon: int) -> np.ndarray:
    """The plan [N, horizon] of one covariate: ``planned`` [N, F] where it is known, else the ``usual`` value [N]."""
    width = min(horizon, planned.shape[1])
    answer = np.repeat(np.asarray(usual, np.float32)[:, None], horizon, axis=1)
    answer[:, :width] = np.where(np.isfinite(planned[:, :width]), planned[:, :width], answer[:, :width])
    return answer


def given_cells(planned: np.ndarray, horizon: int) -> np.ndarray:
    """Which periods [N, horizon] of a plan [N, F] somebody has planned, bool."""
    answer = np.zeros((len(planned), horizon), bool)
    width = min(horizon, planned.shape[1])
    answer[:, :width] = np.isfinite(planned[:, :width])
    return answer


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
    """Group means of the planned covariates, summed chunk by chunk; an item that nobody planned counts as usual."""

    def __init__(self) -> None:
        self._sums = GroupSums()

    def add(self, static: Mapping[str, np.ndarray], planned: Mapping[str, np.ndarray], usual: Mapping[str, np.ndarray]) -> None:
        """Adds items with attributes ``static`` [n]: ``planned`` name → [n, F], ``usual`` value name → [n]."""
        measures = {}
        for name, values in planned.items():
            filled = filled_plan(values, usual[name], values.shape[1])
            measures[name] = log_changes(np.column_stack([usual[name], filled]))[:, 1:] if name == PRICE else filled
        self._sums.add_measures(static, measures)

    def means(self, attribute: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """name → [G, F] means over each group; of the price, its index as changed since the last known period."""
        plain = {name: self._sums.mean(attribute, name) for name in names}
        if PRICE in plain:
            plain[PRICE] = np.cumsum(plain[PRICE], axis=1)
        return {name: plain[name].astype(np.float32) for name in names}
