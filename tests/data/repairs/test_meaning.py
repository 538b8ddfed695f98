"""What rows mean on their calendar: totals, futures and unfinished ends, missing rows, stockouts, units and one-offs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from repaired import kinds, offered, poisson, read, table
from uploads import findings, loaded

from data.sources.upload.repairs.meaning.sums_of_others import sums_among

# sums


def test_sums_at_two_levels_are_found_among_many():
    rng = np.random.default_rng(3)
    parts = rng.poisson(rng.uniform(2, 60, (30, 1)) * np.ones((1, 60))).astype(float)
    levels = np.vstack([parts[:12].sum(axis=0), parts[12:].sum(axis=0), parts.sum(axis=0)])
    np.testing.assert_array_equal(np.flatnonzero(sums_among(np.vstack([levels, parts]))), [0, 1, 2])
    assert not sums_among(parts).any()


def test_totals_of_groups_are_found_where_items_are_many(tmp_path):
    rng = np.random.default_rng(4)
    parts = rng.poisson(rng.uniform(2, 60, (150, 1)) * np.ones((1, 60))).astype(float)
    group = np.arange(150) % 3
    totals = np.array([parts[group == one].sum(axis=0) for one in range(3)])
    names = np.array([f"G{one}" for one in [*group, 0, 1, 2]])
    got = read(table(np.vstack([parts, totals]), category=names))
    assert offered(got, "sum-of-others").count == 3
    assert loaded(got, tmp_path).panel().demand.sum(dtype=float) == parts.sum()


def test_totals_named_so_are_found_together_where_nothing_tells_their_parts():
    parts = poisson(15, items=90, periods=52)
    group = np.arange(90) % 3
    totals = np.array([parts[group == one].sum(axis=0) for one in range(3)])
    rows = table(np.vstack([parts, totals])).replace({f"A{90 + one}": f"Total group {one}" for one in range(3)})
    assert (offered(read(rows), "sum-of-others").count, read(rows).items) == (3, 90)


def test_sums_of_kilograms_are_sums_too():
    parts = np.round(np.random.default_rng(5).gamma(3, 4, (5, 60)), 3)
    got = read(table(np.vstack([parts, parts.sum(axis=0)])))
    assert (offered(got, "sum-of-others").count, got.items) == (1, 5)


def test_what_is_called_a_total_and_is_none_is_told():
    demand = poisson(9)
    demand[0] *= 9
    got = read(table(demand).replace({"A0": "Total shop"}))
    assert ("sum-of-others" in kinds(got), got.items) == (False, 8)
    assert "named like a total" in findings(got)


# the end of the history


@pytest.mark.parametrize("share", [2 / 7, 3 / 7])
@pytest.mark.parametrize("freq", ["W-MON", "MS"])
def test_an_unfinished_period_is_left_out_and_its_price_becomes_the_plan(tmp_path, freq, share):
    demand = poisson(30, items=12, periods=60)
    demand[:, -1] = np.round(demand[:, -1] * share)
    rows = table(demand, freq, "2020-01-01", price=np.full((12, 60), 5.0))
    got = read(rows)
    assert kinds(got) == {"unfinished-period": "yes"}
    assert got.planned == 1
    catalog = loaded(got, tmp_path)
    without = rows[rows.date < rows.date.max()]
    np.testing.assert_array_equal(catalog.panel().demand, loaded(read(without), tmp_path).panel().demand)


def test_a_season_that_ends_each_year_is_no_unfinished_period():
    year = np.where(np.arange(105) % 52 < 40, 1.0, 0.2)
    demand = np.random.default_rng(6).poisson(30 * np.tile(year, (12, 1))).astype(float)
    assert demand[:, 92:].mean() < 10
    assert not read(table(demand[:, :93])).offers


@pytest.mark.parametrize("planned", [True, False])
def test_zeros_of_all_items_at_the_end_are_the_future(tmp_path, planned):
    demand = poisson(12, items=5)
    demand[:, -6:] = 0
    columns = {"price": np.full(demand.shape, 5.0)} if planned else {}
    got = read(table(demand, **columns))
    assert kinds(got) == {"future-zeros": "yes"}
    assert got.planned == (6 if planned else 0)
    assert len(loaded(got, tmp_path).panel().periods) == 74


def test_items_that_stop_one_after_another_are_no_future():
    demand = poisson(12, items=5)
    for item in range(5):
        demand[item, 40 + 7 * item :] = 0
    assert "future-zeros" not in kinds(read(table(demand)))


# missing rows


def test_an_export_of_sold_rows_alone_is_told_by_item(tmp_path):
    demand = np.vstack([poisson(0.4, items=6, periods=90), poisson(40, items=2, periods=90)])
    sold = np.where(demand > 0, demand, np.nan)
    sold[6, 30:33] = np.nan  # forgotten: this item sells forty a week
    got = read(table(sold))
    offer = offered(got, "missing-rows")
    assert (offer.default, offer.answer) == ("by-item", "by-item")
    panel = loaded(got, tmp_path).panel()
    np.testing.assert_array_equal(np.isnan(panel.demand[6]), np.isnan(sold[6]))
    begun = np.isfinite(sold[:6]).cumsum(axis=1) > 0
    np.testing.assert_array_equal(panel.demand[:6][begun], demand[:6][begun])
    unknown = loaded(read(table(sold), {"missing-rows": "unknown"}), tmp_path).panel()
    np.testing.assert_array_equal(np.isnan(unknown.demand), np.isnan(sold))


def test_missing_rows_of_a_file_with_zeros_stay_unknown():
    demand = poisson(2)
    demand[:, ::9] = np.nan
    assert offered(read(table(demand)), "missing-rows").answer == "unknown"


def test_closed_weekdays_are_known_zeros(tmp_path):
    demand = poisson(12, items=4, periods=140)
    demand[:, 6::7] = np.nan  # Sundays, of the first two items also Saturdays
    demand[:2, 5::7] = np.nan
    demand[3, 50] = np.nan
    got = read(table(demand, "D", price=np.full(demand.shape, 5.0)))
    assert kinds(got)["closed-days"] == "yes"
    assert "Saturdays and Sundays" in offered(got, "closed-days").words
    assert got.gaps == 1
    catalog = loaded(got, tmp_path)
    demand[:, 6::7], demand[:2, 5::7] = 0, 0
    np.testing.assert_array_equal(catalog.panel().demand, demand[:, :139])  # the last day, a Sunday, is not there at all
    assert catalog.about.price_seen == "always"


# single periods


def test_impossible_zeros_are_offered_as_stockouts(tmp_path):
    demand = poisson(20)
    demand[2, 30:34] = 0
    demand[5, -3:] = 0
    got = read(table(demand))
    assert (offered(got, "hidden-stockouts").default, offered(got, "hidden-stockouts").count) == ("no", 7)
    panel = loaded(read(table(demand), {"hidden-stockouts": "yes"}), tmp_path).panel()
    assert np.argwhere(panel.in_stock == 0).tolist() == [*([2, t] for t in range(30, 34)), *([5, t] for t in range(77, 80))]


def test_an_item_that_stopped_is_no_stockout():
    demand = poisson(20)
    demand[2, 70:] = 0
    assert not read(table(demand)).offers


@pytest.mark.parametrize("pack", [12.0, 1 / 12])
def test_a_change_of_unit_is_offered_and_mended(tmp_path, pack):
    demand = poisson(120, items=5)
    jumped = demand.copy()
    jumped[1, 40:] = np.round(jumped[1, 40:] * pack)
    price = np.full(demand.shape, 6.0)
    assert offered(read(table(jumped)), "unit-change").default == "no"
    price[1, 40:] /= pack
    got = read(table(jumped, price=price))
    assert offered(got, "unit-change").answer == "yes"  # the price says so too
    panel = loaded(got, tmp_path).panel()
    np.testing.assert_allclose(panel.demand[1, :40], demand[1, :40] * pack, rtol=1e-6)
    np.testing.assert_allclose(panel.known["price"][1], 6.0 / pack, rtol=1e-6)
    np.testing.assert_array_equal(np.delete(panel.demand, 1, axis=0), np.delete(demand, 1, axis=0))


def test_other_jumps_are_told():
    demand = poisson(60)
    demand[1, 40:] = np.round(demand[1, 40:] * 7.7)
    got = read(table(demand))
    assert "Level shift: The level of 1 item jumps" in findings(got)
    assert "unit-change" not in kinds(got)


def test_a_promoted_peak_is_no_one_off_order():
    demand = poisson(20)
    demand[0, 50] = 900
    promo = np.zeros(demand.shape)
    assert kinds(read(table(demand, promo=promo))) == {"one-off-orders": "no"}
    promo[0, 50] = 1
    assert not read(table(demand, promo=promo)).offers


def test_examples_and_effects_are_given_for_every_offer():
    demand = poisson(20, items=6)
    demand[0, 50] = 2000
    demand[1, 20:25] = 0
    demand[:, -1] = np.round(demand[:, -1] / 4)
    rows = pd.concat([table(np.vstack([demand, demand.sum(axis=0)])), table(demand[:1])])
    got = read(rows)
    assert set(kinds(got)) >= {"repeated-rows", "sum-of-others", "unfinished-period", "hidden-stockouts", "one-off-orders"}
    for offer in got.offers:
        assert offer.count > 0
        assert all((offer.title, offer.words, offer.before, offer.after, offer.effect))
        assert offer.words.endswith(".")
