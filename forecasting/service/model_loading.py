"""The model that serves a catalog: which of the stored ones it is, and that one thread at a time asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import NotTrained, TidelineError
from data.facts import About
from data.schema import Panel, Plan
from forecasting.core.types import QuantileForecast
from forecasting.models.mqtransformer.ensemble import EnsembleOutput
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.service.view_models import ModelStatus


class ServedModel:
    """The first model of the ``directories`` that was trained on a catalog and can read it, or none.

    Networks are not made for two threads: whoever asks them does so within ``locked``, or asks a ``twin`` of their own.
    ``status`` says which model it is, or why there is none.
    """

    def __init__(self, about: About, directories: tuple[Path, ...]) -> None:
        self._forecaster, self.status = _first_that_fits(about, directories)
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """Names the model; "untrained" where none serves."""
        return self.status.card.version if self.status.card else "untrained"

    @property
    def horizon(self) -> int | None:
        """How many periods ahead it answers, None where none serves."""
        return self._forecaster.horizon if self._forecaster else None

    @contextmanager
    def locked(self) -> Iterator[MQTransformerForecaster]:
        """The model, while no other thread asks it; raises NotTrained."""
        forecaster = self._trained()
        with self._lock:
            yield forecaster

    def twin(self) -> MQTransformerForecaster:
        """The same model for one thread alone, for what takes long; raises NotTrained."""
        return self._trained().twin()

    def predict(self, panel: Panel, plan: Plan) -> tuple[QuantileForecast, EnsembleOutput]:
        """What it forecasts from the end of ``panel``, and what its networks said for it; raises NotTrained."""
        with self.locked() as forecaster:
            return forecaster.predict(panel, plan)

    def _trained(self) -> MQTransformerForecaster:
        if self._forecaster is None:
            raise NotTrained(self.status.message)
        return self._forecaster


def _first_that_fits(about: About, models: tuple[Path, ...]) -> tuple[MQTransformerForecaster | None, ModelStatus]:
    """The first model that was trained on this catalog and can read it, and what there is to say about it."""
    why = ""
    for directory in models:
        try:
            forecaster = MQTransformerForecaster.load(directory)
        except NotTrained:
            continue
        except TidelineError as error:
            why = why or str(error)
            continue
        card = forecaster.card
        if card is None or card.catalog_name != about.name:
            continue
        if missing := forecaster.missing_from(about):
            why = why or (
                f"The model of {about.name}, trained up to {card.trained_until}, does not fit the data that is loaded now: it "
                f"reads {missing}. Train again on the Data page."
            )
            continue
        message = ""
        if card.catalog_hash != about.history_hash:
            message = (
                f"The model is older than the data: it learned from {about.name} up to {card.trained_until}, and the data has "
                "changed since. It still answers; train it again on the Data page to learn from what is new."
            )
        return forecaster, ModelStatus(card, True, message)
    return None, ModelStatus(
        None,
        False,
        why or f"No model has been trained on {about.name} yet. Train one on the Data page; it takes a few minutes.",
    )
