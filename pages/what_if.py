"""What if I change the price or the promotion: the plan and the planner's scenario, one over the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from forecasting.service.view_models import ItemView, PlanChange
from pages.ui.calendar import fiscal_tables
from pages.ui.display import charts, exports, formats, number_field
from pages.ui.display.downloads import downloads
from pages.ui.display.number_field import Range
from pages.ui.item import forecast_text, scenario_text, simulator_truth_panel
from pages.ui.resources import catalog, fiscal, shown
from pages.ui.shell import frame, scenario_code, url_state
from pages.ui.shell.empty_states import answered, no_item
from pages.ui.shell.frame import Figure
from pages.ui.shell.scenario_code import Scenario

QUESTION = "What if the price changes?"
NEW_PRICE, NEW_PROMOTION = "New price", "New promotion"

_PRICES, _SHARES = Range(0.01, 99_999, empty=True), Range(0, 100, empty=True)
_REFUSED = "periods refused"

frame.frame()


def what_if() -> None:
    """Everything of one item and its scenario; not a fragment, for the sidebar's links carry the scenario."""
    chosen = url_state.selection()
    if not chosen.item:
        no_item(QUESTION)
        return
    with answered(QUESTION):
        about, longest = catalog.service().figures(), catalog.service().horizon
        horizon = url_state.horizon_within(chosen.horizon, longest)
        plan = catalog.item(chosen.item, horizon)
        scenario = chosen.scenario
        priced, promoted = bool(np.isfinite(plan.plan_price).all()), "promo" in about.known
        price = scenario.prices_at(plan.plan_price) if priced else None
        promo = scenario.promotions_at(plan.plan_promo) if promoted else None
        in_pieces = catalog.service().items.scenario(chosen.item, horizon, PlanChange(price, promo))
        view = shown.scenario(in_pieces)
        words = scenario_text.Words(view, scenario, about)

        frame.heading(f"What if {formats.plain(view.facts.name)} has another price?", words.sentence())
        st.caption(forecast_text.identity(view.facts))
        if words_on_unit := shown.lacking(view.unit):
            st.caption(f":material/info: {words_on_unit}")
        after, money, unit = view.after, about.currency, view.unit
        frame.figures(
            Figure(
                f"{unit.axis}, {formats.ahead_label(horizon, about.frequency)}", formats.units(after.units, unit), words.units
            ),
            Figure("Revenue", formats.money(after.revenue, money), words.revenue),
            Figure("Margin", formats.money(after.margin, money), words.margin, words.no_margin()),
            Figure(
                "8 times in 10 between", f"{formats.units(after.low, unit)} – {formats.units(after.high, unit)}", words.span
            ),
        )

        _controls(scenario, priced, promoted, bool(plan.promo_given.any()))
        figure = charts.scenario_fans(view, about.frequency)
        st.plotly_chart(figure, key="scenario-fans", config=charts.CONFIG, alt=words.description())
        st.caption(words.caption())
        simulator_truth_panel.what_if_line(in_pieces, scenario.changed)

        table = fiscal_tables.with_periods(scenario_text.table(view, about), fiscal.labels(view.scenario.periods))
        st.html(table.html())
        with st.container(horizontal=True, vertical_alignment="center"):
            fan = view.scenario
            created = exports.Stamp(
                about.name, fan.creation_date, f"{fan.model} {fan.version}", scenario.words(about.frequency)
            )
            downloads(table, created, "scenario")
            frame.links("what_if", chosen.address() | {"horizon": str(horizon)})
            st.page_link(
                frame.page("item"),
                label="Back to the forecast",
                icon=":material/arrow_back:",
                query_params=chosen.address(),
            )
        _single_periods(chosen, plan, priced, promoted)


