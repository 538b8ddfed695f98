"""What buying asks of the desk, kept like everything in ``service.py``, and what planners have saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.resources import service

if TYPE_CHECKING:
    from data.locations import Contradiction
    from data.planner_store import Quantities, Review, Terms
    from forecasting.core.types import Progress
    from forecasting.workflows import (
        Alerts,
        BranchErrorCorrelation,
        BuyingRecord,
        BuyPlan,
        BuySettings,
        DepotLine,
        JointTotals,
        ProductPlan,
        RecordAsked,
    )


def buy_plan(settings: BuySettings) -> BuyPlan:
    """The purchase list, with the quantities that planners have saved."""
    return _buy_plan(_forecasts(), settings, saved_quantities().version, saved_terms().version)


def concerns() -> Alerts:
    """What needs a planner, whether it was dealt with or not."""
    return _concerns(f"{_forecasts()}/{looked_back()}/{saved_terms().version}")


def joint_totals(settings: BuySettings) -> JointTotals:
    """What the items of the list will sell together; raises NotTrained, TooLittleHistory."""
    return _joint_totals(_forecasts(), replace(settings, budget=None), saved_terms().version)


def depot_lines(plan: BuyPlan) -> tuple[DepotLine, ...]:
    """Products that a depot supplies, the shortest of stock first."""
    from forecasting.purchasing.multi_echelon_plan import depot_lines as lines

    return lines(plan)


def location_problems(plan: BuyPlan) -> tuple[tuple[str, Contradiction], ...]:
    """Items whose location columns cannot be."""
    from forecasting.purchasing.multi_echelon_plan import contradictions

    return contradictions(plan)


def product_plan(settings: BuySettings, product: str, depot: str) -> ProductPlan:
    """Transfers and the depot's order of one product; raises NotTrained, TooLittleHistory, ConfigurationError."""
    from forecasting.purchasing.multi_echelon_plan import product_plan as of_product

    plan, past = _located(settings)
    return of_product(plan, product, depot, past)


def kept_product_plans(settings: BuySettings) -> tuple[ProductPlan, ...] | None:
    """The same of every product of the list, None until somebody asked for it."""
    return _all_transfers().get(_named(settings))


def make_product_plans(settings: BuySettings, report: Callable[[Progress], None]) -> None:
    """Works all products out and keeps them; raises as ``product_plan``."""
    from forecasting.purchasing.multi_echelon_plan import product_plans

    plan, past = _located(settings)
    kept = _all_transfers()
    kept[_named(settings)] = product_plans(plan, past, report)
    while len(kept) > 4:
        kept.pop(next(iter(kept)))


def _located(settings: BuySettings) -> tuple[BuyPlan, BranchErrorCorrelation]:
    asked = replace(settings, budget=None)
    return buy_plan(asked), _branch_record(_forecasts(), asked, saved_terms().version)


def _named(settings: BuySettings) -> tuple[str, BuySettings, int]:
    return _forecasts(), replace(settings, budget=None), saved_terms().version


def looked_back() -> bool:
    """Whether it is known what the forecasts of all items did lately."""
    return service.desk().look_back() is not None


def reviews() -> tuple[Review, ...]:
    """What planners have dealt with."""
    return service.planner_store().reviews(service.figures().name)


def set_review(review: Review) -> None:
    """Keeps that something was dealt with."""
    service.planner_store().set_review(service.figures().name, review)


def forget_review(reason: str, item_id: str) -> None:
    """Brings something back."""
    service.planner_store().forget_review(service.figures().name, reason, item_id)


def saved_quantities() -> Quantities:
    """What planners have set for orders of the newest period."""
    about = service.figures()
    return service.planner_store().quantities(about.name, f"{about.last:%Y-%m-%d}")


def save_quantities(changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these, None: as worked out; raises ResourceError where somebody changed one after version ``seen``."""
    about = service.figures()
    service.planner_store().set_quantities(about.name, f"{about.last:%Y-%m-%d}", changes, seen)


def saved_terms() -> Terms:
    """How planners say that things are bought, where the catalog does not know."""
    return service.planner_store().terms(service.figures().name)


def save_terms(category: str, item: str, changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these of an item, a category or everything, None: no longer; raises ResourceError as ``save_quantities``."""
    service.planner_store().set_terms(service.figures().name, category, item, changes, seen)


def kept_buying_record(asked: RecordAsked) -> BuyingRecord | None:
    """What buying would have cost in the past, None until somebody asked for it."""
    return _buying_records().get((service.version(), asked))


def buying_record(asked: RecordAsked, report: Callable[[Progress], None]) -> None:
    """Replays the past and keeps what comes of it."""
    kept = _buying_records()
    kept[service.version(), asked] = service.desk().buying_record(asked, report)
    while len(kept) > 16:
        kept.pop(next(iter(kept)))


def _forecasts() -> str:
    """Names the forecasts of all items that an answer rests on."""
    return f"{service.version()}/{service.summary().ready}"


@st.cache_resource(show_spinner=False, max_entries=1)
def _buying_records() -> dict[tuple[str, RecordAsked], BuyingRecord]:
    return {}


@st.cache_resource(show_spinner=False, max_entries=2)
def _concerns(version: str) -> Alerts:
    return service.desk().concerns(saved_terms().terms)


@st.cache_resource(show_spinner=False, max_entries=6)
def _joint_totals(version: str, settings: BuySettings, terms: int) -> JointTotals:
    return service.desk().joint_totals(buy_plan(settings))


@st.cache_resource(show_spinner=False, max_entries=1)
def _all_transfers() -> dict[tuple[str, BuySettings, int], tuple[ProductPlan, ...]]:
    return {}


@st.cache_resource(show_spinner=False, max_entries=6)
def _branch_record(version: str, settings: BuySettings, terms: int) -> BranchErrorCorrelation:
    return service.desk().branch_record(buy_plan(settings))


@st.cache_resource(show_spinner=False, max_entries=6)
def _buy_plan(version: str, settings: BuySettings, saved: int, terms: int) -> BuyPlan:
    return service.desk().buy_plan(settings, saved_quantities().units, saved_terms().terms)
