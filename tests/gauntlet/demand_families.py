"""Catalogs by how their items sell: never, once, now and then, in bursts, on other scales, with breaks."""

from __future__ import annotations

import numpy as np
from gauntlet.drawing import Band, Case, Draw, Family, case

BREAK = "what sold before the break says little of what comes"
SPARSE = "its items sell too seldom for a median"


def all_zero(draw: Draw) -> Case:
    return case(draw, np.zeros((draw.size(2, 8), draw.periods())))


def zero_beside_others(draw: Draw) -> Case:
    demand = draw.dense()
    demand[::2] = 0.0
    return case(draw, demand)


def constant(draw: Draw) -> Case:
    return case(draw, np.full((draw.size(2, 6), draw.periods()), draw.one_of(7.0, 1.0, 1000.0)))


def one_sale(draw: Draw) -> Case:
    demand = np.zeros((draw.size(3, 8), draw.periods()))
    where = np.linspace(0, demand.shape[1] - 1, len(demand)).astype(int)
    demand[np.arange(len(demand)), where] = draw.one_of(4.0, 1.0, 500.0)
    return case(draw, demand)


def intermittent(draw: Draw) -> Case:
    demand = draw.dense(draw.size(4, 10))
    return case(draw, demand * draw.chance(demand.shape, 1 - draw.one_of(0.6, 0.75, 0.9, 0.95, 0.99)))


def spare_parts(draw: Draw) -> Case:
    shape = (draw.size(4, 10), draw.periods())
    return case(draw, draw.chance(shape, 0.1) * (1 + draw.rng.geometric(0.4, shape)).astype(np.float64))


def zero_or_one(draw: Draw) -> Case:
    return case(draw, draw.chance((draw.size(3, 8), draw.periods()), 0.5).astype(np.float64))


def alternating(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, ::2] = 0.0
    return case(draw, demand)


def stopped(draw: Draw) -> Case:
    demand = draw.dense()
    for row in range(0, len(demand), 2):
        demand[row, int(draw.rng.integers(1, demand.shape[1])) :] = 0.0
    return case(draw, demand)


