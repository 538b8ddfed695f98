"""The purchase list on the page: its arithmetic as columns, one of which is typed into, page by page, and as a file.

What is typed is kept as a draft until it is saved. The editor is handed what was saved and the drafts as they stood when it
was first shown; its own edits come in through its callback and are never handed back to it, which would lose every second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import streamlit as st

from data.errors import TidelineError
from data.facts import About
from forecasting.purchasing.plan_in_unit import PlanInUnit
from forecasting.purchasing.purchase_plan import BuyPlan, BuyRow
from pages.ui.buy_plan import text as buy_plan_text
from pages.ui.display import formats, number_field
from pages.ui.display.number_field import Range
from pages.ui.display.tables import Column, Table
from pages.ui.resources import catalog, purchasing
from pages.ui.shell import url_state

PER_PAGE = 25
SHOWN = {"buy": "Only to buy", "all": "All in scope"}
BUY = "Buy"
_LOST = "− lost"

_WIDTHS = {"− on order": 78, "→ minimum": 82, "+ back orders": 100, "Enough": 66, "Pays from": 72, "Money": 66, "By": 44}

_DRAFTS, _SEEN = "buying drafts", "buying drafts seen"
_CONTEXT, _TURN, _START, _IDS = "buying context", "buying turn", "buying start", "buying ids"
_SAVED, _REFUSED = "buying saved", "buying refused"
_UNITS = Range(0, 1e9, empty=True)


def section(plan: BuyPlan, about: About, counted: PlanInUnit) -> None:
    """Filters, the list, its pages, and what was typed."""
    params = st.query_params
    show = url_state.chosen_of("show", SHOWN, "buy")
    text = params.get("q", "")
    _filters(show, text)
    places = plan.places(only_to_buy=show == "buy", folded=text.casefold().strip())
    pages = max(1, math.ceil(len(places) / PER_PAGE))
    number = min(max(int(params["page"]) if params.get("page", "").isdigit() else 1, 1), pages)
    if not len(places):
        st.markdown("No item is left: choose all in scope, or search for less.")
    else:
        places = places[(number - 1) * PER_PAGE : number * PER_PAGE]
        rows = plan.lines(places)
        _editor(rows, about, (plan.settings, show, text, number, counted.unit), _in_unit(rows, places, counted))
        if pages > 1:
            key = f"buy page/{show}/{text}/{number}/{pages}"
            st.pagination(pages, default=number, key=key, on_change=url_state.on_change(key, "page", str))
    _drafts(plan, about)


def _filters(show: str, text: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        url_state.choice("Shown", SHOWN, "show", show)
        url_state.search("Search in the list", "buy q", text)


def _in_unit(rows: Sequence[BuyRow], places: Sequence[int] | np.ndarray, counted: PlanInUnit | None) -> dict[str, list[float]]:
    """What is bought of each in another unit than pieces, under the name of its column; nothing in pieces."""
    if counted is None or counted.unit.is_pieces:
        return {}
    units = [counted.of(int(place), row.quantity) for place, row in zip(places, rows, strict=True)]
    return {formats.in_unit(BUY, counted.unit): units}


def _editor(rows: Sequence[BuyRow], about: About, context: tuple[object, ...], in_unit: dict[str, list[float]]) -> None:
    saved, memory = purchasing.saved_quantities().version, st.session_state
    context = (*context, saved, catalog.version())
    if memory.get(_CONTEXT) != context:  # another part of the list: a new editor, which starts from the drafts so far
        memory[_CONTEXT], memory[_TURN], memory[_START] = context, memory.get(_TURN, 0) + 1, dict(memory.get(_DRAFTS, {}))
    memory[_IDS] = [row.item_id for row in rows]
    memory.setdefault(_SEEN, saved)
    start = memory[_START]
    columns = _columns(rows, about, in_unit)
    columns[BUY] = [number_field.written(start.get(row.item_id, row.quantity)) for row in rows]
    config = {name: st.column_config.TextColumn(disabled=True, width=_WIDTHS.get(name)) for name in columns}
    config |= {
        name: st.column_config.NumberColumn(disabled=True, format="localized", width=_WIDTHS.get(name, 67))
        for name in columns
        if isinstance(columns[name][0], float)
    }
    if _LOST in columns:
        note = "Of what is needed, what finds no stock before an order placed now arrives: it will be lost, and is not bought."
        config[_LOST] = st.column_config.NumberColumn(disabled=True, format="localized", width=67, help=note)
    config["Item"] = st.column_config.TextColumn(disabled=True, width=196, pinned=True)
    config[BUY] = number_field.cell_config("Type another number; empty it to take ours.", 80)
    key = f"buy list/{memory[_TURN]}"
    st.data_editor(
        columns,
        key=key,
        hide_index=True,
        column_config=config,
        num_rows="fixed",
        height=35 * (len(rows) + 1) + 2,
        placeholder="",
        on_change=_typed,
        args=(key,),
        alt="The purchase list: need, stock, gap, minimum, packs and the quantity to buy of each item",
    )


def _columns(
    rows: Sequence[BuyRow], about: About, in_unit: Mapping[str, list[float]] = MappingProxyType({})
) -> dict[str, list[Any]]:
    """The arithmetic from left to right; what plays a part for no item is left out."""
    word = formats.period_word(about.frequency).title()
    owed = {"+ back orders": [row.back_orders for row in rows]} if any(row.back_orders for row in rows) else {}
    late = {"Too late": [row.later for row in rows]} if any(row.later for row in rows) else {}
    lost = {_LOST: [row.lost_before for row in rows]} if any(row.lost_before for row in rows) else {}
    most = (
        {"≤ room": [float(round(row.at_most)) if row.limit else float("nan") for row in rows]}
        if any(row.limit for row in rows)
        else {}
    )
    unsure = any(row.give_or_take for row in rows) or len({row.periods for row in rows}) > 1
    bought_from = {"Supplier": [row.supplier for row in rows]} if any(row.supplier for row in rows) else {}
    lasts = {f"{word}s": [buy_plan_text.lasts(row) for row in rows]} if unsure else {}
    return {
        "Item": [f"{row.name} ({row.item_id})" for row in rows],
        **lasts,
        "Need": [row.need for row in rows],
        "− on hand": [row.on_hand for row in rows],
        "− on order": [row.on_order for row in rows],
        **late,
        **owed,
        **lost,
        "= gap": [row.gap for row in rows],
        "→ minimum": [row.after_minimum for row in rows],
        "→ packs": [row.after_pack for row in rows],
        **most,
        BUY: [row.quantity for row in rows],
        **in_unit,
        "Enough": [buy_plan_text.covers(row.level) for row in rows],
        "Pays from": [buy_plan_text.times(row.implied) for row in rows],
        "Money": [formats.money(row.money, about.currency) for row in rows],
        **bought_from,
        "By": ["you" if row.is_edited else "" for row in rows],
    }


def _typed(key: str) -> None:
    if url_state.is_gone(key):
        return
    drafts = st.session_state.setdefault(_DRAFTS, {})
    values, refused = number_field.cells(st.session_state[key]["edited_rows"], BUY, _UNITS)
    drafts |= {st.session_state[_IDS][row]: units for row, units in values.items()}
    if refused:  # a new editor, in which what was there before stands again
        st.session_state[_REFUSED] = " ".join(refused)
        st.session_state.pop(_CONTEXT, None)


def _drafts(plan: BuyPlan, about: About) -> None:
    """What was typed and not saved yet, what it implies, and the buttons."""
    memory = st.session_state
    drafts = memory.get(_DRAFTS, {})
    if words := memory.pop(_SAVED, None):
        st.success(words, icon=":material/check:")
    if words := memory.pop(_REFUSED, None):
        st.error(formats.plain(words))
    for item_id, units in list(drafts.items())[-5:]:
        if units is None:
            st.markdown(f"{formats.plain(item_id)}: back to what is worked out.")
            continue
        try:
            st.markdown(buy_plan_text.implication(plan.line_with(item_id, units), about))
        except TidelineError:
            st.markdown(f"{formats.plain(item_id)}: {formats.units(units)}, outside this list.")
    changes = f"{len(drafts):,} change{'' if len(drafts) == 1 else 's'}"
    with st.container(horizontal=True):
        st.button(f"Save {changes}" if drafts else "Save", disabled=not drafts, on_click=_save, type="primary")
        st.button("Discard", disabled=not drafts, on_click=_discard)


def _save() -> None:
    memory = st.session_state
    drafts = dict(memory.get(_DRAFTS, {}))
    try:
        purchasing.save_quantities(drafts, memory[_SEEN])
    except TidelineError as error:
        memory[_REFUSED] = str(error)
        return
    _discard()
    memory[_SAVED] = f"Saved: {len(drafts):,} quantit{'y' if len(drafts) == 1 else 'ies'} of yours."


def _discard() -> None:
    for name in (_DRAFTS, _SEEN, _CONTEXT):
        st.session_state.pop(name, None)


def table(plan: BuyPlan, about: About, counted: PlanInUnit | None = None) -> Table:
    """The purchase order for a file: everything to buy in scope, dearest first."""
    return table_of(plan.places(only_to_buy=True), plan, about, counted)


def table_of(places: Sequence[int] | np.ndarray, plan: BuyPlan, about: About, counted: PlanInUnit | None = None) -> Table:
    """The same of the rows at these places: in pieces, and what to buy in another unit, too, where one is chosen."""
    rows = plan.lines(places)
    also = _in_unit(rows, places, counted)
    bought_from = (Column("Supplier", "text", [row.supplier for row in rows]),)
    columns = (
        Column("Item", "text", [row.item_id for row in rows]),
        Column("Name", "text", [row.name for row in rows]),
        Column("Category", "text", [row.category for row in rows]),
        *(bought_from if plan.inputs.assortment.suppliers else ()),
        Column("Buy", "units", [row.quantity for row in rows]),
        *(Column(title, "price", units) for title, units in also.items()),
        Column("Unit cost", "price", [row.unit_cost for row in rows]),
        Column("Money", "money", [row.money for row in rows]),
        Column("Periods to last", "factor", [row.periods for row in rows]),
        Column("Lead time give or take", "factor", [row.give_or_take for row in rows]),
        Column("Need", "units", [row.need for row in rows]),
        Column("On hand", "units", [row.on_hand for row in rows]),
        Column("On order", "units", [row.on_order for row in rows]),
        Column("On order, too late", "units", [row.later for row in rows]),
        Column("Back orders", "units", [row.back_orders for row in rows]),
        Column("Lost before the receipt", "units", [row.lost_before for row in rows]),
        Column("Gap", "units", [row.gap for row in rows]),
        Column("After minimum", "units", [row.after_minimum for row in rows]),
        Column("In whole packs", "units", [row.after_pack for row in rows]),
        Column("Room", "units", [row.at_most if row.limit else float("nan") for row in rows]),
        Column("Limited by", "text", [row.limit for row in rows]),
        Column("Asked quantile", "percent", [row.tau for row in rows]),
        Column("Chance that it is enough", "percent", [row.level for row in rows]),
        Column("A lost sale must cost, in unsold units", "factor", [row.implied for row in rows]),
        Column("Quantity by", "text", ["planner" if row.is_edited else "worked out" for row in rows]),
    )
    return Table("Purchase order", columns, about.frequency, about.currency)
