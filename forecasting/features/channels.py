"""How the channels of a network's inputs are made: what the item sold, what was known ahead, how its groups moved.

Each function adds arrays under their names to ``ChannelArrays``; in which column they end is the matter of ``channel_layout``.
Everything is a running quantity: the value at period s is made of periods up to s, and only known-future covariates of the
target itself reach ahead. The channels of the price are in ``price_channels``.

Axis letters: N items, T past periods, F future periods, U = T + F, D creation dates that may be asked, G groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.groups import ALL
from data.plans import carried_forward
from data.schema import GroupSeries, Panel, Plan
from forecasting.features.channel_layout import DELAYS, RECENT, WAVES, WEEKDAYS, Channel, ChannelLayout
from forecasting.features.encoding import Encoding
from forecasting.features.moving_average import ArrayCache, recent_quantiles, running_mean

_EPS = 1e-9

#: How many of the last periods the recent quantiles are of.
_WINDOW = 26


@dataclass(frozen=True, eq=False)
class ChannelArrays:
    """Arrays by the names of their channels, gathered while they are made: the fields are those of ``Inputs``.

    ``past`` are [N, T] each, ``ahead`` and ``relative`` [N, U], ``origin`` and ``baseline`` [N, D].
    """

    past: dict[Channel, np.ndarray] = field(default_factory=dict)
    origin: dict[Channel, np.ndarray] = field(default_factory=dict)
    ahead: dict[Channel, np.ndarray] = field(default_factory=dict)
    relative: dict[Channel, np.ndarray] = field(default_factory=dict)
    baseline: dict[Channel, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class GroupView:
    """One group column, seen from the items: the rows that they need of it."""

    column: str
    per_item: np.ndarray  # (g, T) or (N, T) units per item of the group
    sellers: np.ndarray  # the same shape, how many items that is
    known: Mapping[str, np.ndarray]  # name → (g, U)
    rows: np.ndarray  # (N,) row of each item
    labels: int  # groups of this column in the whole catalog

    @classmethod
    def of(cls, group: GroupSeries, history: Panel, plan: Plan | None, unmasked: Panel | None) -> GroupView:
        """The rows of ``group`` that the items of ``history`` need; of a masked history without the item itself."""
        used, rows = np.unique(group.codes, return_inverse=True)
        demand, sellers = group.demand[used].astype(np.float64), group.sellers[used].astype(np.float64)
        if unmasked is not None:  # one row per item, without itself where it is masked
            hidden = np.isfinite(unmasked.demand) & ~np.isfinite(history.demand)
            demand = demand[rows] - np.where(hidden, np.nan_to_num(unmasked.demand), 0.0)
            sellers = sellers[rows] - hidden
            order = np.arange(len(rows))
        else:
            order = rows
        known = {}
        for name, array in group.known.items():
            planned = [] if plan is None else [plan.groups[group.column][name][used]]
            known[name] = np.concatenate([array[used], *planned], axis=1)[rows if unmasked is not None else slice(None)]
        per_item = np.maximum(demand, 0) / np.maximum(sellers, 1)
        return cls(group.column, per_item, sellers, known, order, len(group.labels))

    @property
    def present(self) -> np.ndarray:
        """Where the group has anybody, bool."""
        return self.sellers > 0

    def mean(self, once: ArrayCache, half_life: float) -> tuple[np.ndarray, np.ndarray]:
        """The running mean of units per item, and its count."""
        return once.mean(f"group {self.column}", self.per_item, self.present, half_life)


@dataclass(frozen=True, eq=False)
class ItemArrays:
    """The item arrays that several channels share."""

    encoding: Encoding
    layout: ChannelLayout
    history: Panel
    plan: Plan | None
    demand: np.ndarray  # (N, T) zeros where unknown
    censored: np.ndarray  # (N, T) bool, out of stock
    known: np.ndarray  # (N, T) bool, where demand is on record and not censored
    scale: np.ndarray  # (N, T)
    count: np.ndarray  # (N, T) effective periods behind the scale
    first_date: int
    once: ArrayCache

    @classmethod
    def of(
        cls,
        encoding: Encoding,
        history: Panel,
        plan: Plan | None,
        groups: Sequence[GroupView],
        first_date: int,
        once: ArrayCache,
    ) -> ItemArrays:
        """Those of ``history`` [N, T] and ``plan``; creation dates before ``first_date`` will not be asked."""
        demand = np.nan_to_num(history.demand).astype(np.float64)
        censored = history.in_stock < 1
        known = np.isfinite(history.demand) & ~censored
        scale, count = _scale(encoding, demand, known, groups, once)
        layout = ChannelLayout.of(encoding)
        return cls(encoding, layout, history, plan, demand, censored, known, scale, count, first_date, once)

    @property
    def dates(self) -> slice:
        """The creation dates that may be asked, D of them: features of a creation date are made for these alone."""
        return slice(self.first_date, None)

    @property
    def until(self) -> int:
        """U."""
        return self.demand.shape[1] + (len(self.plan) if self.plan is not None else 0)

    def over_all(self, name: str) -> np.ndarray:
        """A known-future covariate [N, U], carried forward where unknown."""
        recorded = self.history.known[name]
        if self.plan is not None:
            recorded = np.concatenate([recorded, self.plan.known[name]], axis=1)
        return carried_forward(recorded).astype(np.float64)


def add_demand_channels(made: ChannelArrays, rows: ItemArrays) -> None:
    """What the item itself sold, and its past-only covariates."""
    encoding, demand, known, scale = rows.encoding, rows.demand, rows.known, rows.scale
    once, dates = rows.once, rows.dates
    log_scale = np.log(scale)
    step = np.diff(log_scale, axis=1, prepend=log_scale[:, :1])
    ratio = np.where(known, np.log1p(demand / scale), encoding.usual_ratio)
    made.past[Channel("ratio")] = ratio - encoding.usual_ratio
    made.past[Channel("known")] = known
    made.past[Channel("censored")] = rows.censored
    made.past[Channel("scale step")] = np.clip(3 * step, -4, 4)
    for name, (usual, deviation) in encoding.past_moments.items():
        values = (rows.history.past[name] - usual) / deviation
        made.past[Channel("past covariate", name)] = np.clip(np.nan_to_num(values), -4, 4)

    seen = np.cumsum(np.isfinite(rows.history.demand), axis=1)
    age = np.minimum(seen, encoding.age_cap) / encoding.age_cap
    spread, _ = running_mean(np.abs(ratio - np.log(2)), known, encoding.scale_life)
    zeros, _ = once.mean("zeros", demand <= 0, known, encoding.scale_life)
    lately, _ = once.mean("zeros", demand <= 0, known, encoding.group_life)
    sold = known & (demand > 0)
    size, sales = once.mean("sold", demand, sold, encoding.scale_life)  # of the periods with a sale
    level, behind = scale[:, dates], rows.count[:, dates] > 0
    made.origin[Channel("scale")] = (log_scale[:, dates] - encoding.level) / encoding.spread
    made.origin[Channel("age")] = age[:, dates]
    made.origin[Channel("has history")] = behind
    made.origin[Channel("spread")] = 2 * spread[:, dates]
    made.origin[Channel("zeros")] = zeros[:, dates]
    made.origin[Channel("recent zeros")] = lately[:, dates]
    made.origin[Channel("since sale")] = np.minimum(_since(sold)[:, dates], encoding.age_cap) / encoding.age_cap
    made.origin[Channel("sale size")] = np.where(sales[:, dates] > 0, _log_ratio(size[:, dates], level), 0.0)
    made.origin[Channel("last demand")] = np.where(behind, _log_ratio(_last(demand, known)[:, dates], level), 0.0)
    for life in encoding.mean_lives:
        mean, _ = once.mean("demand", demand, known, life)
        made.origin[Channel("running mean", str(life))] = _log_ratio(mean[:, dates], level)
    recent = once.of(("recent", rows.first_date), lambda: recent_quantiles(demand, known, RECENT, _WINDOW, rows.first_date))
    for share, units in zip(RECENT, recent, strict=True):
        made.origin[Channel("recent quantile", str(share))] = np.where(behind, _log_ratio(units, level), 0.0)


def add_covariate_channels(made: ChannelArrays, rows: ItemArrays) -> None:
    """Known-future covariates: as they are at the target and just before it, and against their recent mean."""
    periods = rows.demand.shape[1]
    for name, (mean, deviation) in rows.encoding.moments.items():
        value = np.clip(np.nan_to_num((rows.over_all(name) - mean) / deviation), -6, 6)
        recent, _ = running_mean(value[:, :periods], np.ones_like(rows.known), rows.encoding.price_life)
        made.past[Channel("covariate", name)] = value[:, :periods]
        made.origin[Channel("recent covariate", name)] = recent[:, rows.dates]
        for back in range(1 + DELAYS):
            made.ahead[Channel("covariate", name, back=back)] = _delayed(value, back)
        made.relative[Channel("relative covariate", name)] = value
        made.baseline[Channel("relative covariate", name)] = recent[:, rows.dates]


def add_calendar_channels(made: ChannelArrays, rows: ItemArrays) -> None:
    """What the dates say of each period: the day of the week, the time of the year, events."""
    history, plan = rows.history, rows.plan
    periods = history.periods if plan is None else history.periods.append(plan.periods)
    angle = 2 * np.pi * periods.day_of_year.to_numpy() / 365.25
    events = history.events if plan is None else np.concatenate([history.events, plan.events])
    for channel in rows.layout.ahead:
        if channel.kind == "weekday":
            column = periods.day_of_week == WEEKDAYS.index(channel.name)  # (U,)
        elif channel.kind == "time of year":
            wave, order = WAVES[channel.name]
            column = wave(order * angle)
        elif channel.kind == "event":
            column = events[:, history.event_names.index(channel.name)]
        else:
            continue
        made.ahead[channel] = np.broadcast_to(column, (len(rows.demand), len(column)))


def add_group_channels(made: ChannelArrays, rows: ItemArrays, groups: Sequence[GroupView]) -> None:
    """How the item's groups moved, and what is planned around it."""
    encoding, periods = rows.encoding, rows.demand.shape[1]
    for group in groups:
        mean, _ = group.mean(rows.once, encoding.scale_life)
        short, _ = group.mean(rows.once, encoding.group_life)
        trend = 2 * _log_ratio(short[:, rows.dates], mean[:, rows.dates])
        made.past[Channel("group ratio", group=group.column)] = 2 * _log_ratio(group.per_item, mean)[group.rows]
        made.origin[Channel("group trend", group=group.column)] = trend[group.rows]
        for name in encoding.group_covariates:
            channel = Channel("relative group covariate", name, group.column)
            value = np.nan_to_num(group.known[name]) / encoding.group_deviation[group.column][name]
            recent, _ = running_mean(value[:, :periods], np.ones((len(value), periods), bool), encoding.price_life)
            made.relative[channel] = np.clip(value, -50, 50)[group.rows]
            made.baseline[channel] = np.clip(recent[:, rows.dates], -50, 50)[group.rows]


