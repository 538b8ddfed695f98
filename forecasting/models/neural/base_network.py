"""What the small networks of 2015 and 2017 share: the features they read, a batch to learn from, the pinball of a fan.

Each network is a file of its own; here stands only what is the same in all of them. They answer in ratios to the causal
scale m of each item, and none of them sees more of a period than ``features.encode`` makes of it.

Axis letters: N items of a batch, T past periods, K creation dates, H horizons, Q taus, F features of a target, W width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from forecasting.core.quantile_function import TAUS
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs
from forecasting.features.planned_targets import HiddenPlan, planned_targets
from forecasting.models.neural.layers import HIGHEST, crps_weights, pinball, season_ratios, soft_log

#: Weight of the span quantiles' loss beside that of the periods'.
_SPAN_WEIGHT = 0.3

_EMBEDDING = 3


@dataclass(frozen=True)
class Shape:
    """How many inputs a network has and how wide it is.

    ``past``, ``origin``, ``target`` are channels; ``candidates`` the season candidates of a target; ``cardinalities`` the
    embedding rows of each static column; ``level`` and ``spread`` place log m, ``unit`` is the smallest usual sale.
    """

    horizon: int
    past: int
    origin: int
    target: int
    candidates: int
    seasons: tuple[int, ...]
    cardinalities: tuple[int, ...]
    level: float
    spread: float
    unit: float
    width: int
    dropout: float

    @classmethod
    def of(cls, encoding: Encoding, inputs: Inputs, horizon: int, width: int, dropout: float) -> Shape:
        """The shape for inputs made with ``encoding``."""
        one, first = inputs.take(slice(0, 1)), torch.tensor([0])
        return cls(
            horizon=horizon,
            past=inputs.past.shape[-1],
            origin=inputs.origin.shape[-1],
            target=target_features(one, first, 1).shape[-1],
            candidates=season_ratios(one, first, horizon, encoding.seasons)[0].shape[-1],
            seasons=encoding.seasons,
            cardinalities=tuple(len(rows) + 1 for rows in encoding.categories.values()),
            level=encoding.level,
            spread=encoding.spread,
            unit=encoding.unit,
            width=width,
            dropout=dropout,
        )

    @property
    def static(self) -> int:
        """Numbers that the static attributes become."""
        return sum(min(_EMBEDDING, rows) for rows in self.cardinalities)


class Actual(NamedTuple):
    """What came of the targets of a lesson, [N, K, H] each.

    ``ratio`` is demand over m at the creation date, ``counted`` 1 where a target may be learned from, ``censored`` 1
    where the item was out of stock.
    """

    ratio: Tensor
    counted: Tensor
    censored: Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """A few items at a few creation dates, to learn from or to be examined on.

    Attributes
    ----------
    inputs : of N items, as the network may see them. at : [K] int64 creation dates, increasing.
    came : the same items with nothing hidden: what the targets are taken from.
    first, until : only targets in periods first … until − 1 count.
    weight : [N, K] of the losses of a creation date, which are in units of m.
    hidden : what is not known of the plan; None: nothing.
    """

    inputs: Inputs
    came: Inputs
    at: Tensor
    first: int
    until: int
    weight: Tensor
    hidden: HiddenPlan | None

    def actual(self, horizon: int) -> Actual:
        """What came in the ``horizon`` periods after each creation date."""
        targets = self.at[:, None] + torch.arange(1, horizon + 1)  # (K, H)
        counts = ((targets >= self.first) & (targets < self.until)).float()
        targets = targets.clamp(max=self.came.demand.shape[1] - 1)
        ratio = self.came.demand[:, targets] / self.inputs.scale[:, self.at, None]  # (N, K, H)
        return Actual(ratio, self.came.known[:, targets] * counts, self.came.censored[:, targets])


class Fan(NamedTuple):
    """Quantiles [..., H, Q] over m: of demand per period, and of the mean demand of the first h periods."""

    periods: Tensor
    spans: Tensor


class SmallNetwork(nn.Module, ABC):
    """A network that is taught by lessons; its static attributes are embedded the same way in all of them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = nn.ModuleList(nn.Embedding(rows, min(_EMBEDDING, rows)) for rows in shape.cardinalities)

    @abstractmethod
    def loss(self, lesson: Batch) -> Tensor:
        """The mean loss of a lesson, to be made small."""

    def static(self, inputs: Inputs) -> Tensor:
        """Static attributes [N, S] of the items."""
        columns = [embed(inputs.static[:, column]) for column, embed in enumerate(self.embeddings)]
        return torch.cat(columns, dim=-1) if columns else inputs.past.new_zeros(len(inputs), 0)

    def level(self, inputs: Inputs) -> Tensor:
        """log m [N, T, 1], about −1 … 1."""
        return ((inputs.scale.log() - self.shape.level) / self.shape.spread)[..., None]

    def over(self, static: Tensor, count: int) -> Tensor:
        """Static attributes [N, S] repeated along a time axis: [N, count, S]."""
        return static[:, None].expand(-1, count, -1)


