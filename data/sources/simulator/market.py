"""What simulated items share: categories with their season, shocks and holidays; brands; launch curves.

Everything here follows from the settings and the seed alone, never from how many items are asked for. Axis letters:
C categories, B brands, J levels of noise, P periods, E events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.events import flags, named_days, periods_ahead, usual_stamp
from data.schema import Frequency

if TYPE_CHECKING:
    from data.sources.simulator.settings import Simulation

DEPARTMENTS: dict[str, tuple[str, ...]] = {
    "Pantry": ("Biscuits", "Breakfast cereal", "Pasta", "Soup"),
    "Drinks": ("Coffee", "Tea", "Fruit juice", "Sparkling water"),
    "Household": ("Laundry", "Dishwashing", "Paper towels", "Light bulbs"),
    "Garden": ("Seeds", "Garden tools", "Outdoor lights", "Barbecue"),
    "Care": ("Shampoo", "Sun care", "Soap", "Cold remedies"),
    "Leisure": ("Board games", "Stationery", "Cards and wrapping", "Candles"),
}
_FIRST = ("Alder", "Birch", "Copper", "Dune", "Ember", "Fern", "Gull", "Hazel", "Iris", "Juniper", "Kestrel", "Linden")
_SECOND = ("Lane", "& Daughters", "House", "Yard", "Works")
VARIANTS = ("classic", "small", "large", "family pack", "twin pack", "select", "plain", "natural", "extra", "travel")

#: Ages in years; every curve ends at 1, the item's lasting level.
LAUNCH_CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "staple": lambda age: np.ones_like(age),
    "slow burner": lambda age: 1 - 0.85 * np.exp(-age / 0.25),
    "novelty": lambda age: 1 + 2.5 * np.exp(-age / 0.12),
    "fashion": lambda age: 1 - 0.7 * np.exp(-age / 0.06) + 1.5 * (age / 0.2) * np.exp(1 - age / 0.2),
}
LINES = tuple(LAUNCH_CURVES)

NOISE_LEVELS = 8  # J, so that one table holds the shocks that a category's items share

_HOLIDAY_WIDTH = {"day": 1.5, "week": 1.0, "month": 0.3}  # a day's effect thins out over a longer period
_RESPONDS, _FALLS = 0.25, 0.2  # share of the holidays a category feels, and share of those on which it sells less


@dataclass(frozen=True, eq=False)
class Market:
    """What the items of one simulation share.

    Attributes
    ----------
    periods : [P] stamps, history and plan.
    years : [P] years since the middle of the history.
    departments, categories : [C] names; weights [C] share of the items in each category.
    season : [C, P] log effect of the time of year (and of the weekday, for days), about 0 on average.
    noise : [J] k of the gamma that multiplies demand.
    shocks : [C, J, P] the category's part of that gamma, before the division by k.
    event_names, events : E names and [P, E] flags, as the catalog has them.
    holiday : [C, E] log effect of a period with that day.
    elasticity, lift, base_price : [C] centre of the category's items: e, log promotion lift, log price.
    brands : [B] names; brand_price, brand_level [B] log effects on an item's price and on its level.
    """

    periods: pd.DatetimeIndex
    years: np.ndarray
    departments: np.ndarray
    categories: np.ndarray
    weights: np.ndarray
    season: np.ndarray
    noise: np.ndarray
    shocks: np.ndarray
    event_names: tuple[str, ...]
    events: np.ndarray
    holiday: np.ndarray
    elasticity: np.ndarray
    lift: np.ndarray
    base_price: np.ndarray
    brands: np.ndarray
    brand_price: np.ndarray
    brand_level: np.ndarray


def stream(seed: int, subject: str, block: int = 0) -> np.random.Generator:
    """The random numbers of one subject of one block of items: independent of every other subject's and block's."""
    key = (*subject.encode(), 0, block)
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))


def market_of(settings: Simulation) -> Market:
    """The market of a simulation, over its history and its plan."""
    frequency, count = settings.frequency, settings.periods + settings.planned
    periods = frequency.range(pd.Timestamp(settings.start), count)
    event_names, events = _events(settings, periods)
    departments, categories = _category_names(settings.categories)
    C = settings.categories
    nature = stream(settings.seed, "market")
    draw = lambda low, high: nature.uniform(low, high, C)  # noqa: E731
    low, high = settings.elasticity
    noise = np.geomspace(*settings.noise, NOISE_LEVELS)
    return Market(
        periods=periods,
        years=(np.arange(count) - settings.periods / 2) / frequency.per_year,
        departments=departments,
        categories=categories,
        weights=(weights := 1 / (np.arange(C) + 4.0)) / weights.sum(),
        season=settings.season * _season(nature, C, periods, frequency),
        noise=noise,
        shocks=_shocks(settings, noise, count),
        event_names=event_names,
        events=events,
        holiday=_holiday(settings, len(event_names)),
        elasticity=draw(low + 0.15 * (high - low), low + 0.85 * (high - low)),
        lift=settings.promotion_lift * draw(0.5, 1.5),
        base_price=np.log(draw(2, 20)),
        brands=_brand_names(settings.brands),
        brand_price=nature.normal(0, 0.25, settings.brands),
        brand_level=nature.normal(0, 0.4, settings.brands),
    )


def _events(settings: Simulation, periods: pd.DatetimeIndex) -> tuple[tuple[str, ...], np.ndarray]:
    """Names [E] of the country's holidays and their flags [P, E], as a catalog of these periods has them."""
    if settings.country is None:
        return (), np.zeros((len(periods), 0), np.float32)
    frequency, margin = settings.frequency, pd.Timedelta(days=31)
    known = settings.periods + max(settings.planned, periods_ahead(frequency))
    last = frequency.range(periods[0], known)[-1]
    days = named_days(settings.country, periods[0] - margin, last + margin)
    return tuple(days), flags(days, periods, frequency, usual_stamp(frequency))


