"""The items that the stand-in has: histories and forecasts by closed formulas, so that a page's numbers are known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from data.schema import Frequency
from forecasting.core.types import QuantileForecast
from forecasting.service.view_models import ItemHistory

HORIZON = 13
PERIODS = 104
TAUS = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98])
NORMAL = np.array([-2.0537, -1.6449, -1.2816, -0.8416, -0.5244, -0.2533, 0, 0.2533, 0.5244, 0.8416, 1.2816, 1.6449, 2.0537])
WEEKS = Frequency.of("W-SUN")

KINDS = (
    "Oat milk",
    "Orange juice",
    "Ground coffee",
    "Rye bread",
    "Plain yoghurt",
    "Dark chocolate",
    "Olive oil",
    "Dish soap",
)
SIZES = ("500 g", "1 l", "small", "family pack")


def name_of(number: int) -> str:
    """The name of the item of this number."""
    return f"{KINDS[number % len(KINDS)]}, {SIZES[number // len(KINDS) % len(SIZES)]}"


CATEGORIES = ("Dairy", "Juice", "Coffee", "Bakery", "Dairy", "Sweets", "Pantry", "Household")


def level(number: int) -> float:
    """Units that item sells in a usual period."""
    return 180.0 / (1 + number / 3) if number else 30.0


def elasticity(number: int) -> float:
    return 0.4 + number % 7 * 0.35


def history(number: int) -> ItemHistory:
    """Two years of a seasonal item with promotions, price changes and two weeks out of stock."""
    random = np.random.default_rng(number)
    periods = WEEKS.range(pd.Timestamp("2024-01-07"), PERIODS)
    when = np.arange(PERIODS)
    promo = (when % 17 == 5) * 0.8
    price = np.where(promo > 0, 1.99, np.where(when > 70, 2.49, 2.29))
    mean = level(number) * (1 + 0.25 * np.sin(2 * np.pi * when / 52)) * (1 + promo) * (price / 2.39) ** -elasticity(number)
    demand = np.round(random.gamma(6, mean / 6))
    in_stock = np.ones(PERIODS)
    in_stock[[60, 61]] = 0.3
    demand[[60, 61]] = np.round(demand[[60, 61]] * 0.2)
    names = {
        "2024-11-28": "Thanksgiving",
        "2024-12-25": "Christmas Day",
        "2025-07-04": "Independence Day",
        "2025-11-27": "Thanksgiving",
        "2025-12-25": "Christmas Day",
        "2026-01-01": "New Year's Day",
        "2026-02-16": "Washington's Birthday",
    }
    stamps = WEEKS.range(periods[0], PERIODS + HORIZON)
    events = tuple(
        (stamps[stamps.searchsorted(pd.Timestamp(day))], name) for day, name in names.items() if pd.Timestamp(day) <= stamps[-1]
    )
    start = PERIODS - 6 if number == 0 else 0
    return ItemHistory(periods[start:], demand[start:], price[start:], promo[start:], in_stock[start:], events)


def forecast(
    number: int, horizon: int, price: np.ndarray, promo: np.ndarray, created: pd.Timestamp, start: int = PERIODS
) -> QuantileForecast:
    """A lognormal fan around the formula that made the history; [1, H, Q]."""
    when = start + np.arange(horizon)
    mean = level(number) * (1 + 0.25 * np.sin(2 * np.pi * when / 52)) * (1 + promo) * (price / 2.39) ** -elasticity(number)
    spread = 0.35 + 0.01 * np.arange(horizon)
    values = mean[:, None] * np.exp(spread[:, None] * NORMAL)
    spans = np.cumsum(mean)[:, None] * np.exp(spread[:, None] / np.sqrt(1 + np.arange(horizon))[:, None] * 1.6 * NORMAL)
    return QuantileForecast(
        np.array([f"SKU-{number:04d}"]), created, WEEKS.after(created, horizon), TAUS, values[None].astype(np.float32),
        spans[None].astype(np.float32), "mqcnn", "2026-01-04.1", "abc123", np.array([elasticity(number)]),
    )  # fmt: skip


@cache
def span(number: int) -> tuple[float, float, float]:
    """Expected units, P10 and P90 of the whole horizon."""
    price, promo = np.full(HORIZON, 2.49), (np.arange(HORIZON) == 4) * 0.8
    answer = forecast(number, HORIZON, price, promo, pd.Timestamp("2025-12-28"))
    return float(answer.span_mean()[0, -1]), float(answer.span_at(0.1)[0, -1]), float(answer.span_at(0.9)[0, -1])
