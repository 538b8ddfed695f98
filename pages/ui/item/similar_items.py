"""Items like an item, and items that are probably one and the same; both folded away and made only when opened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from data.errors import TidelineError
from data.facts import About
from forecasting.new_products.duplicate_items import Duplicate
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Table
from pages.ui.jobs import launches_panel
from pages.ui.resources import catalog, new_products
from pages.ui.shell import frame
from pages.ui.shell.url_state import Selection

_SHOWN = 50  # pairs of probable duplicates on the page


def similar(chosen: Selection) -> None:
    """The items nearest to the one looked at, each with a link."""
    folded = st.expander("Items like this one", key="similar", on_change="rerun")
    if not folded.open:
        return
    with folded:
        about = catalog.service().figures()
        try:
            desk = new_products.launches()
            near = desk.similar(chosen.item) if desk else None
        except TidelineError as error:
            st.markdown(formats.plain(str(error)))
            return
        if near is None:
            launches_panel.section()
            return
        frame.note_on_pieces("What they sold lately is told")
        st.caption(
            "Nearest first, by a measure that learned which items launch alike from attributes, price, the words of names "
            "and how their groups stand."
        )
        for one in near:
            matches = f" Shares {formats.listing([formats.plain(value) for value in one.matches])}." if one.matches else ""
            price = f" at {formats.plain(formats.price(one.price, about.currency))}" if one.price else ""
            word = formats.period_word(about.frequency)
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.page_link(
                    frame.page("item"),
                    label=f"{formats.plain(one.name)} :gray[{formats.plain(one.item_id)}]",
                    query_params=chosen.with_item(one.item_id).address(),
                )
                st.caption(f"{formats.units(one.recent_units)} units per {word} lately{price}.{matches}")


def duplicates() -> None:
    """Pairs of items that are probably one, for the planner to merge where the data comes from."""
    folded = st.expander("Probable duplicates", key="duplicates", on_change="rerun")
    if not folded.open:
        return
    with folded:
        about = catalog.service().figures()
        with st.spinner("Comparing items that share every attribute"):
            found = new_products.duplicates()
        if not found:
            st.markdown("No two items share every attribute, nearly the name and the price, and sell together.")
            return
        many = "1 pair** shares" if len(found) == 1 else f"{formats.whole(len(found))} pairs** share"
        st.markdown(
            f"**{many} every attribute, nearly the name and the price, and sell more in the same "
            f"{formats.period_word(about.frequency)}s. Where a pair is one product under two numbers, merge it in your data "
            "and load it again: its history is then longer and its forecast surer."
        )
        st.html(_pairs(found[:_SHOWN], about).html())
        if len(found) > _SHOWN:
            st.caption(f"Shown: the {_SHOWN} surest of {formats.whole(len(found))}. The files have all of them.")
        downloads(_pairs(found, about), exports.Stamp(about.name, about.last, catalog.model_words()), "duplicates")


def _pairs(found: Sequence[Duplicate], about: About) -> Table:
    """Pairs of items that are probably one."""
    return Table(
        "Probable duplicates",
        (
            Column("Item", "text", [one.first.item_id for one in found]),
            Column("Name", "words", [one.first.name for one in found]),
            Column("Other item", "text", [one.second.item_id for one in found]),
            Column("Its name", "words", [one.second.name for one in found]),
            Column("Price", "price", [one.first.commercial.get("price") for one in found]),
            Column("Its price", "price", [one.second.commercial.get("price") for one in found]),
            Column("Sell together (correlation)", "factor", [one.correlation for one in found]),
            Column("Periods compared", "count", [one.periods for one in found]),
        ),
        about.frequency,
        about.currency,
    )
