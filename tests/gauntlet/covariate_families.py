"""Catalogs by what is known beside demand: prices, promotions, covariates of the past and of the future, holidays."""

from __future__ import annotations

import numpy as np
from gauntlet.drawing import Case, Draw, Family, case, covariates, prices

TOLD = "what it is told of the future was never seen: no reference holds"


def promo_never(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(promo=np.zeros(demand.shape)))


def promo_always(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(promo=np.ones(demand.shape)))


def promo_rhythmic(draw: Draw) -> Case:
    demand = draw.dense()
    promo = np.broadcast_to(np.arange(demand.shape[1]) % int(draw.one_of(4, 3, 7)) == 0, demand.shape)
    return case(draw, demand * np.where(promo, 3, 1), ahead=6, known=covariates(promo=promo))


def promo_first_time(draw: Draw) -> Case:
    demand = draw.dense()
    promo = np.zeros(demand.shape)
    promo[:, -6:] = 1.0
    return case(draw, demand, ahead=6, known=covariates(promo=promo))


def promo_in_percent(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(promo=30 * draw.chance(demand.shape, 0.2)))


def price_zero(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[0] = 0.0
    price[draw.chance(demand.shape, 0.2)] = 0.0
    price[1:, -1] = 0.0
    return case(draw, demand, known=covariates(price=price))


def price_9999(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[draw.chance(demand.shape, 0.05)] = 9999.0
    price[:, -int(draw.one_of(1, 8)) :] = draw.one_of(9999.0, 99999.0)
    return case(draw, demand, ahead=int(draw.one_of(6, 0)), known=covariates(price=price))


def price_always_9999(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(price=np.full(demand.shape, 9999.0)))


def price_negative(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[draw.chance(demand.shape, 0.1)] = -1.0
    return case(draw, demand, known=covariates(price=price))


def price_never_moved(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(price=np.full(demand.shape, 4.99)))


def price_with_the_season(draw: Draw) -> Case:
    demand = draw.dense(season=0.8)
    wave = np.sin(2 * np.pi * np.arange(demand.shape[1]) / draw.season)
    return case(draw, demand, known=covariates(price=5 + wave + np.zeros(demand.shape)))


def price_rarely_known(draw: Draw) -> Case:
    demand = draw.dense()
    price = np.where(draw.chance(demand.shape, 0.9), np.nan, prices(draw, demand.shape))
    price[0] = np.nan
    return case(draw, demand, known=covariates(price=price))


def price_unknown(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(price=np.full(demand.shape, np.nan)))


def price_with_a_sale(draw: Draw) -> Case:
    demand = draw.dense()
    demand[draw.chance(demand.shape, 0.3)] = 0.0
    price = np.where(demand > 0, prices(draw, demand.shape), np.nan)
    return case(draw, demand, known=covariates(price=price), price_seen="when sold")


def price_begins_late(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[:, : demand.shape[1] - 4] = np.nan
    return case(draw, demand, known=covariates(price=price))


def price_of_other_size(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, known=covariates(price=prices(draw, demand.shape) * draw.one_of(1e-4, 1e6)))


def price_redenominated(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[:, demand.shape[1] // 2 :] *= 100
    return case(draw, demand, known=covariates(price=price))


def price_slashed_ahead(draw: Draw) -> Case:
    demand = draw.dense()
    price = prices(draw, demand.shape)
    price[:, -6:] *= draw.one_of(0.1, 3.5)
    return case(draw, demand, ahead=6, known=covariates(price=price))


def covariate_constant(draw: Draw) -> Case:
    demand = draw.dense()
    stores, clicks = np.full(demand.shape, 120.0), np.full(demand.shape, 3.0)
    return case(draw, demand, ahead=6, known=covariates(stores=stores), past=covariates(clicks=clicks))


def covariate_explodes(draw: Draw) -> Case:
    demand = draw.dense()
    stores = 100 + draw.rng.normal(0, 5, demand.shape)
    stores[:, -6:] *= draw.one_of(1e3, 1e9, -1e6)
    return case(draw, demand, ahead=6, known=covariates(stores=stores))


def covariate_new_in_the_future(draw: Draw) -> Case:
    demand = draw.dense()
    fair = np.full(demand.shape, draw.one_of(0.0, np.nan))
    fair[:, -6:] = 1.0
    return case(draw, demand, ahead=6, known=covariates(fair=fair))


def covariate_unknown(draw: Draw) -> Case:
    demand = draw.dense()
    nothing = np.full(demand.shape, np.nan)
    return case(draw, demand, known=covariates(stores=nothing), past=covariates(clicks=nothing))


def covariate_ends(draw: Draw) -> Case:
    demand = draw.dense()
    stores, clicks = draw.rng.normal(50, 9, demand.shape), 4 * demand
    stores[:, -15:], clicks[:, -15:] = np.nan, np.nan
    return case(draw, demand, known=covariates(stores=stores), past=covariates(clicks=clicks))


def covariate_huge(draw: Draw) -> Case:
    demand = draw.dense()
    size = draw.one_of(1e12, 1e30)
    return case(draw, demand, known=covariates(stores=size * demand), past=covariates(clicks=size * demand))


def covariate_negative(draw: Draw) -> Case:
    demand = draw.dense()
    degrees, returns = draw.rng.normal(-5, 9, demand.shape), -np.floor(demand / 9)
    return case(draw, demand, known=covariates(degrees=degrees), past=covariates(returns=returns))


def many_covariates(draw: Draw) -> Case:
    demand = draw.dense()
    known = {f"known {n}": draw.rng.normal(n, 1 + n, demand.shape) for n in range(12)}
    past = {f"past {n}": draw.rng.exponential(1 + n, demand.shape) for n in range(12)}
    return case(draw, demand, known=covariates(**known), past=covariates(**past))


def nothing_planned(draw: Draw) -> Case:
    demand = draw.dense()
    known = covariates(price=prices(draw, demand.shape), promo=draw.chance(demand.shape, 0.3))
    return case(draw, demand, known=known, planned=frozenset())


def plan_with_holes(draw: Draw) -> Case:
    demand = draw.dense()
    price, promo = prices(draw, demand.shape), draw.chance(demand.shape, 0.3).astype(np.float64)
    price[:, -6:][draw.chance((len(demand), 6), 0.5)] = np.nan
    promo[::2, -6:] = np.nan
    return case(draw, demand, ahead=6, known=covariates(price=price, promo=promo))


def short_plan(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, ahead=2, known=covariates(price=prices(draw, demand.shape)))


def moving_holidays(draw: Draw) -> Case:
    demand = draw.dense()
    marks = np.zeros((demand.shape[1], 1), np.float32)
    marks[draw.rng.choice(len(marks), max(2, len(marks) // 25), replace=False)] = 1.0
    return case(draw, demand * (1 + 2 * marks[:, 0]), ahead=6, event_names=("Moving feast",), events=marks)


def holiday_only_ahead(draw: Draw) -> Case:
    demand = draw.dense()
    marks = np.zeros((demand.shape[1], 2), np.float32)
    marks[-2, 0] = 1.0
    return case(draw, demand, ahead=6, event_names=("Jubilee", "Never"), events=marks)


def holiday_always(draw: Draw) -> Case:
    demand = draw.dense()
    return case(draw, demand, event_names=("Open",), events=np.ones((demand.shape[1], 1), np.float32))


def short_with_everything(draw: Draw) -> Case:
    """A few periods with prices, promotions, covariates and a plan."""
    demand = draw.dense(draw.size(2, 6), 6 + 3 + 4 * draw.seed)
    known = covariates(price=prices(draw, demand.shape), promo=draw.chance(demand.shape, 0.3), stores=10 + 0 * demand)
    marks = np.zeros((demand.shape[1], 1), np.float32)
    marks[::4] = 1.0
    past = covariates(clicks=4 * demand)
    return case(draw, demand, 3, ahead=3, known=known, past=past, event_names=("Feast",), events=marks)


FAMILIES = (
    Family("promotion never", "promotions", promo_never, 1),
    Family("promotion always", "promotions", promo_always, 1),
    Family("promotion rhythmic", "promotions", promo_rhythmic),
    Family("promotion for the first time", "promotions", promo_first_time, 2, None, TOLD),
    Family("promotion in percent", "promotions", promo_in_percent, 1),
    Family("price of 0", "prices", price_zero),
    Family("price of 9999", "prices", price_9999),
    Family("price always 9999", "prices", price_always_9999, 1),
    Family("price below 0", "prices", price_negative, 1),
    Family("price never moved", "prices", price_never_moved, 1),
    Family("price with the season", "prices", price_with_the_season),
    Family("price rarely known", "prices", price_rarely_known, hard=True),
    Family("price unknown", "prices", price_unknown, 1),
    Family("price with a sale", "prices", price_with_a_sale),
    Family("price begins late", "prices", price_begins_late),
    Family("price of other size", "prices", price_of_other_size, 1),
    Family("price redenominated", "prices", price_redenominated, 1),
    Family("price slashed ahead", "prices", price_slashed_ahead, 2, None, TOLD),
    Family("covariate constant", "covariates", covariate_constant, 1),
    Family("covariate explodes", "covariates", covariate_explodes, 3, None, TOLD),
    Family("covariate new in the future", "covariates", covariate_new_in_the_future, 2, None, TOLD),
    Family("covariate unknown", "covariates", covariate_unknown),
    Family("covariate ends", "covariates", covariate_ends),
    Family("covariate huge", "covariates", covariate_huge),
    Family("covariate negative", "covariates", covariate_negative, 1),
    Family("many covariates", "covariates", many_covariates, 1),
    Family("nothing planned", "plans", nothing_planned),
    Family("plan with holes", "plans", plan_with_holes),
    Family("short plan", "plans", short_plan),
    Family("moving holidays", "holidays", moving_holidays),
    Family("holiday only ahead", "holidays", holiday_only_ahead, 2, None, TOLD),
    Family("holiday always", "holidays", holiday_always, 1),
    Family("short with everything", "short", short_with_everything, 2, None, "too little is known for a reference"),
)