class QuantileNetwork(SmallNetwork):
    """A network that says all quantiles of all horizons at once and is taught by their pinball."""

    @abstractmethod
    def forward(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None = None) -> Fan:
        """The fan [N, K, H, Q] at the creation dates ``at`` [K]."""

    def loss(self, lesson: Batch) -> Tensor:
        """Pinball over all horizons and taus, of periods and of spans."""
        return fan_loss(self(lesson.inputs, lesson.at, lesson.hidden), lesson)


class RecurrentReader(nn.Module):
    """An LSTM over demand, past covariates and static attributes: the state at s has seen periods up to s, none after it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.lstm = nn.LSTM(shape.past + 1 + shape.static, shape.width, batch_first=True)

    def forward(self, past: Tensor, level: Tensor, static: Tensor, at: Tensor) -> Tensor:
        """States [N, K, W] at ``at`` [K] of channels [N, T, C], log levels [N, T, 1] and static [N, S]."""
        end = int(at.max()) + 1
        repeated = static[:, None].expand(-1, end, -1)
        states, _ = self.lstm(torch.cat([past[:, :end], level[:, :end], repeated], dim=-1))  # (N, end, W)
        return states[:, at]


def season_features(inputs: Inputs, at: Tensor, shape: Shape) -> Tensor:
    """How the season of each target went before, softened logs of ratios, and whether that is known: [N, K, H, 2J]."""
    ratios, known = season_ratios(inputs, at, shape.horizon, shape.seasons)
    return torch.cat([soft_log(ratios) * known, known], dim=-1)


def target_features(inputs: Inputs, at: Tensor, horizon: int, hidden: HiddenPlan | None = None) -> Tensor:
    """What is known at the creation dates ``at`` [K] of each target, as plain inputs: [N, K, H, F].

    Covariates as planned and against their recent mean, the planned price against its reference, whether it moves, and which
    of them are only as usual: a network may make of a price what it likes. What is ``hidden`` is as usual.
    """
    planned = planned_targets(inputs, at, horizon, hidden)
    change = (3 * (planned.log_price - inputs.log_reference[:, at, None]) * inputs.has_price[:, at, None]).clamp(-4, 4)
    ahead, relative = planned.known.split([inputs.ahead.shape[-1], inputs.relative.shape[-1]], dim=-1)
    against_recent = relative - inputs.baseline[:, at, None]
    return torch.cat([ahead, against_recent, change[..., None], planned.moved[..., None], planned.unknown], dim=-1)


def fan_of(period_head: nn.Module, span_head: nn.Module, hidden: Tensor) -> Fan:
    """The fan that two heads make of hidden [N, K, H, W]; of a span the head reads the mean over its periods."""
    means = hidden.cumsum(dim=2) / torch.arange(1, hidden.shape[2] + 1)[:, None]
    periods, spans = (head(one).clamp(max=HIGHEST).exp() for head, one in ((period_head, hidden), (span_head, means)))
    return Fan(periods, spans)


def fan_loss(fan: Fan, lesson: Batch, span_weight: float = _SPAN_WEIGHT) -> Tensor:
    """Weighted mean pinball of a fan [N, K, H, Q]; one-sided where the item was out of stock, whole spans only."""
    horizon = fan.periods.shape[2]
    actual, taus, knots = lesson.actual(horizon), torch.tensor(TAUS), crps_weights()
    weight = lesson.weight[..., None]  # (N, K, 1)
    both_sides = pinball(taus, actual.ratio, fan.periods)
    from_below = taus * torch.relu(actual.ratio[..., None] - fan.periods)  # demand was at least what sold
    loss = torch.where(actual.censored[..., None] > 0, from_below, both_sides)
    periods = ((loss * knots).sum(dim=-1) * weight * actual.counted).sum() / actual.counted.sum().clamp(min=1)

    whole = (actual.counted * (1 - actual.censored)).cumprod(dim=-1)
    mean = (actual.ratio * whole).cumsum(dim=-1) / torch.arange(1, horizon + 1)
    loss = (pinball(taus, mean, fan.spans) * knots).sum(dim=-1)
    return periods + span_weight * (loss * weight * whole).sum() / whole.sum().clamp(min=1)
