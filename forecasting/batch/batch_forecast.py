"""The forecasts of a whole catalog: streamed to Parquet in parts, taken up after a kill, every run kept.

A run is a directory: ``manifest.json`` names the catalog, the model and how the items are cut into parts; a part that is there
is whole, for it is written under another name and moved into place.

A part holds one row per item and period: item_id, date, quantiles of the period ("0.1"), of the span up to it ("span_0.1"),
and the elasticity where the model knows one.

Axis letters: N items, H horizons, Q taus.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from data.errors import ResourceError
from forecasting.batch.parallel import PART_ITEMS, panel_of_part, parts_of, worked_through
from forecasting.core.atomic_write import UNREADABLE, read_object, written
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Manifest:
    """What a run is of; ``finished`` is "" until all parts are there, else when that was.

    ``ledger`` names the marks of the history that it was made with, see ``Ledger.digest``.
    """

    catalog_hash: str
    catalog_name: str
    model: str
    version: str
    creation_date: str
    periods: tuple[str, ...]
    items: int
    part_items: int
    started: str
    finished: str = ""
    ledger: str = ""

    @property
    def parts(self) -> int:
        """How many parts make the run whole."""
        return parts_of(self.items, self.part_items)

    def is_of(self, other: Manifest) -> bool:
        """Whether both are the same work: catalog, model, periods and parts."""
        mine, theirs = (asdict(one) | {"started": "", "finished": ""} for one in (self, other))
        return mine == theirs


@dataclass(frozen=True)
class Run:
    """One run on disk."""

    directory: Path
    manifest: Manifest

    @property
    def whole(self) -> bool:
        """Whether every part is there."""
        return bool(self.manifest.finished)

    @property
    def missing(self) -> tuple[int, ...]:
        """The parts that are not there yet."""
        return tuple(part for part in range(self.manifest.parts) if not self.path(part).is_file())

    def path(self, part: int) -> Path:
        """Where a part lies."""
        return self.directory / f"part-{part:05d}.parquet"

    def forecasts(self) -> Iterator[QuantileForecast]:
        """The forecasts of all items in catalog order, a part at a time.

        Raises ResourceError where parts are missing or damaged.
        """
        self.check_whole()
        for part in range(self.manifest.parts):
            yield self._forecast(self.rows(part))

    def rows(self, part: int) -> pa.Table:
        """A part as it is written; raises ResourceError where it is damaged, and sets it aside, so that it is made again."""
        path = self.path(part)
        try:
            return pq.read_table(path, page_checksum_verification=True)
        except UNREADABLE as error:
            path.replace(path.with_name(f"{path.name}.damaged"))
            _store(Run(self.directory, replace(self.manifest, finished="")))
            raise ResourceError(
                f"{path} was damaged and is set aside as {path.name}.damaged. Finish the run again: "
                "python -m forecasting forecast --all."
            ) from error

    def check_whole(self) -> None:
        """Raises ResourceError where parts are missing."""
        if self.missing:
            raise ResourceError(
                f"The run in {self.directory} lacks {len(self.missing)} of its {self.manifest.parts} parts. "
                "Finish it: python -m forecasting forecast --all."
            )

    def _forecast(self, rows: pa.Table) -> QuantileForecast:
        horizon = len(self.manifest.periods)

        def units(prefix: str) -> np.ndarray:
            columns = [rows[f"{prefix}{tau:g}"].to_numpy() for tau in TAUS]
            return np.stack(columns, axis=-1).reshape(-1, horizon, len(TAUS)).astype(np.float64)

        elasticity = rows["elasticity"].to_numpy()[::horizon] if "elasticity" in rows.column_names else None
        return QuantileForecast(
            item_ids=rows["item_id"].to_numpy(zero_copy_only=False)[::horizon],
            creation_date=pd.Timestamp(self.manifest.creation_date),
            periods=pd.DatetimeIndex(self.manifest.periods).as_unit("us"),
            taus=np.array(TAUS),
            values=units(""),
            cumulative=units("span_"),
            model=self.manifest.model,
            version=self.manifest.version,
            catalog_hash=self.manifest.catalog_hash,
            elasticity=elasticity,
        )


def forecast_all(
    catalog: Catalog,
    forecaster: MQTransformerForecaster,
    runs: Path,
    report: Report,
    *,
    workers: int | None = None,
    part_items: int = PART_ITEMS,
) -> Run:
    """Forecasts every item of the catalog into a directory below ``runs``; an unfinished run of the same is taken up.

    Raises ResourceError while another process writes there.
    """
    runs.mkdir(parents=True, exist_ok=True)
    catalog = catalog.as_it_is()
    with _alone(runs):
        run = _taken_up(runs, _planned(catalog, forecaster, part_items))
        todo = run.missing
        begun, done = time.monotonic(), run.manifest.parts - len(todo)
        report(_progress(run, done, None))

        def write(twin: MQTransformerForecaster, part: int) -> None:
            _write(catalog, twin, run, part)

        for finished, _ in enumerate(worked_through(forecaster, todo, write, workers), start=1):
            left = (time.monotonic() - begun) / finished * (len(todo) - finished)
            report(_progress(run, done + finished, left))
        return _finished(run)


def latest(
    runs: Path, catalog_hash: str, version: str | None = None, *, whole: bool = True, ledger: str | None = None
) -> Run | None:
    """The newest run of this catalog, and of this version of the model and this ledger where one is given; a ``whole`` one, or
    any."""
    for run in sorted(all_runs(runs), key=lambda run: run.manifest.started, reverse=True):
        made = run.manifest
        wanted = made.catalog_hash == catalog_hash and version in (None, made.version) and ledger in (None, made.ledger)
        if wanted and (run.whole or not whole):
            return run
    return None


def in_one_file(run: Run, kind: Literal["csv", "parquet"]) -> Path:
    """A whole run's rows as one file beside its parts, written a part at a time where it is not there yet.

    Raises ResourceError where parts are missing.
    """
    run.check_whole()
    target = run.directory / f"forecasts.{kind}"
    if not target.is_file():
        fresh = target.with_suffix(f".{kind}.new")
        schema = run.rows(0).schema
        if kind == "csv":  # names are written out
            plain = [
                pa.field(one.name, one.type.value_type if pa.types.is_dictionary(one.type) else one.type) for one in schema
            ]
            schema = pa.schema(plain)
        with csv.CSVWriter(fresh, schema) if kind == "csv" else pq.ParquetWriter(fresh, schema) as writer:
            for part in range(run.manifest.parts):
                writer.write_table(run.rows(part).cast(schema))
        fresh.replace(target)
    return target


def all_runs(runs: Path) -> tuple[Run, ...]:
    """Every run below ``runs``, whole or not, oldest name first."""
    found = []
    for path in sorted(runs.glob(f"*/{_MANIFEST}")):
        manifest = _manifest(path)
        if manifest is not None:
            found.append(Run(path.parent, manifest))
    return tuple(found)


def _manifest(path: Path) -> Manifest | None:
    """What a run says of itself; None where that cannot be read: the run is left as it is, and none is taken up there."""
    stored = read_object(path)
    if stored is None or not isinstance(stored.get("periods"), list):
        return None
    try:
        found = Manifest(**(stored | {"periods": tuple(stored["periods"])}))
    except TypeError:
        return None
    counts = (found.items, found.part_items)
    words = (found.catalog_hash, found.version, found.creation_date, found.started, found.finished, *found.periods)
    fits = all(isinstance(one, str) for one in words) and all(isinstance(one, int) and one > 0 for one in counts)
    return found if fits else None


def _planned(catalog: Catalog, forecaster: MQTransformerForecaster, part_items: int) -> Manifest:
    about = catalog.about
    periods = about.frequency.after(about.last, forecaster.horizon)
    return Manifest(
        catalog_hash=about.history_hash,
        catalog_name=about.name,
        model=forecaster.name,
        version=forecaster.card.version if forecaster.card else forecaster.name,
        creation_date=str(about.last),
        periods=tuple(str(period) for period in periods),
        items=about.items,
        part_items=part_items,
        started=datetime.now(UTC).isoformat(),
        ledger=catalog.ledger.digest,
    )


def _taken_up(runs: Path, planned: Manifest) -> Run:
    """The unfinished run of the same work, cleared of what was half written; else a new one."""
    for run in all_runs(runs):
        if not run.whole and run.manifest.is_of(planned):
            for half in (*run.directory.glob("*.new"), *run.directory.glob("fresh-*")):
                half.unlink()
            return run
    stamp = datetime.fromisoformat(planned.started).strftime("%Y%m%dT%H%M%S.%fZ")
    run = Run(runs / f"{stamp}-{planned.version}", planned)
    run.directory.mkdir()
    _store(run)
    return run


def _finished(run: Run) -> Run:
    whole = Run(run.directory, Manifest(**(asdict(run.manifest) | {"finished": datetime.now(UTC).isoformat()})))
    _store(whole)
    return whole


def _store(run: Run) -> None:
    text = json.dumps(asdict(run.manifest), indent=1) + "\n"
    written(run.directory / _MANIFEST, lambda fresh: fresh.write_text(text))


def _write(catalog: Catalog, forecaster: MQTransformerForecaster, run: Run, part: int) -> None:
    """Forecasts the items of a part and writes them in one move."""
    panel, plan = panel_of_part(catalog, part, forecaster.horizon, run.manifest.part_items)
    rows = _rows(forecaster.forecast(panel, [panel.last], plan)[0])
    how = {"use_dictionary": ["item_id", "date"], "write_statistics": False, "write_page_checksum": True}
    written(run.path(part), lambda fresh: pq.write_table(rows, fresh, **how))


def _rows(forecast: QuantileForecast) -> pa.Table:
    """One row per item and period."""
    items, horizon, _ = forecast.values.shape
    each, every = np.repeat(np.arange(items), horizon), np.tile(np.arange(horizon), items)
    columns: dict[str, pa.Array] = {
        "item_id": pa.DictionaryArray.from_arrays(each.astype(np.int32), pa.array(forecast.item_ids, pa.string())),
        "date": pa.array(forecast.periods.to_numpy()[every]),
    }
    for prefix, array in (("", forecast.values), ("span_", forecast.cumulative)):
        knots = np.ascontiguousarray(np.moveaxis(array, -1, 0), dtype=np.float32).reshape(len(forecast.taus), -1)
        columns |= {f"{prefix}{tau:g}": pa.array(knot) for tau, knot in zip(forecast.taus, knots, strict=True)}
    if forecast.elasticity is not None:
        columns["elasticity"] = pa.array(forecast.elasticity.astype(np.float32)[each])
    return pa.table(columns)


def _progress(run: Run, done: int, seconds_left: float | None) -> Progress:
    items = min(done * run.manifest.part_items, run.manifest.items)
    words = f"Forecasting all items: {items:,} of {run.manifest.items:,}"
    return Progress(items, run.manifest.items, words, seconds_left)


@contextmanager
def _alone(runs: Path) -> Iterator[None]:
    """Holds ``runs`` against another process; the hold ends with the process, however it ends."""
    with (runs / ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResourceError(
                f"Another process is writing forecasts to {runs}. Wait for it, or give another --out."
            ) from error
        yield
