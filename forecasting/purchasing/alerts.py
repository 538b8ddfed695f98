"""What needs a planner now, ranked by the money at risk: items that run out, have too much, are new, moved, or surprise.

Each is worth what it is expected to cost if nobody does anything: sales missed before an order placed now could arrive,
stock left when the forecast ends, and for a new item what even its best order is expected to cost. A forecast that moved is
worth the margin of the units it went up by, or the cost of leaving over those it went down by; one that keeps falling outside
its range, what the units outside would have cost until the next order arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import pandas as pd

from data.planner_store import Review, Term
from forecasting.batch.forecast_monitoring import ForecastMonitoring
from forecasting.core import quantile_function
from forecasting.inventory.order_policy import Costs, best_position, outcome
from forecasting.purchasing.plan_inputs import PlanInputs, in_time
from forecasting.purchasing.purchase_terms import BuySettings, costs_of, terms

Reason = Literal["shortage", "overstock", "new", "moved", "outside"]
REASONS: tuple[Reason, ...] = ("shortage", "overstock", "new", "moved", "outside")

#: Fewer known periods than this, and an item is new.
NEW_BELOW = 13

#: A snoozed alert comes back when its money has moved by more than this share.
MOVED = 0.10

_WORTH_A_WORD = 0.5  # units: less than half of one is nothing
_SURE = 0.9  # stock above this quantile of all demand that was forecast is too much
_FAR, _MOST_MOVED = 0.1, 50  # a forecast moved by less than this share did not move; and how many of the dearest are named


@dataclass(frozen=True)
class Moved:
    """Expected units ``before`` and ``after`` the last period, ``from_sales`` of the difference because of what it sold."""

    before: float
    after: float
    from_sales: float


@dataclass(frozen=True)
class Missed:
    """Of ``judged`` periods ``above`` came above P90 and ``below`` below P10."""

    judged: int
    above: int
    below: int


@dataclass(frozen=True)
class Alert:
    """One thing that needs somebody.

    ``money`` is at risk and ``units`` are missed, left over, moved or outside, of a ``position`` on hand and on order, while
    ``expected`` are asked for in ``periods``, 8 times in 10 between ``low`` and ``high``; ``known`` periods are on record.
    ``moved`` and ``missed`` tell of a forecast that did. Where nothing ``is_priced``, ``money`` ranks and is not to be told.
    """

    reason: Reason
    item_id: str
    name: str
    money: float
    units: float
    position: float
    expected: float
    low: float
    high: float
    periods: float
    known: int
    moved: Moved | None = None
    missed: Missed | None = None
    is_priced: bool = True


@dataclass(frozen=True, eq=False)
class _Kind:
    """One reason: the ``row`` [K] of each item it is about, with the figures [K] of an Alert."""

    row: np.ndarray
    money: np.ndarray
    units: np.ndarray
    position: np.ndarray
    knots: np.ndarray
    periods: np.ndarray


@dataclass(frozen=True, eq=False)
class Alerts:
    """All of them, dearest first, whether dealt with or not.

    Attributes
    ----------
    reason, row : [C] which reason, by its number in REASONS, and which item of the assortment.
    money, units, position, periods : [C] as in ``Alert``.
    knots : [C, Q] of demand over those periods.
    known : [N] periods on record of each item.
    is_stock_known : whether the catalog tells any item's stock; without it nobody can say what runs out.
    look_back : of the assortment's items, None until it was worked out: then nobody knows what moved or fell outside.
    """

    inputs: PlanInputs
    reason: np.ndarray
    row: np.ndarray
    money: np.ndarray
    units: np.ndarray
    position: np.ndarray
    periods: np.ndarray
    knots: np.ndarray
    known: np.ndarray
    is_stock_known: bool
    look_back: ForecastMonitoring | None = None

    def __len__(self) -> int:
        return len(self.row)

    @property
    def creation_date(self) -> pd.Timestamp:
        """Of the forecasts."""
        return self.inputs.creation_date

    def is_open(self, reviews: Sequence[Review]) -> np.ndarray:
        """[C] where nobody has dealt with it.

        What was reviewed comes back with the next creation date, what was snoozed when its money has moved by a tenth.
        """
        answer = np.ones(len(self), bool)
        date = f"{self.creation_date:%Y-%m-%d}"
        for review in reviews:
            row = self.inputs.row_of.get(review.item_id)
            if row is None or review.reason not in REASONS:
                continue
            for place in np.flatnonzero((self.row == row) & (self.reason == REASONS.index(review.reason))):
                still = abs(self.money[place] - review.figure) <= MOVED * abs(review.figure)
                answer[place] = not (review.creation_date == date if review.state == "reviewed" else still)
        return answer

    def of(self, places: Sequence[int] | np.ndarray) -> tuple[Alert, ...]:
        """These alerts."""
        places = np.asarray(places, dtype=int)
        taus, assortment = self.inputs.taus, self.inputs.assortment
        knots = self.knots[places]
        low, high = (quantile_function.quantile(taus, knots, tau) for tau in (0.1, 0.9))
        expected = quantile_function.mean(taus, knots)
        names = assortment.names_of(self.row[places])
        return tuple(
            Alert(
                reason=REASONS[int(self.reason[place])],
                item_id=str(assortment.item_ids[self.row[place]]),
                name=names[k],
                money=float(self.money[place]),
                units=float(self.units[place]),
                position=float(self.position[place]),
                expected=float(expected[k]),
                low=float(low[k]),
                high=float(high[k]),
                periods=float(self.periods[place]),
                known=int(self.known[self.row[place]]),
                is_priced=self.inputs.has_prices,
                **self._lately(int(place)),
            )
            for k, place in enumerate(places)
        )

    def _lately(self, place: int) -> dict[str, Any]:
        """What an alert that the look back found tells besides."""
        row, reason, found = int(self.row[place]), REASONS[int(self.reason[place])], self.look_back
        if found is None or reason not in ("moved", "outside"):
            return {}
        if reason == "moved":
            return {"moved": Moved(*(float(one[row]) for one in (found.before, found.after, found.from_sales)))}
        return {"missed": Missed(*(int(one[row]) for one in (found.judged, found.above, found.below)))}


def alerts(
    inputs: PlanInputs,
    settings: BuySettings,
    known: np.ndarray,
    look_back: ForecastMonitoring | None = None,
    saved: Sequence[Term] = (),
) -> Alerts:
    """What needs somebody; ``known`` [N] periods are on record.

    Where the catalog does not know how an item is bought, planners' ``saved`` terms stand in, else ``settings``.

    Items whose stock is not known are not among those that run out or have too much, and new ones not among those that moved.
    """
    lately = look_back.of(inputs.assortment.item_ids) if look_back is not None else None

    def bought(rows: np.ndarray) -> _Bought:
        filled, _ = terms(inputs, rows, settings, saved)
        position = filled["on_hand"] + filled["on_order"] - filled["back_orders"]
        return _Bought(filled["lead_time"], settings.review, position, filled, costs_of(filled, settings)[0])

    kinds = [_shortages(inputs, bought), _overstocks(inputs, bought), _new_items(inputs, bought, known)]
    if lately is not None:
        kinds += [_moved(inputs, bought, known, lately), _outside(inputs, bought, lately)]
    reason = np.repeat(np.arange(len(kinds)), [len(kind.row) for kind in kinds])
    columns = {one.name: np.concatenate([getattr(kind, one.name) for kind in kinds]) for one in fields(_Kind)}
    dearest = np.argsort(-columns["money"], kind="stable")
    dearest = dearest if inputs.ended is None else dearest[~inputs.ended[columns["row"][dearest]]]
    return Alerts(
        inputs=inputs,
        reason=reason[dearest],
        known=known,
        is_stock_known=bool(np.isfinite(inputs.assortment.commercial["on_hand"]).any()),
        look_back=lately,
        **{name: column[dearest] for name, column in columns.items()},
    )


@dataclass(frozen=True, eq=False)
class _Bought:
    """How K items are bought: periods, units on hand and on order less those owed, the columns ``filled``, and the costs."""

    lead_time: np.ndarray
    review: float
    position: np.ndarray
    filled: Mapping[str, np.ndarray]
    costs: Costs


def _shortages(inputs: PlanInputs, bought: Callable[[np.ndarray], _Bought]) -> _Kind:
    """Sales missed before an order placed now arrives; what is on order and arrives later does not help.

    Where orders are open, the shelf may be empty before one of them comes and full after: the stretch that misses most counts,
    which is the least that is missed in all.
    """
    rows = np.flatnonzero(np.isfinite(inputs.assortment.commercial["on_hand"]))
    how = bought(rows)
    there = how.position - how.filled["on_order"]
    periods = how.lead_time.copy()
    position = there + in_time(inputs, rows, how.filled, np.maximum(periods, 1.0))
    knots = inputs.knots(rows, how.lead_time, 0.0, how.filled["lead_time_sd"])
    lost = quantile_function.shortfall(inputs.taus, knots, position)
    waits = np.flatnonzero(inputs.supply.has_open[rows]) if inputs.supply is not None else np.zeros(0, int)
    for ahead in range(1, min(inputs.horizon, int(np.ceil(periods[waits].max(initial=0.0))))):
        some = waits[how.lead_time[waits] > ahead]
        so_far = np.full(len(some), float(ahead))
        has = there[some] + in_time(inputs, rows[some], {n: v[some] for n, v in how.filled.items()}, so_far)
        until = inputs.knots(rows[some], so_far, 0.0)
        missed = quantile_function.shortfall(inputs.taus, until, has)
        worse = missed > lost[some]
        at = some[worse]
        lost[at], position[at], knots[at], periods[at] = missed[worse], has[worse], until[worse], ahead
    return _kept(lost >= _WORTH_A_WORD, rows, how.costs.underage * lost, lost, position, knots, periods)


def _overstocks(inputs: PlanInputs, bought: Callable[[np.ndarray], _Bought]) -> _Kind:
    """Stock that is left when the forecast ends, where that is all but sure."""
    rows = np.flatnonzero(np.isfinite(inputs.assortment.commercial["on_hand"]))
    how, whole = bought(rows), np.full(len(rows), float(inputs.horizon))
    knots = inputs.knots(rows, whole, 0.0)
    left = outcome(knots, inputs.taus, how.position, how.costs).left_over
    much = (left >= _WORTH_A_WORD) & (how.position > quantile_function.quantile(inputs.taus, knots, _SURE))
    return _kept(much, rows, how.costs.overage * left, left, how.position, knots, whole)


def _new_items(inputs: PlanInputs, bought: Callable[[np.ndarray], _Bought], known: np.ndarray) -> _Kind:
    """Items with a short past, by what the best order for them is expected to cost."""
    rows = np.flatnonzero(known < NEW_BELOW)
    how = bought(rows)
    knots = inputs.knots(rows, how.lead_time, how.review, how.filled["lead_time_sd"])
    best = best_position(knots, inputs.taus, how.costs)
    found = outcome(knots, inputs.taus, best, how.costs)
    sells = quantile_function.mean(inputs.taus, knots) >= _WORTH_A_WORD
    periods = np.maximum(np.rint(how.lead_time + how.review), 1.0)  # what is told of them is told of whole periods
    return _kept(sells, rows, found.cost, best, how.position, inputs.knots(rows, periods, 0.0), periods)


def _moved(inputs: PlanInputs, bought: Callable[[np.ndarray], _Bought], known: np.ndarray, found: ForecastMonitoring) -> _Kind:
    """Forecasts that moved most in money since the creation date before."""
    units = np.nan_to_num(found.after - found.before).astype(np.float64)
    far = (np.abs(units) >= np.maximum(_WORTH_A_WORD, _FAR * np.nan_to_num(found.before))) & (known >= NEW_BELOW)
    rows = np.flatnonzero(far)
    how = bought(rows)
    money = np.where(units[rows] > 0, how.costs.underage, how.costs.overage) * np.abs(units[rows])
    periods = np.full(len(rows), float(found.ahead))
    dearest = np.zeros(len(rows), bool)
    dearest[np.argsort(-money, kind="stable")[:_MOST_MOVED]] = True
    return _kept(dearest, rows, money, units[rows], how.position, inputs.knots(rows, periods, 0.0), periods)


def _outside(inputs: PlanInputs, bought: Callable[[np.ndarray], _Bought], found: ForecastMonitoring) -> _Kind:
    """Forecasts whose range was missed more often than chance allows."""
    rows = np.flatnonzero(found.is_outside)
    how = bought(rows)
    periods = how.lead_time + how.review
    over, under = (one[rows] / found.judged[rows] * periods for one in (found.over, found.under))
    money = how.costs.underage * over + how.costs.overage * under
    knots = inputs.knots(rows, how.lead_time, how.review)
    return _kept(over + under > 0, rows, money, over + under, how.position, knots, periods)


def _kept(where: np.ndarray, *columns: np.ndarray) -> _Kind:
    return _Kind(*(column[where] for column in columns))
