"""MQTransformer: one network for every item, that looks back at periods like the target (2020).

After Eisenach, Patel, Madeka, "MQTransformer: Multi-Horizon Forecasts with Context Dependent and Feedback-Aware Attention"
(arXiv 2009.14799), on the forking sequences of MQ-CNN (arXiv 1711.11053): dilated causal convolutions read the past once,
and every creation date of a series is decoded and taught in the same pass. What is its own:

- *Attention over the past.* A target looks at past periods by how alike their positions are (what is known ahead of a
  period: promotion, events, calendar, what its groups plan), by how long ago they were and by the phase of the season.
- *Season and likeness go straight to the answer.* The ratio to the scale that was seen a season ago, of the item and of its
  groups, and the mean ratio where attention looked, are candidates; a gate takes a mean of them, or none.
- *What came may come.* The answer is in part the item's own quantiles of the last periods; how far, a gate says.
- *Price by construction.* A price acts through a factor that can only fall with it. That it moves at all is told like an
  event, for a change is one; where prices are seen with a sale only, a change would tell of the sale, and it is not.
- *Peak care* (arXiv 2411.05852). The convolutions read promoted periods as the last unpromoted one before them, so that a
  promotion does not leak into the weeks after it; attention sees the peaks themselves.

The price is in ``price_response.py`` and feedback over the network's own earlier forecasts in ``error_feedback.py``. Quantiles
cannot cross, and spans have their own.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, W width, J candidates, A heads, B periods back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from forecasting.core.quantile_function import TAUS
from forecasting.features.channel_layout import RECENT, events_among
from forecasting.features.inputs import Inputs
from forecasting.features.planned_targets import HiddenPlan, PlannedTargets, planned_targets
from forecasting.models.mqtransformer.price_response import DISCOUNTS, PriceResponse, price_factor
from forecasting.models.neural.layers import (
    HIGHEST,
    LARGEST_RATIO,
    Convolutions,
    QuantileHead,
    gather_periods,
    lags,
    log_mean,
    ratio_of,
    season_ratios,
    soft_log,
)

#: Heads of the attention, the width of a position in each, and how many of the last periods it sees one by one.
HEADS, _POSITION, _RECENT = 2, 6, 64

#: Deviation of the weights that an event's position begins with: two events lie so far apart that a year between is less.
_EVENT = 3.0

#: How many of the last periods the decoder reads one by one.
_LAGS = 8

#: A covariate this many deviations above its mean makes a period a peak.
_PEAK = 1.0

#: Softens logs of a mean of candidates, which may all be zero.
_SOFT = 0.02

_EMBEDDING, _HORIZON_EMBEDDING = 3, 4

#: Of each of TAUS [Q] the next of ``RECENT`` above it, and how far it lies from the one below towards that.
_TOLD = torch.tensor(RECENT)
_ABOVE = torch.searchsorted(_TOLD, torch.tensor(TAUS)).clamp(1, len(RECENT) - 1)
_PART = ((torch.tensor(TAUS) - _TOLD[_ABOVE - 1]) / (_TOLD[_ABOVE] - _TOLD[_ABOVE - 1])).clamp(0, 1)

#: The weights of one network by their names.
State = dict[str, Tensor]


@dataclass(frozen=True)
class MQTransformerConfig:
    """Shape of the network; the number of inputs comes from the encoding of the data.

    ``cardinalities`` are the embedding rows of each static column; ``past``, ``origin``, ``ahead``, ``relative`` the channels
    of ``Inputs``; ``covariates`` how many of ``relative``, the first ones, are the item's own; ``candidates`` the season
    candidates; ``events`` how many of ``ahead``, the last ones, are events; ``moves`` whether it is told that a price moves;
    ``flags`` of how many covariates it is told whether their plan is known, none in networks that were trained on plans alone.
    ``lags``, ``attention``, ``peak_care``, ``recall`` switch a part on.
    """

    horizon: int
    past: int
    origin: int
    ahead: int
    relative: int
    covariates: int
    candidates: int
    events: int
    seasons: tuple[int, ...]
    cardinalities: tuple[int, ...]
    price: bool
    moves: bool
    width: int = 16
    decoder_width: int = 32
    dropout: float = 0.2
    lags: bool = True
    attention: bool = True
    peak_care: bool = True
    flags: int = 0
    recall: bool = False  # as in networks from before there was this part


@dataclass(frozen=True, eq=False)
class Decoded:
    """What the network says at K creation dates, in logs of the scale m.

    Attributes
    ----------
    periods : [N, K, H, Q] log of demand per period over m.
    spans : [N, K, H, Q] log of mean demand of the first h periods over m.
    response : [N, K, H] log of the factor that the price puts on demand; already within ``periods`` and ``spans``.
    elasticity : [N, K, H] percent fewer sold at a price one percent higher, near the reference price.
    discounts : [N, K, H, 3] additional elasticity below each of ``DISCOUNTS``.
    looked : [N, K, H, B] share of the attention on each period ``periods_back``, heads weighed as the gate takes what they
        found; B = 0 without attention.
    taken : [N, K, H] the share of the gate on what attention found.
    """

    periods: Tensor
    spans: Tensor
    response: Tensor
    elasticity: Tensor
    discounts: Tensor
    looked: Tensor
    taken: Tensor


def periods_back(seasons: tuple[int, ...], horizon: int) -> Tensor:
    """How far before the creation date attention looks, [B] increasing: the last periods, and around a season ago or two."""
    back = set(range(_RECENT))
    for season in seasons:
        for lap in (1, 2):
            back |= {b for b in range(lap * season - horizon - 2, lap * season + 3) if b >= 0}
    return torch.tensor(sorted(back))


class PastAttention(nn.Module):
    """Weights over past periods by likeness of position, by how long ago, and by the phase of the season.

    The score of target u and past period s is −½ |r_u − r_s|² − recency · log(1 + t − s) + phase · cos(2π (u − s)/S),
    written as one product of a query (of t and u) and a key (of t and s): to train, the scores need not be held in memory.
    """

    def __init__(self, config: MQTransformerConfig) -> None:
        super().__init__()
        self.seasons, self.horizon = config.seasons, config.horizon
        self.moves, self.flags = config.moves, config.flags
        told = 1 + config.ahead + config.relative + config.moves + config.flags
        self.position = nn.Linear(told, HEADS * _POSITION, bias=False)
        with torch.no_grad():  # an event is like itself and like nothing else, from the start
            of_ahead = self.position.weight[:, 1 : 1 + config.ahead]
            of_ahead[:, events_among(config.ahead, config.events)].normal_(0.0, _EVENT)
        self.recency = nn.Parameter(torch.linspace(-1.0, 0.5, HEADS))
        self.phase = nn.Parameter(torch.zeros(HEADS, len(config.seasons)))

    def forward(
        self,
        inputs: Inputs,
        at: Tensor,
        planned: PlannedTargets,
        *,
        shown: bool = True,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The mean ratio where each head looks, whether there is any past [N, K, H, A] twice, and weights [N, K, H, A, B].

        H are the ``planned`` targets. While it trains, one fused product takes the mean and keeps no weights; where they need
        not be ``shown`` they are dropped: B = 0.
        """
        ahead = planned.moved.shape[-1]
        steps, back = torch.arange(1, ahead + 1), periods_back(self.seasons, self.horizon)
        back = back[back <= int(at.max())]
        then = at[:, None] - back  # (K, B) before the first period there is nothing
        exists, then = then >= 0, then.clamp(min=0)
        known = gather_periods(inputs.known * (1 - inputs.censored), then) * exists  # (N, K, B)

        place = self._place(inputs.known_ahead, inputs.price_moved)  # (N, U, A, W)
        of_targets = self._place(planned.known, planned.moved, planned.unknown)  # (N, K, H, A, W)
        queries = torch.cat([of_targets, self._when(steps).expand(len(place), len(at), -1, -1, -1)], dim=-1)
        asked = gather_periods(place, then)  # (N, K, B, A, W)
        bias = torch.log(known + 1e-9)[..., None] - 0.5 * asked.square().sum(dim=-1)  # (N, K, B, A)
        bias = bias - F.softplus(self.recency) * torch.log1p(back)[:, None]
        phases = self._when(-back)[..., 1:] * self.phase.repeat_interleave(2, dim=1)  # (B, A, 2S)
        keys = torch.cat([asked, bias[..., None], phases.expand(*asked.shape[:2], -1, -1, -1)], dim=-1)  # (N, K, B, A, ·)
        queries, keys = queries.transpose(2, 3), keys.transpose(2, 3)  # (N, K, A, H | B, ·)

        as_it_stood = (inputs.demand / inputs.scale).clamp(max=LARGEST_RATIO)
        ratios = gather_periods(as_it_stood, then) * known  # (N, K, B)
        if self.training:
            values = ratios[:, :, None, :, None].expand(-1, -1, HEADS, -1, -1)  # (N, K, A, B, 1)
            wide = F.pad(values, (0, keys.shape[-1] - 1))
            query, key, value = (one.flatten(0, 1) for one in (queries, keys, wide))  # the fused product takes four axes
            found = F.scaled_dot_product_attention(query, key, value, scale=1.0)[..., 0]  # (N·K, A, H)
            found = found.unflatten(0, known.shape[:2])
            weights = found.new_zeros(*found.shape, 0)
        else:
            scores = torch.bmm(queries.flatten(0, 2), keys.flatten(0, 2).transpose(1, 2))  # (N·K·A, H, B)
            weights = torch.softmax(scores, dim=-1).unflatten(0, queries.shape[:3])
            found = (weights * ratios[:, :, None, None]).sum(dim=-1)  # (N, K, A, H)
            weights = weights if shown else weights[..., :0]
        any_past = (known.sum(dim=-1) > 0).float()[:, :, None, None].expand(-1, -1, ahead, HEADS)
        return found.transpose(2, 3) * any_past, any_past, weights.transpose(2, 3)

    def _place(self, known_ahead: Tensor, moved: Tensor, unknown: Tensor | None = None) -> Tensor:
        """Positions [..., A, W] from what is known ahead [..., C], whether the price moves [...], and what is ``unknown``."""
        weight, end = self.position.weight, known_ahead.shape[-1] + 1  # of 1, of what is known, of a move, of the flags
        place = F.linear(known_ahead, weight[:, 1:end], weight[:, 0])
        if self.moves:
            place = place + moved[..., None] * weight[:, end]
        if self.flags and unknown is not None:
            place = place + F.linear(unknown, weight[:, end + self.moves :])
        return place.unflatten(-1, (HEADS, _POSITION))

    def _when(self, periods: Tensor) -> Tensor:
        """1, and cosine and sine of the phase of each season, of ``periods`` [P] after the creation date: [P, A, 1 + 2S]."""
        angles = 2 * math.pi * periods[:, None] / torch.tensor(self.seasons, dtype=torch.float32)  # (P, S)
        waves = torch.stack([torch.cos(angles), torch.sin(angles)], dim=-1).flatten(start_dim=1)  # (P, 2S)
        return F.pad(waves, (1, 0), value=1.0)[:, None].expand(-1, HEADS, -1)


