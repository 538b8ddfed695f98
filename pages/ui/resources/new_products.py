"""What was learned from the catalog's launches: at once where it is known or kept, else under a progress bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import progress
from pages.ui.resources import service

if TYPE_CHECKING:
    from forecasting.workflows import LaunchDesk


def learned() -> LaunchDesk:
    """The desk's part for products without history; raises TidelineError where there is nothing to learn from."""
    if service.launches_ready():
        return service.launches(lambda progress: None)
    bar = st.progress(0.0, text="Reading the launches on record")
    try:
        return service.launches(lambda now: bar.progress(now.share, text=progress.words(now)))
    finally:
        bar.empty()