def all_stopped(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, demand.shape[1] // 2 :] = 0.0
    return case(draw, demand)


def launched_last_week(draw: Draw) -> Case:
    demand = draw.dense(draw.size(4, 10))
    demand[::2, :-1] = np.nan
    return case(draw, demand)


def launched_one_by_one(draw: Draw) -> Case:
    demand = draw.dense(draw.size(5, 12))
    for row in range(len(demand)):
        demand[row, : row * demand.shape[1] // len(demand)] = np.nan
    return case(draw, demand)


def successor(draw: Draw) -> Case:
    demand = draw.dense(6)
    middle = 2 * demand.shape[1] // 3
    demand[::2, middle:] = 0.0
    demand[1::2, :middle] = np.nan
    return case(draw, demand)


def level_shift(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, demand.shape[1] * 2 // 3 :] *= draw.one_of(4.0, 0.25, 10.0)
    return case(draw, demand)


def fresh_level_shift(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, -3:] *= draw.one_of(6.0, 0.1)
    return case(draw, demand)


def bulk_order(draw: Draw) -> Case:
    demand = draw.dense()
    back = int(draw.one_of(1, 10, 3, 20))
    demand[:, -back] = 150 * demand.mean(axis=1)
    return case(draw, demand)


def lockdown(draw: Draw) -> Case:
    demand = draw.dense()
    begun = demand.shape[1] - int(draw.one_of(20, 10, 14))
    demand[:, begun : begun + 10] *= 0.02
    return case(draw, np.round(demand))


def other_units(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, demand.shape[1] // 2 :] *= draw.one_of(12.0, 1 / 12)
    return case(draw, demand)


def other_units_lately(draw: Draw) -> Case:
    demand = draw.dense()
    demand[::2, -5:] *= draw.one_of(12.0, 1 / 12)
    return case(draw, demand)


def growing(draw: Draw) -> Case:
    demand = draw.dense()
    steps = np.arange(demand.shape[1])
    return case(draw, np.round(demand * np.exp(draw.one_of(0.02, -0.02) * steps)))


def long_zeros_then_burst(draw: Draw) -> Case:
    demand = np.zeros((draw.size(3, 8), draw.periods()))
    demand[:, -int(draw.one_of(1, 2, 4)) :] = 400.0
    return case(draw, demand)


def bursts(draw: Draw) -> Case:
    demand = draw.dense()
    on = (np.arange(demand.shape[1]) // 8) % 4 == 0
    return case(draw, demand * np.where(on, 20, 0))


def closed_days(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, np.arange(demand.shape[1]) % 7 >= 5] = 0.0
    return case(draw, demand)


def once_a_year(draw: Draw) -> Case:
    demand = draw.dense(periods=min(2 * draw.season + 10, 140))
    return case(draw, demand * ((np.arange(demand.shape[1]) % draw.season) < max(1, draw.season // 6)))


def heavy_tail(draw: Draw) -> Case:
    shape = (draw.size(3, 8), draw.periods())
    return case(draw, np.round(draw.rng.lognormal(2.0, 2.0, shape)))


def fractions(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, np.round(demand * draw.rng.uniform(0.5, 1.5, demand.shape) / 10, 3))


def side_by_side(draw: Draw) -> Case:
    demand = draw.dense(13)
    return case(draw, demand / demand.mean(axis=1, keepdims=True) * 10.0 ** np.arange(-3, 10)[:, None])


def thousandths(draw: Draw) -> Case:
    return case(draw, draw.dense() * draw.one_of(1e-5, 1e-8))


def billions(draw: Draw) -> Case:
    return case(draw, draw.dense() * draw.one_of(1e8, 1e10))


def giant_among_dwarfs(draw: Draw) -> Case:
    demand = draw.dense(8)
    demand[0] *= 1e6
    demand[1:] = np.minimum(demand[1:], 3.0)
    return case(draw, demand)


def duplicates(draw: Draw) -> Case:
    return case(draw, np.repeat(draw.dense(2), draw.size(2, 5), axis=0))


def totals_beside_items(draw: Draw) -> Case:
    demand = draw.dense(6)
    return case(draw, np.vstack([demand, demand.sum(axis=0), 100 * demand.sum(axis=0)]))


def motley(draw: Draw) -> Case:
    """Items of every kind in one catalog."""
    demand = draw.dense(24)
    periods = demand.shape[1]
    demand[0:3] *= draw.chance((3, periods), 0.1)
    demand[3:6, periods // 2 :] = 0.0
    demand[6:9, : periods - 4] = np.nan
    demand[9:12] = 0.0
    demand[12, periods // 3] *= 200
    demand[13:15] *= 1e-4
    demand[15:17] *= 1e6
    demand[17, :] = 5.0
    demand[18] = np.nan
    return case(draw, demand)


ANY_SCALE, WIDE = Band(least=0.0), Band(0.05, 20.0)

FAMILIES = (
    Family("all zero", "nothing", all_zero),
    Family("zero beside others", "nothing", zero_beside_others, 1, hard=True),
    Family("constant", "plain", constant),
    Family("one sale", "sparse", one_sale, 2, None, SPARSE),
    Family("intermittent", "sparse", intermittent, 5, None, SPARSE),
    Family("spare parts", "sparse", spare_parts, 1, None, SPARSE),
    Family("zero or one", "sparse", zero_or_one, 1, None, SPARSE),
    Family("alternating", "sparse", alternating, 1, None, SPARSE),
    Family("stopped", "ends", stopped, 2, None, "an item that stopped a week ago may be on again"),
    Family("all stopped", "ends", all_stopped, 1),
    Family("launched last week", "begins", launched_last_week),
    Family("launched one by one", "begins", launched_one_by_one, 1),
    Family("successor", "begins", successor),
    Family("level shift", "breaks", level_shift, 2, WIDE),
    Family("fresh level shift", "breaks", fresh_level_shift, 2, None, BREAK),
    Family("bulk order", "breaks", bulk_order, 3, None, "the mean of 13 periods is that of the order"),
    Family("lockdown", "breaks", lockdown, 2, None, BREAK),
    Family("other units", "breaks", other_units, 2, WIDE),
    Family("other units lately", "breaks", other_units_lately, 2, None, BREAK),
    Family("growing", "breaks", growing),
    Family("long zeros then burst", "breaks", long_zeros_then_burst, 2, None, BREAK),
    Family("bursts", "breaks", bursts, 2, None, "bursts come and go"),
    Family("closed days", "seasons", closed_days, 1),
    Family("once a year", "seasons", once_a_year, 2, None, "the season is over or yet to come"),
    Family("heavy tail", "plain", heavy_tail, 1, None, "the mean of 13 periods is that of the largest"),
    Family("fractions", "scales", fractions, 2, ANY_SCALE),
    Family("side by side", "scales", side_by_side, 3, ANY_SCALE),
    Family("thousandths", "scales", thousandths, 2, ANY_SCALE),
    Family("billions", "scales", billions),
    Family("giant among dwarfs", "scales", giant_among_dwarfs, 1),
    Family("duplicates", "alike", duplicates, 1),
    Family("totals beside items", "alike", totals_beside_items, 1),
    Family("motley", "plain", motley, hard=True),
)
