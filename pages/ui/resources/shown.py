"""What the planner wants demand counted in, and the answers about one item in it.

Pages ask here for what they show of demand. What cannot be counted so comes back in pieces, and says so by its ``unit``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from data.units import PIECES, Unit
from pages.ui.resources import catalog
from pages.ui.resources.kept import by

if TYPE_CHECKING:
    from forecasting.core.types import QuantileForecast
    from forecasting.explain.attention_attribution import AttentionAttribution
    from forecasting.explain.error_history import ErrorHistory
    from forecasting.explain.forecast_revision import ForecastRevision
    from forecasting.explain.shapley_drivers import Drivers
    from forecasting.service.in_unit import Scale
    from forecasting.service.total_view import TotalView
    from forecasting.service.view_models import ItemView, Order, PastFan, ScenarioView, TodayPage


@by(catalog.version, 2)
def units() -> tuple[Unit, ...]:
    """What the catalog in use can be shown in, pieces first."""
    return catalog.service().units()


def unit() -> Unit:
    """What the address asks for; pieces where the catalog does not have that."""
    named = st.query_params.get("unit", "")
    return next((one for one in units() if one.name == named), PIECES)


def lacking(found: Unit, what: str = "This item") -> str:
    """That an answer came in pieces though another unit is chosen; empty else."""
    wanted = unit()
    return "" if found == wanted else f"{what} has no {wanted.missing} in your data, so it is shown in pieces."


def item(item_id: str, horizon: int) -> ItemView:
    """History and forecast of one item."""
    found, scale = catalog.item(item_id, horizon), _scale(item_id, horizon, unit())
    return found if scale is None else scale.view(found)


def today(order: Order, limit: int, offset: int, text: str) -> TodayPage:
    """A page of the ranked items."""
    return catalog.today(order, limit, offset, text, unit())


def total(category: str) -> TotalView:
    """What all items, or those of a category, sold together and will sell."""
    return catalog.total(category, unit())


def past_forecasts(item_id: str, horizon: int) -> tuple[PastFan, ...]:
    """What was forecast at earlier creation dates, and what came."""
    found, scale = catalog.past_forecasts(item_id, horizon), _scale(item_id, horizon, unit())
    return found if scale is None else scale.past(found)


def scenario(found: ScenarioView) -> ScenarioView:
    """Baseline and scenario of one item, which come in pieces."""
    from forecasting.service.in_unit import scenario_in

    return scenario_in(found, unit()) or found


def forecast(view: ItemView, other: QuantileForecast) -> QuantileForecast:
    """Another forecast, in pieces, of the item of a page, counted as the page counts."""
    scale = _scale_of(view)
    return other if scale is None else scale.forecast(other)


def drivers(view: ItemView) -> Drivers:
    """What the forecast of a page is made of; so are the next three of the same page."""
    found, scale = catalog.service().items.drivers(view.facts.item_id).first(len(view.forecast.periods)), _scale_of(view)
    return found if scale is None else scale.drivers(found, view.forecast.periods)


def attention(view: ItemView) -> AttentionAttribution:
    """Where it looked."""
    found, scale = catalog.service().items.attention(view.facts.item_id).first(len(view.forecast.periods)), _scale_of(view)
    return found if scale is None else scale.attention(found, view.forecast.periods)


def errors(view: ItemView) -> ErrorHistory:
    """What was said before, and what came."""
    found, scale = catalog.service().items.errors(view.facts.item_id), _scale_of(view)
    return found if scale is None else scale.errors(found, view.forecast.periods)


def revision(view: ItemView) -> ForecastRevision | None:
    """What changed in the last period; None where nothing was known before."""
    found, scale = catalog.service().items.revision(view.facts.item_id), _scale_of(view)
    if found is None:
        return None
    found = found.first(len(view.forecast.periods))
    return found if scale is None else scale.revision(found)


def _scale_of(view: ItemView) -> Scale | None:
    return _scale(view.facts.item_id, len(view.forecast.periods), view.unit)


@by(catalog.history_version, 64)
def _scale(item_id: str, horizon: int, wanted: Unit) -> Scale | None:
    from forecasting.service.in_unit import scale_of

    return scale_of(catalog.item(item_id, horizon), wanted)
