"""A file that a planner brought: previewed, mapped to the data contract, checked, and loaded all or nothing.

``preview`` proposes what the columns are and tells what it found; ``review`` tells it again for another mapping;
``load`` writes the catalog, or raises UploadError with all that is wrong and leaves the catalog in use as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import DataError, Problem, UploadError
from data.facts import Check
from data.orders import Orders
from data.schema import Frequency
from data.sources.upload.column_mapping import ColumnMapping, plain_name
from data.sources.upload.columns.proposal import proposed
from data.sources.upload.file_formats import OF_READING, Content, read_file
from data.sources.upload.limits import shortened
from data.sources.upload.offers import Decisions, Offer
from data.sources.upload.panel_layout import Rows
from data.sources.upload.places.postgres import PostgresTable
from data.sources.upload.purchase_orders import OrdersFile
from data.sources.upload.readers.coded_columns import Telling, silent
from data.sources.upload.readers.table import FileTable
from data.sources.upload.recipes import Recipe, now, signature
from data.sources.upload.reshaping.reshape import reshaped
from data.sources.upload.row_checks import read_rows
from data.sources.upload.value_parsing import Coded, coded, decimal_mark
from data.sources.upload.writing.added import added
from data.sources.upload.writing.kept_rows import KeptRows
from data.sources.upload.writing.write_catalog import Naming, chunks_of, write

#: Rows of the file that the preview shows.
FIRST_ROWS = 8

#: Offers may show others; so many rounds bring all of them out.
_ROUNDS = 6

#: Characters of a cell that it shows.
_SHOWN = 120


@dataclass(frozen=True, eq=False)
class Standing:
    """What stays of a catalog that a file is added to: the ``words`` for where it came from, and its purchase orders."""

    words: str
    orders: Orders


@dataclass(frozen=True, eq=False)
class UploadPreview:
    """What a file holds under a mapping, before anything is loaded.

    Attributes
    ----------
    file_name : as it was brought.
    columns : the headers of the file.
    mapping : which column is what.
    first_rows : the first cells, as text, in the order of ``columns``.
    rows, items : how many.
    frequency : the step between periods, None where the dates do not tell it.
    frequency_words : the step and what its stamps are ("Weeks, stamped on Sundays").
    date_format : how the dates are written, by example.
    first, last : the first and last period with demand.
    gaps : rows that are not there between an item's first and last.
    planned : periods after the last with demand, for which prices, promotions or other known numbers are given.
    known, past, static : the catalog's columns that would come of it.
    checks : what was found and does not stop the loading.
    problems : what does.
    offers : repairs that may be taken or left, each with what it is read with now.
    decisions : what was decided on them.
    signature : of the form of the file, which next week's file has, too.
    recipe : the file of the same form after which it is read, "" where there is none.
    """

    file_name: str
    columns: tuple[str, ...]
    mapping: ColumnMapping
    first_rows: tuple[tuple[str, ...], ...]
    rows: int
    items: int
    frequency: Frequency | None
    frequency_words: str
    date_format: str
    first: pd.Timestamp | None
    last: pd.Timestamp | None
    gaps: int
    planned: int
    known: tuple[str, ...]
    past: tuple[str, ...]
    static: tuple[str, ...]
    checks: tuple[Check, ...]
    problems: tuple[Problem, ...]
    offers: tuple[Offer, ...] = ()
    decisions: Decisions = field(default_factory=dict)
    signature: str = ""
    recipe: str = ""
    _content: Content = field(repr=False, default=b"")
    _read: FileTable | None = field(repr=False, default=None)
    _cells: Mapping[str, Coded] = field(repr=False, default_factory=dict)
    _table: FileTable | None = field(repr=False, default=None)
    _rows: Rows | None = field(repr=False, default=None)
    _proposed: ColumnMapping = field(repr=False, default_factory=ColumnMapping)
    _notes: tuple[Check, ...] = field(repr=False, default=())

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The items, as the catalog would name them."""
        return self._rows.item_ids if self._rows is not None else ()

    @property
    def periods(self) -> int:
        """How many periods from the first with demand to the last."""
        return self._rows.periods if self._rows is not None and self.frequency is not None else 0

    @property
    def total_demand(self) -> float:
        """What was sold in all, as far as it is known."""
        if self._rows is None or not self.periods:
            return 0.0
        demand = self._rows.demand
        return float(demand[self._rows.inside & np.isfinite(demand)].sum())

    @property
    def locations(self) -> int:
        """How many locations the items are at, 0 where the file names none."""
        column = self.mapping.location
        return len(self._cells[column].texts) if column in self._cells else 0

    @property
    def whence(self) -> str:
        """Where it comes from, as a catalog says it."""
        held = self._content
        kind = "table" if isinstance(held, PostgresTable) else "folder" if isinstance(held, Path) and held.is_dir() else "file"
        return f"the {kind} {self.file_name}"

    @property
    def loadable(self) -> bool:
        """Whether ``load`` would write it."""
        return not self.problems


