"""Widgets that show a part of the address and write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st

from pages.ui.shell import url_state

_Option = TypeVar("_Option", bound=str)


def choice(label: str, titles: Mapping[_Option, str], name: str, chosen: _Option) -> None:
    """One of a few, by their titles; the address has it as ``name``."""
    st.segmented_control(
        label,
        list(titles),
        format_func=titles.__getitem__,
        required=True,
        **url_state.made_with(name, chosen, "default"),
        on_change=url_state.on_change(name, name, str),
    )


def search(label: str, key: str, text: str) -> None:
    """A field that searches while somebody types; the address has the text as ``q``."""
    st.text_input(
        label,
        type="search",
        live=True,
        width=260,
        placeholder="Name, id or category",
        **url_state.made_with(key, text),
        on_change=url_state.on_change(key, "q", str),
    )
