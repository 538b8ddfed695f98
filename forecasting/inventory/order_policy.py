"""From the distribution of demand to units to buy, step by step, and what a stock level is expected to cost.

Periodic review: every R periods an order is placed that arrives L periods later, so what is ordered now has to last over
t+1 … t+L+R. The order-up-to level is a quantile of demand summed over that span; the quantile that costs least is the
critical ratio c_u / (c_u + c_o). Axis letters: N items, H horizons, Q taus, L lead times.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from data.errors import ConfigurationError
from forecasting.core import quantile_function
from forecasting.core.types import QuantileForecast

#: A critical ratio is held inside these: beyond them a quantile function says little.
LOWEST_TAU, HIGHEST_TAU = 0.001, 0.999

_MIXED_AT_A_TIME = 2_000  # items: bounds the memory of a mixture
_HALVINGS = 45  # of a bracket at most: a relative 3e-14
_CLOSE, _MET = 1e-12, 1e-12  # a bracket so small is an answer, and so is a chance so near


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Every field is a read-only array of float64 with a leading axis of items, N or 1."""

    def __post_init__(self) -> None:
        for field in fields(self):
            array = np.atleast_1d(np.array(getattr(self, field.name), dtype=np.float64))
            if np.isnan(array).any():
                raise ConfigurationError(f"{field.name} has a number that is not known. Put a default in its place.")
            if (array < 0).any():
                raise ConfigurationError(f"{field.name} holds {array.min():g}. Give a number that is not negative.")
            array.flags.writeable = False
            object.__setattr__(self, field.name, array)


@dataclass(frozen=True, eq=False)
class Costs(_Arrays):
    """Money [N]: ``underage`` of a unit that was asked for and missing, ``overage`` of a unit left over."""

    underage: np.ndarray
    overage: np.ndarray


@dataclass(frozen=True, eq=False)
class Stock(_Arrays):
    """Units ``on_hand`` [N]; on order, ``arriving`` [N, H] in t+1 … t+H; and ``back_orders`` [N] still to be delivered."""

    on_hand: np.ndarray
    arriving: np.ndarray
    back_orders: np.ndarray

    @classmethod
    def of(cls, on_hand: np.ndarray, on_order: np.ndarray, back_orders: np.ndarray | float = 0.0) -> Stock:
        """Stock whose units on order [N] arrive within the next period: no arrival is on record."""
        return cls(on_hand, np.atleast_1d(np.asarray(on_order, np.float64))[:, None], np.asarray(back_orders))

    def arriving_within(self, periods: np.ndarray) -> np.ndarray:
        """Units [N] on order that arrive in the first ``periods`` [N]."""
        in_time = np.arange(1, self.arriving.shape[1] + 1) <= np.asarray(periods)[..., None]
        return np.asarray((self.arriving * in_time).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Rules(_Arrays):
    """How an item may be bought.

    Attributes
    ----------
    lead_time : [N] periods from order to receipt.
    review : [1] periods between orders.
    min_order : [N] units that an order has at least, 0 for none.
    pack_size : [N] units that come together; above 0.
    shelf_life : [N] periods until a unit received is spoilt, or inf.
    maximum_cover : [N] periods of expected demand that stock and orders may cover at most, or inf.
    """

    lead_time: np.ndarray
    review: np.ndarray
    min_order: np.ndarray
    pack_size: np.ndarray
    shelf_life: np.ndarray
    maximum_cover: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.pack_size > 0).all():
            raise ConfigurationError("A pack holds more than 0 units; got 0. Give 1 where units are bought singly.")

    @classmethod
    def plain(cls, lead_time: np.ndarray | float, review: float) -> Rules:
        """Single units, no minimum, nothing spoils."""
        return cls(*(np.asarray(one, np.float64) for one in (lead_time, review, 0.0, 1.0, np.inf, np.inf)))

    @property
    def protected(self) -> np.ndarray:
        """Periods [N] that an order placed now has to last: L + R."""
        return self.lead_time + self.review


