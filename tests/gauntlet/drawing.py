"""What catalogs of the gauntlet are drawn with: a seed, sizes, plain demand, and the panel made of it.

Axis letters: N items, T periods on record, F periods planned after them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from data.groups import group_series
from data.orders import Orders
from data.schema import Frequency, Panel, Plan
from forecasting.core.time_splits import history_until, plan_after

#: The steps that catalogs take in turn.
STEPS = ("W-SUN", "MS", "D", "W-MON", "ME", "W-SAT")

#: Periods on record that are usual for a step: more than a year of weeks and months, some months of days.
USUAL = {"D": (60, 120), "W": (60, 110), "M": (26, 50)}


@dataclass(frozen=True, eq=False)
class Draw:
    """The random numbers of one catalog, its step, and what its seed decides beside them."""

    seed: int
    rng: np.random.Generator
    alias: str

    @property
    def season(self) -> int:
        return Frequency.of(self.alias).season

    def size(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, small ones more often."""
        return round(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def periods(self) -> int:
        return self.size(*USUAL[self.alias[0]])

    def one_of(self, *choices: float) -> float:
        """The choices in turn, by the seed."""
        return choices[self.seed % len(choices)]

    def dense(self, items: int | None = None, periods: int | None = None, *, season: float = 0.3) -> np.ndarray:
        """Demand [N, T] that comes in every period, with a season of that share and a level of its own for every item."""
        items = items or self.size(3, 10)
        periods = periods or self.periods()
        s = np.arange(periods)
        level = self.rng.lognormal(3.5, 0.7, (items, 1))
        wave = 1 + season * np.sin(2 * np.pi * (s + self.rng.integers(0, self.season)) / self.season)
        return self.rng.poisson(level * wave).astype(np.float64)

    def chance(self, shape: tuple[int, ...], share: float) -> np.ndarray:
        return self.rng.random(shape) < share


@dataclass(frozen=True, eq=False)
class Case:
    """One catalog as it is given to the house.

    ``panel`` [N, T + ahead]; demand of its last ``ahead`` periods is never shown, they are planned. Forecasts reach ``horizon``
    periods. The last ``newcomers`` items are not there yet when a model is fitted. The desk is told the ``terms`` [N] by name
    in the place of those that it is usually told, the ``orders`` and the ``country``.
    """

    panel: Panel
    horizon: int
    ahead: int = 0
    newcomers: int = 0
    terms: Mapping[str, np.ndarray] = field(default_factory=dict)
    orders: Orders | None = None
    country: str | None = None

    @cached_property
    def history(self) -> Panel:
        return history_until(self.panel, len(self.panel.periods) - 1 - self.ahead)

    @cached_property
    def learned(self) -> Panel:
        """The history of the items that a model is fitted on."""
        return self._without_newcomers(self.history)

    @cached_property
    def plan(self) -> Plan:
        """What is known of the horizon: what is planned, and else what is usual."""
        return plan_after(self.panel, len(self.history.periods) - 1, self.horizon)

    @cached_property
    def planned(self) -> Plan | None:
        """What somebody planned; None where nobody plans."""
        return plan_after(self.panel, len(self.history.periods) - 1, self.ahead) if self.ahead else None

    def _without_newcomers(self, panel: Panel) -> Panel:
        if not self.newcomers:
            return panel
        fewer = panel.take(np.arange(len(panel) - self.newcomers))
        return replace(fewer, groups=group_series(fewer))


@dataclass(frozen=True)
class Band:
    """What the median of the whole horizon may be of items that sell steadily: the mean of their last 13 known periods times
    the horizon, from ``low`` to ``high`` times it; items of which less than ``least`` units are due are not judged."""

    low: float = 0.2
    high: float = 5.0
    least: float = 20.0


@dataclass(frozen=True)
class Family:
    """A kind of catalog; ``band`` is None for the reason ``why``, and ``seeds`` how many of it are in the gauntlet.

    In a ``hard`` one networks of a few dozen steps do not tell the items apart yet and are held to no band.
    """

    name: str
    kind: str
    make: Callable[[Draw], Case]
    seeds: int = 2
    band: Band | None = field(default_factory=Band)
    why: str = ""
    hard: bool = False


def case(
    draw: Draw, demand: np.ndarray, horizon: int | None = None, *, ahead: int = 0, newcomers: int = 0, **given: object
) -> Case:
    """A case of this demand [N, T + ahead]; ``given`` are fields of the panel in the place of what is usual.

    Usual is: always in stock, a category and a brand, no covariates.
    """
    items, periods = demand.shape
    frequency = Frequency.of(draw.alias)
    words: Mapping[str, tuple[str, ...]] = {"category": ("soap", "tea", "oats"), "brand": ("own", "other")}
    fields: dict[str, object] = {
        "item_ids": np.array([f"item {row}" for row in range(items)], dtype=object),
        "periods": frequency.range(pd.Timestamp("2021-01-03"), periods),
        "frequency": frequency,
        "demand": demand.astype(np.float32),
        "in_stock": np.ones(demand.shape, np.float32),
        "static": {name: labels(*values, items=items) for name, values in words.items()},
        "catalog_hash": "gauntlet",
    }
    panel = Panel(**(fields | given))  # type: ignore[arg-type]
    panel = replace(panel, groups=group_series(panel))
    return Case(panel, horizon or min(draw.season, 6), ahead, newcomers)


def labels(*values: str, items: int) -> np.ndarray:
    """An attribute [N] that takes these values in turn."""
    return np.array([values[row % len(values)] for row in range(items)], dtype=object)


def covariates(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Covariates [N, T] by name, as a panel holds them."""
    return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def prices(draw: Draw, shape: tuple[int, int]) -> np.ndarray:
    """Prices [N, T] with a fifth off in one period of five."""
    return np.round(draw.rng.uniform(2, 9, (shape[0], 1)) * np.where(draw.chance(shape, 0.2), 0.8, 1.0), 2)
