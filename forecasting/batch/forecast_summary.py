"""The forecasts of all items: three numbers of each that rank the items of Today, and the spans that buying needs.

Made once for a catalog and a model, and kept beside the catalog: the numbers as Parquet, the spans as an array that is
mapped into memory and read where it is asked for. The totals of all items are made in the same pass, see ``catalog_totals``.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.batch.batch_forecast import Run
from forecasting.batch.catalog_totals import CatalogTotals, PartialSums, total_sums
from forecasting.batch.parallel import PART_ITEMS, panel_of_part, parts_of, worked_through
from forecasting.batch.plan_effect import plan_effect
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

_COLUMNS = ("item_ids", "expected", "low", "high")


@dataclass(frozen=True, eq=False)
class Summary:
    """N items that are still sold: expected units and P10, P90 of the whole horizon's demand, best sellers first.

    ``key`` names the catalog and the model that it was made of, ``ledger`` the marks of the history, see ``Ledger.digest``.
    ``spans`` [N, H, Q] float32 are the quantiles at ``taus`` of demand summed over the first h periods.
    """

    key: str
    creation_date: pd.Timestamp
    horizon: int
    item_ids: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    taus: np.ndarray
    spans: np.ndarray
    ledger: str = ""

    @cached_property
    def width(self) -> np.ndarray:
        """(P90 − P10) / expected, [N]."""
        return (self.high - self.low) / np.maximum(self.expected, 1e-9)

    @cached_property
    def most_uncertain(self) -> np.ndarray:
        """Rows [N], widest fan first, among items that are expected to sell at all (half a unit or more)."""
        sells = np.where(self.expected >= 0.5, self.width, -1.0)
        return np.argsort(-sells, kind="stable")

    def row_of(self, item_id: str) -> int | None:
        """The item's row, None where it is not among them."""
        found = self._index.get_indexer([item_id])[0]
        return int(found) if found >= 0 else None

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.item_ids)

    def rows_of(self, item_ids: np.ndarray) -> np.ndarray:
        """Rows [K] of these items, −1 where one is not among them."""
        return np.asarray(self._index.get_indexer(item_ids))

    def save(self, path: Path) -> None:
        """Writes ``path`` in one move, after the spans beside it, whose name it holds."""
        spans = path.with_name(f"{path.stem}-{hashlib.sha256(self.key.encode()).hexdigest()[:12]}.npy")
        written(spans, lambda fresh: np.save(fresh, self.spans))
        frame = pd.DataFrame({name: getattr(self, name) for name in _COLUMNS})
        frame.attrs = {
            "key": self.key,
            "ledger": self.ledger,
            "creation_date": f"{self.creation_date:%Y-%m-%d}",
            "horizon": self.horizon,
            "taus": [float(tau) for tau in self.taus],
            "spans": spans.name,
            "checksum": _checksum(spans),
        }
        written(path, lambda fresh: frame.to_parquet(fresh, write_page_checksum=True))
        for old in path.parent.glob(f"{path.stem}-*.npy"):
            if old != spans:
                old.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, key: str) -> Summary | None:
        """The summary at ``path`` if it was made of ``key`` and its spans are there, else None, as where it is damaged."""
        if not path.is_file():
            return None
        try:
            frame = pd.read_parquet(path, page_checksum_verification=True)
            about = frame.attrs
            spans = path.parent / about.get("spans", "")  # a summary of an older version had none
            if about.get("key") != key or not spans.is_file():
                return None
            arrays = {name: frame[name].to_numpy() for name in _COLUMNS}
            date, taus, horizon = pd.Timestamp(about["creation_date"]), np.array(about["taus"]), int(about["horizon"])
            mapped = np.load(spans, mmap_mode="r")
            if mapped.shape != (len(frame), horizon, len(taus)) or about.get("checksum") != _checksum(spans):
                return None
        except UNREADABLE:
            return None
        said = str(about.get("ledger", ""))
        return cls(key=key, creation_date=date, horizon=horizon, taus=taus, spans=mapped, ledger=said, **arrays)


def _checksum(path: Path) -> int:
    """Of a file, read a little at a time: a tenth of a second for the spans of 100,000 items."""
    answer = 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            answer = zlib.crc32(piece, answer)
    return answer


