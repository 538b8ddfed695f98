"""The run behind the Accuracy page: started, watched and stopped; what is finished shows while the rest is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import formats, progress
from pages.ui.resources import service

if TYPE_CHECKING:
    from forecasting.workflows import AccuracyReport

_SEEN = "generations seen"


def section() -> None:
    """Where the run stands and what can be done about it; while it runs, this part alone looks every second."""
    st.fragment(_section, run_every=1 if service.ladder_run().running else None)()


def begun() -> bool:
    """Whether there is something to watch or to do before the ladder is whole."""
    report = service.accuracy()
    unfinished = report is None or (not report.shipped and bool(report.missing or report.failed))
    return service.ladder_run().running or unfinished


def _section() -> None:
    run, report = service.ladder_run(), service.accuracy()
    finished = len(report.tried) if report else 0
    if run.running:
        if st.session_state.setdefault(_SEEN, finished) != finished:  # another generation is through: show it
            st.session_state[_SEEN] = finished
            st.rerun()
        now = run.progress()
        st.progress(now.share, text=progress.words(now))
        st.caption("You can go on working. What is finished is kept and shown here at once.")
        if st.button("Stop", icon=":material/stop:", help="The generations that are finished are kept; you can go on later."):
            run.stop()
            st.toast("Stopping")
        return
    if st.session_state.pop(_SEEN, None) is not None:  # it ended since the last look
        st.rerun()
    if run.failed:
        st.error(f"The last run did not end well. {formats.plain(run.failed)}", icon=":material/error:")
    _unfinished(report)
    _offer(report)


def _unfinished(report: AccuracyReport | None) -> None:
    """What is still to be tried, and what could not be."""
    if report is None:
        return
    if report.missing:
        st.caption(f"Still to be tried: {formats.listing([formats.plain(title) for title in report.missing])}.")
    for title, reason in report.failed:
        st.warning(f"**{formats.plain(title)}** could not be tried. {formats.plain(reason)}")


def _offer(report: AccuracyReport | None) -> None:
    """The button that starts the run, goes on with it, or begins it anew."""
    run = service.ladder_run()
    whole = report is not None and not report.missing and not report.failed
    own = report is not None and bool(report.tried) and not report.shipped
    label = "Try them all again" if whole else "Go on" if own else "Try the generations"
    if st.button(label, type="secondary" if whole else "primary"):
        run.start(afresh=whole)
        st.session_state[_SEEN] = len(report.tried) if report and not whole else 0
        st.rerun()
