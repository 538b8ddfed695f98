"""What a simulator knows, beside what the model says; there only where the catalog in use was simulated."""

from __future__ import annotations

import numpy as np
import streamlit as st

from data.errors import NotTrained
from forecasting.service.view_models import ItemView, PlanChange, ScenarioView
from pages.ui.display import charts, exports
from pages.ui.display.downloads import downloads
from pages.ui.item import forecast_text, simulator_truth_text
from pages.ui.resources import catalog, simulator_truth
from pages.ui.shell import frame


def item_section(view: ItemView, tau: float) -> None:
    """The Item page's folded section: the true fan over the model's, true elasticity, true holidays, and what will sell."""
    if simulator_truth.truths() is None:
        return
    folded = st.expander("What the simulator knows", key="truth", on_change="rerun", icon=":material/science:")
    if not folded.open:
        return
    with folded:
        about = catalog.service().figures()
        frame.note_on_pieces("What the simulator knows is told")
        found = simulator_truth.of_item(view.facts.item_id, len(view.forecast.periods))
        if found is None:
            st.markdown("The simulation does not reach as far as the forecast. Ask for fewer periods ahead.")
            return
        words = simulator_truth_text.Words(view, found, tau, about.frequency)
        st.markdown(words.sentence())
        figure = charts.item_fan(
            view.history,
            view.forecast,
            tau,
            about.frequency,
            forecast_text.planned_promotions(view),
            found.fan,
            simulator_truth_text.TRUTH,
        )
        st.plotly_chart(figure, key="truth-fan", config=charts.CONFIG, alt=words.description())
        st.markdown(words.causes())
        st.caption(simulator_truth_text.CAPTION)
        table = words.table()
        st.html(table.html())
        stamp = exports.Stamp(about.name, view.forecast.creation_date, f"{view.forecast.model} {view.forecast.version}")
        downloads(table, stamp, "truth")


def what_if_line(view: ScenarioView, changed: bool) -> None:
    """The What-if page's line: what the scenario would truly do."""
    known = simulator_truth.truths()
    if known is None:
        return
    horizon = len(view.baseline.periods)
    found = simulator_truth.of_item(view.facts.item_id, horizon)
    if found is None:
        return
    before, after = (_paths(plan) for plan in (view.baseline_plan, view.scenario_plan))
    true = found.mean_under(before, after)
    st.markdown(f":material/science: {simulator_truth_text.response(view, found, true, changed)}")


def _paths(plan: PlanChange) -> tuple[np.ndarray, np.ndarray]:
    """Prices and promotions [H] that a fan of a scenario was made with."""
    assert plan.price is not None  # a scenario tells both in full
    assert plan.promo is not None
    return plan.price, plan.promo


def data_section() -> None:
    """The Data page's section: which truths are planted, and how a sample of the forecasts stands to them."""
    known = simulator_truth.truths()
    if known is None:
        return
    st.subheader("What the simulator knows", anchor=False)
    st.markdown(simulator_truth_text.planted(known.planted))
    try:
        with st.spinner("Laying a sample of the forecasts beside the truth"):
            record = simulator_truth.record()
    except NotTrained:
        st.caption("Train a model below: its forecasts are then laid beside the truth, here and on the Item page.")
        return
    if record is None:
        st.caption("The simulation does not reach as far as the model's forecasts, so they cannot be laid beside the truth.")
        return
    about = catalog.service().figures()
    st.markdown(simulator_truth_text.record(record, about.frequency))
    table = simulator_truth_text.record_table(record, about.frequency)
    st.html(table.html())
    st.caption(simulator_truth_text.RECORD_CAPTION)
    downloads(table, exports.Stamp(about.name, about.last, catalog.model_words()), "truth")
