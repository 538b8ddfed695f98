"""The simulator keeps its word: demand is drawn as Truth says; seeds, chunks and switches behave."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import holidays
import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

from data.catalog import Catalog
from data.errors import ConfigurationError
from data.groups import group_series
from data.schema import COMMERCIAL_FIRST, Frequency
from data.sources.simulator.market import LAUNCH_CURVES, market_of
from data.sources.simulator.settings import SimulatedChunk, Simulation
from data.sources.simulator.simulate import load, simulate, simulated
from data.sources.simulator.truth import Truth

SMALL = Simulation(items=600, periods=60, ahead=8, categories=6, brands=8, seed=3)

#: Nothing moves the mean: what a test switches on is all there is.
_OFF = ("trend", "season", "holidays", "price_changes", "promotions", "launches", "new_items", "ends", "shared_shocks")
STILL = replace(SMALL, **dict.fromkeys(_OFF, 0))


@pytest.fixture(scope="module")
def small() -> SimulatedChunk:
    return simulated(SMALL)


def assert_same(one: SimulatedChunk, other: SimulatedChunk) -> None:
    for name in ("item_ids", "demand", "in_stock"):
        np.testing.assert_array_equal(getattr(one.panel, name), getattr(other.panel, name), err_msg=name)
    for name in ("price", "promo"):
        np.testing.assert_array_equal(one.panel.known[name], other.panel.known[name], err_msg=name)
        np.testing.assert_array_equal(one.plan.known[name], other.plan.known[name], err_msg=name)
    for name in one.panel.static:
        np.testing.assert_array_equal(one.panel.static[name], other.panel.static[name], err_msg=name)
    for name in ("mean", "demand", "elasticity", "holiday_effect", "launch", "end"):
        np.testing.assert_array_equal(getattr(one.truth, name), getattr(other.truth, name), err_msg=name)
    np.testing.assert_array_equal(one.names, other.names)
    pd.testing.assert_frame_equal(one.commercial, other.commercial)


def test_same_seed_same_numbers_and_another_seed_others(small: SimulatedChunk) -> None:
    assert_same(small, simulated(SMALL))
    other = simulated(replace(SMALL, seed=4))
    assert not np.array_equal(other.truth.elasticity, small.truth.elasticity)
    going_on = small.truth.mean[:, -1] > 0
    assert len(set(small.truth.mean[going_on, -1])) == going_on.sum() > 512  # no item of any block comes twice
    assert not np.array_equal(other.panel.known["promo"], small.panel.known["promo"], equal_nan=True)


@pytest.mark.parametrize("chunk", [97, 512, 600])
def test_the_chunk_size_changes_nothing(small: SimulatedChunk, chunk: int) -> None:
    chunks = list(simulate(SMALL, chunk=chunk))
    assert [len(part) for part in chunks[:-1]] == [chunk] * (len(chunks) - 1)
    first = 0
    for part in chunks:
        rows = np.arange(first, first + len(part))
        np.testing.assert_array_equal(part.panel.item_ids, small.panel.item_ids[rows])
        np.testing.assert_array_equal(part.panel.demand, small.panel.demand[rows])
        np.testing.assert_array_equal(part.plan.known["price"], small.plan.known["price"][rows])
        np.testing.assert_array_equal(part.truth.mean, small.truth.mean[rows])
        first += len(part)
    assert first == SMALL.items


def test_an_item_is_the_same_however_many_are_asked_for(small: SimulatedChunk) -> None:
    few = simulated(replace(SMALL, items=40))
    np.testing.assert_array_equal(few.panel.demand, small.panel.demand[:40])
    np.testing.assert_array_equal(few.truth.mean, small.truth.mean[:40])
    assert few.names.tolist() == small.names[:40].tolist()


def random_pit(truth: Truth, cells: np.ndarray, seed: int = 0) -> np.ndarray:
    """Chance levels of the drawn demand, spread over each whole number's own chance: uniform if truth is true."""
    below, upto = truth.level_of(truth.demand - 1), truth.level_of(truth.demand)
    spread = np.random.default_rng(seed).random(upto.shape)
    return (below + spread * (upto - below))[cells]


