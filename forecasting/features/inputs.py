"""What a network sees of a panel: causal scales, channels of the past, and what is known of each target period.

Everything here is a running quantity: the value at period s is made of periods up to s, and only known-future covariates of
the target itself reach ahead. Statistics that a fit takes from its panel (how covariates are scaled, which categories there
are) are kept in ``Encoding`` and travel with the weights.

Axis letters: N items, T past periods, F future periods, U = T + F, G groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import torch

from data.groups import ALL
from data.plans import carried_forward
from data.schema import PRICE, GroupSeries, Panel, Plan
from forecasting.features.encoding import Encoding
from forecasting.features.moving_average import ArrayCache, running_mean
from forecasting.features.plan_channels import DELAYS, usual_channels
from forecasting.features.price_regression import MOST_OTHERS, minus_lagged_mean, price_evidence

_EPS = 1e-9

#: A price moved when its logarithm did by more than this.
_MOVED = 0.005


@dataclass(frozen=True, eq=False)
class Inputs:
    """The tensors that the networks read, float32 unless said otherwise; the first axis of all is N.

    Attributes
    ----------
    demand, known, censored : [N, T] units; 1 where known; 1 where the item was out of stock. A masked history is unknown.
    scale : [N, T] m in units, never zero.
    past : [N, T, C] channels of the encoder.
    origin : [N, T, O] features of a creation date, for the decoder.
    ahead : [N, U, K] features of a target period that stand by themselves.
    relative, baseline : [N, U, R] features of a target period, and [N, T, R] what is taken off them at a creation date.
    log_price, log_reference, has_price : [N, U], [N, T] and [N, T]; zeros where the price plays no part.
    price_moved : [N, U] 1 where the price is not that of the period before.
    price_evidence : [N, T, 2] num and info of the item's own price response, see ``price_evidence``.
    season_demand, season_scale, season_known : [N, J, T] series whose earlier seasons are candidates for the coming one.
    usual : [N, T, K + R] what ``known_ahead`` of any later period is where the plan is not known at a creation date; C = 0
        where all of it is.
    static : [N, S] int64 embedding rows.
    """

    demand: torch.Tensor
    known: torch.Tensor
    censored: torch.Tensor
    scale: torch.Tensor
    past: torch.Tensor
    origin: torch.Tensor
    ahead: torch.Tensor
    relative: torch.Tensor
    baseline: torch.Tensor
    log_price: torch.Tensor
    log_reference: torch.Tensor
    has_price: torch.Tensor
    price_moved: torch.Tensor
    price_evidence: torch.Tensor
    season_demand: torch.Tensor
    season_scale: torch.Tensor
    season_known: torch.Tensor
    usual: torch.Tensor
    static: torch.Tensor

    def __len__(self) -> int:
        return len(self.demand)

    @cached_property
    def known_ahead(self) -> torch.Tensor:
        """[N, U, K + R] ``ahead`` and ``relative`` together."""
        return torch.cat([self.ahead, self.relative], dim=-1)

    def take(self, rows: torch.Tensor | slice) -> Inputs:
        """The inputs of these items."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def followed_by(self, other: Inputs) -> Inputs:
        """These items and then the other's."""
        names = [field.name for field in fields(self)]
        return replace(self, **{name: torch.cat([getattr(self, name), getattr(other, name)]) for name in names})


