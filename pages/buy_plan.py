"""How many do I buy: the purchase list for a chosen quantile, or for what a lost sale and an unsold unit cost."""

from __future__ import annotations

import streamlit as st

from pages.ui.buy_plan import (
    budget_panel,
    cost_curve_panel,
    joint_demand_panel,
    multi_echelon_panel,
    open_orders_panel,
    order_table,
    settings_panel,
    supplier_exports,
    terms_panel,
    text,
)
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.jobs import summary_panel
from pages.ui.resources import catalog, purchasing, shown
from pages.ui.shell import empty_states, frame, url_state
from pages.ui.shell.frame import Figure

QUESTION = "How many do I buy?"

frame.frame()


def buy_plan() -> None:
    """Everything of the list; not a fragment, for every choice changes the answer above it."""
    if settings_panel.scope() == "item" and not url_state.selection().item:
        empty_states.no_item(QUESTION)
        return
    with empty_states.answered(QUESTION):
        if not catalog.service().forecasts.status().ready:
            frame.heading(QUESTION, "The list needs a forecast of every item, and they are still to be made.")
            summary_panel.section()
            return
        about, settings = catalog.service().figures(), settings_panel.read()
        plan = purchasing.buy_plan(settings)
        counted = purchasing.counted(settings, shown.unit())
        unit, totals = counted.unit, plan.totals
        frame.heading(QUESTION, text.answer(plan, about, counted))
        if words := text.coverage(counted, shown.unit()):
            st.caption(f":material/info: {words}")
        missed = "Sales expected to be missed before the next order arrives, if exactly this is bought."
        frame.figures(
            Figure(text.to_buy(unit), text.count(totals.units) if unit.is_pieces else formats.units(counted.bought, unit)),
            Figure("Money", formats.money(totals.money, about.currency)),
            Figure(formats.in_unit("Expected to miss", unit), formats.units(counted.lost_sales, unit), help=missed),
            Figure(
                formats.in_unit("Expected left over", unit),
                formats.units(counted.left_over, unit),
                help="What is still there when the next one arrives.",
            ),
        )
        summary_panel.behind()
        assortment = plan.inputs.assortment
        settings_panel.controls(assortment.categories, assortment.suppliers, about.frequency)
        if assumptions := settings_panel.assumptions(plan, about.frequency):
            st.caption(f":material/info: {formats.plain(assumptions)}")
        frame.note_on_supply(about)
        frame.note_on_pieces("Orders, stock and terms below are in whole packs and")
        open_orders_panel.section(plan, about)
        terms_panel.section(plan, about)
        if plan.located:
            multi_echelon_panel.section(plan, about)
        budget_panel.section(plan, about)
        order_table.section(plan, about, counted)
        st.caption(
            "Need is demand until the next order arrives, at the chosen quantile and in whole units. “Enough” says which "
            "quantile the quantity is, with what is on hand and on order. “Pays from” says how many unsold units a lost "
            "sale must cost, at least, for that to be right."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            bought_to = "quantile by costs" if settings.tau is None else f"bought to {formats.level(settings.tau)}"
            stamp = exports.Stamp(about.name, plan.creation_date, catalog.model_words(), bought_to, about.supply_words)
            downloads(lambda: order_table.table(plan, about, counted), stamp, "order", "Purchase order")
            supplier_exports.downloads(plan, about, stamp, counted)
            frame.links("buy_plan", {**settings_panel.address(), **multi_echelon_panel.address()})
        if not plan.located:
            multi_echelon_panel.section(plan, about)
        joint_demand_panel.section(plan, about, unit)
        if settings.supplier:
            st.caption("The past is replayed over the best sellers of all suppliers.")
        cost_curve_panel.section(settings_panel.replayed(settings), settings.tau or settings.ratio)


buy_plan()
