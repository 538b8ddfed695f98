"""2008: a patchwork of textbook models, each with its rules and add-ons, as a reconstruction.

A router sends every item to ETS and Theta, to the same with a seasonal naive, to Croston or TSB, or to the new-product
rule. Season, price and promotion are multiplied on. The Distribution Engine lays the errors of past point forecasts
around the new one. Every part can be read (``parts``), and every seam between them is a jump in a planner's numbers.
Axis letters: N items, T past periods, H horizons, Q taus.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from data.errors import ModelError, NotTrained, TooLittleHistory, UnknownItem
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until, plan_after, position
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.models.patchwork.adjustments import AddOns, Factors
from forecasting.models.patchwork.error_distribution import ErrorPool, Errors, Points, own_weight
from forecasting.models.patchwork.new_product_rule import RULE, LaunchRule, blended, own_share
from forecasting.models.patchwork.routing import NEW, ROUTES, SEASONAL, Route, Routing, least_periods, routed
from forecasting.models.patchwork.textbook_models import levels

_VERSION = "1"
_CHUNK = 2048  # items whose errors are in memory at a time
_REGRESSED = 20_000  # items that the pooled regression and the new-product rule are learned from, at most

#: The least that a model may say, as a share of the item's mean.
_FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class PatchworkParts:
    """How the patchwork came to its forecast of one item.

    Attributes
    ----------
    route, why, models : which way the item was sent, the reason in words, and what answered: the models that could be fitted.
    category : the value of the attribute ``category_column`` that the add-ons and the new-product rule go by.
    level, growth : units per period with the add-ons taken out, and its change from period to period.
    season, price, lift : [H] factors of the add-ons in each target period.
    elasticity : how many percent fewer sell at a price one percent higher, never negative.
    launch_level, launch_share : the category's mean launch in units per period, and its share in the level.
    point : [H] units, the point forecast.
    errors : [W, H] what sold over what was said at W past creation dates; NaN where not known.
    own_share : [H] the share of these errors in the fan; the rest are those of all items of the route.
    """

    item_id: str
    creation_date: pd.Timestamp
    route: Route
    why: str
    models: tuple[str, ...]
    category_column: str
    category: str
    level: float
    growth: float
    season: np.ndarray
    price: np.ndarray
    lift: np.ndarray
    elasticity: float
    launch_level: float
    launch_share: float
    point: np.ndarray
    errors: np.ndarray
    own_share: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.season, self.price, self.lift, self.point, self.errors, self.own_share):
            array.flags.writeable = False


@dataclass(frozen=True, eq=False)
class _Workings:
    """Everything on the way to a forecast of some items."""

    routing: Routing
    models: tuple[tuple[str, ...], ...]
    factors: Factors
    codes: np.ndarray
    points: Points
    errors: Errors
    point: np.ndarray


class Patchwork(Generation):
    """Textbook models by route, add-ons, a new-product rule, and past errors as the fan.

    What is fitted once is what needs many items: the pooled regression behind season, price and promotion, the
    category's launches, and the errors of each route. The models themselves look at one item and are fitted again at
    every creation date. Smoothing constants are those of the last fit when past errors are taken; levels are not.

    Parameters
    ----------
    seed : of the items that are sampled.
    sample : at most so many items' errors make the routes' fans.
    """

    name: ClassVar[str] = "patchwork"
    title: ClassVar[str] = "Patchwork (2008)"
    note: ClassVar[str] = (
        "Textbook models by rule: ETS, Theta, Croston, last season, with add-ons for season and price and a rule for "
        "new products. A reconstruction."
    )

    def __init__(self, *, seed: int = 0, sample: int = 1500) -> None:
        self._seed, self._sample = seed, sample
        self._horizon = 0
        self._unit = 0.0  # a small sale: one sale in ten is smaller
        self._learned: tuple[AddOns, LaunchRule, ErrorPool] | None = None

    @property
    def horizon(self) -> int:
        _ = self._fitted
        return self._horizon

    @property
    def _fitted(self) -> tuple[AddOns, LaunchRule, ErrorPool]:
        if self._learned is None:
            raise NotTrained(f"{self.name} has not been fitted. Fit it or load it first.")
        return self._learned

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        history = history.take(self._drawn(len(history), _REGRESSED))
        demand, periods = history.uncensored, len(history.periods)
        if periods < horizon + 2 or not (demand > 0).any():
            raise TooLittleHistory(
                f"{self.name} needs {horizon + 2} periods for a horizon of {horizon}, with some sales in them, and the "
                f"history until {history.last:%Y-%m-%d} has {periods}, of them {int((demand > 0).any(axis=0).sum())} with "
                "sales. Choose a later date or load more history."
            )
        report(Progress(0, 3, "Estimating season, price and promotion"))
        add_ons = AddOns.learned(history)
        self._unit = float(np.quantile(demand[demand > 0], 0.1))
        report(Progress(1, 3, "Reading how products were launched"))
        nothing_ahead = plan_after(history, periods - 1, horizon)
        factors = add_ons.factors(history, nothing_ahead)
        bare = demand / (factors.season * factors.price * factors.lift)[:, :periods]
        start = routed(bare, history.frequency).start
        first = least_periods(history.frequency)
        launches = LaunchRule.learned(bare, start, add_ons.codes(history), len(add_ons.labels), first, horizon)
        report(Progress(2, 3, "Taking the errors of past forecasts"))
        rows = self._drawn(len(history), self._sample)
        work = self._work(history.take(rows), nothing_ahead.take(rows), add_ons, launches, horizon)
        pool = ErrorPool.learned(work.errors, work.routing.route, len(ROUTES))
        self._horizon, self._learned = horizon, (add_ons, launches, pool)
        report(Progress(3, 3, f"{self.title}: ready"))

    def _drawn(self, items: int, most: int) -> np.ndarray:
        """At most so many rows, drawn by the seed and in their order."""
        return np.sort(np.random.default_rng(self._seed).permutation(items)[:most])

    def _work(self, history: Panel, plan: Plan, add_ons: AddOns, launches: LaunchRule, horizon: int) -> _Workings:
        """Route, add-ons, models and past errors of these items."""
        demand, periods = history.uncensored, len(history.periods)
        factors = add_ons.factors(history, plan)
        bare = demand / (factors.price * factors.lift)[:, :periods]
        level_demand = bare / factors.season[:, :periods]
        routing = routed(level_demand, history.frequency)
        fitted = levels(level_demand, routing)
        level = fitted.level.copy()
        codes = add_ons.codes(history)
        known = np.isfinite(level_demand) & (np.arange(periods) >= routing.start[:, None])
        mean = np.where(known, level_demand, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        new = routing.route == NEW
        level[new] = np.nan
        level[new, -1] = blended(mean, routing.count, launches.level[codes])[new]
        never = ~new & (routing.start == periods)
        observed = np.isfinite(demand).sum(axis=1)
        level[never, -1] = (np.minimum(launches.level[codes], self._unit) / (1 + observed))[never]
        floor = np.where(new | never, 0.0, _FLOOR * mean)
        points = Points(
            level=level,
            growth=fitted.growth,
            bare=bare,
            repeats=routing.route == SEASONAL,
            season=history.frequency.season,
            factors=factors,
            floor=floor,
        )
        errors, point = Errors.of(points, demand, horizon), points.at(periods - 1, horizon)
        return _Workings(routing, fitted.models, factors, codes, points, errors, point)

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        add_ons, launches, pool = self._fitted
        self._check(history, add_ons)
        shape = (len(history), self._horizon, len(TAUS))
        values, cumulative, elasticity = np.zeros(shape), np.zeros(shape), np.zeros(len(history))
        for part in _parts(len(history)):
            rows = np.arange(part.start, part.stop)
            work = self._work(history.take(rows), plan.take(rows), add_ons, launches, self._horizon)
            values[part], cumulative[part] = pool.around(work.point, work.errors, work.routing.route)
            new = work.routing.route == NEW
            values[part][new], cumulative[part][new] = launches.fans(work.point[new], work.routing.count[new])
            elasticity[part] = work.factors.elasticity
        cumulative[:, 0] = values[:, 0]  # the first sum is the first period
        cumulative = np.maximum.accumulate(np.maximum(cumulative, 0.0), axis=1)  # a longer span never has fewer units
        return self._as_forecast(history, plan, np.maximum(values, 0.0), cumulative, _VERSION, elasticity=elasticity)

    def parts(self, panel: Panel, creation_date: pd.Timestamp, item_id: str, plan: Plan | None = None) -> PatchworkParts:
        """How the forecast of one item at ``creation_date`` comes about; raises UnknownItem for one not in the panel."""
        add_ons, launches, _ = self._fitted
        rows = np.flatnonzero(panel.item_ids == item_id)[:1]
        if not rows.size:
            raise UnknownItem(f"{item_id!r} is not among the {len(panel):,} items given. Choose one of them.")
        t = position(panel, creation_date)
        ahead = plan if plan is not None else plan_after(panel, t, self._horizon)
        history = history_until(panel, t).take(rows)
        self._check(history, add_ons)
        work = self._work(history, ahead.take(rows), add_ons, launches, self._horizon)
        code, route = int(work.codes[0]), ROUTES[work.routing.route[0]]
        future = slice(t + 1, t + 1 + self._horizon)
        is_new = route == "new"
        return PatchworkParts(
            item_id=item_id,
            creation_date=history.last,
            route=route,
            why=work.routing.why(0, history.frequency),
            models=work.models[0] or (RULE,),
            category_column=add_ons.column,
            category=str(history.static[add_ons.column][0]) if add_ons.column else "",
            level=float(work.points.level[0, -1]),
            growth=float(work.points.growth[0]),
            season=work.factors.season[0, future].copy(),
            price=work.factors.at(t, self._horizon)[0] / work.factors.lift[0, future],
            lift=work.factors.lift[0, future].copy(),
            elasticity=float(work.factors.elasticity[0]),
            launch_level=float(launches.level[code]),
            launch_share=float(1 - own_share(work.routing.count[:1])[0]) if is_new else 0.0,
            point=work.point[0].copy(),
            errors=work.errors.period[0].copy(),
            own_share=own_weight(work.errors)[0],
        )

    def _check(self, history: Panel, add_ons: AddOns) -> None:
        if (*history.known, "season") != add_ons.names or (add_ons.column and add_ons.column not in history.static):
            raise ModelError(
                f"{self.name} was fitted on the covariates {', '.join(add_ons.names[:-1]) or 'none'} and the attribute "
                f"{add_ons.column or 'none'}; the panel has {', '.join(history.known) or 'none'} and "
                f"{', '.join(history.static) or 'none'}. Fit it on this catalog first."
            )

    def save(self, directory: Path) -> None:
        learned = self._fitted
        directory.mkdir(parents=True, exist_ok=True)
        stored = {
            "horizon": self._horizon,
            "unit": self._unit,
            "seed": self._seed,
            "learned": [asdict(part) for part in learned],
        }
        (directory / f"{self.name}.json").write_text(json.dumps(stored, default=np.ndarray.tolist))

    @classmethod
    def load(cls, directory: Path) -> Self:
        stored = cls._stored(directory)
        generation = cls(seed=int(stored["seed"]))
        generation._horizon, generation._unit = int(stored["horizon"]), float(stored["unit"])
        add_ons, launches, pool = stored["learned"]
        generation._learned = (
            AddOns(
                column=add_ons["column"],
                labels=tuple(add_ons["labels"]),
                names=tuple(add_ons["names"]),
                spreads=np.array(add_ons["spreads"]),
                coefficients=np.array(add_ons["coefficients"]),
                information=np.array(add_ons["information"]),
            ),
            LaunchRule(**{name: np.array(values) for name, values in launches.items()}),
            ErrorPool(**{name: np.array(values) for name, values in pool.items()}),
        )
        return generation


def _parts(items: int) -> Iterator[slice]:
    """The items in runs of at most ``_CHUNK``."""
    for start in range(0, items, _CHUNK):
        yield slice(start, min(start + _CHUNK, items))
