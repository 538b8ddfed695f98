"""The ladder of generations by the names of the command line, oldest first; classes are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

from data.errors import ConfigurationError
from forecasting.generations.base import Generation

GENERATIONS: dict[str, str] = {
    "seasonal_naive": "forecasting.generations.references:SeasonalNaive",
    "empirical_last26": "forecasting.generations.references:EmpiricalQuantiles",
    "lightgbm": "forecasting.generations.lightgbm_quantiles:LightGBMQuantiles",
    "patchwork": "forecasting.generations.g2008_patchwork:Patchwork",
    "forest": "forecasting.generations.g2011_forest:Forest",
    "recurrent_point": "forecasting.generations.g2015_recurrent:RecurrentPoint",
    "recurrent_distribution": "forecasting.generations.g2015_recurrent:RecurrentDistribution",
    "feedforward": "forecasting.generations.g2015_feedforward:FeedForwardForecaster",
    "mqrnn": "forecasting.generations.g2017_mqcnn:MQRNNForecaster",
    "mqcnn": "forecasting.generations.g2017_mqcnn:MQCNNForecaster",
    "mqtransformer": "forecasting.generations.network:MQTransformerForecaster",
    "blend": "forecasting.generations.blend:Blend",
}


def generation(name: str) -> type[Generation]:
    """The class of a generation; raises ConfigurationError for a name that is none."""
    if name not in GENERATIONS:
        raise ConfigurationError(f"There is no forecaster {name!r}. Choose one of: {', '.join(GENERATIONS)}.")
    module, _, cls = GENERATIONS[name].partition(":")
    found: type[Generation] = getattr(import_module(module), cls)
    return found
