"""Reading and loading what is large: it goes on beside the page, which shows how far it is and can stop it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import streamlit as st

from forecasting.core.types import Report
from forecasting.service.background_jobs import FunctionJob
from pages.ui.jobs import job_panel
from pages.ui.resources import jobs

#: Rows from which on a file is large.
MANY = 500_000

_KEY, _NAME, _BOX = "reading", "reading of", "read beside"


def start(work: Callable[[Report], object]) -> None:
    """Begins ``work``, whose answer is then ``taken``, and draws the page anew."""
    box = _box()
    box.clear()

    def worked(report: Report) -> None:
        box["answer"] = work(report)

    job_panel.start(_KEY, lambda: _job().start(worked))


def box() -> dict[str, Any]:
    """What the work of this visitor has put down so far."""
    return _box()


def taken() -> Any:
    """What the work answered, once; None while it is at work or where there is nothing."""
    return None if _job().running else _box().pop("answer", None)


def section() -> bool:
    """How far the work is, or why it failed; answers whether it is going on."""
    job = _job()
    if job.running or job.failed:
        job_panel.section(
            job,
            _KEY,
            lambda: None,
            note="You can go on working; the catalog in use stays until all of it is there.",
            kept="Nothing is changed.",
            went_wrong="It was not read or loaded; the catalog in use stays as it was.",
        )
    if job.failed and st.button("Put this away", key="reading put away"):
        forget()
        st.rerun()
    return job.running


def failed() -> bool:
    """Whether the last work did not end well, and that is still shown."""
    return _job().failed is not None


def forget() -> None:
    """Puts away what an earlier work left, and why it failed."""
    if not _job().running:
        _job().failed = None
        _box().clear()


def _job() -> FunctionJob:
    return jobs.function(_KEY, st.session_state.setdefault(_NAME, uuid.uuid4().hex))


def _box() -> dict[str, Any]:
    held: dict[str, Any] = st.session_state.setdefault(_BOX, {})
    return held
