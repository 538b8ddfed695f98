"""The patchwork's router: which way an item goes, by how it has sold. Axis letters: N items, T past periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from data.schema import Frequency

Route = Literal["established", "seasonal", "intermittent", "new"]
ROUTES: tuple[Route, ...] = ("established", "seasonal", "intermittent", "new")
ESTABLISHED, SEASONAL, INTERMITTENT, NEW = range(4)

#: More periods than this from one sale to the next: intermittent (after Syntetos and Boylan).
_INTERVAL = 1.32

#: An item is dying, and its forecast TSB's, when it has not sold for so many times its usual interval.
_DYING = 4.0

_REPEATS = 0.3  # correlation with the season before from which an item counts as seasonal


@dataclass(frozen=True, eq=False)
class Routing:
    """Which way each of N items goes, and the figures that decided.

    Attributes
    ----------
    route : [N] place in ``ROUTES``.
    start : [N] the first period with a sale, T where there is none; what comes before does not count.
    count : [N] known periods since.
    interval : [N] mean number of periods from one sale to the next over the last year.
    repeats : [N] correlation with the season before; NaN where the history is too short.
    dying : [N] bool, an intermittent item that has long not sold.
    """

    route: np.ndarray
    start: np.ndarray
    count: np.ndarray
    interval: np.ndarray
    repeats: np.ndarray
    dying: np.ndarray

    def why(self, row: int, frequency: Frequency) -> str:
        """The reason for one item's route, in words."""
        count, route = int(self.count[row]), ROUTES[self.route[row]]
        if route == "new":
            return f"{count} {frequency.unit}s since its first sale; the textbook models need {least_periods(frequency)}."
        if route == "intermittent" and not count:
            return "It has never sold so far."
        if route == "intermittent":
            ending = ", and none for long: it may be ending" if self.dying[row] else ""
            return f"One sale in {self.interval[row]:.1f} {frequency.unit}s{ending}."
        if route == "seasonal":
            return f"Sales go along with those of the season before (correlation {self.repeats[row]:.2f})."
        return f"{count} {frequency.unit}s of regular sales and no season of its own that repeats."


def least_periods(frequency: Frequency) -> int:
    """Known periods since the first sale from which an item is no longer new."""
    return int(np.clip(frequency.per_year / 4, 6, 13))


def routed(demand: np.ndarray, frequency: Frequency) -> Routing:
    """Sends each item of ``demand`` [N, T] (price and promotion taken out, NaN unknown) its way."""
    items, periods = demand.shape
    sold = np.nan_to_num(demand) > 0
    start = np.where(sold.any(axis=1), sold.argmax(axis=1), periods)
    since = np.arange(periods) >= start[:, None]
    known = np.isfinite(demand)
    count = (known & since).sum(axis=1)
    year = since & (np.arange(periods) >= periods - round(frequency.per_year))
    interval = (known & year).sum(axis=1) / np.maximum((sold & year).sum(axis=1), 1)
    last_sale = np.where(sold.any(axis=1), periods - 1 - sold[:, ::-1].argmax(axis=1), -1)
    silence = (known & (np.arange(periods) > last_sale[:, None])).sum(axis=1)
    repeats = _repeats(np.where(since, demand, np.nan), frequency.season)
    route = np.full(items, ESTABLISHED)
    route[repeats >= _REPEATS] = SEASONAL
    never = (start == periods) & (known.sum(axis=1) >= least_periods(frequency))
    route[(interval >= _INTERVAL) | never] = INTERMITTENT
    route[(count < least_periods(frequency)) & ~never] = NEW
    dying = (route == INTERMITTENT) & (silence > _DYING * np.maximum(interval, 1))
    return Routing(route, start, count, interval, repeats, dying)


def _repeats(demand: np.ndarray, season: int) -> np.ndarray:
    """Correlation [N] of log(1 + y/mean) with itself a season before; NaN with less than a season of pairs."""
    items, periods = demand.shape
    if periods < 2 * season:
        return np.full(items, np.nan)
    known = np.isfinite(demand)
    mean = np.nan_to_num(demand).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    logs = np.log1p(demand / np.where(mean > 0, mean, 1.0)[:, None])
    now, before = logs[:, season:], logs[:, :-season]
    pairs = np.isfinite(now) & np.isfinite(before)
    count = pairs.sum(axis=1)

    def centred(values: np.ndarray) -> np.ndarray:
        values = np.where(pairs, values, 0.0)
        return np.where(pairs, values - (values.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)

    x, y = centred(now), centred(before)
    spread = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where((count >= season) & (spread > 0), (x * y).sum(axis=1) / np.where(spread > 0, spread, 1.0), np.nan)
