"""What the items of a purchase list will sell together until the next order arrives: totals whose quantiles are not added.

The items' P90s added up is a number that all of them together almost never reach. How far they err together is measured on
past forecasts of the same span, by networks that had not seen what followed: an item's *level* in its forecast, as a normal
score, has a part in common with all items, one with its category, and one of its own,

    z = √m · market + √(c − m) · category + √(1 − c) · own,

where m and c are the mean products of the scores of two items, of any two and of two of a category. A sample draws these and
reads each item's quantile function of the span.

Axis letters: N items, K creation dates, Q taus, S samples, C categories, Z points of the grid of scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from data.errors import TooLittleHistory
from forecasting.batch.forecast_monitoring import honest
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import actuals_after, unknown_ahead
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one
    from forecasting.purchasing.purchase_plan import BuyPlan

#: Items whose past is judged at most, creation dates at least, and items read at a time.
_MOST_ITEMS, _FEWEST_DATES, _CHUNK = 400, 4, 512

#: Samples, fewer where the items are many; and the grid of scores on which quantile functions are read.
_SAMPLES, _DRAWS = 2000, 25_000_000
_GRID = np.linspace(-3.8, 3.8, 153)

#: Levels are held inside these, so that a score is finite.
_LOWEST, _HIGHEST = 0.005, 0.995


@dataclass(frozen=True)
class ErrorCorrelation:
    """How far items err together.

    ``market`` and ``category`` are the correlations of any two and of two of a category, from ``items`` best sellers at
    ``dates`` creation dates, ``first`` … ``last``, over spans of ``periods``.
    """

    market: float
    category: float
    items: int
    dates: int
    first: pd.Timestamp
    last: pd.Timestamp
    periods: int


@dataclass(frozen=True)
class Together:
    """What ``items`` will sell together, in units and at their prices; ``added_…`` are the items' P90s added up."""

    name: str
    items: int
    units_p50: float
    units_p90: float
    added_units: float
    money_p50: float
    money_p90: float
    added_money: float


@dataclass(frozen=True, eq=False)
class JointTotals:
    """The whole list, its categories and its suppliers, dearest first, and what the ties rest on.

    ``suppliers`` is empty where the catalog has none; their totals are sums along the same draws.
    """

    whole: Together
    categories: tuple[Together, ...]
    ties: ErrorCorrelation
    samples: int
    suppliers: tuple[Together, ...] = ()


def error_correlation(plan: BuyPlan, catalog: Catalog, networks: FeedbackEnsemble) -> ErrorCorrelation:
    """What a list's totals are tied by: measured on the best sellers of all, for of its scope there may be few."""
    periods = int(np.clip(round(float(np.median(plan.periods))), 1, networks.now.horizon)) if len(plan) else 1
    return error_correlation_of(catalog, networks, [str(one) for one in plan.inputs.assortment.item_ids[:_MOST_ITEMS]], periods)


def error_correlation_of(catalog: Catalog, networks: FeedbackEnsemble, item_ids: list[str], periods: int) -> ErrorCorrelation:
    """How far these items erred together over spans of ``periods``; raises TooLittleHistory."""
    panel = catalog.panel(item_ids)
    newest = len(panel.periods) - 1 - periods
    unknown, parts, actuals, used = unknown_ahead(panel), [], [], []
    for ensemble, dates in honest(networks, panel):
        sold = {date: actuals_after(panel, date, periods).sum(axis=1) for date in dates if date <= newest}
        mine = [date for date, units in sold.items() if np.isfinite(units).any()]
        if mine:
            rows = [np.arange(start, min(start + _CHUNK, len(panel))) for start in range(0, len(panel), _CHUNK)]
            each = [ensemble.read(panel.take(one), None, mine, unknown=unknown, shown=False, ahead=periods) for one in rows]
            parts.append(np.concatenate([one.cumulative[:, :, -1] for one in each]))  # (N, K, Q)
            actuals += [sold[date] for date in mine]
            used += mine
    if len(used) < _FEWEST_DATES:
        raise TooLittleHistory(
            f"How far items err together is measured on forecasts of {periods} periods from {_FEWEST_DATES} creation dates "
            f"that the networks had not learned from, with known demand after them, and there are {len(used)}. Load more "
            "history and train again."
        )
    z = scores(np.array(TAUS), np.concatenate(parts, axis=1), np.stack(actuals, axis=1)).T  # (K, N)
    labels = next(iter(panel.static.values())) if panel.static else np.zeros(len(panel))
    market = shared_part(z, np.zeros(len(panel)))
    category = max(market, shared_part(z, np.asarray(labels)))
    first, last = panel.periods[min(used)], panel.periods[max(used)]
    return ErrorCorrelation(market, category, len(panel), len(used), first, last, periods)


