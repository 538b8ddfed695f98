"""What a plan may ask and a forecast may answer: no slip in a plan, and no model, sends an order to the moon.

A price that cannot be meant counts as unknown, a promotion lies between none and all stores, and no quantile of a forecast lies
above ``MOST`` times the largest demand on record of the item, or of its groups for an item that is new. A planned promotion is
expected to do about what the item's own promotions did, and no more than its group's best period where it had none.

Axis letters: N items, T past periods, F future periods, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from data.plans import PRICE_REACH, plausible_prices, usual_of_group, usual_value
from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.core.types import QuantileForecast

#: No quantile lies above so many times the largest demand on record.
MOST = 10.0

#: Known periods from which an item's own record counts alone.
_KNOWN = 8

#: A planned promotion is expected to do between so much of what the item's own promotions as hard as it did at the mean …
_LEAST_PROMOTED, _MOST_PROMOTED = 0.85, 1.15

#: … of so many at least; as hard is one that reaches as many stores but for this share, set against the mean of what sold in
#: the so many periods before it without one as hard.
_PROMOTIONS, _AS_HARD, _LEVEL = 3, 0.05, 13


def plausible_plan(history: Panel, plan: Plan) -> Plan:
    """``plan`` [N, F] with every cell that cannot be meant taken as usual, see ``data.plans``; itself where all can."""
    known, given = {}, dict(plan.given)
    for name, planned in plan.known.items():
        kept = _plausible(name, planned, history)
        if np.isfinite(kept).all() and np.array_equal(kept, planned):
            continue
        usual = usual_value(name, history.known[name])[:, None] if name in history.known else np.float32(np.nan)
        known[name] = np.where(np.isnan(kept), usual, kept).astype(np.float32)
        given[name] = plan.is_given(name) & np.isfinite(kept)
    groups = _plausible_groups(history, plan)
    if not known and groups is plan.groups:
        return plan
    return replace(plan, known={**plan.known, **known}, given=given, groups=groups)


def _plausible_groups(history: Panel, plan: Plan) -> Mapping[str, Mapping[str, np.ndarray]]:
    """The plan's groups with what cannot be meant as usual; themselves where all can."""
    changed: dict[str, dict[str, np.ndarray]] = {}
    for group in history.groups:
        for name, planned in plan.groups.get(group.column, {}).items():
            usual = usual_of_group(name, group.known[name])[:, None]
            kept = np.where(np.isfinite(planned), planned, usual)
            if name == PRICE:  # an index of logs
                kept = np.where(np.abs(kept - usual) > np.log(PRICE_REACH), usual, kept)
            elif name == PROMO:
                kept = np.clip(kept, 0.0, 1.0)
            if not np.array_equal(kept, planned, equal_nan=True):
                changed.setdefault(group.column, {})[name] = kept.astype(np.float32)
    if not changed:
        return plan.groups
    return {column: {**columns, **changed.get(column, {})} for column, columns in plan.groups.items()}


def most_units(history: Panel) -> np.ndarray:
    """The largest units [N] that a quantile of one period may say; no bound where nothing is on record."""
    demand = history.demand
    known = np.isfinite(demand)
    own = np.where(known, demand, 0.0).max(axis=1, initial=0.0)
    new = (known.sum(axis=1) < _KNOWN) | (own <= 0)
    if new.any():
        around = np.zeros(len(history))
        for group in history.groups:  # what an item of it sold in its best period
            each = np.where(group.sellers > 0, group.demand / np.maximum(group.sellers, 1), 0.0).max(axis=1, initial=0.0)
            around = np.maximum(around, each[group.codes])
        own = np.where(new, np.maximum(own, around), own)
    return np.where(own > 0, MOST * own.astype(np.float64), np.inf)


