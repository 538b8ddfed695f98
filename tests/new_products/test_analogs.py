"""Launch forecasts from analogs: a planted family is found, failures count, and nothing after the creation date does."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from data.errors import DataError, TooLittleHistory, UnknownItem
from data.facts import About, ItemFacts
from data.groups import group_series
from data.schema import Frequency, Panel
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until
from forecasting.new_products.analog_forecast import Fans, LaunchModel, chosen_share, likeness, weighted_fans
from forecasting.new_products.duplicate_items import duplicates
from forecasting.new_products.launch_history import GroupHistory, Launches, period_number, read_launches
from forecasting.new_products.launch_service import LaunchService, NewProduct

PERIODS, WINDOW, CREATED = 40, 8, 29
FAMILIES = ("steady", "fading", "growing", "failing")
SHAPES = {
    "steady": np.full(WINDOW, 20.0),
    "fading": 60 * 0.7 ** np.arange(WINDOW),
    "growing": 4.0 + 5 * np.arange(WINDOW),
    "failing": np.array([2.0] + [0.0] * (WINDOW - 1)),
}


@cache
def market() -> tuple[Panel, dict[str, str]]:
    """160 launches of four families, told apart by a word of their name and by their line, and 20 items from the start."""
    rng = np.random.default_rng(3)
    items = 180
    family = np.array([FAMILIES[row % 4] for row in range(items)], dtype=object)
    start = np.where(np.arange(items) < 160, rng.integers(5, PERIODS - 2, items), 0)
    demand = np.full((items, PERIODS), np.nan, np.float32)
    for row in range(items):
        curve = np.append(SHAPES[family[row]], np.full(PERIODS, SHAPES[family[row]][-1]))[: PERIODS - start[row]]
        demand[row, start[row] :] = rng.poisson(curve)
        demand[row, start[row]] = max(demand[row, start[row]], 1)
    price = np.where(np.isfinite(demand), rng.uniform(1, 9, (items, 1)), np.nan).astype(np.float32)
    panel = Panel(
        item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
        periods=Frequency.of("W-SUN").range(pd.Timestamp("2024-01-07"), PERIODS),
        frequency=Frequency.of("W-SUN"),
        demand=demand,
        in_stock=np.full_like(demand, np.nan),
        known={"price": price, "promo": np.zeros_like(demand)},
        static={
            "line": np.array([f"line {FAMILIES.index(one) % 2}" for one in family], dtype=object),
            "brand": np.array([("own", "other")[row // 4 % 2] for row in range(items)], dtype=object),
        },
        catalog_hash="launches",
    )
    names = {f"item {row}": f"{family[row]} product, {row} g" for row in range(items)}
    return replace(panel, groups=group_series(panel)), names


def family_of(names: np.ndarray) -> np.ndarray:
    return np.array([str(name).split()[0] for name in names])


@cache
def read() -> tuple[Launches, GroupHistory]:
    panel, names = market()
    return read_launches([panel], names, WINDOW)


@cache
def model() -> LaunchModel:
    return LaunchModel.fitted(*read(), CREATED)


def later() -> Launches:
    return read()[0].begun_within(CREATED + 1, PERIODS)


def model_desk() -> LaunchService:
    panel, names = market()
    launches, _ = read()
    frequency = panel.frequency
    about = About(
        name="Launches", source="", words="", frequency=frequency, stamp="last", currency="USD", country=None,
        first=panel.periods[0], last=panel.periods[CREATED], periods=CREATED + 1, items=len(panel), known=("price", "promo"),
        past=(), static=("line", "brand"), price_seen="always", planned=0, catalog_hash="launches", contract_version=1,
        built_at="2025-01-01",
    )  # fmt: skip
    items = tuple(
        ItemFacts(item, names[item], {name: str(panel.static[name][row]) for name in panel.static}, {"price": 2.0}, 1.0)
        for row, item in enumerate(map(str, panel.item_ids))
    )
    under_way = launches.take(np.flatnonzero(launches.products.start == CREATED - 2))
    return LaunchService(about, model(), under_way, items, panel.take([0]), None, None)


NEW = NewProduct("fading product", {"line": "line 1", "brand": "own"}, 3.0, 0.0, pd.Timestamp("2024-08-04"))


def test_a_launch_is_the_first_sale_after_periods_without_the_item() -> None:
    launches, _ = read()
    panel, _ = market()
    assert len(launches) == 160
    start = {str(item): first for item, first in zip(launches.products.item_ids, launches.products.start, strict=True)}
    row = list(panel.item_ids).index("item 7")
    assert start["item 7"] == np.isnan(panel.demand[row]).sum()
    assert "item 170" not in start, "sold from the first period on"
    mine = list(launches.products.item_ids).index("item 7")
    first = start["item 7"]
    known = panel.demand[row, first : first + WINDOW]
    assert np.array_equal(launches.curves[mine, : len(known)], known)


def test_only_launches_that_are_over_are_learned_from() -> None:
    assert (model().known.products.start + WINDOW <= CREATED + 1).all()
    assert len(model().known) < len(read()[0])


def test_the_metric_ranks_the_planted_family_first() -> None:
    held = later()
    shares = model().shares(held.products)
    mine, theirs = family_of(held.products.names), family_of(model().known.products.names)
    own = np.where(mine[:, None] == theirs[None], shares, 0).sum(axis=1)
    assert np.median(own) > 0.8
    nearest = np.argsort(-shares, axis=1)[:, :5]
    assert (theirs[nearest] == mine[:, None]).mean() > 0.9


def test_the_analogs_beat_the_category_where_families_differ_within_it() -> None:
    from forecasting.new_products.analog_forecast import losses

    held = later()
    by_metric, by_category = (fans for fans in (model().by_metric(held.products), model().by_category(held.products)))
    assert losses(by_metric, held.curves)[0].sum() < 0.8 * losses(by_category, held.curves)[0].sum()


def test_nothing_after_the_creation_date_changes_an_analog_or_the_forecast() -> None:
    """The whole panel after the creation date is altered, but for the product's own announced price and promotion."""
    panel, names = market()
    rng = np.random.default_rng(9)
    after = np.arange(PERIODS) > CREATED
    demand = np.where(after, rng.poisson(50, panel.demand.shape), panel.demand).astype(np.float32)
    known = {name: np.where(after, 3 * values + 1, values).astype(np.float32) for name, values in panel.known.items()}
    other = replace(panel, demand=demand, known=known, groups=())
    other = replace(other, groups=group_series(other))
    products = later().products
    ours = fitted(panel, names).shares(products)
    theirs_model = fitted(other, names)
    assert np.array_equal(ours, theirs_model.shares(products))
    assert np.array_equal(fitted(panel, names).by_metric(products).values, theirs_model.by_metric(products).values)


