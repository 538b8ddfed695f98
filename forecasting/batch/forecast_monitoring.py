"""What the forecasts of all items did lately: how far each moved since last time, and whether what came fell within its range.

*Moved* sets the forecast of one period ago against today's, for the next periods that both reach. *Outside its range* counts
the periods whose demand came below P10 or above P90 of the forecast made one period before, by networks that had not learned
from them; of forecasts one period ahead, each miss is news. A forecast that is right has 2 of 10 outside.

Made once for a catalog and a model, in one pass over all items, and kept beside the catalog. Axis letters: N items, K dates.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import binom

from data.schema import Panel, Plan
from forecasting.batch.parallel import panel_of_part, parts_of, worked_through
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import actuals_after, unknown_ahead
from forecasting.core.types import Progress, Report
from forecasting.explain.forecast_revision import bridge
from forecasting.models.mqtransformer.ensemble import Ensemble
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Periods that are judged at most, and fewer than which say nothing.
_JUDGED, _FEWEST = 26, 6

#: The range, and how much of demand lies outside it where a forecast is right.
_LOW, _HIGH = TAUS.index(0.1), TAUS.index(0.9)
OUTSIDE = 0.2

#: Items that were expected to sell fewer units a period are not judged: their range has no lower end to miss.
_SELLS = 1.0

#: Of the items said to be outside their range, this share may be so by chance.
_FALSE = 0.1

_CHUNK = 256  # items read at a time


@dataclass(frozen=True, eq=False)
class ForecastMonitoring:
    """N items, in any order.

    Attributes
    ----------
    key : names the catalog and the model.
    created : the creation date before today's.
    ahead : how many periods ``before`` and ``after`` are of.
    before, after : [N] expected units, then and now, of the same periods; NaN where none was made.
    from_sales : [N] how much of the move the last period's sales made; the rest came from the forecaster's own errors.
    judged, above, below : [N] periods judged, and of these above P90 and below P10.
    over, under : [N] units above P90 and below P10 in these periods.
    first, last : the periods judged; NaT where there are none.
    """

    key: str
    created: pd.Timestamp
    ahead: int
    first: pd.Timestamp
    last: pd.Timestamp
    item_ids: np.ndarray
    before: np.ndarray
    after: np.ndarray
    from_sales: np.ndarray
    judged: np.ndarray
    above: np.ndarray
    below: np.ndarray
    over: np.ndarray
    under: np.ndarray

    @property
    def outside(self) -> np.ndarray:
        """[N] periods outside the range."""
        return self.above + self.below

    @cached_property
    def is_outside(self) -> np.ndarray:
        """[N] where more fell outside than chance allows.

        A one-sided binomial test of 2 in 10 for each item, with the false discovery rate held (Benjamini and Hochberg 1995).
        """
        tested = (self.judged >= _FEWEST) & (np.nan_to_num(self.before) >= _SELLS * self.ahead)
        chance = np.where(tested, binom.sf(self.outside - 1, np.maximum(self.judged, 1), OUTSIDE), 1.0)
        ranked = np.sort(chance[tested])
        passed = np.flatnonzero(ranked <= _FALSE * np.arange(1, len(ranked) + 1) / max(len(ranked), 1))
        return tested & (chance <= ranked[passed[-1]]) if passed.size else np.zeros(len(chance), bool)

    def of(self, item_ids: np.ndarray) -> ForecastMonitoring:
        """The same of these items; where one is not among them, nothing is known."""
        rows = pd.Index(self.item_ids).get_indexer(item_ids)
        missing = {name: (np.nan if name in ("before", "after", "from_sales") else 0) for name in _NUMBERS}
        found: dict[str, Any] = {
            name: np.where(rows >= 0, getattr(self, name)[np.maximum(rows, 0)], empty).astype(getattr(self, name).dtype)
            for name, empty in missing.items()
        }
        return replace(self, item_ids=item_ids, **found)

    def save(self, path: Path) -> None:
        """Writes ``path`` in one move."""
        frame = pd.DataFrame({name: getattr(self, name) for name in ("item_ids", *_NUMBERS)})
        frame.attrs = {"key": self.key, "ahead": self.ahead} | {
            name: str(getattr(self, name)) for name in ("created", "first", "last")
        }
        written(path, lambda fresh: frame.to_parquet(fresh, write_page_checksum=True))

    @classmethod
    def load(cls, path: Path, key: str) -> ForecastMonitoring | None:
        """What ``path`` holds if it was made of ``key``, else None, as where it is damaged."""
        if not path.is_file():
            return None
        try:
            schema = pq.read_schema(path)  # who asks for another key asks again and again: the numbers are not read for that
            about = json.loads((schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
            if about.get("key") != key or not set(_NUMBERS) < set(schema.names):
                return None
            frame = pd.read_parquet(path, page_checksum_verification=True)
            dates = {name: pd.Timestamp(about[name]) for name in ("created", "first", "last")}
            arrays = {name: frame[name].to_numpy() for name in ("item_ids", *_NUMBERS)}
            return cls(key=key, ahead=int(about["ahead"]), **dates, **arrays)
        except UNREADABLE:
            return None


_NUMBERS = tuple(
    one.name for one in fields(ForecastMonitoring) if one.name not in ("key", "created", "ahead", "first", "last", "item_ids")
)


def forecast_monitoring(
    catalog: Catalog, forecaster: MQTransformerForecaster, key: str, report: Report, *, workers: int | None = None
) -> ForecastMonitoring:
    """Looks back at every item of the catalog."""
    about, horizon, started = catalog.about, forecaster.horizon, time.monotonic()
    ahead = max(1, min(horizon - 1, horizon // 3))

    def work(twin: MQTransformerForecaster, part: int) -> tuple[dict[str, np.ndarray], list[pd.Timestamp]]:
        panel, plan = panel_of_part(catalog, part, horizon)
        chunks = [np.arange(start, min(start + _CHUNK, len(panel))) for start in range(0, len(panel), _CHUNK)]
        each = [_monitored(twin.networks, panel.take(rows), plan.take(rows), ahead) for rows in chunks]
        return {name: np.concatenate([one[name] for one in each]) for name in each[0]}, _periods(twin.networks, panel)

    found, judged, items = {}, [], 0
    for part, (numbers, periods) in worked_through(forecaster, range(parts_of(about.items)), work, workers):
        found[part], judged = numbers, periods
        items += len(numbers["item_ids"])
        left = (time.monotonic() - started) / items * (about.items - items)
        report(Progress(items, about.items, f"Looking back at all items: {items:,} of {about.items:,}", left))
    arrays = {name: np.concatenate([found[part][name] for part in sorted(found)]) for name in ("item_ids", *_NUMBERS)}
    return ForecastMonitoring(
        key=key,
        created=about.frequency.range(about.first, about.periods)[-2] if about.periods > 1 else pd.NaT,
        ahead=ahead,
        first=judged[0] if judged else pd.NaT,
        last=judged[-1] if judged else pd.NaT,
        **arrays,
    )


def _monitored(networks: FeedbackEnsemble, history: Panel, plan: Plan, ahead: int) -> dict[str, np.ndarray]:
    """The numbers of these items."""
    return {"item_ids": history.item_ids, **_moved(networks, history, plan, ahead), **_misses(networks, history)}


def _moved(networks: FeedbackEnsemble, history: Panel, plan: Plan, ahead: int) -> dict[str, np.ndarray]:
    items = len(history)
    names = ("before", "after", "from_sales")
    if len(history.periods) < 2 or len(plan) < 2:
        return {name: np.full(items, np.nan, np.float32) for name in names}
    found = bridge(networks, history, plan)
    known = np.isfinite(history.demand[:, :-1]).any(axis=1)
    parts = (found.before, found.after, found.sales)
    return {
        name: np.where(known, part[:, :ahead].sum(axis=1), np.nan).astype(np.float32)
        for name, part in zip(names, parts, strict=True)
    }


def _misses(networks: FeedbackEnsemble, history: Panel) -> dict[str, np.ndarray]:
    """Periods judged and missed, with units; where demand is whole, the range is rounded outwards to whole units."""
    unknown = unknown_ahead(history)
    actuals, low, high = [], [], []
    split = honest(networks, history)
    for ensemble, dates in split:
        quantiles = ensemble.read(history, None, dates, unknown=unknown, shown=False, ahead=1).values[:, :, 0]  # (N, K, Q)
        actuals.append(np.stack([actuals_after(history, date, 1)[:, 0] for date in dates], axis=1))
        low.append(quantiles[..., _LOW])
        high.append(quantiles[..., _HIGH])
    if not actuals:
        none = np.zeros(len(history), np.int32)
        return dict.fromkeys(("judged", "above", "below"), none) | dict.fromkeys(("over", "under"), none.astype(np.float32))
    sold, lowest, highest = (np.concatenate(part, axis=1).astype(np.float64) for part in (actuals, low, high))
    known = np.isfinite(sold)
    whole = np.where(known, sold == np.round(sold), True).all(axis=1, keepdims=True)
    lowest, highest = np.where(whole, np.floor(lowest), lowest), np.where(whole, np.ceil(highest), highest)
    over, under = (np.where(known, np.maximum(gap, 0), 0.0) for gap in (sold - highest, lowest - sold))
    begun = np.cumsum(np.isfinite(history.demand), axis=1)  # nothing is judged before an item has a past of a few periods
    started = np.concatenate([begun[:, dates] for _, dates in split], axis=1) >= _FEWEST
    over, under, known = over * started, under * started, known & started
    return {
        "judged": known.sum(axis=1).astype(np.int32),
        "above": (over > 0).sum(axis=1).astype(np.int32),
        "below": (under > 0).sum(axis=1).astype(np.int32),
        "over": over.sum(axis=1).astype(np.float32),
        "under": under.sum(axis=1).astype(np.float32),
    }


def honest(networks: FeedbackEnsemble, history: Panel) -> list[tuple[Ensemble, list[int]]]:
    """Which networks forecast from which of the creation dates that are judged."""
    t = len(history.periods) - 1
    return networks.out_of_sample_split(history.periods, range(max(0, t - _JUDGED), t))


def _periods(networks: FeedbackEnsemble, history: Panel) -> list[pd.Timestamp]:
    """The periods that are judged."""
    return [history.periods[date + 1] for _, dates in honest(networks, history) for date in dates]