def promoted_range(history: Panel, plan: Plan) -> tuple[np.ndarray, np.ndarray] | None:
    """The least and the most expected units [N, F] of a period whose promotion somebody plans beyond what is usual; no bounds
    elsewhere nor where nothing is on record, None where that is everywhere.

    Nor where the price is planned beside it: the item's own promotions came with prices of their own, and what they sold tells
    of a promotion with whatever usually comes with it.
    """
    if PROMO not in plan.known or PROMO not in history.known:
        return None
    promo, recorded = plan.known[PROMO], history.known[PROMO]
    alone = plan.is_given(PROMO)  # (N, F)
    if PRICE in plan.known:
        alone = alone & ~plan.is_given(PRICE)
    if not alone.any():
        return None
    harder = alone & (promo > usual_value(PROMO, recorded)[:, None] + _AS_HARD)
    rows = np.flatnonzero(harder.any(axis=1))
    if not rows.size:
        return None
    demand, recorded = history.uncensored[rows], recorded[rows]
    lightest = np.where(harder[rows], promo[rows], np.inf).min(axis=1, keepdims=True) - _AS_HARD  # (n, 1)
    calm = np.where(recorded >= lightest, np.nan, demand)
    before, level = _levels(np.where((np.isfinite(calm).sum(axis=1) >= _PROMOTIONS)[:, None], calm, demand))
    counts = np.isfinite(demand) & (before > 0)
    as_hard = counts[:, None] & (recorded[:, None] >= promo[rows][..., None] - _AS_HARD)  # (n, F, T)
    sold, base = (np.where(as_hard, np.nan_to_num(one)[:, None], 0.0).sum(axis=-1) for one in (demand, before))
    enough, lift = as_hard.sum(axis=-1) >= _PROMOTIONS, sold / np.where(base > 0, base, 1.0)  # (n, F)
    bound = harder[rows] & (level > 0)[:, None]
    least, most = np.zeros(promo.shape), np.full(promo.shape, np.inf)
    least[rows] = np.where(bound & enough, _LEAST_PROMOTED * lift * level[:, None], 0.0)
    lift = np.where(enough, _MOST_PROMOTED * lift, np.maximum(lift, _best_of_group(history)[rows][:, None]))
    most[rows] = np.where(bound, lift * level[:, None], np.inf)
    return least, most


def _levels(demand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the ``_LEVEL`` periods before each [N, T], of those that are known, and of the last ones [N]."""
    known = np.isfinite(demand)
    total, count = (np.pad(one.cumsum(axis=1), ((0, 0), (1, 0))) for one in (np.where(known, demand, 0.0), known))
    first = np.maximum(np.arange(total.shape[1]) - _LEVEL, 0)
    seen = count - count[:, first]
    mean = (total - total[:, first]) / np.maximum(seen, 1)  # (N, T + 1) of the periods before each
    return mean[:, :-1], mean[:, -1]


def _best_of_group(history: Panel) -> np.ndarray:
    """What the best period of an item's finest group sold against its level [N]; infinite where there is no group."""
    finest = max(history.groups, key=lambda group: len(group.labels), default=None)
    if finest is None:
        return np.full(len(history), np.inf)
    each = np.where(finest.sellers > 0, finest.demand / np.maximum(finest.sellers, 1), np.nan)
    before, _ = _levels(each)
    ratio = np.where((before > 0) & np.isfinite(each), each / np.where(before > 0, before, 1.0), 0.0)
    best = ratio[:, _LEVEL:].max(axis=1, initial=0.0)
    return np.where(best > 0, best, np.inf)[finest.codes]


def bounded(forecast: QuantileForecast, most: np.ndarray) -> QuantileForecast:
    """``forecast`` with no quantile above ``most`` [N] units a period; the forecast itself where none is."""
    periods = np.arange(1, len(forecast.periods) + 1)[:, None]
    per_period, per_span = most[:, None, None], most[:, None, None] * periods
    if (forecast.values <= per_period).all() and (forecast.cumulative <= per_span).all():
        return forecast
    return replace(
        forecast,
        values=np.minimum(forecast.values, per_period),
        cumulative=np.minimum(forecast.cumulative, per_span),
    )


def _plausible(name: str, planned: np.ndarray, history: Panel) -> np.ndarray:
    """``planned`` [N, F] of one covariate, NaN where it cannot be meant."""
    if name == PRICE and name in history.known:
        return plausible_prices(planned, history.known[name])
    finite = np.where(np.isfinite(planned), planned, np.float32(np.nan))
    return np.clip(finite, 0.0, 1.0) if name == PROMO else finite
