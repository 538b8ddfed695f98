"""The frame around every page: navigation, the catalog, the search box and the selection, in this order.

``frame()`` is the first statement of every page and does nothing when app.py has drawn the frame in this run. It must be
there all the same: until a server process has seen ``st.navigation`` once, a link straight to a page runs the page's file
without app.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data.errors import ResourceError
from data.facts import About
from pages.ui.display import formats
from pages.ui.resources import catalog, shown
from pages.ui.shell.url_state import Selection, horizon_within, made_with, made_with_one_of, on_change, permalink, selection

_PAGES = Path(__file__).resolve().parents[2]
_STYLE = Path(__file__).with_name("style.css")
_MARK = Path(__file__).with_name("mark.svg")
_DRAWN = "frame drawn"
_FOUND = 6
_IN_A_ROW = 4  # units that the sidebar is wide enough for
_Arrow = Literal["up", "down", "off"]
_ARROWS: dict[str, _Arrow] = {"+": "up", "−": "down"}  # by the sign of a change

#: file, title in the navigation, icon, path in the address; the first is the front page.
_ENTRIES = (
    ("today.py", "Today", ":material/today:", ""),
    ("item.py", "Item", ":material/show_chart:", "item"),
    ("what_if.py", "What if", ":material/tune:", "what_if"),
    ("new_items.py", "New items", ":material/fiber_new:", "new_items"),
    ("buy_plan.py", "Buy plan", ":material/shopping_cart:", "buy_plan"),
    ("accuracy.py", "Accuracy", ":material/verified:", "accuracy"),
    ("data.py", "Data", ":material/database:", "data"),
)


def frame() -> None:
    """Draws the frame if app.py has not done so in this run."""
    if not st.session_state.pop(_DRAWN, False):
        _draw()


def frame_and_page() -> st.Page:
    """Draws the frame and says which page was asked for: app.py's part."""
    page = _draw()
    st.session_state[_DRAWN] = True
    return page


def page(name: str, *, icon: bool = False) -> st.Page:
    """A page by its file's name without ``.py``, for links; with its ``icon`` in the navigation."""
    file, title, sign, path = next(entry for entry in _ENTRIES if entry[0] == f"{name}.py")
    return st.Page(_PAGES / file, title=title, icon=sign if icon else None, url_path=path or None, default=not path)


def box(name: str, **how: Any) -> DeltaGenerator:
    """A container that style.css knows as ``.st-key-box-name``; so named, it cannot meet the key of a widget on its page."""
    return st.container(key=f"box-{name}", **how)


def heading(question: str, answer: str) -> None:
    """How every page opens: its question as the title, then one sentence that answers it."""
    st.title(question, anchor=False)
    with box("lead"):
        st.markdown(answer)


@dataclass(frozen=True)
class Figure:
    """One number under the answer; ``change`` starts with its sign where it has one."""

    label: str
    value: str
    change: str | None = None
    help: str | None = None


def figures(*shown: Figure) -> None:
    """At most four figures in a row."""
    with box("figures"):
        for place, figure in zip(st.columns(len(shown)), shown, strict=True):
            arrow: _Arrow = _ARROWS.get((figure.change or "")[:1], "off")
            place.metric(figure.label, figure.value, figure.change, delta_color="off", delta_arrow=arrow, help=figure.help)


def note_on_pieces(what: str) -> None:
    """That a part of a page keeps to pieces, where another unit is chosen: ``"The alerts are"``."""
    if not shown.unit().is_pieces:
        st.caption(f":material/info: {what} in pieces.")


def note_on_supply(about: About) -> None:
    """What the catalog says of its stock, costs, suppliers and orders, where they are not the planner's own."""
    if about.supply_words:
        st.caption(f":material/science: {formats.plain(about.supply_words)}")


def links(name: str, address: dict[str, str]) -> None:
    """The permalink of this view, ready to copy."""
    path = next(entry[3] for entry in _ENTRIES if entry[0] == f"{name}.py")
    with st.popover("Copy link", icon=":material/link:", type="tertiary"):
        st.caption("Opens this view, with item, horizon, quantile, unit and scenario, in any browser that reaches this desk.")
        unit = {"unit": selection().unit} if selection().unit else {}
        st.code(permalink(path, address | unit), language=None, wrap_lines=True)


