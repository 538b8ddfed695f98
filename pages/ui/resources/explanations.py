"""What explains one item's forecast, made when asked for and kept like everything in ``service.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.resources import service

if TYPE_CHECKING:
    from forecasting.workflows import AttentionAttribution, Drivers, ErrorHistory, ForecastRevision


def drivers(item_id: str) -> Drivers:
    """What the forecast of one item is made of, in units."""
    return _drivers(service.version(), item_id)


def links(item_id: str) -> AttentionAttribution:
    """Where the forecast of one item looked, and what it is without."""
    return _links(service.version(), item_id)


def mistakes(item_id: str) -> ErrorHistory:
    """What was said of one item before, and what came."""
    return _mistakes(service.version(), item_id)


def since_last(item_id: str) -> ForecastRevision | None:
    """What changed one item's forecast in the last period."""
    return _since_last(service.version(), item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _drivers(version: str, item_id: str) -> Drivers:
    return service.desk().drivers(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _links(version: str, item_id: str) -> AttentionAttribution:
    return service.desk().links(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _mistakes(version: str, item_id: str) -> ErrorHistory:
    return service.desk().mistakes(item_id)


@st.cache_resource(show_spinner=False, max_entries=64)
def _since_last(version: str, item_id: str) -> ForecastRevision | None:
    return service.desk().since_last(item_id)
