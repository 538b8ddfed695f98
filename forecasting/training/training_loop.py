"""The one loop that trains a network, and how it is watched on periods held back.

Axis letters: N items of a batch, T periods, K creation dates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from data.schema import Panel
from forecasting.core.time_splits import masked
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs, encode
from forecasting.models.mqtransformer.network import State
from forecasting.models.neural.base_network import Batch

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True)
class Hyperparameters:
    """What a data set decides about its networks: the half-life of the scale in periods, whether the last periods are read
    one by one, and whether the time of the year is told."""

    life: float
    lags: bool = True
    calendar: bool = False


@dataclass(frozen=True)
class Optimisation:
    """How weights move: AdamW, whose rate grows over ``warm_up`` steps, and a running mean of the weights that keeps
    ``average`` of itself in a step."""

    learning_rate: float
    weight_decay: float
    average: float
    warm_up: int = 0
    fused: bool = False


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What one run learns from.

    Attributes
    ----------
    inputs : the encoded history of N items; ``hidden``, the same with histories masked.
    until : where its targets end.
    hold_price : whether a price is recorded only with a sale, so that a changed one tells of it.
    weight : [N, T] of a creation date's losses, which are in units of m: m to some power, over its mean.
    """

    encoding: Encoding
    inputs: Inputs
    hidden: Inputs
    until: int
    hold_price: bool
    weight: Tensor = field(repr=False)

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, until: int, scale_power: float, seed: int) -> TrainingData:
        """Encodes ``history`` [N, T], of which targets before period ``until`` are trained on."""
        inputs = encode(encoding, history)
        hidden = encode(encoding, masked(history, seed), unmasked=history)
        weight = inputs.scale**scale_power
        weight = weight / weight[:, :until].mean()
        return cls(encoding, inputs, hidden, until, history.price_seen == "when sold", weight)

    @property
    def dates(self) -> Tensor:
        """Creation dates that are learned from, increasing."""
        return torch.arange(max(min(4, self.until - 2), 0), self.until - 1)

    def batch(self, items: int, dates: int, masked_share: float, generator: torch.Generator) -> Batch:
        """A random batch of so many items and creation dates at most, the history of ``masked_share`` of the items hidden."""
        count = min(items, len(self.inputs))
        rows = torch.randperm(len(self.inputs), generator=generator)[:count]
        at = drawn(self.dates, dates, generator)
        cover = max(1, round(masked_share * count))
        hold = None
        if self.hold_price:  # of slow sellers a changed price tells that they sold; of brisk ones half the time it is told
            brisk = self.inputs.scale[rows][:, at] > 4 * self.encoding.unit
            hold = ~brisk | (torch.rand(count, len(at), generator=generator) < 0.5)
        came = self.inputs.take(rows)
        inputs = self.hidden.take(rows[:cover]).followed_by(came.take(slice(cover, None)))
        return Batch(inputs, came, at, 0, self.until, self.weight[rows][:, at], hold)

    def validation_batch(self, rows: Tensor | slice, at: Tensor) -> Batch:
        """What came after the targets of the run, seen from the creation dates ``at`` [K]."""
        inputs = self.inputs.take(rows)
        hold = torch.ones(len(inputs), len(at), dtype=torch.bool) if self.hold_price else None
        return Batch(inputs, inputs, at, self.until, self.inputs.demand.shape[1], self.weight[rows][:, at], hold)


def sample(history: Panel, most: int, seed: int) -> Panel:
    """The items that are trained on: all, or ``most`` of them, drawn by the seed."""
    if len(history) <= most:
        return history
    return history.take(np.sort(np.random.default_rng(seed).choice(len(history), most, replace=False)))


def drawn(dates: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """At most ``count`` of the ``dates``, increasing."""
    return dates[torch.randperm(len(dates), generator=generator)[:count]].sort().values


def fit_network(
    network: _Network,
    loss: Callable[[_Network], Tensor],
    how: Optimisation,
    steps: int,
    tell: Callable[[float], None],
    validation: Validation | None = None,
) -> _Network:
    """Takes ``steps`` down the ``loss``, which draws a batch at every call, and returns the network with averaged weights.

    ``tell`` hears the share that is done; the ``validation`` looks at the averaged network and may end the run.
    """
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(how.average)
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=how.learning_rate, weight_decay=how.weight_decay, fused=how.fused or None
    )
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / max(how.warm_up, 1)))
    network.train()
    for step in range(steps):
        tell(step / steps)
        value = loss(network)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        warm_up.step()
        averaged.update_parameters(network)
        if validation is not None and not validation.goes_on(step + 1, averaged.module.eval()):
            break
    found = averaged.module.eval()
    assert isinstance(found, type(network))
    return found


def state_of(network: nn.Module) -> State:
    """A copy of its weights."""
    return {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}


@dataclass(eq=False)
class Validation:
    """Looks at a network every ``every`` steps by ``loss`` and ends its run when ``patience`` looks brought nothing."""

    loss: Callable[[nn.Module], float]
    every: int
    patience: int
    losses: list[float] = field(default_factory=list)
    best: State = field(default_factory=dict)

    @torch.no_grad()
    def goes_on(self, step: int, network: nn.Module) -> bool:
        """Whether the run should go on after this step."""
        if step % self.every:
            return True
        self.losses.append(self.loss(network))
        if self.losses[-1] <= min(self.losses):
            self.best = state_of(network)
        return len(self.losses) - 1 - int(np.argmin(self.losses)) < self.patience

    def trial(self) -> Trial:
        """What it has seen."""
        return Trial(np.array(self.losses), self.best)


@dataclass(frozen=True, eq=False)
class Trial:
    """A run that was watched: the loss at every look, and the weights at the best."""

    curve: np.ndarray
    state: State

    @property
    def best(self) -> int:
        """The look with the least loss."""
        return int(np.argmin(self.curve))
