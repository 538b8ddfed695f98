"""What a repair is: a function that looks for one kind of oddity and gives back the data as it is read with the answer.

    find(data, decisions) → Found | None        None: nothing odd of this kind

There are three kinds of data, in the order in which a file is understood: the ``Sheet`` of its cells, the ``Lines`` that its
cells say before they are laid on a calendar, and the ``Rows`` that lie on one. ``pipeline`` names the repairs of each.

Axis letters: R rows, N items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from data.errors import Problem
from data.facts import Check
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.offers import Decisions, Offer
from data.sources.upload.panel_layout import Rows
from data.sources.upload.value_parsing import Coded, Decimal


@dataclass(frozen=True, eq=False)
class Sheet:
    """The cells of a file under a mapping.

    Attributes
    ----------
    cells : column → its cells [R].
    numbers : [R] each row's number as a spreadsheet shows it.
    mapping : which column is what.
    decimal : how the file writes decimals.
    twice : the file held rows twice, so that others of one item and date may be corrections.
    """

    cells: Mapping[str, Coded]
    numbers: np.ndarray
    mapping: ColumnMapping
    decimal: Decimal
    twice: bool = False

    def take(self, kept: np.ndarray) -> Sheet:
        """The sheet of the rows marked in ``kept`` [R]."""
        cells = {column: Coded(one.texts, one.codes[kept]) for column, one in self.cells.items()}
        return replace(self, cells=cells, numbers=self.numbers[kept])

    def row(self, place: int) -> str:
        """A row as an example shows it."""
        used = [column for column in self.mapping.columns() if column in self.cells] or list(self.cells)
        texts = (one.texts[one.codes[place]] if one.codes[place] >= 0 else "–" for one in map(self.cells.__getitem__, used[:4]))
        return " · ".join(texts)


@dataclass(frozen=True, eq=False)
class Lines:
    """The rows before they lie on a calendar, beside the cells that they were read from, row by row."""

    rows: Rows
    sheet: Sheet

    def take(self, kept: np.ndarray) -> Lines:
        """The lines of the rows marked in ``kept`` [R]."""
        return Lines(self.rows.take(kept), self.sheet.take(kept))


Data = TypeVar("Data", Sheet, Lines, Rows)


@dataclass(frozen=True, eq=False)
class Found(Generic[Data]):
    """What a repair found.

    Attributes
    ----------
    data : as it is read with the answer of the offer.
    offer : what the planner may take or leave; None where there is nothing to decide.
    checks : what is worth knowing of it.
    problems : what stops the loading as long as the offer is not taken.
    """

    data: Data
    offer: Offer | None = None
    checks: tuple[Check, ...] = ()
    problems: tuple[Problem, ...] = ()


Repair = Callable[[Data, Decisions], "Found[Data] | None"]
