"""What need not be bought because it will have been lost: buying where missing demand does not wait.

A quantile of the span t+1 … t+L+R counts all its demand against what is there and on order. But what finds the shelf empty
before the order arrives is lost, and no unit of the order will serve it. The myopic policy of inventory with lost sales
(Morton 1971; Zipkin 2008, "Old and New Methods for Lost-Sales Inventory Systems") therefore asks how long stock lasts *after
the receipt*: with chance τ, demand of the R periods from then on is no more than what the lead time leaves over and the order.

How that differs from the span's quantile is taken over a grid of demands of the lead time and of demands after it, as if the
two were independent; within the lead time demand runs along its own quantiles. Where nothing can be lost the difference is 0.

Axis letters: N items, L periods of lead time, Q taus, P ways of buying, U levels of demand.
"""

from __future__ import annotations

import numpy as np

from forecasting.core import quantile_function

#: Levels of demand in the lead time, and of demand after it.
_LEVELS = 12
_GRID = (np.arange(_LEVELS) + 0.5) / _LEVELS

#: Rows [N · P] at a time: bounds the memory.
_CHUNK = 50_000


def demand_ahead(
    taus: np.ndarray, spans: np.ndarray, lead_time: int | np.ndarray, review: int
) -> tuple[np.ndarray, np.ndarray]:
    """Units [N, L, U] asked for in each period of the lead time, and [N, U] in the ``review`` periods after it.

    ``spans`` [N, H, Q] are knots of demand summed over the first h periods; ``lead_time`` in whole periods, one or [N], at most
    H − review, and L the longest. Demand after the receipt has the shape of that of the first ``review`` periods and the mean
    of its own.
    """
    items = len(spans)
    lead = np.broadcast_to(np.asarray(lead_time, int), items)
    longest = int(lead.max(initial=0))
    grid = quantile_function.quantile(taus, spans[:, :longest, None], _GRID) if longest else np.zeros((items, 0, _LEVELS))
    lead_demand = np.maximum(np.diff(np.maximum(grid, 0.0), axis=1, prepend=0.0), 0.0)
    lead_demand *= (np.arange(longest) < lead[:, None])[..., None]
    rows = np.arange(items)
    whole, before = (quantile_function.mean(taus, spans[rows, np.maximum(at, 1) - 1]) for at in (lead + review, lead))
    first = spans[:, review - 1]
    mean = np.maximum(quantile_function.mean(taus, first), 1e-9)
    share = np.where(lead > 0, np.maximum(whole - before, 0.0) / mean, 1.0)
    after = np.maximum(quantile_function.quantile(taus, first[:, None], _GRID), 0.0) * share[:, None]
    return lead_demand, after


def unserved(
    tau: float | np.ndarray,
    lead_demand: np.ndarray,
    after: np.ndarray,
    on_hand: np.ndarray,
    arriving: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Units [N, P] by which the level at ``tau`` (broadcast against [N, P]) may be lower, for they are lost before the receipt;
    and the units [N, P] that are expected to be lost, whatever is bought.

    ``lead_demand`` [N, L, U] and ``after`` [N, U] as from ``demand_ahead``; ``on_hand`` [N, P] less what is owed to customers,
    which waits and is not lost; ``arriving`` [N, P, L] at the beginning of each period of the lead time.
    """
    left, lost = _run_down(lead_demand, on_hand, arriving)
    answer = np.zeros(on_hand.shape)
    wanted = np.broadcast_to(tau, on_hand.shape)
    some = np.argwhere(lost.max(axis=-1, initial=0.0) > 0)
    for start in range(0, len(some), _CHUNK):
        item, way = some[start : start + _CHUNK].T
        need = after[item][:, None] - left[item, way][..., None]  # (·, U, U)
        plain, served = ((need - one).reshape(len(item), -1) for one in (0.0, lost[item, way][..., None]))
        answer[item, way] = _quantile(plain, wanted[item, way]) - _quantile(served, wanted[item, way])
    return np.maximum(answer, 0.0), lost.mean(axis=-1)


def _run_down(lead_demand: np.ndarray, on_hand: np.ndarray, arriving: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is left [N, P, U] when the order arrives, as it would be if all demand waited, and how much of it was lost."""
    left = on_hand[..., None].astype(np.float64)
    lost = np.zeros((*on_hand.shape, lead_demand.shape[-1]))
    for period in range(lead_demand.shape[1]):
        demanded = lead_demand[:, period, None]
        left = left + arriving[..., period, None] - demanded
        lost = lost + np.clip(-(left + lost), 0.0, demanded)
    return left, lost


def _quantile(values: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The quantile at ``tau`` [M] of equally likely ``values`` [M, V], by lines between them; changes their order."""
    values.sort(axis=1)
    at = np.clip(tau * values.shape[1] - 0.5, 0, values.shape[1] - 1)
    left = np.minimum(at.astype(int), values.shape[1] - 2)
    rows = np.arange(len(values))
    low, high = values[rows, left], values[rows, left + 1]
    return np.asarray(low + (at - left) * (high - low))
