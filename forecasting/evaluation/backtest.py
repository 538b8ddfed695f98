"""Forecasts of the past against what came: the one place where a forecast meets its actuals.

A generation is fitted once, at the oldest creation date, and then forecasts from every later one with only its context
updated, as the bench format asks. Axis letters: O origins, N items, H horizons, Q taus.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import TooLittleHistory
from data.schema import Panel
from forecasting.core import metrics
from forecasting.core.demand_classes import DENSE, zero_shares
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import actuals_after, with_plan
from forecasting.core.time_splits import origins as origins_of
from forecasting.core.types import Progress, QuantileForecast, Report

#: The taus of the bench format's columns, and those that its wQL and calibration are taken over.
BENCH_TAUS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
WQL_TAUS = BENCH_TAUS[:9]

_MEDIAN, _P90, _P95 = (BENCH_TAUS.index(tau) for tau in (0.5, 0.9, 0.95))


@dataclass(frozen=True, eq=False)
class Backtest:
    """What one generation forecast from O creation dates, oldest first, and what came.

    Attributes
    ----------
    forecasts : [O], each of the same N items and H horizons.
    actuals : [O, N, H] units; NaN where demand is not known or the item was out of stock.
    scale : [N] units, mean absolute seasonal difference until the first creation date; NaN or 0 where there is none.
    zero_share : [N] of the known periods until the first creation date, how many had no demand; NaN where none is known.
    step : [O − 1] periods between creation dates.
    fit_seconds, forecast_seconds : wall clock of the fit and of all forecasts together.
    plan : what was known of the future's covariates, see ``time_splits.with_plan``.
    """

    forecasts: tuple[QuantileForecast, ...]
    actuals: np.ndarray
    scale: np.ndarray
    zero_share: np.ndarray
    step: tuple[int, ...]
    fit_seconds: float
    forecast_seconds: float
    plan: str = "catalog"

    def __post_init__(self) -> None:
        self.actuals.flags.writeable = False

    @property
    def model(self) -> str:
        """The generation's name."""
        return self.forecasts[0].model

    @cached_property
    def quantiles(self) -> np.ndarray:
        """Units [O, N, H, 11] at ``BENCH_TAUS``."""
        return np.stack([_at_all(forecast, cumulative=False) for forecast in self.forecasts])

    @cached_property
    def span_quantiles(self) -> np.ndarray:
        """Units [O, N, 11] of the whole horizon's sum at ``BENCH_TAUS``."""
        return np.stack([_at_all(forecast, cumulative=True)[:, -1] for forecast in self.forecasts])

    @cached_property
    def means(self) -> np.ndarray:
        """Expected units [O, N, H]."""
        return np.stack([forecast.mean() for forecast in self.forecasts])

    @property
    def span_actuals(self) -> np.ndarray:
        """Units [O, N] summed over the whole horizon; NaN where one of its periods is not known."""
        return self.actuals.sum(axis=-1, dtype=np.float64)


@dataclass(frozen=True)
class ScoreRow:
    """One generation's scores over a backtest; every accuracy is better when lower.

    ``wql`` … ``p95`` are weighted quantile losses; ``span`` is that of the horizon's sum; ``scaled`` divides each
    item's loss by its seasonal differences, so that small items count, and ``mase`` does so with the median's misses;
    ``calibration_dense`` is over the items where fewer than 1 in 10 periods are zero; ``volatility`` is NaN where creation
    dates lie a horizon apart.
    """

    model: str
    wql: float
    p50: float
    p90: float
    p95: float
    span: float
    scaled: metrics.Score
    mase: metrics.Score
    calibration: metrics.Calibration
    calibration_dense: metrics.Calibration
    bias: float
    volatility: float
    crossings: int
    fit_seconds: float
    forecast_seconds: float
    count: int


def backtest(
    generation: Generation,
    panel: Panel,
    *,
    horizon: int,
    origins: int,
    stride: int,
    report: Report | None = None,
    fit: bool = True,
    plan: str = "catalog",
) -> Backtest:
    """Fits ``generation`` at the first of ``origins`` creation dates, ``stride`` periods apart, and forecasts from all.

    Without ``fit`` it is taken as fitted there already; ``plan`` is one of ``time_splits.PLANS``. Raises TooLittleHistory where
    the panel has no creation date with a whole horizon after it.
    """
    report = report or (lambda progress: None)
    panel = with_plan(panel, plan)
    places = origins_of(len(panel.periods), horizon, origins, stride)
    if not places:
        raise TooLittleHistory(
            f"A backtest over {horizon} periods needs at least {horizon + 2} periods of history and the panel has "
            f"{len(panel.periods)}. Ask for a shorter horizon or load more history."
        )
    begun = time.perf_counter()
    if fit:
        generation.fit(panel, panel.periods[places[0]], horizon, report)
    fitted = time.perf_counter()
    forecasts: list[QuantileForecast] = []
    for done, t in enumerate(places):
        report(Progress(done, len(places), f"Forecasting from {panel.periods[t]:%Y-%m-%d}"))
        forecasts.extend(generation.forecast(panel, [panel.periods[t]]))
    finished = time.perf_counter()
    report(Progress(len(places), len(places), "Backtest done"))
    return Backtest(
        forecasts=tuple(forecasts),
        actuals=np.stack([actuals_after(panel, t, horizon) for t in places]),
        scale=metrics.seasonal_scale(panel.demand[:, : places[0] + 1], panel.frequency.season),
        zero_share=zero_shares(panel, places[0]),
        step=tuple(int(step) for step in np.diff(places)),
        fit_seconds=fitted - begun,
        forecast_seconds=finished - fitted,
        plan=plan,
    )


