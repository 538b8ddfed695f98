"""What a simulator knows of its items, kept beside the catalog and never in it, so that no forecaster can read it.

One Parquet file, ``catalog.truth.parquet`` beside ``catalog.duckdb``: a row per item with the law of its demand in the planned
periods, what will be drawn from it, and how it answers to price, promotion and holidays. It names the catalog that it belongs
to by hash; beside any other catalog it is as if it were not there. Axis letters: N items, F planned periods, E events.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import ResourceError, UnknownItem
from data.sources.simulator.truth import Truth

_LISTS = ("mean", "demand", "holiday_effect")
_NUMBERS = ("shape", "active", "elasticity", "promotion_lift", "launch", "end")
_ABOUT = b"tideline"


def truth_path(catalog: Path) -> Path:
    """Where the truths of the catalog at this path are."""
    return catalog.with_name(f"{catalog.stem}.truth.parquet")


def drop_others(catalog: Path, catalog_hash: str) -> None:
    """Removes truths that were left beside the catalog at this path by another one."""
    if TruthStore.of(catalog, catalog_hash) is None:
        truth_path(catalog).unlink(missing_ok=True)


class TruthWriter:
    """Truths in the making: ``add`` chunks in the catalog's order, then ``finish`` puts them beside it, or ``drop``."""

    def __init__(self, catalog: Path, planted: Mapping[str, float]) -> None:
        self._path, self._planted = truth_path(catalog), dict(planted)
        self._new = self._path.with_name(f"{self._path.name}.building")
        self._writer: pq.ParquetWriter | None = None
        self._head: dict[str, list[str]] = {}

    def add(self, truth: Truth) -> None:
        """Keeps what is true of these items after their history."""
        ahead = slice(truth.history, None)
        columns = {"item_id": pa.array(truth.item_ids.tolist(), pa.string())}
        columns["mean"] = _rows(truth.mean[:, ahead])
        columns["demand"] = _rows(truth.demand[:, ahead])
        columns["holiday_effect"] = _rows(truth.holiday_effect)
        for name in _NUMBERS:
            since = truth.history if name in ("launch", "end") else 0
            columns[name] = pa.array(np.asarray(getattr(truth, name), np.float64) - since)
        table = pa.table(columns)
        if self._writer is None:
            self._new.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._new, table.schema)
            periods = [f"{stamp:%Y-%m-%d}" for stamp in truth.periods[ahead]]
            self._head = {"periods": periods, "holidays": list(truth.holiday_names)}
        self._writer.write_table(table)

    def finish(self, catalog_hash: str) -> None:
        """Puts the truths in place, as those of the catalog with this hash."""
        assert self._writer is not None  # a simulation has at least one item
        about = {**self._head, "catalog_hash": catalog_hash, "planted": self._planted}
        self._writer.add_key_value_metadata({_ABOUT: json.dumps(about).encode()})
        self._writer.close()
        self._new.replace(self._path)

    def drop(self) -> None:
        """Leaves everything as it was."""
        if self._writer is not None:
            self._writer.close()
        self._new.unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class TruthStore:
    """The truths of one catalog; ``planted`` says how much of what was planted, by the simulation's own names."""

    path: Path
    planted: Mapping[str, float]
    periods: pd.DatetimeIndex
    holidays: tuple[str, ...]
    items: int

    @classmethod
    def of(cls, catalog: Path, catalog_hash: str) -> TruthStore | None:
        """The truths beside the catalog at this path, None where there are none, they are of another or damaged."""
        path = truth_path(catalog)
        try:
            metadata = pq.read_metadata(path)
            about = json.loads((metadata.metadata or {}).get(_ABOUT, b"{}"))
            if about.get("catalog_hash") != catalog_hash:
                return None
            periods = pd.DatetimeIndex(about["periods"]).as_unit("us")
            return cls(path, about["planted"], periods, tuple(about["holidays"]), metadata.num_rows)
        except (OSError, pa.ArrowException, ValueError, LookupError, TypeError, AttributeError):
            return None

    def sampled(self, count: int, seed: int = 1) -> list[str]:
        """The ids of ``count`` items drawn by the seed, or of all where there are no more."""
        rows = np.random.default_rng(seed).choice(self.items, min(count, self.items), replace=False)
        return list(pq.read_table(self.path, columns=["item_id"])["item_id"].take(pa.array(np.sort(rows))).to_pylist())

    def take(self, item_ids: Sequence[str]) -> Truth:
        """The truth [N, F] of these items, in their order; its periods are the planned ones, so it has no history.

        Raises UnknownItem, ResourceError.
        """
        try:
            rows = pq.read_table(self.path, filters=[("item_id", "in", list(item_ids))])
        except (OSError, pa.ArrowException) as error:
            raise ResourceError(f"{self.path} is damaged ({error}). Make the simulated catalog again.") from error
        found = pd.Index(rows["item_id"].to_pylist()).get_indexer(list(item_ids))
        if (found < 0).any():
            missing = item_ids[int(np.flatnonzero(found < 0)[0])]
            raise UnknownItem(f"The simulator made no item {missing!r}. Choose one of its catalog.")
        lists = {name: _matrix(rows[name])[found] for name in _LISTS}
        numbers = {name: rows[name].to_numpy()[found] for name in _NUMBERS}
        return Truth(
            item_ids=np.array(list(item_ids), dtype=object),
            periods=self.periods,
            history=0,
            lost=np.zeros((len(found), 0)),
            holiday_names=self.holidays,
            **lists,
            **numbers,
        )


def _rows(values: np.ndarray) -> pa.Array:
    """A matrix as one list of float32 per row."""
    flat = pa.array(np.ascontiguousarray(values, np.float32).ravel())
    width = values.shape[1]
    return pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1, dtype=np.int32) * width), flat)


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """The reverse of ``_rows``, as float64."""
    lists = column.combine_chunks()
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return flat.reshape(len(lists), -1) if len(lists) else flat.reshape(0, 0)
