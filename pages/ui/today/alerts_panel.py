"""What needs the planner today: one sentence for each alert, a way to the page that answers it, and two ways to be done."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data.facts import About
from data.planner_store import Review, State
from forecasting.batch.forecast_monitoring import OUTSIDE
from forecasting.purchasing.alerts import Alert, Alerts, Missed, Moved
from pages.ui.buy_plan.text import count, span
from pages.ui.display import formats
from pages.ui.resources import catalog, jobs, purchasing
from pages.ui.shell import frame, url_state

FIRST, MORE = 6, 12  # alerts that are shown, and how many more at a time

_TITLES = {  # of one, of several
    "shortage": ("may run out", "may run out"),
    "overstock": ("has too much", "have too much"),
    "new": ("is new", "are new"),
    "moved": ("has a forecast that moved", "have forecasts that moved most"),
    "outside": ("keeps missing its range", "keep missing their range"),
}


def open_places(found: Alerts) -> np.ndarray:
    """Places of the alerts that nobody has dealt with, dearest first."""
    return np.flatnonzero(found.is_open(purchasing.reviews()))


def answer(found: Alerts, about: About) -> str:
    """The page's sentence: how many alerts there are, what is at risk, and which is the dearest; empty without any."""
    places = open_places(found)
    if not len(places):
        return ""
    total = formats.money(float(found.money[places].sum()), about.currency)
    kinds: list[tuple[str, int]] = [
        (reason, number) for position, reason in enumerate(_TITLES) if (number := int((found.reason[places] == position).sum()))
    ]
    items = len(np.unique(found.row[places]))
    several = items > 1
    words = f"**{formats.whole(items)} item{'s' if several else ''}** need{'' if several else 's'} you"
    words += f", about **{total}** at risk" if found.inputs.has_prices else ""
    return f"{words}: {formats.listing([f'{formats.whole(n)} {_TITLES[reason][n > 1]}' for reason, n in kinds])}."


def sentence(alert: Alert, about: About) -> str:
    """One alert in words and numbers."""
    name, money = f"**{formats.plain(alert.name)}**", f"**{formats.money(alert.money, about.currency)}**"
    at_risk = f" ({money})" if alert.is_priced else ""
    periods, units = span(alert.periods, about), formats.units(alert.units)
    if alert.reason == "shortage":
        has = f"{count(alert.position)} on hand and on order" if alert.position else "nothing on hand or on order"
        return (
            f"{name} will miss about {units} sales{at_risk} before an order placed now arrives: {has}, and about "
            f"{formats.units(alert.expected)} are asked for in {periods}."
        )
    if alert.reason == "overstock":
        return (
            f"{name} has about {units} more than sell in {periods}{at_risk}: {count(alert.position)} on hand and on order, "
            f"and 9 times in 10 fewer than {formats.units(alert.high)} sell."
        )
    if alert.moved is not None:
        moved_words = _moved(alert, alert.moved, about)
        worth = f": {money} {'of margin' if alert.units > 0 else 'if it stays unsold'}" if alert.is_priced else ""
        return f"{name} {moved_words}{worth}."
    if alert.missed is not None:
        worth = f" ({money} until the next order arrives)" if alert.is_priced else ""
        return f"{name} {_missed(alert.missed, about)}{worth}."
    known = formats.periods(alert.known, about.frequency) if alert.known else "nothing"
    cost = f"even the best order is expected to cost {money}, for " if alert.is_priced else ""
    return (
        f"{name} is new ({known} on record): {cost}8 times in 10 between {formats.units(alert.low)} and "
        f"{formats.units(alert.high)} sell in {periods}."
    )


def _moved(alert: Alert, moved: Moved, about: About) -> str:
    """Which way a forecast went, from where to where, and how much of that the last period's sales did."""
    word = formats.period_word(about.frequency)
    units, sold = abs(alert.units), moved.from_sales * np.sign(alert.units)
    causes = [moved.from_sales, moved.after - moved.before - moved.from_sales]
    shown, digits = formats.steps(moved.before, causes, moved.after)
    ahead = formats.ahead(int(alert.periods), about.frequency)
    words = (
        f"is expected to sell {formats.change(moved.before, moved.after).lstrip('+−')} "
        f"{'more' if alert.units > 0 else 'fewer'} in {ahead} than a {word} ago, "
        f"now {formats.units(moved.after)} and then {formats.units(moved.before)}"
    )
    if abs(sold - units) < 0.05 * units:
        return f"{words}, because of what sold last {word}"
    if 0 < sold < units:
        by_sales, by_errors = (f"{abs(part):,.{digits}f}" for part in shown)
        return f"{words}, {by_sales} because of what sold last {word} and {by_errors} of what the forecasts got wrong"
    return f"{words}, because of what the forecasts got wrong lately"


