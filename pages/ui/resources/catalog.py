"""The opened catalog with its model, and what pages ask of both again and again.

Results are frozen and their arrays read-only, so one copy serves all visitors: they are cached as resources, which skips
the pickling of ``cache_data``. Every cache of this folder is bounded and keyed by ids, numbers and the version of catalog and
model; a service is never part of a key. What is asked once is asked of ``service()`` itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from data.units import PIECES, Unit
from pages.ui.resources.kept import by

if TYPE_CHECKING:
    from data.facts import SearchResult
    from data.history_marks import Ledger
    from data.planner_store import PlannerStore
    from forecasting.service.planning_service import PlanningService
    from forecasting.service.total_view import TotalView
    from forecasting.service.view_models import ItemView, Order, PastFan, TodayPage


def service() -> PlanningService:
    """Who answers about the catalog in use; raises ResourceError where there is none.

    It is opened anew when the files behind it have changed, whoever changed them.
    """
    return _service(_files())


def planner_store() -> PlannerStore:
    """What planners decide."""
    from forecasting import workflows

    return workflows.planner_store()


def version() -> str:
    """Of the catalog and the model together: what every cached answer depends on."""
    return service().key


def ledger() -> Ledger:
    """What planners say of the history of the catalog in use."""
    return planner_store().ledger(service().figures().name)


def history_version() -> tuple[str, int]:
    """Of catalog, model and ledger together: what answers about one item depend on."""
    return version(), ledger().version


def lists_version() -> tuple[str, bool, str]:
    """Names the forecasts of all items that lists rest on: whether they are there, and with which marks they were made."""
    status = service().forecasts.status()
    return version(), status.ready, status.ledger


def model_words() -> str:
    """The model as it is stamped on files."""
    card = service().model().card
    return f"{card.model} {card.version}" if card else "no model"


@by(version, 256)
def search(text: str, limit: int = 20, offset: int = 0) -> SearchResult:
    """Items by id, name or attribute."""
    return service().search(text, limit, offset)


@by(lambda: lists_version(), 64)
def today(order: Order, limit: int, offset: int, text: str, unit: Unit = PIECES) -> TodayPage:
    """A page of the ranked items."""
    return service().forecasts.today(order, limit, offset, text, unit)


@by(lambda: lists_version(), 64)
def total(category: str, unit: Unit = PIECES) -> TotalView:
    """What all items, or those of a category, sold together and will sell."""
    return service().forecasts.total(category, unit)


@by(history_version, 256)
def item(item_id: str, horizon: int) -> ItemView:
    """History and forecast of one item."""
    return service().items.view(item_id, horizon)


@by(history_version, 64)
def past_forecasts(item_id: str, horizon: int) -> tuple[PastFan, ...]:
    """What was forecast at earlier creation dates, and what came."""
    return service().items.past_forecasts(item_id, horizon)


def prewarm() -> None:
    """Opens the service and answers once, so that no visitor waits for imports; raises what stands in the way."""
    from pages.ui.display import charts
    from pages.ui.item import forecast_text

    opened = service()
    about = opened.figures()
    best = opened.search("", 1).rows
    if best and opened.model().serves:
        view = opened.items.view(best[0].item_id, opened.horizon)
        charts.item_fan(view.history, view.forecast, 0.9, about.frequency, forecast_text.planned_promotions(view)).to_json()


def _files() -> tuple[tuple[str, int], ...]:
    """What a service is opened from, with the time of its last change."""
    from forecasting import workflows

    home = workflows.home()
    files = (home / "catalog.duckdb", home / "summary.parquet", *sorted((home / "model").glob("*.*")))
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.is_file())


@st.cache_resource(show_spinner=False, max_entries=1)
def _service(files: tuple[tuple[str, int], ...]) -> PlanningService:
    from forecasting import workflows

    return workflows.open_service()
