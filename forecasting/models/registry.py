"""The ladder of generations by the names of the command line, oldest first; classes are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

from data.errors import ConfigurationError
from forecasting.core.forecaster import Generation

GENERATIONS: dict[str, str] = {
    "seasonal_naive": "forecasting.models.baselines:SeasonalNaive",
    "empirical_last26": "forecasting.models.baselines:EmpiricalQuantiles",
    "lightgbm": "forecasting.models.lightgbm_forecaster:LightGBMQuantiles",
    "patchwork": "forecasting.models.patchwork.forecaster:Patchwork",
    "forest": "forecasting.models.quantile_forest:Forest",
    "recurrent_point": "forecasting.models.neural.recurrent:RecurrentPoint",
    "recurrent_distribution": "forecasting.models.neural.recurrent:RecurrentDistribution",
    "feedforward": "forecasting.models.neural.feedforward:FeedForwardForecaster",
    "mqrnn": "forecasting.models.neural.mqcnn:MQRNNForecaster",
    "mqcnn": "forecasting.models.neural.mqcnn:MQCNNForecaster",
    "mqtransformer": "forecasting.models.mqtransformer.forecaster:MQTransformerForecaster",
    "blend": "forecasting.models.model_averaging:Blend",
}


def generation(name: str) -> type[Generation]:
    """The class of a generation; raises ConfigurationError for a name that is none."""
    if name not in GENERATIONS:
        raise ConfigurationError(f"There is no forecaster {name!r}. Choose one of: {', '.join(GENERATIONS)}.")
    module, _, cls = GENERATIONS[name].partition(":")
    found: type[Generation] = getattr(import_module(module), cls)
    return found
