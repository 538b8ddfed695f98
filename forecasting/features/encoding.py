"""What a fit remembers of its panel, so that any later panel is encoded alike.

All of it is taken from the history that the fit was given, which ends at the date the fit is for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from data.facts import About
from data.schema import PRICE, REPLACES, Frequency, Panel
from data.units import is_factor
from forecasting.features.moving_average import running_mean
from forecasting.features.price_regression import market_of, minus_lagged_mean

#: Half-lives, as shares of a year, of the running means that are set against the scale.
_MEAN_LIVES = (1 / 52, 2 / 52, 4 / 52, 8 / 52, 16 / 52, 26 / 52, 1.0)

#: Half-life of the mean that tells where a group stands now, as a share of a year.
_GROUP_LIFE = 3 / 52

#: Half-life of reference prices and of covariates' recent means, as a share of a year.
_PRICE_LIFE = 13 / 52

#: Age is capped here, as a share of a year: an uncapped age would name the date.
_AGE_CAP = 26 / 52

#: More groups or categories than this tell who the item is, and would be learned by heart.
_MOST_GROUPS, _MOST_CATEGORIES = 1000, 5000

#: Group columns in use at most: each costs channels that name the date.
_GROUP_COLUMNS = 4


@dataclass(frozen=True)
class Encoding:
    """Statistics and choices of one fit.

    Attributes
    ----------
    frequency : its alias, see ``Frequency.of``.
    scale_life, price_life, group_life, age_cap : periods.
    unit : the smallest usual sale, in units.
    level, spread : mean and twice the deviation of log m.
    usual_ratio : the mean of log(1 + y/m): what an unknown period is taken to be.
    mean_lives : half-lives, in periods, of the running means set against m.
    moments, past_moments : covariate → mean and deviation, of those that vary; price is not among them.
    group_deviation : group column → covariate → deviation of its group mean from its recent mean.
    price_level : mean and deviation of log price; of no use where ``price`` is false.
    market : the group column in use whose movements are most like its items' own; None where there is none.
    categories : static column → value → embedding row; row 0 is for values never seen.
    groups : group columns in use. seasons : season lengths that the history can show, in periods.
    calendar : whether the time of the year is told. event_names : events told, each seen at least twice.
    """

    frequency: str
    scale_life: float
    price_life: float
    group_life: float
    age_cap: float
    unit: float
    level: float
    spread: float
    usual_ratio: float
    mean_lives: tuple[float, ...]
    moments: Mapping[str, tuple[float, float]]
    past_moments: Mapping[str, tuple[float, float]]
    group_covariates: tuple[str, ...]
    group_deviation: Mapping[str, Mapping[str, float]]
    price: bool
    price_level: tuple[float, float]
    market: str | None
    categories: Mapping[str, Mapping[str, int]]
    groups: tuple[str, ...]
    seasons: tuple[int, ...]
    calendar: bool
    event_names: tuple[str, ...]

    def missing_from(self, about: About) -> str:
        """What this fit reads and a catalog does not have, in words; "" where it has everything."""
        if self.frequency != about.frequency.alias:
            return f"periods of the frequency {self.frequency}, and the data steps by {about.frequency.alias}"
        read = {
            "known-ahead column": ({*self.moments, *self.group_covariates, *([PRICE] if self.price else [])}, about.known),
            "past-only column": (set(self.past_moments), about.past),
            "attribute": (set(self.categories), about.static),
            "groups by": ({*self.groups, *([] if self.market is None else [self.market])}, about.grouped_by),
            "event": (set(self.event_names), about.event_names),
        }
        lacking = {kind: sorted(needed - set(there)) for kind, (needed, there) in read.items()}
        words = [f"the {kind} {', '.join(repr(name) for name in names[:3])}" for kind, names in lacking.items() if names]
        return " and ".join(words)

    def static_rows(self, static: Mapping[str, np.ndarray], items: int) -> np.ndarray:
        """Embedding rows [N, S] int64 of the static values of N ``items``."""
        answer = np.zeros((items, len(self.categories)), np.int64)
        for column, (name, rows) in enumerate(self.categories.items()):
            answer[:, column] = [rows.get(value, 0) for value in static[name]]
        return answer

    def to_json(self) -> str:
        """As text; ``from_json`` reads it back equal."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Encoding:
        """Reads ``to_json``."""
        stored = json.loads(text)
        tuples = ("mean_lives", "group_covariates", "price_level", "groups", "seasons", "event_names")
        for name in tuples:
            stored[name] = tuple(stored[name])
        return cls(**stored)


