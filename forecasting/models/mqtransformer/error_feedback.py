"""Feedback: what a forecaster takes back of the errors that its own earlier forecasts have made since.

The decoder of MQTransformer (arXiv 2009.14799) attends to the contexts of its own earlier forecasts of the same target and to
what came of them. Here both are numbers that a planner can read. At creation date t, the forecasts of a few earlier creation
dates are set against what came since: each of the last periods has an error, the log of what sold less the log that was to be
expected. For a target period u

    raise(u) = trust · k · Σ_s w(u, s) · error(s),      w ∝ exp(−likeness · |x_u − x_s|² / 2 − recency · (t − s))

where x is what was known ahead of a period (promotion, events, calendar) and k = mean² / (mean² + var · Σ w² + doubt²)
believes errors the less, the less they agree and the smaller they are (James and Stein's shrinkage). The forecast is then
moved part of the way, ``steadiness``, towards what the same networks said earlier for the same u, which takes away revisions
that bring nothing; both are taken at usual prices, so that a change of the plan's prices is no revision. What other networks
said, before these were trained, binds nobody.

The five numbers are chosen on errors of networks that had never seen the periods judged; each is 0 where it brings nothing.

Axis letters: N items, D earlier creation dates, H horizons, S past periods judged, K features known ahead, Q taus.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from forecasting.core.quantile_function import TAUS
from forecasting.features.inputs import Inputs

#: Taking errors back must lower the loss by this share: those of one block of time have much in common, and less with the next.
_EARNED = 0.01

#: What a steadier forecast may cost, as a share of the loss, and never more than taking errors back has brought.
_STEADY = 0.005

#: Errors in logs are cut off here, and logs softened so that a zero is a finite −2.4.
_LARGEST, _SOFT = 2.0, 0.1

_TRUSTS, _DOUBTS, _LIKENESSES, _RECENCIES = (0.3, 0.6, 1.0), (0.0, 0.3), (0.0, 0.3, 1.0), (0.0, 0.4)
_STEADINESSES = (0.3, 0.2, 0.1)


@dataclass(frozen=True)
class Feedback:
    """How much of its own errors a forecaster takes back; see the module. All 0: nothing."""

    trust: float = 0.0
    doubt: float = 0.0
    likeness: float = 0.0
    recency: float = 0.0
    steadiness: float = 0.0


@dataclass(frozen=True, eq=False)
class OwnRecord:
    """What a forecaster said at earlier creation dates, seen from the creation date t.

    Attributes
    ----------
    lags : [D] periods before t at which it was said, increasing, none above H.
    said : [N, D, H] expected logs over m (see ``expected_log``) of the H periods after each of these dates.
    exists : [N, D] 1 where there was a forecast.
    ours : [D] 1 where it was made by the networks that speak at t, and not by earlier ones.
    sold, counted : [N, S] logs over m of the last S = H periods up to t, oldest first, and 1 where they may be judged.
    apart : [N, H, S] |x_u − x_s|² of each target and each period judged.
    """

    lags: np.ndarray
    said: np.ndarray
    exists: np.ndarray
    ours: np.ndarray
    sold: np.ndarray
    counted: np.ndarray
    apart: np.ndarray

    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """What sold over what was to be expected, in logs: the mean of a period's forecasts, and their number, [N, S] each."""
        horizon = self.said.shape[2]
        total, count = np.zeros_like(self.sold), np.zeros_like(self.sold)
        for d, lag in enumerate(self.lags.tolist()):
            past = slice(horizon - lag, horizon)  # periods t − lag + 1 … t were its first ``lag`` targets
            told = self.counted[:, past] * self.exists[:, d, None]
            total[:, past] += np.clip(self.sold[:, past] - self.said[:, d, :lag], -_LARGEST, _LARGEST) * told
            count[:, past] += told
        return total / np.maximum(count, 1), count

    def revisions(self, now: np.ndarray) -> np.ndarray:
        """How much higher than ``now`` [N, H], in logs, the same networks said each target to be; 0 where they said nothing."""
        horizon = self.said.shape[2]
        total, count = np.zeros_like(now), np.zeros_like(now)
        for d, lag in enumerate(self.lags.tolist()):
            both = slice(0, horizon - lag)  # targets that were within its horizon, too
            told = self.exists[:, d, None] * self.ours[d]
            total[:, both] += np.clip(self.said[:, d, lag:] - now[:, both], -_LARGEST, _LARGEST) * told
            count[:, both] += told
        return total / np.maximum(count, 1)


