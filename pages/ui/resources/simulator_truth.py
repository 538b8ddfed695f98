"""What a simulator knows of the catalog in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.resources import catalog

if TYPE_CHECKING:
    from data.truth_store import TruthStore
    from forecasting.evaluation.simulator_check import ItemTruth, TruthRecord


def truths() -> TruthStore | None:
    """The truths of the catalog in use, None where nobody simulated it."""
    return _truths(catalog.service().figures().catalog_hash)


def of_item(item_id: str, horizon: int) -> ItemTruth | None:
    """The truth beside the forecast of one item."""
    return _of_item(catalog.version(), item_id, horizon)


def record() -> TruthRecord | None:
    """How a sample of the forecasts stands to the truth; None where the simulation does not reach so far."""
    return _record(catalog.version())


@st.cache_resource(show_spinner=False, max_entries=64)
def _of_item(version: str, item_id: str, horizon: int) -> ItemTruth | None:
    from forecasting.evaluation.simulator_check import item_truth

    known = truths()
    return item_truth(catalog.item(item_id, horizon).forecast, known) if known else None


@st.cache_resource(show_spinner=False, max_entries=1)
def _record(version: str) -> TruthRecord | None:
    from forecasting.evaluation.simulator_check import recorded

    known = truths()
    return recorded(catalog.service().forecasts.forecast, known) if known else None


@st.cache_resource(show_spinner=False, max_entries=1)
def _truths(catalog_hash: str) -> TruthStore | None:
    from forecasting import workflows

    return workflows.truths(catalog_hash)
