"""What is lost before an order arrives: by hand, its bounds and laws, and what counting it saves where truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from forecasting.core.quantile_function import TAUS
from forecasting.inventory.inventory_simulation import ReplayData
from forecasting.inventory.learned_policy import newsvendor, replay_of_the_rule, unit_costs
from forecasting.inventory.lost_sales import demand_ahead, unserved

KNOTS = np.array(TAUS)
HORIZON = 6


def spans(mean: float, shape: float | None = None) -> np.ndarray:
    """Knots [1, H, Q] of a gamma demand of ``shape`` a period, or of demand that is always its mean."""
    steps = np.arange(1, HORIZON + 1)[:, None]
    if shape is None:
        return np.broadcast_to(mean * steps, (HORIZON, len(KNOTS)))[None].astype(float)
    return np.asarray(gamma(shape * steps).ppf(KNOTS) * mean / shape)[None]


def lost(on_hand: float, arriving: list[float], *, tau: float = 0.9, of: np.ndarray | None = None) -> float:
    of = spans(10.0) if of is None else of
    ahead = demand_ahead(KNOTS, of, len(arriving), 1)
    return float(unserved(tau, *ahead, np.array([[on_hand]]), np.array([[arriving]], float))[0][0, 0])


@pytest.mark.parametrize(
    ("on_hand", "arriving", "expected"),
    [
        (20, [0, 0], 0),  # 10 and 10 are asked for, and are there
        (14, [0, 0], 6),
        (0, [0, 30], 10),  # what comes in the second period is too late for the first
        (0, [30, 0], 0),
        (0, [0, 0], 20),
        (-5, [0, 0], 20),  # five are owed: they wait, and are not lost
        (-5, [0, 9], 16),  # of nine, five go to whom they are owed
        (0, [], 0),
    ],
)
def test_where_demand_is_certain_it_is_what_does_not_fit(on_hand: float, arriving: list[float], expected: float) -> None:
    assert lost(on_hand, arriving) == pytest.approx(expected)


def test_demand_after_the_receipt_has_the_mean_of_its_own_periods() -> None:
    rising = np.cumsum(np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0]))[None, :, None] * np.ones(len(KNOTS))
    lead, after = demand_ahead(KNOTS, rising, 2, 1)
    assert lead[0].mean(axis=-1).tolist() == pytest.approx([10, 20])
    assert after[0].mean() == pytest.approx(30)
    lead, after = demand_ahead(KNOTS, np.repeat(rising, 2, axis=0), np.array([0, 3]), 2)
    assert lead.shape[1] == 3
    assert not lead[0].any(), "no lead time, nothing to lose in it"
    assert after.mean(axis=-1).tolist() == pytest.approx([30, 90])


@given(
    on_hand=st.floats(0, 60), arriving=st.lists(st.floats(0, 30), min_size=1, max_size=4), tau=st.floats(0.05, 0.95),
    more=st.floats(0.1, 20),
)  # fmt: skip
def test_it_is_never_negative_nor_more_than_can_be_asked_for_and_more_stock_never_buys_more(
    on_hand: float, arriving: list[float], tau: float, more: float
) -> None:
    of = spans(10.0, shape=2.0)
    less, richer = (lost(stock, arriving, tau=tau, of=of) for stock in (on_hand, on_hand + more))
    assert 0 <= less <= demand_ahead(KNOTS, of, len(arriving), 1)[0].sum(axis=1).max() + 1e-9
    assert richer <= less + 1e-9
    assert on_hand + less <= on_hand + more + richer + 1e-9, "a level less what is there and what is lost falls with stock"


@pytest.mark.parametrize("ratio", [0.6, 0.8, 0.95])
def test_counting_it_costs_less_where_the_true_quantiles_are_known(ratio: float) -> None:
    rng, dates, items, lead_time = np.random.default_rng(5), 60, 80, 2
    demand = rng.gamma(1.2, 5.0, (dates, items))
    each = np.asarray([gamma(1.2 * h).ppf(KNOTS) * 5.0 for h in (1, 2, 3)])
    steps = np.broadcast_to(each, (dates, items, *each.shape))
    span = np.full_like(demand, np.nan)
    span[:-2] = demand[:-2] + demand[1:-1] + demand[2:]
    ids = np.array([f"item {n}" for n in range(items)], dtype=object)
    knots = steps[:, :, -1]
    past = ReplayData(ids, KNOTS, knots, knots, demand, span, np.full_like(demand, 6.0), lead_time, 1, steps)
    costs = unit_costs(past, ratio)
    counted, not_counted = (float(rule(past, ratio).cost(costs).sum()) for rule in (replay_of_the_rule, newsvendor))
    assert counted < 0.98 * not_counted
