"""The textbook models of the patchwork, from a forecasting library, and what stands in where one of them cannot be fitted.

Each model sees one item at a time, its demand divided by the add-ons. What it would have said at each earlier date comes
with its fit: the level after every period, with the smoothing constants of the last one. A library refuses some series (its ETS
those of fewer than seven periods), and which ones is not said: whatever it raises, the series goes to the next simpler method,
ETS and Theta together → the one of them that can be fitted → simple exponential smoothing of our own, which always can.
Axis letters: N items, T past periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecasting.models.patchwork.routing import INTERMITTENT, NEW, SEASONAL, Routing

_TSB = 0.1  # both of TSB's smoothing constants

#: Smoothing constants that simple exponential smoothing may choose from.
_CONSTANTS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8)

#: What a series goes to when nothing else can be fitted, and what a seasonal item is sent to beside the models.
SMOOTHING, NAIVE = "exponential smoothing", "seasonal naive"

#: Names of the library's models.
ETS, THETA, CROSTON, DYING = "ETS", "Theta", "Croston SBA", "TSB"


@dataclass(frozen=True, eq=False)
class Levels:
    """What the models say.

    Attributes
    ----------
    level : [N, T] at the end of each period; NaN before an item's first sale and for new items.
    growth : [N] its change from period to period.
    models : [N] names of those that were asked and answered; empty where none was asked.
    """

    level: np.ndarray
    growth: np.ndarray
    models: tuple[tuple[str, ...], ...]


#: The level after each period [T] and the growth per period that a model says of a series [T].
_Model = Callable[[np.ndarray], tuple[np.ndarray, float]]


def levels(demand: np.ndarray, routing: Routing) -> Levels:
    """What the models say of ``demand`` [N, T], which has all add-ons taken out. About a millisecond for each item."""
    library = _library()
    answer, growth = np.full(demand.shape, np.nan), np.zeros(len(demand))
    models: list[tuple[str, ...]] = [()] * len(demand)
    for row in np.flatnonzero((routing.route != NEW) & (routing.start < demand.shape[1])):
        start, route = routing.start[row], routing.route[row]
        series = _carried(demand[row, start:])
        mean = series.mean()
        methods = ((DYING if routing.dying[row] else CROSTON),) if route == INTERMITTENT else (ETS, THETA)
        fitted = _fitted_values(series / mean, methods, library) or {SMOOTHING: smoothed(series / mean)}
        answer[row, start:] = np.maximum(np.mean([level for level, _ in fitted.values()], axis=0), 0.0) * mean
        growth[row] = sum(drift for _, drift in fitted.values()) / len(fitted) * mean
        models[row] = (*fitted, *([NAIVE] if route == SEASONAL else []))
    return Levels(answer, growth, tuple(models))


def smoothed(series: np.ndarray) -> tuple[np.ndarray, float]:
    """Simple exponential smoothing of ``series`` [T]: the level after each period [T] and no growth.

    l_t = l_{t−1} + α (y_t − l_{t−1}), l_1 = y_1, with the α of ``_CONSTANTS`` whose one-step errors are least. Of a single
    period it says that period.
    """
    found = []
    for constant in _CONSTANTS:
        level = np.array(series, np.float64)
        for t in range(1, len(level)):
            level[t] = level[t - 1] + constant * (series[t] - level[t - 1])
        found.append((float(np.square(series[1:] - level[:-1]).sum()), level))
    return min(found, key=lambda one: one[0])[1], 0.0


def _fitted_values(
    series: np.ndarray, methods: tuple[str, ...], library: Mapping[str, _Model]
) -> dict[str, tuple[np.ndarray, float]]:
    """What those of the models that can be fitted say, by their names."""
    found = {}
    for name in methods:
        try:
            with np.errstate(all="ignore"):
                level, drift = library[name](series)
        except Exception:  # the library's own, of many kinds: this series is too short or too odd for it
            continue
        if np.isfinite(level).all() and np.isfinite(drift):
            found[name] = level, drift
    return found


def _library() -> dict[str, _Model]:
    """The library's models by our names."""
    from statsforecast.models import TSB, AutoETS, CrostonSBA, Theta

    ets, theta = AutoETS(season_length=1, model="ANN"), Theta(season_length=1)
    croston, tsb = CrostonSBA(), TSB(alpha_d=_TSB, alpha_p=_TSB)

    def level_of(model: AutoETS | CrostonSBA | TSB) -> _Model:
        return lambda series: (_after_each(model.forecast(series, 2, fitted=True)), 0.0)

    def with_growth(series: np.ndarray) -> tuple[np.ndarray, float]:
        forecasts = theta.forecast(series, 2, fitted=True)
        return _after_each(forecasts), float(forecasts["mean"][1] - forecasts["mean"][0])

    return {ETS: level_of(ets), THETA: with_growth, CROSTON: level_of(croston), DYING: level_of(tsb)}


def _after_each(forecast: Mapping[str, np.ndarray]) -> np.ndarray:
    """The level after each period [T]: what was said of the next one."""
    return np.append(forecast["fitted"][1:], forecast["mean"][0])


def _carried(series: np.ndarray) -> np.ndarray:
    """``series`` [T], known at its start, with each gap filled by the last known number."""
    place = np.maximum.accumulate(np.where(np.isfinite(series), np.arange(len(series)), 0))
    return np.ascontiguousarray(series[place], dtype=np.float64)
