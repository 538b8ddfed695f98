"""What a way of buying would have cost: inventory replayed over past creation dates, with what was known then.

Periodic review with lost sales. In every period what was ordered arrives, demand comes, what is missing is lost, and every R
periods the position (on hand and on order) is raised to a level. An order placed at the end of period t is there when period
t + L + 1 begins, so the level has to last over t+1 … t+L+R, and is a quantile of demand over that span. A period costs

    c_u · units lost + c_o · units left at its end

The *replay* carries stock from period to period; the *plain* measure takes each creation date by itself, buys the quantile of
the span and prices it against the span that came. Under the plain measure a calibrated forecast costs least at the critical
ratio c_u / (c_u + c_o), whatever the item; so it is the one that can tell a miscalibrated forecast. In the replay a lost sale
frees the stock that a back order would claim, so there ``lost_sales_rule`` buys less by what will be lost before the receipt.

Axis letters: K creation dates, N items, P ways of buying (taus, say), L lead time, Q taus of the knots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from data.errors import ConfigurationError, TooLittleHistory
from data.schema import Panel
from forecasting.core import quantile_function
from forecasting.core.forecaster import Generation
from forecasting.core.metrics import resampled_sums
from forecasting.core.time_splits import actuals_after, history_until
from forecasting.core.types import Progress, Report
from forecasting.inventory.lost_sales import demand_ahead, unserved
from forecasting.inventory.order_policy import Costs, critical_ratio, protection

#: The quantiles that a money curve tries.
GRID: tuple[float, ...] = (*(round(0.05 * step, 2) for step in range(1, 19)), 0.93, 0.95, 0.97, 0.98, 0.99)

#: Periods whose mean demand the stock begins with: the same for every way of buying.
_RECENT = 13

#: With fewer items than this their few dates say nothing of the forecast.
_FEW = 20

#: Order-up-to levels [N, P] at the k-th creation date, given what is on hand [N, P] and what arrives in each of the next L
#: periods, L times [N, P].
Rule = Callable[[int, np.ndarray, Sequence[np.ndarray]], np.ndarray]


@dataclass(frozen=True, eq=False)
class ReplayData:
    """What was forecast of the protected span at K consecutive creation dates, and what came.

    Attributes
    ----------
    knots : [K, N, Q] units of the span t+1 … t+L+R, at ``taus`` [Q].
    summed : [K, N, Q] the same from adding the quantiles of its periods, to see why that is wrong.
    demand : [K, N] units of the period after each creation date; NaN where not known or out of stock.
    spans : [K, N] units of the span; NaN where one of its periods is not known.
    recent : [K, N] mean demand of the last periods up to each creation date.
    steps : [K, N, L+R, Q] units of the first 1 … L+R periods; the last of them are ``knots``.
    """

    item_ids: np.ndarray
    taus: np.ndarray
    knots: np.ndarray
    summed: np.ndarray
    demand: np.ndarray
    spans: np.ndarray
    recent: np.ndarray
    lead_time: int
    review: int
    steps: np.ndarray

    def __len__(self) -> int:
        return len(self.knots)

    @property
    def whole_units(self) -> bool:
        """Whether demand comes in whole units, so that levels are rounded to them."""
        known = self.demand[np.isfinite(self.demand)]
        return bool((known == np.round(known)).all())

    @property
    def start(self) -> np.ndarray:
        """Units [N] that every way of buying begins with for each period: the recent mean demand of the first date."""
        return np.round(self.recent[0]) if self.whole_units else self.recent[0]

    def levels(self, taus: float | np.ndarray) -> np.ndarray:
        """Order-up-to levels [K, N, P] at ``taus`` [P], or at one of each item [N, P]."""
        wanted = np.atleast_1d(np.asarray(taus, np.float64))
        return self.whole(np.maximum(quantile_function.quantile(self.taus, self.knots[:, :, None], wanted), 0.0))

    def whole(self, units: np.ndarray) -> np.ndarray:
        """``units`` as they can be bought."""
        return np.ceil(units - 0.5) if self.whole_units else units

    @cached_property
    def ahead(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """``lost_sales.demand_ahead`` of each date, whatever is asked of it."""
        return tuple(demand_ahead(self.taus, steps, self.lead_time, self.review) for steps in self.steps)

    def coverage(self, taus: Sequence[float], *, summed: bool = False) -> np.ndarray:
        """How often the span came out at or below its quantile [len(taus)]."""
        known = np.isfinite(self.spans)
        knots = self.summed if summed else self.knots
        return np.array(
            [float((self.spans <= quantile_function.quantile(self.taus, knots, tau))[known].mean()) for tau in taus]
        )

    def take(self, rows: np.ndarray) -> ReplayData:
        """The same of these items."""
        names = ("knots", "summed", "demand", "spans", "recent", "steps")
        return replace(self, item_ids=self.item_ids[rows], **{name: getattr(self, name)[:, rows] for name in names})


@dataclass(frozen=True, eq=False)
class Replayed:
    """What happened [K, N, P], in units; ``counted`` [K, N] is false where demand is not known or no order arrived yet."""

    lost: np.ndarray
    left: np.ndarray
    ordered: np.ndarray
    counted: np.ndarray

    def cost(self, costs: Costs) -> np.ndarray:
        """Money [K, N, P]; 0 in the periods that do not count."""
        spent = costs.underage[:, None] * self.lost + costs.overage[:, None] * self.left
        return np.asarray(spent * self.counted[..., None])


@dataclass(frozen=True, eq=False)
class Curve:
    """Money a period by quantile, all items together: ``cost`` [G] at ``taus`` [G], nine in ten resamples in low … high.

    ``best`` is the cheapest quantile and ``best_low`` … ``best_high`` hold it in nine of ten resamples of items and dates.
    """

    taus: np.ndarray
    cost: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best: float
    best_low: float
    best_high: float

    def at(self, tau: float) -> float:
        """Money a period at ``tau``, by straight lines between the quantiles tried."""
        return float(np.interp(tau, self.taus, self.cost))


@dataclass(frozen=True, eq=False)
class MoneyCurve:
    """What every quantile would have cost, replayed and plainly, and what that says of the forecast.

    ``ratio`` is the critical ratio; ``verdict`` whether the plain measure's best quantile allows it: "low" says that the
    forecast was too low (a higher quantile was cheaper), "high" that it was too high, and "open" that the items are too few.
    """

    replayed: Curve
    plain: Curve
    ratio: float
    verdict: Literal["calibrated", "low", "high", "open"]
    items: int
    dates: int

    @property
    def saving(self) -> float:
        """Money a period that the plain measure's best quantile would have saved over the critical ratio."""
        return max(0.0, self.plain.at(self.ratio) - float(self.plain.cost.min()))


