"""What to simulate, and what comes of it, a chunk of items at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data.errors import ConfigurationError
from data.schema import Frequency, Panel, Plan
from data.sources.simulator.truth import Truth

#: Branches of one depot.
MOST_LOCATIONS = 20

_SHARES = ("shared_shocks", "intermittent", "launches", "new_items", "ends")
_AMOUNTS = ("spread", "trend", "season", "holidays", "price_changes", "promotions", "promotion_lift", "promotion_bias")


@dataclass(frozen=True)
class Simulation:
    """What to simulate. An amount of 0 switches its subject off and leaves the others as they were.

    Attributes
    ----------
    items, periods : N items over T periods of history; where there are ``locations``, N products.
    frequency, start : the step and the date that the first period is at or after.
    ahead : F periods with a plan after the history; None for twice the horizon of the frequency.
    seed : the same seed, settings and versions of numpy give the same numbers.
    country : whose holidays are planted, as the ``holidays`` package names them; None for none.
    categories, brands : how many; items of a category share season, holidays, shocks, elasticity and lift.
    units : median demand per period of an item that is not intermittent.
    spread : sd of the log level over items.
    noise : least and largest k of the gamma in ``simulator_truth``: an item's demand varies by 1/√k beyond Poisson's.
    shared_shocks : share of k that a category's items have in common, 0 … 1.
    trend : sd over items of the log growth per year.
    season : amplitude of the log season of a middling category.
    holidays : largest log effect of a holiday on a category's week; half as much again for days, a third for months.
    price_changes : of the regular price, per item and year.
    elasticity : least and largest e in mean ∝ price^(−e).
    promotions : starts per item and year.
    promotion_lift : average log lift of a full promotion at an unchanged price.
    promotion_bias : sd of an item's log lift about its category's, which neither statics nor buyers know and only the
        item's own past promotions tell.
    promotions_in_season : 0: at any time; c: the chance of a start is ∝ season^c, so that lift and season confound.
    intermittent : share of items whose periods are mostly without any demand.
    launches : share of items launched within the history, along the curve of their ``line``.
    new_items : share of items launched right after the history, so without any.
    ends : share of items that nobody wants any more from some period of the later half on.
    stockouts : chance that the buyer accepts of selling out before the next order arrives; 0: the shelf is never empty.
    locations : branches that sell each product and get it from one depot, without stockouts; 0: one place.
    orders : whether items have suppliers and purchase orders (see ``simulator_orders``).
    """

    items: int = 1000
    periods: int = 104
    frequency: Frequency = field(default_factory=lambda: Frequency.of("W-SUN"))
    start: str = "2023-01-01"
    ahead: int | None = None
    seed: int = 0
    country: str | None = "US"
    categories: int = 24
    brands: int = 60
    units: float = 15.0
    spread: float = 1.1
    noise: tuple[float, float] = (3.0, 25.0)
    shared_shocks: float = 0.3
    trend: float = 0.1
    season: float = 0.3
    holidays: float = 0.8
    price_changes: float = 1.5
    elasticity: tuple[float, float] = (0.5, 4.0)
    promotions: float = 5.0
    promotion_lift: float = 0.5
    promotion_bias: float = 0.25
    promotions_in_season: float = 0.0
    intermittent: float = 0.2
    launches: float = 0.12
    new_items: float = 0.005
    ends: float = 0.04
    stockouts: float = 0.03
    locations: int = 0
    orders: bool = False

    def __post_init__(self) -> None:
        wrong = [name for name in ("items", "categories", "brands") if getattr(self, name) < 1]
        wrong += [name for name in _SHARES if not 0 <= getattr(self, name) <= 1]
        wrong += [name for name in _AMOUNTS if not 0 <= getattr(self, name) < np.inf]
        wrong += [name for name in ("elasticity", "noise") if not 0 < getattr(self, name)[0] <= getattr(self, name)[1]]
        wrong += ["periods"] * (self.periods < 2) + ["ahead"] * (self.planned < 1) + ["units"] * (not self.units > 0)
        wrong += ["locations"] * (not 0 <= self.locations <= MOST_LOCATIONS or (self.locations > 0 and self.stockouts > 0))
        wrong += ["stockouts"] * (not 0 <= self.stockouts < 0.5) + ["seed"] * (self.seed < 0)
        wrong += ["launches + new_items + ends"] * (self.launches + self.new_items + self.ends > 1)
        if wrong:
            got = ", ".join(f"{name} = {getattr(self, name, 'more than 1')}" for name in wrong)
            raise ConfigurationError(f"This cannot be simulated: {got}. See data.sources.simulator.simulate.Simulation.")

    @property
    def planned(self) -> int:
        """F, the periods after the history that have a plan."""
        return 2 * self.frequency.horizon if self.ahead is None else self.ahead


@dataclass(frozen=True)
class Planted:
    """Which truths a planner wants in a simulated catalog, to see whether a forecast finds them."""

    holidays: bool = True
    promotions_in_season: bool = False
    launches: bool = True
    stockouts: bool = True
    locations: bool = False
    orders: bool = False


@dataclass(frozen=True, eq=False)
class SimulatedChunk:
    """Consecutive items of a simulation.

    Attributes
    ----------
    panel : [N, T] what a planner would see; without groups, which need the whole catalog (see ``simulated``).
    plan : [N, F] the prices and promotions after it.
    names : [N] str.
    commercial : N rows with the COMMERCIAL columns; lead_time in periods.
    truth : what nobody sees.
    """

    panel: Panel
    plan: Plan
    names: np.ndarray
    commercial: pd.DataFrame
    truth: Truth

    def __len__(self) -> int:
        return len(self.panel)
