"""An explanation in words and tables: what the bridges and maps of ``why_charts`` show, for those who read it instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from data.schema import Frequency
from data.units import PIECES, Unit
from forecasting.explain.attention_attribution import AttentionAttribution
from forecasting.explain.error_history import ErrorHistory
from forecasting.explain.forecast_revision import ForecastRevision
from forecasting.explain.shapley_drivers import Drivers
from forecasting.service.view_models import ItemView
from pages.ui.display import formats, tables
from pages.ui.display.tables import Column, Table, bridge, numbers, stamps

_DRIVER_NAMES = {
    "trend": "Level and trend",
    "season": "Season and events",
    "price": "Price",
    "promotion": "Promotion",
    "kind": "Kind of item",
    "own errors": "Own past errors",
}
CHANGE_NAMES = {"new sales": "New sales", "own errors": "Own errors", "plan": "Plan", "model": "Model"}

_HARDLY = 0.005  # of the forecast: a part below this is not spoken of


def driver_names(view: ItemView) -> Mapping[str, str]:
    """What the page calls the drivers of an item's forecast: a promotion that nobody has planned is one as usual."""
    if view.promo_given.any() or not np.nan_to_num(view.plan_promo).any():
        return _DRIVER_NAMES
    return {**_DRIVER_NAMES, "promotion": "Promotions as usual"}


def drivers(found: Drivers, names: Mapping[str, str], frequency: Frequency, unit: Unit = PIECES) -> str:
    """The answer: level, forecast, and the parts that make the difference, largest first."""
    level, forecast = float(found.reference.sum()), float(found.forecast.sum())
    shown, digits = formats.steps(level, found.span.tolist(), forecast, unit)
    parts = [part for part in zip(found.groups, found.span, shown, strict=True) if _counts(part[1], forecast)]
    largest = sorted((part for part in parts if part[2]), key=lambda part: -abs(part[2]))
    heavy = [f"{names[name].lower()} {formats.signed(moved, digits)}" for name, _, moved in largest]
    ahead = formats.ahead(len(found.forecast), frequency)
    sentence = f"At its plain level this item would sell **{formats.units(level, unit)}** {unit.label} in {ahead}; "
    sentence += f"the forecast is **{formats.units(forecast, unit)}**"
    if parts and not heavy:
        return f"{sentence}: nothing else moves it so far that it shows."
    if not heavy:
        return f"{sentence}: nothing else moves it by more than {formats.percent(_HARDLY)}."
    return f"{sentence}. What moves it: {formats.listing(heavy)} {unit.label}."


DRIVERS_CAPTION = (
    "A plain level is what the model expects of an item that sold its running mean all along, at its usual price, with no "
    "season, no promotion and nothing known of its kind. The parts are averages over every order in which these could be "
    "told to the model (Shapley values) and sum to the difference. They show what the model makes of what it is told; they "
    "do not show what causes sales."
)


def drivers_table(
    found: Drivers, names: Mapping[str, str], periods: pd.DatetimeIndex, frequency: Frequency, unit: Unit = PIECES
) -> Table:
    """The twin of the bridge: every period with its parts, and all of them together."""
    titles = ["Plain level", *(names[name] for name in found.groups), "Forecast"]
    columns = (
        _periods_and_together(periods, frequency),
        *_bridge(titles, found.reference, found.parts, found.forecast, unit),
    )
    return Table("What the forecast is made of", columns, frequency, unit=unit)


def link(
    found: AttentionAttribution,
    target: int,
    stamp: pd.Timestamp,
    frequency: Frequency,
    since: pd.Timestamp | None = None,
    unit: Unit = PIECES,
) -> str:
    """What one target looked at, and whether that matters; ``since`` is the first period on record of the item."""
    marked = found.periods[found.twins[0, target]]
    names = formats.listing([formats.period(one, frequency) for one in sorted(marked)])
    forecast, masked, moves = (float(one[0, target]) for one in (found.forecast, found.masked, found.moves))
    sentence = (
        f"For {formats.period_of(stamp, frequency)} the forecast looked most at **{names}**, "
        f"with {formats.percent(float(found.mass[0, target]))} of its attention; "
        f"{formats.percent(float(found.taken[0, target]))} of its level comes from looking back like this. "
    )
    before = 0 if since is None else int((marked < since).sum())
    if before:
        which = "All of them lie" if before == len(marked) else f"{before} of them {'lies' if before == 1 else 'lie'}"
        sentence += f"{which} before the item's record begins, where it could look at the date alone. "
    change = f"{formats.units(masked, unit)} instead of {formats.units(forecast, unit)}"
    if found.weak[0, target] or formats.units(masked, unit) == formats.units(forecast, unit):
        return f"{sentence}**The link is weak:** without them it would be {change}, which is hardly another number."
    moved = formats.change(masked, forecast, unit).lstrip("+−")
    higher = f"**{moved} {unit.label} {'higher' if moves > 0 else 'lower'}**"
    return f"{sentence}Without them it would be {change}: they make it {higher}."


