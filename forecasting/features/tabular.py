"""What the tree reference sees of one target period: features made by hand, each known at the creation date.

A row is (item, creation date t, horizon h) with target u = t + h. Demand enters as ratios to the item's running mean
at t, so that small and big items share their trees. Only known-future covariates reach past t, and of those that nobody plans
a row of the past is told what was usual at t, as a forecast will be. Axis letters: R rows, K features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import ModelError
from data.plans import usual_values, usual_values_of_group
from data.schema import PRICE, GroupSeries, Panel, Plan
from forecasting.features.moving_average import running_mean

#: Half-lives of running means, as shares of a year; the scale m has the fourth.
_LIVES = (1 / 52, 3 / 52, 8 / 52, 26 / 52, 78 / 52)
_SCALE = 3

#: Half-life of the reference price, as a share of a year.
_PRICE_LIFE = 13 / 52

#: How many recent periods the window features look at, and how many the likeness of past offers does.
_WINDOW, _OFFERS = 26, 60

#: Two offers are alike when their log prices lie about this far apart.
_PRICE_KERNEL = 0.06


def columns_of(panel: Panel) -> tuple[str, ...]:
    """Names of all that features are made of: a table of other columns would mean something else to the trees."""
    groups = (f"group {group.column}" for group in panel.groups)
    return (*panel.known, *panel.static, *groups, *(f"event {name}" for name in panel.event_names))


@dataclass(frozen=True)
class Learned:
    """What a fit remembers of its panel so that a later one reads alike.

    ``columns`` names all that the panel had, ``categories`` the values of each static attribute, ``spreads`` the
    standard deviation of each covariate but the price, ``unit`` a small sale: one sale in ten is smaller.
    """

    horizon: int
    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    spreads: Mapping[str, float]
    unit: float

    @classmethod
    def of(cls, history: Panel, horizon: int) -> Learned:
        """From the whole of ``history``."""
        sales = history.demand[history.demand > 0]
        return cls(
            horizon=horizon,
            columns=columns_of(history),
            categories={column: tuple(sorted(set(values))) for column, values in history.static.items()},
            spreads={name: spread(values) for name, values in history.known.items() if name != PRICE},
            unit=float(np.quantile(sales, 0.1)) if sales.size else 0.0,
        )

    def refuse_others(self, history: Panel, model: str) -> None:
        """Raises ModelError where ``history`` has other columns than those that the ``model`` was fitted on."""
        if columns_of(history) != self.columns:
            raise ModelError(
                f"{model} was fitted on the columns {', '.join(self.columns)} and the panel has "
                f"{', '.join(columns_of(history))}. Fit it on this catalog first."
            )

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Learned:
        """What ``asdict`` and JSON made of it."""
        return cls(
            horizon=int(stored["horizon"]),
            columns=tuple(stored["columns"]),
            categories={column: tuple(values) for column, values in stored["categories"].items()},
            spreads=stored["spreads"],
            unit=float(stored["unit"]),
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """Row indices [R]: the item, the creation date and the horizon (1 … H)."""

    item: np.ndarray
    t: np.ndarray
    h: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """The rows of all parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("item", "t", "h")))

    def take(self, rows: np.ndarray | slice) -> Rows:
        """These rows."""
        return Rows(self.item[rows], self.t[rows], self.h[rows])

    def parts(self, size: int) -> Iterator[Rows]:
        """The rows in runs of at most ``size``."""
        for start in range(0, max(len(self), 1), size):
            yield self.take(slice(start, start + size))

    def __len__(self) -> int:
        return len(self.item)


def all_rows(items: int, t: int, horizon: int) -> Rows:
    """The rows of all items and horizons at one creation date, item by item."""
    return Rows(np.repeat(np.arange(items), horizon), np.full(items * horizon, t), np.tile(np.arange(1, horizon + 1), items))


