"""What explains one item's forecast, made when asked for and kept like everything in ``catalog.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.ui.resources import catalog
from pages.ui.resources.kept import by

if TYPE_CHECKING:
    from forecasting.explain.attention_attribution import AttentionAttribution
    from forecasting.explain.error_history import ErrorHistory
    from forecasting.explain.forecast_revision import ForecastRevision
    from forecasting.explain.shapley_drivers import Drivers


@by(catalog.version, 64)
def drivers(item_id: str) -> Drivers:
    """What the forecast of one item is made of, in units."""
    return catalog.service().items.drivers(item_id)


@by(catalog.version, 64)
def attention(item_id: str) -> AttentionAttribution:
    """Where the forecast of one item looked, and what it is without."""
    return catalog.service().items.attention(item_id)


@by(catalog.version, 64)
def errors(item_id: str) -> ErrorHistory:
    """What was said of one item before, and what came."""
    return catalog.service().items.errors(item_id)


@by(catalog.version, 64)
def revision(item_id: str) -> ForecastRevision | None:
    """What changed one item's forecast in the last period."""
    return catalog.service().items.revision(item_id)
