"""Networks of different seeds and recipes that answer as one: quantiles averaged over members, in one batched call a recipe.

Axis letters: N items, K creation dates, H horizons, Q taus, M members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from data.schema import Panel, Plan
from forecasting.features import Inputs, encode
from forecasting.generations.g2020_mqtransformer import Decoded, MQTransformer, price_factor, span_level
from forecasting.runs import State
from forecasting.training import View


@dataclass(frozen=True, eq=False)
class Said:
    """What M members say of N items at K creation dates.

    ``decoded`` has a leading axis M; ``scale`` [M, N, K] units; ``log_reference``, ``has_price`` [N, K] of the price.
    """

    decoded: Decoded
    scale: Tensor
    log_reference: Tensor
    has_price: Tensor

    def at_prices(self, prices: Tensor) -> Said:
        """The same at other prices [N, K, H], without a second pass through the networks."""
        decoded = self.decoded
        change = (torch.log(prices) - self.log_reference[..., None]) * self.has_price[..., None]  # (N, K, H)
        response = price_factor(decoded.elasticity, decoded.discounts, change)
        return self._with(decoded.periods + (response - decoded.response)[..., None], response)

    def at_usual_prices(self) -> Said:
        """The same as if every price were the reference of its creation date."""
        return self._with(self.decoded.periods - self.decoded.response[..., None], torch.zeros_like(self.decoded.response))

    def shifted(self, shift: Tensor) -> Said:
        """The same with all log quantiles moved by ``shift`` [N, K, H]."""
        return self._with(self.decoded.periods + shift[..., None], self.decoded.response)

    def _with(self, periods: Tensor, response: Tensor) -> Said:
        """The same with other quantiles of periods; spans follow their medians."""
        before = self.decoded
        spans = before.spans + (span_level(periods) - span_level(before.periods))[..., None]
        decoded = Decoded(periods, spans, response, before.elasticity, before.discounts, before.looked)
        return Said(decoded, self.scale, self.log_reference, self.has_price)

    @property
    def values(self) -> np.ndarray:
        """Quantiles of periods [N, K, H, Q] in units: the mean of the members'."""
        return self._units(self.decoded.periods)

    @property
    def cumulative(self) -> np.ndarray:
        """Quantiles of the first h periods together [N, K, H, Q] in units."""
        return self._units(self.decoded.spans) * np.arange(1, self.decoded.spans.shape[-2] + 1)[:, None]

    @property
    def elasticity(self) -> np.ndarray:
        """[N, K] percent fewer sold at a price one percent higher: the mean over members and horizons."""
        return self.decoded.elasticity.mean(dim=(0, -1)).numpy().astype(np.float64)

    @property
    def looked(self) -> np.ndarray:
        """[N, K, H, B] where attention looked, the mean of the members; ``periods_back`` names the periods."""
        return self.decoded.looked.mean(dim=0).numpy()

    def _units(self, logs: Tensor) -> np.ndarray:
        return (logs.exp() * self.scale[..., None, None]).mean(dim=0).numpy().astype(np.float64)


class Ensemble:
    """The members of all views."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views = tuple(views)
        self._networks = [MQTransformer(view.config).eval().requires_grad_(False) for view in self.views]
        self._stacked = [
            {name: torch.stack([member[name] for member in view.members]) for name in view.members[0]} for view in self.views
        ]

    @property
    def horizon(self) -> int:
        """H."""
        return self.views[0].config.horizon

    @cached_property
    def with_usual_kind(self) -> Ensemble:
        """The same with one more embedding row for every static, the last: the mean of those of the values it has seen."""
        return Ensemble([replace(view, members=tuple(map(_with_usual_kind, view.members))) for view in self.views])

    def read(self, history: Panel, plan: Plan | None, at: Sequence[int], *, hold: bool = False) -> Said:
        """What the members say of ``history`` [N, T] and ``plan`` at the creation dates ``at`` (positions, increasing).

        ``hold`` takes the price of each creation date for all that follow it.
        """
        return self.read_inputs([encode(view.encoding, history, plan) for view in self.views], at, hold=hold)

    @torch.no_grad()
    def read_inputs(self, encoded: Sequence[Inputs], at: Sequence[int], *, hold: bool = False) -> Said:
        """The same of inputs that each view has ``encoded`` already, or that were altered since."""
        dates, parts = torch.tensor(at), []
        for view, inputs, network, stacked in zip(self.views, encoded, self._networks, self._stacked, strict=True):
            held = torch.ones(len(inputs), len(dates), dtype=torch.bool) if hold else None
            decoded = torch.vmap(partial(_decoded, network, (inputs, dates, held)))(stacked)
            parts.append((decoded, inputs.scale[:, dates].expand(len(view.members), -1, -1)))
        joined = [torch.cat(tensors) for tensors in zip(*(decoded for decoded, _ in parts), strict=True)]
        return Said(
            decoded=Decoded(*joined),
            scale=torch.cat([scale for _, scale in parts]),
            log_reference=inputs.log_reference[:, dates],
            has_price=inputs.has_price[:, dates],
        )


def _with_usual_kind(member: State) -> State:
    return {
        name: torch.cat([value, value[1:].mean(dim=0, keepdim=True)]) if name.startswith("embeddings.") else value
        for name, value in member.items()
    }


def _decoded(network: MQTransformer, given: tuple[object, ...], weights: State) -> tuple[Tensor, ...]:
    """What ``network`` says with these ``weights``, as a tuple that vmap can stack."""
    decoded = torch.func.functional_call(network, weights, given)
    return tuple(getattr(decoded, name) for name in Decoded.__dataclass_fields__)
