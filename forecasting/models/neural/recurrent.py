"""The recurrent networks of 2015: one that says a point, and one that says a distribution, period after period.

``RecurrentPoint`` reads the past with an LSTM and says what each target period sells on average, taught by squared errors;
the fan around it is made of the errors that it made on periods it had not learned from, as was usual then.
``RecurrentDistribution`` says the distribution of the next period alone, taught by its likelihood; further periods come from
sampled paths, in which each drawn demand is read as if it had been sold. Paths add up, so spans need no head of their own.
Their shapes are reconstructions.

Axis letters: N items, T past periods, K creation dates, H horizons, Q taus, B bands, S paths, W width.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from forecasting.core.quantile_function import TAUS
from forecasting.features.inputs import Inputs
from forecasting.features.planned_targets import HiddenPlan
from forecasting.models.neural.base_forecaster import SmallForecaster
from forecasting.models.neural.base_network import Batch, Fan, RecurrentReader, Shape, SmallNetwork, target_features
from forecasting.models.neural.layers import HIGHEST
from forecasting.models.neural.settings import SmallSettings

#: Bands of items by what they are forecast to sell: slow sellers err otherwise than brisk ones.
_BANDS = 5

#: Errors that a band's horizon must have before it speaks for itself.
_ENOUGH = 40

#: Sampled paths for each item.
_PATHS = 100

#: What an unknown period is taken to have sold, log(1 + y/m).
_USUAL = 0.6

_HORIZON_EMBEDDING = 4


class PointNetwork(SmallNetwork):
    """An LSTM and a small decoder; beside its weights it keeps quantiles of its own errors."""

    edges: Tensor
    errors: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder = RecurrentReader(shape)
        self.horizons = nn.Parameter(torch.randn(shape.horizon, _HORIZON_EMBEDDING))
        self.enter = nn.Linear(shape.width + shape.static + shape.target + _HORIZON_EMBEDDING, shape.width)
        self.leave = nn.Linear(shape.width, 1)
        self.dropout = nn.Dropout(shape.dropout)
        self.register_buffer("edges", torch.zeros(_BANDS - 1, dtype=torch.float64))  # units
        self.register_buffer("errors", torch.zeros(2, _BANDS, shape.horizon, len(TAUS)))  # of periods, of spans

    def forward(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None = None) -> Tensor:
        """Mean demand [N, K, H] of each period after the creation dates ``at`` [K], over m."""
        static = self.static(inputs)
        state = self.dropout(self.encoder(inputs.past, self.level(inputs), static, at))  # (N, K, W)
        state = torch.cat([state, self.over(static, len(at))], dim=-1)[:, :, None].expand(-1, -1, self.shape.horizon, -1)
        target = target_features(inputs, at, self.shape.horizon, hidden)  # (N, K, H, F)
        horizons = self.horizons.expand(len(inputs), len(at), -1, -1)
        state = F.elu(self.enter(torch.cat([state, target, horizons], dim=-1)))  # (N, K, H, W)
        point: Tensor = self.leave(self.dropout(state))[..., 0].clamp(-HIGHEST, HIGHEST).exp()
        return point

    def loss(self, lesson: Batch) -> Tensor:
        """Mean squared error of demand over m; out of stock only what falls short of the sale is an error."""
        actual = lesson.actual(self.shape.horizon)
        error = actual.ratio - self(lesson.inputs, lesson.at, lesson.hidden)
        error = torch.where(actual.censored > 0, error.relu(), error)
        return (error.square() * lesson.weight[..., None] * actual.counted).sum() / actual.counted.sum().clamp(min=1)

    def bands(self, points: Tensor, scale: Tensor) -> Tensor:
        """Band [...] of a mean point over m [...] at scales m [...]."""
        return torch.bucketize(points.double() * scale.double(), self.edges)

    @torch.no_grad()
    def learn_errors(self, judge: PointNetwork, examined: Batch) -> None:
        """Takes quantiles of the relative errors y/ŷ − 1 that ``judge`` makes on what it did not learn from."""
        points, ratios, counted = (
            torch.cat(parts) for parts in zip(*_validation_errors(judge, examined), strict=True)
        )  # (N, K, H)
        scale = examined.inputs.scale[:, examined.at]  # (N, K)
        middle = points.mean(dim=-1)  # (N, K)
        units = middle.double() * scale.double()
        self.edges.copy_(torch.quantile(_thinned(units[counted.any(dim=-1)]), torch.arange(1, _BANDS).double() / _BANDS))
        bands = self.bands(middle, scale)
        whole = counted.cumprod(dim=-1).bool()
        errors = (ratios / points - 1, ratios.cumsum(dim=-1) / points.cumsum(dim=-1) - 1)
        for kind, (error, known) in enumerate(zip(errors, (counted, whole), strict=True)):
            for band in range(_BANDS):
                self.errors[kind, band] = _by_horizon(error, known, (bands == band)[..., None])


def _validation_errors(judge: PointNetwork, examined: Batch) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Points, what came, and whether it counts [N, K, H], a thousand items at a time."""
    parts = []
    for start in range(0, len(examined.inputs), 1000):
        rows = slice(start, start + 1000)
        hidden = None if examined.hidden is None else examined.hidden.take(rows)
        part = examined.inputs.take(rows)
        lesson = Batch(part, part, examined.at, examined.first, examined.until, examined.weight[rows], hidden)
        actual = lesson.actual(judge.shape.horizon)
        parts.append((judge(lesson.inputs, lesson.at, hidden), actual.ratio, (actual.counted * (1 - actual.censored)) > 0))
    return parts


