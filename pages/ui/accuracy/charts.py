"""Charts of the Accuracy page, in the grammar of charts.py: accent for what is looked at, grey for the rest, dashes and signs
beside every colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from forecasting.evaluation.accuracy_report import AccuracyReport, CoverageCell
from pages.ui.display import formats
from pages.ui.display.charts import ACCENT, BASELINE, INK, NOTE, RULE, axis_note

_ROW = 34  # pixels of a generation's line
_DASHES, _SIGNS = ("dash", "dot", "dashdot", "longdash"), ("square", "diamond", "triangle-up", "x", "cross", "star", "hexagon")
_STILL = {"dragmode": False, "hovermode": "closest"}


def ladder(report: AccuracyReport, part: str, of: str) -> go.Figure:
    """Every generation's error on a slice, oldest at the top, with the range of its difference to the one looked at."""
    shown = [one for one in report.tried if np.isfinite(one.of(part).wql)]
    base = report.of(of).of(part).wql
    titles = [one.title for one in shown]
    values = np.array([one.of(part).wql for one in shown])
    ranges = [report.compare(one.name, of, part).difference for one in shown]
    low, high = (np.array([base + getattr(one, end) for one in ranges]) for end in ("low", "high"))
    is_chosen = [one.name == of for one in shown]
    colors = [ACCENT if chosen else INK for chosen in is_chosen]
    hover = [
        f"{title}: {formats.loss(value)}" + ("" if chosen else f"<br>nine in ten: {formats.loss(a)} to {formats.loss(b)}")
        for title, value, a, b, chosen in zip(titles, values, low, high, is_chosen, strict=True)
    ]
    x: list[float | None] = []
    y: list[str | None] = []
    for title, a, b, chosen in zip(titles, low, high, is_chosen, strict=True):
        if not chosen:
            x += [a, b, None]
            y += [title, title, None]
    room = max(float(high.max() - low.min()), 1e-6) if len(shown) else 1.0
    data = [
        {"type": "scatter", "x": x, "y": y, "mode": "lines", "line": {"color": BASELINE, "width": 5}, "opacity": 0.45,
         "name": "Nine in ten resamples", "hoverinfo": "skip"},
        {"type": "scatter", "x": values, "y": titles, "mode": "markers", "name": "Error per unit sold",
         "marker": {"color": colors, "size": [13 if chosen else 9 for chosen in is_chosen],
                    "symbol": ["diamond" if chosen else "circle" for chosen in is_chosen]},
         "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>", "showlegend": False},
        {"type": "scatter", "x": np.maximum(values, high), "y": titles, "mode": "text", "textposition": "middle right",
         "text": [_label(value, chosen) for value, chosen in zip(values, is_chosen, strict=True)],
         "textfont": {"color": colors, "size": 13}, "hoverinfo": "skip", "showlegend": False, "cliponaxis": False},
    ]  # fmt: skip
    ends = (min(values.min(), low.min()) - 0.06 * room, max(values.max(), high.max()) + 0.12 * room) if len(shown) else (0, 1)
    layout = {
        **_STILL,
        "height": 90 + _ROW * max(len(shown), 1),
        "margin": {"l": 0, "r": 20, "t": 30, "b": 0},
        "showlegend": False,
        "xaxis": {"range": ends, "fixedrange": True, "zeroline": False, "tickformat": ".2f", "nticks": 7},
        "yaxis": {
            "type": "category", "categoryorder": "array", "categoryarray": titles[::-1], "fixedrange": True,
            "automargin": True, "showgrid": False, "range": [-0.6, len(shown) - 0.4],
        },
        "annotations": [axis_note("Error per unit sold: the further left, the better")],
        "shapes": [_rule(x0=base, x1=base, y0=0, y1=1, yref="paper")] if np.isfinite(base) else [],
    }  # fmt: skip
    return go.Figure(data=data, layout=layout)


def promises(rows: Sequence[CoverageCell], taus: Sequence[float], tolerance: float) -> go.Figure:
    """How far what came lies from what was promised at every quantile, in points; the first row is the accent."""
    labels = [formats.level(tau) for tau in taus]
    data: list[dict[str, Any]] = []
    for place, row in enumerate(rows[1:]):
        data.append(
            {
                "type": "scatter", "x": labels, "y": _points(row.up_to, taus), "mode": "lines+markers", "name": row.segment,
                "line": {"color": BASELINE, "width": 1.4, "dash": _DASHES[place % len(_DASHES)]},
                "marker": {"symbol": _SIGNS[place % len(_SIGNS)], "size": 7, "color": BASELINE},
                "customdata": _hover_text(row), "hovertemplate": "%{customdata}<extra></extra>",
            }
        )  # fmt: skip
    first = rows[0]
    middle = _points(first.up_to, taus)
    data.append(
        {
            "type": "scatter", "x": labels, "y": middle, "mode": "lines+markers", "name": first.segment,
            "line": {"color": ACCENT, "width": 2.5}, "marker": {"color": ACCENT, "size": 8},
            "error_y": {
                "type": "data", "symmetric": False, "color": ACCENT, "thickness": 1.2, "width": 4,
                "array": _points(first.high, taus) - middle, "arrayminus": middle - _points(first.low, taus),
            },
            "customdata": _hover_text(first), "hovertemplate": "%{customdata}<extra></extra>",
        }
    )  # fmt: skip
    edge = 100 * tolerance
    widest = max(np.abs(_points(end, taus)).max() for end in (first.low, first.high))
    reach = max(2.5 * edge, 1.6 * float(widest))
    layout = {
        **_STILL,
        "height": 380,
        "margin": {"l": 0, "r": 8, "t": 30, "b": 0},
        "legend": {"orientation": "h", "y": -0.14, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
        "xaxis": {"type": "category", "fixedrange": True, "showgrid": False, "range": [-0.5, len(labels) - 0.5]},
        "yaxis": {"range": [-reach, reach], "fixedrange": True, "zeroline": False, "nticks": 7, "tickformat": "+~r"},
        "annotations": [
            axis_note("Percentage points more (+) or less (−) below the quantile than promised"),
            {
                "text": f"within {edge:g} points", "x": 1, "xref": "paper", "y": edge, "xanchor": "right",
                "yanchor": "bottom", "showarrow": False, "font": {"color": NOTE, "size": 12},
            },
        ],
        "shapes": [
            {
                "type": "rect", "x0": 0, "x1": 1, "xref": "paper", "y0": -edge, "y1": edge, "layer": "below",
                "line": {"width": 0}, "fillcolor": f"{RULE}2e",
            },
            _rule(x0=0, x1=1, xref="paper", y0=0, y1=0),
        ],
    }  # fmt: skip
    return go.Figure(data=data, layout=layout)


def _points(shares: Sequence[float], taus: Sequence[float]) -> np.ndarray:
    return 100 * (np.array(shares) - np.array(taus))


def _hover_text(row: CoverageCell) -> list[str]:
    """What the pointer reads out at every quantile."""
    return [
        f"{row.segment}: {formats.percent(share)} came below, from {formats.percent(low)} to {formats.percent(high)}"
        for share, low, high in zip(row.up_to, row.low, row.high, strict=True)
    ]


def _label(value: float, bold: bool) -> str:
    """A number right of its mark."""
    return f"    <b>{formats.loss(value)}</b>" if bold else f"  {formats.loss(value)}"


def _rule(**place: object) -> dict[str, Any]:
    return {"type": "line", "line": {"color": RULE, "width": 1}, "layer": "below", **place}
