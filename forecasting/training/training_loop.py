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
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import masked
from forecasting.features.encoding import Encoding
from forecasting.features.inputs import Inputs, encode
from forecasting.models.mqtransformer.network import MQTransformer, MQTransformerConfig, State
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.neural.layers import MEDIAN, crps_weights, pinball, season_ratios


@dataclass(frozen=True)
class Hyperparameters:
    """What a data set decides about its networks: the half-life of the scale in periods, whether the last periods are read
    one by one, and whether the time of the year is told."""

    life: float
    lags: bool = True
    calendar: bool = False


@dataclass(frozen=True, eq=False)
class RunData:
    """What one run trains on: inputs, the same with histories masked, and where the targets end."""

    config: MQTransformerConfig
    inputs: Inputs
    hidden: Inputs
    until: int
    hold_price: bool
    brisk: Tensor  # (N, T) sells so often that its price is always seen

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, horizon: int, until: int, settings: TrainingSettings) -> RunData:
        """Encodes ``history`` [N, T], of which targets up to period ``until`` are trained on."""
        inputs = encode(encoding, history)
        return cls(
            config=network_config(encoding, inputs, horizon, settings, moves=history.price_seen == "always"),
            inputs=inputs,
            hidden=encode(encoding, masked(history, settings.seed), unmasked=history),
            until=until,
            hold_price=history.price_seen == "when sold",
            brisk=inputs.scale > 4 * encoding.unit,
        )

    def with_lags(self, lags: bool) -> RunData:
        """The same for a network that reads the last periods one by one, or does not."""
        return replace(self, config=replace(self.config, lags=lags))


def network_config(
    encoding: Encoding, inputs: Inputs, horizon: int, settings: TrainingSettings, *, moves: bool
) -> MQTransformerConfig:
    """The network's shape for these inputs; ``moves`` is whether it may be told that a price moves."""
    one, first = inputs.take(slice(0, 1)), torch.tensor([0])
    return MQTransformerConfig(
        horizon=horizon,
        past=inputs.past.shape[-1],
        origin=inputs.origin.shape[-1],
        ahead=inputs.ahead.shape[-1],
        relative=inputs.relative.shape[-1],
        covariates=len(encoding.moments),
        candidates=season_ratios(one, first, horizon, encoding.seasons)[0].shape[-1],
        events=len(encoding.event_names),
        seasons=encoding.seasons,
        cardinalities=tuple(len(rows) + 1 for rows in encoding.categories.values()),
        price=encoding.price,
        moves=encoding.price and moves and "moves" in settings.parts,
        width=settings.width,
        decoder_width=settings.decoder_width,
        dropout=settings.dropout,
        attention="attention" in settings.parts,
        peak_care="peak_care" in settings.parts,
    )


def trained_network(
    task: RunData,
    settings: TrainingSettings,
    seed: int,
    steps: int,
    tell: Callable[[float], None],
    look: Callable[[MQTransformer], bool] | None = None,
) -> State:
    """Trains one network and returns the running average of its weights; ``look`` is shown it every
    ``look_every`` steps and may end the run by answering False."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = MQTransformer(task.config)
    first = min(4, task.until - 2)
    dates = torch.arange(max(first, 0), task.until - 1)
    _init_quantile_heads(network, task, dates, generator)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(settings.average)
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    warm_up = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / 50))
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
    return _state(averaged.module)


@torch.no_grad()
def _init_quantile_heads(network: MQTransformer, task: RunData, dates: Tensor, generator: torch.Generator) -> None:
    """Starts the quantile heads at the spread that targets have about where the untrained network puts them."""
    rows = torch.randperm(len(task.inputs), generator=generator)[:256]
    at = _creation_dates(dates, 8, generator)
    inputs = task.inputs.take(rows)
    middle = network.eval()(inputs, at).periods[..., MEDIAN]  # (N, K, H)
    targets = at[:, None] + torch.arange(1, task.config.horizon + 1)
    inside, targets = targets < task.until, targets.clamp(max=task.until - 1)
    counted = (inputs.known * (1 - inputs.censored))[:, targets].bool() & inside
    ratio = inputs.demand[:, targets] / inputs.scale[:, at, None]
    errors = (torch.log(ratio + 0.02) - middle)[counted]
    if len(errors) > len(TAUS):
        spread = torch.quantile(errors[:1_000_000], torch.tensor(TAUS)).clamp(-4, 4)
        network.period_head.begin_with(spread)
        network.span_head.begin_with((spread - spread[MEDIAN]) / 2)


def _state(network: torch.nn.Module) -> State:
    return {name: value.detach().clone().contiguous() for name, value in network.state_dict().items()}


def _averaged(model: torch.optim.swa_utils.AveragedModel) -> MQTransformer:
    network = model.module.eval()
    assert isinstance(network, MQTransformer)
    return network


def _loss_weights(task: RunData, settings: TrainingSettings) -> Tensor:
    """m to the power of the settings over its mean: the weight [N, T] of a creation date's losses, which are in units of m."""
    weights = task.inputs.scale[:, : task.until] ** settings.scale_power
    return weights / weights.mean()


