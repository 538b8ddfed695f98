"""What is asked of one item: its history and forecast, what explains it, and what another plan would do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np

from data.catalog import ItemFacts
from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.kept import Kept
from forecasting.core.time_splits import history_until, plan_after
from forecasting.core.types import QuantileForecast
from forecasting.explain.attention_attribution import AttentionAttribution, attention_attribution
from forecasting.explain.error_history import ErrorHistory, error_history
from forecasting.explain.forecast_revision import ForecastRevision, forecast_revision
from forecasting.explain.shapley_drivers import Drivers, drivers
from forecasting.models.mqtransformer.ensemble import EnsembleOutput
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.service import what_if
from forecasting.service.item_life import ItemLife, ItemRecord, life_of, record_of
from forecasting.service.model_loading import ServedModel
from forecasting.service.view_models import ItemHistory, ItemView, PastFan, PlanChange, ScenarioView

if TYPE_CHECKING:
    from data.corrected_catalog import CorrectedCatalog  # it is handed an opened one
    from forecasting.models.patchwork.forecaster import Patchwork, PatchworkParts

_Explanation = TypeVar("_Explanation")

#: Opened items that are kept: as many as a few planners look at in turn.
_LATELY = 64

#: Explanations that are kept: of as many items, each of four kinds.
_EXPLAINED = 4 * _LATELY


@dataclass(frozen=True, eq=False)
class _Opened:
    """One item as it was read from the catalog, with its ``history`` in layers, and its forecast as planned."""

    facts: ItemFacts
    panel: Panel
    plan: Plan
    history: ItemHistory
    life: ItemLife
    forecast: QuantileForecast
    output: EnsembleOutput


class ItemService:
    """Answers about one item of ``catalog`` at a time, ``horizon`` periods ahead where nothing else is asked."""

    def __init__(self, catalog: CorrectedCatalog, model: ServedModel, horizon: int) -> None:
        self._catalog, self._model, self._horizon = catalog, model, horizon
        self._lately, self._explanations = Kept[_Opened](_LATELY), Kept[Any](_EXPLAINED)
        self._generations_lock = threading.Lock()

    def view(self, item_id: str, horizon: int | None = None) -> ItemView:
        """History and forecast of one item; raises UnknownItem, NotTrained."""
        opened = self._opened(item_id)
        panel, plan, forecast = opened.panel, opened.plan, opened.forecast
        horizon = horizon or self._horizon
        seen = what_if.price_range(panel)
        return ItemView(
            facts=opened.facts,
            history=opened.history,
            forecast=forecast.first(horizon),
            plan_price=what_if.planned(plan, PRICE, horizon),
            plan_promo=what_if.planned(plan, PROMO, horizon),
            promo_given=what_if.given(plan, PROMO, horizon),
            elasticity=what_if.known_elasticity(forecast, seen),
            price_low=seen[0] if seen else None,
            price_high=seen[1] if seen else None,
            planned=what_if.planned_ahead(plan, horizon),
            life=opened.life,
        )

    def history(self, item_id: str) -> ItemHistory:
        """What is on record of one item; raises UnknownItem."""
        catalog = self._catalog.as_it_is()
        return self._layers(catalog, catalog.panel([item_id]), None)[0]

    def record(self, item_id: str) -> ItemRecord:
        """One item's history as imported and as it counts, and what was and may be said of it; raises UnknownItem."""
        return record_of(self._catalog, item_id)

    def past_forecasts(self, item_id: str, horizon: int, count: int = 4) -> tuple[PastFan, ...]:
        """Forecasts as they would have been made ``horizon`` periods apart in the past, oldest first, and what came.

        History, scaling and plan are those of each creation date. Where the model has learned from the periods forecast, its
        early self, which had not, stands in as far back as it reaches.
        """
        with self._model.locked() as forecaster:
            early = forecaster.validation_model()
        panel = self._catalog.panel([item_id])
        known = np.flatnonzero(np.isfinite(panel.demand[0]))
        fans = []
        for back in range(count, 0, -1):
            t = len(panel.periods) - 1 - back * horizon
            if not known.size or t < known[0] + 3:
                continue
            past, plan = history_until(panel, t), plan_after(panel, t, forecaster.horizon)
            able = [one for one in (forecaster, early) if one is not None and one.networks.until <= past.last]
            with self._model.locked():
                forecast, _ = (able[0] if able else forecaster).predict(past, plan, shown=False)
            actual = np.full(horizon, np.nan)
            later = panel.demand[0, t + 1 : t + 1 + horizon]
            actual[: len(later)] = later
            fans.append(PastFan(forecast.first(horizon), actual, honest=bool(able)))
        return tuple(fans)

    def drivers(self, item_id: str) -> Drivers:
        """What the forecast of one item is made of, in units; raises UnknownItem, NotTrained."""
        corrected = self._opened(item_id).output.correction
        return self._explained(item_id, "drivers", lambda networks, panel, plan: drivers(networks, panel, plan, corrected))

    def attention(self, item_id: str) -> AttentionAttribution:
        """Where the forecast of one item looked, and what it is without; raises UnknownItem, NotTrained."""
        return self._explained(item_id, "attention", attention_attribution)

    def errors(self, item_id: str) -> ErrorHistory:
        """What was said of one item before, and what came; raises UnknownItem, NotTrained."""
        return self._explained(item_id, "errors", error_history)

    def revision(self, item_id: str) -> ForecastRevision | None:
        """What changed one item's forecast in the last period; raises UnknownItem, NotTrained."""
        return self._explained(item_id, "revision", forecast_revision)

    def scenario(self, item_id: str, horizon: int, change: PlanChange) -> ScenarioView:
        """Baseline and scenario of one item; raises UnknownItem, NotTrained, ConfigurationError."""
        opened = self._opened(item_id)
        other = what_if.changed_plan(opened.plan, change)
        after, output = opened.forecast, opened.output
        if other is not opened.plan:
            after, output = self._model.predict(opened.panel, other)
        if (prices := what_if.scenario_prices(opened.panel, opened.plan, change)) is not None:
            after = MQTransformerForecaster.at_prices(opened.panel, after, output, prices)
        plans = opened.plan, other
        return what_if.scenario_view(opened.facts, opened.panel, plans, (opened.forecast, after), change, horizon)

    def forecast_by(self, generation: Generation, item_id: str) -> QuantileForecast:
        """Another generation's forecast of one item, from the same history and plan; raises UnknownItem."""
        panel, plan = self._catalog.panel([item_id]), self._catalog.plan([item_id], generation.horizon)
        with self._generations_lock:
            return generation.forecast(panel, [panel.last], plan)[0]

    def patchwork_parts(self, patchwork: Patchwork, item_id: str) -> PatchworkParts:
        """How the patchwork comes to its forecast of one item; raises UnknownItem."""
        panel, plan = self._catalog.panel([item_id]), self._catalog.plan([item_id], patchwork.horizon)
        with self._generations_lock:
            return patchwork.parts(panel, panel.last, item_id, plan)

    def _opened(self, item_id: str) -> _Opened:
        """One item as it was read and forecast last, or anew: a slider that moves asks for the same item again and again."""
        catalog = self._catalog.as_it_is()  # what is marked later is read by the next question
        return self._lately.made((item_id, catalog.ledger.version), lambda: self._read(catalog, item_id))

    def _read(self, catalog: CorrectedCatalog, item_id: str) -> _Opened:
        panel, plan = catalog.panel([item_id]), catalog.plan([item_id], self._horizon)
        layers = self._layers(catalog, panel, plan)
        return _Opened(catalog.item(item_id), panel, plan, *layers, *self._model.predict(panel, plan))

    @staticmethod
    def _layers(catalog: CorrectedCatalog, panel: Panel, plan: Plan | None) -> tuple[ItemHistory, ItemLife]:
        """One item's history as imported and as it counts, and its life."""
        item_id, life = str(panel.item_ids[0]), life_of(catalog, panel, catalog.ledger)
        marks = catalog.ledger.of(item_id, str(next(iter(panel.static.values()), [""])[0]))
        imported = catalog.imported([item_id]) if marks or panel.life is not None else None
        lender = life.names.get(life.replaces.other, "") if life.replaces else ""
        return ItemHistory.of(panel, plan, imported, marks, lender), life

    def _explained(self, item_id: str, kind: str, by: Callable[[FeedbackEnsemble, Panel, Plan], _Explanation]) -> _Explanation:
        """What explains one item's forecast by the networks that made it; the last answers of each ``kind`` are kept."""

        def explanation() -> _Explanation:
            opened = self._opened(item_id)
            with self._model.locked() as forecaster:
                return by(forecaster.networks, opened.panel, opened.plan)

        return cast("_Explanation", self._explanations.made((item_id, kind, self._catalog.ledger.version), explanation))
