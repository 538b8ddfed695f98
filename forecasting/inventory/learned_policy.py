"""A learned policy: how far from the rule's level to buy, trained by backpropagation through replayed inventory.

After Madeka et al., "Deep Inventory Management" (arXiv 2210.03137): what happens to stock is differentiable in what is
ordered, so that a policy can be trained for money itself. Here the policy stays close to a rule that a planner knows. It is
told the span's quantile function, the position, where the last spans came out in their forecasts, and the cost ratio, and
says two numbers: by how much to shift tau (in logits) and by how much to multiply the level. Both begin at 0, the rule: the
newsvendor's quantile less what will be lost before the receipt. Whole units are passed straight through (the order is rounded,
its gradient is not).

It learns from the first part of a past and is judged on the rest, which it has not learned from. For each cost ratio it only
serves where there it was cheaper beyond what resampling items and periods allows; elsewhere it *is* the rule.

Axis letters: K creation dates, N items, L lead time, Q taus of the knots, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from data.errors import TooLittleHistory
from forecasting.core import quantile_function
from forecasting.core.metrics import Difference, clustered_bootstrap
from forecasting.core.types import Progress, Report
from forecasting.inventory.inventory_simulation import ReplayData, Replayed, lost_before, lost_sales_rule, replay
from forecasting.inventory.order_policy import Costs

#: Critical ratios that a policy is trained for together.
RATIOS: tuple[float, ...] = (0.6, 0.8, 0.95)

#: The tau may be shifted by so many logits, and the level multiplied by exp of so much.
_MOST_SHIFT, _MOST_FACTOR = 1.5, 0.5

#: Past spans whose place in their forecasts is remembered: half-life in periods.
_REMEMBERED = 4.0

#: The last part of the past judges what was learned from the rest.
_JUDGED_SHARE = 0.4

_WIDTH = 16


@dataclass(frozen=True)
class PolicySettings:
    """How a policy is trained. It is looked at ``looks`` times on the periods held back, and the best look is kept."""

    seed: int = 0
    steps: int = 120
    looks: int = 12
    items: int = 400
    learning_rate: float = 1e-2


@dataclass(frozen=True)
class RatioRecord:
    """How the policy did against the rule at one critical ratio on the periods that it had not learned from.

    ``rule`` and ``learned`` are money a unit of demand; ``gain`` is learned − rule with its interval;
    ``serves`` says whether it is used.
    """

    ratio: float
    rule: float
    learned: float
    gain: Difference
    serves: bool


class PolicyNetwork(nn.Module):
    """Features [..., F] to a shift of tau in logits and a multiplier in logs, [...] each; both 0 before it has learned."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, _WIDTH)
        self.says = nn.Linear(_WIDTH, 2)
        with torch.no_grad():
            self.says.weight.zero_()
            self.says.bias.zero_()

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        outputs = torch.tanh(self.says(torch.tanh(self.hidden(features))))
        return _MOST_SHIFT * outputs[..., 0], _MOST_FACTOR * outputs[..., 1]


@dataclass(frozen=True, eq=False)
class Policy:
    """A trained policy and its record; at a ratio that was not trained it follows the nearest one."""

    network: PolicyNetwork
    records: tuple[RatioRecord, ...]

    def serves(self, ratio: float) -> bool:
        """Whether it does more than the rule at this critical ratio."""
        nearest = min(self.records, key=lambda record: abs(_logit(record.ratio) - _logit(ratio)))
        return nearest.serves

    def replay(self, past: ReplayData, ratio: float) -> Replayed:
        """What buying by the policy would have brought in ``past``; by the rule where it does not serve."""
        if not self.serves(ratio):
            return replay_of_the_rule(past, ratio)
        return _replayed(self.network, past, ratio)


def newsvendor(past: ReplayData, ratio: float) -> Replayed:
    """Up to the span's quantile at the critical ratio, as if what is missing waited."""
    return replay(past, past.levels(ratio))


def replay_of_the_rule(past: ReplayData, ratio: float) -> Replayed:
    """The rule that the policy is measured against: the same less what will be lost before the receipt."""
    return replay(past, lost_sales_rule(past, ratio))


def unit_costs(past: ReplayData, ratio: float) -> Costs:
    """Costs of this critical ratio with c_u + c_o = 1, the same for every item."""
    each = np.ones(past.demand.shape[1])
    return Costs(ratio * each, (1 - ratio) * each)