class MQTransformer(nn.Module):
    """The network; read ``forward`` from top to bottom."""

    def __init__(self, config: MQTransformerConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [min(_EMBEDDING, rows) for rows in config.cardinalities]
        self.embeddings = nn.ModuleList(
            nn.Embedding(rows, size) for rows, size in zip(config.cardinalities, sizes, strict=True)
        )
        self.encoder = Convolutions(config.past + sum(sizes), config.width)
        self.look_back = PastAttention(config) if config.attention else None
        self.horizons = nn.Parameter(torch.randn(config.horizon, _HORIZON_EMBEDDING))
        candidates = config.candidates + HEADS * config.attention
        origin = config.width + config.origin + sum(sizes) + 2 * _LAGS * config.lags
        target = config.ahead + config.relative + _HORIZON_EMBEDDING + 2 * candidates + config.moves + config.flags
        self.from_origin = nn.Linear(origin, config.decoder_width)
        self.from_target = nn.Linear(target, config.decoder_width, bias=False)
        self.deepen = nn.Linear(config.decoder_width, config.decoder_width)
        self.dropout = nn.Dropout(config.dropout)
        self.gate = _gate(config.decoder_width, candidates) if candidates else None
        self.price_response = PriceResponse(config.decoder_width) if config.price else None
        self.recall = _recall(config.decoder_width) if config.recall else None
        self.period_head, self.span_head = QuantileHead(config.decoder_width), QuantileHead(config.decoder_width)

    def forward(
        self,
        inputs: Inputs,
        at: Tensor,
        hidden: HiddenPlan | None = None,
        *,
        shown: bool = True,
        ahead: int | None = None,
        seasons: tuple[Tensor, Tensor] | None = None,
    ) -> Decoded:
        """Decodes at the creation dates ``at`` [K] (positions among the T periods, int64).

        What is ``hidden`` of the plan is as usual at the creation date. ``shown`` says whether it is to be told where attention
        looked; ``ahead``, how many of the first periods are asked for (all). ``seasons`` are the ``season_candidates`` where
        somebody has them already.
        """
        ahead = ahead or self.config.horizon
        static = self._static(inputs)  # (N, S)
        planned = planned_targets(inputs, at, ahead, hidden)
        found = None if self.look_back is None else self.look_back(inputs, at, planned, shown=shown)
        candidates, known, weights = self._candidates(inputs, at, ahead, seasons, found)  # (N, K, H, J) twice, (N, K, H, A, B)
        changes = (planned.log_price - inputs.log_reference[:, at, None]) * inputs.has_price[:, at, None]  # (N, K, H)

        origin = self.from_origin(self._origin(inputs, static, at))  # (N, K, W)
        target = [
            planned.known - inputs.known_baseline(at)[:, :, None],
            self.horizons[:ahead].expand(len(inputs), len(at), -1, -1),
            soft_log(candidates) * known,
            known,
            *([planned.moved[..., None]] if self.config.moves else []),
            *([planned.unknown] if self.config.flags else []),
        ]
        state = F.elu(origin[:, :, None] + self.from_target(torch.cat(target, dim=-1)))
        state = state + F.elu(self.deepen(self.dropout(state)))  # (N, K, H, W)

        shift, taken = self._gated(state, candidates, known)  # (N, K, H), (N, K, H, A)
        elasticity, discounts, response = self._price(state, changes, inputs.price_evidence[:, at, None])
        usual = self.period_head(state) + shift[..., None]  # at the usual price
        if self.recall is not None:
            recent, seen = recent_quantiles(inputs, at)  # (N, K, Q), (N, K)
            recalled = torch.sigmoid(self.recall(state)) * seen[..., None, None]  # (N, K, H, 1)
            usual, taken = torch.lerp(usual, recent[:, :, None], recalled), taken * (1 - recalled)
        periods = (usual + response[..., None]).clamp(max=HIGHEST)
        spans = with_mean(self.span_head(state), span_level(periods)).clamp(max=HIGHEST)
        return Decoded(
            periods=periods,
            spans=torch.cat([periods[..., :1, :], spans[..., 1:, :]], dim=-2),  # a span of one period is that period
            response=response,
            elasticity=elasticity,
            discounts=discounts,
            looked=(weights * (taken / taken.sum(dim=-1, keepdim=True).clamp(min=1e-9))[..., None]).sum(dim=-2),
            taken=taken.sum(dim=-1),
        )

    def _static(self, inputs: Inputs) -> Tensor:
        columns = [embed(inputs.static[:, column]) for column, embed in enumerate(self.embeddings)]
        return torch.cat(columns, dim=-1) if columns else inputs.past.new_zeros(len(inputs), 0)

    def season_candidates(self, inputs: Inputs, at: Tensor, ahead: int | None = None) -> tuple[Tensor, Tensor]:
        """Ratios of earlier seasons and whether each is known [N, K, H, J] twice: the same for all networks of one shape."""
        return season_ratios(inputs, at, self.config.horizon, self.config.seasons, ahead)

    def _candidates(
        self,
        inputs: Inputs,
        at: Tensor,
        ahead: int,
        seasons: tuple[Tensor, Tensor] | None,
        attended: tuple[Tensor, Tensor, Tensor] | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Ratios to m that a target may resemble, whether each is known [N, K, H, J] twice, and where each head looked."""
        ratios, known = seasons or self.season_candidates(inputs, at, ahead)
        if attended is None:
            return ratios, known, ratios.new_zeros(*ratios.shape[:3], 0, 0)
        found, any_past, weights = attended
        return torch.cat([ratios, found], dim=-1), torch.cat([known, any_past], dim=-1), weights

    def _origin(self, inputs: Inputs, static: Tensor, at: Tensor) -> Tensor:
        """What is known at each creation date [N, K, ·]: context, running figures, the last periods, statics."""
        first, end = max(0, int(at.min()) + 1 - self.encoder.reach), int(at.max()) + 1  # what the encoder may read
        past, layout = inputs.past[:, first:end], inputs.layout
        if self.config.peak_care and self.config.covariates:
            peak = (inputs.relative[:, :end, layout.relative.span("relative covariate")] > _PEAK).any(dim=-1)  # (N, end)
            calm = torch.where(peak, 0, torch.arange(end)).cummax(dim=1).values  # the last unpromoted period up to each
            past, ratio = past.clone(), layout.past.at("ratio")
            past[..., ratio] = inputs.past[:, :end, ratio].gather(1, calm[:, first:])
        context = self.encoder.at(past, at - first, static)  # (N, K, W)
        own = [lags(inputs, at, _LAGS)] if self.config.lags else []
        statics = static[:, None].expand(-1, len(at), -1)
        return torch.cat([self.dropout(context), inputs.origin[:, at], *own, statics], dim=-1)

    def _gated(self, state: Tensor, candidates: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """log of the mean of candidates that a gate takes, one of them being 1, "none of these": [N, K, H]; and its shares of
        what the heads of the attention found [N, K, H, A]."""
        if self.gate is None:
            return state.new_zeros(state.shape[:-1]), state.new_zeros(*state.shape[:-1], 0)
        scores = self.gate(state)  # (N, K, H, J + 1)
        scores = torch.cat([scores[..., :-1] + torch.log(known + 1e-6), scores[..., -1:]], dim=-1)
        shares = torch.softmax(scores, dim=-1)
        level = torch.log((shares[..., :-1] * candidates).sum(dim=-1) + shares[..., -1] + _SOFT)
        return level, shares[..., candidates.shape[-1] - HEADS * self.config.attention : -1]

    def _price(self, state: Tensor, changes: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Elasticity [N, K, H], discounts [N, K, H, 3] and the log factor [N, K, H] of the planned prices."""
        if self.price_response is None:
            none = torch.zeros_like(changes)
            return none, none[..., None].expand(*none.shape, len(DISCOUNTS)), none
        elasticity, discounts = self.price_response(state, evidence)
        return elasticity, discounts, price_factor(elasticity, discounts, changes)


def _gate(width: int, candidates: int) -> nn.Linear:
    """Scores of the candidates and, last, of none of them, which is where it begins."""
    gate = nn.Linear(width, candidates + 1)
    with torch.no_grad():
        gate.weight.mul_(0.3)
        gate.bias.zero_()[-1] = 1.0
    return gate


def _recall(width: int) -> nn.Linear:
    """The score of what came lately against what is made up, which it begins with for the most part."""
    recall = nn.Linear(width, 1)
    with torch.no_grad():
        recall.weight.mul_(0.3)
        recall.bias.fill_(-1.5)
    return recall


def recent_quantiles(inputs: Inputs, at: Tensor) -> tuple[Tensor, Tensor]:
    """Logs over m of what sold in the last periods before each creation date, at TAUS: those of ``RECENT`` and between them
    what lies between, [N, K, Q]; and whether anything is on record [N, K]."""
    layout, origin = inputs.layout.origin, inputs.origin[:, at]
    logs = torch.log(ratio_of(origin[..., layout.span("recent quantile")]) + _SOFT)
    return torch.lerp(logs[..., _ABOVE - 1], logs[..., _ABOVE], _PART), origin[..., layout.at("has history")]


def span_level(periods: Tensor) -> Tensor:
    """Where a span's expectation lies: log of the mean of those of the first h periods, whose quantiles have the logs
    ``periods`` [..., H, Q]: [..., H]."""
    expected = log_mean(periods.clamp(min=-HIGHEST)).exp()
    return (expected.cumsum(dim=-1) / torch.arange(1, expected.shape[-1] + 1)).log()


def with_mean(quantiles: Tensor, level: Tensor) -> Tensor:
    """Logs of quantiles [..., Q] moved together until the log of their expectation is ``level`` [...]: unlike quantiles,
    expectations add, so a span says the same as its periods."""
    return quantiles + (level - log_mean(quantiles))[..., None]
