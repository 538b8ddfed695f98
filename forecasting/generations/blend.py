"""The blend: quantiles of several generations averaged, with weights that were earned on a block of time held back.

Each generation is first fitted without the last H periods and asked for them; the weights, one set for every class of items,
are those that would have met these periods best. Then every generation is fitted again on everything.

Axis letters: N items, H horizons, Q taus, C components, S classes.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.errors import NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.backtest import actuals_after
from forecasting.generations.base import Generation, Report
from forecasting.generations.registry import generation
from forecasting.metrics import pinball
from forecasting.quantiles import TAUS
from forecasting.slices import DENSE, INTERMITTENT, zero_shares
from forecasting.types import Progress, QuantileForecast
from forecasting.windows import plan_after

#: The generations blended: the network first, for it can always be fitted.
COMPONENTS = ("mqcnn", "lightgbm")

#: Classes of items by their share of periods without a sale: dense, between, intermittent.
_CLASSES = 3

#: Known actuals below which a class takes the weights of all items; steps of the weights tried.
_ENOUGH, _STEPS = 500, 20


class Blend(Generation):
    """Weighted mean of the components' quantiles, of periods and of spans alike.

    A component that refuses the history for being too short has no weight. Without enough periods to hold a block back the
    weights are equal.

    Parameters
    ----------
    seed : of the components that take one.
    workers : processes that train the network.
    make : makes a component by its name and seed.
    """

    name: ClassVar[str] = "blend"
    title: ClassVar[str] = "Blend"
    note: ClassVar[str] = "The network's quantiles averaged with boosted trees', by weights earned on held-back periods."

    def __init__(self, *, seed: int = 1, workers: int = 1, make: Callable[[str, int], Generation] | None = None) -> None:
        self._seed, self._make = seed, make or partial(_made, workers=workers)
        self._components: dict[str, Generation] = {}
        self._weights = np.zeros((0, 0))  # (S, C)

    @property
    def horizon(self) -> int:
        return next(iter(self._fitted().values())).horizon

    @property
    def weights(self) -> dict[str, tuple[float, ...]]:
        """The share of each component in every class of items: few, some, many periods without a sale."""
        return {name: tuple(self._weights[:, c].tolist()) for c, name in enumerate(self._fitted())}

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        held_back = len(history.periods) - 1 - horizon
        steps = 2 * len(COMPONENTS)
        tried: dict[str, QuantileForecast] = {}
        for done, name in enumerate(COMPONENTS if held_back >= 1 else ()):
            report(Progress(done, steps, f"Blend: {name} without the last {horizon} periods"))
            with suppress(TooLittleHistory):
                early = self._component(name, history, held_back, horizon)
                ahead = plan_after(history, held_back, horizon)
                (tried[name],) = early.forecast(history, [history.periods[held_back]], ahead)
        components: dict[str, Generation] = {}
        for done, name in enumerate(COMPONENTS):
            report(Progress(len(COMPONENTS) + done, steps, f"Blend: {name} on everything"))
            with suppress(TooLittleHistory) if components else nullcontext():  # the first must be fitted
                components[name] = self._component(name, history, len(history.periods) - 1, horizon)
        if components.keys() == tried.keys():
            sold = actuals_after(history, held_back, horizon)
            classes = _classes(history, held_back)
            self._weights = _earned([forecast.values_at(TAUS) for forecast in tried.values()], sold, classes)
        else:
            self._weights = np.full((_CLASSES, len(components)), 1 / len(components))
        self._components = components
        report(Progress(steps, steps, f"{self.title}: ready"))

    def _component(self, name: str, history: Panel, t: int, horizon: int) -> Generation:
        """A component fitted on what was known at period ``t``; raises TooLittleHistory."""
        component = self._make(name, self._seed)
        component.fit(history, history.periods[t], horizon)
        return component

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
        stored = {"components": list(self._components), "weights": self._weights.tolist(), "seed": self._seed}
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
        return answer


def _made(name: str, seed: int, workers: int) -> Generation:
    if name == "mqcnn":
        from forecasting.generations.network import MQCNNForecaster
        from forecasting.runs import TrainingSettings

        return MQCNNForecaster(TrainingSettings(seed=seed), workers=workers)
    from forecasting.generations.lightgbm_quantiles import LightGBMQuantiles

    return LightGBMQuantiles(seed=seed)


def _classes(history: Panel, t: int) -> np.ndarray:
    """Class [N] of each item by its share of zeros until period ``t``; the first where nothing is known."""
    return np.searchsorted((DENSE, INTERMITTENT), np.nan_to_num(zero_shares(history, t)), side="right")


def _earned(quantiles: Sequence[np.ndarray], sold: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The weights [S, C] under which the components' ``quantiles`` [C × (N, H, Q)] met ``sold`` [N, H] best, class by class."""
    grid = [share for share in itertools.product(range(_STEPS + 1), repeat=len(quantiles)) if sum(share) == _STEPS]
    shares = np.array(grid) / _STEPS  # (G, C)
    inner = slice(TAUS.index(0.1), TAUS.index(0.9) + 1)
    taus, losses = np.array(TAUS[inner]), []
    for share in shares:
        mixed = np.tensordot(share, np.stack([q[..., inner] for q in quantiles]), axes=1)
        losses.append(np.nan_to_num(pinball(sold, mixed, taus).mean(axis=-1)).sum(axis=1))
    loss, known = np.stack(losses, axis=1), np.isfinite(sold).sum(axis=1)  # (N, G), (N,)
    answer = np.tile(shares[loss.sum(axis=0).argmin()], (_CLASSES, 1))
    for one in range(len(answer)):
        if known[classes == one].sum() >= _ENOUGH:
            answer[one] = shares[loss[classes == one].sum(axis=0).argmin()]
    return answer
