"""Totals of all items: their expectation is a sum, their fan lies between independent and tied, and no cut changes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from catalogs import opened, panel_of, trained_on
from scipy.stats import gamma, norm

from data.assortment import Assortment
from forecasting.batch.catalog_totals import CatalogTotals, TotalSums
from forecasting.batch.common_error import ASSUMED, CommonError, common_error, sampled, shared_square
from forecasting.batch.joint_samples import UnitsTable
from forecasting.batch.plan_effect import as_usual, plan_effect
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.models.mqtransformer.settings import TrainingSettings

ITEMS, HORIZON, KNOTS = 300, 5, np.array(TAUS)
STAMP = pd.Timestamp("2025-12-28")
NONE = CommonError(0.0, 0.0, 300, 7, STAMP, STAMP)
TIED = replace(NONE, market=100.0, category=100.0)
SETTINGS = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=5, look_every=5, width=8, decoder_width=12)


def assortment_of(items: int) -> Assortment:
    ids = np.array([f"SKU-{number}" for number in range(items)], dtype=object)
    names = pa.chunked_array([pa.array(ids.tolist())])
    category = pd.Categorical([("Tea", "Salt", "Rice")[number % 3] for number in range(items)])
    return Assortment(ids, names, names, category, {})


def forecast_of(values: np.ndarray) -> QuantileForecast:
    """Of items SKU-0, SKU-1 … with quantiles [N, H, Q]."""
    items, horizon, _ = values.shape
    ids = np.array([f"SKU-{number}" for number in range(items)], dtype=object)
    periods = pd.date_range("2026-01-04", periods=horizon, freq="W-SUN").as_unit("us")
    return QuantileForecast(ids, STAMP, periods, KNOTS, values, values, "made", "1")


def many(items: int = ITEMS) -> QuantileForecast:
    """Skewed demand of items of all sizes, more of it the further ahead."""
    rng = np.random.default_rng(3)
    size = rng.uniform(0.2, 20, (items, 1, 1)) * (1 + np.arange(HORIZON) / 10)[:, None]
    return forecast_of(gamma(1.5).ppf(KNOTS) * size)


def totals_of(forecast: QuantileForecast, common: CommonError, cuts: int = 1, column: str = "kind") -> CatalogTotals:
    sums = TotalSums(assortment_of(len(forecast)), column, common)
    for rows in np.array_split(np.arange(len(forecast)), cuts):
        sums.add(sums.of(forecast.take(rows)))
    return sums.totals("key", STAMP)


@pytest.fixture(scope="module")
def found() -> CatalogTotals:
    return totals_of(many(), replace(NONE, market=0.1, category=0.15))


def test_what_is_expected_of_all_is_the_sum_of_what_is_expected_of_each(found: CatalogTotals) -> None:
    mean = many().mean()
    assert found.expected[0] == pytest.approx(mean.sum(axis=0), rel=1e-6)
    assert found.expected[found.row_of("Salt")] == pytest.approx(mean[1::3].sum(axis=0), rel=1e-6)
    assert found.expected[1:].sum(axis=0) == pytest.approx(found.expected[0], rel=1e-6)
    assert (np.diff(found.expected[1:].sum(axis=1)) <= 0).all(), "best sellers first"


def test_quantiles_are_in_order_and_around_the_expectation(found: CatalogTotals) -> None:
    assert (np.diff(found.values, axis=-1) > 0).all()
    assert (found.values[..., 2] < found.expected).all()
    assert (found.expected < found.values[..., -3]).all()


@pytest.mark.parametrize("cuts", [2, 7, 60])
def test_the_cut_into_parts_changes_nothing(found: CatalogTotals, cuts: int) -> None:
    again = totals_of(many(), replace(NONE, market=0.1, category=0.15), cuts)
    assert again.values == pytest.approx(found.values, rel=1e-10)
    assert again.expected == pytest.approx(found.expected, rel=1e-10)


def test_items_that_err_alone_make_a_narrower_total_than_items_that_err_as_one() -> None:
    forecast = many()
    alone, tied = (totals_of(forecast, common) for common in (NONE, TIED))
    width = {name: one.values[0, :, -3] - one.values[0, :, 2] for name, one in (("alone", alone), ("tied", tied))}
    assert (width["alone"] < 0.2 * width["tied"]).all()
    added = forecast.at(0.9).sum(axis=0) - forecast.at(0.1).sum(axis=0)  # quantiles of what is tied add up
    assert width["tied"] == pytest.approx(added, rel=0.02)
    deviation = np.sqrt(1.5) / 1.5 * np.sqrt((forecast.mean() ** 2).sum(axis=0))  # of sums of independent gammas
    assert width["alone"] == pytest.approx(2 * norm.ppf(0.9) * deviation, rel=0.12)


def test_what_all_have_in_common_is_the_spread_of_a_large_total() -> None:
    """Own errors of 3,000 items average out; what is left is the share that they have in common, noisy as each of them is."""
    total = totals_of(many(3000), replace(NONE, market=0.1, category=0.1))
    share = (total.values[0, :, -3] - total.values[0, :, 2]) / (2 * norm.ppf(0.9) * total.expected[0])
    assert share == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("common", [NONE, ASSUMED, TIED])
def test_the_total_of_one_item_is_its_own_fan(common: CommonError) -> None:
    one = many(1)
    total = totals_of(one, common, column="")
    assert total.labels.tolist() == [""]
    assert total.expected[0] == pytest.approx(one.mean()[0], rel=1e-9)
    for tau in (0.1, 0.25, 0.5, 0.75, 0.9):
        drawn = [np.interp(tau, KNOTS, values) for values in total.values[0]]
        assert drawn == pytest.approx(one.at(tau)[0], rel=0.25, abs=0.03 * one.mean().max()), "within the error of 300 samples"


def test_slopes_are_those_of_a_normal() -> None:
    knots = norm(100, 20).ppf(KNOTS)[None, None]
    assert UnitsTable.of(KNOTS, knots).slopes() == pytest.approx(np.array([[20.0]]), rel=0.02)


def test_totals_are_kept_and_what_is_of_another_key_or_version_is_made_anew(tmp_path: Path, found: CatalogTotals) -> None:
    path = tmp_path / "totals.parquet"
    found.save(path)
    kept = CatalogTotals.load(path, "key")
    assert kept is not None
    assert kept.common == found.common
    for name in ("labels", "expected", "values", "taus"):
        assert np.array_equal(getattr(kept, name), getattr(found, name))
    assert (kept.column, kept.creation_date) == (found.column, found.creation_date)
    assert CatalogTotals.load(path, "another") is None
    frame = pd.read_parquet(path)
    frame.drop(columns="planned").to_parquet(path)
    assert CatalogTotals.load(path, "key") is None
    assert CatalogTotals.load(tmp_path / "nothing.parquet", "key") is None


def test_what_errors_have_in_common_is_found_again() -> None:
    rng = np.random.default_rng(0)
    expected = rng.uniform(0.5, 20, (800, 1, 1)) * np.ones((800, 40, 3))
    shock = 1 + 0.2 * rng.standard_normal((1, 40, 3))
    errors = rng.poisson(np.maximum(expected * shock, 0)) - expected
    planted = np.sqrt(((shock - 1) ** 2).mean())
    assert np.sqrt(shared_square(errors, expected, np.zeros(800))) == pytest.approx(planted, rel=0.02)
    assert shared_square(errors[:1], expected[:1], np.zeros(1)) is None


@pytest.mark.parametrize("items", [1, 400, 401, 1500, 20_437])
def test_the_sample_stands_for_all_items(items: int) -> None:
    rows, weight = sampled(items, 400, 800)
    assert len(np.unique(rows)) == len(rows)
    assert rows.max() < items
    assert weight.sum() == pytest.approx(items)
    assert len(rows) <= 400 + 2 * 800


def test_without_honest_forecasts_it_is_assumed_and_a_plan_as_usual_adds_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, panel_of(12, 16)) as catalog:
        model = trained_on(catalog, SETTINGS, 4)
        alone = replace(model.networks, early=None)  # nobody forecast from before its training ended
        assert common_error(catalog, catalog.assortment(), alone) == ASSUMED
        measured = common_error(catalog, catalog.assortment(), model.networks)
        assert measured.dates >= 4
        assert 0 <= measured.market <= measured.category
        panel, plan = catalog.panel(), catalog.plan(None, 4)
        usual = as_usual(panel, plan)
        for name in plan.known:
            assert usual.known[name] == pytest.approx(plan.known[name], nan_ok=True)
        assert not any(cells.any() for cells in usual.given.values())
        each = model.forecast(panel, [panel.last], plan)[0].mean().sum(axis=1)
        expected = {str(item): float(units) for item, units in zip(panel.item_ids, each, strict=True)}
        assert plan_effect(catalog, model, expected, ("", "Category 0")) == pytest.approx(np.zeros(2), abs=1e-3)
        more = {item: units + 2 for item, units in expected.items()}
        assert plan_effect(catalog, model, more, ("", "Category 0")) == pytest.approx([24.0, 8.0], abs=1e-3)
