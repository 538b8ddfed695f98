"""Rows that hold the total of other rows: labelled so, or without an item and equal to a sum."""

from __future__ import annotations

import re

import numpy as np

from data.sources.upload.dates.column_dates import dates
from data.sources.upload.offers import YES, Decisions, Offer, answer_to
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Sheet
from data.sources.upload.value_parsing import numbers

KIND = "total-rows"

#: What a total is called in the languages that a planner's tools speak; a name may follow ("Total Dairy").
_WORDS = (
    r"(grand[ -]?)?totals?( g[ée]n[ée]ral(e)?| general(e)?)?|sub[ -]?totals?|sous[ -]total|overall( total)?|sums?|somme|"
    r"summen?|(gesamt|zwischen|end)(summe|ergebnis|total)|gesamt|insgesamt|totaal|eindtotaal|subtotaal|totale|subtotale|suma|"
    r"suma ca[łl]kowita|razem|[łl][ąa]cznie|celkem|yhteens[äa]|totalt|i alt|toplam|genel toplam|ara toplam|"
    r"всего|итого|общий итог|total geral|soma|合計|総計|小計|総合計|总计|合计|小计|總計|합계|총계|소계|المجموع|सकल योग"
)
_TOTAL = re.compile(rf"\W*({_WORDS})\W*", re.IGNORECASE)
_TOTAL_OF = re.compile(
    rf"\W*({_WORDS})\b.*|.*\b(sub-?total|total|summe|gesamt|ergebnis)\W*|.*(合計|小計|総計|合计|小计|总计)", re.IGNORECASE
)
_SUBTOTAL = re.compile(
    r"\W*(sub[ -]?total|sous[ -]total|zwischensumme|zwischenergebnis|grand[ -]?total|小計|小计|소계)\b.*", re.IGNORECASE
)
_SUSPECT = re.compile(rf"{_WORDS}|ergebnis|[*∗Σ∑]", re.IGNORECASE)  # without which a text is none of these
_STARS = re.compile(r"[*∗Σ∑]+")

#: How far from the sum a total may lie: rounding.
_NEAR = 1e-3


def find(sheet: Sheet, decisions: Decisions) -> Found[Sheet] | None:
    """Total and subtotal rows are left out."""
    mapping = sheet.mapping
    if not (mapping.item_id and mapping.date and mapping.demand):
        return None
    labelled = total_rows(sheet)
    if not labelled.any():
        return None
    answer = answer_to(KIND, decisions, YES)
    hit = np.flatnonzero(labelled)
    offer = Offer(
        kind=KIND,
        title="Total rows",
        words=f"{many(len(hit), 'row')} hold totals of other rows, not sales of an item. They are left out.",
        count=len(hit),
        before=f"row {sheet.numbers[hit[0]]:,}: {_shown(sheet, int(hit[0]))}",
        after="left out",
        effect="Totals would be forecast beside their parts, and money counted twice.",
        default=YES,
        answer=answer,
    )
    return Found(sheet.take(~labelled) if answer == YES else sheet, offer)


def total_rows(sheet: Sheet) -> np.ndarray:
    """Where [R] a row is the total of others."""
    mapping, cells = sheet.mapping, sheet.cells
    item, date = cells[mapping.item_id], cells[mapping.date]
    dated = ~np.isnat(dates(date, day_first=mapping.day_first, day_first_if_unclear=True).days)
    whole = item.filled() & dated
    numeric = {mapping.demand, mapping.price, mapping.stock, *mapping.known, *mapping.past, *mapping.commercial.values()}
    named, sub = (np.zeros(len(dated), bool) for _ in range(2))
    for column, one in cells.items():
        if column in numeric:
            continue
        if not _SUSPECT.search("\n".join(one.texts)):
            continue
        of = np.array([_TOTAL_OF.fullmatch(text) is not None or _STARS.fullmatch(text) is not None for text in one.texts], bool)
        named |= one.spread(of, False)
        exact = [_SUBTOTAL.fullmatch(text) or (column == mapping.item_id and _TOTAL.fullmatch(text)) for text in one.texts]
        sub |= one.spread(np.array([bool(found) for found in exact], bool), False)
    return named & ~whole | sub | _unlabelled(sheet, whole, named)


def _unlabelled(sheet: Sheet, whole: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Rows [R] without an item or a date whose demand is the sum of all the others, or of those since the last such row."""
    demand, _ = numbers(sheet.cells[sheet.mapping.demand], sheet.decimal)
    open_ = np.flatnonzero(~whole & ~named & np.isfinite(demand) & (demand > 0))
    answer = np.zeros(len(whole), bool)
    if not len(open_) or len(open_) > len(whole) // 3:
        return answer
    sums = np.append(0.0, np.cumsum(np.where(whole, np.nan_to_num(demand), 0.0)))
    start = np.append(0, open_[:-1] + 1)
    parts, rows = sums[open_] - sums[start], np.cumsum(np.append(0, whole))
    several = rows[open_] - rows[start] > 1
    near = lambda total: np.abs(demand[open_] - total) <= _NEAR * np.abs(total)  # noqa: E731
    answer[open_[several & near(parts) | near(sums[open_]) | near(sums[-1])]] = True
    return answer


def _shown(sheet: Sheet, place: int) -> str:
    """What a row holds."""
    held = (one.texts[one.codes[place]] for one in sheet.cells.values() if one.codes[place] >= 0)
    return " · ".join(list(held)[:4])