@dataclass(frozen=True, eq=False)
class LeadTimes:
    """Uncertain lead times: ``periods`` [L] that an order may take, and the ``chances`` [N, L] of each, which add up to 1."""

    periods: np.ndarray
    chances: np.ndarray

    def __post_init__(self) -> None:
        if self.chances.ndim != 2 or self.chances.shape[1] != len(self.periods):
            raise ConfigurationError(f"chances has shape {self.chances.shape}, expected [N, {len(self.periods)}].")
        if (self.chances < 0).any() or not np.allclose(self.chances.sum(axis=1), 1):
            raise ConfigurationError("The chances of an item's lead times are not negative and add up to 1. Check them.")


@dataclass(frozen=True, eq=False)
class OrderPlan:
    """The arithmetic of an order, each step [N] in units.

    ``need`` is the order-up-to level in whole units, ``on_order`` what arrives within lead time and review, ``lost_before``
    demand that no order can serve any more (see ``lost_sales``), ``gap`` = need − on_hand − on_order + back_orders −
    lost_before. ``after_minimum`` and ``after_pack`` raise the gap, ``cap`` is what shelf life and maximum cover leave room
    for (inf: everything), and ``quantity`` is what to buy.
    """

    need: np.ndarray
    on_hand: np.ndarray
    on_order: np.ndarray
    back_orders: np.ndarray
    lost_before: np.ndarray
    gap: np.ndarray
    after_minimum: np.ndarray
    after_pack: np.ndarray
    cap: np.ndarray
    quantity: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """Units [N] that are there to meet demand until the next order's receipt, with what is bought now."""
        return self.on_hand + self.on_order - self.back_orders + self.quantity

    @property
    def covered(self) -> np.ndarray:
        """Units [N] of demand that the position answers, with what is lost before the receipt and needs none."""
        return self.position + self.lost_before


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a position is expected to bring over the protected span, [N]: units, a chance, and money."""

    lost_sales: np.ndarray
    left_over: np.ndarray
    service: np.ndarray
    cost: np.ndarray


def critical_ratio(underage: float | np.ndarray, overage: float | np.ndarray) -> np.ndarray:
    """The tau of least expected cost, c_u / (c_u + c_o); raises ConfigurationError unless both are above 0.

    >>> float(critical_ratio(3.0, 1.0))
    0.75
    """
    underage, overage = np.asarray(underage, np.float64), np.asarray(overage, np.float64)
    if not ((underage > 0) & (overage > 0)).all():
        raise ConfigurationError("A lost sale and an unsold unit both cost something. Give two amounts above 0.")
    return np.asarray(underage / (underage + overage))


def implied_ratio(tau: float | np.ndarray) -> np.ndarray:
    """How many unsold units a lost sale must cost for ``tau`` to be the best quantile: τ / (1 − τ).

    >>> round(float(implied_ratio(0.75)), 6)
    3.0
    """
    tau = np.asarray(tau, np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(tau / (1 - tau))


def protection(forecast: QuantileForecast, lead_time: float | np.ndarray | LeadTimes, review: float) -> np.ndarray:
    """Knots [N, Q] at ``forecast.taus`` of demand summed over t+1 … t+L+R.

    ``lead_time`` is in periods, one or [N], or uncertain.
    """
    return span_knots(forecast.taus, forecast.cumulative, lead_time, review)


def span_knots(
    taus: np.ndarray,
    spans: np.ndarray,
    lead_time: float | np.ndarray | LeadTimes,
    review: float,
    rows: np.ndarray | None = None,
) -> np.ndarray:
    """The same from knots ``spans`` [N, H, Q] of the first h periods, of all items or of ``rows`` [K] alone."""
    rows = np.arange(len(spans)) if rows is None else rows
    if isinstance(lead_time, LeadTimes):
        each = [_span(taus, spans, rows, np.full(len(rows), period + review)) for period in lead_time.periods]
        return mixture(taus, np.stack(each, axis=1), lead_time.chances)
    return _span(taus, spans, rows, np.broadcast_to(np.asarray(lead_time, np.float64) + review, len(rows)))


def uncertain_span_knots(
    taus: np.ndarray, spans: np.ndarray, lead_time: np.ndarray, deviation: np.ndarray, review: float, rows: np.ndarray
) -> np.ndarray:
    """The same [K, Q] where the lead times [K] of ``rows`` have a ``deviation`` [K]: three equally likely ones are mixed.

    They are L − √1.5 σ, L and L + √1.5 σ, whose mean and deviation are L and σ; none is below 0.
    """
    away = np.sqrt(1.5) * deviation
    each = [_span(taus, spans, rows, np.maximum(lead_time + side * away, 0.0) + review) for side in (-1, 0, 1)]
    return mixture(taus, np.stack(each, axis=1), np.full((len(rows), 3), 1 / 3))


def _span(taus: np.ndarray, spans: np.ndarray, rows: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Knots [K, Q] of the first ``length`` [K] periods: lines between whole spans.

    Beyond the horizon the mean grows in proportion and the spread with the square root, as if later periods were independent.
    """
    horizon = spans.shape[1]
    inside = np.clip(length, 0, horizon)
    whole = np.minimum(inside.astype(int), horizon - 1)
    before = np.where(whole[:, None] > 0, spans[rows, np.maximum(whole, 1) - 1], 0.0).astype(np.float64)
    knots = before + (inside - whole)[:, None] * (spans[rows, whole].astype(np.float64) - before)
    longer = length > horizon
    if longer.any():
        ratio = (length[longer] / horizon)[:, None]
        centre = quantile_function.mean(taus, knots[longer])[:, None]
        knots[longer] = np.maximum(centre * ratio + (knots[longer] - centre) * np.sqrt(ratio), 0)
    return np.asarray(knots)


