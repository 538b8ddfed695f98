"""An item's history and life in words and as a table: what was marked and proposed, the layers, what it replaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data.facts import About
from data.history_marks import CHANGING, LIFE, Kind, Mark
from data.history_proposals import Proposal
from data.life_cycle import Pair
from data.schema import Frequency
from forecasting.service.item_life import ItemRecord
from forecasting.service.view_models import ItemView
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, numbers, stamps

#: What a planner may say of some periods, in the order offered.
KINDS: dict[Kind, str] = {
    "one-off": "A one-off",
    "out of stock": "Out of stock",
    "event": "An event",
    "wrong": "A wrong number",
}

#: What becomes of the periods, below the choice.
MEANINGS: dict[Kind, str] = {
    "one-off": "Demand counts as what is usual; leave the number empty where you do not know it, and nothing is learned there.",
    "out of stock": "The item could not be bought. What sold counts as the least that was asked for.",
    "event": "Nothing is learned of level and season from these periods: what would have sold without it, nobody knows.",
    "wrong": "The right number counts instead of the one imported.",
}


def span(first: str, last: str, frequency: Frequency) -> str:
    """Some periods by their stamps: ``"4 Mar 2024"`` or ``"4 Mar 2024 to 25 Mar 2024"``."""
    ends = [formats.period(pd.Timestamp(stamp), frequency) for stamp in dict.fromkeys([first, last])]
    return " to ".join(ends)


def sentence(mark: Mark, frequency: Frequency) -> str:
    """A mark of some periods in words, for a list."""
    word, when = formats.period_word(frequency), span(mark.first, mark.last, frequency)
    usual = f"{formats.units(mark.units)} a {word} is usual" if mark.units is not None else "what is usual is not known"
    said = {
        "one-off": f"a one-off; {usual}",
        "out of stock": "out of stock",
        "event": f"{formats.plain(mark.name)} ({formats.plain(_whom(mark))})",
        "wrong": f"{formats.units(mark.units)} a {word} is right",
        "right": "looked at, and right as it is",
    }[mark.kind]
    return f"**{when}**: {said}. “{formats.plain(mark.reason)}”"


def _whom(mark: Mark) -> str:
    return "this item" if mark.item_id else f"all of {mark.category}" if mark.category else "all items"


def proposal(found: Proposal, record: ItemRecord, frequency: Frequency) -> str:
    """What is proposed and why."""
    when = span(*stamps_of(found, record), frequency)
    usual = f"{formats.units(found.usual)} a {formats.period_word(frequency)}"
    if found.kind == "one-off":
        return f"**{when}** sold {formats.units(found.sold)}, and the periods around it {usual}: a one-off order?"
    count = formats.periods(found.last - found.first + 1, frequency)
    return f"**{when}** sold nothing for {count}, and the periods around it {usual}: was it out of stock?"


def stamps_of(found: Proposal, record: ItemRecord) -> tuple[str, str]:
    """The first and the last period of a proposal, as a mark has them."""
    first, last = (f"{record.periods[place]:%Y-%m-%d}" for place in (found.first, found.last))
    return first, last


#: What the folded section is called; the same always, for a section that changes its name is another one and closes.
LABEL = "Is the history wrong somewhere?"


def of_periods(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Those that are about periods, not about the item's life."""
    return tuple(mark for mark in marks if mark.kind not in LIFE)


def note(record: ItemRecord, frequency: Frequency) -> str:
    """What the chart shows of marks, and what is proposed, for the line under it; empty without any."""
    changed, proposed, words = int(record.put_right.sum()), len(record.proposals), ""
    if changed:
        words = (
            f" **{formats.periods(changed, frequency)}** {'counts' if changed == 1 else 'count'} as planners have put "
            f"{'it' if changed == 1 else 'them'} right: the line is what is learned from, open signs are what was imported."
        )
    if proposed:
        what = "a stretch that looks" if proposed == 1 else f"{proposed} stretches that look"
        words += f" The history has **{what}** unusual: see “{LABEL}” below."
    return words


