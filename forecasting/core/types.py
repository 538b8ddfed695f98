"""Typed results that cross rooms. Axis letters: N items, H horizons, Q taus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.errors import ModelError
from forecasting.core.quantile_function import level, mean, quantile

#: Quantiles may differ from sorted by this share of their size before it counts as a crossing: rounding of float32.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class QuantileForecast:
    """What N items will sell in each of H periods, and in total up to each, as quantile functions.

    Attributes
    ----------
    item_ids : [N] str.
    creation_date : the last period whose demand was used.
    periods : [H] target stamps.
    taus : [Q] knots in (0, 1), increasing.
    values : [N, H, Q] units per period, non-decreasing along Q, never negative.
    cumulative : [N, H, Q] units summed over the first h periods, learned and not summed from ``values``.
    model, version : the generation's name and the version of its weights.
    catalog_hash : of what was read of the catalog (``About.history_hash``).
    elasticity : [N] how many percent fewer sell at a price one percent higher; None where the generation cannot tell.
    """

    item_ids: np.ndarray
    creation_date: pd.Timestamp
    periods: pd.DatetimeIndex
    taus: np.ndarray
    values: np.ndarray
    cumulative: np.ndarray
    model: str
    version: str
    catalog_hash: str = ""
    elasticity: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.item_ids), len(self.periods), len(self.taus))
        if not (np.diff(self.taus, prepend=0.0, append=1.0) > 0).all():
            raise ModelError(f"The taus of the forecast by {self.model} do not rise from above 0 to below 1: {self.taus}.")
        for name in ("values", "cumulative"):
            array = getattr(self, name)
            if array.shape != shape:
                raise ModelError(f"{name} of the forecast has shape {array.shape}, expected {shape}.")
            if not np.isfinite(array).all() or (array < 0).any():
                raise ModelError(f"{name} of the forecast by {self.model} has numbers that are negative or not finite.")
            if (np.diff(array, axis=-1) < -_ROUNDING * np.maximum(array[..., :-1], 1)).any():
                raise ModelError(f"{name} of the forecast by {self.model} cross: a higher tau has fewer units.")
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.item_ids)

    def at(self, tau: float | np.ndarray) -> np.ndarray:
        """Units [N, H] that demand stays below with chance ``tau``."""
        return quantile(self.taus, self.values, tau)

    def span_at(self, tau: float | np.ndarray) -> np.ndarray:
        """The same [N, H] for demand summed over the first h periods."""
        return quantile(self.taus, self.cumulative, tau)

    def values_at(self, taus: Sequence[float]) -> np.ndarray:
        """Units [N, H, K] at each of K ``taus``."""
        return np.stack([self.at(tau) for tau in taus], axis=-1)

    def spans_at(self, taus: Sequence[float]) -> np.ndarray:
        """The same [N, H, K] for demand summed over the first h periods."""
        return np.stack([self.span_at(tau) for tau in taus], axis=-1)

    def level_of(self, units: float | np.ndarray) -> np.ndarray:
        """The chance [N, H] that a period sells no more than ``units``: 120 units is your P83."""
        return level(self.taus, self.values, units)

    def span_level_of(self, units: float | np.ndarray) -> np.ndarray:
        """The chance [N, H] that the first h periods together sell no more than ``units``."""
        return level(self.taus, self.cumulative, units)

    def mean(self) -> np.ndarray:
        """Expected units [N, H]: the area under the quantile function, tails included."""
        return mean(self.taus, self.values)

    def span_mean(self) -> np.ndarray:
        """Expected units [N, H] of the first h periods together: unlike quantiles, expectations add."""
        return self.mean().cumsum(axis=1)

    def to_frame(self) -> pd.DataFrame:
        """One row per item and period: item_id, creation_date, date, each tau ("0.1"), and the span up to it ("span_0.1")."""
        items, horizon, _ = self.values.shape
        keys = {
            "item_id": np.repeat(self.item_ids, horizon),
            "creation_date": self.creation_date,
            "date": np.tile(self.periods, items),
        }
        units = {f"{tau:g}": self.values[:, :, knot].ravel() for knot, tau in enumerate(self.taus)}
        spans = {f"span_{tau:g}": self.cumulative[:, :, knot].ravel() for knot, tau in enumerate(self.taus)}
        return pd.DataFrame({**keys, **units, **spans, "model": self.version})

    def first(self, horizon: int) -> QuantileForecast:
        """The forecast of the first ``horizon`` periods."""
        return self._cut(slice(0, horizon))

    def span(self, horizon: int) -> QuantileForecast:
        """The forecast of period ``horizon`` alone, and with it of the whole span up to it: H = 1."""
        return self._cut(slice(horizon - 1, horizon))

    def _cut(self, part: slice) -> QuantileForecast:
        return replace(self, periods=self.periods[part], values=self.values[:, part], cumulative=self.cumulative[:, part])

    def take(self, rows: Sequence[int] | np.ndarray) -> QuantileForecast:
        """The forecast of these rows [K]."""
        rows = np.asarray(rows)
        kept = None if self.elasticity is None else self.elasticity[rows]
        return replace(
            self,
            item_ids=self.item_ids[rows],
            values=self.values[rows],
            cumulative=self.cumulative[rows],
            elasticity=kept,
        )


@dataclass(frozen=True)
class Progress:
    """Where a long run stands: ``done`` of ``total`` steps, in words, and the seconds left (None: not known)."""

    done: int
    total: int
    message: str
    seconds_left: float | None = None

    @property
    def share(self) -> float:
        """0 … 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True)
class ModelCard:
    """Where a set of weights comes from; stored beside them as JSON.

    ``catalog_hash`` is of what was read of the catalog (``About.history_hash``); ``metrics`` are of the time-blocked validation
    before the last refit, by name.
    """

    model: str
    version: str
    seed: int
    catalog_hash: str
    catalog_name: str
    trained_until: str
    trained_at: str
    train_seconds: float
    config: Mapping[str, object]
    versions: Mapping[str, str]
    metrics: Mapping[str, float]


#: Whom a long run tells where it stands.
Report = Callable[[Progress], None]
