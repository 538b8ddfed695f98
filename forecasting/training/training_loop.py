"""The one loop that trains a network, and how it is watched on periods held back.

Axis letters: N items of a batch, T periods, K creation dates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from data.schema import PRICE, Panel
from forecasting.core.time_splits import masked, unknown_ahead
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs, encode
from forecasting.features.planned_targets import HiddenPlan
from forecasting.models.mqtransformer.network import State
from forecasting.models.neural.base_network import Batch

#: Columns of a validation's losses.
_WHOLE, _OLDER, _NEWER = 0, 1, 2

_Network = TypeVar("_Network", bound=nn.Module)

#: How often in training the plan of a covariate is hidden; more often serves neither those who have plans nor those who do not.
_HIDDEN = 0.25

#: How often covariates are hidden one by one and not together, from a later target on, and otherwise than of the groups.
_EACH, _LATER, _OTHERWISE = 0.2, 0.3, 0.15


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
    inputs : the encoded history of N items; ``newcomers``, the same with histories masked.
    until : where its targets end.
    horizon : H.
    unknown : the covariates of which a forecast of the past may not be told ahead.
    hold_price : whether a price is recorded only with a sale, so that a changed one tells of it.
    weight : [N, T] of a creation date's losses, which are in units of m: m to some power, over its mean.
    """

    encoding: Encoding
    inputs: Inputs
    newcomers: Inputs
    until: int
    horizon: int
    unknown: frozenset[str]
    hold_price: bool
    weight: Tensor = field(repr=False)

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, until: int, horizon: int, scale_power: float, seed: int) -> TrainingData:
        """Encodes ``history`` [N, T], of which targets before period ``until`` are trained on."""
        inputs = encode(encoding, history, usual=True)
        newcomers = encode(encoding, masked(history, seed), unmasked=history, usual=True)
        weight = inputs.scale**scale_power
        weight = weight / weight[:, :until].mean()
        telling = history.price_seen == "when sold"
        return cls(encoding, inputs, newcomers, until, horizon, unknown_ahead(history), telling, weight)

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
        hidden = self._hidden(rows, at, generator)
        came = self.inputs.take(rows)
        inputs = self.newcomers.take(rows[:cover]).followed_by(came.take(slice(cover, None)))
        return Batch(inputs, came, at, 0, self.until, self.weight[rows][:, at], hidden)

    def _hidden(self, rows: Tensor, at: Tensor, generator: torch.Generator) -> HiddenPlan | None:
        """Which cells of the plan are hidden from a batch, drawn for each item and creation date.

        All covariates or some, from the first target on or from a later one; of the groups mostly the same. So one network
        learns both: what a plan does, and what usually happens where there is none.
        """
        covariates = self.inputs.layout.covariates
        if not covariates:
            return None
        shape = (len(rows), len(at), 1)
        rand = partial(torch.rand, generator=generator)
        together, each = rand(*shape, 1), rand(*shape, len(covariates))
        drawn = torch.where(rand(*shape, 1) < _EACH, each, together) < _HIDDEN
        first = torch.where(rand(*shape) < _LATER, (1 + rand(*shape) * self.horizon).long(), 1)  # (N, K, 1)
        later = (torch.arange(1, self.horizon + 1) >= first)[..., None]  # (N, K, H, 1)
        own = drawn & later
        groups = own ^ ((rand(*shape, 1) < _OTHERWISE) & later)
        if self.hold_price:  # of slow sellers a changed price tells that they sold; of brisk ones half the time it is told
            brisk = self.inputs.scale[rows][:, at] > 4 * self.encoding.unit
            held = ~brisk | (rand(*shape[:2]) < 0.5)  # (N, K)
            own[..., covariates.index(PRICE)] = held[..., None]
        return HiddenPlan(own, groups)

    def validation_batch(self, rows: Tensor | slice, at: Tensor, first: int, until: int) -> Batch:
        """Targets in periods ``first`` … ``until`` − 1, after those of the run, seen from the creation dates ``at`` [K]."""
        inputs = self.inputs.take(rows)
        hidden = self.hidden_ahead()
        return Batch(inputs, inputs, at, first, until, self.weight[rows][:, at], hidden)

    def hidden_ahead(self) -> HiddenPlan | None:
        """What of the plan a forecast of the past may not be told."""
        return HiddenPlan.of(self.inputs.layout, self.unknown, self.horizon) if self.unknown else None


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
    """Looks at a network every ``every`` steps by ``loss`` and ends its run when ``patience`` looks brought nothing.

    The loss is of the whole block held back, which says when to end and which weights are kept; further losses are only written
    down.
    """

    loss: Callable[[nn.Module], tuple[float, ...]]
    every: int
    patience: int
    losses: list[tuple[float, ...]] = field(default_factory=list)
    kept: State = field(default_factory=dict)

    @torch.no_grad()
    def goes_on(self, step: int, network: nn.Module) -> bool:
        """Whether the run should go on after this step."""
        if step % self.every:
            return True
        self.losses.append(self.loss(network))
        curve = np.array(self.losses)
        if curve[-1, _WHOLE] <= curve[:, _WHOLE].min():
            self.kept = state_of(network)
        return len(curve) - 1 - int(curve[:, _WHOLE].argmin()) < self.patience

    def trial(self) -> Trial:
        """What it has seen."""
        return Trial(np.array(self.losses), self.kept)


@dataclass(frozen=True, eq=False)
class Trial:
    """A run that was watched: the losses [L, ·] at every look, see ``Validation``, and the weights that are kept."""

    curve: np.ndarray
    state: State

    @property
    def best(self) -> int:
        """The look with the least loss of the whole block."""
        return int(self.curve[:, _WHOLE].argmin())

    @property
    def least(self) -> float:
        """That loss."""
        return float(self.curve[:, _WHOLE].min())

    @property
    def honest(self) -> float:
        """The loss of the newer half under the weights that the older half would have chosen, where both were written down."""
        return float(self.curve[self.curve[:, _OLDER].argmin(), _NEWER])