def mixture(taus: np.ndarray, knots: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Knots [N, Q] of demand whose quantile function is ``knots`` [N, L, Q] with ``chances`` [N, L].

    The distribution functions are mixed, F = Σ p F_l, and F is inverted at each tau by narrowing a bracket, in turns by a
    line and by halving.
    """
    pieces = [slice(start, start + _MIXED_AT_A_TIME) for start in range(0, len(knots), _MIXED_AT_A_TIME)]
    return np.concatenate([_mixture(np.asarray(taus), knots[piece], chances[piece]) for piece in pieces])


def _mixture(taus: np.ndarray, knots: np.ndarray, chances: np.ndarray) -> np.ndarray:
    possible = chances[..., None] > 0
    low = np.where(possible, knots, np.inf).min(axis=1).ravel()  # [N · Q]: each F_l is below tau here, or just there
    high = np.where(possible, knots, -np.inf).max(axis=1).ravel()
    wanted, item = np.tile(taus, len(knots)), np.repeat(np.arange(len(knots)), len(taus))

    def chance(units: np.ndarray, places: np.ndarray) -> np.ndarray:
        """F at ``units`` [P] of the answers at ``places``."""
        rows = item[places]
        return np.asarray((quantile_function.level(taus, knots[rows], units[:, None]) * chances[rows]).sum(axis=1))

    open_ = np.flatnonzero(high - low > _CLOSE * np.maximum(high, 1.0))
    below, above = chance(low[open_], open_), chance(high[open_], open_)
    for turn in range(2 * _HALVINGS):
        if not open_.size:
            break
        lowest, highest, tau = low[open_], high[open_], wanted[open_]
        share = np.full(len(open_), 0.5)
        if turn % 2 == 0:  # F is mostly a line; every other turn halves, for where it jumps
            rise = above - below
            share = np.clip(np.where(rise > 0, (tau - below) / np.where(rise > 0, rise, 1.0), 0.5), 1e-9, 1 - 1e-9)
        middle = lowest + share * (highest - lowest)
        found = chance(middle, open_)
        enough = found >= tau
        low[open_], high[open_] = np.where(enough, lowest, middle), np.where(enough, middle, highest)
        below, above = np.where(enough, below, found), np.where(enough, found, above)
        met = np.abs(found - tau) <= _MET
        high[open_[met]] = middle[met]
        left = ~met & (high[open_] - low[open_] > _CLOSE * np.maximum(high[open_], 1.0))
        open_, below, above = open_[left], below[left], above[left]
    return high.reshape(len(knots), len(taus))


def order(
    knots: np.ndarray,
    taus: np.ndarray,
    tau: float | np.ndarray,
    stock: Stock,
    rules: Rules,
    lost_before: float | np.ndarray = 0.0,
) -> OrderPlan:
    """What to buy so that demand over lead time and review, ``knots`` [N, Q] at ``taus``, is met with chance ``tau``.

    Demand comes in whole units, so the level is the nearest whole unit (or the nearest pack where a pack is less than a
    unit). A cap leaves whole packs, and nothing where it leaves less than the minimum.
    """
    items = len(knots)
    protected = np.broadcast_to(rules.protected, items)
    unit = np.minimum(rules.pack_size, 1.0)
    need = _whole(quantile_function.quantile(taus, knots, tau) / unit - 0.5) * unit
    on_hand, back_orders = (np.broadcast_to(one, items) for one in (stock.on_hand, stock.back_orders))
    on_order = np.broadcast_to(stock.arriving_within(protected), items)
    position = on_hand + on_order - back_orders
    missed = np.floor(np.broadcast_to(lost_before, items) / unit + 1e-9) * unit
    gap = need - position - missed
    after_minimum = np.where(gap > 1e-9, np.maximum(gap, rules.min_order), 0.0)
    after_pack = _whole(after_minimum / rules.pack_size) * rules.pack_size
    rate = quantile_function.mean(taus, knots) / np.maximum(protected, 1e-9)
    cap = np.maximum(_most(rate, rules) - position, 0)
    fits = np.floor(np.minimum(after_pack, cap) / rules.pack_size + 1e-9) * rules.pack_size
    quantity = np.where(fits >= rules.min_order, fits, 0.0)
    return OrderPlan(need, on_hand, on_order, back_orders, missed, gap, after_minimum, after_pack, cap, quantity)


def _whole(number: np.ndarray) -> np.ndarray:
    """Rounded up, never below 0; what rounding of floats adds does not count."""
    return np.maximum(np.ceil(number - 1e-9), 0.0)


def _most(rate: np.ndarray, rules: Rules) -> np.ndarray:
    """The highest position [N] that sells before it spoils and stays within the maximum cover; inf where nothing limits it."""
    periods = np.minimum(rules.maximum_cover, rules.lead_time + rules.shelf_life)
    return np.where(np.isfinite(periods), rate * np.where(np.isfinite(periods), periods, 0), np.inf)


def best_position(knots: np.ndarray, taus: np.ndarray, costs: Costs) -> np.ndarray:
    """The position [N] of least expected cost: the quantile at the critical ratio. ``outcome`` prices any position."""
    ratio = np.clip(critical_ratio(costs.underage, costs.overage), LOWEST_TAU, HIGHEST_TAU)
    return quantile_function.quantile(taus, knots, ratio)


def outcome(knots: np.ndarray, taus: np.ndarray, position: np.ndarray, costs: Costs) -> Outcome:
    """What ``position`` [N] is expected to lose, leave over and cost, in closed form over the quantile function.

    E[(S − D)⁺] = S − E[D] + E[(D − S)⁺]; service is P(D ≤ S).
    """
    lost = quantile_function.shortfall(taus, knots, position)
    left = np.maximum(position - quantile_function.mean(taus, knots) + lost, 0)
    service = np.where(position < 0, 0.0, quantile_function.level(taus, knots, np.maximum(position, 0)))
    return Outcome(lost, left, service, costs.underage * lost + costs.overage * left)
