"""Joint paths: each item keeps its own quantiles, dependence is found again in past errors, and totals are covered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import gamma, poisson

from data.errors import ConfigurationError
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.purchasing.dependence import Dependence, dependence, group_totals, sampled, scores

ITEMS, HORIZON, DATES = 60, 6, 50
TIES = Dependence(shared=0.4, factor_memory=0.6, own_memory=0.3)
GROUPS = np.array([f"category {n % 3}" for n in range(ITEMS)])
SIZE = np.random.default_rng(5).uniform(2, 10, ITEMS)


def forecast() -> QuantileForecast:
    """Gamma demand of items of different sizes, the same in every period."""
    values = np.repeat((gamma(2.0).ppf(np.array(TAUS)) * SIZE[:, None])[:, None], HORIZON, axis=1)
    periods = pd.date_range("2025-01-05", periods=HORIZON, freq="W-SUN")
    ids = np.array([f"item {n}" for n in range(ITEMS)], dtype=object)
    return QuantileForecast(ids, periods[0] - pd.Timedelta(days=7), periods, np.array(TAUS), values, values, "test", "1")


def came(dates: int = DATES, ties: Dependence = TIES, seed: int = 11) -> np.ndarray:
    """Demand [K, N, H] whose errors are tied as ``ties`` says, drawn by hand."""
    rng = np.random.default_rng(seed)

    def walk(count: int, memory: float) -> np.ndarray:
        steps = rng.standard_normal((dates, count, HORIZON))
        for h in range(1, HORIZON):
            steps[..., h] = memory * steps[..., h - 1] + np.sqrt(1 - memory**2) * steps[..., h]
        return steps

    factor = walk(3, ties.factor_memory)[:, np.arange(ITEMS) % 3]
    z = np.sqrt(ties.shared) * factor + np.sqrt(1 - ties.shared) * walk(ITEMS, ties.own_memory)
    return gamma(2.0).ppf(ndtr(z)) * SIZE[:, None]


def past_scores(actuals: np.ndarray) -> np.ndarray:
    return scores(np.array(TAUS), np.broadcast_to(forecast().values, (*actuals.shape, len(TAUS))), actuals)


def test_each_item_keeps_its_own_quantiles() -> None:
    told = forecast()
    paths = sampled(told, GROUPS, TIES, samples=4000)
    for tau in (0.1, 0.5, 0.9):
        assert np.quantile(paths, tau, axis=0) == pytest.approx(told.at(tau), rel=0.15)


def test_dependence_is_found_again_in_past_errors() -> None:
    found = dependence(past_scores(came()), GROUPS)
    assert found.shared == pytest.approx(TIES.shared, abs=0.1)
    assert found.factor_memory == pytest.approx(TIES.factor_memory, abs=0.15)
    assert found.own_memory == pytest.approx(TIES.own_memory, abs=0.08)


def test_errors_that_have_nothing_in_common_are_found_so() -> None:
    found = dependence(past_scores(came(ties=Dependence(0.0, 0.0, 0.0))), GROUPS)
    assert found.shared < 0.03
    assert found.own_memory < 0.05


def test_totals_of_categories_are_covered_and_sums_of_quantiles_are_not() -> None:
    told, later = forecast(), came(dates=300, seed=12)
    ties = dependence(past_scores(came()), GROUPS)
    names, totals = group_totals(sampled(told, GROUPS, ties, samples=1500), GROUPS)
    actual = group_totals(later, GROUPS)[1].sum(axis=-1)  # (K, G) over the whole horizon
    for tau in (0.8, 0.9):
        covered = (actual <= np.quantile(totals.sum(axis=-1), tau, axis=0)).mean()
        assert covered == pytest.approx(tau, abs=0.05)
    added = np.array([told.at(0.9)[name == GROUPS].sum() for name in names])
    assert (actual <= added).mean() > 0.98


def test_zeros_share_their_levels() -> None:
    """Poisson demand that is often zero still gives scores like a normal's."""
    rng = np.random.default_rng(0)
    knots = np.broadcast_to(poisson(0.5).ppf(np.array(TAUS)), (4000, len(TAUS)))
    z = scores(np.array(TAUS), knots, rng.poisson(0.5, 4000).astype(float))
    for tau in (0.2, 0.5, 0.8):
        assert (z <= ndtri(tau)).mean() == pytest.approx(tau, abs=0.08)


def test_an_unknown_actual_has_no_score_and_does_no_harm() -> None:
    actuals = came()
    actuals[np.random.default_rng(1).random(actuals.shape) < 0.3] = np.nan
    z = past_scores(actuals)
    assert (np.isnan(z) == np.isnan(actuals)).all()
    assert dependence(z, GROUPS).shared == pytest.approx(TIES.shared, abs=0.1)


def test_the_same_seed_draws_the_same_paths() -> None:
    one, other, third = (sampled(forecast(), GROUPS, TIES, 20, seed) for seed in (1, 1, 2))
    assert (one == other).all()
    assert (one != third).any()


def test_an_impossible_dependence_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="share"):
        Dependence(1.4, 0.1, 0.1)
