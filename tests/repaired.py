"""Small tables in which the truth is known, and what their repairs answer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from data.sources.upload.load import UploadPreview, preview
from data.sources.upload.offers import Offer


def table(demand: np.ndarray, freq: str = "W-MON", start: str = "2022-01-03", **columns: np.ndarray) -> pd.DataFrame:
    """Rows of demand [N, T]; no row where it is NaN. ``columns`` are [N, T] too, or [N] of the items."""
    days = pd.date_range(start, periods=demand.shape[1], freq=freq)
    item, period = np.nonzero(~np.isnan(demand))
    rows = {"item": [f"A{one}" for one in item], "date": days[period], "units": demand[item, period]}
    spread = {name: values[item, period] if values.ndim > 1 else values[item] for name, values in columns.items()}
    return pd.DataFrame(rows | spread)


def read(rows: pd.DataFrame, decisions: Mapping[str, str] | None = None) -> UploadPreview:
    """The preview of these rows as a file."""
    return preview("sales.csv", rows.to_csv(index=False).encode(), dict(decisions or {}))


def offered(got: UploadPreview, kind: str) -> Offer:
    """The one offer of this kind."""
    found = [offer for offer in got.offers if offer.kind == kind]
    assert len(found) == 1, got.offers
    return found[0]


def kinds(got: UploadPreview) -> dict[str, str]:
    """Kind of each offer → what the file is read with."""
    return {offer.kind: offer.answer for offer in got.offers}


def poisson(mean: float, items: int = 8, periods: int = 80, seed: int = 0) -> np.ndarray:
    """Demand [N, T] around a mean of its own for each item."""
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * rng.uniform(0.6, 1.6, (items, 1)) * np.ones((1, periods))).astype(float)
