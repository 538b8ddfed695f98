"""What happens at another price or with another promotion: a scenario is the same model at another plan.

Only the plan changes: the creation date, the history and the weights are those of the baseline. A price moves the forecast
through the network's price response, which can only fall with the price; a promotion is read by the network anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from data.errors import ConfigurationError
from data.facts import ItemFacts
from data.plans import plausible_prices
from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.core.types import QuantileForecast
from forecasting.service.view_models import ItemHistory, Outcome, PlanChange, ScenarioView

#: A promotion is harder than another where it reaches so much more of the stores.
_HARDER = 0.02


def changed_plan(plan: Plan, change: PlanChange) -> Plan:
    """The plan of one item with the promotion of ``change``, which is given where it differs; prices are asked of the forecast,
    see ``at_prices``."""
    if change.promo is None or PROMO not in plan.known:
        return plan
    promo = np.asarray(change.promo, np.float32)
    if ((promo < 0) | (promo > 1)).any():
        raise ConfigurationError("A promotion lies between 0 (none) and 1 (all stores).")
    wanted = _over(plan.known[PROMO], promo)
    given_now = plan.is_given(PROMO) | (wanted != plan.known[PROMO])
    return replace(plan, known={**plan.known, PROMO: wanted}, given={**plan.given, PROMO: given_now})


def planned_prices(history: Panel, plan: Plan, change: PlanChange) -> tuple[np.ndarray | None, np.ndarray]:
    """Prices [1, F] of the scenario, None where the catalog has no prices; and where [1, F] one was asked that cannot be meant,
    so that the plan's stands."""
    none = np.zeros((1, len(plan)), bool)
    if PRICE not in plan.known:
        return None, none
    prices = plan.known[PRICE]
    if change.price is None:
        return prices, none
    entered = np.asarray(change.price, np.float32)
    if not (np.isfinite(entered) & (entered > 0)).all():
        raise ConfigurationError("A price must be a number above zero. Clear the cell to go back to the planned price.")
    wanted = _over(prices, entered)
    refused = np.isnan(plausible_prices(wanted, history.known[PRICE])) & np.isfinite(wanted)
    return np.where(refused, prices, wanted), refused


def scenario_view(
    facts: ItemFacts,
    history: Panel,
    plans: tuple[Plan, Plan],
    forecasts: tuple[QuantileForecast, QuantileForecast],
    change: PlanChange,
    horizon: int,
) -> ScenarioView:
    """One item as planned and under ``change``, from the plan and the forecast of each."""
    (plan, other), (before, after) = plans, forecasts
    prices, refused = planned_prices(history, plan, change)
    seen, cost = price_range(history), facts.commercial.get("unit_cost")
    baseline, scenario = before.first(horizon), after.first(horizon)
    prices_ahead = None if prices is None else prices[0, :horizon].astype(np.float64)
    promo = planned(other, PROMO, horizon)
    harder, hardest = harder_than_ever(history, promo)
    return ScenarioView(
        facts=facts,
        history=ItemHistory.of(history, plan),
        baseline=baseline,
        scenario=scenario,
        baseline_plan=PlanChange(planned(plan, PRICE, horizon), planned(plan, PROMO, horizon)),
        scenario_plan=PlanChange(np.full(horizon, np.nan) if prices_ahead is None else prices_ahead, promo),
        before=outcome(baseline, planned(plan, PRICE, horizon), cost),
        after=outcome(scenario, prices_ahead, cost),
        elasticity=known_elasticity(before, seen),
        outside=outside(prices_ahead, seen, horizon),
        promo_outside=harder,
        refused=refused[0, :horizon],
        price_low=seen[0] if seen else None,
        price_high=seen[1] if seen else None,
        promo_high=hardest,
        promo_planned=bool(given(plan, PROMO, horizon).any()),
        planned=bool(given(plan, PRICE, horizon).any() or given(plan, PROMO, horizon).any()),
    )


