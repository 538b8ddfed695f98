"""What buying asks of the desk, kept like everything in ``resources.py``, and what planners have saved of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import resources

if TYPE_CHECKING:
    from data.planner_store import Quantities, Review, Terms
    from forecasting.types import Progress
    from forecasting.workflows import BuyingRecord, BuyPlan, BuySettings, Concerns, JointTotals, RecordAsked


def buy_plan(settings: BuySettings) -> BuyPlan:
    """The purchase list, with the quantities that planners have saved."""
    return _buy_plan(_forecasts(), settings, saved_quantities().version, saved_terms().version)


def concerns() -> Concerns:
    """What needs a planner, whether it was dealt with or not."""
    return _concerns(f"{_forecasts()}/{looked_back()}/{saved_terms().version}")


def joint_totals(settings: BuySettings) -> JointTotals:
    """What the items of the list will sell together; raises NotTrained, TooLittleHistory."""
    return _joint_totals(_forecasts(), replace(settings, budget=None), saved_terms().version)


def looked_back() -> bool:
    """Whether it is known what the forecasts of all items did lately."""
    return resources.desk().look_back() is not None


def reviews() -> tuple[Review, ...]:
    """What planners have dealt with."""
    return resources.planner_store().reviews(resources.figures().name)


def set_review(review: Review) -> None:
    """Keeps that something was dealt with."""
    resources.planner_store().set_review(resources.figures().name, review)


def forget_review(reason: str, item_id: str) -> None:
    """Brings something back."""
    resources.planner_store().forget_review(resources.figures().name, reason, item_id)


def saved_quantities() -> Quantities:
    """What planners have set for orders of the newest period."""
    about = resources.figures()
    return resources.planner_store().quantities(about.name, f"{about.last:%Y-%m-%d}")


def save_quantities(changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these, None: as worked out; raises ResourceError where somebody changed one after version ``seen``."""
    about = resources.figures()
    resources.planner_store().set_quantities(about.name, f"{about.last:%Y-%m-%d}", changes, seen)


def saved_terms() -> Terms:
    """How planners say that things are bought, where the catalog does not know."""
    return resources.planner_store().terms(resources.figures().name)


def save_terms(category: str, item: str, changes: Mapping[str, float | None], seen: int) -> None:
    """Keeps these of an item, a category or everything, None: no longer; raises ResourceError as ``save_quantities``."""
    resources.planner_store().set_terms(resources.figures().name, category, item, changes, seen)


def kept_buying_record(asked: RecordAsked) -> BuyingRecord | None:
    """What buying would have cost in the past, None until somebody asked for it."""
    return _buying_records().get((resources.version(), asked))


def buying_record(asked: RecordAsked, report: Callable[[Progress], None]) -> None:
    """Replays the past and keeps what comes of it."""
    kept = _buying_records()
    kept[resources.version(), asked] = resources.desk().buying_record(asked, report)
    while len(kept) > 16:
        kept.pop(next(iter(kept)))


def _forecasts() -> str:
    """Names the forecasts of all items that an answer rests on."""
    return f"{resources.version()}/{resources.summary().ready}"


@st.cache_resource(show_spinner=False, max_entries=1)
def _buying_records() -> dict[tuple[str, RecordAsked], BuyingRecord]:
    return {}


@st.cache_resource(show_spinner=False, max_entries=2)
def _concerns(version: str) -> Concerns:
    return resources.desk().concerns(saved_terms().terms)


@st.cache_resource(show_spinner=False, max_entries=6)
def _joint_totals(version: str, settings: BuySettings, terms: int) -> JointTotals:
    return resources.desk().joint_totals(buy_plan(settings))


@st.cache_resource(show_spinner=False, max_entries=6)
def _buy_plan(version: str, settings: BuySettings, saved: int, terms: int) -> BuyPlan:
    return resources.desk().buy_plan(settings, saved_quantities().units, saved_terms().terms)
