"""The unified forecaster as a generation: trained, asked, moved to other prices, stored as safetensors and a card."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from data.catalog import About
from data.errors import ModelError, NotTrained
from data.plans import flattened_prices
from data.schema import PRICE, Panel, Plan
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.bounds import bounded, most_units, plausible_plan, promoted_range
from forecasting.core.forecaster import Generation
from forecasting.core.life_cycle import living
from forecasting.core.quantile_function import TAUS, mean
from forecasting.core.types import ModelCard, QuantileForecast, Report
from forecasting.features.channel_layout import ChannelLayout
from forecasting.features.encoding import Encoding
from forecasting.models.mqtransformer.ensemble import Ensemble, EnsembleGroup, EnsembleOutput
from forecasting.models.mqtransformer.error_feedback import Feedback
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.network import MQTransformerConfig, State
from forecasting.models.mqtransformer.settings import TrainingSettings

#: Items decoded at a time: bounds the memory of one call.
_CHUNK = 512


class MQTransformerForecaster(Generation):
    """MQTransformer behind the protocol of every generation."""

    name: ClassVar[str] = "mqtransformer"
    title: ClassVar[str] = "2020 MQTransformer"
    note: ClassVar[str] = "Looks back at periods like the target and at its own earlier forecasts (arXiv 2009.14799)"

    def __init__(
        self,
        settings: TrainingSettings | None = None,
        checkpoint: Path | None = None,
        stop: Callable[[], bool] = lambda: False,
        workers: int = 1,
    ) -> None:
        self.settings = settings or TrainingSettings()
        self._checkpoint, self._stop, self._workers = checkpoint, stop, workers
        self._networks: FeedbackEnsemble | None = None
        self.card: ModelCard | None = None

    @property
    def horizon(self) -> int:
        return self._trained().now.horizon

    @property
    def learned_until(self) -> pd.Timestamp:
        """The last period that it learned from."""
        return self._trained().until

    @property
    def networks(self) -> FeedbackEnsemble:
        """What answers, for those who explain it; raises NotTrained."""
        return self._trained()

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        from forecasting.training import hyperparameter_search  # who only answers never needs it
        from forecasting.training.training_loop import sample
        from forecasting.training.worker_pool import WorkerPool

        started = time.monotonic()
        key = hyperparameter_search.fit_key(history, horizon, self.settings)
        pool = WorkerPool(self._checkpoint, key, report, self._stop, self._workers)
        trained = hyperparameter_search.fit(history, horizon, self.settings, pool)
        self._networks = FeedbackEnsemble.of(
            Ensemble(trained.views),
            Ensemble(trained.early) if trained.early else None,
            sample(history, self.settings.most_items, self.settings.seed),
            trained.held_back,
            feedback="feedback" in self.settings.parts,
        )
        self.card = ModelCard(
            model=self.name,
            version=f"{self.name}-{_digest(trained.views)}",
            seed=self.settings.seed,
            catalog_hash=history.catalog_hash,
            catalog_name="",
            trained_until=f"{history.last:%Y-%m-%d}",
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            train_seconds=round(time.monotonic() - started, 1),
            config={"training": asdict(self.settings)},
            versions={"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            metrics=trained.metrics,
        )
        pool.clear()

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        parts = [self._predict(history.take(rows), plan.take(rows), shown=False)[0] for rows in _chunks(len(history))]
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

    def predict(self, history: Panel, plan: Plan, *, shown: bool = True) -> tuple[QuantileForecast, EnsembleOutput]:
        """Forecast from the end of ``history`` for the first ``horizon`` periods of ``plan``, and the networks' own output.

        They tell where attention looked unless that need not be ``shown``. Plan and forecast are kept within the bounds of
        ``core.bounds``, as ``forecast`` keeps them.
        """
        forecast, output = self._predict(history, plausible_plan(history, plan), shown=shown)
        return living(bounded(forecast, most_units(history)), history), output

    @staticmethod
    def at_prices(history: Panel, forecast: QuantileForecast, output: EnsembleOutput, prices: np.ndarray) -> QuantileForecast:
        """What ``predict`` answered, if the prices were ``prices`` [N, H], all positive; the same at the planned ones.

        Far outside all prices on record the answer stays as at the edge, see ``data.plans.flattened_prices``.
        It takes no second pass through the networks; raises ModelError for a price that is not above zero.
        """
        if (np.asarray(prices) <= 0).any():
            raise ModelError("A price must be above zero to be put into a scenario.")
        answered = flattened_prices(np.asarray(prices), history.known[PRICE])
        moved = output.at_prices(torch.as_tensor(answered, dtype=torch.float32)[:, None])
        priced = replace(forecast, values=moved.values[:, 0], cumulative=moved.cumulative[:, 0])
        return living(bounded(priced, most_units(history)), history)

    def _predict(self, history: Panel, plan: Plan, *, shown: bool) -> tuple[QuantileForecast, EnsembleOutput]:
        """What the networks say of a plan that can be meant, without bounds."""
        networks = self._trained()
        if len(plan) != self.horizon:
            raise ModelError(f"The plan covers {len(plan)} periods and this model forecasts {self.horizon}.")
        output = networks.predict(history, plan, shown=shown)
        promoted = promoted_range(history, plan)
        if promoted is not None:
            expected = np.maximum(mean(np.array(TAUS), output.values[:, 0]), 1e-12)  # (N, H)
            shift = np.log(np.clip(expected, *promoted) / expected)
            output = output.shifted(torch.as_tensor(shift, dtype=torch.float32)[:, None])
        version = self.card.version if self.card else self.name
        elasticity = output.elasticity[:, 0] if networks.now.views[0].encoding.price else None
        said = self._as_forecast(history, plan, output.values[:, 0], output.cumulative[:, 0], version, elasticity=elasticity)
        return said, output

    def validation_model(self) -> MQTransformerForecaster | None:
        networks = self._trained().validation_model()
        return None if networks is None else self._of(networks, None)

    def without_feedback(self) -> MQTransformerForecaster:
        """The same networks, which do not look at their own errors."""
        return self.with_feedback(Feedback())

    def with_feedback(self, feedback: Feedback) -> MQTransformerForecaster:
        """The same networks, which take so much of their own errors back."""
        return self._of(replace(self._trained(), feedback=feedback), self.card)

    def twin(self) -> MQTransformerForecaster:
        """The same forecaster for another thread: two threads must not forecast with one."""
        return self._of(self._trained().twin(), self.card)

    def _of(self, networks: FeedbackEnsemble, card: ModelCard | None) -> MQTransformerForecaster:
        """A forecaster of the same settings with these networks."""
        answer = MQTransformerForecaster(self.settings)
        answer._networks, answer.card = networks, card
        return answer

    def missing_from(self, about: About) -> str:
        """What this model reads and a catalog does not have, in words; "" where it can read the catalog."""
        networks = self._trained()
        ensembles = [networks.now, *([networks.early] if networks.early else [])]
        missing = (view.encoding.missing_from(about) for ensemble in ensembles for view in ensemble.views)
        return next((words for words in missing if words), "")

    def _trained(self) -> FeedbackEnsemble:
        if self._networks is None:
            raise NotTrained("This forecaster has not been trained yet. Train it first, or load a model that was.")
        return self._networks

    def save(self, directory: Path) -> None:
        """Weights as ``VERSION.safetensors``, everything else as ``card.json``, which is replaced in one move."""
        networks = self._trained()
        assert self.card is not None  # set together with the weights
        directory.mkdir(parents=True, exist_ok=True)
        weights = directory / f"{self.card.version}.safetensors"
        ensembles = {"now": networks.now, **({"early": networks.early} if networks.early else {})}
        named = {
            f"{which}.{v}.{m}.{name}": value
            for which, ensemble in ensembles.items()
            for v, view in enumerate(ensemble.views)
            for m, member in enumerate(view.members)
            for name, value in member.items()
        }
        written(weights, lambda fresh: save_file(named, fresh))
        weights.chmod(0o644)
        stored: dict[str, Any] = {
            "card": asdict(self.card),
            "until": str(networks.until),
            "early_until": str(networks.early_until),
            "feedback": asdict(networks.feedback),
        }
        for which, ensemble in ensembles.items():
            stored[which] = [
                {"encoding": json.loads(view.encoding.to_json()), "network": asdict(view.config)} for view in ensemble.views
            ]
        written(directory / "card.json", lambda fresh: fresh.write_text(json.dumps(stored, indent=1)))
        for older in set(directory.glob("*.safetensors")) - {weights}:
            older.unlink()

    @classmethod
    def load(cls, directory: Path) -> MQTransformerForecaster:
        """Reads what ``save`` wrote; raises NotTrained where there is nothing, ModelError where it cannot be read."""
        if not (directory / "card.json").is_file():
            raise NotTrained(f"There is no trained model in {directory}. Train one: python -m forecasting train.")
        try:
            stored = json.loads((directory / "card.json").read_text())
            card = ModelCard(**stored["card"])
            answer = cls(TrainingSettings(**_tuples(stored["card"]["config"]["training"])))
            weights = load_file(directory / f"{card.version}.safetensors")
            answer._networks = FeedbackEnsemble(
                now=_ensemble(stored["now"], weights, "now."),
                until=pd.Timestamp(stored["until"]),
                early=_ensemble(stored["early"], weights, "early.") if "early" in stored else None,
                early_until=pd.Timestamp(stored["early_until"]),
                feedback=Feedback(**stored["feedback"]),
            )
        except UNREADABLE as error:
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise ModelError(f"The model in {directory} cannot be read ({why}). Train it again.") from error
        if card.version != f"{card.model}-{_digest(answer._networks.now.views)}":
            raise ModelError(f"The model in {directory} is damaged: its weights are not those of its card. Train it again.")
        if any(len(ChannelLayout.of(view.encoding).origin) != view.config.origin for view in answer._networks.now.views):
            raise ModelError(f"The model in {directory} was trained by an older version of Tideline. Train it again.")
        answer.card = card
        return answer


def _digest(views: Iterable[EnsembleGroup]) -> str:
    """Names the weights: networks that differ are never of the same version."""
    digest = hashlib.sha256()
    for view in views:
        digest.update(view.encoding.to_json().encode())
        for member in view.members:
            for name, value in sorted(member.items()):
                digest.update(name.encode())
                digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:8]


def _ensemble(views: list[dict[str, Any]], weights: State, prefix: str) -> Ensemble:
    """The stored ``views`` with their weights, whose names begin with ``prefix`` and the number of the view."""
    return Ensemble(
        [
            EnsembleGroup(
                Encoding.from_json(json.dumps(view["encoding"])),
                MQTransformerConfig(**_tuples(view["network"])),
                _members(weights, f"{prefix}{v}."),
            )
            for v, view in enumerate(views)
        ]
    )


def _members(weights: State, prefix: str) -> tuple[State, ...]:
    """The weights of each member of a view, from names that begin with the view's number and then the member's."""
    mine = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    count = 1 + max(int(name.split(".", 1)[0]) for name in mine)
    return tuple(
        {name.split(".", 1)[1]: value for name, value in mine.items() if name.startswith(f"{m}.")} for m in range(count)
    )


def _tuples(stored: dict[str, Any]) -> dict[str, Any]:
    """What JSON made lists of, as the tuples they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}


def _chunks(items: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + _CHUNK, items)) for start in range(0, items, _CHUNK)]
