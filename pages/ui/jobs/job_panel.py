"""One job on a page: how far it is and a button that stops it while it runs, else what the page offers."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from forecasting.core.types import Progress
from forecasting.service.background_jobs import BackgroundJob
from pages.ui.display import formats


def section(
    job: BackgroundJob,
    key: str,
    idle: Callable[[], None],
    *,
    note: str = "You can go on working.",
    stop: str = "Stop",
    kept: str = "",
    went_wrong: str = "It did not end well.",
    finished: Callable[[], int] | None = None,
) -> None:
    """The job's part of a page; while it runs, this part alone looks every second how far it is.

    ``idle`` draws what there is while nothing runs, and may ``start`` the job. ``kept`` says what a stop leaves. Where
    ``finished`` counts what is through, the whole page is drawn anew whenever that changes.
    """

    def part() -> None:
        counted = finished() if finished else 0
        if job.running:
            if st.session_state.setdefault(_watched(key), counted) != counted:
                st.session_state[_watched(key)] = counted
                st.rerun()
            now = job.progress()
            st.progress(now.share, text=words(now))
            st.caption(note)
            if st.button(stop, key=f"stop {key}", icon=":material/stop:", help=kept or None):
                job.stop()
                st.toast("Stopping after the step at hand")
            return
        if st.session_state.pop(_watched(key), None) is not None:  # it ended since the last look: the page has something new
            st.rerun()
        if job.failed:
            st.error(f"{went_wrong} {formats.plain(job.failed)}", icon=":material/error:")
        idle()

    st.fragment(part, run_every=1 if job.running else None)()


def start(key: str, begin: Callable[[], object], *, finished: int = 0) -> None:
    """Starts a job whose section has this ``key``, and draws the page anew."""
    begin()
    st.session_state[_watched(key)] = finished
    st.rerun()


def words(progress: Progress) -> str:
    """What is being done and how long it will take: ``"Reading, about 20 seconds left"``."""
    left = formats.duration(progress.seconds_left)
    return formats.plain(progress.message) + (f", {left} left" if left else "")


def _watched(key: str) -> str:
    return f"{key} watched"
