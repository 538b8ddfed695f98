"""The strong reference: boosted trees on features made by hand, as many teams would forecast today."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from data.errors import NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core import threads
from forecasting.core.forecaster import Generation
from forecasting.core.metrics import pinball
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import held_back, judged_from
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.features.tabular import FeatureTable, Learned, Rows, all_rows

if TYPE_CHECKING:
    import lightgbm as lgb

_VERSION = "1"

#: The three taus whose trees decide how many rounds are boosted and how far spans are drawn in.
_MIDDLE = (0.1, 0.5, 0.9)
_LEAST_ROWS = 30
_CHUNK = 50_000  # rows whose features are made at a time
_QUIET = {"verbosity": -1}


class LightGBMQuantiles(Generation):
    """Boosted trees, one model for each of 11 taus, over all items and all horizons (direct, the horizon is a feature).

    The target is log(1 + y/m) with m the item's running mean, weighted by √m; periods out of stock are left out, for
    trees have no one-sided loss. How many rounds to boost is read off the last periods of history, for three taus,
    then everything is fitted again with those periods in. Quantiles of a row are sorted, for separate models cross.

    Span quantiles have no trees of their own: they are sums of single quantiles, drawn in towards the middle by
    shares per horizon that were best on the same last periods. One block of time decides them: read them as a good
    guess.

    Parameters
    ----------
    seed : of the rows that are sampled and of the trees.
    rows : at most so many (item, creation date, horizon) are trained on.
    rounds : at most so many trees for each tau.
    """

    name: ClassVar[str] = "lightgbm"
    title: ClassVar[str] = "Boosted trees"
    note: ClassVar[str] = "Reference: LightGBM quantile regression on hand-made features, as many teams would build it today."
    taus: ClassVar[tuple[float, ...]] = TAUS[2:]

    def __init__(self, *, seed: int = 0, rows: int = 250_000, rounds: int = 300) -> None:
        self._seed, self._rows, self._rounds = seed, rows, rounds
        self._learned: Learned | None = None
        self._trees: dict[float, lgb.Booster] = {}
        self._trial: dict[float, lgb.Booster] = {}
        self._draw_in = np.zeros((0, 3))  # (H, 3) shares below, at and above the middle

    @property
    def horizon(self) -> int:
        return self._fitted.horizon

    @property
    def _fitted(self) -> Learned:
        if self._learned is None:
            raise NotTrained(f"{self.name} has not been fitted. Fit it or load it first.")
        return self._learned

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        periods = len(history.periods)
        last = held_back(periods, horizon) - 1  # the last creation date before the validation block
        if periods < 3 * horizon:
            raise TooLittleHistory(
                f"{self.name} needs {3 * horizon} periods for a horizon of {horizon} and the history until "
                f"{history.last:%Y-%m-%d} has {periods}. Choose a shorter horizon or load more history."
            )
        learned = Learned.of(history, horizon)
        table = FeatureTable(history, None, learned)
        rows = table.sampled(self._rows, self._seed)
        early = rows.take(np.flatnonzero(rows.t + rows.h <= last))
        if len(early) < _LEAST_ROWS:
            raise TooLittleHistory(
                f"{self.name} needs {_LEAST_ROWS} periods with known demand of items that sold before; the history "
                f"until {history.last:%Y-%m-%d} has {len(early)}. Load more history or more items."
            )
        steps = 1 + len(self.taus)
        report(Progress(0, steps, "Choosing how many trees on the last periods"))
        dates = np.unique([last, (last + periods - 1 - horizon) // 2, periods - 1 - horizon])
        late = Rows.joined([all_rows(len(history), int(t), horizon) for t in dates])
        actuals = table.demand[late.item, late.t + late.h]
        known, judged = late.take(np.flatnonzero(np.isfinite(actuals))), judged_from(periods, horizon)
        best = self._choose_rounds(table, early, known, judged)
        middle = _units(self._trial, table, late).reshape(-1, horizon, len(_MIDDLE))
        self._draw_in = _shares(middle, actuals.reshape(-1, horizon))
        data = _dataset(table, rows)
        self._trees = {}
        for done, tau in enumerate(self.taus):
            report(Progress(1 + done, steps, f"Boosting the trees of tau {tau}"))
            rounds = np.interp(tau, _MIDDLE, [best[one] for one in _MIDDLE])
            self._trees[tau], _ = self._boost(data, tau, max(int(rounds), 1))
        self._learned = learned
        report(Progress(steps, steps, f"{self.title}: ready"))

    def validation_model(self) -> LightGBMQuantiles | None:
        """As it was before the last periods: three taus only."""
        if not self._trial:
            return None
        answer = copy(self)
        answer._trees = self._trial
        return answer

    def _choose_rounds(self, table: FeatureTable, early: Rows, late: Rows, judged: int) -> dict[float, int]:
        """After how many rounds trees of the three middle taus on ``early`` rows met the ``late`` ones best.

        The trees are kept as they were when they met best those before period ``judged``: the others did not choose them.
        """
        older = late.take(np.flatnonzero(late.t + late.h < judged))
        data = _dataset(table, early)
        blocks = [_dataset(table, rows, data) for rows in (late, older) if len(rows)]
        answer = {}
        for tau in _MIDDLE:
            self._trial[tau], losses = self._boost(data, tau, self._rounds, blocks)
            answer[tau] = 1 + int(np.argmin(losses[0])) if blocks else self._rounds
            if len(blocks) > 1:
                self._trial[tau].best_iteration = 1 + int(np.argmin(losses[1]))
        return answer

    def _boost(
        self, data: lgb.Dataset, tau: float, rounds: int, blocks: Sequence[lgb.Dataset] = ()
    ) -> tuple[lgb.Booster, list[list[float]]]:
        """Trees of one tau, and the loss of each of the ``blocks`` after every round; it stops soon after one was least."""
        import lightgbm as lgb

        settings = {
            "objective": "quantile",
            "alpha": tau,
            "learning_rate": 0.08,
            "num_leaves": 31,
            "min_data_in_leaf": max(3, min(100, data.num_data() // 200)),
            "feature_fraction": 0.5,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "num_threads": threads.EACH,
            "seed": self._seed,
            "deterministic": True,
            "force_row_wise": True,
        }
        if not blocks:
            return lgb.train(settings | _QUIET, data, rounds), []
        names, losses = [str(place) for place in range(len(blocks))], dict[str, dict[str, list[float]]]()
        watch: list[Callable[..., object]] = [lgb.early_stopping(40, verbose=False), lgb.record_evaluation(losses)]
        trees = lgb.train(settings | _QUIET, data, rounds, valid_sets=list(blocks), valid_names=names, callbacks=watch)
        return trees, [losses[name]["quantile"] for name in names]

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        learned = self._fitted
        learned.refuse_others(history, self.name)
        table = FeatureTable(history, plan, learned)
        rows = all_rows(len(history), len(history.periods) - 1, learned.horizon)
        taus = np.array(list(self._trees))
        units = _units(self._trees, table, rows).reshape(len(history), learned.horizon, len(taus))
        return self._as_forecast(history, plan, units, _drawn_in(units, taus, self._draw_in), _VERSION, taus=taus)

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        learned = asdict(self._fitted) | {"draw_in": self._draw_in.tolist(), "seed": self._seed}
        for tau, trees in self._trees.items():
            trees.save_model(directory / f"{self.name}_{tau}.txt")
        (directory / f"{self.name}.json").write_text(json.dumps(learned))

    @classmethod
    def load(cls, directory: Path) -> Self:
        import lightgbm as lgb

        learned = cls._stored(directory)
        generation = cls(seed=int(learned["seed"]))
        generation._draw_in = np.array(learned["draw_in"])
        generation._learned = Learned.read(learned)
        generation._trees = {tau: lgb.Booster(model_file=directory / f"{cls.name}_{tau}.txt") for tau in cls.taus}
        return generation


def _dataset(table: FeatureTable, rows: Rows, like: lgb.Dataset | None = None) -> lgb.Dataset:
    import lightgbm as lgb

    scale = table.scale[rows.item, rows.t]
    features = np.concatenate([table.rows(part) for part in rows.parts(_CHUNK)])  # (R, K)
    return lgb.Dataset(
        features,
        np.log1p(table.demand[rows.item, rows.t + rows.h] / scale),
        weight=np.sqrt(scale / scale.mean()),
        categorical_feature=list(range(features.shape[1] - table.categories, features.shape[1])),
        reference=like,
        params={"max_bin": 127, "feature_pre_filter": False} | _QUIET,
    ).construct()


def _units(trees: Mapping[float, lgb.Booster], table: FeatureTable, rows: Rows) -> np.ndarray:
    """What the trees of each tau answer for the rows [R, Q], in units and sorted along Q."""
    answers = []
    for part in rows.parts(_CHUNK):
        features, scale = table.rows(part), table.scale[part.item, part.t]
        logs = [boosted.predict(features, num_threads=threads.EACH) for boosted in trees.values()]
        answers.append(np.maximum(np.expm1(np.stack(logs, axis=1)), 0.0) * scale[:, None])
    return np.sort(np.concatenate(answers), axis=1)


def _shares(middle: np.ndarray, actuals: np.ndarray) -> np.ndarray:
    """How far sums of quantiles are drawn in [H, 3], so that the sums of actuals [N, H] were met best.

    With M, L and U the sums over h periods of the median, of median − P10 and of P90 − median (``middle`` [N, H, 3]),
    the span's P10 is M − aL, its median M + cU and its P90 M + bU. Without actuals a = b = 1/√h and c = 0, as if
    periods were independent.
    """
    sums, sold = middle.cumsum(axis=1), actuals.cumsum(axis=1)
    shares = np.array([(h**-0.5, 0.0, h**-0.5) for h in range(1, actuals.shape[1] + 1)])
    grid = np.linspace(0, 2, 81)  # (C,)
    for h in range(1, actuals.shape[1]):
        known = np.isfinite(sold[:, h])
        if not known.any():
            continue
        low, mid, high = (sums[known, h, k, None] for k in range(3))
        y = np.repeat(sold[known, h, None], len(grid), axis=1)  # (n, C)

        def best(quantiles: np.ndarray, tau: float, y: np.ndarray = y) -> float:
            return float(grid[pinball(y, quantiles[..., None], np.array([tau])).sum(axis=(0, 2)).argmin()])

        a, c, b = (
            best(mid - grid * (mid - low), 0.1),
            best(mid + grid * (high - mid), 0.5),
            best(mid + grid * (high - mid), 0.9),
        )
        shares[h] = a, min(c, b), b
    return shares


def _drawn_in(units: np.ndarray, taus: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Span quantiles [N, H, Q] from single quantiles [N, H, Q] and the shares [H, 3]; rising along H and Q."""
    sums = units.cumsum(axis=1)
    low, middle, high = (sums[..., k, None] for k in np.searchsorted(taus, _MIDDLE))
    a, c, b = (shares[:, k, None] for k in range(3))  # (H, 1)
    lower = middle - low
    below = a + c * np.divide(high - middle, lower, out=np.zeros_like(lower), where=lower > 0)
    gap = sums - middle
    answer = middle + c * (high - middle) + np.where(gap < 0, below, b - c) * gap
    return np.maximum.accumulate(np.maximum(answer, 0.0), axis=1)
