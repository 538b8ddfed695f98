"""Files of kinds that other systems export: each gives the right catalog with no more than its offers taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.sources.upload.load import UploadPreview, decide, load, preview, review
from data.sources.upload.purchase_orders import read_orders

CASES = Path(__file__).parents[1] / "cases"

#: Columns that the headers do not tell.
CHOSEN = {
    "23": {"demand": "net_units", "past": ()},
    "24": {"item_id": "StockCode", "date": "InvoiceDate", "demand": "Quantity", "price": "UnitPrice", "past": (), "static": ()},
    "54": {"demand": "kg", "past": ()},
}


def case(number: str, decisions: dict[str, str] | None = None) -> UploadPreview:
    """The preview of a case with the columns chosen."""
    path = next(CASES.glob(f"{number}-*"))
    got = preview(path.name, path.read_bytes(), decisions)
    return review(got, replace(got.mapping, **CHOSEN[number])) if number in CHOSEN else got


def frame(number: str) -> pd.DataFrame:
    return pd.read_csv(next(CASES.glob(f"{number}-*")), sep=None, engine="python")


def catalog(got: UploadPreview, path: Path) -> Catalog:
    load(got, got.mapping, "Mine", path / "catalog.duckdb")
    return Catalog(path / "catalog.duckdb")


def answers(got: UploadPreview) -> dict[str, str]:
    return {offer.kind: offer.answer for offer in got.offers}


def whole(number: str, kept: np.ndarray | None = None) -> np.ndarray:
    """Units [N, T] of the file's rows, all or those ``kept``."""
    rows = frame(number) if kept is None else frame(number)[kept]
    names = rows.columns
    return rows.pivot(index=names[0], columns="week" if "week" in names else "date", values=names[-1]).to_numpy()


def test_17_sundays_are_moved_to_the_monday_of_their_week(tmp_path):
    got = case("17")
    assert not got.loadable
    assert any("4 items (region south) have weeks on Sundays" in str(problem) for problem in got.problems)
    assert "Take the offer “Move weekdays”" in str(got.problems[0])
    panel = catalog(case("17", {"move-weekdays": "yes"}), tmp_path).panel()
    assert (len(panel), len(panel.periods), panel.frequency.alias) == (10, 80, "W-MON")
    assert np.isfinite(panel.demand).all()


def test_19_the_unfinished_week_is_left_out(tmp_path):
    got = case("19")
    assert answers(got) == {"unfinished-period": "yes"}
    assert "total of 20 items is -73%" in got.offers[0].words
    panel = catalog(got, tmp_path).panel()
    assert panel.last == pd.Timestamp("2024-11-18")
    left = case("19", {"unfinished-period": "no"})
    assert left.last == pd.Timestamp("2024-11-25")
    assert left.offers[0].answer == "no"


def test_21_stockouts_that_are_recorded_need_no_offer(tmp_path):
    got = case("21")
    assert not got.offers
    assert (catalog(got, tmp_path).panel().in_stock[0, 40:46] == 0).all()


def test_22_impossible_zeros_become_stockouts_where_the_planner_agrees(tmp_path):
    got = case("22")
    assert answers(got) == {"hidden-stockouts": "no"}
    panel = catalog(case("22", {"hidden-stockouts": "yes"}), tmp_path).panel()
    np.testing.assert_array_equal(panel.in_stock == 0, panel.demand == 0)
    assert (panel.in_stock[::2, 40:46] == 0).all()
    assert (panel.in_stock[::2, 94:] == 0).all()
    assert np.isnan(catalog(got, tmp_path).panel().in_stock).all()


@pytest.mark.parametrize("choice", ["zero", "earlier"])
def test_23_weeks_below_zero_are_settled_as_chosen(tmp_path, choice):
    got = case("23")
    assert (answers(got), got.loadable) == ({"returns": "no"}, False)
    net = frame("23")
    assert got.offers[0].count == (net.net_units < 0).sum() == 43
    panel = catalog(case("23", {"returns": choice}), tmp_path).panel()
    by_item = net.groupby("item").net_units
    if choice == "zero":
        np.testing.assert_array_equal(panel.demand.sum(axis=1), by_item.apply(lambda units: units.clip(lower=0).sum()))
    else:
        assert panel.demand.min() == 0
        lost = panel.demand.sum(axis=1) - by_item.sum()
        assert lost.tolist() == [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]  # two came back before anything was sold
    assert answers(case("23", {"returns": "yes"}))["returns"] == "zero"


