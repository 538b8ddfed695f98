"""Until all items were forecast: why there is no list of them, and the button that makes the forecasts beside the page."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from forecasting.service.background_jobs import FunctionJob
from forecasting.service.planning_service import PlanningService
from pages.ui.display import formats
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs
from pages.ui.shell import frame

_JOB = "forecasts of all items"


def section() -> None:
    """What is missing, and what to do about it."""
    service = catalog.service()
    st.caption(f":material/info: {formats.plain(service.forecasts.status().message)}")
    if not service.model().serves:
        st.page_link(frame.page("data"), label="Train a model", icon=":material/arrow_forward:")
        return
    job = jobs.function(_JOB, service.key)
    job_panel.section(job, _JOB, lambda: _offer(job, service, "primary"), went_wrong="The items could not be forecast.")


def behind() -> None:
    """Where planners have marked histories since all items were forecast: that lists rest on the old ones, and how to renew
    them."""
    service = catalog.service()
    if not service.forecasts.status().behind:
        return
    st.caption(
        ":material/history: Histories were marked since all items were forecast. The Item page has it already; this list "
        "follows with the next forecast of all items."
    )
    job = jobs.function(_JOB, f"{service.key}/{catalog.ledger().digest}")
    job_panel.section(job, _JOB, lambda: _offer(job, service, "secondary"), went_wrong="The items could not be forecast.")


def _offer(job: FunctionJob, service: PlanningService, look: Literal["primary", "secondary"]) -> None:
    if st.button("Forecast all items now", type=look):
        job_panel.start(_JOB, lambda: job.start(service.forecasts.summarise))
