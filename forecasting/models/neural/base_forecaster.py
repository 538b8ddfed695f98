"""How the small networks of 2015 and 2017 are taught, kept and asked: one network, one plain loop, a fixed budget of steps.

A first run stops targets one to two horizons before the end of history and is examined on the periods after; it tells how
many steps to take. A second run takes as many on everything.

Axis letters: N items, T periods, K creation dates, H horizons, Q taus.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from abc import abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from data.errors import ModelError, NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import held_back, history_until, masked
from forecasting.core.types import ModelCard, Progress, QuantileForecast, Report
from forecasting.features.encoding import Encoding, encoding_of
from forecasting.features.inputs import Inputs, encode
from forecasting.models.neural.base_network import Batch, Fan, QuantileNetwork, Shape, SmallNetwork

#: Half-life of the scale m, as a share of a year.
_SCALE_LIFE = 1 / 2

#: Items decoded at a time, items that an examination looks at, and items that are trained on at most.
_CHUNK, _EXAMINED, _MOST_ITEMS = 1024, 1500, 20_000

#: Share of each batch whose history is hidden, so that items without one are learned too.
_MASKED = 0.1

_WEIGHT_DECAY = 1e-2

#: Share of the loss that being told the time of the year must save: whatever names the date can be learned by heart.
_EARNED = 0.01


@dataclass(frozen=True)
class SmallSettings:
    """How a small network is trained: an examination every ``look_every`` steps, the end after ``patience`` without gain.

    ``batch_items`` and ``batch_dates`` are decoded in one step; ``average`` is what the running mean of the weights keeps
    of itself in one; ``scale_power`` weights losses by m to this power.
    """

    most_steps: int = 500
    look_every: int = 20
    patience: int = 6
    batch_items: int = 64
    batch_dates: int = 16
    learning_rate: float = 3e-3
    average: float = 0.98
    scale_power: float = 0.5
    width: int = 32
    dropout: float = 0.3


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What one run learns from: the encoded history, the same with histories hidden, and where its targets end."""

    encoding: Encoding
    inputs: Inputs
    hidden: Inputs
    until: int
    hold_price: bool
    weight: Tensor = field(repr=False)  # (N, T) of a creation date's losses

    @classmethod
    def of(cls, history: Panel, horizon: int, until: int, calendar: bool, settings: SmallSettings, seed: int) -> TrainingData:
        """Encodes ``history`` [N, T]; what is learned, down to the encoding, comes from periods before ``until``."""
        life = max(3.0, _SCALE_LIFE * history.frequency.per_year)
        encoding = encoding_of(history_until(history, until - 1), horizon, life, calendar=calendar)
        inputs = encode(encoding, history)
        hidden = encode(encoding, masked(history, seed), unmasked=history)
        weight = inputs.scale**settings.scale_power
        weight = weight / weight[:, :until].mean()
        return cls(encoding, inputs, hidden, until, history.price_seen == "when sold", weight)

    def lesson(self, settings: SmallSettings, generator: torch.Generator) -> Batch:
        """A random batch."""
        count = min(settings.batch_items, len(self.inputs))
        rows = torch.randperm(len(self.inputs), generator=generator)[:count]
        dates = torch.arange(max(min(4, self.until - 2), 0), self.until - 1)
        at = dates[torch.randperm(len(dates), generator=generator)[: settings.batch_dates]].sort().values
        cover = max(1, round(_MASKED * count))
        hold = None
        if self.hold_price:  # of slow sellers a changed price tells that they sold; of brisk ones half the time it is told
            brisk = self.inputs.scale[rows][:, at] > 4 * self.encoding.unit
            hold = ~brisk | (torch.rand(count, len(at), generator=generator) < 0.5)
        came = self.inputs.take(rows)
        inputs = self.hidden.take(rows[:cover]).followed_by(came.take(slice(cover, None)))
        return Batch(inputs, came, at, 0, self.until, self.weight[rows][:, at], hold)

    def validation_batch(self, rows: Tensor | slice, dates: int = 5) -> Batch:
        """What came after the targets of the run, seen from creation dates at their end and after."""
        periods = self.inputs.demand.shape[1]
        at = torch.unique(torch.linspace(self.until - 1, periods - 2, dates).round().long())
        inputs = self.inputs.take(rows)
        hold = torch.ones(len(inputs), len(at), dtype=torch.bool) if self.hold_price else None
        return Batch(inputs, inputs, at, self.until, periods, self.weight[rows][:, at], hold)


