"""The work that goes on beside the server while planners look elsewhere: one job of each kind for all visitors."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from forecasting.service.background_jobs import CommandJob, FunctionJob


@st.cache_resource(show_spinner=False, max_entries=4)
def command(name: Literal["train", "ladder", "forecast", "look-back"]) -> CommandJob:
    """What trains on the catalog in use, tries the generations, forecasts all items into files, or looks back at them."""
    from forecasting import workflows

    return workflows.job(name)


@st.cache_resource(show_spinner=False, max_entries=64)
def function(name: str, of: str) -> FunctionJob:
    """The job called ``name`` of whatever is named ``of``: what takes seconds and answers in memory or beside the catalog."""
    return FunctionJob(name=name, stopped="Stopped.", went_wrong="")
