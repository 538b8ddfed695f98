"""A table once, for the page and for the files: columns with a kind, numbers as numbers.

On the page it is plain HTML that lines its numbers up, prints, can be copied and is read out by a screen reader; in a file
it is the same numbers unrounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
import pandas as pd

from data.schema import Frequency
from data.units import PIECES, Unit
from pages.ui.display import formats

Kind = Literal[
    "text", "words", "units", "difference", "count", "price", "money", "percent", "promotion", "loss", "factor", "period"
]


@dataclass(frozen=True)
class Column:
    """One column: ``values`` [N] are text, stamps or numbers (None or NaN where not known) as ``kind`` says.

    "words" are text that may take several lines. ``written`` [N] is what the page shows where the value alone does not say it:
    a difference is there that of the numbers shown beside it, and in a file that of the numbers.
    """

    title: str
    kind: Kind
    values: Sequence[object]
    written: Sequence[str] | None = None


@dataclass(frozen=True)
class Table:
    """Columns of the same length with what is needed to write them: ``marked`` [N] rows carry a sign at their start.

    Columns of units are counted in ``unit``, which the title says where it is not pieces.
    """

    title: str
    columns: tuple[Column, ...]
    frequency: Frequency
    currency: str = "USD"
    marked: Sequence[bool] = ()
    mark: str = "†"
    unit: Unit = PIECES

    def __post_init__(self) -> None:
        said = formats.in_unit("", self.unit)
        if said and not self.title.endswith(said):
            object.__setattr__(self, "title", f"{self.title}{said}")

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def texts(self, column: Column) -> list[str]:
        """The column as it is read on the page."""
        if column.written is not None:
            return list(column.written)
        write = self._writer(column.kind)
        return [write(value) for value in column.values]

    def html(self) -> str:
        """The table as HTML, its text escaped; the title is its caption for those who listen to it."""
        head = "".join(f'<th scope="col"{_align(column)}>{escape(column.title)}</th>' for column in self.columns)
        texts = [self.texts(column) for column in self.columns]
        rows = []
        for row, written in enumerate(zip(*texts, strict=True)):
            marked = bool(len(self.marked)) and bool(self.marked[row])
            cells = list(written)
            if marked:
                cells[0] = f"{cells[0]} {self.mark}"
            first, *others = (
                f"{escape(text)}" if position == 0 else f"<td{_align(column)}>{escape(text)}</td>"
                for position, (column, text) in enumerate(zip(self.columns, cells, strict=True))
            )
            rows.append(f'<tr{" class=marked" if marked else ""}><th scope="row">{first}</th>{"".join(others)}</tr>')
        caption = f"<caption>{escape(self.title)}</caption>"
        return (
            f'<div class="tl-scroll" tabindex="0" role="region" aria-label="{escape(self.title, quote=True)}">'
            f'<table class="tl-table">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        )

    def _writer(self, kind: Kind) -> Callable[[object], str]:
        writers: dict[Kind, Callable[..., str]] = {
            "text": _text,
            "words": _text,
            "units": lambda value: formats.units(value, self.unit),
            "difference": lambda value: formats.difference(value, self.unit),
            "count": formats.whole,
            "price": lambda value: formats.price(value, self.currency),
            "money": lambda value: formats.money(value, self.currency),
            "percent": formats.percent,
            "loss": formats.loss,
            "factor": formats.factor,
            "promotion": lambda share: "" if share == 0 else formats.percent(share),
            "period": lambda value: formats.period(value, self.frequency),
        }
        return writers[kind]


def _align(column: Column) -> str:
    return {"text": "", "period": "", "words": " class=w"}.get(column.kind, " class=n")


def _text(value: object) -> str:
    return formats.UNKNOWN if value is None else str(value)


def stamps(periods: pd.DatetimeIndex) -> Sequence[pd.Timestamp]:
    """Period stamps as values of a column."""
    return list(periods)


def numbers(values: np.ndarray) -> Sequence[float]:
    """An array [N] as values of a column."""
    return np.asarray(values, np.float64).tolist()


def changes(title: str, before: np.ndarray, after: np.ndarray, unit: Unit = PIECES) -> Column:
    """The column that leads from ``before`` [N] to ``after`` [N]."""
    written = [formats.change(*ends, unit) for ends in zip(before, after, strict=True)]
    return Column(title, "difference", numbers(after - before), written)


def bridge(
    titles: Sequence[str], before: np.ndarray, parts: np.ndarray, after: np.ndarray, unit: Unit = PIECES
) -> tuple[Column, ...]:
    """The columns of ``before`` [N], of ``parts`` [P, N] and of ``after`` [N], to which the parts lead.

    A row's numbers have as many decimals as its smaller end needs: 14.6 − 8.3 = 6.3, not 15 − 8.7.
    """
    rows = [formats.steps(*one, unit, alike=True) for one in zip(before, parts.T, after, strict=True)]
    ends = [[f"{value + 0.0:,.{digits}f}" for value, (_, digits) in zip(end, rows, strict=True)] for end in (before, after)]
    moved = [
        Column(title, "difference", numbers(part), [formats.signed(one[place], digits) for one, digits in rows])
        for place, (title, part) in enumerate(zip(titles[1:-1], parts, strict=True))
    ]
    first, last = (
        Column(title, "units", numbers(values), written)
        for title, values, written in ((titles[0], before, ends[0]), (titles[-1], after, ends[1]))
    )
    return (first, *moved, last)