def table(record: ItemRecord, about: About, *, only_changed: bool = False) -> Table:
    """The layers beside each other, a row for each period on record."""
    rows = np.flatnonzero(record.changed) if only_changed else np.arange(len(record.periods))
    periods = record.periods[rows]
    columns = [
        Column(formats.period_word(about.frequency).title(), "period", stamps(periods)),
        Column("Imported", "units", numbers(record.imported[rows])),
        Column("Counts as", "units", numbers(record.demand[rows])),
        Column("Imported in stock", "percent", numbers(record.in_stock_imported[rows])),
        Column("Counts as in stock", "percent", numbers(record.in_stock[rows])),
        Column("Because", "words", [_because(record, row) for row in rows]),
    ]
    shown = [column for column in columns if column.kind != "percent" or _varies(record)]
    return Table(f"History of {record.name}", tuple(shown), about.frequency, about.currency)


def _varies(record: ItemRecord) -> bool:
    """Whether it was ever out of stock, as imported or by a mark."""
    return any((np.nan_to_num(stock, nan=1.0) < 1).any() for stock in (record.in_stock, record.in_stock_imported))


def _because(record: ItemRecord, row: np.intp) -> str:
    """What was said of a period."""
    stamp, pair = record.periods[row], record.life.replaces
    said = [
        f"{mark.name or KINDS[mark.kind]}: {mark.reason}"
        for mark in record.marks
        if mark.kind in CHANGING and pd.Timestamp(mark.first) <= stamp <= pd.Timestamp(mark.last)
    ]
    return "; ".join([*([f"Sold of {pair.other}"] if record.lent[row] and pair else []), *said])


def life_banner(view: ItemView, frequency: Frequency) -> str:
    """What is said above the chart of an item that has ended, is replaced or replaces; empty of all others."""
    life, lines = view.life, []
    if life.ended is not None:
        since = formats.period(pd.Timestamp(life.ended.first), frequency)
        lines.append(
            f"**No longer sold** from {since} on, a planner says ({formats.plain(life.ended.reason)}). From then on its "
            "forecast is nothing, and with the next forecast of all items it leaves Today and the Buy plan."
        )
    elif life.is_over:
        lines.append(
            "**It seems to be no longer sold**: it sold regularly and then nothing for "
            f"{formats.periods(life.silent, frequency)}, far longer than ever before. Its forecast is nothing, and it is "
            "left out of Today and the Buy plan."
        )
    if life.replaced_by is not None:
        lines.append(
            f"**Replaced** by {_named(life.replaced_by.item_id, view)}{_when(life.replaced_by, frequency)}: its own forecast "
            "ends there, and its history goes on in the new product's."
        )
    if life.replaces is not None and life.replaces.other not in life.names:
        lines.append(f"Your data says that it replaces {formats.plain(life.replaces.other)}, which this catalog does not hold.")
    elif life.replaces is not None:
        ratio = "" if life.replaces.ratio == 1 else f", {life.replaces.ratio:g} for each one of it"
        lines.append(
            f"**It replaces** {_named(life.replaces.other, view)}{ratio}{_when(life.replaces, frequency)}: both are read as "
            "one line, in which what the other sold before this one's first sale is dashed."
        )
    return "  \n".join(lines)


def _named(item_id: str, view: ItemView) -> str:
    return formats.plain(f"{view.life.names.get(item_id, 'another product')} ({item_id})")


def _when(pair: Pair, frequency: Frequency) -> str:
    since = f" from {formats.period(pair.since, frequency)} on" if pair.since is not None else ""
    if pair.until is None:
        return since
    return f"{since}, with {formats.percent(pair.share)} of the demand until {formats.period(pair.until, frequency)}"


def life_sentence(mark: Mark, record: ItemRecord, frequency: Frequency) -> str:
    """A mark of an item's life in words, for a list."""
    if mark.kind == "replaces":
        new, old = (formats.plain(record.life.names.get(one, one)) for one in (mark.item_id, mark.other))
        who = f"it replaces {old}" if mark.item_id == record.item_id else f"{new} replaces it"
        said = f"{who}, {mark.ratio:g} for one"
    elif mark.kind == "ended":
        said = f"no longer sold from {formats.period(pd.Timestamp(mark.first), frequency)} on"
    else:
        said = "still sold, however long it is silent"
    return f"**{said[0].upper()}{said[1:]}.** “{formats.plain(mark.reason)}”"
