"""2011: SQRF, the sparse quantile random forest, as a reconstruction: the internals of the original were never published.

One forest for all product lines on features made by hand. A line may lack features (no price, no promotion, no season
on record): the rows of all lines are pooled all the same, what is missing stays missing, as one constant value beside
a column that says so. Quantiles are those of past targets that fell into the same leaves. Axis letters: R rows,
K features, J columns that say what is missing, H horizons, Q taus.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.errors import NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.features.tabular import FeatureTable, Learned, Rows, all_rows
from forecasting.models.forest_arrays import Growth, QuantileTrees

_VERSION = "1"
_LEAST_ROWS = 30
_CHUNK = 50_000  # rows whose features are made at a time

#: What stands for a missing number; trees can tell it apart, and its column of ones and zeros says it again.
_MISSING = -10.0


class Forest(Generation):
    """A pooled quantile regression forest on hand-made features, direct for every horizon, which is a feature itself.

    The target of a row is y/m, demand at t + h over the item's running mean at t; a second forest answers for the mean
    demand over the first h periods over m, its features being the mean of those of the periods 1 … h. Periods out of
    stock are no targets. The number of training rows is so many for each item, up to a bound, and every tree sees a
    share of them: memory and time grow linearly with items until the bound and not at all after it.

    A reconstruction: what the sparse quantile random forest of 2011 looked like inside was never published.

    Parameters
    ----------
    seed : of the rows that are sampled and of the forests.
    rows_per_item, most_rows : training rows (item, creation date, horizon) of each of the two forests.
    growth : how the forests are grown; its seed is replaced by ``seed``.
    """

    name: ClassVar[str] = "forest"
    title: ClassVar[str] = "Quantile forest (2011)"
    note: ClassVar[str] = (
        "One forest for all product lines on features made by hand. A reconstruction: the original's internals were "
        "never published."
    )

    def __init__(
        self, *, seed: int = 0, rows_per_item: int = 100, most_rows: int = 60_000, growth: Growth | None = None
    ) -> None:
        self._seed, self._rows_per_item, self._most_rows = seed, rows_per_item, most_rows
        self._growth = growth or Growth()
        self._learned: Learned | None = None
        self._lacking = np.zeros((0, 0), int)  # (J,) features whose absence has a column of its own
        self._period: QuantileTrees | None = None
        self._span: QuantileTrees | None = None

    @property
    def horizon(self) -> int:
        return self._fitted[0].horizon

    @property
    def _fitted(self) -> tuple[Learned, QuantileTrees, QuantileTrees]:
        if self._learned is None or self._period is None or self._span is None:
            raise NotTrained(f"{self.name} has not been fitted. Fit it or load it first.")
        return self._learned, self._period, self._span

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        learned = Learned.of(history, horizon)
        table = FeatureTable(history, None, learned)
        rows = table.sampled(min(self._rows_per_item * len(history), self._most_rows), self._seed)
        if len(rows) < _LEAST_ROWS:
            raise TooLittleHistory(
                f"{self.name} needs {_LEAST_ROWS} pairs of a creation date and a later period with known demand, and the "
                f"history until {history.last:%Y-%m-%d} has {len(rows)}. Choose a later date or load more history."
            )
        report(Progress(0, 3, "Making the features of past forecasts"))
        features = np.concatenate([table.rows(part) for part in rows.parts(_CHUNK)])
        self._lacking = _lacking(features)
        growth = Growth(**asdict(self._growth) | {"seed": self._seed})
        report(Progress(1, 3, "Growing the forest of single periods"))
        targets = table.demand[rows.item, rows.t + rows.h] / table.scale[rows.item, rows.t]
        self._period = growth.grow(self._filled(features), targets)
        report(Progress(2, 3, "Growing the forest of sums over periods"))
        self._span = growth.grow(*self._span_rows(table, rows, horizon))
        self._learned = learned
        report(Progress(3, 3, f"{self.title}: ready"))

    def _span_rows(self, table: FeatureTable, rows: Rows, horizon: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and targets of sums, at the creation dates of ``rows``: two spans for each, a short and a long one."""
        periods = table.demand.shape[1]
        room = np.flatnonzero(rows.t + horizon < periods)
        if not room.size:
            room, horizon = np.flatnonzero(rows.t + 1 < periods), 1
        room = np.random.default_rng(self._seed + 1).permutation(room)[: max(len(rows) // 2, 1)]
        origins = rows.take(np.sort(room))
        features, targets = [], []
        for part in origins.parts(max(1, _CHUNK // horizon)):
            ahead = np.arange(1, horizon + 1)
            every = Rows(np.repeat(part.item, horizon), np.repeat(part.t, horizon), np.tile(ahead, len(part)))
            means = _running(table.rows(every).reshape(len(part), horizon, -1))
            sold = table.demand[every.item, every.t + every.h].reshape(len(part), horizon)
            level = sold.cumsum(axis=1) / ahead / table.scale[part.item, part.t, None]  # (n, H)
            for h in (np.minimum(part.h, horizon), horizon + 1 - np.minimum(part.h, horizon)):
                target = level[np.arange(len(part)), h - 1]
                known = np.isfinite(target)
                features.append(means[np.arange(len(part)), h - 1][known])
                targets.append(target[known])
        if not sum(map(len, targets)):
            raise TooLittleHistory(
                f"{self.name} needs {horizon} periods in a row with known demand and there are none. Load more history."
            )
        return self._filled(np.concatenate(features)), np.concatenate(targets)

    def _filled(self, features: np.ndarray) -> np.ndarray:
        """Features [R, K + J] without NaN: what is missing is a constant, and columns of ones say so."""
        missing = ~np.isfinite(features)
        return np.concatenate([np.where(missing, np.float32(_MISSING), features), missing[:, self._lacking]], axis=1)

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        learned, period, span = self._fitted
        learned.refuse_others(history, self.name)
        table = FeatureTable(history, plan, learned)
        items, t, horizon = len(history), len(history.periods) - 1, learned.horizon
        values = np.zeros((items, horizon, len(TAUS)))
        cumulative = np.zeros_like(values)
        size = max(1, _CHUNK // horizon)
        for start in range(0, items, size):
            part = slice(start, min(start + size, items))
            count = part.stop - part.start
            rows = all_rows(count, t, horizon)
            features = table.rows(Rows(rows.item + start, rows.t, rows.h))
            means = _running(features.reshape(count, horizon, -1)).reshape(count * horizon, -1)
            scale = table.scale[part, t, None, None]
            values[part] = period.quantiles(self._filled(features)).reshape(count, horizon, -1) * scale
            level = span.quantiles(self._filled(means)).reshape(count, horizon, -1) * scale
            cumulative[part] = level * np.arange(1, horizon + 1)[:, None]
        cumulative[:, 0] = values[:, 0]  # the first sum is the first period
        cumulative = np.maximum.accumulate(cumulative, axis=1)  # a longer span never has fewer units
        return self._as_forecast(history, plan, values, cumulative, _VERSION)

    def save(self, directory: Path) -> None:
        learned, period, span = self._fitted
        directory.mkdir(parents=True, exist_ok=True)
        period.save(directory / f"{self.name}_period.npz")
        span.save(directory / f"{self.name}_span.npz")
        stored = asdict(learned) | {"lacking": self._lacking.tolist(), "seed": self._seed}
        (directory / f"{self.name}.json").write_text(json.dumps(stored))

    @classmethod
    def load(cls, directory: Path) -> Self:
        stored = cls._stored(directory)
        generation = cls(seed=int(stored["seed"]))
        generation._lacking = np.array(stored["lacking"], int)
        generation._learned = Learned.read(stored)
        generation._period = QuantileTrees.load(directory / f"{cls.name}_period.npz")
        generation._span = QuantileTrees.load(directory / f"{cls.name}_span.npz")
        return generation


def _lacking(features: np.ndarray) -> np.ndarray:
    """The features [J] of [R, K] that some rows lack; of those that are always absent together, one."""
    missing = ~np.isfinite(features)
    patterns, first = np.unique(missing, axis=1, return_index=True)
    return np.sort(first[patterns.any(axis=0)])


def _running(features: np.ndarray) -> np.ndarray:
    """The mean over the first 1 … H horizons of features [n, H, K], of those that are not missing."""
    known = np.isfinite(features)
    total = np.where(known, features, 0).cumsum(axis=1, dtype=np.float64)
    count = known.cumsum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
