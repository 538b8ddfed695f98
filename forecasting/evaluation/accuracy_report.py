"""Whether the forecasts can be trusted: one generation's backtest judged in slices and segments, and several compared.

Intervals hold nine in ten resamples of creation dates and items together (``metrics.resampled_sums``). Axis letters: S slices,
O origins, N items, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.errors import ConfigurationError
from data.schema import Panel
from forecasting.core import metrics
from forecasting.evaluation.backtest import BENCH_TAUS, WQL_TAUS, Backtest, ScoreRow, cell_losses, score
from forecasting.evaluation.slices import Segment, Slice, bands, segments, slices

#: Coverage may miss a promised tau by this much before the promise counts as broken.
TOLERANCE = 0.02

_MEDIAN, _P90 = (BENCH_TAUS.index(tau) for tau in (0.5, 0.9))


@dataclass(frozen=True)
class SliceScore:
    """How well one slice of a backtest was forecast; ``below_p90`` is the share of actuals that P90 was not too low for.

    ``count`` targets of ``items`` items; where there are none, every number is NaN.
    """

    slice: str
    items: int
    count: int
    wql: float
    p50: float
    p90: float
    scaled: metrics.Score
    mase: metrics.Score
    calibration: metrics.Calibration
    below_p90: float
    bias: float


@dataclass(frozen=True)
class CoverageCell:
    """What was promised and what came, for one segment of the items and the periods ``first`` … ``last`` ahead.

    Attributes
    ----------
    kind, segment : what the items are grouped by, and the group.
    below, up_to : [11] share(y < q) and share(y ≤ q) at ``BENCH_TAUS``; a right forecast has tau between them.
    low, high : [11] interval of ``up_to``.
    error, error_low, error_high : mean |share(y ≤ q) − τ| over tau 0.1 … 0.9, and its interval, which leans upwards for
        resampling adds noise.
    least : the same where a tie of actual and quantile, as zeros have, counts for the forecast.
    """

    kind: str
    segment: str
    first: int
    last: int
    items: int
    count: int
    below: tuple[float, ...]
    up_to: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    error: float
    error_low: float
    error_high: float
    least: float

    @property
    def worst(self) -> float:
        """The largest distance of a tau from the band of ``below`` and ``up_to``."""
        taus, below, up_to = np.array(BENCH_TAUS), np.array(self.below), np.array(self.up_to)
        return float(np.maximum(np.maximum(below - taus, taus - up_to), 0.0).max())

    @property
    def kept(self) -> bool:
        """Whether every tau was met within ``TOLERANCE``."""
        return self.worst <= TOLERANCE


@dataclass(frozen=True)
class Part:
    """One slice as the report names it."""

    name: str
    title: str
    words: str


@dataclass(frozen=True)
class Measured:
    """When something was measured, and of which commit of the code ("unknown" outside a repository)."""

    on: pd.Timestamp
    commit: str


@dataclass(frozen=True, eq=False)
class ModelScores:
    """One generation on the ladder.

    ``losses`` and ``sold`` [S, O, N] are its 2 · pinball, averaged over tau, and the actuals, summed over each item's
    targets of a slice. ``measured``: when, None where nobody wrote it down.
    """

    name: str
    title: str
    note: str
    trained_until: pd.Timestamp
    rung: ScoreRow
    slices: tuple[SliceScore, ...]
    certificate: tuple[CoverageCell, ...]
    losses: np.ndarray
    sold: np.ndarray
    measured: Measured | None = None

    def __post_init__(self) -> None:
        self.losses.flags.writeable = self.sold.flags.writeable = False

    def of(self, name: str) -> SliceScore:
        """The scores of a slice."""
        return next(one for one in self.slices if one.slice == name)


@dataclass(frozen=True)
class Verdict:
    """Two generations on one slice: their wQL, and first − second with its interval."""

    first: float
    second: float
    difference: metrics.Difference

    @property
    def sure(self) -> bool:
        """Whether nine in ten resamples agree who is better."""
        return self.difference.high < 0 or self.difference.low > 0


@dataclass(frozen=True, eq=False)
class AccuracyReport:
    """The ladder of one catalog, as far as it has been climbed: ``tried`` in the order of the ladder, oldest first.

    ``items`` of ``of_items`` were drawn; ``missing`` are the titles of the generations still to be tried, and ``failed``
    names and reasons of those that could not be. A report that is ``shipped`` came with the model, without the generations
    themselves.
    """

    items: int
    of_items: int
    horizon: int
    creation_dates: tuple[pd.Timestamp, ...]
    parts: tuple[Part, ...]
    tried: tuple[ModelScores, ...]
    missing: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    shipped: bool = False

    @property
    def measured(self) -> Measured | None:
        """When the last of the generations was tried, None where that is not known."""
        known = [one.measured for one in self.tried if one.measured is not None]
        return max(known, key=lambda one: one.on) if known else None

    def of(self, name: str) -> ModelScores:
        """The generation of this name; raises ConfigurationError where it was not tried."""
        found = next((one for one in self.tried if one.name == name), None)
        if found is None:
            known = ", ".join(one.name for one in self.tried) or "none yet"
            raise ConfigurationError(f"The ladder has no results of {name!r}. It has those of: {known}. Run it to the end.")
        return found

    def best(self, part: str = "all") -> ModelScores:
        """The generation with the lowest wQL on a slice; of all where the slice is empty."""
        ranked = sorted(self.tried, key=lambda one: (np.isnan(one.of(part).wql), one.of(part).wql, one.rung.wql))
        return ranked[0]

    def rival(self, name: str) -> ModelScores:
        """The best of the others; the generation itself where it is alone."""
        others = tuple(one for one in self.tried if one.name != name)
        return replace(self, tried=others).best() if others else self.of(name)

    def surely_better(self, name: str) -> ModelScores | None:
        """The best of the others, where it is better than the generation ``name`` on everything and not by luck alone."""
        rival = self.rival(name)
        found = self.compare(rival.name, name)
        return rival if found.sure and found.difference.value < 0 else None

    def compare(self, first: str, second: str, part: str = "all") -> Verdict:
        """How much lower the first's wQL is on a slice than the second's; raises ConfigurationError for an unknown name."""
        place = next((row for row, one in enumerate(self.parts) if one.name == part), None)
        if place is None:
            raise ConfigurationError(f"There is no slice {part!r}. Choose one of: {', '.join(p.name for p in self.parts)}.")
        one, other = self.of(first), self.of(second)
        return Verdict(
            one.of(part).wql,
            other.of(part).wql,
            metrics.clustered_bootstrap(one.losses[place], other.losses[place], one.sold[place]),
        )


def evaluate(tested: Backtest, panel: Panel, *, name: str, title: str, note: str, seed: int = 0) -> ModelScores:
    """Everything there is to say about one backtest of ``panel``; ``name``, ``title`` and ``note`` are the generation's."""
    dates = [forecast.creation_date for forecast in tested.forecasts]
    parts = slices(panel, dates, tested.actuals.shape[-1])
    losses, y = cell_losses(tested), np.nan_to_num(tested.actuals.astype(np.float64))
    return ModelScores(
        name=name,
        title=title,
        note=note,
        trained_until=dates[0],
        rung=score(tested),
        slices=tuple(slice_score(tested, part) for part in parts),
        certificate=certificate(tested, segments(panel, dates[0]), seed=seed),
        losses=np.stack([(losses * part.mask).sum(axis=-1) for part in parts]),
        sold=np.stack([(y * part.mask).sum(axis=-1) for part in parts]),
    )