def preview(
    name: str,
    content: Content,
    decisions: Decisions | None = None,
    tell: Telling = silent,
    recipe_for: Callable[[str], Recipe | None] = lambda signature: None,
) -> UploadPreview:
    """What the file ``name`` holds, under the mapping that its headers suggest and what was decided.

    ``content`` is its bytes, or where it lies; a long reading is told. Where ``recipe_for`` its signature knows how one of its
    form was read, it is read so.

    Raises UploadError where it cannot be read as a table at all: empty, too large, in no
    known encoding, not what its name says.
    """
    found = _columns_of(name, content, read_file(name, content, decisions or {}, tell), decisions or {}, tell)
    recipe = recipe_for(found.signature)
    return review(found, found.mapping, tell) if recipe is None else as_before(found, recipe, tell)


def _columns_of(name: str, content: Content, read: FileTable, decisions: Decisions, tell: Telling) -> UploadPreview:
    """What the columns are of the table that was ``read`` of a file; its rows are for ``review``."""
    decided = dict(decisions)
    tell(0, 1, f"Finding out what the columns of {name} are")
    table = reshaped(read, decided, name)
    cells = {column: coded(values) for column, values in table.columns.items()}
    decimal, _ = decimal_mark(cells.values(), table.delimiter)
    proposal = proposed(table, cells, decimal, name, decided)
    return UploadPreview(
        file_name=name,
        columns=tuple(proposal.cells),
        mapping=proposal.mapping,
        first_rows=_first_rows(proposal.cells),
        rows=len(table),
        items=0,
        frequency=None,
        frequency_words="",
        date_format="",
        first=None,
        last=None,
        gaps=0,
        planned=0,
        known=(),
        past=(),
        static=(),
        checks=(),
        problems=(),
        decisions=decided,
        signature=signature(read),
        _content=content,
        _cells=proposal.cells,
        _read=read,
        _table=proposal.table,
        _proposed=proposal.mapping,
        _notes=proposal.checks,
    )


def review(preview: UploadPreview, mapping: ColumnMapping, tell: Telling = silent) -> UploadPreview:
    """The preview of the same file under another mapping."""
    table = preview._table
    assert table is not None
    rows = read_rows(table, preview._cells, mapping, preview.decisions, tell)
    calendar = rows.calendar
    return replace(
        preview,
        mapping=mapping,
        items=len(rows.item_ids),
        frequency=calendar.frequency if calendar else None,
        frequency_words=calendar.words if calendar else "",
        date_format=rows.date_format,
        first=calendar.periods[0] if calendar and rows.periods else None,
        last=calendar.periods[rows.periods - 1] if calendar and rows.periods else None,
        gaps=rows.gaps,
        planned=rows.planned,
        known=tuple(rows.known),
        past=tuple(rows.past),
        static=tuple(plain_name(column) for column in rows.static),
        checks=(*(preview._notes if mapping == preview._proposed else ()), *rows.checks),
        problems=rows.problems,
        offers=(*table.offers, *rows.offers),
        _rows=rows,
    )


def decide(preview: UploadPreview, decisions: Decisions, tell: Telling = silent) -> UploadPreview:
    """The preview of the same file under the same mapping, read with these decisions in the place of the earlier ones.

    Raises UploadError where it cannot be read at all with them.
    """
    again = _again(preview, decisions, tell)
    return review(again, _carried(preview, again), tell)


def all_answered(preview: UploadPreview, answer: str, tell: Telling = silent) -> UploadPreview:
    """The same with this ``answer`` to every offer that was not decided on, those that come to light by it included."""
    for _ in range(_ROUNDS):
        more = {offer.kind: answer for offer in preview.offers if offer.kind not in preview.decisions}
        if not more:
            break
        preview = decide(preview, {**preview.decisions, **more}, tell)
    return preview


def _again(preview: UploadPreview, decisions: Decisions, tell: Telling) -> UploadPreview:
    """The columns of the same file with other decisions; its cells are read again only where those change how they are read."""
    read = preview._read
    if read is None or any(decisions.get(kind) != preview.decisions.get(kind) for kind in OF_READING):
        read = read_file(preview.file_name, preview._content, decisions, tell)
    return _columns_of(preview.file_name, preview._content, read, decisions, tell)


def _carried(preview: UploadPreview, again: UploadPreview) -> ColumnMapping:
    """The mapping proposed for the file as it is read now, with what the planner had chosen otherwise where it still fits."""
    chosen = {
        one.name: value
        for one in fields(ColumnMapping)
        if (value := getattr(preview.mapping, one.name)) != getattr(preview._proposed, one.name)
    }
    mapping = replace(again._proposed, **chosen)
    return mapping if _has_all(again, mapping) else again._proposed


def _has_all(preview: UploadPreview, mapping: ColumnMapping) -> bool:
    """Whether the file has all columns of the mapping."""
    return set(mapping.columns()) <= set(preview.columns)


