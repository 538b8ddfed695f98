"""How many do I buy: the purchase list for a chosen quantile, or for what a lost sale and an unsold unit cost."""

from __future__ import annotations

import streamlit as st

from pages.ui import (
    budget_view,
    buying_answers,
    buying_list,
    buying_settings,
    buying_terms,
    buying_words,
    exports,
    formats,
    frame,
    joint_view,
    locations_view,
    messages,
    money_curve,
    orders_view,
    progress,
    purchase_orders,
    resources,
    state,
)
from pages.ui.downloads import downloads
from pages.ui.frame import Figure

QUESTION = "How many do I buy?"

frame.frame()


def buy_plan() -> None:
    """Everything of the list; not a fragment, for every choice changes the answer above it."""
    if buying_settings.scope() == "item" and not state.selection().item:
        messages.no_item(QUESTION)
        return
    with messages.answered(QUESTION):
        if not resources.summary().ready:
            not_forecast_yet()
            return
        about, settings = resources.figures(), buying_settings.read()
        plan = buying_answers.buy_plan(settings)
        totals = plan.totals
        frame.heading(QUESTION, buying_words.answer(plan, about))
        missed = "Sales expected to be missed before the next order arrives, if exactly this is bought."
        frame.figures(
            Figure("Units to buy", buying_words.count(totals.units)),
            Figure("Money", formats.money(totals.money, about.currency)),
            Figure("Expected to miss", formats.units(totals.lost_sales), help=missed),
            Figure("Expected left over", formats.units(totals.left_over), help="Units still there when the next one arrives."),
        )
        assortment = plan.basis.assortment
        buying_settings.controls(assortment.categories, assortment.suppliers, about.frequency)
        if said := buying_settings.assumptions(plan, about.frequency):
            st.caption(f":material/info: {formats.plain(said)}")
        orders_view.section(plan, about)
        buying_terms.section(plan, about)
        if plan.located:
            locations_view.section(plan, about)
        budget_view.section(plan, about)
        buying_list.section(plan, about)
        st.caption(
            "Need is demand until the next order arrives, at the chosen quantile and in whole units. “Enough” says which "
            "quantile the quantity is, with what is on hand and on order. “Pays from” says how many unsold units a lost "
            "sale must cost, at least, for that to be right."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            stamp = exports.Stamp(about.name, plan.creation_date, resources.model_words(), _asked(settings.tau))
            downloads(lambda: buying_list.table(plan, about), stamp, "order", "Purchase order")
            purchase_orders.downloads(plan, about, stamp)
            frame.links("buy_plan", {**buying_settings.address(), **locations_view.address()})
        if not plan.located:
            locations_view.section(plan, about)
        joint_view.section(plan, about)
        if settings.supplier:
            st.caption("The past is replayed over the best sellers of all suppliers.")
        money_curve.section(buying_settings.replayed(settings), settings.tau or settings.ratio)


def _asked(tau: float | None) -> str:
    return "quantile by costs" if tau is None else f"bought to {formats.level(tau)}"


def not_forecast_yet() -> None:
    """Before all items were forecast: why there is no list, and the button."""
    frame.heading(QUESTION, "The list needs a forecast of every item, and they are still to be made.")
    st.caption(f":material/info: {formats.plain(resources.summary().message)}")
    if not resources.model().serves:
        st.page_link(frame.page("data"), label="Train a model", icon=":material/arrow_forward:")
    elif st.button("Forecast all items now", type="primary"):
        progress.run(resources.summarise)


buy_plan()
