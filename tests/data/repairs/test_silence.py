"""Nothing is offered where nothing is odd: clean series of many kinds, by day, week and month."""

from __future__ import annotations

import numpy as np
import pytest
from repaired import kinds, read, table

#: Offers that may stand by a clean file: daily rows may always be added up, and what is not there may be asked about.
QUIET = {"add-up"}

YEAR = {"D": 365, "W-MON": 52, "MS": 12}


def clean(kind: str, freq: str, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Demand [N, T] of a kind, with price and promotion where they belong to it."""
    items, periods = int(rng.choice([3, 8, 25])), {"D": 400, "W-MON": int(rng.choice([40, 110])), "MS": 40}[freq]
    time, phase = np.arange(periods), rng.uniform()
    mean = np.exp(rng.normal(2.5, 1.2, (items, 1))) * np.ones((1, periods))
    columns = {}
    if freq == "D":
        mean = mean * np.array([1, 0.9, 0.9, 1, 1.3, 1.6, 0.5])[time % 7]
    if kind == "intermittent":
        mean = rng.uniform(0.05, 0.8, (items, 1)) * np.ones((1, periods))
    if kind == "lumpy":
        mean = mean * (rng.random(mean.shape) < rng.uniform(0.1, 0.5, (items, 1))) * rng.gamma(1.5, 1, mean.shape)
    if kind == "seasonal":
        mean = mean * np.exp(rng.uniform(0.3, 1.3, (items, 1)) * np.cos(2 * np.pi * (time / YEAR[freq] + phase)))
    if kind == "promoted":
        promo = (rng.random(mean.shape) < 0.08).astype(float)
        columns = {"promo": promo, "price": np.round(5 * (1 - 0.25 * promo), 2)}
        mean = mean * (1 + 2 * promo)
    if kind == "overdispersed":
        mean = mean * rng.gamma(2, 0.5, mean.shape)
    if kind == "growing":
        mean = mean * np.exp(rng.normal(0, 1, (items, 1)) * time / periods)
    demand = rng.poisson(mean).astype(float)
    for item in range(0, items, 2):
        if kind == "launched":
            start = int(rng.integers(1, periods - 5))
            demand[item, :start] = np.nan
            ramp = min(8, periods - start)
            demand[item, start : start + ramp] = rng.poisson(mean[item, :ramp] * np.linspace(0.2, 1, 8)[:ramp])
        if kind == "discontinued":
            demand[item, int(rng.integers(periods // 3, periods - 1)) :] = 0
    return {"demand": demand, **columns}


@pytest.mark.parametrize("freq", ["D", "W-MON", "MS"])
@pytest.mark.parametrize(
    "kind",
    ["plain", "intermittent", "lumpy", "seasonal", "promoted", "overdispersed", "growing", "launched", "discontinued"],
)
def test_clean_series_bring_no_offer(kind, freq):
    for seed in range(3):
        made = clean(kind, freq, np.random.default_rng([seed, len(kind), len(freq)]))
        got = read(table(made.pop("demand"), freq, "2021-01-04", **made))
        assert not set(kinds(got)) - QUIET, (seed, got.offers)
        assert not got.problems