def test_the_leak_test_finds_a_planted_leak() -> None:
    panel, names = market()
    early = panel.demand.copy()
    early[:, CREATED - 3 : CREATED + 1] += 40  # before the creation date: this must be seen
    other = replace(panel, demand=early, groups=())
    other = replace(other, groups=group_series(other))
    products = later().products
    assert not np.array_equal(fitted(panel, names).shares(products), fitted(other, names).shares(products))


def fitted(panel: Panel, names: dict[str, str]) -> LaunchModel:
    """Learned from the whole panel's launches at the creation date, as the desk does it."""
    return LaunchModel.fitted(*read_launches([panel], names, WINDOW), CREATED)


def test_cutting_the_panel_first_learns_the_same() -> None:
    panel, names = market()
    cut = fitted(history_until(panel, CREATED), names)
    products = later().products
    assert np.array_equal(cut.known.products.item_ids, model().known.products.item_ids)
    assert np.allclose(cut.shares(products), model().shares(products))


def test_failures_are_among_the_analogs() -> None:
    failing = NewProduct("failing product", {"line": "line 1", "brand": "own"}, 3.0, 0.0, NEW.launch)
    view = model_desk().forecast_new(failing, {})
    assert any((one.curve > 0).sum() <= 2 for one in view.nearest)
    assert view.analogs.at(0.5)[0, -1] < 1 < model_desk().forecast_new(NEW, {}).analogs.at(0.5)[0, 0]


def test_shares_sum_to_one_and_excluding_one_recomputes() -> None:
    desk = model_desk()
    before = desk.forecast_new(NEW, {})
    shares = desk.model.shares(later().products)
    assert np.allclose(shares.sum(axis=1), 1)
    assert (np.count_nonzero(shares, axis=1) <= 100).all()
    first = before.nearest[0]
    without = desk.forecast_new(NEW, {first.item_id: 0.0})
    gone = next(one for one in without.nearest if one.item_id == first.item_id)
    assert gone.share == 0
    assert gone.emphasis == 0
    assert not np.array_equal(without.blend.values, before.blend.values)
    alone = desk.forecast_new(NEW, {one: 0.0 for one in map(str, desk.model.known.products.item_ids) if one != first.item_id})
    assert next(one for one in alone.nearest if one.item_id == first.item_id).share == pytest.approx(1)
    assert np.allclose(alone.analogs.at(0.5)[0], first.curve * alone.moved)


