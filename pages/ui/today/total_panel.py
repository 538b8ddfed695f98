"""The catalog's total on Today: one sentence, its history and fan, and the same of a category."""

from __future__ import annotations

import numpy as np
import streamlit as st

from data.facts import About
from forecasting.service.total_view import TotalView
from pages.ui.calendar import fiscal_tables
from pages.ui.display import charts, exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Table
from pages.ui.resources import catalog, fiscal, shown
from pages.ui.shell import frame, url_state
from pages.ui.today import total_text


@st.fragment
def section() -> None:
    """The total that the address names as ``total``; choosing another runs this alone."""
    about = catalog.service().figures()
    view = shown.total(st.query_params.get("total", ""))
    if view.categories:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
            _choice(view)
            frame.links("today", ({"total": view.category} if view.category else {}) | fiscal.address())
    st.markdown(total_text.sentence(view, about))
    if words := total_text.coverage(view, shown.unit()):
        st.caption(f":material/info: {words}")
    expected = view.forecast.expected if view.forecast is not None else np.zeros(0)
    figure = charts.total_fan(view.history, view.last_year, view.forecast, expected, about.frequency)
    st.plotly_chart(figure, key="total-fan", config=charts.CONFIG, alt=total_text.description(view, about))
    if words := total_text.caption(view, about):
        st.caption(words)
    _numbers(view, about)


def _choice(view: TotalView) -> None:
    options = ["", *view.categories]
    st.selectbox(
        f"Total of all items, or by {formats.plain(view.column)}",
        options,
        format_func=lambda label: label or "All items",
        **url_state.made_with_one_of("total", view.category, options),
        width=320,
        on_change=url_state.on_change("total", "total", str),
    )


def _table(view: TotalView, about: About) -> Table:
    """By week, or as the fiscal calendar sums them."""
    by = fiscal.chosen()
    if fiscal.calendar() is not None:
        url_state.choice("Table by", fiscal.SUMS, "sum", by)
    else:
        st.caption("To sum weeks by fiscal period or quarter, say on the Data page how your fiscal year is cut.")
    ahead = view.forecast.periods if view.forecast is not None else view.history.periods[:0]
    if by == "week":
        found = total_text.table(view, about)
        weeks = view.history.periods.append(ahead)[-len(found) :]
        return fiscal_tables.with_periods(found, fiscal.labels(weeks))
    cut = fiscal.cut(view.history.periods, ahead, by)
    count, begins = fiscal_tables.first_ahead(cut), None
    if count and len(ahead):
        st.caption(fiscal_tables.NO_RANGE + fiscal_tables.TIED)
        with st.spinner("Drawing what they may sell together"):
            begins = fiscal.span_total(view.category, view.unit, count)
    return fiscal_tables.total_table(view, begins, cut, by, about)


def _numbers(view: TotalView, about: About) -> None:
    with st.expander("The numbers of this chart"):
        table = _table(view, about)
        st.html(table.html())
        created = about.last if view.forecast is None else view.forecast.creation_date
        downloads(table, exports.Stamp(about.name, created, catalog.model_words()), "total")