def standard_errors_off(levels: np.ndarray, taus: np.ndarray) -> np.ndarray:
    share = (levels[:, None] <= taus).mean(axis=0)
    return np.abs(share - taus) / np.sqrt(taus * (1 - taus) / len(levels))


TAUS = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])


@pytest.mark.parametrize("where", ["everywhere", "promotion", "holiday", "intermittent", "launch", "plan"])
def test_truth_covers_the_demand_that_was_drawn(where: str) -> None:
    made = simulated(replace(SMALL, shared_shocks=0, launches=0.3))  # without shared shocks the cells are independent
    truth = made.truth
    time = np.arange(len(truth.periods))
    promo = np.hstack([made.panel.known["promo"], made.plan.known["promo"]])
    events = np.vstack([made.panel.events, made.plan.events])
    is_holiday = ((truth.holiday_effect != 1).astype(float) @ events.T) > 0
    cells = {
        "everywhere": np.ones(promo.shape, bool),
        "promotion": promo > 0,
        "holiday": is_holiday,
        "intermittent": np.broadcast_to(truth.active[:, None] < 1, promo.shape),
        "launch": (truth.launch > 0)[:, None] & (time < truth.launch[:, None] + 8),
        "plan": np.broadcast_to(time >= truth.history, promo.shape),
    }[where] & (truth.mean > 0)
    assert cells.sum() > 500
    assert standard_errors_off(random_pit(truth, cells), TAUS).max() < 4.5
    untrue = replace(truth, mean=truth.mean * 1.3)
    assert standard_errors_off(random_pit(untrue, cells), TAUS).max() > 4.5


def test_quantiles_lie_between_the_shares_below_and_upto(small: SimulatedChunk) -> None:
    ahead = slice(small.truth.history, None)
    demand = small.truth.demand[:, ahead]
    values = small.truth.quantiles([0.1, 0.5, 0.9], ahead)
    assert values.shape == (600, 8, 3)
    assert (np.diff(values, axis=-1) >= 0).all()
    for column, tau in enumerate((0.1, 0.5, 0.9)):
        units = values[:, :, column]
        below, upto = (demand < units).mean(), (demand <= units).mean()
        spare = 0.03  # shocks shared by 6 categories over 8 periods leave an sd of about 0.02
        assert below - spare < tau < upto + spare


def test_at_and_level_of_invert_each_other(small: SimulatedChunk) -> None:
    truth = small.truth.take(np.arange(60))
    for tau in (0.05, 0.5, 0.95):
        units = truth.at(tau)
        known = np.isfinite(units)
        assert (truth.level_of(units)[known] >= tau - 1e-9).all()
        assert (truth.level_of(units - 1)[known] < tau).all()
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        truth.at(1.0)


def test_span_quantiles_are_those_of_the_summed_demand(small: SimulatedChunk) -> None:
    still = simulated(replace(STILL, items=40, intermittent=0)).truth
    chance = still.shape / (still.shape + still.mean[:, 0])
    known = nbinom.ppf(0.9, 5 * still.shape, chance)  # over equal periods k and m add up
    np.testing.assert_array_equal(still.span_at(0.9, 10, 15), known)

    truth = small.truth.take(np.flatnonzero(small.truth.launch < 50))
    np.testing.assert_array_equal(truth.span_at(0.7, 55, 56), truth.at(0.7, slice(55, 56))[:, 0])
    total, units = truth.demand[:, 52:60].sum(axis=1), truth.span_at(0.8, 52, 60)
    spare = 0.06  # 500 items: an sd of 0.018 without shared shocks
    assert (total < units).mean() - spare < 0.8 < (total <= units).mean() + spare


def test_items_of_a_category_move_together() -> None:
    truth = simulated(replace(STILL, items=300, periods=300, intermittent=0, units=2000, shared_shocks=0.6)).truth
    panel = simulated(replace(STILL, items=300, periods=300, units=2000)).panel
    same = panel.static["category"][:, None] == panel.static["category"]
    np.fill_diagonal(same, False)
    correlation = np.corrcoef(truth.demand)
    assert 0.3 < correlation[same].mean() < 0.6
    assert abs(correlation[panel.static["category"][:, None] != panel.static["category"]].mean()) < 0.03