def scores(taus: np.ndarray, values: np.ndarray, actuals: np.ndarray) -> np.ndarray:
    """Normal scores [...] of ``actuals`` [...] under quantiles ``values`` [..., Q]; NaN where the actual is not known.

    Where the quantile function is flat at the actual (zeros, mostly), the level is drawn from the levels that share it.
    """
    known = np.isfinite(actuals)
    units = np.where(known, actuals, 0.0)
    above = quantile_function.level(taus, values, units)
    below = quantile_function.level(taus, values, np.maximum(units - 0.5, 0) * (1 - 1e-9))
    below = np.where(units <= 0, 0.0, below)
    level = below + np.random.default_rng(0).random(units.shape) * np.maximum(above - below, 0)
    return np.where(known, ndtri(np.clip(level, _LOWEST, _HIGHEST)), np.nan)


def shared_part(z: np.ndarray, groups: np.ndarray) -> float:
    """The share of the variance of scores ``z`` [K, N] that items of a group in ``groups`` [N] have in common.

    It is the mean product of the scores of two different items of a group at the same date. The scores are not centred: with
    few dates a mean that is off is then the common part itself.
    """
    variance = float(np.nanmean(z**2))
    return float(np.clip(_cross(z, groups) / variance, 0.0, 0.99)) if variance > 0 else 0.0


def _cross(z: np.ndarray, groups: np.ndarray) -> float:
    """The mean product of scores [K, N] of two different items of a group; 0 where no group has two."""
    total = pairs = 0.0
    for group in np.unique(groups):
        mine = z[:, groups == group]
        seen = np.isfinite(mine)
        filled, counts = np.where(seen, mine, 0.0), seen.astype(float)
        total += float((filled.sum(axis=1) ** 2 - (filled**2).sum(axis=1)).sum())
        pairs += float((counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)).sum())
    return total / pairs if pairs > 0 else 0.0


def joint_totals(plan: BuyPlan, ties: ErrorCorrelation) -> JointTotals:
    """What the items of ``plan`` will sell together over their lead times and reviews."""
    taus, items = plan.inputs.taus, len(plan)
    samples = int(np.clip(_DRAWS // max(items, 1), 400, _SAMPLES))
    rng = np.random.default_rng(0)
    labels, place = np.unique(np.asarray(plan.inputs.assortment.category.take(plan.rows), dtype=str), return_inverse=True)
    market = rng.standard_normal((samples, 1), np.float32)
    own_category = rng.standard_normal((samples, len(labels)), np.float32)
    common = np.sqrt(ties.market) * market + np.sqrt(ties.category - ties.market) * own_category  # (S, C)
    buyers = _suppliers(plan)
    groups = [(labels, place)] if buyers is None else [(labels, place), buyers]
    sums = [np.zeros((2, samples, len(names))) for names, _ in groups]  # units, money
    for start in range(0, items, _CHUNK):
        part = slice(start, min(start + _CHUNK, items))
        table = np.maximum(quantile_function.quantile(taus, plan.knots[part, None], ndtr(_GRID)), 0.0).astype(
            np.float32
        )  # (N, Z)
        own = rng.standard_normal((samples, part.stop - start), np.float32)
        z = common[:, place[part]] + np.float32(np.sqrt(1 - ties.category)) * own
        sold = _read(table, z)
        for total, (_, member) in zip(sums, groups, strict=True):
            for label in np.unique(member[part]):
                mine = member[part] == label
                total[0, :, label] += sold[:, mine].sum(axis=1)
                total[1, :, label] += sold[:, mine] @ plan.price[part][mine].astype(np.float32)
    p90 = quantile_function.quantile(taus, plan.knots, 0.9)

    def together(name: str, total: np.ndarray, members: np.ndarray) -> Together:
        middle = [float(q) for series in total for q in np.quantile(series, [0.5, 0.9])]
        added, worth = float(p90[members].sum()), float((p90 * plan.price)[members].sum())
        return Together(name, int(members.sum()), middle[0], middle[1], added, middle[2], middle[3], worth)

    def each(total: np.ndarray, names: np.ndarray, member: np.ndarray) -> tuple[Together, ...]:
        found = [together(str(name), total[:, :, k], member == k) for k, name in enumerate(names)]
        return tuple(sorted(found, key=lambda one: -one.money_p50))

    return JointTotals(
        whole=together("All together", sums[0].sum(axis=2), np.ones(items, bool)),
        categories=each(sums[0], *groups[0]),
        ties=ties,
        samples=samples,
        suppliers=each(sums[1], *groups[1]) if len(groups) > 1 else (),
    )


def _suppliers(plan: BuyPlan) -> tuple[np.ndarray, np.ndarray] | None:
    """The suppliers [G] of the list and which is each item's [N]; None where the catalog has none."""
    supplier = plan.inputs.assortment.supplier
    if supplier is None:
        return None
    return np.unique(np.asarray(supplier.take(plan.rows), dtype=str), return_inverse=True)


def _read(table: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Units [S, N] at the scores ``z`` [S, N] of items whose units stand on the grid in ``table`` [N, Z]: lines between."""
    step = np.float32(_GRID[1] - _GRID[0])
    at = np.clip((z - np.float32(_GRID[0])) / step, 0, len(_GRID) - 1.001)
    left = at.astype(np.int32)
    items = np.arange(table.shape[0])
    low = table[items, left]
    return np.asarray(low + (at - left) * (table[items, left + 1] - low))
