"""The chart of a launch: the fan of a product without history over the launches of its analogs, aligned at their start.

The grammar is that of ``charts``: the future is a fan with a thin median and the chosen quantile as the accent line, a
second forecaster is a dashed outline, what happened is ink. Analogs are thin grey lines, the wider the more they weigh.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from data.schema import Frequency
from forecasting.new_products.analog_forecast import LaunchForecast
from pages.ui.display import charts, formats

_LINES = 12  # analogs drawn one by one: more than can be told apart helps nobody


def launch(view: LaunchForecast, tau: float, frequency: Frequency) -> go.Figure:
    """The blend's fan over the periods of the launch, the network's outline, the analogs' median and curves."""
    return go.Figure(data=_traces(view, tau), layout=_layout(view, tau, formats.period_word(frequency)))


def _traces(view: LaunchForecast, tau: float) -> list[dict[str, Any]]:
    """The fan, the analogs, the outlines, what sold, and the chosen quantile, from the ground up."""
    window = len(view.blend.periods)
    x = np.arange(1, window + 1)
    traces: list[dict[str, Any]] = []

    def line(values: np.ndarray, color: str, width: float, name: str, dash: str = "solid", **more: object) -> None:
        labels = [formats.units(value) for value in values]
        traces.append(
            {
                "type": "scatter", "x": x, "y": values, "mode": "lines" if window > 1 else "markers", "name": name,
                "line": {"color": color, "width": width, "dash": dash}, "customdata": labels,
                "hovertemplate": "%{customdata}", **more,
            }
        )  # fmt: skip

    for name, low, high, alpha in (("Eight in ten", 0.1, 0.9, "38"), ("Middle half", 0.25, 0.75, "5c")):
        bottom, top = view.blend.at(low)[0], view.blend.at(high)[0]
        traces.append(
            {
                "type": "scatter", "x": np.concatenate([x, x[::-1]]), "y": np.concatenate([bottom, top[::-1]]),
                "mode": "lines", "line": {"width": 0, "color": charts.FAN}, "fill": "toself", "name": name,
                "fillcolor": charts.FAN + alpha, "hoverinfo": "skip",
            }
        )  # fmt: skip
    weighty = [analog for analog in view.nearest if analog.share > 0][:_LINES]
    for place, analog in enumerate(weighty):
        width = 0.6 + 2.2 * analog.share / max(one.share for one in weighty)
        line(
            analog.curve, f"{charts.BASELINE}90", width, "Analogs, as they launched",
            legendgroup="analogs", showlegend=not place, hoverinfo="skip", hovertemplate=None,
        )  # fmt: skip
    line(view.blend.at(0.5)[0], charts.MEDIAN, 1.2, "Median")
    if view.network is not None:
        line(view.analogs.at(0.9)[0], charts.NOTE, 1.4, "Analogs alone: 9 in 10 fewer", "dot")
        line(view.network.at(0.9)[0], charts.OTHER, 1.4, "Network alone: 9 in 10 fewer", "dash")
    if np.isfinite(view.sold).any():
        sold = "Sold" if np.isfinite(view.sold).all() else "Sold so far"
        line(view.sold, charts.INK, 1.8, sold, mode="lines+markers", marker={"color": charts.INK, "size": 6})
    line(view.blend.at(tau)[0], charts.ACCENT, 2.5, f"Your {formats.level(tau)}")
    return traces


def _layout(view: LaunchForecast, tau: float, word: str) -> dict[str, Any]:
    """Axes, legend, and the words at the end of the chosen quantile."""
    window, chosen = len(view.blend.periods), view.blend.at(tau)[0]
    below = formats.fewer_than(float(chosen[-1]))
    tallest = max(
        [float(chosen.max()), float(view.blend.at(0.9)[0].max()), float(np.nan_to_num(view.sold).max()), 1.0]
        + ([float(view.network.at(0.9)[0].max())] if view.network is not None else [])
    )
    label = {"showarrow": False, "font": {"color": charts.ACCENT, "size": 13}, "align": "left", "xanchor": "left"}
    return {
        "height": charts.HEIGHT,
        "margin": {"l": 0, "r": 118, "t": 30, "b": 0},
        "hovermode": "x unified",
        "dragmode": False,
        "legend": {"orientation": "h", "y": -0.16, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        "xaxis": {
            "range": [0.7, window + 0.3], "tickvals": np.arange(1, window + 1),
            "title": {"text": f"{word.title()} of the launch"}, "showgrid": False, "fixedrange": True,
        },
        "yaxis": {"range": [0, 1.25 * tallest], "fixedrange": True, "nticks": 6, "tickformat": ",~r"},
        "annotations": [
            {
                "x": window, "y": float(chosen[-1]), "xshift": 8,
                "text": f"<b>{formats.level(tau)}</b><br>{formats.odds(tau)}<br>{below}", **label,
            },
            charts.axis_note(f"Units per {word}"),
        ],
    }  # fmt: skip
