"""What buying asks of the service, kept like everything in ``catalog.py``, and what planners have saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st

from data.planner_store import Quantities, Review, Terms
from data.units import PIECES, Unit
from forecasting.core.kept import Kept
from forecasting.core.types import Report
from forecasting.purchasing import multi_echelon_plan
from forecasting.purchasing.alerts import Alerts
from forecasting.purchasing.joint_demand import JointTotals
from forecasting.purchasing.multi_echelon_plan import BranchErrorCorrelation, ProductPlan
from forecasting.purchasing.plan_in_unit import PlanInUnit, plan_in_unit
from forecasting.purchasing.policy_backtest import BuyingRecord, ReplaySettings
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from pages.ui.resources import catalog
from pages.ui.resources.kept import by


def _terms() -> tuple[tuple[str, bool, str], int]:
    """Names the forecasts of all items that an answer rests on, and the terms that planners have saved."""
    return catalog.lists_version(), saved_terms().version


@by(lambda: (_terms(), saved_quantities().version), 6)
def buy_plan(settings: BuySettings) -> BuyPlan:
    """The purchase list, with the quantities that planners have saved."""
    return catalog.service().purchases.plan(settings, saved_quantities().units, saved_terms().terms)


@by(lambda: (_terms(), saved_quantities().version), 6)
def counted(settings: BuySettings, unit: Unit) -> PlanInUnit:
    """The list's totals in a unit."""
    return plan_in_unit(buy_plan(settings), unit)


@by(lambda: (_terms(), monitored()), 2)
def alerts() -> Alerts:
    """What needs a planner, whether it was dealt with or not."""
    return catalog.service().purchases.alerts(saved_terms().terms)


def joint_totals(settings: BuySettings, unit: Unit = PIECES) -> JointTotals:
    """What the items of the list will sell together, in a unit; raises NotTrained, TooLittleHistory."""
    return _joint_totals(replace(settings, budget=None), unit)


@by(lambda: _terms(), 6)
def _joint_totals(settings: BuySettings, unit: Unit) -> JointTotals:
    each = None if unit.is_pieces else counted(settings, unit).each
    return catalog.service().purchases.joint_totals(buy_plan(settings), each)


@by(lambda: _terms(), 6)
def _branch_errors(settings: BuySettings) -> BranchErrorCorrelation:
    return catalog.service().purchases.branch_errors(buy_plan(settings))


def product_plan(settings: BuySettings, product: str, depot: str) -> ProductPlan:
    """Transfers and the depot's order of one product; raises NotTrained, TooLittleHistory, ConfigurationError."""
    plan, past = _located(settings)
    return multi_echelon_plan.product_plan(plan, product, depot, past)


def kept_product_plans(settings: BuySettings) -> tuple[ProductPlan, ...] | None:
    """The same of every product of the list, None until somebody asked for it."""
    return _all_transfers().get(_named(settings))


def product_plans(settings: BuySettings) -> Callable[[Report], None]:
    """What works all products out and keeps them, as a job; raises as ``product_plan``."""
    (plan, past), kept, key = _located(settings), _all_transfers(), _named(settings)
    return lambda report: kept.put(key, multi_echelon_plan.product_plans(plan, past, report))


def _located(settings: BuySettings) -> tuple[BuyPlan, BranchErrorCorrelation]:
    unlimited = replace(settings, budget=None)
    return buy_plan(unlimited), _branch_errors(unlimited)


def _named(settings: BuySettings) -> tuple[BuySettings, tuple[tuple[str, bool, str], int]]:
    return replace(settings, budget=None), _terms()


def monitored() -> bool:
    """Whether it is known what the forecasts of all items did lately."""
    return catalog.service().forecasts.monitoring() is not None


def reviews() -> tuple[Review, ...]:
    """What planners have dealt with."""
    return catalog.planner_store().reviews(catalog.service().figures().name)


def set_review(review: Review) -> None:
    """Keeps that something was dealt with."""
    catalog.planner_store().set_review(catalog.service().figures().name, review)


def forget_review(reason: str, item_id: str) -> None:
    """Brings something back."""
    catalog.planner_store().forget_review(catalog.service().figures().name, reason, item_id)


def decisions() -> int:
    """How many decisions of planners are kept for the catalog in use."""
    return len(saved_quantities().units) + len(saved_terms().terms) + len(reviews())


def saved_quantities() -> Quantities:
    """What planners have set for orders of the newest period."""
    about = catalog.service().figures()
    return catalog.planner_store().quantities(about.name, f"{about.last:%Y-%m-%d}")


def save_quantities(changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these, None: as worked out; raises ResourceError where somebody changed one after version ``seen``."""
    about = catalog.service().figures()
    catalog.planner_store().set_quantities(about.name, f"{about.last:%Y-%m-%d}", changes, seen)


def saved_terms() -> Terms:
    """How planners say that things are bought, where the catalog does not know."""
    return catalog.planner_store().terms(catalog.service().figures().name)


def save_terms(category: str, item: str, changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these of an item, a category or everything, None: no longer; raises ResourceError as ``save_quantities``."""
    catalog.planner_store().set_terms(catalog.service().figures().name, category, item, changes, seen)


def kept_policy_backtest(settings: ReplaySettings) -> BuyingRecord | None:
    """What buying would have cost in the past, None until somebody asked for it."""
    return _policy_backtests().get((catalog.version(), settings))


def policy_backtest(settings: ReplaySettings) -> Callable[[Report], None]:
    """What replays the past and keeps what comes of it, as a job."""
    kept, key, purchases = _policy_backtests(), (catalog.version(), settings), catalog.service().purchases
    return lambda report: kept.put(key, purchases.policy_backtest(settings, report))


@st.cache_resource(show_spinner=False, max_entries=1)
def _policy_backtests() -> Kept[BuyingRecord]:
    return Kept(16)


@st.cache_resource(show_spinner=False, max_entries=1)
def _all_transfers() -> Kept[tuple[ProductPlan, ...]]:
    return Kept(4)
