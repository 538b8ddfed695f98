"""How the generations did on the catalog in use, and what each says of one item; kept until the ladder's files change."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import streamlit as st

from pages.ui.resources import catalog

if TYPE_CHECKING:
    from forecasting.core.forecaster import Generation
    from forecasting.core.types import QuantileForecast
    from forecasting.evaluation.accuracy_report import AccuracyReport, ModelScores
    from forecasting.models.patchwork.forecaster import Patchwork, PatchworkParts

_Files = tuple[tuple[str, int], ...]


def accuracy() -> AccuracyReport | None:
    """How the generations did on this catalog, as far as they were tried; None where nobody asked yet."""
    return _accuracy(_catalog_hash(), _files())


def better_generation(name: str) -> ModelScores | None:
    """The generation that was surely better on this catalog than the one called ``name``."""
    report = accuracy()
    tried = report is not None and name in [one.name for one in report.tried]
    return _better_generation(_catalog_hash(), _files(), name) if tried else None


def forecast_by(name: str, item_id: str) -> QuantileForecast:
    """One item as a generation of the ladder sees it."""
    return _forecast_by(catalog.version(), _files(), name, item_id)


def patchwork_parts(item_id: str) -> PatchworkParts:
    """How the patchwork comes to its forecast of one item."""
    patchwork = cast("Patchwork", _generation(_catalog_hash(), _files(), "patchwork"))  # the registry's class of that name
    return catalog.service().items.patchwork_parts(patchwork, item_id)


def _catalog_hash() -> str:
    return catalog.service().figures().catalog_hash


def _files() -> _Files:
    """What the ladder of the catalog in use has brought, with the time of its last change."""
    from forecasting import workflows

    files = sorted((workflows.home() / "ladder" / _catalog_hash()).glob("**/*.json"))
    return tuple((f"{file.parent.name}/{file.name}", file.stat().st_mtime_ns) for file in files if file.is_file())


@st.cache_resource(show_spinner=False, max_entries=2)
def _accuracy(catalog_hash: str, files: _Files) -> AccuracyReport | None:
    from forecasting import workflows

    return workflows.accuracy(catalog_hash)


@st.cache_resource(show_spinner=False, max_entries=2)
def _better_generation(catalog_hash: str, files: _Files, name: str) -> ModelScores | None:
    report = _accuracy(catalog_hash, files)
    return report.surely_better(name) if report is not None else None


@st.cache_resource(show_spinner=False, max_entries=4)
def _generation(catalog_hash: str, files: _Files, name: str) -> Generation:
    from forecasting import workflows

    return workflows.tried_generation(catalog_hash, name)


@st.cache_resource(show_spinner=False, max_entries=64)
def _forecast_by(version: str, files: _Files, name: str, item_id: str) -> QuantileForecast:
    return catalog.service().items.forecast_by(_generation(_catalog_hash(), files, name), item_id)
