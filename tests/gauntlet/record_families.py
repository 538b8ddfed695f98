"""Catalogs by what is on record: how many items and periods, gaps, stockouts, attributes, names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from gauntlet.drawing import Case, Draw, Family, case, covariates, labels, prices

NOBODY_KNOWS = "too little is known of its items for a reference"


def ordinary(draw: Draw) -> Case:
    demand = draw.dense()
    promo = draw.chance(demand.shape, 0.15)
    known = covariates(price=prices(draw, demand.shape), promo=promo)
    return case(draw, demand, known=known, past=covariates(views=10 * demand))


def one_item(draw: Draw) -> Case:
    return case(draw, draw.dense(1))


def two_items(draw: Draw) -> Case:
    return case(draw, draw.dense(2))


def many_items(draw: Draw) -> Case:
    return case(draw, draw.dense(300, 30), 3)


def long_history(draw: Draw) -> Case:
    return case(draw, draw.dense(3, 400))


def one_period(draw: Draw) -> Case:
    return case(draw, draw.dense(draw.size(2, 12), 1), 2)


def few_periods(draw: Draw) -> Case:
    return case(draw, draw.dense(draw.size(2, 12), 2 + draw.seed), 2)


def short(draw: Draw) -> Case:
    return case(draw, draw.dense(draw.size(2, 12), 8 + 4 * draw.seed), 4)


def horizon_beyond_history(draw: Draw) -> Case:
    return case(draw, draw.dense(draw.size(3, 8), 14), 20)


def horizon_of_one(draw: Draw) -> Case:
    return case(draw, draw.dense(), 1)


def long_horizon(draw: Draw) -> Case:
    return case(draw, draw.dense(4), 28)


def less_than_a_year(draw: Draw) -> Case:
    weeks = replace(draw, alias=("W-SUN", "W-MON")[draw.seed % 2])
    demand = weeks.dense(periods=40)
    return case(weeks, demand * (1 + np.arange(40) / 20))


def one_known_period_each(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:, :-1] = np.nan
    return case(draw, demand)


def gaps(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, np.where(draw.chance(demand.shape, draw.one_of(0.3, 0.6, 0.9)), np.nan, demand))


def unknown_block(draw: Draw) -> Case:
    demand = draw.dense()
    middle = demand.shape[1] // 2
    demand[:, middle : middle + 10] = np.nan
    return case(draw, demand)


def unknown_lately(draw: Draw) -> Case:
    demand = draw.dense()
    demand[:: int(draw.one_of(1, 2)), -int(draw.one_of(3, 8, 15)) :] = np.nan
    return case(draw, demand)


def unknown_beside_others(draw: Draw) -> Case:
    demand = draw.dense()
    demand[::2] = np.nan
    return case(draw, demand)


def all_unknown(draw: Draw) -> Case:
    return case(draw, np.full((4, draw.periods()), np.nan))


def stockouts(draw: Draw) -> Case:
    demand = draw.dense()
    stock = np.where(draw.chance(demand.shape, 0.2), 0.4, 1.0)
    return case(draw, np.floor(demand * stock), in_stock=stock.astype(np.float32))


def sold_out_lately(draw: Draw) -> Case:
    demand = draw.dense()
    stock = np.ones(demand.shape, np.float32)
    stock[:, -int(draw.one_of(6, 14)) :] = 0.0
    return case(draw, demand * stock, in_stock=stock)


def never_in_stock(draw: Draw) -> Case:
    demand = draw.dense()
    stock = np.ones(demand.shape, np.float32)
    stock[:: int(draw.one_of(2, 1))] = 0.0
    return case(draw, demand * stock, in_stock=stock)


def stock_not_recorded(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, in_stock=np.full(demand.shape, np.nan, np.float32))


def no_group(draw: Draw) -> Case:
    return case(draw, draw.dense(), static={})


def unique_attribute(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, static={"maker": labels(*(f"maker {n}" for n in range(len(demand))), items=len(demand))})


def one_value(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, static={"category": labels("all", items=len(demand))})


def blank_attribute(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, static={"category": labels("", "tea", items=len(demand)), "brand": labels("", items=len(demand))})


def odd_words(draw: Draw) -> Case:
    demand = draw.dense(8)
    ids = np.array(["a/b", "'; drop", '"quoted"', "=1+1", "<b>", "Äpfel & Söhne", "x" * 180, "null"], dtype=object)
    static = {"Größe, cm": labels("½", "10'", "NaN", items=8), "category": labels("ß", "ẞ", "ss", items=8)}
    return case(draw, demand, item_ids=ids, static=static)


def many_attributes(draw: Draw) -> Case:
    demand = draw.dense(12)
    static = {f"attribute {n}": labels(*(f"{n}.{value}" for value in range(n + 1)), items=12) for n in range(10)}
    return case(draw, demand, static=static)


def unseen_attribute(draw: Draw) -> Case:
    demand = draw.dense(8)
    demand[-3:, : -int(draw.one_of(1, 4, 1000))] = np.nan
    category = labels("soap", "tea", items=8)
    category[-3:] = "never seen"
    return case(draw, demand, static={"category": category}, newcomers=3)


def launches_on_record(draw: Draw) -> Case:
    """Enough launches that are over for the desk to learn from."""
    demand = _launched(draw, 60)
    return case(draw, demand, 4, known=covariates(price=prices(draw, demand.shape)))


def launches_all_at_once(draw: Draw) -> Case:
    demand = draw.dense(30, 60)
    demand[:, :30] = np.nan
    return case(draw, demand, 4)


def launches_that_failed(draw: Draw) -> Case:
    """Sold once or never after their first period, some with no attribute and at a price of 0."""
    demand = _launched(draw, 60)
    for row in range(2, len(demand)):
        demand[row, 12 + row :] = 0.0
    static = {"category": labels("", "tea", "", items=len(demand))}
    price = np.zeros(demand.shape)
    price[::3] = 5.0
    return case(draw, demand, 4, static=static, known=covariates(price=price))


def launches_with_gaps(draw: Draw) -> Case:
    demand = _launched(draw, 60)
    unknown = draw.chance(demand.shape, 0.4)
    return case(draw, np.where(unknown, np.nan, demand), 4, in_stock=np.where(unknown, 0.0, 1.0).astype(np.float32))


def _launched(draw: Draw, periods: int) -> np.ndarray:
    """Demand [N, T] of two old items, and of 28 that began one after the other."""
    demand = draw.dense(30, periods)
    for row in range(2, 30):
        demand[row, : 10 + row] = np.nan
    return demand


FAMILIES = (
    Family("ordinary", "plain", ordinary, 3),
    Family("one item", "sizes", one_item),
    Family("two items", "sizes", two_items, 1),
    Family("many items", "sizes", many_items, 1),
    Family("long history", "sizes", long_history),
    Family("one period", "short", one_period, 2, None, NOBODY_KNOWS),
    Family("few periods", "short", few_periods, 5, None, NOBODY_KNOWS),
    Family("short", "short", short, 3),
    Family("horizon beyond history", "horizons", horizon_beyond_history),
    Family("horizon of one", "horizons", horizon_of_one, 1),
    Family("long horizon", "horizons", long_horizon, 1),
    Family("less than a year", "seasons", less_than_a_year),
    Family("one known period each", "gaps", one_known_period_each, 2, None, NOBODY_KNOWS),
    Family("gaps", "gaps", gaps),
    Family("unknown block", "gaps", unknown_block),
    Family("unknown lately", "gaps", unknown_lately),
    Family("unknown beside others", "gaps", unknown_beside_others),
    Family("all unknown", "gaps", all_unknown, 1, None, NOBODY_KNOWS),
    Family("stockouts", "stock", stockouts),
    Family("sold out lately", "stock", sold_out_lately),
    Family("never in stock", "stock", never_in_stock, 2, None, NOBODY_KNOWS),
    Family("stock not recorded", "stock", stock_not_recorded, 1),
    Family("no group", "attributes", no_group),
    Family("unique attribute", "attributes", unique_attribute),
    Family("one value", "attributes", one_value, 1),
    Family("blank attribute", "attributes", blank_attribute),
    Family("odd words", "attributes", odd_words, 1),
    Family("many attributes", "attributes", many_attributes, 1),
    Family("unseen attribute", "attributes", unseen_attribute, 3),
    Family("launches on record", "launches", launches_on_record),
    Family("launches all at once", "launches", launches_all_at_once, 1),
    Family("launches that failed", "launches", launches_that_failed, 1, None, "what sold once may sell again"),
    Family("launches with gaps", "launches", launches_with_gaps, 1),
)
