"""What Today shows of all items together: sums of the record, last year where it is there, and what a change is made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import opened, panel_of

from data.schema import Frequency, Panel
from forecasting.batch.catalog_totals import CatalogTotals
from forecasting.batch.common_error import ASSUMED
from forecasting.core.quantile_function import TAUS
from forecasting.service.total_view import TotalView, total_view

KNOTS = np.array(TAUS)


def steady(periods: int, alias: str = "W-SUN", items: int = 12) -> Panel:
    """Every item sells 10 a period, and 20 in the first 13 of every 52."""
    frequency = Frequency.of(alias)
    demand = np.where(np.arange(periods) % 52 < 13, 20.0, 10.0)[None].repeat(items, axis=0).astype(np.float32)
    base = panel_of(items, periods)
    return replace(
        base,
        demand=demand,
        in_stock=np.ones_like(demand),
        frequency=frequency,
        periods=frequency.range(pd.Timestamp("2023-01-01"), periods),
    )


def totals_for(panel: Panel, expected: float, horizon: int = 13) -> CatalogTotals:
    labels = np.array(["", "Category 0", "Category 1", "Category 2"], dtype=object)
    mean = expected * np.array([3.0, 1.0, 1.0, 1.0])[:, None].repeat(horizon, axis=1)
    values = mean[..., None] * (0.5 + KNOTS)
    planned = np.array([3.0, 1.0, 1.0, np.nan]) * horizon
    return CatalogTotals("key", panel.last, "category", labels, KNOTS, mean, values, planned, ASSUMED)


def seen(tmp_path: Path, panel: Panel, totals: CatalogTotals | None = None, category: str = "", horizon: int = 13) -> TotalView:
    with opened(tmp_path, panel) as catalog:
        return total_view(catalog, totals, category, horizon)


def test_the_record_is_summed_and_last_years_periods_stand_beside_the_coming_ones(tmp_path: Path) -> None:
    panel = steady(104)
    view = seen(tmp_path, panel, totals_for(panel, 70.0))
    assert view.history.demand == pytest.approx(panel.demand.sum(axis=0))
    assert (view.recent, view.expected) == (120.0, 210.0)
    assert view.last_year == pytest.approx(np.full(13, 240.0))
    assert view.planned == pytest.approx(3.0)
    assert view.forecast is not None
    assert view.forecast.periods[0] == panel.last + pd.Timedelta(days=7)


def test_the_season_is_what_last_year_did(tmp_path: Path) -> None:
    panel = steady(104)
    view = seen(tmp_path, panel, totals_for(panel, 70.0))
    assert view.season == pytest.approx(view.recent)  # last year it doubled
    short = tmp_path / "short"
    short.mkdir()
    assert seen(short, steady(60)).season is None, "what came before last year's same periods is not on record"


def test_a_category_is_its_own_sum_and_an_unknown_one_is_all(tmp_path: Path) -> None:
    panel = panel_of(30, 60)
    view = seen(tmp_path, panel, totals_for(panel, 70.0), "Category 2")
    mine = panel.static["category"] == "Category 2"
    assert view.history.demand == pytest.approx(np.nansum(panel.demand[mine], axis=0))
    assert view.expected == pytest.approx(70.0)
    assert view.planned is None
    assert view.categories == ("Category 0", "Category 1", "Category 2")
    other = tmp_path / "other"
    other.mkdir()
    assert seen(other, panel, totals_for(panel, 70.0), "no such").category == ""


def test_a_year_or_less_has_no_last_year(tmp_path: Path) -> None:
    panel = steady(52)
    view = seen(tmp_path, panel, totals_for(panel, 70.0))
    assert np.isnan(view.last_year).all()
    assert view.season is None


@pytest.mark.parametrize(("alias", "periods", "lag", "recent"), [("D", 400, 364, 28), ("MS", 30, 12, 6)])
def test_days_and_months_have_a_last_year_too(tmp_path: Path, alias: str, periods: int, lag: int, recent: int) -> None:
    panel = steady(periods, alias)
    view = seen(tmp_path, panel, totals_for(panel, 70.0, 6), horizon=6)
    sold = panel.demand.sum(axis=0)
    assert view.last_year == pytest.approx(sold[periods - lag : periods - lag + 6])
    assert view.recent == pytest.approx(sold[-recent:].mean())


def test_unknown_demand_is_not_zero_and_what_is_not_launched_is_not_unknown(tmp_path: Path) -> None:
    panel = steady(60)
    demand = panel.demand.copy()
    demand[:6, :20] = np.nan  # launched later
    demand[:3, 40:44] = np.nan  # not recorded
    demand[:, 50] = np.nan
    view = seen(tmp_path, replace(panel, demand=demand))
    assert view.unknown[:40] == pytest.approx(0.0)
    assert view.unknown[40:44] == pytest.approx(0.25)
    assert np.isnan(view.history.demand[50])
    assert view.unknown[50] == 1.0


def test_without_a_model_there_is_the_record(tmp_path: Path) -> None:
    view = seen(tmp_path, steady(60))
    assert view.forecast is None
    assert view.expected is None
    assert view.planned is None
    assert view.categories == ("Category 0", "Category 1", "Category 2")


def test_one_item_without_attributes_is_all_there_is(tmp_path: Path) -> None:
    panel = replace(steady(60, items=1), static={})
    view = seen(tmp_path, panel, replace(totals_for(panel, 4.0), column=""))
    assert (view.column, view.categories) == ("", ())
    assert view.history.demand == pytest.approx(panel.demand[0])


def test_any_one_period_lies_where_the_mean_of_the_periods_says(tmp_path: Path) -> None:
    panel = steady(60)
    forecast = seen(tmp_path, panel, totals_for(panel, 70.0)).forecast
    assert forecast is not None
    assert forecast.of_one_period(0.9) == pytest.approx(float(forecast.at(0.9)[0, 0])), "all periods alike"
    half = replace(forecast, values=np.concatenate([forecast.values[:6], 10 * forecast.values[:6]]))
    middle = forecast.of_one_period(0.5)
    low, high = (half.of_one_period(tau) for tau in (0.25, 0.75))
    assert (low, high) == (pytest.approx(middle), pytest.approx(10 * middle)), "half the periods are ten times the others"