def test_elasticity_is_recovered_exactly_from_the_noise_free_means() -> None:
    made = simulated(replace(STILL, price_changes=8, categories=24))
    price = np.log(np.hstack([made.panel.known["price"], made.plan.known["price"]]).astype(np.float64))
    mean = np.log(made.truth.mean)
    price -= price.mean(axis=1, keepdims=True)
    slope = (price * (mean - mean.mean(axis=1, keepdims=True))).sum(axis=1) / (price**2).sum(axis=1)
    np.testing.assert_allclose(-slope, made.truth.elasticity, rtol=1e-9)
    assert 0.5 <= made.truth.elasticity.min() < 1
    assert 3 < made.truth.elasticity.max() <= 4


def test_promotions_sell_their_lift_and_their_discount_and_change_nothing_else(small: SimulatedChunk) -> None:
    without = simulated(replace(SMALL, promotions=0))
    assert not np.nansum(without.panel.known["promo"])
    share = np.hstack([small.panel.known["promo"], small.plan.known["promo"]])
    prices = [np.hstack([made.panel.known["price"], made.plan.known["price"]]) for made in (small, without)]
    ratio = (prices[0].astype(np.float64) / prices[1]) ** -small.truth.elasticity[:, None]
    expected = without.truth.mean * ratio * small.truth.promotion_lift[:, None] ** share
    np.testing.assert_allclose(small.truth.mean, expected, rtol=1e-9)
    assert (prices[0] < prices[1])[share > 0].all()
    changes = np.diff(prices[1], axis=1, prepend=np.nan)
    changes = np.isfinite(changes) & (changes != 0)
    assert 0.5 < (share > 0)[changes].mean() / (share > 0).mean() < 1.5  # regular prices change when they like
    np.testing.assert_array_equal(prices[0][share == 0], prices[1][share == 0])


def test_promotion_bias_sets_items_apart_from_their_category() -> None:
    lift, category = [], None
    for bias in (0.0, 0.5):
        made = simulated(replace(STILL, promotion_bias=bias))
        lift.append(np.log(made.truth.promotion_lift))
        category = made.panel.static["category"]
    within = [pd.Series(each).groupby(category).std().mean() for each in lift]
    assert within[0] < 1e-12 < 0.3 < within[1] < 0.55  # 0.5, cut at a lift of 1


def test_promotions_follow_the_season_when_asked_to() -> None:
    def season_of_starts(confounding: float) -> float:
        settings = replace(SMALL, season=0.8, promotions_in_season=confounding)
        made, market = simulated(settings), market_of(settings)
        place = {name: row for row, name in enumerate(market.categories)}
        season = market.season[[place[name] for name in made.panel.static["category"]], : settings.periods]
        return season[made.panel.known["promo"] > 0].mean() - season.mean()

    assert abs(season_of_starts(0.0)) < 0.05
    assert season_of_starts(1.5) > 0.2


def test_holidays_sell_more_on_their_dates_and_only_there() -> None:
    made, without = simulated(replace(STILL, holidays=0.8)), simulated(STILL)
    truth, ratio = made.truth, made.truth.mean / without.truth.mean
    events = np.vstack([made.panel.events, made.plan.events])
    np.testing.assert_allclose(ratio, np.exp(np.log(truth.holiday_effect) @ events.T), rtol=1e-9)
    assert (ratio[:, events.sum(axis=1) == 0] == 1).all()
    assert ratio.max() > 1.5

    calendar = holidays.country_holidays("US", years=2023, observed=False)
    weeks = {"Thanksgiving Day": "2023-11-26", "Christmas Day": "2023-12-31", "Independence Day": "2023-07-09"}
    for name, week in weeks.items():
        day = pd.Timestamp(calendar.get_named(name, lookup="exact")[0])
        assert pd.Timestamp(week) - pd.Timedelta(days=6) <= day <= pd.Timestamp(week)
        column = truth.holiday_names.index(name)
        flagged = truth.periods[events[:, column] > 0]
        assert pd.Timestamp(week) in flagged
        assert len(flagged) == 1


def test_there_are_no_holidays_without_a_country() -> None:
    made = simulated(replace(SMALL, items=20, country=None))
    assert made.truth.holiday_names == ()
    assert made.panel.events.shape == (60, 0)