def _holiday(settings: Simulation, events: int) -> np.ndarray:
    """Log effects [C, E]: a category feels a few of the year's holidays, mostly by selling more."""
    rng, size = stream(settings.seed, "holidays"), (settings.categories, events)
    effect = np.where(rng.random(size) < _RESPONDS, rng.uniform(0.3, 1, size), 0.0)
    effect *= np.where(rng.random(size) < _FALLS, -0.5, 1.0)
    return settings.holidays * _HOLIDAY_WIDTH[settings.frequency.unit] * effect


def _season(rng: np.random.Generator, categories: int, periods: pd.DatetimeIndex, frequency: Frequency) -> np.ndarray:
    """Season [C, P] of unit strength: two waves a year, and for days a weekday pattern."""
    year = periods.day_of_year.to_numpy() / 365.25  # (P,)
    strength = rng.uniform(0.3, 1.7, (categories, 1))
    peak, second = rng.random((2, categories, 1))
    share = rng.uniform(0, 0.5, (categories, 1))
    wave = np.cos(2 * np.pi * (year - peak)) + share * np.cos(4 * np.pi * (year - second))  # (C, P)
    weekday = rng.normal(0, 0.8, (categories, 7))
    weekday -= weekday.mean(axis=1, keepdims=True)
    return strength * wave + (weekday[:, periods.day_of_week] if frequency.unit == "day" else 0.0)


def _shocks(settings: Simulation, noise: np.ndarray, count: int) -> np.ndarray:
    """The shared part [C, J, P] of each noise level's gamma.

    Gamma variables of one scale add up to a gamma variable: the part of level j is the part of level j − 1 and an
    increment, so items of different levels share it as well, and shared + own part is exactly Gamma(k).
    """
    steps = settings.shared_shocks * np.diff(noise, prepend=0.0)  # (J,)
    rng = stream(settings.seed, "shocks")
    increments = rng.standard_gamma(steps[:, None], (settings.categories, len(noise), count))
    return np.cumsum(increments, axis=1)


def _category_names(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Departments and names [C] of the categories; beyond those with a name they are numbered."""
    rounds = max(len(names) for names in DEPARTMENTS.values())  # departments take turns: a few categories mix them
    known = [(department, names[turn]) for turn in range(rounds) for department, names in DEPARTMENTS.items()]
    chosen = [(*known[i % len(known)], i // len(known)) for i in range(count)]
    names = [f"{name} {turn + 1}" if turn else name for _, name, turn in chosen]
    return np.array([department for department, *_ in chosen], dtype=object), np.array(names, dtype=object)


def _brand_names(count: int) -> np.ndarray:
    known = [f"{first} {second}" for second in _SECOND for first in _FIRST]
    names = [known[i % len(known)] + (f" {i // len(known) + 1}" if i >= len(known) else "") for i in range(count)]
    return np.array(names, dtype=object)