def learn(
    past: ReplayData, settings: PolicySettings | None = None, ratios: Sequence[float] = RATIOS, report: Report | None = None
) -> Policy:
    """Trains on the first part of ``past``, judges on the rest; raises TooLittleHistory where there is no rest.

    ``past`` must come from a forecaster that has not learned from its periods.
    """
    settings = settings or PolicySettings()
    dates, arrives = len(past), past.lead_time
    split = dates - max(2, round(_JUDGED_SHARE * (dates - arrives)))
    if split - arrives < 2:
        raise TooLittleHistory(
            f"A policy needs at least {arrives + 4} periods that the forecaster has not learned from, and there are {dates}. "
            "Load more history, or buy by the rule."
        )
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    network = PolicyNetwork(_features(past).shape[-1] + 2)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    validation = past.take(_some(past, 2 * settings.items, rng))
    best, kept = np.inf, {name: value.clone() for name, value in network.state_dict().items()}
    every = max(1, settings.steps // settings.looks)
    for step in range(settings.steps + 1):
        if step % every == 0:
            if report:
                report(Progress(step, settings.steps, "Training a buying policy"))
            found = _validation_cost(network, validation, ratios, split)
            if found < best:
                best, kept = found, {name: value.clone() for name, value in network.state_dict().items()}
        batch = past.take(_some(past, settings.items, rng))
        loss = torch.stack([_relaxed_cost(network, batch, ratio, split) for ratio in ratios]).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.load_state_dict(kept)
    network.eval().requires_grad_(False)
    return Policy(network, tuple(_record_of(network, past, ratio, split) for ratio in ratios))


def _some(past: ReplayData, items: int, rng: np.random.Generator) -> np.ndarray:
    count = past.demand.shape[1]
    return np.sort(rng.choice(count, min(items, count), replace=False))


def _validation_cost(network: PolicyNetwork, past: ReplayData, ratios: Sequence[float], split: int) -> float:
    """The policy's cost over the rule's on the periods from ``split`` on, the mean over the ratios."""
    found = []
    for ratio in ratios:
        costs = unit_costs(past, ratio)
        learned, rule = (
            one.cost(costs)[split:].sum() for one in (_replayed(network, past, ratio), replay_of_the_rule(past, ratio))
        )
        found.append(learned / max(rule, 1e-9))
    return float(np.mean(found))


def _record_of(network: PolicyNetwork, past: ReplayData, ratio: float, split: int) -> RatioRecord:
    costs = unit_costs(past, ratio)
    learned, rule = (
        one.cost(costs)[split:, :, 0] for one in (_replayed(network, past, ratio), replay_of_the_rule(past, ratio))
    )  # (K, N)
    sold = np.nan_to_num(past.demand[split:])
    gain = clustered_bootstrap(learned, rule, sold)
    total = max(float(sold.sum()), 1e-9)
    return RatioRecord(ratio, float(rule.sum()) / total, float(learned.sum()) / total, gain, bool(gain.high < 0))


def _features(past: ReplayData) -> np.ndarray:
    """What does not depend on the stock [K, N, F]: the span's knots over their mean, its size, and recent surprises."""
    mean = np.maximum(quantile_function.mean(past.taus, past.knots), 1e-6)  # (K, N)
    shape = np.clip(np.log((past.knots + 0.1 * mean[..., None]) / (1.1 * mean[..., None])), -3, 3)
    surprise, count = _surprises(past)
    return np.concatenate([shape, np.log1p(mean)[..., None] / 3, 4 * surprise[..., None], count[..., None]], axis=-1)


def _surprises(past: ReplayData) -> tuple[np.ndarray, np.ndarray]:
    """Where the last spans that are over came out in their forecasts, less ½: a running mean [K, N], and how sure it is."""
    span = past.lead_time + past.review
    level = quantile_function.level(past.taus, past.knots, np.nan_to_num(past.spans)) - 0.5
    known = np.isfinite(past.spans)
    total, count = np.zeros_like(level), np.zeros_like(level)
    keep = 0.5 ** (1 / _REMEMBERED)
    for k in range(1, len(past)):
        total[k], count[k] = keep * total[k - 1], keep * count[k - 1]
        if k >= span:  # the span that began after date k − span ended with period k
            total[k] += np.where(known[k - span], level[k - span], 0.0)
            count[k] += known[k - span]
    return total / (count + 1), count / (count + 1)


def _level(
    network: PolicyNetwork, features: Tensor, knots: Tensor, taus: Tensor, position: Tensor, mean: Tensor, ratio: float
) -> Tensor:
    """The order-up-to level [N] at one creation date."""
    logit = torch.full_like(position, _logit(ratio))
    seen = torch.cat([features, torch.log1p(position / mean)[:, None], logit[:, None] / 2], dim=-1)
    shift, factor = network(seen)
    return _quantile(taus, knots, torch.sigmoid(logit + shift)) * torch.exp(factor)


def _quantile(taus: Tensor, knots: Tensor, tau: Tensor) -> Tensor:
    """Quantiles [N] at ``tau`` [N] by straight lines between ``knots`` [N, Q], the outer ones continued; differentiable."""
    right = torch.searchsorted(taus, tau.detach().contiguous()).clamp(1, len(taus) - 1)
    low, high = (knots.gather(1, place[:, None])[:, 0] for place in (right - 1, right))
    return (low + (tau - taus[right - 1]) / (taus[right] - taus[right - 1]) * (high - low)).clamp(min=0)


@dataclass(frozen=True, eq=False)
class _Seen:
    """A past as tensors."""

    features: Tensor
    knots: Tensor
    mean: Tensor
    taus: Tensor

    @classmethod
    def of(cls, past: ReplayData) -> _Seen:
        mean = np.maximum(quantile_function.mean(past.taus, past.knots), 1e-6)
        arrays = (_features(past), past.knots, mean, past.taus)
        return cls(*(torch.as_tensor(np.array(one), dtype=torch.float32) for one in arrays))


def _replayed(network: PolicyNetwork, past: ReplayData, ratio: float) -> Replayed:
    """The policy in the same replay as every other rule."""
    seen = _Seen.of(past)

    def rule(k: int, on_hand: np.ndarray, pipeline: Sequence[np.ndarray]) -> np.ndarray:
        there = torch.as_tensor((on_hand + sum(pipeline))[:, 0], dtype=torch.float32)
        with torch.no_grad():
            level = _level(network, seen.features[k], seen.knots[k], seen.taus, there, seen.mean[k], ratio)
        units = level.numpy().astype(np.float64)[:, None] - lost_before(past, k, ratio, on_hand, pipeline)
        return past.whole(np.maximum(units, 0.0))

    return replay(past, rule)


def _relaxed_cost(network: PolicyNetwork, past: ReplayData, ratio: float, until: int) -> Tensor:
    """Money a unit of demand in the periods before ``until``, differentiable in the network's weights."""
    seen, review = _Seen.of(past), past.review
    start = torch.as_tensor(np.array(past.start), dtype=torch.float32)
    demand = torch.as_tensor(np.nan_to_num(past.demand), dtype=torch.float32)
    known = torch.as_tensor(np.isfinite(past.demand), dtype=torch.float32)
    on_hand, pipeline = review * start, [start] * past.lead_time
    spent, none = torch.zeros(()), torch.zeros_like(start)
    for k in range(until):
        order = none
        if k % review == 0:
            position = on_hand + sum(pipeline, none)
            level = _level(network, seen.features[k], seen.knots[k], seen.taus, position, seen.mean[k], ratio)
            lost = lost_before(
                past, k, ratio, _bare(on_hand), [_bare(one) for one in pipeline]
            )  # taken as it is: it has no gradient
            order = F.relu(level - torch.as_tensor(lost[:, 0], dtype=torch.float32) - position)
            if past.whole_units:
                order = order + (torch.ceil(order - 0.5) - order).detach()
        pipeline = [*pipeline, order]
        over = on_hand + pipeline.pop(0) - demand[k]
        on_hand = F.relu(over)
        if k >= past.lead_time:
            spent = spent + (known[k] * (ratio * F.relu(-over) + (1 - ratio) * on_hand)).sum()
    return spent / demand[past.lead_time : until].sum().clamp(min=1.0)


def _bare(units: Tensor) -> np.ndarray:
    """Units [N] as an array [N, 1]."""
    return np.asarray(units.detach().numpy()[:, None])


def _logit(tau: float) -> float:
    return float(np.log(tau / (1 - tau)))
