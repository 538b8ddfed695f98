"""The stand-in's ladder: references tried on a small panel, a climb that is through after some looks, and made-up parts."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from factories import make_panel

from forecasting.core.types import ModelCard, Progress
from forecasting.evaluation.accuracy_report import AccuracyReport, ModelScores, Part, evaluate
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.slices import slices
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive
from forecasting.models.patchwork.forecaster import PatchworkParts

#: The card of the model that serves the stand-in.
CARD = ModelCard(
    "mqcnn", "2026-01-04.1", 7, "abc123", "Corner shop", "2025-12-28", "2026-01-04T09:30:00", 187.0, {}, {}, {}
)  # fmt: skip

HORIZON, ITEMS = 6, 60
NAMES = ("seasonal_naive", "mqcnn", "patchwork")
TITLES = {"seasonal_naive": "Last season again", "mqcnn": "2017 MQ-CNN", "patchwork": "Patchwork (2008)"}
NOTES = {name: f"What *{name}* is." for name in NAMES}


@cache
def _tried(name: str) -> tuple[ModelScores, tuple[pd.Timestamp, ...], tuple[Part, ...]]:
    """One rung; the last 26 periods stand in for the network and for the patchwork."""
    panel = make_panel(items=ITEMS, periods=90)
    generation = SeasonalNaive() if name == "seasonal_naive" else EmpiricalQuantiles()
    tested = backtest(generation, panel, horizon=HORIZON, origins=3, stride=2)
    dates = tuple(forecast.creation_date for forecast in tested.forecasts)
    parts = tuple(Part(one.name, one.title, one.words) for one in slices(panel, dates, HORIZON))
    return evaluate(tested, panel, name=name, title=TITLES[name], note=NOTES[name]), dates, parts


def report(count: int, failed: tuple[tuple[str, str], ...] = ()) -> AccuracyReport | None:
    """The first ``count`` rungs; None for none at all."""
    if not count and not failed:
        return None
    _, dates, parts = _tried(NAMES[0])
    missing = tuple(TITLES[name] for name in NAMES[count:] if TITLES[name] not in dict(failed))
    return AccuracyReport(
        ITEMS, 2 * ITEMS, HORIZON, dates, parts, tuple(_tried(name)[0] for name in NAMES[:count]), missing, failed
    )


def patchwork_parts(item_id: str, horizon: int, created: pd.Timestamp) -> PatchworkParts:
    """Parts with numbers that can be read off the page."""
    return PatchworkParts(
        item_id=item_id, creation_date=created, route="seasonal", why="Sales go along with those of the season before.",
        models=("ETS", "Theta"), category_column="category", category="Bakery", level=41.0, growth=0.5,
        season=np.linspace(0.8, 1.2, horizon), price=np.full(horizon, 0.9), lift=np.full(horizon, 1.25), elasticity=2.3,
        launch_level=12.0, launch_share=0.25, point=np.full(horizon, 37.0), errors=np.ones((9, horizon)),
        own_share=np.full(horizon, 0.75),
    )  # fmt: skip


class LadderRun:
    """Takes ``LOOKS`` looks for each generation; ``state`` counts those that are through."""

    LOOKS = 3

    def __init__(self, state: object) -> None:
        self.running, self.failed, self.afresh, self._state, self._looks = False, None, False, state, 0

    def start(self, *arguments: str) -> None:
        self.running, self.afresh = True, arguments == ("--afresh",)
        self._state.tried = 0 if self.afresh else self._state.tried

    def progress(self) -> Progress:
        if self.running:
            self._looks += 1
            self._state.tried += self._looks % self.LOOKS == 0
            self.running = self._state.tried < len(NAMES)
        return Progress(self._state.tried, len(NAMES), f"{self._state.tried} of {len(NAMES)}")

    def stop(self) -> None:
        self.running = False


class Training:
    """Takes ``STEPS`` looks to be done."""

    STEPS = 5

    def __init__(self) -> None:
        self.running, self.failed, self._done = False, None, 0

    def start(self, *arguments: str) -> None:
        self.running = True

    def progress(self) -> Progress:
        self._done = min(self.STEPS, self._done + self.running)
        self.running = self.running and self._done < self.STEPS
        return Progress(self._done, self.STEPS, f"Step {self._done} of {self.STEPS}", 4.0 * (self.STEPS - self._done))

    def stop(self) -> None:
        self.running = False
