"""Demand below zero: more came back in a period than was sold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many, problem_at
from data.sources.upload.repairs.found import Found, Lines

KIND = "returns"

_CHOICES = (
    ("zero", "Count these periods as nothing sold"),
    ("earlier", "Take the returns off the sales before them, the latest first"),
)


def find(lines: Lines, decisions: Decisions) -> Found[Lines] | None:
    """Periods below zero count as zero, or are taken off the earlier sales; a problem as long as neither is chosen.

    Lines that were added up name their cancellations, which belong to an earlier sale: these are taken off it.
    """
    rows = lines.rows
    below = rows.demand < 0
    if not below.any():
        return None
    default = "earlier" if rows.sold_only else NO
    answer = answer_to(KIND, decisions, default, tuple(one for one, _ in _CHOICES))
    first, count = int(np.flatnonzero(below)[0]), int(below.sum())
    items, total = len(np.unique(rows.item[below & (rows.item >= 0)])), -rows.demand[below].sum()
    offer = Offer(
        kind=KIND,
        title="Returns",
        words=(
            f"{many(count, 'row')} of {many(items, 'item')} are below zero, {total:,.10g} units in all: more came back than "
            "was sold. They count as nothing sold, or are taken off the sales before them."
        ),
        count=count,
        before=f"row {rows.numbers[first]:,}, {rows.days[first]}: {rows.demand[first]:,.10g}",
        after="0" if answer != "earlier" else f"0, and {-rows.demand[first]:,.10g} less in the periods before",
        effect="Demand is never below zero: returns are no wish to buy less, and would pull the forecast down.",
        default=default,
        answer=answer,
        choices=_CHOICES,
    )
    if answer == NO:
        words = (
            f"Negative demand in {lines.sheet.mapping.demand!r}. Take returns out of demand, or take the offer “{offer.title}”"
        )
        return Found(lines, offer, (), (problem_at(words, rows.numbers, below),))
    demand = np.maximum(rows.demand, 0.0) if answer == "zero" else taken_off_earlier(rows)
    return Found(replace(lines, rows=replace(rows, demand=demand)), offer)


def taken_off_earlier(rows: Rows) -> np.ndarray:
    """Demand [R] with what came back taken off the latest sales before it; what no sale is left for is lost.

    With Cₜ the sum from t on and Mₜ = max(0, max of Cₛ over s ≥ t), it is Mₜ − Mₜ₊₁.
    """
    order = np.lexsort((rows.days, rows.item))[::-1]
    order = order[(rows.item[order] >= 0) & ~np.isnat(rows.days[order])]
    item = rows.item[order]
    sums = pd.Series(np.nan_to_num(rows.demand[order])).groupby(item).cumsum()
    most = np.maximum(sums.groupby(item).cummax().to_numpy(), 0.0)
    later = np.where(np.append(True, item[1:] != item[:-1]), 0.0, np.append(0.0, most[:-1]))
    answer = rows.demand.copy()
    answer[order] = np.where(np.isnan(rows.demand[order]), np.nan, np.maximum(most - later, 0.0))
    return np.maximum(answer, 0.0)