class SmallForecaster(Generation):
    """A small network behind the protocol of every generation.

    Parameters
    ----------
    seed : of the first weights and the batches.
    settings : None: those of the generation.
    """

    network: ClassVar[type[SmallNetwork]]
    usual: ClassVar[SmallSettings] = SmallSettings()

    def __init__(self, *, seed: int = 1, settings: SmallSettings | None = None) -> None:
        self.seed, self.settings = seed, settings or self.usual
        self._encoding: Encoding | None = None
        self._network: SmallNetwork | None = None
        self._trial_of_fit: tuple[SmallNetwork, TrainingData] | None = None
        self.card: ModelCard | None = None

    @property
    def horizon(self) -> int:
        return self._trained()[1].shape.horizon

    @abstractmethod
    def _fan(self, inputs: Inputs) -> Fan:
        """Quantiles [N, H, Q] at the last period of ``inputs``, over m."""

    def _after(self, network: SmallNetwork, trial: SmallNetwork, examined: Batch) -> None:
        """What else is learned once ``network`` is trained: ``trial`` has not seen the targets of ``examined``."""

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        started, periods = time.monotonic(), len(history.periods)
        known = int(np.isfinite(history.demand).any(axis=0).sum())
        if periods < 2 or not known:
            raise TooLittleHistory(
                f"{self.name} needs at least 2 periods, with known demand in them, and the history until "
                f"{history.last:%Y-%m-%d} has {periods}, of them {known} with known demand. Choose a later date or load "
                "more history."
            )
        learned = _sample(history, self.seed)
        until = held_back(periods, horizon)
        validates = until < periods
        steps, metrics, calendar = self.settings.most_steps // 4, {}, False
        runs = _Runs(report, self.title, trials=1 + _shows_a_year(history, until) if validates else 0)
        trial: tuple[SmallNetwork, TrainingData] | None = None
        if validates:
            best = np.inf
            for told in (False, True)[: runs.trials]:
                course = TrainingData.of(learned, horizon, until, told, self.settings, self.seed)
                network, losses = self._trial(course, horizon, runs.next())
                if min(losses) < best - _EARNED * abs(min(losses)):
                    best, calendar, trial = min(losses), told, (network, course)
                    steps = (int(np.argmin(losses)) + 1) * self.settings.look_every
            metrics = {"validation_loss": float(best), "steps": float(steps), "calendar": float(calendar)}
        course = TrainingData.of(learned, horizon, periods, calendar, self.settings, self.seed)
        network = self._taught(course, horizon, steps, runs.next())
        judge, examined = trial or (network, replace(course, until=max(1, periods - horizon)))
        self._after(network, judge, examined.validation_batch(slice(None), dates=periods))
        self._encoding, self._network, self._trial_of_fit = course.encoding, network.requires_grad_(False), trial
        self.card = self._card(history, metrics, time.monotonic() - started)
        report(Progress(1, 1, f"{self.title}: ready"))

    def validation_model(self) -> SmallForecaster | None:
        if self._trial_of_fit is None:
            return None
        network, course = self._trial_of_fit
        answer = copy(self)
        answer._encoding, answer._network = course.encoding, network
        return answer

    def _trial(self, course: TrainingData, horizon: int, tell: Callable[[float], None]) -> tuple[SmallNetwork, list[float]]:
        """The network as it was at the best look, and the loss of every look."""
        rows = torch.randperm(len(course.inputs), generator=torch.Generator().manual_seed(self.seed))[:_EXAMINED]
        examined, losses, best = course.validation_batch(rows), list[float](), dict[str, Tensor]()

        @torch.no_grad()
        def look(network: SmallNetwork) -> bool:
            losses.append(float(network.loss(examined)))
            if losses[-1] <= min(losses):
                best.update({name: value.clone() for name, value in network.state_dict().items()})
            return len(losses) - 1 - int(np.argmin(losses)) < self.settings.patience

        network = self._taught(course, horizon, self.settings.most_steps, tell, look)
        network.load_state_dict(best)
        return network, losses

    def _taught(
        self,
        course: TrainingData,
        horizon: int,
        steps: int,
        tell: Callable[[float], None],
        look: Callable[[SmallNetwork], bool] | None = None,
    ) -> SmallNetwork:
        """A network trained on ``course``, its weights averaged; ``look`` may end the run by answering False."""
        settings, generator = self.settings, torch.Generator().manual_seed(self.seed)
        torch.manual_seed(self.seed)
        network = self.network(Shape.of(course.encoding, course.inputs, horizon, settings.width, settings.dropout))
        averaging = torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average)
        averaged = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=averaging)
        optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY)
        network.train()
        for step in range(steps):
            tell(step / steps)
            loss = network.loss(course.lesson(settings, generator))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            averaged.update_parameters(network)
            examined = look is not None and (step + 1) % settings.look_every == 0
            if look is not None and examined and not look(_network_of(averaged)):
                break
        return _network_of(averaged)

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        encoding, _ = self._trained()
        if len(plan) != self.horizon:
            raise ModelError(f"The plan covers {len(plan)} periods and this model forecasts {self.horizon}.")
        length = np.arange(1, self.horizon + 1)[:, None]
        periods, spans = [], []
        for start in range(0, len(history), _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, len(history)))
            inputs = encode(encoding, history.take(rows), plan.take(rows))
            with torch.no_grad():
                fan = self._fan(inputs)
            scale = inputs.scale[:, -1, None, None].double()
            periods.append((fan.periods * scale).numpy())
            spans.append((fan.spans * scale).numpy() * length)
        return QuantileForecast(
            item_ids=history.item_ids,
            creation_date=history.last,
            periods=plan.periods,
            taus=np.array(TAUS),
            values=np.concatenate(periods),
            cumulative=np.concatenate(spans),
            model=self.name,
            version=self.card.version if self.card else self.name,
            catalog_hash=history.catalog_hash,
        )

    def _trained(self) -> tuple[Encoding, SmallNetwork]:
        if self._encoding is None or self._network is None:
            raise NotTrained(f"{self.name} has not been trained yet. Train it first, or load one that was.")
        return self._encoding, self._network

    def _card(self, history: Panel, metrics: dict[str, float], seconds: float) -> ModelCard:
        _, network = self._trained()
        config = {"network": asdict(network.shape), "training": asdict(self.settings)}
        digest = hashlib.sha256(json.dumps([config, self.seed, metrics]).encode())
        for weights in network.state_dict().values():
            digest.update(weights.numpy().tobytes())
        return ModelCard(
            model=self.name,
            version=f"{self.name}-{digest.hexdigest()[:8]}",
            seed=self.seed,
            catalog_hash=history.catalog_hash,
            catalog_name="",
            trained_until=f"{history.last:%Y-%m-%d}",
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            train_seconds=round(seconds, 1),
            config=config,
            versions={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            metrics=metrics,
        )

    def save(self, directory: Path) -> None:
        """Weights as ``{name}.safetensors``, everything else as ``{name}.json``."""
        encoding, network = self._trained()
        assert self.card is not None  # set together with the weights
        directory.mkdir(parents=True, exist_ok=True)
        weights = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(weights, directory / f"{self.name}.safetensors")
        stored = {"card": asdict(self.card), "encoding": json.loads(encoding.to_json())}
        (directory / f"{self.name}.json").write_text(json.dumps(stored, indent=1))

    @classmethod
    def load(cls, directory: Path) -> Self:
        card, weights = directory / f"{cls.name}.json", directory / f"{cls.name}.safetensors"
        if not card.is_file() or not weights.is_file():
            raise NotTrained(f"There is no trained {cls.name} in {directory}. Fit it and save it first.")
        stored = json.loads(card.read_text())
        config = stored["card"]["config"]
        answer = cls(seed=stored["card"]["seed"], settings=SmallSettings(**config["training"]))
        network = cls.network(Shape(**_tuples(config["network"]))).eval().requires_grad_(False)
        network.load_state_dict(load_file(weights))
        answer._encoding = Encoding.from_json(json.dumps(stored["encoding"]))
        answer._network = network
        answer.card = ModelCard(**stored["card"])
        return answer


class QuantileForecaster(SmallForecaster):
    """A small network that says the quantiles itself."""

    def _fan(self, inputs: Inputs) -> Fan:
        _, network = self._trained()
        assert isinstance(network, QuantileNetwork)
        fan = network(inputs, torch.tensor([inputs.demand.shape[1] - 1]))
        return Fan(fan.periods[:, 0], fan.spans[:, 0])


@dataclass
class _Runs:
    """Progress over the runs of a fit."""

    report: Report
    title: str
    trials: int
    begun: int = 0

    def next(self) -> Callable[[float], None]:
        """How the next run tells its share."""
        run, total = self.begun, self.trials + 1
        self.begun += 1
        return lambda share: self.report(Progress(round(100 * (run + share)), 100 * total, f"{self.title}: training"))


def _network_of(averaged: torch.optim.swa_utils.AveragedModel) -> SmallNetwork:
    network = averaged.module.eval()
    assert isinstance(network, SmallNetwork)
    return network


def _sample(history: Panel, seed: int) -> Panel:
    if len(history) <= _MOST_ITEMS:
        return history
    return history.take(np.sort(np.random.default_rng(seed).choice(len(history), _MOST_ITEMS, replace=False)))


def _shows_a_year(history: Panel, until: int) -> bool:
    """Whether the time of the year was seen before: only then can an examination tell if it helps to be told it."""
    return until >= history.frequency.per_year + len(history.periods) - until


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    """What JSON made lists of, as the tuples they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
