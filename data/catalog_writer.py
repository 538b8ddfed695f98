"""Builds a catalog beside the one in use and swaps it in when all of it is there.

The new file is written under another name; only after the last chunk, the ranking of the items and every check does it
take the old one's place, in one step of the file system. An error leaves the old catalog as it was.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from data.catalog import Settings, folded
from data.catalog_hash import ContentHashes
from data.catalog_tables import group_rows, history_rows, layout, named, plain_bytes, texts
from data.errors import DataError, ResourceError
from data.events import Stamp, flags, named_days, periods_ahead, planned_events, usual_stamp
from data.facts import Check
from data.findings import Findings, Impossible
from data.groups import GroupSums
from data.orders import Orders
from data.panel_checks import check_columns, check_values
from data.plans import PlannedGroups, last_known, plausible_prices, usual_value
from data.schema import COMMERCIAL, COMMERCIAL_FIRST, CONTRACT_VERSION, PRICE, Frequency, GroupSeries, Panel, Plan
from data.sql import sql

#: Known periods in stock whose mean is an item's ``recent_units``.
RECENT = 13

_building: set[Path] = set()
_building_lock = threading.Lock()


class CatalogWriter:
    """A catalog in the making: ``add`` chunks inside the ``with`` block, and it replaces ``path`` when the block ends.

    Parameters
    ----------
    path : where the catalog will be.
    name, source, words : the data set, where it comes from, and its provenance and licence in a planner's words.
    frequency : of the periods.
    currency, country : ISO codes; the country's holidays become events.
    price_seen : see ``Panel.price_seen``.
    stamp : whether a period is named by its first or its last day; None takes what is usual for the frequency.
    supply_words : what to say wherever stock, costs, suppliers or orders show, where they are not the planner's own.

    Raises
    ------
    ResourceError : another import is writing this catalog, or the disk does not let it.
    DataError : chunks do not fit each other or break the contract.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        source: str,
        words: str,
        frequency: Frequency,
        currency: str = "USD",
        country: str | None = None,
        price_seen: Literal["always", "when sold"] = "always",
        stamp: Stamp | None = None,
        supply_words: str = "",
    ) -> None:
        self._path = Path(path).resolve()
        self._new = self._path.with_name(self._path.name + ".building")
        self._about: dict[str, str | None] = {
            "name": name,
            "source": source,
            "words": words,
            "currency": currency,
            "country": country,
            "price_seen": price_seen,
            "supply_words": supply_words,
        }
        self._stamp = stamp or usual_stamp(frequency)
        self._frequency = frequency
        self._first: Panel | None = None
        self._planned: pd.DatetimeIndex | None = None
        self._planned_events: np.ndarray = np.zeros((0, 0), np.float32)
        self._items = 0
        self._planned_ahead: set[str] = set()
        self._impossible = Impossible()
        self._groups, self._planned_groups = GroupSums(), PlannedGroups()
        self._hashes = ContentHashes()
        self._findings = Findings()
        self._notes: list[Check] = []
        self._orders = Orders.none()

    def __enter__(self) -> Self:
        with _building_lock:
            if self._new in _building:
                raise ResourceError(f"{self._path} is being written already. Wait until that import ends.")
            _building.add(self._new)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._new.exists() and not _locked(self._new):
                self._remove()  # left by an import that was cut off
            settings: Settings = {"memory_limit": "1GB", "threads": 2, "temp_directory": f"{self._new}.spill"}
            self._connection = duckdb.connect(":memory:", config=settings)
            self._connection.execute(sql("build_catalog"), [str(self._new)])
        except (duckdb.Error, OSError) as error:
            _building.discard(self._new)
            raise ResourceError(f"The new catalog {self._new} cannot be written: {error}") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                self._finish()
            self._connection.close()
            if error is None:
                self._new.replace(self._path)
        except (duckdb.Error, OSError) as failure:
            raise ResourceError(f"The new catalog {self._new} cannot be written: {failure}") from failure
        finally:
            self._connection.close()
            self._remove()
            _building.discard(self._new)

    def add(
        self,
        panel: Panel,
        *,
        names: Sequence[str] | None = None,
        commercial: pd.DataFrame | None = None,
        suppliers: Sequence[str] | None = None,
        plan: Plan | None = None,
    ) -> None:
        """Adds the panel's items, which no earlier chunk held.

        Parameters
        ----------
        panel : [N, T]; every chunk has the same periods and columns. Its groups and hash are not read.
        names : [N] what planners call the items; None: their ids.
        commercial : [N] rows in the panel's order, any of ``COMMERCIAL`` as columns; NaN unknown.
        suppliers : [N] whom the items are bought from, where that is for buying alone and no attribute of the panel.
        plan : the F periods after the panel's; with every chunk or with none.
        """
        if not len(panel):
            return
        plan = plan if panel.known else None
        self._check_fit(panel, plan)
        if self._first is None:
            self._first = panel.take(np.zeros(0, int))
            self._planned = None if plan is None else plan.periods
            self._planned_events = planned_events(panel, plan)
        check_values(panel)
        place = pa.array(np.arange(self._items, self._items + len(panel), dtype=np.int32))
        self._insert("history", history_rows(panel, place))
        self._insert("staged_items", self._item_rows(panel, place, names, commercial, suppliers))
        self._add_plan(panel, place, plan)
        self._groups.add(panel)
        self._findings.add(panel)
        self._add_numbers(panel)
        self._items += len(panel)

    def note(self, check: Check) -> None:
        """Keeps what the source found, for the planner to read."""
        self._notes.append(check)

    def set_orders(self, orders: Orders) -> None:
        """Gives the catalog its purchase orders, of items that are added before the block ends."""
        self._orders = orders

    # one chunk

    @property
    def _head(self) -> Panel:
        """The first chunk without its items."""
        assert self._first is not None
        return self._first

    def _check_fit(self, panel: Panel, plan: Plan | None) -> None:
        first = self._first
        if first is None:
            check_columns(panel)
            if panel.frequency != self._frequency:
                raise DataError(f"The panel steps by {panel.frequency.alias}, the catalog by {self._frequency.alias}.")
        elif not panel.periods.equals(first.periods):
            raise DataError("Every chunk must cover the same periods; this one covers others.")
        elif any(set(getattr(panel, kind)) != set(getattr(first, kind)) for kind in ("known", "past", "static")):
            raise DataError("Every chunk must have the same columns; this one has others.")
        elif (plan is None) != (self._planned is None):
            raise DataError("Give a plan with every chunk or with none.")
        if plan is not None:
            due = self._frequency.after(panel.last, len(plan))
            if not len(plan) or not plan.periods.equals(due if first is None else self._planned):
                raise DataError(f"The plan must cover the periods that follow {panel.last:%Y-%m-%d}, the same in every chunk.")

    def _item_rows(
        self,
        panel: Panel,
        place: pa.Array,
        names: Sequence[str] | None,
        commercial: pd.DataFrame | None,
        suppliers: Sequence[str] | None,
    ) -> pa.Table:
        names = panel.item_ids.tolist() if names is None else [str(name) for name in names]
        bought_from = [""] * len(panel) if suppliers is None else [str(name) for name in suppliers]
        if {len(names), len(bought_from), len(panel) if commercial is None else len(commercial)} != {len(panel)}:
            raise DataError(f"{len(panel):,} items need as many names, suppliers and commercial rows.")
        odd = [] if commercial is None else [column for column in commercial if column not in COMMERCIAL]
        if odd:
            raise DataError(f"{odd[0]!r} is not a commercial column. Those are {', '.join(COMMERCIAL)}.")
        static = {name: panel.static[name] for name in self._head.static}
        words = list(zip(panel.item_ids.tolist(), names, *static.values(), strict=True))
        self._hashes.add("text", "".join("\x1f".join(row) + "\x1e" for row in words).encode())
        money = np.full((len(panel), len(COMMERCIAL)), np.nan)
        for column, values in {} if commercial is None else commercial.items():
            money[:, COMMERCIAL.index(column)] = pd.to_numeric(values).to_numpy(np.float64, na_value=np.nan)
        if PRICE in panel.known:  # who brings no list price means the last one on record
            listed = money[:, COMMERCIAL.index(PRICE)]
            money[:, COMMERCIAL.index(PRICE)] = np.where(np.isfinite(listed), listed, last_known(panel.known[PRICE]))
        first = len(COMMERCIAL_FIRST)
        later = np.ascontiguousarray(money[:, first:])
        self._hashes.add("commercial", plain_bytes(np.ascontiguousarray(money[:, :first])))
        self._hashes.add("later", plain_bytes(later), given=bool(np.isfinite(later).any()))
        searched = words if suppliers is None else [(*row, name) for row, name in zip(words, bought_from, strict=True)]
        columns = {
            "place": place,
            "item_id": pa.array(panel.item_ids.tolist(), pa.string()),
            "key": pa.array([folded(item_id) for item_id in panel.item_ids], pa.string()),
            "name": pa.array(names, pa.string()),
            "recent_units": pa.array(recent_units(panel.uncensored), from_pandas=True),
            "search_text": pa.array([folded(" ".join(row)) for row in searched], pa.string()),
        }
        self._hashes.add("supplier", "\x1e".join([*bought_from, ""]).encode(), given=suppliers is not None)
        columns |= named("static", static, texts) | {"commercial_supplier": texts(np.array(bought_from, dtype=object))}
        columns |= {f"commercial_{c}": pa.array(money[:, i], from_pandas=True) for i, c in enumerate(COMMERCIAL)}
        return pa.table(columns)

    def _add_plan(self, panel: Panel, place: pa.Array, plan: Plan | None) -> None:
        usual = {name: usual_value(name, panel.known[name]) for name in self._head.known}
        columns = {"place": place, **named("usual", usual, pa.array)}
        if plan is not None:
            unknown = np.full((len(panel), len(plan)), np.nan, np.float32)
            planned = {name: np.asarray(plan.known.get(name, unknown), np.float32) for name in usual}
            if PRICE in planned:
                given = planned[PRICE]
                planned[PRICE] = plausible_prices(given, panel.known[PRICE])
                self._impossible.add(given, planned[PRICE], panel.item_ids)
            self._planned_ahead |= {name for name, values in planned.items() if np.isfinite(values).any()}
            columns |= named("planned", planned, layout(len(plan), len(planned)))
            self._planned_groups.add(panel.static, planned, usual)
            if planned:
                self._hashes.add("plan", plain_bytes(np.stack(list(planned.values()), axis=1)))
        self._insert("plan", pa.table(columns))

    def _add_numbers(self, panel: Panel) -> None:
        """What is only hashed of the covariates."""
        channels = [panel.demand, panel.in_stock]
        channels += [panel.known[name] for name in self._head.known]
        channels += [panel.past[name] for name in self._head.past]
        for start in range(0, len(panel), 4096):
            part = slice(start, start + 4096)
            self._hashes.add("numbers", plain_bytes(np.stack([channel[part] for channel in channels], axis=1)))

    def _insert(self, table: str, chunk: pa.Table) -> None:
        self._connection.register("chunk", chunk)
        self._connection.execute(sql(f"{'insert' if self._items else 'create'}_{table}"))
        self._connection.unregister("chunk")

    # the end

    def _finish(self) -> None:
        if self._first is None:
            raise DataError("There is no item to load.")
        repeated = self._connection.execute(sql("repeated_ids")).fetchall()
        if repeated:
            raise DataError(f"Item {repeated[0][0]!r} comes {repeated[0][1]} times. Every item id may come once.")
        self._connection.execute(sql("rank_items"))
        self._write_orders()
        grouped = self._groups.series(self._head)
        self._create("groups", group_rows(grouped, self._planned_means(grouped)))
        event_names, marks = self._events()
        self._create("events", pa.table({"event": marks["event"], "period": marks["period"]}))
        found = [*self._findings.checks(), *self._impossible.checks(), *self._notes]
        rows = [{"place": place, **vars(check)} for place, check in enumerate(found)]
        self._create("checks", pa.Table.from_pylist(rows))
        self._create("about", self._about_row(event_names, tuple(group.column for group in grouped)))

    def _write_orders(self) -> None:
        if not len(self._orders):
            return
        self._create("orders", self._orders.table())
        unknown = [item_id for (item_id,) in self._connection.execute(sql("orders_of_no_item")).fetchall()]
        if unknown:
            raise DataError(f"An order names {unknown[0]!r}, which is no item here. Take it out, or load its demand, too.")

    def _create(self, table: str, rows: pa.Table) -> None:
        self._connection.register("chunk", rows)
        self._connection.execute(sql(f"create_{table}"))
        self._connection.unregister("chunk")

    def _planned_means(self, grouped: Sequence[GroupSeries]) -> dict[str, dict[str, np.ndarray]]:
        if self._planned is None:
            return {}
        return {group.column: self._planned_groups.means(group.column, tuple(self._head.known)) for group in grouped}

    def _events(self) -> tuple[tuple[str, ...], dict[str, pa.Array]]:
        """The panel's own events and the country's, as names and as (event, period) rows until some years ahead."""
        periods, step = self._head.periods, self._frequency
        every = periods.append(step.after(periods[-1], periods_ahead(step)))
        margin = pd.Timedelta(days=31)
        country = self._about["country"]
        days = named_days(country, every[0] - margin, every[-1] + margin) if country else {}
        marks = dict(zip(days, flags(days, every, step, self._stamp).T, strict=True))
        for name, column in zip(self._head.event_names, np.vstack([self._head.events, self._planned_events]).T, strict=True):
            own = np.zeros(len(every), np.float32)
            own[: len(column)] = column
            marks[name] = np.maximum(marks[name], own) if name in marks else own
        names = (*self._head.event_names, *(name for name in days if name not in self._head.event_names))
        rows = [(name, every[t]) for name in names for t in np.flatnonzero(marks[name])]
        return names, {
            "event": pa.array([name for name, _ in rows], pa.string()),
            "period": pa.array([period for _, period in rows], pa.timestamp("us")),
        }

    def _about_row(self, events: Sequence[str], grouped: Sequence[str]) -> pa.Table:
        first, lists_of_text = self._head, pa.list_(pa.string())
        row = {name: pa.array([value], pa.string()) for name, value in self._about.items()}
        row |= {"frequency": pa.array([self._frequency.alias]), "stamp": pa.array([self._stamp])}
        row["periods"] = pa.array([first.periods.to_pydatetime().tolist()], pa.list_(pa.timestamp("us")))
        lists: dict[str, Iterable[str]] = {"known": first.known, "past": first.past, "static": first.static}
        lists |= {"planned_ahead": sorted(self._planned_ahead), "event_names": events, "grouped_by": grouped}
        row |= {name: pa.array([list(values)], lists_of_text) for name, values in lists.items()}
        row["items"] = pa.array([self._items])
        row["planned"] = pa.array([0 if self._planned is None else len(self._planned)])
        head = self._head_of_hash()
        row["catalog_hash"] = pa.array([self._hashes.everything(head, self._orders)])
        row["history_hash"] = pa.array([self._hashes.history(head)])
        row["contract_version"] = pa.array([CONTRACT_VERSION])
        row["built_at"] = pa.array([datetime.now(UTC).isoformat(timespec="seconds")])
        return pa.table(row)

    def _head_of_hash(self) -> dict[str, object]:
        """What is hashed of all items alike, without name and words: two builds of the same data have the same hashes."""
        first = self._head
        return {
            "frequency": self._frequency.alias,
            "periods": [str(period) for period in first.periods],
            "columns": [list(first.known), list(first.past), list(first.static)],
            "planned": 0 if self._planned is None else len(self._planned),
            "events": [list(first.event_names), first.events.tolist(), self._planned_events.tolist()],
            "about": [self._about[name] for name in ("currency", "country", "price_seen")] + [self._stamp],
        }

    def _remove(self) -> None:
        for end in ("", ".wal"):
            Path(f"{self._new}{end}").unlink(missing_ok=True)
        shutil.rmtree(f"{self._new}.spill", ignore_errors=True)


def recent_units(demand: np.ndarray) -> np.ndarray:
    """Mean units [N] of each item's last ``RECENT`` periods that ``demand`` [N, T] knows; NaN where none is known."""
    seen = np.isfinite(demand)
    newest = seen & (np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] <= RECENT)
    count = newest.sum(axis=1)
    total = np.where(newest, demand, 0.0).sum(axis=1, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _locked(path: Path) -> bool:
    """Whether another process has the database open."""
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute(sql("open_catalog"), [str(path)])
        except duckdb.IOException as error:
            return "lock" in str(error)
        except duckdb.Error:
            return False
    return False
