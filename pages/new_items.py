"""What will a product without history do: the launches of items like it, the network's view, and the blend of the two."""

from __future__ import annotations

import streamlit as st

from forecasting.new_products.analog_forecast import LaunchForecast
from forecasting.new_products.launch_service import LaunchService
from pages.ui.display import charts, exports, formats, number_field
from pages.ui.display.downloads import downloads
from pages.ui.jobs import launches_panel
from pages.ui.new_items import launch_charts, launch_text, product_form
from pages.ui.resources import catalog, new_products
from pages.ui.shell import frame, url_state
from pages.ui.shell.empty_states import answered
from pages.ui.shell.frame import Figure

QUESTION = "What will a product without history do?"

frame.frame()


def new_items() -> None:
    """Everything of one launch: who it is comes first, for without it there is no answer."""
    with answered(QUESTION):
        about = catalog.service().figures()
        desk = new_products.launches()
        if desk is None:
            frame.heading(QUESTION, "First it is learned how the launches on record went: once for this data and this model.")
            launches_panel.section()
            return
        request = product_form.requested(desk)
        chosen = url_state.selection()
        if request is None:
            frame.heading(QUESTION, "Choose a recent item, or describe a product, to see how it will launch.")
            product_form.form(desk)
            return
        view = request.forecast(desk)
        words = launch_text.Words(view, chosen.tau, about.frequency)
        blend = view.blend

        frame.heading(f"How will {formats.plain(view.name)} launch?", words.sentence())
        frame.note_on_pieces("Launches are forecast and shown")
        product_form.form(desk)
        span = formats.periods(desk.window, about.frequency)
        total = float(blend.span_at(chosen.tau)[0, -1])
        frame.figures(
            Figure(f"Expected, first {span}", formats.units(float(blend.span_mean()[0, -1]))),
            Figure("8 times in 10 between", words.eight_in_ten()),
            Figure(f"{formats.level(chosen.tau)}: {formats.odds(chosen.tau)} fewer than", formats.units(total)),
            Figure(
                "Of the nearest, failed",
                words.failures(),
                help="The weight of those of the nearest launches that sold in a quarter of their periods or fewer.",
            ),
        )
        url_state.quantile(st.container(), chosen.tau, width=420)
        figure = launch_charts.launch(view, chosen.tau, about.frequency)
        st.plotly_chart(figure, key="launch", config=charts.CONFIG, alt=words.description())
        st.caption(words.caption())
        if view.network is None:
            st.page_link(frame.page("data"), label="Train a model, to add its view", icon=":material/arrow_forward:")

        table = launch_text.table(view, chosen.tau, about)
        st.html(table.html())
        stamp = exports.Stamp(about.name, blend.creation_date, f"{blend.model} {blend.version}", request.weighing())
        with st.container(horizontal=True, vertical_alignment="center"):
            downloads(table, stamp, "launch")
            frame.links("new_items", request.address() | {"tau": f"{chosen.tau:g}"})
        analogs(view, request, stamp)
        trust(desk)


def analogs(view: LaunchForecast, request: product_form.LaunchRequest, stamp: exports.Stamp) -> None:
    """The analogs, each with its share; what the planner takes out or weighs otherwise is forecast anew at once."""
    about = catalog.service().figures()
    st.subheader("The launches it is forecast from", anchor=False)
    near = sum(analog.share for analog in view.nearest)
    st.caption(
        f"The {len(view.nearest)} nearest carry {formats.percent(near)} of the weight; {view.others:,} more share the rest. "
        "Untick one that is not like your product, or weigh it more or less, and the forecast follows."
    )
    key = f"analogs/{request.key}"
    st.data_editor(
        {
            "Use": [analog.emphasis > 0 for analog in view.nearest],
            "Weight ×": [number_field.written(analog.emphasis) for analog in view.nearest],
            "Item": [f"/item?item={analog.item_id}" for analog in view.nearest],
            "Name": [analog.name for analog in view.nearest],
            "Share": [100 * analog.share for analog in view.nearest],
            "Matches": [", ".join(analog.matches) or "none of its attributes" for analog in view.nearest],
            "Price": [analog.price for analog in view.nearest],
            "Launched": [formats.period(analog.launch, about.frequency) for analog in view.nearest],
            "Total": [float(analog.curve.sum()) for analog in view.nearest],
            "Curve": [analog.curve.tolist() for analog in view.nearest],
        },
        key=key,
        hide_index=True,
        num_rows="fixed",
        disabled=["Item", "Name", "Share", "Matches", "Price", "Launched", "Total", "Curve"],
        column_config={
            "Weight ×": number_field.cell_config(),
            "Item": st.column_config.LinkColumn(display_text=r"item=(.*)$"),
            "Share": st.column_config.NumberColumn(format="%.1f%%"),
            "Price": st.column_config.NumberColumn(format="%.2f"),
            "Total": st.column_config.NumberColumn(format="%.0f"),
            "Curve": st.column_config.LineChartColumn(y_min=0),
        },
        on_change=product_form.weigh,
        args=(key, tuple(analog.item_id for analog in view.nearest)),
        alt="The analogs with share of the weight, attributes that match, price, launch and units of each",
    )
    if words := st.session_state.pop(product_form.REFUSED, None):
        st.error(formats.plain(words))
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads(launch_text.analogs_table(view, about), stamp, "analogs")
        if request.emphasis:
            st.button("Weigh them as learned", on_click=product_form.weigh_as_learned, icon=":material/undo:")


def trust(desk: LaunchService) -> None:
    """How such forecasts did on launches that were held out; measured on this catalog, or said not to be."""
    about = catalog.service().figures()
    folded = st.expander("How did such forecasts do?", key="launch-record", on_change="rerun")
    if not folded.open:
        return
    with folded:
        record = desk.record
        if record is None:
            st.markdown(
                "It is not known yet: too few launches began after what a forecast could have learned from. It will be "
                "measured by itself once more launches are over."
            )
            return
        st.markdown(launch_text.record_sentence(record, about.frequency))
        table = launch_text.record_table(record, about.frequency)
        st.html(table.html())
        st.caption(
            "Error in units per unit sold, over quantiles from P10 to P90: lower is better. Each launch was forecast by a "
            "metric that had learned from launches over before, and by the network as it was then; the share of the two was "
            "chosen on other launches."
        )
        downloads(table, exports.Stamp(about.name, about.last, catalog.model_words()), "record")


new_items()
