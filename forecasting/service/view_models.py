"""What the pages are answered with. Axis letters: T periods on record, H horizons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from data.catalog import ItemFacts
from data.history_marks import Mark
from data.schema import PRICE, PROMO, Panel, Plan
from data.units import PIECES, Unit
from forecasting.core.types import ModelCard, QuantileForecast
from forecasting.service.item_life import ItemLife

#: How Today's items may be ranked: by expected units, by the width of the fan, by recent sales.
Order = Literal["expected", "uncertain", "recent"]


@dataclass(frozen=True)
class TodayRow:
    """One item in Today's list. Units are totals over the horizon, but ``recent_units``, which is per period.

    ``low`` and ``high`` are P10 and P90 of the whole span and ``width`` is (high − low) / expected; all are None until the
    forecasts of all items were made. They are counted in ``unit``.
    """

    item_id: str
    name: str
    category: str
    recent_units: float
    expected_units: float | None
    low: float | None
    high: float | None
    width: float | None
    price: float | None
    unit: Unit = PIECES


@dataclass(frozen=True)
class TodayPage:
    """A page of the ranked items, in ``unit`` as far as they have its factor."""

    rows: tuple[TodayRow, ...]
    total: int
    horizon: int
    creation_date: pd.Timestamp | None
    order: Order
    unit: Unit = PIECES


@dataclass(frozen=True, eq=False)
class ItemHistory:
    """What is on record of one item, from its first known period on; NaN unknown; events past and planned.

    ``imported`` [T] is the demand as it was imported where planners have said that it is not what counts, None where they have
    not; ``named`` are the events that they have named. ``lent`` [T] is where the history of the item ``lender`` stands in.
    """

    periods: pd.DatetimeIndex
    demand: np.ndarray
    price: np.ndarray
    promo: np.ndarray
    in_stock: np.ndarray
    events: tuple[tuple[pd.Timestamp, str], ...]
    imported: np.ndarray | None = None
    named: tuple[tuple[pd.Timestamp, str], ...] = ()
    lent: np.ndarray | None = None
    lender: str = ""
    unit: Unit = PIECES

    @classmethod
    def of(
        cls, panel: Panel, plan: Plan | None = None, imported: Panel | None = None, marks: Sequence[Mark] = (), lender: str = ""
    ) -> ItemHistory:
        """The record of a panel of one item; with a ``plan`` its events, too, with the panel as ``imported`` and the ``marks``
        of the item its layers."""
        there = np.isfinite(panel.demand[0]) | (np.isfinite(imported.demand[0]) if imported is not None else False)
        known = np.flatnonzero(there)
        record = slice(int(known[0]) if known.size else len(panel.periods), None)
        unknown = np.full(len(panel.periods), np.nan)
        events = [
            (stamp, name)
            for stamps, flags in ((one.periods, one.events) for one in (panel, plan) if one is not None)
            for row, column in zip(*np.nonzero(flags), strict=True)
            for stamp, name in [(stamps[row], panel.event_names[column])]
        ]
        return cls(
            periods=panel.periods[record],
            demand=panel.demand[0, record],
            price=panel.known[PRICE][0, record] if PRICE in panel.known else unknown[record],
            promo=panel.known[PROMO][0, record] if PROMO in panel.known else unknown[record],
            in_stock=panel.in_stock[0, record],
            events=tuple(events),
            imported=None if imported is None else imported.demand[0, record],
            named=tuple(
                (stamp, mark.name)
                for mark in marks
                if mark.kind == "event"
                for stamp in panel.periods[mark.covers(panel.periods)]
            ),
            lent=None if panel.life is None else panel.life.lent(panel.periods)[0, record],
            lender=lender,
        )


@dataclass(frozen=True, eq=False)
class ItemView:
    """One item's history and forecast; plans [H]; prices in the catalog's currency, None where there are none.

    ``promo_given`` [H] says which promotions somebody has planned; the others are as usual. The plan of prices and promotions
    reaches ``planned`` periods ahead. ``life`` is where the item begins and ends. Units are counted in ``unit``.
    """

    facts: ItemFacts
    history: ItemHistory
    forecast: QuantileForecast
    plan_price: np.ndarray
    plan_promo: np.ndarray
    promo_given: np.ndarray
    elasticity: float | None
    price_low: float | None
    price_high: float | None
    planned: int = 0
    life: ItemLife = field(default_factory=ItemLife)
    unit: Unit = PIECES


@dataclass(frozen=True, eq=False)
class PastFan:
    """A forecast as it would have been made at an earlier creation date, and what came [H] (NaN: not known yet).

    It is ``honest`` where the networks that made it had not learned from its targets.
    """

    forecast: QuantileForecast
    actual: np.ndarray
    honest: bool = True


@dataclass(frozen=True, eq=False)
class PlanChange:
    """Prices and promotions [H] that a planner puts in the place of the plan; None leaves it as it is."""

    price: np.ndarray | None = None
    promo: np.ndarray | None = None


@dataclass(frozen=True)
class Outcome:
    """Totals over the horizon: expected units, P10 and P90 of them, revenue and margin (None: price or cost unknown)."""

    units: float
    revenue: float | None
    margin: float | None
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class ScenarioView:
    """Baseline and scenario of one item.

    ``planned`` says whether the catalog plans anything of it, ``promo_planned`` whether promotions; where not, the baseline is
    what is usual. ``outside`` and ``promo_outside`` [H] are true where the scenario's price was never seen before, and where
    the item was never promoted so hard, ``promo_high`` being the hardest (None: the catalog has no promotions). In periods
    that are ``refused`` [H] a price was asked that cannot be meant: the plan's was taken.
    """

    facts: ItemFacts
    history: ItemHistory
    baseline: QuantileForecast
    scenario: QuantileForecast
    baseline_plan: PlanChange
    scenario_plan: PlanChange
    before: Outcome
    after: Outcome
    elasticity: float | None
    outside: np.ndarray
    promo_outside: np.ndarray
    refused: np.ndarray
    price_low: float | None
    price_high: float | None
    promo_high: float | None
    promo_planned: bool
    planned: bool
    unit: Unit = PIECES

    @property
    def unsure(self) -> np.ndarray:
        """[H] where the scenario asks for what the item never had."""
        return self.outside | self.promo_outside

    @property
    def shown_promo(self) -> np.ndarray | None:
        """Promotions [H] of the scenario that somebody plans or asks for; 0 where they are only taken as usual."""
        promo, usual = self.scenario_plan.promo, self.baseline_plan.promo
        return promo if promo is None or usual is None or self.promo_planned else np.where(promo == usual, 0.0, promo)


@dataclass(frozen=True)
class ModelStatus:
    """Which model serves. ``message`` is empty where it fits the data, and else says what is wrong and what to do."""

    card: ModelCard | None
    serves: bool
    message: str


@dataclass(frozen=True)
class SummaryStatus:
    """Whether the forecasts of all items, which rank Today's list, are there; and their expected units over the horizon.

    ``ledger`` names the marks of the history that they were made with, and ``behind`` says that there are others by now.
    """

    ready: bool
    message: str
    expected_units: float | None = None
    ledger: str = ""
    behind: bool = False
