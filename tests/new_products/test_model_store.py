"""What was learned from launches is taken up after a restart, and only where catalog, model and file are whole and the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.schema import Panel, Plan
from data.sources.simulator import simulate
from data.sources.simulator.settings import Simulation
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import plan_from
from forecasting.core.types import Progress, QuantileForecast
from forecasting.new_products.analog_forecast import LaunchForecast
from forecasting.new_products.holdout_trial import by_network
from forecasting.new_products.launch_history import Products
from forecasting.new_products.launch_service import LaunchService, NewProduct, learn
from forecasting.new_products.model_store import LaunchStore

WEEKS = 90


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    path = tmp_path_factory.mktemp("launches") / "catalog.duckdb"
    simulate.load(path, Simulation(items=400, periods=WEEKS, seed=2, launches=0.6, stockouts=0.0))
    return Catalog(path)


def opened(catalog: Catalog, store: LaunchStore) -> tuple[LaunchService, list[str]]:
    told: list[Progress] = []
    if LaunchService.of(catalog, None, store) is None:
        learn(catalog, None, store, told.append)
    desk = LaunchService.of(catalog, None, store)
    assert desk is not None
    return desk, [one.message for one in told]


def asked(desk: LaunchService, catalog: Catalog) -> LaunchForecast:
    static = catalog.search("", limit=1).rows[0].static
    launch = catalog.about.frequency.after(catalog.about.last, 1)[0]
    return desk.forecast_new(NewProduct("new soup", static, 3.0, 0.0, launch), {})


def test_what_was_learned_is_taken_up_and_answers_the_same(catalog: Catalog, tmp_path: Path) -> None:
    store = LaunchStore(tmp_path, "catalog/model")
    learned, first = opened(catalog, store)
    kept, second = opened(catalog, LaunchStore(tmp_path, "catalog/model"))
    assert "Learning which launches were alike" in first
    assert second == []
    one, other = asked(learned, catalog), asked(kept, catalog)
    np.testing.assert_array_equal(one.blend.values, other.blend.values)
    assert [(a.item_id, a.name, a.share, a.launch) for a in one.nearest] == [
        (a.item_id, a.name, a.share, a.launch) for a in other.nearest
    ]
    assert kept.recent() == learned.recent()
    assert kept.record == learned.record
    assert learned.record is not None
    recent = learned.recent()[-1].item_id  # one that was held out
    np.testing.assert_array_equal(
        kept.forecast_recent(recent, {}).analogs.values, learned.forecast_recent(recent, {}).analogs.values
    )
    best = learned.items[0].item_id
    assert kept.similar(best) == learned.similar(best)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "of another catalog"])
def test_what_is_not_whole_or_not_the_same_is_learned_anew(catalog: Catalog, tmp_path: Path, damage: str) -> None:
    store = LaunchStore(tmp_path, "catalog/model")
    store.path.write_bytes(b"")
    if damage != "empty":
        opened(catalog, store)
    if damage == "cut":
        store.path.write_bytes(store.path.read_bytes()[:-3000])
    if damage == "gone":
        store.path.unlink()
    other = LaunchStore(tmp_path, "another/model") if damage == "of another catalog" else store
    assert other.load() is None
    _, told = opened(catalog, other)
    assert "Learning which launches were alike" in told
    assert [file.name for file in tmp_path.iterdir()] == [other.path.name]  # the old one is gone, nothing half-written stays
    assert other.load() is not None


class Listener:
    """A generation that keeps the plan it was asked with and says one unit of everything."""

    horizon = 10

    def forecast(self, panel: Panel, dates: list[pd.Timestamp], plan: Plan) -> list[QuantileForecast]:
        self.plan, self.until = plan, panel.last
        ones = np.ones((len(panel), self.horizon, len(TAUS)))
        return [QuantileForecast(panel.item_ids, panel.last, plan.periods, np.array(TAUS), ones, ones.copy(), "listens", "1")]


@pytest.mark.parametrize("wait", [0, 7, 30])
def test_the_network_is_told_the_holidays_of_the_launch_and_nothing_else_of_the_time_between(
    catalog: Catalog, wait: int
) -> None:
    first = catalog.search("", limit=1).rows[0].item_id
    like, ahead = catalog.panel([first]), catalog.plan([first], 60)
    named, price, promo, start = np.array(["new"], object), np.array([2.5]), np.full((1, 8), 0.5), np.array([WEEKS + wait])
    product = Products(named, named, like.static, price, promo, start)
    network = Listener()
    fans = by_network(network, like, product, ahead)
    assert network.until == like.last
    assert network.plan.periods.equals(ahead.periods[wait : wait + 10])
    np.testing.assert_array_equal(network.plan.events, ahead.events[wait : wait + 10])
    assert (network.plan.known["price"] == np.float32(2.5)).all()
    np.testing.assert_array_equal(network.plan.known["promo"][0], [0.5] * 8 + [0.0] * 2)
    assert fans.values.shape == (1, 8, len(TAUS))


def test_several_products_are_all_planned_where_the_item_they_are_like_is_not(catalog: Catalog) -> None:
    first = catalog.search("", limit=1).rows[0].item_id
    like, ahead = catalog.panel([first]), catalog.plan([first], 60)
    usual = replace(ahead, given={name: np.zeros((1, 60), bool) for name in ahead.known})
    named = np.array(["one", "two", "three"], object)
    static = {name: np.repeat(labels, 3) for name, labels in like.static.items()}
    products = Products(named, named, static, np.full(3, 2.5), np.full((3, 8), 0.5), np.full(3, WEEKS))
    network = Listener()
    fans = by_network(network, like, products, usual)
    two = network.plan.take([1, 2])
    assert two.is_given("promo").tolist() == [[True] * 10] * 2
    assert fans.values.shape == (3, 8, len(TAUS))


def test_a_plan_goes_on_as_its_last_where_it_ends(catalog: Catalog) -> None:
    plan = catalog.plan(None, 6)
    part = plan_from(plan, 4, 4)
    np.testing.assert_array_equal(part.known["price"], plan.known["price"][:, [4, 5, 5, 5]])
    np.testing.assert_array_equal(part.events, plan.events[[4, 5, 5, 5]])
