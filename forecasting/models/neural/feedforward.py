"""The feed-forward network of 2015: hand-made features in, all quantiles of all horizons out.

It reads what a forest would read, numbers made by hand of the creation date and of the target period, and no sequence: what
it knows of the past is running means, the last few periods and how the same season went before. What was new is its loss:
the pinball of every horizon and every tau at once, in one network. Its shape is a reconstruction.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, L lags, W width.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from forecasting.features.inputs import Inputs
from forecasting.features.planned_targets import HiddenPlan
from forecasting.models.neural.base_forecaster import QuantileForecaster
from forecasting.models.neural.base_network import (
    Fan,
    QuantileNetwork,
    Shape,
    SmallNetwork,
    fan_of,
    season_features,
    target_features,
)
from forecasting.models.neural.layers import QuantileHead, lags
from forecasting.models.neural.settings import SmallSettings

#: How many of the last periods are features one by one.
_LAGS = 8

_HORIZON_EMBEDDING = 4


class FeedForward(QuantileNetwork):
    """A multi-layer perceptron over the features of one creation date and one target; read ``forward`` from top to bottom."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        origin = shape.origin + 2 * _LAGS + shape.static
        target = shape.target + 2 * shape.candidates + _HORIZON_EMBEDDING
        self.horizons = nn.Parameter(torch.randn(shape.horizon, _HORIZON_EMBEDDING))
        self.from_origin = nn.Linear(origin, shape.width)  # the two together are one layer over all features
        self.from_target = nn.Linear(target, shape.width, bias=False)
        self.second, self.third = nn.Linear(shape.width, shape.width), nn.Linear(shape.width, shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        self.period_head, self.span_head = QuantileHead(shape.width), QuantileHead(shape.width)

    def forward(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None = None) -> Fan:
        """The fan [N, K, H, Q] at the creation dates ``at`` [K]."""
        origin, target = self.from_origin(self._origin(inputs, at)), self.from_target(self._target(inputs, at, hidden))
        state = F.elu(origin[:, :, None] + target)  # (N, K, H, W)
        state = F.elu(self.second(self.dropout(state)))
        state = F.elu(self.third(self.dropout(state)))
        return fan_of(self.period_head, self.span_head, state)

    def _origin(self, inputs: Inputs, at: Tensor) -> Tensor:
        """Features of each creation date [N, K, ·].

        Running means, age, spread and prices as encoded, the last periods one by one, static attributes.
        """
        static = self.over(self.static(inputs), len(at))
        return torch.cat([inputs.origin[:, at], lags(inputs, at, _LAGS), static], dim=-1)

    def _target(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None) -> Tensor:
        """Features of each target [N, K, H, ·]: what is known ahead, how its season went before, how far ahead it is."""
        season = season_features(inputs, at, self.shape)  # (N, K, H, 2J)
        ahead = target_features(inputs, at, self.shape.horizon, hidden)
        return torch.cat([ahead, season, self.horizons.expand(len(inputs), len(at), -1, -1)], dim=-1)


class FeedForwardForecaster(QuantileForecaster):
    """The feed-forward network behind the protocol of every generation."""

    name: ClassVar[str] = "feedforward"
    title: ClassVar[str] = "2015 feed-forward network"
    note: ClassVar[str] = "Hand-made features, all quantiles of all horizons in one loss. Its shape is a reconstruction."
    network: ClassVar[type[SmallNetwork]] = FeedForward
    usual: ClassVar[SmallSettings] = SmallSettings(most_steps=700, look_every=25, width=48)
