"""The caches of the pages, and the only place in them that calls the forecasting workflows.

Results are frozen and their arrays read-only, so one copy serves all visitors: they are cached as resources, which skips
the pickling of ``cache_data``. Every cache is bounded and keyed by ids, numbers and the version of catalog and model; a
desk is never part of a key. What explains one item is kept likewise in ``explanations.py``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    import pandas as pd

    from data.facts import About, Check, SearchResult
    from data.planner_store import PlannerStore
    from data.sources.upload.column_mapping import ColumnMapping
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.purchase_orders import OrdersFile
    from forecasting.core.forecaster import Generation
    from forecasting.core.types import Progress, QuantileForecast
    from forecasting.models.patchwork.forecaster import PatchworkParts
    from forecasting.new_products.analog_forecast import LaunchForecast
    from forecasting.new_products.duplicate_items import Duplicate
    from forecasting.workflows import (
        AccuracyReport,
        BatchRun,
        Desk,
        ItemView,
        LadderRun,
        LaunchDesk,
        LookBackRun,
        ModelScores,
        ModelStatus,
        PastFan,
        Run,
        ScenarioView,
        SummaryStatus,
        TodayPage,
        Training,
        TruthStore,
    )


def desk() -> Desk:
    """The opened catalog and the model that serves it; raises ResourceError where there is no catalog.

    It is opened anew when the files behind it have changed, whoever changed them.
    """
    return _desk(_files())


def version() -> str:
    """Of the catalog and the model together: what every cached answer depends on."""
    return desk().key


def figures() -> About:
    """What is loaded."""
    return desk().figures()


def longest_horizon() -> int:
    """How many periods ahead the model answers."""
    return desk().horizon


def checks() -> tuple[Check, ...]:
    """What the import of the catalog found."""
    return desk().checks()


def model() -> ModelStatus:
    """Which model serves, and whether it fits the data."""
    return desk().model()


def summary() -> SummaryStatus:
    """How far the forecasts of all items are, which rank the items of Today."""
    return desk().summary()


def model_words() -> str:
    """The model as it is stamped on files."""
    card = model().card
    return f"{card.model} {card.version}" if card else "no model"


def search(text: str, limit: int = 20, offset: int = 0) -> SearchResult:
    """Items by id, name or attribute."""
    return _search(version(), text, limit, offset)


def today(order: str, limit: int, offset: int, text: str) -> TodayPage:
    """A page of the ranked items."""
    return _today(f"{version()}/{summary().ready}", order, limit, offset, text)


def item(item_id: str, horizon: int) -> ItemView:
    """History and forecast of one item."""
    return _item(version(), item_id, horizon)


def past_fans(item_id: str, horizon: int) -> tuple[PastFan, ...]:
    """What was forecast at earlier creation dates, and what came."""
    return _past_fans(version(), item_id, horizon)


def scenario(item_id: str, horizon: int, price: np.ndarray | None, promo: np.ndarray | None) -> ScenarioView:
    """Baseline and scenario of one item; ``price`` and ``promo`` [H], None as planned."""
    from forecasting import workflows

    return desk().scenario(item_id, horizon, workflows.PlanChange(price, promo))


def summarise(report: Callable[[Progress], None]) -> None:
    """Forecasts all items, which ranks those of Today."""
    desk().summarise(report)


# what planners decide, and what is worked out beside the server


def planner_store() -> PlannerStore:
    """What planners decide."""
    from forecasting import workflows

    return workflows.planner_store()


@st.cache_resource(show_spinner=False, max_entries=1)
def look_back_run() -> LookBackRun:
    """What works that out, beside the server."""
    from forecasting import workflows

    return workflows.LookBackRun()


@st.cache_resource(show_spinner=False, max_entries=1)
def batch_run() -> BatchRun:
    """The one run that forecasts all items into files; it goes on while the planner looks elsewhere."""
    from forecasting import workflows

    return workflows.BatchRun()


def run_file(run: Run, kind: Literal["csv", "parquet"]) -> bytes:
    """All rows of a whole run."""
    from forecasting import workflows

    return workflows.in_one_file(run, kind).read_bytes()


# the ladder of generations


def accuracy() -> AccuracyReport | None:
    """How the generations did on this catalog, as far as they were tried; None where nobody asked yet."""
    return _accuracy(figures().catalog_hash, _ladder_files())


def better_generation(name: str) -> ModelScores | None:
    """The generation that was surely better on this catalog than the one called ``name``."""
    return _better_generation(figures().catalog_hash, _ladder_files(), name)


def forecast_by(name: str, item_id: str) -> QuantileForecast:
    """One item as a generation of the ladder sees it."""
    return _forecast_by(version(), _ladder_files(), name, item_id)


def patchwork_parts(item_id: str) -> PatchworkParts:
    """How the patchwork comes to its forecast of one item."""
    return desk().patchwork_parts(_tried(figures().catalog_hash, _ladder_files(), "patchwork"), item_id)


@st.cache_resource(show_spinner=False, max_entries=1)
def ladder_run() -> LadderRun:
    """The one climb of the ladder of this server; it goes on while the planner looks elsewhere."""
    from forecasting import workflows

    return workflows.LadderRun()


# products without history


def launches(report: Callable[[Progress], None]) -> LaunchDesk:
    """The desk's part for products without history: made on the first visit, which takes seconds, and kept."""
    return _launches(version(), report)


