"""How far items err together is found again in past errors that were drawn to hang together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import gamma, poisson

from forecasting.batch.error_correlation import scores, shared_part
from forecasting.core.quantile_function import TAUS

ITEMS, DATES, SHARED = 60, 300, 0.4
GROUPS = np.array([f"category {n % 3}" for n in range(ITEMS)])
SIZE = np.random.default_rng(5).uniform(2, 10, ITEMS)
QUANTILES = gamma(2.0).ppf(np.array(TAUS)) * SIZE[:, None]  # (N, Q)


def came(shared: float) -> np.ndarray:
    """Gamma demand [K, N] of items of different sizes, whose errors have so much in common with their group's."""
    rng = np.random.default_rng(11)
    factor = rng.standard_normal((DATES, 3))[:, np.arange(ITEMS) % 3]
    z = np.sqrt(shared) * factor + np.sqrt(1 - shared) * rng.standard_normal((DATES, ITEMS))
    return gamma(2.0).ppf(ndtr(z)) * SIZE


def past_scores(actuals: np.ndarray) -> np.ndarray:
    return scores(np.array(TAUS), np.broadcast_to(QUANTILES, (*actuals.shape, len(TAUS))), actuals)


@pytest.mark.parametrize("shared", [0.0, 0.2, SHARED])
def test_what_errors_have_in_common_is_found_again(shared: float) -> None:
    assert shared_part(past_scores(came(shared)), GROUPS) == pytest.approx(shared, abs=0.05)


def test_zeros_share_their_levels() -> None:
    """Poisson demand that is often zero still gives scores like a normal's."""
    rng = np.random.default_rng(0)
    knots = np.broadcast_to(poisson(0.5).ppf(np.array(TAUS)), (4000, len(TAUS)))
    z = scores(np.array(TAUS), knots, rng.poisson(0.5, 4000).astype(float))
    for tau in (0.2, 0.5, 0.8):
        assert (z <= ndtri(tau)).mean() == pytest.approx(tau, abs=0.08)


def test_an_unknown_actual_has_no_score_and_does_no_harm() -> None:
    actuals = came(SHARED)
    actuals[np.random.default_rng(1).random(actuals.shape) < 0.3] = np.nan
    z = past_scores(actuals)
    assert (np.isnan(z) == np.isnan(actuals)).all()
    assert shared_part(z, GROUPS) == pytest.approx(SHARED, abs=0.1)
