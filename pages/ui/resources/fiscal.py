"""The fiscal calendar that planners keep with the catalog in use, and what they want weeks summed by."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.fiscal_calendar import By, FiscalCalendar, Stretch, stretches
from data.planner_store import KeptCalendar
from data.units import Unit
from forecasting.service.total_view import SpanTotal
from pages.ui.resources import catalog
from pages.ui.resources.kept import by as kept_by

#: What weeks may be summed by, as it is offered.
SUMS: dict[By, str] = {"week": "Week", "period": "Fiscal period", "quarter": "Quarter"}


def kept() -> KeptCalendar:
    """As it is kept, with its version."""
    return catalog.planner_store().calendar(catalog.service().figures().name)


def save(calendar: FiscalCalendar | None, seen: int) -> None:
    """Keeps one, None: none any more; raises ResourceError where somebody has changed it after version ``seen``."""
    catalog.planner_store().set_calendar(catalog.service().figures().name, calendar, seen)


def calendar() -> FiscalCalendar | None:
    """The calendar that labels weeks; None without one, and where the catalog has no weeks."""
    return kept().calendar if catalog.service().figures().frequency.unit == "week" else None


def chosen() -> By:
    """What the address asks to sum by; weeks where there is no calendar."""
    named = st.query_params.get("sum", "")
    return next((one for one in SUMS if one == named), "week") if calendar() else "week"


def address() -> dict[str, str]:
    """What of it a link takes along."""
    return {} if (by := chosen()) == "week" else {"sum": by}


def labels(periods: pd.DatetimeIndex, by: By = "period") -> list[str]:
    """The fiscal period or quarter of each week; empty texts without a calendar."""
    found = calendar()
    return found.labels(periods, catalog.service().figures().stamp, by) if found else [""] * len(periods)


def cut(past: pd.DatetimeIndex, ahead: pd.DatetimeIndex, by: By) -> tuple[Stretch, ...]:
    """Weeks on record [T] and ahead [H] as fiscal periods or quarters."""
    found = calendar()
    if found is None:
        return ()
    sizes = found.sizes(past.append(ahead), catalog.service().figures().stamp, by)
    return stretches(labels(past, by), labels(ahead, by), sizes)


@kept_by(lambda: catalog.lists_version(), 64)
def span_total(category: str, unit: Unit, periods: int) -> SpanTotal | None:
    """The total of the first coming weeks together; None until all items were forecast."""
    return catalog.service().forecasts.span_total(category, unit, periods)