@pytest.mark.parametrize(("step", "rule"), [("days", "D"), ("weeks", "W-MON")])
def test_24_invoice_lines_are_added_up_net_of_cancellations(tmp_path, step, rule):
    decided = {"add-up": step, "unfinished-period": "no", "returns": "earlier"}
    got = case("24", decided)
    assert answers(case("24")) == {
        "add-up": "weeks", "unfinished-period": "yes", "returns": "earlier", "missing-rows": "zero",
    }  # fmt: skip
    lines = frame("24").assign(day=lambda rows: pd.to_datetime(rows.InvoiceDate).dt.normalize())
    panel = catalog(got, tmp_path).panel()
    assert (len(panel), panel.frequency.alias) == (15, rule)
    net = lines.groupby("StockCode").Quantity.sum()
    gone = [net[item] - total for item, total in zip(panel.item_ids, np.nansum(panel.demand, axis=1), strict=True)]
    assert max(np.abs(gone)) <= 3  # what came back before anything was sold is lost
    start = lines.day if step == "days" else lines.day - pd.to_timedelta(lines.day.dt.day_of_week, "D")
    sums = lines.groupby([lines.StockCode, start]).Quantity.sum().unstack(fill_value=0)
    same = sums.loc[panel.item_ids].reindex(columns=panel.periods, fill_value=0).to_numpy() == np.nan_to_num(panel.demand)
    assert same.mean() > 0.95  # the others are periods below zero and those before them
    if step == "days":
        assert (np.nan_to_num(panel.demand[:, panel.periods.day_of_week == 5]) == 0).all()
        assert (panel.demand[:, panel.periods.day_of_week == 5] == 0).any()
    else:
        assert case("24").last == pd.Timestamp("2024-05-13")


def test_26_rows_twice_count_once(tmp_path):
    got = case("26")
    assert answers(got) == {"repeated-rows": "yes"}
    assert got.offers[0].count == 300
    once = frame("26").drop_duplicates()
    panel = catalog(got, tmp_path).panel()
    np.testing.assert_array_equal(panel.demand, once.pivot(index="item", columns="date", values="units"))
    left = case("26", {"repeated-rows": "no"})
    assert "again in 300 rows" in str(left.problems[0])


def test_27_orders_are_matched_without_leading_zeros(tmp_path):
    sales, path = case("27a"), next(CASES.glob("27b-*"))
    orders = read_orders(path.name, path.read_bytes())
    load(sales, sales.mapping, "Mine", tmp_path / "catalog.duckdb", orders)
    written = Catalog(tmp_path / "catalog.duckdb")
    assert set(written.orders().item_ids) == set(frame_of_text("27a").item_id)
    assert any("'12' for '000012'" in check.finding for check in written.checks())


def frame_of_text(number: str) -> pd.DataFrame:
    return pd.read_csv(next(CASES.glob(f"{number}-*")), dtype=str)


def test_33_prices_that_are_none_are_unknown(tmp_path):
    got = case("33")
    assert answers(got) == {"placeholder-prices": "yes"}
    assert "99,999" in got.offers[0].words
    price = catalog(got, tmp_path).panel().known["price"]
    assert np.nanmax(price) < 100
    assert np.nanmin(price) > 0
    assert np.isnan(price[1]).all()
    assert np.isnan(price[2, :30]).all()
    assert not np.isnan(price[2, 30:]).any()
    assert np.nanmax(catalog(case("33", {"placeholder-prices": "no"}), tmp_path).panel().known["price"]) == 99999


