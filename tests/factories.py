"""Small seeded panels for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from data.groups import group_series
from data.schema import Frequency, Panel


def make_panel(items: int = 8, periods: int = 60, seed: int = 0, alias: str = "W-SUN", *, events: bool = True) -> Panel:
    """N seasonal items that sell less at higher prices and more when promoted; some periods out of stock.

    It has a price and a promotion known ahead, page views known only afterwards, two attributes and a yearly event.
    """
    rng = np.random.default_rng(seed)
    frequency = Frequency.of(alias)
    stamps = frequency.range(pd.Timestamp("2022-01-02"), periods)
    s = np.arange(periods)
    shape = (items, periods)
    price = rng.uniform(2, 6, (items, 1)) * np.where(rng.random(shape) < 0.2, 0.8, 1.0)
    promo = (rng.random(shape) < 0.15).astype(np.float32)
    season = 1 + 0.4 * np.sin(2 * np.pi * s / frequency.season)
    level = rng.uniform(3, 40, (items, 1))
    mean = level * season * (price / price.max(axis=1, keepdims=True)) ** -2 * (1 + promo)
    demand = rng.poisson(mean).astype(np.float32)
    in_stock = np.where(rng.random(shape) < 0.03, 0.4, 1.0).astype(np.float32)
    event = np.isin(s % frequency.season, [frequency.season // 2]).astype(np.float32)
    panel = Panel(
        item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
        periods=stamps,
        frequency=frequency,
        demand=np.where(in_stock < 1, np.floor(demand * in_stock), demand).astype(np.float32),
        in_stock=in_stock,
        known={"price": price.astype(np.float32), "promo": promo},
        past={"views": (10 * demand + rng.poisson(5, shape)).astype(np.float32)},
        static={
            "category": np.array([("soap", "tea")[row % 2] for row in range(items)], dtype=object),
            "brand": np.array([("own", "other")[row // 2 % 2] for row in range(items)], dtype=object),
        },
        event_names=("Midsummer",) if events else (),
        events=event[:, None] if events else np.zeros((periods, 0), np.float32),
        catalog_hash="factory",
    )
    return replace(panel, groups=group_series(panel))


def counting_panel(
    items: int = 2,
    periods: int = 10,
    *,
    alias: str = "D",
    price_seen: str = "always",
    planned: frozenset[str] | None = None,
) -> Panel:
    """Demand of row n in period s is 100 n + s, its price 1000 more, so that a slice can be read off its numbers."""
    s = np.arange(periods, dtype=np.float32)
    demand = (100 * np.arange(items)[:, None] + s).astype(np.float32)
    frequency = Frequency.of(alias)
    panel = Panel(
        item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
        periods=frequency.range(pd.Timestamp("2024-01-01"), periods),
        frequency=frequency,
        demand=demand,
        in_stock=np.full_like(demand, np.nan),
        known={"price": demand + 1000, "promo": demand + 2000},
        past={"views": demand + 3000},
        static={"category": np.array(["a"] * items, dtype=object)},
        event_names=("even",),
        events=(s % 2 == 0).astype(np.float32)[:, None],
        price_seen="when sold" if price_seen == "when sold" else "always",
        planned=planned,
    )
    return replace(panel, groups=group_series(panel))
