"""The forecasts of all items: three numbers of each that rank the items of Today, and the spans that buying needs.

Made once for a catalog and a model, and kept beside the catalog: the numbers as Parquet, the spans as an array that is
mapped into memory and read where it is asked for.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from data.schema import Panel, Plan
from forecasting.generations.base import Report
from forecasting.generations.network import MQTransformerForecaster
from forecasting.types import Progress

_COLUMNS = ("item_ids", "expected", "low", "high")


@dataclass(frozen=True, eq=False)
class Summary:
    """N items: expected units and P10, P90 of the whole horizon's demand, best sellers first.

    ``key`` names the catalog and the model that it was made of. ``spans`` [N, H, Q] float32 are the quantiles at ``taus`` of
    demand summed over the first h periods.
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
        _written(spans, lambda fresh: np.save(fresh, self.spans))
        frame = pd.DataFrame({name: getattr(self, name) for name in _COLUMNS})
        frame.attrs = {
            "key": self.key,
            "creation_date": f"{self.creation_date:%Y-%m-%d}",
            "horizon": self.horizon,
            "taus": [float(tau) for tau in self.taus],
            "spans": spans.name,
        }
        _written(path, frame.to_parquet)
        for old in path.parent.glob(f"{path.stem}-*.npy"):
            if old != spans:
                old.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, key: str) -> Summary | None:
        """The summary at ``path`` if it was made of ``key`` and its spans are there, else None."""
        if not path.is_file():
            return None
        frame = pd.read_parquet(path)
        about = frame.attrs
        spans = path.parent / about.get("spans", "")  # a summary of an older version had none
        if about.get("key") != key or not spans.is_file():
            return None
        arrays = {name: frame[name].to_numpy() for name in _COLUMNS}
        date, taus = pd.Timestamp(about["creation_date"]), np.array(about["taus"])
        mapped = np.load(spans, mmap_mode="r")
        return cls(key=key, creation_date=date, horizon=int(about["horizon"]), taus=taus, spans=mapped, **arrays)


def _written(path: Path, write: Callable[[Path], object]) -> None:
    """``write`` fills a file that then takes the place of ``path`` in one move."""
    fresh = path.with_name(f"fresh-{path.name}")
    write(fresh)
    fresh.replace(path)


def summarise(
    batches: Iterable[tuple[Panel, Plan]], items: int, forecaster: MQTransformerForecaster, key: str, report: Report
) -> Summary:
    """Forecasts ``batches`` of panels and their plans, ``items`` in all."""
    started, done = time.monotonic(), 0
    parts: list[dict[str, np.ndarray]] = []
    date, taus = pd.NaT, np.zeros(0)
    for panel, plan in batches:
        forecast = forecaster.forecast(panel, [panel.last], plan)[0]
        whole = forecast.span(forecaster.horizon)
        parts.append(
            {
                "item_ids": panel.item_ids,
                "expected": forecast.span_mean()[:, -1].astype(np.float32),
                "low": whole.span_at(0.1)[:, 0].astype(np.float32),
                "high": whole.span_at(0.9)[:, 0].astype(np.float32),
                "spans": forecast.cumulative.astype(np.float32),
            }
        )
        date, taus, done = panel.last, forecast.taus, done + len(panel)
        left = (time.monotonic() - started) / done * (items - done)
        report(Progress(done, items, f"Forecasting all items: {done:,} of {items:,}", left))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(-joined["expected"], kind="stable")
    return Summary(key, date, forecaster.horizon, taus=taus, **{name: values[order] for name, values in joined.items()})