def past_of(
    generation: Generation, panel: Panel, first: int, lead_time: int, review: int, report: Report | None = None
) -> ReplayData:
    """The past from the creation date ``first`` (a position) on, one creation date a period, as ``generation`` saw it.

    It must not have learned from periods after ``first``. Raises TooLittleHistory, ConfigurationError.
    """
    dates, span = range(first, len(panel.periods) - 1), lead_time + review
    if len(dates) <= span:
        raise TooLittleHistory(
            f"A replay with {span} periods of lead time and review needs more than {span} periods that the forecaster has "
            f"not learned from, and there are {max(0, len(dates))}. Load more history."
        )
    if span > generation.horizon:
        raise ConfigurationError(
            f"Lead time and review are {span} periods together and {generation.title} forecasts {generation.horizon}. "
            "Choose shorter ones."
        )
    knots, summed, demand, spans, recent, steps = [], [], [], [], [], []
    for done, t in enumerate(dates):
        if report:
            report(Progress(done, len(dates), f"Replaying from {panel.periods[t]:%Y-%m-%d}"))
        forecast = generation.forecast(panel, [panel.periods[t]])[0]
        actuals = actuals_after(panel, t, span).astype(np.float64)
        knots.append(protection(forecast, float(lead_time), float(review)))
        steps.append(forecast.cumulative[:, :span].astype(np.float32))
        summed.append(forecast.values[:, :span].sum(axis=1))
        demand.append(actuals[:, 0])
        spans.append(actuals.sum(axis=1))
        recent.append(_known_mean(history_until(panel, t).demand[:, -_RECENT:]))
    return ReplayData(
        item_ids=panel.item_ids,
        taus=np.asarray(forecast.taus),
        knots=np.stack(knots),
        summed=np.stack(summed),
        demand=np.stack(demand),
        spans=np.stack(spans),
        recent=np.stack(recent),
        lead_time=lead_time,
        review=review,
        steps=np.stack(steps),
    )


def lost_sales_rule(past: ReplayData, taus: float | np.ndarray) -> Rule:
    """Up to the span's quantile at ``taus`` [P] or [N, P], less what will be lost before the order can serve it."""
    wanted = np.atleast_1d(np.asarray(taus, np.float64))

    def rule(k: int, on_hand: np.ndarray, pipeline: Sequence[np.ndarray]) -> np.ndarray:
        level = np.maximum(quantile_function.quantile(past.taus, past.knots[k, :, None], wanted), 0.0)
        return past.whole(np.maximum(level - lost_before(past, k, wanted, on_hand, pipeline), 0.0))

    return rule


