"""Another generation's fan over an item's own, and how the patchwork comes to its numbers; made only when asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from data.errors import TidelineError
from data.schema import Frequency
from data.units import PIECES, Unit
from forecasting.core.types import QuantileForecast
from forecasting.evaluation.accuracy_report import AccuracyReport, ModelScores
from forecasting.models.patchwork.forecaster import PatchworkParts
from forecasting.service.view_models import ItemView
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, numbers, stamps
from pages.ui.resources import catalog, ladder, shown
from pages.ui.shell import url_state

_NONE = ""
_ROUTES = {
    "established": "regular sellers",
    "seasonal": "items whose season repeats",
    "intermittent": "rare sellers",
    "new": "new products",
}


@dataclass(frozen=True, eq=False)
class Overlay:
    """Another generation's forecast of the item looked at, over the same periods."""

    scores: ModelScores
    forecast: QuantileForecast


def overlay(view: ItemView) -> Overlay | None:
    """The choice of a generation and what it says; None where none is chosen or none was fitted on this catalog."""
    report = ladder.accuracy()
    if report is None or not report.tried or report.shipped:  # what was shipped are scores, not forecasters
        return None
    titles = {_NONE: "None", **{one.name: one.title for one in report.tried}}
    chosen = url_state.chosen_of("over", titles, _NONE)
    st.selectbox(
        "Lay another generation's fan over it",
        list(titles),
        format_func=titles.__getitem__,
        width=340,
        **url_state.made_with_one_of("over", chosen, list(titles)),
        on_change=url_state.on_change("over", "over", str),
    )
    if chosen == _NONE:
        _advice(report)
        return None
    try:
        forecast = ladder.forecast_by(chosen, view.facts.item_id)
    except TidelineError as error:
        st.warning(f"{formats.plain(titles[chosen])} cannot forecast this item. {formats.plain(str(error))}")
        return None
    forecast = forecast.first(min(len(view.forecast.periods), len(forecast.periods)))
    return Overlay(report.of(chosen), shown.forecast(view, forecast))


def _advice(report: AccuracyReport) -> None:
    """Says where another generation was surely better on this catalog than the one in use."""
    card = catalog.service().model().card
    better = ladder.better_generation(card.model) if card else None
    if better is not None and card is not None:
        less = 1 - better.rung.wql / report.of(card.model).rung.wql
        st.caption(
            f"Tried on this catalog, **{formats.plain(better.title)}** erred {formats.percent(less)} less per unit sold than "
            "the model in use, and not by luck alone. Lay its fan over this one to see where they differ; reasons, prices and "
            "orders stay those of the model in use."
        )


def sentence(over: Overlay, own: QuantileForecast, tau: float, frequency: Frequency, unit: Unit = PIECES) -> str:
    """The two fans compared, and until when the other was trained."""
    other = over.forecast
    shared = len(other.periods)
    own = own.first(shared)
    title = formats.plain(over.scores.title)
    expected, before = (float(one.span_mean()[0, -1]) for one in (other, own))
    chosen, mine = (float(one.span_at(tau)[0, -1]) for one in (other, own))
    widths = [float(one.span_at(0.9)[0, -1] - one.span_at(0.1)[0, -1]) for one in (other, own)]
    width = ""
    if widths[1] > 0:
        ratio = widths[0] / widths[1]
        wide = "about as wide" if 0.95 <= ratio <= 1.05 else f"{ratio:.1f} times as wide"
        width = f" Its eight-in-ten band of the total is {wide}."
    return (
        f"Dashed: **{title}** expects **{formats.units(expected, unit)}**{formats.word_of(unit)} in "
        f"{formats.ahead(shared, frequency)}, "
        f"{formats.unit_change(before, expected, unit)} against today's model, and {formats.odds(tau)} "
        f"{formats.fewer_than(chosen, unit)} instead of {formats.fewer_than(mine, unit)}.{width} It learned from sales up to "
        f"{formats.period(over.scores.trained_until, frequency)}; it reads what sold since, but has not learned from it."
    )


