"""Rows laid on a calendar: which periods are history and which are plan, and what is missing between.

Axis letters: R rows, N items.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from data.errors import Problem
from data.facts import Check
from data.schema import PRICE
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.date_frequency import calendar, repeated_keys
from data.sources.upload.offers import Decisions
from data.sources.upload.panel_layout import Rows, too_large
from data.sources.upload.readers.table import many, problem_at
from data.sources.upload.repairs import pipeline
from data.sources.upload.repairs.lines import week_anchors
from data.sources.upload.repairs.pipeline import Told

#: The share of unsold rows that may have a price before prices count as seen always.
_SELDOM = 0.05


def on_calendar(rows: Rows, mapping: ColumnMapping, decisions: Decisions, told: Told) -> Rows:
    """The rows on their calendar, with every repair of what they mean there; what there is to say is added to ``told``."""
    _tell_repeated(rows, told)
    rows.calendar, wrong = calendar(rows.item, rows.days, rows.numbers)
    told.problems += [_with_hint(problem, told) for problem in wrong]
    if rows.calendar is None:
        return rows
    told.checks += [Check("Dates", remark, 1, "note") for remark in rows.calendar.remarks]
    rows.period = rows.calendar.place
    rows = rows.without_days()
    if not _measured(rows, mapping, told) or not _fits(rows, told):
        return rows
    rows = pipeline.repaired(rows, pipeline.OF_SPANS, decisions, told)
    if not _measured(rows, mapping, told) or not _fits(rows, told):
        return rows
    _tell_plan(rows, told)
    rows.gaps = _gaps(rows)
    rows = pipeline.repaired(rows, pipeline.OF_HISTORIES, decisions, told)
    if _measured(rows, mapping, told):
        _tell_gaps(rows, told)
        _see_prices(rows, mapping, told)
    return rows


def _tell_repeated(rows: Rows, told: Told) -> None:
    again = repeated_keys(rows.item, rows.days, rows.numbers)
    if not again.any():
        return
    one = np.flatnonzero(again)[0]
    first = np.flatnonzero((rows.item == rows.item[one]) & (rows.days == rows.days[one]))[0]
    key = f"{rows.item_ids[rows.item[one]]!r} on {rows.days[one]}"
    words = (
        f"Item and date of an earlier row again in {many(again.sum(), 'row')}: {key} is in rows "
        f"{rows.numbers[first]:,} and {rows.numbers[one]:,}. Keep one, or add them up"
    )
    told.problems.append(problem_at(words, rows.numbers, again))


def _with_hint(problem: Problem, told: Told) -> Problem:
    """A problem of the calendar with the offer that would settle it."""
    open_ = [offer for offer in told.offers if offer.kind == week_anchors.KIND and not offer.taken]
    if not open_:
        return problem
    return replace(problem, message=f"{problem.message}. {open_[0].words} Take the offer “{open_[0].title}”")


def _measured(rows: Rows, mapping: ColumnMapping, told: Told) -> bool:
    """Sets how many periods history and plan have; false where no row holds a demand."""
    sold = rows.placed & np.isfinite(rows.demand)
    if not sold.any():
        told.problems.append(Problem(f"No row of {mapping.demand!r} holds a demand"))
        return False
    rows.periods = int(rows.period[sold].max()) + 1
    planned = rows.placed & (rows.period >= rows.periods) & _given(rows)
    rows.planned = int(rows.period[planned].max()) + 1 - rows.periods if planned.any() else 0
    return True


def _given(rows: Rows) -> np.ndarray:
    """Where [R] a number that is known ahead stands."""
    given = np.zeros(len(rows.item), dtype=bool)
    for values in rows.known.values():
        given |= np.isfinite(values)
    return given


def _fits(rows: Rows, told: Told) -> bool:
    """Whether the rows can be laid out."""
    if words := too_large(rows):
        ends = rows.placed & ((rows.period == 0) | (rows.period == rows.periods + rows.planned - 1))
        told.problems.append(problem_at(words, rows.numbers, ends))
    return not words


def _tell_plan(rows: Rows, told: Told) -> None:
    ahead, given = rows.placed & (rows.period >= rows.periods), _given(rows)
    if count := int((ahead & given).sum()):
        words = f"A plan for {many(rows.planned, 'period')} after the last demand, in {many(count, 'row')}."
        told.checks.append(Check("Plan", words, count, "note"))
    if count := int((ahead & ~given).sum()):
        words = f"Left out, for they come after the last demand and plan nothing: {many(count, 'row')}."
        told.checks.append(Check("Plan", words, count, "note"))


def _gaps(rows: Rows) -> int:
    """How many rows are not there between each item's first and last."""
    there = rows.there()
    begun = np.logical_or.accumulate(there, axis=1) & np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    return int(np.count_nonzero(begun)) - int(np.count_nonzero(there))


def _tell_gaps(rows: Rows, told: Told) -> None:
    inside = rows.inside
    if rows.gaps:
        zero = int(rows.zero_missing.sum())
        some = f"zero for {many(zero, 'item')} and unknown for the others"
        taken = "unknown, not zero" if not zero else "zero" if zero == len(rows.zero_missing) else some
        words = f"Missing between an item's first date and its last: {many(rows.gaps, 'row')}, taken as {taken}."
        told.checks.append(Check("Missing rows", words, rows.gaps, "note" if taken == "zero" else "warning"))
    if empty := int((inside & ~np.isfinite(rows.demand)).sum()):
        words = f"Demand is empty in {many(empty, 'row')} and taken as unknown."
        told.checks.append(Check("Empty demand", words, empty, "warning"))
    if silent := rows.periods - int(np.count_nonzero(rows.there().any(axis=0))):
        words = f"Between the first date and the last, {many(silent, 'period')} without a row of any item."
        told.checks.append(Check("Missing periods", words, silent, "warning"))


def _see_prices(rows: Rows, mapping: ColumnMapping, told: Told) -> None:
    """Prices that stand only where something was sold must not be used to foresee a sale."""
    if PRICE not in rows.known:
        return
    priced, inside = np.isfinite(rows.known[PRICE]), rows.inside & (rows.numbers > 0)  # of the file
    unsold = inside & (rows.demand == 0)
    without = int((inside & ~priced).sum())
    found: Literal["always", "when sold"] = "always"
    if unsold.any():
        found = "when sold" if (unsold & priced).sum() <= _SELDOM * unsold.sum() else "always"
    elif rows.zero_missing.any() and rows.gaps:
        found = "when sold"
    rows.price_seen = mapping.price_seen or found
    if rows.price_seen == "when sold":
        words = "Prices stand only where something sold; they are carried forward, and none is used to foresee a sale."
        told.checks.append(Check("Prices", words, without, "note"))
    elif without:
        words = f"The price is empty in {many(without, 'row')}; the last one known is carried forward."
        told.checks.append(Check("Prices", words, without, "note"))