def _missed(missed: Missed, about: About) -> str:
    """How often what came fell outside the range, on which side, and what that says."""
    outside = missed.above + missed.below
    periods = formats.periods(missed.judged, about.frequency)
    words = (
        f"fell outside the range that holds 8 times in 10 in {outside} of the last {periods}, where "
        f"{formats.units(OUTSIDE * missed.judged)} were to be expected"
    )
    if missed.above >= 0.75 * outside:
        return f"{words}: above it {missed.above} times, so the forecast is too low"
    if missed.below >= 0.75 * outside:
        return f"{words}: below it {missed.below} times, so the forecast is too high"
    return f"{words}: {missed.above} above and {missed.below} below, so the range is too narrow"


def looking_back() -> None:
    """What moved and what keeps missing its range is worked out beside the page; until then this says how far it is."""
    if not purchasing.monitored():
        jobs.command("look-back").start_once(catalog.version())
        st.fragment(_looking_back, run_every=2 if jobs.command("look-back").running else None)()


def _looking_back() -> None:
    run = jobs.command("look-back")
    if run.running:
        now = run.progress()
        share = f" ({formats.percent(now.share)})" if now.done else ""
        st.caption(
            ":material/hourglass_top: Which forecasts moved most since last time, and which keep missing their range, is being "
            f"worked out{share}; the rest of this page is ready."
        )
    elif run.failed:
        st.caption(f":material/info: Which forecasts moved could not be worked out. {formats.plain(run.failed)}")
    elif purchasing.monitored():  # it ended since the last look
        st.rerun()


def section(found: Alerts, about: About) -> None:
    """The alerts, dearest first, and those that were dealt with."""
    places = open_places(found)
    looking_back()
    if not found.is_stock_known:
        st.caption(
            ":material/info: Your catalog has no stock on hand, so nobody can say what will run out or is too much. Load it "
            "with your items on the Data page."
        )
    frame.note_on_supply(about)
    if len(places):
        text = st.query_params.get("alerts", "")
        shown = int(text) if text.isdigit() else FIRST
        with frame.box("alerts"):
            for alert in found.of(places[:shown]):
                _row(alert, found, about)
        if len(places) > shown:
            st.button(
                f"Show more of {formats.whole(len(places))}",
                on_click=url_state.write,
                args=("alerts", str(shown + MORE)),
                type="tertiary",
                icon=":material/expand_more:",
            )
    elif len(found):
        st.markdown("Everything that needed you was dealt with.")
    done = np.setdiff1d(np.arange(len(found)), places)
    if len(done):
        with st.expander(f"Dealt with: {formats.whole(len(done))}", key="dealt with", on_change="rerun") as folded:
            if folded.open:
                for alert in found.of(done[:MORE]):
                    words, back = st.columns([6, 1], vertical_alignment="center")
                    words.markdown(sentence(alert, about))
                    key = f"back/{alert.reason}/{alert.item_id}"
                    back.button("Bring back", key=key, on_click=purchasing.forget_review, args=(alert.reason, alert.item_id))


def _row(alert: Alert, found: Alerts, about: About) -> None:
    chosen = url_state.selection().with_item(alert.item_id).address()
    target, label, address = {
        "shortage": ("buy_plan", "Buy", {"scope": "item"}),
        "overstock": ("what_if", "Lower the price", {}),
        "new": ("item", "Look at it", {}) if alert.known else ("new_items", "See its launch", {"recent": alert.item_id}),
        "moved": ("item", "What changed", {"open": "changes"}),
        "outside": ("item", "Earlier forecasts", {"open": "past"}),
    }[alert.reason]
    words, way, reviewed, snoozed = st.columns([6.2, 1.95, 1.1, 1.1], vertical_alignment="center", gap="small")
    words.markdown(sentence(alert, about))
    way.page_link(frame.page(target), label=label, icon=":material/arrow_forward:", query_params=chosen | address)
    date = f"{found.creation_date:%Y-%m-%d}"
    decisions: tuple[tuple[DeltaGenerator, str, State, str], ...] = (
        (reviewed, "Reviewed", "reviewed", "Gone until there is newer data."),
        (snoozed, "Snooze", "snoozed", "Gone until its money moves by 10%."),
    )
    for place, title, kind, explained in decisions:
        review = Review(alert.reason, alert.item_id, kind, alert.money, date)
        place.button(
            title,
            key=f"{kind}/{alert.reason}/{alert.item_id}",
            on_click=purchasing.set_review,
            args=(review,),
            help=explained,
            type="tertiary",
        )


def stale(about: About, today: str) -> str:
    """That the data is old, where it is by more than two periods; empty else."""
    age = (np.datetime64(today) - np.datetime64(about.last.date())).astype(int)
    days = {"day": 1, "week": 7, "month": 31}[about.frequency.unit]
    if age <= 3 * days:
        return ""
    behind = formats.periods(int(age // days), about.frequency)
    return f"The newest {formats.period_word(about.frequency)} is {formats.period(about.last, about.frequency)}, {behind} ago."