def with_mapping(preview: UploadPreview, mapping: ColumnMapping, tell: Telling = silent) -> UploadPreview:
    """The preview under another mapping where the file has all its columns; as it is where it has not."""
    return preview if mapping == preview.mapping or not _has_all(preview, mapping) else review(preview, mapping, tell)


def as_before(preview: UploadPreview, recipe: Recipe, tell: Telling = silent) -> UploadPreview:
    """The preview of the same file read as one of its form was before; what came since is read as usual."""
    again = _again(preview, recipe.decisions, tell) if recipe.decisions else preview
    mapping = recipe.mapping if _has_all(again, recipe.mapping) else _carried(preview, again)
    return replace(review(again, mapping, tell), recipe=recipe.file_name)


def afresh(preview: UploadPreview, tell: Telling = silent) -> UploadPreview:
    """The preview of the same file as if none of its form had been read before."""
    again = _again(preview, {}, tell)
    return review(again, again.mapping, tell)


def recipe_of(preview: UploadPreview, mapping: ColumnMapping) -> Recipe:
    """How the file is read, for the next one of its form."""
    decided = {**preview.decisions, **{offer.kind: offer.answer for offer in preview.offers}}
    return Recipe(preview.signature, preview.file_name, mapping, decided, now())


def add_to(preview: UploadPreview, kept: KeptRows, tell: Telling = silent) -> UploadPreview:
    """The previewed file together with the rows that a catalog was made of, read as that catalog was.

    Raises UploadError where the file lacks columns that the catalog was read from.
    """
    decided = dict(kept.recipe.decisions)
    file = preview if preview.decisions == decided else _again(preview, decided, tell)
    assert file._table is not None
    made = set(file._table.columns) - set(file._read.columns if file._read is not None else ())
    table = added(kept, file._table, preview.file_name, made)
    cells = {column: coded(values) for column, values in table.columns.items()}
    together = replace(
        file,
        columns=tuple(cells),
        first_rows=_first_rows({column: _ending(one) for column, one in cells.items()}),
        rows=len(table),
        decisions=decided,
        _cells=cells,
        _table=table,
        _proposed=ColumnMapping(),
        _notes=(),
    )
    return review(together, kept.recipe.mapping, tell)


def _ending(column: Coded) -> Coded:
    """The last cells of a column."""
    return Coded(column.texts, column.codes[-FIRST_ROWS:])


def rows_of(preview: UploadPreview) -> tuple[FileTable, Rows]:
    """The cells that a preview was made of and what was read of them, for those who keep or compare them."""
    assert preview._table is not None
    assert preview._rows is not None
    return preview._table, preview._rows


def load(
    preview: UploadPreview,
    mapping: ColumnMapping,
    catalog_name: str,
    path: Path,
    orders: OrdersFile | None = None,
    tell: Telling = silent,
    standing: Standing | None = None,
) -> None:
    """Writes the catalog at ``path`` from the previewed file, with the ``orders`` of another file where there is one.

    ``standing`` is what goes on of the catalog that the file was added to.

    Raises UploadError, with every problem found, where the file under this mapping breaks the contract; the catalog in
    use then stays as it was.
    """
    reviewed = preview if preview.mapping == mapping else review(preview, mapping, tell)
    if reviewed.problems:
        raise UploadError(f"{preview.file_name} was not loaded; the catalog in use stays as it was.", reviewed.problems)
    rows = reviewed._rows
    assert rows is not None
    assert rows.calendar is not None
    orders = orders and orders.written_as(rows.item_ids)
    if orders is not None and (wrong := (*orders.problems, *orders.unknown_items(rows.item_ids))):
        raise UploadError(f"{orders.file_name} was not loaded; the catalog in use stays as it was.", wrong)
    checks = list(reviewed.checks)
    if orders is not None:
        last = rows.calendar.periods[rows.periods - 1]
        checks += orders.found(last, rows.calendar.frequency, mapping.stamp)
    naming = Naming(
        name=catalog_name,
        words=f"{standing.words} Added last: {preview.whence}." if standing else f"Loaded from {preview.whence}.",
        frequency=rows.calendar.frequency,
        price_seen=rows.price_seen,
        currency=mapping.currency,
        country=mapping.country,
        stamp=mapping.stamp,
    )
    try:
        write(
            path,
            naming,
            chunks_of(rows),
            len(rows.item_ids),
            orders=orders.orders if orders is not None else standing.orders if standing else None,
            checks=checks,
            tell=tell,
        )
    except UploadError:
        raise
    except DataError as error:
        raise UploadError(
            f"{preview.file_name} was not loaded; the catalog in use stays as it was.", [Problem(str(error))]
        ) from error


def _first_rows(cells: Mapping[str, Coded]) -> tuple[tuple[str, ...], ...]:
    shown = [[shortened(c.texts[code], _SHOWN) if code >= 0 else "" for code in c.codes[:FIRST_ROWS]] for c in cells.values()]
    return tuple(zip(*shown, strict=True))