def encode(
    encoding: Encoding,
    history: Panel,
    plan: Plan | None = None,
    unmasked: Panel | None = None,
    *,
    first_date: int = 0,
    once: ArrayCache | None = None,
    unknown: frozenset[str] = frozenset(),
) -> Inputs:
    """The network's inputs for a panel [N, T] and what is known of the F periods after it.

    ``unmasked`` is the same panel before its history was masked: an item then does not count in its own groups where it is
    masked, as an item without history would not. The features of creation dates before ``first_date``, the position of the
    earliest one that will be asked, are left 0. Encodings that read the same panel may share what is made ``once``. Of the
    covariates ``unknown`` ahead it is also told what was usual at each creation date.
    """
    once = once or ArrayCache()
    demand = np.nan_to_num(history.demand).astype(np.float64)
    censored = history.in_stock < 1
    known = np.isfinite(history.demand) & ~censored
    there = {group.column: group for group in history.groups}  # in the fit's order: a later catalog may have another
    groups = [_GroupView.of(there[column], history, plan, unmasked) for column in encoding.groups]
    scale, count = _scale(encoding, demand, known, groups, once)
    rows = _Rows(encoding, history, plan, demand, known, scale, count, first_date, once)
    past, origin = _demand_channels(rows, censored)
    ahead, relative, baseline = _covariate_channels(rows, past, origin)
    _group_channels(rows, groups, past, origin, relative, baseline)
    log_price, log_reference, has_price, price_moved = _price(rows, past, origin)
    season = _season_series(rows, groups)
    return Inputs(
        demand=_tensor(demand),
        known=_tensor(np.isfinite(history.demand)),
        censored=_tensor(censored & np.isfinite(history.demand)),
        scale=_tensor(scale),
        past=_stack(past, demand.shape),
        origin=_stack(origin, demand.shape, first_date),
        ahead=_stack(ahead, (len(demand), rows.until)),
        relative=_stack(relative, (len(demand), rows.until)),
        baseline=_stack(baseline, demand.shape, first_date),
        log_price=_tensor(log_price),
        log_reference=_tensor(log_reference),
        has_price=_tensor(has_price),
        price_moved=_tensor(price_moved),
        price_evidence=_stack(_own_response(rows, groups, log_price, has_price), demand.shape, first_date),
        season_demand=_tensor(season[0]),
        season_scale=_tensor(season[1]),
        season_known=_tensor(season[2]),
        usual=_stack(_usual(rows, groups, len(ahead)) if unknown else [], demand.shape, first_date),
        static=torch.from_numpy(encoding.static_rows(history.static, len(history))),
    )


# ---- what the channels are made of -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Rows:
    """The item arrays that several channels share."""

    encoding: Encoding
    history: Panel
    plan: Plan | None
    demand: np.ndarray  # (N, T) zeros where unknown
    known: np.ndarray  # (N, T) bool
    scale: np.ndarray  # (N, T)
    count: np.ndarray  # (N, T) effective periods behind the scale
    first_date: int
    once: ArrayCache

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


@dataclass(frozen=True, eq=False)
class _GroupView:
    """One group column, seen from the items: the rows that they need of it."""

    column: str
    per_item: np.ndarray  # (g, T) or (N, T) units per item of the group
    sellers: np.ndarray  # the same shape, how many items that is
    known: Mapping[str, np.ndarray]  # name → (g, U)
    rows: np.ndarray  # (N,) row of each item

    @classmethod
    def of(cls, group: GroupSeries, history: Panel, plan: Plan | None, unmasked: Panel | None) -> _GroupView:
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
        return cls(group.column, np.maximum(demand, 0) / np.maximum(sellers, 1), sellers, known, order)

    @property
    def present(self) -> np.ndarray:
        """Where the group has anybody, bool."""
        return self.sellers > 0

    def mean(self, once: ArrayCache, half_life: float) -> tuple[np.ndarray, np.ndarray]:
        """The running mean of units per item, and its count."""
        return once.mean(f"group {self.column}", self.per_item, self.present, half_life)