def summarise(
    catalog: Catalog, forecaster: MQTransformerForecaster, key: str, report: Report, workers: int | None = None
) -> tuple[Summary, CatalogTotals]:
    """Forecasts every item of the catalog: each by itself, and what all of them sell together."""
    catalog = catalog.as_it_is()
    items, started, done = catalog.about.items, time.monotonic(), 0
    parts: dict[int, dict[str, np.ndarray]] = {}
    sums = total_sums(catalog, forecaster.networks)

    def work(twin: MQTransformerForecaster, part: int) -> tuple[dict[str, np.ndarray], PartialSums]:
        panel, plan = panel_of_part(catalog, part, twin.horizon)
        forecast = twin.forecast(panel, [panel.last], plan)[0]
        return _numbers(forecast), sums.of(forecast)

    for part, (numbers, added) in worked_through(forecaster, range(parts_of(items)), work, workers):
        parts[part], done = numbers, min(done + PART_ITEMS, items)
        sums.add(added)
        left = (time.monotonic() - started) / done * (items - done)
        report(Progress(done, items, f"Forecasting all items: {done:,} of {items:,}", left))
    summary = _joined(parts, key, catalog.about.last, forecaster.horizon, catalog.ledger.digest)
    return summary, _with_plan(sums.totals(key, summary.creation_date), catalog, forecaster, summary, workers)


def summary_of(
    run: Run, catalog: Catalog, forecaster: MQTransformerForecaster, key: str, report: Report, workers: int | None = None
) -> tuple[Summary, CatalogTotals]:
    """The same from a whole run of the same catalog and model, whose forecasts need only be read."""
    items, done = run.manifest.items, 0
    parts = {}
    sums = total_sums(catalog, forecaster.networks)
    for part, forecast in enumerate(run.forecasts()):
        parts[part], done = _numbers(forecast), done + len(forecast)
        sums.add(sums.of(forecast))
        report(Progress(done, items, f"Reading the forecasts of all items: {done:,} of {items:,}"))
    made = run.manifest
    summary = _joined(parts, key, pd.Timestamp(made.creation_date), len(made.periods), made.ledger)
    return summary, _with_plan(sums.totals(key, summary.creation_date), catalog, forecaster, summary, workers)


def _with_plan(
    totals: CatalogTotals, catalog: Catalog, forecaster: MQTransformerForecaster, summary: Summary, workers: int | None
) -> CatalogTotals:
    """The totals with what the plan adds to them, where the catalog plans anything."""
    if not catalog.about.planned:
        return totals
    expected = dict(zip(summary.item_ids, summary.expected.astype(np.float64), strict=True))
    return replace(totals, planned=plan_effect(catalog, forecaster, expected, tuple(totals.labels), workers))


def _numbers(forecast: QuantileForecast) -> dict[str, np.ndarray]:
    """What is kept of a part: of the items that are still sold."""
    forecast = forecast.take(np.flatnonzero(forecast.cumulative[:, -1, -1] > 0))
    whole = forecast.span(len(forecast.periods))
    return {
        "item_ids": forecast.item_ids,
        "expected": forecast.mean().sum(axis=1).astype(np.float32),
        "low": whole.span_at(0.1)[:, 0].astype(np.float32),
        "high": whole.span_at(0.9)[:, 0].astype(np.float32),
        "spans": forecast.cumulative.astype(np.float32),
    }


def _joined(parts: dict[int, dict[str, np.ndarray]], key: str, created: pd.Timestamp, horizon: int, ledger: str) -> Summary:
    """Best sellers first; each part is let go of once its spans are in their place."""
    first, ranked = parts[min(parts)], sorted(parts)
    small = {name: np.concatenate([parts[part][name] for part in ranked]) for name in _COLUMNS}
    order = np.argsort(-small["expected"], kind="stable")
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    spans, begin = np.empty((len(order), *first["spans"].shape[1:]), np.float32), 0
    for part in ranked:
        block = parts.pop(part)["spans"]
        spans[place[begin : begin + len(block)]] = block
        begin += len(block)
    ranked_numbers = {name: values[order] for name, values in small.items()}
    return Summary(key, created, horizon, taus=np.array(TAUS), spans=spans, ledger=ledger, **ranked_numbers)
