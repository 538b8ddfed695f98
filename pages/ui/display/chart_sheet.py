"""One chart being drawn: the signs that every chart shares, put on one sheet and handed out as a plotly figure.

Colours are roles, not values: the browser puts in the colours that .streamlit/config.toml declares for light and dark
(``chartCategoricalColors``), so a figure is right in both and a change of theme needs no rerun.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from data.schema import Frequency
from forecasting.core.types import QuantileForecast
from forecasting.service.view_models import ItemHistory
from pages.ui.display import formats

#: Roles in the order of chartCategoricalColors; Streamlit's browser part replaces these placeholders.
ACCENT, INK, FAN, MEDIAN, BASELINE, RULE, NOTE = (f"#{n:06d}" for n in range(1, 8))
OTHER = "#000009"  # a second forecaster, always dashed as well

HEIGHT = 440
_OUTER, _INNER = "38", "5c"  # how see-through the two bands are: the alpha digits after a colour
_PROMOTED = 0.005  # the share of stores from which a period counts as promoted
_INSIDE = 330  # pixels of the height that lie between the axes, about
_NARROW = 560  # pixels of the width that lie between the axes at least, on a wide screen
_LETTER, _LINE = 6.2, 15  # pixels that a letter of an event's name is wide and its line is high
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4}


class Fan(Protocol):
    """Quantiles of H coming periods."""

    @property
    def periods(self) -> pd.DatetimeIndex: ...

    def at(self, tau: float) -> np.ndarray:
        """Units [1, H] that stay above what comes with chance ``tau``."""
        ...


def axis_note(text: str) -> dict[str, Any]:
    """What the numbers of a chart are, over its upper left corner."""
    return {
        "text": text, "x": 0, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "font": {"color": NOTE, "size": 13}, "yshift": 6,
    }  # fmt: skip


def shown_periods(frequency: Frequency, horizon: int) -> int:
    """How many past periods stand before a fan: a year, eight weeks of days, or enough to give the fan its scale."""
    return max({"day": 56, "week": 52, "month": 24}[frequency.unit], 3 * horizon)


class Sheet:
    """One chart being drawn: an item's recent past and the periods ``ahead`` [H] of it."""

    def __init__(
        self,
        history: ItemHistory,
        ahead: pd.DatetimeIndex,
        frequency: Frequency,
        planned: np.ndarray | None,
        shown: int | None = None,
    ) -> None:
        cut = slice(max(0, len(history.periods) - (shown or shown_periods(frequency, len(ahead)))), None)
        self._periods = pd.DatetimeIndex(history.periods)[cut]
        self._demand = np.asarray(history.demand, np.float64)[cut]
        self._imported = None if history.imported is None else np.asarray(history.imported, np.float64)[cut]
        self._lent = np.zeros(len(self._periods), bool) if history.lent is None else np.asarray(history.lent, bool)[cut]
        self._lender, self._unit = history.lender, history.unit
        self._out = np.nan_to_num(np.asarray(history.in_stock, np.float64)[cut], nan=1.0) < 0.999
        self._ahead = ahead
        self._dates = self._periods.append(ahead)
        promo = np.concatenate([history.promo[cut], np.zeros(len(ahead)) if planned is None else planned])
        self._promo = np.nan_to_num(promo.astype(np.float64))  # of every date
        self._names: dict[pd.Timestamp, list[str]] = {}
        for stamp, name in history.events:
            if len(self._dates) and self._dates[0] <= stamp <= self._dates[-1]:
                self._names.setdefault(stamp, []).append(name)
        self._named_by_planners: dict[pd.Timestamp, list[str]] = {}
        for stamp, name in history.named:
            if len(self._dates) and self._dates[0] <= stamp <= self._dates[-1]:
                self._names.setdefault(stamp, []).append(name)
                self._named_by_planners.setdefault(stamp, []).append(name)
        self._frequency = frequency
        self._half = pd.Timedelta(days=_DAYS[frequency.unit] / 2)
        self._traces: list[dict[str, Any]] = []
        self._labels: list[dict[str, Any]] = []
        self._shapes: list[dict[str, Any]] = []
        self._margin = 8  # to the right, in pixels: wider where a line is labelled at its end
        self._named = 0.0  # share of the height, from the top, that the names of future events take
        if len(ahead) and len(self._periods):
            self.rule(self._periods[-1])

    def fan(self, forecast: Fan, color: str, name: str, *, inner: bool = True, legend: bool = True) -> None:
        """The bands of a fan; each is one closed outline, so that it needs no invisible partner."""
        bands = [(name, 0.1, 0.9, _OUTER), ("Middle half", 0.25, 0.75, _INNER)]
        x = self._spread_dates(forecast.periods)
        around = x.append(x[::-1]).to_numpy()
        for title, low, high, alpha in bands if inner else bands[:1]:
            bottom, top = (self._spread(forecast.at(tau)[0]) for tau in (low, high))
            self._add(
                x=around, y=np.concatenate([bottom, top[::-1]]), mode="lines", line={"width": 0, "color": color},
                fill="toself", fillcolor=color + alpha, name=title, showlegend=legend, hoverinfo="skip",
            )  # fmt: skip

    def outline(self, forecast: QuantileForecast, color: str, name: str) -> None:
        """A second forecaster's fan: eight in ten between dashed lines, and its median dotted."""
        x = self._spread_dates(forecast.periods)
        for tau, title in ((0.1, f"{name}: eight in ten"), (0.9, "")):
            self._add(
                x=x.to_numpy(), y=self._spread(forecast.at(tau)[0]), mode="lines", name=title, showlegend=bool(title),
                line={"width": 1.4, "color": color, "dash": "dash"}, hoverinfo="skip",
                **({} if title else {"fill": "tonexty", "fillcolor": f"{color}14"}),
            )  # fmt: skip
        self.line(forecast.periods, forecast.at(0.5)[0], color, 1.4, f"{name}: median", dash="dot")

    def line(
        self,
        periods: pd.DatetimeIndex,
        values: np.ndarray,
        color: str,
        width: float,
        name: str,
        *,
        dash: str = "solid",
        legend: bool = True,
        notes: bool = False,
    ) -> None:
        """A line through ``values``, read out in units where the pointer is, with ``notes`` on promotion, stock and events."""
        labels = [formats.units(value, self._unit) for value in values]
        if notes:
            places = self._dates.get_indexer(periods)
            labels = [", ".join([text, *self._notes_at(place)]) for text, place in zip(labels, places, strict=True)]
        marks = "lines+markers" if np.isfinite(values).sum() == 1 else "lines"
        self._add(
            x=periods.to_numpy(), y=values, mode=marks, name=name, showlegend=legend,
            line={"color": color, "width": width, "dash": dash}, marker={"color": color, "size": 6},
            customdata=labels, hovertemplate="%{customdata}",
        )  # fmt: skip

    def _notes_at(self, place: int) -> list[str]:
        """What is special about the period at this place among the dates, in words."""
        promoted = [f"promoted {formats.percent(self._promo[place])}"] if self._promo[place] > _PROMOTED else []
        out = ["out of stock"] if place < len(self._out) and self._out[place] else []
        return [*promoted, *out, *self._names.get(self._dates[place], [])]

    def past(self) -> None:
        """The ink line of what sold, periods out of stock, and promotions, past and planned."""
        x, y = [], []
        for start, stop in _runs(self._out):
            left, right = self._periods[start] - self._half, self._periods[stop - 1] + self._half
            x += [left, left, right, right, left, None]
            y += [0, 1, 1, 0, 0, None]
        self._hatch(x, y, NOTE, "/", "Out of stock", yaxis="y2")
        if self._lent.any():
            own = np.flatnonzero(~self._lent)
            lent = np.where(self._lent, self._demand, np.nan)
            lent[own[:1]] = self._demand[own[:1]]  # where one line goes over into the other
            self.line(self._periods, lent, NOTE, 1.6, f"Sold of {self._lender or 'the item before'}", dash="dash")
        self.line(self._periods, np.where(self._lent, np.nan, self._demand), INK, 1.6, "Sold", notes=True)
        self._as_imported()
        promoted = self._promo > _PROMOTED
        if promoted.any():
            size = 4 + 10 * np.clip(self._promo[promoted], 0, 1)  # pixels: the taller the tick, the more stores
            self._add(
                x=self._dates[promoted].to_numpy(), y=size / 2 / _INSIDE, yaxis="y2", mode="markers", name="Promotion",
                marker={"symbol": "line-ns-open", "size": size, "color": NOTE, "line": {"width": 1.5}}, hoverinfo="skip",
            )  # fmt: skip

    def _as_imported(self) -> None:
        """What was imported where something else counts: open circles; those far above the rest stand at the top, with a
        number."""
        if self._imported is None:
            return
        changed = np.isfinite(self._imported) & ~self._lent & (self._imported != self._demand)
        if not changed.any():
            return
        least = 1.0 if self._unit.is_pieces else 1e-9
        top = max(float(np.nanmax(self._demand)) if np.isfinite(self._demand).any() else 0.0, least)
        beyond = changed & (self._imported > 1.5 * top)
        for places, shown, symbol in (
            (changed & ~beyond, self._imported, "circle-open"),
            (beyond, np.full(len(self._imported), 1.02 * top), "triangle-up-open"),
        ):
            if places.any():
                self._add(
                    x=self._periods[places].to_numpy(), y=shown[places], mode="markers", name="As imported",
                    showlegend=bool((places & ~beyond).any() or not (changed & ~beyond).any()),
                    marker={"symbol": symbol, "size": 9, "color": NOTE, "line": {"width": 1.6}},
                    customdata=[f"{formats.units(units, self._unit)} as imported" for units in self._imported[places]],
                    hovertemplate="%{customdata}",
                )  # fmt: skip
        for place in np.flatnonzero(beyond)[-3:]:
            words = f"{formats.units(self._imported[place], self._unit)} as imported"
            self._label(self._periods[place], 1.02 * top, words, xanchor="right", xshift=-8, yanchor="middle")

    def hatch_outside(self, forecast: QuantileForecast, outside: np.ndarray, what: str) -> None:
        """The band over periods [H] in which ``what`` is as the item has never had it, hatched and labelled."""
        if not outside.any():
            return
        x, y = [], []
        low, high = forecast.at(0.1)[0], forecast.at(0.9)[0]  # (H,)
        for start, stop in _runs(outside):
            dates = self._spread_dates(forecast.periods[start:stop])
            bottom, top = self._spread(low[start:stop]), self._spread(high[start:stop])
            x += [*dates, *dates[::-1], None]
            y += [*bottom, *top[::-1], None]
        self._hatch(x, y, ACCENT, "\\", f"{what.capitalize()} never seen: unsure")
        middle = forecast.periods[outside]
        self._label(middle[len(middle) // 2], 1, f"{what} never seen", yref="paper", yanchor="bottom", color=ACCENT)

    def rule(self, creation_date: pd.Timestamp) -> None:
        """A thin vertical line at a creation date."""
        place = {"x0": creation_date, "x1": creation_date, "y0": 0, "y1": 1, "yref": "paper"}
        self._shapes.append({"type": "line", **place, "line": {"color": RULE, "width": 1}, "layer": "below"})

    def plan_ends(self, period: pd.Timestamp) -> None:
        """A thin line after the last period that somebody has planned."""
        end = period + self._half
        self.rule(end)
        self._label(end, 1, "plan ends", yref="paper", yanchor="bottom", xanchor="left")

    def label_end(self, period: pd.Timestamp, value: float, words: str) -> None:
        """What the accent line says, at its end."""
        self._label(period, float(value), words, xanchor="left", xshift=8, align="left", color=ACCENT)
        self._margin = 118

    def label_beside(self, period: pd.Timestamp, value: float, words: str, other: float) -> None:
        """What a second line is, at its end; on the side away from the label at ``other`` where they would touch."""
        above, near = value >= other, abs(value - other) < 0.25 * max(value, other)
        self._label(
            period, value, words, xanchor="left", xshift=8, align="left",
            yshift=2 * _LINE * (1 if above else -1) if near else 0,
        )  # fmt: skip

    def name_events(self) -> None:
        """A mark for every event; those of the periods ahead with their names."""
        if self._names:
            self._add(
                x=pd.DatetimeIndex(list(self._names)).to_numpy(), y=np.full(len(self._names), 0.985), yaxis="y2",
                mode="markers", name="Event", showlegend=False, hoverinfo="skip",
                marker={"symbol": "triangle-down", "size": 7, "color": NOTE},
            )  # fmt: skip
        coming = {stamp: names for stamp, names in self._names.items() if stamp in self._ahead}
        first = {name: stamp for stamp, names in reversed(self._named_by_planners.items()) for name in names}
        for name, stamp in first.items():  # of several periods the first is written on
            coming.setdefault(stamp, []).append(name)
        self._write_names(coming)

    def _write_names(self, names: dict[pd.Timestamp, list[str]]) -> None:
        """Names of future events, upright under their marks; those that would touch share one label, line by line."""
        line = self._half * 2 * _LINE * len(self._dates) / _NARROW
        labels: list[tuple[list[pd.Timestamp], list[str]]] = []
        for stamp, lines in sorted(names.items()):
            if labels and stamp - labels[-1][0][-1] < line * (len(labels[-1][1]) + len(lines)) / 2:
                labels[-1][0].append(stamp)
                labels[-1][1].extend(lines)
            else:
                labels.append(([stamp], list(lines)))
        for stamps, lines in labels:
            middle = stamps[0] + (stamps[-1] - stamps[0]) / 2
            text = "<br>".join(lines)
            self._label(middle, 0.965, text, size=12, align="right", yanchor="top", yref="y2", textangle=-90)
            self._named = max(self._named, 0.06 + _LETTER * max(map(len, lines)) / _INSIDE)

    def figure(self, *ceilings: np.ndarray) -> go.Figure:
        """The chart, tall enough for what is shown of the past and for the ``ceilings`` [H] of the future."""
        past, future = (
            max((float(np.nanmax(v)) for v in values if np.isfinite(v).any()), default=0.0)
            for values in ((self._demand,), ceilings)
        )
        tallest = max(past, future, 1.0 if self._unit.is_pieces else 1e-9)
        height = max(1.1 * tallest, min(future / max(1 - self._named, 0.4), 1.7 * tallest))
        shown = self._dates
        step = "%b\n%Y" if self._frequency.unit == "month" else "%-d %b\n%Y"
        layout = {
            "height": HEIGHT,
            "margin": {"l": 0, "r": self._margin, "t": 30, "b": 0},
            "hovermode": "x unified",
            "dragmode": False,
            "legend": {"orientation": "h", "y": -0.14, "yanchor": "top", "itemclick": False, "itemdoubleclick": False},
            "xaxis": {
                "range": [shown[0] - self._half, shown[-1] + self._half] if len(shown) else None,
                "tickformat": step, "hoverformat": "%b %Y" if self._frequency.unit == "month" else "%-d %b %Y",
                "showgrid": False, "fixedrange": True,
            },
            "yaxis": {
                "range": [0, height], "fixedrange": True, "zeroline": True, "nticks": 6,
                "tickformat": ",~r", "rangemode": "tozero",
            },
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
            "annotations": [
                *self._labels,
                axis_note(f"{self._unit.axis} per {formats.period_word(self._frequency)}"),
            ],
            "shapes": self._shapes,
        }  # fmt: skip
        return go.Figure(data=self._traces, layout=layout)

    def _add(self, **trace: object) -> None:
        self._traces.append({"type": "scatter", **trace})

    def _label(self, x: pd.Timestamp, y: float, text: str, *, color: str = NOTE, size: int = 13, **place: object) -> None:
        label = {"x": x, "y": y, "text": text, "showarrow": False, "font": {"color": color, "size": size}}
        self._labels.append({**label, **place})

    def _hatch(self, x: list[Any], y: list[Any], color: str, shape: str, name: str, **axis: str) -> None:
        """Hatched fields with these outlines, None between them."""
        if x:
            self._add(
                x=x, y=y, mode="lines", line={"width": 0, "color": color}, fill="toself", name=name,
                fillcolor=f"{color}00", hoverinfo="skip", **axis,
                fillpattern={"shape": shape, "size": 6, "solidity": 0.16, "fgcolor": color, "bgcolor": f"{color}0a"},
            )  # fmt: skip

    def _spread_dates(self, periods: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """The periods; a single one as its two edges, for a band needs a width."""
        return periods if len(periods) > 1 else periods[[0, 0]] + pd.TimedeltaIndex([-self._half, self._half])

    @staticmethod
    def _spread(values: np.ndarray) -> np.ndarray:
        return values if len(values) > 1 else np.repeat(values, 2)


def _runs(where: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last of every unbroken run in ``where`` [T]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