def _scale(
    encoding: Encoding, demand: np.ndarray, known: np.ndarray, groups: list[_GroupView], once: ArrayCache
) -> tuple[np.ndarray, np.ndarray]:
    """The causal scale m [N, T] and the effective count of periods behind it [N, T].

    Until one whole period is known, the mean of the item's closest group stands in; and m never falls below what an item
    that has not sold yet may still sell.
    """
    mean, count = once.mean("demand", demand, known, encoding.scale_life)
    closest = max(groups, key=lambda group: group.per_item.shape[0] if group.column != ALL else 0, default=None)
    if closest is not None:
        share = np.clip(1 - count, 0, 1)
        group_mean, _ = closest.mean(once, encoding.scale_life)
        mean = (1 - share) * mean + share * group_mean[closest.rows]
    return np.maximum(mean, encoding.unit / (count + 2)), count


def _demand_channels(rows: _Rows, censored: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    encoding, demand, known, scale = rows.encoding, rows.demand, rows.known, rows.scale
    once, dates = rows.once, rows.dates
    log_scale = np.log(scale)
    step = np.diff(log_scale, axis=1, prepend=log_scale[:, :1])
    ratio = np.where(known, np.log1p(demand / scale), encoding.usual_ratio)
    past = [ratio - encoding.usual_ratio, known, censored, np.clip(3 * step, -4, 4)]
    seen = np.cumsum(np.isfinite(rows.history.demand), axis=1)
    age = np.minimum(seen, encoding.age_cap) / encoding.age_cap
    spread, _ = running_mean(np.abs(ratio - np.log(2)), known, encoding.scale_life)
    zeros, _ = once.mean("zeros", demand <= 0, known, encoding.scale_life)
    lately, _ = once.mean("zeros", demand <= 0, known, encoding.group_life)
    sold = known & (demand > 0)
    size, sales = once.mean("sold", demand, sold, encoding.scale_life)  # of the periods with a sale
    level, behind = scale[:, dates], rows.count[:, dates] > 0
    origin = [
        (log_scale[:, dates] - encoding.level) / encoding.spread,
        age[:, dates],
        behind,
        2 * spread[:, dates],
        zeros[:, dates],
        lately[:, dates],
        np.minimum(_since(sold)[:, dates], encoding.age_cap) / encoding.age_cap,
        np.where(sales[:, dates] > 0, _log_ratio(size[:, dates], level), 0.0),
        np.where(behind, _log_ratio(_last(demand, known)[:, dates], level), 0.0),
    ]
    for life in encoding.mean_lives:
        mean, _ = once.mean("demand", demand, known, life)
        origin.append(_log_ratio(mean[:, dates], level))
    for name, (usual, deviation) in encoding.past_moments.items():
        values = (rows.history.past[name] - usual) / deviation
        past.append(np.clip(np.nan_to_num(values), -4, 4))
    return past, origin


def _since(sold: np.ndarray) -> np.ndarray:
    """Periods since the last sale [N, T]; counted from the start where there was none."""
    periods = np.arange(sold.shape[1])
    return periods - np.maximum.accumulate(np.where(sold, periods, -1), axis=1)


def _last(demand: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The last known demand up to each period [N, T]; before the first, that of period 0."""
    place = np.maximum.accumulate(np.where(known, np.arange(known.shape[1]), 0), axis=1)
    return np.take_along_axis(demand, place, axis=1)


def _covariate_channels(
    rows: _Rows, past: list[np.ndarray], origin: list[np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Known-future covariates: as they are at the target and just before it, and against their recent mean."""
    ahead: list[np.ndarray] = []
    relative: list[np.ndarray] = []
    baseline: list[np.ndarray] = []
    periods = rows.demand.shape[1]
    for name, (mean, deviation) in rows.encoding.moments.items():
        value = np.clip(np.nan_to_num((rows.over_all(name) - mean) / deviation), -6, 6)
        recent, _ = running_mean(value[:, :periods], np.ones_like(rows.known), rows.encoding.price_life)
        past.append(value[:, :periods])
        origin.append(recent[:, rows.dates])
        ahead += [value, *(_delayed(value, step) for step in range(1, 1 + DELAYS))]
        relative.append(value)
        baseline.append(recent[:, rows.dates])
    calendar = rows.encoding.calendar_features(rows.history, rows.plan)  # (U, D)
    ahead += [np.broadcast_to(column, (len(rows.demand), len(column))) for column in calendar.T]
    return ahead, relative, baseline


def _group_channels(
    rows: _Rows,
    groups: list[_GroupView],
    past: list[np.ndarray],
    origin: list[np.ndarray],
    relative: list[np.ndarray],
    baseline: list[np.ndarray],
) -> None:
    """How the item's groups moved, and what is planned around it."""
    encoding, periods = rows.encoding, rows.demand.shape[1]
    for group in groups:
        mean, _ = group.mean(rows.once, encoding.scale_life)
        short, _ = group.mean(rows.once, encoding.group_life)
        past.append(2 * _log_ratio(group.per_item, mean)[group.rows])
        origin.append(2 * _log_ratio(short[:, rows.dates], mean[:, rows.dates])[group.rows])
        for name in encoding.group_covariates:
            deviation = encoding.group_deviation[group.column][name]
            value = np.nan_to_num(group.known[name]) / deviation
            recent, _ = running_mean(value[:, :periods], np.ones((len(value), periods), bool), encoding.price_life)
            relative.append(np.clip(value, -50, 50)[group.rows])
            baseline.append(np.clip(recent[:, rows.dates], -50, 50)[group.rows])


def _usual(rows: _Rows, groups: list[_GroupView], ahead: int) -> list[np.ndarray]:
    """What the ``ahead`` channels and the relative ones are where nothing is planned, [N, D] each."""
    seen = [(group.column, group.known, group.rows) for group in groups]
    channels = usual_channels(rows.encoding, rows.history.known, seen, ahead, rows.demand.shape[1])
    return [channel[:, rows.dates] for channel in channels]


def _price(
    rows: _Rows, past: list[np.ndarray], origin: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Log price [N, U], its causal reference [N, T], where the price may act [N, T], and where it moved [N, U]."""
    encoding, (items, periods) = rows.encoding, rows.demand.shape
    if not encoding.price:
        future, past_only = np.zeros((items, rows.until)), np.zeros((items, periods))
        return future, past_only, past_only, future
    log_price, reference, usable, moved, change = rows.once.of(("price", encoding.price_life), lambda: _priced(rows))
    past.append(np.clip(3 * change, -4, 4))
    origin.append(past[-1][:, rows.dates])
    position = (reference[:, rows.dates] - encoding.price_level[0]) / encoding.price_level[1]
    origin.append(np.where(usable[:, rows.dates], np.clip(position, -4, 4), 0.0))
    return log_price, reference, usable, moved


def _priced(rows: _Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What ``_price`` answers, and the change against the reference [N, T]."""
    periods = rows.demand.shape[1]
    price = rows.over_all(PRICE)
    seen = np.isfinite(price) & (price > 0)
    log_price = np.where(seen, np.log(np.where(seen, price, 1.0)), 0.0)
    moved = np.zeros_like(log_price)
    moved[:, 1:] = (np.abs(np.diff(log_price, axis=1)) > _MOVED) & seen[:, 1:] & seen[:, :-1]
    reference, _ = running_mean(log_price[:, :periods], seen[:, :periods], rows.encoding.price_life)
    has = np.cumsum(seen[:, :periods], axis=1) > 0
    # An item that was never priced before is measured against the first price planned for it.
    first = np.concatenate([log_price, log_price[:, -1:]], axis=1)[:, 1 : periods + 1]
    first_seen = np.concatenate([seen, seen[:, -1:]], axis=1)[:, 1 : periods + 1]
    reference = np.where(has, reference, first)
    log_price[:, :periods] = np.where(seen[:, :periods], log_price[:, :periods], reference)  # unknown: no change
    change = np.where(has, log_price[:, :periods] - reference, 0.0)
    return log_price, reference, has | first_seen, moved, change


def _own_response(rows: _Rows, groups: list[_GroupView], log_price: np.ndarray, has_price: np.ndarray) -> list[np.ndarray]:
    """num and info [N, D] of the regression of what the item sold on its price, both against its market's."""
    encoding = rows.encoding
    if not encoding.price:
        return [np.zeros_like(rows.scale[:, rows.dates])] * 2
    may = rows.known & (has_price > 0)
    telling = rows.history.price_seen == "when sold"
    if telling:  # a price that tells of a sale would be its effect
        may &= rows.scale > 4 * encoding.unit
    names = [PRICE, *list(encoding.moments)[:MOST_OTHERS]]
    moved, causes, around, counts = rows.once.of(
        ("response", *names, encoding.market, encoding.unit, encoding.price_life, telling and encoding.scale_life),
        lambda: _moves(rows, groups, log_price, may, names),
    )
    weight = counts * rows.scale / (rows.scale + 8 * encoding.unit)
    return list(price_evidence(moved, causes, around, weight, rows.first_date))


def _moves(
    rows: _Rows, groups: list[_GroupView], log_price: np.ndarray, may: np.ndarray, names: list[str]
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray | None, np.ndarray]:
    """Logs of what sold, the causes called ``names``, and the market [N, T] against their running means; what counts."""
    encoding, periods = rows.encoding, rows.demand.shape[1]
    market = next((group for group in groups if group.column == encoding.market), None)
    sold, around = np.log(rows.demand + encoding.unit / 2), None
    causes = [log_price[:, :periods], *(np.nan_to_num(rows.over_all(name)[:, :periods]) for name in names[1:])]
    if market is not None:  # the others of the market
        others = market.sellers[market.rows] - np.isfinite(rows.history.demand)
        may = may & (others > 0)
        others = np.maximum(others, 1)
        units = (market.per_item * market.sellers)[market.rows] - rows.demand
        around = np.log(np.maximum(units, 0) / others + encoding.unit / 2)
        sold = sold - around
        causes = [
            one - _of_others(one, np.nan_to_num(market.known[name])[:, :periods][market.rows], others, summed=name == PRICE)
            for name, one in zip(names, causes, strict=True)
        ]
        around = minus_lagged_mean(around, may, encoding.price_life)[0]
    moved, counts = minus_lagged_mean(sold, may, encoding.price_life)
    return moved, [minus_lagged_mean(one, may, encoding.price_life)[0] for one in causes], around, counts


def _of_others(own: np.ndarray, mean: np.ndarray, others: np.ndarray, *, summed: bool) -> np.ndarray:
    """The mean [N, T] over the ``others`` of a group, from that of all; ``summed`` are chained indices of changes."""
    if not summed:
        return mean + (mean - own) / others
    step, change = (np.diff(one, axis=1, prepend=one[:, :1]) for one in (mean, own))
    return np.cumsum(step + (step - change) / others, axis=1)


def _season_series(rows: _Rows, groups: list[_GroupView]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
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


def _log_ratio(value: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """log(value/scale), softened so that a zero is a finite −2.4."""
    return np.clip(np.log((value + 0.1 * scale + _EPS) / (1.1 * scale + _EPS)), -3, 3)


def _delayed(values: np.ndarray, periods: int) -> np.ndarray:
    """``values`` [N, U] as they were ``periods`` earlier; zeros before the first."""
    return np.concatenate([np.zeros_like(values[:, :periods]), values[:, :-periods]], axis=1)[:, : values.shape[1]]


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def _stack(columns: list[np.ndarray], shape: tuple[int, int], first: int = 0) -> torch.Tensor:
    """Columns of [N, · − first] as one tensor [N, ·, C], 0 before ``first``."""
    answer = np.zeros((*shape, len(columns)), np.float32)
    for position, column in enumerate(columns):
        answer[:, first:, position] = column
    return torch.from_numpy(answer)
