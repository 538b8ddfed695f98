"""The monotone quantile function: knots, straight lines between them, exponential tails beyond.

Below the lowest knot the tail is exponential in log units, q(τ) = q₁ · (τ/τ₁)^a, so that it ends at zero where demand
ends; above the highest it is exponential in units, q(τ) = q_Q + b · log((1 − τ_Q)/(1 − τ)). Both continue the slope
of the two outermost knots. Knots, lines and tails after arXiv 2111.06581.
"""

from __future__ import annotations

import numpy as np

from data.errors import ConfigurationError

#: The knots every generation answers with.
TAUS: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)

#: Bounds of the lower tail's exponent a: q₁ may be almost zero.
LOWER_EXPONENT = (0.05, 20.0)


def quantile(taus: np.ndarray, values: np.ndarray, tau: float | np.ndarray) -> np.ndarray:
    """Quantiles at ``tau`` of the functions with knots (``taus`` [Q], ``values`` [..., Q]).

    ``tau`` is one level or an array that broadcasts against the leading axes [...]; so is the answer's shape.
    Raises ConfigurationError for a tau outside (0, 1).
    """
    tau = np.asarray(tau, dtype=np.float64)
    if not ((tau > 0) & (tau < 1)).all():
        raise ConfigurationError(f"A quantile level lies strictly between 0 and 1; got {tau!r}.")
    taus, values = np.asarray(taus, np.float64), np.asarray(values, np.float64)
    tau = np.broadcast_to(tau, np.broadcast_shapes(tau.shape, values.shape[:-1]))
    values = np.broadcast_to(values, (*tau.shape, len(taus)))
    right = np.clip(np.searchsorted(taus, tau, side="left"), 1, len(taus) - 1)
    low, high = _pick(values, right - 1), _pick(values, right)
    share = (tau - taus[right - 1]) / (taus[right] - taus[right - 1])
    answer = low + np.clip(share, 0, 1) * (high - low)
    below, above = tau < taus[0], tau > taus[-1]
    if below.any():
        tail = values[..., 0] * (tau / taus[0]) ** _lower_exponent(taus, values)
        answer = np.where(below, tail, answer)
    if above.any():
        tail = values[..., -1] + _upper_scale(taus, values) * np.log((1 - taus[-1]) / (1 - tau))
        answer = np.where(above, tail, answer)
    return answer


def level(taus: np.ndarray, values: np.ndarray, units: float | np.ndarray) -> np.ndarray:
    """The tau at which the quantile function reaches ``units``: the inverse of ``quantile``, same shapes.

    Where the function is flat at ``units`` the answer is the highest such tau: the chance of selling no more than that.
    """
    taus, values = np.asarray(taus, np.float64), np.asarray(values, np.float64)
    units = np.asarray(units, dtype=np.float64)
    units = np.broadcast_to(units, np.broadcast_shapes(units.shape, values.shape[:-1]))
    values = np.broadcast_to(values, (*units.shape, len(taus)))
    right = np.clip((values <= units[..., None]).sum(axis=-1), 1, len(taus) - 1)
    low, high = _pick(values, right - 1), _pick(values, right)
    share = np.where(high > low, (units - low) / np.where(high > low, high - low, 1), 1.0)
    answer = taus[right - 1] + np.clip(share, 0, 1) * (taus[right] - taus[right - 1])
    first, last = values[..., 0], values[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = taus[0] * np.clip(units / first, 0, 1) ** (1 / _lower_exponent(taus, values))
        upper = 1 - (1 - taus[-1]) * np.exp(-np.maximum(units - last, 0) / _upper_scale(taus, values))
    answer = np.where(units < first, np.where(first > 0, lower, 0.0), answer)
    return np.where(units >= last, np.where(_upper_scale(taus, values) > 0, upper, 1.0), answer)


def mean(taus: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Expected units [...] of functions with knots (``taus`` [Q], ``values`` [..., Q]): the area under them.

    ∫ q dτ is τ₁ · q₁ / (a + 1) below the lowest knot, trapezes between knots, and (1 − τ_Q) · (q_Q + b) above the
    highest.
    """
    taus, values = np.asarray(taus, np.float64), np.asarray(values, np.float64)
    between = ((values[..., 1:] + values[..., :-1]) / 2 * np.diff(taus)).sum(axis=-1)
    below = taus[0] * values[..., 0] / (_lower_exponent(taus, values) + 1)
    above = (1 - taus[-1]) * (values[..., -1] + _upper_scale(taus, values))
    return below + between + above


def shortfall(taus: np.ndarray, values: np.ndarray, units: float | np.ndarray) -> np.ndarray:
    """Units expected beyond ``units``, E[(D − S)⁺] with S = ``units``; shapes as in ``level``, ``units`` may be negative.

    Between two knots the area above S under the line is Δτ · ((v₂ − S)⁺² − (v₁ − S)⁺²) / (2 (v₂ − v₁)); above the highest
    knot it is (1 − τ_Q) · b · exp(−(S − q_Q) / b); below the lowest it is the area of the power law from its crossing of S.
    """
    taus, values = np.asarray(taus, np.float64), np.asarray(values, np.float64)
    units = np.asarray(units, dtype=np.float64)
    units = np.broadcast_to(units, np.broadcast_shapes(units.shape, values.shape[:-1]))
    above = np.maximum(values - units[..., None], 0)  # (v − S)⁺ at each knot
    rise = np.diff(values, axis=-1)
    low, high = above[..., :-1], above[..., 1:]
    flat = rise <= 1e-12 * np.maximum(values[..., 1:], 1e-300)
    area = np.where(flat, low, (high - low) * (high + low) / (2 * np.where(flat, 1, rise)))
    between = (area * np.diff(taus)).sum(axis=-1)
    return between + _tail_above(taus, values, units) + _tail_below(taus, values, units)


def _tail_above(taus: np.ndarray, values: np.ndarray, units: np.ndarray) -> np.ndarray:
    last, scale = values[..., -1], _upper_scale(taus, values)
    beyond = np.exp(-np.maximum(units - last, 0) / np.where(scale > 0, scale, 1)) * scale
    return (1 - taus[-1]) * (np.maximum(last - units, 0) + beyond)


def _tail_below(taus: np.ndarray, values: np.ndarray, units: np.ndarray) -> np.ndarray:
    first, exponent = values[..., 0], _lower_exponent(taus, values)
    share = np.clip(np.maximum(units, 0) / np.where(first > 0, first, 1), 0, 1) ** (1 / exponent)  # of τ₁, below S
    area = first / (exponent + 1) * (1 - share ** (exponent + 1)) - units * (1 - share)
    return taus[0] * np.where(units < first, area, 0.0)


def _pick(values: np.ndarray, knot: np.ndarray) -> np.ndarray:
    return np.take_along_axis(values, knot[..., None], axis=-1)[..., 0]


def _lower_exponent(taus: np.ndarray, values: np.ndarray) -> np.ndarray:
    """a of the lower tail, from the two lowest knots."""
    first, second = np.maximum(values[..., 0], 1e-12), np.maximum(values[..., 1], 1e-12)
    return np.clip(np.log(second / first) / np.log(taus[1] / taus[0]), *LOWER_EXPONENT)


def _upper_scale(taus: np.ndarray, values: np.ndarray) -> np.ndarray:
    """b of the upper tail in units, from the two highest knots."""
    return (values[..., -1] - values[..., -2]) / np.log((1 - taus[-2]) / (1 - taus[-1]))
