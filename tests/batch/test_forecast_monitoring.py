"""What all forecasts did lately: the move of each is what its own page says, and only honest forecasts are judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import opened, panel_of, trained_on
from scipy.stats import binomtest

from data.catalog import Catalog
from forecasting.batch.forecast_monitoring import ForecastMonitoring, forecast_monitoring
from forecasting.batch.forecast_summary import summarise
from forecasting.explain.forecast_revision import forecast_revision
from forecasting.models.mqtransformer.error_feedback import Feedback
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.purchasing.alerts import REASONS, alerts
from forecasting.purchasing.plan_inputs import plan_inputs
from forecasting.purchasing.purchase_terms import BuySettings

HORIZON, ITEMS = 4, 40
SMALL = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=20, look_every=10, width=8, decoder_width=12)
FEEDBACK = Feedback(trust=0.6, doubt=0.0, likeness=0.3, recency=0.1, steadiness=0.2)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with opened(tmp_path_factory.mktemp("catalog"), panel_of(ITEMS, 60)) as catalog:
        yield catalog


@pytest.fixture(scope="module")
def forecaster(catalog: Catalog) -> MQTransformerForecaster:
    """With a feedback that does something."""
    return trained_on(catalog, SMALL, HORIZON).with_feedback(FEEDBACK)


@pytest.fixture(scope="module")
def found(catalog: Catalog, forecaster: MQTransformerForecaster) -> ForecastMonitoring:
    heard = []
    answer = forecast_monitoring(catalog, forecaster, "key", heard.append, workers=2)
    assert heard[-1].done == heard[-1].total == ITEMS
    return answer


def test_the_move_of_an_item_is_what_its_own_page_says(
    catalog: Catalog, forecaster: MQTransformerForecaster, found: ForecastMonitoring
) -> None:
    moves = 0
    for row in range(0, ITEMS, 7):
        item_id = str(found.item_ids[row])
        panel, plan = catalog.panel([item_id]), catalog.plan([item_id], HORIZON)
        alone = forecast_revision(forecaster.networks, panel, plan)
        if alone is None:
            assert np.isnan(found.before[row])
            continue
        assert found.before[row] == pytest.approx(alone.before[: found.ahead].sum(), rel=1e-4)
        assert found.after[row] == pytest.approx(alone.after[: found.ahead].sum(), rel=1e-4)
        assert found.from_sales[row] == pytest.approx(alone.parts[0, : found.ahead].sum(), rel=1e-3, abs=1e-3)
        moves += abs(alone.parts[1]).sum() > 0
    assert moves, "own errors moved nothing: the test says nothing of them"


def test_only_periods_that_the_networks_had_not_seen_are_judged(
    catalog: Catalog, forecaster: MQTransformerForecaster, found: ForecastMonitoring
) -> None:
    networks, panel = forecaster.networks, catalog.panel()
    assert found.first > networks.early_until
    assert found.last == panel.last == networks.until
    periods = panel.periods[panel.periods > networks.early_until]
    assert 0 < found.judged.max() <= len(periods)
    assert (found.outside <= found.judged).all()
    early = forecaster.validation_model()
    assert early is not None
    above = np.zeros(ITEMS, int)
    for date in panel.periods[panel.periods >= networks.early_until][:-1]:
        said = early.forecast(panel, [date])[0]
        at = panel.periods.get_loc(date) + 1
        came = np.where(panel.in_stock[:, at] < 1, np.nan, panel.demand[:, at])
        above += came > np.ceil(said.at(0.9)[:, 0])
    rows = pd.Index(found.item_ids).get_indexer(panel.item_ids)
    begun = np.isfinite(panel.demand[:, : -len(periods)]).sum(axis=1) >= 6
    assert begun.sum() > ITEMS / 2
    assert (above[begun] == found.above[rows][begun]).all()


def many(items: int, missed: int) -> ForecastMonitoring:
    """Items with 26 periods judged; the first ``missed`` are right half of the time, the rest as often as they should be."""
    rng = np.random.default_rng(0)
    outside = np.where(np.arange(items) < missed, 13, rng.binomial(26, 0.2, items)).astype(np.int32)
    ids, none = np.array([f"I{n}" for n in range(items)], object), np.zeros(items)
    judged, sells = np.full(items, 26, np.int32), np.full(items, 10.0)
    stamp = pd.Timestamp("2025-12-28")
    return ForecastMonitoring(
        "key", stamp, 4, stamp, stamp, ids, sells, sells, none, judged, outside, 0 * judged, none + 9, none
    )


def test_of_many_right_forecasts_few_are_said_to_miss_their_range() -> None:
    assert many(5000, 0).is_outside.sum() <= 3
    found = many(5000, 100).is_outside
    assert found[:100].all()
    assert found[100:].sum() <= 30  # a tenth of those named, with room for chance
    alone = many(1, 1)
    assert bool(alone.is_outside[0]) == (binomtest(13, 26, 0.2, "greater").pvalue <= 0.1)


def test_what_hardly_sells_or_was_hardly_seen_is_not_judged() -> None:
    found = many(50, 10)
    assert not replace(found, before=found.before * 0 + 1.0).is_outside.any()
    assert not replace(found, judged=found.judged * 0 + 5, above=found.judged * 0 + 5).is_outside.any()


def test_it_is_kept_for_its_catalog_and_model_alone(tmp_path: Path, found: ForecastMonitoring) -> None:
    path = tmp_path / "look-back.parquet"
    assert ForecastMonitoring.load(path, "key") is None
    found.save(path)
    loaded = ForecastMonitoring.load(path, "key")
    assert loaded is not None
    np.testing.assert_array_equal(loaded.after, found.after)
    assert (loaded.created, loaded.first, loaded.last) == (found.created, found.first, found.last)
    assert ForecastMonitoring.load(path, "another") is None


def test_it_is_told_of_any_items_and_unknown_ones_are_unknown(found: ForecastMonitoring) -> None:
    some = found.of(np.array([found.item_ids[3], "nobody"], object))
    assert some.after[0] == found.after[3]
    assert np.isnan(some.after[1])
    assert some.judged[1] == 0


def test_alerts_name_what_moved_most_in_money_and_what_misses_its_range(
    catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    made = plan_inputs(catalog.assortment(), summarise(catalog, forecaster, "key", lambda progress: None)[0])
    assortment, items = made.assortment, len(made.assortment)
    back = replace(many(items, 2), item_ids=assortment.item_ids)
    after = back.before.copy()
    after[3], after[4], after[5] = 25.0, 4.0, 10.2
    back = replace(back, after=after, from_sales=after - back.before)
    found = alerts(made, BuySettings(lost=2.0, unsold=0.5), np.full(items, 30), back)
    told = {
        reason: {one.item_id: one for one in found.of(np.flatnonzero(found.reason == REASONS.index(reason)))}
        for reason in ("moved", "outside")
    }
    up, down, still = (str(assortment.item_ids[row]) for row in (3, 4, 5))
    assert set(told["moved"]) == {up, down}, still
    price = assortment.commercial["price"]
    assert told["moved"][up].money == pytest.approx(2.0 * 0.3 * price[3] * 15.0)  # the margin of what may be missed
    assert told["moved"][down].money == pytest.approx(0.5 * 0.7 * price[4] * 6.0)  # the cost of what may be left
    assert told["moved"][up].moved.before == 10.0
    assert set(told["outside"]) == {str(one) for one in assortment.item_ids[:2]}
    outside = told["outside"][str(assortment.item_ids[0])]
    assert outside.missed.above == 13
    assert outside.money == pytest.approx(2.0 * 0.3 * price[0] * 9.0 / 26 * 3)
    without = alerts(made, BuySettings(), np.full(items, 30))
    assert not {REASONS[reason] for reason in without.reason} & {"moved", "outside"}
