"""The patchwork's add-ons: how season, price and promotion multiply what a textbook model says.

One pooled regression in logs estimates all of them: log demand of periods with a sale, less its running mean, on the
same of log price, of the category's season and of each other covariate known ahead. An item's coefficients are drawn to
its category's, the category's to those of all items. The price's is never positive. Axis letters: N items, T past
periods, U = T + F past and planned ones, G categories, K regressors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.groups import ALL
from data.schema import PRICE, GroupSeries, Panel, Plan
from forecasting.features.moving_average import running_mean
from forecasting.features.tabular import spread

SEASON = "season"

#: An item's coefficients are drawn to its category's as if by so many average items, a category's to all items' too.
_ITEMS, _CATEGORIES = 1.0, 5.0

#: Half-life of the running mean that the regression takes off, and that is the reference price: a share of a year.
_LIFE = 13 / 52

_MOST = np.log(8.0)  # no add-on multiplies or divides by more than this
_RIDGE = 1e-3
_SAMPLE = 2000  # items that decide which attribute is the category
_OCCURRENCES = 8  # of a season, at most, that make its mean


@dataclass(frozen=True, eq=False)
class AddOns:
    """What the pooled regression found at the end of a fit.

    Attributes
    ----------
    column : the static attribute that serves as the category; "" is all items.
    labels : [G] its values.
    names : [K] regressors: the covariates known ahead, then the season.
    spreads : [K] what each regressor is divided by.
    coefficients : [G + 1, K] of each category; the last row is of all items.
    information : [G + 1, K, K] the normal equations' matrix of an average item.
    """

    column: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    spreads: np.ndarray
    coefficients: np.ndarray
    information: np.ndarray

    @classmethod
    def learned(cls, history: Panel) -> AddOns:
        """From the whole of ``history``."""
        names = (*history.known, SEASON)
        spreads = np.array([1.0 if name in (PRICE, SEASON) else spread(history.known[name]) for name in names])
        group = _category(history)
        regressors = _regressors(history, None, group, names, spreads)
        matrix, vector = _normal_equations(history.uncensored, regressors)  # (N, K, K), (N, K)
        ridge = _RIDGE * np.eye(len(names))
        overall = np.linalg.solve(matrix.sum(axis=0) + ridge, vector.sum(axis=0))
        average = matrix.mean(axis=0) + ridge
        codes = np.zeros(len(history), int) if group is None else group.codes
        labels = (ALL,) if group is None else tuple(str(label) for label in group.labels)
        coefficients, information = [], []
        for code in range(len(labels)):
            mine = codes == code
            prior = _CATEGORIES * average
            total = matrix[mine].sum(axis=0) + prior
            coefficients.append(np.linalg.solve(total, vector[mine].sum(axis=0) + prior @ overall))
            information.append(total / (mine.sum() + _CATEGORIES))
        return cls(
            column=ALL if group is None else group.column,
            labels=labels,
            names=names,
            spreads=spreads,
            coefficients=np.array([*coefficients, overall]),
            information=np.array([*information, average]),
        )

    def codes(self, history: Panel) -> np.ndarray:
        """The row [N] of each item's category; that of all items, the last, where the fit did not know it."""
        if self.column == ALL:
            return np.zeros(len(history), int)
        rows = {label: row for row, label in enumerate(self.labels)}
        return np.array([rows.get(str(label), len(rows)) for label in history.static[self.column]], int)

    def factors(self, history: Panel, plan: Plan) -> Factors:
        """The add-ons of each item over its past and its plan."""
        group = next((each for each in history.groups if each.column == self.column), None)
        regressors = _regressors(history, plan, group, self.names, self.spreads)  # (N, U, K)
        matrix, vector = _normal_equations(history.uncensored, regressors[:, : len(history.periods)])
        codes = self.codes(history)
        prior = _ITEMS * self.information[codes]
        pull = np.einsum("nij,nj->ni", prior, self.coefficients[codes])
        own = np.linalg.solve(matrix + prior, (vector + pull)[..., None])[..., 0]  # (N, K)
        logs: dict[str, np.ndarray] = {}
        for k, name in enumerate(self.names):
            if name == PRICE:
                own[:, k] = np.minimum(own[:, k], 0.0)
            if name == SEASON:
                own[:, k] = np.clip(own[:, k], 0.0, 1.0)
            gap = regressors[..., k]
            if name != SEASON:
                gap = gap - _reference(regressors[:, : len(history.periods), k], history)[:, None]
            logs[name] = np.clip(own[:, k, None] * np.where(np.isfinite(gap), gap, 0.0), -_MOST, _MOST)
        zero = np.zeros(regressors.shape[:2])
        lift = sum((logs[name] for name in self.names if name not in (PRICE, SEASON)), zero)
        return Factors(
            season=np.exp(logs[SEASON]),
            price=np.exp(logs.get(PRICE, zero)),
            lift=np.exp(np.clip(lift, -_MOST, _MOST)),
            elasticity=-own[:, self.names.index(PRICE)] if PRICE in self.names else np.zeros(len(history)),
            held=history.price_seen == "when sold",
        )


