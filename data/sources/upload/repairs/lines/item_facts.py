"""What the rows say of the items themselves: attributes, names, and the commercial numbers that buying needs.

A bad number of this kind never stops a file: it is left out and told. Axis letters: R rows, N items.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from data.facts import Check
from data.locations import LOCATION, PRODUCT, SUPPLIED_FROM
from data.schema import COMMERCIAL
from data.sources.upload.column_mapping import changes, plain_name
from data.sources.upload.limits import LARGEST_QUANTITY, LONGEST_NAME, shortened
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found, Sheet
from data.sources.upload.value_parsing import numbers

KIND = "negative-stock"

_CHOICES = (("back-order", "Nothing is on hand, and so much is owed to customers"), ("zero", "Nothing is on hand"))


def read_attributes(rows: Rows, sheet: Sheet) -> list[Check]:
    """Fills in the attributes and names of the items; the last filled cell of each counts."""
    mapping, items, checks = sheet.mapping, len(rows.item_ids), list[Check]()
    for column in (*mapping.static, *([mapping.location] if mapping.location else [])):
        cells = sheet.cells[column]
        moved = changes(rows.item, cells.codes)
        if moved:
            words = f"{column!r} changes within {many(moved, 'item')}; the last one is taken."
            checks.append(Check("Attributes", words, moved, "warning"))
        last = _last_filled(rows.item, cells.codes, items)
        rows.static[plain_name(column)] = np.append(np.array(cells.texts, dtype=object), "unknown")[last]
    if mapping.location and SUPPLIED_FROM in rows.static:  # the catalog's own names, so that locations are found
        cells = sheet.cells[mapping.item_id]
        products = np.array(cells.texts, dtype=object)[_last_filled(rows.item, cells.codes, items)]
        rows.static.setdefault(PRODUCT, products)
        rows.static.setdefault(LOCATION, rows.static[plain_name(mapping.location)])
    ignored = [column for column in sheet.cells if column not in mapping.columns()]
    if ignored:
        checks.append(Check("Columns", f"Left out: {shortened(', '.join(ignored), 300)}.", len(ignored), "note"))
    if mapping.name:
        cells = sheet.cells[mapping.name]
        last = _last_filled(rows.item, cells.codes, items)
        names = (cells.texts[code] if code >= 0 else rows.item_ids[i] for i, code in enumerate(last))
        rows.names = tuple(shortened(name, LONGEST_NAME) for name in names)
    else:
        rows.names = rows.item_ids
    return checks


def read_commercial(rows: Rows, sheet: Sheet, columns: Mapping[str, str], decisions: Decisions) -> Found[Rows]:
    """The rows with the latest usable number of each item, by date, of the commercial ``columns`` (name → column)."""
    found, checks = dict[str, np.ndarray](), list[Check]()
    offer, items = None, len(rows.item_ids)
    order = np.argsort(rows.days, kind="stable") if columns else np.zeros(0, np.int64)
    order = order[(rows.item[order] >= 0) & ~np.isnat(rows.days[order])]
    for name, column in columns.items():
        values, wrong = numbers(sheet.cells[column], sheet.decimal)
        beyond = np.abs(values) > LARGEST_QUANTITY
        bad = wrong | beyond | ((values < 0) & (name != "on_hand"))
        if bad.any():
            what = sheet.cells[column].example(bad)
            words = f"{what} in {column!r} cannot be {name.replace('_', ' ')}: {many(int(bad.sum()), 'cell')} left empty."
            checks.append(Check("Buying", words, int(bad.sum()), "warning"))
        usable = order[np.isfinite(values[order]) & ~bad[order]]
        found[name] = np.full(items, np.nan)
        found[name][rows.item[usable]] = values[usable]  # the last of repeated places wins
    if "on_hand" in found and (found["on_hand"] < 0).any():
        offer = _below_zero(rows, found, decisions)
    rows.commercial = pd.DataFrame(found, index=range(items), columns=[name for name in COMMERCIAL if name in found])
    return Found(rows, offer, tuple(checks))


def _below_zero(rows: Rows, found: dict[str, np.ndarray], decisions: Decisions) -> Offer:
    """Settles stock on hand below zero in ``found`` (name → [N])."""
    stock = found["on_hand"]
    below = stock < 0
    answer = answer_to(KIND, decisions, "back-order", tuple(one for one, _ in _CHOICES))
    first = int(np.flatnonzero(below)[0])
    before = f"{shortened(rows.item_ids[first])}: {stock[first]:,.10g} on hand"
    after = {"back-order": f"0 on hand, {-stock[first]:,.10g} owed", "zero": "0 on hand"}.get(answer, "stock unknown")
    if answer == "back-order":
        owed = found.get("back_orders", np.full(len(stock), np.nan))
        found["back_orders"] = np.where(below, np.nan_to_num(owed) - stock, owed)
    found["on_hand"] = np.where(below, np.nan if answer == NO else 0.0, stock)
    return Offer(
        kind=KIND,
        title="Stock below zero",
        words=f"Stock on hand is below zero in {many(int(below.sum()), 'item')}: sold before it came, and owed to customers.",
        count=int(below.sum()),
        before=before,
        after=after,
        effect="What is owed is bought first, before anything for the demand to come.",
        default="back-order",
        answer=answer,
        choices=_CHOICES,
    )


def _last_filled(item: np.ndarray, codes: np.ndarray, items: int) -> np.ndarray:
    """The code [N] of each item's last filled cell, -1 where all are empty."""
    answer = np.full(items, -1, np.int64)
    filled = (item >= 0) & (codes >= 0)
    answer[item[filled]] = codes[filled]  # the last of repeated places wins
    return answer
