"""Which of the stored models serves a catalog."""

from __future__ import annotations

from pathlib import Path

from data.errors import NotTrained, TidelineError
from data.facts import About
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.service.view_models import ModelStatus


def serving(about: About, models: tuple[Path, ...]) -> tuple[MQTransformerForecaster | None, ModelStatus]:
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
        if card.catalog_hash != about.catalog_hash:
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
