"""Panels with every kind of column, catalogs written from them, and what it means that two are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from data.catalog import Catalog
from data.catalog_writer import CatalogWriter
from data.schema import Frequency, Panel
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings

WEEKLY = Frequency.of("W-SUN")


def panel_of(items: int = 30, periods: int = 40, seed: int = 0, **changes: object) -> Panel:
    """A panel with launches, gaps, stockouts, prices that begin late, and every kind of column."""
    rng = np.random.default_rng(seed)
    shape = (items, periods)
    demand = rng.poisson(6, shape).astype(np.float32)
    demand[rng.random(shape) < 0.03] = np.nan
    demand[: items // 4, : periods // 3] = np.nan
    price = np.round(rng.uniform(1, 9, (items, 1)) * rng.choice([1.0, 0.8], shape), 2).astype(np.float32)
    price[-(items // 5) :, :2] = np.nan
    values: dict[str, object] = {
        "item_ids": np.array([f"SKU-{n:04d}" for n in rng.permutation(items)], dtype=object),
        "periods": WEEKLY.range(pd.Timestamp("2023-01-01"), periods),
        "frequency": WEEKLY,
        "demand": demand,
        "in_stock": np.where(rng.random(shape) < 0.1, 0.5, np.nan).astype(np.float32),
        "known": {"price": price, "promo": (rng.random(shape) < 0.1).astype(np.float32)},
        "past": {"views": rng.random(shape).astype(np.float32)},
        "static": {
            "category": np.array([f"Category {n % 3}" for n in range(items)], dtype=object),
            "brand": np.array([("Äpfel & Söhne", "Plain")[n % 2] for n in range(items)], dtype=object),
        },
    }
    return Panel(**(values | changes))


def write(
    path: Path, panel: Panel, *, size: int = 1000, names=None, commercial=None, suppliers=None, plan=None, orders=None, **about
) -> Path:
    settings = {"name": "Test", "source": "test", "words": "Made up.", "frequency": panel.frequency} | about
    with CatalogWriter(path, **settings) as writer:
        for start in range(0, len(panel), size):
            part = np.arange(start, min(start + size, len(panel)))
            writer.add(
                panel.take(part),
                names=None if names is None else [names[n] for n in part],
                commercial=None if commercial is None else commercial.iloc[part],
                suppliers=None if suppliers is None else [suppliers[n] for n in part],
                plan=None if plan is None else plan.take(part),
            )
        if orders is not None:
            writer.set_orders(orders)
    return path


@contextmanager
def opened(directory: Path, panel: Panel) -> Iterator[Catalog]:
    """A catalog of this panel, written and open."""
    with closing(Catalog(write(directory / "catalog.duckdb", panel))) as catalog:
        yield catalog


def trained_on(catalog: Catalog, settings: TrainingSettings, horizon: int) -> MQTransformerForecaster:
    """A forecaster that knows all of the catalog."""
    model, panel = MQTransformerForecaster(settings), catalog.panel()
    model.fit(panel, panel.last, horizon)
    return model


def assert_same(got: Panel, expected: Panel) -> None:
    assert got.item_ids.tolist() == expected.item_ids.tolist()
    assert got.periods.equals(expected.periods)
    assert got.frequency == expected.frequency
    np.testing.assert_array_equal(got.demand, expected.demand)
    np.testing.assert_array_equal(got.in_stock, expected.in_stock)
    for kind in ("known", "past", "static"):
        assert list(getattr(got, kind)) == list(getattr(expected, kind))
        for name, values in getattr(expected, kind).items():
            np.testing.assert_array_equal(getattr(got, kind)[name], values)
