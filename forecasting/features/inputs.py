"""What a network sees of a panel: causal scales, channels of the past, and what is known of each target period.

Everything here is a running quantity: the value at period s is made of periods up to s, and only known-future covariates of
the target itself reach ahead. Statistics that a fit takes from its panel (how covariates are scaled, which categories there
are) are kept in ``Encoding`` and travel with the weights. How channels are made is told in ``channels``, ``price_channels``
and ``plan_channels``, and in which order they stand in ``channel_layout``.

Axis letters: N items, T past periods, F future periods, U = T + F, K creation dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional as F

from data.schema import Panel, Plan
from forecasting.features.channel_layout import ChannelLayout
from forecasting.features.channels import (
    ChannelArrays,
    GroupView,
    ItemArrays,
    add_calendar_channels,
    add_covariate_channels,
    add_demand_channels,
    add_group_channels,
    season_series,
)
from forecasting.features.encoding import Encoding
from forecasting.features.moving_average import ArrayCache
from forecasting.features.plan_channels import given_ahead, usual_channels
from forecasting.features.price_channels import add_price_channels, own_response


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tensors that the networks read, float32 unless said otherwise; the first axis of all is N.

    Which column is which channel is told by ``layout``.

    Attributes
    ----------
    demand, known, censored : [N, T] units; 1 where known; 1 where the item was out of stock. A masked history is unknown.
    scale : [N, T] m in units, never zero.
    past : [N, T, C] channels of the encoder.
    origin : [N, T, O] features of a creation date, for the decoder.
    ahead : [N, U, K] features of a target period that stand by themselves.
    relative, baseline : [N, U, R] features of a target period, and [N, T, R] what is taken off them at a creation date.
    log_price, log_reference, has_price : [N, U], [N, T] and [N, T]; zeros where the price plays no part.
    price_moved : [N, U] 1 where the price is not that of the period before.
    price_evidence : [N, T, 2] num and info of the item's own price response, see ``price_evidence``.
    season_demand, season_scale, season_known : [N, J, T] series whose earlier seasons are candidates for the coming one.
    given : [N, U, V] bool, where a covariate of ``layout.covariates`` was recorded or planned and is not only usual.
    usual : [N, T, K + R] what ``known_ahead`` of any later period is where the plan is not known at a creation date; no
        channels where nobody asks.
    static : [N, S] int64 embedding rows.
    layout : the names of the channels.
    """

    demand: torch.Tensor
    known: torch.Tensor
    censored: torch.Tensor
    scale: torch.Tensor
    past: torch.Tensor
    origin: torch.Tensor
    ahead: torch.Tensor
    relative: torch.Tensor
    baseline: torch.Tensor
    log_price: torch.Tensor
    log_reference: torch.Tensor
    has_price: torch.Tensor
    price_moved: torch.Tensor
    price_evidence: torch.Tensor
    season_demand: torch.Tensor
    season_scale: torch.Tensor
    season_known: torch.Tensor
    given: torch.Tensor
    usual: torch.Tensor
    static: torch.Tensor
    layout: ChannelLayout

    def __len__(self) -> int:
        return len(self.demand)

    @cached_property
    def known_ahead(self) -> torch.Tensor:
        """[N, U, K + R] ``ahead`` and ``relative`` together, in the order of ``layout.known_ahead``."""
        return torch.cat([self.ahead, self.relative], dim=-1)

    def known_baseline(self, at: torch.Tensor) -> torch.Tensor:
        """[N, K, K + R] what is taken off ``known_ahead`` at the creation dates ``at`` [K]: of ``ahead`` nothing."""
        return F.pad(self.baseline[:, at], (self.ahead.shape[-1], 0))

    def take(self, rows: torch.Tensor | slice) -> Inputs:
        """The inputs of these items."""
        return self._with({name: getattr(self, name)[rows] for name in _TENSORS})

    def followed_by(self, other: Inputs) -> Inputs:
        """These items and then the other's."""
        return self._with({name: torch.cat([getattr(self, name), getattr(other, name)]) for name in _TENSORS})

    def _with(self, tensors: dict[str, torch.Tensor]) -> Inputs:
        """All tensors in the place of these, under the same layout."""
        return Inputs(**tensors, layout=self.layout)


_TENSORS = tuple(field.name for field in fields(Inputs) if field.name != "layout")


def encode(
    encoding: Encoding,
    history: Panel,
    plan: Plan | None = None,
    unmasked: Panel | None = None,
    *,
    first_date: int = 0,
    once: ArrayCache | None = None,
    usual: bool = False,
) -> Inputs:
    """The network's inputs for a panel [N, T] and what is known of the F periods after it.

    ``unmasked`` is the same panel before its history was masked: an item then does not count in its own groups where it is
    masked, as an item without history would not. The features of creation dates before ``first_date``, the position of the
    earliest one that will be asked, are left 0. Encodings that read the same panel may share what is made ``once``. Where plans
    will be hidden, it is also asked what was ``usual`` at each creation date.
    """
    there = {group.column: group for group in history.groups}  # in the fit's order: a later catalog may have another
    groups = [GroupView.of(there[column], history, plan, unmasked) for column in encoding.groups]
    rows = ItemArrays.of(encoding, history, plan, groups, first_date, once or ArrayCache())
    made = ChannelArrays()
    add_demand_channels(made, rows)
    add_covariate_channels(made, rows)
    add_calendar_channels(made, rows)
    add_group_channels(made, rows, groups)
    price = add_price_channels(made, rows)
    instead = rows.layout.known_ahead.ordered(usual_channels(rows, groups)) if usual else []
    season_demand, season_scale, season_known = season_series(rows, groups)
    layout, past, ahead = rows.layout, rows.demand.shape, (len(history), rows.until)
    return Inputs(
        demand=_tensor(rows.demand),
        known=_tensor(np.isfinite(history.demand)),
        censored=_tensor(rows.censored & np.isfinite(history.demand)),
        scale=_tensor(rows.scale),
        past=_stack(layout.past.ordered(made.past), past),
        origin=_stack(layout.origin.ordered(made.origin), past, first_date),
        ahead=_stack(layout.ahead.ordered(made.ahead), ahead),
        relative=_stack(layout.relative.ordered(made.relative), ahead),
        baseline=_stack(layout.relative.ordered(made.baseline), past, first_date),
        log_price=_tensor(price.log_price),
        log_reference=_tensor(price.reference),
        has_price=_tensor(price.usable),
        price_moved=_tensor(price.moved),
        price_evidence=_stack(own_response(rows, groups, price), past, first_date),
        season_demand=_tensor(season_demand),
        season_scale=_tensor(season_scale),
        season_known=_tensor(season_known),
        given=torch.from_numpy(given_ahead(rows)),
        usual=_stack(instead, past, first_date),
        static=torch.from_numpy(encoding.static_rows(history.static, len(history))),
        layout=layout,
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _stack(columns: Sequence[np.ndarray], shape: tuple[int, ...], first: int = 0) -> torch.Tensor:
    """Columns of [N, · − first] as one tensor [N, ·, C], 0 before ``first``."""
    answer = np.zeros((*shape, len(columns)), np.float32)
    for place, column in enumerate(columns):
        answer[:, first:, place] = column
    return torch.from_numpy(answer)
