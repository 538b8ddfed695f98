"""Replayed inventory: hand-computed and stockpyl's numbers, fairness, and verdicts where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factories import make_panel
from scipy.stats import gamma
from stockpyl.sim import simulation
from stockpyl.supply_chain_network import single_stage_system

from data.errors import ConfigurationError, TooLittleHistory
from data.schema import Panel
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.inventory_simulation import GRID, ReplayData, money_curve, past_of, plain_cost, replay
from forecasting.inventory.order_policy import Costs
from forecasting.models.baselines import EmpiricalQuantiles

HORIZON = 6


def past(
    demand: np.ndarray, lead_time: int, review: int = 1, knots: np.ndarray | None = None, recent: float = 0.0
) -> ReplayData:
    """A past in which ``demand`` [K, N] came; knots [Q] of the span are the same at every date."""
    dates, items = demand.shape
    span = lead_time + review
    spans = np.full((dates, items), np.nan)
    for k in range(dates - span + 1):
        spans[k] = demand[k : k + span].sum(axis=0)
    knots = np.zeros(len(TAUS)) if knots is None else knots
    everywhere = np.broadcast_to(knots, (dates, items, len(TAUS)))
    ids = np.array([f"item {n}" for n in range(items)], dtype=object)
    start = np.full((dates, items), recent)
    steps = np.arange(1, span + 1)[:, None] / span * everywhere[:, :, None]
    return ReplayData(ids, np.array(TAUS), everywhere, everywhere, demand, spans, start, lead_time, review, steps)


def levels(of: ReplayData, *each: float) -> np.ndarray:
    """The same levels [K, N, P] at every date."""
    return np.broadcast_to(np.array(each), (*of.demand.shape, len(each)))


def costs(ratio: float, items: int = 1) -> Costs:
    return Costs(np.full(items, ratio), np.full(items, 1 - ratio))


def test_a_case_done_by_hand() -> None:
    """L = 1, level 10, start 4 on hand and 4 on order.

    End of t: order 2. Period 1: 4 + 4 − 5 = 3 left, order 10 − 5 = 5. Period 2: 3 + 2 − 7 = −2, so 2 lost, order 10 − 5 = 5.
    Period 3: 0 + 5 − 3 = 2 left, order 10 − 7 = 3. Period 4: 2 + 5 − 9 = −2, 2 lost.
    """
    happened = replay(case := past(np.array([[5.0], [7.0], [3.0], [9.0]]), lead_time=1, recent=4.0), levels(case, 10.0))
    assert happened.ordered[:, 0, 0].tolist() == [2, 5, 5, 3]
    assert happened.left[:, 0, 0].tolist() == [3, 0, 2, 0]
    assert happened.lost[:, 0, 0].tolist() == [0, 2, 0, 2]
    assert happened.counted[:, 0].tolist() == [False, True, True, True]
    assert happened.cost(Costs(np.array([3.0]), np.array([0.5])))[:, 0, 0].tolist() == [0, 6, 1, 6]


@pytest.mark.parametrize("lead_time", [0, 1, 3])
@pytest.mark.parametrize("level", [12.0, 25.0])
def test_base_stock_with_back_orders_costs_what_stockpyl_says(lead_time: int, level: float) -> None:
    """stockpyl orders after demand, too, and counts an order's own period in its lead time: it is given L + 1."""
    demand = np.random.default_rng(3).poisson(6, 40)
    network = single_stage_system(
        local_holding_cost=0.7,
        stockout_cost=2.5,
        demand_type="D",
        demand_list=demand.tolist(),
        policy_type="BS",
        base_stock_level=level,
        shipment_lead_time=lead_time + 1,
    )
    simulation(network, len(demand), rand_seed=1, progress_bar=False)
    theirs = np.array([state.inventory_level for state in (network.nodes[0].state_vars[p] for p in range(len(demand)))])
    spent = [network.nodes[0].state_vars[p].total_cost_incurred for p in range(len(demand))]
    case = past(demand[:, None].astype(float), lead_time)
    happened = replay(case, levels(case, level), lost_sales=False)
    settled = slice(lead_time + 2, None)  # by then neither remembers how it began
    ours = (happened.left - happened.lost)[settled, 0, 0]
    assert ours == pytest.approx([next(iter(one.values())) if isinstance(one, dict) else one for one in theirs[settled]])
    cost = happened.cost(Costs(np.array([2.5]), np.array([0.7])))[settled, 0, 0]
    assert cost == pytest.approx(spent[settled], abs=1e-6)


def test_a_lost_sale_does_not_wait() -> None:
    case = past(np.array([[9.0], [1.0], [1.0], [1.0]]), lead_time=0)
    waits, gone = (replay(case, levels(case, 5.0), lost_sales=lost) for lost in (False, True))
    assert gone.lost[0, 0, 0] == waits.lost[0, 0, 0] == 4
    assert gone.ordered[1, 0, 0] == 5
    assert waits.ordered[1, 0, 0] == 9


def test_between_reviews_nothing_is_ordered() -> None:
    case = past(np.full((9, 1), 4.0), lead_time=1, review=3)
    ordered = replay(case, levels(case, 20.0)).ordered[:, 0, 0]
    assert (ordered[[0, 3, 6]] > 0).all()
    assert ordered[[1, 2, 4, 5, 7, 8]].tolist() == [0] * 6


def test_ways_of_buying_do_not_touch_each_other_and_begin_alike() -> None:
    rng = np.random.default_rng(0)
    case = past(rng.poisson(5, (20, 3)).astype(float), lead_time=2, recent=5.0)
    both = replay(case, levels(case, 12.0, 20.0))
    for way, level in enumerate((12.0, 20.0)):
        alone = replay(case, levels(case, level))
        assert (both.left[..., way] == alone.left[..., 0]).all()
    assert (both.left[:2, :, 0] == both.left[:2, :, 1]).all()  # before the first order arrives


