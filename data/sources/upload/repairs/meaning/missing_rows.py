"""Rows that are not there between an item's first and last: nothing sold, or not known; decided item by item."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.sources.upload.offers import Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "missing-rows"

_CHOICES = (
    ("by-item", "Item by item: zero where it sells now and then, unknown where it always sells"),
    ("zero", "Nothing was sold in any of them"),
    ("unknown", "None of them is known"),
)

#: Missing rows that tell a habit of the export from a slip, and their share of an item's periods.
_RUNS, _SHARE = 3, 0.2

#: Missing rows of such items, and rows, without which a file is too short to tell.
_EVIDENCE = 20

#: Zeros that an item would have by itself, as a share of its periods, from which on missing rows may be zeros.
_OWN_ZEROS = 0.02


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """What missing rows mean: as the mapping says, or by what the file shows where it leaves that open."""
    if not rows.gaps:
        return None
    there = rows.there()
    begun = np.logical_or.accumulate(there, axis=1) & np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    holes = begun & ~there  # (N, T)
    rarely = _sell_rarely(rows, holes)
    lists_sales = rows.sold_only or not (rows.demand[rows.inside] == 0).any()
    tells = int(holes[rarely].sum()) >= _EVIDENCE and int(rows.inside.sum()) >= _EVIDENCE
    asked = bool(rows.zero_missing.any())
    default = "zero" if asked or rows.sold_only else "by-item" if lists_sales and tells else "unknown"
    answer = answer_to(KIND, decisions, default, tuple(one for one, _ in _CHOICES))
    zero = {"zero": np.ones_like(rarely), "by-item": rarely}.get(answer, np.zeros_like(rarely))
    read = replace(rows, zero_missing=zero)
    with_holes = holes.any(axis=1)
    hole_items = many(int(with_holes.sum()), "item")
    known, filled = _mean(rows, np.zeros_like(rarely), with_holes), _mean(rows, np.ones_like(rarely), with_holes)
    words = (
        f"{many(rows.gaps, 'row')} of {hole_items} are missing between first and last. "
        + ("The file holds no zero: it seems to list only what was sold. " if lists_sales else "Elsewhere the file has zeros. ")
        + f"These items sell {known:,.3g} a period where there is a row, and {filled:,.3g} if a missing row is zero; "
        + f"{many(int((rarely & with_holes).sum()), 'item')} of them sell only now and then."
    )
    offer = Offer(
        kind=KIND,
        title="Missing rows",
        words=words,
        count=rows.gaps,
        before=f"{known:,.3g} a period, missing rows unknown",
        after=f"{_mean(rows, zero, with_holes):,.3g} a period as it is read now",
        effect="As unknown, an item that sells now and then is forecast as if it sold always; as zero, a gap in the records "
        "is learned as no demand.",
        default=default,
        answer=answer,
        choices=_CHOICES,
    )
    return Found(read, offer)


def _sell_rarely(rows: Rows, holes: np.ndarray) -> np.ndarray:
    """Which [N] items may well have sold nothing in their holes [N, T]: little is sold at a time, or holes are their habit."""
    items = len(holes)
    sold = rows.inside & (rows.demand > 0)
    count = np.bincount(rows.item[sold], minlength=items)
    mean = np.bincount(rows.item[sold], weights=rows.demand[sold], minlength=items) / np.maximum(count, 1)
    rate = np.maximum(mean - 1.0, 0.0)  # of a Poisson that is seen only where it is above zero: m = λ / (1 − e^−λ)
    for _ in range(30):
        rate = mean * -np.expm1(-rate)
    starts = holes & ~np.column_stack([np.zeros(items, bool), holes[:, :-1]])
    habit = (starts.sum(axis=1) >= _RUNS) & (holes.sum(axis=1) >= _SHARE * (holes.sum(axis=1) + count))
    zeros = np.bincount(rows.item[rows.inside & (rows.demand == 0)], minlength=items)
    return holes.any(axis=1) & (zeros == 0) & ((np.exp(-rate) >= _OWN_ZEROS) | habit)


def _mean(rows: Rows, zero: np.ndarray, items: np.ndarray) -> float:
    """Mean demand of these items [N] where the missing rows of those in ``zero`` [N] are zero."""
    values = replace(rows, zero_missing=zero).history()[items]
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
