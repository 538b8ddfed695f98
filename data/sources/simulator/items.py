"""Blocks of simulated items: what each is like, what it costs, what is wanted of it and what the shelf let through.

A block's items follow from the settings, the seed and the block's number alone, and every subject (nature, prices,
promotions, demand) draws from a stream of its own: switching promotions off leaves the same items at the same regular
prices. Axis letters: N items of the block, P periods of history and plan, T of history.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from data.sources.simulator.market import LAUNCH_CURVES, LINES, NOISE_LEVELS, VARIANTS, Market, stream

if TYPE_CHECKING:
    from data.sources.simulator.settings import Simulation

#: Items in a block: small enough that its arrays stay in a processor's cache, large enough for numpy.
BLOCK = 512

_PRICE_STEP = 0.2  # regular prices move within this log distance of the item's first one
_DISCOUNT = (0.1, 0.35)  # share off while promoted
_SHARES = np.array([0.4, 0.7, 1.0])  # of the stores that take part in a promotion
_LENGTH = {"day": (5, 10), "week": (1, 2), "month": (1, 1)}  # periods a promotion lasts
_LEAD_TIME = {"day": (2, 14), "week": (1, 4), "month": (1, 2)}
_FADE_YEARS = 0.25  # how long an item's demand takes to die before its end
_PACKS = np.array([1, 1, 2, 4, 6, 12, 24, 48])
_LINE_SHARES = (0.4, 0.25, 0.2, 0.15)


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive simulated items; first axis N in every array. Words as in ``simulator_truth.Truth``."""

    category: np.ndarray  # [N] rows of the market's categories
    brand: np.ndarray
    line: np.ndarray
    variant: np.ndarray
    price: np.ndarray  # [N, P] float32
    promo: np.ndarray  # [N, P] float32
    mean: np.ndarray  # [N, P], NaN before launch
    shape: np.ndarray
    active: np.ndarray
    demand: np.ndarray  # [N, P] float32, NaN before launch
    sold: np.ndarray  # [N, T] float32
    in_stock: np.ndarray  # [N, T] float32
    elasticity: np.ndarray
    lift: np.ndarray  # [N] log
    holiday: np.ndarray  # [N, E] log
    launch: np.ndarray
    end: np.ndarray
    unit_cost: np.ndarray
    pack_size: np.ndarray
    min_order: np.ndarray
    lead_time: np.ndarray
    on_hand: np.ndarray
    on_order: np.ndarray

    def __len__(self) -> int:
        return len(self.category)

    def part(self, rows: slice) -> Block:
        """These rows of the block."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def joined(cls, parts: list[Block]) -> Block:
        """Several blocks as one."""
        if len(parts) == 1:
            return parts[0]
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, eq=False)
class _Nature:
    """What each item of a block is, all [N]."""

    category: np.ndarray
    brand: np.ndarray
    line: np.ndarray
    variant: np.ndarray
    level: np.ndarray  # log units
    trend: np.ndarray  # log per year
    season: np.ndarray  # times the category's season
    holiday: np.ndarray  # times the category's holiday effects
    elasticity: np.ndarray
    lift: np.ndarray  # log
    noise: np.ndarray  # rows of the market's noise levels
    active: np.ndarray
    base_price: np.ndarray
    discount: np.ndarray
    launch: np.ndarray
    end: np.ndarray
    cost_share: np.ndarray
    pack_size: np.ndarray
    min_order: np.ndarray
    lead_time: np.ndarray


def simulated_block(settings: Simulation, market: Market, number: int) -> Block:
    """The items ``number`` · BLOCK … of a simulation."""
    nature = _nature(settings, market, stream(settings.seed, "nature", number))
    promo = _promotions(settings, market, nature, stream(settings.seed, "promotions", number))
    price = _prices(settings, nature, promo, stream(settings.seed, "prices", number))
    mean = _mean(settings, market, nature, price, promo)
    demand = _demand(settings, market, nature, mean, stream(settings.seed, "demand", number))
    sold, in_stock, on_hand, on_order = _shelf(settings, market, nature, mean, demand, promo)

    unborn = np.arange(mean.shape[1]) < nature.launch[:, None]  # (N, P)
    past = unborn[:, : settings.periods]  # (N, T) launches reach no further than T, so a plan has no gaps
    return Block(
        category=nature.category,
        brand=nature.brand,
        line=nature.line,
        variant=nature.variant,
        price=np.where(unborn, np.float32(np.nan), price),
        promo=np.where(unborn, np.float32(np.nan), promo),
        mean=np.where(unborn, np.nan, mean),
        shape=market.noise[nature.noise],
        active=nature.active,
        demand=np.where(unborn, np.nan, demand).astype(np.float32),
        sold=np.where(past, np.nan, sold).astype(np.float32),
        in_stock=np.where(past, np.nan, in_stock).astype(np.float32),
        elasticity=nature.elasticity,
        lift=nature.lift,
        holiday=nature.holiday[:, None] * market.holiday[nature.category],
        launch=nature.launch,
        end=nature.end,
        unit_cost=np.round(nature.base_price * nature.cost_share, 2),
        pack_size=nature.pack_size,
        min_order=nature.min_order,
        lead_time=nature.lead_time,
        on_hand=on_hand,
        on_order=on_order,
    )


def _nature(settings: Simulation, market: Market, rng: np.random.Generator) -> _Nature:
    """What the items are. All is drawn whatever the switches, so that a switch changes its own subject only."""
    category = np.searchsorted(np.cumsum(market.weights)[:-1], rng.random(BLOCK))
    brand = rng.integers(settings.brands, size=BLOCK)
    line = np.searchsorted(np.cumsum(_LINE_SHARES)[:-1], rng.random(BLOCK))
    variant = rng.integers(len(VARIANTS), size=BLOCK)
    deviate = {name: rng.standard_normal(BLOCK) for name in ("level", "trend", "elasticity", "lift", "price")}
    season, holiday = rng.uniform(0.5, 1.5, BLOCK), rng.uniform(0.7, 1.3, BLOCK)
    noise = rng.integers(NOISE_LEVELS, size=BLOCK)
    discount = rng.uniform(*_DISCOUNT, BLOCK)
    fate, when = rng.random((2, BLOCK))
    is_intermittent, active = rng.random(BLOCK) < settings.intermittent, rng.uniform(0.08, 0.4, BLOCK)
    pack_luck, order_luck = rng.integers(-1, 2, BLOCK), rng.integers(1, 4, BLOCK)
    cost_share = rng.uniform(0.5, 0.75, BLOCK)
    low, high = _LEAD_TIME[settings.frequency.unit]
    lead_time = rng.integers(low, high + 1, BLOCK)

    level = np.log(settings.units) + settings.spread * deviate["level"] + market.brand_level[brand]
    size = np.exp(np.where(is_intermittent, level - 1.2, level))  # (N,) units of an active period
    log_price = market.base_price[category] + market.brand_price[brand] + 0.3 * deviate["price"]
    launch, end = _lives(settings, fate, when)
    pack_size = _PACKS[np.clip(np.round(np.log2(size + 1)).astype(int) + pack_luck, 0, len(_PACKS) - 1)]
    return _Nature(
        category=category,
        brand=brand,
        line=line,
        variant=variant,
        level=np.log(size * np.where(is_intermittent, active, 1.0)),
        trend=np.clip(settings.trend * deviate["trend"], -2.5 * settings.trend, 2.5 * settings.trend),
        season=season,
        holiday=holiday,
        elasticity=np.clip(market.elasticity[category] * np.exp(0.3 * deviate["elasticity"]), *settings.elasticity),
        lift=np.maximum(market.lift[category] + settings.promotion_bias * deviate["lift"], 0.0),
        noise=noise,
        active=np.where(is_intermittent, active, 1.0),
        base_price=np.round(np.exp(np.maximum(log_price, -0.5)), 2),
        discount=discount,
        launch=launch,
        end=end,
        cost_share=cost_share,
        pack_size=pack_size,
        min_order=pack_size * order_luck,
        lead_time=lead_time,
    )


def _lives(settings: Simulation, fate: np.ndarray, when: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First period on sale and first period without demand [N], from two uniform numbers each."""
    T, P = settings.periods, settings.periods + settings.planned
    launched = fate < settings.launches
    coming = ~launched & (fate < settings.launches + settings.new_items)
    ending = fate >= 1 - settings.ends
    first = 1 + np.floor((0.1 + 0.9 * when) * (T - 1)).astype(np.int64)  # 1 … T − 1
    launch = np.where(launched, np.minimum(first, T - 1), np.where(coming, T, 0))
    end = np.where(ending, np.floor(T * 0.5 + when * (P - T * 0.5)).astype(np.int64), P)
    return launch, np.maximum(end, 1)


