"""A field for a number, read as planners write one: 2,40 and 2.40, 1 200 and 1,200, $3 and 3 €.

A browser's own number field drops what it does not know and makes 240 of 2,40. Here what cannot be meant is refused with a word
beneath the field, and what stood there before still counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data.sources.upload.value_parsing import typed_number
from pages.ui.display import formats
from pages.ui.shell import url_state

#: In one half of the world a thousand and more, in the other one and a bit.
_EITHER = re.compile(r"[1-9]\d{0,2}\.\d{3}")


@dataclass(frozen=True)
class Range:
    """What may be typed: from ``least`` to ``most``, ``whole`` numbers alone, nothing at all where it may be ``empty``."""

    least: float
    most: float
    whole: bool = False
    empty: bool = False


def written(value: float | None) -> str:
    """A number as the field shows it, nothing for None.

    >>> written(1200.0), written(2.5), written(None)
    ('1,200', '2.5', '')
    """
    if value is None:
        return ""
    text = f"{value:,.6f}"
    return text.rstrip("0").rstrip(".")


def read(text: str, within: Range) -> float | None:
    """The number that was typed, None for nothing; raises ValueError with the sentence that says what is wrong.

    >>> read("2,40", Range(0, 60)), read("1,200", Range(0, 5000)), read(" ", Range(0, 1, empty=True))
    (2.4, 1200.0, None)
    """
    text = text.strip()
    if not text and within.empty:
        return None
    value, typed = typed_number(text), f"“{text[:20]}”"
    if _EITHER.fullmatch(text):
        raise ValueError(f"{typed} may be {text.replace('.', ',')} or {written(value)}: write one of these.")
    if value is None:
        raise ValueError(f"{typed} is not a number." if text else "A number is needed here.")
    if not within.least <= value <= within.most:
        raise ValueError(f"{typed} is not between {written(within.least)} and {written(within.most)}.")
    if within.whole and value % 1:
        raise ValueError(f"{typed} is not a whole number.")
    return value


def cells(edited: Mapping[Any, Mapping[str, Any]], column: str, within: Range) -> tuple[dict[int, float | None], list[str]]:
    """What was typed into a ``column`` of text in an edited table, by row, and a sentence for each cell that cannot be meant.

    A table's own cells for numbers drop what they do not know, as a browser's number field does.
    """
    values, refused = dict[int, float | None](), list[str]()
    for row, changed in edited.items():
        if column in changed:
            try:
                values[int(row)] = read(str(changed[column] or ""), within)
            except ValueError as error:
                refused.append(f"{column}: {error}")
    return values, refused


def cell_config(help: str | None = None, width: int | None = None) -> Any:
    """The look of such a column."""
    return st.column_config.TextColumn(alignment="right", max_chars=20, help=help, width=width)


def number_field(
    place: DeltaGenerator,
    label: str,
    key: str,
    value: float | None,
    within: Range,
    store: Callable[[float | None], None],
    *,
    placeholder: str = "",
    help: str | None = None,
) -> None:
    """Draws the field with the ``value`` that counts; ``store`` is handed what is typed, where it can be meant."""
    place.text_input(
        label,
        **url_state.made_with(key, written(value)),
        on_change=_typed,
        args=(key, within, store),
        placeholder=placeholder,
        help=help,
    )
    if reason := st.session_state.pop(_refused(key), None):
        still = f" {written(value)} still counts." if value is not None else ""
        place.caption(f":red[{formats.plain(reason + still)}]")


def address_field(
    place: DeltaGenerator,
    label: str,
    param: str,
    value: float | None,
    within: Range,
    *,
    placeholder: str = "",
    help: str | None = None,
) -> None:
    """The same for a number that the address has as ``param``, by which the session knows it, too."""

    def store(number: float | None) -> None:
        url_state.write(param, "" if number is None else f"{number:.12g}")

    number_field(place, label, param, value, within, store, placeholder=placeholder, help=help)


def session_field(
    place: DeltaGenerator, label: str, key: str, usual: float, within: Range, *, help: str | None = None
) -> float:
    """The same for a number that nobody needs to link to; what counts is kept for the session and returned."""
    kept = f"{key} counts"
    value = float(st.session_state.get(kept, usual))
    number_field(place, label, key, value, within, lambda number: st.session_state.update({kept: number}), help=help)
    return value


def _typed(key: str, within: Range, store: Callable[[float | None], None]) -> None:
    if url_state.is_gone(key):
        return
    try:
        store(read(st.session_state[key], within))
    except ValueError as error:
        st.session_state[_refused(key)] = str(error)


def _refused(key: str) -> str:
    return f"{key} refused"
