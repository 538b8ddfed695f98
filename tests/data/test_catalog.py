"""The catalog: what is written is what is read, nothing else can be, and nothing is lost when an import fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from catalogs import WEEKLY, assert_same, panel_of, write

from data.catalog import Catalog
from data.catalog_writer import recent_units
from data.errors import ConfigurationError, DataError, ResourceError, UnknownItem
from data.events import flags, named_days
from data.export import export_catalog, long_rows
from data.groups import group_series
from data.schema import Frequency, Plan


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    panel = panel_of()
    names = [f"Thing {item_id[-1]} {'tea' if n % 2 else 'Rice, 1 kg'}" for n, item_id in enumerate(panel.item_ids)]
    commercial = pd.DataFrame({"unit_cost": np.arange(30.0), "pack_size": [np.nan, 6.0, 12.0] * 10})
    path = write(
        tmp_path_factory.mktemp("catalog") / "catalog.duckdb",
        panel,
        size=7,
        names=names,
        commercial=commercial,
        country="US",
    )
    catalog = Catalog(path)
    yield catalog
    catalog.close()


# what is written is what is read


def test_a_written_panel_reads_back_equal_with_the_groups_of_the_whole(catalog):
    panel = panel_of()
    got = catalog.panel()
    assert_same(got, panel)
    for group, expected in zip(got.groups, group_series(panel), strict=True):
        assert group.column == expected.column
        assert group.labels[group.codes].tolist() == expected.labels[expected.codes].tolist()
        np.testing.assert_array_equal(group.demand, expected.demand)
        np.testing.assert_array_equal(group.sellers, expected.sellers)
        for name, values in expected.known.items():
            np.testing.assert_allclose(group.known[name], values, rtol=1e-5, atol=1e-6)


def test_some_items_come_in_the_order_asked_for(catalog):
    panel = panel_of()
    rows = [17, 3, 3, 28]
    item_ids = panel.item_ids[rows].tolist()
    assert_same(catalog.panel(item_ids), panel.take(rows))
    assert_same(catalog.panel(item_ids[:1]), panel.take(rows[:1]))
    assert [facts.item_id for facts in catalog.items(item_ids)] == item_ids
    assert catalog.panel(item_ids).groups[0].demand.tolist() == catalog.panel().groups[0].demand.tolist()


def test_batches_hold_every_item_once(catalog):
    batches = list(catalog.batches(8))
    assert [len(batch) for batch in batches] == [8, 8, 8, 6]
    assert np.concatenate([batch.item_ids for batch in batches]).tolist() == panel_of().item_ids.tolist()
    np.testing.assert_array_equal(np.vstack([batch.demand for batch in batches]), panel_of().demand)


def test_batches_with_their_plan_are_panel_and_plan_of_the_same_items(catalog):
    for panel, plan in catalog.batches_with_plan(8, 4):
        same = catalog.plan(panel.item_ids.tolist(), 4)
        assert_same(panel, catalog.panel(panel.item_ids.tolist()))
        for name, values in same.known.items():
            np.testing.assert_array_equal(plan.known[name], values)
        assert plan.periods.equals(same.periods)


def test_facts_of_an_item(catalog):
    panel = panel_of()
    facts = catalog.item(panel.item_ids[1])
    assert facts.name.endswith("tea")
    assert facts.static == {"category": "Category 1", "brand": "Plain"}
    assert facts.commercial["unit_cost"] == 1.0
    assert facts.commercial["pack_size"] == 6.0
    assert facts.commercial["on_hand"] is None
    known = panel.demand[1][np.isfinite(panel.demand[1])]
    assert facts.recent_units == pytest.approx(known[-13:].mean())


def test_what_sold_lately_leaves_out_periods_without_stock(tmp_path):
    panel = panel_of()
    in_stock, demand = np.ones_like(panel.demand), panel.demand.copy()
    demand[1, -4:], in_stock[1, -4:] = 0.0, 0.0
    panel = replace(panel, demand=demand, in_stock=in_stock)
    known = demand[1, :-4][np.isfinite(demand[1, :-4])]
    with closing(Catalog(write(tmp_path / "catalog.duckdb", panel, size=7))) as catalog:
        assert catalog.item(panel.item_ids[1]).recent_units == pytest.approx(known[-13:].mean())


def test_recent_units_skip_what_is_unknown():
    demand = np.full((3, 20), 2.0, np.float32)
    demand[1, -5:] = np.nan
    demand[1, :10] = 100.0
    demand[2] = np.nan
    got = recent_units(demand)
    assert got[0] == 2.0
    assert got[1] == pytest.approx((5 * 2 + 8 * 100) / 13)
    assert np.isnan(got[2])


def test_an_unknown_item_is_named(catalog):
    for ask in (lambda: catalog.item("X9"), lambda: catalog.panel(["SKU-0001", "X9"]), lambda: catalog.plan(["X9"], 3)):
        with pytest.raises(UnknownItem, match="'X9'"):
            ask()
    with pytest.raises(UnknownItem):  # ids are told apart by case
        catalog.item("sku-0001")


def test_about(catalog):
    about = catalog.about
    assert (about.items, about.periods, about.frequency) == (30, 40, WEEKLY)
    assert (about.known, about.past, about.static) == (("price", "promo"), ("views",), ("category", "brand"))
    assert about.first == pd.Timestamp("2023-01-01")
    assert about.last == panel_of().last
    assert about.country == "US"


def test_a_panel_without_any_extra_column_reads_back(tmp_path):
    plain = panel_of(known={}, past={}, static={})
    got = Catalog(write(tmp_path / "plain.duckdb", plain))
    assert_same(got.panel(), plain)
    assert got.plan(None, 5).known == {}
    assert got.item(plain.item_ids[0]).static == {}


def test_names_that_sql_would_trip_over_are_only_names(tmp_path):
    odd = panel_of(
        static={
            'x"; DROP TABLE tideline.items; --': panel_of().static["brand"],
            "select": panel_of().static["category"],
        },
        past={"order by": panel_of().past["views"]},
    )
    assert_same(Catalog(write(tmp_path / "odd.duckdb", odd)).panel(), odd)


# search


def test_search_finds_words_anywhere_whatever_the_case(catalog):
    for text, count in (
        ("tea", 15),
        ("RICE 1 kg", 15),
        ("CATEGORY tea", 15),
        ("äPFEL tea", 0),
        ("ÄPFEL söhne rice", 15),
    ):
        found = catalog.search(text, limit=50)
        assert (found.total, len(found.rows)) == (count, count), text


def test_search_lists_ids_first_then_best_sellers(tmp_path):
    demand = np.array([[1.0], [9.0], [5.0], [7.0]], np.float32) * np.ones((4, 20), np.float32)
    panel = panel_of(
        4, 20, item_ids=np.array(["A1", "B-A1", "A12", "C"], dtype=object), demand=demand, static={}, past={}, known={}
    )
    catalog = Catalog(write(tmp_path / "c.duckdb", panel, names=["x", "x", "x", "about a1"]))
    assert [row.item_id for row in catalog.search("a1").rows] == ["A1", "A12", "B-A1", "C"]
    assert [row.item_id for row in catalog.search("").rows] == ["B-A1", "C", "A12", "A1"]
    for offset in range(5):  # pages join without gap or repetition, and the total is the same from each
        page = catalog.search("a1", limit=1, offset=offset)
        assert page.total == 4
        assert [row.item_id for row in page.rows] == ["A1", "A12", "B-A1", "C", None][offset : offset + 1][: 4 - offset]


def test_search_takes_percent_and_quotes_as_they_are(catalog):
    for text in ("%", "_", "'", '"; drop table', "\\", "x" * 5000):
        assert catalog.search(text).total == 0
    assert catalog.search("a b c d e f g").total == 0
    assert catalog.search("   ").total == 30


# plan


def test_unplanned_prices_hold_and_promotions_go_on_as_usual(catalog):
    panel = panel_of()
    plan = catalog.plan(panel.item_ids[[5, 2]].tolist(), 6)
    assert plan.periods.equals(WEEKLY.after(panel.last, 6))
    np.testing.assert_array_equal(plan.known["price"], np.repeat(panel.known["price"][[5, 2], -1:], 6, axis=1))
    usual = panel.known["promo"][[5, 2], -13:].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(plan.known["promo"], np.repeat(usual, 6, axis=1), rtol=1e-6)
    assert not plan.is_given("promo").any()
    assert catalog.panel().planned == frozenset()
    history = catalog.panel().groups[1]
    np.testing.assert_array_equal(plan.groups["category"]["price"], np.repeat(history.known["price"][:, -1:], 6, axis=1))
    usual = history.known["promo"][:, -13:].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(plan.groups["category"]["promo"], np.repeat(usual, 6, axis=1), rtol=1e-6)


def test_a_plan_is_kept_and_goes_on_after_it_ends(tmp_path):
    panel = panel_of()
    promo = np.full((30, 3), np.nan, np.float32)
    promo[:, 1] = 1.0
    price = np.full((30, 3), np.nan, np.float32)
    price[::2, 1:] = panel.known["price"][::2, -1:] / 2
    planned = Plan(WEEKLY.after(panel.last, 3), {"price": price, "promo": promo})
    catalog = Catalog(write(tmp_path / "planned.duckdb", panel, plan=planned, size=11))
    got = catalog.plan(None, 5)
    last = panel.known["price"][:, -1]
    usual = panel.known["promo"][:, -13:].mean(axis=1)
    np.testing.assert_allclose(got.known["promo"][:, [0, 2, 3, 4]], np.repeat(usual[:, None], 4, axis=1), rtol=1e-6)
    assert (got.known["promo"][:, 1] == 1).all()
    assert got.is_given("promo")[0].tolist() == [False, True, False, False, False]
    assert catalog.panel().planned == {"price", "promo"}
    np.testing.assert_array_equal(got.known["price"][1], np.full(5, last[1]))
    np.testing.assert_allclose(got.known["price"][0], last[0] * np.array([1, 0.5, 0.5, 1, 1]), rtol=1e-6)
    # groups go on as if the plan had been history
    through = panel_of(
        periods=45,
        demand=np.pad(panel.demand, ((0, 0), (0, 5))),
        in_stock=np.pad(panel.in_stock, ((0, 0), (0, 5))),
        known={name: np.hstack([panel.known[name], got.known[name]]) for name in panel.known},
        past={},
    )
    for group in group_series(through):
        for name in ("price", "promo"):
            np.testing.assert_allclose(got.groups[group.column][name], group.known[name][:, 40:], rtol=1e-4, atol=1e-3)


def test_a_planned_price_that_cannot_be_meant_is_unknown_and_told(tmp_path):
    panel = panel_of()
    last = panel.known["price"][:, -1:]
    price = np.hstack([0 * last, -last, 50 * last, last])
    catalog = Catalog(write(tmp_path / "p.duckdb", panel, plan=Plan(WEEKLY.after(panel.last, 4), {"price": price})))
    got = catalog.plan(None, 4)
    np.testing.assert_array_equal(got.known["price"], np.repeat(last, 4, axis=1))
    assert got.is_given("price")[0].tolist() == [False, False, False, True]
    (told,) = [check for check in catalog.checks() if check.title == "Planned prices"]
    assert told.count == 90
    assert "90 planned prices are 0, negative or more than 4 times outside" in told.finding


def test_a_covariate_that_comes_and_goes_is_as_usual_where_unplanned_and_one_at_a_level_holds(tmp_path):
    panel = panel_of()
    rain = np.full(panel.demand.shape, 3.0, np.float32)
    known = {"display": panel.known["promo"] + np.float32(0) * rain, "rain": rain}
    known["display"][:, -1] = 1.0
    plan = Catalog(write(tmp_path / "c.duckdb", panel_of(known=known))).plan(None, 2)
    np.testing.assert_allclose(plan.known["display"][:, 0], known["display"][:, -13:].mean(axis=1), rtol=1e-6)
    assert (plan.known["rain"] == 3).all()


# events


def test_events_stand_in_the_week_that_holds_the_day(catalog):
    panel = catalog.panel()
    fourth = panel.event_names.index("Independence Day")  # 2023-07-04, a Tuesday; weeks end on Sundays
    assert panel.periods[panel.events[:, fourth] == 1].tolist() == [pd.Timestamp("2023-07-09")]
    ahead = catalog.plan(panel.item_ids[:1].tolist(), 30)
    christmas = panel.event_names.index("Christmas Day")
    assert ahead.periods[ahead.events[:, christmas] == 1].tolist() == [pd.Timestamp("2023-12-31")]


@pytest.mark.parametrize(
    ("alias", "stamp", "start", "expected"),
    [
        ("W-MON", "first", "2023-06-05", "2023-07-03"),
        ("W-SUN", "last", "2023-06-04", "2023-07-09"),
        ("MS", "first", "2023-01-01", "2023-07-01"),
        ("ME", "last", "2023-01-31", "2023-07-31"),
        ("D", "first", "2023-06-20", "2023-07-04"),
    ],
)
def test_flags_of_each_frequency(alias, stamp, start, expected):
    frequency = Frequency.of(alias)
    periods = frequency.range(pd.Timestamp(start), 30)
    days = {"Independence Day": pd.DatetimeIndex(["2023-07-04"])}
    assert periods[flags(days, periods, frequency, stamp)[:, 0] == 1].tolist() == [pd.Timestamp(expected)]


def test_days_off_in_lieu_are_no_events_and_odd_countries_are_refused():
    days = named_days("US", pd.Timestamp("2022-12-01"), pd.Timestamp("2023-01-31"))
    assert days["Christmas Day"].tolist() == [pd.Timestamp("2022-12-25")]  # a Sunday; the day off was on the 26th
    for country in ("XX", "date", "us states"):
        with pytest.raises(ConfigurationError, match="no holiday calendar"):
            named_days(country, pd.Timestamp("2022-12-01"), pd.Timestamp("2023-01-31"))


def test_a_plan_without_events_marks_none_and_one_with_others_is_refused(tmp_path):
    opening = np.ones((40, 1), np.float32)
    panel = panel_of(event_names=("Opening",), events=opening)
    ahead = WEEKLY.after(panel.last, 3)
    price = {"price": np.ones((len(panel), 3), np.float32)}
    catalog = Catalog(write(tmp_path / "catalog.duckdb", panel, plan=Plan(ahead, price)))
    assert catalog.plan(None, 3).events.tolist() == [[0.0]] * 3
    catalog.close()
    with pytest.raises(DataError, match="marks 2 events and the panel has 1"):
        write(tmp_path / "other.duckdb", panel, plan=Plan(ahead, price, events=np.ones((3, 2), np.float32)))


def test_a_panels_own_events_join_the_countrys(tmp_path):
    opening = np.zeros((40, 1), np.float32)
    opening[[4, 9]] = 1.0
    panel = panel_of(event_names=("Opening",), events=opening)
    got = Catalog(write(tmp_path / "own.duckdb", panel, country="DE")).panel()
    assert got.event_names[0] == "Opening"
    assert len(got.event_names) > 5
    np.testing.assert_array_equal(got.events[:, :1], opening)


# export


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_exported_hold_every_known_number(catalog, tmp_path, kind):
    path = tmp_path / f"rows.{kind}"
    count = export_catalog(catalog, path)
    rows = pd.read_csv(path, parse_dates=["date"]) if kind == "csv" else pd.read_parquet(path)
    assert len(rows) == count == sum(len(part) for part in long_rows(catalog))
    panel = panel_of()
    wide = rows.pivot(index="item_id", columns="date", values="demand").loc[panel.item_ids]
    np.testing.assert_array_equal(wide.to_numpy(np.float32), panel.demand)


# lockdown


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_csv('{other}')",
        "FROM read_text('{other}')",
        "FROM '{other}'",
        "ATTACH '{other}' AS stolen",
        "COPY (SELECT 1) TO '{other}.leak'",
        "FROM glob('/*')",
        "INSTALL httpfs",
        "SET memory_limit = '100GB'",
        "SET enable_external_access = true",
        "CREATE TABLE tideline.mine (i INT)",
        "DELETE FROM tideline.items",
    ],
)
def test_sql_reaches_nothing_but_this_catalog(catalog, tmp_path, statement):
    other = tmp_path / "secret.csv"
    other.write_text("secret\n1\n")
    with catalog._cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(statement.format(other=other)).fetchall()
    assert not Path(f"{other}.leak").exists()


# threads, and no catalog


def test_many_threads_read_at_once(catalog):
    panel = panel_of()

    def read(number: int) -> bool:
        row = number % len(panel)
        got = catalog.panel([panel.item_ids[row]])
        found = catalog.search(panel.item_ids[row])
        return np.array_equal(got.demand[0], panel.demand[row], equal_nan=True) and found.total == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(60)))


def test_no_catalog_and_no_database_are_told(tmp_path):
    with pytest.raises(ResourceError, match="no catalog"):
        Catalog(tmp_path / "none.duckdb")
    (tmp_path / "text.duckdb").write_text("not a database " * 1000)
    with pytest.raises(ResourceError, match="cannot be read"):
        Catalog(tmp_path / "text.duckdb")


def test_a_closed_catalog_says_so(tmp_path):
    catalog = Catalog(write(tmp_path / "c.duckdb", panel_of()))
    catalog.close()
    with pytest.raises(ResourceError, match="closed"):
        catalog.panel()
