"""A long piece of work under a progress bar, while the planner waits for it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from forecasting.core.types import Progress, Report
from pages.ui.display import formats

Work = Callable[[Report], None]


def run(work: Work) -> None:
    """Does the work, then starts the page again on what came of it; errors are the caller's."""
    bar = st.progress(0.0, text="Starting")

    def show(progress: Progress) -> None:
        bar.progress(progress.share, text=words(progress))

    try:
        work(show)
    finally:
        bar.empty()
    st.rerun()


def words(progress: Progress) -> str:
    """What is being done and how long it will take: ``"Reading, about 20 seconds left"``."""
    left = formats.duration(progress.seconds_left)
    return formats.plain(progress.message) + (f", {left} left" if left else "")
