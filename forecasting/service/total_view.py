"""What all items together, or those of a category, sold, are expected to sell, and how far that can be explained.

Axis letters: T periods on record, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.schema import Frequency
from data.units import PIECES, Unit
from forecasting.batch.catalog_totals import CatalogTotals
from forecasting.batch.common_error import CommonError
from forecasting.core.quantile_function import level, quantile
from forecasting.service.view_models import ItemHistory

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Periods between a period and the same one of the year before: whole weeks where weekdays differ.
_YEAR = {"day": 364, "week": 52, "month": 12}

#: Stretches of which a larger share of items is not known are not set against one another.
MOST_UNKNOWN = 0.05


@dataclass(frozen=True, eq=False)
class TotalForecast:
    """A total in each of H coming periods: ``expected`` [H] units, and its quantiles ``values`` [H, Q] at ``taus`` [Q].

    ``common`` is how far its items err together.
    """

    creation_date: pd.Timestamp
    periods: pd.DatetimeIndex
    taus: np.ndarray
    expected: np.ndarray
    values: np.ndarray
    common: CommonError

    def at(self, tau: float) -> np.ndarray:
        """Units [1, H] that the total stays below with chance ``tau``."""
        return quantile(self.taus, self.values, tau)[None]

    def of_one_period(self, tau: float) -> float:
        """The same of one of these periods, whichever: the level at which the mean of their chances is ``tau``."""
        low, high = (float(edge) for edge in (self.at(tau).min(), self.at(tau).max()))
        for _ in range(50):  # halves a bracket
            middle = (low + high) / 2
            below = float(level(self.taus, self.values, middle).mean()) < tau
            low, high = (middle, high) if below else (low, middle)
        return high


@dataclass(frozen=True, eq=False)
class SpanTotal:
    """A total over several periods that begin at the creation date: its quantiles ``values`` [Q] at ``taus`` [Q]."""

    taus: np.ndarray
    values: np.ndarray

    def at(self, tau: float) -> float:
        """Units that it stays below with chance ``tau``."""
        return float(quantile(self.taus, self.values, tau))


@dataclass(frozen=True, eq=False)
class TotalView:
    """The total of ``category``, "" being all items, of a catalog with these ``categories`` of its attribute ``column``.

    Attributes
    ----------
    history : of the total; demand that is not known counts for nothing, and NaN stands where no item's is known.
    unknown : [T] the share of the items on record before, at most, whose demand is not known: at least so much is missing.
    last_year : [H] what the same periods sold a year before; NaN where that is not on record, which holds less than a year.
    forecast : None until all items were forecast.
    recent : units a period lately, over as many periods as are usually forecast.
    season : units a period that the coming ones would sell above ``recent`` if they rose against the stretch before them as
        last year's did; None where that is not on record.
    planned : units a period that the plan adds to what is usual; None where nothing is planned or it was not compared.
    unit : what all of it is counted in.
    having, counted : in another unit than pieces, how many of how many items that are sold have its factor.
    """

    category: str
    column: str
    categories: tuple[str, ...]
    history: ItemHistory
    unknown: np.ndarray
    last_year: np.ndarray
    forecast: TotalForecast | None
    recent: float
    recent_periods: int
    season: float | None
    planned: float | None
    unit: Unit = PIECES
    having: int = 0
    counted: int = 0

    @cached_property
    def expected(self) -> float | None:
        """Units expected a period, the mean of the coming ones."""
        return None if self.forecast is None else float(self.forecast.expected.mean())


def total_view(catalog: Catalog, totals: CatalogTotals | None, category: str, horizon: int) -> TotalView:
    """The total of a category, or of all items where it is "" or not one of the catalog's."""
    about = catalog.about
    first = catalog.search("", limit=1).rows[0].item_id
    panel, plan = catalog.panel([first]), catalog.plan([first], horizon)  # its groups are those of the whole catalog
    series = {group.column: group for group in panel.groups}
    column = next((name for name in about.static[:1] if name in series), "")
    categories = _categories(totals, series[column].labels) if column else ()
    category = category if category in categories else ""
    group = series[column if category else ""]
    place = group.labels.tolist().index(category) if category else 0
    sellers = group.sellers[place].astype(np.float64)
    known = np.where(sellers > 0, group.demand[place], np.nan).astype(np.float64)
    unknown = 1 - sellers / np.maximum(np.maximum.accumulate(sellers), 1)
    stocked = np.ones((1, len(known)), np.float32)
    total = replace(panel, demand=known[None].astype(np.float32), in_stock=stocked, known={}, life=None)
    history = ItemHistory.of(total, plan)
    recent = min(about.frequency.horizon, len(history.demand))
    lately = mean_of_known(known[len(known) - recent :])
    row = totals.row_of(category) if totals else None
    forecast = None if totals is None or row is None else _forecast(totals, row, about.frequency)
    planned = np.nan if totals is None or row is None else float(totals.planned[row]) / horizon
    return TotalView(
        category=category,
        column=column,
        categories=categories,
        history=history,
        unknown=unknown[len(known) - len(history.demand) :],
        last_year=last_year(known, about.frequency, horizon),
        forecast=forecast,
        recent=lately,
        recent_periods=recent,
        season=season_of(known, unknown, about.frequency, horizon, recent, lately),
        planned=planned if np.isfinite(planned) else None,
    )


def _forecast(totals: CatalogTotals, row: int, frequency: Frequency) -> TotalForecast:
    values = totals.values[row]
    periods = frequency.after(totals.creation_date, len(values))
    return TotalForecast(totals.creation_date, periods, totals.taus, totals.expected[row], values, totals.common)


def _categories(totals: CatalogTotals | None, labels: np.ndarray) -> tuple[str, ...]:
    """Those that have a name, best sellers first where that is known."""
    if totals is not None:
        return tuple(str(label) for label in totals.labels[1:])
    return tuple(sorted(str(label) for label in labels if str(label)))


def last_year(known: np.ndarray, frequency: Frequency, horizon: int) -> np.ndarray:
    """[H] of a total [T]; NaN unless more than a year is on record."""
    answer = np.full(horizon, np.nan)
    places = len(known) + np.arange(horizon) - _YEAR[frequency.unit]
    if len(known) >= frequency.per_year:
        there = (places >= 0) & (places < len(known))
        answer[there] = known[places[there]]
    return answer


def season_of(
    known: np.ndarray, unknown: np.ndarray, frequency: Frequency, horizon: int, recent: int, lately: float
) -> float | None:
    """What last year's rise from the ``recent`` periods before to the same periods makes of a total [T] that is ``lately``."""
    turn = len(known) - _YEAR[frequency.unit]
    before, same = slice(turn - recent, turn), slice(turn, min(turn + horizon, len(known)))
    if len(known) < frequency.per_year or turn < recent or not recent:
        return None
    level_before, level_same = mean_of_known(known[before]), mean_of_known(known[same])
    compared = np.concatenate([unknown[before], unknown[same]])
    if not level_before > 0 or not np.isfinite(level_same) or compared.max() > MOST_UNKNOWN:
        return None
    return lately * (level_same / level_before - 1)


def mean_of_known(values: np.ndarray) -> float:
    """Of what is known; NaN where nothing is."""
    seen = values[np.isfinite(values)]
    return float(seen.mean()) if seen.size else np.nan
