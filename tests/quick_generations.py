"""Every generation in two sizes for tests: ``QUICK``, trained for a second or two, and ``moment``, for an instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from forecasting.core.forecaster import Generation
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive
from forecasting.models.lightgbm_forecaster import LightGBMQuantiles
from forecasting.models.patchwork.forecaster import Patchwork
from forecasting.models.registry import generation


def quick_mqtransformer() -> Generation:
    """One small network, trained for a moment."""
    from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

    usual = MQTransformerForecaster().settings
    return MQTransformerForecaster(replace(usual, members=1, scale_lives=(0.5,), most_steps=50, width=8, decoder_width=8))


def quick_small(name: str) -> Generation:
    """A small network that becomes smaller, trained for a moment."""
    from forecasting.models.neural.base_forecaster import SmallForecaster

    found = generation(name)
    assert issubclass(found, SmallForecaster)
    return found(settings=replace(found.usual, most_steps=40, look_every=10, width=8))


def quick_forest() -> Generation:
    """A forest of few trees on few rows."""
    from forecasting.models.forest_arrays import Growth
    from forecasting.models.quantile_forest import Forest

    return Forest(most_rows=800, growth=Growth(trees=20))


def quick_blend() -> Generation:
    """A blend of components that are small and quick."""
    from forecasting.models.model_averaging import Blend

    return Blend(make=lambda name, seed: QUICK[name]())


#: How to make each generation of the registry small and quick.
QUICK: dict[str, Callable[[], Generation]] = {
    "seasonal_naive": SeasonalNaive,
    "empirical_last26": EmpiricalQuantiles,
    "lightgbm": lambda: LightGBMQuantiles(rows=1500, rounds=15),
    "patchwork": Patchwork,
    "forest": quick_forest,
    "recurrent_point": lambda: quick_small("recurrent_point"),
    "recurrent_distribution": lambda: quick_small("recurrent_distribution"),
    "feedforward": lambda: quick_small("feedforward"),
    "mqrnn": lambda: quick_small("mqrnn"),
    "mqcnn": lambda: quick_small("mqcnn"),
    "mqtransformer": quick_mqtransformer,
    "blend": quick_blend,
}


def moment(name: str, seed: int = 1) -> Generation:
    """A generation that is fitted in an instant."""
    from forecasting.models.forest_arrays import Growth
    from forecasting.models.model_averaging import Blend
    from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
    from forecasting.models.mqtransformer.settings import TrainingSettings
    from forecasting.models.neural.base_forecaster import SmallForecaster
    from forecasting.models.quantile_forest import Forest

    if name == "mqtransformer":
        return MQTransformerForecaster(TrainingSettings(members=1, scale_lives=(0.5,), most_steps=10, look_every=5, width=8))
    if name == "lightgbm":
        return LightGBMQuantiles(rows=500, rounds=5)
    if name == "forest":
        return Forest(most_rows=300, growth=Growth(trees=8))
    if name == "blend":
        return Blend(make=moment)
    cls = generation(name)
    return cls(settings=replace(cls.usual, most_steps=10, look_every=5, width=8)) if issubclass(cls, SmallForecaster) else cls()
