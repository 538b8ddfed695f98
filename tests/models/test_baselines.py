"""The references on numbers that can be worked out by hand, and that the trees learn what they are shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contract import HORIZON, changed_after
from factories import counting_panel, make_panel

from data.errors import ModelError, TooLittleHistory
from data.groups import group_series
from data.schema import Panel
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.evaluation.backtest import backtest, score
from forecasting.features.tabular import FeatureTable, Learned, all_rows
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive
from forecasting.models.lightgbm_forecaster import LightGBMQuantiles


def from_the_end(generation: Generation, panel: Panel, horizon: int) -> QuantileForecast:
    """Fitted on the whole panel, forecast from its last period."""
    generation.fit(panel, panel.last, horizon)
    return generation.forecast(panel, [panel.last])[0]


def with_demand(panel: Panel, demand: np.ndarray) -> Panel:
    changed = replace(panel, demand=demand.astype(np.float32))
    return replace(changed, groups=group_series(changed))


def test_empirical_quantiles_are_those_of_the_last_26_known_periods() -> None:
    panel = counting_panel(items=2, periods=40)
    demand = panel.demand.copy()
    demand[1, 30] = np.nan
    forecast = from_the_end(EmpiricalQuantiles(), with_demand(panel, demand), 3)
    assert forecast.values[0, 2] == pytest.approx(np.quantile(np.arange(14, 40), TAUS))
    known = [s for s in range(13, 40) if s != 30]
    assert forecast.values[1, 0] == pytest.approx(np.quantile(100 + np.array(known), TAUS))


def test_empirical_spans_are_quantiles_of_sums_over_neighbours() -> None:
    forecast = from_the_end(EmpiricalQuantiles(), counting_panel(items=1, periods=40), 3)
    sums = [s + (s + 1) + (s + 2) for s in range(14, 38)]
    assert forecast.cumulative[0, 2] == pytest.approx(np.quantile(sums, TAUS))
    assert forecast.cumulative[0, 0] == pytest.approx(forecast.values[0, 0])


def test_a_period_out_of_stock_is_no_low_demand() -> None:
    panel = make_panel(items=3, periods=40)
    demand, in_stock = np.full_like(panel.demand, 10.0), np.ones_like(panel.in_stock)
    demand[:, 30:35], in_stock[:, 30:35] = 0.0, 0.0
    panel = with_demand(replace(panel, in_stock=in_stock), demand)
    for generation in (EmpiricalQuantiles(), SeasonalNaive()):
        assert from_the_end(generation, panel, 4).values == pytest.approx(np.full((3, 4, 13), 10.0))


def test_an_item_without_history_takes_the_fan_of_any_item() -> None:
    panel = counting_panel(items=2, periods=30)
    demand = panel.demand.copy()
    demand[1] = np.nan
    panel = with_demand(panel, demand)
    for generation in (EmpiricalQuantiles(), SeasonalNaive()):
        forecast = from_the_end(generation, panel, 2)
        assert forecast.values[1, 0] == pytest.approx(np.quantile(np.arange(4, 30), TAUS))
        assert forecast.cumulative[1, 1] == pytest.approx(2 * forecast.values[1, 0])


def test_the_seasonal_naive_repeats_last_season_with_its_own_misses() -> None:
    panel = counting_panel(items=1, periods=28)  # days: a season is a week
    week = np.array([5.0, 6, 7, 8, 9, 20, 21])
    demand = np.concatenate([week, week + 1, week, week + 1])[None]
    forecast = from_the_end(SeasonalNaive(), with_demand(panel, demand), 9)
    misses = np.concatenate([np.ones(7), -np.ones(7)])  # the last two seasons of differences
    expected = np.quantile(misses, TAUS)
    assert forecast.values[0, 0] == pytest.approx(6 + expected)
    assert forecast.values[0, 6] == pytest.approx(22 + expected)
    assert forecast.values[0, 8] == pytest.approx(7 + expected)  # past one season ahead it repeats


def test_a_history_shorter_than_a_season_repeats_its_last_period() -> None:
    forecast = from_the_end(SeasonalNaive(), make_panel(items=2, periods=30), 3)
    assert forecast.values.shape == (2, 3, 13)
    panel = counting_panel(items=1, periods=5)
    rising = from_the_end(SeasonalNaive(), panel, 2)
    assert rising.at(0.5)[0].tolist() == [5.0, 5.0]  # 4 was the last, and every step was one up


@pytest.mark.parametrize("make", [SeasonalNaive, EmpiricalQuantiles, lambda: LightGBMQuantiles(rows=1500, rounds=10)])
def test_a_longer_span_never_has_fewer_units(make) -> None:
    panel = make_panel(items=6, periods=70)
    cumulative = from_the_end(make(), panel, 5).cumulative
    assert (np.diff(cumulative, axis=1) >= 0).all()
    assert (np.diff(cumulative, axis=2) >= 0).all()


@pytest.fixture(scope="module")
def priced() -> Panel:
    """40 items whose demand halves when the price rises by a third, and nothing else but noise."""
    panel = make_panel(items=40, periods=60, seed=5, events=False)
    rng = np.random.default_rng(6)
    high = rng.random(panel.demand.shape) < 0.4
    level = rng.uniform(40, 400, (40, 1))
    demand = rng.poisson(level * np.where(high, 0.5, 1.0))
    known = {"price": np.where(high, 4.0, 3.0).astype(np.float32), "promo": np.zeros_like(panel.demand)}
    return with_demand(replace(panel, known=known, in_stock=np.ones_like(panel.in_stock)), demand)


def test_the_trees_learn_that_a_higher_price_sells_less(priced: Panel) -> None:
    tested = backtest(LightGBMQuantiles(rows=8000, rounds=60), priced, horizon=4, origins=2, stride=2)
    rung = score(tested)
    blind = score(backtest(EmpiricalQuantiles(), priced, horizon=4, origins=2, stride=2))
    assert rung.wql < 0.5 * blind.wql
    assert rung.calibration.error < 0.1
    assert rung.crossings == 0


def test_no_training_row_sees_past_its_creation_date() -> None:
    panel = make_panel(items=6, periods=64)
    learned = Learned.of(panel, HORIZON)
    t = 50
    table, changed = (FeatureTable(each, None, learned) for each in (panel, changed_after(panel, t)))
    for at in (t - HORIZON, t):
        rows = all_rows(len(panel), at, HORIZON)
        np.testing.assert_array_equal(table.rows(rows), changed.rows(rows))
        np.testing.assert_array_equal(table.scale[:, : at + 1], changed.scale[:, : at + 1])
    later = all_rows(len(panel), t + 1, HORIZON)
    assert (np.nan_to_num(table.rows(later)) != np.nan_to_num(changed.rows(later))).any()  # there was something to see


def test_the_trees_refuse_a_panel_with_other_columns(priced: Panel) -> None:
    generation = LightGBMQuantiles(rows=500, rounds=3)
    generation.fit(priced, priced.last, 4)
    with pytest.raises(ModelError, match="promo"):
        generation.forecast(replace(priced, known={"price": priced.known["price"]}), [priced.last])


def test_the_trees_need_three_horizons_of_history(priced: Panel) -> None:
    with pytest.raises(TooLittleHistory, match=r"needs 12 periods for a horizon of 4 .* has 11"):
        LightGBMQuantiles().fit(priced, priced.periods[10], 4)
