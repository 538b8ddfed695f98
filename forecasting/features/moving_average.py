"""The running mean: the one memory that the hand-made features have."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
from scipy.signal import lfilter

Made = TypeVar("Made")


def running_mean(values: np.ndarray, known: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """Bias-corrected exponential mean of ``values`` [..., T] where ``known``, and its effective count [..., T].

    Before anything is known both are 0. Half-life in periods.
    """
    keep = 0.5 ** (1 / half_life)
    filter_ = ([1.0], [1.0, -keep])
    total = lfilter(*filter_, np.where(known, values, 0.0).astype(np.float64), axis=-1)
    count = lfilter(*filter_, known.astype(np.float64), axis=-1)
    return total / np.maximum(count, 1e-9), count


class ArrayCache:
    """What is made of one panel, each thing once however many encodings ask for it; a name always stands for the same."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def of(self, name: Hashable, make: Callable[[], Made]) -> Made:
        """What ``make`` makes, or made before under this name."""
        if name not in self._made:
            self._made[name] = make()
        made: Made = self._made[name]
        return made

    def mean(self, name: str, values: np.ndarray, known: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
        """``running_mean`` of the array called ``name``."""
        return self.of(("mean", name, half_life), lambda: running_mean(values, known, half_life))
