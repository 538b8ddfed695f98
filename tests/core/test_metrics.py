"""Metrics against scikit-learn, numbers worked out by hand, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from forecasting.core import metrics

TAUS = np.array([0.1, 0.5, 0.9])


def spread(y: np.ndarray) -> np.ndarray:
    """Quantiles [..., 3] of some fan around other numbers than y."""
    rng = np.random.default_rng(3)
    return np.sort(rng.gamma(2, 10, (*y.shape, 3)), axis=-1)


@pytest.fixture
def y() -> np.ndarray:
    return np.random.default_rng(2).poisson(15, (6, 8)).astype(float)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_pinball_is_scikit_learns(y: np.ndarray, k: int) -> None:
    q = spread(y)
    golden = mean_pinball_loss(y.ravel(), q[..., k].ravel(), alpha=TAUS[k])  # scikit-learn 1.9.1
    assert metrics.pinball(y, q, TAUS)[..., k].mean() == pytest.approx(golden, rel=1e-12)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.sampled_from([0.1, 0.25, 0.5, 0.9]))
def test_pinball_is_least_at_the_empirical_quantile(sold: list[float], tau: float) -> None:
    y = np.array(sold)

    def loss(q: float) -> float:
        return float(metrics.pinball(y, np.full((len(y), 1), q), np.array([tau])).sum())

    best = loss(float(np.quantile(y, tau, method="inverted_cdf")))
    assert all(best <= loss(other) + 1e-9 for other in (*sold, 0.0, 50.0, 200.0))


def test_wql_by_hand() -> None:
    y = np.array([10.0, 20.0])
    q = np.array([[8.0, 10.0, 15.0], [18.0, 25.0, 40.0]])
    # pinball: tau .1: .1·2 + .1·2 = .4; tau .5: 0 + .5·5 = 2.5; tau .9: .1·5 + .1·20 = 2.5; over 30 sold, twice
    assert metrics.wql_by_tau(y, q, TAUS) == pytest.approx([0.8 / 30, 5 / 30, 5 / 30])
    assert metrics.wql(y, q, TAUS) == metrics.Score(pytest.approx((0.8 + 5 + 5) / 90), 2)


def test_what_is_not_known_counts_nowhere(y: np.ndarray) -> None:
    q = spread(y)
    holes = y.copy()
    holes[2:, 3] = np.nan
    rest = np.isfinite(holes)
    assert metrics.wql(holes, q, TAUS).value == pytest.approx(metrics.wql(y[rest], q[rest], TAUS).value)
    assert metrics.wql(holes, q, TAUS).count == y.size - 4
    assert metrics.calibration(holes, q, TAUS) == metrics.calibration(y[rest], q[rest], TAUS)
    assert metrics.bias(holes, q[..., 1]).value == pytest.approx(metrics.bias(y[rest], q[rest][:, 1]).value)
    volatile = metrics.excess_volatility(holes, q, q + 1, TAUS)
    assert volatile == metrics.excess_volatility(y[rest], q[rest], q[rest] + 1, TAUS)


def test_what_cannot_be_computed_is_nan_and_counted() -> None:
    nothing = np.zeros((2, 3))
    q = np.ones((2, 3, 3))
    assert np.isnan(metrics.wql_by_tau(nothing, q, TAUS)).all()
    assert np.isnan(metrics.wql(nothing, q, TAUS).value)
    assert np.isnan(metrics.bias(nothing, q[..., 0]).value)
    assert np.isnan(metrics.excess_volatility(nothing, q, q, TAUS).value)
    assert np.isnan(metrics.calibration(np.full((2, 3), np.nan), q, TAUS).error)
    assert metrics.calibration(np.full((2, 3), np.nan), q, TAUS).count == 0
    flat = metrics.scaled_quantile_loss(nothing, q, TAUS, np.array([0.0, np.nan]))
    assert np.isnan(flat.value)
    assert (flat.count, flat.undefined) == (0, 2)


def test_scaled_losses_count_every_item_alike() -> None:
    y = np.array([[10.0, 20.0], [1000.0, 2000.0], [5.0, 5.0]])
    q = np.stack([y * 1.1] * 3, axis=-1)
    scale = np.array([5.0, 500.0, 0.0])
    scaled = metrics.scaled_quantile_loss(y, q, np.array([0.5]), scale)
    assert scaled.value == pytest.approx(2 * 0.5 * 1.5 / 5)
    assert (scaled.count, scaled.undefined) == (2, 1)
    points = metrics.mase(y, y * 1.1, scale)
    assert points.value == pytest.approx(1.5 / 5)
    assert points.undefined == 1


def test_the_seasonal_scale_skips_pairs_that_are_not_known() -> None:
    demand = np.array([[1.0, 5.0, 3.0, np.nan, 9.0, 6.0], [np.nan, 1.0, np.nan, 2.0, np.nan, np.nan]])
    scale = metrics.seasonal_scale(demand, season=2)
    assert scale == pytest.approx([4.0, 1.0])  # |3 − 1|, |9 − 3|; |2 − 1|
    assert np.isnan(metrics.seasonal_scale(demand[:, :2], season=2)).all()


def test_coverage_is_a_band_where_actuals_tie_with_quantiles() -> None:
    y = np.array([0.0, 0.0, 0.0, 3.0])
    below, up_to = metrics.coverage(y, np.zeros((4, 1)))
    assert (below[0], up_to[0]) == (0.0, 0.75)


def test_a_right_forecast_of_counts_is_calibrated_within_its_band() -> None:
    y = np.random.default_rng(0).poisson(0.7, 4000).astype(float)
    q = np.broadcast_to(np.quantile(y, TAUS, method="inverted_cdf"), (4000, 3))
    found = metrics.calibration(y, q, TAUS)
    assert found.least == 0
    assert found.error > 0.1  # the bench's figure blames it all the same


def test_volatility_is_nothing_for_a_forecast_that_is_never_revised(y: np.ndarray) -> None:
    q = spread(y)
    assert metrics.excess_volatility(y, q, q, TAUS).value == 0


def test_volatility_is_nothing_where_every_revision_went_towards_the_truth(y: np.ndarray) -> None:
    older = y[..., None] + np.array([8.0, 10.0, 12.0])
    newer = y[..., None] + np.array([2.0, 4.0, 12.0])
    assert metrics.excess_volatility(y, older, newer, TAUS).value == pytest.approx(0, abs=1e-12)


def test_volatility_by_hand() -> None:
    # P50 8 → 12 while 10 came: QL(12, 8) = 2; QL(10, 8) − QL(10, 12) = 1 − 1; 2 over 10 units
    y, older, newer = np.array([10.0]), np.array([[8.0]]), np.array([[12.0]])
    assert metrics.excess_volatility(y, older, newer, np.array([0.5])).value == pytest.approx(0.2)


def test_bootstrap_is_sure_of_a_clear_difference_and_not_of_noise() -> None:
    rng = np.random.default_rng(0)
    weight, second = np.full(200, 10.0), rng.gamma(2, 1, 200)
    clear = metrics.paired_bootstrap(second * 0.8, second, weight)
    assert clear.low < clear.value < clear.high < 0
    assert clear.chance == 1.0
    noise = metrics.paired_bootstrap(second + rng.normal(0, 1, 200), second, weight)
    assert noise.low < 0 < noise.high


def test_bootstrap_is_the_difference_of_two_wqls(y: np.ndarray) -> None:
    first, second = spread(y), spread(y) + 2
    losses = [2 * metrics.pinball(y, q, TAUS).mean(axis=-1).sum(axis=1) for q in (first, second)]
    difference = metrics.paired_bootstrap(*losses, y.sum(axis=1))
    wqls = [metrics.wql(y, q, TAUS).value for q in (first, second)]
    assert difference.value == pytest.approx(wqls[0] - wqls[1])
    assert difference == metrics.paired_bootstrap(*losses, y.sum(axis=1))
    assert np.isnan(metrics.paired_bootstrap(*losses, np.zeros(6)).value)
