"""How things are bought where the catalog does not know: set for everything, a category or one item, and saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from data.errors import TidelineError
from data.facts import About
from data.planner_store import Term
from forecasting.purchasing.purchase_plan import BuyPlan
from pages.ui.display import formats, number_field
from pages.ui.display.number_field import Range
from pages.ui.resources import purchasing
from pages.ui.shell import url_state

_IN_A_ROW = 5
_SAVED, _REFUSED = "terms saved", "terms refused"


@dataclass(frozen=True)
class _Field:
    """A term: its commercial column, its label and words with the period's name in them, and what is least and most."""

    name: str
    label: str
    phrase: str
    help: str
    least: float = 0.0
    most: float = 1e6


_LONGEST, _KEEPS = 60.0, 520.0  # periods: an order takes no longer, and nothing keeps longer

_FIELDS = (
    _Field("lead_time", "Lead time, {word}s", "lead time {value} {word}s", "From order to receipt.", most=_LONGEST),
    _Field(
        "lead_time_sd", "Give or take, {word}s", "lead time give or take {value} {word}s",
        "The standard deviation of the lead time: demand is then mixed over a shorter, the usual and a longer one.",
        0.0, _LONGEST,
    ),
    _Field("on_hand", "On hand, units", "{value} on hand", "Stock now."),
    _Field("on_order", "On order, units", "{value} on order", "Ordered and not yet received."),
    _Field(
        "arrives_in", "They arrive in, {word}s", "units on order arrive in {value} {word}s",
        "Units that arrive later than an order placed now has to last are not counted on.", 1.0, most=_LONGEST,
    ),
    _Field("back_orders", "Back orders, units", "{value} back orders", "Sold and still owed to customers."),
    _Field("min_order", "Minimum order, units", "a minimum order of {value}", "An order has at least these, or none."),
    _Field("pack_size", "Units in a pack", "packs of {value}", "Only whole packs are bought.", 1.0),
    _Field(
        "shelf_life", "Shelf life, {word}s", "shelf life {value} {word}s",
        "What would spoil before it sells is not bought.", 1.0, most=_KEEPS,
    ),
    _Field(
        "max_cover", "Cover at most, {word}s", "at most {value} {word}s of demand",
        "Stock and orders together cover no more than that.", 1.0, most=_KEEPS,
    ),
)  # fmt: skip


def section(plan: BuyPlan, about: About) -> None:
    """The form for the scope of the list, folded away, with all that was set."""
    if words := st.session_state.pop(_SAVED, None):
        st.success(words, icon=":material/check:")
    if words := st.session_state.pop(_REFUSED, None):
        st.error(formats.plain(words))
    with st.expander("Lead times, stock, shelf life and other terms", key="terms", on_change="rerun") as folded:
        if folded.open:
            _form(plan.settings.category, plan.settings.item, formats.period_word(about.frequency))


def _form(category: str, item: str, word: str) -> None:
    saved, scope = purchasing.saved_terms(), item or category or "all items"
    st.markdown(
        f"For **{formats.plain(scope)}**, where your catalog has no number of its own; an item's counts before its "
        "category's, that before all items', and all of them before what is assumed above. An empty field sets nothing."
    )
    mine = {term.field: term.value for term in saved.terms if (term.category, term.item_id) == (category, item)}
    this = f"{category}/{item}/{saved.version}"
    with st.form(f"terms/{this}", border=False):
        for position, one in enumerate(_FIELDS):
            if position % _IN_A_ROW == 0:
                places = st.columns(_IN_A_ROW, vertical_alignment="bottom")
            places[position % _IN_A_ROW].text_input(
                one.label.format(word=word),
                value=number_field.written(mine.get(one.name)),
                placeholder="not set",
                help=one.help,
                key=f"term/{one.name}/{this}",
            )
        st.form_submit_button(
            f"Save for {scope}", type="primary", on_click=_save, args=(category, item, mine, saved.version, this, word)
        )
    if saved.terms:
        st.markdown("\n".join(f"- {line}" for line in saved_terms_text(saved.terms, word)))


def _save(category: str, item: str, before: Mapping[str, float], seen: int, this: str, word: str) -> None:
    """Keeps what differs from what stood in the form when it was drawn; nothing at all where a field cannot be meant."""
    if any(url_state.is_gone(f"term/{one.name}/{this}") for one in _FIELDS):
        return
    typed: dict[str, float | None] = {}
    for one in _FIELDS:
        try:
            text = st.session_state[f"term/{one.name}/{this}"]
            typed[one.name] = number_field.read(text, Range(one.least, one.most, empty=True))
        except ValueError as error:
            st.session_state[_REFUSED] = f"{one.label.format(word=word)}: {error} Nothing was saved."
            return
    changes = {name: value for name, value in typed.items() if value != before.get(name)}
    try:
        purchasing.save_terms(category, item, changes, seen)
        st.session_state[_SAVED] = f"Saved: {len(changes)} change{'' if len(changes) == 1 else 's'} of terms."
    except TidelineError as error:
        st.session_state[_REFUSED] = str(error)


def _setting(phrase: str, value: float, word: str) -> str:
    words = phrase.format(value=f"{value:g}", word=word)
    return words.replace(f"1 {word}s", f"1 {word}") if value == 1 else words


def saved_terms_text(terms: tuple[Term, ...], word: str) -> list[str]:
    """All that was set, a line for each scope: ``"**Dairy**: lead time 3 weeks and shelf life 2 weeks"``."""
    lines: dict[str, list[str]] = {}
    phrases = {one.name: one.phrase for one in _FIELDS}
    order = list(phrases)
    for term in sorted(terms, key=lambda term: order.index(term.field) if term.field in phrases else len(order)):
        if term.field in phrases:
            scope = term.item_id or term.category or "All items"
            lines.setdefault(scope, []).append(_setting(phrases[term.field], term.value, word))
    return [f"**{formats.plain(scope)}**: {formats.listing(words)}" for scope, words in lines.items()]
