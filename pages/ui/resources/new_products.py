"""What was learned from the catalog's launches, None until it was, and items that are probably one and the same."""

from __future__ import annotations

import streamlit as st

from forecasting.core.kept import Kept
from forecasting.new_products.duplicate_items import Duplicate
from forecasting.new_products.launch_service import LaunchService
from pages.ui.resources import catalog
from pages.ui.resources.kept import by


def launches() -> LaunchService | None:
    """The part for products without history; None until its launches were learned from, which ``launches_panel`` does.

    Raises DataError where a product without history cannot be known by anything.
    """
    service = catalog.service()
    return _launches().made(service.key, service.launches)


@by(catalog.version, 1)
def duplicates() -> tuple[Duplicate, ...]:
    """Items that are probably one and the same."""
    return catalog.service().duplicates()


@st.cache_resource(show_spinner=False, max_entries=1)
def _launches() -> Kept[LaunchService | None]:
    return Kept(1)
