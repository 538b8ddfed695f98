"""The patchwork's parts: each against a library or a number that was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from contract import HORIZON, fitted, only
from factories import make_panel

from data.errors import ModelError, UnknownItem
from data.groups import group_series
from data.schema import Frequency, Panel
from forecasting.core.quantile_function import TAUS
from forecasting.features.tabular import spread
from forecasting.models.patchwork.error_distribution import ErrorPool, Errors
from forecasting.models.patchwork.forecaster import Patchwork
from forecasting.models.patchwork.new_product_rule import AGES
from forecasting.models.patchwork.routing import ROUTES, routed
from forecasting.models.patchwork.textbook_models import levels

WEEKS, DAYS = Frequency.of("W-SUN"), Frequency.of("D")


def plain_panel(demand: np.ndarray, price: np.ndarray | None = None, alias: str = "W-SUN") -> Panel:
    """Items that are always in stock, with a price and nothing else known ahead."""
    panel = make_panel(items=len(demand), periods=demand.shape[1], alias=alias, events=False)
    known = {"price": np.full(demand.shape, 3.0, np.float32) if price is None else price.astype(np.float32)}
    panel = replace(panel, demand=demand.astype(np.float32), known=known, in_stock=np.ones(demand.shape, np.float32))
    return replace(panel, groups=group_series(panel))


def elastic_panel(elasticity: float, *, items: int = 30, seed: int = 3) -> Panel:
    rng = np.random.default_rng(seed)
    price = 3.0 * rng.choice([1.0, 0.8, 0.65], (items, 60), p=[0.6, 0.2, 0.2])
    mean = rng.uniform(50, 500, (items, 1)) * (price / 3.0) ** -elasticity
    return plain_panel(rng.poisson(mean), price)


def parts_of(generation: Patchwork, panel: Panel, row: int):  # type: ignore[no-untyped-def]
    return generation.parts(panel, panel.last, panel.item_ids[row])


# the router


def test_items_are_sent_where_a_planner_would_send_them() -> None:
    rng = np.random.default_rng(0)
    demand = rng.poisson(20, (5, 140)).astype(float)
    demand[1] = np.where(rng.random(140) < 0.3, rng.poisson(5, 140) + 1, 0)
    demand[2, :135] = np.nan
    demand[3] = rng.poisson(20 * (1 + 0.8 * np.sin(2 * np.pi * np.arange(140) / 52)))
    demand[4] = 0.0
    routing = routed(demand, WEEKS)
    assert [ROUTES[code] for code in routing.route] == ["established", "intermittent", "new", "seasonal", "intermittent"]
    assert routing.count[2] == 5
    assert "5 weeks since its first sale" in routing.why(2, WEEKS)
    assert "One sale in" in routing.why(1, WEEKS)
    assert "never sold" in routing.why(4, WEEKS)


def test_an_intermittent_item_that_stopped_selling_goes_to_tsb() -> None:
    demand = np.tile([4.0, 0.0, 0.0], 20)[None]
    demand[0, -24:] = 0.0
    routing = routed(demand, WEEKS)
    assert routing.dying[0]
    level = levels(demand, routing).level
    assert level[0, -1] < 0.25 * level[0, -25]


def test_the_models_are_the_librarys() -> None:
    """Golden: statsforecast 2.0.3 on the same series."""
    from statsforecast.models import AutoETS, CrostonSBA, Theta

    rng = np.random.default_rng(1)
    demand = np.stack([rng.poisson(20, 60), np.where(rng.random(60) < 0.4, rng.poisson(6, 60) + 1, 0)]).astype(float)
    demand[:, 0] = 5
    said = levels(demand, routed(demand, WEEKS))
    level, growth = said.level, said.growth
    series = demand[0] / demand[0].mean()
    ets = AutoETS(season_length=1, model="ANN").forecast(series, 2)["mean"]
    theta = Theta(season_length=1).forecast(series, 2)["mean"]
    assert level[0, -1] == pytest.approx((ets[0] + theta[0]) / 2 * demand[0].mean())
    assert growth[0] == pytest.approx((theta[1] - theta[0]) / 2 * demand[0].mean())
    assert level[1, -1] == pytest.approx(CrostonSBA().forecast(demand[1], 1)["mean"][0])


def test_a_level_of_the_past_knows_nothing_of_later_periods() -> None:
    demand = np.random.default_rng(2).poisson(20, (1, 60)).astype(float)
    for cut in (30, 50):
        early = levels(demand[:, :cut], routed(demand[:, :cut], WEEKS)).level[0, -1]
        late = levels(demand, routed(demand, WEEKS)).level[0, cut - 1]
        assert late == pytest.approx(early, rel=0.15)  # the smoothing constants are of the last fit


# the add-ons


def test_the_elasticity_that_was_planted_is_found() -> None:
    panel = elastic_panel(2.0)
    generation = fitted(Patchwork(), panel, panel.last)
    parts = parts_of(generation, panel, 0)
    assert parts.elasticity == pytest.approx(2.0, abs=0.25)

    def sold_at(price: float) -> Panel:
        planned = panel.known["price"].copy()
        planned[:, -5:] = price
        return replace(panel, known={"price": planned})

    at = panel.periods[-6]
    more = only(generation, sold_at(2.0), at).mean() / only(generation, sold_at(3.0), at).mean()
    assert more.mean() == pytest.approx(1.5**2, rel=0.15)


def test_a_higher_price_never_sells_more() -> None:
    panel = elastic_panel(-1.0)  # sells more at a higher price, against reason
    forecast = only(fitted(Patchwork(), panel, panel.last), panel, panel.last)
    assert forecast.elasticity is not None
    assert (forecast.elasticity == 0).all()


def test_an_item_whose_price_never_moved_takes_its_categorys_elasticity() -> None:
    panel = elastic_panel(2.0)
    price, demand = panel.known["price"].copy(), panel.demand.copy()
    price[0], demand[0] = 3.0, np.random.default_rng(0).poisson(100, 60)
    panel = plain_panel(demand, price)
    assert parts_of(fitted(Patchwork(), panel, panel.last), panel, 0).elasticity == pytest.approx(2.0, abs=0.3)


def test_an_item_without_a_season_on_record_takes_its_categorys() -> None:
    rng = np.random.default_rng(4)
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(156) / 52)
    demand = rng.poisson(200 * season, (12, 156)).astype(float)
    demand[0, :130] = np.nan  # half a year on sale
    panel = plain_panel(demand)
    until = panel.periods[151]
    parts = fitted(Patchwork(), panel, until).parts(panel, until, panel.item_ids[0])
    expected = season[152:156]
    assert parts.season / parts.season.mean() == pytest.approx(expected / expected.mean(), rel=0.1)
    assert parts.season.mean() == pytest.approx(expected.mean(), rel=0.15)


# new products


def test_a_product_without_history_sells_what_its_category_launched_at() -> None:
    rng = np.random.default_rng(5)
    panel = make_panel(items=160, periods=60, events=False)
    level = np.where(panel.static["category"] == "soap", 10.0, 80.0)
    demand = rng.poisson(level[:, None], (160, 60)).astype(float)
    starts = rng.integers(14, 30, 160)
    demand[np.arange(60) < starts[:, None]] = np.nan
    demand[:2] = np.nan
    panel = plain_panel(demand)
    generation = fitted(Patchwork(), panel, panel.last)
    soap, tea = (parts_of(generation, panel, row) for row in (0, 1))
    assert soap.route == "new"
    assert soap.launch_share == 1.0
    drawn_in = 5 / (79 + 5)  # each of the two categories has 79 launches and leans on all as if by 5
    assert soap.level == pytest.approx(10 + drawn_in * 35, rel=0.05)
    assert tea.level == pytest.approx(80 - drawn_in * 35, rel=0.05)
    fan = only(generation, panel, panel.last)
    assert fan.at(0.1)[1, 0] < 80 < fan.at(0.9)[1, 0]


def test_own_sales_weigh_more_the_longer_a_product_is_sold() -> None:
    rng = np.random.default_rng(6)
    demand = rng.poisson(50, (40, 60)).astype(float)
    demand[0, :58], demand[1, :50] = np.nan, np.nan
    demand[0, 58:], demand[1, 50:] = 200, 200
    panel = plain_panel(demand)
    generation = fitted(Patchwork(), panel, panel.last)
    short, long = (parts_of(generation, panel, row) for row in (0, 1))
    assert 50 < short.level < long.level < 200
    assert short.launch_share > long.launch_share > 0
    assert max(AGES) < 13


# the Distribution Engine


def test_the_fan_is_the_point_times_its_own_past_errors() -> None:
    period = np.random.default_rng(7).gamma(4, 0.25, (1, 2000, 2)).astype(np.float32)
    errors = Errors(period, period.cumsum(axis=2) / np.arange(1, 3, dtype=np.float32))
    pool = ErrorPool.learned(errors, np.zeros(1, int), len(ROUTES))
    values, spans = pool.around(np.array([[10.0, 20.0]]), errors, np.zeros(1, int))
    for h, point in enumerate((10, 20)):
        assert values[0, h] == pytest.approx(point * np.quantile(period[0, :, h], TAUS), rel=1e-4)
    assert spans[0, 1] == pytest.approx(30 * np.quantile(errors.span[0, :, 1], TAUS), rel=1e-4)


def test_an_item_with_few_errors_leans_on_those_of_its_route() -> None:
    rng = np.random.default_rng(8)
    many = rng.gamma(4, 0.25, (50, 40, 1)).astype(np.float32)
    pool = ErrorPool.learned(Errors(many, many), np.zeros(50, int), len(ROUTES))
    few = np.full((1, 40, 1), np.nan, np.float32)
    few[0, :2] = 1.0
    values, _ = pool.around(np.array([[10.0]]), Errors(few, few), np.zeros(1, int))
    assert values[0, 0] == pytest.approx(10 * (2 + 10 * pool.period[0, 0]) / 12, rel=1e-5)


def test_spans_are_surer_than_sums_of_quantiles() -> None:
    panel = plain_panel(np.random.default_rng(9).poisson(20, (20, 80)))
    forecast = only(fitted(Patchwork(), panel, panel.last), panel, panel.last)
    span = forecast.span_at(0.9)[:, -1] - forecast.span_at(0.1)[:, -1]
    assert span.mean() < 0.8 * (forecast.at(0.9) - forecast.at(0.1)).sum(axis=1).mean()
    np.testing.assert_array_equal(forecast.cumulative[:, 0], forecast.values[:, 0])
    assert (np.diff(forecast.cumulative, axis=1) >= 0).all()


# its parts, on show


def test_the_parts_multiply_to_the_point_that_the_fan_lies_around() -> None:
    panel = elastic_panel(2.0)
    generation = fitted(Patchwork(), panel, panel.periods[-HORIZON - 1])
    at = panel.periods[-HORIZON - 1]
    parts = generation.parts(panel, at, "item 3")
    assert parts.route == "established"
    assert parts.models == ("ETS", "Theta")
    base = parts.level + parts.growth * np.arange(HORIZON)
    assert parts.point == pytest.approx(base * parts.season * parts.price * parts.lift)
    fan = only(generation, panel, at).take([3])
    assert (fan.at(0.05)[0] < parts.point).all()
    assert (parts.point < fan.at(0.95)[0]).all()
    assert 0.5 < np.nanmedian(parts.errors) < 2
    with pytest.raises(ValueError, match="read-only"):
        parts.point[0] = 1.0


def test_a_seasonal_item_of_days_repeats_its_week() -> None:
    rng = np.random.default_rng(10)
    week = np.array([5.0, 10, 15, 20, 30, 60, 50])
    panel = plain_panel(rng.poisson(np.tile(week, 10), (6, 70)), alias="D")
    parts = parts_of(fitted(Patchwork(), panel, panel.last), panel, 0)
    assert parts.point == pytest.approx(week[:HORIZON], rel=0.35)
    assert parts.route in ("seasonal", "established")


def test_an_unknown_item_and_other_columns_are_refused() -> None:
    panel = elastic_panel(2.0)
    generation = fitted(Patchwork(), panel, panel.last)
    with pytest.raises(UnknownItem, match="nobody"):
        generation.parts(panel, panel.last, "nobody")
    with pytest.raises(ModelError, match="price"):
        only(generation, replace(panel, known={}), pd.Timestamp(panel.last))


def test_a_covariate_of_any_size_has_a_spread() -> None:
    assert spread(np.float32([1e30, 2e30, np.nan])) == pytest.approx(5e29, rel=1e-6)
    assert spread(np.float32([7, 7])) == 1.0
