"""The Data page's part for the forecasts of all items as files: started, watched, stopped, gone on with, and taken away."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from forecasting.batch.batch_forecast import Run, in_one_file
from pages.ui.display import formats
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs

_JOB = "batch"

#: Rows beyond which a file is not handed through the browser.
_MOST_ROWS = 3_000_000

_Kind = Literal["csv", "parquet"]
_KINDS: tuple[tuple[str, _Kind, str], ...] = (
    ("CSV", "csv", "text/csv"),
    ("Parquet", "parquet", "application/vnd.apache.parquet"),
)


def section() -> None:
    """Nothing until a model serves."""
    if catalog.service().model().serves:
        st.subheader("Forecasts of all items", anchor=False)
        job_panel.section(
            jobs.command("forecast"),
            _JOB,
            _offer,
            note="You can go on working. Each part is kept as it is written; Today and the Buy plan read them when all are "
            "there.",
            kept="The parts that are written are kept.",
            went_wrong="The last run did not end well.",
        )


def _offer() -> None:
    run = catalog.service().forecasts.run()
    _found(run)
    if run is not None and run.whole:
        _files(run)
    label = "Forecast all items" if run is None else "Forecast them again" if run.whole else "Go on"
    if st.button(label, key="start batch", type="secondary" if run is None or run.whole else "primary"):
        job_panel.start(_JOB, jobs.command("forecast").start)


def _found(run: Run | None) -> None:
    """What there is."""
    about = catalog.service().figures()
    if run is None:
        ahead = formats.ahead(catalog.service().horizon, about.frequency)
        st.markdown(
            f"Every quantile of all {about.items:,} items for {ahead}, and of the totals up to each, as files: for other "
            "programs, and for Today and the Buy plan, which then need not work them out themselves."
        )
        return
    made = run.manifest
    ahead = formats.ahead(len(made.periods), about.frequency)
    if run.whole:
        st.markdown(
            f"**{made.items:,} items** for {ahead}, from {formats.period(about.last, about.frequency)} on, by "
            f"{formats.plain(made.version)}; made on {formats.date(made.finished)}, in {made.parts:,} parts."
        )
    else:
        done = made.parts - len(run.missing)
        st.markdown(
            f"A run of {formats.date(made.started)} stopped after {done:,} of {made.parts:,} parts. What it wrote is kept; "
            "go on, and only the rest is forecast."
        )


def _files(run: Run) -> None:
    rows = run.manifest.items * len(run.manifest.periods)
    if rows > _MOST_ROWS:
        st.caption(f"{rows:,} rows are too many for the browser; they lie on the server as Parquet, in {run.directory}.")
        return
    with st.container(horizontal=True, gap="small"):
        for label, kind, mime in _KINDS:
            st.download_button(
                label,
                data=partial(_content, run, kind),
                file_name=formats.file_name(
                    "forecasts", run.manifest.catalog_name, run.manifest.creation_date[:10], suffix=kind
                ),
                mime=mime,
                key=f"run-{kind}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help=f"{rows:,} rows: one for each item and period.",
            )


def _content(run: Run, kind: _Kind) -> bytes:
    """What is handed over when a button is pressed."""
    return in_one_file(run, kind).read_bytes()
