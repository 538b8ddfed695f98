"""A trained network as a generation: an ensemble of seeds, evaluated in one batched call, stored as safetensors and a card."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from data.catalog import About
from data.errors import ModelError, NotTrained
from data.schema import PRICE, Panel, Plan
from forecasting import training
from forecasting.crew import Crew
from forecasting.encoding import Encoding
from forecasting.features import Inputs, encode
from forecasting.generations.base import Generation, Report
from forecasting.generations.g2017_mqcnn import MQCNN, Decoded, MQCNNConfig, price_factor, span_level
from forecasting.quantiles import TAUS
from forecasting.runs import State, TrainingSettings
from forecasting.types import ModelCard, QuantileForecast

#: Items decoded at a time: bounds the memory of one call.
_CHUNK = 1024


class Ensemble:
    """M networks of one shape whose forward runs once for all of them."""

    def __init__(self, config: MQCNNConfig, members: tuple[State, ...]) -> None:
        self.config, self.members = config, members
        self._network = MQCNN(config).eval().requires_grad_(False)
        self._stacked = {name: torch.stack([member[name] for member in members]) for name in members[0]}

    @torch.no_grad()
    def decode(self, inputs: Inputs, at: Tensor) -> Decoded:
        """What every member says at the creation dates ``at`` [K]; the fields get a leading axis M."""

        def one(weights: State) -> tuple[Tensor, ...]:
            decoded = torch.func.functional_call(self._network, weights, (inputs, at))
            return tuple(getattr(decoded, name) for name in Decoded.__dataclass_fields__)

        return Decoded(*torch.vmap(one)(self._stacked))


@dataclass(frozen=True, eq=False)
class Answer:
    """A forecast that can be asked for other prices without a second pass through the network.

    ``decoded`` is at one creation date, [M, N, 1, H, …]; ``scale``, ``log_reference``, ``has_price`` are [N].
    """

    forecast: QuantileForecast
    decoded: Decoded
    scale: Tensor
    log_reference: Tensor
    has_price: Tensor

    def at_prices(self, prices: np.ndarray) -> QuantileForecast:
        """The forecast if the prices were ``prices`` [N, H], all positive; equal to ``forecast`` at the planned prices."""
        if (np.asarray(prices) <= 0).any():
            raise ModelError("A price must be above zero to be put into a scenario.")
        log_price = torch.log(torch.as_tensor(np.asarray(prices), dtype=torch.float32))
        change = (log_price - self.log_reference[:, None]) * self.has_price[:, None]  # (N, H)
        decoded = self.decoded
        response = price_factor(decoded.elasticity[:, :, 0], decoded.discounts[:, :, 0], change)  # (M, N, H)
        periods, spans = decoded.periods[:, :, 0], decoded.spans[:, :, 0]  # (M, N, H, Q)
        moved = periods + (response - decoded.response[:, :, 0])[..., None]
        spans_moved = spans + (span_level(moved) - span_level(periods))[..., None]
        return replace(
            self.forecast,
            values=_units(moved, self.scale),
            cumulative=_spans(spans_moved, self.scale),
        )


class MQCNNForecaster(Generation):
    """MQ-CNN behind the protocol of every generation."""

    name: ClassVar[str] = "mqcnn"
    title: ClassVar[str] = "2017 MQ-CNN"
    note: ClassVar[str] = "One network for every item, trained on all quantiles of all horizons at once (arXiv 1711.11053)"

    def __init__(
        self,
        settings: TrainingSettings | None = None,
        checkpoint: Path | None = None,
        stop: Callable[[], bool] = lambda: False,
        workers: int = 1,
    ) -> None:
        self.settings = settings or TrainingSettings()
        self._checkpoint, self._stop, self._workers = checkpoint, stop, workers
        self._encoding: Encoding | None = None
        self._ensemble: Ensemble | None = None
        self.card: ModelCard | None = None

    @property
    def horizon(self) -> int:
        return self._trained()[1].config.horizon

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        started = time.monotonic()
        key = training.fit_key(history, horizon, self.settings)
        crew = Crew(self._checkpoint, key, report, self._stop, self._workers)
        trained = training.fit(history, horizon, self.settings, crew)
        self._encoding, self._ensemble = trained.encoding, Ensemble(trained.config, trained.members)
        self.card = ModelCard(
            model=self.name,
            version=f"{self.name}-{key[:8]}",
            seed=self.settings.seed,
            catalog_hash=history.catalog_hash,
            catalog_name="",
            trained_until=f"{history.last:%Y-%m-%d}",
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            train_seconds=round(time.monotonic() - started, 1),
            config={"network": asdict(trained.config), "training": asdict(self.settings)},
            versions={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            metrics=trained.metrics,
        )
        crew.clear()

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        parts = [self.answer(history.take(rows), plan.take(rows)).forecast for rows in _chunks(len(history))]
        if len(parts) == 1:
            return parts[0]
        elasticity = [part.elasticity for part in parts if part.elasticity is not None]
        return replace(
            parts[0],
            item_ids=history.item_ids,
            values=np.concatenate([part.values for part in parts]),
            cumulative=np.concatenate([part.cumulative for part in parts]),
            elasticity=np.concatenate(elasticity) if elasticity else None,
        )

    def answer(self, history: Panel, plan: Plan) -> Answer:
        """Forecast from the end of ``history`` for the first ``horizon`` periods of ``plan``, ready for other prices."""
        encoding, ensemble = self._trained()
        if len(plan) != ensemble.config.horizon:
            raise ModelError(f"The plan covers {len(plan)} periods and this model forecasts {ensemble.config.horizon}.")
        inputs = encode(encoding, history, plan)
        last = len(history.periods) - 1
        decoded = ensemble.decode(inputs, torch.tensor([last]))
        scale = inputs.scale[:, last]
        forecast = QuantileForecast(
            item_ids=history.item_ids,
            creation_date=history.last,
            periods=plan.periods,
            taus=np.array(TAUS),
            values=_units(decoded.periods[:, :, 0], scale),
            cumulative=_spans(decoded.spans[:, :, 0], scale),
            model=self.name,
            version=self.card.version if self.card else self.name,
            catalog_hash=history.catalog_hash,
            elasticity=decoded.elasticity[:, :, 0].mean(dim=(0, 2)).numpy().astype(np.float64) if encoding.price else None,
        )
        return Answer(forecast, decoded, scale, inputs.log_reference[:, last], inputs.has_price[:, last])

    def can_read(self, about: About) -> bool:
        """Whether a catalog has the columns that this model was trained on."""
        encoding, _ = self._trained()
        needed = {*encoding.moments, *encoding.group_covariates, *([PRICE] if encoding.price else [])}
        return (
            encoding.frequency == about.frequency.alias
            and needed <= set(about.known)
            and set(encoding.categories) <= set(about.static)
            and set(encoding.past_moments) <= set(about.past)
        )

    def _trained(self) -> tuple[Encoding, Ensemble]:
        if self._encoding is None or self._ensemble is None:
            raise NotTrained("This forecaster has not been trained yet. Train it first, or load a model that was.")
        return self._encoding, self._ensemble

    def save(self, directory: Path) -> None:
        """Weights as ``VERSION.safetensors``, everything else as ``card.json``, which is replaced in one move."""
        encoding, ensemble = self._trained()
        assert self.card is not None  # set together with the weights
        directory.mkdir(parents=True, exist_ok=True)
        weights = directory / f"{self.card.version}.safetensors"
        save_file(
            {f"{m}.{name}": value for m, member in enumerate(ensemble.members) for name, value in member.items()}, weights
        )
        weights.chmod(0o644)
        stored = {"card": asdict(self.card), "encoding": json.loads(encoding.to_json())}
        fresh = directory / "card.json.new"
        fresh.write_text(json.dumps(stored, indent=1))
        fresh.replace(directory / "card.json")
        for older in set(directory.glob("*.safetensors")) - {weights}:
            older.unlink()

    @classmethod
    def load(cls, directory: Path) -> MQCNNForecaster:
        """Reads what ``save`` wrote; raises NotTrained where there is nothing, ModelError where it cannot be read."""
        if not (directory / "card.json").is_file():
            raise NotTrained(f"There is no trained model in {directory}. Train one: python -m forecasting train.")
        try:
            stored = json.loads((directory / "card.json").read_text())
            card = ModelCard(**stored["card"])
            answer = cls(TrainingSettings(**_tuples(stored["card"]["config"]["training"])))
            answer._encoding = Encoding.from_json(json.dumps(stored["encoding"]))
            config = MQCNNConfig(**_tuples(stored["card"]["config"]["network"]))
            answer._ensemble = Ensemble(config, _members(load_file(directory / f"{card.version}.safetensors")))
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"The model in {directory} cannot be read ({error}). Train it again.") from error
        answer.card = card
        return answer


def _members(weights: State) -> tuple[State, ...]:
    """The weights of each member, from names that begin with its number."""
    count = 1 + max(int(name.split(".", 1)[0]) for name in weights)
    return tuple(
        {name.split(".", 1)[1]: value for name, value in weights.items() if name.startswith(f"{m}.")} for m in range(count)
    )


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    """What JSON made lists of, as the tuples they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}


def _units(logs: Tensor, scale: Tensor) -> np.ndarray:
    """Members' quantiles [M, N, H, Q], in logs of the scale [N], averaged as quantiles: [N, H, Q] units."""
    return (logs.exp().mean(dim=0) * scale[:, None, None]).numpy().astype(np.float64)


def _spans(logs: Tensor, scale: Tensor) -> np.ndarray:
    """The same for spans, whose logs are of mean demand per period."""
    return _units(logs, scale) * np.arange(1, logs.shape[2] + 1)[None, :, None]


def _chunks(items: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + _CHUNK, items)) for start in range(0, items, _CHUNK)]
