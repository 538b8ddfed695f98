"""The stand-in's truths: every item sells a constant number of units on average, of a law that is known."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from data.schema import Frequency
from data.sources.simulator.truth import Truth

MEAN, ELASTICITY, LIFT, HOLIDAY = 40.0, 2.0, 1.5, 1.8


def truths(catalog_hash: str) -> TruthStore | None:
    """The stand-in's catalog is not simulated; a test may put another answer in its place."""
    return None


class TruthStore:
    """Answers as the real one does."""

    planted = MappingProxyType({"holidays": 0.8, "promotions_in_season": 0.0, "launches": 0.12, "stockouts": 0.0, "seed": 1.0})
    periods = Frequency.of("W-SUN").range(pd.Timestamp("2026-01-04"), 26)
    items = 240

    def sampled(self, count: int, seed: int = 1) -> list[str]:
        return [f"SKU-{number:04d}" for number in range(1, 1 + min(count, 20))]

    def take(self, item_ids: Sequence[str]) -> Truth:
        shape = (len(item_ids), len(self.periods))
        return Truth(
            item_ids=np.array(list(item_ids), dtype=object),
            periods=self.periods,
            history=0,
            mean=np.full(shape, MEAN),
            shape=np.full(shape[0], 10.0),
            active=np.ones(shape[0]),
            demand=np.full(shape, MEAN + 1),
            lost=np.zeros((shape[0], 0)),
            elasticity=np.full(shape[0], ELASTICITY),
            promotion_lift=np.full(shape[0], LIFT),
            holiday_names=("New Year's Day", "Flag Day"),
            holiday_effect=np.tile([HOLIDAY, 1.0], (shape[0], 1)),
            launch=np.zeros(shape[0]),
            end=np.full(shape[0], shape[1]),
        )
