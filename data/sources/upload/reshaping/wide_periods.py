"""A wide table, with a column for each period, as one row for each item and period. Nothing is lost by it.

Periods may stand in the names of columns, alone or beside a measure ("2024-01 Units"), over two rows of header, or as months or
weeks without a year beside a column of years. Rows may each be of one measure, named in a column of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.sources.upload import limits
from data.sources.upload.columns.column_names import part_named, plain
from data.sources.upload.dates.calendar_words import MONTHS, folded
from data.sources.upload.dates.date_styles import STYLES, names_a_period, style_of
from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.readers.coded_columns import encoded
from data.sources.upload.readers.report_form import JOIN
from data.sources.upload.readers.table import FileTable, many
from data.sources.upload.value_parsing import coded

#: So many columns named by periods make a table wide.
_LEAST = 4

#: Measures that rows may be of, at most; what the column is called that names them.
_MOST_MEASURES = 20
_MEASURE_NAMES = frozenset(
    {
        "measure",
        "key_figure",
        "keyfigure",
        "kennzahl",
        "metric",
        "measures",
        "indicator",
        "mesure",
        "medida",
        "misura",
        "指标",
        "指標",
    }
)

_SUM = re.compile(
    r"(grand_|sub_?)?(total|sum|summe|gesamt|insgesamt|gesamtsumme|somme|suma|totale|totaal|razem|ytd|average|avg|mean|合计|合計|总计)"
    r"(_.*)?"
)
_YEARLESS = re.compile(r"(?:w|kw|wk|week|woche|s|sem|m|p)[ ._-]?(\d{1,2})", re.IGNORECASE)
_SPLIT = re.compile(r"^(?P<a>.+?)(?: \| |[ _:/-]+)(?P<b>[^\d|]+)$|^(?P<c>[^\d|]+?)(?: \| |[ _:/-]+)(?P<d>.*\d.*)$")


@dataclass(frozen=True)
class _Cell:
    """What one column of a wide table is: its period and its measure, "" where there is only one."""

    column: str
    period: str
    measure: str


def narrow(table: FileTable, decisions: Decisions, name: str) -> FileTable:
    """The table with one row for each item and period where it is wide and that is wanted, and the offer to do so."""
    cells, years = _periods(tuple(table.columns)), ""
    if len(cells) < _LEAST:
        cells, years = _without_years(tuple(table.columns))
    if len(cells) < _LEAST:
        return table
    periods = tuple(dict.fromkeys(cell.period for cell in cells))
    beside = [column for column in table.columns if column not in {cell.column for cell in cells}]
    sums = [column for column in beside if _SUM.fullmatch(plain(column)) or names_a_period(column)]
    beside = [column for column in beside if column not in sums]
    clear = len(cells) >= 6 or len(cells) >= len(beside)
    answer = answer_to("wide-periods", decisions, YES if clear else NO)
    measures = tuple(dict.fromkeys(cell.measure for cell in cells))
    shown = f"{periods[0]} … {periods[-1]}"
    several = f", each with {', '.join(measures)}" if len(measures) > 1 else ""
    offer = Offer(
        kind="wide-periods",
        title="Periods as columns",
        words=f"{many(len(periods), 'period')} stand in columns of their own ({shown}){several}. "
        "Each cell is read as a row with its item and its period; nothing is added up and nothing lost.",
        count=len(cells),
        before=limits.shortened(" | ".join([*beside[:1], *(cell.column for cell in cells[:3])]), 80) + " | …",
        after=limits.shortened(" | ".join([*beside[:1], "Period", *(measure or "Units" for measure in measures)]), 80),
        effect="Without it there is no column of dates, and nothing can be forecast.",
        default=YES if clear else NO,
        answer=answer,
    )
    offers = (*table.offers, offer)
    if answer == NO:
        return replace(table, offers=offers)
    rows = len(table) * len(periods)
    limits.check_cells(name, rows, len(beside) + 1 + len(measures))
    found = _unpivoted(table, cells, beside, years)
    remarks = (*table.remarks, *((f"Left out, for they add up other columns: {', '.join(sums)}.",) if sums else ()))
    return _measures_as_columns(replace(found, offers=offers, remarks=remarks))


def _periods(columns: Sequence[str]) -> list[_Cell]:
    """The columns that are of a period, all written in the one way that most are."""
    found = [cell for column in columns if (cell := _cell(column)) is not None]
    styles = [style_of(cell.period) for cell in found]
    if not styles:
        return []
    main = max(set(styles), key=styles.count)
    orders = {STYLES[main].order}
    return [cell for cell, style in zip(found, styles, strict=True) if STYLES[style].order in orders]


def _cell(column: str) -> _Cell | None:
    if names_a_period(column):
        return _Cell(column, column, "")
    if JOIN in column:
        above, _, below = column.partition(JOIN)
        for period, measure in ((above, below), (below, above)):
            if names_a_period(period):
                return _Cell(column, period, measure)
        return None
    for period, measure in _halves(column):
        if names_a_period(period) and measure.strip():
            return _Cell(column, period, measure.strip())
    return None


def _halves(column: str) -> list[tuple[str, str]]:
    """A name as a period and a measure, either first."""
    match = _SPLIT.match(column)
    if match is None:
        return []
    return [(match["a"], match["b"])] if match["a"] is not None else [(match["d"], match["c"])]


def _without_years(columns: Sequence[str]) -> tuple[list[_Cell], str]:
    """Columns named by months or weeks without a year, and the column that holds the year; none where there is no such one."""
    years = [column for column in columns if part_named(column) == "year"]
    if len(years) != 1:
        return [], ""
    months = [_Cell(c, f"{MONTHS[folded(c.strip('.'))]:02}", "") for c in columns if folded(c.strip(".")) in MONTHS]
    if len(months) >= _LEAST:
        return months, years[0]
    weeks = [(column, match) for column in columns if (match := _YEARLESS.fullmatch(column))]
    kind = "" if any(column[:1] in "mM" for column, _ in weeks) else "W"
    if any(column[:1] in "pP" for column, _ in weeks):  # fiscal periods are no months
        return [], ""
    return [_Cell(column, f"{kind}{int(match[1]):02}", "") for column, match in weeks], years[0]


def _unpivoted(table: FileTable, cells: Sequence[_Cell], beside: Sequence[str], years: str) -> FileTable:
    """One row for each row of the table and each period in which any measure is filled."""
    periods = list(dict.fromkeys(cell.period for cell in cells))
    count, width = len(table), len(periods)
    row = np.repeat(np.arange(count), width)
    columns: dict[str, pa.Array] = {name: table.columns[name].take(pa.array(row)) for name in beside if name != years}
    labels = pa.array(periods, pa.string()).take(pa.array(np.tile(np.arange(width), count)))
    if years:
        held = encoded(table.columns[years])
        named = held.dictionary.cast(pa.float64()).cast(pa.int64(), safe=False).cast(pa.string())
        year = named.take(held.indices).take(pa.array(row))
        labels = pc.binary_join_element_wise(year, labels, "-")
    columns[_free("Period", columns)] = labels
    filled = np.zeros(len(row), dtype=bool)
    for measure in dict.fromkeys(cell.measure for cell in cells):
        by_period = {cell.period: cell.column for cell in cells if cell.measure == measure}
        pieces = [_text(table, by_period.get(period)) for period in periods]
        stacked = np.stack(pieces, axis=1).reshape(-1)  # (R · P,), rows outermost
        columns[_free(measure or "Units", columns)] = pa.array(stacked, pa.string())
        filled |= stacked != ""
    kept = pa.array(filled)
    return replace(table, columns={name: values.filter(kept) for name, values in columns.items()}, rows=table.rows[row][filled])


def _text(table: FileTable, column: str | None) -> np.ndarray:
    """A column's cells [R] as text, "" where empty."""
    if column is None:
        return np.full(len(table), "", dtype=object)
    found = coded(table.columns[column])
    return np.append(np.array(found.texts, dtype=object), "")[found.codes]


