"""Forecasts summed by fiscal period or quarter, and the column that names the period of each week.

What is expected adds up. A range does not: the forecast knows how far totals from its creation date on may lie off, and not how
the weeks of a later stretch hang together. So the stretch that begins now has a range, and the others have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.facts import About
from data.fiscal_calendar import By, Stretch
from forecasting.service.total_view import SpanTotal, TotalView
from forecasting.service.view_models import ItemView
from pages.ui.display import charts, formats
from pages.ui.display.tables import Column, Table

#: Why later stretches have no range, below a table of stretches.
NO_RANGE = (
    "Only the stretch that begins now has a range, that of its weeks to come. Ranges of single weeks must not be added up, and "
    "how the weeks of a later stretch hang together is not known: there, what is expected stands alone."
)

#: What the range of a total over several weeks rests on.
TIED = " Each item has its range over all of these weeks; how far items are off together is taken to be as in a single week."

_HEADS: dict[By, str] = {"week": "Week", "period": "Fiscal period", "quarter": "Quarter"}


def with_periods(table: Table, labels: Sequence[str]) -> Table:
    """The table with the fiscal period of each of its rows; as it is where they have none."""
    if not any(labels):
        return table
    return replace(table, columns=(*table.columns, Column("Fiscal period", "text", list(labels))))


def item_table(view: ItemView, tau: float, cut: Sequence[Stretch], by: By, about: About) -> Table:
    """One item's forecast by stretch, with the totals from now to the end of each."""
    fan, rows = view.forecast, [one for one in cut if one.ahead[1]]
    expected = fan.mean()[0]
    sold = [_sum(view.history.demand, one.past) for one in rows]
    so_far, ends = fan.span_mean()[0], [one.ahead[1] - 1 for one in rows]
    columns = [*_heads(rows, by), *_sold_so_far(sold)]
    columns.append(Column("Expected", "units", [_sum(expected, one.ahead) for one in rows]))
    for level in sorted({0.1, 0.5, 0.9, tau}):
        of_span = fan.span_at(level)[0]
        own = [float(of_span[end]) if one.ahead[0] == 0 else np.nan for one, end in zip(rows, ends, strict=True)]
        columns.append(Column(formats.level(level), "units", own))
    columns += [
        Column("Total so far", "units", [float(so_far[end]) for end in ends]),
        Column(f"{formats.level(tau)} of total", "units", [float(fan.span_at(tau)[0, end]) for end in ends]),
    ]
    return Table(f"Forecast of {view.facts.name}", tuple(columns), about.frequency, about.currency, unit=view.unit)


def total_table(view: TotalView, begins: SpanTotal | None, cut: Sequence[Stretch], by: By, about: About) -> Table:
    """A total by stretch, sold in about a year and expected; ``begins`` is that of the weeks to come of the one that is now."""
    shown = len(view.history.demand) - charts.shown_periods(about.frequency, len(view.last_year))
    rows = [one for one in cut if one.ahead[1] or one.past[1] > max(shown, 0)]
    columns = [*_heads(rows, by), Column("Sold", "units", [_sum(view.history.demand, one.past) for one in rows])]
    if view.forecast is not None:
        ahead = [one.ahead if one.ahead[1] else None for one in rows]
        last_year = [_sum(view.last_year, one) for one in ahead]
        columns += [Column("Last year, weeks to come", "units", last_year)] if np.isfinite(last_year).any() else []
        columns.append(Column("Expected", "units", [_sum(view.forecast.expected, one) for one in ahead]))
        if begins is not None:
            first = [one is not None and one[0] == 0 for one in ahead]
            columns += [
                Column(formats.level(level), "units", [begins.at(level) if own else np.nan for own in first])
                for level in (0.1, 0.5, 0.9)
            ]
    title = f"Total of {view.category}" if view.category else "Total of all items"
    return Table(title, tuple(columns), about.frequency, about.currency, unit=view.unit)


def first_ahead(cut: Sequence[Stretch]) -> int:
    """How many coming weeks the stretch has that begins now; 0 where none is ahead."""
    return next((one.ahead[1] for one in cut if one.ahead[1] and one.ahead[0] == 0), 0)


def _heads(rows: Sequence[Stretch], by: By) -> list[Column]:
    return [
        Column(_HEADS[by], "text", [one.label for one in rows]),
        Column("Weeks", "text", [one.weeks for one in rows]),
    ]


def _sold_so_far(sold: Sequence[float]) -> list[Column]:
    """What the first stretch sold before the forecast begins; nothing where it begins with it."""
    return [Column("Sold so far", "units", list(sold))] if np.isfinite(sold).any() else []


def _sum(values: np.ndarray, span: tuple[int, int] | None) -> float:
    """Of these places; NaN for none, and where one is not known."""
    if span is None or span[0] == span[1]:
        return float("nan")
    return float(np.asarray(values, np.float64)[span[0] : span[1]].sum())