def encoding_of(history: Panel, horizon: int, scale_life: float, *, calendar: bool = False) -> Encoding:
    """The encoding for a fit on ``history`` [N, T], which must end at the date of the fit."""
    frequency, periods = history.frequency, len(history.periods)
    demand = history.demand
    positive = demand[demand > 0]
    moments = {name: _moments(values) for name, values in history.known.items() if name != PRICE}
    price = history.known.get(PRICE)
    log_price = np.log(price[price > 0]) if price is not None else np.zeros(0)
    columns = [group.column for group in history.groups if len(group.labels) <= _MOST_GROUPS]
    known = np.isfinite(demand)
    mean = np.nan_to_num(demand).sum(axis=1) / np.maximum(known.sum(axis=1), 1)  # (N,)
    mean = mean[mean > 0]
    price_life = max(2.0, _PRICE_LIFE * frequency.per_year)
    covariates = tuple(
        name for name in history.known if (name in moments and moments[name][1] > 0) or (name == PRICE and _may_move(history))
    )
    return Encoding(
        frequency=frequency.alias,
        scale_life=scale_life,
        price_life=price_life,
        group_life=max(1.0, _GROUP_LIFE * frequency.per_year),
        age_cap=max(4.0, _AGE_CAP * frequency.per_year),
        unit=float(np.quantile(positive, 0.01)) if positive.size else 1.0,
        level=float(np.log(mean).mean()) if mean.size else 0.0,
        spread=2 * float(np.log(mean).std()) + 0.1 if mean.size else 1.0,
        usual_ratio=0.6,
        mean_lives=tuple(sorted({max(1.0, share * frequency.per_year) for share in _MEAN_LIVES})),
        moments={name: pair for name, pair in moments.items() if pair[1] > 0},
        past_moments={name: pair for name, values in history.past.items() if (pair := _moments(values))[1] > 0},
        group_covariates=covariates,
        group_deviation={
            group.column: {name: _group_deviation(group.known[name], price_life) for name in covariates}
            for group in history.groups
        },
        price=bool(log_price.size and np.nanstd(log_price) > 0),
        price_level=(float(log_price.mean()), float(log_price.std()) + 0.1) if log_price.size else (0.0, 1.0),
        market=_market(history, columns[:_GROUP_COLUMNS], price_life),
        categories={
            name: {value: row + 1 for row, value in enumerate(values)}
            for name, labels in history.static.items()
            if name != REPLACES and not is_factor(name) and 2 <= len(values := sorted(set(labels))) <= _MOST_CATEGORIES
        },
        groups=tuple(columns[:_GROUP_COLUMNS]),
        seasons=tuple(season for season in _seasons(frequency) if periods >= season + 2 * horizon),
        calendar=calendar,
        event_names=tuple(
            name for name, flags in zip(history.event_names, history.events.T, strict=True) if _returns(flags, frequency)
        ),
    )


def _seasons(frequency: Frequency) -> tuple[int, ...]:
    return {"day": (7, 364), "week": (52,), "month": (12,)}[frequency.unit]


def _may_move(history: Panel) -> bool:
    """Whether a changed price may be looked at ahead: not where it tells that something sold."""
    return history.price_seen == "always"


def _market(history: Panel, columns: list[str], life: float) -> str | None:
    """The one of the group ``columns`` whose movements leave least of what its items do."""
    known = np.isfinite(history.demand)
    own = np.log(np.nan_to_num(history.demand) + 0.5)
    left = {}
    for group in history.groups:
        if group.column in columns:
            size = group.sellers[group.codes].astype(np.float64)
            around = np.log(group.demand[group.codes] / np.maximum(size, 1) + 0.5)
            residual, counts = minus_lagged_mean(own - around, known & (size > 0), life)
            left[group.column] = (residual, np.where(counts, size, 0.0))
    return market_of(left) if left else None


def _returns(flags: np.ndarray, frequency: Frequency) -> bool:
    """Whether an event fell into two different years' periods."""
    when = np.flatnonzero(flags)
    return bool(when.size) and when[-1] - when[0] > frequency.per_year / 2


def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and deviation of what is known; deviation 0 where nothing varies."""
    known = values[np.isfinite(values)].astype(np.float64)  # a square of what fits a float32 may not
    if not known.size or known.std() < 1e-6 * (abs(known.mean()) + 1e-6):
        return (0.0, 0.0)
    return float(known.mean()), float(known.std())


def _group_deviation(means: np.ndarray, life: float) -> float:
    recent, _ = running_mean(np.nan_to_num(means), np.isfinite(means), life)
    return float((np.nan_to_num(means) - recent).std()) + 1e-3