def both(over: Overlay, own: QuantileForecast, tau: float, frequency: Frequency, unit: Unit = PIECES) -> Table:
    """The twin of the two fans: every period as the model in use and as the other generation, dashed, sees it."""
    other = over.forecast
    own = own.first(len(other.periods))
    columns = [Column(formats.period_word(frequency).title(), "period", stamps(own.periods))]
    rows = [("Expected", own.mean()[0], other.mean()[0])]
    rows += [(formats.level(level), own.at(level)[0], other.at(level)[0]) for level in sorted({0.1, 0.5, 0.9, tau})]
    for name, mine, theirs in rows:
        columns += [Column(name, "units", numbers(mine)), Column(f"{name}, dashed", "units", numbers(theirs))]
    return Table(f"Today's model and {over.scores.title}", tuple(columns), frequency, unit=unit)


def patchwork(item_id: str) -> None:
    """The patchwork's parts for the item, folded away; nothing where the patchwork was not fitted on this catalog."""
    report = ladder.accuracy()
    if report is None or "patchwork" not in [one.name for one in report.tried]:
        return
    folded = st.expander("How the patchwork of 2008 would come to its number", key="parts", on_change="rerun")
    if not folded.open:
        return
    with folded:
        try:
            parts = ladder.patchwork_parts(item_id)
        except TidelineError as error:
            st.markdown(formats.plain(str(error)))
            return
        frequency = catalog.service().figures().frequency
        for line in part_sentences(parts, frequency):
            st.markdown(f"- {line}")
        st.html(parts_table(parts, frequency).html())
        st.caption(
            "In pieces. Every part has its own rules and settings, and each seam between them is a jump in the number: an item "
            "that is sent another way, or a category that is renamed, changes the forecast overnight."
        )


def part_sentences(parts: PatchworkParts, frequency: Frequency) -> list[str]:
    """What each part did, in the order in which they work."""
    word = formats.period_word(frequency)
    models = formats.listing([formats.plain(model) for model in parts.models])
    lines = [
        f"**Route.** Sent to the {_ROUTES[parts.route]}: {formats.plain(parts.why)} Answered by {models}: a level of "
        f"{formats.units(parts.level)} units per {word}, changing by {formats.difference(parts.growth)} each {word}.",
        f"**Seasonal add-on.** Moves the level by {_moved(parts.season)} over the periods ahead"
        + (
            f", learned for {formats.plain(parts.category_column)} *{formats.plain(parts.category)}*."
            if parts.category
            else "."
        ),
        f"**Price add-on.** {formats.elasticity(parts.elasticity)} With the prices planned it moves the level by "
        f"{_moved(parts.price)}, and promotion by {_moved(parts.lift)}.",
    ]
    if parts.launch_share > 0:
        lines.append(
            f"**New-product rule.** {formats.percent(parts.launch_share)} of the level is what new products of its category "
            f"usually sell: {formats.units(parts.launch_level)} units per {word}."
        )
    known = int(np.isfinite(parts.errors).any(axis=1).sum())
    weight = formats.percent(float(np.nanmean(parts.own_share)))
    own = f"its own of {known:,} earlier dates with {weight} of the weight, the rest those of all items on its route."
    lines.append(
        "**Distribution engine.** The fan is past errors laid around the number: "
        + (own if known else "it has none of its own yet, so those of all items on its route.")
    )
    return lines


def _moved(factors: np.ndarray) -> str:
    """How far factors move a number: ``"−10% to +23%"``, or one percentage where all are alike."""
    low, high = (formats.percent(float(end) - 1, signed=True) for end in (factors.min(), factors.max()))
    return low if low == high else f"{low} to {high}"


def parts_table(parts: PatchworkParts, frequency: Frequency) -> Table:
    """Period by period: the factors of the add-ons and the point forecast they lead to."""
    periods = frequency.after(parts.creation_date, len(parts.point))
    return Table(
        "Parts of the patchwork's forecast",
        (
            Column(formats.period_word(frequency).title(), "period", stamps(periods)),
            Column("Season ×", "factor", numbers(parts.season)),
            Column("Price ×", "factor", numbers(parts.price)),
            Column("Promotion ×", "factor", numbers(parts.lift)),
            Column("Point forecast", "units", numbers(parts.point)),
            Column("Weight of own errors", "percent", numbers(parts.own_share)),
        ),
        frequency,
    )
