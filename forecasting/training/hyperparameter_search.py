"""Training a forecaster: which recipes suit the data, how many steps they take, and then the networks of the ensemble.

A fit is a list of runs, each seeded by itself: trials of recipes on a time-blocked validation, which also tell how many steps
to take, and then the members of the ensemble, trained on everything with the recipes that did best. The trials' own networks
have never seen the validation's targets: they are kept as the *early* views, from which whatever must be learned from honest
errors (feedback, the weights of a blend) is learned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from data.errors import TooLittleHistory
from data.schema import Panel
from forecasting.core.time_splits import held_back, history_until, shows_a_year
from forecasting.features.encoding import encoding_of
from forecasting.models.mqtransformer.ensemble import EnsembleGroup
from forecasting.models.mqtransformer.network import State
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.training.mqtransformer_runs import MQTransformerRuns, RunData
from forecasting.training.training_loop import Hyperparameters, Trial, sample
from forecasting.training.worker_pool import Job, WorkerPool

#: Recipes within this share of the best one's loss are as good as it, as far as one block of time can tell.
_AS_GOOD = 0.04

#: Being told the time of the year must save this share of the loss: what names the date can be learned by heart.
_EARNED = 0.02

#: At most so many recipes share the members: each is read by itself, and one item has to be answered in an instant.
_RECIPES = 2


@dataclass(frozen=True, eq=False)
class Trained:
    """The outcome of a fit.

    Attributes
    ----------
    views : the networks, trained on everything.
    early : those of the trials, trained on all periods before ``held_back``; empty where the history was too short.
    held_back : the first period that validated, counted from the start of the history.
    metrics : the validation's figures by name.
    """

    views: tuple[EnsembleGroup, ...]
    early: tuple[EnsembleGroup, ...]
    held_back: int
    metrics: dict[str, float]


def fit(history: Panel, horizon: int, settings: TrainingSettings, pool: WorkerPool) -> Trained:
    """Trains on the whole of ``history`` for ``horizon`` periods ahead; raises TooLittleHistory below two periods."""
    known = int(np.isfinite(history.demand).any(axis=0).sum())
    if len(history.periods) < 2 or not known:
        raise TooLittleHistory(
            f"The catalog has {len(history.periods)} periods, of them {known} with known demand, and training needs at least "
            "2 periods with known demand in them. Load more history."
        )
    history = sample(history, settings.most_items, settings.seed)
    periods, year = len(history.periods), history.frequency.per_year
    lives = sorted({max(3.0, round(share * year, 1)) for share in settings.scale_lives})
    until = held_back(periods, horizon)
    validates = until < periods
    variants = _variants(history, until, settings) if validates else []
    lags = "lags" in settings.parts
    tried: dict[Hyperparameters, Trial] = {}
    chosen = [(Hyperparameters(lives[len(lives) // 2], lags), settings.most_steps // 5)]
    runs = MQTransformerRuns(history, horizon, settings)
    count = settings.members + (len(lives) + len(variants)) * validates
    with pool.working_on(runs, count, cells=history.demand.size):
        if validates:
            tried |= _trials([Hyperparameters(life, lags) for life in lives], until, settings, pool)
            best = _ranked(tried)[0]
            tried |= _trials([replace(best, **{name: not getattr(best, name)}) for name in variants], until, settings, pool)
            chosen = [(recipe, (tried[recipe].best + 1) * settings.look_every) for recipe in _kept(tried, settings.members)]
        jobs = [
            Job(f"member-{k}", recipe, periods, 1000 * settings.seed + k, steps, f"Training {settings.members} networks")
            for k in range(settings.members)
            for recipe, steps in [chosen[k % len(chosen)]]
        ]
        states = pool.states(jobs)
    shared = [[state for job, state in zip(jobs, states, strict=True) if job.recipe == recipe] for recipe, _ in chosen]
    views = [_view(history, horizon, settings, recipe, mine) for (recipe, _), mine in zip(chosen, shared, strict=True)]
    before = history_until(history, until - 1)
    early = [_view(before, horizon, settings, recipe, [tried[recipe].state]) for recipe, _ in chosen if recipe in tried]
    metrics = {}
    if validates:
        first = chosen[0][0]
        metrics = {
            "validation_wql": tried[first].honest,
            "steps": float(chosen[0][1]),
            "scale_life": first.life,
            "recipes": float(len(chosen)),
            "lags": float(first.lags),
            "calendar": float(first.calendar),
        }
    return Trained(tuple(views), tuple(early), until, metrics)


def _variants(history: Panel, until: int, settings: TrainingSettings) -> list[str]:
    """What of the best recipe is also tried the other way round."""
    return [*(["lags"] if "lags" in settings.parts else []), *(["calendar"] if shows_a_year(history, until) else [])]


def _trials(
    recipes: Sequence[Hyperparameters], until: int, settings: TrainingSettings, pool: WorkerPool
) -> dict[Hyperparameters, Trial]:
    """A trial of each recipe with targets before ``until``; all share one seed, so that they differ by the recipe alone."""
    jobs = [
        Job(
            f"trial-{recipe.life}{'' if recipe.lags else '-plain'}{'-calendar' if recipe.calendar else ''}",
            recipe,
            until,
            1000 * settings.seed + 100,
            settings.most_steps,
            "Trying how long a memory serves best",
        )
        for recipe in recipes
    ]
    return dict(zip(recipes, pool.trials(jobs), strict=True))


def _ranked(tried: dict[Hyperparameters, Trial]) -> list[Hyperparameters]:
    return sorted(tried, key=lambda recipe: tried[recipe].least)


def _kept(tried: dict[Hyperparameters, Trial], members: int) -> list[Hyperparameters]:
    """The best recipes, best first, as far as they are as good as the best: a mean of several is safer than a choice."""
    losses = {recipe: tried[recipe].least for recipe in _ranked(tried)}
    least = min(loss for recipe, loss in losses.items() if not recipe.calendar)
    losses = {recipe: loss for recipe, loss in losses.items() if not recipe.calendar or loss < (1 - _EARNED) * least}
    enough = (1 + _AS_GOOD) * min(losses.values())
    return [recipe for recipe, loss in losses.items() if loss <= enough][: min(_RECIPES, members)]


def _view(
    history: Panel, horizon: int, settings: TrainingSettings, recipe: Hyperparameters, states: Sequence[State]
) -> EnsembleGroup:
    encoding = encoding_of(history, horizon, recipe.life, calendar=recipe.calendar)
    data = RunData.of(encoding, history.take([0]), horizon, len(history.periods), settings)
    return EnsembleGroup(encoding, data.with_lags(recipe.lags).config, tuple(states))


def fit_key(history: Panel, horizon: int, settings: TrainingSettings) -> str:
    """Names a fit by all that decides its outcome: what is kept of one fit is never taken up by another."""
    digest = hashlib.sha256(json.dumps([asdict(settings), horizon, str(history.last), len(history)]).encode())
    digest.update(np.nan_to_num(history.demand, nan=-1.0).tobytes())
    for name, values in sorted(history.known.items()):
        digest.update(name.encode())
        digest.update(np.nan_to_num(values, nan=-1.0).tobytes())
    return digest.hexdigest()[:16]
