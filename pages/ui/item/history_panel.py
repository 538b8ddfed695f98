"""Where a planner puts an item's history right: what is proposed, what is marked, and a way back from each."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from data.errors import TidelineError
from data.facts import About
from data.history_marks import Kind, Mark
from data.history_proposals import Proposal
from forecasting.service.item_life import ItemRecord
from pages.ui.calendar import fiscal_tables
from pages.ui.display import exports, formats, number_field
from pages.ui.display.downloads import downloads
from pages.ui.display.number_field import Range
from pages.ui.item import history_text
from pages.ui.resources import catalog, fiscal, history
from pages.ui.shell import frame, url_state

_SAVED, _REFUSED = "history saved", "history refused"
_PROPOSED = 5  # shown at a time
_MOST_UNITS = 1e12


def section(item_id: str) -> None:
    """The folded section of one item's history."""
    record, about = history.record(item_id), catalog.service().figures()
    folded = st.expander(history_text.LABEL, key="history", on_change="rerun", icon=":material/edit_calendar:")
    if not folded.open:
        return
    with folded:
        if not len(record.periods):
            st.markdown("Nothing is on record of this item yet, so there is nothing to put right.")
            return
        st.caption(
            "What you mark counts at once in this item's forecast and for every later one; what was imported stays as it is, "
            "and each mark can be undone. Nothing is ever changed without you."
        )
        frame.note_on_pieces("What is proposed, marked and listed here is")
        _proposals(record, about)
        _form(record, about)
        _marks(record, about)
        _layers(record, about)


def said() -> None:
    """What became of the last click."""
    if words := st.session_state.pop(_SAVED, None):
        st.success(words, icon=":material/check:")
    if words := st.session_state.pop(_REFUSED, None):
        st.error(formats.plain(words))


def _proposals(record: ItemRecord, about: About) -> None:
    """What the history itself says may be wrong, with a button for each answer."""
    for found in record.proposals[:_PROPOSED]:
        with st.container(border=True):
            st.markdown(f":material/help: {history_text.proposal(found, record, about.frequency)}")
            key = f"{record.item_id}/{record.version}/{found.first}"
            with st.container(horizontal=True, gap="small"):
                yes = "Yes, count what is usual" if found.kind == "one-off" else "Yes, it was out of stock"
                st.button(yes, key=f"agree/{key}", on_click=keep, args=(_agreed(found, record), record.version))
                right = replace(_agreed(found, record), kind="right", units=None, reason="Looked at: it is right.")
                st.button("No, it is right", key=f"right/{key}", type="tertiary", on_click=keep, args=(right, record.version))
    if (more := len(record.proposals) - _PROPOSED) > 0:
        st.caption(f"{more} more are shown when these are answered.")


def _agreed(found: Proposal, record: ItemRecord) -> Mark:
    """The mark that a proposal becomes."""
    first, last = history_text.stamps_of(found, record)
    usual = formats.rounded(found.usual) if found.kind == "one-off" and found.usual == found.usual else None
    return Mark(found.kind, first, last, record.item_id, units=usual, reason="As proposed.")


