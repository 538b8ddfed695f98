"""Sums over items of units drawn together, read from each item's quantile function at correlated normal scores.

Axis letters: N items, H horizons or other measures, Q taus, S samples, Z levels of the table that is read.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr, ndtri

from forecasting.core import quantile_function

#: Levels beyond the outermost knots on which the tails are read, as shares of what lies beyond.
_BEYOND = np.array([0.75, 0.5, 0.3, 0.15, 0.06, 0.02, 0.005])


def sums_at(taus: np.ndarray, knots: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Sums [S, H] over the items of ``knots`` [N, H, Q] at their scores ``z`` [S, N], the same for every h.

    A table of each item's units stands on its own knots, between which a quantile function is a line, and on some levels of
    its tails. To read it at a score and to add up over items is one product with a matrix that has two entries an item.
    """
    samples, items = z.shape
    table, levels = _table(np.asarray(taus, np.float64), np.asarray(knots, np.float64))  # (N, Z, H), (Z,)
    level = np.clip(ndtr(np.asarray(z, np.float64)), levels[0], levels[-1])
    right = np.clip(np.searchsorted(levels, level), 1, len(levels) - 1)  # (S, N)
    share = (level - levels[right - 1]) / (levels[right] - levels[right - 1])
    place = np.arange(items) * len(levels) + right
    weights = np.stack([1 - share, share], axis=-1).ravel()
    places = np.stack([place - 1, place], axis=-1).ravel()
    reading = csr_array((weights, places, np.arange(samples + 1) * 2 * items), shape=(samples, items * len(levels)))
    return np.asarray(reading @ table.reshape(items * len(levels), -1))


def strata(samples: int, *key: int) -> np.ndarray:
    """Normal scores [S], one from the middle of each of S equally likely strata, in an order that ``key`` draws."""
    order = np.random.default_rng(key).permutation(samples)
    return np.asarray(ndtri((np.arange(samples) + 0.5) / samples)[order])


def _table(taus: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units [N, Z, H] at levels [Z]."""
    low, high = taus[0] * _BEYOND[::-1], 1 - (1 - taus[-1]) * _BEYOND
    tails = [quantile_function.quantile(taus, knots[:, None], beyond[:, None]) for beyond in (low, high)]
    table = np.concatenate([tails[0], np.moveaxis(knots, -1, 1), tails[1]], axis=1)
    return np.maximum(table, 0.0), np.concatenate([low, taus, high])
