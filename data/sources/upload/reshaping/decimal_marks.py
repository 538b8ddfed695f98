"""Columns in which every number has one mark and three digits after it: 51,125 is 51 and an eighth, or fifty-one thousand.

Nothing in such a column tells which. The way the file writes its dates may; else it is asked. What is settled is then written
so that it can be read in one way alone.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa

from data.errors import Problem
from data.sources.upload.columns.column_names import plain
from data.sources.upload.dates.column_dates import date_share
from data.sources.upload.limits import shortened
from data.sources.upload.offers import NO, Decisions, Offer, answer_to
from data.sources.upload.readers.coded_columns import value_type
from data.sources.upload.readers.table import FileTable
from data.sources.upload.value_parsing import Coded, coded, decimal_mark, something

_KIND = "decimal-mark"
_DECIMALS, _THOUSANDS = "decimals", "thousands"

_OPEN = {mark: re.compile(rf"[-+]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}-?") for mark in ",."}
_CONTINENTAL = re.compile(r"\d{1,2}\.\d{1,2}\.(\d{4}|\d{2})")
_WEIGHT = re.compile(r"(^|_)(kg|kilograms?|weight|gewicht|poids|peso|tons?|tonnes?|litres?|liters?|menge_kg|waga)(_|$)")

#: Fewer different cells tell nothing; so many times the least is the most where thousands are unlikely.
_LEAST, _SPREAD = 5, 50


def settled_decimals(table: FileTable, decisions: Decisions) -> FileTable:
    """The table with the numbers that leave their mark open written as was decided, or with the problem that asks."""
    if table.format == "Parquet":
        return table
    cells = {name: coded(column) for name, column in table.columns.items() if pa.types.is_string(value_type(column))}
    mark = "." if table.delimiter == ";" else ","  # the one that is read as thousands where nothing proves otherwise
    columns = [name for name, found in cells.items() if _is_open(found, mark)]
    if not columns or decimal_mark(cells.values(), table.delimiter)[1]:
        return table
    first = cells[columns[0]]
    likely = _likely(columns, first, mark)
    continental = any(_writes_dotted_dates(found) for found in cells.values())
    agrees = (mark == ",") == continental  # a file with 31.01.2024 has decimal commas, one with 2024-01-31 decimal points
    default = (_DECIMALS if agrees else NO) if mark == "," else (NO if not continental else _THOUSANDS)
    choices = (_DECIMALS, _THOUSANDS) if likely == _DECIMALS else (_THOUSANDS, _DECIMALS)
    answer = answer_to(_KIND, decisions, default, choices)
    example = something(first.texts)[0]
    read = {_DECIMALS: example.replace(mark, "."), _THOUSANDS: example.replace(mark, "")}
    count = int((first.codes >= 0).sum())
    names = shortened(", ".join(map(repr, columns)), 120)
    words = (
        f"Every number in {names} has one “{mark}” and three digits after it, so that {example} may be {read[_DECIMALS]} or "
    )
    offer = Offer(
        kind=_KIND,
        title="Decimals or thousands",
        words=f"{words}{read[_THOUSANDS]}.",
        count=count,
        before=example,
        after=read.get(answer, "one of both"),
        effect="Demand is a thousand times as much under the one as under the other.",
        default=default,
        answer=answer,
        choices=tuple((one, f"{example} is {read[one]}") for one in choices),
    )
    found = replace(table, offers=(*table.offers, offer))
    if answer == NO:
        ask = Problem(f"{words}{read[_THOUSANDS]}. Say which: {_KIND}={_DECIMALS} or {_KIND}={_THOUSANDS}", count)
        return replace(found, problems=(*found.problems, ask))
    written = {name: _written(cells[name], mark, answer) for name in columns}
    return replace(found, columns={**found.columns, **written})


def _is_open(column: Coded, mark: str) -> bool:
    texts = something(column.texts)
    return (
        len(texts) >= _LEAST
        and all(_OPEN[mark].fullmatch(text) for text in texts)
        and not all(text.rstrip("-").endswith("000") for text in texts)
    )


def _writes_dotted_dates(column: Coded) -> bool:
    texts = something(column.texts)[:200]
    return bool(texts) and all(_CONTINENTAL.match(text) for text in texts) and date_share(column) > 0.9


def _likely(columns: list[str], column: Coded, mark: str) -> str:
    """Which reading is the likelier: weights have decimals, and thousands without a single hundred are odd."""
    sizes = [abs(float(text.strip("-+").replace(mark, "."))) for text in something(column.texts)]
    wide = max(sizes) > _SPREAD * max(min(sizes), 1e-9)
    return _DECIMALS if wide or any(_WEIGHT.search(plain(name)) for name in columns) else _THOUSANDS


def _written(column: Coded, mark: str, answer: str) -> pa.Array:
    """The column with four decimals, which can be read in one way alone, or without its mark."""
    decimal = _OPEN[mark]
    texts = [
        text if not decimal.fullmatch(text) else (text.replace(mark, "") if answer == _THOUSANDS else _four(text))
        for text in column.texts
    ]
    return pa.array(np.append(np.array(texts, dtype=object), None)[column.codes], pa.string())  # type: ignore[call-overload]


def _four(text: str) -> str:
    return f"{text[:-1]}0-" if text.endswith("-") else f"{text}0"
