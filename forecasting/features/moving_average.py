"""The running mean and the quantiles of the last periods: the memories that the hand-made features have."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
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


#: Windows [·, length] that are sorted at a time.
_AT_A_TIME = 200_000


def recent_quantiles(values: np.ndarray, known: np.ndarray, shares: Sequence[float], length: int, first: int) -> np.ndarray:
    """The quantiles at these ``shares`` [S] of the known ``values`` [N, T] among the last ``length`` up to each period from
    ``first`` on: [S, N, T − first]; 0 where none is known."""
    items, periods = values.shape
    dates = periods - first
    start = max(0, first + 1 - length)
    recent = np.where(known[:, start:], values[:, start:], np.inf)
    short = length - 1 - (first - start)  # before the first period nothing is known
    padded = np.pad(recent, ((0, 0), (short, 0)), constant_values=np.inf)
    answer = np.zeros((len(shares), items, dates))
    rows = max(1, _AT_A_TIME // max(dates, 1))
    for begin in range(0, items, rows):
        part = np.lib.stride_tricks.sliding_window_view(padded[begin : begin + rows], length, axis=1)  # (n, D, length)
        ordered = np.sort(part, axis=-1)
        count = np.isfinite(ordered).sum(axis=-1)
        for place, share in enumerate(shares):
            rank = np.round(share * np.maximum(count - 1, 0)).astype(np.int64)
            found = np.take_along_axis(ordered, rank[..., None], axis=-1)[..., 0]
            answer[place, begin : begin + rows] = np.where(count > 0, found, 0.0)
    return answer


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
