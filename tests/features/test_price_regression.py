"""What an item's own history says of its price response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.groups import group_series
from data.sources.simulator.settings import SimulatedChunk, Simulation
from data.sources.simulator.simulate import simulated
from forecasting.features.encoding import encoding_of
from forecasting.features.inputs import encode
from forecasting.features.price_regression import market_of, minus_lagged_mean, price_evidence

PERIODS = 156
STEADY = {"intermittent": 0.0, "launches": 0.0, "new_items": 0.0, "ends": 0.0, "stockouts": 0.0}


@pytest.fixture(scope="module")
def made() -> SimulatedChunk:
    """Promotions that come in high season, items of one category alike in season."""
    return simulated(Simulation(items=120, periods=PERIODS, categories=4, promotions_in_season=2.0, seed=5, **STEADY))


def test_it_finds_each_items_elasticity_where_lift_season_and_price_confound(made: SimulatedChunk) -> None:
    encoding = encoding_of(made.panel, 13, 26.0)
    num, info = encode(encoding, made.panel, made.plan).price_evidence[:, -1].numpy().T
    moved_much = info > np.median(info)
    found, truth = (num / info)[moved_much], made.truth.elasticity[moved_much]
    assert encoding.market in {"department", "category"}  # four of either: the same groups
    assert np.median(np.abs(found - truth)) < 0.35
    assert np.corrcoef(found, truth)[0, 1] > 0.7


def test_the_future_does_not_touch_it(made: SimulatedChunk) -> None:
    encoding, t = encoding_of(made.panel, 13, 26.0), 100
    rng = np.random.default_rng(0)
    demand, price = made.panel.demand.copy(), made.panel.known["price"].copy()
    demand[:, t + 1 :] = rng.poisson(50, demand[:, t + 1 :].shape)
    price[:, t + 1 :] *= rng.uniform(0.5, 2, price[:, t + 1 :].shape)
    other = replace(made.panel, demand=demand, known={**made.panel.known, "price": price}, groups=())
    other = replace(other, groups=group_series(other))
    before, after = (encode(encoding, panel).price_evidence[:, : t + 1].numpy() for panel in (made.panel, other))
    np.testing.assert_allclose(before, after, rtol=1e-4, atol=1e-4)
    assert not np.allclose(
        encode(encoding, made.panel).price_evidence[:, -1], encode(encoding, other).price_evidence[:, -1], rtol=1e-2
    )


def test_a_price_that_never_moved_is_no_evidence() -> None:
    flat = np.zeros((2, 30))
    num, info = price_evidence(np.ones((2, 30)), [flat, np.random.default_rng(0).normal(size=(2, 30))], None, np.ones((2, 30)))
    assert not info.any()
    assert not num.any()


def test_later_dates_alone_are_the_same() -> None:
    rng = np.random.default_rng(1)
    moved, market, *causes = rng.normal(size=(4, 3, 40))
    weight = rng.uniform(size=(3, 40))
    every = price_evidence(moved, causes, market, weight)
    last = price_evidence(moved, causes, market, weight, first_date=30)
    for whole, part in zip(every, last, strict=True):
        np.testing.assert_allclose(whole[:, 30:], part)


def test_a_running_mean_of_before_leaves_the_first_period_out() -> None:
    left, both = minus_lagged_mean(np.array([[3.0, 5.0, 9.0]]), np.array([[True, True, True]]), 1e9)
    assert both.tolist() == [[False, True, True]]
    np.testing.assert_allclose(left, [[0.0, 2.0, 5.0]], atol=1e-6)


def test_the_market_is_the_one_that_leaves_least() -> None:
    rng = np.random.default_rng(2)
    own, size = rng.normal(size=(20, 50)), np.full((20, 50), 10.0)
    assert market_of({"all": (2 * own, size), "category": (own, size), "alone": (own * 0, size * 0)}) == "category"
