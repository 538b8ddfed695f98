"""What to order: the purchase list, what its items need together, what needs a planner, and what buying would have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from data.planner_store import Term
from forecasting.batch.error_correlation import ErrorCorrelation
from forecasting.batch.forecast_summary import Summary
from forecasting.core.types import Report
from forecasting.inventory.lead_times import supply_of
from forecasting.purchasing import purchase_plan
from forecasting.purchasing.alerts import Alerts, alerts
from forecasting.purchasing.joint_demand import JointTotals, error_correlation, joint_totals
from forecasting.purchasing.multi_echelon_plan import BranchErrorCorrelation
from forecasting.purchasing.plan_inputs import PlanInputs, plan_inputs
from forecasting.purchasing.policy_backtest import BuyingRecord, ReplaySettings, buying_record
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.catalog_forecasts import CatalogForecasts
from forecasting.service.model_loading import ServedModel

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one


class PurchaseService:
    """Orders for the items of ``catalog``, from their ``forecasts`` as they are kept."""

    def __init__(self, catalog: Catalog, model: ServedModel, forecasts: CatalogForecasts) -> None:
        self._catalog, self._model, self._forecasts = catalog, model, forecasts
        self._inputs: tuple[Summary, PlanInputs] | None = None

    def plan(self, settings: BuySettings, edits: Mapping[str, float], saved: Sequence[Term] = ()) -> BuyPlan:
        """The purchase list with planners' ``edits`` and ``saved`` terms.

        Raises UnknownItem, NotTrained before all items were forecast.
        """
        return purchase_plan.buy_plan(self._plan_inputs(), settings, edits, saved)

    def alerts(self, saved: Sequence[Term] = ()) -> Alerts:
        """What needs a planner, ranked by money at risk; raises NotTrained before all items were forecast."""
        known = self._catalog.known_periods()
        return alerts(self._plan_inputs(), BuySettings(), known, self._forecasts.monitoring(), saved)

    def joint_totals(self, plan: BuyPlan, per_piece: np.ndarray | None = None) -> JointTotals:
        """What the items of a list will sell together until the next order, in pieces or what ``per_piece`` says.

        Raises NotTrained, TooLittleHistory.
        """
        return joint_totals(plan, self._error_correlation(plan), per_piece)

    def branch_errors(self, plan: BuyPlan) -> BranchErrorCorrelation:
        """What the past says of locations; raises NotTrained, TooLittleHistory."""
        return BranchErrorCorrelation(self._error_correlation(plan).category, self._catalog.known_periods() > 0)

    def policy_backtest(self, settings: ReplaySettings, report: Report) -> BuyingRecord:
        """What buying would have cost in the past; raises UnknownItem, NotTrained, TooLittleHistory, ConfigurationError."""
        return buying_record(self._catalog, self._model.twin(), settings, report)

    def _error_correlation(self, plan: BuyPlan) -> ErrorCorrelation:
        with self._model.locked() as forecaster:
            return error_correlation(plan, self._catalog, forecaster.networks)

    def _plan_inputs(self) -> PlanInputs:
        summary, kept = self._forecasts.summary(), self._inputs
        if kept is not None and kept[0] is summary:
            return kept[1]
        assortment = self._catalog.assortment()
        known = self._catalog.known_periods() if assortment.locations else None
        supply = supply_of(self._catalog.orders(), assortment, self._catalog.about)
        made = plan_inputs(assortment, summary, known, supply)
        self._inputs = summary, made
        return made
