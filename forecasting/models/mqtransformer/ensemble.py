"""Networks of different seeds and recipes that answer as one: the mean of their quantiles.

Axis letters: N items, K creation dates, H horizons, Q taus, M members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from data.schema import Panel, Plan
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs, encode
from forecasting.features.moving_average import ArrayCache
from forecasting.features.planned_targets import HiddenPlan
from forecasting.models.mqtransformer.error_feedback import Correction
from forecasting.models.mqtransformer.network import (
    Decoded,
    MQTransformer,
    MQTransformerConfig,
    State,
    span_level,
)
from forecasting.models.mqtransformer.price_response import price_factor


@dataclass(frozen=True, eq=False)
class EnsembleGroup:
    """Networks that read a panel through the same encoding and have the same shape."""

    encoding: Encoding
    config: MQTransformerConfig
    members: tuple[State, ...]


@dataclass(frozen=True, eq=False)
class EnsembleOutput:
    """What M members say of N items at K creation dates.

    ``decoded`` has a leading axis M; ``scale`` [M, N, K] units; ``log_reference``, ``has_price`` [N, K] of the price.
    ``correction`` is what the forecaster's own errors did to it, None where they did nothing.
    """

    decoded: Decoded
    scale: Tensor
    log_reference: Tensor
    has_price: Tensor
    correction: Correction | None = None

    def at_prices(self, prices: Tensor) -> EnsembleOutput:
        """The same at other prices [N, K, H], without a second pass through the networks."""
        decoded = self.decoded
        change = (torch.log(prices) - self.log_reference[..., None]) * self.has_price[..., None]  # (N, K, H)
        response = price_factor(decoded.elasticity, decoded.discounts, change)
        return self._with(decoded.periods + (response - decoded.response)[..., None], response)

    def at_usual_prices(self) -> EnsembleOutput:
        """The same as if every price were the reference of its creation date."""
        return self._with(self.decoded.periods - self.decoded.response[..., None], torch.zeros_like(self.decoded.response))

    def corrected(self, correction: Correction) -> EnsembleOutput:
        """The same from one creation date, with all log quantiles moved as the ``correction`` says."""
        shift = torch.as_tensor(correction.shift, dtype=torch.float32)[:, None]
        return replace(self.shifted(shift), correction=correction)

    def shifted(self, shift: Tensor) -> EnsembleOutput:
        """The same with all log quantiles moved by ``shift`` [N, K, H]."""
        return self._with(self.decoded.periods + shift[..., None], self.decoded.response)

    def _with(self, periods: Tensor, response: Tensor) -> EnsembleOutput:
        """The same with other quantiles of periods; spans follow their expectations."""
        before = self.decoded
        spans = before.spans + (span_level(periods) - span_level(before.periods))[..., None]
        decoded = replace(before, periods=periods, spans=spans, response=response)
        return replace(self, decoded=decoded)

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
        """[N, K, H, B] where attention looked, members weighed as they take it; ``periods_back`` names the periods."""
        taken = self.decoded.taken
        shares = taken / taken.sum(dim=0).clamp(min=1e-9)  # (M, N, K, H)
        return (shares[..., None] * self.decoded.looked).sum(dim=0).numpy()

    @property
    def taken(self) -> np.ndarray:
        """[N, K, H] the share of the answer's level that is what attention found, the mean of the members."""
        return self.decoded.taken.mean(dim=0).numpy()

    def _units(self, logs: Tensor) -> np.ndarray:
        return (logs.exp() * self.scale[..., None, None]).mean(dim=0).numpy().astype(np.float64)


class EncodedPanel:
    """A panel and its plan as the views read them: encoded once for each encoding, for creation dates from ``first`` on."""

    def __init__(self, history: Panel, plan: Plan | None, first: int) -> None:
        self._history, self._plan, self._first = history, plan, max(0, first)
        self._usual = first < len(history.periods) - 1 and bool(history.unplanned)
        self._once = ArrayCache()
        self._inputs: list[tuple[Encoding, Inputs]] = []

    def inputs(self, encoding: Encoding) -> Inputs:
        """What networks of this encoding see."""
        for known, inputs in self._inputs:
            if known == encoding:
                return inputs
        inputs = encode(encoding, self._history, self._plan, first_date=self._first, once=self._once, usual=self._usual)
        self._inputs.append((encoding, inputs))
        return inputs


class Ensemble:
    """The members of all views."""

    def __init__(self, views: Sequence[EnsembleGroup]) -> None:
        self.views = tuple(views)
        self._networks = [[_network(view, weights) for weights in view.members] for view in self.views]

    @property
    def horizon(self) -> int:
        """H."""
        return self.views[0].config.horizon

    @cached_property
    def with_usual_kind(self) -> Ensemble:
        """The same with one more embedding row for every static, the last: the mean of those of the values it has seen."""
        return Ensemble([replace(view, members=tuple(map(_with_usual_kind, view.members))) for view in self.views])

    def read(
        self,
        history: Panel,
        plan: Plan | None,
        at: Sequence[int],
        *,
        unknown: frozenset[str] = frozenset(),
        shown: bool = True,
        reading: EncodedPanel | None = None,
        ahead: int | None = None,
    ) -> EnsembleOutput:
        """What the members say of ``history`` [N, T] and ``plan`` at the creation dates ``at`` (positions, increasing).

        Covariates that are ``unknown`` ahead (``windows.unknown_ahead``) are taken as usual at each creation date; ``shown``
        keeps where attention looked. A ``reading`` of the same history and plan spares encoding them again. ``ahead`` asks for
        the first periods alone.
        """
        reading = reading or EncodedPanel(history, plan, min(at))
        encoded = [reading.inputs(view.encoding) for view in self.views]
        return self.read_inputs(encoded, at, unknown=unknown, shown=shown, ahead=ahead)

    @torch.no_grad()
    def read_inputs(
        self,
        encoded: Sequence[Inputs],
        at: Sequence[int],
        *,
        unknown: frozenset[str] = frozenset(),
        shown: bool = True,
        ahead: int | None = None,
    ) -> EnsembleOutput:
        """The same of inputs that each view has ``encoded`` already."""
        dates, parts = torch.tensor(at), []
        for inputs, networks in zip(encoded, self._networks, strict=True):
            hidden = HiddenPlan.of(inputs.layout, unknown, self.horizon) if unknown else None
            seasons = networks[0].season_candidates(inputs, dates, ahead)
            for network in networks:  # one after the other: stacked, they take longer
                decoded = network(inputs, dates, hidden, shown=shown, ahead=ahead, seasons=seasons)
                parts.append((decoded, inputs.scale[:, dates]))
        names = Decoded.__dataclass_fields__
        joined = [torch.stack([getattr(decoded, name) for decoded, _ in parts]) for name in names]
        return EnsembleOutput(
            decoded=Decoded(*joined),
            scale=torch.stack([scale for _, scale in parts]),
            log_reference=inputs.log_reference[:, dates],
            has_price=inputs.has_price[:, dates],
        )


def _network(view: EnsembleGroup, weights: State) -> MQTransformer:
    """A network that answers with these weights, which it shares with whoever else has them."""
    with torch.device("meta"):
        network = MQTransformer(view.config)
    for name, value in weights.items():  # an embedding may have more rows than the config says: ``with_usual_kind``
        place, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(place), leaf, nn.Parameter(value, requires_grad=False))
    return network.eval().requires_grad_(False)


def _with_usual_kind(member: State) -> State:
    return {
        name: torch.cat([value, value[1:].mean(dim=0, keepdim=True)]) if name.startswith("embeddings.") else value
        for name, value in member.items()
    }
