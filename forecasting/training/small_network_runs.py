"""Runs of the small networks of 2015 and 2017: one network, and a budget of steps that a first run finds.

The first run stops targets one to two horizons before the end of history and is looked at on the periods after; where a year
was seen, a second is told the time of the year. The last run takes as many steps as the better of them, on everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from data.schema import Panel
from forecasting.core.time_splits import held_back, history_until, judged_from, shows_a_year
from forecasting.core.types import Report
from forecasting.features.encoding import Encoding, encoding_of
from forecasting.models.mqtransformer.network import State
from forecasting.models.neural.base_network import Batch, Shape, SmallNetwork
from forecasting.models.neural.settings import SmallSettings
from forecasting.training.training_loop import (
    Hyperparameters,
    Optimisation,
    TrainingData,
    Trial,
    Validation,
    fit_network,
    sample,
    state_of,
)
from forecasting.training.worker_pool import Job, WorkerPool

#: Half-life of the scale m, as a share of a year.
_SCALE_LIFE = 1 / 2

#: Items that a validation looks at, and items that are trained on at most.
_EXAMINED, _MOST_ITEMS = 1500, 20_000

#: Share of each batch whose history is hidden, so that items without one are learned too.
_MASKED = 0.1

_WEIGHT_DECAY = 1e-2

#: Share of the loss that being told the time of the year must save: whatever names the date can be learned by heart.
_EARNED = 0.01


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """A network with the encoding of what it reads."""

    network: SmallNetwork
    encoding: Encoding


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of a fit.

    ``validation`` is the network of the trial, which has not seen the targets of ``examined``; None
    where the history was too short for one.
    """

    now: FittedNetwork
    validation: FittedNetwork | None
    examined: Batch
    metrics: dict[str, float]


@dataclass(eq=False)
class SmallNetworkRuns:
    """What all runs of a fit share, and the encoded data of the latest of them."""

    kind: type[SmallNetwork]
    history: Panel
    horizon: int
    settings: SmallSettings
    seed: int

    def trial(self, job: Job, tell: Callable[[float], None]) -> Trial:
        """Trains until the validation has brought nothing for a while."""
        data = self.data(job.recipe, job.until)
        rows = torch.randperm(len(data.inputs), generator=torch.Generator().manual_seed(self.seed))[:_EXAMINED]
        examined = data.validation_batch(rows, dates_after(data, 5), job.until, len(self.history.periods))

        def loss(network: nn.Module) -> tuple[float]:
            assert isinstance(network, SmallNetwork)
            return (float(network.loss(examined)),)

        validation = Validation(loss, self.settings.look_every, self.settings.patience)
        self._trained(data, job, tell, validation)
        return validation.trial()

    def state(self, job: Job, tell: Callable[[float], None]) -> State:
        """Trains as many steps as the job says."""
        return state_of(self._trained(self.data(job.recipe, job.until), job, tell, None))

    @lru_cache(maxsize=1)  # noqa: B019 - one per fit
    def data(self, recipe: Hyperparameters, until: int) -> TrainingData:
        """What a run learns from; down to the encoding it comes from periods before ``until``."""
        before = history_until(self.history, until - 1)
        encoding = encoding_of(before, self.horizon, recipe.life, calendar=recipe.calendar)
        return TrainingData.of(encoding, self.history, until, self.horizon, self.settings.scale_power, self.seed)

    def fitted(self, data: TrainingData, state: State) -> FittedNetwork:
        """The network that has these weights, to be asked only."""
        network = self.kind(self._shape(data)).eval().requires_grad_(False)
        network.load_state_dict(state)
        return FittedNetwork(network, data.encoding)

    def _shape(self, data: TrainingData) -> Shape:
        return Shape.of(data.encoding, data.inputs, self.horizon, self.settings.width, self.settings.dropout)

    def _trained(
        self, data: TrainingData, job: Job, tell: Callable[[float], None], validation: Validation | None
    ) -> SmallNetwork:
        settings, generator = self.settings, torch.Generator().manual_seed(job.seed)
        torch.manual_seed(job.seed)
        items, dates = settings.batch_size(len(data.inputs), len(data.dates))
        how = Optimisation(settings.learning_rate, _WEIGHT_DECAY, settings.average)
        return fit_network(
            self.kind(self._shape(data)),
            lambda network: network.loss(data.batch(items, dates, _MASKED, generator)),
            how,
            job.steps,
            tell,
            validation,
        )


def fit(
    kind: type[SmallNetwork],
    history: Panel,
    horizon: int,
    settings: SmallSettings,
    seed: int,
    title: str,
    report: Report,
) -> Fitted:
    """Trains on the whole of ``history`` [N, T], of at least two periods with known demand, for ``horizon`` periods ahead."""
    periods = len(history.periods)
    runs = SmallNetworkRuns(kind, sample(history, _MOST_ITEMS, seed), horizon, settings, seed)
    until = held_back(periods, horizon)
    validates = until < periods
    plain = Hyperparameters(max(3.0, _SCALE_LIFE * history.frequency.per_year))
    tried = [plain, replace(plain, calendar=True)][: 1 + shows_a_year(history, until)] if validates else []
    recipe, steps, metrics, validation = plain, settings.most_steps // 4, dict[str, float](), None
    pool = WorkerPool(None, "", report, lambda: False)
    with pool.working_on(runs, len(tried) + 1):
        best, state = np.inf, State()
        for one in tried:
            (found,) = pool.trials([Job(f"trial-{one.calendar}", one, until, seed, settings.most_steps, f"{title}: training")])
            least = found.least
            if least < best - _EARNED * abs(least):
                best, recipe, steps, state = least, one, (found.best + 1) * settings.look_every, found.state
        if state:
            validation = runs.fitted(runs.data(recipe, until), state)
            metrics = {"validation_loss": best, "steps": float(steps), "calendar": float(recipe.calendar)}
        (state,) = pool.states([Job("network", recipe, periods, seed, steps, f"{title}: training")])
    now = runs.fitted(runs.data(recipe, periods), state)
    examined = runs.data(recipe, until) if validation else replace(runs.data(recipe, periods), until=max(1, periods - horizon))
    judged = judged_from(periods, horizon) if validation else examined.until
    return Fitted(
        now, validation, examined.validation_batch(slice(None), dates_after(examined, periods), judged, periods), metrics
    )


def dates_after(data: TrainingData, count: int) -> torch.Tensor:
    """At most ``count`` creation dates from the end of a run's targets to the last that anything came after."""
    return torch.unique(torch.linspace(data.until - 1, data.inputs.demand.shape[1] - 2, count).round().long())