def season_series(rows: ItemArrays, groups: Sequence[GroupView]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Demand, scale and whether known [N, J, T] of the series that may show the coming season: the item's, its groups'."""
    items, periods = rows.demand.shape
    if not rows.encoding.seasons:
        return (np.zeros((items, 0, periods)),) * 3
    series = [(rows.demand, rows.scale, rows.known)]
    for group in groups:
        mean, count = group.mean(rows.once, rows.encoding.scale_life)
        series.append((group.per_item[group.rows], mean[group.rows], (group.present & (count > 0))[group.rows]))
    demand, scale, known = (np.stack(arrays, axis=1) for arrays in zip(*series, strict=True))
    return demand, scale, known


def _scale(
    encoding: Encoding, demand: np.ndarray, known: np.ndarray, groups: Sequence[GroupView], once: ArrayCache
) -> tuple[np.ndarray, np.ndarray]:
    """The causal scale m [N, T] and the effective count of periods behind it [N, T].

    Until one whole period is known, the mean of the item's closest group stands in, the same whoever is asked about besides;
    and m never falls below what an item that has not sold yet may still sell.
    """
    mean, count = once.mean("demand", demand, known, encoding.scale_life)
    closest = max(groups, key=lambda group: group.labels if group.column != ALL else 0, default=None)
    if closest is not None:
        share = np.clip(1 - count, 0, 1)
        group_mean, _ = closest.mean(once, encoding.scale_life)
        mean = (1 - share) * mean + share * group_mean[closest.rows]
    return np.maximum(mean, encoding.unit / (count + 2)), count


def _since(sold: np.ndarray) -> np.ndarray:
    """Periods since the last sale [N, T]; counted from the start where there was none."""
    periods = np.arange(sold.shape[1])
    return periods - np.maximum.accumulate(np.where(sold, periods, -1), axis=1)


def _last(demand: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The last known demand up to each period [N, T]; before the first, that of period 0."""
    place = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), 0), axis=1)
    return np.take_along_axis(demand, place, axis=1)


def _log_ratio(value: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """log(value/scale), softened so that a zero is a finite −2.4."""
    return np.clip(np.log((value + 0.1 * scale + _EPS) / (1.1 * scale + _EPS)), -3, 3)


def _delayed(values: np.ndarray, periods: int) -> np.ndarray:
    """``values`` [N, U] as they were ``periods`` earlier; zeros before the first."""
    if not periods:
        return values
    return np.concatenate([np.zeros_like(values[:, :periods]), values[:, :-periods]], axis=1)[:, : values.shape[1]]