def test_stock_is_never_made_or_lost() -> None:
    """What was there and what was ordered is sold, left or on its way."""
    rng = np.random.default_rng(1)
    case = past(rng.poisson(5, (30, 4)).astype(float), lead_time=2, recent=5.0)
    happened = replay(case, levels(case, 9.0, 14.0, 25.0))
    sold = case.demand[..., None] - happened.lost
    start = case.recent[0][:, None] * 3
    assert happened.left[-1] + happened.ordered[-2:].sum(axis=0) == pytest.approx(
        start + happened.ordered.sum(axis=0) - sold.sum(axis=0)
    )


def test_unknown_demand_costs_nothing() -> None:
    demand = np.full((6, 2), 4.0)
    demand[3, 1] = np.nan
    case = past(demand, lead_time=0)
    happened = replay(case, levels(case, 2.0))
    assert happened.cost(costs(0.5, 2))[3, :, 0].tolist() == [1, 0]
    assert plain_cost(case, levels(case, 2.0), costs(0.5, 2))[3, :, 0].tolist() == [1, 0]


# money curves


def drawn(scale: float = 1.0, dates: int = 60, items: int = 120) -> ReplayData:
    """Gamma demand whose true span quantiles are forecast, times ``scale``."""
    rng = np.random.default_rng(7)
    demand = rng.gamma(2.0, 5.0, (dates, items))
    knots = gamma(2.0 * 3, scale=5.0).ppf(np.array(TAUS))
    return past(demand, lead_time=2, knots=scale * knots, recent=10.0)


@pytest.mark.parametrize("ratio", [0.6, 0.8, 0.95])
def test_true_quantiles_are_cheapest_at_the_critical_ratio(ratio: float) -> None:
    curve = money_curve(drawn(), costs(ratio, 120))
    assert curve.ratio == pytest.approx(ratio)
    assert curve.verdict == "calibrated"
    assert curve.plain.best == pytest.approx(ratio, abs=0.051)
    assert curve.replayed.best <= curve.plain.best + 0.051  # a lost sale frees the stock that a back order would claim
    assert (curve.plain.low <= curve.plain.cost).all()
    assert (curve.plain.cost <= curve.plain.high).all()


def test_with_back_orders_the_replay_too_is_cheapest_at_the_critical_ratio() -> None:
    case = drawn()
    spent = replay(case, case.levels(np.array(GRID)), lost_sales=False).cost(costs(0.8, 120)).sum(axis=(0, 1))
    assert GRID[int(spent.argmin())] == pytest.approx(0.8, abs=0.051)


@pytest.mark.parametrize(("scale", "verdict"), [(0.7, "low"), (1.4, "high")])
def test_a_forecast_that_is_off_is_called_so(scale: float, verdict: str) -> None:
    curve = money_curve(drawn(scale), costs(0.8, 120))
    assert curve.verdict == verdict
    assert curve.saving > 0


def test_of_a_few_items_nothing_is_said_of_the_forecast() -> None:
    assert money_curve(drawn(0.7).take(np.arange(5)), costs(0.8, 5)).verdict == "open"


def test_levels_are_whole_where_demand_is() -> None:
    whole = past(np.full((5, 2), 3.0), 1, knots=np.linspace(0.2, 9.9, len(TAUS)))
    assert (whole.levels(np.array(GRID)) == np.round(whole.levels(np.array(GRID)))).all()
    part = past(np.full((5, 2), 3.5), 1, knots=np.linspace(0.2, 9.9, len(TAUS)))
    assert (part.levels(np.array(GRID)) != np.round(part.levels(np.array(GRID)))).any()


# the past


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(items=6, periods=60)


def test_the_past_is_what_was_forecast_and_what_came(panel: Panel) -> None:
    model = EmpiricalQuantiles()
    model.fit(panel, panel.periods[40], HORIZON)
    found = past_of(model, panel, 40, lead_time=2, review=1)
    assert found.knots.shape == (19, 6, len(TAUS))
    alone = model.forecast(panel, [panel.periods[45]])[0]
    assert found.knots[5] == pytest.approx(alone.cumulative[:, 2])
    assert found.summed[5] == pytest.approx(alone.values[:, :3].sum(axis=1))
    out = panel.out_of_stock[:, 46]
    assert np.array_equal(np.isnan(found.demand[5]), out)
    assert found.demand[5][~out] == pytest.approx(panel.demand[~out, 46])
    assert np.isnan(found.spans[-2:]).all()  # not over yet
    assert found.recent[5] == pytest.approx(panel.demand[:, 33:46].mean(axis=1), rel=1e-5)
    assert found.take(np.array([4, 1])).demand[:, 0] == pytest.approx(found.demand[:, 4], nan_ok=True)


def test_what_comes_later_changes_no_earlier_level(panel: Panel) -> None:
    model = EmpiricalQuantiles()
    model.fit(panel, panel.periods[40], HORIZON)
    after = np.arange(60) > 50
    altered = replace(panel, demand=np.where(after, panel.demand * 7 + 100, panel.demand))
    first, second = (past_of(model, one, 40, 2, 1).knots[:11] for one in (panel, altered))
    assert (first == second).all()


def test_a_past_that_is_too_short_or_a_span_that_is_too_long_is_refused(panel: Panel) -> None:
    model = EmpiricalQuantiles()
    model.fit(panel, panel.periods[40], HORIZON)
    with pytest.raises(TooLittleHistory, match="more history"):
        past_of(model, panel, 57, 2, 1)
    with pytest.raises(ConfigurationError, match="shorter"):
        past_of(model, panel, 40, HORIZON, 1)
