"""Why this number: the folded sections of the Item page that question its forecast; each is computed when it is opened.

The period ahead that is asked about is kept in the address as ``target``; a link that has one opens where it was asked.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from forecasting.service.view_models import ItemView
from pages.ui.display import charts, exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Table
from pages.ui.item import explanation_charts, explanation_text
from pages.ui.resources import catalog, shown
from pages.ui.shell import url_state

_TARGET = "target"


def sections(view: ItemView) -> None:
    """All four, closed."""
    for key, title, draw in (
        ("why", "Why this number?", _drivers),
        ("looked", "Where did the forecast look?", _attention),
        ("mistakes", "What did it get wrong before?", _mistakes),
        ("changes", "What changed since last time?", _changes),
    ):
        if key == "looked" and _TARGET in st.query_params:
            st.session_state.setdefault(key, True)
        folded = st.expander(title, key=key, on_change="rerun")
        if folded.open:
            with folded:
                draw(view)


def address() -> dict[str, str]:
    """What of an explanation a link takes along."""
    return {_TARGET: st.query_params[_TARGET]} if _TARGET in st.query_params else {}


def _drivers(view: ItemView) -> None:
    frequency, periods = catalog.service().figures().frequency, view.forecast.periods
    found = shown.drivers(view)
    names = explanation_text.driver_names(view)
    sentence = explanation_text.drivers(found, names, frequency, view.unit)
    st.markdown(sentence)
    parts = explanation_text.bridge_steps(found.groups, names, found.span)
    figure = explanation_charts.bridge(
        ("Plain level", float(found.reference.sum())), parts, ("Forecast", float(found.forecast.sum())), view.unit
    )
    st.plotly_chart(figure, key="why-bridge", config=charts.CONFIG, alt=sentence)
    st.caption(explanation_text.DRIVERS_CAPTION)
    _table(view, explanation_text.drivers_table(found, names, periods, frequency, view.unit), "why")


def _attention(view: ItemView) -> None:
    frequency, periods = catalog.service().figures().frequency, view.forecast.periods
    found = shown.attention(view)
    if not found.weights.size:
        st.markdown("This model was trained without attention: it does not look back at single periods.")
        return
    target = _target(view, "looked-target")
    since = view.history.periods[0] if len(view.history.periods) else None
    sentence = explanation_text.link(found, target, periods[target], frequency, since, view.unit)
    st.markdown(sentence)
    figure = explanation_charts.twins(view.history, found, target, periods[target], frequency)
    st.plotly_chart(figure, key="twins", config=charts.CONFIG, alt=sentence)
    word = formats.period_word(frequency)
    st.markdown(
        f"Every {word} ahead (down) and the past it looked at (across): the stronger the colour, the more. **Click a row** "
        f"to ask about that {word}; the list above does the same by keyboard."
    )
    alt = "Map of the attention of each period ahead on each past period. The table below has the heaviest of each."
    key = f"looked-map-{target}"  # a new one for each target: what was clicked before is then forgotten
    st.plotly_chart(
        explanation_charts.attention_map(found, periods, target, frequency),
        key=key,
        config=charts.CONFIG,
        alt=alt,
        on_select=lambda: _clicked(key, periods),
        selection_mode="points",
    )
    st.caption(explanation_text.LINKS_CAPTION)
    _table(view, explanation_text.links_table(found, periods, frequency, view.unit), "looked")


def _clicked(key: str, periods: pd.DatetimeIndex) -> None:
    """Takes the row of the map that was clicked as the period asked about; a click that chooses nothing changes nothing."""
    points = () if url_state.is_gone(key) else st.session_state[key]["selection"]["points"]
    if points:
        _ask(periods, int(points[0]["customdata"][0]))


def _mistakes(view: ItemView) -> None:
    frequency, periods = catalog.service().figures().frequency, view.forecast.periods
    found = shown.errors(view)
    target = _target(view, "mistakes-target") if found.any else 0
    st.markdown(explanation_text.mistakes(found, target, periods[target], frequency, view.unit))
    if found.any:
        earlier = explanation_text.earlier_table(found, target, view.forecast.creation_date, frequency, view.unit)
        if len(earlier) > 1:
            st.markdown(f"What was said of {formats.period_of(periods[target], frequency)}, and when:")
            st.html(earlier.html())
        st.markdown("What was said of the periods since, and what came:")
        st.caption(explanation_text.MISTAKES_CAPTION)
        _table(view, explanation_text.mistakes_table(found, target, frequency, view.unit), "mistakes")


def _changes(view: ItemView) -> None:
    frequency = catalog.service().figures().frequency
    found = shown.revision(view)
    if found is None:
        word = formats.period_word(frequency)
        st.markdown(
            f"One {word} ago there was nothing on record of this item, so there is no earlier forecast to compare with."
        )
        return
    sentence = explanation_text.changes(found, frequency, view.unit)
    st.markdown(sentence)
    parts = explanation_text.bridge_steps(found.names, explanation_text.CHANGE_NAMES, found.parts.sum(axis=1))
    figure = explanation_charts.bridge(
        ("Last time", float(found.before.sum())), parts, ("Today", float(found.after.sum())), view.unit
    )
    st.plotly_chart(figure, key="changes-bridge", config=charts.CONFIG, alt=sentence)
    st.caption(explanation_text.CHANGES_CAPTION)
    _table(view, explanation_text.changes_table(found, frequency, view.unit), "changes")


def _target(view: ItemView, key: str) -> int:
    """The period ahead that the planner asks about: the first unless the address names another that is shown."""
    frequency, periods = catalog.service().figures().frequency, view.forecast.periods
    word = formats.period_word(frequency)
    named = [f"{stamp:%Y-%m-%d}" for stamp in periods]
    linked = st.query_params.get(_TARGET, "")
    key = f"{key}-{len(periods)}"
    return st.selectbox(
        f"Which {word}?",
        range(len(periods)),
        format_func=lambda place: formats.period(periods[place], frequency),
        **url_state.made_with_one_of(key, named.index(linked) if linked in named else 0, range(len(periods))),
        on_change=lambda: None if url_state.is_gone(key) else _ask(periods, st.session_state[key]),
        width=260,
    )


def _ask(periods: pd.DatetimeIndex, place: int) -> None:
    """Writes the period asked about to the address."""
    st.query_params[_TARGET] = f"{periods[place]:%Y-%m-%d}"


def _table(view: ItemView, table: Table, key: str) -> None:
    st.html(table.html())
    fan = view.forecast
    stamp = exports.Stamp(catalog.service().figures().name, fan.creation_date, f"{fan.model} {fan.version}")
    downloads(table, stamp, key)
