"""MQ-CNN: one network for every item, trained at every creation date of every series at once (2017).

After Wen, Torkkola, Narayanaswamy, Madeka, "A Multi-Horizon Quantile Recurrent Forecaster" (arXiv 1711.11053): dilated causal
convolutions read the past, a decoder shared over horizons meets what is known of each target period, and the loss is the
pinball of all quantiles (forking sequences). What differs from the paper serves small data and the price question: demand
is read and answered as a ratio to a causal scale, quantiles are built so that they cannot cross, last season's ratio takes a
gated short cut to the output, a price acts through a factor that can only fall, and the demand of whole spans is learned
beside that of periods.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, W width, J season candidates, M members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from forecasting.features import Inputs
from forecasting.quantiles import TAUS

#: The knot from which the others are built up and down.
MEDIAN = TAUS.index(0.5)

#: Depths of discount (in log price) from which a deeper one may sell more than the elasticity says.
DISCOUNTS = (0.1, 0.25, 0.5)

#: exp of more than this would be no forecast.
_HIGHEST = 8.0


@dataclass(frozen=True)
class MQCNNConfig:
    """Shape of the network; the number of inputs comes from the encoding of the data.

    ``cardinalities`` are the embedding rows of each static column; ``past``, ``origin``, ``ahead``, ``relative`` the channels
    of ``Inputs``; ``candidates`` the season candidates J.
    """

    horizon: int
    past: int
    origin: int
    ahead: int
    relative: int
    candidates: int
    seasons: tuple[int, ...]
    cardinalities: tuple[int, ...]
    price: bool
    width: int = 16
    decoder_width: int = 32
    embedding: int = 3
    horizon_embedding: int = 4
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    dropout: float = 0.2


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
    """

    periods: Tensor
    spans: Tensor
    response: Tensor
    elasticity: Tensor
    discounts: Tensor


class Encoder(nn.Module):
    """Dilated causal convolutions with gates: the output at s has seen periods up to s and none after it."""

    def __init__(self, channels: int, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.enter = nn.Linear(channels, width)
        assert dilations == tuple(2**layer for layer in range(len(dilations)))  # ``last`` relies on it
        self.dilations, self.reach = dilations, 1 + 2 * sum(dilations)
        self.filters = nn.ModuleList(nn.Linear(3 * width, 2 * width) for _ in dilations)
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in dilations)

    def forward(self, past: Tensor) -> Tensor:
        """Channels [N, T, C] to contexts [N, T, W]."""
        signal = self.enter(past)  # (N, T, W)
        context = torch.zeros_like(signal)
        for dilation, filters, mix in zip(self.dilations, self.filters, self.mixes, strict=True):
            taps = torch.cat([_delayed(signal, 2 * dilation), _delayed(signal, dilation), signal], dim=-1)  # (N, T, 3W)
            value, gate = filters(taps).chunk(2, dim=-1)
            block = mix(torch.tanh(value) * torch.sigmoid(gate))  # (N, T, W)
            signal, context = signal + block, context + block
        return F.elu(context)

    def last(self, past: Tensor) -> Tensor:
        """What ``forward`` says of the last period alone, [N, T, C] to [N, W], for a fraction of the work.

        Of each layer only every second period is needed by the next one, for its dilation is twice as wide.
        """
        missing = self.reach - past.shape[1]
        signal = F.pad(self.enter(past[:, -self.reach :]), (0, 0, max(missing, 0), 0))  # (N, reach, W)
        exists = (torch.arange(self.reach) >= missing)[:, None]  # (reach, 1) false before the first period
        context = torch.zeros_like(signal[:, -1])
        for filters, mix in zip(self.filters, self.mixes, strict=True):
            value, gate = filters(torch.cat([signal[:, :-2:2], signal[:, 1:-1:2], signal[:, 2::2]], dim=-1)).chunk(2, dim=-1)
            block = mix(torch.tanh(value) * torch.sigmoid(gate))
            exists = exists[2::2]
            signal, context = (signal[:, 2::2] + block) * exists, context + block[:, -1]
        return F.elu(context)


def _delayed(signal: Tensor, periods: int) -> Tensor:
    """The signal [N, T, W] as it was some periods earlier; zeros before the first."""
    return F.pad(signal, (0, 0, periods, 0))[:, : signal.shape[1]]


class QuantileHead(nn.Module):
    """Knots of a quantile function, in logs: the median, and positive steps up and down from it (cf. arXiv 2111.06581)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.knots = nn.Linear(width, len(TAUS))
        with torch.no_grad():
            self.knots.weight.mul_(0.3)
            self.knots.bias.fill_(-1.5).index_fill_(0, torch.tensor([MEDIAN]), -0.1)

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden [..., W] to non-decreasing knots [..., Q]."""
        knots = self.knots(hidden)
        median = knots[..., MEDIAN : MEDIAN + 1]
        up = F.softplus(knots[..., MEDIAN + 1 :]).cumsum(dim=-1)
        down = F.softplus(knots[..., :MEDIAN].flip(-1)).cumsum(dim=-1).flip(-1)
        return torch.cat([median - down, median, median + up], dim=-1)