def test_before_launch_everything_is_unknown_and_a_new_item_has_a_plan() -> None:
    made = simulated(replace(SMALL, launches=0.3, new_items=0.1))
    unborn = np.arange(60) < made.truth.launch[:, None]
    for array in (made.panel.demand, made.panel.in_stock, made.panel.known["price"], made.panel.known["promo"]):
        np.testing.assert_array_equal(np.isnan(array), unborn)
    np.testing.assert_array_equal(np.isnan(made.truth.mean[:, :60]), unborn)
    assert np.isnan(made.truth.at(0.5)[:, :60][unborn]).all()
    coming = made.truth.launch == 60
    assert 0.05 < coming.mean() < 0.15
    assert np.isnan(made.panel.demand[coming]).all()
    assert np.isfinite(made.plan.known["price"]).all()
    assert (made.truth.mean[:, 60:] >= 0).all()
    assert np.isfinite(made.commercial["price"]).all()


def test_the_line_tells_the_launch_curve() -> None:
    made = simulated(replace(STILL, launches=1.0))
    level = simulated(STILL).truth.mean[:, 0]
    for row in range(0, 600, 7):
        launch = made.truth.launch[row]
        ages = np.arange(68 - launch) / STILL.frequency.per_year
        curve = LAUNCH_CURVES[made.panel.static["line"][row]]
        np.testing.assert_allclose(made.truth.mean[row, launch:], level[row] * curve(ages), rtol=1e-9)
    assert set(made.panel.static["line"]) == set(LAUNCH_CURVES)


def test_after_its_end_nobody_wants_an_item() -> None:
    made = simulated(replace(SMALL, launches=0, new_items=0, ends=0.5))
    over = np.arange(68) >= made.truth.end[:, None]
    assert 0.05 < over.mean() < 0.4
    assert (made.truth.mean[over] == 0).all()
    assert (made.truth.mean[~over] > 0).all()
    assert (made.truth.demand[over] == 0).all()
    assert (made.truth.at(0.98)[over] == 0).all()
    assert (made.panel.in_stock[over[:, :60]] == 1).all()  # unwanted, not sold out


def test_an_empty_shelf_censors_demand(small: SimulatedChunk) -> None:
    sold, in_stock, wanted = small.panel.demand, small.panel.in_stock, small.truth.demand[:, :60]
    known = np.isfinite(sold)
    short = known & (in_stock < 1)
    assert 0.005 < short[known].mean() / known.mean() < 0.06
    np.testing.assert_array_equal(small.truth.lost[known], (wanted - sold)[known])
    assert (sold[known & ~short] == wanted[known & ~short]).all()
    assert (sold[short] <= wanted[short]).all()
    assert (small.truth.lost[short] > 0).mean() > 0.5
    part = short & (in_stock > 0)
    np.testing.assert_allclose(in_stock[part], sold[part] / wanted[part], rtol=1e-6)
    assert (sold[short & (in_stock == 0)] == 0).all()

    free = simulated(replace(SMALL, stockouts=0))
    assert (free.panel.in_stock[known] == 1).all()
    assert not np.nansum(free.truth.lost)
    np.testing.assert_array_equal(free.truth.demand, small.truth.demand)


def test_items_that_promote_better_than_their_kind_sell_out() -> None:
    made = simulated(replace(SMALL, promotion_bias=0.6, shared_shocks=0))
    lift = np.log(made.truth.promotion_lift)
    better = lift - pd.Series(lift).groupby(made.panel.static["category"]).transform("median").to_numpy()
    promoted = made.panel.known["promo"] > 0
    short = made.panel.in_stock < 1
    share = [short[rows][promoted[rows]].mean() for rows in (better > 0.3, better < -0.3)]
    assert share[0] > 2 * share[1]


@pytest.mark.parametrize(("alias", "step"), [("D", "day"), ("W-MON", "week"), ("MS", "month"), ("ME", "month")])
def test_every_frequency(alias: str, step: str) -> None:
    settings = replace(SMALL, items=50, frequency=Frequency.of(alias), ahead=None)
    made = simulated(settings)
    assert made.panel.frequency.unit == step
    assert made.panel.demand.shape == (50, 60)
    assert len(made.plan) == 2 * settings.frequency.horizon
    assert made.plan.periods[0] == settings.frequency.after(made.panel.last, 1)[0]
    assert np.isfinite(made.truth.demand).mean() > 0.8
    assert (made.panel.known["promo"] > 0).any()


