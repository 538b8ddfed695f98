"""The blend: quantiles of several generations averaged, with weights that were earned on a block of time held back.

Every generation keeps, beside what it learned from everything, what it was before the periods that validated it; the weights,
one set for every class of items, are those under which these early selves would have met best those of the periods held back
that did not choose them, drawn half of the way to equal weights, because one block of time is little to learn from.

Axis letters: N items, H horizons, Q taus, C components, S classes, D creation dates.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

import numpy as np

from data.errors import NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.demand_classes import DENSE, INTERMITTENT, zero_shares
from forecasting.core.forecaster import Generation
from forecasting.core.metrics import pinball
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import actuals_after, judged_from
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.models.averaged_parts import JUDGED, Beside, Fitted, Made, fit_parts, validation_dates
from forecasting.models.registry import generation

#: The generations blended: the network first, for it can always be fitted and explains what is said.
COMPONENTS = ("mqtransformer", "feedforward", "lightgbm", "patchwork", "empirical_last26")

#: Classes of items by their share of periods without a sale: dense, between, intermittent.
_CLASSES = 3

#: Known actuals below which a class takes the weights of all items; steps of the weights tried.
_ENOUGH, _STEPS = 500, 10

#: Item-periods below which a blend makes do with fewer networks and rows, to be there in minutes: its parts steady each other.
_SMALL, _FEW_MEMBERS, _FEW_ROWS = 30_000, 2, 100_000

#: How far weights are drawn to equal ones.
_DRAWN = 0.5

#: What knows nothing of a plan is as good as any where there is none: it is one of the equals where alone it lost no more than
#: this many times what the best one did.
_COUNTING, _WORSE = "empirical_last26", 1.1

#: Parts in which nothing is drawn.
_SEEDLESS = ("patchwork", _COUNTING)


class Blend(Generation):
    """Weighted mean of the components' quantiles, of periods and of spans alike.

    A component that cannot be fitted, because it refuses the history for being too short or because one of its libraries
    gave up, is left out, and ``left_out`` says why. Without enough periods to hold a block back the weights are equal.

    Parameters
    ----------
    seed : of the components that take one.
    workers : processes that train the network; with more than one the other components are fitted beside it.
    make : makes a component by its name and seed; with more than one worker it must be one that can be pickled.
    """

    name: ClassVar[str] = "blend"
    title: ClassVar[str] = "Blend"
    note: ClassVar[str] = "Quantiles of several generations averaged, by weights earned on held-back periods."

    def __init__(self, *, seed: int = 1, workers: int = 1, make: Made | None = None) -> None:
        self._seed, self._workers = seed, workers
        self._make = make
        self._components: dict[str, Generation] = {}
        self._weights = np.zeros((0, 0))  # (S, C)
        self._left_out: dict[str, str] = {}

    @property
    def horizon(self) -> int:
        return next(iter(self._fitted().values())).horizon

    @property
    def weights(self) -> dict[str, tuple[float, ...]]:
        """The share of each component in every class of items: few, some, many periods without a sale."""
        return {name: tuple(self._weights[:, c].tolist()) for c, name in enumerate(self._fitted())}

    @property
    def components(self) -> Mapping[str, Generation]:
        """What is blended, by name."""
        return MappingProxyType(self._fitted())

    @property
    def left_out(self) -> Mapping[str, str]:
        """The components that could not be fitted, by name, and why."""
        return MappingProxyType(self._left_out)

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        told = _Told(report, COMPONENTS[0], len(COMPONENTS))
        first, others = COMPONENTS[:1], COMPONENTS[1:]
        make = self._make or partial(_made, workers=self._workers, small=history.demand.size < _SMALL)
        if self._workers > 1:
            with Beside(others, make, self._seed, history, horizon) as beside:
                mine = fit_parts(first, make, self._seed, history, horizon, told)
                theirs = beside.parts(told.waiting)
        else:
            mine = fit_parts(first, make, self._seed, history, horizon, told)
            told.waiting()
            theirs = fit_parts(others, make, self._seed, history, horizon)
        fitted: dict[str, Fitted] = {**mine.fitted, **theirs.fitted}
        self._left_out = {**mine.left_out, **theirs.left_out}
        if not fitted:
            reasons = " ".join(f"{name}: {reason}" for name, reason in self._left_out.items())
            raise TooLittleHistory(f"None of the {len(COMPONENTS)} parts of the blend could be fitted. {reasons}")
        self._components = {name: one.component for name, one in fitted.items()}
        self._weights = np.full((_CLASSES, len(fitted)), 1 / len(fitted))
        dates = validation_dates(history, horizon)
        if dates:
            judged = judged_from(len(history.periods), horizon)
            sold = np.stack([actuals_after(history, t, horizon, since=judged) for t in dates])  # (D, N, H)
            classes = _classes(history, dates[0])
            self._weights = _earned({name: one.early for name, one in fitted.items()}, sold, classes)
        without = "".join(f"; left out {name}: {reason}" for name, reason in self._left_out.items())
        report(Progress(1, 1, f"{self.title}: ready{without}"))

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        parts = [component._forecast(history, plan) for component in self._fitted().values()]
        shares = self._weights[_classes(history, len(history.periods) - 1)]  # (N, C)
        return replace(
            parts[0],
            taus=np.array(TAUS),
            values=np.einsum("nc,cnhq->nhq", shares, [part.values_at(TAUS) for part in parts]),
            cumulative=np.einsum("nc,cnhq->nhq", shares, [part.spans_at(TAUS) for part in parts]),
            model=self.name,
            version="+".join(part.version for part in parts),
        )

    def _fitted(self) -> dict[str, Generation]:
        if not self._components:
            raise NotTrained(f"{self.name} has not been fitted. Fit it or load it first.")
        return self._components

    def save(self, directory: Path) -> None:
        for name, component in self._fitted().items():
            component.save(directory / name)
        stored = {
            "components": list(self._components),
            "weights": self._weights.tolist(),
            "left_out": self._left_out,
            "seed": self._seed,
        }
        (directory / "blend.json").write_text(json.dumps(stored))

    @classmethod
    def load(cls, directory: Path) -> Self:
        path = directory / "blend.json"
        if not path.is_file():
            raise NotTrained(f"There is no saved {cls.name} at {path}. Fit it and save it first.")
        stored = json.loads(path.read_text())
        answer = cls(seed=int(stored["seed"]))
        answer._components = {name: generation(name).load(directory / name) for name in stored["components"]}
        answer._weights = np.array(stored["weights"])
        answer._left_out = dict(stored.get("left_out", {}))  # none was kept by name before there was this word
        return answer


class _Told:
    """Progress of the first component as the blend's: it takes longest."""

    def __init__(self, report: Report, name: str, components: int) -> None:
        self._report, self._name, self._components = report, name, components

    def __call__(self, progress: Progress) -> None:
        share = round(100 * progress.share)
        self._report(Progress(share, 100 * self._components, f"Blend, {self._name}: {progress.message}", progress.seconds_left))

    def waiting(self) -> None:
        """The first component is fitted, the others may not be."""
        self._report(Progress(100, 100 * self._components, "Blend: the other components"))


