"""A catalog with a depot and branches: read, taken off the purchase list, and planned product by product."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write
from scipy.stats import norm

from data.catalog import Catalog
from data.errors import UnknownItem
from data.findings import Findings
from data.locations import LOCATION_COLUMNS, families, location_columns
from data.planner_store import Term
from data.sources.simulator import simulate
from data.sources.upload import load
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS
from forecasting.purchasing.multi_echelon_plan import (
    BranchErrorCorrelation,
    contradictions,
    depot_lines,
    product_plan,
    product_plans,
)
from forecasting.purchasing.plan_inputs import plan_inputs
from forecasting.purchasing.purchase_plan import BuyPlan, buy_plan
from forecasting.purchasing.purchase_terms import BuySettings

KNOTS = np.array(TAUS)
ROWS = [("Tea", "Depot", ""), ("Tea", "North", "Depot"), ("Tea", "South", "Depot"), ("Jam", "North", "Nowhere")]
WHERE = ["Depot", "North", "South", "East", "Depot", "North", "North", ""]
PRODUCT = ["Tea"] * 4 + ["Jam"] * 2 + ["Soap", "Oil"]
SOURCE = ["", "Depot", "Depot", "Depot", "", "Depot", "Depot", ""]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> BuyPlan:
    """Tea with three branches, Jam with one, Soap whose depot is missing, Oil bought from outside."""
    panel = panel_of(len(WHERE))
    text = lambda values: np.array(values, dtype=object)  # noqa: E731
    static = {**panel.static, "product": text(PRODUCT), "location": text(WHERE), "supplied_from": text(SOURCE)}
    stock = pd.DataFrame({"on_hand": [12.0, 0, 0, 0, 500, 0, 0, 0], "on_order": 0.0, "lead_time": 2.0, "pack_size": 6.0})
    path = write(tmp_path_factory.mktemp("where") / "catalog.duckdb", replace(panel, static=static), commercial=stock)
    catalog = Catalog(path)
    try:
        found = catalog.assortment()
    finally:
        catalog.close()
    return buy_plan(plan_inputs(found, summary_of(found.item_ids)), BuySettings(), {})


def summary_of(item_ids: np.ndarray) -> Summary:
    each = norm(20, 5).ppf(KNOTS)
    spans = (each * np.arange(1, 9)[:, None] ** 0.9)[None].repeat(len(item_ids), axis=0).astype(np.float32)
    total = spans[:, -1, 6]
    return Summary("key", pd.Timestamp("2025-12-28"), 8, item_ids, total, total, total, KNOTS, spans)


def test_rows_of_a_depot_are_not_bought_line_by_line(plan: BuyPlan) -> None:
    product = plan.inputs.assortment.locations["product"]
    moved = np.isin(product, ["Tea", "Jam"])
    assert (plan.quantity[moved] == 0).all()
    assert (plan.quantity[~moved] > 0).all()
    assert [(item, "no row at 'Depot'" in one.message) for item, one in contradictions(plan)] == [
        (str(plan.inputs.assortment.item_ids[list(product).index("Soap")]), True)
    ]


def test_the_product_whose_depot_is_short_comes_first(plan: BuyPlan) -> None:
    lines = depot_lines(plan)
    assert [(one.product, one.branches, one.short > 0) for one in lines] == [("Tea", 3, True), ("Jam", 1, False)]


def test_a_depot_without_a_record_is_no_new_product(plan: BuyPlan) -> None:
    assortment = plan.inputs.assortment
    silent = np.zeros(len(assortment), int)
    found = buy_plan(plan_inputs(assortment, summary_of(assortment.item_ids), silent), BuySettings(), {})
    nothing = found.knots.max(axis=1) == 0
    assert (plan.knots.max(axis=1) > 0).all()
    assert nothing.tolist() == (assortment.locations["location"] == "Depot").tolist(), "branches are yet to be launched"


@pytest.mark.parametrize("sells", [False, True])
def test_a_products_plan_adds_up_and_pools(plan: BuyPlan, sells: bool) -> None:
    found = product_plan(plan, "Tea", "Depot", BranchErrorCorrelation(0.2, np.full(len(WHERE), sells)))
    assert found.is_depot.sum() == sells
    assert found.moved.given.sum() + found.moved.kept == 12
    assert found.moved.given.sum() % 6 == 0
    assert found.order.level < found.order.added
    assert found.order.quantity >= found.order.level - found.order.position
    assert found.order.position == 12
    np.testing.assert_array_equal(found.position, found.on_hand + found.on_the_way - found.back_orders)
    assert found.order.position == found.line.on_hand + found.position.sum()
    alike = product_plan(plan, "Tea", "Depot", BranchErrorCorrelation(1.0, np.full(len(WHERE), sells)))
    assert alike.order.level == pytest.approx(alike.order.added, rel=1e-6), "branches that err as one pool nothing"


def test_the_lists_of_all_products_are_those_of_each(plan: BuyPlan) -> None:
    past, told = BranchErrorCorrelation(0.2, np.ones(len(WHERE), bool)), []
    every = product_plans(plan, past, told.append)
    assert [one.line for one in every] == list(depot_lines(plan))
    assert told[0].total == 2
    for one in every:
        alone = product_plan(plan, one.line.product, "Depot", past)
        np.testing.assert_array_equal(one.moved.given, alone.moved.given)
        assert one.order == alone.order


def tea_at_the_depot(plan: BuyPlan) -> int:
    where = plan.inputs.assortment.locations
    return int(np.flatnonzero((where["product"] == "Tea") & (where["location"] == "Depot"))[0])


def test_a_depot_buys_on_the_terms_that_planners_saved(plan: BuyPlan) -> None:
    inputs, past = plan.inputs, BranchErrorCorrelation(0.2, np.ones(len(WHERE), bool))
    plain = product_plan(plan, "Tea", "Depot", past).order.quantity
    saved = [Term("min_order", plain + 60, item_id=str(inputs.assortment.item_ids[tea_at_the_depot(plan)]))]
    assert product_plan(buy_plan(inputs, BuySettings(), {}, saved), "Tea", "Depot", past).order.quantity == plain + 60


def test_less_waits_at_a_depot_to_which_more_comes_soon(plan: BuyPlan) -> None:
    def kept(arrives_in: float) -> float:
        known = {name: column.copy() for name, column in plan.inputs.assortment.commercial.items()}
        row = tea_at_the_depot(plan)
        known["on_hand"][row], known["on_order"][row], known["arrives_in"][row] = 90.0, 600.0, arrives_in
        inputs = replace(plan.inputs, assortment=replace(plan.inputs.assortment, commercial=known))
        past = BranchErrorCorrelation(0.2, np.ones(len(WHERE), bool))
        return product_plan(buy_plan(inputs, BuySettings(), {}), "Tea", "Depot", past).moved.kept

    assert kept(1.0) < kept(6.0)


def test_an_unknown_product_is_refused(plan: BuyPlan) -> None:
    with pytest.raises(UnknownItem, match="no product"):
        product_plan(plan, "Salt", "Depot", BranchErrorCorrelation(0.2, np.ones(len(WHERE), bool)))


def test_a_simulated_product_is_split_over_branches_and_keeps_its_law() -> None:
    settings = simulate.Simulation(items=60, periods=80, stockouts=0.0, seed=3)
    plain, split = simulate.simulated(settings), simulate.simulated(replace(settings, locations=3))
    assert len(split) == 4 * len(plain)
    demand = split.panel.demand.reshape(60, 4, -1)
    assert np.isnan(demand[:, 0]).all(), "a depot has no record"
    np.testing.assert_array_equal(demand[:, 1:].sum(axis=1), plain.panel.demand)
    np.testing.assert_allclose(split.truth.mean.reshape(60, 4, -1).sum(axis=1), plain.truth.mean)
    where = location_columns(split.panel.static)
    made, wrong = families(*(where[name].tolist() for name in LOCATION_COLUMNS))
    assert not wrong
    assert [(one.depot, one.branches) for one in made[:2]] == [(0, (1, 2, 3)), (4, (5, 6, 7))]
    part = next(iter(simulate.simulate(replace(settings, locations=3), chunk=7)))
    np.testing.assert_array_equal(part.panel.demand, split.panel.demand[:28])
    np.testing.assert_array_equal(part.commercial["on_hand"], split.commercial["on_hand"][:28])


def test_branches_of_a_simulated_product_sell_by_their_stated_law() -> None:
    settings = simulate.Simulation(items=400, periods=60, stockouts=0.0, intermittent=0.0, launches=0.0, ends=0.0, locations=2)
    split = simulate.simulated(replace(settings, new_items=0.0))
    branch = np.arange(len(split)) % 3 > 0
    mean, demand = split.truth.mean[branch, :60], split.panel.demand[branch].astype(float)
    off = (demand - mean) / np.sqrt(mean + mean**2 / split.truth.shape[branch, None])
    assert off.mean() == pytest.approx(0, abs=0.03)
    assert (off**2).mean() == pytest.approx(1, abs=0.05)


def test_an_upload_of_products_at_places_becomes_a_catalog_of_locations(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-07", periods=12, freq="W-SUN")
    lines = ["date,product,store,supplied_from,units,on_hand"]
    for day in days:
        lines += [f"{day:%Y-%m-%d},{product},{store},{source},{5 if source else 0},{20}" for product, store, source in ROWS]
    before = load.preview("sales.csv", "\n".join(lines).encode())
    path = tmp_path / "catalog.duckdb"
    load.load(before, before.mapping, "Mine", path)
    with closing(Catalog(path)) as catalog:
        where = catalog.assortment().locations
        assert sorted(zip(*(where[name].tolist() for name in LOCATION_COLUMNS), strict=True)) == sorted(ROWS)
        found = [one.finding for one in catalog.checks() if one.title == "Locations"]
    assert found[0] == "2 branches are supplied by 1 depot."
    assert "no row at 'Nowhere'" in found[1]


def test_a_catalog_without_locations_has_none(tmp_path: Path) -> None:
    catalog = Catalog(write(tmp_path / "catalog.duckdb", panel_of(8)))
    try:
        assert not catalog.assortment().locations
    finally:
        catalog.close()


def test_a_depot_that_never_sold_is_not_told_to_lack_a_history() -> None:
    panel = panel_of(3)
    where = {"product": ["A", "A", "B"], "location": ["Depot", "Shop", "Shop"], "supplied_from": ["", "Depot", ""]}
    demand = panel.demand.copy()
    demand[[0, 2]] = np.nan  # the depot, and an item that is none
    found = Findings()
    found.add(replace(panel, demand=demand, static={name: np.array(column, object) for name, column in where.items()}))
    (told,) = (one for one in found.checks() if one.title == "No history")
    assert told.count == 1
