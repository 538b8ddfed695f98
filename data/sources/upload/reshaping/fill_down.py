"""Cells that a report writes once for each group, filled down to the rows of the group."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from data.sources.upload.columns.column_names import is_money, rank, role_named
from data.sources.upload.dates.column_dates import date_share, dates
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.coded_columns import value_type
from data.sources.upload.readers.table import FileTable, many
from data.sources.upload.value_parsing import Coded, coded, numeric_share

_DATE, _NUMERIC = 0.7, 0.9

#: A share of empty cells below which a column is written in every row, with some missing.
_SPARSE = 0.5

#: Words of rows that add up others, which head no group.
_TOTALS = (
    "total",
    "subtotal",
    "sum",
    "summe",
    "zwischensumme",
    "gesamt",
    "somme",
    "suma",
    "totale",
    "totaal",
    "razem",
    "合計",
    "合计",
    "小計",
    "小计",
)


@dataclass(frozen=True, eq=False)
class _Group:
    """A column written once a group: where it is filled [R], which of these rows only head a group [R], how clear it is."""

    column: str
    cells: Coded
    filled: np.ndarray
    heads: np.ndarray
    clear: bool


def filled_down(table: FileTable, decisions: Decisions) -> FileTable:
    """The table with the cells of groups in every row of theirs where that is wanted, and the offer to do so."""
    sparse = [name for name, cells in table.columns.items() if _is_sparse(cells)]
    if not sparse or len(table) < 4:
        return table
    date = _date_column(table)
    if not date:
        return table
    days = dates(coded(table.columns[date]), day_first=None, day_first_if_unclear=True).days
    groups = [group for name in sparse if name != date and (group := _group(table, name, days)) is not None]
    if not groups:
        return table
    default = YES if all(group.clear for group in groups) else NO
    answer = answer_to("fill-down", decisions, default)
    dated = ~np.isnat(days)
    changed = np.logical_or.reduce([dated & (group.cells.codes < 0) & _below(group, dated) for group in groups])
    one = groups[-1]
    place = int(np.flatnonzero(dated & (one.cells.codes < 0) & _below(one, dated))[0])
    value = one.cells.texts[one.cells.codes[_source(one, dated)[place]]]
    names = shortened(", ".join(repr(group.column) for group in groups), 120)
    offer = Offer(
        kind="fill-down",
        title="Names written once",
        words=f"{names} {'stands' if len(groups) == 1 else 'stand'} only in the first row of each group; "
        f"{many(int(changed.sum()), 'row')} below would take what stands above.",
        count=int(changed.sum()),
        before=f"row {table.rows[place]:,}: (empty)",
        after=f"row {table.rows[place]:,}: {shortened(value)}",
        effect="Without it these rows have no item and stop the loading.",
        default=default,
        answer=answer,
    )
    found = replace(table, offers=(*table.offers, offer))
    return found if answer == NO else _filled(found, groups, dated)


def _filled(table: FileTable, groups: list[_Group], dated: np.ndarray) -> FileTable:
    columns = dict(table.columns)
    for group in groups:
        source = np.where(dated & (group.cells.codes < 0) & _below(group, dated), _source(group, dated), np.arange(len(table)))
        columns[group.column] = columns[group.column].take(pa.array(source))
    heads = np.logical_or.reduce([group.heads for group in groups])
    if not heads.any():
        return replace(table, columns=columns)
    told = f"{many(int(heads.sum()), 'row')} that only head a group hold no demand and are left out."
    kept = pa.array(~heads)
    return replace(
        table,
        columns={name: cells.filter(kept) for name, cells in columns.items()},
        rows=table.rows[~heads],
        remarks=(*table.remarks, told),
    )


def _is_sparse(cells: pa.Array) -> bool:
    if not pa.types.is_string(value_type(cells)):
        return False
    codes = coded(cells).codes
    return len(codes) > 0 and _SPARSE <= float((codes < 0).mean()) < 1


def _date_column(table: FileTable) -> str:
    """The column that looks most like dates, "" for none; one with such a name before another."""
    found = [
        (rank("date", name) is None, place, name)
        for place, (name, cells) in enumerate(table.columns.items())
        if date_share(coded(cells)) >= _DATE or pa.types.is_timestamp(value_type(cells))
    ]
    return min(found)[2] if found else ""


def _group(table: FileTable, name: str, days: np.ndarray) -> _Group | None:
    """The column as one that is written once a group; None where its cells do not begin groups."""
    cells = coded(table.columns[name])
    role = role_named(name)
    numeric = numeric_share(cells, ".") >= _NUMERIC and role not in ("item_id", "location")
    if role not in ("item_id", "location", "name", "") or is_money(name) or numeric or date_share(cells) >= _DATE:
        return None
    dated, filled = ~np.isnat(days), cells.codes >= 0
    heads = filled & ~dated & _alone(table) & ~_totals(cells)
    begins = filled & dated
    where = np.flatnonzero(dated)
    again = np.ones(len(where), dtype=bool)  # the dates begin anew
    again[1:] = days[where][1:] <= days[where][:-1]
    starts = np.zeros(len(days), dtype=bool)
    starts[where[again]] = True
    if heads.any() and not begins.any():
        return _Group(name, cells, filled, heads, True) if heads.sum() > 1 else None
    if begins.sum() < 2 or not begins[where[0]]:
        return None
    within = bool((starts | ~begins).all())  # a filled cell only where the dates begin anew
    whole = bool((begins | ~starts).all())  # and in each such row
    if within and (whole or role != "item_id"):
        return _Group(name, cells, filled, np.zeros(len(days), dtype=bool), True)
    return _Group(name, cells, filled, np.zeros(len(days), dtype=bool), False) if role == "item_id" else None


def _alone(table: FileTable) -> np.ndarray:
    """Where [R] a row has one filled cell and no other."""
    return np.add.reduce([(coded(cells).codes >= 0).astype(np.int64) for cells in table.columns.values()]) == 1


def _totals(cells: Coded) -> np.ndarray:
    texts = np.array([any(word in text.casefold() for word in _TOTALS) for text in cells.texts], dtype=bool)
    return cells.spread(texts, False)


def _source(group: _Group, dated: np.ndarray) -> np.ndarray:
    """For each row [R] the last one at or above it that has the group's cell; -1 where there is none."""
    usable = group.filled & (dated | group.heads)
    return np.maximum.accumulate(np.where(usable, np.arange(len(usable)), -1))


def _below(group: _Group, dated: np.ndarray) -> np.ndarray:
    return _source(group, dated) >= 0
