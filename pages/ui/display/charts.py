"""The chart grammar: typed results in, a plotly figure out, the same signs everywhere.

What happened is an ink line; the future is a fan of two bands (middle half, eight in ten) with the median thin and the
chosen quantile as the one accent line, labelled at its end. The creation date is a thin vertical line, out-of-stock
periods are hatched, promotions are ticks at the foot, events carry their names. A scenario is the accent over the grey
baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from data.schema import Frequency
from forecasting.core.types import QuantileForecast
from forecasting.service.view_models import ItemHistory, PastFan, ScenarioView
from pages.ui.display import formats
from pages.ui.display.chart_sheet import (
    ACCENT,
    BASELINE,
    FAN,
    HEIGHT,
    INK,
    MEDIAN,
    NOTE,
    OTHER,
    RULE,
    Fan,
    Sheet,
    axis_note,
    shown_periods,
)

__all__ = ["ACCENT", "BASELINE", "FAN", "HEIGHT", "INK", "MEDIAN", "NOTE", "OTHER", "RULE", "axis_note", "shown_periods"]

#: How the pages show a chart: no logo, and of its buttons only the one that saves a picture.
CONFIG = {"displaylogo": False, "modeBarButtons": [["toImage"]], "responsive": True}


def item_fan(
    history: ItemHistory,
    forecast: QuantileForecast,
    tau: float,
    frequency: Frequency,
    promo: np.ndarray,
    other: QuantileForecast | None = None,
    other_name: str = "",
    planned: int = 0,
) -> go.Figure:
    """History and fan of one item with the quantile ``tau`` as the accent line; ``promo`` [H] as planned.

    A plan that reaches ``planned`` periods ahead, and not to the end, is marked where it ends. ``other`` is the fan of another
    forecaster for the same periods, laid over it as a dashed outline.
    """
    sheet = Sheet(history, forecast.periods, frequency, promo)
    median, high, chosen = (forecast.at(level)[0] for level in (0.5, 0.9, tau))  # (H,) each
    name = formats.level(tau)
    sheet.fan(forecast, FAN, "Eight in ten")
    sheet.line(forecast.periods, median, MEDIAN, 1.2, "Median")
    if other is not None:
        sheet.outline(other, OTHER, other_name)
    sheet.past()
    sheet.line(forecast.periods, chosen, ACCENT, 2.5, f"Your {name}", notes=True)
    below = formats.fewer_than(float(chosen[-1]), history.unit)
    sheet.label_end(
        forecast.periods[-1],
        chosen[-1],
        f"<b>{name}</b><br>{formats.odds(tau)}<br>{below}<br>in the last {formats.period_word(frequency)}",
    )
    if 0 < planned < len(forecast.periods):
        sheet.plan_ends(forecast.periods[planned - 1])
    sheet.name_events()
    return sheet.figure(high, chosen, *([] if other is None else [other.at(0.9)[0]]))


def total_fan(
    history: ItemHistory, last_year: np.ndarray, fan: Fan | None, expected: np.ndarray, frequency: Frequency
) -> go.Figure:
    """History and fan of a total with its ``expected`` units [H] as the accent line, and where they are known the same periods
    ``last_year`` [H]; the history alone where there is no fan."""
    if fan is None:
        sheet = Sheet(history, pd.DatetimeIndex([]), frequency, None)
        sheet.past()
        return sheet.figure()
    sheet = Sheet(history, fan.periods, frequency, None)
    sheet.fan(fan, FAN, "Eight in ten")
    sheet.line(fan.periods, fan.at(0.5)[0], MEDIAN, 1.2, "Median")
    sheet.past()
    known = np.flatnonzero(np.isfinite(last_year))
    if known.size:
        sheet.line(fan.periods, last_year, NOTE, 1.6, "Same time last year", dash="dot")
    sheet.line(fan.periods, expected, ACCENT, 2.5, "Expected", notes=True)
    end = float(expected[-1])
    sheet.label_end(fan.periods[-1], end, f"<b>Expected</b><br>{formats.units(end, history.unit)}")
    if known.size:
        before = float(last_year[known[-1]])
        sheet.label_beside(fan.periods[known[-1]], before, "Last year", end)
    return sheet.figure(fan.at(0.9)[0], last_year)


def scenario_fans(view: ScenarioView, frequency: Frequency) -> go.Figure:
    """The scenario's fan in the accent over the baseline's in grey; periods whose price was never seen are hatched."""
    baseline, scenario = view.baseline, view.scenario
    sheet = Sheet(view.history, baseline.periods, frequency, view.shown_promo)
    before, after = baseline.at(0.5)[0], scenario.at(0.5)[0]  # (H,)
    grey = "Plan" if view.planned else "As usual"
    sheet.fan(baseline, BASELINE, f"{grey}: eight in ten", inner=False)
    sheet.fan(scenario, ACCENT, "Scenario: eight in ten", inner=False)
    what = [name for name, where in (("price", view.outside), ("promotion", view.promo_outside)) if np.any(where)]
    sheet.hatch_outside(scenario, np.asarray(view.unsure, bool), " and ".join(what))
    sheet.line(baseline.periods, before, MEDIAN, 1.8, f"{grey}: median", dash="dot")
    sheet.past()
    sheet.line(scenario.periods, after, ACCENT, 2.5, "Scenario: median", notes=True)
    last, word = formats.units(float(after[-1]), view.unit), formats.period_word(frequency)
    sheet.label_end(
        scenario.periods[-1], after[-1], f"<b>Scenario</b><br>1 time in 2<br>fewer than {last}<br>in the last {word}"
    )
    sheet.name_events()
    return sheet.figure(baseline.at(0.9)[0], scenario.at(0.9)[0])


def record(history: ItemHistory, frequency: Frequency) -> go.Figure:
    """What is on record of one item, alone."""
    sheet = Sheet(history, pd.DatetimeIndex([]), frequency, None)
    sheet.past()
    sheet.name_events()
    return sheet.figure()


def past_fans(history: ItemHistory, fans: Sequence[PastFan], frequency: Frequency) -> go.Figure:
    """Fans of earlier creation dates, each with its vertical line, under the ink line of what came."""
    fans = sorted(fans, key=lambda fan: fan.forecast.creation_date)
    horizon = len(fans[0].forecast.periods)
    since = int((pd.DatetimeIndex(history.periods) > fans[0].forecast.creation_date).sum())
    sheet = Sheet(history, pd.DatetimeIndex([]), frequency, None, shown=since + horizon)
    for position, fan in enumerate(fans):
        sheet.fan(fan.forecast, FAN, "Eight in ten", legend=position == 0)
        sheet.line(fan.forecast.periods, fan.forecast.at(0.5)[0], MEDIAN, 1.2, "Median", legend=position == 0)
        sheet.rule(fan.forecast.creation_date)
    sheet.past()
    return sheet.figure(*(fan.forecast.at(0.9)[0] for fan in fans))