def lags_of(horizon: int) -> np.ndarray:
    """How many periods ago the forecasts were made that are looked at, [D] increasing."""
    return np.unique([1, max(1, horizon // 4), max(1, horizon // 2), horizon])


def expected_log(quantiles: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The expected log of demand over m [N, ...] under ``quantiles`` [N, ..., Q] at TAUS in units; ``scale`` [N] is m."""
    edges = np.array([0.0, *TAUS, 1.0])
    shares = (edges[2:] - edges[:-2]) / 2
    return _log(quantiles, scale) @ (shares / shares.sum())


def _log(units: np.ndarray, scale: np.ndarray) -> np.ndarray:
    ratio = units / np.maximum(scale, 1e-9).reshape(-1, *[1] * (units.ndim - 1))
    return np.log((ratio + _SOFT) / (1 + _SOFT))


def record_at(t: int, inputs: Inputs, said: Mapping[int, np.ndarray], horizon: int, *, since: int = 0) -> OwnRecord:
    """The record at period ``t``, from quantiles [N, H, Q] in units ``said`` at earlier periods; a missing one does not exist.

    Those said ``since`` a period are the speaker's own.
    """
    lags, items = lags_of(horizon), len(inputs)
    past, ahead = np.arange(t - horizon + 1, t + 1), np.arange(t + 1, t + 1 + horizon)  # (S,), (H,)
    there, within = np.maximum(past, 0), np.minimum(ahead, inputs.ahead.shape[1] - 1)
    own_plans = inputs.relative[..., inputs.layout.relative.span("relative covariate")]
    place = torch.cat([inputs.ahead, own_plans], dim=-1).numpy()  # (N, U, K)
    known = inputs.known * (1 - inputs.censored)
    scale = inputs.scale[:, t].numpy().astype(np.float64)
    none = np.zeros((items, horizon))
    return OwnRecord(
        lags=lags,
        said=np.stack([expected_log(said[t - lag], scale) if t - lag in said else none for lag in lags.tolist()], axis=1),
        exists=np.stack([np.full(items, float(t - lag in said)) for lag in lags.tolist()], axis=1),
        ours=(t - lags >= since).astype(np.float64),
        sold=_log(inputs.demand[:, there].numpy().astype(np.float64), scale),
        counted=(known[:, there].numpy() * (past >= 0)).astype(np.float64),
        apart=((place[:, within][:, :, None] - place[:, there][:, None]) ** 2).sum(axis=-1),
    )


@dataclass(frozen=True, eq=False)
class Correction:
    """What feedback did to a forecast.

    Attributes
    ----------
    weights : [N, H, S] of the errors of the last S periods; 0 everywhere where there are none.
    errors : [N, S] logs, above 0 where the forecasts were too low; NaN where nothing can be judged.
    raised : [N, H] logs added for them.
    steadied : [N, H] logs added towards what was said earlier.
    """

    weights: np.ndarray
    errors: np.ndarray
    raised: np.ndarray
    steadied: np.ndarray

    @property
    def shift(self) -> np.ndarray:
        """[N, H] logs added to every quantile."""
        return self.raised + self.steadied


def correction(feedback: Feedback, record: OwnRecord, now: np.ndarray) -> Correction:
    """What ``feedback`` makes of the forecaster's own record and of the expected logs ``now`` [N, H]."""
    errors, count = record.errors()
    known = count > 0
    age = np.arange(errors.shape[1])[::-1]  # (S,) periods since
    apart = 0.5 * feedback.likeness * np.minimum(record.apart, 40.0) + feedback.recency * age  # (N, H, S)
    closeness = np.exp(-apart) * known[:, None]
    total = closeness.sum(axis=-1, keepdims=True)
    weights = closeness / np.maximum(total, 1e-12)
    mean = (weights * errors[:, None]).sum(axis=-1)  # (N, H)
    spread = (weights * (errors[:, None] - mean[..., None]) ** 2).sum(axis=-1)
    crowd = (weights**2).sum(axis=-1)  # 1 / the number of errors that count
    variance = spread / np.maximum(1 - crowd, 0.3) * crowd
    enough = np.minimum(total[..., 0], 1.0) * (known.sum(axis=-1) > 1)[:, None]  # one error alone says little
    believed = mean**2 / np.maximum(mean**2 + variance + feedback.doubt**2, 1e-12) * enough
    raised = feedback.trust * believed * mean
    return Correction(
        weights=weights,
        errors=np.where(known, errors, np.nan),
        raised=raised,
        steadied=feedback.steadiness * record.revisions(now + raised),
    )


@dataclass(frozen=True, eq=False)
class Judged:
    """A creation date whose targets came.

    Attributes
    ----------
    record : what was on record then.
    expected : [N, H] expected logs over m at usual prices.
    quantiles, sold : [N, H, Q] and [N, H] units; NaN where it is not known what sold.
    """

    record: OwnRecord
    expected: np.ndarray
    quantiles: np.ndarray
    sold: np.ndarray


def learned(judged: Sequence[Judged], *, planned: bool = True) -> Feedback:
    """The feedback that would have met these creation dates best; none where nothing is gained.

    Where not everything is ``planned`` that is known of the past, no error is taken back: what an unplanned promotion did says
    nothing of the periods after it.
    """
    if not any(one.record.exists.any() for one in judged):
        return Feedback()
    taus = np.array(TAUS)

    def loss(feedback: Feedback) -> float:
        total = 0.0
        for one in judged:
            moved = one.quantiles * np.exp(correction(feedback, one.record, one.expected).shift)[..., None]
            over = one.sold[..., None] - moved
            total += float(np.nansum(np.maximum(taus * over, (taus - 1) * over)))
        return total

    best = Feedback()
    least = (1 - _EARNED) * loss(best)
    for chosen in itertools.product(_TRUSTS if planned else (), _DOUBTS, _LIKENESSES, _RECENCIES):
        found = loss(Feedback(*chosen))
        if found < least:
            best, least = Feedback(*chosen), found
    bearable = min(loss(Feedback()), (1 + _STEADY) * loss(best))
    for steadiness in _STEADINESSES:  # as steady as costs next to nothing
        if loss(replace(best, steadiness=steadiness)) <= bearable:
            return replace(best, steadiness=steadiness)
    return best
