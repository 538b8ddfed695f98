"""The catalog as the rest of the program reads it: one DuckDB file, opened read-only and locked down.

Every call takes a cursor of its own, so one Catalog serves any number of threads. The file is attached to a connection
of this Catalog alone: a catalog swapped in later is seen by those who open it later, and never mixed with this one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.assortment import Assortment, assortment_of
from data.errors import DataError, ResourceError, TidelineError, UnknownItem
from data.events import periods_ahead
from data.facts import About, Check, ItemFacts, SearchResult, Severity
from data.history_marks import Ledger
from data.orders import Orders
from data.plans import filled_plan, given_cells, usual_of_group
from data.schema import COMMERCIAL, CONTRACT_VERSION, PRICE, GroupSeries, Panel, Plan
from data.sql import sql

__all__ = ["About", "Catalog", "Check", "ItemFacts", "SearchResult", "Severity"]

#: How a DuckDB connection is configured.
Settings = dict[str, str | bool | int | float | list[str]]

#: Horizons whose plan of groups and events is kept.
_KEPT_PLANS = 8

#: Words of a search that are looked for one by one; further ones must stand together as typed.
_WORDS = 4


class Catalog:
    """The catalog at ``path``; raises ResourceError where there is none or it cannot be read."""

    def __init__(self, path: Path, *, memory_limit: str = "1GB", threads: int = 2) -> None:
        if not path.is_file():
            raise ResourceError(f"There is no catalog at {path}. Load data first.")
        settings: Settings = {"memory_limit": memory_limit, "threads": threads}
        settings |= {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
        self._connection = duckdb.connect(":memory:", config=settings)
        try:
            self._connection.execute(sql("open_catalog"), [str(path)])
            self._connection.execute(sql("lock_connection"))
            self._facts = self._records("about")[0]
            contract = self._facts["contract_version"]
        except (duckdb.Error, TidelineError, LookupError, UnicodeDecodeError) as error:
            self._connection.close()
            raise ResourceError(f"The catalog at {path} cannot be read: {error}. Load the data again.") from error
        if contract != CONTRACT_VERSION:
            self._connection.close()
            raise ResourceError(
                f"The catalog at {path} follows contract {contract} and this program reads "
                f"contract {CONTRACT_VERSION}. Load the data again."
            )
        try:
            self.about = About.of(self._facts)
        except (DataError, LookupError, ValueError, TypeError) as error:
            self._connection.close()
            raise ResourceError(
                f"The catalog at {path} lacks what this program reads of it ({error}). Load the data again."
            ) from error
        self._plans: dict[int, Plan] = {}
        self._place = lru_cache(maxsize=1024)(self._look_up)

    def close(self) -> None:
        """Ends the connection; the file is free."""
        self._connection.close()

    # items

    def item(self, item_id: str) -> ItemFacts:
        """The facts of one item; raises UnknownItem."""
        rank = self._place(item_id)[1]
        return self._item_facts(self._records("facts_by_rank", first=rank, last=rank + 1)[0])

    def items(self, item_ids: Sequence[str]) -> tuple[ItemFacts, ...]:
        """The facts of these items, in this order; raises UnknownItem."""
        return self._facts_of(self._places(item_ids)[1])

    def search(self, text: str, *, limit: int = 20, offset: int = 0) -> SearchResult:
        """Items whose id, name or attributes hold every word of ``text``, whatever the case.

        Ids that are or begin with ``text`` come first, then best sellers. No text at all lists the best sellers.
        """
        key = folded(text.strip())
        if not key:
            best = self._records("facts_by_rank", first=offset, last=offset + limit)
            return SearchResult(tuple(map(self._item_facts, best)), self.about.items)
        span = {"key": key, "beyond": key + "\U0010ffff"}
        words = _search_words(key)
        by_id = self._number("count_by_id", **span)
        ranks = self._ranks("search_by_id", limit=limit, offset=offset, **span) if offset < by_id else []
        wanted, skipped = limit - len(ranks), max(0, offset - by_id)
        found = self._ranks("search_by_words", key=key, limit=wanted, offset=skipped, **words) if wanted else []
        if wanted and len(found) < wanted and (found or not skipped):
            total = by_id + skipped + len(found)
        else:
            total = by_id + self._number("count_by_words", key=key, **words)
        return SearchResult(self._facts_of([*ranks, *found]), total)

    def assortment(self) -> Assortment:
        """All items with their commercial columns, best sellers first; read once."""
        return self._assortment

    @cached_property
    def _assortment(self) -> Assortment:
        return assortment_of(self._rows("assortment"), self.about.static, COMMERCIAL)

    def known_periods(self) -> np.ndarray:
        """[N] in how many periods each item's demand is known, best sellers first."""
        return self._rows("known_periods")["known"].to_numpy()

    def orders(self) -> Orders:
        """Purchase orders, oldest first; none where the catalog was given none."""
        return Orders.of_table(self._rows("orders")) if self._number("has_orders") else Orders.none()

    def checks(self) -> tuple[Check, ...]:
        """What the import found, in the order found."""
        return tuple(Check(**row) for row in self._records("checks"))

    # history

    def panel(self, item_ids: Sequence[str] | None = None) -> Panel:
        """The whole history of these items, in this order, or of all; groups are those of the whole catalog.

        Raises UnknownItem.
        """
        return self._panel(self._rows("history_all") if item_ids is None else self._history_rows(item_ids))

    def _history_rows(self, item_ids: Sequence[str]) -> pa.Table:
        """As stored, of these items."""
        if len(item_ids) == 1:
            return self._rows("history_of_place", place=self._place(item_ids[0])[0])
        places = self._places(item_ids)[0]
        return _in_order(self._rows("history_of_places", places=places), "place", places)

    @property
    def ledger(self) -> Ledger:
        """What planners say of this history; nothing here, where it is read as imported: see ``data.corrected_catalog``."""
        return Ledger()

    def as_it_is(self) -> Self:
        """The same catalog, whatever planners say of it later."""
        return self

    def batches(self, size: int) -> Iterator[Panel]:
        """All items in catalog order, ``size`` at a time."""
        for first in range(0, self.about.items, size):
            yield self._panel(self._rows("history_stretch", first=first, last=first + size))

    def batches_with_plan(self, size: int, horizon: int, first: int = 0) -> Iterator[tuple[Panel, Plan]]:
        """Items from the ``first`` on in catalog order, ``size`` at a time, each batch with its plan of ``horizon`` periods."""
        for begin in range(first, self.about.items, size):
            stretch = {"first": begin, "last": begin + size}
            plan = self._plan(self._rows("plan_stretch", **stretch), horizon)
            yield self._panel(self._rows("history_stretch", **stretch)), plan

    def plan(self, item_ids: Sequence[str] | None, horizon: int) -> Plan:
        """What is known of the ``horizon`` periods after the last, for these items or all.

        What nobody planned is as usual, see ``data.plans``. Raises UnknownItem.
        """
        if item_ids is None:
            rows = self._rows("plan_all")
        else:
            places = [self._place(item_ids[0])[0]] if len(item_ids) == 1 else self._places(item_ids)[0]
            rows = _in_order(self._rows("plan_of_places", places=places), "place", places)
        return self._plan(rows, horizon)

    def _plan(self, rows: pa.Table, horizon: int) -> Plan:
        known, given = {}, {}
        for name in self.about.known:
            planned = _planned(rows, name, self.about.planned)
            known[name] = filled_plan(planned, rows[f"usual_{name}"].to_numpy().astype(np.float32), horizon)
            given[name] = given_cells(planned, horizon)
        return replace(self._plan_of_all(horizon), known=known, given=given)

    # what is read once

    @cached_property
    def _periods(self) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self._facts["periods"]).as_unit("us")

    @property
    def _event_names(self) -> tuple[str, ...]:
        return tuple(self._facts["event_names"])

    @cached_property
    def _planned_ahead(self) -> frozenset[str]:
        """The covariates of which the catalog plans anything."""
        return frozenset(self._facts["planned_ahead"])

    @cached_property
    def _events(self) -> tuple[np.ndarray, np.ndarray]:
        """Flags of the events, [T, E] in history and [F, E] after it."""
        rows = self._rows("events")
        periods = pd.DatetimeIndex(rows["period"].to_numpy()).as_unit("us")
        history, last = self._periods, self.about.last
        ahead = periods_ahead(self.about.frequency)
        columns = pd.Index(self._event_names).get_indexer(rows["event"].to_pylist())
        every = history.append(self.about.frequency.after(last, ahead))
        marks = np.zeros((len(every), len(self._event_names)), np.float32)
        marks[every.get_indexer(periods), columns] = 1.0
        marks.flags.writeable = False
        return marks[: len(history)], marks[len(history) :]

    @cached_property
    def _groups(self) -> tuple[GroupSeries, ...]:
        """The groups of the whole catalog, with no item's codes."""
        return tuple(
            GroupSeries(
                column=column,
                labels=rows["label"].to_numpy(zero_copy_only=False),
                codes=np.zeros(0, np.int32),
                demand=_matrix(rows["demand"]),
                sellers=_matrix(rows["sellers"]),
                known={name: _matrix(rows[f"known_{name}"]) for name in self.about.known},
            )
            for column, rows in self._group_rows.items()
        )

    @cached_property
    def _group_rows(self) -> dict[str, pa.Table]:
        rows = self._rows("groups")
        return {column: rows.filter(pc.equal(rows["attribute"], column)) for column in self._facts["grouped_by"]}

    @cached_property
    def _label_codes(self) -> dict[str, dict[str, int]]:
        return {group.column: {label: code for code, label in enumerate(group.labels)} for group in self._groups}

    def _codes(self, column: str, static: Mapping[str, np.ndarray], items: int) -> np.ndarray:
        """The group [N] of each item; "" is the one group of all."""
        codes = self._label_codes[column]
        return np.array([codes[label] for label in static[column]] if column else [0] * items, dtype=np.int32)

    def _plan_of_all(self, horizon: int) -> Plan:
        """What of a plan is the same for every item: dates, groups and events."""
        plan = self._plans.get(horizon)
        if plan is None:
            events = np.zeros((horizon, len(self._event_names)), np.float32)
            events[: len(self._events[1])] = self._events[1][:horizon]
            plan = Plan(
                periods=self.about.frequency.after(self.about.last, horizon),
                groups={group.column: self._group_plan(group, horizon) for group in self._groups},
                events=events,
            )
            if len(self._plans) >= _KEPT_PLANS:
                self._plans.clear()
            self._plans[horizon] = plan
        return plan

    def _group_plan(self, group: GroupSeries, horizon: int) -> dict[str, np.ndarray]:
        """name → [G, horizon], the group's means going on after the last period."""
        rows = self._group_rows[group.column]
        answer = {}
        for name in self.about.known:
            planned, recorded = _planned(rows, name, self.about.planned), group.known[name]
            usual = usual_of_group(name, recorded)
            if name == PRICE:  # an index goes on from where it stands
                planned = planned + usual[:, None]
            answer[name] = filled_plan(planned, usual, horizon)
        return answer

    # how it is read

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._connection.cursor()
        except duckdb.Error as error:
            raise ResourceError("This catalog has been closed. Open it again.") from error
        try:
            yield cursor
        except duckdb.Error as error:
            words = " ".join(str(error).split())[:300]
            raise ResourceError(f"The catalog in use cannot be read: {words}. Load the data again.") from error
        finally:
            cursor.close()

    def _rows(self, query: str, **values: object) -> pa.Table:
        with self._cursor() as cursor:
            return cursor.sql(sql(query), params=values).to_arrow_table()

    def _records(self, query: str, **values: object) -> list[dict[str, Any]]:
        with self._cursor() as cursor:
            cursor.execute(sql(query), values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _number(self, query: str, **values: object) -> int:
        with self._cursor() as cursor:
            return cursor.execute(sql(query), values).fetchall()[0][0]

    def _ranks(self, query: str, **values: object) -> list[int]:
        with self._cursor() as cursor:
            return [rank for (rank,) in cursor.execute(sql(query), values).fetchall()]

    def _look_up(self, item_id: str) -> tuple[int, int]:
        """Where one item lies in history and among the items; asked through ``_place``, which remembers."""
        with self._cursor() as cursor:
            found = cursor.execute(sql("place_of_item"), {"key": folded(item_id), "item_id": item_id}).fetchall()
        if not found:
            raise self._unknown([item_id])
        return found[0]

    def _places(self, item_ids: Sequence[str]) -> tuple[list[int], list[int]]:
        """Where these items lie in history and among the items, in this order."""
        item_ids = [str(item_id) for item_id in item_ids]
        rows = self._rows("places", item_ids=item_ids).sort_by("wanted")
        if len(rows) < len(item_ids):
            seen = set(rows["wanted"].to_pylist())
            raise self._unknown([item_id for number, item_id in enumerate(item_ids) if number not in seen])
        return rows["place"].to_pylist(), rows["rank"].to_pylist()

    def _unknown(self, item_ids: Sequence[str]) -> UnknownItem:
        named = ", ".join(repr(item_id) for item_id in item_ids[:3]) + (" …" if len(item_ids) > 3 else "")
        return UnknownItem(
            f"The catalog {self.about.name!r} holds {self.about.items:,} items, but not {named}. "
            "Search for the item by its name or the beginning of its id."
        )

    def _facts_of(self, ranks: Sequence[int]) -> tuple[ItemFacts, ...]:
        rows = {row["rank"]: self._item_facts(row) for row in self._records("facts_of_ranks", ranks=ranks)}
        return tuple(rows[rank] for rank in ranks)

    def _item_facts(self, row: Mapping[str, Any]) -> ItemFacts:
        return ItemFacts(
            item_id=row["item_id"],
            name=row["name"],
            static={name: row[f"static_{name}"] for name in self.about.static},
            commercial={name: row.get(f"commercial_{name}") for name in COMMERCIAL},
            recent_units=float("nan") if row["recent_units"] is None else row["recent_units"],
            supplier=row.get("commercial_supplier") or "",
        )

    def _panel(self, rows: pa.Table) -> Panel:
        about = self.about
        static = {name: rows[f"static_{name}"].to_numpy(zero_copy_only=False) for name in about.static}
        return Panel(
            item_ids=rows["item_id"].to_numpy(zero_copy_only=False),
            periods=self._periods,
            frequency=about.frequency,
            demand=_matrix(rows["demand"]),
            in_stock=_matrix(rows["in_stock"]),
            known={name: _matrix(rows[f"known_{name}"]) for name in about.known},
            past={name: _matrix(rows[f"past_{name}"]) for name in about.past},
            static=static,
            groups=tuple(replace(group, codes=self._codes(group.column, static, len(rows))) for group in self._groups),
            event_names=self._event_names,
            events=self._events[0],
            price_seen=about.price_seen,
            planned=self._planned_ahead,
            catalog_hash=about.history_hash,
        )


def folded(text: str) -> str:
    """Text as searches compare it: one form for each character, and no case."""
    return unicodedata.normalize("NFKC", text).casefold()


def _search_words(key: str) -> dict[str, str]:
    words = key.split()
    words = sorted([*words[: _WORDS - 1], " ".join(words[_WORDS - 1 :])], key=len, reverse=True)
    return {f"word{i + 1}": words[i] if i < len(words) else "" for i in range(_WORDS)}


def _in_order(rows: pa.Table, column: str, wanted: Sequence[int]) -> pa.Table:
    """``rows`` as ``wanted`` names them by ``column``, repeated where it repeats."""
    return rows.take(pd.Index(rows[column].to_numpy()).get_indexer(wanted))


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """[N, T] of a column of arrays or lists, all equally long; T is 0 where there is no list."""
    items, fixed = len(column), pa.types.is_fixed_size_list(column.type)
    if not items:
        return np.zeros((0, column.type.list_size if fixed else 0), np.float32)
    parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)).reshape(items, -1)


def _planned(rows: pa.Table, name: str, width: int) -> np.ndarray:
    return _matrix(rows[f"planned_{name}"]) if width else np.zeros((len(rows), 0), np.float32)
