"""The model's part of the Data page: which one serves, and training another with progress, stop and resume."""

from __future__ import annotations

import streamlit as st

from pages.ui.display import formats, progress
from pages.ui.resources import service

_WATCHED = "training watched"


def section() -> None:
    """Model and training; while a training runs, this part alone looks every second how far it is."""
    st.fragment(_section, run_every=1 if service.training().running else None)()


def _section() -> None:
    run = service.training()
    if run.running:
        st.session_state[_WATCHED] = True
        now = run.progress()
        st.progress(now.share, text=progress.words(now))
        st.caption("You can go on working; the model in use stays until the new one is ready.")
        if st.button("Stop training", icon=":material/stop:", help="What is learned so far is kept; you can resume."):
            run.stop()
            st.toast("Stopping after the step at hand")
        return
    if st.session_state.pop(_WATCHED, False):  # it ended since the last look: the whole page has a new model
        st.rerun()
    _model()
    if run.failed:
        st.error(f"The last training did not end well. {formats.plain(run.failed)}", icon=":material/error:")
    _offer()


def _model() -> None:
    status = service.model()
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
    run = service.training()
    now = run.progress()
    begun = 0 < now.done < now.total
    label = "Resume training" if begun else "Train on this data"
    if st.button(label, type="primary" if begun or service.model().message else "secondary"):
        if begun:
            run.resume()
        else:
            run.start()
        st.rerun()
    if begun:
        st.caption(f"Stopped at {formats.percent(now.share)}. {formats.plain(now.message)}")
