"""The running mean: the one memory that the hand-made features have."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter


def running_mean(values: np.ndarray, known: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Bias-corrected exponential mean of ``values`` [..., T] where ``known``, and its effective count [..., T].

    Before anything is known both are 0. Half-life in periods.
    """
    keep = 0.5 ** (1 / half_life)
    filter_ = ([1.0], [1.0, -keep])
    total = lfilter(*filter_, np.where(known, values, 0.0).astype(np.float64), axis=-1)
    count = lfilter(*filter_, known.astype(np.float64), axis=-1)
    return total / np.maximum(count, 1e-9), count


class RunningMeans:
    """The running means of one panel's arrays, each taken once however many encodings ask for it.

    A name must always come with the same values and the same ``known``.
    """

    def __init__(self) -> None:
        self._taken: dict[tuple[str, float], tuple[np.ndarray, np.ndarray]] = {}

    def of(self, name: str, values: np.ndarray, known: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
        """``running_mean`` of the array called ``name``."""
        if (name, half_life) not in self._taken:
            self._taken[name, half_life] = running_mean(values, known, half_life)
        return self._taken[name, half_life]
