"""Forecasts of simulated items beside the law that their demand is drawn from: the one place where the two meet.

Nothing that forecasts reads this file or ``data.truth_store``; what is known here comes after the forecast was made.
Axis letters: N items, H horizons, Q taus, E holidays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.truth_store import TruthStore
from forecasting.core import metrics
from forecasting.core.types import QuantileForecast

#: Items that the record is taken over, and the taus that it is taken at.
SAMPLED = 300
RECORDED = (0.1, 0.5, 0.9)

#: Fewer units per period than this, and the whole numbers that demand comes in decide what can be promised.
DENSE = 5.0

_FELT = 0.02  # a holiday that moves sales by less is not felt


@dataclass(frozen=True, eq=False)
class ItemTruth:
    """What the simulator knows of one item in the periods of a forecast.

    Attributes
    ----------
    fan : the true quantiles [1, H, Q] of periods and of spans, at the forecast's taus, in the forecast's shape.
    mean : [H] the true expectation at the planned prices and promotions.
    drawn : [H] what the simulator drew: what will sell if the shelf is never empty.
    elasticity, promotion_lift : e in mean ∝ price^(−e), and what a full promotion sells at an unchanged price, times.
    holidays : the holidays that the item feels, with what a period with that day sells, times; the strongest first.
    """

    fan: QuantileForecast
    mean: np.ndarray
    drawn: np.ndarray
    elasticity: float
    promotion_lift: float
    holidays: tuple[tuple[str, float], ...]

    def mean_under(self, before: tuple[np.ndarray, np.ndarray], after: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """The true expectation [H] with the prices and promotions ``after`` in the place of those ``before``, each [H]."""
        price = np.where(np.isfinite(after[0]) & np.isfinite(before[0]), after[0] / before[0], 1.0)
        promoted = np.nan_to_num(after[1] - before[1])
        return np.asarray(self.mean * price**-self.elasticity * self.promotion_lift**promoted)


@dataclass(frozen=True)
class Kept:
    """Of one kind of item: how many, and the true chance that demand stays at or below the forecast's quantiles."""

    items: int
    below: Mapping[float, float]


@dataclass(frozen=True)
class TruthRecord:
    """A sample of a simulated catalog's items: forecast against truth.

    ``everything`` and ``dense`` tell how quantiles keep their promise, over all items and over those expected to sell ``DENSE``
    units a period or more. ``loss`` and ``best_loss`` are the wQL of the forecast and of the true quantiles on what was drawn:
    nobody can do better than the latter. ``elasticity_error`` is the median of the absolute errors, NaN without prices.
    """

    items: int
    horizon: int
    everything: Kept
    dense: Kept | None
    loss: float
    best_loss: float
    elasticity_error: float


def item_truth(forecast: QuantileForecast, truths: TruthStore) -> ItemTruth | None:
    """The truth beside one item's forecast; None where the simulation does not reach as far as the forecast."""
    truth = truths.take([str(forecast.item_ids[0])])
    places = _places(truth.periods, forecast.periods)
    if places is None:
        return None
    horizon = len(forecast.periods)
    spans = np.array([[truth.span_at(float(tau), 0, h + 1)[0] for tau in forecast.taus] for h in range(horizon)])  # (H, Q)
    fan = QuantileForecast(
        item_ids=forecast.item_ids,
        creation_date=forecast.creation_date,
        periods=forecast.periods,
        taus=forecast.taus,
        values=truth.quantiles(forecast.taus.tolist(), places),
        cumulative=spans[None],
        model="the truth",
        version="simulator",
        catalog_hash=forecast.catalog_hash,
        elasticity=truth.elasticity,
    )
    effects = sorted(zip(truth.holiday_names, truth.holiday_effect[0], strict=True), key=lambda one: -abs(np.log(one[1])))
    return ItemTruth(
        fan=fan,
        mean=truth.mean[0, places],
        drawn=truth.demand[0, places],
        elasticity=float(truth.elasticity[0]),
        promotion_lift=float(truth.promotion_lift[0]),
        holidays=tuple((name, float(times)) for name, times in effects if abs(np.log(times)) >= _FELT),
    )


def recorded(
    forecast_of: Callable[[Sequence[str]], QuantileForecast], truths: TruthStore, items: int = SAMPLED, seed: int = 1
) -> TruthRecord | None:
    """How the forecasts of a seeded sample stand to the truth; None where the simulation does not reach as far."""
    ids = truths.sampled(items, seed)
    forecast = forecast_of(ids)
    truth = truths.take(ids)
    places = _places(truth.periods, forecast.periods)
    if places is None:
        return None
    level = {tau: truth.level_of(forecast.at(tau), places) for tau in RECORDED}  # (N, H) each
    true, drawn = truth.quantiles(RECORDED, places), truth.demand[:, places]
    dense = truth.mean[:, places].mean(axis=1) >= DENSE
    missed = np.nan if forecast.elasticity is None else np.median(np.abs(forecast.elasticity - truth.elasticity))
    return TruthRecord(
        items=len(ids),
        horizon=len(forecast.periods),
        everything=_kept(level, np.ones(len(ids), bool)),
        dense=_kept(level, dense) if dense.any() else None,
        loss=_loss(forecast.values_at(RECORDED), drawn),
        best_loss=_loss(true, drawn),
        elasticity_error=float(missed),
    )


def _places(periods: pd.DatetimeIndex, wanted: pd.DatetimeIndex) -> slice | None:
    """The first H of ``periods``, where they are those ``wanted``."""
    same = len(wanted) <= len(periods) and bool((periods[: len(wanted)] == wanted).all())
    return slice(0, len(wanted)) if same else None


def _kept(level: Mapping[float, np.ndarray], rows: np.ndarray) -> Kept:
    return Kept(int(rows.sum()), {tau: float(np.nanmean(values[rows])) for tau, values in level.items()})


def _loss(quantiles: np.ndarray, drawn: np.ndarray) -> float:
    """wQL of quantiles [N, H, Q] at ``RECORDED`` on what was drawn [N, H]."""
    return metrics.wql(drawn, quantiles, np.array(RECORDED)).value