class PriceResponse(nn.Module):
    """log of the factor on demand, −e · g(log p/p_ref) with e ≥ 0 and g increasing: a higher price never sells more."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.strength = nn.Linear(width, 1 + len(DISCOUNTS))
        with torch.no_grad():
            self.strength.weight.mul_(0.3)
            self.strength.bias.copy_(torch.tensor([1.0] + [-3.0] * len(DISCOUNTS)))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden [..., W] to elasticity [...] and its addition below each discount [..., 3]."""
        strength = F.softplus(self.strength(hidden))
        return strength[..., 0], strength[..., 1:]


def price_factor(elasticity: Tensor, discounts: Tensor, change: Tensor) -> Tensor:
    """log of the factor [...] on demand when log price differs by ``change`` [...] from its reference."""
    deeper = torch.stack([F.relu(-change - depth) for depth in DISCOUNTS], dim=-1)  # (..., 3)
    return -elasticity * change + (discounts * deeper).sum(dim=-1)


class MQCNN(nn.Module):
    """The network; read ``forward`` from top to bottom."""

    def __init__(self, config: MQCNNConfig) -> None:
        super().__init__()
        self.config = config
        sizes = [min(config.embedding, rows) for rows in config.cardinalities]
        self.embeddings = nn.ModuleList(
            nn.Embedding(rows, size) for rows, size in zip(config.cardinalities, sizes, strict=True)
        )
        self.horizons = nn.Parameter(torch.randn(config.horizon, config.horizon_embedding))
        self.encoder = Encoder(config.past + sum(sizes), config.width, config.dilations)
        candidates = config.candidates
        target = config.ahead + config.relative + config.horizon_embedding + candidates
        self.from_origin = nn.Linear(config.width + config.origin + sum(sizes), config.decoder_width)
        self.from_target = nn.Linear(target, config.decoder_width, bias=False)
        self.deepen = nn.Linear(config.decoder_width, config.decoder_width)
        self.dropout = nn.Dropout(config.dropout)
        self.season_gate = nn.Linear(config.decoder_width, candidates + 1) if candidates else None
        self.period_head, self.span_head = QuantileHead(config.decoder_width), QuantileHead(config.decoder_width)
        self.price_response = PriceResponse(config.decoder_width) if config.price else None

    def forward(self, inputs: Inputs, at: Tensor, hold_price: Tensor | None = None) -> Decoded:
        """Decodes at the creation dates ``at`` [K] (positions among the T periods, int64).

        ``hold_price`` [N, K] is true where the price of the creation date is to be taken for all that follow.
        """
        config = self.config
        targets = at[:, None] + torch.arange(1, config.horizon + 1)  # (K, H)
        within = targets.clamp(max=inputs.ahead.shape[1] - 1)  # periods beyond the plan are masked by whoever trains
        static = self._static(inputs)  # (N, S)

        first, end = max(0, int(at.min()) + 1 - self.encoder.reach), int(at.max()) + 1
        past = torch.cat([inputs.past[:, first:end], static[:, None].expand(-1, end - first, -1)], dim=-1)
        read = self.encoder(past)[:, at - first] if len(at) > 1 else self.encoder.last(past)[:, None]
        context = self.dropout(read)  # (N, K, W)
        origin = torch.cat([context, inputs.origin[:, at], static[:, None].expand(-1, len(at), -1)], dim=-1)

        ratios, ratio_known = season_ratios(inputs, at, config.horizon, config.seasons)  # (N, K, H, J) twice
        target = torch.cat(
            [
                inputs.ahead[:, within],
                inputs.relative[:, within] - inputs.baseline[:, at, None],
                self.horizons.expand(len(inputs), len(at), -1, -1),
                ratios,
            ],
            dim=-1,
        )  # (N, K, H, ·)
        hidden = self.dropout(F.elu(self.from_origin(origin)[:, :, None] + self.from_target(target)))
        hidden = hidden + F.elu(self.deepen(hidden))  # (N, K, H, W)

        shift = self._season_shift(hidden, ratios, ratio_known)  # (N, K, H)
        elasticity, discounts, response = self._price(hidden, inputs, at, within, hold_price)
        shift = shift + response
        periods = (self.period_head(hidden) + shift[..., None]).clamp(max=_HIGHEST)
        spans = (self.span_head(hidden) + span_level(periods)[..., None]).clamp(max=_HIGHEST)
        return Decoded(
            periods=periods,
            spans=torch.cat([periods[..., :1, :], spans[..., 1:, :]], dim=-2),  # a span of one period is that period
            response=response,
            elasticity=elasticity,
            discounts=discounts,
        )

    def _static(self, inputs: Inputs) -> Tensor:
        columns = [embed(inputs.static[:, column]) for column, embed in enumerate(self.embeddings)]
        return torch.cat(columns, dim=-1) if columns else inputs.past.new_zeros(len(inputs), 0)

    def _season_shift(self, hidden: Tensor, ratios: Tensor, known: Tensor) -> Tensor:
        """The season that a gate picks among the candidates, or none: [N, K, H]."""
        if self.season_gate is None:
            return hidden.new_zeros(hidden.shape[:-1])
        scores = self.season_gate(hidden)  # (N, K, H, J + 1)
        scores = torch.cat([scores[..., :-1] + torch.log(known + 1e-6), scores[..., -1:]], dim=-1)
        return (torch.softmax(scores, dim=-1)[..., :-1] * ratios).sum(dim=-1)

    def _price(
        self, hidden: Tensor, inputs: Inputs, at: Tensor, within: Tensor, hold: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Elasticity [N, K, H], discounts [N, K, H, 3] and the log factor [N, K, H] of the planned prices."""
        if self.price_response is None:
            none = hidden.new_zeros(hidden.shape[:-1])
            return none, none[..., None].expand(*none.shape, len(DISCOUNTS)), none
        elasticity, discounts = self.price_response(hidden)
        price = inputs.log_price[:, within]  # (N, K, H)
        if hold is not None:
            price = torch.where(hold[..., None], inputs.log_price[:, at, None], price)
        change = (price - inputs.log_reference[:, at, None]) * inputs.has_price[:, at, None]
        return elasticity, discounts, price_factor(elasticity, discounts, change)


def span_level(periods: Tensor) -> Tensor:
    """Where a span's quantiles start from: log of the mean of the medians [..., H, Q] of the first h periods, [..., H]."""
    medians = periods[..., MEDIAN].clamp(min=-_HIGHEST).exp()
    return (medians.cumsum(dim=-1) / torch.arange(1, medians.shape[-1] + 1)).log()


def season_ratios(inputs: Inputs, at: Tensor, horizon: int, seasons: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Candidates of the coming season: how the same target stood to the scale some seasons ago, in logs.

    For each series and season S the ratio is y at the target − S over m at the creation date − S, as it was, smoothed over its
    neighbours, and averaged over up to three past seasons; where h > S, the nearest multiple of S that lies before the
    creation date. Returns ratios and whether each is known, [N, K, H, J] twice; an unknown ratio is 0.
    """
    found, known = [], []
    demand, scale, seen = inputs.season_demand, inputs.season_scale, inputs.season_known  # (N, j, T) each
    steps = torch.arange(1, horizon + 1)  # (H,)
    for season in seasons:
        back = season * ((steps - 1) // season + 1)  # (H,) S, or the multiple of it that has passed
        exact = [_ratio(demand, scale, seen, at, steps, back + season * lap) for lap in range(3)]
        counts = torch.stack([one[1] for one in exact]).sum(dim=0)
        mean = torch.stack([ratio * count for ratio, count in exact]).sum(dim=0) / counts.clamp(min=1)
        found += [exact[0][0] * exact[0][1], mean]
        known += [exact[0][1], (counts > 0).float()]
        if season > horizon:  # a neighbour's period must have passed, too
            around = [_ratio(demand, scale, seen, at, steps + side, back) for side in (-1, 1)]
            both = exact[0][1] * around[0][1] * around[1][1]
            found.append((2 * exact[0][0] + around[0][0] + around[1][0]) / 4 * both)
            known.append(both)
    if not found:
        empty = demand.new_zeros(len(inputs), len(at), horizon, 0)
        return empty, empty
    return torch.cat(found, dim=1).permute(0, 2, 3, 1), torch.cat(known, dim=1).permute(0, 2, 3, 1)


def _ratio(demand: Tensor, scale: Tensor, seen: Tensor, at: Tensor, steps: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """log y/m at ``back`` [H] periods before each target, and whether it is known: [N, j, K, H] twice."""
    then, there = at[:, None] - back, at[:, None] + steps - back  # (K, H) the creation date and the target, seasons ago
    possible = ((then >= 0) & (there >= 0)).float()
    then, there = then.clamp(min=0), there.clamp(min=0)
    level = scale[:, :, then]
    ratio = torch.log((demand[:, :, there] + 0.1 * level + 1e-9) / (1.1 * level + 1e-9)).clamp(-3, 3)
    return ratio, seen[:, :, there] * seen[:, :, then] * possible


def pinball(taus: Tensor, values: Tensor, quantiles: Tensor) -> Tensor:
    """Pinball loss [..., Q] of ``values`` [...] under ``quantiles`` [..., Q]."""
    error = values[..., None] - quantiles
    return torch.maximum(taus * error, (taus - 1) * error)


def crps_weights() -> Tensor:
    """Weight [Q] of each knot so that their mean pinball approaches the CRPS: half the gap between its neighbours."""
    edges = [0.0, *TAUS, 1.0]
    gaps = [(edges[knot + 2] - edges[knot]) / 2 for knot in range(len(TAUS))]
    return torch.tensor(gaps) / math.fsum(gaps)
