"""Pictures of an explanation: a bridge of units, where attention went, and twin periods on the line of history.

The grammar and the roles of colour are those of ``charts``: steps up in the accent, steps down in the second colour, each
with its number, so that colour is never the only sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from data.schema import Frequency
from data.units import PIECES, Unit
from forecasting.explain.attention_attribution import AttentionAttribution
from forecasting.service.view_models import ItemHistory
from pages.ui.display import formats
from pages.ui.display.charts import ACCENT, BASELINE, INK, NOTE, OTHER, RULE, shown_periods

_BRIDGE, _MAP, _LINE = 340, 320, 260  # heights in pixels


def bridge(
    start: tuple[str, float], steps: Sequence[tuple[str, float]], end: tuple[str, float], unit: Unit = PIECES
) -> go.Figure:
    """A waterfall from ``start`` over ``steps`` to ``end``, each a name and its units."""
    rows = [start, *steps, end]
    units = [value for _, value in rows]
    moved, digits = formats.steps(start[1], units[1:-1], end[1], unit)
    trace = {
        "type": "waterfall",
        "x": [name for name, _ in rows],
        "y": units,
        "measure": ["absolute", *["relative"] * len(steps), "total"],
        "text": [
            formats.units(units[0], unit),
            *(formats.signed(one, digits) for one in moved),
            formats.units(units[-1], unit),
        ],
        "textposition": "outside",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "increasing": {"marker": {"color": ACCENT}},
        "decreasing": {"marker": {"color": OTHER}},
        "totals": {"marker": {"color": BASELINE}},
        "connector": {"line": {"color": RULE, "width": 1}},
    }
    return go.Figure(data=[trace], layout=_layout(_BRIDGE) | {"yaxis": _axis(rangemode="tozero", tickformat=",~r", nticks=5)})


def attention_map(links: AttentionAttribution, targets: pd.DatetimeIndex, chosen: int, frequency: Frequency) -> go.Figure:
    """Share of each target's attention on each past period: the darker, the more; the ``chosen`` target's row is framed.

    The map itself cannot be selected from. Over each of its cells lies a marker that nobody sees, which tells its numbers and
    can be clicked; the first of its ``customdata`` is the row of the target.
    """
    order = np.argsort(-links.back)
    weights = links.weights[0][:, order]  # (H, B)
    names = [formats.period(stamp, frequency) for stamp in targets]
    then = [formats.period(stamp, frequency) for stamp in links.periods[order]]
    cells = [
        (row, then[place], f"{name} looked at {then[place]}: {formats.percent(weights[row, place])}")
        for row, name in enumerate(names)
        for place in range(len(then))
    ]
    unseen = {"marker": {"opacity": 0}}
    traces = [
        {
            "type": "heatmap", "x": then, "y": names, "z": weights, "zmin": 0, "showscale": False,
            "colorscale": [[0, f"{ACCENT}00"], [1, f"{ACCENT}ff"]], "xgap": 1, "ygap": 1, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "markers", "x": [cell[1] for cell in cells], "y": [names[cell[0]] for cell in cells],
            "customdata": [[cell[0], cell[2]] for cell in cells], "hovertemplate": "%{customdata[1]}<extra></extra>",
            "marker": {"symbol": "square", "size": 14, "opacity": 0}, "selected": unseen, "unselected": unseen,
        },
    ]  # fmt: skip
    frame = {
        "type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": chosen - 0.5, "y1": chosen + 0.5,
        "line": {"color": ACCENT, "width": 2}, "fillcolor": f"{ACCENT}00",
    }  # fmt: skip
    axes = {
        "xaxis": _axis(type="category", nticks=8, tickangle=0, range=[-0.5, len(then) - 0.5]),
        "yaxis": _axis(type="category", range=[len(names) - 0.5, -0.5], zeroline=False),
        "clickmode": "event+select",
        "dragmode": "pan",  # with axes that do not move: a click, and no selecting by drawing
        "hovermode": "closest",
        "hoverdistance": -1,
        "shapes": [frame],
    }
    return go.Figure(data=traces, layout=_layout(_MAP) | axes)


def twins(
    history: ItemHistory, links: AttentionAttribution, target: int, stamp: pd.Timestamp, frequency: Frequency
) -> go.Figure:
    """The line of what sold with the periods marked that the target at ``stamp`` looked at most, and its own forecast."""
    marked = links.periods[links.twins[0, target]]
    cut = len(history.periods) - shown_periods(frequency, links.weights.shape[1])
    first = history.periods.get_indexer(marked)
    start = max(0, min([cut, *(int(place) for place in first if place >= 0)]))
    periods, demand = history.periods[start:], np.asarray(history.demand[start:], np.float64)
    places = periods.get_indexer(marked)
    places = places[places >= 0]
    traces = [
        _line(periods, demand, INK, "Sold", history.unit),
        {
            "type": "scatter", "mode": "markers", "name": "Looked at most", "x": periods[places].to_numpy(),
            "y": demand[places], "hoverinfo": "skip",
            "marker": {"color": ACCENT, "size": 12, "symbol": "circle-open", "line": {"width": 2.5}},
        },
        {
            "type": "scatter", "mode": "markers", "name": "Expected", "x": [stamp], "y": [links.forecast[0, target]],
            "hoverinfo": "skip", "marker": {"color": ACCENT, "size": 11, "symbol": "diamond"},
        },
    ]  # fmt: skip
    layout = _layout(_LINE) | {
        "xaxis": _axis(tickformat="%b\n%Y" if frequency.unit == "month" else "%-d %b\n%Y"),
        "yaxis": _axis(rangemode="tozero", tickformat=",~r", nticks=5),
        "legend": {"orientation": "h", "y": -0.22, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
    }
    return go.Figure(data=traces, layout=layout)


def _line(periods: pd.DatetimeIndex, values: np.ndarray, color: str, name: str, unit: Unit) -> dict[str, Any]:
    labels = [formats.units(value, unit) for value in values]
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": periods.to_numpy(), "y": values,
        "line": {"color": color, "width": 1.6}, "customdata": labels,
        "hovertemplate": "%{x|%-d %b %Y}: %{customdata}<extra></extra>",
    }  # fmt: skip


def _axis(**settings: object) -> dict[str, Any]:
    return {"showgrid": False, "fixedrange": True, "tickfont": {"color": NOTE}, **settings}


def _layout(height: int) -> dict[str, Any]:
    return {"height": height, "margin": {"l": 0, "r": 8, "t": 24, "b": 0}, "dragmode": False, "showlegend": height == _LINE}
