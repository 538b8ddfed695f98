"""The desk: an opened catalog and the model that serves it, answering what a planner's pages ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.catalog import About, Check, ItemFacts, SearchResult
from data.errors import NotTrained, ResourceError
from data.planner_store import Term
from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.batch.batch_forecast import Run, forecast_all, latest
from forecasting.batch.forecast_monitoring import ForecastMonitoring, looked_back
from forecasting.batch.forecast_summary import Summary, summarise, summary_of
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import history_until, plan_after
from forecasting.core.types import QuantileForecast, Report
from forecasting.explain.attention_attribution import AttentionAttribution, links
from forecasting.explain.attention_faithfulness import Faithfulness, faithfulness
from forecasting.explain.error_history import ErrorHistory, mistakes
from forecasting.explain.forecast_revision import ForecastRevision, since_last
from forecasting.explain.shapley_drivers import Drivers, drivers
from forecasting.inventory.lead_times import supply_of
from forecasting.models.mqtransformer.forecaster import Answer, MQTransformerForecaster
from forecasting.new_products.duplicate_items import Duplicate, duplicates
from forecasting.new_products.launch_service import LaunchDesk
from forecasting.new_products.model_store import LaunchStore
from forecasting.purchasing import purchase_plan
from forecasting.purchasing.alerts import Alerts, concerns
from forecasting.purchasing.joint_demand import JointTotals, joint_totals, ties_for
from forecasting.purchasing.multi_echelon_plan import BranchErrorCorrelation
from forecasting.purchasing.policy_backtest import BuyingRecord, RecordAsked, buying_record
from forecasting.purchasing.purchase_plan import Basis, BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service import what_if
from forecasting.service.model_loading import serving
from forecasting.service.view_models import (
    ItemHistory,
    ItemView,
    ModelStatus,
    Order,
    PastFan,
    PlanChange,
    ScenarioView,
    SummaryStatus,
    TodayPage,
    TodayRow,
)

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one
    from forecasting.models.patchwork.forecaster import Patchwork, PatchworkParts

#: Matches of a search that are ranked; more than a planner pages through.
_RANKED = 500

#: What is kept of all items, beside the catalog.
_SUMMARY, LOOK_BACK, _FAITHFULNESS = "summary.parquet", "look-back.parquet", "faithfulness.json"

#: Best sellers among which duplicates are looked for.
_COMPARED = 20_000

#: Opened items that are kept: as many as a few planners look at in turn.
_LATELY = 64


@dataclass(frozen=True, eq=False)
class _Opened:
    """One item as it was read from the catalog, and its forecast as planned."""

    facts: ItemFacts
    panel: Panel
    plan: Plan
    answer: Answer


class Desk:
    """Answers about one catalog with one model; thread-safe.

    ``models`` are directories in the order in which they are asked for a model of this catalog; what was made of both is in
    ``home``.
    """

    def __init__(self, catalog: Catalog, models: tuple[Path, ...], home: Path) -> None:
        self._catalog, self._home = catalog, home
        self._one_at_a_time = threading.Lock()
        self._lately: OrderedDict[str, _Opened] = OrderedDict()
        self._forecaster, self._status = serving(catalog.about, models)
        self._summary = Summary.load(home / _SUMMARY, self.key) if self._forecaster else None
        self._looked_back: ForecastMonitoring | None = None
        self._basis: Basis | None = None

    @property
    def key(self) -> str:
        """Names catalog and model together."""
        card = self._status.card
        return f"{self._catalog.about.catalog_hash}/{card.version if card else 'untrained'}"

    @property
    def horizon(self) -> int:
        """The longest horizon answered; the usual one of the frequency where no model serves."""
        return self._forecaster.horizon if self._forecaster else self._catalog.about.frequency.horizon

    def close(self) -> None:
        """Frees the catalog's file."""
        self._catalog.close()

    # what is loaded

    def figures(self) -> About:
        """What the catalog is."""
        return self._catalog.about

    def checks(self) -> tuple[Check, ...]:
        """What the import of the catalog found."""
        return self._catalog.checks()

    def model(self) -> ModelStatus:
        """Which model serves."""
        return self._status

    def summary(self) -> SummaryStatus:
        """Whether all items were forecast."""
        if self._summary is not None:
            return SummaryStatus(True, "", float(self._summary.expected.sum()))
        if self._forecaster is None:
            return SummaryStatus(False, "Items are ranked by recent sales until a model is trained on the Data page.", None)
        return SummaryStatus(False, "Items are ranked by recent sales until the forecasts of all items were made.", None)

    def summarise(self, report: Report) -> None:
        """Forecasts all items, or reads them from a run that has them, and keeps what ranks them; raises NotTrained."""
        forecaster, about = self._serving_model(), self._catalog.about
        run = latest(self._home / "runs", about.catalog_hash, forecaster.card.version if forecaster.card else None)
        self._basis, made = None, None
        if run is not None:
            with suppress(ResourceError):  # a damaged run is set aside
                made = summary_of(run, self.key, report)
        made = made or summarise(self._catalog, forecaster, self.key, report)
        made.save(self._home / _SUMMARY)
        self._summary = made

    def look_back(self) -> ForecastMonitoring | None:
        """What the forecasts of all items did lately; None until it was worked out for this catalog and model."""
        found = self._looked_back
        if found is None and self._forecaster is not None:
            found = self._looked_back = ForecastMonitoring.load(self._home / LOOK_BACK, self.key)
        return found

    def make_look_back(self, report: Report) -> None:
        """Works it out, which takes about three times as long as to forecast all items, and keeps it; raises NotTrained."""
        looked_back(self._catalog, self._serving_model(), self.key, report).save(self._home / LOOK_BACK)

    def forecast(self, item_ids: Sequence[str] | None = None) -> QuantileForecast:
        """Forecast of these items, or of all; raises UnknownItem, NotTrained."""
        forecaster = self._serving_model()
        panel = self._catalog.panel(item_ids)
        return forecaster.forecast(panel, [panel.last], self._catalog.plan(item_ids, forecaster.horizon))[0]

    def forecast_all(self, runs: Path, report: Report) -> Run:
        """Forecasts every item into a run below ``runs``; raises NotTrained."""
        return forecast_all(self._catalog, self._serving_model(), runs, report)

    def run(self) -> Run | None:
        """The newest run of this catalog and model, whole or not."""
        card = self._status.card
        return latest(self._home / "runs", self._catalog.about.catalog_hash, card.version, whole=False) if card else None

    def buying_record(self, asked: RecordAsked, report: Report) -> BuyingRecord:
        """What buying would have cost in the past; raises UnknownItem, NotTrained, TooLittleHistory, ConfigurationError."""
        return buying_record(self._catalog, self._serving_model().twin(), asked, report)

    # lists

    def search(self, text: str, limit: int = 20, offset: int = 0) -> SearchResult:
        """Items by id, name or attribute."""
        return self._catalog.search(text, limit=limit, offset=offset)

    def today(self, order: Order = "expected", limit: int = 25, offset: int = 0, text: str = "") -> TodayPage:
        """A page of the items in this order, of all or of those that match ``text``."""
        summary = self._summary
        if summary is None or order == "recent":
            found = self._catalog.search(text, limit=limit, offset=offset)
            facts, total = found.rows, found.total
        elif text.strip():
            found = self._catalog.search(text, limit=_RANKED)
            facts, total = self._ranked(found.rows, order, summary)[offset : offset + limit], min(found.total, _RANKED)
        else:
            rows = np.arange(len(summary.item_ids)) if order == "expected" else summary.most_uncertain
            wanted = summary.item_ids[rows[offset : offset + limit]]
            facts, total = self._catalog.items(list(wanted)), len(rows)
        return TodayPage(
            rows=tuple(self._today_row(one) for one in facts),
            total=total,
            horizon=self.horizon,
            creation_date=summary.creation_date if summary else None,
            order=order,
        )

    @staticmethod
    def _ranked(found: tuple[ItemFacts, ...], order: Order, summary: Summary) -> tuple[ItemFacts, ...]:
        numbers = summary.expected if order == "expected" else np.where(summary.expected >= 0.5, summary.width, -1)

        def rank(facts: ItemFacts) -> float:
            row = summary.row_of(facts.item_id)
            return -float(numbers[row]) if row is not None else np.inf

        return tuple(sorted(found, key=rank))

    def _today_row(self, facts: ItemFacts) -> TodayRow:
        summary = self._summary
        row = summary.row_of(facts.item_id) if summary else None
        numbers: dict[str, float | None] = dict.fromkeys(("expected_units", "low", "high", "width"))
        if summary is not None and row is not None:
            arrays = (summary.expected, summary.low, summary.high, summary.width)
            numbers = {name: float(array[row]) for name, array in zip(numbers, arrays, strict=True)}
        return TodayRow(
            item_id=facts.item_id,
            name=facts.name,
            category=next(iter(facts.static.values()), ""),
            recent_units=facts.recent_units,
            price=facts.commercial.get(PRICE),
            **numbers,
        )

    def buy_plan(self, settings: BuySettings, edits: Mapping[str, float], saved: Sequence[Term] = ()) -> BuyPlan:
        """The purchase list with planners' ``edits`` and ``saved`` terms.

        Raises UnknownItem, NotTrained before all items were forecast.
        """
        return purchase_plan.buy_plan(self._buying_basis(), settings, edits, saved)

    def joint_totals(self, plan: BuyPlan) -> JointTotals:
        """What the items of a list will sell together until the next order; raises NotTrained, TooLittleHistory."""
        with self._one_at_a_time:
            ties = ties_for(plan, self._catalog, self._serving_model().networks)
        return joint_totals(plan, ties)

    def branch_record(self, plan: BuyPlan) -> BranchErrorCorrelation:
        """What the past says of locations; raises NotTrained, TooLittleHistory."""
        with self._one_at_a_time:
            ties = ties_for(plan, self._catalog, self._serving_model().networks)
        return BranchErrorCorrelation(ties.category, self._catalog.known_periods() > 0)

    def concerns(self, saved: Sequence[Term] = ()) -> Alerts:
        """What needs a planner, ranked by money at risk; raises NotTrained before all items were forecast."""
        return concerns(self._buying_basis(), BuySettings(), self._catalog.known_periods(), self.look_back(), saved)

    def _buying_basis(self) -> Basis:
        if self._summary is None:
            raise NotTrained(self.summary().message)
        if self._basis is None:
            assortment = self._catalog.assortment()
            known = self._catalog.known_periods() if assortment.locations else None
            supply = supply_of(self._catalog.orders(), assortment, self._catalog.about)
            self._basis = purchase_plan.basis(assortment, self._summary, known, supply)
        return self._basis

    # one item

    def item(self, item_id: str, horizon: int | None = None) -> ItemView:
        """History and forecast of one item; raises UnknownItem, NotTrained."""
        opened = self._opened(item_id)
        panel, plan, answer = opened.panel, opened.plan, opened.answer
        horizon = horizon or self.horizon
        seen = what_if.price_range(panel)
        return ItemView(
            facts=opened.facts,
            history=_history(panel, plan),
            forecast=answer.forecast.first(horizon),
            plan_price=what_if.planned(plan, PRICE, horizon),
            plan_promo=what_if.planned(plan, PROMO, horizon),
            price_given=what_if.given(plan, PRICE, horizon),
            promo_given=what_if.given(plan, PROMO, horizon),
            elasticity=_elasticity(answer.forecast.elasticity, seen),
            price_low=seen[0] if seen else None,
            price_high=seen[1] if seen else None,
        )

    def history(self, item_id: str) -> ItemHistory:
        """What is on record of one item; raises UnknownItem."""
        return _history(self._catalog.panel([item_id]))

    def past_fans(self, item_id: str, horizon: int, count: int = 4) -> tuple[PastFan, ...]:
        """Forecasts as they would have been made ``horizon`` periods apart in the past, oldest first, and what came.

        History, scaling and plan are those of each creation date. Where the model has learned from the periods forecast, its
        early self, which had not, stands in as far back as it reaches.
        """
        forecaster = self._serving_model()
        early = forecaster.early()
        panel = self._catalog.panel([item_id])
        known = np.flatnonzero(np.isfinite(panel.demand[0]))
        fans = []
        for back in range(count, 0, -1):
            t = len(panel.periods) - 1 - back * horizon
            if not known.size or t < known[0] + 3:
                continue
            made = panel.periods[t]
            able = [one for one in (forecaster, early) if one is not None and one.networks.until <= made]
            answer = self._answer(history_until(panel, t), plan_after(panel, t, forecaster.horizon), next(iter(able), None))
            actual = np.full(horizon, np.nan)
            came = panel.demand[0, t + 1 : t + 1 + horizon]
            actual[: len(came)] = came
            fans.append(PastFan(answer.forecast.first(horizon), actual, honest=bool(able)))
        return tuple(fans)

    def drivers(self, item_id: str) -> Drivers:
        """What the forecast of one item is made of, in units; raises UnknownItem, NotTrained."""
        opened, networks = self._opened(item_id), self._serving_model().networks
        with self._one_at_a_time:
            return drivers(networks, opened.panel, opened.plan, opened.answer.corrected)

    def links(self, item_id: str) -> AttentionAttribution:
        """Where the forecast of one item looked, and what it is without; raises UnknownItem, NotTrained."""
        opened, networks = self._opened(item_id), self._serving_model().networks
        with self._one_at_a_time:
            return links(networks, opened.panel, opened.plan)

    def kept_faithfulness(self) -> Faithfulness | None:
        """How far attention agrees with masking, None until it was measured."""
        return Faithfulness.load(self._home / _FAITHFULNESS, self.key)

    def measure_faithfulness(self, report: Report) -> None:
        """Measures and keeps it; raises NotTrained, ModelError where the networks have no attention."""
        found = faithfulness(self._catalog, self._serving_model().twin(), self.key, report)
        found.save(self._home / _FAITHFULNESS)

    def mistakes(self, item_id: str) -> ErrorHistory:
        """What was said of one item before, and what came; raises UnknownItem, NotTrained."""
        opened, networks = self._opened(item_id), self._serving_model().networks
        with self._one_at_a_time:
            return mistakes(networks, opened.panel, opened.plan)

    def since_last(self, item_id: str) -> ForecastRevision | None:
        """What changed one item's forecast in the last period; raises UnknownItem, NotTrained."""
        opened, networks = self._opened(item_id), self._serving_model().networks
        with self._one_at_a_time:
            return since_last(networks, opened.panel, opened.plan)

    def scenario(self, item_id: str, horizon: int, change: PlanChange) -> ScenarioView:
        """Baseline and scenario of one item; raises UnknownItem, NotTrained, ConfigurationError."""
        opened = self._opened(item_id)
        panel, plan, before = opened.panel, opened.plan, opened.answer
        other = what_if.changed_plan(plan, change)
        after = before if other is plan else self._answer(panel, other)
        prices, refused = what_if.planned_prices(panel, plan, change)
        priced = (
            after.forecast if change.price is None or prices is None else after.at_prices(what_if.known_prices(prices, plan))
        )
        facts, seen = opened.facts, what_if.price_range(panel)
        cost = facts.commercial.get("unit_cost")
        baseline, scenario = before.forecast.first(horizon), priced.first(horizon)
        asked = None if prices is None else prices[0, :horizon].astype(np.float64)
        promo = what_if.planned(other, PROMO, horizon)
        harder, hardest = what_if.harder_than_ever(panel, promo)
        return ScenarioView(
            facts=facts,
            history=_history(panel, plan),
            baseline=baseline,
            scenario=scenario,
            baseline_plan=PlanChange(what_if.planned(plan, PRICE, horizon), what_if.planned(plan, PROMO, horizon)),
            scenario_plan=PlanChange(np.full(horizon, np.nan) if asked is None else asked, promo),
            before=what_if.outcome(baseline, what_if.planned(plan, PRICE, horizon), cost),
            after=what_if.outcome(scenario, asked, cost),
            elasticity=_elasticity(before.forecast.elasticity, seen),
            outside=what_if.outside(asked, seen, horizon),
            promo_outside=harder,
            refused=refused[0, :horizon],
            price_low=seen[0] if seen else None,
            price_high=seen[1] if seen else None,
            promo_high=hardest,
            promo_planned=bool(what_if.given(plan, PROMO, horizon).any()),
            planned=bool(what_if.given(plan, PRICE, horizon).any() or what_if.given(plan, PROMO, horizon).any()),
        )

    def forecast_by(self, generation: Generation, item_id: str) -> QuantileForecast:
        """Another generation's forecast of one item, from the same history and plan; raises UnknownItem."""
        panel, plan = self._catalog.panel([item_id]), self._catalog.plan([item_id], generation.horizon)
        with self._one_at_a_time:
            return generation.forecast(panel, [panel.last], plan)[0]

    def patchwork_parts(self, patchwork: Patchwork, item_id: str) -> PatchworkParts:
        """How the patchwork comes to its forecast of one item; raises UnknownItem."""
        panel, plan = self._catalog.panel([item_id]), self._catalog.plan([item_id], patchwork.horizon)
        with self._one_at_a_time:
            return patchwork.parts(panel, panel.last, item_id, plan)

    def launches(self, report: Report) -> LaunchDesk:
        """The part for products without history, made anew or of what is kept of it; raises DataError, TooLittleHistory."""
        return LaunchDesk.of(self._catalog, self._forecaster, report, LaunchStore(self._home, self.key))

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Best sellers that are probably one and the same item."""
        return duplicates(self._catalog.search("", limit=_COMPARED).rows, self._catalog.panel)

    def _opened(self, item_id: str) -> _Opened:
        """One item as it was read and forecast last, or anew: a slider that moves asks for the same item again and again."""
        with self._one_at_a_time:
            if item_id in self._lately:
                self._lately.move_to_end(item_id)
                return self._lately[item_id]
        panel, plan = self._catalog.panel([item_id]), self._catalog.plan([item_id], self.horizon)
        opened = _Opened(self._catalog.item(item_id), panel, plan, self._answer(panel, plan))
        with self._one_at_a_time:
            self._lately[item_id] = opened
            while len(self._lately) > _LATELY:
                self._lately.popitem(last=False)
        return opened

    def _answer(self, panel: Panel, plan: Plan, by: MQTransformerForecaster | None = None) -> Answer:
        forecaster = by or self._serving_model()
        with self._one_at_a_time:
            return forecaster.answer(panel, plan)

    def _serving_model(self) -> MQTransformerForecaster:
        if self._forecaster is None:
            raise NotTrained(self._status.message)
        return self._forecaster


def _history(panel: Panel, plan: Plan | None = None) -> ItemHistory:
    """One item's record, from its first known period on; with a plan its events, too."""
    known = np.flatnonzero(np.isfinite(panel.demand[0]))
    record = slice(int(known[0]) if known.size else len(panel.periods), None)
    unknown = np.full(len(panel.periods), np.nan)
    events = [
        (stamp, name)
        for stamps, flags in ((one.periods, one.events) for one in (panel, plan) if one is not None)
        for row, column in zip(*np.nonzero(flags), strict=True)
        for stamp, name in [(stamps[row], panel.event_names[column])]
    ]
    return ItemHistory(
        periods=panel.periods[record],
        demand=panel.demand[0, record],
        price=panel.known[PRICE][0, record] if PRICE in panel.known else unknown[record],
        promo=panel.known[PROMO][0, record] if PROMO in panel.known else unknown[record],
        in_stock=panel.in_stock[0, record],
        events=tuple(events),
    )


def _elasticity(elasticity: np.ndarray | None, seen: tuple[float, float] | None) -> float | None:
    return float(elasticity[0]) if elasticity is not None and seen is not None else None
