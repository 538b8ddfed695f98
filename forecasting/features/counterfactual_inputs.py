"""Inputs as if one of their subjects said nothing: what an explanation sets a forecast against.

An explanation asks what a forecast would be if, say, no promotion were planned. Each subject has a neutral state that the
networks know from training: a past that sold its level all along, no known season, the usual price, no promotion. What was
neutral before stays as it is, so a subject that an item does not have makes no difference.

Axis letters: N items, T past periods, U past and planned periods.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from data.schema import PRICE, PROMO
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs


@dataclass(frozen=True)
class Counterfactuals:
    """Inputs with one subject taken away, for networks of one ``encoding`` that forecast ``horizon`` periods."""

    encoding: Encoding
    horizon: int

    @property
    def recent(self) -> int:
        """How many of the last periods tell level and trend: those that are too late to be last season's."""
        seasons = self.encoding.seasons
        return max(max(seasons) - self.horizon - 2, self.horizon) if seasons else 10_000

    def without_trend(self, inputs: Inputs) -> Inputs:
        """As if the item had sold its present level in each recent period that is known, and its groups theirs."""
        t, layout = inputs.demand.shape[1] - 1, inputs.layout
        recent = torch.arange(t + 1) > t - self.recent  # (T,)
        level = inputs.scale[:, -1:]
        demand, past = _flat(inputs, recent, level, self.encoding.usual_ratio)
        known = inputs.known * (1 - inputs.censored) > 0
        scale = torch.where(recent & known, level, inputs.scale)
        past[:, recent, layout.past.at("scale step")] = 0.0
        past[:, recent, layout.past.span("past covariate")] = 0.0
        past[:, recent, layout.past.span("group ratio")] = 0.0
        ahead, relative, baseline, origin = (
            one.clone() for one in (inputs.ahead, inputs.relative, inputs.baseline, inputs.origin)
        )
        for name, neutral in self._unplanned.items():
            past[:, recent, layout.past.at("covariate", name)] = neutral
            ahead[:, : t + 1][:, recent, layout.ahead.span("covariate", name)] = neutral
            relative[:, : t + 1][:, recent, layout.relative.at("relative covariate", name)] = neutral
            baseline[:, -1, layout.relative.at("relative covariate", name)] = neutral
            origin[:, -1, layout.origin.at("recent covariate", name)] = neutral
        sold = (origin[:, -1, layout.origin.at("has history")] > 0)[:, None]  # an item without a past has no trend to lose
        now = origin[:, -1].clone()
        now[:, layout.origin.at("recent zeros")] = now[:, layout.origin.at("zeros")]
        for gone in ("since sale", "last demand", "running mean", "recent quantile", "group trend"):
            now[:, layout.origin.span(gone)] = 0.0
        origin[:, -1] = torch.where(sold, now, origin[:, -1])
        return replace(
            inputs, demand=demand, scale=scale, past=past, origin=origin, ahead=ahead, relative=relative, baseline=baseline
        )

    def without_season(self, inputs: Inputs) -> Inputs:
        """As if nothing were known of earlier seasons, and the targets had no date: no events, no weekday, no time of year."""
        t, layout = inputs.demand.shape[1] - 1, inputs.layout
        old = torch.arange(t + 1) <= t - self.recent  # (T,)
        demand, past = _flat(inputs, old, inputs.scale, self.encoding.usual_ratio)
        ahead = inputs.ahead.clone()
        ahead[:, t + 1 :, layout.ahead.span("weekday")] = 1 / 7
        ahead[:, t + 1 :, layout.ahead.span("time of year")] = 0.0
        ahead[:, t + 1 :, layout.ahead.span("event")] = 0.0
        return replace(inputs, demand=demand, past=past, ahead=ahead, season_known=torch.zeros_like(inputs.season_known))

    def without_price(self, inputs: Inputs) -> Inputs:
        """As if the item and its groups kept their usual prices."""
        t, layout = inputs.demand.shape[1] - 1, inputs.layout
        log_price, moved, past, origin, relative = (
            one.clone() for one in (inputs.log_price, inputs.price_moved, inputs.past, inputs.origin, inputs.relative)
        )
        log_price[:, t + 1 :] = inputs.log_reference[:, -1:]
        moved[:, t + 1 :] = 0.0
        past[..., layout.past.span("price change")] = 0.0
        origin[:, -1, layout.origin.span("price change")] = 0.0
        for place in layout.relative.places("relative group covariate", PRICE):
            relative[:, t + 1 :, place] = inputs.baseline[:, -1:, place]
        return replace(inputs, log_price=log_price, price_moved=moved, past=past, origin=origin, relative=relative)

    def without_promotion(self, inputs: Inputs) -> Inputs:
        """As if no promotion of the item or its groups were planned, nor lay just behind, and other plans were as usual."""
        t, layout = inputs.demand.shape[1] - 1, inputs.layout
        ahead, relative = inputs.ahead.clone(), inputs.relative.clone()
        for name, neutral in self._unplanned.items():
            ahead[:, t + 1 :, layout.ahead.span("covariate", name)] = neutral
            relative[:, t + 1 :, layout.relative.at("relative covariate", name)] = neutral
        for place, channel in enumerate(layout.relative):
            if channel.kind == "relative group covariate" and channel.name != PRICE:
                usual = 0.0 if channel.name == PROMO else inputs.baseline[:, -1:, place]
                relative[:, t + 1 :, place] = usual
        return replace(inputs, ahead=ahead, relative=relative)

    def without_kind(self, inputs: Inputs) -> Inputs:
        """As if the item were of no particular kind; for ``Ensemble.with_usual_kind`` alone, which has a row for it."""
        usual = torch.tensor([len(rows) + 1 for rows in self.encoding.categories.values()], dtype=torch.int64)
        return replace(inputs, static=usual.expand_as(inputs.static))

    @property
    def _unplanned(self) -> dict[str, float]:
        """What each covariate's channels are where nothing is planned: no promotion, and of others the mean."""
        moments = self.encoding.moments
        return {name: -mean / deviation if name == PROMO else 0.0 for name, (mean, deviation) in moments.items()}


def _flat(inputs: Inputs, when: Tensor, level: Tensor, usual_ratio: float) -> tuple[Tensor, Tensor]:
    """Demand [N, T] and channels of the past [N, T, C] as if ``level`` [N, T] had sold ``when`` [T] it is known what sold."""
    flat = when & (inputs.known * (1 - inputs.censored) > 0)  # (N, T)
    past, place = inputs.past.clone(), inputs.layout.past.at("ratio")
    ratio = past.new_tensor(math.log(2.0) - usual_ratio)  # of y = m
    past[..., place] = torch.where(flat, ratio, past[..., place])
    return torch.where(flat, level, inputs.demand), past
