"""Answers in another unit: what adds up in pieces adds up there, and items in money make the money total."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write
from hypothesis import given
from hypothesis import strategies as st

from data.catalog import Catalog
from data.facts import ItemFacts
from data.schema import Frequency
from data.units import CASES, PIECES, Unit, money, units_of
from forecasting.batch.catalog_totals import CatalogTotals, span_total
from forecasting.batch.common_error import ASSUMED
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS, mean
from forecasting.core.types import QuantileForecast
from forecasting.service.catalog_forecasts import CatalogForecasts
from forecasting.service.in_unit import columns_of, every_price, scale_of
from forecasting.service.total_view import total_view
from forecasting.service.unit_totals import counted, total_in
from forecasting.service.view_models import ItemHistory, ItemView

KNOTS, HORIZON, WEEKS = np.array(TAUS), 5, Frequency.of("W-SUN")
SPREAD = np.linspace(0.4, 1.9, len(TAUS))


def view(prices: np.ndarray, pack: float | None = 12.0) -> ItemView:
    """An item that sold 24 a week at 2 and is forecast at ``prices`` [H]."""
    past, none = WEEKS.range(pd.Timestamp("2024-01-07"), 20), np.full(20, np.nan)
    ahead, each = WEEKS.after(past[-1], HORIZON), np.arange(20.0, 20.0 + HORIZON)
    values = (each[:, None] * SPREAD)[None]
    fan = QuantileForecast(
        np.array(["A"]), past[-1], ahead, KNOTS, values, np.cumsum(values, axis=1) * 0.9, "test", "1", "", np.array([1.5])
    )
    history = ItemHistory(past, np.full(20, 24.0), np.full(20, 2.0), none, np.ones(20), ())
    facts = ItemFacts("A", "Tea", {"weight_kg": "0.5"}, {"pack_size": pack, "price": 2.0}, 24.0)
    flags = np.zeros(HORIZON, bool)
    return ItemView(facts, history, fan, prices, np.zeros(HORIZON), flags, 1.5, 1.0, 3.0)


def in_unit(found: ItemView, unit: Unit) -> ItemView:
    scale = scale_of(found, unit)
    assert scale is not None
    return scale.view(found)


@given(st.floats(0.5, 500))
def test_cases_are_pieces_by_the_pack(pack: float) -> None:
    found = view(np.full(HORIZON, 2.0), pack)
    cases = in_unit(found, CASES)
    assert cases.unit == cases.history.unit == CASES
    for mine, theirs in (
        (cases.forecast.mean(), found.forecast.mean()),
        (cases.forecast.span_at(0.9), found.forecast.span_at(0.9)),
        (cases.history.demand, found.history.demand),
    ):
        assert mine * pack == pytest.approx(theirs)
    assert cases.elasticity == found.elasticity
    assert cases.forecast.level_of(30.0 / pack) == pytest.approx(found.forecast.level_of(30.0))


def test_money_is_at_the_price_of_each_period_and_adds_up() -> None:
    prices = np.array([2.0, 1.0, 3.0, np.nan, 2.5])
    found, worth = view(prices), in_unit(view(prices), money("USD"))
    known = np.array([2.0, 1.0, 3.0, 3.0, 2.5])  # the last known price stands in
    assert worth.forecast.mean()[0] == pytest.approx(found.forecast.mean()[0] * known)
    assert worth.forecast.span_mean()[0, -1] == pytest.approx((found.forecast.mean()[0] * known).sum())
    assert worth.history.demand == pytest.approx(np.full(20, 48.0))
    typical = worth.forecast.span_mean()[0, -1] / found.forecast.span_mean()[0, -1]
    assert worth.forecast.span_at(0.9)[0, -1] == pytest.approx(found.forecast.span_at(0.9)[0, -1] * typical)


def test_what_lacks_the_factor_stays_in_pieces() -> None:
    assert scale_of(view(np.full(HORIZON, 2.0), None), CASES) is None
    assert scale_of(view(np.full(HORIZON, 2.0)), PIECES) is None


def test_an_unknown_price_is_the_last_known_the_first_or_the_listed() -> None:
    prices = np.array([[np.nan, 2.0, np.nan, 3.0], [np.nan, np.nan, 0.0, np.nan], [np.nan] * 4])
    found = every_price(prices, np.array([9.0, 4.0, np.nan]))
    assert found[:2].tolist() == [[2.0, 2.0, 2.0, 3.0], [4.0] * 4]
    assert np.isnan(found[2]).all()


@contextmanager
def desk(tmp_path: Path) -> Iterator[tuple[Catalog, Summary, CatalogTotals]]:
    """30 items, forecast around 10 each; every third has no pack size, and pieces weigh 0.25 or 2 kg."""
    base = panel_of(30, 60)
    weights = np.array([("0.25", "2")[n % 2] for n in range(30)], dtype=object)
    panel = replace(base, static={**base.static, "weight_kg": weights})
    packs = pd.DataFrame({"pack_size": [np.nan if n % 3 == 0 else 6.0 for n in range(30)], "price": [2.5] * 30})
    with closing(Catalog(write(tmp_path / "catalog.duckdb", panel, commercial=packs))) as catalog:
        levels = np.linspace(4, 16, 30)
        spans = (levels[:, None, None] * np.arange(1, HORIZON + 1)[:, None] * SPREAD).astype(np.float32)
        expected = mean(KNOTS, spans[:, -1])
        order = np.argsort(-expected)
        ids, spans = panel.item_ids[order], spans[order]
        numbers = {"item_ids": ids, "expected": expected[order], "low": spans[:, -1, 2], "high": spans[:, -1, -3]}
        summary = Summary("key", panel.last, HORIZON, taus=KNOTS, spans=spans, **numbers)
        whole = np.full(HORIZON, expected.sum() / HORIZON)
        values = whole[:, None] * SPREAD
        labels = np.array([""], dtype=object)
        totals = CatalogTotals(
            "key", panel.last, "category", labels, KNOTS, whole[None], values[None], np.array([np.nan]), ASSUMED
        )
        yield catalog, summary, totals


def unit_of(catalog: Catalog, name: str) -> Unit:
    return next(one for one in units_of(catalog.about.static, packs=True, prices=True, currency="USD") if one.name == name)


@pytest.mark.parametrize(("name", "having"), [("cases", 20), ("kg", 30), ("money", 30)])
def test_a_total_is_the_sum_of_its_items(tmp_path: Path, name: str, having: int) -> None:
    with desk(tmp_path) as (catalog, summary, totals):
        found = counted(catalog, summary, unit_of(catalog, name))
        plain = total_view(catalog, totals, "", HORIZON)
        view_ = total_in(plain, found, catalog.about.frequency, HORIZON)
        assert (view_.having, view_.counted, view_.unit.name) == (having, 30, name)
        assert view_.forecast is not None
        items = np.nansum(summary.expected * found.whole)
        assert view_.forecast.expected.sum() == pytest.approx(items, rel=1e-5)
        panel = catalog.panel([str(one) for one in summary.item_ids])
        sold = panel.demand.astype(np.float64) * found.recent[:, None]
        if not found.unit.is_money:
            assert view_.history.demand == pytest.approx(np.nansum(sold, axis=0)[-len(view_.history.demand) :])
        width = view_.forecast.at(0.9)[0] / view_.forecast.expected
        assert plain.forecast is not None
        assert width == pytest.approx(plain.forecast.at(0.9)[0] / plain.forecast.expected)


def test_a_total_of_a_category_is_of_its_items_alone(tmp_path: Path) -> None:
    with desk(tmp_path) as (catalog, summary, _):
        found = counted(catalog, summary, unit_of(catalog, "kg"))
        parts = [found.of(label)[1:] for label in ("Category 0", "Category 1", "Category 2")]
        assert np.sum(parts, axis=0).tolist() == [30, 30]
        together = np.nansum([found.history[label] for label in ("Category 0", "Category 1", "Category 2")], axis=0)
        assert together == pytest.approx(np.nan_to_num(found.history[""]))


def test_the_total_of_a_span_is_no_sum_of_quantiles(tmp_path: Path) -> None:
    with desk(tmp_path) as (catalog, summary, totals):
        spans, ones = np.asarray(summary.spans[:, 3]), np.ones(30)
        whole = span_total(catalog.assortment(), summary.item_ids, spans, ones, totals)
        added = spans.sum(axis=0)
        assert mean(KNOTS, whole[None])[0] == pytest.approx(mean(KNOTS, spans).sum(), rel=0.02)
        assert whole[-1] < 0.95 * added[-1]
        assert whole[0] > 1.05 * added[0]
        heavy = span_total(catalog.assortment(), summary.item_ids, spans, 2 * ones, totals)
        assert heavy == pytest.approx(2 * whole)
        one = span_total(catalog.assortment(), summary.item_ids, spans, np.where(np.arange(30) == 3, 1.0, np.nan), totals)
        assert one[4:-4] == pytest.approx(spans[3][4:-4], rel=0.03)


@pytest.mark.parametrize("name", ["cases", "money"])
def test_the_ranking_is_by_the_unit_and_what_lacks_it_comes_last_in_pieces(tmp_path: Path, name: str) -> None:
    with desk(tmp_path) as (catalog, summary, totals):
        unit = unit_of(catalog, name)
        asked = CatalogForecasts(catalog, SimpleNamespace(status=SimpleNamespace(serves=False)), "key", HORIZON, tmp_path)
        asked._summary, asked._totals = summary, totals
        rows = asked.today("expected", 30, 0, "", unit).rows
        plain = {row.item_id: row for row in asked.today("expected", 30).rows}
        having = [row for row in rows if row.unit == unit]
        assert [row.unit for row in rows] == [unit] * len(having) + [PIECES] * (30 - len(having))
        amounts = [row.expected_units for row in having]
        assert amounts == sorted(amounts, reverse=True)
        for row in rows[len(having) :]:
            assert row == plain[row.item_id]
        each = {row.item_id: unit.factor(columns_of(catalog.item(row.item_id))) for row in having}
        for row in having if name == "cases" else ():
            before = plain[row.item_id]
            for mine, theirs in ((row.expected_units, before.expected_units), (row.low, before.low), (row.high, before.high)):
                assert mine == pytest.approx(theirs * each[row.item_id], rel=1e-5)
        found = asked.total("", unit).forecast
        assert found is not None
        assert sum(amounts) == pytest.approx(found.expected.sum(), rel=1e-5)
        assert [row.item_id for row in asked.today("expected", 5, 0, "SKU", unit).rows] == [row.item_id for row in rows[:5]]
        span = asked.span_total("", unit, HORIZON)
        assert span is not None
        assert span.at(0.1) < sum(amounts) < span.at(0.9)
