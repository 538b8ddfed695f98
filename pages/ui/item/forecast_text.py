"""A forecast in words and tables: what the fan chart shows, for those who read it instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from data.facts import About, ItemFacts
from data.plans import USUAL_PERIODS
from data.schema import Frequency
from data.units import PIECES, Unit, is_factor
from forecasting.core.types import QuantileForecast
from forecasting.service.view_models import ItemView, PastFan
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, numbers, stamps

#: The share of stores from which a promotion is one.
_PROMOTED = 0.005


@dataclass(frozen=True)
class Words:
    """One item's forecast [1, H, Q], counted in ``unit``, and the quantile ``tau`` of its whole span, in words."""

    forecast: QuantileForecast
    tau: float
    frequency: Frequency
    unit: Unit = PIECES

    @cached_property
    def expected(self) -> float:
        """Units expected over the span."""
        return float(self.forecast.span_mean()[0, -1])

    @cached_property
    def chosen(self) -> float:
        """The chosen quantile of the span's total."""
        return float(self.forecast.span_at(self.tau)[0, -1])

    @property
    def _ahead(self) -> str:
        return formats.ahead(len(self.forecast.periods), self.frequency)

    def eight_in_ten(self) -> str:
        """P10 to P90 of the span: ``"90 – 260"``."""
        low, high = (float(self.forecast.span_at(tau)[0, -1]) for tau in (0.1, 0.9))
        return f"{formats.units(low, self.unit)} – {formats.units(high, self.unit)}"

    def sentence(self) -> str:
        """The answer: what to expect, and the chosen quantile."""
        if not self.forecast.values.any():
            return f"**Nothing** is expected to sell in {self._ahead}."
        below = formats.fewer_than(self.chosen, self.unit)
        return (
            f"Expect about **{formats.units(self.expected, self.unit)}** {self.unit.label} in {self._ahead}; "
            f"{formats.odds(self.tau)} you will sell **{below}**."
        )

    def description(self) -> str:
        """What the chart shows, for those who do not see it."""
        first, last = (float(self.forecast.at(self.tau)[0, h]) for h in (0, -1))
        periods = self.forecast.periods
        return (
            f"Line of past sales up to {formats.period(self.forecast.creation_date, self.frequency)}, then a fan of "
            f"forecasts from {formats.period(periods[0], self.frequency)} to {formats.period(periods[-1], self.frequency)}. "
            f"{formats.level(self.tau)} runs from {formats.units(first, self.unit)} to {formats.units(last, self.unit)} "
            f"{self.unit.label} per "
            f"{formats.period_word(self.frequency)}. The table below the chart has every number."
        )


def why_outside(forecast: QuantileForecast, unit: Unit = PIECES) -> str:
    """Why what is expected lies outside the eight in ten as shown, for the line under the chart; empty where it does not."""
    means, lows, highs = (
        np.append(one[0], total[0, -1])
        for one, total in (
            (forecast.mean(), forecast.span_mean()),
            (forecast.at(0.1), forecast.span_at(0.1)),
            (forecast.at(0.9), forecast.span_at(0.9)),
        )
    )
    shown = zip(lows, means, highs, strict=True)
    ordered = (tuple(formats.rounded(one, unit) for one in row) for row in shown)
    if all(low <= mean <= high for low, mean, high in ordered):
        return ""
    return (
        " What is expected is a mean: where an item mostly sells nothing and now and then much, it lies above what sells "
        "8 times in 10."
    )


def planned_promotions(view: ItemView) -> np.ndarray:
    """Shares of stores [H] that somebody has planned to promote in; 0 where a promotion is only taken as usual."""
    return np.where(view.promo_given, view.plan_promo, 0.0)


def promotions(view: ItemView, frequency: Frequency) -> str:
    """What the forecast takes of promotions in the periods ahead, for the line under the chart; empty without any on record."""
    if not np.isfinite(view.plan_promo).any():
        return ""
    given, promo = view.promo_given, np.nan_to_num(view.plan_promo)
    if given.all():
        none = " No promotion is planned in these periods, and none is expected; What if shows what one would sell."
        return "" if promo.any() else none
    usual = float(promo[~given][0])
    word = formats.period_word(frequency)
    if given.any():
        taken = f"promotions as usual ({formats.percent(usual)} of stores)" if usual > _PROMOTED else "none"
        return f" Where no promotion is planned or ruled out, {taken} {'are' if usual > _PROMOTED else 'is'} counted on."
    if usual <= _PROMOTED:
        return f" No promotion is planned, and it had none in the last {USUAL_PERIODS} {word}s: none is counted on."
    return (
        f" No promotion is planned: the forecast counts on **promotions as usual** ({formats.percent(usual)} of stores, the "
        f"mean of the last {USUAL_PERIODS} {word}s). What if shows it with none and in full."
    )


