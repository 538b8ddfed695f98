"""The stand-in's explanations: few numbers, which the pages must show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from data.schema import Frequency
from forecasting.core.types import Progress
from forecasting.explain.attention_attribution import AttentionAttribution
from forecasting.explain.attention_faithfulness import Agreement, Faithfulness
from forecasting.explain.error_history import ErrorHistory
from forecasting.explain.forecast_revision import CHANGES, ForecastRevision
from forecasting.explain.shapley_drivers import DRIVERS, Drivers

#: Units that each driver adds in each period; the level is what remains of the forecast.
PARTS = (4.0, 0.0, -3.0, 6.0, 2.0, 1.0)
CHANGED = (5.0, -2.0, 0.0, 0.0)


class Faithful:
    """What measures how far attention agrees with masking."""

    _found: Faithfulness | None = None

    def faithfulness(self) -> Faithfulness | None:
        return self._found

    def measure_faithfulness(self, report: Callable[[Progress], None]) -> None:
        report(Progress(20, 300, "Masking where it looked"))
        self._found = Faithfulness("key", Agreement(0.12, 0.02, 0.22, 300), 0.38, 0.3, 0.15, 0.05, 3.0)


def drivers(expected: np.ndarray) -> Drivers:
    parts = np.repeat(np.array(PARTS)[:, None], len(expected), axis=1)
    return Drivers(DRIVERS, parts, expected - parts.sum(axis=0), expected.copy())


def links(expected: np.ndarray, periods: pd.DatetimeIndex) -> AttentionAttribution:
    """Every target looks at the last four periods, most at the last; the first target's link holds, the others' do not."""
    back, horizon = np.arange(6), len(expected)
    weights = np.tile(np.array([0.4, 0.2, 0.2, 0.1, 0.06, 0.04]), (1, horizon, 1))
    masked = np.where(np.arange(horizon) == 0, 0.9, 0.999) * expected
    stamps = periods[len(periods) - 1 - np.minimum(back, len(periods) - 1)]
    return AttentionAttribution(back, stamps, weights, np.full((1, horizon), 0.3), weights >= 0.2, expected[None], masked[None])


def mistakes(expected: np.ndarray, periods: pd.DatetimeIndex, *, trusted: bool) -> ErrorHistory:
    """Four periods that each sold 10 units more than was said; the forecasts are raised by 12 for it."""
    horizon, judged = len(expected), periods[-4:]
    raised = np.full(horizon, 12.0 if trusted else 0.0)
    earlier = np.full((1, horizon), 70.0)
    earlier[:, -1] = np.nan
    return ErrorHistory(
        judged=judged,
        said=np.full(4, 90.0),
        came=np.full(4, 100.0),
        weights=np.full((horizon, 4), 0.25),
        dates=periods[-2:-1],
        earlier=earlier,
        raised=raised,
        steadied=np.zeros(horizon),
        forecast=expected,
        without=expected - raised,
        trusted=trusted,
    )


def since_last(expected: np.ndarray, last: pd.Timestamp, frequency: Frequency) -> ForecastRevision:
    after = expected[:-1]
    parts = np.repeat(np.array(CHANGED)[:, None], len(after), axis=1)
    periods = frequency.after(last, len(after))
    return ForecastRevision(last - (periods[0] - last), periods, CHANGES, parts, after - parts.sum(axis=0), after, 95.0, 101.0)