def _batch_loss(
    network: MQTransformer,
    task: RunData,
    settings: TrainingSettings,
    weights: Tensor,
    dates: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Mean weighted pinball of a few items at a few creation dates, of periods and of spans."""
    count, at_once = settings.batch_size(len(task.inputs), len(dates), task.config.horizon)
    rows = torch.randperm(len(task.inputs), generator=generator)[:count]
    at = _creation_dates(dates, at_once, generator)
    cover = max(1, round(settings.masked_share * count))
    came = task.inputs.take(rows)
    inputs = task.hidden.take(rows[:cover]).followed_by(came.take(slice(cover, None)))
    hold = None
    if task.hold_price:  # of slow sellers a changed price tells that they sold; of brisk ones half the time it is told
        hold = ~task.brisk[rows][:, at] | (torch.rand(count, len(at), generator=generator) < 0.5)
    decoded = network(inputs, at, hold)

    targets = at[:, None] + torch.arange(1, task.config.horizon + 1)  # (K, H)
    inside = (targets < task.until).float()
    targets = targets.clamp(max=task.until - 1)
    demand = came.demand[:, targets] / inputs.scale[:, at, None]  # (N, K, H)
    counted, censored = came.known[:, targets] * inside, came.censored[:, targets]
    taus, knots = torch.tensor(TAUS), crps_weights()
    weight = weights[rows][:, at, None]  # (N, K, 1)

    quantiles = decoded.periods.exp()
    loss = pinball(taus, demand, quantiles)
    one_sided = taus * torch.relu(demand[..., None] - quantiles)  # out of stock: demand was at least this much
    loss = torch.where(censored[..., None] > 0, one_sided, loss)
    total = ((loss * knots).sum(dim=-1) * weight * counted).sum() / counted.sum().clamp(min=1)

    length = torch.arange(1, task.config.horizon + 1)
    whole = (counted * (1 - censored)).cumprod(dim=-1)
    mean_demand = (demand * counted).cumsum(dim=-1) / length
    span_loss = (pinball(taus, mean_demand, decoded.spans.exp()) * knots).sum(dim=-1)
    return total + settings.span_weight * (span_loss * weight * whole).sum() / whole.sum().clamp(min=1)


def _creation_dates(dates: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """At most ``count`` of the ``dates``, increasing."""
    return dates[torch.randperm(len(dates), generator=generator)[:count]].sort().values


@dataclass(frozen=True, eq=False)
class Trial:
    """A run that was watched: wQL on the creation dates after its targets at every look, and the weights at the best."""

    curve: np.ndarray
    state: State

    @property
    def best(self) -> int:
        """The look with the least wQL."""
        return int(np.argmin(self.curve))


def trial(task: RunData, settings: TrainingSettings, seed: int, tell: Callable[[float], None]) -> Trial:
    """Trains until the validation has brought nothing for a while."""
    losses: list[float] = []
    kept: State = {}

    def look(network: MQTransformer) -> bool:
        losses.append(_validation_loss(network, task))
        if losses[-1] <= min(losses):
            kept.update(_state(network))
        return len(losses) - 1 - int(np.argmin(losses)) < settings.patience

    trained_network(task, settings, seed, settings.most_steps, tell, look)
    return Trial(np.array(losses), kept)


@torch.no_grad()
def _validation_loss(network: MQTransformer, task: RunData) -> float:
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
