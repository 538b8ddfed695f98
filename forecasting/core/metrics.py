"""How good a forecast was: small functions of actuals and quantiles.

Axis letters: y [...] is what was sold, q [..., Q] the quantiles that were forecast for it, taus [Q] their levels; the
leading axes [...] are whatever the caller has (items, origins, horizons), the same for both. An actual that is NaN is
not known and counts nowhere. What cannot be computed is NaN, never 0, and a ``Score`` says over how many numbers it
was taken.

The factor 2 belongs to wQL and not to pinball.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class Score:
    """A number and what stands behind it: ``count`` it was taken over, ``undefined`` that had to be left out."""

    value: float
    count: int
    undefined: int = 0


@dataclass(frozen=True)
class Calibration:
    """How far the shares of actuals below each quantile lie from what was promised, as means over tau.

    ``error`` is mean |share(y ≤ q) − τ|. Where actuals tie with quantiles, as zeros do, any share from share(y < q) to
    share(y ≤ q) is as true: ``least`` is the mean distance from τ to that band, ``most`` to its farther end.
    """

    error: float
    least: float
    most: float
    count: int


@dataclass(frozen=True)
class Difference:
    """How much lower the first of two losses is, with the interval that resampled items give it.

    ``value`` is first − second, below zero where the first is better; ``low`` and ``high`` hold nine in ten resamples;
    ``chance`` is the share of resamples in which the first is better.
    """

    value: float
    low: float
    high: float
    chance: float
    count: int


def pinball(y: np.ndarray, q: np.ndarray, taus: np.ndarray) -> np.ndarray:
    """Pinball loss [..., Q], in units: τ · (y − q) where the actual lies above the quantile, (1 − τ) · (q − y) below.

    >>> pinball(np.array([10.0]), np.array([[8.0, 13.0]]), np.array([0.5, 0.9])).round(3).tolist()
    [[1.0, 0.3]]
    """
    over = np.asarray(y, np.float64)[..., None] - q  # (..., Q)
    return np.maximum(taus * over, (np.asarray(taus) - 1) * over)


def wql_by_tau(y: np.ndarray, q: np.ndarray, taus: np.ndarray) -> np.ndarray:
    """Weighted quantile loss [Q]: 2 · Σ pinball / Σ y of each tau; NaN where nothing was sold.

    >>> wql_by_tau(np.array([10.0, 0.0]), np.array([[8.0], [2.0]]), np.array([0.5])).tolist()
    [0.4]
    """
    known = np.isfinite(y)
    total = np.asarray(y, np.float64)[known].sum()
    if not total > 0:
        return np.full(len(taus), np.nan)
    return 2 * pinball(y[known], q[known], taus).sum(axis=0) / total


def wql(y: np.ndarray, q: np.ndarray, taus: np.ndarray) -> Score:
    """Weighted quantile loss, the mean of ``wql_by_tau``; the bench takes it over tau 0.1 … 0.9."""
    return Score(float(np.mean(wql_by_tau(y, q, taus))), int(np.isfinite(y).sum()))


def seasonal_scale(demand: np.ndarray, season: int) -> np.ndarray:
    """Mean |y_t − y_{t−S}| [N] of history [N, T]: what the seasonal naive missed by; NaN where no pair is known.

    >>> seasonal_scale(np.array([[1.0, 2.0, 2.0, 4.0]]), season=2).tolist()
    [1.5]
    """
    steps = np.abs(demand[:, season:] - demand[:, :-season]).astype(np.float64)  # (N, T − S)
    known = np.isfinite(steps)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, steps, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def scaled_quantile_loss(y: np.ndarray, q: np.ndarray, taus: np.ndarray, scale: np.ndarray) -> Score:
    """Mean over items of 2 · mean pinball / scale, so that a small item counts as much as a big one.

    Parameters
    ----------
    y, q : [N, ...] and [N, ..., Q].
    scale : [N] of ``seasonal_scale``. Items where it is 0 or NaN are left out and counted as ``undefined``.
    """
    losses = np.where(np.isfinite(y)[..., None], pinball(y, q, taus), np.nan).reshape(len(y), -1)
    return _mean_over_items(2 * _known_mean(losses), scale)


def mase(y: np.ndarray, f: np.ndarray, scale: np.ndarray) -> Score:
    """Mean absolute scaled error: mean over items of mean |y − f| / scale, of actuals and points [N, ...].

    >>> mase(np.array([[10.0, 12.0]]), np.array([[11.0, 11.0]]), np.array([2.0])).value
    0.5
    """
    return _mean_over_items(_known_mean(np.abs(y - f).reshape(len(y), -1)), scale)


def coverage(y: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """share(y < q) [Q] and share(y ≤ q) [Q]: a right forecast has τ between the two."""
    known = np.isfinite(y)
    if not known.any():
        nothing = np.full(q.shape[-1], np.nan)
        return nothing, nothing
    sold, promised = y[known][:, None], q[known]
    return (sold < promised).mean(axis=0), (sold <= promised).mean(axis=0)


def calibration(y: np.ndarray, q: np.ndarray, taus: np.ndarray) -> Calibration:
    """How far coverage lies from its taus.

    >>> calibration(np.array([0.0, 0.0, 0.0, 5.0]), np.zeros((4, 1)), np.array([0.5]))
    Calibration(error=0.25, least=0.0, most=0.5, count=4)
    """
    below, up_to = coverage(y, q)
    taus = np.asarray(taus)
    least = np.maximum(np.maximum(below - taus, taus - up_to), 0.0)
    most = np.maximum(np.abs(below - taus), np.abs(up_to - taus))
    return Calibration(
        error=float(np.abs(up_to - taus).mean()),
        least=float(least.mean()),
        most=float(most.mean()),
        count=int(np.isfinite(y).sum()),
    )


def bias(y: np.ndarray, f: np.ndarray) -> Score:
    """(Σ f − Σ y) / Σ y of points f [...]: above zero where more was forecast than sold.

    >>> bias(np.array([10.0, 10.0, np.nan]), np.array([12.0, 10.0, 99.0])).value
    0.1
    """
    known = np.isfinite(y)
    total = np.asarray(y, np.float64)[known].sum()
    value = float((np.asarray(f, np.float64)[known].sum() - total) / total) if total > 0 else float("nan")
    return Score(value, int(known.sum()))


def excess_volatility(y: np.ndarray, older: np.ndarray, newer: np.ndarray, taus: np.ndarray) -> Score:
    """Revisions that did not pay: QL(newer, older) − (QL(y, older) − QL(y, newer)), summed, over Σ |y|; mean over tau.

    ``older`` and ``newer`` [..., Q] are successive forecasts of the same targets; QL(y, q) is the pinball loss of q
    where y came, and QL(newer, older) that of the older where the newer stands for the truth. It is 0 where every
    revision went towards the truth, and for a forecast that is never revised: show it beside wQL. After arXiv
    2009.14799.

    >>> tau = np.array([0.5])
    >>> excess_volatility(np.array([10.0]), np.array([[0.0]]), np.array([[5.0]]), tau).value
    0.0
    >>> excess_volatility(np.array([10.0]), np.array([[5.0]]), np.array([[0.0]]), tau).value
    0.5
    """
    known = np.isfinite(y)
    y, older, newer = np.asarray(y, np.float64)[known], older[known], newer[known]
    total = np.abs(y).sum()
    if not total > 0:
        return Score(float("nan"), int(known.sum()))
    revised = np.maximum(taus * (newer - older), (np.asarray(taus) - 1) * (newer - older))  # (..., Q)
    gained = pinball(y, older, taus) - pinball(y, newer, taus)
    return Score(float(((revised - gained).sum(axis=0) / total).mean()), int(known.sum()))


def paired_bootstrap(
    first: np.ndarray, second: np.ndarray, weight: np.ndarray, *, seed: int = 0, draws: int = 1000
) -> Difference:
    """Σ first / Σ weight − Σ second / Σ weight, and how sure it is when items are drawn anew.

    Parameters
    ----------
    first, second : [N] each item's summed loss under two forecasters; for wQL, 2 · pinball averaged over tau.
    weight : [N] each item's summed actuals.

    Notes
    -----
    An item is drawn with all its periods. All items share the shocks of a period, so with few origins the interval is
    narrower than the truth: it says whether other items would agree, not whether other weeks would.
    """
    total = weight.sum()
    if len(weight) == 0 or not total > 0:
        nan = float("nan")
        return Difference(nan, nan, nan, nan, len(weight))
    chosen = np.random.default_rng(seed).multinomial(len(weight), np.full(len(weight), 1 / len(weight)), size=draws)
    drawn = chosen @ (first - second) / np.maximum(chosen @ weight, np.finfo(np.float64).tiny)  # (draws,)
    low, high = np.quantile(drawn, [0.05, 0.95])
    value = (first - second).sum() / total
    return Difference(float(value), float(low), float(high), float((drawn < 0).mean()), len(weight))


def resampled_sums(cells: np.ndarray, *, seed: int = 0, draws: int = 400) -> np.ndarray:
    """Sums [draws, ...] of ``cells`` [O, N, ...] over origins and items when both are drawn anew, with replacement.

    A draw counts the cell of origin o and item n as often as o was drawn times as often as n was (the pigeonhole bootstrap,
    Owen 2007). An item brings all its periods and an origin all its items, for the items of a period share its shocks; the
    windows of neighbouring origins overlap, which no resampling of so few origins makes good. The same seed draws the same
    cells, so that two arrays are compared in pairs.
    """
    origins, items = cells.shape[:2]
    weight_of_origin, weight_of_item = _drawn_anew(origins, items, seed, draws)
    total = np.zeros((draws, int(np.prod(cells.shape[2:]))))
    for origin in range(origins):
        total += weight_of_origin[:, origin, None] * (weight_of_item @ cells[origin].reshape(items, -1))
    return total.reshape(draws, *cells.shape[2:])


def clustered_bootstrap(
    first: np.ndarray, second: np.ndarray, weight: np.ndarray, *, seed: int = 0, draws: int = 500
) -> Difference:
    """Σ first / Σ weight − Σ second / Σ weight, and how sure it is when items and origins are drawn anew.

    Parameters
    ----------
    first, second : [O, N] each cell's summed loss under two forecasters; for wQL, 2 · pinball averaged over tau.
    weight : [O, N] each cell's summed actuals.
    """
    total, items = weight.sum(), int((weight > 0).any(axis=0).sum())
    if not total > 0:
        nan = float("nan")
        return Difference(nan, nan, nan, nan, items)
    sums = resampled_sums(np.stack([first - second, weight], axis=-1), seed=seed, draws=draws)  # (draws, 2)
    sums = sums[sums[:, 1] > 0]  # a draw in which nothing sold has no share
    drawn = sums[:, 0] / sums[:, 1]
    low, high = np.quantile(drawn, [0.05, 0.95]) if len(drawn) else (np.nan, np.nan)
    value = (first - second).sum() / total
    return Difference(float(value), float(low), float(high), float((drawn < 0).mean()) if len(drawn) else np.nan, items)


@lru_cache(maxsize=2)
def _drawn_anew(origins: int, items: int, seed: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each origin [draws, O] and each item [draws, N] is drawn; kept, for many pairs are compared on the same."""
    generator = np.random.default_rng(seed)
    counts = [generator.multinomial(size, np.full(size, 1 / size), size=draws).astype(np.float64) for size in (origins, items)]
    for count in counts:
        count.flags.writeable = False
    return counts[0], counts[1]


def _known_mean(values: np.ndarray) -> np.ndarray:
    """Mean [N] of the numbers in each row [N, K] that are not NaN; NaN for a row without any."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _mean_over_items(losses: np.ndarray, scale: np.ndarray) -> Score:
    """Mean of losses [N] / scale [N] over the items where both are there and the scale is positive."""
    defined = np.isfinite(losses) & (scale > 0)
    value = float((losses[defined] / scale[defined]).mean()) if defined.any() else float("nan")
    return Score(value, int(defined.sum()), int((~defined).sum()))