def slice_score(tested: Backtest, part: Slice) -> SliceScore:
    """The scores over the targets of one slice."""
    taus, inner = np.array(BENCH_TAUS), slice(0, len(WQL_TAUS))
    y, q = np.where(part.mask, tested.actuals, np.nan), tested.quantiles
    known = np.isfinite(y)
    by_tau = metrics.wql_by_tau(y, q, taus)
    items_first = np.moveaxis(y, 0, 1), np.moveaxis(q, 0, 1)  # (N, O, H), (N, O, H, Q)
    touched = known.any(axis=(0, 2))
    scale = np.where(touched, tested.scale, np.nan)
    scaled = metrics.scaled_quantile_loss(items_first[0], items_first[1][..., inner], taus[inner], scale)
    mase = metrics.mase(items_first[0], items_first[1][..., _MEDIAN], scale)
    away = int((~touched).sum())  # items without a target here are not undefined, they do not belong
    return SliceScore(
        slice=part.name,
        items=int(touched.sum()),
        count=int(known.sum()),
        wql=float(by_tau[inner].mean()),
        p50=float(by_tau[_MEDIAN]),
        p90=float(by_tau[_P90]),
        scaled=replace(scaled, undefined=scaled.undefined - away),
        mase=replace(mase, undefined=mase.undefined - away),
        calibration=metrics.calibration(y, q[..., inner], taus[inner]),
        below_p90=float(metrics.coverage(y, q)[1][_P90]),
        bias=metrics.bias(y, tested.means).value,
    )


def certificate(tested: Backtest, parts: Sequence[Segment], *, seed: int = 0) -> tuple[CoverageCell, ...]:
    """Coverage of every segment over the whole horizon and over each of its thirds; what has no actual is left out."""
    y, q = tested.actuals, tested.quantiles
    known = np.isfinite(y)
    reached = known[..., None] & (y[..., None] <= q)  # (O, N, H, Q)
    under = known[..., None] & (y[..., None] < q)
    answers = []
    for first, last in bands(y.shape[-1]):
        ahead = slice(first - 1, last)
        cells = np.concatenate(  # (O, N, 2 Q + 1)
            [
                reached[:, :, ahead].sum(axis=2),
                under[:, :, ahead].sum(axis=2),
                known[:, :, ahead].sum(axis=2)[..., None],
            ],
            axis=-1,
        ).astype(np.float64)
        for part in parts:
            found = _certified(cells[:, part.rows], part, first, last, seed)
            answers += [found] if found.count else []
    return tuple(answers)


def _certified(cells: np.ndarray, part: Segment, first: int, last: int, seed: int) -> CoverageCell:
    """From cells [O, n, 2 Q + 1] that count y ≤ q, y < q and known targets."""
    taus, inner, width = np.array(BENCH_TAUS), slice(0, len(WQL_TAUS)), len(BENCH_TAUS)
    sums = cells.sum(axis=(0, 1))
    count = max(sums[-1], 1.0)
    up_to, below = sums[:width] / count, sums[width : 2 * width] / count
    drawn = metrics.resampled_sums(cells, seed=seed, draws=400)
    shares = drawn[:, :width] / np.maximum(drawn[:, -1:], 1.0)  # (draws, Q)
    low, high = np.quantile(shares, [0.05, 0.95], axis=0)
    error = float(np.abs(up_to - taus)[inner].mean())
    error_low, error_high = np.quantile(np.abs(shares - taus)[:, inner].mean(axis=1), [0.05, 0.95])
    least = np.maximum(np.maximum(below - taus, taus - up_to), 0.0)[inner].mean()
    return CoverageCell(
        kind=part.kind,
        segment=part.title,
        first=first,
        last=last,
        items=int(part.rows.sum()),
        count=int(sums[-1]),
        below=tuple(below.tolist()),
        up_to=tuple(up_to.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        error=error,
        error_low=min(error, float(error_low)),
        error_high=max(error, float(error_high)),
        least=float(least),
    )
