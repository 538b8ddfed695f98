"""What will this item sell: its past, the fan of its future, one quantile of it in words, and how earlier fans did."""

from __future__ import annotations

import numpy as np
import streamlit as st

from forecasting.service.view_models import ItemView
from pages.ui.calendar import fiscal_tables
from pages.ui.display import charts, exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Table
from pages.ui.item import (
    explanation_panel,
    forecast_text,
    history_panel,
    history_text,
    life_panel,
    model_overlay,
    similar_items,
    simulator_truth_panel,
)
from pages.ui.resources import catalog, fiscal, history, shown
from pages.ui.shell import frame, url_state
from pages.ui.shell.empty_states import answered, no_item
from pages.ui.shell.frame import Figure

QUESTION = "What will this item sell?"
SHORT = 13  # periods on record below which the planner is told what the forecast leans on

frame.frame()


def forecast() -> None:
    """Everything of one item; not a fragment, for the sidebar's links carry what the sliders say."""
    chosen = url_state.selection()
    if not chosen.item:
        no_item(QUESTION)
        return
    with answered(QUESTION):
        url_state.opened_by_link("why", "looked", "mistakes", "changes", "past", "history", "life")
        if not catalog.service().model().serves:
            untrained(chosen.item)
            return
        about, longest = catalog.service().figures(), catalog.service().horizon
        horizon = url_state.horizon_within(chosen.horizon, longest)
        view = shown.item(chosen.item, horizon)
        fan = view.forecast
        words = forecast_text.Words(fan, chosen.tau, about.frequency, view.unit)

        frame.heading(f"What will {formats.plain(view.facts.name)} sell?", words.sentence())
        st.caption(forecast_text.identity(view.facts))
        if words_on_unit := shown.lacking(view.unit):
            st.caption(f":material/info: {words_on_unit}")
        life_panel.banner(view)
        history_panel.said()
        _figures(words, view.elasticity)
        _sliders(chosen, horizon, longest)
        over = model_overlay.overlay(view)
        other, title = (over.forecast, over.scores.title) if over else (None, "")
        figure = charts.item_fan(
            view.history,
            fan,
            chosen.tau,
            about.frequency,
            forecast_text.planned_promotions(view),
            other,
            title,
            planned=view.planned,
        )
        st.plotly_chart(figure, key="fan", config=charts.CONFIG, alt=words.description())
        if over:
            st.markdown(model_overlay.sentence(over, fan, chosen.tau, about.frequency, view.unit))
            st.html(model_overlay.both(over, fan, chosen.tau, about.frequency, view.unit).html())
        _reading(view)

        table = numbers(view, chosen.tau)
        st.html(table.html())
        with st.container(horizontal=True, vertical_alignment="center"):
            stamp = exports.Stamp(about.name, fan.creation_date, f"{fan.model} {fan.version}")
            downloads(table, stamp, "item")
            links_of(chosen, horizon, over.scores.name if over else "")
        history_panel.section(chosen.item)
        life_panel.section(chosen.item)
        if fan.values.any():  # of what is no longer sold there is nothing to explain
            explanation_panel.sections(view)
        simulator_truth_panel.item_section(catalog.item(chosen.item, horizon), chosen.tau)
        past(chosen.item, horizon)
        model_overlay.patchwork(chosen.item)
        similar_items.similar(chosen)


def untrained(item_id: str) -> None:
    """What is on record of an item, until there is a model to forecast it."""
    history, about = catalog.service().items.history(item_id), catalog.service().figures()
    name = next((one.name for one in catalog.search(item_id, 1).rows if one.item_id == item_id), item_id)
    words = "There is no model for this data yet, and so no forecast; below is what this item has sold."
    frame.heading(f"What will {formats.plain(name)} sell?", words)
    st.page_link(frame.page("data"), label="Train one", icon=":material/arrow_forward:")
    if len(history.periods):
        alt = f"Line of past sales up to {formats.period(history.periods[-1], about.frequency)}."
        st.plotly_chart(charts.record(history, about.frequency), key="record", config=charts.CONFIG, alt=alt)
        frame.note_on_pieces("Until there is a model, it is shown")
        history_panel.said()
        history_panel.section(item_id)
    else:
        st.markdown("Nothing is on record of it.")