LINKS_CAPTION = (
    "Attention is where the model looked, not why it says what it says. So the periods looked at most are masked, as if nobody "
    "knew what sold in them, and the forecast is made again; own past errors are left out on both sides. What does not "
    "come from looking back comes from the recent level, last season and what is planned."
)


def links_table(found: AttentionAttribution, periods: pd.DatetimeIndex, frequency: Frequency, unit: Unit = PIECES) -> Table:
    """The twin of the map: for every target the periods that it looked at most, and the forecast without them."""
    names = [
        formats.listing([formats.period(stamp, frequency) for stamp in sorted(found.periods[twins])])
        for twins in found.twins[0]
    ]
    columns = (
        Column(formats.period_word(frequency).title(), "period", stamps(periods)),
        Column("Looked most at", "words", names),
        Column("Of its attention", "percent", numbers(found.mass[0])),
        Column("Of its level", "percent", numbers(found.counted[0])),
        Column("Expected", "units", numbers(found.forecast[0])),
        Column("Without them", "units", numbers(found.masked[0])),
        tables.changes("They add", found.masked[0], found.forecast[0], unit),
        Column("Link", "text", ["weak" if weak else "holds" for weak in found.weak[0]]),
    )
    return Table("Where the forecast looked", columns, frequency, unit=unit)


def mistakes(found: ErrorHistory, target: int, stamp: pd.Timestamp, frequency: Frequency, unit: Unit = PIECES) -> str:
    """What own errors did to one target's forecast, or why they do nothing."""
    errors = found.errors
    seen = np.isfinite(errors)
    word = formats.period_word(frequency)
    if not seen.any():
        return (
            f"There is no forecast on record for the last {word}s of this item that was made without knowing them, "
            "so nothing can be said of its errors."
        )
    mean = float(errors[seen].mean())
    way = "too low" if mean > 0 else "too high"
    off = (
        f"**{formats.units(abs(mean), unit)} {unit.label} {way}**"
        if round(mean, unit.digits)
        else "**neither too low nor too high**"
    )
    record = f"Its forecasts for the last {formats.periods(int(seen.sum()), frequency)} were {off} on average. "
    if not found.trusted:
        return (
            f"{record}The forecast takes nothing of this back: on this catalog doing so brought nothing when it was tried on "
            f"{word}s held back, so with its errors masked it is the same."
        )
    without, forecast, raised, steadied = (
        float(one[target]) for one in (found.without, found.forecast, found.raised, found.steadied)
    )
    where = formats.period_of(stamp, frequency)
    if not _counts(forecast - without, forecast):
        return f"{record}For {where} they do not move the forecast: without feedback it would be the same."
    weighed = np.where(seen, found.weights[target], 0.0)
    like = float((weighed * np.nan_to_num(errors)).sum() / max(weighed.sum(), 1e-12))
    heavy = [one for one in (raised, steadied) if _counts(one, forecast)]
    shown, digits = formats.steps(without, heavy, forecast, unit)
    parts = []
    if _counts(raised, forecast):
        by = shown.pop(0)
        moved, kind = ("raised", "too low") if raised > 0 else ("lowered", "too high")
        weighed_by = f"{formats.difference(like, unit)} {unit.label}, weighed by likeness"
        reason = f" because forecasts of {word}s like it were {kind} ({weighed_by})"
        parts.append(f"**{moved} by {abs(by):,.{digits}f} {unit.label}**{reason if like * raised > 0 else ''}")
    if _counts(steadied, forecast):
        parts.append(f"moved by {formats.signed(shown[0], digits)} {unit.label} towards what was said of it earlier")
    moved = formats.listing(parts) or "hardly moved"
    return (
        f"{record}The forecast for {where} is {moved}: "
        f"{formats.units(forecast, unit)} instead of {formats.units(without, unit)} without its own past."
    )