def _controls(scenario: Scenario, priced: bool, promoted: bool, planned: bool) -> None:
    with frame.box("levers", horizontal=True, vertical_alignment="bottom", gap="large"):
        st.slider(
            "Price in all periods, against the plan",
            scenario_code.LOWEST,
            scenario_code.HIGHEST,
            format="%d%%",
            width=320,
            disabled=not priced,
            help=None if priced else "The catalog has no price for this item.",
            **url_state.made_with("price", scenario.price_change),
            on_change=_price_moved,
        )
        if promoted:
            shown = _promotion_code(scenario.promotion)
            st.segmented_control(
                "Promotion in all periods",
                list(dict.fromkeys(["planned", "0", "100", shown])),
                format_func=lambda code: {
                    "planned": "As planned" if planned else "As usual",
                    "0": "None",
                    "100": "In full",
                }.get(code, f"{code}%"),
                required=True,
                **url_state.made_with("promotion", shown, "default"),
                on_change=_promotion_chosen,
            )
        st.button(
            "Reset",
            disabled=not scenario.changed,
            on_click=url_state.write,
            args=("scenario", ""),
            icon=":material/undo:",
        )


def _price_moved() -> None:
    if not url_state.is_gone("price"):
        _store(price_change=st.session_state["price"])


def _promotion_chosen() -> None:
    if not url_state.is_gone("promotion"):
        code = st.session_state["promotion"]
        _store(promotion=None if code == "planned" else int(code) / 100)


def _store(**changed: Any) -> None:
    url_state.write("scenario", replace(url_state.selection().scenario, **changed).text)


def _promotion_code(share: float | None) -> str:
    return "planned" if share is None else f"{share * 100:.0f}"


def _single_periods(chosen: url_state.Selection, plan: ItemView, priced: bool, promoted: bool) -> None:
    """Prices and promotions of single periods: typed into a table, taken over when the planner says so."""
    folded = st.expander("Single periods: prices and promotions of their own", key="single", on_change="rerun")
    if not folded.open:
        return
    frequency = catalog.service().figures().frequency
    scenario = chosen.scenario
    horizon = len(plan.forecast.periods)
    ahead = range(1, horizon + 1)
    word = formats.period_word(frequency).title()
    columns: dict[str, list[Any]] = {word: [formats.period(stamp, frequency) for stamp in plan.forecast.periods]}
    config = {word: st.column_config.TextColumn(disabled=True)}
    if priced:
        columns["Planned price"] = plan.plan_price.tolist()
        columns[NEW_PRICE] = [number_field.written(scenario.prices.get(h)) for h in ahead]
        config["Planned price"] = st.column_config.NumberColumn(disabled=True, format="%.2f")
        config[NEW_PRICE] = number_field.cell_config()
    if promoted:
        promotion = scenario_text.promotion_column(bool(plan.promo_given.any()))
        columns[promotion] = (plan.plan_promo * 100).tolist()
        columns[NEW_PROMOTION] = [number_field.written(_percent(scenario.promotions.get(h))) for h in ahead]
        config[promotion] = st.column_config.NumberColumn(disabled=True, format="%.0f%%")
        config[NEW_PROMOTION] = number_field.cell_config()
    with folded, st.form("single-periods", border=False):
        st.caption("An empty cell follows the sliders above. Promotion is the share of stores, 0 to 100%.")
        # The key changes when edits are taken over, so the table starts afresh from the address and never from itself.
        key = f"edits/{chosen.item}/{horizon}/{replace(scenario, price_change=0, promotion=None).text}"
        st.data_editor(
            columns,
            key=key,
            hide_index=True,
            column_config=config,
            num_rows="fixed",
            height=35 * (horizon + 1) + 2,
            placeholder="",
            alt="Planned and new prices and promotions of the periods ahead",
        )
        st.form_submit_button("Take over", on_click=_take_over, args=(key,), type="primary")
        if words := st.session_state.pop(_REFUSED, None):
            st.error(formats.plain(words))


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _take_over(key: str) -> None:
    if url_state.is_gone(key):
        return
    scenario, edited = url_state.selection().scenario, st.session_state[key]["edited_rows"]
    read = [number_field.cells(edited, name, within) for name, within in ((NEW_PRICE, _PRICES), (NEW_PROMOTION, _SHARES))]
    if refused := [words for _, sentences in read for words in sentences]:
        st.session_state[_REFUSED] = " ".join([*refused, "Nothing was taken over."])
        return
    prices, promotions = dict(scenario.prices), dict(scenario.promotions)
    for (typed, _), single, scale in zip(read, (prices, promotions), (1.0, 0.01), strict=True):
        for row, value in typed.items():
            single.pop(row + 1, None)
            if value is not None:
                single[row + 1] = value * scale
    _store(prices=prices, promotions=promotions)


what_if()
