"""The small networks of 2015 and 2017 behind the protocol of every generation: fitted, kept and asked.

Axis letters: N items, T periods, H horizons, Q taus.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from abc import abstractmethod
from copy import copy
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from data.errors import ModelError, NotTrained, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.types import ModelCard, Progress, QuantileForecast, Report
from forecasting.features.channel_layout import ChannelLayout
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs, encode
from forecasting.models.neural.base_network import Batch, Fan, QuantileNetwork, Shape, SmallNetwork
from forecasting.models.neural.settings import SmallSettings

#: Items decoded at a time.
_CHUNK = 1024


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
        self._validation: tuple[SmallNetwork, Encoding] | None = None
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
        from forecasting.training import small_network_runs  # who only answers never needs it

        started, periods = time.monotonic(), len(history.periods)
        known = int(np.isfinite(history.demand).any(axis=0).sum())
        if periods < 2 or not known:
            raise TooLittleHistory(
                f"{self.name} needs at least 2 periods, with known demand in them, and the history until "
                f"{history.last:%Y-%m-%d} has {periods}, of them {known} with known demand. Choose a later date or load "
                "more history."
            )
        fitted = small_network_runs.fit(self.network, history, horizon, self.settings, self.seed, self.title, report)
        judge = fitted.validation or fitted.now
        self._after(fitted.now.network, judge.network, fitted.examined)
        self._network, self._encoding = fitted.now.network, fitted.now.encoding
        self._validation = (judge.network, judge.encoding) if fitted.validation else None
        self.card = self._card(history, fitted.metrics, time.monotonic() - started)
        report(Progress(1, 1, f"{self.title}: ready"))

    def validation_model(self) -> SmallForecaster | None:
        if self._validation is None:
            return None
        answer = copy(self)
        answer._network, answer._encoding = self._validation
        return answer

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
        version = self.card.version if self.card else self.name
        return self._as_forecast(history, plan, np.concatenate(periods), np.concatenate(spans), version)

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
        if len(ChannelLayout.of(Encoding.from_json(json.dumps(stored["encoding"]))).origin) != config["network"]["origin"]:
            raise ModelError(f"The {cls.name} in {directory} was fitted by an older version of Tideline. Fit it again.")
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


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    """What JSON made lists of, as the tuples they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
