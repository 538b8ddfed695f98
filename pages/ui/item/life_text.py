"""Where an item's life begins and ends, in words."""

from __future__ import annotations

import pandas as pd

from data.history_marks import Mark
from data.life_cycle import Pair
from data.schema import Frequency
from forecasting.service.item_life import ItemRecord
from forecasting.service.view_models import ItemView
from pages.ui.display import formats


def banner(view: ItemView, frequency: Frequency) -> str:
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
            f"**It replaces** {_named(life.replaces.other, view)}{ratio}{_when(life.replaces, frequency)}: the dashed part of "
            "the line is what that one sold, and both are read as one."
        )
    return "  \n".join(lines)


def _named(item_id: str, view: ItemView) -> str:
    return formats.plain(f"{view.life.names.get(item_id, 'another product')} ({item_id})")


def _when(pair: Pair, frequency: Frequency) -> str:
    since = f" from {formats.period(pair.since, frequency)} on" if pair.since is not None else ""
    if pair.until is None:
        return since
    return f"{since}, with {formats.percent(pair.share)} of the demand until {formats.period(pair.until, frequency)}"


def sentence(mark: Mark, record: ItemRecord, frequency: Frequency) -> str:
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