def _promotions(settings: Simulation, market: Market, nature: _Nature, rng: np.random.Generator) -> np.ndarray:
    """Share of the stores that promote the item [N, P] float32."""
    count = len(market.periods)
    tilt = np.exp(settings.promotions_in_season * market.season)  # (C, P) more in high season
    rate = settings.promotions / settings.frequency.per_year * tilt / tilt.mean(axis=1, keepdims=True)
    starts = rng.random((BLOCK, count)) < rate[nature.category]
    share = rng.choice(_SHARES, (BLOCK, count))
    low, high = _LENGTH[settings.frequency.unit]
    length = rng.integers(low, high + 1, (BLOCK, 1))
    started = np.maximum.accumulate(np.where(starts, np.arange(count), -high - 1), axis=1)  # (N, P) last start
    running = np.arange(count) - started < length
    return np.where(running, np.take_along_axis(share, np.maximum(started, 0), axis=1), 0.0).astype(np.float32)


def _prices(settings: Simulation, nature: _Nature, promo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shelf price [N, P] float32, in whole cents: a regular price that moves in steps, less a promotion's discount."""
    count = promo.shape[1]
    changes = rng.random(promo.shape) < settings.price_changes / settings.frequency.per_year
    steps = rng.uniform(-_PRICE_STEP, _PRICE_STEP, promo.shape)
    changes[:, 0] = True
    steps[:, 0] = 0.0
    changed = np.maximum.accumulate(np.where(changes, np.arange(count), 0), axis=1)
    regular = nature.base_price[:, None] * np.exp(np.take_along_axis(steps, changed, axis=1))
    shelf = regular * (1 - nature.discount[:, None] * (promo > 0))
    return np.round(np.maximum(shelf, 0.05), 2).astype(np.float32)


def _mean(settings: Simulation, market: Market, nature: _Nature, price: np.ndarray, promo: np.ndarray) -> np.ndarray:
    """Expected units [N, P]: level × trend × season × holidays × price × promotion × launch curve × end of life."""
    log_mean = nature.level[:, None] + nature.trend[:, None] * market.years
    log_mean += nature.season[:, None] * market.season[nature.category]
    log_mean += nature.holiday[:, None] * (market.holiday @ market.events.T)[nature.category]
    log_mean -= nature.elasticity[:, None] * np.log(price.astype(np.float64) / nature.base_price[:, None])
    log_mean += nature.lift[:, None] * promo
    mean = np.exp(log_mean)

    time = np.arange(mean.shape[1])
    for row in np.flatnonzero(nature.launch > 0):
        age = np.maximum(time - nature.launch[row], 0) / settings.frequency.per_year
        mean[row] *= LAUNCH_CURVES[LINES[nature.line[row]]](age)
    fade = max(1.0, _FADE_YEARS * settings.frequency.per_year)
    ending = nature.end < len(time)
    mean[ending] *= np.clip((nature.end[ending, None] - time) / fade, 0, 1)
    return mean


def _demand(settings: Simulation, market: Market, nature: _Nature, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Units wanted [N, P], drawn as ``simulator_truth`` says."""
    idle = rng.random(mean.shape, dtype=np.float32) >= nature.active[:, None]
    shape = market.noise[nature.noise]
    shared = market.shocks[nature.category, nature.noise]  # (N, P)
    own_shape = shape * (1 - settings.shared_shocks)
    gamma = (shared + rng.standard_gamma(np.broadcast_to(own_shape[:, None], mean.shape))) / shape[:, None]
    rate = mean / nature.active[:, None] * gamma
    rate[idle] = 0.0
    return rng.poisson(rate).astype(np.float64)


def _shelf(
    settings: Simulation, market: Market, nature: _Nature, mean: np.ndarray, demand: np.ndarray, promo: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Units sold and share in stock [N, T], and units on hand and on order [N] after the last period.

    At the end of each period the buyer orders up to what the lead time and one more period should need, at the service
    level of the settings, in whole packs. The buyer plans each promotion with the category's lift and not the item's
    own, so items that promote better than their kind sell out. An order made in t is on the shelf in t + lead time + 1.
    """
    T, items = settings.periods, np.arange(len(mean))
    expected = mean * np.exp((market.lift[nature.category] - nature.lift)[:, None] * promo)
    expected[np.arange(mean.shape[1]) < nature.launch[:, None]] = 0.0
    target = _order_up_to(settings, market, nature, expected)  # (T + 1, N) in the order of time, before period t
    if settings.stockouts == 0:
        return demand[:, :T], np.ones((len(mean), T)), target[T], np.zeros(len(mean))

    wanted = np.ascontiguousarray(demand[:, :T].T)  # (T, N)
    wanted[np.arange(T)[:, None] < nature.launch] = 0.0
    sold, in_stock = np.empty_like(wanted), np.ones_like(wanted)
    arriving = np.zeros((T + int(nature.lead_time.max()) + 2, len(mean)))
    on_hand, on_order = target[0].copy(), np.zeros(len(mean))
    for t in range(T):
        on_order -= arriving[t]
        on_hand += arriving[t]
        np.minimum(wanted[t], on_hand, out=sold[t])
        np.divide(on_hand, wanted[t], out=in_stock[t], where=wanted[t] > on_hand)
        in_stock[t][(on_hand == 0) & (mean[:, t] > 0)] = 0.0
        on_hand -= sold[t]
        short = target[t + 1] - on_hand - on_order
        order = np.ceil(np.maximum(short, nature.min_order) / nature.pack_size) * nature.pack_size
        order[short <= 0] = 0.0
        arriving[t + nature.lead_time + 1, items] = order
        on_order += order
    return sold.T, in_stock.T, on_hand, on_order


def _order_up_to(settings: Simulation, market: Market, nature: _Nature, expected: np.ndarray) -> np.ndarray:
    """Position to order up to before period t [T + 1, N]: the mean of the next L + 1 periods and a safety stock."""
    T, P = settings.periods, expected.shape[1]
    peak = expected / nature.active[:, None]
    variance = expected * (1 + peak / market.noise[nature.noise][:, None] + peak - expected)
    safety = NormalDist().inv_cdf(1 - (settings.stockouts or 0.02))
    start = np.arange(T + 1)[:, None]
    stop = np.minimum(start + nature.lead_time + 1, P)  # (T + 1, N)

    def over_span(values: np.ndarray) -> np.ndarray:
        total = np.zeros((P + 1, len(values)))
        np.cumsum(values.T, axis=0, out=total[1:])
        return np.maximum(np.take_along_axis(total, stop, axis=0) - total[: T + 1], 0.0)

    return np.ceil(over_span(expected) + safety * np.sqrt(over_span(variance)))