def _draw() -> st.Page:
    st.set_page_config(page_title="Tideline", page_icon=str(_MARK), layout="wide", initial_sidebar_state=280)
    st.html(_STYLE)
    pages = [page(file.removesuffix(".py"), icon=True) for file, *_ in _ENTRIES]
    current = st.navigation(pages, position="hidden")
    chosen = selection()
    with st.sidebar:
        st.markdown("## Tideline")
        for entry in pages:
            st.page_link(entry, query_params=chosen.address(), width="stretch")
        _catalog()
        _unit()
        _search(current.title == "What if")
        _selection(chosen)
    return current


def _catalog() -> None:
    try:
        about = catalog.service().figures()
    except ResourceError:
        _note("Catalog", "None loaded yet", "Load one on the Data page.")
        return
    span, last = formats.periods(about.periods, about.frequency), formats.last_period(about.last, about.frequency, about.stamp)
    _note("Catalog", about.name, f"{about.items:,} items, {span} to {last}")


def _unit() -> None:
    """The switch that says what demand is counted in, on every page."""
    try:
        names = [one.name for one in shown.units()]
    except ResourceError:
        return
    chosen = shown.unit().name
    about = (
        "Cases need a pack size in your data, money a price, and others a column such as weight_kg, litres_per_unit or "
        "units_per_pallet. What lacks it is shown in pieces."
    )
    changed = on_change("unit", "unit", lambda name: "" if name == "pieces" else name)
    if len(names) <= _IN_A_ROW:
        how = made_with("unit", chosen, "default")
        st.segmented_control("Shown in", names, required=True, help=about, **how, on_change=changed)
    else:
        st.selectbox("Shown in", names, help=about, **made_with_one_of("unit", chosen, names), on_change=changed)


def _note(title: str, line: str, detail: str) -> None:
    """Three lines of the sidebar: what it is, which one, and more about it."""
    st.html(f'<div class="tl-note"><small>{escape(title)}</small>{escape(line)}<small>{escape(detail)}</small></div>')


@st.fragment
def _search(on_what_if: bool) -> None:
    """The search box and what it finds; typing runs this alone."""
    chosen = selection()
    if st.session_state.get("search came from") != chosen.item:  # a hit was taken: close the list
        st.session_state["search came from"] = chosen.item
        st.session_state["search"] = ""
    text = st.text_input("Find an item", key="search", type="search", live=True, placeholder="Name, id or category")
    if not text.strip():
        return
    try:
        found = catalog.search(text.strip(), _FOUND)
    except ResourceError:
        return
    target = page("what_if" if on_what_if else "item")
    with box("found", gap=None):
        for hit in found.rows:
            label = f"{formats.plain(hit.name)} :gray[{formats.plain(hit.item_id)}]"
            st.page_link(target, label=label, query_params=chosen.with_item(hit.item_id).address(), width="stretch")
        more = found.total - len(found.rows)
        if more > 0:
            st.caption(f"and {more:,} more: type on, or search on Today")
        if not found.rows:
            st.caption("Nothing found. Try a part of the name, or the beginning of the id.")


def _selection(chosen: Selection) -> None:
    if not chosen.item:
        _note("Selection", "No item yet", "Search above, or choose on Today.")
        return
    try:
        about, longest = catalog.service().figures(), catalog.service().horizon
    except ResourceError:
        _note("Selection", chosen.item, "")
        return
    horizon = formats.periods(horizon_within(chosen.horizon, longest), about.frequency)
    scenario = chosen.scenario.words(about.frequency)
    found = catalog.search(chosen.item, 1).rows
    name = found[0].name if found and found[0].item_id == chosen.item else chosen.item
    _note("Selection", name, f"{chosen.item}: {horizon} ahead, {formats.level(chosen.tau)}, {scenario}")
