"""The catalog's total on Today: one sentence, its history and fan, and the same of a category."""

from __future__ import annotations

import numpy as np
import streamlit as st

from data.facts import About
from forecasting.service.total_view import TotalView
from pages.ui.display import charts, exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.resources import catalog, shown
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
            frame.links("today", {"total": view.category} if view.category else {})
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


def _numbers(view: TotalView, about: About) -> None:
    with st.expander("The numbers of this chart"):
        table = total_text.table(view, about)
        st.html(table.html())
        created = about.last if view.forecast is None else view.forecast.creation_date
        downloads(table, exports.Stamp(about.name, created, catalog.model_words()), "total")
