"""Where a planner says what an item replaces and whether it is still sold, and what the page says of that by itself."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.errors import TidelineError
from data.facts import About
from data.history_marks import LIFE, Mark
from forecasting.service.item_life import ItemRecord
from forecasting.service.view_models import ItemView
from pages.ui.display import formats, number_field
from pages.ui.display.number_field import Range
from pages.ui.item import history_panel, history_text
from pages.ui.resources import catalog, history
from pages.ui.shell import frame, url_state

_FOUND = 8
_FROM_ITS_OWN = "with its own first sale"
_AT_ONCE = "all at once"


def banner(view: ItemView) -> None:
    """What has ended or is replaced, above the chart, with the way back; nothing of most items."""
    about, life = catalog.service().figures(), view.life
    words = history_text.life_banner(view, about.frequency)
    if not words:
        return
    with frame.box("life-now", border=True):
        st.markdown(words)
        record = history.record(view.facts.item_id)
        with st.container(horizontal=True, gap="small"):
            if life.is_over:
                mark = life.ended
                if mark is not None:
                    st.button("Undo: it is still sold", key=f"still/{record.version}", icon=":material/undo:",
                              on_click=history_panel.undo, args=(mark, record.version))  # fmt: skip
                else:
                    sold_on = Mark("sold on", "", "", record.item_id, reason="It is still sold.")
                    st.button("It is still sold", key=f"still/{record.version}", on_click=history_panel.keep,
                              args=(sold_on, record.version))  # fmt: skip
            for pair, partner in ((life.replaces, "other"), (life.replaced_by, "item_id")):
                if pair is not None and (other := getattr(pair, partner)) in life.names:
                    st.page_link(
                        frame.page("item"),
                        label=f"{formats.plain(life.names[other])} :gray[{formats.plain(other)}]",
                        query_params=url_state.selection().with_item(other).address(),
                        icon=":material/arrow_forward:",
                    )


def section(item_id: str) -> None:
    """The folded section of one item's life."""
    question = "Does it replace another product, or has it ended?"
    folded = st.expander(question, key="life", on_change="rerun", icon=":material/swap_horiz:")
    if not folded.open:
        return
    with folded:
        record, about = history.record(item_id), catalog.service().figures()
        _pair(record, about)
        _end(record, about)
        _said(record, about)


def _pair(record: ItemRecord, about: About) -> None:
    """The form for what it replaces."""
    this = f"{record.item_id}/{record.version}"
    st.markdown("**It replaces another product**")
    st.caption(
        "Its history then goes on where the other's ended, so that it inherits season and level; the other's forecast ends."
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    text = left.text_input("Find the old product", key=f"pair search/{this}", placeholder="Name or id")
    found = [one for one in catalog.search(text.strip(), _FOUND).rows if one.item_id != record.item_id] if text.strip() else []
    names = {one.item_id: one.name for one in found}
    other = right.selectbox(
        "The old product",
        list(names),
        format_func=lambda item_id: f"{names[item_id]} ({item_id})",
        key=f"pair other/{this}/{text}",
        placeholder="Nothing found" if text.strip() else "Search for it first",
        disabled=not names,
    )
    ahead = [f"{stamp:%Y-%m-%d}" for stamp in about.frequency.after(about.last, max(26, catalog.service().horizon))]
    written = lambda day: formats.period(pd.Timestamp(day), about.frequency) if day[:1].isdigit() else day  # noqa: E731
    places = st.columns(4, vertical_alignment="bottom")
    places[0].text_input("New units for one old", value="1", key=f"pair ratio/{this}")
    places[1].selectbox("It takes over", [_FROM_ITS_OWN, *ahead], format_func=written, key=f"pair since/{this}")
    until = places[2].selectbox("Shared until", [_AT_ONCE, *ahead], format_func=written, key=f"pair until/{this}")
    if until != _AT_ONCE:
        places[3].text_input("Its share until then, %", value="50", key=f"pair share/{this}")
    reason, button = st.columns([3, 1], vertical_alignment="bottom")
    reason.text_input("Why", key=f"pair reason/{this}", placeholder="new packaging, new recipe …")
    button.button(
        "It replaces it",
        key=f"pair/{this}",
        width="stretch",
        disabled=other is None,
        on_click=_keep_pair,
        args=(other, this, record),
    )


def _keep_pair(other: str, this: str, record: ItemRecord) -> None:
    if url_state.is_gone(f"pair reason/{this}"):
        return
    typed = lambda name: st.session_state.get(f"pair {name}/{this}", "")  # noqa: E731
    try:
        shared = typed("until") != _AT_ONCE
        percent = number_field.read(typed("share"), Range(0, 100)) if shared else 100.0
        mark = Mark(
            "replaces",
            "" if typed("since") == _FROM_ITS_OWN else typed("since"),
            typed("until") if shared else "",
            record.item_id,
            units=number_field.read(typed("ratio"), Range(1e-6, 1e6)),
            other=other,
            share=(100.0 if percent is None else percent) / 100,
            reason=typed("reason").strip(),
        )
    except (ValueError, TidelineError) as error:
        history_panel.refuse(f"{error} Nothing was kept.")
        return
    history_panel.keep(mark, record.version)


def _end(record: ItemRecord, about: About) -> None:
    """The form for an item that is no longer sold."""
    this = f"{record.item_id}/{record.version}"
    st.markdown("**It is no longer sold**")
    ahead = [f"{stamp:%Y-%m-%d}" for stamp in about.frequency.after(about.last, catalog.service().horizon)]
    when, reason, button = st.columns([1, 2, 1], vertical_alignment="bottom")
    when.selectbox(
        "From", ahead, format_func=lambda day: formats.period(pd.Timestamp(day), about.frequency), key=f"end first/{this}"
    )
    reason.text_input("Why", key=f"end reason/{this}", placeholder="delisted, no longer made …")
    button.button("It has ended", key=f"end/{this}", width="stretch", on_click=_keep_end, args=(this, record))


def _keep_end(this: str, record: ItemRecord) -> None:
    if url_state.is_gone(f"end reason/{this}"):
        return
    first, reason = (st.session_state[f"end {name}/{this}"] for name in ("first", "reason"))
    history_panel.keep(Mark("ended", first, "", record.item_id, reason=reason.strip()), record.version)


def _said(record: ItemRecord, about: About) -> None:
    """All that was said of its life, each with its undo."""
    marks = [mark for mark in record.marks if mark.kind in LIFE]
    for mark in reversed(marks):
        with frame.box(f"life-{mark.number}", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(history_text.life_sentence(mark, record, about.frequency))
            st.button("Undo", key=f"undo life/{mark.number}/{record.version}", type="tertiary", icon=":material/undo:",
                      on_click=history_panel.undo, args=(mark, record.version))  # fmt: skip
    if not marks:
        st.caption("Nobody has said anything of its life yet.")
