"""Lines of invoices, orders or tills added up to periods, and daily rows to weeks or months where the planner wants that."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from data.schema import PRICE
from data.sources.upload.columns.row_keys import different_days, seen
from data.sources.upload.date_frequency import repeated_keys
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Lines
from data.sources.upload.repairs.lines.item_codes import damaged
from data.sources.upload.repairs.lines.repeated_rows import exported_twice, numbers_lines

KIND = "add-up"

Step = Literal["days", "weeks", "months"]
_STEPS: tuple[Step, ...] = ("days", "weeks", "months")
_WORDS = {"days": "Add up by item and date", "weeks": "Add up to weeks from Monday on", "months": "Add up to calendar months"}

#: Rows that share item and day with an earlier one: from this share and number on they are lines, not slips.
_SHARE, _LEAST = 0.05, 20

#: The same share in a file that held rows twice, where a few others are corrections of a row.
_SHARE_BESIDE_TWICE = 0.15

#: The share of an item's open days, or weeks, with a sale from which on these are the step to plan by.
_DAYS_FILLED, _WEEKS_FILLED = 0.8, 0.2

#: Days that a file needs before its weeks are worth offering.
_MANY_DAYS = 56

_CANCELLED = re.compile(r"C[-_ ]?\d+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What kind of rows a file holds: ``lines`` of documents, and the ``step`` that makes sense for them."""

    lines: bool
    step: Step
    repeated: int


def find(lines: Lines, decisions: Decisions) -> Found[Lines] | None:
    """Rows of one item and period become one: units added up, prices weighted by units, other numbers averaged."""
    seen = _kind_of(lines)
    if seen is None:
        return None
    rows = lines.rows
    if seen.lines:
        answer = answer_to(KIND, decisions, seen.step, _STEPS)
    else:  # daily rows are fine as they are, and there is more than one way to be otherwise
        decided = {KIND: NO} if decisions.get(KIND) == YES else decisions
        answer = answer_to(KIND, decided, NO, _STEPS[1:])
    step: Step = seen.step if answer == NO else answer  # type: ignore[assignment]
    signed = replace(lines, rows=replace(rows, demand=_signed(lines))) if seen.lines else lines
    summed = added_up(signed, step, seen.lines)
    offer = _offer(lines, seen, summed, step, answer)
    return Found(lines if answer == NO else summed, offer)


def _kind_of(lines: Lines) -> _Seen | None:
    """What the rows are, None where there is nothing to add up."""
    rows = lines.rows
    dated = (rows.item >= 0) & ~np.isnat(rows.days)
    again = repeated_keys(rows.item, rows.days, rows.numbers)
    count = int(again.sum())
    different = different_days(rows.days, dated)
    if len(different) < 2:
        return None
    one_weekday = len(np.unique((different.astype(np.int64) + 3) % 7)) == 1
    months = different.astype("datetime64[M]")
    monthly = len(np.unique(months)) == len(different)
    if not count:
        daily = len(different) >= _MANY_DAYS and _steps_by_days(rows.item, rows.days)
        return _Seen(False, "weeks", 0) if daily else None
    if _place_column(lines, again) or damaged(rows.item_ids).any():
        return None
    least = _SHARE_BESIDE_TWICE if lines.sheet.twice else _SHARE
    if lines.sheet.twice and exported_twice(lines.sheet):  # these are never added up
        return None
    if not (count >= _LEAST and count >= least * dated.sum()) and (lines.sheet.twice or not numbers_lines(lines.sheet)):
        return None
    if one_weekday or monthly:
        return _Seen(True, "months" if monthly and not one_weekday else "days", count)
    return _Seen(True, _sensible(rows, dated, different), count)


def _steps_by_days(item: np.ndarray, days: np.ndarray) -> bool:
    """Whether an item's next row is mostly that of the next day."""
    found = seen(item, days)
    if found is not None:
        steps, ones = 0, 0
        for _, step in found.steps():
            steps, ones = steps + len(step), ones + int((step == 1).sum())
        return 2 * ones > steps
    order = np.lexsort((days, item))
    step = np.diff(days[order].astype(np.int64))[np.diff(item[order]) == 0]
    return len(step) > 0 and float(np.median(step)) == 1


