"""What items sell together: totals that keep each item's quantiles, are tied as past errors were, and are never P90s added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import opened, panel_of, trained_on, write
from scipy.special import ndtr
from scipy.stats import norm

from data.catalog import Catalog
from data.errors import TooLittleHistory
from forecasting.batch.error_correlation import ErrorCorrelation, error_correlation_of
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.purchasing.joint_demand import joint_totals
from forecasting.purchasing.plan_inputs import plan_inputs
from forecasting.purchasing.purchase_plan import BuyPlan, buy_plan
from forecasting.purchasing.purchase_terms import BuySettings

ITEMS, MEAN, DEVIATION = 60, 100.0, 20.0
KNOTS = np.array(TAUS)
STAMP = pd.Timestamp("2025-12-28")
NONE = ErrorCorrelation(0.0, 0.0, 60, 30, STAMP, STAMP, 3)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> BuyPlan:
    """Items whose demand until the next order is normal, 100 ± 20, of three categories."""
    catalog = Catalog(write(tmp_path_factory.mktemp("joint") / "catalog.duckdb", panel_of(ITEMS)))
    try:
        found = catalog.assortment()
    finally:
        catalog.close()
    knots = norm(MEAN, DEVIATION).ppf(KNOTS)
    spans = np.broadcast_to(knots, (ITEMS, 6, len(KNOTS))).astype(np.float32)
    total = spans[:, -1, 6]
    made = plan_inputs(found, Summary("key", STAMP, 6, found.item_ids, total, total, total, KNOTS, spans))
    return buy_plan(made, BuySettings(), {})


@pytest.mark.parametrize(("market", "category"), [(0.0, 0.0), (0.3, 0.3), (0.1, 0.5)])
def test_totals_spread_as_the_ties_say_and_less_than_the_sum_of_p90s(plan: BuyPlan, market: float, category: float) -> None:
    found = joint_totals(plan, replace(NONE, market=market, category=category))
    each = np.unique(np.asarray(plan.inputs.assortment.category, dtype=str), return_counts=True)[1].astype(float)
    variance = ITEMS * (1 - category) + market * ITEMS**2 + (category - market) * (each**2).sum()
    whole = found.whole
    assert whole.units_p50 == pytest.approx(ITEMS * MEAN, rel=0.015)
    assert whole.units_p90 == pytest.approx(ITEMS * MEAN + norm.ppf(0.9) * DEVIATION * np.sqrt(variance), rel=0.02)
    assert whole.added_units == pytest.approx(ITEMS * (MEAN + norm.ppf(0.9) * DEVIATION), rel=1e-3)
    assert whole.units_p90 < whole.added_units


def test_items_that_err_as_one_sell_what_their_p90s_add_up_to(plan: BuyPlan) -> None:
    whole = joint_totals(plan, replace(NONE, market=1.0, category=1.0)).whole
    assert whole.units_p90 == pytest.approx(whole.added_units, rel=0.02)
    assert whole.money_p90 == pytest.approx(whole.added_money, rel=0.02)


def test_categories_make_the_whole_and_one_alone_is_what_it_is_among_them(plan: BuyPlan) -> None:
    ties = replace(NONE, market=0.1, category=0.3)
    found = joint_totals(plan, ties)
    assert sum(one.items for one in found.categories) == found.whole.items == ITEMS
    assert sum(one.added_money for one in found.categories) == pytest.approx(found.whole.added_money)
    assert sum(one.units_p90 for one in found.categories) > found.whole.units_p90
    first = found.categories[0]
    alone = joint_totals(buy_plan(plan.inputs, BuySettings(category=first.name), {}), ties).whole
    assert alone.units_p90 == pytest.approx(first.units_p90, rel=0.02)
    assert first.money_p50 == max(one.money_p50 for one in found.categories)


@pytest.mark.slow
def test_ties_are_measured_on_honest_forecasts_and_planted_ones_are_found(tmp_path: Path) -> None:
    base = panel_of(ITEMS, 60)
    rng = np.random.default_rng(0)
    shock = np.exp(0.5 * rng.standard_normal(60))  # all items of a period sell more or less at once
    mean = rng.uniform(20, 60, (ITEMS, 1))
    one, tied = (rng.poisson(mean * factor, (ITEMS, 60)).astype(np.float32) for factor in (np.ones(60), shock))
    found = []
    for name, demand in (("one", one), ("tied", tied)):
        panel = replace(base, demand=demand, in_stock=np.ones_like(demand))
        catalog = Catalog(write(tmp_path / f"{name}.duckdb", panel))
        model = MQTransformerForecaster(
            TrainingSettings(members=2, scale_lives=(0.5,), most_steps=60, look_every=20, width=8, decoder_width=12)
        )
        whole = catalog.panel()
        model.fit(whole, whole.last, 4)
        try:
            ids = [str(item_id) for item_id in whole.item_ids]
            found.append(error_correlation_of(catalog, model.networks, ids, 2))
            assert found[-1].first >= model.networks.early_until
            with pytest.raises(TooLittleHistory, match="creation dates"):
                error_correlation_of(catalog, model.networks, ids, 58)
        finally:
            catalog.close()
    assert found[1].market > 0.5 > found[0].market + 0.2
    assert found[1].category >= found[1].market


def test_ties_are_not_measured_where_nothing_is_known_of_what_came(tmp_path: Path) -> None:
    panel = panel_of(6, 60)
    stock = np.ones_like(panel.demand)
    stock[:, -20:] = 0.0
    settings = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=2, look_every=1, width=8, decoder_width=8)
    with opened(tmp_path, replace(panel, in_stock=stock)) as catalog:
        model = trained_on(catalog, settings, 4)
        with pytest.raises(TooLittleHistory, match="with known demand after them, and there are 0"):
            error_correlation_of(catalog, model.networks, [str(item) for item in panel.item_ids], 2)


def test_a_path_reads_the_quantile_function_it_was_given(plan: BuyPlan) -> None:
    one = buy_plan(plan.inputs, BuySettings(item=str(plan.inputs.assortment.item_ids[5])), {})
    found = joint_totals(one, NONE).whole
    assert found.units_p90 == pytest.approx(found.added_units, rel=0.03)
    assert float(ndtr((found.units_p90 - MEAN) / DEVIATION)) == pytest.approx(0.9, abs=0.02)


def test_suppliers_make_the_whole_along_the_same_draws_and_hold_what_comes(plan: BuyPlan) -> None:
    """Items of several categories, tied by category alone: the truth of a supplier's total is drawn anew and covered."""
    every = plan.inputs.assortment
    names = np.array(["East", "West"], object)[np.arange(ITEMS) % 2]
    basis_ = replace(plan.inputs, assortment=replace(every, supplier=pd.Categorical(names)))
    ties = replace(NONE, market=0.1, category=0.4)
    found = joint_totals(buy_plan(basis_, BuySettings(), {}), ties)
    assert {one.name for one in found.suppliers} == {"East", "West"}
    assert sum(one.items for one in found.suppliers) == ITEMS
    assert sum(one.added_units for one in found.suppliers) == pytest.approx(found.whole.added_units)
    rng, draws = np.random.default_rng(3), 20_000
    labels, place = np.unique(np.asarray(every.category, dtype=str), return_inverse=True)
    common = np.sqrt(0.1) * rng.standard_normal((draws, 1))
    common = common + np.sqrt(0.3) * rng.standard_normal((draws, len(labels)))
    sold = MEAN + DEVIATION * (common[:, place] + np.sqrt(0.6) * rng.standard_normal((draws, ITEMS)))
    for one in found.suppliers:
        came = sold[:, names == one.name].sum(axis=1)
        assert float((came <= one.units_p90).mean()) == pytest.approx(0.9, abs=0.02)
        assert float((came <= one.units_p50).mean()) == pytest.approx(0.5, abs=0.03)
        assert float((came <= one.added_units).mean()) > 0.97, "added P90s are next to never reached"
        alone = joint_totals(buy_plan(basis_, BuySettings(supplier=one.name), {}), ties)
        assert alone.whole.units_p90 == pytest.approx(one.units_p90, rel=0.02)
    assert joint_totals(plan, ties).suppliers == ()
