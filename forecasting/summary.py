"""The forecasts of all items, each as three numbers: what ranks the items of Today.

Made once for a catalog and a model, in batches of bounded memory, and kept as Parquet beside the catalog.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from data.schema import Panel, Plan
from forecasting.generations.base import Report
from forecasting.generations.network import MQTransformerForecaster
from forecasting.types import Progress


@dataclass(frozen=True, eq=False)
class Summary:
    """N items: expected units and P10, P90 of the whole horizon's demand, best sellers first.

    ``key`` names the catalog and the model that it was made of.
    """

    key: str
    creation_date: pd.Timestamp
    horizon: int
    item_ids: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray

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

    def save(self, path: Path) -> None:
        """Writes ``path`` in one move."""
        arrays = {name: getattr(self, name) for name in ("item_ids", "expected", "low", "high")}
        frame = pd.DataFrame(arrays)
        frame.attrs = {"key": self.key, "creation_date": f"{self.creation_date:%Y-%m-%d}", "horizon": self.horizon}
        fresh = path.with_suffix(".new")
        frame.to_parquet(fresh)
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path, key: str) -> Summary | None:
        """The summary at ``path`` if it was made of ``key``, else None."""
        if not path.is_file():
            return None
        frame = pd.read_parquet(path)
        if frame.attrs.get("key") != key:
            return None
        arrays = {name: frame[name].to_numpy() for name in ("item_ids", "expected", "low", "high")}
        date = pd.Timestamp(frame.attrs["creation_date"])
        return cls(key=key, creation_date=date, horizon=int(frame.attrs["horizon"]), **arrays)


def summarise(
    batches: Iterable[tuple[Panel, Plan]], items: int, forecaster: MQTransformerForecaster, key: str, report: Report
) -> Summary:
    """Forecasts ``batches`` of panels and their plans, ``items`` in all."""
    started, done = time.monotonic(), 0
    parts: list[dict[str, np.ndarray]] = []
    date = pd.NaT
    for panel, plan in batches:
        forecast = forecaster.forecast(panel, [panel.last], plan)[0]
        whole = forecast.span(forecaster.horizon)
        parts.append(
            {
                "item_ids": panel.item_ids,
                "expected": forecast.span_mean()[:, -1].astype(np.float32),
                "low": whole.span_at(0.1)[:, 0].astype(np.float32),
                "high": whole.span_at(0.9)[:, 0].astype(np.float32),
            }
        )
        date, done = panel.last, done + len(panel)
        left = (time.monotonic() - started) / done * (items - done)
        report(Progress(done, items, f"Forecasting all items: {done:,} of {items:,}", left))
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(-joined["expected"], kind="stable")
    return Summary(key, date, forecaster.horizon, **{name: values[order] for name, values in joined.items()})
