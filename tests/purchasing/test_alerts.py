"""What needs a planner: worth what it is expected to cost, and gone once it is dealt with, until it moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write

from data.catalog import Catalog
from data.planner_store import Review
from forecasting.batch.forecast_summary import Summary
from forecasting.core.quantile_function import TAUS, mean, shortfall
from forecasting.purchasing.alerts import REASONS, Alert, Alerts, alerts
from forecasting.purchasing.plan_inputs import PlanInputs, plan_inputs
from forecasting.purchasing.purchase_terms import BuySettings

KNOTS = np.array(TAUS)
ITEMS = 30
DATE = "2025-12-28"
RUNS_OUT, TOO_MUCH = 3, 5


@pytest.fixture
def made(tmp_path: Path) -> tuple[PlanInputs, np.ndarray]:
    """Items of which one runs out, one has too much, and others are new; and the periods on record of each."""
    commercial = pd.DataFrame(
        {
            "unit_cost": np.full(ITEMS, 2.0),
            "price": np.full(ITEMS, 5.0),
            "pack_size": np.ones(ITEMS),
            "min_order": np.zeros(ITEMS),
            "lead_time": np.full(ITEMS, 2.0),
            "on_hand": np.full(ITEMS, 45.0),
            "on_order": np.zeros(ITEMS),
        }
    )
    commercial.loc[RUNS_OUT, "on_hand"], commercial.loc[TOO_MUCH, "on_hand"] = 2.0, 900.0
    panel = panel_of(ITEMS)
    catalog = Catalog(write(tmp_path / "catalog.duckdb", panel, commercial=commercial))
    try:
        assortment, known = catalog.assortment(), catalog.known_periods()
    finally:
        catalog.close()
    rows = {str(item_id): row for row, item_id in enumerate(panel.item_ids)}
    counted = np.isfinite(panel.demand).sum(axis=1)
    assert known.tolist() == [counted[rows[str(item_id)]] for item_id in assortment.item_ids]
    spans = ((10 + 10 * KNOTS) * np.arange(1, 7)[:, None])[None].repeat(ITEMS, axis=0).astype(np.float32)
    total = spans[:, -1, 6]
    summary = Summary("key", pd.Timestamp(DATE), 6, assortment.item_ids, total, total, total, KNOTS, spans)
    known = np.where(np.arange(ITEMS) == 9, 4, 30)
    return plan_inputs(assortment, summary), known


def by_stock(found: Alerts, units: float) -> Alert:
    return next(one for one in found.of(range(len(found))) if one.position == units and one.reason != "new")


def test_an_item_that_runs_out_is_worth_the_margin_of_the_sales_it_misses_before_the_receipt(
    made: tuple[PlanInputs, np.ndarray],
) -> None:
    found = alerts(made[0], BuySettings(), made[1])
    alert = by_stock(found, 2.0)
    knots = ((10 + 10 * KNOTS) * 2)[None]
    missed = float(shortfall(KNOTS, knots, 2.0)[0])
    assert alert.reason == "shortage"
    assert alert.units == pytest.approx(missed, rel=1e-5)
    assert alert.money == pytest.approx(3.0 * missed, rel=1e-5)
    assert alert.expected == pytest.approx(float(mean(KNOTS, knots)[0]), rel=1e-5)
    assert alert.periods == 2


def test_an_item_with_too_much_is_worth_its_unsold_units(made: tuple[PlanInputs, np.ndarray]) -> None:
    alert = by_stock(alerts(made[0], BuySettings(unsold=0.5), made[1]), 900.0)
    assert alert.reason == "overstock"
    assert alert.units == pytest.approx(900 - float(mean(KNOTS, (10 + 10 * KNOTS)[None] * 6)[0]), rel=1e-4)
    assert alert.money == pytest.approx(0.5 * 2.0 * alert.units)


def test_new_items_are_named_and_the_list_is_dearest_first(made: tuple[PlanInputs, np.ndarray]) -> None:
    found = alerts(made[0], BuySettings(), made[1])
    every = found.of(range(len(found)))
    assert [one.item_id for one in every if one.reason == "new"] == [str(made[0].assortment.item_ids[9])]
    assert (np.diff(found.money) <= 0).all()
    assert found.is_stock_known
    assert {REASONS[number] for number in found.reason} == {"shortage", "overstock", "new"}


def test_without_known_stock_nothing_runs_out(made: tuple[PlanInputs, np.ndarray]) -> None:
    commercial = {**made[0].assortment.commercial, "on_hand": np.full(ITEMS, np.nan)}
    assortment = type(made[0].assortment)(**{**vars(made[0].assortment), "commercial": commercial})
    found = alerts(PlanInputs(**{**vars(made[0]), "assortment": assortment}), BuySettings(), made[1])
    assert {one.reason for one in found.of(range(len(found)))} == {"new"}
    assert not found.is_stock_known


@pytest.mark.parametrize(
    ("state", "factor", "date", "is_open"),
    [
        ("reviewed", 5.0, DATE, False),
        ("reviewed", 1.0, "2025-12-21", True),
        ("snoozed", 1.0, "2025-12-21", False),
        ("snoozed", 1.05, DATE, False),
        ("snoozed", 1.2, DATE, True),
        ("snoozed", 0.8, DATE, True),
    ],
)
def test_what_was_dealt_with_is_gone_until_the_data_or_the_money_moves(
    made: tuple[PlanInputs, np.ndarray], state: str, factor: float, date: str, is_open: bool
) -> None:
    found = alerts(made[0], BuySettings(), made[1])
    alert = by_stock(found, 2.0)
    place = [one.item_id for one in found.of(range(len(found)))].index(alert.item_id)
    assert found.is_open([])[place]
    figure = alert.money / factor
    review = Review("shortage", alert.item_id, "reviewed" if state == "reviewed" else "snoozed", figure, date)
    assert found.is_open([review])[place] == is_open
    other = Review("overstock", alert.item_id, "reviewed", figure, DATE)
    unknown = Review("shortage", "nobody", "reviewed", figure, DATE)
    assert found.is_open([other, unknown]).all()
