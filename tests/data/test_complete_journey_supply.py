"""The simulated supply side of Complete Journey: its books balance, and what it planted can be found again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from catalogs import WEEKLY, write

from data.assortment import Assortment
from data.catalog import Catalog
from data.facts import About
from data.schema import Panel
from data.sources import complete_journey_supply
from data.sources.complete_journey_supply import LATENESS, Supply, supply_of
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.lead_times import supply_of as learned_from
from forecasting.purchasing.alerts import REASONS, alerts
from forecasting.purchasing.plan_inputs import plan_inputs
from forecasting.purchasing.purchase_terms import BuySettings

ITEMS, WEEKS = 900, 52
SUNDAYS = WEEKLY.range(pd.Timestamp("2017-01-08"), WEEKS)
LAST = SUNDAYS[-1].to_datetime64().astype("datetime64[D]")


def shop(items: int = ITEMS, seed: int = 3) -> Panel:
    """A small chain: slow and brisk items, launches, promotions that triple sales, two brands, three departments."""
    rng = np.random.default_rng(seed)
    rate = np.exp(rng.normal(0.5, 1.2, items))
    promo = (rng.random((items, WEEKS)) < 0.04).astype(np.float32)
    demand = rng.poisson(rate[:, None] * (1 + 2 * promo)).astype(np.float32)
    demand[: items // 10, :20] = np.nan
    price = np.repeat(rng.uniform(1, 9, (items, 1)), WEEKS, axis=1).astype(np.float32)
    department = np.array(["Grocery", "Produce", "Drug and general merchandise"], dtype=object)[np.arange(items) % 3]
    return Panel(
        item_ids=np.array([f"{number:05d}" for number in range(items)], dtype=object),
        periods=SUNDAYS,
        frequency=WEEKLY,
        demand=demand,
        in_stock=np.full(demand.shape, np.nan, np.float32),
        known={"price": price, "promo": promo},
        past={"base_price": price},
        static={
            "department": department,
            "category": np.array([f"{name} {n % 7}" for n, name in enumerate(department)], dtype=object),
            "brand": np.array(["National", "Private"], dtype=object)[(np.arange(items) // 3) % 2],
        },
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return shop()


@pytest.fixture(scope="module")
def supply(panel: Panel) -> Supply:
    return supply_of(panel)


def by_item(supply: Supply, panel: Panel, where: np.ndarray) -> np.ndarray:
    """Units [N] of the orders ``where`` [O]."""
    row = np.array([int(item_id) for item_id in supply.orders.item_ids[where]], int)
    return np.bincount(row, supply.orders.units[where], len(panel))


def test_the_same_seed_makes_the_same_supply_and_another_makes_another(panel, supply):
    again, other = supply_of(panel), supply_of(panel, seed=99)
    pd.testing.assert_frame_equal(again.commercial, supply.commercial)
    assert again.orders.table().equals(supply.orders.table())
    assert not other.commercial["on_hand"].equals(supply.commercial["on_hand"])


def test_a_supplier_sells_fresh_goods_or_groceries_or_the_rest_of_one_kind_of_brand(panel, supply):
    of_item = pd.Series(supply.suppliers.of_item)
    for column in ("department", "brand"):  # each department here is a kind of its own
        assert (pd.Series(panel.static[column]).groupby(of_item).nunique() == 1).all()
    assert set(of_item) == set(range(len(supply.suppliers.names)))
    assert (supply.suppliers.promised[supply.suppliers.of_item[panel.static["department"] == "Produce"]] == 1).all()


def test_sales_are_left_as_they_are(panel):
    before = panel.demand.copy()
    supply_of(panel)
    np.testing.assert_array_equal(panel.demand, before)


def test_stock_balances_and_is_never_negative(panel, supply):
    before = np.hstack([np.zeros((len(panel), 1)), supply.on_hand[:, :-1]])
    came = supply.opening + supply.received
    left = np.maximum(before + came - np.nan_to_num(panel.demand), 0.0)
    np.testing.assert_allclose(supply.on_hand, left - supply.thrown_away)
    assert (supply.on_hand >= 0).all()
    np.testing.assert_array_equal(supply.commercial["on_hand"], supply.on_hand[:, -1])
    fresh = panel.static["department"] == "Produce"
    assert supply.thrown_away[fresh].any()
    assert not supply.thrown_away[~fresh].any()


def test_nothing_is_on_the_shelf_before_a_launch(panel, supply):
    unknown = np.isnan(panel.demand)
    assert not supply.on_hand[unknown].any()
    assert not supply.received[unknown].any()


def test_what_is_on_order_is_what_was_ordered_and_not_received(panel, supply):
    is_open = np.isnat(supply.orders.received)
    np.testing.assert_array_equal(supply.commercial["on_order"], by_item(supply, panel, is_open))
    assert (supply.orders.received[~is_open] <= LAST).all()
    overdue = is_open & (supply.orders.due <= LAST)
    assert 0 < overdue.sum() < 0.5 * is_open.sum()


def test_received_orders_are_what_came_in(panel, supply):
    week = np.searchsorted(SUNDAYS.to_numpy().astype("datetime64[D]"), supply.orders.received)
    for t in range(WEEKS - 10, WEEKS):  # orders older than half a year are not kept, and all of them came long before
        np.testing.assert_allclose(by_item(supply, panel, week == t), supply.received[:, t])


def test_orders_are_whole_packs_and_at_least_the_minimum(supply):
    row = np.array([int(item_id) for item_id in supply.orders.item_ids], int)
    pack, least = (supply.commercial[name].to_numpy()[row] for name in ("pack_size", "min_order"))
    assert not (supply.orders.units % pack).any()
    assert (supply.orders.units >= least).all()


def test_brisk_items_come_in_larger_packs_and_costs_lie_below_prices(panel, supply):
    sells = np.nanmean(panel.demand, axis=1)
    pack = supply.commercial["pack_size"]
    assert pack[sells > 8].mean() > 3 * pack[sells < 1].mean()
    share = supply.commercial["unit_cost"] / panel.known["price"][:, -1]
    assert share.between(0.3, 0.95).all()
    private = panel.static["brand"] == "Private"
    assert share[private].mean() < share[~private].mean(), "own brands earn more"


def test_lead_times_learned_from_receipts_are_near_those_planted(panel, monkeypatch):
    monkeypatch.setattr(complete_journey_supply, "_ITEMS_OF_A_SUPPLIER", 150)
    supply = supply_of(panel)
    suppliers = supply.suppliers
    names = suppliers.names[suppliers.of_item]
    assortment = Assortment(
        item_ids=panel.item_ids, names=None, search_text=None, category=pd.Categorical(panel.static["department"]),
        commercial={name: supply.commercial[name].to_numpy() for name in supply.commercial}, supplier=pd.Categorical(names),
    )  # fmt: skip
    about = About(
        name="Shop", source="", words="", frequency=WEEKLY, stamp="last", currency="USD", country=None, first=SUNDAYS[0],
        last=SUNDAYS[-1], periods=WEEKS, items=len(panel), known=(), past=(), static=(), price_seen="always", planned=0,
        catalog_hash="", contract_version=2, built_at="",
    )  # fmt: skip
    learned = learned_from(supply.orders, assortment, about)
    planted = suppliers.promised + suppliers.chances @ LATENESS
    for number, name in enumerate(suppliers.names):
        mine = names == name
        assert learned.mean[mine].mean() == pytest.approx(planted[number], abs=0.15), name
    assert learned.is_overdue.any()


def test_most_items_are_fine_and_some_are_forgotten_or_bought_too_much_of(panel, supply):
    on_hand, sells = supply.on_hand[:, -1], np.nanmean(panel.demand[:, -13:], axis=1)
    cover = on_hand / np.maximum(sells, 0.1)
    assert 2 < np.median(cover) < 7
    empty = on_hand + supply.commercial["on_order"].to_numpy() == 0
    assert 0.001 < empty.mean() < 0.08


def test_today_finds_several_kinds_of_alerts_and_leaves_most_items_alone(panel, supply, tmp_path):
    names = supply.suppliers.names[supply.suppliers.of_item].tolist()
    path = write(tmp_path / "c.duckdb", panel, commercial=supply.commercial, suppliers=names, orders=supply.orders)
    with closing(Catalog(path)) as catalog:
        assortment, known = catalog.assortment(), catalog.known_periods()
        learned = learned_from(catalog.orders(), assortment, catalog.about)
    rate = np.nanmean(panel.demand[[int(one) for one in assortment.item_ids], -13:], axis=1)
    ahead = rate[:, None] * np.arange(1, 14)  # (N, H): a forecast that takes each item's mean for its rate
    spans = scipy.stats.poisson.ppf(np.array(TAUS), np.maximum(ahead, 0.01)[:, :, None]).astype(np.float32)
    total = spans[:, -1, 6]
    summary = Summary("key", SUNDAYS[-1], 13, assortment.item_ids, total, total, total, np.array(TAUS), spans)
    found = alerts(plan_inputs(assortment, summary, known, learned), BuySettings(), known)
    share = {reason: np.mean(found.reason == number) * len(found) / len(panel) for number, reason in enumerate(REASONS)}
    assert 0.005 < share["shortage"] < 0.15
    assert 0.001 < share["overstock"] < 0.10
    needed = learned.is_overdue.sum() / len(panel)
    assert 0 < needed < 0.10


def test_an_item_that_is_promoted_no_longer_may_have_been_bought_for_it(panel, monkeypatch):
    quiet = replace(panel, known=panel.known | {"promo": np.zeros_like(panel.known["promo"])})
    monkeypatch.setattr(complete_journey_supply, "_OVER_ORDERED", 1.0)
    held, plain = (supply_of(one).commercial[["on_hand", "on_order"]].sum(axis=1) for one in (panel, quiet))
    assert (held > 1.5 * plain.clip(lower=4)).mean() > (plain > 1.5 * held.clip(lower=4)).mean() + 0.02