def _sensible(rows: Rows, dated: np.ndarray, different: np.ndarray) -> Step:
    """Days where most items sell on most open days, months where few sell in most weeks, else weeks."""
    item, day = rows.item[dated], np.searchsorted(different, rows.days[dated])
    if _filled(item, day) >= _DAYS_FILLED:
        return "days"
    return "weeks" if _filled(item, _starts(rows.days[dated], "weeks").astype(np.int64) // 7) >= _WEEKS_FILLED else "months"


def _filled(item: np.ndarray, place: np.ndarray) -> float:
    """The share of places between each item's first and last that have a row."""
    pairs = np.unique(item.astype(np.int64) * (place.max() + 1) + place)
    owner, where = np.divmod(pairs, place.max() + 1)
    first, last = (np.full(owner.max() + 1, fill) for fill in (place.max(), 0))
    np.minimum.at(first, owner, where)
    np.maximum.at(last, owner, where)
    sold = np.bincount(owner) > 0
    return len(pairs) / float((last - first + 1)[sold].sum())


def _place_column(lines: Lines, again: np.ndarray) -> str:
    """A column of few values that makes item and date unique, "" where there is none: places, which are not added up."""
    rows, mapping = lines.rows, lines.sheet.mapping
    plain = {mapping.item_id, mapping.date, mapping.demand, mapping.price, mapping.stock, mapping.promo, mapping.location}
    for column, cells in lines.sheet.cells.items():
        values = len(cells.texts)
        if column in plain or not 2 <= values <= max(2, len(rows.item) // 50) or (cells.codes < 0).any():
            continue
        if not repeated_keys(rows.item.astype(np.int64) * values + cells.codes, rows.days, rows.numbers).any():
            return column
    return ""


def _signed(lines: Lines) -> np.ndarray:
    """Demand [R] with cancelled documents below zero, however the file writes their quantity."""
    demand = lines.rows.demand
    for cells in lines.sheet.cells.values():
        cancelled = np.array([_CANCELLED.fullmatch(text) is not None for text in cells.texts], bool)
        others = [text for text, is_one in zip(cells.texts, cancelled, strict=True) if not is_one]
        if cancelled.any() and others and sum(text.isdigit() for text in others) >= 0.9 * len(others):
            demand = np.where(cells.spread(cancelled, False), -np.abs(demand), demand)
    return demand


def _starts(days: np.ndarray, step: Step) -> np.ndarray:
    """The first day [R] of each day's period."""
    if step == "months":
        return days.astype("datetime64[M]").astype("datetime64[D]")
    if step == "weeks":
        return days - (days.astype(np.int64) + 3) % 7
    return days


def added_up(lines: Lines, step: Step, sold_only: bool) -> Lines:
    """One row for each item and period of ``step``; what no row tells of is nothing sold where ``sold_only``, else unknown."""
    rows = lines.rows
    whole = (rows.item >= 0) & ~np.isnat(rows.days)
    start = _starts(rows.days, step)
    order = np.flatnonzero(whole)[np.lexsort((rows.days[whole], start[whole], rows.item[whole]))]
    item, period = rows.item[order], start[order]
    begins = np.flatnonzero(np.append(True, (item[1:] != item[:-1]) | (period[1:] != period[:-1])))
    last = np.append(begins[1:], len(order)) - 1
    each = order[last]  # (K,) the latest row of each item and period stands for all of them

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.nan_to_num(values[order]), begins)

    def mean(values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        weight = np.isfinite(values) if weight is None else np.where(np.isfinite(values), weight, 0.0)
        count = total(weight)
        return np.divide(total(values * weight), count, out=np.full(len(begins), np.nan), where=count > 0)

    known = total(np.isfinite(rows.demand))
    demand = np.where(known > 0, total(rows.demand), np.nan)
    if not sold_only:  # a week with a day unknown is unknown
        demand[known < _days_of(start[each], start[whole], rows.days[whole])] = np.nan
    means = {name: mean(values) for name, values in rows.known.items()}
    if PRICE in rows.known:
        paid = mean(rows.known[PRICE], np.maximum(np.nan_to_num(rows.demand), 0.0))
        means[PRICE] = np.where(np.isfinite(paid), paid, means[PRICE])
    kept = np.zeros(len(whole), bool)
    kept[each] = True
    back = np.argsort(np.argsort(each))  # the taken rows come in the order of the file
    place = np.empty(len(each), np.int64)
    place[back] = np.arange(len(each))
    summed = replace(
        rows.take(kept),
        days=start[each][place],
        demand=demand[place],
        in_stock=None if rows.in_stock is None else mean(rows.in_stock)[place],
        known={name: values[place] for name, values in means.items()},
        past={name: mean(values)[place] for name, values in rows.past.items()},
        sold_only=sold_only,
        short=_short(rows.days[whole], step),
    )
    return Lines(summed, lines.sheet.take(kept))


def _days_of(wanted: np.ndarray, starts: np.ndarray, days: np.ndarray) -> np.ndarray:
    """On how many days [K] of each wanted period the file has any row."""
    of_start = _unique_pairs(starts, days)
    periods, counts = np.unique(of_start, return_counts=True)
    return counts[np.searchsorted(periods, wanted)]


def _unique_pairs(starts: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The period of each different day."""
    different, first = np.unique(days, return_index=True)
    return starts[first][: len(different)]


def _short(days: np.ndarray, step: Step) -> dict[np.datetime64, tuple[int, int]]:
    """The first and the last period where the file does not reach over all their open days: (days there, days there are)."""
    if step == "days":
        return {}
    different = np.unique(days)
    seen = np.bincount((different.astype(np.int64) + 3) % 7, minlength=7)
    open_ = seen > 0.2 * seen.max()
    answer = {}
    for day in (different[0], different[-1]):
        start = _starts(np.array([day]), step)[0]
        end = start + 7 if step == "weeks" else (start.astype("datetime64[M]") + 1).astype("datetime64[D]")
        whole = np.arange(start, end)
        whole = whole[open_[(whole.astype(np.int64) + 3) % 7]]
        there = int(((whole >= different[0]) & (whole <= different[-1])).sum())
        if there < len(whole):
            answer[start] = (there, len(whole))
    return answer


def _offer(lines: Lines, seen: _Seen, summed: Lines, step: Step, answer: str) -> Offer:
    rows = lines.rows
    result = f"{many(len(summed.rows.item), 'row')} of {many(len(rows.item_ids), 'item')}"
    if seen.lines:
        by = "by item and date" if step == "days" else f"to {step}"
        returned = int((summed_lines(lines) < 0).sum())
        net = f", net of {many(returned, 'line')} of cancellations and returns" if returned else ""
        words = f"{many(seen.repeated, 'row')} share item and day with another: these are lines. Added up {by}{net}: {result}."
    else:
        words = f"The rows are days. Added up to weeks or months they would be {result} by {step[:-1]}."
    again = repeated_keys(rows.item, _starts(rows.days, step), rows.numbers)
    one = int(np.flatnonzero(again)[0]) if again.any() else 0
    same = (rows.item == rows.item[one]) & (_starts(rows.days, step) == _starts(rows.days, step)[one])
    parts = " + ".join(f"{value:g}" for value in rows.demand[same][:4]) + (" + …" if same.sum() > 4 else "")
    sum_ = np.nansum(summed_lines(lines)[same] if seen.lines else rows.demand[same])
    return Offer(
        kind=KIND,
        title="Add up",
        words=words,
        count=int(again.sum()) or seen.repeated,
        before=f"{rows.item_ids[rows.item[one]]}, {many(int(same.sum()), 'row')}: {parts}",
        after=f"{_starts(rows.days, step)[one]}: {sum_:g}",
        effect=(
            "A forecast needs one number for each item and period; periods without a line count as nothing sold."
            if seen.lines
            else "Weeks and months are steadier than days and reach further ahead; the pattern within the week is lost."
        ),
        default=seen.step if seen.lines else NO,
        answer=answer,
        choices=tuple((one, _WORDS[one]) for one in (_STEPS if seen.lines else _STEPS[1:])),
    )


def summed_lines(lines: Lines) -> np.ndarray:
    """Demand [R] as it is added up."""
    return _signed(lines)
