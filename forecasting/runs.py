"""One run of one network: batches of whole series decoded at many creation dates, the loss, and the look at a validation.

Axis letters: N items of a batch, T periods, K creation dates, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from data.schema import Panel
from forecasting.encoding import Encoding
from forecasting.features import Inputs, encode, masked
from forecasting.generations.g2017_mqcnn import MQCNN, MQCNNConfig, crps_weights, pinball
from forecasting.quantiles import TAUS

State = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingSettings:
    """How a fit is run. Half-lives are shares of a year; the defaults are for any catalog.

    ``scale_power`` weights the loss by m to this power; ``masked_share`` of each batch are items whose past is hidden;
    ``span_weight`` is that of the span quantiles' loss; ``most_items`` are trained on at most (drawn by the seed). A trial
    looks at the validation every ``look_every`` steps and ends when ``patience`` looks brought nothing.
    """

    seed: int = 1
    members: int = 4
    scale_lives: tuple[float, ...] = (1 / 4, 1 / 2, 1.0)
    most_steps: int = 900
    look_every: int = 25
    patience: int = 8
    batch_items: int = 64
    batch_dates: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    average: float = 0.98
    scale_power: float = 0.5
    masked_share: float = 0.1
    span_weight: float = 0.3
    most_items: int = 20_000
    width: int = 16
    decoder_width: int = 32
    dropout: float = 0.2


@dataclass(frozen=True, eq=False)
class RunData:
    """What one run trains on: inputs, the same with histories masked, and where the targets end."""

    config: MQCNNConfig
    inputs: Inputs
    hidden: Inputs
    until: int
    hold_price: bool
    brisk: Tensor  # (N, T) sells so often that its price is always seen

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, horizon: int, until: int, settings: TrainingSettings) -> RunData:
        """Encodes ``history`` [N, T], of which targets up to period ``until`` are trained on."""
        inputs = encode(encoding, history)
        covered = masked(history, settings.seed)
        hidden = encode(encoding, covered, unmasked=history)
        hidden = replace(hidden, demand=inputs.demand, known=inputs.known, censored=inputs.censored)
        return cls(
            config=network_config(encoding, inputs, horizon, settings),
            inputs=inputs,
            hidden=hidden,
            until=until,
            hold_price=history.price_seen == "when sold",
            brisk=inputs.scale > 4 * encoding.unit,
        )


def network_config(encoding: Encoding, inputs: Inputs, horizon: int, settings: TrainingSettings) -> MQCNNConfig:
    """The network's shape for these inputs."""
    per_series = sum(3 if season > horizon else 2 for season in encoding.seasons)
    return MQCNNConfig(
        horizon=horizon,
        past=inputs.past.shape[-1],
        origin=inputs.origin.shape[-1],
        ahead=inputs.ahead.shape[-1],
        relative=inputs.relative.shape[-1],
        candidates=per_series * inputs.season_demand.shape[1],
        seasons=encoding.seasons,
        cardinalities=tuple(len(rows) + 1 for rows in encoding.categories.values()),
        price=encoding.price,
        width=settings.width,
        decoder_width=settings.decoder_width,
        dropout=settings.dropout,
    )


def trained_network(
    task: RunData,
    settings: TrainingSettings,
    seed: int,
    steps: int,
    tell: Callable[[float], None],
    look: Callable[[MQCNN], bool] | None = None,
) -> State:
    """Trains one network and returns the running average of its weights; ``look`` is shown it every
    ``look_every`` steps and may end the run by answering False."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = MQCNN(task.config)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average)
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 50))
    first = min(4, task.until - 2)
    dates = torch.arange(max(first, 0), task.until - 1)
    weights = _loss_weights(task, settings)
    for step in range(steps):
        tell(step / steps)
        network.train()
        loss = _batch_loss(network, task, settings, weights, dates, generator)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        warm_up.step()
        averaged.update_parameters(network)
        if look is not None and (step + 1) % settings.look_every == 0 and not look(_averaged(averaged)):
            break
    return {name: value.detach().clone().contiguous() for name, value in averaged.module.state_dict().items()}


def _averaged(model: torch.optim.swa_utils.AveragedModel) -> MQCNN:
    network = model.module.eval()
    assert isinstance(network, MQCNN)
    return network


def _loss_weights(task: RunData, settings: TrainingSettings) -> Tensor:
    """m to the power of the settings over its mean: the weight [N, T] of a creation date's losses, which are in units of m."""
    weights = task.inputs.scale[:, : task.until] ** settings.scale_power
    return weights / weights.mean()