def _made(name: str, seed: int, workers: int, small: bool) -> Generation:
    if name == "mqtransformer":
        from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
        from forecasting.models.mqtransformer.settings import TrainingSettings

        settings = TrainingSettings(seed=seed)
        return MQTransformerForecaster(replace(settings, members=_FEW_MEMBERS) if small else settings, workers=workers)
    cls: Callable[..., Generation] = generation(name)
    few = {"rows": _FEW_ROWS} if name == "lightgbm" and small else {}
    return cls() if name in _SEEDLESS else cls(seed=seed, **few)


def _classes(history: Panel, t: int) -> np.ndarray:
    """Class [N] of each item by its share of zeros until period ``t``; the first where nothing is known."""
    return np.searchsorted((DENSE, INTERMITTENT), np.nan_to_num(zero_shares(history, t)), side="right")


def _earned(early: Mapping[str, np.ndarray], sold: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The weights [S, C] under which the components' ``early`` quantiles [D, N, H, 3] met ``sold`` [D, N, H] best, drawn half
    of the way to equal ones."""
    quantiles, names = np.stack(list(early.values())), list(early)  # (C, D, N, H, 3)
    grid = [share for share in itertools.product(range(_STEPS + 1), repeat=len(names)) if sum(share) == _STEPS]
    shares, losses = np.array(grid) / _STEPS, []  # (G, C)
    for share in shares:
        mixed = np.tensordot(share, quantiles, axes=1)
        losses.append(np.nan_to_num(pinball(sold, mixed, np.array(JUDGED)).mean(axis=-1)).sum(axis=(0, 2)))
    loss, known = np.stack(losses, axis=1), np.isfinite(sold).sum(axis=(0, 2))  # (N, G), (N,)
    answer = np.tile(_drawn(shares, loss.sum(axis=0), names), (_CLASSES, 1))
    for one in range(len(answer)):
        if known[classes == one].sum() >= _ENOUGH:
            answer[one] = _drawn(shares, loss[classes == one].sum(axis=0), names)
    return answer


def _drawn(shares: np.ndarray, loss: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The best [C] of the ``shares`` [G, C] by their ``loss`` [G], drawn to equal ones."""
    alone = np.array([loss[row.argmax()] for row in shares.T])  # (C,) a share of 1 is the largest
    equal = np.array([name != _COUNTING for name in names]) | (alone <= _WORSE * alone.min())
    return _DRAWN * equal / equal.sum() + (1 - _DRAWN) * shares[loss.argmin()]
