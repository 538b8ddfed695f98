"""Laws of the quantile function: every answer about a tau comes from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigurationError
from forecasting.core.quantile_function import TAUS, level, mean, quantile

KNOTS = np.array(TAUS)

taus = st.floats(0.001, 0.999)


@st.composite
def rising_knots(draw: st.DrawFn) -> np.ndarray:
    """Values [Q] of strictly rising knots, from a thousandth of a unit to ten million units."""
    size = 10.0 ** draw(st.integers(-3, 7))
    steps = draw(st.lists(st.floats(0.01, 1.0), min_size=len(TAUS), max_size=len(TAUS)))
    return size * np.cumsum(steps)


@st.composite
def any_knots(draw: st.DrawFn) -> np.ndarray:
    """Values [Q] of knots that may start at zero and be flat in places."""
    steps = draw(st.lists(st.sampled_from([0.0, 0.0, 0.5, 3.0]), min_size=len(TAUS), max_size=len(TAUS)))
    return np.cumsum(steps)


@given(rising_knots(), taus)
def test_level_gives_back_the_tau_of_its_quantile(values: np.ndarray, tau: float) -> None:
    assert level(KNOTS, values, quantile(KNOTS, values, tau)) == pytest.approx(tau, abs=1e-6)


@given(rising_knots(), st.floats(0.05, 3.0))
def test_quantile_gives_back_the_units_of_their_level(values: np.ndarray, share: float) -> None:
    units = share * values[6]  # around the median, into both tails
    tau = level(KNOTS, values, units)
    if 1e-9 < tau < 1 - 1e-9:  # beyond, a float cannot tell tau from 0 or 1
        assert quantile(KNOTS, values, tau) == pytest.approx(units, rel=1e-6)


@given(any_knots(), st.lists(taus, min_size=2, max_size=20))
def test_a_higher_tau_never_has_fewer_units(values: np.ndarray, several: list[float]) -> None:
    tau = np.sort(several)
    units = quantile(KNOTS, np.broadcast_to(values, (len(tau), len(KNOTS))), tau)
    assert (np.diff(units) >= -1e-12 * (1 + values[-1])).all()
    assert (units >= 0).all()


@given(any_knots(), st.lists(st.floats(0, 50), min_size=2, max_size=20))
def test_more_units_never_have_a_lower_level(values: np.ndarray, several: list[float]) -> None:
    units = np.sort(several)
    levels = level(KNOTS, np.broadcast_to(values, (len(units), len(KNOTS))), units)
    assert (np.diff(levels) >= -1e-12).all()
    assert ((levels >= 0) & (levels <= 1)).all()


@given(any_knots())
def test_knots_are_met_exactly(values: np.ndarray) -> None:
    assert [float(quantile(KNOTS, values, tau)) for tau in TAUS] == pytest.approx(values.tolist())


def test_between_knots_lies_a_straight_line() -> None:
    assert quantile(np.array([0.2, 0.6]), np.array([10.0, 30.0]), 0.3) == pytest.approx(15.0)


def test_the_upper_tail_adds_the_same_units_for_each_halving_of_what_is_left() -> None:
    values = np.arange(13.0)
    tail = [float(quantile(KNOTS, values, 1 - 0.02 / 2**k)) for k in range(4)]
    steps = np.diff(tail)
    assert steps == pytest.approx([steps[0]] * 3)
    assert steps[0] > 0


def test_the_lower_tail_ends_at_zero() -> None:
    values = np.linspace(5, 50, 13)
    assert 0 <= quantile(KNOTS, values, 1e-9) < 0.1
    assert level(KNOTS, values, 0.0) == 0


def test_an_item_that_never_sells_sells_no_more_than_zero_for_sure() -> None:
    assert level(KNOTS, np.zeros(13), 0.0) == 1.0
    assert quantile(KNOTS, np.zeros(13), 0.999) == 0


def test_where_the_function_is_flat_the_level_is_the_highest_tau() -> None:
    values = np.array([0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8.0])
    assert level(KNOTS, values, 0.0) == pytest.approx(0.3)  # the fifth knot, tau 0.3, is the last at zero


def test_arrays_broadcast_over_items_and_horizons() -> None:
    values = np.cumsum(np.ones((3, 4, 13)), axis=-1)
    assert quantile(KNOTS, values, 0.5).shape == (3, 4)
    each = quantile(KNOTS, values, np.array([0.1, 0.5, 0.9, 0.99]))
    assert each.shape == (3, 4)
    assert (np.diff(each, axis=1) > 0).all()
    assert level(KNOTS, values, 7.0).shape == (3, 4)


@pytest.mark.parametrize("tau", [0.0, 1.0, -0.1, np.nan])
def test_a_tau_outside_zero_and_one_is_refused(tau: float) -> None:
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        quantile(KNOTS, np.arange(13.0), tau)


@given(rising_knots())
def test_the_mean_is_the_area_under_the_quantile_function(values: np.ndarray) -> None:
    edges = np.concatenate([np.geomspace(1e-9, 0.02, 400), np.linspace(0.02, 0.98, 2000)[1:]])
    edges = np.concatenate([edges, 1 - np.geomspace(0.02, 1e-12, 400)[1:]])
    heights = np.array(quantile(KNOTS, np.broadcast_to(values, (len(edges), 13)), edges))
    area = ((heights[1:] + heights[:-1]) / 2 * np.diff(edges)).sum()
    assert mean(KNOTS, values) == pytest.approx(area, rel=1e-3)