def test_daily_demand_has_weekdays() -> None:
    made = simulated(replace(STILL, season=0.5, frequency=Frequency.of("D"), periods=70))
    week = made.truth.mean[:, :70].reshape(-1, 10, 7).mean(axis=1)
    assert (week.max(axis=1) / week.min(axis=1) > 1.2).mean() > 0.8


def test_groups_of_the_whole_and_their_plan(small: SimulatedChunk) -> None:
    ours, theirs = small.panel.groups, group_series(replace(small.panel, groups=()))
    assert [group.column for group in ours] == ["", "department", "category", "brand", "line"]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.codes, other.codes)
        np.testing.assert_allclose(one.demand, other.demand)
        np.testing.assert_allclose(one.known["price"], other.known["price"], atol=1e-6)
        planned = small.plan.groups[one.column]
        assert planned["price"].shape == (len(one.labels), 8)
        rows = one.codes == 0
        change = np.log(small.plan.known["price"][rows, 1] / small.plan.known["price"][rows, 0]).mean()
        np.testing.assert_allclose(planned["price"][0, 1] - planned["price"][0, 0], change, atol=1e-5)


def test_commercial_columns_are_filled(small: SimulatedChunk) -> None:
    frame = small.commercial
    assert tuple(frame.columns) == COMMERCIAL_FIRST
    assert frame.notna().all().all()
    assert len(frame) == 600
    assert (frame["unit_cost"] < frame["price"] * 1.5).all()
    assert (frame["lead_time"] >= 1).all()
    assert (frame["on_order"] % frame["pack_size"] == 0).all()
    assert (frame["on_order"] > 0).any()
    assert (frame["min_order"] % frame["pack_size"] == 0).all()
    assert (frame["on_hand"] >= 0).all()


def test_load_writes_the_catalog_that_was_simulated(small: SimulatedChunk, tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    load(tmp_path / "catalog.duckdb", SMALL, lambda done, total, words: said.append((done, total, words)))
    assert said[-1] == (600, 600, "Simulated 600 of 600 items")
    catalog = Catalog(tmp_path / "catalog.duckdb")
    assert (catalog.about.items, catalog.about.periods, catalog.about.country) == (600, 60, "US")
    assert "no real shop" in catalog.about.words
    ids = small.panel.item_ids[rows := [5, 599, 0]]
    panel, plan = catalog.panel(ids), catalog.plan(ids, 8)
    np.testing.assert_array_equal(panel.demand, small.panel.demand[rows])
    np.testing.assert_array_equal(panel.in_stock, small.panel.in_stock[rows])
    np.testing.assert_array_equal(plan.known["price"], small.plan.known["price"][rows])
    np.testing.assert_array_equal(plan.known["promo"], small.plan.known["promo"][rows])
    assert panel.event_names == small.panel.event_names
    np.testing.assert_array_equal(panel.events, small.panel.events)
    np.testing.assert_array_equal(plan.events, small.plan.events)
    facts = catalog.item(ids[0])
    assert facts.name == small.names[5]
    assert facts.commercial["unit_cost"] == pytest.approx(small.commercial["unit_cost"][5])
    group, ours = (next(g for g in each.groups if g.column == "category") for each in (panel, small.panel))
    np.testing.assert_allclose(group.demand, ours.demand)
    np.testing.assert_allclose(plan.groups["category"]["price"], small.plan.groups["category"]["price"], atol=1e-5)
    catalog.close()


@pytest.mark.parametrize(
    "change",
    [
        {"items": 0},
        {"periods": 1},
        {"ahead": 0},
        {"launches": 1.2},
        {"units": 0.0},
        {"season": -1.0},
        {"stockouts": 0.7},
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(change))):
        replace(SMALL, **change)


def test_memory_is_bounded_by_the_chunk() -> None:
    def peak(items: int) -> int:
        tracemalloc.start()
        for _ in simulate(replace(SMALL, items=items), chunk=512):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(16 * 512) < 1.3 * peak(4 * 512)