def test_excluding_all_says_what_to_do() -> None:
    desk = model_desk()
    with pytest.raises(DataError, match="Give one of them some weight"):
        desk.forecast_new(NEW, dict.fromkeys(map(str, desk.model.known.products.item_ids), 0.0))


def test_too_few_launches_are_counted() -> None:
    launches, shelf = read()
    with pytest.raises(TooLittleHistory, match=r"has 3 launches .* at least 20"):
        LaunchModel.fitted(launches.finished_by(CREATED).take(np.arange(3)), shelf, CREATED)


def test_recent_items_are_forecast_as_if_nothing_had_sold() -> None:
    desk = model_desk()
    recent = desk.recent()
    assert recent
    view = desk.forecast_recent(recent[0].item_id, {})
    assert np.isfinite(view.sold).any()
    assert view.blend.creation_date < recent[0].launch
    assert recent[0].item_id not in [one.item_id for one in view.nearest]
    with pytest.raises(UnknownItem):
        desk.forecast_recent("item 9999", {})


def test_similar_items_are_of_the_same_family() -> None:
    desk = model_desk()
    names = [one.name.split()[0] for one in desk.similar("item 5", 8)]
    assert names.count("fading") >= 6
    distances = [one.distance for one in desk.similar("item 5", 8)]
    assert distances == sorted(distances)
    with pytest.raises(UnknownItem, match="best sellers"):
        desk.similar("item 9999")


def test_duplicates_share_attributes_name_price_and_demand() -> None:
    rng = np.random.default_rng(0)
    common = rng.poisson(20, (1, 30))
    demand = np.concatenate([common, common + rng.poisson(1, (1, 30)), rng.poisson(20, (2, 30))]).astype(np.float32)
    names = ("Rye bread, 500 g", "Rye bread 500 G", "Rye bread, 500 g", "Oat bread, 500 g")
    items = [ItemFacts(f"{row}", name, {"line": "bread"}, {"price": 2.0}, 1.0) for row, name in enumerate(names)]
    frequency = Frequency.of("W-SUN")

    def panel_of(ids: list[str]) -> Panel:
        rows = [int(one) for one in ids]
        stamps = frequency.range(pd.Timestamp("2024-01-07"), 30)
        return Panel(np.array(ids, dtype=object), stamps, frequency, demand[rows], np.full_like(demand[rows], np.nan))

    found = duplicates(items, panel_of)
    assert [(one.first.item_id, one.second.item_id) for one in found] == [("0", "1")]
    assert found[0].periods == 30
    dearer = [replace(one, commercial={"price": 2.0 + row}) for row, one in enumerate(items)]
    assert not duplicates(dearer, panel_of)
    assert not duplicates([], panel_of)


def test_a_weighted_distribution_has_each_curve_at_the_middle_of_its_share() -> None:
    curves = np.array([[0.0], [10.0], [20.0]])
    fans = weighted_fans(curves, np.array([[0.5, 0.25, 0.25]]))
    assert fans.values[0, 0, TAUS.index(0.1)] == 0
    assert fans.values[0, 0, TAUS.index(0.5)] == pytest.approx(10 * 0.25 / 0.375)
    assert fans.values[0, 0, TAUS.index(0.95)] == 20


def test_likeness_counts_shared_attributes_price_and_words() -> None:
    launches, shelf = read()
    one = launches.take(np.array([0]))
    score = likeness(one.products, launches, shelf)[0]
    assert score.argmax() == 0
    same = family_of(launches.products.names) == family_of(one.products.names)[0]
    assert score[same].mean() > score[~same].mean()


def test_the_share_of_the_network_follows_the_evidence_and_is_held_to_a_third_without_it() -> None:
    curves = np.full((200, 2), 10.0)
    right = Fans(*(np.full((200, 2, len(TAUS)), scale) for scale in (10.0, 10.0)))
    wrong = right.times(np.full(200, 3.0))
    assert chosen_share(wrong, right, curves) == pytest.approx((200 * 1 + 120 / 3) / 320)  # 120 launches' weight on a third
    assert chosen_share(right, wrong, curves) == pytest.approx((200 * 0 + 120 / 3) / 320)
    none = np.arange(0)
    assert chosen_share(wrong.take(none), right.take(none), curves[none]) == pytest.approx(1 / 3)


def test_a_launch_date_is_a_period_of_the_catalog() -> None:
    panel, _ = market()
    first, frequency = panel.periods[0], panel.frequency
    assert period_number(first, panel.periods[7], frequency) == 7
    assert period_number(first, panel.periods[7] - pd.Timedelta(days=2), frequency) == 7
    assert period_number(first, pd.Timestamp("2000-01-01"), frequency) == 0
