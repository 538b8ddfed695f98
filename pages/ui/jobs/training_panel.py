"""The model's part of the Data page: which one serves, and training another with progress, stop and resume."""

from __future__ import annotations

import streamlit as st

from pages.ui.display import formats
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs

_JOB = "training"


def section() -> None:
    """Model and training."""
    job_panel.section(
        jobs.command("train"),
        _JOB,
        _idle,
        note="You can go on working; the model in use stays until the new one is ready.",
        stop="Stop training",
        kept="What is learned so far is kept; you can resume.",
        went_wrong="The last training did not end well.",
    )


def _idle() -> None:
    _model()
    _offer()


def _model() -> None:
    status = catalog.service().model()
    if status.card is None:
        st.markdown(formats.plain(status.message))
        return
    card = status.card
    st.markdown(
        f"**{formats.plain(card.model)}**, version {formats.plain(card.version)}: trained on "
        f"{formats.plain(card.catalog_name)} up to {formats.date(card.trained_until)}, on {formats.date(card.trained_at)}, "
        f"in {formats.duration(card.train_seconds)}."
    )
    if status.message:
        st.warning(formats.plain(status.message), icon=":material/history:")
    else:
        st.caption(":material/check: It fits the data that is loaded.")


def _offer() -> None:
    now = jobs.command("train").progress()
    begun = 0 < now.done < now.total
    label = "Resume training" if begun else "Train on this data"
    if st.button(label, type="primary" if begun or catalog.service().model().message else "secondary"):
        job_panel.start(_JOB, jobs.command("train").start)
    if begun:
        st.caption(f"Stopped at {formats.percent(now.share)}. {formats.plain(now.message)}")
