"""Where planners say how their fiscal year is cut: kept with the catalog, used for labels and sums, and for nothing else."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from data.errors import TidelineError
from data.facts import About
from data.fiscal_calendar import Ends, FiscalCalendar, NamedBy, Pattern
from pages.ui.display import formats
from pages.ui.resources import catalog, fiscal
from pages.ui.shell import url_state

_SAVED, _REFUSED = "calendar saved", "calendar refused"

_PATTERNS: dict[Pattern, str] = {
    "4-4-5": "4-4-5 weeks",
    "4-5-4": "4-5-4 weeks",
    "5-4-4": "5-4-4 weeks",
    "months": "Calendar months",
}
_ENDS: dict[Ends, str] = {
    "nearest": "the one nearest to the end of the month",
    "last": "the last one in the month",
}
_NAMED: dict[NamedBy, str] = {"ends": "ends in", "begins": "begins in"}


def section() -> None:
    """The form, folded away, with what is kept and the way back to weeks alone."""
    if words := st.session_state.pop(_SAVED, None):
        st.success(words, icon=":material/check:")
    if words := st.session_state.pop(_REFUSED, None):
        st.error(formats.plain(words))
    about = catalog.service().figures()
    with st.expander("Fiscal calendar", key="calendar", on_change="rerun", icon=":material/calendar_month:") as folded:
        if not folded.open:
            return
        if about.frequency.unit != "week":
            word = formats.period_word(about.frequency)
            st.markdown(f"A fiscal calendar cuts a year of weeks. This catalog is by {word}, so there is nothing to cut.")
            return
        _now(about)
        _form(about)


def _now(about: About) -> None:
    """What is kept, and what it makes of the newest week."""
    held = fiscal.kept()
    if held.calendar is None:
        st.markdown(
            "Without one, weeks stand by themselves. With one, Today and the Item page can be summed by fiscal period and "
            "quarter, and files name the period of each week. Forecasts stay as they are."
        )
        return
    newest = held.calendar.periods(pd.DatetimeIndex([about.last]), about.stamp)[0]
    st.markdown(
        f"**In use:** {held.calendar.words}. {formats.period_of(about.last, about.frequency).capitalize()} is in "
        f"**{newest.label}**. {long_years(held.calendar, about)}"
    )
    if off := held.calendar.days_off(about.frequency, about.stamp):
        st.caption(
            f":material/info: The weeks of your data end {off} day{'s' if off > 1 else ''} off those of this calendar: each "
            "counts where most of its days lie."
        )
    st.button("Take it away: weeks alone", key="no calendar", on_click=_keep, args=(None, held.version), icon=":material/undo:")


def long_years(calendar: FiscalCalendar, about: About) -> str:
    """Which years around the record have 53 weeks; empty for months."""
    if calendar.pattern == "months":
        return ""
    middles = [pd.Timestamp(year, 6, 15) for year in range(about.first.year - 1, about.last.year + 4)]
    long = [f"FY{calendar.period(day).year % 100:02d}" for day in middles if calendar.weeks_of_year(day) == 53]
    if not long:
        return "No year around your data has 53 weeks."
    return f"53 weeks, the last of them in P12: {formats.listing(long)}."


def _form(about: About) -> None:
    held = fiscal.kept()
    now = held.calendar or FiscalCalendar("4-4-5", f"{usual_first_day(about):%Y-%m-%d}")
    this = f"calendar {held.version}"
    with st.form(f"form {this}", border=False):
        left, right = st.columns(2)
        left.selectbox(
            "A quarter has", list(_PATTERNS), list(_PATTERNS).index(now.pattern), format_func=_PATTERNS.__getitem__,
            key=f"pattern {this}",
        )  # fmt: skip
        right.date_input(
            "First day of a fiscal year",
            pd.Timestamp(now.first_day).date(),
            key=f"first day {this}",
            format="YYYY-MM-DD",
            help="Of any year: the others follow. Of calendar months, only its month counts.",
        )
        left.radio(
            "The last weekday of a year is", list(_ENDS), list(_ENDS).index(now.ends), format_func=_ENDS.__getitem__,
            key=f"ends {this}", help="This decides which years have a 53rd week. Calendar months do not ask it.",
        )  # fmt: skip
        right.radio(
            "A year is named by the calendar year it", list(_NAMED), list(_NAMED).index(now.named_by),
            format_func=_NAMED.__getitem__, key=f"named by {this}", horizontal=True,
        )  # fmt: skip
        st.form_submit_button("Use this calendar", type="primary", on_click=_typed, args=(this, held.version))


def usual_first_day(about: About) -> pd.Timestamp:
    """What is offered first: the begin of a week of the catalog, the one nearest to the first of January."""
    week = about.last if about.stamp == "first" else about.last - pd.Timedelta(days=6)
    new_year = pd.Timestamp(about.last.year, 1, 1)
    off = (week.weekday() - new_year.weekday()) % 7
    return new_year + pd.Timedelta(days=off if off <= 3 else off - 7)


def _typed(this: str, seen: int) -> None:
    """Keeps what the form says; nothing where it cannot be meant."""
    if url_state.is_gone(f"pattern {this}"):
        return
    pattern, first, ends, named = (st.session_state[f"{name} {this}"] for name in ("pattern", "first day", "ends", "named by"))
    try:
        calendar = FiscalCalendar(pattern, "" if first is None else f"{first:%Y-%m-%d}", ends, named)
    except TidelineError as error:
        st.session_state[_REFUSED] = f"{error} Nothing was kept."
        st.session_state["calendar"] = True
        return
    _keep(calendar, seen)


def _keep(calendar: FiscalCalendar | None, seen: int) -> None:
    try:
        fiscal.save(calendar, seen)
    except TidelineError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_SAVED] = (
        "Kept. Today and the Item page can now be summed by fiscal period and quarter."
        if calendar
        else "Taken away: weeks stand by themselves again."
    )
