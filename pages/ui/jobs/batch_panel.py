"""The Data page's part for the forecasts of all items as files: started, watched, stopped, gone on with, and taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import formats, progress
from pages.ui.resources import service

if TYPE_CHECKING:
    from forecasting.workflows import Run

_WATCHED = "batch watched"

#: Rows beyond which a file is not handed through the browser.
_MOST_ROWS = 3_000_000


def section() -> None:
    """Nothing until a model serves; while a run is under way, this part alone looks every second how far it is."""
    if service.model().serves:
        st.subheader("Forecasts of all items", anchor=False)
        st.fragment(_section, run_every=1 if service.batch_run().running else None)()


def _section() -> None:
    watched = service.batch_run()
    if watched.running:
        st.session_state[_WATCHED] = True
        now = watched.progress()
        st.progress(now.share, text=progress.words(now))
        st.caption(
            "You can go on working. Each part is kept as it is written; Today and the Buy plan read them when all are there."
        )
        if st.button("Stop", key="stop batch", icon=":material/stop:", help="The parts that are written are kept."):
            watched.stop()
            st.toast("Stopping after the part at hand")
        return
    if st.session_state.pop(_WATCHED, False):  # it ended since the last look: the whole page may have new forecasts
        st.rerun()
    if watched.failed:
        st.error(f"The last run did not end well. {formats.plain(watched.failed)}", icon=":material/error:")
    run = service.desk().run()
    _told(run)
    if run is not None and run.whole:
        _files(run)
    label = "Forecast all items" if run is None else "Forecast them again" if run.whole else "Go on"
    if st.button(label, key="start batch", type="secondary" if run is None or run.whole else "primary"):
        watched.start()
        st.session_state[_WATCHED] = True
        st.rerun()


def _told(run: Run | None) -> None:
    """What there is."""
    about = service.figures()
    if run is None:
        ahead = formats.ahead(service.longest_horizon(), about.frequency)
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
        for label, kind, mime in (("CSV", "csv", "text/csv"), ("Parquet", "parquet", "application/vnd.apache.parquet")):
            st.download_button(
                label,
                data=lambda kind=kind: service.run_file(run, kind),
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
