"""The work that goes on beside the server while planners look elsewhere: one job of each kind for all visitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from forecasting.service.background_jobs import CommandJob, FunctionJob


@st.cache_resource(show_spinner=False, max_entries=1)
def training() -> CommandJob:
    """Trains on the catalog in use."""
    from forecasting import workflows

    return workflows.training_job()


@st.cache_resource(show_spinner=False, max_entries=1)
def ladder() -> CommandJob:
    """Tries the generations on the catalog in use."""
    from forecasting import workflows

    return workflows.ladder_job()


@st.cache_resource(show_spinner=False, max_entries=1)
def batch() -> CommandJob:
    """Forecasts all items into files."""
    from forecasting import workflows

    return workflows.batch_job()


@st.cache_resource(show_spinner=False, max_entries=1)
def monitoring() -> CommandJob:
    """Works out what the forecasts of all items did lately."""
    from forecasting import workflows

    return workflows.monitoring_job()


@st.cache_resource(show_spinner=False, max_entries=64)
def asked(name: str, of: str) -> FunctionJob:
    """The job called ``name`` of whatever is named ``of``: what takes seconds and answers in memory or beside the catalog."""
    from forecasting.service.background_jobs import FunctionJob

    return FunctionJob(name=name, stopped="Stopped.", went_wrong="")
