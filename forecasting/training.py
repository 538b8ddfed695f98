"""Training a forecaster: how long its memory is, how many steps it takes, and then the networks of the ensemble.

A fit is a list of runs, each seeded by itself: trials of the scale's half-life on a time-blocked validation, which also tell
how many steps to take, and then the members of the ensemble, trained on everything for as many steps.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from data.errors import TooLittleHistory
from data.schema import Panel
from forecasting.crew import Crew, Job
from forecasting.encoding import Encoding, encoding_of
from forecasting.generations.g2017_mqcnn import MQCNNConfig
from forecasting.runs import RunData, State, TrainingSettings


@dataclass(frozen=True)
class Trained:
    """The outcome of a fit: encoding, shape, members' weights, and the validation's figures by name."""

    encoding: Encoding
    config: MQCNNConfig
    members: tuple[State, ...]
    metrics: dict[str, float]


def fit(history: Panel, horizon: int, settings: TrainingSettings, crew: Crew) -> Trained:
    """Trains on the whole of ``history`` for ``horizon`` periods ahead; raises TooLittleHistory below two periods."""
    if len(history.periods) < 2 or not np.isfinite(history.demand).any():
        raise TooLittleHistory(
            f"The catalog has {len(history.periods)} periods with known demand and training needs at least 2. "
            "Load more history."
        )
    history = _sample(history, settings)
    periods, year = len(history.periods), history.frequency.per_year
    lives = sorted({max(3.0, round(share * year, 1)) for share in settings.scale_lives})
    block = _validation_block(periods, horizon)
    life, steps = lives[len(lives) // 2], settings.most_steps // 3
    metrics: dict[str, float] = {}
    with crew.working_on(history, horizon, settings, jobs=settings.members + len(lives) * bool(block)):
        if block:
            life, steps, metrics = _trials(lives, periods - block, settings, crew, history.frequency.unit)
        jobs = [
            Job(f"member-{k}", life, periods, 1000 * settings.seed + k, steps, f"Training {settings.members} networks")
            for k in range(settings.members)
        ]
        members = crew.states(jobs)
    encoding = encoding_of(history, horizon, life)
    config = RunData.of(encoding, history.take([0]), horizon, periods, settings).config
    return Trained(encoding, config, tuple(members), metrics)


def _trials(
    lives: Sequence[float], until: int, settings: TrainingSettings, crew: Crew, unit: str
) -> tuple[float, int, dict[str, float]]:
    """The half-life and the number of steps that did best after period ``until``, and the wQL they reached there.

    All trials share one seed, so that they differ by the half-life alone.
    """
    seed = 1000 * settings.seed + 100
    jobs = [
        Job(
            f"trial-{life}",
            life,
            until,
            seed,
            settings.most_steps,
            f"Trying memories of {lives[0]:.0f} to {lives[-1]:.0f} {unit}s",
        )
        for life in lives
    ]
    curves = dict(zip(lives, crew.curves(jobs), strict=True))
    life = min(curves, key=lambda one: min(curves[one]))
    look = int(np.argmin(curves[life]))
    steps = (look + 1) * settings.look_every
    return life, steps, {"validation_wql": float(curves[life][look]), "steps": float(steps), "scale_life": life}


def _validation_block(periods: int, horizon: int) -> int:
    """Periods at the end that validate: one to two horizons, at most a quarter; none where that leaves too few."""
    block = max(horizon, min(2 * horizon, periods // 4))
    return block if periods - block >= max(6, horizon // 2) else 0


def _sample(history: Panel, settings: TrainingSettings) -> Panel:
    if len(history) <= settings.most_items:
        return history
    rows = np.random.default_rng(settings.seed).choice(len(history), settings.most_items, replace=False)
    return history.take(np.sort(rows))


def fit_key(history: Panel, horizon: int, settings: TrainingSettings) -> str:
    """Names a fit by all that decides its outcome: what is kept of one fit is never taken up by another."""
    digest = hashlib.sha256(json.dumps([asdict(settings), horizon, str(history.last), len(history)]).encode())
    digest.update(np.nan_to_num(history.demand, nan=-1.0).tobytes())
    for name, values in sorted(history.known.items()):
        digest.update(name.encode())
        digest.update(np.nan_to_num(values, nan=-1.0).tobytes())
    return digest.hexdigest()[:16]
