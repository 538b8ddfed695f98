"""What planners decide, kept beside the catalog in one SQLite file: quantities, terms, reviews, marks, a calendar, and
what changed when.

Every change is one transaction and leaves a line in an audit that only grows. Two planners cannot overwrite each other
unseen: a change says which version it was made on, and is refused where the item has moved on since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from data.errors import ConfigurationError, ResourceError
from data.fiscal_calendar import FiscalCalendar
from data.history_marks import Ledger, Mark
from data.sql import sql

State = Literal["reviewed", "snoozed"]

_TERMS, _HISTORY, _CALENDAR = "terms", "history", "fiscal calendar"  # the subjects of their changes
_SECONDS = 5.0  # that a change waits for another one to end


@dataclass(frozen=True)
class Quantities:
    """Units to buy that a planner has set, by item; ``version`` rises with every change."""

    version: int
    units: Mapping[str, float]


@dataclass(frozen=True)
class Review:
    """What a planner has decided about an item: ``figure`` is what stood there then, and at which creation date."""

    reason: str
    item_id: str
    state: State
    figure: float
    creation_date: str


@dataclass(frozen=True)
class Term:
    """How one item, a category, or, both empty, everything is bought where the catalog does not know: a commercial column."""

    field: str
    value: float
    category: str = ""
    item_id: str = ""


@dataclass(frozen=True)
class Terms:
    """All that were set; ``version`` rises with every change."""

    version: int
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class KeptCalendar:
    """The fiscal calendar of a catalog, None without one; ``version`` rises with every change."""

    version: int = 0
    calendar: FiscalCalendar | None = None


class PlannerStore:
    """The store at ``path``, made where there is none; any number of threads and processes may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def quantities(self, catalog: str, creation_date: str) -> Quantities:
        """What was set for orders of this creation date."""
        with self._connected() as connection:
            return self._quantities(connection, catalog, creation_date)

    def set_quantities(self, catalog: str, creation_date: str, changes: Mapping[str, float | None], version: int) -> Quantities:
        """Sets these items' units, None: as worked out; all of them or, where one has moved on since ``version``, none.

        Raises ResourceError then, and ConfigurationError for units below 0.
        """
        wrong = [item_id for item_id, units in changes.items() if units is not None and not 0 <= units < float("inf")]
        if wrong:
            raise ConfigurationError(f"{changes[wrong[0]]} units cannot be bought of {wrong[0]}. Give 0 or more.")
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for item_id, units in changes.items():
                place: dict[str, object] = {"catalog": catalog, "subject": f"quantity {creation_date}", "item_id": item_id}
                if connection.execute(sql("planner_changed_since"), {**place, "version": version}).fetchall():
                    raise ResourceError(
                        f"Somebody else has changed {item_id} since you opened this list, and nothing was saved. "
                        "Reload the page and look at it again."
                    )
                row = {"catalog": catalog, "creation_date": creation_date, "item_id": item_id}
                if units is None:
                    connection.execute(sql("planner_forget_quantity"), row)
                else:
                    connection.execute(sql("planner_set_quantity"), {**row, "units": units})
                connection.execute(sql("planner_note"), {**place, "value": None if units is None else f"{units:g}"})
            return self._quantities(connection, catalog, creation_date)

    def terms(self, catalog: str) -> Terms:
        """How things are bought where the catalog does not know."""
        with self._connected() as connection:
            return self._terms(connection, catalog)

    def set_terms(self, catalog: str, category: str, item_id: str, changes: Mapping[str, float | None], version: int) -> Terms:
        """Sets these fields of a scope, None: no longer; all of them or, where one has moved on since ``version``, none.

        Raises ResourceError then, and ConfigurationError for a number below 0.
        """
        wrong = [field for field, value in changes.items() if value is not None and not 0 <= value < float("inf")]
        if wrong:
            raise ConfigurationError(f"{wrong[0]} cannot be {changes[wrong[0]]}. Give 0 or more.")
        scope = f"item {item_id}" if item_id else f"category {category}" if category else "all items"
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for field, value in changes.items():
                place: dict[str, object] = {"catalog": catalog, "subject": _TERMS, "item_id": f"{field} of {scope}"}
                if connection.execute(sql("planner_changed_since"), {**place, "version": version}).fetchall():
                    raise ResourceError(
                        f"Somebody else has changed {field.replace('_', ' ')} of {scope} since you opened this page, and "
                        "nothing was saved. Reload the page and look at it again."
                    )
                row = {"catalog": catalog, "category": category, "item_id": item_id, "field": field}
                if value is None:
                    connection.execute(sql("planner_forget_term"), row)
                else:
                    connection.execute(sql("planner_set_term"), {**row, "value": value})
                connection.execute(sql("planner_note"), {**place, "value": None if value is None else f"{value:g}"})
            return self._terms(connection, catalog)

    def ledger(self, catalog: str) -> Ledger:
        """All marks of the catalog's history; none where nothing was ever kept, and then nothing is written either."""
        if not self._path.is_file():
            return Ledger()
        with self._connected() as connection:
            return self._ledger(connection, catalog)

    def add_mark(self, catalog: str, mark: Mark, version: int) -> Ledger:
        """Keeps a mark; raises ResourceError where somebody has marked the same item, category or all since ``version``."""
        if not mark.reason.strip():
            raise ConfigurationError("Say why, so that others can follow you later. Give a reason.")
        row = {"catalog": catalog, **{name: value for name, value in vars(mark).items() if name != "number"}}
        number = "" if mark.units is None else f" {mark.units:g}"
        what = " ".join(filter(None, [mark.kind, f"{mark.first}…{mark.last}", mark.other, mark.name])) + number
        return self._marked(catalog, mark.scope, "planner_mark", row, f"{what}: {mark.reason}", version)

    def undo_mark(self, catalog: str, mark: Mark, version: int) -> Ledger:
        """Takes one back; raises ResourceError as ``add_mark``."""
        row = {"catalog": catalog, "number": mark.number}
        return self._marked(catalog, mark.scope, "planner_undo_mark", row, f"undone: {mark.kind} {mark.number}", version)

    def _marked(self, catalog: str, scope: str, change: str, row: Mapping[str, object], note: str, version: int) -> Ledger:
        place: dict[str, object] = {"catalog": catalog, "subject": _HISTORY, "item_id": scope}
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute(sql("planner_changed_since"), {**place, "version": version}).fetchall():
                raise ResourceError(
                    f"Somebody else has marked the history of {scope} since you opened this page, and nothing was saved. "
                    "Reload the page and look at it again."
                )
            connection.execute(sql(change), row)
            connection.execute(sql("planner_note"), {**place, "value": note})
            return self._ledger(connection, catalog)

    def calendar(self, catalog: str) -> KeptCalendar:
        """The fiscal calendar; none where nothing was ever kept, and then nothing is written either."""
        if not self._path.is_file():
            return KeptCalendar()
        with self._connected() as connection:
            return self._calendar(connection, catalog)

    def set_calendar(self, catalog: str, calendar: FiscalCalendar | None, version: int) -> KeptCalendar:
        """Keeps one, None: none any more; raises ResourceError where somebody has changed it since ``version``."""
        place: dict[str, object] = {"catalog": catalog, "subject": _CALENDAR, "item_id": ""}
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute(sql("planner_changed_since"), {**place, "version": version}).fetchall():
                raise ResourceError(
                    "Somebody else has changed the fiscal calendar since you opened this page, and nothing was saved. "
                    "Reload the page and look at it again."
                )
            if calendar is None:
                connection.execute(sql("planner_forget_calendar"), {"catalog": catalog})
            else:
                connection.execute(sql("planner_set_calendar"), {"catalog": catalog, **vars(calendar)})
            connection.execute(sql("planner_note"), {**place, "value": calendar.words if calendar else None})
            return self._calendar(connection, catalog)

    def reviews(self, catalog: str) -> tuple[Review, ...]:
        """Everything that was dealt with."""
        with self._connected() as connection:
            return tuple(Review(*row) for row in connection.execute(sql("planner_reviews"), {"catalog": catalog}))

    def set_review(self, catalog: str, review: Review) -> None:
        """Keeps one, in the place of an earlier one of the same item and reason."""
        row = {"catalog": catalog, **vars(review)}
        self._noted(catalog, review.reason, review.item_id, f"{review.state} at {review.figure:g}", "planner_set_review", row)

    def forget_review(self, catalog: str, reason: str, item_id: str) -> None:
        """Takes one back."""
        row = {"catalog": catalog, "reason": reason, "item_id": item_id}
        self._noted(catalog, reason, item_id, None, "planner_forget_review", row)

    def _noted(
        self, catalog: str, reason: str, item_id: str, value: str | None, change: str, row: Mapping[str, object]
    ) -> None:
        note = {"catalog": catalog, "subject": f"review {reason}", "item_id": item_id, "value": value}
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(sql(change), row)
            connection.execute(sql("planner_note"), note)

    def set_aside_if_damaged(self) -> str:
        """Renames a store that is no store any more, so that a new one begins; what to tell of it, "" where it is sound."""
        if not self._path.is_file():
            return ""
        try:
            with closing(sqlite3.connect(self._path, timeout=_SECONDS)) as connection:
                found = connection.execute("PRAGMA quick_check").fetchall()
                sound = found == [("ok",)]
                connection.executescript(sql("planner_tables"))
        except sqlite3.OperationalError:  # locked, or not to be written: whoever uses it is told
            return ""
        except sqlite3.Error:
            sound = False
        if sound:
            return ""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        kept = self._path.with_name(f"{self._path.name}.damaged-{stamp}")
        for end in ("-wal", "-shm"):
            log = Path(f"{self._path}{end}")
            if log.is_file():
                log.replace(f"{kept}{end}")
        self._path.replace(kept)
        return (
            f"What planners decided cannot be read and is set aside as {kept}; a new store begins. "
            "Put a copy of the old one in its place to have the decisions back."
        )

    @staticmethod
    def _ledger(connection: sqlite3.Connection, catalog: str) -> Ledger:
        ((version,),) = connection.execute(sql("planner_version"), {"catalog": catalog, "subject": _HISTORY}).fetchall()
        rows = connection.execute(sql("planner_marks"), {"catalog": catalog}).fetchall()
        return Ledger(version, tuple(Mark(*row) for row in rows))

    @staticmethod
    def _calendar(connection: sqlite3.Connection, catalog: str) -> KeptCalendar:
        subject = {"catalog": catalog, "subject": _CALENDAR}
        ((version,),) = connection.execute(sql("planner_version"), subject).fetchall()
        rows = connection.execute(sql("planner_calendar"), {"catalog": catalog}).fetchall()
        return KeptCalendar(version, FiscalCalendar(*rows[0]) if rows else None)

    @staticmethod
    def _terms(connection: sqlite3.Connection, catalog: str) -> Terms:
        ((version,),) = connection.execute(sql("planner_version"), {"catalog": catalog, "subject": _TERMS}).fetchall()
        rows = connection.execute(sql("planner_terms"), {"catalog": catalog}).fetchall()
        return Terms(version, tuple(Term(field, value, category, item_id) for field, category, item_id, value in rows))

    @staticmethod
    def _quantities(connection: sqlite3.Connection, catalog: str, creation_date: str) -> Quantities:
        subject = {"catalog": catalog, "subject": f"quantity {creation_date}"}
        ((version,),) = connection.execute(sql("planner_version"), subject).fetchall()
        rows = connection.execute(sql("planner_quantities"), {"catalog": catalog, "creation_date": creation_date}).fetchall()
        return Quantities(version, MappingProxyType(dict(rows)))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """A connection whose changes are kept if nothing is raised, and none of them else."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = sqlite3.connect(self._path, timeout=_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise ResourceError(
                f"{self._path} cannot be opened: {error}. Check that the directory can be written to."
            ) from error
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(sql("planner_tables"))
            yield connection
            if connection.in_transaction:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise ResourceError(f"{self._path} cannot be used: {error}. Try again; if it stays so, restore a copy.") from error
        finally:
            connection.close()  # what was not committed is rolled back
