"""What was learned from the catalog's launches, at once where it is kept, else under a progress bar; and duplicates."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import progress
from pages.ui.resources import catalog
from pages.ui.resources.kept import by

if TYPE_CHECKING:
    from forecasting.core.types import Progress, Report
    from forecasting.new_products.duplicate_items import Duplicate
    from forecasting.new_products.launch_service import LaunchService

_LOCK = threading.Lock()


def launches() -> LaunchService:
    """The part for products without history: made on the first visit, which takes seconds, and kept.

    Raises TidelineError where there is nothing to learn from.
    """
    version = catalog.version()
    if version in _made():
        return _launches(version, lambda progress: None)
    bar = st.progress(0.0, text="Reading the launches on record")

    def show(now: Progress) -> None:
        bar.progress(now.share, text=progress.words(now))

    try:
        return _launches(version, show)
    finally:
        bar.empty()


@by(catalog.version, 1)
def duplicates() -> tuple[Duplicate, ...]:
    """Items that are probably one and the same."""
    return catalog.service().duplicates()


@st.cache_resource(show_spinner=False, max_entries=1)
def _made() -> dict[str, LaunchService]:
    return {}


def _launches(version: str, report: Report) -> LaunchService:
    """Kept by hand and not by a decorator: a cached function may not draw the progress of its own making."""
    with _LOCK:
        made = _made()
        if version not in made:
            made.clear()
            made[version] = catalog.service().launches(report)
        return made[version]
