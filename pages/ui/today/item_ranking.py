"""The ranked items of Today: rows that lead to their item, and the same as a table for files."""

from __future__ import annotations

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data.facts import About
from data.units import Unit
from forecasting.service.view_models import TodayPage, TodayRow
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table
from pages.ui.shell import frame
from pages.ui.shell.url_state import selection


def between(row: TodayRow) -> str:
    """The eight-in-ten span in words: ``"8 times in 10 between 90 and 260"``."""
    low, high = (formats.units(one, row.unit) for one in (row.low, row.high))
    return f"8 times in 10 between {low} and {high}{formats.word_of(row.unit)}"


def amount(row: TodayRow) -> str:
    """What is expected of it within a sentence, with its unit where that is not pieces."""
    return f"{formats.units(row.expected_units, row.unit)}{formats.word_of(row.unit)}"


def ranked(found: TodayPage, about: About) -> None:
    """One row an item, its name a link to its page."""
    chosen = selection()
    ahead = formats.periods(found.horizon, about.frequency)
    target = frame.page("item")
    longest = max((row.high or 0.0 for row in found.rows if row.unit == found.unit), default=0.0)
    with frame.box("ranking", gap=None):
        name, cells = _row()
        name.html('<div class="tl-head">Item</div>')
        cells.html(_head(ahead, found.unit, about))
        for row in found.rows:
            label = f":primary[{formats.plain(row.name)}] :gray[:small[{formats.plain(row.item_id)}]]"
            address = chosen.with_item(row.item_id).address()
            name, cells = _row()
            name.page_link(target, label=label, query_params=address, width="stretch")
            cells.html(_cells(row, found.unit, about, longest))
    if any(_above_its_range(row) for row in found.rows):
        st.caption("What is expected is a mean: of an item that rarely sells it may lie above what sells 8 times in 10.")
    if lacking := sum(row.unit != found.unit for row in found.rows):
        st.caption(
            f"‡ {lacking} of these items {'has' if lacking == 1 else 'have'} no {found.unit.missing} in your data and "
            f"{'is' if lacking == 1 else 'are'} shown in pieces."
        )


def _above_its_range(row: TodayRow) -> bool:
    """Whether what is expected is shown above the range beside it."""
    if row.expected_units is None or row.high is None:
        return False
    return formats.rounded(row.expected_units, row.unit) > formats.rounded(row.high, row.unit)


def table(found: TodayPage, about: About) -> Table:
    """The ranking for a file."""
    rows, unit = found.rows, found.unit
    ahead = formats.periods(found.horizon, about.frequency)
    counted = () if unit.is_pieces else (Column("Counted in", "text", [_word(row) for row in rows]),)
    word = formats.period_word(about.frequency)
    columns = (
        Column("Item", "text", [row.item_id for row in rows]),
        Column("Name", "text", [row.name for row in rows]),
        Column("Category", "text", [row.category for row in rows]),
        *counted,
        Column(f"{unit.axis} expected in {ahead}", "units", [row.expected_units for row in rows]),
        Column(f"P10 of {ahead}", "units", [row.low for row in rows]),
        Column(f"P90 of {ahead}", "units", [row.high for row in rows]),
        Column("Width (P90 − P10) / expected", "percent", [row.width for row in rows]),
        Column(f"Lately per {word}", "units", [row.recent_units for row in rows]),
        Column("Price", "price", [row.price for row in rows]),
    )
    return Table("Ranked items", columns, about.frequency, about.currency, unit=unit)


def _word(row: TodayRow) -> str:
    """What a row is counted in."""
    return row.unit.name if row.unit.is_pieces else row.unit.label


def _row() -> list[DeltaGenerator]:
    """The two places of a row: the name, and its figures."""
    return st.columns([4, 9], vertical_alignment="center", wrap=False, gap="small")


def _head(ahead: str, unit: Unit, about: About) -> str:
    word = formats.period_word(about.frequency)
    counted = "" if unit.is_pieces else f", {unit.label}"
    return (
        '<div class="tl-row tl-head"><span class="w">Category</span>'
        f"<span>Expected{counted}<br>{ahead}</span><span class=r>Eight in ten between</span>"
        f"<span>Lately<br>per {word}</span><span class=p>Price</span></div>"
    )


def _cells(row: TodayRow, wanted: Unit, about: About, longest: float) -> str:
    unit, sign = row.unit, "" if row.unit == wanted else " ‡"
    span = "" if row.low is None else f"{formats.units(row.low, unit)} – {formats.units(row.high, unit)}"
    bar = _bar(row, longest) if row.unit == wanted else "<em></em>"
    return (
        f'<div class="tl-row"><span class="w">{escape(row.category or "")}</span>'
        f"<span><b>{formats.units(row.expected_units, unit)}</b>{sign}</span>"
        f'<span class="r">{bar}<i>{span or formats.UNKNOWN}</i></span>'
        f"<span>{formats.units(row.recent_units, unit)}</span>"
        f"<span class=p>{formats.price(row.price, about.currency)}</span></div>"
    )


def _bar(row: TodayRow, longest: float) -> str:
    """The span as a bar on the scale of the page, with a mark where the expected units are."""
    if row.low is None or row.high is None or row.expected_units is None or not longest:
        return "<em></em>"
    left, width, mark = (100 * part / longest for part in (row.low, row.high - row.low, row.expected_units))
    return f'<em><s style="left:{left:.1f}%;width:{max(width, 0.5):.1f}%"></s><u style="left:{min(mark, 99.5):.1f}%"></u></em>'