def _by_horizon(error: Tensor, known: Tensor, band: Tensor) -> Tensor:
    """Quantiles [H, Q] of errors [N, K, H] of a band; where it has too few, those of all horizons, then of all bands."""
    rows = []
    for h in range(error.shape[-1]):
        only = torch.zeros_like(known)
        only[..., h] = True
        pools = (known & band & only, known & band, known & only, known)
        chosen = next((pool for pool in pools if pool.sum() >= _ENOUGH), known)
        rows.append(torch.quantile(_thinned(error[chosen]), torch.tensor(TAUS)))
    return torch.stack(rows).clamp(min=-1.0)


def _thinned(values: Tensor, most: int = 100_000) -> Tensor:
    """At most so many of the values, evenly taken; a zero where there are none."""
    return values[:: 1 + len(values) // most] if len(values) else values.new_zeros(1)


class RecurrentPoint(SmallForecaster):
    """The point network behind the protocol of every generation."""

    name: ClassVar[str] = "recurrent_point"
    title: ClassVar[str] = "2015 recurrent, point"
    note: ClassVar[str] = "A recurrent network taught by squared errors, with a fan of its own past errors. A reconstruction."
    network: ClassVar[type[SmallNetwork]] = PointNetwork
    usual: ClassVar[SmallSettings] = SmallSettings(most_steps=400, width=24)

    def _after(self, network: SmallNetwork, trial: SmallNetwork, examined: Batch) -> None:
        assert isinstance(network, PointNetwork)
        assert isinstance(trial, PointNetwork)
        network.learn_errors(trial, examined)

    def _fan(self, inputs: Inputs) -> Fan:
        _, network = self._trained()
        assert isinstance(network, PointNetwork)
        points = network(inputs, torch.tensor([inputs.demand.shape[1] - 1]))[:, 0]  # (N, H)
        bands = network.bands(points.mean(dim=-1), inputs.scale[:, -1])
        means = points.cumsum(dim=-1) / torch.arange(1, network.shape.horizon + 1)
        return Fan(*((1 + network.errors[kind][bands]) * mean[..., None] for kind, mean in enumerate((points, means))))


class DistributionNetwork(SmallNetwork):
    """An LSTM that says where log(1 + y/m) of the next period lies: Student's t with four degrees of freedom.

    Demand ends at zero, so a zero says only that the variable lay at zero or below; a period out of stock says only
    that it lay at what sold or above.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.lstm = nn.LSTM(4 + shape.static + shape.target, shape.width, batch_first=True)
        self.dropout = nn.Dropout(shape.dropout)
        self.head = nn.Linear(shape.width, 2)
        with torch.no_grad():
            self.head.weight.mul_(0.3)
            self.head.bias.copy_(torch.tensor([_USUAL, -0.5]))

    def forward(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None = None) -> tuple[Tensor, Tensor]:
        """Centre and width [N, K] of log(1 + y/m) one period after the creation dates ``at`` [K]."""
        end = int(at.max()) + 1
        every = torch.arange(end)
        if hidden is not None:  # where a plan is hidden at a creation date, its own state is the only one that is asked
            hidden = HiddenPlan(*(self._at_all(one, inputs, at, end) for one in (hidden.own, hidden.groups)))
        states, _ = self.lstm(self._read(inputs, every, hidden))  # (N, end, W)
        return self._centre_and_width(self.dropout(states[:, at]))

    def loss(self, lesson: Batch) -> Tensor:
        """Mean negative log likelihood of the period after each creation date."""
        actual = lesson.actual(1)
        ratio, counted, censored = actual.ratio[..., 0], actual.counted[..., 0], actual.censored[..., 0]  # (N, K)
        centre, width = self(lesson.inputs, lesson.at, lesson.hidden)
        t = (torch.log1p(ratio) - centre) / width
        sold = student_log_density(t) - width.log()
        likelihood = torch.where(ratio > 0, sold, student_log_share(t))
        likelihood = torch.where(censored > 0, student_log_share(-t), likelihood)
        return -(likelihood * counted).sum() / counted.sum().clamp(min=1)

    def paths(self, inputs: Inputs, draws: Tensor) -> Tensor:
        """Demand over m along sampled paths [N, S, H] after the last period; ``draws`` [S, H] are of Student's t."""
        (count, last), (paths, horizon) = (len(inputs), inputs.demand.shape[1] - 1), draws.shape
        now = torch.tensor([last])
        read = self._read(inputs, torch.arange(last + 1), None)  # (N, T, ·)
        _, (state, cell) = self.lstm(read)  # after the period before the first target is told
        static = self.over(self.static(inputs), horizon)
        level = self.level(inputs)[:, last:].expand(-1, horizon, -1)  # stays that of the creation date
        target = target_features(inputs, now, horizon)[:, 0]  # (N, H, F)
        ahead = torch.cat([torch.zeros_like(level), level, static, target], dim=-1)  # never out of stock
        state, cell = (one.repeat_interleave(paths, dim=1) for one in (state, cell))  # (1, N·S, W)
        sold = []
        for h in range(horizon):
            centre, width = (one.unflatten(0, (count, paths)) for one in self._centre_and_width(state[0]))  # (N, S)
            logs = (centre + width * draws[:, h]).clamp(0, HIGHEST)
            sold.append(torch.expm1(logs))
            if h + 1 < horizon:
                drawn = torch.stack([logs, torch.ones_like(logs)], dim=-1)  # (N, S, 2) sold, and known to have
                step = torch.cat([drawn, ahead[:, None, h + 1].expand(-1, paths, -1)], dim=-1).flatten(0, 1)
                _, (state, cell) = self.lstm(step[:, None], (state, cell))
        return torch.stack(sold, dim=-1)

    @staticmethod
    def _at_all(one: Tensor, inputs: Inputs, at: Tensor, end: int) -> Tensor:
        """What is hidden of the next period [N, end, 1, V] at the creation dates ``at`` [K], and nothing at others."""
        answer = torch.zeros(len(inputs), end, 1, one.shape[-1], dtype=torch.bool)
        answer[:, at] = one[..., :1, :]
        return answer

    def _read(self, inputs: Inputs, at: Tensor, hidden: HiddenPlan | None) -> Tensor:
        """What the LSTM reads at each creation date [N, K, ·]: what was sold, and what is known of the next period."""
        target = target_features(inputs, at, 1, hidden)[:, :, 0]
        return torch.cat([self._known(inputs)[:, at], self.over(self.static(inputs), len(at)), target], dim=-1)

    def _known(self, inputs: Inputs) -> Tensor:
        """log(1 + y/m), whether it is known, out of stock, log m: [N, T, 4]."""
        known, censored = inputs.known, inputs.censored
        ratio = torch.log1p(inputs.demand / inputs.scale).clamp(max=HIGHEST)
        ratio = torch.where(known > 0, ratio, torch.full_like(ratio, _USUAL))
        return torch.cat([torch.stack([ratio, known, censored], dim=-1), self.level(inputs)], dim=-1)

    def _centre_and_width(self, state: Tensor) -> tuple[Tensor, Tensor]:
        centre, width = self.head(state).unbind(dim=-1)
        return centre, 0.05 + F.softplus(width)


def student_log_density(t: Tensor) -> Tensor:
    """log density of Student's t with four degrees of freedom: log(3/8) − 5/2 · log(1 + t²/4)."""
    return math.log(3 / 8) - 2.5 * torch.log1p(t.square() / 4)


def student_log_share(t: Tensor) -> Tensor:
    """log of the share below t of Student's t with four degrees of freedom.

    With u = t/√(t² + 4) the share is ½ + ¾ · (u − u³/3). Below zero this takes a small number off ½, hence the double.
    """
    t = t.double()
    u = t / torch.sqrt(t.square() + 4)
    return (0.5 + 0.75 * (u - u**3 / 3)).clamp(min=1e-12).log().float()


def student_quantile(p: Tensor) -> Tensor:
    """Quantile of Student's t with four degrees of freedom, in closed form (Shaw 2006): the inverse of the share."""
    root = (4 * p * (1 - p)).sqrt()
    q = torch.cos(torch.arccos(root.clamp(max=1.0)) / 3) / root
    return torch.sign(p - 0.5) * 2 * (q - 1).clamp(min=0).sqrt()


class RecurrentDistribution(SmallForecaster):
    """The distribution network behind the protocol of every generation."""

    name: ClassVar[str] = "recurrent_distribution"
    title: ClassVar[str] = "2015 recurrent, distribution"
    note: ClassVar[str] = "A recurrent network that draws paths of demand, taught by its likelihood. A reconstruction."
    network: ClassVar[type[SmallNetwork]] = DistributionNetwork
    usual: ClassVar[SmallSettings] = SmallSettings(most_steps=1000, batch_dates=1000, width=24)

    def _fan(self, inputs: Inputs) -> Fan:
        _, network = self._trained()
        assert isinstance(network, DistributionNetwork)
        draws = stratified_draws(_PATHS, network.shape.horizon, self.seed)
        sold = network.paths(inputs, draws)  # (N, S, H)
        means = sold.cumsum(dim=-1) / torch.arange(1, network.shape.horizon + 1)
        levels = torch.tensor(TAUS)
        return Fan(*(torch.quantile(one, levels, dim=1).permute(1, 2, 0) for one in (sold, means)))


def stratified_draws(paths: int, horizon: int, seed: int) -> Tensor:
    """Draws [S, H] of Student's t: in each period one from the middle of each of S equal shares, in an order of its own.

    All items use the same draws, so that an item forecast alone is forecast as in company.
    """
    rng = np.random.default_rng(seed)
    shares = (torch.arange(paths) + 0.5) / paths
    orders = torch.from_numpy(np.stack([rng.permutation(paths) for _ in range(horizon)], axis=1))  # (S, H)
    return student_quantile(shares)[orders]
