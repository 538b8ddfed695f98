"""A learned policy: it begins as the rule, learns where there is something to learn, and else remains the rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import gamma

from bench.buying_rules import best_tau_in_hindsight, fixed_cover
from data.errors import TooLittleHistory
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.inventory_simulation import GRID, ReplayData
from forecasting.inventory.learned_policy import (
    RATIOS,
    Policy,
    PolicyNetwork,
    PolicySettings,
    _features,
    _relaxed_cost,
    _replayed,
    learn,
    replay_of_the_rule,
    unit_costs,
)

pytestmark = pytest.mark.slow

FEW = PolicySettings(steps=60, looks=6, items=150)
LEAD_TIME, REVIEW = 2, 1


def past(scale: float = 1.0, dates: int = 40, items: int = 150, seed: int = 0) -> ReplayData:
    """Gamma demand of items of different sizes, whose true span quantiles times ``scale`` are forecast."""
    rng = np.random.default_rng(seed)
    size = rng.uniform(2, 12, items)
    demand = rng.gamma(1.5, size, (dates, items))
    span = LEAD_TIME + REVIEW
    spans = np.full_like(demand, np.nan)
    for k in range(dates - span + 1):
        spans[k] = demand[k : k + span].sum(axis=0)
    knots = scale * gamma(1.5 * span).ppf(np.array(TAUS)) * size[:, None]
    everywhere = np.broadcast_to(knots, (dates, items, len(TAUS)))
    mean = np.broadcast_to(1.5 * size, demand.shape)
    ids = np.array([f"item {n}" for n in range(items)], dtype=object)
    each = np.array([gamma(1.5 * h).ppf(np.array(TAUS)) for h in range(1, span + 1)])
    steps = np.broadcast_to(scale * each * size[:, None, None], (dates, items, *each.shape))
    return ReplayData(ids, np.array(TAUS), everywhere, everywhere, demand, spans, mean, LEAD_TIME, REVIEW, steps)


def money(of: ReplayData, ratio: float, policy: Policy) -> tuple[float, float]:
    """What the policy and the rule cost."""
    costs = unit_costs(of, ratio)
    return float(policy.replay(of, ratio).cost(costs).sum()), float(replay_of_the_rule(of, ratio).cost(costs).sum())


def test_before_it_learns_it_is_the_rule() -> None:
    case = past()
    network = PolicyNetwork(_features(case).shape[-1] + 2)
    for ratio in RATIOS:
        ours, rule = _replayed(network, case, ratio), replay_of_the_rule(case, ratio)
        assert ours.ordered == pytest.approx(rule.ordered, rel=1e-4, abs=1e-3)


def test_the_differentiable_replay_costs_what_the_replay_costs() -> None:
    case = past(dates=20)
    network = PolicyNetwork(_features(case).shape[-1] + 2)
    with torch.no_grad():
        network.says.bias.copy_(torch.tensor([0.3, -0.2]))
    relaxed = float(_relaxed_cost(network, case, 0.8, 20).detach())
    counted = case.demand[LEAD_TIME:].sum()
    assert relaxed == pytest.approx(_replayed(network, case, 0.8).cost(unit_costs(case, 0.8)).sum() / counted, rel=1e-4)


def test_whole_units_are_ordered_and_still_have_a_gradient() -> None:
    case = past(dates=20)
    case = replace(case, demand=np.round(case.demand), spans=np.round(case.spans))
    network = PolicyNetwork(_features(case).shape[-1] + 2)
    ordered = _replayed(network, case, 0.8).ordered
    assert (ordered == np.round(ordered)).all()
    _relaxed_cost(network, case, 0.8, 20).backward()
    assert network.says.bias.grad is not None
    assert (network.says.bias.grad != 0).all()


@pytest.fixture(scope="module")
def too_low() -> Policy:
    """Learned where every forecast is a third too low."""
    return learn(past(scale=2 / 3), FEW)


def test_it_learns_that_a_forecast_is_too_low(too_low: Policy) -> None:
    """On demand that it did not learn from it gets most of what the true quantiles would have saved."""
    later, truth = past(scale=2 / 3, seed=1), past(seed=1)
    for ratio in (0.8, 0.95):
        assert too_low.serves(ratio)
        learned, rule = money(later, ratio, too_low)
        best = replay_of_the_rule(truth, ratio).cost(unit_costs(truth, ratio)).sum()
        assert learned < rule - 0.6 * (rule - best)


def test_its_record_is_of_the_periods_held_back(too_low: Policy) -> None:
    for record in too_low.records:
        assert record.ratio in RATIOS
        assert record.serves == (record.gain.high < 0)
        assert record.gain.value == pytest.approx(record.learned - record.rule)


def test_where_nothing_is_gained_it_is_the_rule() -> None:
    """True quantiles and no lead time, so that each order is by itself: the rule is the best there is."""
    case = past(items=60, dates=24)
    knots = gamma(1.5).ppf(np.array(TAUS)) * (case.recent[0] / 1.5)[:, None]
    knots = np.broadcast_to(knots, (*case.demand.shape, len(TAUS)))
    case = replace(case, knots=knots, summed=knots, spans=case.demand.copy(), lead_time=0)
    policy = learn(case, replace(FEW, steps=20, looks=2))
    idle = [record.ratio for record in policy.records if not record.serves]
    assert idle
    for ratio in idle:
        learned, rule = money(case, ratio, policy)
        assert learned == rule


def test_the_same_seed_learns_the_same() -> None:
    few = replace(FEW, steps=10, looks=2)
    one, other = (learn(past(dates=20), few).network.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_comes_later_changes_no_earlier_order(too_low: Policy) -> None:
    case = past(scale=2 / 3)
    at = 20
    after = np.arange(len(case))[:, None] >= at
    begun = np.arange(len(case))[:, None] + LEAD_TIME + REVIEW > at  # spans that are not over by then
    altered = replace(
        case, demand=np.where(after, 9 * case.demand, case.demand), spans=np.where(begun, 9 * case.spans, case.spans)
    )
    first, second = (too_low.replay(one, 0.8).ordered for one in (case, altered))
    assert (first[: at + 1] == second[: at + 1]).all()
    assert (first[at + 1 :] != second[at + 1 :]).any()


def test_hindsight_is_never_dearer_than_any_tau() -> None:
    case = past()
    best = best_tau_in_hindsight(case, 0.8, GRID).sum()
    assert best <= replay_of_the_rule(case, 0.8).cost(unit_costs(case, 0.8)).sum()


def test_cover_buys_up_to_so_many_periods_of_what_sold() -> None:
    case = past(dates=12)
    assert fixed_cover(case, 4.0).ordered[0, :, 0] == pytest.approx(case.recent[0])  # three are there at the start


def test_too_short_a_past_is_refused() -> None:
    with pytest.raises(TooLittleHistory, match="buy by the rule"):
        learn(past(dates=5), FEW)
