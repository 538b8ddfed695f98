"""What to buy: the arithmetic's laws, and textbook numbers from stockpyl."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from stockpyl.newsvendor import (
    newsvendor_continuous,
    newsvendor_normal,
    newsvendor_normal_cost,
    newsvendor_normal_explicit,
)

from data.errors import ConfigurationError
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.inventory.order_policy import (
    Costs,
    LeadTimes,
    Rules,
    Stock,
    best_position,
    critical_ratio,
    implied_ratio,
    mixture,
    order,
    outcome,
    protection,
    span_knots,
)

KNOTS = np.array(TAUS)
FINE = np.unique(np.concatenate([np.linspace(1e-4, 1 - 1e-4, 40_001), np.geomspace(1e-9, 1e-4, 400)]))
FINE = np.unique(np.concatenate([FINE, 1 - FINE[FINE < 1e-3]]))


def straight(top: float = 100.0) -> np.ndarray:
    """Knots [1, Q] of demand spread evenly from 0 to ``top``."""
    return KNOTS[None] * top


def stock(on_hand: float = 0, on_order: float = 0, back_orders: float = 0) -> Stock:
    return Stock.of(np.array([on_hand]), np.array([on_order]), np.array([back_orders]))


def rules(lead_time: float = 2, pack: float = 1, minimum: float = 0, shelf: float = np.inf, cover: float = np.inf) -> Rules:
    return Rules(*(np.array([one]) for one in (lead_time, 1.0, minimum, pack, shelf, cover)))


def forecast_of(spans: np.ndarray) -> QuantileForecast:
    """A forecast whose spans are ``spans`` [N, H, Q]."""
    items, horizon, _ = spans.shape
    periods = pd.date_range("2025-01-05", periods=horizon, freq="W-SUN")
    ids = np.array([f"item {row}" for row in range(items)], dtype=object)
    return QuantileForecast(ids, periods[0], periods, KNOTS, spans.copy(), spans.copy(), "test", "1")


# the arithmetic


def test_the_arithmetic_of_a_purchase_line_is_120_less_34_less_24_so_62_so_6_cases_of_12() -> None:
    knots = straight(150.0)  # P80 is 120
    plan = order(knots, KNOTS, 0.8, stock(34, 24), rules(pack=12))
    steps = (plan.need, plan.on_hand, plan.on_order, plan.back_orders, plan.gap, plan.after_minimum, plan.after_pack)
    assert [float(one[0]) for one in steps] == [120, 34, 24, 0, 62, 62, 72]
    assert plan.quantity.tolist() == [72]
    assert plan.position.tolist() == [130]


def test_back_orders_are_bought_on_top() -> None:
    assert order(straight(), KNOTS, 0.8, stock(30, 0, 7), rules()).quantity.tolist() == [57]


def test_a_minimum_order_lifts_a_small_gap_and_leaves_no_gap_alone() -> None:
    assert order(straight(), KNOTS, 0.8, stock(79), rules(minimum=24, pack=12)).quantity.tolist() == [24]
    assert order(straight(), KNOTS, 0.8, stock(80), rules(minimum=24, pack=12)).quantity.tolist() == [0]


def test_units_on_order_count_when_they_arrive_before_the_next_receipt() -> None:
    arriving = np.zeros((1, 6))
    arriving[0, [1, 2, 4]] = [5, 7, 100]  # in t+2, t+3, and t+5: too late for L + R = 3
    plan = order(straight(), KNOTS, 0.8, Stock(np.array([0.0]), arriving, np.array([0.0])), rules())
    assert plan.on_order.tolist() == [12]
    assert plan.quantity.tolist() == [68]


def test_shelf_life_and_cover_leave_whole_packs_or_nothing() -> None:
    rate = float(quantile_function.mean(KNOTS, straight())[0]) / 3
    plan = order(straight(), KNOTS, 0.95, stock(), rules(pack=12, cover=3))
    assert plan.cap[0] == pytest.approx(3 * rate)
    assert plan.quantity.tolist() == [48]  # 95 are wanted, 49.9 are room for
    assert order(straight(), KNOTS, 0.95, stock(), rules(pack=12, shelf=1)).quantity.tolist() == [48]
    assert order(straight(), KNOTS, 0.95, stock(), rules(pack=12, minimum=60, cover=3)).quantity.tolist() == [0]


def test_a_level_is_the_nearest_whole_unit_or_the_nearest_part_of_a_unit_where_packs_are_smaller() -> None:
    assert order(straight(), KNOTS, 0.504, stock(), rules()).need.tolist() == [50]
    assert order(straight(), KNOTS, 0.506, stock(), rules()).need.tolist() == [51]
    assert order(straight(), KNOTS, 0.506, stock(), rules(pack=0.25)).need[0] == pytest.approx(50.5)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: rules(pack=0), "more than 0"),
        (lambda: stock(on_hand=-1), "not negative"),
        (lambda: stock(on_hand=np.nan), "not known"),
        (lambda: critical_ratio(0.0, 1.0), "above 0"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(wrong: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        wrong()


# laws

some_taus = st.floats(0.02, 0.98)
units = st.floats(0, 300)
packs = st.sampled_from([0.5, 1.0, 6.0, 12.0, 144.0])
minimums = st.sampled_from([0.0, 1.0, 10.0, 200.0])
covers = st.sampled_from([np.inf, 1.0, 4.0, 20.0])


@st.composite
def knots_of(draw: st.DrawFn) -> np.ndarray:
    """Knots [1, Q] that may be flat in places."""
    steps = draw(st.lists(st.sampled_from([0.0, 0.3, 2.0, 20.0]), min_size=len(TAUS), max_size=len(TAUS)))
    return np.cumsum(steps)[None]


@given(knots_of(), some_taus, units, units, units, packs, minimums, covers, covers)
def test_an_order_is_whole_packs_at_least_the_minimum_or_nothing(
    knots: np.ndarray, tau: float, hand: float, due: float, owed: float, pack: float, least: float, cover: float, shelf: float
) -> None:
    plan = order(knots, KNOTS, tau, stock(hand, due, owed), rules(pack=pack, minimum=least, cover=cover, shelf=shelf))
    bought = float(plan.quantity[0])
    assert bought >= 0
    assert bought / pack == pytest.approx(round(bought / pack), abs=1e-6)
    assert bought == 0 or bought >= least
    assert bought <= plan.cap[0] + 1e-6
    if np.isinf(cover) and np.isinf(shelf):
        assert plan.position[0] >= plan.need[0] - 1e-6


@given(knots_of(), some_taus, some_taus, units, packs, minimums, covers)
def test_an_order_rises_with_tau(
    knots: np.ndarray, one: float, other: float, hand: float, pack: float, least: float, cover: float
) -> None:
    low, high = sorted((one, other))
    how = rules(pack=pack, minimum=least, cover=cover)
    assert order(knots, KNOTS, low, stock(hand), how).quantity <= order(knots, KNOTS, high, stock(hand), how).quantity


@given(knots_of(), some_taus, units, units, packs, minimums, covers)
def test_an_order_falls_with_stock(
    knots: np.ndarray, tau: float, hand: float, more: float, pack: float, least: float, cover: float
) -> None:
    how = rules(pack=pack, minimum=least, cover=cover)
    before = order(knots, KNOTS, tau, stock(hand), how).quantity
    assert order(knots, KNOTS, tau, stock(hand + more), how).quantity <= before
    assert order(knots, KNOTS, tau, stock(hand, more), how).quantity <= before


@given(st.floats(0.1, 50), st.floats(0.1, 50), st.floats(0.1, 50), st.floats(1, 200))
def test_an_order_rises_with_the_cost_of_a_lost_sale(small: float, more: float, overage: float, top: float) -> None:
    low, high = critical_ratio(small, overage), critical_ratio(small + more, overage)
    knots = straight(top)
    assert order(knots, KNOTS, low, stock(), rules()).quantity <= order(knots, KNOTS, high, stock(), rules()).quantity


@given(st.floats(0, 10), st.floats(0, 10), some_taus)
def test_an_order_rises_with_the_lead_time(one: float, other: float, tau: float) -> None:
    spans = np.cumsum(np.ones((1, 4, 13)), axis=1) * KNOTS * 20
    bought = []
    for lead in sorted((one, other)):
        knots = span_knots(KNOTS, spans, lead, 1.0)
        bought.append(float(order(knots, KNOTS, tau, stock(10), rules(lead_time=lead)).quantity[0]))
    assert bought[0] <= bought[1]


# spans


def test_protection_takes_the_learned_span_of_lead_time_and_review_and_lines_between() -> None:
    spans = np.stack([KNOTS * 10, KNOTS * 16, KNOTS * 21])[None]
    forecast = forecast_of(spans)
    assert protection(forecast, 1, 1)[0] == pytest.approx(KNOTS * 16)
    assert protection(forecast, 1.5, 1)[0] == pytest.approx(KNOTS * 18.5)
    assert protection(forecast, 0, 0.5)[0] == pytest.approx(KNOTS * 5)
    both = protection(forecast_of(np.repeat(spans, 2, axis=0)), np.array([0.0, 2.0]), 1)
    assert both == pytest.approx(np.stack([KNOTS * 10, KNOTS * 21]))


def test_beyond_the_horizon_the_mean_grows_in_proportion_and_the_spread_with_the_square_root() -> None:
    spans = (100 + 10 * norm.ppf(KNOTS))[None, None].repeat(3, axis=1)
    knots = protection(forecast_of(spans), 11, 1)
    centre, far = quantile_function.mean(KNOTS, spans[:, 2])[0], quantile_function.mean(KNOTS, knots)[0]
    assert far == pytest.approx(4 * centre, rel=1e-3)
    assert knots[0, -1] - knots[0, 0] == pytest.approx(2 * (spans[0, 2, -1] - spans[0, 2, 0]))


@given(knots_of(), st.floats(1, 40), st.floats(0.05, 0.95))
def test_a_mixture_of_lead_times_mixes_the_chances_of_selling_no_more(knots: np.ndarray, more: float, chance: float) -> None:
    both = np.stack([knots + 0.5, knots * 1.5 + more], axis=1)  # (1, 2, Q)
    chances = np.array([[chance, 1 - chance]])
    mixed = mixture(KNOTS, both, chances)
    assert (np.diff(mixed, axis=1) >= -1e-9).all()
    for knot, tau in enumerate(KNOTS):
        at, just_below = (quantile_function.level(KNOTS, both, mixed[:, None, knot] + shift) for shift in (1e-9, -1e-6))
        assert float((at * chances).sum()) >= tau - 1e-6
        assert float((just_below * chances).sum()) <= tau + 1e-6


def test_one_certain_lead_time_mixes_nothing() -> None:
    lead = LeadTimes(np.array([2, 3]), np.array([[0.75, 0.25], [0, 1]]))
    spans = np.cumsum(np.ones((2, 6, 13)), axis=1) * (1 + KNOTS) * 20
    mixed = span_knots(KNOTS, spans, lead, 1.0)
    assert mixed[1] == pytest.approx(spans[1, 3])
    assert (spans[0, 2] <= mixed[0]).all()
    assert (mixed[0] <= spans[0, 3]).all()


# what a position costs


@given(knots_of(), st.floats(-20, 300))
def test_the_shortfall_is_the_area_of_the_quantile_function_above_the_position(knots: np.ndarray, position: float) -> None:
    edges = np.concatenate([np.geomspace(1e-9, 0.02, 300), np.linspace(0.02, 0.98, 4001)[1:]])
    edges = np.concatenate([edges, 1 - np.geomspace(0.02, 1e-12, 600)[1:]])
    above = np.maximum(quantile_function.quantile(KNOTS, np.broadcast_to(knots, (len(edges), 13)), edges) - position, 0)
    area = ((above[1:] + above[:-1]) / 2 * np.diff(edges)).sum()
    answer = float(quantile_function.shortfall(KNOTS, knots, np.array([position]))[0])
    assert answer == pytest.approx(area, rel=2e-3, abs=2e-3 * (1 + knots.max()))


@given(knots_of())
def test_with_nothing_in_stock_everything_is_short(knots: np.ndarray) -> None:
    assert quantile_function.shortfall(KNOTS, knots, 0.0) == pytest.approx(quantile_function.mean(KNOTS, knots))


@settings(max_examples=60)
@given(st.floats(0.2, 20), st.floats(0.2, 20), st.floats(1, 200), st.floats(0.2, 1.8))
def test_the_best_position_costs_no_more_than_any_other(underage: float, overage: float, top: float, factor: float) -> None:
    costs = Costs(np.array([underage]), np.array([overage]))
    knots = straight(top) + 1
    best = best_position(knots, KNOTS, costs)
    assert outcome(knots, KNOTS, best, costs).cost <= outcome(knots, KNOTS, best * factor, costs).cost + 1e-9


@given(knots_of(), st.floats(0, 200))
def test_an_outcome_adds_up(knots: np.ndarray, position: float) -> None:
    found = outcome(knots, KNOTS, np.array([position]), Costs(np.array([3.0]), np.array([2.0])))
    short, left = float(found.lost_sales[0]), float(found.left_over[0])
    assert position - left + short == pytest.approx(float(quantile_function.mean(KNOTS, knots)[0]), abs=1e-6)
    assert found.cost[0] == pytest.approx(3 * short + 2 * left)
    assert 0 <= found.service[0] <= 1


# golden numbers of stockpyl 1.0.2


def test_the_critical_ratio_finds_the_newsvendors_normal_quantity() -> None:
    tau = float(critical_ratio(0.70, 0.18))
    best, cost = newsvendor_normal(holding_cost=0.18, stockout_cost=0.70, demand_mean=50, demand_sd=8)
    assert best == pytest.approx(56.60395592743389, abs=1e-12)  # as printed in stockpyl's documentation
    assert 50 + 8 * norm.ppf(tau) == pytest.approx(best, abs=1e-6)
    knots = (50 + 8 * norm.ppf(FINE))[None]
    costs = Costs(np.array([0.70]), np.array([0.18]))
    assert float(best_position(knots, FINE, costs)[0]) == pytest.approx(best, abs=1e-6)
    assert float(outcome(knots, FINE, np.array([best]), costs).cost[0]) == pytest.approx(cost, abs=1e-6)
    other = newsvendor_normal_cost(60, holding_cost=0.18, stockout_cost=0.70, demand_mean=50, demand_sd=8)
    assert float(outcome(knots, FINE, np.array([60.0]), costs).cost[0]) == pytest.approx(other, abs=1e-6)


def test_the_thirteen_knots_of_a_forecast_come_close_to_the_newsvendors_quantity() -> None:
    best, cost = newsvendor_normal(holding_cost=0.18, stockout_cost=0.70, demand_mean=50, demand_sd=8)
    knots = (50 + 8 * norm.ppf(KNOTS))[None]
    costs = Costs(np.array([0.70]), np.array([0.18]))
    assert float(best_position(knots, KNOTS, costs)[0]) == pytest.approx(best, rel=0.01)  # lines lie inside the bell's curve
    assert float(outcome(knots, KNOTS, np.array([best]), costs).cost[0]) == pytest.approx(cost, rel=0.02)


def test_prices_and_salvage_give_the_same_quantity() -> None:
    best, _ = newsvendor_normal_explicit(revenue=1.0, purchase_cost=0.3, salvage_value=0.12, demand_mean=50, demand_sd=8)
    tau = critical_ratio(1.0 - 0.3, 0.3 - 0.12)
    assert 50 + 8 * norm.ppf(float(tau)) == pytest.approx(best, abs=1e-6)


def test_a_base_stock_covers_the_lead_time_and_one_period() -> None:
    best, cost = newsvendor_normal(holding_cost=0.18, stockout_cost=0.70, demand_mean=50, demand_sd=8, lead_time=4)
    lengths = np.arange(1, 7)[:, None]
    spans = (50 * lengths + 8 * np.sqrt(lengths) * norm.ppf(FINE))[None]  # independent periods
    knots = span_knots(FINE, spans, 4, 1.0)
    costs = Costs(np.array([0.70]), np.array([0.18]))
    assert float(best_position(knots, FINE, costs)[0]) == pytest.approx(best, abs=1e-6)
    assert float(outcome(knots, FINE, np.array([best]), costs).cost[0]) == pytest.approx(
        cost, rel=1e-6
    )  # lines between fine knots


def test_evenly_spread_demand_is_exact_between_the_knots() -> None:
    from scipy.stats import uniform

    best, cost = newsvendor_continuous(holding_cost=1, stockout_cost=4, demand_distrib=uniform(0, 100))
    assert float(quantile_function.quantile(KNOTS, straight(), critical_ratio(4.0, 1.0))[0]) == pytest.approx(best, abs=1e-6)
    edges = np.array([1e-9, 0.5, 1 - 1e-9])
    knots, costs = edges[None] * 100, Costs(np.array([4.0]), np.array([1.0]))
    assert float(outcome(knots, edges, np.array([best]), costs).cost[0]) == pytest.approx(cost, abs=1e-6)


def test_what_a_quantile_implies_undoes_the_critical_ratio() -> None:
    assert critical_ratio(implied_ratio(0.86), 1.0) == pytest.approx(0.86)
    assert float(implied_ratio(0.86)) == pytest.approx(6.142857)
