"""Every repair, in the order in which each sees what the earlier ones made of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from data.errors import Problem
from data.facts import Check
from data.sources.upload.offers import Decisions, Offer
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.coded_columns import Telling, silent
from data.sources.upload.repairs.found import Data, Lines, Repair, Sheet
from data.sources.upload.repairs.lines import (
    line_sums,
    partial_periods,
    placeholder_prices,
    repeated_rows,
    returns,
    total_rows,
    week_anchors,
)
from data.sources.upload.repairs.meaning import (
    closed_days,
    future_zeros,
    hidden_stockouts,
    missing_rows,
    one_off_orders,
    sums_of_others,
    unfinished_period,
    unit_changes,
)

#: Rows of the file that are left out before any of them is read.
OF_SHEETS: tuple[Repair[Sheet], ...] = (repeated_rows.find, total_rows.find)

#: What is read of each row, and rows that become one.
OF_LINES: tuple[Repair[Lines], ...] = (
    placeholder_prices.find,
    week_anchors.find,
    line_sums.find,
    partial_periods.find,
    returns.find,
)

#: What the rows mean once they lie on a calendar: first what is no item and no history, then what is not there, then single
#: periods.
OF_SPANS: tuple[Repair[Rows], ...] = (sums_of_others.find, future_zeros.find, unfinished_period.find)
OF_HISTORIES: tuple[Repair[Rows], ...] = (
    closed_days.find,
    missing_rows.find,
    unit_changes.find,
    hidden_stockouts.find,
    one_off_orders.find,
)


#: How many kinds of oddities are looked for.
KINDS = len(OF_SHEETS) + len(OF_LINES) + len(OF_SPANS) + len(OF_HISTORIES)


@dataclass
class Told:
    """What the repairs told so far, and to whom it is told how far they are."""

    offers: list[Offer] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    tell: Telling = silent
    looked_for: int = 0


def repaired(data: Data, repairs: Iterable[Repair[Data]], decisions: Decisions, told: Told) -> Data:
    """The data with every repair answered; what there is to say is added to ``told``."""
    for find in repairs:
        told.looked_for += 1
        told.tell(told.looked_for, KINDS, f"Looking for what is odd: {find.__module__.rsplit('.', 1)[1].replace('_', ' ')}")
        found = find(data, decisions)
        if found is None:
            continue
        data = found.data
        told.offers += [found.offer] if found.offer else []
        told.checks += found.checks
        told.problems += found.problems
    return data
