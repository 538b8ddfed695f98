"""Until the catalog's launches were learned from: how far that is. It begins by itself, once for all visitors."""

from __future__ import annotations

import streamlit as st

from forecasting.service.background_jobs import FunctionJob
from forecasting.service.planning_service import PlanningService
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs, new_products

_JOB = "launches"


def section() -> None:
    """In place of what needs the launches; the page is drawn anew when they were learned from."""
    service = catalog.service()
    job = jobs.function(_JOB, service.key)
    job.start(service.learn_launches, once=True)
    job_panel.section(job, _JOB, lambda: _offer(job, service), went_wrong="The launches could not be learned from.")


def _offer(job: FunctionJob, service: PlanningService) -> None:
    """After a stop or a failure; where it ended well while this page was on its way, there is nothing to offer."""
    if new_products.launches() is not None:
        st.rerun()
    if st.button("Learn from the launches", type="primary"):
        job_panel.start(_JOB, lambda: job.start(service.learn_launches))