def _figures(words: forecast_text.Words, elasticity: float | None) -> None:
    """The four numbers under the answer."""
    ahead = formats.ahead_label(len(words.forecast.periods), words.frequency)
    frame.figures(
        Figure(formats.in_unit(f"Expected, {ahead}", words.unit), formats.units(words.expected, words.unit)),
        Figure("8 times in 10 between", words.eight_in_ten()),
        Figure(f"{formats.level(words.tau)}: {formats.odds(words.tau)} fewer than", formats.units(words.chosen, words.unit)),
        Figure("Price elasticity", formats.elasticity_figure(elasticity), help=formats.elasticity(elasticity)),
    )


def _sliders(chosen: url_state.Selection, horizon: int, longest: int) -> None:
    ahead, level = st.columns(2, gap="large")
    word = formats.period_word(catalog.service().figures().frequency)
    if longest > 1:
        ahead.slider(
            f"How many {word}s ahead",
            1,
            longest,
            **url_state.made_with("horizon", horizon),
            on_change=url_state.on_change("horizon", "horizon", str),
        )
    url_state.quantile(level, chosen.tau)


def _reading(view: ItemView) -> None:
    """How to read the chart, what the plan lacks, and what the forecast leans on where the past is short."""
    words = "Eight in ten outcomes lie within the fan, half of them within its darker middle; the table has every number."
    words += forecast_text.why_outside(view.forecast, view.unit)
    words += forecast_text.promotions(view, catalog.service().figures().frequency)
    words += history_text.note(history.record(view.facts.item_id), catalog.service().figures().frequency)
    known = int(np.isfinite(view.history.demand).sum())
    if known < SHORT:
        on_record = formats.periods(known, catalog.service().figures().frequency) if known else "nothing"
        words += (
            f" **Only {on_record} on record:** this forecast leans on the item's category, brand and price more than on "
            "its own past."
        )
    st.caption(words)
    if catalog.service().forecasts.status().behind:
        st.caption(
            ":material/history: This forecast is made from the history as marked. Today and the Buy plan follow with the next "
            "forecast of all items, which Today offers."
        )


def numbers(view: ItemView, tau: float) -> Table:
    """The twin of the chart, by week or as the fiscal calendar sums them."""
    about, by = catalog.service().figures(), fiscal.chosen()
    if fiscal.calendar() is not None:
        url_state.choice("Table by", fiscal.SUMS, "sum", by)
    if by == "week":
        return fiscal_tables.with_periods(forecast_text.table(view, tau, about), fiscal.labels(view.forecast.periods))
    st.caption(fiscal_tables.NO_RANGE)
    cut = fiscal.cut(view.history.periods, view.forecast.periods, by)
    return fiscal_tables.item_table(view, tau, cut, by, about)


def links_of(chosen: url_state.Selection, horizon: int, over: str) -> None:
    """Where a planner goes from here; ``over`` is the generation laid over the fan."""
    extra = ({"over": over} if over else {}) | explanation_panel.address() | fiscal.address()
    frame.links("item", chosen.address() | {"horizon": str(horizon)} | extra)
    st.page_link(
        frame.page("what_if"),
        label="What if its price changes?",
        icon=":material/arrow_forward:",
        query_params=chosen.address(),
    )
    st.page_link(
        frame.page("buy_plan"),
        label="How many do I buy?",
        icon=":material/arrow_forward:",
        query_params=chosen.address() | {"scope": "item"},
    )


def past(item_id: str, horizon: int) -> None:
    """Fans of earlier creation dates against what came; made only when opened."""
    about = catalog.service().figures()
    folded = st.expander("How did earlier forecasts of this item do?", key="past", on_change="rerun")
    if not folded.open:
        return
    with folded:
        earlier, counted = shown.past_forecasts(item_id, horizon), shown.item(item_id, horizon)
        if not earlier:
            need = formats.periods(horizon, about.frequency)
            st.markdown(f"There is not enough history yet to forecast {need} from an earlier date and see what came.")
            return
        sentence = forecast_text.record(catalog.past_forecasts(item_id, horizon), about.frequency)
        table = forecast_text.record_table(earlier, about.frequency, counted.unit)
        st.markdown(sentence)
        st.caption(forecast_text.provenance(earlier))
        figure = charts.past_fans(counted.history, earlier, about.frequency)
        st.plotly_chart(figure, key="past-fans", config=charts.CONFIG, alt=sentence)
        st.html(table.html())
        fan = earlier[-1].forecast
        downloads(table, exports.Stamp(about.name, fan.creation_date, f"{fan.model} {fan.version}"), "past")


forecast()
