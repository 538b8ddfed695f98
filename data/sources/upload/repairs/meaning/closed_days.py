"""Weekdays on which a shop never sells: closed, so nothing sold is known, and the days after do not fill a gap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.sources.upload.offers import NO, YES, Decisions, Offer, answer_to
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.table import many
from data.sources.upload.repairs.found import Found

KIND = "closed-days"

_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")

#: Weeks that an item must have been on sale, and the share of its other days that must have a row.
_WEEKS, _OPEN = 4, 0.8


def find(rows: Rows, decisions: Decisions) -> Found[Rows] | None:
    """Days of a weekday on which an item never has a row, while it has one on nearly all others, become known zeros.

    A forecast then learns the weekday as closed. As unknown it would be forecast like any other day, and a week's sum with
    a seventh too much.
    """
    assert rows.calendar is not None
    if rows.calendar.frequency.unit != "day" or not rows.gaps:
        return None
    there = rows.there()
    begun = np.logical_or.accumulate(there, axis=1)
    lasts = np.logical_or.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    between = begun & lasts
    begun &= lasts | there[:, -7:].any(axis=1, keepdims=True)  # to the end, where it is still on sale
    weekday = rows.calendar.periods[: rows.periods].day_of_week.to_numpy()
    one = (weekday[:, None] == np.arange(7)).astype(np.float32)  # (T, 7)
    due, has = begun.astype(np.float32) @ one, there.astype(np.float32) @ one  # (N, 7)
    shut = (due >= _WEEKS) & (has == 0)
    open_share = np.where(shut, 0.0, has).sum(axis=1) / np.maximum(np.where(shut, 0.0, due).sum(axis=1), 1)
    shut &= ((open_share >= _OPEN) & ~rows.zero_missing)[:, None]
    item, period = np.nonzero(begun & shut[:, weekday])
    if not len(item):
        return None
    answer = answer_to(KIND, decisions, YES)
    names = " and ".join(_WEEKDAYS[day] for day in np.flatnonzero(shut.any(axis=0)))
    items, count = many(int(shut.any(axis=1).sum()), "item"), many(len(item), "day")
    offer = Offer(
        kind=KIND,
        title="Closed days",
        words=f"{items} never have a row on {names}, and nearly always on other days: closed. {count} count as nothing sold.",
        count=len(item),
        before=f"{rows.item_ids[item[0]]}, {rows.calendar.periods[period[0]]:%Y-%m-%d}: unknown",
        after="0, a closed day",
        effect="The forecast learns the closed weekday; as unknown days they would be forecast like open ones.",
        default=YES,
        answer=answer,
    )
    if answer == NO:
        return Found(rows, offer)
    return Found(replace(rows.with_zeros(item, period), gaps=rows.gaps - int(between[item, period].sum())), offer)