MISTAKES_CAPTION = (
    "What was expected on average is the mean of all forecasts that were made of a period before it came, by networks that had "
    "not learned from it. “What changed since last time” compares with the last of them alone, as today's networks make it."
)


def mistakes_table(found: ErrorHistory, target: int, frequency: Frequency, unit: Unit = PIECES) -> Table:
    """Each period that came, what had been said of it, and what its error counts for the target."""
    share = found.errors / np.where(found.said > 0, found.said, np.nan)
    columns = [
        Column(formats.period_word(frequency).title(), "period", stamps(found.judged)),
        Column("Expected, on average", "units", numbers(found.said)),
        Column("Came", "units", numbers(found.came)),
        tables.changes("Error", found.said, found.came, unit),
        Column("Error in %", "percent", numbers(share)),
    ]
    if found.trusted:
        columns.append(Column("Weight", "percent", numbers(found.weights[target])))
    return Table("Own errors", tuple(columns), frequency, unit=unit)


def earlier_table(found: ErrorHistory, target: int, now: pd.Timestamp, frequency: Frequency, unit: Unit = PIECES) -> Table:
    """What was forecast of the target at earlier creation dates, and what is forecast now."""
    earlier = found.earlier[:, target]
    known = np.isfinite(earlier)
    columns = (
        Column("Forecast made", "period", [*found.dates[known], now]),
        Column("Expected", "units", [*numbers(earlier[known]), float(found.forecast[target])]),
    )
    return Table("Earlier forecasts of the same period", columns, frequency, unit=unit)


def changes(found: ForecastRevision, frequency: Frequency, unit: Unit = PIECES) -> str:
    """What was expected one period ago of the same periods, what is now, and what came in between."""
    before, after = float(found.before.sum()), float(found.after.sum())
    word = formats.period_word(frequency)
    sentence = (
        f"One {word} ago **{formats.units(before, unit)}** {unit.label} were expected of the same "
        f"{formats.periods(len(found.before), frequency)}, today **{formats.units(after, unit)}** "
        f"({formats.change(before, after, unit)}). "
    )
    if np.isfinite(found.came):
        said = f"{formats.units(found.expected, unit)} had been expected a {word} before"
        sentence += f"The {word} since sold {formats.units(found.came, unit)} where {said}."
    else:
        sentence += f"What the {word} since would have sold is not known."
    return sentence


CHANGES_CAPTION = (
    "The catalog keeps neither the plan nor the forecasts of an earlier date. So today's plan is taken for both dates and "
    "today's model makes both forecasts, the earlier one too, though it may have learned from the period since; plan and "
    "model therefore add nothing here."
)


def changes_table(found: ForecastRevision, frequency: Frequency, unit: Unit = PIECES) -> Table:
    """The twin of the bridge: every period with its parts, and all of them together."""
    titles = ["Last time", *(CHANGE_NAMES[name] for name in found.names), "Today"]
    columns = (
        _periods_and_together(found.periods, frequency),
        *_bridge(titles, found.before, found.parts, found.after, unit),
    )
    return Table("What changed since last time", columns, frequency, unit=unit)


def bridge_steps(names: Sequence[str], words: Mapping[str, str], units: np.ndarray) -> list[tuple[str, float]]:
    """The steps of a bridge: each part's name on the page and its units."""
    return [(words[name], float(one)) for name, one in zip(names, units, strict=True)]


def _periods_and_together(periods: pd.DatetimeIndex, frequency: Frequency) -> Column:
    texts = [*(formats.period(stamp, frequency) for stamp in periods), "Together"]
    return Column(formats.period_word(frequency).title(), "text", texts)


def _bridge(titles: Sequence[str], before: np.ndarray, parts: np.ndarray, after: np.ndarray, unit: Unit) -> tuple[Column, ...]:
    """The columns of a bridge with its parts [P, H], every period and all of them together."""
    whole = np.column_stack([parts, parts.sum(axis=1)])
    return bridge(titles, np.append(before, before.sum()), whole, np.append(after, after.sum()), unit)


def _counts(units: float, forecast: float) -> bool:
    """Whether a part is large enough to be spoken of."""
    return abs(units) > _HARDLY * max(forecast, 1e-9)