def known_elasticity(forecast: QuantileForecast, seen: tuple[float, float] | None) -> float | None:
    """The price elasticity of one item, None where no price of it was ever ``seen``."""
    return float(forecast.elasticity[0]) if forecast.elasticity is not None and seen is not None else None


def outcome(forecast: QuantileForecast, prices: np.ndarray | None, unit_cost: float | None) -> Outcome:
    """Totals of one item's forecast (N = 1) at prices [H]: units, their P10 and P90, revenue and margin."""
    per_period = forecast.mean()[0]  # (H,)
    units = float(per_period.sum())
    whole = forecast.span(len(forecast.periods))
    priced = prices is not None and bool(np.isfinite(prices).all())
    revenue = float((per_period * prices).sum()) if priced and prices is not None else None
    return Outcome(
        units=units,
        revenue=revenue,
        margin=revenue - units * unit_cost if revenue is not None and unit_cost is not None else None,
        low=float(whole.span_at(0.1)[0, 0]),
        high=float(whole.span_at(0.9)[0, 0]),
    )


def outside(prices: np.ndarray | None, seen: tuple[float, float] | None, horizon: int) -> np.ndarray:
    """True [H] where a price is below the lowest or above the highest ever seen, by more than half a percent."""
    if prices is None or seen is None:
        return np.zeros(horizon, bool)
    low, high = seen
    return (prices < 0.995 * low) | (prices > 1.005 * high)


def harder_than_ever(history: Panel, promo: np.ndarray) -> tuple[np.ndarray, float | None]:
    """True [H] where a promotion [H] is harder than any that one item has had, and the hardest it had; None without any on
    record."""
    recorded = history.known[PROMO][0] if PROMO in history.known else np.zeros(0)
    known = recorded[np.isfinite(recorded)]
    if not known.size:
        return np.zeros(len(promo), bool), None
    return np.nan_to_num(promo) > known.max() + _HARDER, float(known.max())


def price_range(history: Panel) -> tuple[float, float] | None:
    """The lowest and the highest price seen of one item; None where none was."""
    prices: Mapping[str, np.ndarray] = history.known
    known = prices[PRICE][0][prices[PRICE][0] > 0] if PRICE in prices else np.zeros(0)
    return (float(known.min()), float(known.max())) if known.size else None


def planned(plan: Plan, name: str, horizon: int) -> np.ndarray:
    """One item's planned covariate [H]; NaN where the catalog does not have it."""
    return plan.known[name][0, :horizon].astype(np.float64) if name in plan.known else np.full(horizon, np.nan)


def given(plan: Plan, name: str, horizon: int) -> np.ndarray:
    """[H] bool: which cells of one item's plan somebody has planned."""
    return plan.is_given(name)[0, :horizon] if name in plan.known else np.zeros(horizon, bool)


def planned_ahead(plan: Plan, horizon: int) -> int:
    """How many periods ahead the plan of one item's prices and promotions reaches."""
    either = given(plan, PRICE, horizon) | given(plan, PROMO, horizon)
    return int(np.flatnonzero(either)[-1]) + 1 if either.any() else 0


def scenario_prices(history: Panel, plan: Plan, change: PlanChange) -> np.ndarray | None:
    """Prices [1, F] to put into the forecast, None where ``change`` asks for none: those that nobody knows are taken from the
    first that is known."""
    prices, _ = planned_prices(history, plan, change)
    if change.price is None or prices is None:
        return None
    known = prices[0][np.isfinite(prices[0]) & (prices[0] > 0)]
    return np.where(np.isfinite(prices) & (prices > 0), prices, known[0] if known.size else 1.0)


def _over(planned: np.ndarray, replacement: np.ndarray) -> np.ndarray:
    """``planned`` [1, F] with its first periods replaced by ``replacement`` [H]."""
    answer = planned.copy()
    answer[:, : len(replacement)] = replacement
    return answer