def launches_ready() -> bool:
    """Whether ``launches`` answers at once."""
    return version() in _launches_made()


def duplicates() -> tuple[Duplicate, ...]:
    """Items that are probably one and the same."""
    return _duplicates(version())


def launch_of(
    desk: LaunchDesk,
    name: str,
    static: Mapping[str, str],
    price: float | None,
    promo: float,
    launch: pd.Timestamp,
    emphasis: Mapping[str, float],
) -> LaunchForecast:
    """A product that a planner describes, with its analogs weighed as ``emphasis`` says."""
    from forecasting import workflows

    return desk.forecast_new(workflows.NewProduct(name, static, price, promo, launch), emphasis)


# loading and training


def preview_upload(name: str, content: bytes) -> UploadPreview:
    """What a planner's file holds; raises UploadError."""
    from forecasting import workflows

    return workflows.preview_upload(name, content)


def review_upload(preview: UploadPreview, mapping: ColumnMapping) -> UploadPreview:
    """What the same file holds under another mapping."""
    from forecasting import workflows

    return workflows.review_upload(preview, mapping)


def read_orders(name: str, content: bytes) -> OrdersFile:
    """What a planner's file of purchase orders holds; raises UploadError."""
    from forecasting import workflows

    return workflows.read_orders(name, content)


def load_upload(preview: UploadPreview, catalog_name: str, orders: OrdersFile | None = None) -> None:
    """Makes the file, read as previewed, the catalog in use: all of it or nothing; raises UploadError."""
    from forecasting import workflows

    workflows.load_upload(preview, mapping=preview.mapping, catalog_name=catalog_name, orders=orders)


def load_complete_journey(report: Callable[[Progress], None]) -> None:
    """Makes the demo the catalog in use."""
    from forecasting import workflows

    workflows.load_complete_journey(report)


def load_simulated(
    items: int, periods: int, seed: int, planted: Mapping[str, bool], report: Callable[[Progress], None]
) -> None:
    """Makes a simulated catalog the one in use; ``planted`` are the choices of ``Planted`` by name."""
    from forecasting import workflows

    workflows.load_simulated(items, periods, seed, report, workflows.Planted(**planted))


def truths() -> TruthStore | None:
    """The truths of the catalog in use, None where nobody simulated it."""
    return _truths(figures().catalog_hash)


@st.cache_resource(show_spinner=False, max_entries=1)
def training() -> Training:
    """The one training run of this server; it goes on while the planner looks elsewhere."""
    from forecasting import workflows

    return workflows.Training()


def forget() -> None:
    """Empties every cache."""
    st.cache_resource.clear()


