"""Terms of buying: from the catalog's columns, else as planners have set them, and every one of them in the arithmetic."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write

from data.catalog import Catalog
from data.planner_store import Term
from data.schema import COMMERCIAL, COMMERCIAL_LATER
from data.sources.upload.load import load, preview
from forecasting.batch.forecast_summary import Summary
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS, quantile
from forecasting.purchasing.plan_inputs import PlanInputs, plan_inputs
from forecasting.purchasing.purchase_plan import buy_plan
from forecasting.purchasing.purchase_terms import FIELDS, BuySettings, planned

KNOTS = np.array(TAUS)
ITEMS, HORIZON = 30, 8
SETTINGS = BuySettings(tau=0.8)


def made_of(tmp_path: Path, **commercial: object) -> PlanInputs:
    """Every item sells 20 … 40 a period, however its catalog says that it is bought."""
    frame = pd.DataFrame({name: np.broadcast_to(np.asarray(values, float), ITEMS) for name, values in commercial.items()})
    catalog = Catalog(write(tmp_path / "catalog.duckdb", panel_of(ITEMS), commercial=frame if commercial else None))
    try:
        found = catalog.assortment()
    finally:
        catalog.close()
    spans = ((20 + 20 * KNOTS) * np.arange(1, HORIZON + 1)[:, None])[None].repeat(ITEMS, axis=0).astype(np.float32)
    total = spans[:, -1, 6]
    return plan_inputs(
        found, Summary("key", pd.Timestamp("2025-12-28"), HORIZON, found.item_ids, total, total, total, KNOTS, spans)
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> PlanInputs:
    return made_of(tmp_path_factory.mktemp("bare"))


def test_back_orders_are_owed_and_what_arrives_too_late_is_not_counted_on(tmp_path: Path) -> None:
    made = made_of(tmp_path, lead_time=2, on_hand=30, on_order=12, back_orders=7, arrives_in=np.repeat([3, 4], ITEMS // 2))
    row = made.row_of
    plan = buy_plan(made, SETTINGS, {})
    lines = plan.lines(range(len(plan)))
    arrives = made.assortment.commercial["arrives_in"]
    for line in lines:
        on_time = arrives[row[line.item_id]] == 3
        assert (line.on_order, line.later) == ((12, 0) if on_time else (0, 12))
        assert line.back_orders == 7
        assert line.gap == line.need - 30 - line.on_order + 7 - line.lost_before
        assert line.position == 30 + line.on_order - 7 + line.quantity
    assert {line.later for line in lines} == {0, 12}


def test_an_uncertain_lead_time_mixes_three_and_asks_for_more(tmp_path: Path) -> None:
    made = made_of(tmp_path, lead_time=3, lead_time_sd=np.repeat([0.0, 1.0], ITEMS // 2))
    plan = buy_plan(made, SETTINGS, {})
    sd = made.assortment.commercial["lead_time_sd"]
    sure, unsure = np.flatnonzero(sd == 0)[0], np.flatnonzero(sd == 1)[0]
    assert plan.order.need[unsure] > plan.order.need[sure]
    level = plan.lines([unsure])[0].need
    lengths = 3 + np.sqrt(1.5) * np.array([-1, 0, 1]) + 1  # periods of the three lead times, with review
    chances = [float(quantile_function.level(KNOTS, ((20 + 20 * KNOTS) * length)[None], level)[0]) for length in lengths]
    assert np.mean(chances) == pytest.approx(0.8, abs=0.02)
    again = buy_plan(made, replace(SETTINGS, tau=0.5), {})
    assert again.order.need[unsure] < level, "another quantile is read from what was mixed"
    assert plan.lines([unsure])[0].give_or_take == 1.0


@pytest.mark.parametrize(
    ("limits", "room", "limit"),
    [({"shelf_life": 1.0}, 90, "shelf life"), ({"max_cover": 2.0}, 60, "maximum cover"), ({}, np.inf, "")],
)
def test_shelf_life_and_cover_leave_room_for_so_much(tmp_path: Path, limits: dict[str, float], room: float, limit: str) -> None:
    plan = buy_plan(made_of(tmp_path, lead_time=2, **limits), SETTINGS, {})
    line = plan.lines([0])[0]
    assert line.need == round(float(quantile(KNOTS, ((20 + 20 * KNOTS) * 3)[None], 0.8)[0]))
    assert line.at_most == pytest.approx(room, rel=0.01)
    assert line.limit == limit
    assert line.quantity == min(line.need, np.floor(line.at_most))


def test_the_closest_of_planners_terms_counts_and_the_catalogs_own_before_them(tmp_path: Path) -> None:
    own = np.full(ITEMS, np.nan)
    own[:3] = 5.0
    made = made_of(tmp_path, shelf_life=own)
    ids, category = made.assortment.item_ids, str(made.assortment.category[0])
    known = np.flatnonzero(np.isfinite(made.assortment.commercial["shelf_life"]))
    other = next(row for row in range(ITEMS) if row not in known and made.assortment.category[row] == category)
    saved = [
        Term("shelf_life", 2.0, item_id=str(ids[other])),
        Term("shelf_life", 3.0, category=category),
        Term("shelf_life", 4.0),
        Term("shelf_life", 9.0, item_id="gone from the catalog"),
        Term("shelf_life", 1.0, item_id=str(ids[known[0]])),
    ]
    everything = np.arange(ITEMS)
    found = planned(made, everything, "shelf_life", saved)
    in_category = made.assortment.in_category(category)
    assert found[other] == 2.0
    assert (found[in_category & (everything != other) & (everything != known[0])] == 3.0).all()
    assert (found[~in_category & (everything != known[0])] == 4.0).all()
    plan = buy_plan(made, SETTINGS, {}, saved)
    assert plan.order.cap[known[0]] == pytest.approx(7 * 30, rel=0.01), "two periods of lead time and the catalog's five"


def test_every_field_that_can_be_set_moves_the_order(bare: PlanInputs) -> None:
    base = [Term("on_hand", 5.0), Term("on_order", 6.0)]
    settings = replace(SETTINGS, waits=True)  # a longer lead time buys no more where all of it is lost
    before = buy_plan(bare, settings, {}, base)
    values = {"lead_time": 4, "lead_time_sd": 2, "on_hand": 40, "on_order": 50, "arrives_in": 9, "back_orders": 11}
    values |= {"min_order": 500, "pack_size": 48, "shelf_life": 0.5, "max_cover": 1}
    assert set(values) == set(FIELDS)
    for field, value in values.items():
        after = buy_plan(bare, settings, {}, [*(one for one in base if one.field != field), Term(field, float(value))])
        assert (after.quantity != before.quantity).all(), field
    assert "on_hand" in buy_plan(bare, SETTINGS, {}).assumed
    assert "on_hand" not in before.assumed, "what somebody has set is not assumed"


def test_what_is_lost_before_an_order_arrives_is_not_bought_unless_customers_wait(tmp_path: Path) -> None:
    """Twelve units for two periods of 20 … 40: the rest is lost, and the order serves the period after alone."""
    made = made_of(tmp_path, lead_time=2, on_hand=12, on_order=0)
    lost, waits = (buy_plan(made, replace(SETTINGS, waits=waiting), {}) for waiting in (False, True))
    assert (waits.order.lost_before == 0).all()
    assert (lost.order.lost_before > 2 * 20 - 12).all()
    assert (lost.order.gap == waits.order.gap - lost.order.lost_before).all()
    assert (lost.quantity >= 20).all()
    assert (lost.quantity <= 44).all()
    assert lost.lost_anyway == pytest.approx(2 * 30 - 12, rel=0.02), "they are expected to be lost whatever is bought"
    assert lost.totals.lost_sales > lost.lost_anyway.sum()
    (tmp_path / "more").mkdir()
    plenty = buy_plan(made_of(tmp_path / "more", lead_time=2, on_hand=90, on_order=0), SETTINGS, {})
    assert (plenty.order.lost_before == 0).all()


def test_no_stock_on_record_means_nothing_known_to_be_lost(bare: PlanInputs) -> None:
    assert (buy_plan(bare, SETTINGS, {}).order.lost_before == 0).all()


def test_the_hash_of_a_catalog_without_the_later_columns_is_what_it_was(tmp_path: Path) -> None:
    panel = panel_of(6)
    first = pd.DataFrame({"unit_cost": np.ones(6)})
    blank = first.assign(**dict.fromkeys(COMMERCIAL_LATER, np.nan))
    given = first.assign(shelf_life=[2.0, *[np.nan] * 5])
    hashes = []
    for number, frame in enumerate((first, blank, given)):
        for size in (2, 6):
            catalog = Catalog(write(tmp_path / f"{number}-{size}.duckdb", panel, commercial=frame, size=size))
            hashes.append(catalog.about.catalog_hash)
            catalog.close()
    assert len(set(hashes[:4])) == 1
    assert hashes[4] == hashes[5] != hashes[0]


def test_a_catalog_that_was_written_before_them_is_read(tmp_path: Path) -> None:
    import duckdb

    path = write(tmp_path / "catalog.duckdb", panel_of(6))
    with duckdb.connect(str(path)) as opened:
        for name in COMMERCIAL_LATER:
            opened.execute(f"ALTER TABLE items DROP COLUMN commercial_{name}")
    catalog = Catalog(path)
    try:
        assert set(catalog.assortment().commercial) == set(COMMERCIAL)
        assert np.isnan(catalog.assortment().commercial["shelf_life"]).all()
        assert catalog.search("", limit=1).rows[0].commercial["back_orders"] is None
    finally:
        catalog.close()


def test_an_upload_brings_them_by_their_names(tmp_path: Path) -> None:
    dates = pd.date_range("2025-01-05", periods=30, freq="W-SUN")
    frame = pd.DataFrame({"sku": np.repeat(["A", "B"], 30), "date": np.tile(dates, 2), "units": np.arange(60) % 7})
    frame = frame.assign(**{"Shelf Life": 3, "Backorders": np.repeat([4, 0], 30), "lead_time_std": 0.5, "max_cover": 6})
    text = io.StringIO()
    frame.to_csv(text, index=False)
    found = preview("stock.csv", text.getvalue().encode())
    load(found, found.mapping, "stock", tmp_path / "catalog.duckdb")
    catalog = Catalog(tmp_path / "catalog.duckdb")
    try:
        (facts,) = catalog.items(["A"])
    finally:
        catalog.close()
    assert {name: facts.commercial[name] for name in ("shelf_life", "back_orders", "lead_time_sd", "max_cover")} == {
        "shelf_life": 3.0, "back_orders": 4.0, "lead_time_sd": 0.5, "max_cover": 6.0,
    }  # fmt: skip
