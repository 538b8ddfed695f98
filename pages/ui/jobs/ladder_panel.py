"""The run behind the Accuracy page: started, watched and stopped; what is finished shows while the rest is tried."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.accuracy_report import AccuracyReport
from pages.ui.display import formats
from pages.ui.jobs import job_panel
from pages.ui.resources import jobs, ladder

_JOB = "ladder"


def section() -> None:
    """Where the run stands and what can be done about it; what is finished shows while the rest is tried."""
    job_panel.section(
        jobs.command("ladder"),
        _JOB,
        _idle,
        note="You can go on working. What is finished is kept and shown here at once.",
        kept="The generations that are finished are kept; you can go on later.",
        went_wrong="The last run did not end well.",
        finished=lambda: _finished(ladder.accuracy()),
    )


def begun() -> bool:
    """Whether there is something to watch or to do before the ladder is whole."""
    report = ladder.accuracy()
    unfinished = report is None or (not report.shipped and bool(report.missing or report.failed))
    return jobs.command("ladder").running or unfinished


def _finished(report: AccuracyReport | None) -> int:
    return len(report.tried) if report else 0


def _idle() -> None:
    report = ladder.accuracy()
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
    whole = report is not None and not report.missing and not report.failed
    own = report is not None and bool(report.tried) and not report.shipped
    label = "Try them all again" if whole else "Go on" if own else "Try the generations"
    if st.button(label, type="secondary" if whole else "primary"):
        afresh = ("--afresh",) if whole else ()
        job_panel.start(_JOB, lambda: jobs.command("ladder").start(*afresh), finished=0 if whole else _finished(report))
