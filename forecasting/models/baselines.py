"""The simple references: what a planner would say without a model. They know nothing of prices or promotions.

``SeasonalNaive`` repeats last season, ``EmpiricalQuantiles`` the spread of the last 26 known periods; each looks at one
item at a time. The strong reference is in lightgbm_quantiles.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.errors import NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast, Report

_VERSION = "1"


class _Local(Generation):
    """A reference that looks at one item at a time. Its fit learns one thing: the fan for items without any history."""

    def __init__(self) -> None:
        self._horizon = 0
        self._unseen = np.zeros((0, len(TAUS)))  # (H, Q) quantiles of the sum over h periods of any item

    @property
    def horizon(self) -> int:
        if not self._horizon:
            raise NotTrained(f"{self.name} has not been fitted. Fit it or load it first.")
        return self._horizon

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        recent = _recent(history.uncensored, EmpiricalQuantiles.window)
        if np.isfinite(recent).sum() < 2 or len(history.periods) < 2:
            raise TooLittleHistory(
                f"{self.name} needs at least 2 periods of known demand and the history until {history.last:%Y-%m-%d} "
                "has fewer. Choose a later date or load more history."
            )
        pooled = np.sort(recent[np.isfinite(recent)])[None]
        self._unseen = np.arange(1, horizon + 1)[:, None] * _row_quantiles(pooled)
        self._horizon = horizon
        report(Progress(1, 1, f"{self.title}: ready"))

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        learned = {"horizon": self.horizon, "unseen": self._unseen.tolist()}
        (directory / f"{self.name}.json").write_text(json.dumps(learned))

    @classmethod
    def load(cls, directory: Path) -> Self:
        learned = cls._stored(directory)
        generation = cls()
        generation._horizon = int(learned["horizon"])
        generation._unseen = np.array(learned["unseen"])
        return generation

    def _answer(self, history: Panel, plan: Plan, values: np.ndarray, sums: np.ndarray) -> QuantileForecast:
        """The forecast with fans [N, H, Q]; rows of NaN, items without history, take the fan of any item."""
        values = np.where(np.isfinite(values), values, self._unseen[:1])
        sums = np.where(np.isfinite(sums), sums, self._unseen)
        spans = np.maximum.accumulate(np.maximum(sums, 0.0), axis=1)  # a longer span never has fewer units
        return self._as_forecast(history, plan, np.maximum(values, 0.0), spans, _VERSION)


class EmpiricalQuantiles(_Local):
    """Quantiles of the last 26 known periods, the same for every horizon.

    Span quantiles are those of sums over neighbouring known periods among the same; a gap in between is closed, and
    an item with fewer known periods than the span multiplies its longest sums up.
    """

    name: ClassVar[str] = "empirical_last26"
    title: ClassVar[str] = "Last 26 periods"
    note: ClassVar[str] = "Reference: how demand has spread over the last 26 known periods, whatever is planned."
    window: ClassVar[int] = 26

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        recent = _recent(history.uncensored, self.window)
        values = np.repeat(_row_quantiles(recent)[:, None], self.horizon, axis=1)  # (N, H, Q)
        sums = np.stack([_row_quantiles(_sums(recent, h)) for h in range(1, self.horizon + 1)], axis=1)
        return self._answer(history, plan, values, sums)


class SeasonalNaive(_Local):
    """The same period of last season, with the spread of what that has missed by before.

    The fan is last season's demand plus quantiles of the item's own past differences from one season to the next.
    Where the history is shorter than a season the step is one period. Span quantiles add quantiles of summed past
    differences.
    """

    name: ClassVar[str] = "seasonal_naive"
    title: ClassVar[str] = "Last season again"
    note: ClassVar[str] = "Reference: what sold in the same period a season ago, and how far that missed before."

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        demand = history.uncensored
        items, periods = demand.shape
        season = history.frequency.season
        lag = season if periods >= season + 2 else 1
        ahead = np.arange(1, self.horizon + 1)
        same = periods - 1 + ahead - lag * np.ceil(ahead / lag).astype(int)  # (H,) the same period of the last season
        newest = _recent(demand, 1)  # (N, 1)
        point = np.where(np.isfinite(demand[:, same]), demand[:, same], newest)  # (N, H)
        misses = demand[:, lag:] - demand[:, :-lag] if periods > lag else np.zeros((items, 1))
        misses = np.where(np.isfinite(misses).any(axis=1, keepdims=True), misses, 0.0)
        recent = _recent(misses, 2 * season)
        values = point[..., None] + _row_quantiles(recent)[:, None]
        spread = np.stack([_row_quantiles(_sums(recent, h)) for h in range(1, self.horizon + 1)], axis=1)
        return self._answer(history, plan, values, point.cumsum(axis=1)[..., None] + spread)


def _recent(values: np.ndarray, count: int) -> np.ndarray:
    """The last ``count`` known numbers of each row [N, T] → [N, count], in order of time and with NaN in front."""
    known = np.isfinite(values)
    back = known[:, ::-1].cumsum(axis=1)[:, ::-1]  # 1 at the last known number
    rows, places = np.nonzero(known & (back <= count))
    answer = np.full((len(values), count), np.nan)
    answer[rows, count - back[rows, places]] = values[rows, places]
    return answer


def _sums(recent: np.ndarray, h: int) -> np.ndarray:
    """Sums over h neighbouring numbers of rows [N, K] with NaN in front → [N, K]; shorter rows are multiplied up."""
    count = np.isfinite(recent).sum(axis=1, keepdims=True)  # (N, 1)
    width = np.minimum(h, np.maximum(count, 1))
    total = np.nan_to_num(recent).cumsum(axis=1)
    start = np.arange(recent.shape[1]) - width  # (N, K) the place before each window
    before = np.where(start >= 0, np.take_along_axis(total, np.maximum(start, 0), axis=1), 0.0)
    whole = np.arange(recent.shape[1]) >= recent.shape[1] - count + width - 1
    return np.where(whole, (total - before) * (h / width), np.nan)


def _row_quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles [N, Q] at ``TAUS`` of the known numbers of each row [N, K]; NaN for a row without any."""
    ordered = np.sort(values, axis=1)  # NaN last
    last = np.isfinite(values).sum(axis=1, keepdims=True) - 1  # (N, 1)
    place = np.maximum(np.array(TAUS) * last, 0.0)  # (N, Q)
    left = np.floor(place).astype(int)
    low = np.take_along_axis(ordered, left, axis=1)
    high = np.take_along_axis(ordered, np.minimum(left + 1, np.maximum(last, 0)), axis=1)
    return low + (place - left) * (high - low)
