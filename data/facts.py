"""What a catalog says of itself and of its items, without their histories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from data.events import Stamp
from data.schema import Frequency

#: "fine" is as it should be, a "note" is worth knowing, a "warning" is worth mending.
Severity = Literal["fine", "note", "warning"]


@dataclass(frozen=True)
class About:
    """What the catalog is.

    ``words`` say where it comes from and under which licence, for the planner to read. ``first`` and ``last`` are the
    stamps of its first and last period, ``stamp`` whether they are a period's first or last day. ``grouped_by`` are the
    attributes whose groups are summed ("" is all items), ``event_names`` the events it tells of.

    ``catalog_hash`` is of everything, ``history_hash`` of what forecasting reads: a model, a ladder and forecasts are of the
    latter and stay valid when stock, costs, suppliers or orders change. ``supply_words`` are to be said wherever those show;
    "" where they are the planner's own.
    """

    name: str
    source: str
    words: str
    frequency: Frequency
    stamp: Stamp
    currency: str
    country: str | None
    first: pd.Timestamp
    last: pd.Timestamp
    periods: int
    items: int
    known: tuple[str, ...]
    past: tuple[str, ...]
    static: tuple[str, ...]
    price_seen: Literal["always", "when sold"]
    planned: int
    catalog_hash: str
    contract_version: int
    built_at: str
    grouped_by: tuple[str, ...] = ()
    event_names: tuple[str, ...] = ()
    history_hash: str = ""
    supply_words: str = ""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> About:
        """From the catalog's one row about itself."""
        periods = pd.DatetimeIndex(row["periods"])
        plain = ("name", "source", "words", "stamp", "currency", "country", "price_seen", "catalog_hash", "built_at")
        return cls(
            **{name: row[name] for name in (*plain, "items", "planned", "contract_version")},
            known=tuple(row["known"]),
            past=tuple(row["past"]),
            static=tuple(row["static"]),
            grouped_by=tuple(row["grouped_by"]),
            event_names=tuple(row["event_names"]),
            frequency=Frequency.of(row["frequency"]),
            first=periods[0],
            last=periods[-1],
            periods=len(periods),
            history_hash=row.get("history_hash") or row["catalog_hash"],  # an older catalog has one hash for both
            supply_words=row.get("supply_words") or "",
        )


@dataclass(frozen=True)
class ItemFacts:
    """One item without its history; ``recent_units``: mean per period of its last 13 known periods in stock, NaN if none.

    ``supplier`` is "" where it is not known, or one of the attributes ``static``.
    """

    item_id: str
    name: str
    static: Mapping[str, str]
    commercial: Mapping[str, float | None]
    recent_units: float
    supplier: str = ""


@dataclass(frozen=True)
class SearchResult:
    """A page of the items found, and how many there are in all."""

    rows: tuple[ItemFacts, ...]
    total: int


@dataclass(frozen=True)
class Check:
    """What the import found; ``count`` is how many items, rows or periods it concerns."""

    title: str
    finding: str
    count: int
    severity: Severity
