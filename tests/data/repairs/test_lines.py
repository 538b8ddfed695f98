"""Rows that are left out or become one: rows twice, totals, lines to add up, returns, weekdays, codes and currencies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repaired import kinds, offered, poisson, read, table
from uploads import findings, loaded

from data.sources.upload.load import decide, review
from data.sources.upload.repairs.lines.item_codes import plain_code, written_as

# rows twice


@given(seed=st.integers(0, 10_000), share=st.floats(0.1, 1.0))
@settings(max_examples=5)
def test_a_doubled_file_gives_the_catalog_of_the_single_file(tmp_path_factory, seed, share):
    rows = table(poisson(9, items=4, periods=20, seed=seed))
    doubled = pd.concat([rows, rows.sample(frac=share, random_state=seed)])
    got = read(doubled)
    assert kinds(got) == {"repeated-rows": "yes"}
    path = tmp_path_factory.mktemp("twice")
    panel = loaded(got, path).panel()
    np.testing.assert_array_equal(panel.demand, loaded(read(rows), path).panel().demand)


def test_like_sales_of_one_till_are_two_sales():
    rng = np.random.default_rng(1)
    days = pd.date_range("2024-01-01", periods=60)
    lines = pd.DataFrame({"item": rng.choice(["A", "B"], 900), "date": days[rng.integers(0, 60, 900)], "units": 1})
    got = read(lines)
    assert kinds(got) == {"add-up": "days"}
    assert "Rows are single sales here, and each counts" in findings(got)
    assert offered(got, "add-up").default == "days"
    assert np.nansum(got._rows.demand) == 900


def test_rows_twice_are_never_added_up():
    rows = table(poisson(9))
    assert "again in 300 rows" in str(read(pd.concat([rows, rows[:300]]), {"repeated-rows": "no"}).problems[0])


def test_exports_that_hold_the_earlier_ones_count_once():
    rows = table(poisson(9))
    months = [rows[rows.date < end] for end in ("2022-09-01", "2023-01-01", "2024-01-01")]
    got = read(pd.concat(months))
    assert (kinds(got), got.problems, np.nansum(got._rows.demand)) == ({"repeated-rows": "yes"}, (), rows.units.sum())


def test_corrections_in_a_second_export_are_not_added_up():
    rows = table(poisson(9))
    second = rows[-300:].copy()
    second.iloc[::10, 2] += 3
    got = read(pd.concat([rows, second]))
    assert (kinds(got), offered(got, "repeated-rows").count) == ({"repeated-rows": "yes"}, 270)
    assert "again in 30 rows" in str(got.problems[0])


def test_lines_that_were_exported_twice_are_added_up_once():
    rows = lines()
    got = read(pd.concat([rows, rows]), {"unfinished-period": "no"})
    assert kinds(got)["repeated-rows"] == "yes"
    assert np.nansum(got._rows.demand) == rows.units.sum()


def test_rows_twice_are_found_beside_a_number_of_the_row():
    rows = table(poisson(9))
    doubled = pd.concat([rows, rows[:300]]).assign(line=np.arange(940) + 5000)
    got = read(doubled)
    assert (kinds(got), offered(got, "repeated-rows").count, got.problems) == ({"repeated-rows": "yes"}, 300, ())


# totals


@pytest.mark.parametrize("label", ["Grand total", "Summe", "Total général", "合計", "Zwischensumme Tee", "Subtotal Tea"])
@pytest.mark.parametrize("column", ["item", "category"])
def test_labelled_totals_are_left_out(tmp_path, label, column):
    rows = table(poisson(9)).astype({"date": str}).assign(category="Tea")
    last = {"item": "", "date": "", "units": rows.units.sum(), "category": ""} | {column: label}
    got = read(pd.concat([rows, pd.DataFrame([last])]))
    assert (offered(got, "total-rows").count, offered(got, "total-rows").answer, got.problems) == (1, "yes", ())
    np.testing.assert_array_equal(loaded(got, tmp_path).panel().demand.sum(), rows.units.sum())
    assert not read(pd.concat([rows, pd.DataFrame([last])]), {"total-rows": "no"}).loadable


def test_a_sum_without_a_label_is_a_total():
    rows = table(poisson(9, items=3, periods=12)).astype({"date": str})
    parts = [rows[rows.item == item] for item in ("A0", "A1", "A2")]
    sums = [pd.DataFrame([{"item": "", "date": "", "units": part.units.sum()}]) for part in parts]
    got = read(pd.concat([one for pair in zip(parts, sums, strict=True) for one in pair]))
    assert (offered(got, "total-rows").count, got.items, got.problems) == (3, 3, ())


def test_a_brand_called_total_is_no_total():
    rows = table(poisson(9)).replace({"A1": "Total 0% yoghurt", "A2": "Summer mix", "A3": "All bran"})
    got = read(rows)
    assert (got.items, got.offers) == (8, ())


# lines


def lines(seed: int = 0) -> pd.DataFrame:
    """Invoice lines of 40 days with numbers and times, some cancelled."""
    rng = np.random.default_rng(seed)
    count = 1200
    day = pd.date_range("2024-01-03", periods=75)[rng.integers(0, 75, count)]
    day = day[day.day_of_week != 6]
    units = rng.integers(1, 9, len(day))
    frame = pd.DataFrame(
        {"invoice": 50_000 + np.arange(len(day)), "item": rng.choice(list("ABCD"), len(day)), "units": units, "price": 2.5}
    )
    frame["date"] = [f"{one:%Y-%m-%d} {rng.integers(8, 20):02}:{rng.integers(60):02}" for one in day]
    return frame.astype({"invoice": str})


@pytest.mark.parametrize("sign", [-1, 1])
def test_cancelled_invoices_are_taken_off_however_they_are_signed(sign):
    rows = lines()
    again = rows.iloc[::40].assign(invoice=lambda found: "C" + found.invoice, units=lambda found: sign * found.units)
    got = read(pd.concat([rows, again]), {"unfinished-period": "no"})
    got = review(got, replace(got.mapping, past=()))
    assert kinds(got)["add-up"] in ("days", "weeks")
    assert np.nansum(got._rows.demand) == rows.units.sum() - again.units.abs().sum()


def test_weeks_that_the_file_reaches_over_in_part_are_left_out():
    rows = lines()
    got = read(rows, {"add-up": "weeks"})
    offer = offered(got, "unfinished-period")
    assert "2024-01-01 holds 4 of 6 open days" in offer.words  # from a Wednesday on, closed on Sundays
    assert got.first == pd.Timestamp("2024-01-08")
    assert read(rows, {"add-up": "weeks", "unfinished-period": "no"}).first == pd.Timestamp("2024-01-01")


def test_prices_are_weighted_by_units(tmp_path):
    rows = lines().assign(price=lambda found: np.where(found.units > 4, 2.0, 4.0))
    got = read(rows, {"add-up": "months"})
    panel = loaded(review(got, replace(got.mapping, past=())), tmp_path).panel()
    february = rows[(rows.item == "A") & rows.date.str.startswith("2024-02")]
    place = panel.item_ids.tolist().index("A")
    paid = (february.price * february.units).sum() / february.units.sum()
    assert panel.known["price"][place, panel.periods == "2024-02-01"] == pytest.approx(paid, rel=1e-6)


def test_daily_rows_are_added_up_only_where_a_step_is_named(tmp_path):
    demand = poisson(9, items=3, periods=91)
    rows = table(demand, "D", "2024-01-01")
    for decided in ({}, {"add-up": "yes"}, {"add-up": "no"}):
        assert (read(rows, decided).frequency.unit, kinds(read(rows, decided))) == ("day", {"add-up": "no"})
    panel = loaded(read(rows, {"add-up": "weeks"}), tmp_path).panel()
    np.testing.assert_array_equal(panel.demand, demand.reshape(3, 13, 7).sum(axis=2))
    demand[0, 10] = np.nan  # a week with an unknown day is unknown
    demand[1, 3] = 0
    panel = loaded(read(table(demand, "D", "2024-01-01"), {"add-up": "weeks"}), tmp_path).panel()
    assert np.argwhere(np.isnan(panel.demand)).tolist() == [[0, 1]]


def test_outlets_are_not_added_up():
    rows = table(poisson(9))
    both = pd.concat([rows.assign(outlet="north"), rows.assign(outlet="south")])
    got = read(both)
    assert "add-up" not in kinds(got)
    assert got.mapping.location == "outlet"  # which makes an item of each product at each outlet
    assert got.items == 16


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=12))
def test_returns_come_off_the_sales_before_them(units):
    units = [1, *units, 1]
    got = read(table(np.array([units], float)), {"returns": "earlier"})
    demand = got._rows.demand
    assert (demand >= 0).all()
    assert demand.sum() >= sum(units)
    for end in range(len(units)):  # nothing is taken off later sales
        assert demand[end:].sum() <= sum(max(one, 0) for one in units[end:])
    if min(units) >= 0:
        assert demand.tolist() == units


# weeks


def test_sundays_that_end_a_week_go_back_to_its_monday():
    one, other = table(poisson(9, items=5)), table(poisson(9, items=3), start="2022-01-09", freq="W-SUN")
    rows = pd.concat([one.assign(region="n"), other.assign(region="s", item=lambda found: "B" + found["item"])])
    got = read(rows, {"move-weekdays": "yes"})
    assert (got.first, got.frequency.alias) == (pd.Timestamp("2022-01-03"), "W-MON")
    assert got.last == one.date.max()


# codes


def test_codes_that_look_alike_are_told():
    rows = table(poisson(9, items=4)).replace({"A0": "007", "A1": "7", "A2": "X-1", "A3": "x 1"})
    got = read(rows)
    assert "by spaces, dashes or leading zeros: 2 item ids" in findings(got)
    assert got.items == 4


def test_codes_cut_by_a_spreadsheet_are_told_and_never_added_up():
    rows = table(poisson(9, items=2)).replace({"A0": "8.71E+12"})
    assert "lost their last digits" in findings(read(rows))
    merged = pd.concat([rows, rows[rows.item == "8.71E+12"].assign(units=3)])
    got = read(merged, {"add-up": "yes"})
    assert "Several items have become one" in str(got.problems[0])
    assert "add-up" not in kinds(got)


def test_a_code_is_matched_only_where_that_is_certain():
    assert written_as(["12", "7", "B 1"], ["0012", "07", "007", "b-1"]) == {"12": "0012", "B 1": "b-1"}
    assert written_as(["12", "012"], ["0012"]) == {}
    assert written_as(["12"], ["12", "0012"]) == {}
    assert plain_code("A-010.05") == plain_code("a 10.05")


# prices


@pytest.mark.parametrize("marks", [("€ {}", "CHF {}"), ("{} €", "{} CHF"), ("EUR {}", "${}"), ("{}EUR", "£{}")])
def test_currencies_are_told_from_one_another(tmp_path, marks):
    demand = poisson(9, items=3)
    price = np.array([[marks[item == 2].format("12.50")] * 80 for item in range(3)], dtype=object)
    rows = table(demand, price=price)
    got = read(rows)
    assert "price" in got.mapping.columns() or got.problems
    got = review(got, replace(got.mapping, price="price", past=(), static=()))
    assert "Two currencies in one column" in str(got.problems[-1])
    taken = decide(got, {"currencies": "yes"})
    values = loaded(taken, tmp_path).panel().known["price"]
    assert (values[:2] == 12.5).all()
    assert np.isnan(values[2]).all()


def test_one_currency_needs_no_offer(tmp_path):
    price = np.full((3, 80), "12.50 CHF", dtype=object)
    got = read(table(poisson(9, items=3), price=price))
    got = review(got, replace(got.mapping, price="price", past=(), static=()))
    assert (got.offers, got.problems) == ((), ())
    assert "Prices are marked CHF" in findings(got)


def test_prices_that_are_none(tmp_path):
    price = np.full((4, 80), 5.0)
    price[0, 3:5], price[1, 7], price[2, 9], price[3, 20:] = 0, 99999, 0.01, 7.5
    got = read(table(poisson(9, items=4), price=price))
    assert offered(got, "placeholder-prices").count == 4
    panel = loaded(got, tmp_path).panel()
    assert (panel.known["price"][:3] == 5).all()
    assert panel.known["price"][3, 30] == 7.5


def test_a_bad_commercial_cell_does_not_stop_a_file(tmp_path):
    rows = table(poisson(9, items=2)).assign(moq=6.0).astype({"moq": object})
    rows.loc[rows.index[-1], "moq"] = "ask Jim"
    got = read(rows)
    got = review(got, replace(got.mapping, commercial={"min_order": "moq"}, static=()))
    assert got.loadable
    assert "'ask Jim' in 'moq' cannot be min order: 1 cell left empty" in findings(got)
    assert loaded(got, tmp_path).item("A1").commercial["min_order"] == 6
