"""MQ-RNN and MQ-CNN: an encoder, and a decoder that says all quantiles of all horizons at once (2017).

After Wen, Torkkola, Narayanaswamy, Madeka, "A Multi-Horizon Quantile Recurrent Forecaster" (arXiv 1711.11053): an LSTM, or
dilated causal convolutions, read demand, past covariates and static attributes; a global MLP meets their state with what is
known of all target periods and makes one context for each horizon and one for all; a local MLP, shared over horizons, turns
both and the target's own known inputs into quantiles. Training decodes at many creation dates of each series in one pass
(forking sequences).

Inputs are plain: no hand-made features of the past, no season laid before the network, and a price is an input like any
other, so nothing forbids that a higher price sells more. Two things differ from the paper: demand is read and answered as a
ratio to a causal scale, and quantiles are built so that they cannot cross.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, F features of a target, C context, W width.
"""

from __future__ import annotations

from abc import abstractmethod
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
    RecurrentReader,
    Shape,
    SmallNetwork,
    fan_of,
    target_features,
)
from forecasting.models.neural.layers import Convolutions, QuantileHead
from forecasting.models.neural.settings import SmallSettings

#: Width of each horizon's context, and of the one for all.
_CONTEXT = 8


class GlobalDecoder(nn.Module):
    """(c_{t+1} … c_{t+H}, c_a) = m_G(h_t, x_{t+1 … t+H}): a context for each horizon and one for all."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.horizon = shape.horizon
        self.enter = nn.Linear(shape.width + shape.static + shape.horizon * shape.target, shape.width)
        self.leave = nn.Linear(shape.width, (shape.horizon + 1) * _CONTEXT)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, state: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """States [N, K, W + S] and targets [N, K, H, F] to contexts [N, K, H, C] and [N, K, C]."""
        together = torch.cat([state, target.flatten(start_dim=2)], dim=-1)  # (N, K, W + S + H·F)
        contexts = F.elu(self.leave(self.dropout(F.elu(self.enter(together)))))  # (N, K, (H + 1)·C)
        contexts = contexts.unflatten(-1, (self.horizon + 1, _CONTEXT))
        return contexts[:, :, :-1], contexts[:, :, -1]


class LocalDecoder(nn.Module):
    """q_{t+h} = m_L(c_{t+h}, c_a, x_{t+h}), the same for every horizon."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * _CONTEXT + shape.target, shape.width)
        self.deepen = nn.Linear(shape.width, shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        self.period_head, self.span_head = QuantileHead(shape.width), QuantileHead(shape.width)

    def forward(self, specific: Tensor, agnostic: Tensor, target: Tensor) -> Fan:
        """Contexts [N, K, H, C] and [N, K, C], and targets [N, K, H, F], to the fan [N, K, H, Q]."""
        agnostic = agnostic[:, :, None].expand_as(specific)
        hidden = F.elu(self.enter(torch.cat([specific, agnostic, target], dim=-1)))  # (N, K, H, W)
        hidden = F.elu(self.deepen(self.dropout(hidden)))
        return fan_of(self.period_head, self.span_head, hidden)


class EncoderDecoder(QuantileNetwork):
    """The network of the paper but for its encoder; read ``forward`` from top to bottom."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.dropout = nn.Dropout(shape.dropout)
        self.global_decoder, self.local_decoder = GlobalDecoder(shape), LocalDecoder(shape)

    @abstractmethod
    def state(self, inputs: Inputs, static: Tensor, at: Tensor) -> Tensor:
        """States h_t [N, K, W] of the encoder at the creation dates ``at`` [K]; ``static`` [N, S]."""

    def forward(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None = None) -> Fan:
        """The fan [N, K, H, Q] at the creation dates ``at`` [K]."""
        static = self.static(inputs)
        state = self.dropout(self.state(inputs, static, at))  # (N, K, W)
        state = torch.cat([state, self.over(static, len(at))], dim=-1)
        target = target_features(inputs, at, self.shape.horizon, hidden)  # (N, K, H, F)
        specific, agnostic = self.global_decoder(state, target)
        fan: Fan = self.local_decoder(specific, agnostic, target)
        return fan


class MQRNN(EncoderDecoder):
    """With an LSTM."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder = RecurrentReader(shape)

    def state(self, inputs: Inputs, static: Tensor, at: Tensor) -> Tensor:
        state: Tensor = self.encoder(inputs.past, self.level(inputs), static, at)
        return state


class MQCNN(EncoderDecoder):
    """With dilated causal convolutions, the paper's best encoder."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder = Convolutions(shape.past + 1 + shape.static, shape.width)

    def state(self, inputs: Inputs, static: Tensor, at: Tensor) -> Tensor:
        past = torch.cat([inputs.past, self.level(inputs), self.over(static, inputs.past.shape[1])], dim=-1)
        return self.encoder.at(past, at)


class MQRNNForecaster(QuantileForecaster):
    """MQ-RNN behind the protocol of every generation."""

    name: ClassVar[str] = "mqrnn"
    title: ClassVar[str] = "2017 MQ-RNN"
    note: ClassVar[str] = "Raw inputs, a recurrent encoder, all quantiles of all horizons at once (arXiv 1711.11053)"
    network: ClassVar[type[SmallNetwork]] = MQRNN
    usual: ClassVar[SmallSettings] = SmallSettings(most_steps=600, look_every=20, width=32)


class MQCNNForecaster(QuantileForecaster):
    """MQ-CNN behind the protocol of every generation."""

    name: ClassVar[str] = "mqcnn"
    title: ClassVar[str] = "2017 MQ-CNN"
    note: ClassVar[str] = "Raw inputs, a convolutional encoder, all quantiles of all horizons at once (arXiv 1711.11053)"
    network: ClassVar[type[SmallNetwork]] = MQCNN
    usual: ClassVar[SmallSettings] = SmallSettings(most_steps=600, look_every=20, width=32)