class FeatureTable:
    """Features of any rows of one history and the plan after it.

    Attributes
    ----------
    demand : [N, T] units; NaN where unknown or out of stock.
    scale : [N, T] m, the running mean that ratios and the target are taken to; positive wherever the catalog ever sold.
    """

    def __init__(self, history: Panel, plan: Plan | None, learned: Learned) -> None:
        self._panel, self._learned = history, learned
        year = history.frequency.per_year
        self._season = history.frequency.season
        self.demand = history.uncensored
        known = np.isfinite(self.demand).astype(np.float64)
        lives = [max(life * year, 0.7) for life in _LIVES]
        self._means = [running_mean(self.demand, known, life)[0] for life in lives]
        self.scale = _scale(self._means[_SCALE], known, history.groups, learned.unit)
        self._ratio = self.demand / np.maximum(self.scale, _TINY)  # (N, T)
        miss = np.abs(self.demand - self._means[_SCALE]) / np.maximum(self.scale, _TINY)
        self._spread = running_mean(np.nan_to_num(miss), known, lives[_SCALE])[0]
        sold = (np.nan_to_num(self.demand) > 0).astype(np.float64)
        self._zeros = [1 - running_mean(sold, known, lives[k])[0] for k in (2, 3)]
        self._since = _periods_since(sold)
        self._age = np.minimum(np.cumsum(known, axis=1), year / 2)
        self._ahead = {name: _extended(values, plan, name, history) for name, values in history.known.items()}
        self._held = {PRICE} if history.price_seen == "when sold" else set()
        self._unplanned = {
            name: Unplanned(history.known[name], usual_values(name, history.known[name])) for name in history.unplanned
        }
        self._groups = [_Group(group, plan, lives, history.unplanned) for group in history.groups]
        self._events = history.events if plan is None else np.concatenate([history.events, plan.events])
        self._reactions = self._learn_reactions(known, year)

    @property
    def categories(self) -> int:
        """How many of the features, the last ones, are category numbers."""
        return len(self._learned.categories)

    def _learn_reactions(self, known: np.ndarray, year: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """For each covariate but the price: the mean of y/m [N, T] in periods when it was on, and when it was off."""
        periods = self.demand.shape[1]
        answer = {}
        for name, values in self._ahead.items():
            if name != PRICE:
                on = (np.nan_to_num(values[:, :periods]) > 0).astype(np.float64)
                ratio = np.nan_to_num(self._ratio)
                answer[name] = (_mean_or_nan(ratio, known * on, year), _mean_or_nan(ratio, known * (1 - on), year))
        return answer

    def sampled(self, most: int, seed: int) -> Rows:
        """At most so many rows to learn from, drawn from all whose target is known and whose item or group had sold."""
        targets, horizon = np.flatnonzero(np.isfinite(self.demand)), self._learned.horizon
        population = len(targets) * horizon
        drawn = np.sort(np.random.default_rng(seed).choice(population, min(most, population), replace=False))
        item, u = np.divmod(targets[drawn // horizon], self.demand.shape[1])
        h = drawn % horizon + 1
        usable = (u - h >= 0) & (self.scale[item, np.maximum(u - h, 0)] > 0)
        return Rows(item[usable], (u - h)[usable], h[usable])

    def rows(self, rows: Rows) -> np.ndarray:
        """Features [R, K] float32; the static attributes are the last of the K, as category numbers."""
        columns: dict[str, np.ndarray] = {}
        self._own_past(rows, columns)
        self._season_ratios(rows, columns)
        self._covariates(rows, columns)
        if PRICE in self._ahead:
            self._prices(rows, columns)
        for group in self._groups:
            group.features(rows, self._season, self._held, columns)
        for k, event in enumerate(self._panel.event_names):
            columns[f"event {event}"] = self._events[rows.t + rows.h, k]
        for column, values in self._learned.categories.items():
            codes = {value: code for code, value in enumerate(values)}
            item_codes = np.array([codes.get(value, -1) for value in self._panel.static[column]], np.float32)
            columns[f"static {column}"] = item_codes[rows.item]
        return np.stack([np.asarray(values, np.float32) for values in columns.values()], axis=1)

    def _own_past(self, rows: Rows, columns: dict[str, np.ndarray]) -> None:
        i, t = rows.item, rows.t
        m = np.maximum(self.scale[i, t], _TINY)
        columns["horizon"] = rows.h
        columns["log scale"] = np.log(m)
        for life, means in zip(_LIVES, self._means, strict=True):
            columns[f"mean {life:.2f}"] = means[i, t] / m
        for lag in range(4):
            columns[f"lag {lag}"] = _at(self.demand, i, t - lag) / m
        columns["spread"] = self._spread[i, t]
        columns["zeros short"], columns["zeros long"] = (zeros[i, t] for zeros in self._zeros)
        columns["since sale"], columns["age"] = self._since[i, t], self._age[i, t]
        window = np.sort(_windows(self.demand, i, t, _WINDOW), axis=1)  # (R, 26), unknown ones last
        count = np.isfinite(window).sum(axis=1)
        for share in (0.1, 0.25, 0.5, 0.75, 0.9):
            place = np.round(share * np.maximum(count - 1, 0)).astype(int)
            columns[f"window {share}"] = window[np.arange(len(i)), place] / m

    def _season_ratios(self, rows: Rows, columns: dict[str, np.ndarray]) -> None:
        i, u, season = rows.item, rows.t + rows.h, self._season
        then = np.maximum(_at(self.scale, i, rows.t - season), _TINY)
        columns["season"] = _known_by(self.demand, i, u - season, rows.t) / then
        around = [_known_by(self.demand, i, u - season + k, rows.t) for k in (-1, 0, 1)]
        columns["season smooth"] = np.mean(around, axis=0) / then
        before = np.maximum(_at(self.scale, i, rows.t - 2 * season), _TINY)
        columns["season twice"] = _known_by(self.demand, i, u - 2 * season, rows.t) / before

    def _covariates(self, rows: Rows, columns: dict[str, np.ndarray]) -> None:
        i, u = rows.item, rows.t + rows.h
        for name, values in self._ahead.items():
            if name == PRICE:
                continue
            for step in (-2, -1, 0, 1):
                inside = rows.h + step <= self._learned.horizon  # a plan ends at t + H
                columns[f"{name} {step:+d}"] = np.where(inside, self._planned(name, values, rows, step), np.nan)
            columns[f"{name} now"] = values[i, rows.t]
            columns[f"{name} last season"] = _at(values, i, u - self._season)
            on, off = self._reactions[name]
            columns[f"{name} on"], columns[f"{name} off"] = on[i, rows.t], off[i, rows.t]

    def _planned(self, name: str, values: np.ndarray, rows: Rows, step: int) -> np.ndarray:
        """What is known at t of a covariate [N, U] in the period ``step`` after each target [R]; NaN outside."""
        planned = _at(values, rows.item, rows.t + rows.h + step)
        if name not in self._unplanned:
            return planned
        return self._unplanned[name].at(planned, rows.item, rows.t, rows.h + step)

    def _prices(self, rows: Rows, columns: dict[str, np.ndarray]) -> None:
        i, t = rows.item, rows.t
        u = t if PRICE in self._held else t + rows.h
        price = np.where(self._ahead[PRICE] > 0, self._ahead[PRICE], np.nan)  # (N, U)
        log_price = np.log(price)
        periods = self.demand.shape[1]
        reference = _mean_or_nan(
            np.nan_to_num(log_price[:, :periods]),
            np.isfinite(log_price[:, :periods]).astype(np.float64),
            _PRICE_LIFE * self._panel.frequency.per_year,
        )
        planned = log_price[i, u]
        if PRICE in self._unplanned:
            planned = np.log(self._planned(PRICE, price, rows, 0))
        columns["price"] = planned
        columns["price to reference"] = planned - reference[i, t]
        columns["price to now"] = planned - log_price[i, t]
        columns["price to before"] = planned - _at(log_price, i, t if PRICE in self._unplanned else u - 1)
        columns["price to season"] = planned - _at(log_price, i, t + rows.h - self._season)
        past = _windows(log_price[:, :periods], i, t, _OFFERS)  # (R, 60)
        count = np.maximum(np.isfinite(past).sum(axis=1), 1)
        columns["price rank"] = (past < planned[:, None] - 0.005).sum(axis=1) / count
        columns["price to least"] = planned - np.where(np.isfinite(past), past, np.inf).min(axis=1)
        gap = (past - planned[:, None]) / _PRICE_KERNEL
        for name, values in self._ahead.items():
            if name != PRICE:
                offers = _windows(values[:, :periods], i, t, _OFFERS) - self._planned(name, values, rows, 0)[:, None]
                gap = np.hypot(gap, offers / self._learned.spreads[name])
        ratio = _windows(self._ratio, i, t, _OFFERS)
        alike = np.where(np.isfinite(ratio) & np.isfinite(gap), np.exp(-0.5 * np.minimum(gap, 9) ** 2), 0.0)
        weight = alike.sum(axis=1)
        mean = (alike * np.nan_to_num(ratio)).sum(axis=1) / np.maximum(weight, 0.1)
        columns["alike"] = np.where(weight > 0.1, mean, np.nan)
        columns["alike weight"] = weight


@dataclass(frozen=True, eq=False)
class Unplanned:
    """A covariate that nobody plans: as ``recorded`` [N, T], and what was ``usual`` [N, T] at the end of each period."""

    recorded: np.ndarray
    usual: np.ndarray

    def at(self, planned: np.ndarray, rows: np.ndarray, t: np.ndarray, step: np.ndarray) -> np.ndarray:
        """What is known at t of the period ``step`` later: what is over, the plan [R] after the last period, else as usual."""
        ahead = (step > 0) & (t < self.recorded.shape[1] - 1)
        return np.where(ahead, self.usual[rows, t], planned)


class _Group:
    """Features of one group: how it moves now, how it moved a season ago, and what is planned for it."""

    def __init__(self, group: GroupSeries, plan: Plan | None, lives: list[float], unplanned: frozenset[str]) -> None:
        self._name = group.column or "all"
        self._codes = group.codes
        self._mean = np.where(group.sellers > 0, group.demand / np.maximum(group.sellers, 1), np.nan).astype(np.float64)
        known = np.isfinite(self._mean).astype(np.float64)
        self._short, self._long = (running_mean(self._mean, known, lives[k])[0] for k in (1, _SCALE))
        ahead = {} if plan is None else plan.groups.get(group.column, {})
        self._known = {
            name: np.concatenate([values, ahead[name]], axis=1) if name in ahead else values
            for name, values in group.known.items()
        }
        self._unplanned = {
            name: Unplanned(group.known[name], usual_values_of_group(name, group.known[name]))
            for name in unplanned & set(group.known)
        }

    def features(self, rows: Rows, season: int, held: set[str], columns: dict[str, np.ndarray]) -> None:
        g, t, u = self._codes[rows.item], rows.t, rows.t + rows.h
        columns[f"{self._name} trend"] = self._short[g, t] / np.maximum(self._long[g, t], _TINY)
        then = np.maximum(_at(self._long, g, t - season), _TINY)
        columns[f"{self._name} season"] = _known_by(self._mean, g, u - season, t) / then
        for name, values in self._known.items():
            ahead = _at(values, g, t if name in held else u)
            if name in self._unplanned:
                ahead = self._unplanned[name].at(ahead, g, t, rows.h)
            columns[f"{self._name} {name}"] = ahead - values[g, t] if name == PRICE else ahead


_TINY = 1e-9


def spread(values: np.ndarray) -> float:
    """Standard deviation of what is known; 1 where nothing varies."""
    known = values[np.isfinite(values)].astype(np.float64)  # squares of large numbers are no float32
    return float(known.std()) or 1.0 if known.size else 1.0


def _scale(mean: np.ndarray, known: np.ndarray, groups: tuple[GroupSeries, ...], unit: float) -> np.ndarray:
    """m [N, T]: the running mean where anything sold.

    Without any history it is what an item of its group sells; after periods without a sale, a small sale among so many.
    """
    level = np.zeros_like(mean, dtype=np.float64)
    for group in sorted(groups, key=lambda group: len(group.labels)):  # the finest group that has sold speaks last
        sellers = group.sellers.cumsum(axis=1)
        typical = (group.demand.cumsum(axis=1, dtype=np.float64) / np.maximum(sellers, 1))[group.codes]
        level = np.where(typical > 0, typical, level)
    empty = known.cumsum(axis=1)
    return np.where(mean > 0, mean, np.where(empty > 0, np.minimum(level, unit) / (1 + empty), level))


def _mean_or_nan(values: np.ndarray, weight: np.ndarray, half_life: float) -> np.ndarray:
    mean, count = running_mean(values, weight, half_life)
    return np.where(count > 0, mean, np.nan)


def _periods_since(sold: np.ndarray) -> np.ndarray:
    """Periods since the last sale [N, T]; counts from the start where there was none."""
    periods = np.arange(sold.shape[1])
    last = np.maximum.accumulate(np.where(sold > 0, periods, -1), axis=1)
    return periods - last


def _extended(values: np.ndarray, plan: Plan | None, name: str, history: Panel) -> np.ndarray:
    """A covariate [N, T + F]: as recorded, then as planned."""
    if plan is None:
        return values
    planned = plan.known.get(name)
    if planned is None:
        planned = np.full((len(history), len(plan)), np.nan, np.float32)
    return np.concatenate([values, planned], axis=1)


def _at(values: np.ndarray, i: np.ndarray, s: np.ndarray) -> np.ndarray:
    """values[i, s] [R], NaN where s lies outside."""
    inside = (s >= 0) & (s < values.shape[1])
    return np.where(inside, values[i, np.clip(s, 0, values.shape[1] - 1)], np.nan)


def _known_by(values: np.ndarray, i: np.ndarray, s: np.ndarray, t: np.ndarray) -> np.ndarray:
    """values[i, s] [R] where s ≤ t, NaN elsewhere."""
    return np.where(s <= t, _at(values, i, s), np.nan)


def _windows(values: np.ndarray, i: np.ndarray, t: np.ndarray, length: int) -> np.ndarray:
    """The last ``length`` numbers up to t [R, length], NaN before the first."""
    s = t[:, None] - np.arange(length)  # (R, length)
    return np.where(s >= 0, values[i[:, None], np.maximum(s, 0)], np.nan)