def test_34_two_currencies_are_told_by_item(tmp_path):
    got = case("34")
    assert "EUR in 6 items, CHF in 3 items" in str(got.problems[0])
    for answer, items in (("EUR", [0, 1, 3, 4, 6, 7]), ("CHF", [2, 5, 8])):
        price = catalog(case("34", {"currencies": answer}), tmp_path).panel().known["price"]
        np.testing.assert_array_equal(np.flatnonzero(np.isfinite(price).all(axis=1)), items)
        assert np.isnan(np.delete(price, items, axis=0)).all()
    assert price[8, -1] == np.float32(14.35)
    assert answers(case("34", {"currencies": "yes"})) == {"currencies": "EUR"}


def test_35_and_36_a_blank_and_a_zero_future_are_the_same_plan(tmp_path):
    blank, zero = (catalog(case(number), tmp_path) for number in ("35", "36"))
    assert answers(case("36")) == {"future-zeros": "yes"}
    assert not case("35").offers
    for one in (blank, zero):
        assert (one.about.last, one.about.planned) == (pd.Timestamp("2024-11-25"), 10)
    np.testing.assert_array_equal(blank.panel().demand, zero.panel().demand)
    items = list(blank.panel().item_ids)
    plans = [one.plan(items, 10) for one in (blank, zero)]
    np.testing.assert_array_equal(plans[0].known["price"], plans[1].known["price"])
    assert not plans[0].given["price"][items.index("AD05")].any()
    assert plans[0].given["price"][items.index("AD04")].all()


def test_39_one_off_orders_are_told_and_unknown_where_the_planner_agrees(tmp_path):
    got = case("39")
    assert answers(got) == {"one-off-orders": "no"}
    assert any(check.title == "One-off orders" and check.count == 3 for check in got.checks)
    panel = catalog(case("39", {"one-off-orders": "yes"}), tmp_path).panel()
    assert np.isnan(panel.demand[[0, 1, 2], [99, 90, 40]]).all()
    assert np.nanmax(panel.demand) < 100


def test_40b_three_weeks_load(tmp_path):
    assert catalog(case("40b"), tmp_path).panel().demand.shape == (6, 3)


def test_52_totals_of_stores_products_and_everything_are_left_out(tmp_path):
    got = case("52")
    assert answers(got) == {"sum-of-others": "yes"}
    panel = catalog(got, tmp_path).panel()
    assert len(panel) == 16
    rows = frame("52")
    parts = rows[rows.item.str.startswith("AV") & (rows.store != "TOT")]
    assert panel.demand.sum(dtype=float) == parts.units.sum()
    assert case("52", {"sum-of-others": "no"}).items == 33


def test_53_stock_below_zero_is_owed(tmp_path):
    item = catalog(case("53"), tmp_path).item("AW3")
    assert (item.commercial["on_hand"], item.commercial["back_orders"]) == (0, 7)
    other = catalog(case("53", {"negative-stock": "zero"}), tmp_path).item("AW3")
    assert (other.commercial["on_hand"], other.commercial["back_orders"]) == (0, None)


def test_54_kilograms_keep_their_grams(tmp_path):
    loaded = catalog(case("54"), tmp_path)
    np.testing.assert_allclose(loaded.panel().demand[0, :3], [10.602, 10.993, 1.349], rtol=1e-6)
    assert loaded.item("cheese 0").commercial["pack_size"] == 2.5


def test_60_the_order_of_rows_and_columns_does_not_matter(tmp_path):
    rows = frame_of_text("60")
    ordered = rows.sort_values([rows.columns[rows.columns.str.contains("item|sku", case=False)][0], "week"])
    ordered = ordered[sorted(ordered.columns)]
    got = case("60")
    again = preview("60.csv", ordered.to_csv(index=False).encode())
    one, other = catalog(got, tmp_path).panel(), catalog(again, tmp_path).panel()
    order = np.argsort(one.item_ids)
    np.testing.assert_array_equal(one.take(order).demand, other.take(np.argsort(other.item_ids)).demand)


def test_decisions_are_kept_under_another_mapping():
    got = decide(case("52"), {"sum-of-others": "no"})
    assert review(got, replace(got.mapping, missing="zero")).items == 33
