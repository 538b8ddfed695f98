"""What must hold of every forecast of every catalog, each law as the sentence that says where it is broken, or none.

Axis letters: N items, H horizons, Q taus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from gauntlet.drawing import Band, Case

from data.errors import TidelineError
from data.schema import Panel
from forecasting.core.bounds import MOST, most_units
from forecasting.core.types import QuantileForecast

#: Known periods from which an item's own record bounds it, those that a reference is the mean of, and those of which so many
#: must have sold for an item to count as steady.
OWN, REFERENCE, STEADY = 8, 13, 0.7

#: Known periods after which an item that never sold is not forecast to sell, and of what the others sell it may come to.
SILENT, WHISPER = 26, 0.05

#: Periods, at least four horizons of them, and sales in them, from which nobody may refuse a catalog for being too short.
ENOUGH_PERIODS, ENOUGH_SALES = 24, 60

#: What a sentence that helps has: a number, or what to do next.
HINT = re.compile(r"\d|\b(Load|Choose|Train|Use|Give|Set|Check|Free|Forecast|Fit|Clear)\b|\b[Tt]rain", re.ASCII)


@dataclass(frozen=True)
class Failure:
    """What went wrong: on which catalog, in which generation or step of the desk."""

    catalog: str
    where: str
    words: str

    def __str__(self) -> str:
        return f"{self.catalog} / {self.where}: {self.words}"


def unhelpful(error: TidelineError) -> str:
    """What is wrong with an error of ours; "" where it helps and is not a library's in disguise."""
    cause = error.__cause__
    if cause is not None and not isinstance(cause, TidelineError):
        return f"{type(error).__name__} hides {type(cause).__name__}: {error}"
    if not HINT.search(str(error)):
        return f"{type(error).__name__} does not help: {error}"
    return ""


def is_enough(history: Panel, horizon: int) -> bool:
    """Whether there is enough on record to be answered rather than refused."""
    return len(history.periods) >= max(ENOUGH_PERIODS, 4 * horizon) and int((history.uncensored > 0).sum()) >= ENOUGH_SALES


def broken(forecast: QuantileForecast, history: Panel, horizon: int) -> Iterator[str]:
    """Laws of any forecast from the end of ``history``."""
    most = MOST * np.nan_to_num(history.demand).max(axis=1, initial=0.0).astype(np.float64)
    counted = np.isfinite(history.demand).sum(axis=1)
    most = np.where((counted >= OWN) & (most > 0), most, most_units(history))  # a new item is bounded by its groups
    spans = np.arange(1, horizon + 1)[:, None]
    for name, fan, bound in (("periods", forecast.values, 1), ("spans", forecast.cumulative, spans)):
        if fan.shape != (len(history), horizon, len(forecast.taus)):
            yield f"{name} have shape {fan.shape}"
            continue
        if not np.isfinite(fan).all():
            yield f"{name} are not finite"
        if (fan < 0).any():
            yield f"{name} go below zero"
        if (np.diff(fan, axis=-1) < 0).any():
            yield f"quantiles of {name} cross"
        above = fan[..., forecast.taus <= 0.98] > (most[:, None, None] * bound) * (1 + 1e-6)
        if above.any():
            row = int(np.argwhere(above)[0][0])
            yield f"{name} of {history.item_ids[row]} lie above {most[row]:g}: {fan[row].max():g}"
    if list(forecast.item_ids) != list(history.item_ids):
        yield "the items are others"
    if len(forecast.periods) != horizon or forecast.periods[0] <= history.last:
        yield f"the periods are {forecast.periods[0]:%Y-%m-%d} and {len(forecast.periods) - 1} more"


def out_of_band(forecast: QuantileForecast, history: Panel, horizon: int, band: Band) -> str:
    """How many steady items leave the band around the naive reference, and the worst of them; "" where none does."""
    reference, steady = references(history)
    due = reference * horizon
    said = forecast.span_at(0.5)[:, -1]
    judged = steady & (due >= band.least) & (due > 0)
    wrong = judged & ((said < band.low * due) | (said > band.high * due))
    if not wrong.any():
        return ""
    worst = int(np.argmax(np.where(wrong, np.abs(np.log(np.maximum(said, 1e-12) / np.maximum(due, 1e-12))), -1.0)))
    return (
        f"the median of {wrong.sum()} of {judged.sum()} steady items leaves {band.low:g}–{band.high:g} of the reference; "
        f"{history.item_ids[worst]}: {said[worst]:.4g}, due {due[worst]:.4g}"
    )


def references(history: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Mean [N] of the last known periods in stock of each item, and whether it sold in most of them."""
    mean, steady = np.zeros(len(history)), np.zeros(len(history), bool)
    for row, demand in enumerate(history.uncensored):
        known = demand[np.isfinite(demand)]
        lately = known[-REFERENCE:]
        if len(known) >= OWN:
            mean[row], steady[row] = lately.mean(), (lately > 0).mean() >= STEADY
    return mean, steady


def out_of_nothing(forecast: QuantileForecast, history: Panel, horizon: int) -> str:
    """Which item is expected to sell though it never did; "" where none is."""
    known = np.isfinite(history.uncensored).sum(axis=1)
    never = (known >= SILENT) & (np.nan_to_num(history.demand).max(axis=1, initial=0.0) <= 0)
    others = np.nan_to_num(history.demand).mean()
    loud = never & (forecast.span_at(0.5)[:, -1] > max(0.5, WHISPER * others) * horizon)
    if not loud.any():
        return ""
    row = int(np.flatnonzero(loud)[0])
    return f"{history.item_ids[row]} never sold and is expected to sell {forecast.span_at(0.5)[row, -1]:.3g}"


def differences(first: QuantileForecast, second: QuantileForecast) -> str:
    """How far two forecasts differ that should be one; "" where they do not."""
    same = np.array_equal(first.values, second.values) and np.array_equal(first.cumulative, second.cumulative)
    return "" if same else f"changed by {np.abs(first.cumulative - second.cumulative).max():.3g} units"


def beside_the_naive(forecast: QuantileForecast, case: Case, band: Band | None) -> Iterator[str]:
    """Laws of a forecast from the last period of a case by a generation that has learned something."""
    if band is not None:
        yield out_of_band(forecast, case.history, case.horizon, band)
    yield out_of_nothing(forecast, case.history, case.horizon)
