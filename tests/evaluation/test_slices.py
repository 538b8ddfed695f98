"""Slices and segments: planted peaks, promotions and launches are found, by rules that look backwards only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from factories import make_panel

from data.groups import group_series
from data.schema import Frequency, Panel
from forecasting.core.demand_classes import zero_shares
from forecasting.evaluation.slices import DENSE_TITLE, bands, peaks, promoted, segments, slices

PERIODS, HORIZON = 60, 6


def panel_of(demand: np.ndarray, **changes: object) -> Panel:
    """A weekly panel of this demand [N, T], always in stock."""
    frequency = Frequency.of("W-SUN")
    panel = Panel(
        item_ids=np.array([f"item {row}" for row in range(len(demand))], dtype=object),
        periods=frequency.range(make_panel().periods[0], demand.shape[1]),
        frequency=frequency,
        demand=demand.astype(np.float32),
        in_stock=np.full(demand.shape, np.nan, np.float32),
        static={"category": np.array([("soap", "tea")[row % 2] for row in range(len(demand))], dtype=object)},
    )
    panel = replace(panel, **changes)
    return replace(panel, groups=group_series(panel))


@pytest.fixture
def steady() -> Panel:
    """Four items that sell 9, 10 or 11, one period after the other."""
    return panel_of(10.0 + np.resize([-1.0, 0.0, 1.0], (4, PERIODS)))


def with_demand(panel: Panel, row: int, period: int, units: float) -> Panel:
    demand = panel.demand.copy()
    demand[row, period] = units
    return replace(panel, demand=demand)


def masks(panel: Panel, places: tuple[int, ...] = (40, 44)) -> dict[str, np.ndarray]:
    return {one.name: one.mask for one in slices(panel, [panel.periods[t] for t in places], HORIZON)}


def test_a_planted_peak_is_found_where_it_is_and_nowhere_else(steady: Panel) -> None:
    assert not peaks(steady).any()
    found = peaks(with_demand(steady, 1, 43, 40))
    assert found[1, 43]
    assert found.sum() == 1


@pytest.mark.parametrize("units", [12.0, 19.0])
def test_less_than_twice_the_usual_is_no_peak(steady: Panel, units: float) -> None:
    assert not peaks(with_demand(steady, 1, 43, units)).any()


def test_a_wide_usual_spread_makes_a_high_period_usual() -> None:
    wild = panel_of(np.resize([2.0, 10.0, 30.0, 12.0, 3.0], (1, PERIODS)))
    assert not peaks(wild).any()


def test_what_comes_later_does_not_decide_what_is_a_peak() -> None:
    panel = make_panel(items=12, periods=80, seed=3)
    later = panel.demand.copy()
    later[:, 60:] = 1000
    before, after = peaks(panel)[:, :60], peaks(replace(panel, demand=later))[:, :60]
    assert before.any()
    np.testing.assert_array_equal(before, after)


def test_an_item_that_mostly_sells_nothing_has_no_peak() -> None:
    rare = panel_of(np.where(np.arange(PERIODS) % 5 == 0, 7.0, 0.0)[None])
    assert not peaks(rare).any()


def test_periods_out_of_stock_are_neither_peaks_nor_usual(steady: Panel) -> None:
    panel = with_demand(steady, 0, 43, 40)
    in_stock = np.ones_like(panel.in_stock)
    in_stock[0, 43] = 0.5
    assert not peaks(replace(panel, in_stock=in_stock)).any()


def test_targets_after_a_peak_are_those_of_the_month_after_it(steady: Panel) -> None:
    found = masks(with_demand(steady, 1, 43, 40))
    # from 40 the targets are 41 … 46, from 44 they are 45 … 50; the peak is 43, the month after it 44 … 47
    assert found["peak"][0, 1].tolist() == [False, False, True, False, False, False]
    assert found["post_peak"][0, 1].tolist() == [False, False, False, True, True, True]
    assert found["post_peak"][1, 1].tolist() == [True, True, True, False, False, False]
    assert not found["peak"][1].any()
    assert not found["post_peak"][:, [0, 2, 3]].any()
    assert not (found["peak"] & found["post_peak"]).any()


def test_promoted_targets_are_those_whose_promotion_was_announced(steady: Panel) -> None:
    promo = np.zeros_like(steady.demand)
    promo[2, 45] = 0.4
    flag = np.zeros_like(promo)
    flag[3, 46] = 1
    price = np.full_like(promo, 0.5)  # lies in 0 … 1 and is no event all the same
    share = np.full_like(promo, 0.7)  # never zero: no event
    panel = replace(steady, known={"promo": promo, "display": flag, "price": price, "share": share})
    assert np.argwhere(masks(panel)["promoted"]).tolist() == [[0, 2, 4], [0, 3, 5], [1, 2, 0], [1, 3, 1]]
    assert not promoted(steady, 40).any()


def test_new_items_are_new_at_each_creation_date(steady: Panel) -> None:
    demand = steady.demand.copy()
    demand[3, :30] = np.nan  # 11 weeks on record at 40, 15 at 44
    new = masks(replace(steady, demand=demand))["new"]
    assert new[0, 3].all()
    assert not new[1, 3].any()
    assert not new[:, :3].any()


def test_rare_sellers_are_known_at_the_first_creation_date(steady: Panel) -> None:
    demand = steady.demand.copy()
    demand[0, :41:2] = 0  # 21 of 41
    demand[1, 1:41:2] = 0  # 20 of 41
    demand[2, 41:] = 0  # only later
    found = masks(replace(steady, demand=demand))["intermittent"]
    assert found.any(axis=(0, 2)).tolist() == [True, False, False, False]
    assert zero_shares(replace(steady, demand=demand), 40) == pytest.approx([21 / 41, 20 / 41, 0, 0])


def test_everything_is_everything(steady: Panel) -> None:
    assert masks(steady)["all"].all()
    assert masks(steady)["all"].shape == (2, 4, HORIZON)


def test_targets_beyond_the_record_are_in_no_slice_that_looks_at_them(steady: Panel) -> None:
    found = masks(with_demand(steady, 1, PERIODS - 1, 40), (PERIODS - 3,))
    assert found["peak"][0, 1].tolist() == [False, True, False, False, False, False]


def test_every_item_is_in_one_segment_of_each_kind() -> None:
    demand = np.random.default_rng(0).poisson(np.linspace(0.2, 30, 20)[:, None], (20, PERIODS)).astype(float)
    panel = panel_of(demand)
    parts = segments(panel, panel.periods[40])
    for kind in {part.kind for part in parts}:
        assert (sum(part.rows.astype(int) for part in parts if part.kind == kind) == 1).all(), kind
    best = next(part for part in parts if part.title == "Best-selling third")
    volume = demand[:, :41].sum(axis=1)
    assert volume[best.rows].min() >= volume[~best.rows].max()
    dense = next(part for part in parts if part.title == DENSE_TITLE)
    assert dense.rows.tolist() == (zero_shares(panel, 40) < 0.1).tolist()
    assert 0 < dense.rows.sum() < 20


def test_segments_do_not_know_what_came_after() -> None:
    panel = make_panel(items=10, periods=PERIODS)
    later = panel.demand.copy()
    later[:, 41:] *= np.arange(10)[:, None]
    one, other = (segments(p, panel.periods[40]) for p in (panel, replace(panel, demand=later)))
    assert [(part.title, part.rows.tolist()) for part in one] == [(part.title, part.rows.tolist()) for part in other]


@pytest.mark.parametrize("horizon", [1, 2, 3, 6, 13, 28])
def test_bands_are_the_horizon_and_its_parts_without_gaps(horizon: int) -> None:
    whole, *thirds = bands(horizon)
    assert whole == (1, horizon)
    assert not thirds or [period for a, b in thirds for period in range(a, b + 1)] == list(range(1, horizon + 1))
