"""What each part of MQTransformer is worth: the network whole, without each of its parts, and without all of them.

Every variant is fitted with the same seed at the same creation date and forecasts from the same overlapping creation dates,
so that the revisions of one target can be judged, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from data.schema import Panel
from forecasting.evaluation import backtest
from forecasting.evaluation.accuracy_report import slice_score
from forecasting.evaluation.slices import slices
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import PARTS, TrainingSettings

#: Creation dates of an ablation; neighbours lie a third of the horizon apart.
_ORIGINS = 3

#: Networks of a variant.
_MEMBERS = 2


@dataclass(frozen=True)
class Ablated:
    """The scores of one variant; every figure is better when lower, and NaN where there is nothing to judge.

    ``wql`` and ``post_peak`` are weighted quantile losses, of everything and of the periods after peaks;
    ``calibration`` is the mean miss of coverage where zeros are rare; ``volatility`` is the excess volatility of revisions.
    """

    variant: str
    wql: float
    calibration: float
    post_peak: float
    volatility: float


def variants() -> dict[str, frozenset[str]]:
    """The parts that are switched on in each variant, the whole network first."""
    without = {f"without {part}": PARTS - {part} for part in sorted(PARTS)}
    return {"whole": PARTS, **without, "without all": frozenset()}


def ablate(panel: Panel, horizon: int, settings: TrainingSettings, *, workers: int = 1) -> Iterator[Ablated]:
    """Fits and scores the variants one after the other; raises TooLittleHistory where the panel has no room for a backtest.

    Each is a small ensemble of one half-life, so that the variants differ by the part alone. Feedback is learned after the
    networks: the one without it has the networks of the whole.
    """
    settings = replace(settings, members=min(_MEMBERS, settings.members), scale_lives=(0.5,))
    whole: MQTransformerForecaster | None = None
    for variant, parts in variants().items():
        known = whole is not None and parts == PARTS - {"feedback"}
        if whole is not None and known:
            model = whole.without_feedback()
        else:
            model = MQTransformerForecaster(replace(settings, parts=tuple(sorted(parts))), workers=workers)
        stride = max(1, horizon // 3)
        tested = backtest.backtest(model, panel, horizon=horizon, origins=_ORIGINS, stride=stride, fit=not known)
        whole = whole or model
        rung = backtest.score(tested)
        dates = [forecast.creation_date for forecast in tested.forecasts]
        after = next(part for part in slices(panel, dates, horizon) if part.name == "post_peak")
        yield Ablated(variant, rung.wql, rung.calibration_dense.error, slice_score(tested, after).wql, rung.volatility)


def text(ablated: Ablated) -> str:
    """One line of the table, under ``HEAD``."""
    figures = (ablated.wql, ablated.calibration, ablated.post_peak, ablated.volatility)
    return f"{ablated.variant:<22}" + "".join(f"{figure:>14.4f}" for figure in figures)


HEAD = f"{'network':<22}" + "".join(f"{name:>14}" for name in ("wQL", "calibration", "post-peak wQL", "volatility"))
