"""The memories of the features, against what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.features.moving_average import recent_quantiles

SHARES = (0.1, 0.5, 0.9)


@pytest.mark.parametrize("first", [0, 5, 39])
def test_recent_quantiles_are_those_of_the_known_ones_of_the_last_periods(first: int) -> None:
    rng = np.random.default_rng(0)
    values, known = rng.random((3, 40)), rng.random((3, 40)) < 0.6
    found = recent_quantiles(values, known, SHARES, 8, first)
    assert found.shape == (3, 3, 40 - first)
    for row in range(3):
        for t in range(first, 40):
            last = slice(max(0, t - 7), t + 1)
            window = np.sort(values[row, last][known[row, last]])
            expected = [window[round(share * (len(window) - 1))] if len(window) else 0.0 for share in SHARES]
            np.testing.assert_allclose(found[:, row, t - first], expected)