def lost_before(
    past: ReplayData, k: int, taus: float | np.ndarray, on_hand: np.ndarray, pipeline: Sequence[np.ndarray]
) -> np.ndarray:
    """Units [N, P] that an order of the k-th date at ``taus`` (broadcast) need not hold: see ``lost_sales.unserved``."""
    arriving = np.stack([*pipeline], axis=-1) if pipeline else np.zeros((*on_hand.shape, 0))
    return unserved(taus, *past.ahead[k], on_hand, arriving)[0]


def replay(past: ReplayData, rule: Rule | np.ndarray, ways: int | None = None, *, lost_sales: bool = True) -> Replayed:
    """Inventory over the periods of ``past``, bought by ``rule``, or up to its levels [K, N, P].

    Everybody begins with the recent mean demand in each period on order and R times it on hand, and the periods before the
    first order arrives do not count. Where sales are not lost, what is missing waits and is delivered first (``lost`` is then
    what waits at the end of each period).
    """
    if isinstance(rule, np.ndarray):
        levels: np.ndarray = rule
        ways = levels.shape[-1]
        rule = lambda k, on_hand, pipeline: levels[k]  # noqa: E731
    dates, items = past.demand.shape
    lost, left, ordered = (np.zeros((dates, items, ways or 1)) for _ in range(3))
    start = past.start
    on_hand = np.repeat(past.review * start[:, None], ways or 1, axis=1)  # (N, P) below 0: what waits
    pipeline = [np.repeat(start[:, None], ways or 1, axis=1) for _ in range(past.lead_time)]  # the next to arrive comes first
    for k in range(dates):
        if k % past.review == 0:
            position = on_hand + sum(pipeline)
            ordered[k] = np.maximum(rule(k, on_hand, pipeline) - position, 0.0)
        pipeline.append(ordered[k])
        on_hand = on_hand + pipeline.pop(0) - np.nan_to_num(past.demand[k])[:, None]
        lost[k], left[k] = np.maximum(-on_hand, 0.0), np.maximum(on_hand, 0.0)
        on_hand = left[k] if lost_sales else on_hand
    arrived = np.arange(dates) >= past.lead_time
    return Replayed(lost, left, ordered, np.isfinite(past.demand) & arrived[:, None])


def plain_cost(past: ReplayData, levels: np.ndarray, costs: Costs) -> np.ndarray:
    """Money [K, N, P] of each creation date by itself: ``levels`` [K, N, P] against the span that came; 0 where not known."""
    over = levels - past.spans[..., None]
    spent = np.where(over > 0, costs.overage[:, None] * over, -costs.underage[:, None] * over)
    return np.nan_to_num(spent)


def money_curve(past: ReplayData, costs: Costs) -> MoneyCurve:
    """What every quantile of the grid would have cost; items that differ in their critical ratio are judged at its median."""
    taus = np.asarray(GRID, np.float64)
    ratio = float(np.median(critical_ratio(costs.underage, costs.overage)))
    happened = replay(past, lost_sales_rule(past, taus), len(taus))
    block = past.lead_time + past.review
    replayed = _curve(taus, happened.cost(costs), happened.counted, block)
    plain = _curve(taus, plain_cost(past, past.levels(taus), costs), np.isfinite(past.spans), block)
    step = float(np.diff(taus)[np.clip(np.searchsorted(taus, ratio) - 1, 0, len(taus) - 2)]) / 2
    verdict: Literal["calibrated", "low", "high", "open"] = "calibrated"
    if past.demand.shape[1] < _FEW:
        verdict = "open"
    elif ratio < plain.best_low - step:
        verdict = "low"
    elif ratio > plain.best_high + step:
        verdict = "high"
    return MoneyCurve(replayed, plain, ratio, verdict, past.demand.shape[1], len(past))


def _known_mean(demand: np.ndarray) -> np.ndarray:
    """Mean [N] of what is known of ``demand`` [N, T]; 0 where nothing is."""
    known = np.isfinite(demand)
    return np.asarray(np.nan_to_num(demand).sum(axis=1, dtype=np.float64) / np.maximum(known.sum(axis=1), 1))


def _curve(taus: np.ndarray, spent: np.ndarray, counted: np.ndarray, block: int) -> Curve:
    """The curve of money ``spent`` [K, N, G], per period that has anything ``counted`` [K, N].

    Dates are drawn anew in blocks, for the spans of neighbours overlap.
    """
    periods = max(1, int(counted.any(axis=1).sum()))
    blocks = np.add.reduceat(spent, np.arange(0, len(spent), block), axis=0)
    drawn = resampled_sums(blocks, seed=0) / periods  # (draws, G)
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    best = taus[drawn.argmin(axis=1)]
    cost = spent.sum(axis=(0, 1)) / periods
    best_low, best_high = np.quantile(best, [0.05, 0.95], method="inverted_cdf")
    return Curve(taus, cost, low, high, float(taus[cost.argmin()]), float(best_low), float(best_high))
