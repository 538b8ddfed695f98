"""Can I trust it: every generation tried on this catalog from earlier dates, and what was promised against what came."""

from __future__ import annotations

import streamlit as st

from forecasting.evaluation.accuracy_report import TOLERANCE, AccuracyReport, ModelScores
from forecasting.evaluation.backtest import BENCH_TAUS
from forecasting.evaluation.slices import DENSE_TITLE
from pages.ui.accuracy import charts as accuracy_charts
from pages.ui.accuracy import faithfulness_panel, text
from pages.ui.display import charts as display_charts
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.jobs import ladder_panel
from pages.ui.resources import catalog, ladder
from pages.ui.shell import frame, url_state
from pages.ui.shell.empty_states import answered
from pages.ui.shell.frame import Figure

QUESTION = "Can I trust it?"

frame.frame()


def nothing_yet() -> None:
    """Before the first generation is through: what will be done, and the button."""
    frame.heading(QUESTION, "Nobody has tried yet: let every generation forecast what you already know, and see.")
    with frame.box("empty", border=True):
        st.markdown(
            "Each generation of forecasters, from last season again to the network in use, learns from your history up to an "
            "earlier date. It then forecasts from that date and from two later ones, and its forecasts are laid beside what "
            "came. Up to 2,000 items are drawn for it; it takes some minutes, and runs while you work."
        )
        ladder_panel.section()


def ladder_part(report: AccuracyReport, one: ModelScores, other: ModelScores, part: str) -> None:
    """The answer, the choices, the ladder as picture and table."""
    scores, first = one.of(part), report.tried[0]
    frame.heading(QUESTION, text.sentence(report, one, part))
    frame.note_on_pieces("Errors are measured")
    against = text.change(first.of(part).wql, scores.wql)
    frame.figures(
        Figure("Error per unit sold", formats.loss(scores.wql), help="Weighted quantile loss: what every quantile from P10 to "
               "P90 missed by, weighted and averaged, in units for each unit sold. 0 is perfect."),
        Figure(f"Against {first.title.lower()}", against, help="How much lower or higher the error per unit sold is."),
        Figure("Below P90", formats.percent(scores.below_p90), help="How often no more sold than P90; 90% is the promise."),
        Figure("Bias", formats.percent(scores.bias, signed=True), help="Above zero where more was expected than sold."),
    )  # fmt: skip
    if ladder_panel.begun():
        ladder_panel.section()
    _choices(report, one, other, part)
    if not scores.count:
        return
    if one.name != other.name:
        st.markdown(text.verdict(one, other, report.compare(one.name, other.name, part)))
    figure = accuracy_charts.ladder(report, part, one.name)
    st.plotly_chart(figure, key="ladder", config=display_charts.CONFIG, alt=text.ladder_description(report, one, part))
    st.caption(_reading(report, one, part))
    about = catalog.service().figures()
    table = text.ladder_table(report, part, about.frequency)
    st.html(table.html())
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads(table, exports.Stamp(about.name, report.creation_dates[-1], "ladder of generations"), "ladder")
        below = {name: st.query_params[name] for name in ("by", "ahead") if name in st.query_params}
        frame.links("accuracy", {"slice": part, "of": one.name, "with": other.name} | below)
    with st.expander("What each generation is, and how it was tried", key="notes", on_change="rerun") as folded:
        if folded.open:
            st.html(text.notes_table(report, about.frequency).html())


def _choices(report: AccuracyReport, one: ModelScores, other: ModelScores, part: str) -> None:
    titles = {slice_.name: slice_.title for slice_ in report.parts}
    url_state.choice("Where", titles, "slice", part)
    names = {one.name: one.title for one in report.tried}
    left, right = st.columns(2, gap="large")
    for place, label, name, chosen in ((left, "Generation", "of", one), (right, "Compared with", "with", other)):
        place.selectbox(
            label,
            list(names),
            format_func=names.__getitem__,
            **url_state.made_with_one_of(name, chosen.name, list(names)),
            on_change=url_state.on_change(name, name, str),
        )


