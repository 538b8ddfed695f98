"""Where a forecast looked, and whether it matters: the attention of each target, and the forecast without its twin periods.

Attention is where the networks looked, not why they say what they say. So each target's heaviest periods are masked, as if
nobody knew what sold then, and the forecast is read again: a link that moves nothing is a weak one.

Axis letters: N items, H horizons, B periods back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from data.schema import Panel, Plan
from forecasting.core.quantile_function import TAUS, mean
from forecasting.features.inputs import Inputs, encode
from forecasting.models.mqtransformer.ensemble import EnsembleOutput
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.network import periods_back

#: Twin periods of a target: never fewer than the first, never more than the second, the later ones while they are at least
#: this share of the heaviest.
_FEWEST, _MOST, _HEAVY = 3, 5, 1 / 3

#: A forecast that moves by less than this share without its twin periods hangs on them weakly.
WEAK = 0.02


@dataclass(frozen=True, eq=False)
class AttentionAttribution:
    """Where N items' forecasts looked.

    Attributes
    ----------
    back : [B] how many periods before the creation date, increasing.
    periods : [B] their stamps.
    weights : [N, H, B] shares of each target's attention; B = 0 where the networks have none.
    taken : [N, H] the share of the answer's level that is what attention found; the rest is its season, its level and others.
    twins : [N, H, B] bool, the three to five heaviest of each target.
    forecast, masked : [N, H] expected units, and the same when nobody knew what sold in the target's twin periods.
    """

    back: np.ndarray
    periods: pd.DatetimeIndex
    weights: np.ndarray
    taken: np.ndarray
    twins: np.ndarray
    forecast: np.ndarray
    masked: np.ndarray

    @property
    def mass(self) -> np.ndarray:
        """[N, H] share of the attention on the twin periods."""
        return (self.weights * self.twins).sum(axis=-1)

    @property
    def counted(self) -> np.ndarray:
        """[N, H] share of the answer's level that was seen in the twin periods."""
        return self.taken * self.mass

    @property
    def moves(self) -> np.ndarray:
        """[N, H] units by which the forecast is higher for knowing what sold in its twin periods."""
        return self.forecast - self.masked

    @property
    def share(self) -> np.ndarray:
        """[N, H] the same without its sign, as a share of the forecast."""
        return np.abs(self.moves) / np.maximum(self.forecast, 1e-9)

    @property
    def weak(self) -> np.ndarray:
        """[N, H] bool."""
        return self.share < WEAK

    def first(self, horizon: int) -> AttentionAttribution:
        """The links of the first ``horizon`` targets."""
        names = ("weights", "taken", "twins", "forecast", "masked")
        return replace(self, **{name: getattr(self, name)[:, :horizon] for name in names})


def attention_attribution(networks: FeedbackEnsemble, history: Panel, plan: Plan) -> AttentionAttribution:
    """Where the forecasts from the end of ``history`` [N, T] for the periods of ``plan`` looked; without their own errors."""
    t, horizon, ensemble = len(history.periods) - 1, len(plan), networks.now
    encoded = [encode(view.encoding, history, plan) for view in ensemble.views]
    said = ensemble.read_inputs(encoded, [t])
    weights = said.looked[:, 0]  # (N, H, B)
    back = periods_back(ensemble.views[0].config.seasons, horizon).numpy()
    back = back[back <= t][: weights.shape[-1]]
    twins = _twins(weights)
    hidden = np.zeros((len(history), horizon, t + 1), bool)
    hidden[:, :, t - back] = twins
    flat = torch.from_numpy(hidden.reshape(-1, t + 1))  # (N·H, T)
    rows = torch.arange(len(history)).repeat_interleave(horizon)
    again = ensemble.read_inputs([_without(inputs.take(rows), flat) for inputs in encoded], [t])
    own = np.arange(horizon)
    return AttentionAttribution(
        back=back,
        periods=history.periods[t - back],
        weights=weights,
        taken=said.taken[:, 0],
        twins=twins,
        forecast=expected(said),
        masked=expected(again).reshape(len(history), horizon, horizon)[:, own, own],
    )


def expected(said: EnsembleOutput) -> np.ndarray:
    """Expected units [N, H] said at the first creation date."""
    return np.asarray(mean(np.array(TAUS), said.values[:, 0]), np.float64)


def _without(inputs: Inputs, hidden: torch.Tensor) -> Inputs:
    """As if nobody knew what sold in the periods ``hidden`` [N, T]."""
    return replace(inputs, known=torch.where(hidden, 0.0, inputs.known))


def _twins(weights: np.ndarray) -> np.ndarray:
    """The heaviest periods of each target [N, H, B]; one that has no weight is none."""
    if not weights.shape[-1]:
        return np.zeros(weights.shape, bool)
    order = np.argsort(-weights, axis=-1, kind="stable")
    ranked = np.take_along_axis(weights, order, axis=-1)
    rank = np.arange(weights.shape[-1])
    taken = (rank < _FEWEST) | ((rank < _MOST) & (ranked >= _HEAVY * ranked[..., :1]))
    answer = np.zeros(weights.shape, bool)
    np.put_along_axis(answer, order, taken & (ranked > 1e-6), axis=-1)
    return answer
