"""What the networks of several generations are made of: quantile heads, causal convolutions, their loss, last season's ratios.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, W width, J season candidates.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from forecasting.core.quantile_function import LOWER_EXPONENT, TAUS
from forecasting.features.inputs import Inputs

#: The knot from which the others are built up and down.
MEDIAN = TAUS.index(0.5)

#: exp of more than this would be no forecast.
HIGHEST = 8.0

#: Up to so many creation dates are read one by one; more share so much that the whole past is read at once.
_FEW = 6

#: Ratios to the scale are cut off here.
LARGEST_RATIO = 20.0


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

    def begin_with(self, errors: Tensor) -> None:
        """Moves its median by the median of ``errors`` (quantiles [Q], in logs) and takes their spread as its own."""
        steps = torch.log(torch.expm1(errors.diff().clamp(min=1e-3)))  # the inverse of softplus
        with torch.no_grad():
            middle = self.knots.bias[MEDIAN : MEDIAN + 1] + errors[MEDIAN]
            self.knots.bias.copy_(torch.cat([steps[:MEDIAN], middle, steps[MEDIAN:]]))


class Convolutions(nn.Module):
    """Dilated causal convolutions with gates: the output at s has seen periods up to s and none after it."""

    def __init__(self, channels: int, width: int, layers: int = 5) -> None:
        super().__init__()
        self.enter = nn.Linear(channels, width)
        self.dilations = tuple(2**layer for layer in range(layers))
        self.reach = 1 + 2 * sum(self.dilations)
        self.filters = nn.ModuleList(nn.Linear(3 * width, 2 * width) for _ in self.dilations)
        self.mixes = nn.ModuleList(nn.Linear(width, width) for _ in self.dilations)

    def forward(self, past: Tensor, static: Tensor | None = None) -> Tensor:
        """Channels [N, T, C − S] and those that are the same in every period [N, S] to contexts [N, T, W]."""
        signal = self._entered(past, static)  # (N, T, W)
        context = torch.zeros_like(signal)
        for dilation, filters, mix in zip(self.dilations, self.filters, self.mixes, strict=True):
            taps = torch.cat([_delayed(signal, 2 * dilation), _delayed(signal, dilation), signal], dim=-1)  # (N, T, 3W)
            value, gate = filters(taps).chunk(2, dim=-1)
            block = mix(tanh(value) * torch.sigmoid(gate))  # (N, T, W)
            signal, context = signal + block, context + block
        return F.elu(context)

    def at(self, past: Tensor, dates: Tensor, static: Tensor | None = None) -> Tensor:
        """What ``forward`` says at ``dates`` [K], [N, K, W], reading no more of ``past`` [N, T, C] than they need."""
        if len(dates) > _FEW:
            first = max(0, int(dates.min()) + 1 - self.reach)
            contexts: Tensor = self(past[:, first : int(dates.max()) + 1], static)[:, dates - first]
            return contexts
        return self._at_few(past, dates, static)

    def _at_few(self, past: Tensor, dates: Tensor, static: Tensor | None) -> Tensor:
        """The same for a fraction of the work: of each layer only the periods that the next one needs."""
        needed = [dates.unique()]  # of the last layer, then of each one before it
        for dilation in reversed(self.dilations):
            needed.append((needed[-1][:, None] - dilation * torch.arange(2, -1, -1)).flatten().unique())
        needed.reverse()
        first = max(0, int(needed[0][0]))
        entered = self._entered(past[:, first : int(dates.max()) + 1], static)
        exists = needed[0] >= 0  # before the first period there is nothing
        signal = gather_periods(entered, (needed[0] - first).clamp(min=0)) * exists[:, None]
        context = torch.zeros_like(signal[:, :1])
        for layer, (dilation, filters, mix) in enumerate(zip(self.dilations, self.filters, self.mixes, strict=True)):
            before, wanted = needed[layer], needed[layer + 1]
            places = torch.searchsorted(before, wanted[:, None] - dilation * torch.arange(2, -1, -1))  # (P, 3)
            taps = gather_periods(signal, places).flatten(start_dim=2)  # (N, P, 3W)
            value, gate = filters(taps).chunk(2, dim=-1)
            block = mix(tanh(value) * torch.sigmoid(gate))
            context = context + gather_periods(block, torch.searchsorted(wanted, dates))
            signal = (taps[..., -block.shape[-1] :] + block) * (wanted >= 0)[:, None]
        return F.elu(context)

    def _entered(self, past: Tensor, static: Tensor | None) -> Tensor:
        """The signal [N, T, W] of the first layer; what does not change in time is taken in once an item."""
        if static is None:
            return self.enter(past)
        channels = past.shape[-1]
        fixed = F.linear(static, self.enter.weight[:, channels:], self.enter.bias)  # (N, W)
        return F.linear(past, self.enter.weight[:, :channels]) + fixed[:, None]


def tanh(signal: Tensor) -> Tensor:
    """What torch.tanh says, 2σ(2x) − 1, in a third of its time on a processor."""
    return 2 * torch.sigmoid(2 * signal) - 1


def gather_periods(signal: Tensor, places: Tensor, dim: int = 1) -> Tensor:
    """The signal [N, T, ...] at ``places`` [...] of its periods; what indexing does, and quicker."""
    return signal.index_select(dim, places.flatten()).unflatten(dim, places.shape)


def _delayed(signal: Tensor, periods: int) -> Tensor:
    """The signal [N, T, W] as it was some periods earlier; zeros before the first."""
    return F.pad(signal, (0, 0, periods, 0))[:, : signal.shape[1]]


def season_ratios(
    inputs: Inputs, at: Tensor, horizon: int, seasons: tuple[int, ...], ahead: int | None = None
) -> tuple[Tensor, Tensor]:
    """Candidates of the coming season: how the same target stood to the scale some seasons ago.

    For each series and season S the ratio is y at the target − S over m at the creation date − S: as it was, averaged over
    up to three past seasons, and smoothed over its neighbours; where h > S, the nearest multiple of S that lies before the
    creation date. Returns ratios and whether each is known, [N, K, H, J] twice; an unknown ratio is 0. ``ahead`` asks for the
    first periods alone.
    """
    found, known = [], []
    demand, scale, seen = inputs.season_demand, inputs.season_scale, inputs.season_known  # (N, j, T) each
    steps = torch.arange(1, (ahead or horizon) + 1)  # (H,)
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
        empty = demand.new_zeros(len(inputs), len(at), len(steps), 0)
        return empty, empty
    return torch.cat(found, dim=1).permute(0, 2, 3, 1), torch.cat(known, dim=1).permute(0, 2, 3, 1)


def _ratio(demand: Tensor, scale: Tensor, seen: Tensor, at: Tensor, steps: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """y/m at ``back`` [H] periods before each target, and whether it is known: [N, j, K, H] twice."""
    then, there = at[:, None] - back, at[:, None] + steps - back  # (K, H) the creation date and the target, seasons ago
    possible = ((then >= 0) & (there >= 0)).float()
    then, there = then.clamp(min=0), there.clamp(min=0)
    ratio = (gather_periods(demand, there, 2) / gather_periods(scale, then, 2).clamp(min=1e-9)).clamp(max=LARGEST_RATIO)
    return ratio, gather_periods(seen, there, 2) * gather_periods(seen, then, 2) * possible


def log_mean(logs: Tensor) -> Tensor:
    """log of the expectation [...] of a quantile function whose knots have these ``logs`` [..., Q], tails included.

    The same area as ``core.quantile_function.mean`` takes, for logs that may lie anywhere.
    """
    top = logs.amax(dim=-1, keepdim=True)
    knots, taus = (logs - top).exp(), torch.tensor(TAUS)  # (..., Q) of the highest
    exponent = ((logs[..., 1] - logs[..., 0]) / math.log(TAUS[1] / TAUS[0])).clamp(*LOWER_EXPONENT)
    scale = (knots[..., -1] - knots[..., -2]) / math.log((1 - TAUS[-2]) / (1 - TAUS[-1]))
    between = ((knots[..., 1:] + knots[..., :-1]) / 2 * taus.diff()).sum(dim=-1)
    area = TAUS[0] * knots[..., 0] / (exponent + 1) + between + (1 - TAUS[-1]) * (knots[..., -1] + scale)
    return top[..., 0] + area.log()


def soft_log(ratio: Tensor) -> Tensor:
    """log of a ratio [...] to m, softened so that a zero is a finite −2.4 and 1 is 0."""
    return torch.log((ratio + 0.1) / 1.1)


def ratio_of(soft: Tensor) -> Tensor:
    """The ratio [...] to m whose ``soft_log`` this is, none below zero."""
    return (soft.exp() * 1.1 - 0.1).clamp(min=0)


def lags(inputs: Inputs, at: Tensor, count: int) -> Tensor:
    """Demand of the last ``count`` periods up to each creation date, log(1 + y/m), and whether it is known: [N, K, 2L]."""
    there = at[:, None] - torch.arange(count)  # (K, L)
    known = (inputs.known * (1 - inputs.censored))[:, there.clamp(min=0)] * (there >= 0)  # (N, K, L)
    ratio = torch.log1p(inputs.demand[:, there.clamp(min=0)] / inputs.scale[:, at, None])
    return torch.cat([ratio.clamp(max=HIGHEST) * known, known], dim=-1)


def pinball(taus: Tensor, values: Tensor, quantiles: Tensor) -> Tensor:
    """Pinball loss [..., Q] of ``values`` [...] under ``quantiles`` [..., Q]."""
    error = values[..., None] - quantiles
    return torch.maximum(taus * error, (taus - 1) * error)


def crps_weights() -> Tensor:
    """Weight [Q] of each knot so that their mean pinball approaches the CRPS: half the gap between its neighbours."""
    edges = [0.0, *TAUS, 1.0]
    gaps = [(edges[knot + 2] - edges[knot]) / 2 for knot in range(len(TAUS))]
    return torch.tensor(gaps) / math.fsum(gaps)
