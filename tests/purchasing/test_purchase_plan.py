"""The purchase list from stored forecasts: its figures are the inventory's, for any scope and any settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write

from data.assortment import Assortment
from data.catalog import Catalog
from data.errors import ConfigurationError, UnknownItem
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS, level, quantile
from forecasting.inventory.order_policy import critical_ratio, span_knots
from forecasting.purchasing.plan_inputs import PlanInputs, plan_inputs
from forecasting.purchasing.purchase_plan import buy_plan
from forecasting.purchasing.purchase_terms import BuySettings

KNOTS = np.array(TAUS)
ITEMS = 30
COLUMNS = ("unit_cost", "price", "pack_size", "min_order", "lead_time", "on_hand", "on_order")


def assortment(tmp_path: Path, commercial: pd.DataFrame | None = None) -> Assortment:
    path = write(tmp_path / "catalog.duckdb", panel_of(ITEMS), commercial=commercial)
    catalog = Catalog(path)
    try:
        return catalog.assortment()
    finally:
        catalog.close()


def summary_of(item_ids: np.ndarray, horizon: int = 6) -> Summary:
    rng = np.random.default_rng(3)
    knots = np.sort(rng.gamma(2.0, 10.0, (len(item_ids), 1, len(TAUS))), axis=-1)
    spans = (knots * np.arange(1, horizon + 1)[:, None]).astype(np.float32)
    total = spans[:, -1, 6]
    return Summary("key", pd.Timestamp("2025-12-28"), horizon, item_ids, total, total, total, KNOTS, spans)


@pytest.fixture
def bare(tmp_path: Path) -> PlanInputs:
    """A catalog that knows nothing of buying."""
    found = assortment(tmp_path)
    return plan_inputs(found, summary_of(found.item_ids[::-1].copy()))


@pytest.fixture
def known(tmp_path: Path) -> PlanInputs:
    """A catalog that knows all."""
    rng = np.random.default_rng(1)
    commercial = pd.DataFrame(
        {
            "unit_cost": rng.uniform(1, 3, ITEMS).round(2),
            "price": rng.uniform(4, 6, ITEMS).round(2),
            "pack_size": rng.choice([1.0, 6.0, 12.0], ITEMS),
            "min_order": rng.choice([0.0, 24.0], ITEMS),
            "lead_time": rng.choice([1.0, 2.0, 3.0], ITEMS),
            "on_hand": rng.integers(0, 40, ITEMS).astype(float),
            "on_order": rng.integers(0, 10, ITEMS).astype(float),
        }
    )
    found = assortment(tmp_path, commercial)
    return plan_inputs(found, summary_of(found.item_ids[::-1].copy()))


def test_a_stored_summary_gives_back_its_spans_and_forgets_those_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "summary.parquet"
    first = summary_of(np.array(["A", "B"], dtype=object))
    first.save(path)
    loaded = Summary.load(path, "key")
    assert loaded is not None
    np.testing.assert_array_equal(loaded.spans, first.spans)
    np.testing.assert_array_equal(loaded.taus, first.taus)
    assert loaded.spans.dtype == np.float32
    assert Summary.load(path, "another key") is None
    Summary("other", *(getattr(first, name) for name in list(vars(first))[1:9])).save(path)
    assert len(list(tmp_path.glob("*.npy"))) == 1
    next(tmp_path.glob("*.npy")).unlink()
    assert Summary.load(path, "other") is None, "without its spans it is made again"


def test_every_line_is_the_order_for_its_own_span_quantile(known: PlanInputs) -> None:
    plan = buy_plan(known, BuySettings(tau=0.8), {})
    for place in range(len(plan)):
        line = plan.lines([place])[0]
        spans = known.spans[known.places[place]][None]
        knots = span_knots(KNOTS, spans, line.periods - 1, 1.0)
        assert line.need == pytest.approx(np.ceil(quantile(KNOTS, knots, 0.8)[0] - 0.5))
        assert line.gap == line.need - line.on_hand - line.on_order - line.lost_before
        assert line.position == line.on_hand + line.on_order + line.quantity
        assert line.level == pytest.approx(float(level(KNOTS, knots, line.position + line.lost_before)[0]))
        assert line.money == pytest.approx(line.quantity * line.unit_cost)
    assert not plan.assumed
    lines = plan.lines(range(len(plan)))
    assert plan.totals.units == sum(line.quantity for line in lines)
    assert plan.totals.money == pytest.approx(sum(line.money for line in lines))
    assert plan.totals.lost_sales == pytest.approx(sum(line.lost_sales for line in lines))


def test_what_the_catalog_does_not_know_is_assumed_and_counted(bare: PlanInputs) -> None:
    plan = buy_plan(bare, BuySettings(tau=0.8, lead_time=1, pack_size=6, on_hand=5), {})
    assert plan.assumed == dict.fromkeys(("unit_cost", *COLUMNS[2:]), ITEMS)  # the last price is on record
    assert (plan.order.on_hand == 5).all()
    assert (plan.quantity % 6 == 0).all()
    assert (plan.periods == 2).all()


def test_costs_choose_the_quantile_of_each_item(known: PlanInputs) -> None:
    settings = BuySettings(tau=None, lost=1.5, unsold=0.2)
    plan = buy_plan(known, settings, {})
    price, cost = (known.assortment.commercial[name] for name in ("price", "unit_cost"))
    assert plan.tau == pytest.approx(critical_ratio(1.5 * (price - cost), 0.2 * cost))


def test_a_category_and_an_item_are_parts_of_the_whole(known: PlanInputs) -> None:
    whole = buy_plan(known, BuySettings(), {})
    parts = [buy_plan(known, BuySettings(category=one), {}) for one in known.assortment.categories]
    assert sum(part.totals.units for part in parts) == whole.totals.units
    one = str(known.assortment.item_ids[4])
    alone = buy_plan(known, BuySettings(item=one), {})
    assert alone.lines([0]) == whole.lines([4])
    with pytest.raises(UnknownItem, match="no item"):
        buy_plan(known, BuySettings(item="nobody"), {})
    with pytest.raises(ConfigurationError, match="no category"):
        buy_plan(known, BuySettings(category="nothing"), {})


def test_a_planners_quantity_stands_and_says_what_it_implies(known: PlanInputs) -> None:
    item = str(known.assortment.item_ids[2])
    plan = buy_plan(known, BuySettings(tau=0.8), {item: 17.0, "gone from the catalog": 5.0})
    line = plan.lines([2])[0]
    assert (line.quantity, line.is_edited) == (17.0, True)
    assert line.planned == buy_plan(known, BuySettings(tau=0.8), {}).quantity[2]
    assert line.implied == pytest.approx(line.level / (1 - line.level))
    assert plan.line_with(item, 17.0) == line
    assert plan.line_with(item, 30.0).level >= line.level


def test_a_budget_is_spent_on_the_planners_quantities_first(known: PlanInputs) -> None:
    free = buy_plan(known, BuySettings(), {})
    item = str(known.assortment.item_ids[2])
    half = free.totals.money / 2
    plan = buy_plan(known, BuySettings(budget=half), {item: 17.0})
    assert plan.quantity[2] == 17.0
    assert plan.totals.money <= half + 1e-9
    assert plan.budget is not None
    assert plan.budget.cut.sum() > 0


def test_places_are_the_dearest_first_and_can_be_searched(known: PlanInputs) -> None:
    plan = buy_plan(known, BuySettings(tau=0.2), {})
    money = plan.money[plan.places()]
    assert (np.diff(money) <= 0).all()
    assert (plan.quantity[plan.places(only_to_buy=True)] > 0).all()
    wanted = str(known.assortment.item_ids[7])
    assert [line.item_id for line in plan.lines(plan.places(folded=wanted.casefold()))] == [wanted]


def test_an_item_that_is_no_longer_sold_is_in_no_list_but_its_own(known: PlanInputs) -> None:
    short = plan_inputs(known.assortment, summary_of(known.assortment.item_ids[1:].copy()))
    assert buy_plan(short, BuySettings(), {}).rows.tolist() == list(range(1, len(known.assortment)))
    assert buy_plan(short, BuySettings(item=str(known.assortment.item_ids[0])), {}).order.need.tolist() == [0]


def test_a_long_lead_time_is_flagged(known: PlanInputs) -> None:
    plan = buy_plan(known, BuySettings(review=5), {})
    assert plan.is_extended.tolist() == (known.assortment.commercial["lead_time"] + 5 > 6).tolist()


@pytest.mark.parametrize("wrong", [{"margin": 1.0}, {"margin": 0.0}, {"unsold": 0.0}, {"pack_size": -1.0}, {"review": 0.0}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="out of range"):
        BuySettings(**wrong)


def test_a_summary_of_an_older_version_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "summary.parquet"
    older = pd.DataFrame({"item_id": ["a"], "expected": [1.0]})
    older.attrs = {"key": "key", "creation_date": "2025-12-28", "horizon": 6}
    older.to_parquet(path)
    assert Summary.load(path, "key") is None
    summary = summary_of(np.array(["a", "b"], dtype=object))
    summary.save(path)
    kept = Summary.load(path, "key")
    assert kept is not None
    assert kept.item_ids.tolist() == ["a", "b"]
    assert Summary.load(path, "another key") is None


def test_without_prices_no_money_is_told_and_no_budget_cuts(bare: PlanInputs, known: PlanInputs) -> None:
    commercial = {**bare.assortment.commercial, "price": np.full(ITEMS, np.nan), "unit_cost": np.full(ITEMS, np.nan)}
    unpriced = replace(bare, assortment=replace(bare.assortment, commercial=commercial))
    plan = buy_plan(unpriced, BuySettings(tau=0.9, budget=10.0), {})
    assert not plan.is_priced
    assert plan.budget is None
    assert plan.totals.units > 0
    assert np.isnan(plan.totals.money)
    assert all(np.isnan(row.money) and np.isnan(row.unit_cost) for row in plan.lines(plan.places()))
    priced = buy_plan(known, BuySettings(tau=0.9), {})
    assert priced.is_priced
    assert priced.totals.money == pytest.approx(sum(row.money for row in priced.lines(priced.places())))