def _form(record: ItemRecord, about: About) -> None:
    """A mark of one's own."""
    this = f"{record.item_id}/{record.version}"
    st.markdown("**Mark some periods**")
    kinds, key = history_text.KINDS, f"mark kind/{record.item_id}"
    kind = st.radio("They are", list(kinds), format_func=kinds.__getitem__, key=key, horizontal=True)
    st.caption(history_text.MEANINGS[kind])
    periods = list(record.periods[::-1])
    written = lambda stamp: formats.period(stamp, about.frequency)  # noqa: E731
    places = st.columns(4, vertical_alignment="bottom")
    first = places[0].selectbox("From", periods, format_func=written, key=f"mark first/{this}")
    later = [one for one in periods if one >= first]
    last = places[1].selectbox("To", later, len(later) - 1, format_func=written, key=f"mark last/{this}/{first}")
    word = formats.period_word(about.frequency)
    if kind in ("one-off", "wrong"):
        title = f"Usual units a {word}" if kind == "one-off" else f"Right units a {word}"
        places[2].text_input(title, key=f"mark units/{this}", placeholder="not known" if kind == "one-off" else "needed")
    if kind == "event":
        places[2].text_input("Name of the event", key=f"mark name/{this}", placeholder="Strike")
        whom = ["item", *(["category"] if record.category else []), "all"]
        named = {"item": "This item", "category": f"All of {record.category}", "all": "All items"}
        places[3].selectbox("Whom it concerned", whom, format_func=named.__getitem__, key=f"mark whom/{this}")
    reason, button = st.columns([3, 1], vertical_alignment="bottom")
    reason.text_input("Why", key=f"mark reason/{this}", placeholder="so that others can follow you later")
    button.button(
        "Mark them", key=f"mark/{this}", type="primary", width="stretch", on_click=_mark, args=(kind, first, last, this, record)
    )


def _mark(kind: Kind, first: pd.Timestamp, last: pd.Timestamp, this: str, record: ItemRecord) -> None:
    """Keeps what was typed; nothing where a field cannot be meant."""
    if url_state.is_gone(f"mark reason/{this}"):
        return
    typed = lambda name: st.session_state.get(f"mark {name}/{this}", "")  # noqa: E731
    try:
        units = None
        if kind in ("one-off", "wrong"):
            units = number_field.read(typed("units"), Range(0, _MOST_UNITS, empty=kind == "one-off"))
        whom = typed("whom") if kind == "event" else "item"
        mark = Mark(
            kind,
            f"{first:%Y-%m-%d}",
            f"{last:%Y-%m-%d}",
            item_id=record.item_id if whom == "item" else "",
            category=record.category if whom == "category" else "",
            units=units,
            name=typed("name").strip() if kind == "event" else "",
            reason=typed("reason").strip(),
        )
    except (ValueError, TidelineError) as error:
        refuse(f"{error} Nothing was marked.")
        return
    keep(mark, record.version)


def keep(mark: Mark, seen: int) -> None:
    """Keeps a mark and says so; the callback of the buttons."""
    try:
        history.save(mark, seen)
        st.session_state[_SAVED] = "Marked. The forecast below is made from the history as it stands now."
    except TidelineError as error:
        st.session_state[_REFUSED] = str(error)


def refuse(words: str) -> None:
    """Says why nothing was kept."""
    st.session_state[_REFUSED] = words


def undo(mark: Mark, seen: int) -> None:
    """Takes a mark back and says so."""
    try:
        history.undo(mark, seen)
        st.session_state[_SAVED] = "Undone. The forecast below is made from the history as it was before."
    except TidelineError as error:
        st.session_state[_REFUSED] = str(error)


def _marks(record: ItemRecord, about: About) -> None:
    """All that was said of its periods, newest first, each with its undo."""
    marks = history_text.of_periods(record.marks)
    if not marks:
        st.caption("Nothing is marked yet.")
        return
    st.markdown("**Marked so far**")
    for mark in reversed(marks):
        with frame.box(f"mark-{mark.number}", horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(history_text.sentence(mark, about.frequency))
            st.button("Undo", key=f"undo/{mark.number}/{record.version}", type="tertiary", icon=":material/undo:",
                      on_click=undo, args=(mark, record.version))  # fmt: skip


def _layers(record: ItemRecord, about: About) -> None:
    """What was imported beside what counts: the changed periods here, all of them in the files."""
    if record.changed.any():
        st.html(history_text.table(record, about, only_changed=True).html())
    stamp = exports.Stamp(about.name, about.last, "history as imported and as it counts")
    st.caption("The whole history, as imported and as it counts:")
    whole = fiscal_tables.with_periods(history_text.table(record, about), fiscal.labels(record.periods))
    downloads(whole, stamp, "history")
