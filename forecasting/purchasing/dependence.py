"""Sample paths of many items together: each item's own quantile functions, tied to one another as past errors were.

P90s do not add: the P90 of a category is far below the sum of its items' P90s, unless all of them err together. A Gaussian
copula says how far they do. An item's *level* in a past span is where the actual came out in its forecast, as a normal score
z = Φ⁻¹(level); over items and periods the scores are taken to be

    z = √a · factor of the category + √(1 − a) · own,      own follows an AR(1) with ρ over horizons, and so does the factor

with one share a in common and two ρ, measured on past errors. A path draws the scores and reads each item's quantile function.

Axis letters: N items, H horizons, Q taus, K creation dates, S samples, G groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from data.errors import ConfigurationError
from forecasting.core import quantile_function
from forecasting.core.types import QuantileForecast

#: Levels are held inside these, so that a score is finite.
_LOWEST, _HIGHEST = 0.005, 0.995

#: Items read at a time: bounds memory.
_ITEMS = 500


@dataclass(frozen=True)
class Dependence:
    """How errors hang together.

    ``shared`` is the share of an error's variance that its group has in common; ``factor_memory`` and ``own_memory`` are the
    correlations of the common and of the own part from one horizon to the next.
    """

    shared: float
    factor_memory: float
    own_memory: float

    def __post_init__(self) -> None:
        if not (0 <= self.shared <= 1 and 0 <= self.factor_memory < 1 and 0 <= self.own_memory < 1):
            raise ConfigurationError(f"A share lies in 0 … 1 and a memory below 1; got {self}.")


def scores(taus: np.ndarray, values: np.ndarray, actuals: np.ndarray, seed: int = 0) -> np.ndarray:
    """Normal scores [...] of ``actuals`` [...] under quantiles ``values`` [..., Q]; NaN where the actual is not known.

    Where the quantile function is flat at the actual (zeros, mostly), the level is drawn from the levels that share it.
    """
    known = np.isfinite(actuals)
    units = np.where(known, actuals, 0.0)
    above = quantile_function.level(taus, values, units)
    below = quantile_function.level(taus, values, np.maximum(units - 0.5, 0) * (1 - 1e-9))
    below = np.where(units <= 0, 0.0, below)
    level = below + np.random.default_rng(seed).random(units.shape) * np.maximum(above - below, 0)
    return np.where(known, ndtri(np.clip(level, _LOWEST, _HIGHEST)), np.nan)


def dependence(z: np.ndarray, groups: np.ndarray, *, centred: bool = True) -> Dependence:
    """What scores ``z`` [K, N, H] of past forecasts say, for items of ``groups`` [N].

    The shared part is the mean product of the scores of two different items of a group in the same period; the memories come
    from products one horizon apart, of different items for the factor and of the same item for both parts together. With few
    dates the scores should not be ``centred``: a mean that is off is then the common part itself.
    """
    z = z - np.nanmean(z) if centred and np.isfinite(z).any() else z
    variance = float(np.nanmean(z**2))
    same = _cross(z, z, groups)
    later = _cross(z[..., :-1], z[..., 1:], groups)
    within = float(np.nanmean(z[..., :-1] * z[..., 1:])) if z.shape[-1] > 1 else 0.0
    shared = float(np.clip(same / variance, 0.0, 0.99)) if variance > 0 else 0.0
    factor_memory = float(np.clip(later / same, 0.0, 0.99)) if same > 1e-9 else 0.0
    own = variance - same
    own_memory = float(np.clip((within - max(later, 0.0)) / own, 0.0, 0.99)) if own > 1e-9 else 0.0
    return Dependence(shared, factor_memory, own_memory)


def _cross(one: np.ndarray, other: np.ndarray, groups: np.ndarray) -> float:
    """The mean product of scores [K, N, H] of two different items of a group; 0 where no group has two."""
    total = pairs = 0.0
    for group in np.unique(groups):
        first, second = (
            np.where(np.isfinite(part), part, 0.0) for part in (one[:, groups == group], other[:, groups == group])
        )
        seen = [np.isfinite(part[:, groups == group]).astype(float) for part in (one, other)]
        total += float((first.sum(axis=1) * second.sum(axis=1) - (first * second).sum(axis=1)).sum())
        pairs += float((seen[0].sum(axis=1) * seen[1].sum(axis=1) - (seen[0] * seen[1]).sum(axis=1)).sum())
    return total / pairs if pairs > 0 else 0.0


def sampled(forecast: QuantileForecast, groups: np.ndarray, ties: Dependence, samples: int, seed: int = 0) -> np.ndarray:
    """Paths [S, N, H] in units whose marginals are the forecast's quantile functions of single periods."""
    rng = np.random.default_rng(seed)
    items, horizon, _ = forecast.values.shape
    _, place = np.unique(groups, return_inverse=True)
    factors = _walks(rng, (samples, int(place.max()) + 1, horizon), ties.factor_memory)
    answer = np.empty((samples, items, horizon), np.float32)
    for start in range(0, items, _ITEMS):
        part = slice(start, min(start + _ITEMS, items))
        own = _walks(rng, (samples, part.stop - start, horizon), ties.own_memory)
        z = np.sqrt(ties.shared) * factors[:, place[part]] + np.sqrt(1 - ties.shared) * own
        level = np.clip(ndtr(z), 1e-6, 1 - 1e-6)
        answer[:, part] = np.maximum(quantile_function.quantile(forecast.taus, forecast.values[part], level), 0.0)
    return answer


def _walks(rng: np.random.Generator, shape: tuple[int, int, int], memory: float) -> np.ndarray:
    """Stationary AR(1) of variance 1 along the last axis."""
    steps = rng.standard_normal(shape)
    for h in range(1, shape[-1]):
        steps[..., h] = memory * steps[..., h - 1] + np.sqrt(1 - memory**2) * steps[..., h]
    return steps


def group_totals(paths: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The groups [G] and their totals [S, G, H] along each path."""
    names, place = np.unique(groups, return_inverse=True)
    totals = np.zeros((paths.shape[0], len(names), paths.shape[2]))
    for group in range(len(names)):
        totals[:, group] = paths[:, place == group].sum(axis=1, dtype=np.float64)
    return names, totals
