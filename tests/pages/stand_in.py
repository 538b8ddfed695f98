"""A stand-in for ``forecasting.workflows``: the same names and types, answers made up from closed formulas.

Pages are tested against it, so that a page test needs neither a catalog nor a trained model and knows every number it must
find on the page. ``install()`` puts it where the pages look for the real module.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import stand_in_buying
import stand_in_history
import stand_in_ladder
import stand_in_launches
import stand_in_totals
import stand_in_why
from stand_in_items import CATEGORIES, HORIZON, PERIODS, WEEKS, ItemHistory, elasticity, forecast, history, level, name_of, span
from stand_in_truth import truths
from stand_in_uploads import (
    CHECKS,
    after_addition,
    can_be_added_to,
    files,
    load_addition,
    load_upload,
    look_first,
    preview_addition,
    preview_upload,
    progress_of,
    recipes,
)

from data.errors import NotTrained, ResourceError, TooLittleHistory, UnknownItem
from data.facts import About, Check, ItemFacts, SearchResult
from data.planner_store import PlannerStore, Term
from data.sources.simulator.settings import Planted
from data.sources.upload.writing.difference import Difference
from data.units import PIECES, Unit, units_of
from forecasting.batch.batch_forecast import Run
from forecasting.batch.forecast_monitoring import ForecastMonitoring
from forecasting.core.forecaster import Generation
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.evaluation.accuracy_report import AccuracyReport
from forecasting.explain.attention_attribution import AttentionAttribution
from forecasting.explain.error_history import ErrorHistory
from forecasting.explain.forecast_revision import ForecastRevision
from forecasting.explain.shapley_drivers import Drivers
from forecasting.models.patchwork.forecaster import PatchworkParts
from forecasting.new_products.duplicate_items import Duplicate
from forecasting.purchasing import purchase_plan
from forecasting.purchasing.alerts import Alerts, alerts
from forecasting.purchasing.joint_demand import JointTotals, joint_totals
from forecasting.purchasing.plan_inputs import PlanInputs
from forecasting.purchasing.policy_backtest import BuyingRecord, ReplaySettings
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.background_jobs import CommandJob
from forecasting.service.item_life import ItemRecord
from forecasting.service.total_view import TotalView
from forecasting.service.view_models import (
    ItemView,
    ModelStatus,
    PastFan,
    PlanChange,
    ScenarioView,
    SummaryStatus,
    TodayPage,
    TodayRow,
)

__all__ = [
    "after_addition", "can_be_added_to", "files", "load_addition", "load_upload", "look_first", "preview_addition",
    "preview_upload", "progress_of", "recipes", "truths",
]  # fmt: skip
# the pages ask the module for them


@dataclass
class State:
    """What the tests turn: how many items there are and what is not in order."""

    items: int = 240
    catalog: bool = True
    trained: bool = True
    summarised: bool = True
    stale: bool = False
    planned: bool = True
    stocked: bool = False
    ordered: bool = False
    supply_words: str = ""
    looked_back: bool = True
    parts: int = 0
    trusting: bool = True
    tried: int = 3
    failed: tuple[tuple[str, str], ...] = ()
    packs: bool = False
    priced: bool = True
    launches: str = ""
    loaded: list[str] = field(default_factory=list)
    kept: Difference | None = None
    planners: Path = field(default_factory=lambda: Path(tempfile.mkdtemp()) / "planner.sqlite")


STATE = State()


def facts(number: int) -> ItemFacts:
    """The item of this number; 0 has 6 periods of history, 1 an ugly name, and those after sell less and less."""
    name = {0: "New oat drink", 1: '=HYPERLINK("x") *bold* <b>juice</b> [a](b) $1$'}.get(number, name_of(number))
    cost = None if number % 5 == 4 else 1.1
    static = MappingProxyType({"category": CATEGORIES[number % len(CATEGORIES)], "brand": f"Brand {number % 11}"})
    packs = {"pack_size": None if number % 10 == 9 else 6.0 + number % 3} if STATE.packs else {}
    commercial = MappingProxyType({"unit_cost": cost, "price": 2.49, **packs})
    return ItemFacts(f"SKU-{number:04d}", name, static, commercial, level(number))


def _number(item_id: str) -> int:
    head, _, tail = item_id.partition("-")
    if head != "SKU" or not tail.isdigit() or int(tail) >= STATE.items:
        raise UnknownItem(f"The catalog has no item {item_id!r}. Search for it by name, id or category.")
    return int(tail)


@cache
def plan_inputs(items: int, stocked: bool, ordered: bool, packs: bool = False) -> PlanInputs:
    """What the purchase list is made of; stock, packs and lead times are known where ``stocked``, orders where ``ordered``."""
    price, promo = np.full(HORIZON, 2.49), (np.arange(HORIZON) == 4) * 0.8
    made = [forecast(number, HORIZON, price, promo, pd.Timestamp("2025-12-28")).cumulative for number in range(items)]
    every = [facts(number) for number in range(items)]
    return stand_in_buying.plan_inputs(every, np.concatenate(made), stocked=stocked, about=about() if ordered else None)


def about() -> About:
    last = WEEKS.range(pd.Timestamp("2024-01-07"), PERIODS)[-1]
    return About(
        name="Corner shop", source="stand-in", words="Made up for the tests.", frequency=WEEKS, stamp="last",
        currency="USD", country="US", first=pd.Timestamp("2024-01-07"), last=last, periods=PERIODS, items=STATE.items,
        known=("price", "promo"), past=(), static=("category", "brand"), price_seen="always", planned=HORIZON,
        catalog_hash="abc123", contract_version=1, built_at="2026-01-05T08:00:00", supply_words=STATE.supply_words,
    )  # fmt: skip


def search(text: str, limit: int = 20, offset: int = 0) -> SearchResult:
    found = [
        item
        for item in map(facts, range(STATE.items))
        if text.lower() in f"{item.item_id} {item.name} {item.static['category']}".lower()
    ]
    found.sort(key=lambda item: -item.recent_units)
    return SearchResult(tuple(found[offset : offset + limit]), len(found))


class Items:
    """Of one item."""

    def history(self, item_id: str) -> ItemHistory:
        return self._layers(item_id)[0]

    def record(self, item_id: str) -> ItemRecord:
        return self._layers(item_id)[1]

    def _layers(self, item_id: str) -> tuple[ItemHistory, ItemRecord]:
        number = _number(item_id)
        return stand_in_history.layers(number, facts(number), history(number), planner_store().ledger(about().name))

    def view(self, item_id: str, horizon: int | None = None) -> ItemView:
        number, horizon = _number(item_id), horizon or HORIZON
        if not STATE.trained:
            raise NotTrained("No model has been trained on this catalog yet. Train one on the Data page.")
        (past, record), given = self._layers(item_id), np.full(horizon, STATE.planned)
        price, promo = np.full(horizon, 2.49), (np.arange(horizon) == 4) * 0.8 if STATE.planned else np.full(horizon, 0.18)
        answer = forecast(number, horizon, price, promo, past.periods[-1])
        view = ItemView(facts(number), past, answer, price, promo, given, elasticity(number), 1.99, 2.49)
        return replace(view, life=record.life)

    def past_forecasts(self, item_id: str, horizon: int, count: int = 4) -> tuple[PastFan, ...]:
        number, past, fans = _number(item_id), history(_number(item_id)), []
        for back in range(count, 0, -1):
            at = len(past.periods) - back * horizon
            if at < 8:
                continue
            rows, start = slice(at, at + horizon), PERIODS - len(past.periods) + at
            made = forecast(number, horizon, past.price[rows], past.promo[rows], past.periods[at - 1], start)
            fans.append(PastFan(made, past.demand[rows]))
        return tuple(fans)

    def scenario(self, item_id: str, horizon: int, change: PlanChange) -> ScenarioView:
        number, view = _number(item_id), self.view(item_id, horizon)
        price = view.plan_price if change.price is None else np.asarray(change.price, float)
        promo = view.plan_promo if change.promo is None else np.asarray(change.promo, float)
        after = forecast(number, horizon, price, promo, view.history.periods[-1])
        cost = view.facts.commercial["unit_cost"]
        return ScenarioView(
            facts=view.facts,
            history=view.history,
            baseline=view.forecast,
            scenario=after,
            baseline_plan=PlanChange(view.plan_price, view.plan_promo),
            scenario_plan=PlanChange(price, promo),
            before=stand_in_buying.outcome(view.forecast, view.plan_price, cost),
            after=stand_in_buying.outcome(after, price, cost),
            elasticity=view.elasticity,
            outside=(price < 1.99 - 1e-9) | (price > 2.49 + 1e-9),
            promo_outside=promo > 0.8 + 0.02,
            refused=np.zeros(horizon, bool),
            price_low=1.99,
            price_high=2.49,
            promo_high=0.8,
            promo_planned=STATE.planned,
            planned=STATE.planned,
        )

    def drivers(self, item_id: str) -> Drivers:
        return stand_in_why.drivers(self.view(item_id).forecast.mean()[0])

    def attention(self, item_id: str) -> AttentionAttribution:
        view = self.view(item_id)
        return stand_in_why.links(view.forecast.mean()[0], view.history.periods)

    def errors(self, item_id: str) -> ErrorHistory:
        view = self.view(item_id)
        return stand_in_why.mistakes(view.forecast.mean()[0], view.history.periods, trusted=STATE.trusting)

    def revision(self, item_id: str) -> ForecastRevision | None:
        """Of the item with 6 periods on record nothing was known before."""
        view = self.view(item_id)
        expected = view.forecast.mean()[0]
        return stand_in_why.since_last(expected, view.forecast.creation_date, WEEKS) if _number(item_id) else None

    def forecast_by(self, generation: str, item_id: str) -> QuantileForecast:
        """Another generation says a fifth more."""
        own = self.view(item_id).forecast
        return replace(own, values=own.values * 1.2, cumulative=own.cumulative * 1.2, model=generation)

    def patchwork_parts(self, patchwork: str, item_id: str) -> PatchworkParts:
        return stand_in_ladder.patchwork_parts(item_id, HORIZON, about().last)


class Forecasts(stand_in_why.Faithful, stand_in_totals.Spans):
    """Of all items."""

    def status(self) -> SummaryStatus:
        if not STATE.summarised:
            return SummaryStatus(False, "Forecasting all items: 40 of 240.")
        return SummaryStatus(True, "", sum(row.expected_units for row in self.today(limit=STATE.items).rows))

    def summarise(self, report: Report) -> None:
        report(Progress(1, 1, "Forecasting all items"))
        STATE.summarised = True

    def monitoring(self) -> ForecastMonitoring | None:
        return stand_in_buying.look_back([facts(n).item_id for n in range(STATE.items)]) if STATE.looked_back else None

    def run(self) -> Run | None:
        return stand_in_buying.run(STATE)

    def total(self, category: str = "", unit: Unit = PIECES) -> TotalView:
        of = {number: facts(number).static["category"] for number in range(STATE.items)}
        category = category if category in of.values() else ""
        numbers = [number for number, one in of.items() if category in ("", one)]
        found = stand_in_totals.view(numbers, category, tuple(dict.fromkeys(CATEGORIES)), about().last, STATE.summarised)
        factors = {number: stand_in_totals.factor(facts(number), unit) for number in numbers}
        return found if unit.is_pieces else stand_in_totals.in_unit(found, factors, unit)

    def today(
        self, order: str = "expected", limit: int = 25, offset: int = 0, text: str = "", unit: Unit = PIECES
    ) -> TodayPage:
        rows = [self._row(_number(item.item_id), item, unit) for item in search(text, STATE.items).rows]
        numbers = {"expected": lambda row: row.expected_units, "uncertain": lambda row: row.width}
        rows.sort(key=lambda row: (row.unit != unit, -(numbers.get(order, lambda one: one.recent_units)(row) or 0)))
        return TodayPage(tuple(rows[offset : offset + limit]), len(rows), HORIZON, about().last, order, unit)

    def _row(self, number: int, item: ItemFacts, unit: Unit) -> TodayRow:
        if not STATE.summarised:
            return TodayRow(item.item_id, item.name, item.static["category"], item.recent_units, None, None, None, None, 2.49)
        expected, low, high = span(number)
        each = stand_in_totals.factor(item, unit)
        unit, each = (PIECES, 1.0) if each is None else (unit, each)
        found = (item.recent_units * each, expected * each, low * each, high * each, (high - low) / expected, 2.49)
        return TodayRow(item.item_id, item.name, item.static["category"], *found, unit)


class Purchases:
    """What to order."""

    def plan(self, settings: BuySettings, edits: Mapping[str, float], saved: Sequence[Term] = ()) -> BuyPlan:
        return purchase_plan.buy_plan(
            plan_inputs(STATE.items, STATE.stocked, STATE.ordered, STATE.packs), settings, edits, saved
        )

    def alerts(self, saved: Sequence[Term] = ()) -> Alerts:
        known = np.array([len(history(number).periods) for number in range(STATE.items)])
        inputs = plan_inputs(STATE.items, STATE.stocked, STATE.ordered, STATE.packs)
        return alerts(inputs, BuySettings(), known, Forecasts().monitoring(), saved)

    def joint_totals(self, plan: BuyPlan, per_piece: np.ndarray | None = None) -> JointTotals:
        return joint_totals(plan, stand_in_buying.CORRELATION, per_piece)

    def policy_backtest(self, settings: ReplaySettings, report: object) -> BuyingRecord:
        raise TooLittleHistory("The catalog has 3 creation dates to replay and 6 are needed. Load more history.")


class PlanningService:
    horizon = HORIZON

    def __init__(self) -> None:
        if not STATE.catalog:
            raise ResourceError("There is no catalog yet. Load the demo or your own data on the Data page.")
        self.items, self.forecasts, self.purchases = Items(), Forecasts(), Purchases()

    @property
    def key(self) -> str:
        return f"abc123/{STATE}"

    def figures(self) -> About:
        return about()

    def units(self) -> tuple[Unit, ...]:
        return units_of(about().static, packs=STATE.packs, prices=STATE.priced, currency="USD")

    def search(self, text: str, limit: int = 20, offset: int = 0) -> SearchResult:
        return search(text, limit, offset)

    def launches(self) -> stand_in_launches.LaunchService | None:
        learned = STATE.launches not in ("few", "not learned")
        return stand_in_launches.LaunchService(STATE.launches, STATE.trained) if learned else None

    def learn_launches(self, report: Report) -> None:
        report(Progress(1, 2, "Learning which launches were alike"))
        if STATE.launches == "few":
            raise TooLittleHistory("The catalog has 3 launches that were followed for 8 periods; at least 20 are needed.")
        STATE.launches = ""

    def duplicates(self) -> tuple[Duplicate, ...]:
        return ()

    def checks(self) -> tuple[Check, ...]:
        return CHECKS

    def model(self) -> ModelStatus:
        if not STATE.trained:
            return ModelStatus(None, False, "No model has been trained on this catalog yet.")
        stale = "The model was trained on other data than is loaded now. Train it again."
        return ModelStatus(stand_in_ladder.CARD, True, stale if STATE.stale else "")


def open_service() -> PlanningService:
    return PlanningService()


def planner_store() -> PlannerStore:
    return PlannerStore(STATE.planners)


def accuracy(history_hash: str) -> AccuracyReport | None:
    return stand_in_ladder.report(STATE.tried, STATE.failed)


def fitted_generation(history_hash: str, name: str) -> Generation:
    return name


def job(name: str) -> CommandJob:
    if name == "train":
        return stand_in_ladder.Training()
    made = {"ladder": stand_in_ladder.LadderRun, "look-back": stand_in_buying.LookBackRun, "forecast": stand_in_buying.BatchRun}
    return made[name](STATE)


def home() -> Path:
    return Path("no-such-directory")  # nothing behind this desk changes


def load_complete_journey(report: Report) -> None:
    report(Progress(1, 2, "Reading"))
    STATE.loaded.append("complete journey")


def load_simulated(items: int, periods: int, seed: int, report: Report, planted: Planted | None = None) -> None:
    report(Progress(1, 2, "Writing"))
    STATE.loaded.append(
        f"simulated {items} {periods} {seed} {[name for name, there in vars(planted or Planted()).items() if there]}"
    )


def install() -> None:
    """Makes ``forecasting.workflows`` be this module, and forgets what earlier tests turned."""
    import forecasting

    STATE.__init__()
    sys.modules["forecasting.workflows"] = sys.modules[__name__]
    forecasting.workflows = sys.modules[__name__]