def _free(name: str, taken: dict[str, pa.Array]) -> str:
    names = {column.casefold() for column in taken}
    return (
        name
        if name.casefold() not in names
        else next(f"{name} {n}" for n in range(2, 99) if f"{name} {n}".casefold() not in names)
    )


def _measures_as_columns(table: FileTable) -> FileTable:
    """The table with a column for each measure, where each row is of one that another column names."""
    named = [column for column in table.columns if plain(column) in _MEASURE_NAMES]
    values = [column for column in table.columns if plain(column) == "units"]
    if len(named) != 1 or len(values) != 1:
        return table
    measures = coded(table.columns[named[0]])
    if not 1 <= len(measures.texts) <= _MOST_MEASURES or (measures.codes < 0).any():
        return table
    keys = [column for column in table.columns if column not in (*named, *values)]
    frame = pd.DataFrame({column: coded(table.columns[column]).codes for column in keys})
    group = frame.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    if pd.DataFrame({"g": group, "m": measures.codes}).duplicated().any():
        return table
    _, first = np.unique(group, return_index=True)
    columns = {column: table.columns[column].take(pa.array(first)) for column in keys}
    value = _text(table, values[0])
    for place, measure in enumerate(measures.texts):
        cells = np.full(len(first), "", dtype=object)
        mine = measures.codes == place
        cells[group[mine]] = value[mine]
        columns[_free(measure, columns)] = pa.array(cells, pa.string())
    told = f"Each row of the file is of one measure, named in {named[0]!r}: {limits.shortened(', '.join(measures.texts), 200)}."
    return replace(table, columns=columns, rows=table.rows[first], remarks=(*table.remarks, told))
