"""Uploads: what a planner's file means is found out and said, and what was exported comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from catalogs import assert_same, write
from factories import make_panel
from hypothesis import given, settings
from hypothesis import strategies as st
from uploads import GOOD, findings, in_format, loaded, seen

from data.catalog import Catalog
from data.export import export_catalog
from data.schema import Frequency
from data.sources.upload.load import preview, review

# what a good file means


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_every_format_gives_the_same_catalog(tmp_path, kind):
    rows = [
        {
            "SKU": sku, "Week ending": datetime(2024, 1, 7 + 7 * week), "Units sold": sku % 7 + week, "Unit price": 2.5,
            "Promo": ["no", "yes"][week == 1], "Stock": [9, 0, 4][week], "Description": f"Thing {sku}",
            "Category": ["Tea", "Rice"][sku % 2], "Views": 10.5 * week, "MOQ": 6,
        }
        for sku in (1007, 1008)
        for week in range(3)
    ]  # fmt: skip
    rows = [row | {"Week": row.pop("Week ending")} for row in rows]
    catalog = loaded(preview(*in_format(kind, rows)), tmp_path)
    panel = catalog.panel()
    assert panel.item_ids.tolist() == ["1007", "1008"]
    assert panel.frequency == Frequency.of("W-SUN")
    np.testing.assert_array_equal(panel.demand, [[6, 7, 8], [0, 1, 2]])
    np.testing.assert_array_equal(panel.known["price"], np.full((2, 3), 2.5))
    np.testing.assert_array_equal(panel.known["promo"], [[0, 1, 0]] * 2)
    np.testing.assert_array_equal(panel.in_stock, [[1, 0, 1]] * 2)
    np.testing.assert_array_equal(panel.past["views"], [[0, 10.5, 21]] * 2)
    assert panel.static["category"].tolist() == ["Rice", "Tea"]
    assert catalog.item("1008").name == "Thing 1008"
    assert catalog.item("1008").commercial["min_order"] == 6
    assert catalog.about.words == f"Loaded from the file sales.{kind}."


def test_preview_tells_what_it_sees():
    got = seen(GOOD)
    assert (got.mapping.item_id, got.mapping.date, got.mapping.demand) == ("item_id", "date", "demand")
    assert (got.rows, got.items, got.gaps, got.planned) == (6, 2, 0, 0)
    assert got.frequency_words == "Weeks, stamped on Sundays"
    assert got.date_format == "2024-01-31"
    assert (got.first, got.last) == (pd.Timestamp("2024-01-07"), pd.Timestamp("2024-01-21"))
    assert got.first_rows[0] == ("A", "2024-01-07", "5")
    assert got.loadable
    assert not got.checks


@pytest.mark.parametrize(
    "header",
    ["sku,week,qty", "Product,DS,Y", "unique_id,ds,y", "ARTICLE,Order Date,Unit Sales", "itemNumber,Date,Units"],
)
def test_usual_headers_are_understood(header):
    got = seen(GOOD.replace("item_id,date,demand", header))
    assert (got.mapping.item_id, got.mapping.date, got.mapping.demand) == tuple(header.split(","))
    assert got.loadable


@pytest.mark.parametrize(
    ("dates", "alias", "words"),
    [
        (pd.date_range("2024-01-01", periods=10, freq="D"), "D", "Days"),
        (pd.date_range("2024-01-01", periods=6, freq="W-MON"), "W-MON", "Weeks, stamped on Mondays"),
        (pd.date_range("2024-01-01", periods=6, freq="W-SAT"), "W-SAT", "Weeks, stamped on Saturdays"),
        (pd.date_range("2024-01-01", periods=6, freq="MS"), "MS", "Months, stamped on their first day"),
        (pd.date_range("2024-01-01", periods=6, freq="ME"), "ME", "Months, stamped on their last day"),
        (
            pd.to_datetime(["2024-01-15", "2024-02-15", "2024-03-14", "2024-05-16"]),
            "MS",
            "Months, stamped on their first day",
        ),
        (pd.date_range("2024-01-01", periods=30, freq="D")[[0, 1, 4, 5, 11, 12, 29]], "D", "Days"),
        (pd.date_range("2024-01-01", periods=30, freq="W-WED")[[0, 4, 9]], "W-WED", "Weeks, stamped on Wednesdays"),
    ],
)
def test_the_step_is_found(dates, alias, words):
    got = seen("item,date,qty\n" + "".join(f"{item},{day:%Y-%m-%d},1\n" for item in "AB" for day in dates))
    assert got.problems == ()
    assert (got.frequency, got.frequency_words) == (Frequency.of(alias), words)


def test_years_and_weeks_name_mondays():
    got = seen("item,week,qty\nA,2024-W01,1\nA,2024-W02,2\nA,2024-W04,2\n")
    assert got.frequency == Frequency.of("W-MON")
    assert (got.first, got.gaps) == (pd.Timestamp("2024-01-01"), 1)


@pytest.mark.parametrize(
    ("days", "first", "format_"),
    [
        (("31/01/2024", "01/02/2024", "02/02/2024"), "2024-01-31", "31/01/2024 (day first)"),
        (("01/31/2024", "02/01/2024", "02/02/2024"), "2024-01-31", "01/31/2024 (month first)"),
        (("31.01.2024", "01.02.2024", "02.02.2024"), "2024-01-31", "31.01.2024"),
        (("20240131", "20240201", "20240202"), "2024-01-31", "20240131"),
        (("31 Jan 2024", "1 Feb 2024", "2 February 2024"), "2024-01-31", "31 Jan 2024"),
        (("Jan 31, 2024", "Feb 1, 2024", "Feb 2, 2024"), "2024-01-31", "Jan 31, 2024"),
        (("2024-01-31 00:00:00", "2024-02-01T00:00", "2024-02-02 10:30:00+02:00"), "2024-01-31", "2024-01-31"),
        (("45322", "45323", "45324"), "2024-01-31", "Excel's day numbers (45322)"),
    ],
)
def test_dates_are_read_as_they_are_written(days, first, format_):
    got = seen("item,date,qty\n" + "".join(f'A,"{day}",1\n' for day in days))
    assert got.problems == ()
    assert (got.date_format, got.first) == (format_, pd.Timestamp(first))
    assert got.frequency == Frequency.of("D")


def test_an_open_order_of_day_and_month_is_told_and_settled(tmp_path):
    text = "item,date,qty\nA,01/02/2024,1\nA,02/02/2024,1\nA,03/02/2024,1\n"
    got = seen(text)
    assert got.mapping.day_first is None
    assert got.first == pd.Timestamp("2024-02-01")  # even steps of a day, against January 2, February 2 and March 2
    assert "do not tell day from month; they are read day first" in findings(got)
    other = review(got, replace(got.mapping, day_first=False))
    assert other.first == pd.Timestamp("2024-01-01")
    assert other.frequency_words == "Months, stamped on their first day"
    assert "do not tell" not in findings(other)


@pytest.mark.parametrize(
    ("text", "demand", "price"),
    [
        ("item;date;qty;price\nA;07.01.2024;1.234;2,50\nA;14.01.2024;0,5;1.002,75\n", [1234, 0.5], [2.5, 1002.75]),
        ('item,date,qty,price\nA,2024-01-07,"1,234",$2.50\nA,2024-01-14,0.5,"1,002.75"\n', [1234, 0.5], [2.5, 1002.75]),
        ("item\tdate\tqty\tprice\nA\t2024-01-07\t1 234\t2,50 €\nA\t2024-01-14\t3\t2,75 €\n", [1234, 3], [2.5, 2.75]),
        ("item;date;qty;price\nA;07.01.2024;1,234;1\nA;14.01.2024;2;1\n", [1.234, 2], [1, 1]),
        ("item,date,qty,price\nA,2024-01-07,1e3,1\nA,2024-01-14,+2,1\n", [1000, 2], [1, 1]),
    ],
)
def test_numbers_are_read_as_they_are_written(tmp_path, text, demand, price):
    panel = loaded(seen(text), tmp_path).panel()
    np.testing.assert_allclose(panel.demand[0], demand, rtol=1e-6)
    np.testing.assert_allclose(panel.known["price"][0], price, rtol=1e-6)


def test_commas_that_could_be_decimals_are_told():
    assert "thousands separators" in findings(seen('item,date,qty\nA,2024-01-07,"1,234"\nA,2024-01-14,2\n'))
    assert "decimal comma" in findings(seen("item;date;qty\nA;2024-01-07;1,5\nA;2024-01-14;2\n"))


def test_byte_order_mark_windows_lines_and_blank_rows_do_no_harm():
    text = "\ufeff" + GOOD.replace("B,2024-01-07,1", "\n,,\nB,2024-01-07,1").replace("\n", "\r\n")
    got = preview("sales.csv", text.encode())
    assert got.problems == ()
    assert (got.rows, got.columns[0]) == (6, "item_id")


def test_missing_rows_are_unknown_or_zero_as_the_planner_says(tmp_path):
    text = GOOD.replace("A,2024-01-14,6\n", "").replace("B,2024-01-21,2\n", "")
    got = seen(text)
    assert got.gaps == 1
    assert "1 row, taken as unknown, not zero" in findings(got)
    unknown = loaded(got, tmp_path).panel()
    np.testing.assert_array_equal(unknown.demand, [[5, np.nan, 7], [1, 0, np.nan]])
    zero = loaded(got, tmp_path, missing="zero").panel()
    np.testing.assert_array_equal(zero.demand, [[5, 0, 7], [1, 0, 0]])


def test_rows_after_the_last_demand_are_the_plan(tmp_path):
    text = "item,date,qty,price,promo\n" + "".join(
        f"{item},2024-01-{day:02},{qty},{price},{promo}\n"
        for item, day, qty, price, promo in (
            ("A", 7, 5, 2, 0), ("A", 14, 6, 2, 0), ("A", 21, "", 1.5, 1), ("A", 28, "", "", ""), ("B", 7, 1, 4, 0),
            ("B", 14, 1, 3, 0),
        )
    )  # fmt: skip
    got = seen(text)
    assert (got.last, got.planned) == (pd.Timestamp("2024-01-14"), 1)
    assert "A plan for 1 period after the last demand, in 1 row" in findings(got)
    plan = loaded(got, tmp_path).plan(["A", "B"], 3)
    np.testing.assert_array_equal(plan.known["price"], [[1.5, 2, 2], [3, 3, 3]])
    np.testing.assert_array_equal(plan.known["promo"], [[1, 0, 0], [0, 0, 0]])


def test_words_for_nothing_are_empty_numbers_but_may_be_names(tmp_path):
    text = "sku,date,qty,price,region\nNA,2024-01-07,5,-,NA\nNA,2024-01-14,null,2,NA\nNA,2024-01-21,7,N/A,NA\n"
    panel = loaded(seen(text), tmp_path).panel()
    assert (panel.item_ids.tolist(), panel.static["region"].tolist()) == (["NA"], ["NA"])
    np.testing.assert_array_equal(panel.demand, [[5, np.nan, 7]])
    np.testing.assert_array_equal(panel.known["price"], [[np.nan, 2, 2]])


def test_ids_keep_their_zeros_and_spaces_around_them_go(tmp_path):
    text = GOOD.replace("A,", "007,").replace("B,2024-01-14", " B ,2024-01-14")
    assert loaded(seen(text), tmp_path).panel().item_ids.tolist() == ["007", "B"]


def test_empty_demand_within_history_is_unknown_and_counted(tmp_path):
    got = seen(GOOD.replace("A,2024-01-14,6", "A,2024-01-14,"))
    assert "Demand is empty in 1 row and taken as unknown" in findings(got)
    assert np.isnan(loaded(got, tmp_path).panel().demand[0, 1])


def test_prices_that_stand_only_with_a_sale_are_not_foreseen(tmp_path):
    text = "item,date,qty,price\n" + "".join(
        f"A,{day:%Y-%m-%d},{n % 2},{'2.5' if n % 2 else ''}\n"
        for n, day in enumerate(pd.date_range("2024-01-07", periods=9, freq="W"))
    )
    got = seen(text)
    assert "none is used to foresee a sale" in findings(got)
    catalog = loaded(got, tmp_path)
    assert catalog.about.price_seen == "when sold"
    assert np.isnan(catalog.panel().known["price"][0, 0])
    assert (catalog.panel().known["price"][0, 1:] == 2.5).all()
    assert loaded(got, tmp_path, price_seen="always").about.price_seen == "always"


def test_a_share_in_stock_is_not_taken_for_units(tmp_path):
    rows = "".join(
        f"A,{day:%Y-%m-%d},1,{share}\n"
        for day, share in zip(pd.date_range("2024-01-07", periods=4, freq="W"), (1, 0.25, 0, ""), strict=True)
    )
    panel = loaded(seen(f"item,date,qty,in_stock\n{rows}"), tmp_path).panel()
    np.testing.assert_array_equal(panel.in_stock[0], np.float32([1, 0.25, 0, np.nan]))


def test_a_store_column_makes_items_of_product_and_place(tmp_path):
    text = "sku,store,date,qty\n" + "".join(f"{s},{p},2024-01-{d:02},{d}\n" for s in "AB" for p in (1, 2) for d in (7, 14))
    got = seen(text)
    assert (got.mapping.location, got.items, got.problems) == ("store", 4, ())
    catalog = loaded(got, tmp_path)
    assert catalog.panel().item_ids.tolist() == ["A @ 1", "A @ 2", "B @ 1", "B @ 2"]
    assert catalog.item("B @ 2").static["store"] == "2"


def test_columns_that_change_within_an_item_are_no_attributes():
    text = "item,date,qty,colour,Weather,note,class_id\n" + "".join(
        f"{item},2024-01-{day:02},1,{colour},{day}.5,{note},{code}\n"
        for item, colour, code in (("A", "red", 7), ("B", "blue", 8))
        for day, note in ((7, "sunny"), (14, "rain"))
    )
    got = seen(text)
    assert got.mapping.static == ("colour", "class_id")
    assert got.mapping.past == ("Weather",)
    assert "Left out: note" in findings(got)
    known = review(got, replace(got.mapping, past=(), known=("Weather",)))
    assert (known.known, known.past, known.static) == (("weather",), (), ("colour", "class_id"))


def test_holidays_come_with_the_country(tmp_path):
    catalog = loaded(seen(GOOD), tmp_path, country="DE")
    assert "New Year's Day" in catalog.panel().event_names
    assert loaded(seen(GOOD), tmp_path).panel().event_names == ()


# what was exported can be brought back


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("alias", ["W-SUN", "D", "MS"])
def test_importing_what_was_exported_gives_the_same_catalog(tmp_path, kind, alias):
    panel = replace(make_panel(items=7, periods=30, alias=alias, events=False), catalog_hash="")
    demand = panel.demand.copy()
    demand[2, :9] = np.nan
    demand[3, 12] = np.nan
    panel = replace(panel, demand=demand)
    commercial = pd.DataFrame({"unit_cost": np.linspace(0.1, 3, 7), "pack_size": [np.nan, 6, 12, 1, 1, 2, 3]})
    names = [f'Tea, "{n}" é' for n in range(7)]
    about = {"country": "US", "names": names, "commercial": commercial}
    first = Catalog(write(tmp_path / "first.duckdb", panel, **about))
    export_catalog(first, tmp_path / f"rows.{kind}")
    got = preview(f"rows.{kind}", (tmp_path / f"rows.{kind}").read_bytes())
    again = loaded(got, tmp_path, country="US")
    assert_same(again.panel(), first.panel())
    assert again.items(panel.item_ids) == first.items(panel.item_ids)
    assert again.about.catalog_hash == first.about.catalog_hash


@given(demand=st.lists(st.lists(st.one_of(st.none(), st.integers(0, 10_000)), min_size=5, max_size=5), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None)
def test_any_whole_numbers_come_back(tmp_path_factory, demand):
    values = np.array([[np.nan if cell is None else cell for cell in row] for row in demand], np.float32)
    if not np.isfinite(values[:, -1]).any() or not np.isfinite(values[:, 0]).any():
        values[0, [0, -1]] = 1.0
    keep = np.isfinite(values).any(axis=1)
    path = tmp_path_factory.mktemp("any")
    panel = replace(make_panel(len(values), 5, events=False), demand=values).take(np.flatnonzero(keep))
    panel = replace(panel, known={}, past={}, in_stock=np.full(panel.demand.shape, np.nan, np.float32))
    first = Catalog(write(path / "first.duckdb", panel))
    export_catalog(first, path / "rows.csv")
    again = loaded(preview("rows.csv", (path / "rows.csv").read_bytes()), path)
    np.testing.assert_array_equal(again.panel().demand, first.panel().demand)


def test_the_latest_closing_stock_is_the_stock_on_hand(tmp_path):
    rows = "".join(f"A,2024-01-{1 + week * 7:02},5,{stock}\n" for week, stock in enumerate((30, 0, 12)))
    catalog = loaded(seen(f"item,date,qty,closing_stock\n{rows}"), tmp_path)
    assert catalog.item("A").commercial["on_hand"] == 12
    np.testing.assert_array_equal(catalog.panel().in_stock[0], [1, 0, 1])


@pytest.mark.parametrize("header", ["opening_stock", "in_stock"])
def test_other_stock_is_not_what_is_on_hand(tmp_path, header):
    rows = "".join(f"A,2024-01-{1 + week * 7:02},5,{stock}\n" for week, stock in enumerate((30, 0, 12)))
    assert loaded(seen(f"item,date,qty,{header}\n{rows}"), tmp_path).item("A").commercial["on_hand"] is None


def test_yes_and_no_are_known_in_other_languages() -> None:
    days = ["02.01.2023", "09.01.2023", "16.01.2023", "23.01.2023"]
    lines = [
        f"A{i};{day};{5 + i};{'ja' if k == 3 else 'nein'};{'nein' if k == 2 else 'ja'}"
        for i in (0, 1)
        for k, day in enumerate(days)
    ]
    found = preview("sales.csv", "\n".join(["Artikel;Datum;Menge;Aktion;lagernd", *lines]).encode())
    assert (found.mapping.promo, found.mapping.stock, found.problems) == ("Aktion", "lagernd", ())
    rows = found._rows
    assert rows is not None
    assert rows.in_stock is not None
    assert rows.known["promo"].tolist() == [0, 0, 0, 1] * 2
    assert rows.in_stock.tolist() == [1, 1, 0, 1] * 2


@pytest.mark.parametrize("form", ["2022P{:02}", "{:03}.2022", "P{:02} FY22"])
def test_fiscal_periods_are_asked_about_and_never_months(form: str) -> None:
    lines = [f"A,{form.format(number)},5" for number in range(1, 13)]
    found = preview("sales.csv", "\n".join(["item,period,units", *lines]).encode())
    assert "is a fiscal period, which is no calendar month" in str(found.problems[0])
