"""What an item's own history says of its price response: a regression that grows with every period.

The logs of what sold, of the price and of the other covariates are taken against how the item's market moved, which has its
season, its holidays and its shocks, and then against the item's own running mean of before. What the other covariates explain
is partialled out (Frisch and Waugh), so that a promotion's lift is not taken for its price, and so is what the item moves more
or less than its market, for its season may be stronger. Of the normal equation of the price that is left, num = Σ w·x·(−y) and
info = Σ w·x², the forecaster takes the posterior (λ·e₀ + num)/(λ + info) of an elasticity that it expects to be e₀ from the
item's context: the less an item's price has moved, the less its own history counts.

Axis letters: N items, T periods, K covariates with the price first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecasting.features.moving_average import running_mean

#: Covariates taken beside the price.
MOST_OTHERS = 3

#: Holds the coefficients of covariates where they never moved, and those of the market near "as much as it".
_RIDGE, _AS_MARKET = 1e-3, 2.0


def minus_lagged_mean(values: np.ndarray, known: np.ndarray, half_life: float) -> tuple[np.ndarray, np.ndarray]:
    """``values`` [N, T] less their running mean of the periods before, and where both are known."""
    mean, count = running_mean(values, known, half_life)
    before, seen = (np.concatenate([np.zeros_like(one[:, :1]), one[:, :-1]], axis=1) for one in (mean, count))
    both = known & (seen > 0)
    return np.where(both, values - before, 0.0), both


def price_evidence(
    moved: np.ndarray, causes: Sequence[np.ndarray], market: np.ndarray | None, weight: np.ndarray, first_date: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """num and info [N, T − first_date] of the price at each creation date, from all periods up to it.

    ``moved`` [N, T] are logs of what sold and ``causes`` K times [N, T] those of the price and the other covariates, all
    against market and running mean; ``market`` [N, T] is how that moved itself. A period counts by its ``weight`` [N, T].
    """
    dates = slice(first_date, None)

    def up_to(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.cumsum(weight * one * other, axis=1)[:, dates]

    price, *others = causes
    ridge = [_RIDGE] * len(others)
    if market is not None:
        others, ridge = [*others, market], [*ridge, _AS_MARKET]
    num, info = -up_to(price, moved), up_to(price, price)
    if others:
        inner = np.stack([np.stack([up_to(a, b) for b in others], axis=-1) for a in others], axis=-1)  # (N, D, K−1, K−1)
        across = np.stack([up_to(a, price) for a in others], axis=-1)  # (N, D, K−1)
        explained = np.stack([up_to(a, moved) for a in others], axis=-1)
        inner = inner + np.diag(ridge)
        shares = np.linalg.solve(inner, across[..., None])[..., 0]
        num, info = num + (shares * explained).sum(axis=-1), info - (shares * across).sum(axis=-1)
    return num, np.maximum(info, 0.0)


def market_of(residuals: dict[str, tuple[np.ndarray, np.ndarray]]) -> str:
    """The name of the market whose movements leave least of the items' own, of ``residuals`` [N, T] and sizes [N, T].

    The mean of a market of n items has 1/n of the item in it, which is allowed for.
    """

    def left(residual: np.ndarray, size: np.ndarray) -> float:
        own = size > 1.5
        if not own.any():
            return np.inf
        return float((residual[own] ** 2 / (1 - 1 / size[own])).mean())

    return min(residuals, key=lambda name: left(*residuals[name]))
