"""What explains one item's forecast, made when asked for and kept like everything in ``catalog.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.resources import catalog

if TYPE_CHECKING:
    from forecasting.explain.attention_attribution import AttentionAttribution
    from forecasting.explain.error_history import ErrorHistory
    from forecasting.explain.forecast_revision import ForecastRevision
    from forecasting.explain.shapley_drivers import Drivers


def drivers(item_id: str) -> Drivers:
    """What the forecast of one item is made of, in units."""
    return _drivers(catalog.version(), item_id)


def links(item_id: str) -> AttentionAttribution:
    """Where the forecast of one item looked, and what it is without."""
    return _links(catalog.version(), item_id)


def mistakes(item_id: str) -> ErrorHistory:
    """What was said of one item before, and what came."""
    return _mistakes(catalog.version(), item_id)


def since_last(item_id: str) -> ForecastRevision | None:
    """What changed one item's forecast in the last period."""
    return _since_last(catalog.version(), item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _drivers(version: str, item_id: str) -> Drivers:
    return catalog.service().items.drivers(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _links(version: str, item_id: str) -> AttentionAttribution:
    return catalog.service().items.attention(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _mistakes(version: str, item_id: str) -> ErrorHistory:
    return catalog.service().items.errors(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _since_last(version: str, item_id: str) -> ForecastRevision | None:
    return catalog.service().items.revision(item_id)