def prewarm() -> None:
    """Opens the desk and answers once, so that no visitor waits for imports; raises what stands in the way."""
    from pages.ui.display import charts
    from pages.ui.item import forecast_text

    opened = desk()
    about = figures()
    best = opened.search("", 1).rows
    if best and model().serves:
        view = opened.item(best[0].item_id, opened.horizon)
        charts.item_fan(view.history, view.forecast, 0.9, about.frequency, forecast_text.planned_promotions(view)).to_json()


def _files() -> tuple[tuple[str, int], ...]:
    """What a desk is opened from, with the time of its last change."""
    from forecasting import workflows

    home = workflows.home()
    files = (home / "catalog.duckdb", home / "summary.parquet", *sorted((home / "model").glob("*.*")))
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.is_file())


@st.cache_resource(show_spinner=False, max_entries=1)
def _desk(files: tuple[tuple[str, int], ...]) -> Desk:
    from forecasting import workflows

    return workflows.open_desk()


@st.cache_resource(show_spinner=False, max_entries=1)
def _launches_made() -> dict[str, LaunchDesk]:
    return {}


_LAUNCHES_LOCK = threading.Lock()


def _launches(version: str, report: Callable[[Progress], None]) -> LaunchDesk:
    """Kept by hand and not by a decorator: a cached function may not draw the progress of its own making."""
    with _LAUNCHES_LOCK:
        made = _launches_made()
        if version not in made:
            made.clear()
            made[version] = desk().launches(report)
        return made[version]


@st.cache_resource(show_spinner=False, max_entries=1)
def _duplicates(version: str) -> tuple[Duplicate, ...]:
    return desk().duplicates()


@st.cache_resource(show_spinner=False, max_entries=256)
def _search(version: str, text: str, limit: int, offset: int) -> SearchResult:
    return desk().search(text, limit, offset)


@st.cache_resource(show_spinner=False, max_entries=64)
def _today(version: str, order: str, limit: int, offset: int, text: str) -> TodayPage:
    return desk().today(order, limit, offset, text)


@st.cache_resource(show_spinner=False, max_entries=256)
def _item(version: str, item_id: str, horizon: int) -> ItemView:
    return desk().item(item_id, horizon)


@st.cache_resource(show_spinner=False, max_entries=64)
def _past_fans(version: str, item_id: str, horizon: int) -> tuple[PastFan, ...]:
    return desk().past_fans(item_id, horizon)


@st.cache_resource(show_spinner=False, max_entries=1)
def _truths(catalog_hash: str) -> TruthStore | None:
    from forecasting import workflows

    return workflows.truths(catalog_hash)


def _ladder_files() -> tuple[tuple[str, int], ...]:
    """What the ladder of the catalog in use has brought, with the time of its last change."""
    from forecasting import workflows

    files = sorted((workflows.home() / "ladder" / figures().catalog_hash).glob("**/*.json"))
    return tuple((f"{file.parent.name}/{file.name}", file.stat().st_mtime_ns) for file in files if file.is_file())


@st.cache_resource(show_spinner=False, max_entries=2)
def _accuracy(catalog_hash: str, files: tuple[tuple[str, int], ...]) -> AccuracyReport | None:
    from forecasting import workflows

    return workflows.accuracy(catalog_hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _better_generation(catalog_hash: str, files: tuple[tuple[str, int], ...], name: str) -> ModelScores | None:
    report = accuracy()
    tried = report is not None and name in [one.name for one in report.tried]
    return report.surely_better(name) if report is not None and tried else None


@st.cache_resource(show_spinner=False, max_entries=4)
def _tried(catalog_hash: str, files: tuple[tuple[str, int], ...], name: str) -> Generation:
    from forecasting import workflows

    return workflows.tried_generation(catalog_hash, name)


@st.cache_resource(show_spinner=False, max_entries=64)
def _forecast_by(version: str, files: tuple[tuple[str, int], ...], name: str, item_id: str) -> QuantileForecast:
    return desk().forecast_by(_tried(figures().catalog_hash, files, name), item_id)
