"""What a file may be read as if the planner agrees: one card an offer, taken or left with one click."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import formats

if TYPE_CHECKING:
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.offers import Offer

_TAKE, _LEAVE = "Do it", "Leave it as it is"

#: Offers that are answered with a day.
_DAYS = {"fiscal-calendar"}


def decided(preview: UploadPreview, key: str) -> dict[str, str] | None:
    """The cards of all offers; answers the new decisions once one of them is changed, None until then.

    ``key`` tells one file's cards from another's.
    """
    if not preview.offers:
        return None
    open_, done = [one for one in preview.offers if not one.taken], [one for one in preview.offers if one.taken]
    st.markdown(f"**What was found, and what can be done about it** ({_counted(len(done), 'done')}, {len(open_):,} left)")
    changed = None
    for offer in preview.offers:
        answer = _card(offer, f"{key}/{offer.kind}")
        if answer is not None and answer != offer.answer:
            changed = {**preview.decisions, offer.kind: answer}
    if preview.decisions and st.button("Read the file as it came", key=f"{key}/back", icon=":material/undo:"):
        for offer in preview.offers:
            st.session_state.pop(f"{key}/{offer.kind}", None)
        return {}
    return changed


def _card(offer: Offer, key: str) -> str | None:
    """One offer; answers what is chosen, None where nothing is."""
    with st.container(border=True):
        words, choice = st.columns([3, 2], vertical_alignment="center")
        with words:
            st.markdown(f"**{formats.plain(offer.title)}** · {offer.count:,}")
            st.markdown(formats.plain(offer.words))
            st.markdown(f"{formats.plain(offer.before)} **→** {formats.plain(offer.after)}")
            st.caption(formats.plain(offer.effect))
        with choice:
            return _day(offer, key) if offer.kind in _DAYS else _answer(offer, key)


def _answer(offer: Offer, key: str) -> str | None:
    labels = {**dict(offer.choices), "no": _LEAVE} if offer.choices else {"yes": _TAKE, "no": _LEAVE}
    answers = list(labels)
    held = answers.index(offer.answer) if offer.answer in answers else 0
    title = f"{offer.title}: what to do"
    if len(answers) > 3:
        return st.selectbox(title, answers, held, format_func=labels.__getitem__, key=key, label_visibility="collapsed")
    return st.radio(title, answers, held, format_func=labels.__getitem__, key=key, label_visibility="collapsed")


def _day(offer: Offer, key: str) -> str | None:
    """An offer that a day answers; nothing where none is given."""
    held = offer.answer[:10] if offer.taken else None
    given = st.date_input(
        "First day of that year", held, min_value=date(1970, 1, 1), max_value=date(2100, 1, 1), format="YYYY-MM-DD", key=key
    )
    if not isinstance(given, date):
        return "no" if offer.taken else None
    return offer.answer if offer.taken and given.isoformat() == held else given.isoformat()


def _counted(count: int, word: str) -> str:
    return f"{count:,} {word}" if count else f"none {word}"
