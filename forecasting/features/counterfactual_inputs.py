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

from data.schema import PRICE, PROMO, Frequency, Panel
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs

#: Channels of ``Inputs.past`` and ``Inputs.origin`` before those of past-only covariates and running means.
_OWN_PAST, _OWN_ORIGIN = 4, 9
_RATIO, _STEP = 0, 3
_ZEROS, _LATELY, _SINCE, _LAST = 4, 5, 6, 8


@dataclass(frozen=True)
class Channels:
    """Where the subjects stand among the channels that ``features.encode`` makes of a panel."""

    encoding: Encoding
    groups: int  # group columns in use that the panel has
    horizon: int

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, horizon: int) -> Channels:
        """The channels of ``history`` under ``encoding``."""
        return cls(encoding, sum(group.column in encoding.groups for group in history.groups), horizon)

    @property
    def widths(self) -> tuple[int, int, int]:
        """Channels of ``past``, of ``origin`` and of ``relative`` in all."""
        encoding, price = self.encoding, self.encoding.price
        past = _OWN_PAST + len(encoding.past_moments) + len(encoding.moments) + self.groups + price
        origin = self._plans + len(encoding.moments) + self.groups + 2 * price
        return past, origin, len(encoding.moments) + self.groups * len(encoding.group_covariates)

    @property
    def recent(self) -> int:
        """How many of the last periods tell level and trend: those that are too late to be last season's."""
        seasons = self.encoding.seasons
        return max(max(seasons) - self.horizon - 2, self.horizon) if seasons else 10_000

    @property
    def _plans(self) -> int:
        """The first of ``origin``'s channels that tells of a known-future covariate."""
        return _OWN_ORIGIN + len(self.encoding.mean_lives)

    def without_trend(self, inputs: Inputs) -> Inputs:
        """As if the item had sold its present level in each recent period that is known, and its groups theirs."""
        t, covariates = inputs.demand.shape[1] - 1, len(self.encoding.moments)
        recent = torch.arange(t + 1) > t - self.recent  # (T,)
        level = inputs.scale[:, -1:]
        demand, past = _flat(inputs, recent, level, self.encoding.usual_ratio)
        known = inputs.known * (1 - inputs.censored) > 0
        scale = torch.where(recent & known, level, inputs.scale)
        past[:, recent, _STEP] = 0.0
        first = _OWN_PAST + len(self.encoding.past_moments)
        past[:, recent, _OWN_PAST:first] = 0.0
        past[:, recent, first + covariates : first + covariates + self.groups] = 0.0
        ahead, relative, baseline, origin = (
            one.clone() for one in (inputs.ahead, inputs.relative, inputs.baseline, inputs.origin)
        )
        for place, neutral in enumerate(self._unplanned):
            past[:, recent, first + place] = neutral
            ahead[:, : t + 1][:, recent, 3 * place : 3 * place + 3] = neutral
            relative[:, : t + 1][:, recent, place] = neutral
            baseline[:, -1, place] = neutral
            origin[:, -1, self._plans + place] = neutral
        sold = (origin[:, -1, 2] > 0)[:, None]  # an item without a past has no trend to lose
        now = origin[:, -1].clone()
        now[:, _LATELY] = now[:, _ZEROS]
        now[:, _SINCE] = now[:, _LAST] = 0.0
        now[:, _OWN_ORIGIN : self._plans] = 0.0
        groups = self._plans + covariates
        now[:, groups : groups + self.groups] = 0.0
        origin[:, -1] = torch.where(sold, now, origin[:, -1])
        return replace(
            inputs, demand=demand, scale=scale, past=past, origin=origin, ahead=ahead, relative=relative, baseline=baseline
        )

    def without_season(self, inputs: Inputs) -> Inputs:
        """As if nothing were known of earlier seasons, and the targets had no date: no events, no weekday, no time of year."""
        t, covariates = inputs.demand.shape[1] - 1, len(self.encoding.moments)
        old = torch.arange(t + 1) <= t - self.recent  # (T,)
        demand, past = _flat(inputs, old, inputs.scale, self.encoding.usual_ratio)
        ahead = inputs.ahead.clone()
        weekdays = 7 if Frequency.of(self.encoding.frequency).unit == "day" else 0
        ahead[:, t + 1 :, 3 * covariates : 3 * covariates + weekdays] = 1 / 7
        ahead[:, t + 1 :, 3 * covariates + weekdays :] = 0.0
        return replace(inputs, demand=demand, past=past, ahead=ahead, season_known=torch.zeros_like(inputs.season_known))

    def without_price(self, inputs: Inputs) -> Inputs:
        """As if the item and its groups kept their usual prices."""
        t, encoding = inputs.demand.shape[1] - 1, self.encoding
        log_price, moved, past, origin, relative = (
            one.clone() for one in (inputs.log_price, inputs.price_moved, inputs.past, inputs.origin, inputs.relative)
        )
        log_price[:, t + 1 :] = inputs.log_reference[:, -1:]
        moved[:, t + 1 :] = 0.0
        if encoding.price:
            past[..., -1] = 0.0
            origin[:, -1, -2] = 0.0
        for place in self._of_groups(PRICE):
            relative[:, t + 1 :, place] = inputs.baseline[:, -1:, place]
        return replace(inputs, log_price=log_price, price_moved=moved, past=past, origin=origin, relative=relative)

    def without_promotion(self, inputs: Inputs) -> Inputs:
        """As if no promotion of the item or its groups were planned, nor lay just behind, and other plans were as usual."""
        t = inputs.demand.shape[1] - 1
        ahead, relative = inputs.ahead.clone(), inputs.relative.clone()
        for place, neutral in enumerate(self._unplanned):
            ahead[:, t + 1 :, 3 * place : 3 * place + 3] = neutral
            relative[:, t + 1 :, place] = neutral
        for name in self.encoding.group_covariates:
            for place in self._of_groups(name) if name != PRICE else ():
                usual = 0.0 if name == PROMO else inputs.baseline[:, -1:, place]
                relative[:, t + 1 :, place] = usual
        return replace(inputs, ahead=ahead, relative=relative)

    def without_kind(self, inputs: Inputs) -> Inputs:
        """As if the item were of no particular kind; for ``Ensemble.with_usual_kind`` alone, which has a row for it."""
        usual = torch.tensor([len(rows) + 1 for rows in self.encoding.categories.values()], dtype=torch.int64)
        return replace(inputs, static=usual.expand_as(inputs.static))

    @property
    def _unplanned(self) -> list[float]:
        """What each covariate's channels are where nothing is planned: no promotion, and of others the mean."""
        return [-mean / deviation if name == PROMO else 0.0 for name, (mean, deviation) in self.encoding.moments.items()]

    def _of_groups(self, name: str) -> list[int]:
        """Where a covariate of the groups stands among ``relative``."""
        names = self.encoding.group_covariates
        first, size = len(self.encoding.moments), len(names)
        return [first + group * size + names.index(name) for group in range(self.groups)] if name in names else []


def _flat(inputs: Inputs, when: Tensor, level: Tensor, usual_ratio: float) -> tuple[Tensor, Tensor]:
    """Demand [N, T] and channels of the past [N, T, C] as if ``level`` [N, T] had sold ``when`` [T] it is known what sold."""
    flat = when & (inputs.known * (1 - inputs.censored) > 0)  # (N, T)
    past = inputs.past.clone()
    ratio = past.new_tensor(math.log(2.0) - usual_ratio)  # of y = m, see ``features``
    past[..., _RATIO] = torch.where(flat, ratio, past[..., _RATIO])
    return torch.where(flat, level, inputs.demand), past
