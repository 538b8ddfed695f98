"""How files of each form are read without asking, as the planner decided it; each can be seen and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.ui.display import formats

if TYPE_CHECKING:
    from data.sources.upload.recipes import Recipe

#: How many are shown.
_SHOWN = 20

_ROLES = {"item_id": "item", "date": "date", "demand": "units sold", "price": "price", "promo": "promotion", "stock": "stock",
          "name": "name", "location": "location"}  # fmt: skip


def section() -> None:
    """The forms that are known, in an expander; nothing where there are none."""
    from forecasting import workflows

    store = workflows.recipes()
    kept = store.all()
    if not kept:
        return
    with st.expander(f"Files that are read without asking ({len(kept):,})"):
        st.caption(
            "A file with the same columns as one that was loaded is read as that one was. Forget a form to be asked again."
        )
        for recipe in kept[:_SHOWN]:
            words, button = st.columns([5, 1], vertical_alignment="center")
            words.markdown(_words(recipe))
            if button.button("Forget", key=f"forget/{recipe.signature}"):
                store.forget(recipe.signature)
                st.rerun()


def _words(recipe: Recipe) -> str:
    mapping = recipe.mapping
    columns = [
        f"{formats.plain(getattr(mapping, role))} is the {words}" for role, words in _ROLES.items() if getattr(mapping, role)
    ]
    taken = [kind.replace("-", " ") for kind, answer in recipe.decisions.items() if answer != "no"]
    done = f" Done: {formats.plain(formats.listing(taken))}." if taken else ""
    return f"**{formats.plain(recipe.file_name)}**, {recipe.saved_at[:10]}: {formats.listing(columns)}.{done}"