def _reading(report: AccuracyReport, one: ModelScores, part: str) -> str:
    """What the chart's numbers were taken over, and how to read its bars."""
    scores, about = one.of(part), catalog.service().figures()
    words = next(slice_.words for slice_ in report.parts if slice_.name == part)
    dates = formats.listing([formats.period(date, about.frequency) for date in report.creation_dates])
    drawn = (
        f"All {report.items:,} items" if report.items == report.of_items else f"{report.items:,} of {report.of_items:,} items"
    )
    plan = " Promotions were taken as usual, for nobody plans them here." * ("promo" in about.known and not about.planned)
    picked = " Peaks are picked by what came, so every forecast falls short of them: compare the generations." * (
        part == "peak"
    )
    return (
        f"Taken over {words}: {scores.count:,} actuals of {scores.items:,} items, forecast from {dates}. "
        f"{drawn} were tried.{plan}{picked}{text.measured(report)} The grey bars show where a generation would stand beside "
        f"{formats.plain(one.title)} in 9 of 10 drawings of other items and dates; one that reaches the vertical line may be "
        "as good. The dates' periods overlap, so the truth is a little less sure."
    )


def promises(report: AccuracyReport, one: ModelScores) -> None:
    """What was promised against what came, for every part of the catalog."""
    about = catalog.service().figures()
    st.subheader("Does it keep its promises?", anchor=False)
    kinds = text.kinds(one.certificate)
    bands = text.bands(one.certificate, report.horizon, about.frequency)
    kind = url_state.chosen_of("by", kinds, next(iter(kinds)))
    band = url_state.chosen_of("ahead", bands, next(iter(bands)))
    rows = text.certified(one.certificate, kind, band)
    dense = next((row for row in text.certified(one.certificate, "zeros", band) if row.segment == DENSE_TITLE), None)
    st.markdown(text.promise_sentence(rows[0], dense, TOLERANCE))
    with st.container(horizontal=True, gap="large"):
        for label, name, options, chosen in (("Parts", "by", kinds, kind), ("Periods ahead", "ahead", bands, band)):
            url_state.choice(label, options, name, chosen)
    table = text.certificate_table(rows, TOLERANCE, about.frequency)
    figure = accuracy_charts.promises(rows, BENCH_TAUS, TOLERANCE)
    st.plotly_chart(figure, key="promises", config=display_charts.CONFIG, alt=text.promise_sentence(rows[0], dense, TOLERANCE))
    st.caption(
        "Zero is a promise kept; ranges and whiskers hold 9 of 10 drawings of other items and dates, and a line that leaves "
        "the chart is in the table. Where many periods are zero, more comes below a low quantile than promised, for "
        "nothing sells less than nothing; the promise is measured on items where fewer than 1 in 10 periods are zero."
    )
    st.html(table.html())
    stamp = exports.Stamp(about.name, report.creation_dates[-1], one.title)
    downloads(table, stamp, "promises")


def page() -> None:
    """What has been tried so far, or how to begin."""
    catalog.service().figures()  # without a catalog there is nothing to try
    report = ladder.accuracy()
    if report is None or not report.tried:
        nothing_yet()
        faithfulness_panel.section()
        return
    card = catalog.service().model().card
    names = [one.name for one in report.tried]
    part = url_state.chosen_of("slice", [slice_.name for slice_ in report.parts], "all")
    usual = card.model if card is not None and card.model in names else report.best().name
    one = report.of(url_state.chosen_of("of", names, usual))
    rival = report.rival(one.name)
    other = report.of(url_state.chosen_of("with", names, rival.name))
    ladder_part(report, one, other, part)
    promises(report, one)
    faithfulness_panel.section()
    if not ladder_panel.begun():
        ladder_panel.section()


with answered(QUESTION):
    page()