def identity(facts: ItemFacts) -> str:
    """The item's id and attributes on one line."""
    attributes = [
        f"{name.replace('_', ' ')} {formats.plain(value)}" if is_factor(name) else formats.plain(value)
        for name, value in facts.static.items()
        if value
    ]
    return "  ·  ".join([f"**{formats.plain(facts.item_id)}**", *attributes])


def table(view: ItemView, tau: float, about: About) -> Table:
    """The twin of the fan chart: every period with its quantiles, and the total up to it."""
    fan = view.forecast
    levels = sorted({0.1, 0.5, 0.9, tau})
    columns = [
        Column(formats.period_word(about.frequency).title(), "period", stamps(fan.periods)),
        Column("Expected", "units", numbers(fan.mean()[0])),
        *(Column(formats.level(level), "units", numbers(fan.at(level)[0])) for level in levels),
        Column("Total so far", "units", numbers(fan.span_mean()[0])),
        Column(f"{formats.level(tau)} of total", "units", numbers(fan.span_at(tau)[0])),
    ]
    if np.isfinite(view.plan_price).any():
        columns.append(Column("Price", "price", numbers(view.plan_price)))
    if np.nan_to_num(view.plan_promo).any():
        name = "Promotion" if view.promo_given.any() else "Promotion as usual"
        columns.append(Column(name, "promotion", numbers(view.plan_promo)))
    events = _events(view, fan.periods)
    if any(events):
        columns.append(Column("Event", "text", events))
    return Table(f"Forecast of {view.facts.name}", tuple(columns), about.frequency, about.currency, unit=view.unit)


def _events(view: ItemView, periods: pd.DatetimeIndex) -> list[str]:
    named: dict[pd.Timestamp, list[str]] = {stamp: [] for stamp in periods}
    for stamp, name in view.history.events:
        if stamp in named:
            named[stamp].append(name)
    return [formats.listing(names) for names in named.values()]


def record(fans: Sequence[PastFan], frequency: Frequency) -> str:
    """Earlier fans, in pieces, against what came; periods not known or out of stock do not count."""
    inside = known = above = 0
    for fan in fans:
        seen = np.isfinite(fan.actual)
        low, high = _outwards(fan, fan.forecast.at(0.1)[0], fan.forecast.at(0.9)[0])  # (H,)
        known += int(seen.sum())
        inside += int((seen & (fan.actual >= low) & (fan.actual <= high)).sum())
        above += int((seen & (fan.actual > high)).sum())
    word = formats.period_word(frequency)
    if not known:
        return "Nothing is known yet of the periods that earlier forecasts were for."
    return (
        f"In **{inside} of {known}** {word}s what came was inside the eight-in-ten band "
        f"({formats.percent(inside / known)}; 80% is what it promises). "
        f"It came out above the band {_times(above)} and below it {_times(known - inside - above)}."
    )


def _outwards(fan: PastFan, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The range as outcomes are counted: in whole units where all that came is whole, so that nothing sold is inside a P10 of
    almost nothing."""
    came = fan.actual[np.isfinite(fan.actual)]
    return (np.floor(low), np.ceil(high)) if (came == np.round(came)).all() else (low, high)


def provenance(fans: Sequence[PastFan]) -> str:
    """Who made the earlier fans, and whether that flatters them."""
    honest = sum(fan.honest for fan in fans)
    if honest == len(fans):
        return "Made from what was known at each date, by networks that had not learned from the periods they forecast."
    which = "These" if not honest else f"The first {len(fans) - honest} of these"
    rest = "" if not honest else " The others come from networks that had not."
    return (
        f"{which} were made by today's model, which has learned from these periods since: that flatters them. On the Accuracy "
        f"page it learned only from what was known then.{rest}"
    )


def record_table(fans: Sequence[PastFan], frequency: Frequency, unit: Unit = PIECES) -> Table:
    """The same with a row for each creation date."""
    totals = [float(fan.actual.sum()) for fan in fans]  # NaN where a period is not known
    low, high = ([float(fan.forecast.span_at(tau)[0, -1]) for fan in fans] for tau in (0.1, 0.9))
    columns = (
        Column("Forecast made", "period", [fan.forecast.creation_date for fan in fans]),
        Column("Expected", "units", [float(fan.forecast.span_mean()[0, -1]) for fan in fans]),
        Column("P10 of total", "units", low),
        Column("P90 of total", "units", high),
        Column("Came", "units", totals),
        Column("Against eight in ten", "text", [_place(*row, unit) for row in zip(totals, low, high, strict=True)]),
    )
    return Table("Earlier forecasts", columns, frequency, unit=unit)


def _place(total: float, low: float, high: float, unit: Unit) -> str:
    if not np.isfinite(total):
        return "not all known"
    came, lowest, highest = (formats.rounded(one, unit) for one in (total, low, high))
    return "below" if came < lowest else "above" if came > highest else "inside"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
