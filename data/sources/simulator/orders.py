"""Purchase orders of simulated items, whose lead times are drawn from laws that are known.

Every item has one of ``SUPPLIERS``; orders of a supplier take 1, 2, … periods with chances of the supplier's own. Items are
ordered every few periods; what is not received when the history ends is open. One open order in ten has no due date, and those
of an unpunctual supplier come later than they were due. Item i is the same whatever the chunk, as in ``simulator``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.orders import Orders
from data.sources.simulator.market import stream

if TYPE_CHECKING:
    from data.sources.simulator.settings import SimulatedChunk, Simulation

SUPPLIERS = (
    "Harbour Foods",
    "Northgate Trading",
    "Old Mill",
    "Pier 9",
    "Quayside Imports",
    "Redfern & Co",
    "Summit",
    "Tollhouse",
)

_LONGEST = 8  # periods that an order may take
_MOST = 16  # past orders of an item, at most
_EVERY = (2, 7)  # periods between an item's orders
_WITHOUT_DUE = 0.1
_DAYS = {"day": 1, "week": 7, "month": 28}


@dataclass(frozen=True, eq=False)
class LeadTimeLaws:
    """The truth: ``chances`` [S, L] that an order of each of ``SUPPLIERS`` takes 1, 2, … L ``periods`` [L]."""

    periods: np.ndarray
    chances: np.ndarray


def lead_time_laws(seed: int) -> LeadTimeLaws:
    """How long each supplier's orders take: a binomial around its own mean, some suppliers reliable and some not."""
    rng = stream(seed, "suppliers")
    periods = np.arange(1, _LONGEST + 1)
    usual, spread = rng.uniform(1.5, 5.0, len(SUPPLIERS)), rng.uniform(0.35, 1.3, len(SUPPLIERS))
    weight = np.exp(-0.5 * ((periods - usual[:, None]) / spread[:, None]) ** 2)
    return LeadTimeLaws(periods, weight / weight.sum(axis=1, keepdims=True))


def suppliers_of(seed: int, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
    """Which of ``SUPPLIERS`` [N] the items of these numbers are bought from."""
    return np.array([int(stream(seed, "supplier", int(number)).integers(len(SUPPLIERS))) for number in numbers], dtype=int)


def simulated_orders(settings: Simulation, chunk: SimulatedChunk, first: int) -> Orders:
    """Past and open orders of the chunk, whose first item is number ``first``."""
    laws, panel = lead_time_laws(settings.seed), chunk.panel
    supplier = [SUPPLIERS.index(name) for name in panel.static["supplier"]]
    stamps = panel.periods.to_numpy().astype("datetime64[D]")
    length, T = _DAYS[panel.frequency.unit], len(stamps)
    pack = chunk.commercial["pack_size"].to_numpy()
    lists: list[list[object]] = [[], [], [], [], []]
    for row, number in enumerate(range(first, first + len(panel))):
        rng = stream(settings.seed, "orders", number)
        every, count = int(rng.integers(*_EVERY)), int(rng.integers(0, _MOST + 1))
        placed = np.arange(T - 1 - int(rng.integers(0, every)), 0, -every)[:count]
        law = laws.chances[supplier[row]]
        took = rng.choice(laws.periods, len(placed), p=law)
        usual = max(round(float(law @ laws.periods)), 1)
        sold = float(np.nan_to_num(np.nanmean(panel.demand[row]))) if np.isfinite(panel.demand[row]).any() else 0.0
        units = max(np.ceil(every * sold / pack[row]), 1.0) * pack[row]
        dated = rng.random(len(placed)) >= _WITHOUT_DUE
        for place, lasted, is_dated in zip(placed, took, dated, strict=True):
            has_come = place + lasted < T
            ordered = stamps[place]
            lists[0].append(panel.item_ids[row])
            lists[1].append(ordered)
            lists[2].append(ordered + np.timedelta64(usual * length, "D") if is_dated else np.datetime64("NaT", "D"))
            lists[3].append(stamps[place + lasted] if has_come else np.datetime64("NaT", "D"))
            lists[4].append(units)
    ordered, due, received = (np.array(column, "datetime64[D]") for column in lists[1:4])
    return Orders(np.array(lists[0], dtype=object), ordered, due, received, np.array(lists[4], np.float64))


def joined(parts: Sequence[Orders]) -> Orders:
    """The orders of several chunks."""
    if not parts:
        return Orders.none()
    names = ("item_ids", "ordered", "due", "received", "units")
    ids, ordered, due, received, units = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Orders(ids, ordered, due, received, units)