@dataclass(frozen=True, eq=False)
class Factors:
    """What demand is multiplied by [N, U]: the season, the price against its reference, promotions and the rest.

    ``elasticity`` [N] is how many percent fewer sell at a price one percent higher; ``held`` says that a forecast may be
    given no price after its creation date.
    """

    season: np.ndarray
    price: np.ndarray
    lift: np.ndarray
    elasticity: np.ndarray
    held: bool

    def at(self, s: int, horizon: int) -> np.ndarray:
        """Price and lift together [N, H], as a forecast from period s knew them."""
        ahead = slice(s + 1, s + 1 + horizon)
        return self.lift[:, ahead] * (self.price[:, s, None] if self.held else self.price[:, ahead])


def _regressors(
    history: Panel, plan: Plan | None, group: GroupSeries | None, names: tuple[str, ...], spreads: np.ndarray
) -> np.ndarray:
    """Regressors [N, U, K]; NaN where unknown."""
    items, periods = history.demand.shape
    width = periods + (len(plan) if plan is not None else 0)
    answer = np.full((items, width, len(names)), np.nan)
    for k, name in enumerate(names):
        if name == SEASON:
            if group is not None:
                answer[..., k] = _season(group, history.frequency.season, width)[group.codes]
            continue
        values = np.full((items, width), np.nan)
        if name in history.known:
            values[:, :periods] = history.known[name]
        if plan is not None and name in plan.known:
            values[:, periods:] = plan.known[name]
        if name == PRICE:
            values = np.log(np.where(values > 0, values, np.nan))
        answer[..., k] = values / spreads[k]
    return answer


def _season(group: GroupSeries, season: int, width: int) -> np.ndarray:
    """Log season [G, U] of each category as its earlier seasons tell it: 0 until one has passed.

    The mean over earlier years of log(demand per item / its mean over the season around), neighbours smoothed.
    """
    mean = np.where(group.sellers > 0, group.demand / np.maximum(group.sellers, 1), np.nan).astype(np.float64)  # (G, T)
    periods = mean.shape[1]
    answer = np.zeros((len(mean), width))
    if periods <= season:
        return answer
    around = _centred(mean, season)
    smooth = _centred(mean, 5) if season > 24 else mean
    valid = (smooth > 0) & (around > 0)
    ratio = np.where(valid, np.log(np.where(valid, smooth, 1.0) / np.where(valid, around, 1.0)), np.nan)
    total, count = np.zeros_like(answer), np.zeros_like(answer)
    u = np.arange(width)
    for back in range(1, _OCCURRENCES + 1):
        s = u - back * season
        inside = (s >= 0) & (s < periods)
        values = np.where(inside, ratio[:, np.clip(s, 0, periods - 1)], np.nan)
        total += np.nan_to_num(values)
        count += np.isfinite(values)
    return total / np.maximum(count, 1)


def _centred(values: np.ndarray, length: int) -> np.ndarray:
    """Mean [G, T] over ``length`` periods around each, of those that are known and not past the ends."""
    known = np.isfinite(values)
    half = length // 2
    total = np.pad(np.nan_to_num(values).cumsum(axis=1), ((0, 0), (1, 0)))
    count = np.pad(known.cumsum(axis=1), ((0, 0), (1, 0)))
    s = np.arange(values.shape[1])
    low, high = np.maximum(s - half, 0), np.minimum(s - half + length, values.shape[1])
    known_there = count[:, high] - count[:, low]
    return np.where(known_there > 0, (total[:, high] - total[:, low]) / np.maximum(known_there, 1), np.nan)


def _normal_equations(demand: np.ndarray, regressors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX [N, K, K] and Xᵀz [N, K] over periods with a sale, running means taken off both sides."""
    sold = demand > 0
    z = _less_mean(np.log(np.where(sold, demand, 1.0)), sold)
    x = np.stack([_less_mean(column, sold & np.isfinite(column)) for column in np.moveaxis(regressors, -1, 0)], axis=-1)
    return np.einsum("nti,ntj->nij", x, x), np.einsum("nti,nt->ni", x, z)


def _less_mean(values: np.ndarray, known: np.ndarray, half_life: float = 13.0) -> np.ndarray:
    """``values`` [N, T] less their running mean; 0 where not known."""
    mean, _ = running_mean(np.nan_to_num(values), known, half_life)
    return np.where(known, np.nan_to_num(values) - mean, 0.0)


def _reference(values: np.ndarray, history: Panel) -> np.ndarray:
    """The running mean [N] at the last period; NaN where nothing is known."""
    life = max(_LIFE * history.frequency.per_year, 3.0)
    mean, count = running_mean(np.nan_to_num(values), np.isfinite(values), life)
    return np.where(count[:, -1] > 0, mean[:, -1], np.nan)


def _category(history: Panel) -> GroupSeries | None:
    """The group whose items move together most, by the correlation of each item with the others of its group."""
    rows = np.random.default_rng(0).permutation(len(history))[:_SAMPLE]
    demand = history.uncensored[rows]
    sold = demand > 0
    z = _less_mean(np.log(np.where(sold, demand, 1.0)), sold)
    best, chosen = -1.0, None
    for group in history.groups:
        codes = group.codes[rows]
        others = group.demand[codes] - np.nan_to_num(demand)
        usable = sold & (group.sellers[codes] > 1) & (others > 0)
        mean = np.log(np.where(usable, others, 1.0) / np.maximum(group.sellers[codes] - 1, 1))
        x = _less_mean(mean, usable)
        share = (x * z).sum() / np.sqrt(max((x * x).sum() * (z * z).sum(), 1e-12))
        if share > best:
            best, chosen = float(share), group
    return chosen