def _batch_loss(
    network: MQCNN,
    task: RunData,
    settings: TrainingSettings,
    weights: Tensor,
    dates: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Mean weighted pinball of a few items at a few creation dates, of periods and of spans."""
    count = min(settings.batch_items, len(task.inputs))
    rows = torch.randperm(len(task.inputs), generator=generator)[:count]
    at = dates[torch.randperm(len(dates), generator=generator)[: settings.batch_dates]].sort().values
    cover = max(1, round(settings.masked_share * count))
    inputs = _joined(task.hidden.take(rows[:cover]), task.inputs.take(rows[cover:]))
    hold = None
    if task.hold_price:  # of slow sellers a changed price tells that they sold; of brisk ones half the time it is told
        hold = ~task.brisk[rows][:, at] | (torch.rand(count, len(at), generator=generator) < 0.5)
    decoded = network(inputs, at, hold)

    targets = at[:, None] + torch.arange(1, task.config.horizon + 1)  # (K, H)
    inside = (targets < task.until).float()
    targets = targets.clamp(max=task.until - 1)
    scale = inputs.scale[:, at, None]  # (N, K, 1)
    demand = inputs.demand[:, targets] / scale  # (N, K, H)
    count_known = inputs.known[:, targets] * inside
    censored = inputs.censored[:, targets]
    taus, knots = torch.tensor(TAUS), crps_weights()
    weight = weights[rows][:, at, None]  # (N, K, 1)

    quantiles = decoded.periods.exp()
    loss = pinball(taus, demand, quantiles)
    one_sided = taus * torch.relu(demand[..., None] - quantiles)  # out of stock: demand was at least this much
    loss = torch.where(censored[..., None] > 0, one_sided, loss)
    total = ((loss * knots).sum(dim=-1) * weight * count_known).sum() / count_known.sum().clamp(min=1)

    length = torch.arange(1, task.config.horizon + 1)
    whole = (count_known * (1 - censored)).cumprod(dim=-1)
    mean_demand = (demand * count_known).cumsum(dim=-1) / length
    span_loss = (pinball(taus, mean_demand, decoded.spans.exp()) * knots).sum(dim=-1)
    return total + settings.span_weight * (span_loss * weight * whole).sum() / whole.sum().clamp(min=1)


def _joined(first: Inputs, second: Inputs) -> Inputs:
    return Inputs(**{name: torch.cat([getattr(first, name), getattr(second, name)]) for name in Inputs.__dataclass_fields__})


def validation_curve(task: RunData, settings: TrainingSettings, seed: int, tell: Callable[[float], None]) -> list[float]:
    """wQL on the creation dates after the training targets, at every look of one run."""
    losses: list[float] = []

    def look(network: MQCNN) -> bool:
        losses.append(_validation_loss(network, task))
        return len(losses) - 1 - int(np.argmin(losses)) < settings.patience

    trained_network(task, settings, seed, settings.most_steps, tell, look)
    return losses


@torch.no_grad()
def _validation_loss(network: MQCNN, task: RunData) -> float:
    """wQL over all targets after the training block, from creation dates at its end and after."""
    horizon, periods = task.config.horizon, task.inputs.demand.shape[1]
    last = max(task.until - 1, periods - horizon - 1)
    at = torch.unique(torch.linspace(task.until - 1, last, 3).round().long())
    targets = at[:, None] + torch.arange(1, horizon + 1)
    inside = (targets < periods).float()
    targets = targets.clamp(max=periods - 1)
    loss, demand = 0.0, 0.0
    for start in range(0, len(task.inputs), 500):
        part = task.inputs.take(slice(start, start + 500))
        hold = torch.ones(len(part), len(at), dtype=torch.bool) if task.hold_price else None
        quantiles = network(part, at, hold).periods.exp() * part.scale[:, at, None, None]
        actual = part.demand[:, targets]
        counted = part.known[:, targets] * (1 - part.censored[:, targets]) * inside
        loss += float((pinball(torch.tensor(TAUS), actual, quantiles)[..., 2:-2].mean(dim=-1) * counted).sum())
        demand += float((actual * counted).sum())
    return 2 * loss / max(demand, 1e-9)
