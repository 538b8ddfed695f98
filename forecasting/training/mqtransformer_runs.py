"""Runs of MQTransformer: batches of whole series decoded at many creation dates, and the look at a validation.

Axis letters: N items of a batch, T periods, K creation dates, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import nn

from data.schema import Panel
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until, judged_from
from forecasting.features.encoding import Encoding, encoding_of
from forecasting.features.inputs import Inputs
from forecasting.models.mqtransformer.network import MQTransformer, MQTransformerConfig, State
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.neural.base_network import Fan, fan_loss
from forecasting.models.neural.layers import MEDIAN, pinball, season_ratios
from forecasting.training.training_loop import Optimisation, TrainingData, Trial, Validation, drawn, fit_network, state_of
from forecasting.training.worker_pool import Job


@dataclass(eq=False)
class MQTransformerRuns:
    """What all runs of a fit share, and the encoded data of the latest of them."""

    history: Panel
    horizon: int
    settings: TrainingSettings

    def trial(self, job: Job, tell: Callable[[float], None]) -> Trial:
        """Trains until the validation has brought nothing for a while."""
        task, settings = self._data(job), self.settings
        validation = Validation(lambda network: _validation_losses(network, task), settings.look_every, settings.patience)
        trained_network(task, settings, job.seed, settings.most_steps, tell, validation)
        return validation.trial()

    def state(self, job: Job, tell: Callable[[float], None]) -> State:
        """Trains as many steps as the job says."""
        return trained_network(self._data(job), self.settings, job.seed, job.steps, tell)

    def _data(self, job: Job) -> RunData:
        return self._encoded(job.recipe.life, job.recipe.calendar, job.until).with_lags(job.recipe.lags)

    @lru_cache(maxsize=1)  # noqa: B019 - one per process and fit
    def _encoded(self, life: float, calendar: bool, until: int) -> RunData:
        encoding = encoding_of(history_until(self.history, until - 1), self.horizon, life, calendar=calendar)
        return RunData.of(encoding, self.history, self.horizon, until, self.settings)


@dataclass(frozen=True, eq=False)
class RunData:
    """What one run trains, and on what."""

    config: MQTransformerConfig
    data: TrainingData

    @classmethod
    def of(cls, encoding: Encoding, history: Panel, horizon: int, until: int, settings: TrainingSettings) -> RunData:
        """Encodes ``history`` [N, T], of which targets before period ``until`` are trained on."""
        data = TrainingData.of(encoding, history, until, horizon, settings.scale_power, settings.seed)
        return cls(network_config(encoding, data.inputs, horizon, settings, moves=history.price_seen == "always"), data)

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
        flags=len(inputs.layout.flagged),
        recall="recall" in settings.parts,
    )


def trained_network(
    task: RunData,
    settings: TrainingSettings,
    seed: int,
    steps: int,
    tell: Callable[[float], None],
    validation: Validation | None = None,
) -> State:
    """Trains one network and returns the running average of its weights."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network, data, horizon = MQTransformer(task.config), task.data, task.config.horizon
    _init_quantile_heads(network, task, generator)
    items, dates = settings.batch_size(len(data.inputs), len(data.dates), horizon)

    def loss(network: MQTransformer) -> torch.Tensor:
        batch = data.batch(items, dates, settings.masked_share, generator)
        decoded = network(batch.inputs, batch.at, batch.hidden)
        return fan_loss(Fan(decoded.periods.exp(), decoded.spans.exp()), batch, settings.span_weight)

    how = Optimisation(settings.learning_rate, settings.weight_decay, settings.average, warm_up=50, fused=True)
    return state_of(fit_network(network, loss, how, steps, tell, validation))


@torch.no_grad()
def _init_quantile_heads(network: MQTransformer, task: RunData, generator: torch.Generator) -> None:
    """Starts the quantile heads at the spread that targets have about where the untrained network puts them."""
    rows = torch.randperm(len(task.data.inputs), generator=generator)[:256]
    at = drawn(task.data.dates, 8, generator)
    inputs = task.data.inputs.take(rows)
    middle = network.eval()(inputs, at).periods[..., MEDIAN]  # (N, K, H)
    targets = at[:, None] + torch.arange(1, task.config.horizon + 1)
    inside, targets = targets < task.data.until, targets.clamp(max=task.data.until - 1)
    counted = (inputs.known * (1 - inputs.censored))[:, targets].bool() & inside
    ratio = inputs.demand[:, targets] / inputs.scale[:, at, None]
    errors = (torch.log(ratio + 0.02) - middle)[counted]
    if len(errors) > len(TAUS):
        spread = torch.quantile(errors[:1_000_000], torch.tensor(TAUS)).clamp(-4, 4)
        network.period_head.begin_with(spread)
        network.span_head.begin_with((spread - spread[MEDIAN]) / 2)


def _validation_losses(network: nn.Module, task: RunData) -> tuple[float, ...]:
    """wQL of the targets after the training block, from creation dates at its end and after: of all, of those that choose and
    of those that judge, see ``judged_from``."""
    horizon, periods = task.config.horizon, task.data.inputs.demand.shape[1]
    last = max(task.data.until - 1, periods - horizon - 1)
    at = torch.unique(torch.linspace(task.data.until - 1, last, 3).round().long())
    targets = at[:, None] + torch.arange(1, horizon + 1)
    judged = judged_from(periods, horizon)
    blocks = ((task.data.until, periods), (task.data.until, judged), (judged, periods))
    inside = torch.stack([(targets >= first) & (targets < end) for first, end in blocks], dim=-1).float()  # (K, H, 3)
    targets = targets.clamp(max=periods - 1)
    loss, demand = torch.zeros(len(blocks)), torch.zeros(len(blocks))
    for start in range(0, len(task.data.inputs), 500):
        part = task.data.inputs.take(slice(start, start + 500))
        quantiles = network(part, at, task.data.hidden_ahead()).periods.exp() * part.scale[:, at, None, None]
        actual = part.demand[:, targets]
        counted = part.known[:, targets] * (1 - part.censored[:, targets])
        missed = pinball(torch.tensor(TAUS), actual, quantiles)[..., 2:-2].mean(dim=-1)
        loss += torch.einsum("nkh,khb->b", missed * counted, inside)
        demand += torch.einsum("nkh,khb->b", actual * counted, inside)
    whole, *halves = (2 * loss / demand.clamp(min=1e-9)).tolist()
    return (whole, *(half if counts else whole for half, counts in zip(halves, inside[..., 1:].sum(dim=(0, 1)), strict=True)))
