"""What needs me today: all items together, what is at risk, dearest first, then items ranked by what they will sell."""

from __future__ import annotations

import math
from datetime import date

import streamlit as st

from forecasting.service.view_models import Order, SummaryStatus
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.jobs import summary_panel
from pages.ui.resources import catalog, purchasing, shown
from pages.ui.shell import frame, url_state
from pages.ui.shell.empty_states import answered
from pages.ui.shell.frame import Figure
from pages.ui.today import alerts_panel, item_ranking, total_panel

QUESTION = "What needs me today?"
PER_PAGE = 20
IN_A_FILE = 1000
ORDERS: dict[Order, str] = {"expected": "Most expected", "uncertain": "Hardest to call", "recent": "Best sellers lately"}

frame.frame()


def figures() -> None:
    about, summary = catalog.service().figures(), catalog.service().forecasts.status()
    ahead = formats.ahead(catalog.service().horizon, about.frequency)
    frame.heading(QUESTION, _answer(ahead))
    word = formats.period_word(about.frequency)
    frame.figures(
        Figure("Items", formats.whole(about.items)),
        Figure(f"{word.title()}s on record", formats.whole(about.periods)),
        _expected(summary, ahead),
        Figure(f"Newest {word}", formats.period(about.last, about.frequency)),
    )
    if not summary.ready:
        summary_panel.section()
    summary_panel.behind()
    if old := alerts_panel.stale(about, date.today().isoformat()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/schedule: {formats.plain(old)}")
            st.page_link(frame.page("data"), label="Load newer data", icon=":material/arrow_forward:")
    total_panel.section()
    if summary.ready:
        frame.note_on_pieces("The alerts are")
        alerts_panel.section(purchasing.alerts(), about)
        st.subheader("All items", anchor=False)


def _expected(summary: SummaryStatus, ahead: str) -> Figure:
    """What all items are expected to sell, in the unit chosen; in pieces until all were forecast."""
    total = shown.total("") if summary.ready else None
    if total is None or total.unit.is_pieces or total.forecast is None:
        return Figure(f"Units, {ahead.removeprefix('the ')}", formats.units(summary.expected_units))
    whole = float(total.forecast.expected.sum())
    return Figure(f"{total.unit.axis}, {ahead.removeprefix('the ')}", formats.units(whole, total.unit))


def _answer(ahead: str) -> str:
    if not catalog.service().forecasts.status().ready:
        return "The items stand in the order of what sold lately; their forecasts are still to be made."
    needed = alerts_panel.answer(purchasing.alerts(), catalog.service().figures())
    best, unsure = shown.today("expected", 1, 0, "").rows, shown.today("uncertain", 1, 0, "").rows
    if not best:
        return "The catalog holds no items."
    leader, hardest = formats.plain(best[0].name), formats.plain(unsure[0].name)
    sentence = f"**{leader}** will sell most in {ahead}: about {item_ranking.amount(best[0])}."
    if needed:
        return f"{needed} {sentence}"
    if unsure[0].width is not None and hardest != leader:
        sentence += f" **{hardest}** is the hardest to call: {item_ranking.between(unsure[0])}."
    return sentence


@st.fragment
def items() -> None:
    """The ranking; choosing another order, searching and paging run this alone."""
    about = catalog.service().figures()
    params = st.query_params
    order: Order = url_state.chosen_of("order", ORDERS, "expected")
    text = params.get("q", "")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        url_state.choice("Ranked by", ORDERS, "order", order)
        url_state.search("Search in the ranking", "q", text)
    found = shown.today(order, PER_PAGE, 0, text)
    pages = max(1, math.ceil(found.total / PER_PAGE))
    number = min(max(int(params["page"]) if params.get("page", "").isdigit() else 1, 1), pages)
    if number > 1:
        found = shown.today(order, PER_PAGE, (number - 1) * PER_PAGE, text)
    if not found.rows:
        st.markdown(f"No item matches “{formats.plain(text)}”. Try a part of the name, or the beginning of the id.")
        return
    item_ranking.ranked(found, about)
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            key = f"page/{order}/{text}/{number}"
            st.pagination(pages, default=number, key=key, on_change=url_state.on_change(key, "page", str))
        stamp, unit = exports.Stamp(about.name, found.creation_date, catalog.model_words()), shown.unit()
        whole = lambda: catalog.today(order, IN_A_FILE, 0, text, unit)  # noqa: E731
        downloads(lambda: item_ranking.table(whole(), about), stamp, "ranking", "Ranked items")
        here: dict[str, str] = {"order": order} | ({"q": text} if text else {}) | ({"page": str(number)} if number > 1 else {})
        here |= {name: params[name] for name in ("total", "sum") if params.get(name)}
        frame.links("today", here)


with answered(QUESTION):
    figures()
    items()
