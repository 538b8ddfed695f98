"""The plan of targets as networks read it: as it is given, or as usual where nobody has planned it, and which of the two.

At a creation date in the past the periods after it are on record, and a forecast must not read of them what nobody knew then.
``HiddenPlan`` says which cells those are; what is read instead is made in ``plan_channels``.

Axis letters: N items, K creation dates, H horizons, C channels of ``Inputs.known_ahead``, V covariates of
``ChannelLayout.covariates``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from data.schema import PRICE
from forecasting.features.channel_layout import DELAYS, OF_GROUPS, OWN, ChannelLayout
from forecasting.features.inputs import Inputs


@dataclass(frozen=True, eq=False)
class HiddenPlan:
    """Cells of the plan that are not known: ``own`` of the items, and of their ``groups``; bool [N, K, H, V] each, or what
    broadcasts to it."""

    own: Tensor
    groups: Tensor

    @classmethod
    def of(cls, layout: ChannelLayout, names: Collection[str], horizon: int) -> HiddenPlan:
        """Nothing is known ahead of these covariates."""
        hidden = torch.tensor([name in names for name in layout.covariates], dtype=torch.bool).expand(1, 1, horizon, -1)
        return cls(hidden, hidden)

    def take(self, rows: slice) -> HiddenPlan:
        """Of these items; what is alike for all stays so."""
        return HiddenPlan(*(one if len(one) == 1 else one[rows] for one in (self.own, self.groups)))

    def channels(self, layout: ChannelLayout, horizon: int) -> Tensor:
        """Which channels [N, K, H, C] of the first ``horizon`` targets are not known.

        A channel that tells of a period before its target is known where that period is over.
        """
        own, groups = (F.pad(one[..., :horizon, :], (0, 1, DELAYS, 0)) for one in (self.own, self.groups))  # one more: never
        never, place = own.shape[-1] - 1, {name: v for v, name in enumerate(layout.covariates)}
        columns = []
        for channel in layout.known_ahead:
            of = groups if channel.kind in OF_GROUPS else own
            covariate = place.get(channel.name, never) if channel.kind in OWN + OF_GROUPS else never
            columns.append(of[..., DELAYS - channel.back : DELAYS - channel.back + horizon, covariate])
        return torch.stack(columns, dim=-1) if columns else own[..., DELAYS:, :0]


class PlannedTargets(NamedTuple):
    """What is known ahead of K × H targets.

    ``known`` [N, K, H, C] channels of ``Inputs.known_ahead``; ``log_price`` and whether the price ``moved`` [N, K, H];
    ``unknown`` [N, K, H, ·] 1 where the cell of a covariate of ``ChannelLayout.flagged`` is only what is usual.
    """

    known: Tensor
    log_price: Tensor
    moved: Tensor
    unknown: Tensor


def planned_targets(inputs: Inputs, at: Tensor, horizon: int, hidden: HiddenPlan | None = None) -> PlannedTargets:
    """The plan of the first ``horizon`` targets after the creation dates ``at`` [K], where it is not ``hidden``."""
    targets = at[:, None] + torch.arange(1, horizon + 1)  # (K, H)
    within = targets.clamp(max=inputs.ahead.shape[1] - 1)  # periods beyond the plan are masked by whoever trains
    known, log_price, moved = (one[:, within] for one in (inputs.known_ahead, inputs.log_price, inputs.price_moved))
    unknown = ~inputs.given[:, within]  # (N, K, H, V)
    if hidden is not None:
        layout = inputs.layout
        if inputs.usual.shape[-1]:
            known = torch.where(hidden.channels(layout, horizon), inputs.usual[:, at, None], known)
        own = hidden.own[..., :horizon, :]
        unknown = unknown | own
        if PRICE in layout.covariates:
            held = own[..., layout.covariates.index(PRICE)]
            log_price, moved = torch.where(held, inputs.log_price[:, at, None], log_price), moved * ~held
    return PlannedTargets(known, log_price, moved, unknown[..., : len(inputs.layout.flagged)].float())
