"""Catalogs by what only the desk reads: on what terms items are bought, purchase orders, locations, a country's holidays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from gauntlet.drawing import Case, Draw, Family, case, covariates, labels, prices

from data.locations import LOCATION, PRODUCT, SUPPLIED_FROM
from data.orders import Orders
from data.schema import COMMERCIAL


def _on_terms(draw: Draw, **terms: float) -> Case:
    """Dense items with prices, bought on these terms."""
    demand = draw.dense()
    plain = case(draw, demand, known=covariates(price=prices(draw, demand.shape)))
    return replace(plain, terms={name: np.full(len(demand), value) for name, value in terms.items()})


def terms_of_zero(draw: Draw) -> Case:
    return _on_terms(draw, **dict.fromkeys(COMMERCIAL, 0.0))


def terms_unknown(draw: Draw) -> Case:
    return _on_terms(draw, **dict.fromkeys(COMMERCIAL, float("nan")))


def terms_below_zero(draw: Draw) -> Case:
    return _on_terms(draw, on_hand=-7.0, on_order=-3.0, unit_cost=-2.0, lead_time=-1.0)


def terms_beyond_measure(draw: Draw) -> Case:
    far = draw.one_of(60.0, 1000.0)
    return _on_terms(draw, on_hand=1e12, min_order=1e9, pack_size=1e6, lead_time=far, lead_time_sd=far, back_orders=1e9)


def tiny_packs(draw: Draw) -> Case:
    return _on_terms(draw, pack_size=1e-6, min_order=0.5, unit_cost=1e-6, lead_time=0.3, max_cover=0.1, shelf_life=0.1)


def sold_at_a_loss(draw: Draw) -> Case:
    return _on_terms(draw, unit_cost=100.0, price=1.0, lead_time=2.0)


def purchase_orders(draw: Draw) -> Case:
    """Received, open, overdue and due far away; some of them on the day they were ordered."""
    plain = _on_terms(draw, on_hand=5.0, lead_time=2.0)
    history = plain.history
    count = 40
    last = history.last.to_datetime64().astype("datetime64[D]")
    ordered = last - draw.rng.integers(0, 200, count).astype("timedelta64[D]")
    due = ordered + draw.rng.integers(0, 400, count).astype("timedelta64[D]")
    received = np.where(draw.chance((count,), 0.6), np.minimum(due, last), np.datetime64("NaT"))
    orders = Orders(draw.rng.choice(history.item_ids, count), ordered, due, received, draw.rng.uniform(1, 1e4, count))
    return replace(plain, orders=orders)


def branches(draw: Draw) -> Case:
    """Two products, each at a depot and three branches; with seed 1 the branches supply the depots, too."""
    demand = draw.dense(8)
    demand[[0, 4]] = 0.0
    product = np.repeat(np.array(["oats", "tea"], dtype=object), 4)
    from_where = labels("north" if draw.seed else "", "depot", "depot", "depot", items=8)
    where = {PRODUCT: product, LOCATION: labels("depot", "north", "south", "west", items=8), SUPPLIED_FROM: from_where}
    return replace(case(draw, demand, static=where), terms={"on_hand": np.full(8, 9.0), "lead_time": np.full(8, 2.0)})


def holidays_of_a_country(draw: Draw) -> Case:
    return replace(case(draw, draw.dense()), country=("DE", "US")[draw.seed % 2])


FAMILIES = (
    Family("terms of zero", "terms", terms_of_zero, 1),
    Family("terms unknown", "terms", terms_unknown, 1),
    Family("terms below zero", "terms", terms_below_zero, 1),
    Family("terms beyond measure", "terms", terms_beyond_measure),
    Family("tiny packs", "terms", tiny_packs, 1),
    Family("sold at a loss", "terms", sold_at_a_loss, 1),
    Family("purchase orders", "terms", purchase_orders),
    Family("branches", "terms", branches),
    Family("holidays of a country", "holidays", holidays_of_a_country),
)
