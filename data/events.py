"""Holidays and other named days that move demand, laid over the catalog's periods."""

from __future__ import annotations

from typing import Literal

import holidays
import numpy as np
import pandas as pd

from data.errors import ConfigurationError, DataError
from data.schema import Frequency, Panel, Plan

#: Whether a week's or month's stamp is its first or its last day.
Stamp = Literal["first", "last"]

#: Days that nobody shops for, though the calendar of holidays names them.
_IDLE = frozenset({"Groundhog Day", "April Fools' Day", "Day off"})

_YEARS_AHEAD = 2


def usual_stamp(frequency: Frequency) -> Stamp:
    """What a stamp of this frequency usually means: months say it, Monday opens a week, other weekdays close it."""
    if frequency.alias in ("MS", "W-MON", "D"):
        return "first"
    return "last"


def periods_ahead(frequency: Frequency) -> int:
    """How many periods after the last a catalog knows its events of."""
    return int(np.ceil(_YEARS_AHEAD * frequency.per_year))


def named_days(country: str, first: pd.Timestamp, last: pd.Timestamp) -> dict[str, pd.DatetimeIndex]:
    """Event name → its days in ``country`` (ISO code) from ``first`` to ``last``, names in order of the calendar.

    Days are those of the event itself, not a day off in lieu. Raises ConfigurationError for a country that the
    ``holidays`` package does not know.
    """
    if country not in holidays.list_supported_countries():
        raise ConfigurationError(
            f"There is no holiday calendar for the country {country!r}. Use a code such as US, GB or DE, or none."
        )
    source = getattr(holidays, country)
    calendar = source(
        years=range(first.year, last.year + 1),
        observed=False,
        categories=tuple(c for c in ("public", "unofficial") if c in source.supported_categories),
        language="en_US" if "en_US" in source.supported_languages else None,
    )
    days: dict[str, list[pd.Timestamp]] = {}
    for day, names in sorted(calendar.items()):
        for name in names.split("; "):
            if name not in _IDLE and first <= pd.Timestamp(day) <= last:
                days.setdefault(name, []).append(pd.Timestamp(day))
    in_year = sorted(days, key=lambda name: (min(day.day_of_year for day in days[name]), name))
    return {name: pd.DatetimeIndex(days[name]) for name in in_year}


def flags(days: dict[str, pd.DatetimeIndex], periods: pd.DatetimeIndex, frequency: Frequency, stamp: Stamp) -> np.ndarray:
    """[T, E] float32: 1 where the period contains one of the event's days.

    ``stamp`` says whether a period begins or ends with the day it is named by.
    """
    marks = np.zeros((len(periods), len(days)), np.float32)
    if not len(periods):
        return marks
    step = pd.tseries.frequencies.to_offset(frequency.alias)
    if stamp == "first" or frequency.unit == "day":
        edges = periods.append(pd.DatetimeIndex([periods[-1] + step]))
    else:
        edges = pd.DatetimeIndex([periods[0] - step]).append(periods) + pd.Timedelta(days=1)
    for column, found in enumerate(days.values()):
        place = np.searchsorted(edges.to_numpy(), found.to_numpy(), side="right") - 1
        inside = (place >= 0) & (place < len(periods))
        marks[place[inside], column] = 1.0
    return marks


def planned_events(panel: Panel, plan: Plan | None) -> np.ndarray:
    """Events [F, E] that the plan marks, F = 0 without one; a plan that has no events at all marks none."""
    if plan is None:
        return panel.events[:0]
    found = plan.events.shape[1]
    if found not in (0, len(panel.event_names)):
        raise DataError(f"The plan marks {found} events and the panel has {len(panel.event_names)}. Give the same in both.")
    return plan.events if found else np.zeros((len(plan), len(panel.event_names)), np.float32)
