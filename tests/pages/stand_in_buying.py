"""The stand-in's purchase list and what a scenario brings, from forecasts that it made up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from data.assortment import Assortment
from data.facts import About, ItemFacts
from data.orders import Orders
from data.schema import COMMERCIAL
from forecasting.batch.batch_forecast import Manifest, Run
from forecasting.batch.error_correlation import ErrorCorrelation
from forecasting.batch.forecast_monitoring import ForecastMonitoring
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast
from forecasting.inventory.lead_times import supply_of
from forecasting.purchasing.plan_inputs import PlanInputs
from forecasting.service.view_models import Outcome


def plan_inputs(every: Sequence[ItemFacts], spans: np.ndarray, *, stocked: bool, about: About | None = None) -> PlanInputs:
    """What the purchase list is made of, from ``spans`` [N, H, Q] in units; with ``about`` there are suppliers and orders."""
    items = len(every)
    known = {name: np.array([one.commercial.get(name) for one in every], float) for name in COMMERCIAL}
    if stocked:
        known |= {"pack_size": np.full(items, 12.0), "lead_time": np.full(items, 1.0), "min_order": np.zeros(items)}
        known |= {"on_hand": np.full(items, 34.0), "on_order": np.full(items, 24.0)}
    assortment = Assortment(
        item_ids=np.array([one.item_id for one in every], dtype=object),
        names=pa.chunked_array([[one.name for one in every]]),
        search_text=pa.chunked_array([[f"{one.item_id} {one.name} {one.static['category']}".casefold() for one in every]]),
        category=pd.Categorical([one.static["category"] for one in every]),
        commercial=known,
        supplier=pd.Categorical([SUPPLIERS[row % 3] for row in range(items)]) if about else None,
    )
    supply = supply_of(orders(assortment.item_ids), assortment, about) if about else None
    return PlanInputs(assortment, np.array(TAUS), spans, np.arange(items), pd.Timestamp("2025-12-28"), supply)


SUPPLIERS = ("Old Mill", "Pier 9: East/West", "=Summit()")


def orders(item_ids: np.ndarray) -> Orders:
    """Ten receipts of every item but the first, of 1 … 3 weeks; of SKU-0003 one order in time, one late, one overdue."""
    day, week = np.datetime64("2025-06-04"), np.timedelta64(7, "D")
    rows = [(item, day, "NaT", day + (1 + k % 3) * week, 10.0) for item in item_ids[1:] for k in range(10)]
    rows += [
        ("SKU-0003", np.datetime64("2025-12-17"), "2026-01-05", "NaT", 31.0),
        ("SKU-0003", np.datetime64("2025-12-17"), "2026-03-02", "NaT", 53.0),
        ("SKU-0003", np.datetime64("2025-11-17"), "2025-12-10", "NaT", 7.0),
    ]
    ids, ordered, due, received, units = zip(*rows, strict=True)
    days = [np.array(column, "datetime64[D]") for column in (ordered, due, received)]
    return Orders(np.array(ids, object), days[0], days[1], days[2], np.array(units))


#: How far the items err together.
CORRELATION = ErrorCorrelation(0.1, 0.3, 240, 12, pd.Timestamp("2025-09-28"), pd.Timestamp("2025-12-14"), 3)

#: The items whose forecast moved, and the one that keeps missing its range.
ROSE, FELL, MISSED = "SKU-0005", "SKU-0007", "SKU-0009"


def look_back(item_ids: Sequence[str]) -> ForecastMonitoring:
    """Nothing moved and nothing was missed but of three items."""
    ids = np.array(item_ids, dtype=object)
    before, judged, none = np.full(len(ids), 40.0), np.full(len(ids), 26), np.zeros(len(ids))
    rose, fell, missed = (ids == one for one in (ROSE, FELL, MISSED))
    after = before + 34.0 * rose - 12.0 * fell
    return ForecastMonitoring(
        "abc123", pd.Timestamp("2025-12-21"), 4, pd.Timestamp("2025-07-06"), pd.Timestamp("2025-12-28"), ids, before, after,
        20.0 * rose - 12.0 * fell, judged, np.where(missed, 17, 2), np.full(len(ids), 1), np.where(missed, 260.0, 1.0), none,
    )  # fmt: skip


class LookBackRun:
    """Is done as soon as somebody looks again."""

    def __init__(self, state: object) -> None:
        self.running, self.failed, self._state = False, None, state

    def start_once(self, key: str) -> None:
        self.running = True

    def progress(self) -> Progress:
        self.running, self._state.looked_back = False, True
        return Progress(1, 4, "Looking back at all items")


class BatchRun:
    """Writes one of four parts at every look."""

    def __init__(self, state: object) -> None:
        self.running, self.failed, self._state = False, None, state

    def start(self, *arguments: str) -> None:
        self.running, self._state.parts = True, self._state.parts % 4

    def stop(self) -> None:
        self.running = False

    def progress(self) -> Progress:
        self._state.parts += 1
        self.running = self._state.parts < 4
        return Progress(self._state.parts, 4, f"Forecasting all items: {60 * self._state.parts} of 240")


def run(state: object) -> Run | None:
    """A run of as many parts as were written; with four it is whole."""
    if not state.parts:
        return None
    periods = tuple(str(one) for one in pd.date_range("2026-01-04", periods=13, freq="W-SUN"))
    whole = "2026-01-05T09:10:00" if state.parts == 4 else ""
    made = Manifest("abc123", "Corner shop", "mqcnn", "v1", "2025-12-28", periods, 240, 60, "2026-01-05T09:00:00", whole)
    directory = state.planners.parent
    for part in range(state.parts):
        (directory / f"part-{part:05d}.parquet").touch()
    return Run(directory, made)


def outcome(answer: QuantileForecast, price: np.ndarray, cost: float | None) -> Outcome:
    """Totals over the horizon, the way the pages must show them."""
    mean = answer.mean()[0]
    total = float(answer.span_mean()[0, -1])
    margin = None if cost is None else float(((price - cost) * mean).sum())
    low, high = (float(answer.span_at(tau)[0, -1]) for tau in (0.1, 0.9))
    return Outcome(total, float((price * mean).sum()), margin, low, high)
