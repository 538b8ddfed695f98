"""The total of all items, or of a category, in words and as a table: what its chart shows, and why it is expected to change."""

from __future__ import annotations

import numpy as np
import pandas as pd

from data.facts import About
from data.units import Unit
from forecasting.service.total_view import MOST_UNKNOWN, TotalForecast, TotalView
from pages.ui.display import charts, formats
from pages.ui.display.tables import Column, Table, numbers, stamps

#: The share by which the expected level departs from that of late before it is said why; and of it a part that is worth a word.
_DEPARTS, _TOLD = 0.05, 0.005


def name(view: TotalView) -> str:
    """Whose total it is, at the beginning of a sentence: in another unit than pieces, of the items that have its factor."""
    some = f"{formats.whole(view.having)} of {formats.whole(view.counted)}" if view.having < view.counted else "All"
    every = "All" if view.unit.is_pieces else some
    return f"{every} items in {formats.plain(view.category)}" if view.category else f"{every} items together"


def sentence(view: TotalView, about: About) -> str:
    """What they sold lately, what is expected, how sure that is, and why it is more or less where it clearly is."""
    word = formats.period_word(about.frequency)
    unit = view.unit
    lately = (
        f"**{formats.units(view.recent, unit)}**{formats.word_of(view.unit)} a {word} lately"
        if np.isfinite(view.recent)
        else "nothing on record yet"
    )
    if view.forecast is None or view.expected is None:
        return f"{name(view)}: {lately}; the forecast is still to be made."
    low, high = (formats.units(view.forecast.of_one_period(tau), unit) for tau in (0.1, 0.9))
    words = (
        f"{name(view)}: {lately}, **{formats.units(view.expected, unit)}** expected, 8 times in 10 between **{low}** and "
        f"**{high}**."
    )
    return f"{words} {why}" if (why := _why(view, about)) else words


def coverage(view: TotalView, wanted: Unit) -> str:
    """Of which items a total is in another unit than pieces; empty where all of them have the factor, and in pieces."""
    if view.unit != wanted:
        reason = (
            f"none of these items has a {wanted.missing} in your data" if view.counted else "all items must be forecast first"
        )
        return f"Shown in pieces: {reason}."
    if view.unit.is_pieces or view.having == view.counted:
        return ""
    return (
        f"Of {formats.whole(view.counted)} items that are sold, {formats.whole(view.having)} have a {view.unit.missing} in "
        "your data: this is the total of those."
    )


def _why(view: TotalView, about: About) -> str:
    """What the change is made of, as far as it was computed; empty where there is no clear one."""
    if view.expected is None or not view.recent > 0 or abs(view.expected / view.recent - 1) <= _DEPARTS:
        return ""
    change = view.expected - view.recent
    more = "more" if change > 0 else "less"
    word = formats.period_word(about.frequency)
    share = f"{formats.percent(abs(change / view.recent))} {more}"
    head = f"That is {formats.difference(change, view.unit)}{formats.word_of(view.unit)} a {word} ({share})"
    planned, season = view.planned or 0.0, view.season or 0.0
    found = [
        f"{formats.difference(units, view.unit)} {words}"
        for units, words in (
            (planned, "for what is planned against usual prices and promotions"),
            (season, _season(view, about)),
        )
        if abs(units) > _TOLD * view.recent
    ]
    rest, unknown = change - planned - season, _not_compared(view)
    if not found:
        return f"{head}, which is what the model makes of its items{f': {unknown}' if unknown else ''}."
    if abs(rest) > _TOLD * view.recent:
        found.append(f"{formats.difference(rest, view.unit)} that the model makes of its items")
    return f"{head}: {formats.listing(found)}{f' ({unknown})' if unknown else ''}."


def _season(view: TotalView, about: About) -> str:
    """What last year says of the season."""
    rise = (view.season or 0.0) / view.recent
    same, before = (formats.periods(count, about.frequency) for count in (len(view.last_year), view.recent_periods))
    moved = f"{formats.percent(abs(rise))} {'more' if rise > 0 else 'less'} a {formats.period_word(about.frequency)}"
    return f"for the season, going by last year (these {same} sold {moved} than the {before} before, promotions included)"


def _not_compared(view: TotalView) -> str:
    """Which causes nobody could compute."""
    reasons = []
    if view.planned is None:
        reasons.append("no effect of a plan is known")
    if view.season is None:
        reasons.append("last year is not on record to tell the season")
    return formats.listing(reasons)


def caption(view: TotalView, about: About) -> str:
    """What is assumed, and what of the past is not known."""
    word, parts = formats.period_word(about.frequency), list[str]()
    if view.forecast is not None:
        parts.append(
            f"Eight in ten outcomes of a {word} lie within the fan, half of them within its darker middle; the sentence means "
            f"any one of the coming {word}s."
        )
        if about.items > 1:
            parts.append(_common(view.forecast, view.column, about))
        if not view.unit.is_pieces:
            parts.append(f"The range in {view.unit.label} is as wide, for what is expected, as that of the pieces.")
    shown = charts.shown_periods(about.frequency, len(view.last_year))
    unknown = view.unknown[-shown:]
    gaps = int((unknown > MOST_UNKNOWN).sum())
    if gaps:
        parts.append(
            f"In {formats.periods(gaps, about.frequency)} shown, the sales of up to {formats.percent(float(unknown.max()))} of "
            "the items on record before are not known; they are left out, which is not to say that nothing was sold."
        )
    return " ".join(parts)


def _common(forecast: TotalForecast, column: str, about: About) -> str:
    """How far items err together, measured or assumed."""
    common = forecast.common
    within = f", {formats.percent(common.category)} within one {formats.plain(column)}" if column else ""
    shares = f"{formats.percent(common.market)} of what is expected{within}"
    if common.dates:
        first, last = (formats.period(stamp, about.frequency) for stamp in (common.first, common.last))
        return f"Items are off together by about {shares}, as in forecasts from {first} to {last}."
    return f"How far items are off together cannot be measured yet. It is assumed to be as in the demo: about {shares}."


def description(view: TotalView, about: About) -> str:
    """What the chart shows, for those who do not see it."""
    words = sentence(view, about).replace("**", "").replace("\\", "")
    if view.forecast is None:
        return f"Line of what {name(view).lower()} sold. {words}"
    return f"{words} Line of past sales, then a fan of the next {formats.periods(len(view.last_year), about.frequency)}" + (
        ", with the same periods of last year as a dotted line." if np.isfinite(view.last_year).any() else "."
    )


def table(view: TotalView, about: About) -> Table:
    """The twin of the chart: what was sold in the periods shown, and every coming one with its quantiles."""
    shown = charts.shown_periods(about.frequency, len(view.last_year))
    past, sold = view.history.periods[-shown:], view.history.demand[-shown:]
    fan = view.forecast
    ahead = fan.periods if fan is not None else pd.DatetimeIndex([])
    none, nothing = np.full(len(past), np.nan), np.full(len(ahead), np.nan)
    columns = [
        Column(formats.period_word(about.frequency).title(), "period", stamps(past.append(ahead))),
        Column("Sold", "units", numbers(np.concatenate([sold, nothing]))),
    ]
    if fan is not None:
        quantiles = [(formats.level(tau), fan.at(tau)[0]) for tau in (0.1, 0.25, 0.5, 0.75, 0.9)]
        for title, values in (("Last year", view.last_year), ("Expected", fan.expected), *quantiles):
            columns.append(Column(title, "units", numbers(np.concatenate([none, values]))))
    title = f"Total of {view.category}" if view.category else "Total of all items"
    return Table(title, tuple(columns), about.frequency, about.currency, unit=view.unit)
