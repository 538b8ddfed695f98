"""What each quantile would have cost, replayed over the past, and whether a learned policy bought better: on request."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from data.facts import About
from forecasting.inventory.learned_policy import RatioRecord
from forecasting.purchasing.policy_backtest import BuyingRecord, ReplaySettings
from forecasting.service.background_jobs import FunctionJob
from pages.ui.display import charts, exports, formats
from pages.ui.display.charts import ACCENT, BASELINE, INK, NOTE, RULE
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Kind, Table, numbers
from pages.ui.jobs import job_panel
from pages.ui.resources import catalog, jobs, purchasing

_JOB, _HEIGHT = "replay of the past", 360


def section(settings: ReplaySettings, chosen: float) -> None:
    """The replay, or the button that begins it; ``chosen`` is the quantile that the planner buys to."""
    st.subheader("What would it have cost?")
    record = purchasing.kept_policy_backtest(settings)
    if record is None:
        job = jobs.function(_JOB, f"{catalog.version()}/{settings}")
        job_panel.section(job, _JOB, lambda: _offer(job, settings), went_wrong="The past could not be replayed.")
        return
    about = catalog.service().figures()
    st.markdown(sentence(record, chosen, about))
    st.plotly_chart(figure(record, chosen, about), width="stretch", key="money-curve", config=charts.CONFIG)
    st.caption(description(record, chosen, about))
    if record.policy:
        st.markdown(opinion(record, about))
    with st.expander("As a table", on_change="rerun", key="money-table") as folded:
        if folded.open:
            found = table(record, about)
            st.html(found.html())
            downloads(found, exports.Stamp(about.name, record.last, catalog.model_words(), supply=about.supply_words), "money")


def _offer(job: FunctionJob, settings: ReplaySettings) -> None:
    st.caption(
        "Buys the past again at every quantile, each time with what was known then, and tells which was cheapest. "
        "It takes a few seconds."
    )
    if st.button("Replay the past", key="replay", icon=":material/history:"):
        work = purchasing.policy_backtest(settings)
        job_panel.start(_JOB, lambda: job.start(work))


def sentence(record: BuyingRecord, chosen: float, about: About) -> str:
    """What the chosen quantile would have cost, which was cheapest, and what that says of the forecast."""
    curve = record.curve
    best, ratio = curve.replayed.best, curve.ratio
    here, least = curve.replayed.at(chosen), float(curve.replayed.cost.min())
    answer = (
        f"Bought to **{formats.level(chosen)}**, lost sales and unsold units would have cost "
        f"**{_money(here, record, about)} a {formats.period_word(about.frequency)}**; "
    )
    if here - least > 0.005 * max(least, 1e-9):
        answer += f"the cheapest was **{formats.level(best)}** with {_money(least, record, about)}. "
    elif formats.level(best) != formats.level(chosen):
        answer += f"the cheapest, **{formats.level(best)}**, hardly less. "
    else:
        answer += "no other quantile would have been cheaper. "
    if curve.verdict == "open":
        return answer + "One item's few dates say too little about its forecast: look at a category or at all items."
    if curve.verdict == "calibrated":
        return answer + f"The forecast is sound here: what came allows {formats.level(ratio)}, which your costs ask for."
    word = "low" if curve.verdict == "low" else "high"
    plain = curve.plain
    return answer + (
        f"**The forecast was too {word} here**: your costs ask for {formats.level(ratio)}, and taken date by date "
        f"{formats.level(plain.best)} was cheapest (9 times in 10 between {formats.level(plain.best_low)} and "
        f"{formats.level(plain.best_high)}). Buying to it would have saved {_money(curve.saving, record, about)} a date."
    )


def opinion(record: BuyingRecord, about: About) -> str:
    """What the learned policy did in the periods that it was not trained on."""
    found: RatioRecord | None = record.opinion
    if found is None:
        return ""
    share = found.learned / found.rule - 1 if found.rule else float("nan")
    low, high = (end / found.rule for end in (found.gain.low, found.gain.high))
    range_ = f"9 times in 10 between {formats.percent(low, signed=True)} and {formats.percent(high, signed=True)}"
    answer = (
        f"**Second opinion.** A policy trained to buy for money, in the periods that it had not learned from, cost "
        f"**{formats.percent(share, signed=True)}** against this rule at {formats.level(found.ratio)} ({range_}). "
    )
    if found.serves:
        return answer + "That is more than luck: this rule can be improved on here."
    return answer + "That may be luck, so the rule stands."


def figure(record: BuyingRecord, chosen: float, about: About) -> go.Figure:
    """Cost by quantile with its range; the critical ratio and the chosen quantile marked."""
    curve, ratio = record.curve.replayed, record.curve.ratio
    labels = [formats.level(tau) for tau in curve.taus]
    sums = [[_sum(value, record, about) for value in part] for part in (curve.cost, curve.low, curve.high)]
    hover = [f"{label}: {cost}<br>nine in ten: {low} to {high}" for label, cost, low, high in zip(labels, *sums, strict=True)]
    here, at_ratio = curve.at(chosen), curve.at(ratio)
    around = {"x": np.concatenate([curve.taus, curve.taus[::-1]]), "y": np.concatenate([curve.low, curve.high[::-1]])}
    data = [
        {"type": "scatter", **around, "fill": "toself", "fillcolor": f"{BASELINE}38", "line": {"width": 0},
         "name": "Nine in ten resamples", "hoverinfo": "skip"},
        {"type": "scatter", "x": curve.taus, "y": curve.cost, "mode": "lines", "line": {"color": INK, "width": 2},
         "name": "Replayed cost", "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>"},
        _mark(curve.best, float(curve.cost.min()), f"Cheapest: {formats.level(curve.best)}", INK, "triangle-up"),
        _mark(ratio, at_ratio, f"By your costs: {formats.level(ratio)}", NOTE, "square-open"),
        _mark(chosen, here, f"You buy to: {formats.level(chosen)}", ACCENT, "diamond"),
    ]  # fmt: skip
    ticks = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    top = 1.15 * float(max(curve.cost[curve.taus >= 0.3].max(), here, at_ratio))
    layout = {
        "height": _HEIGHT, "dragmode": False, "hovermode": "closest", "margin": {"l": 0, "r": 10, "t": 30, "b": 0},
        "legend": {"orientation": "h", "y": -0.18},
        "xaxis": {"tickvals": ticks, "ticktext": [formats.level(tau) for tau in ticks], "range": (0.03, 1.0),
                  "fixedrange": True, "title": {"text": "Quantile bought to"}, "zeroline": False},
        "yaxis": {"range": (0, top), "fixedrange": True, "rangemode": "tozero", "automargin": True, "tickformat": ",",
                  "tickprefix": _prefix(record, about)},
        "annotations": [{"text": _axis_words(record, about), "x": 0, "y": 1.06, "xref": "paper", "yref": "paper",
                         "showarrow": False, "xanchor": "left", "font": {"size": 12}}],
        "shapes": [{"type": "line", "x0": ratio, "x1": ratio, "y0": 0, "y1": 1, "yref": "paper",
                    "line": {"color": RULE, "width": 1, "dash": "dot"}}],
    }  # fmt: skip
    return go.Figure(data=data, layout=layout)


def _mark(tau: float, cost: float, name: str, color: str, symbol: str) -> dict[str, Any]:
    """One quantile marked on the curve."""
    sign = {"color": color, "size": 12, "symbol": symbol, "line": {"width": 2, "color": color}}
    return {"type": "scatter", "x": [tau], "y": [cost], "mode": "markers", "name": name, "marker": sign, "hoverinfo": "skip"}


def description(record: BuyingRecord, chosen: float, about: About) -> str:
    """What was replayed, and what the chart shows, for those who do not see it."""
    curve, replay = record.curve, record.settings
    items = "1 item" if curve.items == 1 else f"{formats.whole(curve.items)} best sellers"
    first, last = (formats.period(one, about.frequency) for one in (record.first, record.last))
    costs, levels = curve.replayed.cost, [formats.level(float(tau)) for tau in curve.replayed.taus]
    answer = (
        f"{items}, ordered after each of {curve.dates} periods from {first} to {last}, lead time {replay.lead_time} and review "
        f"{replay.review}; missed sales are lost. Cost falls from {_money(float(costs[0]), record, about)} at {levels[0]} to "
        f"its least at {formats.level(curve.replayed.best)} and is {_money(float(costs[-1]), record, about)} at {levels[-1]}."
    )
    if curve.replayed.best < curve.ratio:
        answer += (
            " Where missed sales are lost and not owed, stock lasts longer: the cheapest quantile then lies below the one "
            "that the costs ask for, with any forecast."
        )
    return answer


def table(record: BuyingRecord, about: About) -> Table:
    """Every quantile tried: replayed cost with its range, and the plain cost of each date by itself."""
    replayed, plain = record.curve.replayed, record.curve.plain
    kind: Kind = "money" if record.priced else "units"
    columns = (
        Column("Quantile", "text", [formats.level(tau) for tau in replayed.taus]),
        Column("In words", "words", [formats.odds(tau) for tau in replayed.taus]),
        Column("Replayed cost", kind, numbers(replayed.cost)),
        Column("from", kind, numbers(replayed.low)),
        Column("to", kind, numbers(replayed.high)),
        Column("Date by date", kind, numbers(plain.cost)),
    )
    best = [float(tau) == replayed.best for tau in replayed.taus]
    return Table("Cost by quantile, a period", columns, about.frequency, about.currency, marked=best, mark="▲")


def _money(value: float, record: BuyingRecord, about: About) -> str:
    """A sum as Markdown."""
    return formats.plain(_sum(value, record, about))


def _sum(value: float, record: BuyingRecord, about: About) -> str:
    return formats.money(value, about.currency) if record.priced else f"{formats.units(value)} units"


def _prefix(record: BuyingRecord, about: About) -> str:
    return formats.money(0, about.currency).split("0", 1)[0] if record.priced else ""


def _axis_words(record: BuyingRecord, about: About) -> str:
    what = "Lost sales and unsold units" if record.priced else "Units lost and left, weighted by their costs,"
    return f"{what} a {formats.period_word(about.frequency)}: the lower, the better"
