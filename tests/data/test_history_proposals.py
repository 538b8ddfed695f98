"""What a history proposes of itself: bulk orders and impossible zeros are found, and ordinary histories propose nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factories import counting_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from data.history_proposals import Proposal, proposals
from data.schema import Panel


def history(demand: np.ndarray, promo: np.ndarray | None = None) -> Panel:
    panel = counting_panel(1, len(demand), alias="W-SUN")
    promo = np.zeros(len(demand)) if promo is None else promo
    return replace(
        panel,
        demand=np.asarray(demand, np.float32)[None],
        known={"promo": promo.astype(np.float32)[None]},
        event_names=(),
        events=np.zeros((len(demand), 0), np.float32),
    )


def found(demand: np.ndarray, promo: np.ndarray | None = None) -> tuple[Proposal, ...]:
    panel = history(demand, promo)
    return proposals(panel, np.zeros(len(demand), bool))


STEADY = np.random.default_rng(1).poisson(30, 104).astype(float)


@pytest.mark.parametrize("place", [103, 93, 43])
def test_a_bulk_order_is_found_with_what_is_usual_around_it(place: int) -> None:
    demand = STEADY.copy()
    demand[place] = 4200
    (one,) = found(demand)
    assert (one.kind, one.first, one.last, one.sold) == ("one-off", place, place, 4200)
    assert one.usual == pytest.approx(30, abs=5)


def test_what_is_explained_or_comes_back_is_no_one_off() -> None:
    demand, promo = STEADY.copy(), np.zeros(104)
    demand[60], promo[60] = 400, 0.5
    assert not found(demand, promo)
    yearly = STEADY.copy()
    yearly[[20, 72]] = 500
    assert not found(yearly)


def test_zeros_that_are_all_but_impossible_are_found() -> None:
    demand = STEADY.copy()
    demand[50:56] = 0
    (one,) = found(demand)
    assert (one.kind, one.first, one.last) == ("out of stock", 50, 55)
    assert one.usual == pytest.approx(30, abs=5)
    panel = history(demand)
    spared = np.zeros(104, bool)
    spared[50:56] = True
    assert not proposals(panel, spared), "where a planner has spoken nothing is proposed"
    assert not proposals(replace(panel, in_stock=np.where(demand > 0, 1, 0).astype(np.float32)[None]), np.zeros(104, bool))


def test_a_season_without_sales_is_no_lost_sale() -> None:
    assert not found(np.tile(np.r_[np.full(20, 9.0), np.zeros(32)], 3))


@given(st.integers(0, 10_000), st.floats(0.1, 60), st.floats(0.5, 5))
@settings(max_examples=80, deadline=None)
def test_ordinary_histories_propose_next_to_nothing(seed: int, mean: float, shape: float) -> None:
    rng = np.random.default_rng(seed)
    demand = rng.poisson(rng.gamma(shape, mean / shape, (10, 104)))
    assert sum(len(found(row)) for row in demand) <= 2