def score(tested: Backtest) -> ScoreRow:
    """The scores of a backtest; accuracy over the periods whose demand is known and that were in stock."""
    taus, inner = np.array(BENCH_TAUS), slice(0, len(WQL_TAUS))
    y, q = tested.actuals, tested.quantiles
    by_tau = metrics.wql_by_tau(y, q, taus)
    items_first = np.moveaxis(y, 0, 1), np.moveaxis(q, 0, 1)  # (N, O, H), (N, O, H, Q)
    dense = tested.zero_share < DENSE
    return ScoreRow(
        model=tested.model,
        wql=float(by_tau[inner].mean()),
        p50=float(by_tau[_MEDIAN]),
        p90=float(by_tau[_P90]),
        p95=float(by_tau[_P95]),
        span=metrics.wql(tested.span_actuals, tested.span_quantiles[..., inner], taus[inner]).value,
        scaled=metrics.scaled_quantile_loss(items_first[0], items_first[1][..., inner], taus[inner], tested.scale),
        mase=metrics.mase(items_first[0], items_first[1][..., _MEDIAN], tested.scale),
        calibration=metrics.calibration(y, q[..., inner], taus[inner]),
        calibration_dense=metrics.calibration(y[:, dense], q[:, dense][..., inner], taus[inner]),
        bias=metrics.bias(y, tested.means).value,
        volatility=_volatility(tested).value,
        crossings=int((np.diff(q, axis=-1) < 0).any(axis=-1).sum()),
        fit_seconds=tested.fit_seconds,
        forecast_seconds=tested.forecast_seconds,
        count=int(np.isfinite(y).sum()),
    )


def ladder(backtests: Sequence[Backtest]) -> tuple[ScoreRow, ...]:
    """The scores of several backtests of the same panel, the best wQL first."""
    return tuple(sorted((score(tested) for tested in backtests), key=lambda rung: rung.wql))


def ladder_text(rungs: Sequence[ScoreRow]) -> str:
    """The ladder as a table for the terminal, one generation a line."""
    heads = (
        "wQL",
        "P50",
        "P90",
        "P95",
        "span",
        "scaled",
        "MASE",
        "cal",
        "cal dense",
        "bias",
        "volatility",
        "fit s",
        "forecast s",
    )
    width = max(20, *(len(rung.model) + 2 for rung in rungs)) if rungs else 20
    lines = ["".join((f"{'model':<{width}}", *(f"{head:>12}" for head in heads)))]
    for rung in rungs:
        losses = (rung.wql, rung.p50, rung.p90, rung.p95, rung.span, rung.scaled.value, rung.mase.value)
        others = (rung.calibration.error, rung.calibration_dense.error, rung.bias, rung.volatility)
        shown = [f"{figure:>12.4f}" for figure in (*losses, *others)]
        lines.append("".join((f"{rung.model:<{width}}", *shown, f"{rung.fit_seconds:>12.1f}{rung.forecast_seconds:>12.2f}")))
    return "\n".join(lines)


def to_bench_frame(tested: Backtest) -> pd.DataFrame:
    """One row per origin, item and target: item_id, origin, date, then a column for each of ``BENCH_TAUS``."""
    frames = []
    for forecast, q in zip(tested.forecasts, tested.quantiles, strict=True):
        items, horizon = len(forecast), len(forecast.periods)
        columns = {str(tau): q[..., k].ravel() for k, tau in enumerate(BENCH_TAUS)}
        keys = {
            "item_id": np.repeat(forecast.item_ids, horizon),
            "origin": forecast.creation_date,
            "date": np.tile(forecast.periods, items),
        }
        frames.append(pd.DataFrame(keys | columns))
    return pd.concat(frames, ignore_index=True)


def write_bench(tested: Backtest, path: Path, directory: Path) -> None:
    """Writes the forecasts of a bench ``directory`` as parquet, its keys in the types of the directory's own.

    The scorer joins on item_id and date, and an id that is a number there must not be a text here.
    """
    theirs = pq.read_schema(directory / "sales.parquet")
    table = pa.Table.from_pandas(to_bench_frame(tested), preserve_index=False).replace_schema_metadata(None)
    types = {"item_id": theirs.field("item_id").type, "date": theirs.field("date").type}
    types["origin"] = types["date"]
    for name, kind in types.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).cast(kind))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _at_all(forecast: QuantileForecast, *, cumulative: bool) -> np.ndarray:
    """[N, H, 11] at ``BENCH_TAUS``, of single periods or of sums up to them."""
    at = forecast.span_at if cumulative else forecast.at
    return np.stack([at(tau) for tau in BENCH_TAUS], axis=-1)


def cell_losses(tested: Backtest) -> np.ndarray:
    """[O, N, H] 2 · pinball in units, averaged over tau; 0 where the actual is not known."""
    taus = np.array(WQL_TAUS)
    return np.nan_to_num(2 * metrics.pinball(tested.actuals, tested.quantiles[..., : len(taus)], taus).mean(axis=-1))


def _volatility(tested: Backtest) -> metrics.Score:
    """Excess volatility over the targets that two neighbouring creation dates share."""
    horizon = tested.actuals.shape[-1]
    pairs = [(o, step) for o, step in enumerate(tested.step) if step < horizon]
    if not pairs:
        return metrics.Score(float("nan"), 0)
    q, inner = tested.quantiles, slice(0, len(WQL_TAUS))
    newer = np.concatenate([q[o + 1, :, : horizon - step, inner] for o, step in pairs], axis=1)
    older = np.concatenate([q[o, :, step:, inner] for o, step in pairs], axis=1)
    y = np.concatenate([tested.actuals[o, :, step:] for o, step in pairs], axis=1)
    return metrics.excess_volatility(y, older, newer, np.array(WQL_TAUS))
