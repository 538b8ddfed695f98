"""Sums over items of units drawn together, read from each item's quantile function at correlated normal scores.

Axis letters: N items, H horizons or other measures, Q taus, S samples, Z levels of the table that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, ndtri

from forecasting.core import quantile_function

#: Levels beyond the outermost knots on which the tails are read, as shares of what lies beyond.
_BEYOND = np.array([0.75, 0.5, 0.3, 0.15, 0.06, 0.02, 0.005])


@dataclass(frozen=True, eq=False)
class UnitsTable:
    """Quantile functions as ``units`` [N, Z, H] at ``levels`` [Z]: at their own knots, between which they are lines, and in
    their tails."""

    levels: np.ndarray
    units: np.ndarray

    @classmethod
    def of(cls, taus: np.ndarray, knots: np.ndarray) -> UnitsTable:
        """Of the functions with knots (``taus`` [Q], ``knots`` [N, H, Q])."""
        taus, knots = np.asarray(taus, np.float64), np.asarray(knots, np.float64)
        low, high = taus[0] * _BEYOND[::-1], 1 - (1 - taus[-1]) * _BEYOND
        tails = [quantile_function.quantile(taus, knots[:, None], beyond[:, None]) for beyond in (low, high)]
        units = np.concatenate([tails[0], np.moveaxis(knots, -1, 1), tails[1]], axis=1)
        return cls(np.concatenate([low, taus, high]), np.maximum(units, 0.0))

    def sums(self, z: np.ndarray) -> np.ndarray:
        """Sums [S, H] over the items at their scores ``z`` [S, N], the same for every h.

        To read the table at a score and to add up over items is one product with a matrix that has two entries an item.
        """
        samples, items = z.shape
        levels = self.levels
        level = np.clip(ndtr(np.asarray(z, np.float64)), levels[0], levels[-1])
        right = np.clip(np.searchsorted(levels, level), 1, len(levels) - 1)  # (S, N)
        share = (level - levels[right - 1]) / (levels[right] - levels[right - 1])
        place = np.arange(items) * len(levels) + right
        weights = np.stack([1 - share, share], axis=-1).ravel()
        places = np.stack([place - 1, place], axis=-1).ravel()
        reading = csr_array((weights, places, np.arange(samples + 1) * 2 * items), shape=(samples, items * len(levels)))
        return np.asarray(reading @ self.units.reshape(items * len(levels), -1))

    def slopes(self) -> np.ndarray:
        """Units [N, H] that go with one more of the score on average, E[z · q(Φ(z))].

        To first order the units of two items whose scores are correlated by ρ have a covariance of ρ times both slopes.
        """
        density = np.exp(-(ndtri(self.levels) ** 2) / 2) / np.sqrt(2 * np.pi)
        inner = np.einsum("nzh,z->nh", (self.units[:, 1:] + self.units[:, :-1]) / 2, density[:-1] - density[1:])
        return np.asarray(inner - self.units[:, 0] * density[0] + self.units[:, -1] * density[-1])


def strata(samples: int, *key: int) -> np.ndarray:
    """Normal scores [S], one from the middle of each of S equally likely strata, in an order that ``key`` draws."""
    return _middles(samples)[np.random.default_rng(key).permutation(samples)]


@cache
def _middles(samples: int) -> np.ndarray:
    """Normal scores [S] of the middles of S equally likely strata, lowest first."""
    return np.asarray(ndtri((np.arange(samples) + 0.5) / samples))
