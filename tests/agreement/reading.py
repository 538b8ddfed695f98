"""Reads the pages that speak of an item, for many items of a prepared home, and says where their numbers contradict.

The items are the best sellers, rare sellers, new ones, everything that Today names, and random ones, from a fixed seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import numpy as np
from agreement import buying_checks, item_checks, record_checks, today_checks, unit_checks
from agreement.desk_pages import Shop, visit
from agreement.shown import Ledger

from data.catalog import Catalog
from data.errors import TooLittleHistory
from data.schema import Panel
from forecasting import workflows
from forecasting.batch.forecast_summary import Summary

PANELS = ("why", "looked", "mistakes", "changes", "past")
LAUNCHES_OF = 10  # one launch for so many items
SECONDS_OF_A_JOB = 300.0
LATELY, NEW_BELOW, RARE, TAU = 13, 13, 0.8, 0.9
SCENARIOS = ("p-10", "p15", "m100", "p-20_m50", "")


@dataclass(frozen=True)
class Answer:
    """What was found.

    ``alert_kinds`` are the alerts of each kind, ``read`` the items whose pages were read; of the ``of_best`` best sellers
    ``low_totals`` have a P90 of the total below the least that any stretch as long of their past sold.
    """

    book: Ledger
    alert_kinds: dict[str, int]
    read: int
    low_totals: int
    of_best: int
    seconds: float


def read_desk(count: int, say: Callable[[str], None], *, alerts: int = 1000, best: int = 500, seed: int = 1) -> Answer:
    """Reads Today, the Buy plan, and the pages of ``count`` items; follows the first ``alerts`` that Today names."""
    began, book = time.monotonic(), Ledger()
    with closing(Catalog(workflows.catalog_path())) as catalog:
        panel = catalog.panel()
    summary = workflows.open_service().forecasts.summary()
    shown = visit("today", alerts=str(10**6))
    kinds = today_checks.today(book, shown)
    named = today_checks.alerts_of(shown)
    for kind, item, words in named[:alerts]:
        today_checks.alert_page(book, kind, item, words)
    say(f"Today and {min(len(named), alerts)} alerts: {book.checked:,} numbers, {book.contradictions} wrong")
    unit_checks.today(book, visit("today", unit="money"))
    book.about = "Buy plan"
    listed = visit("buy_plan", ("together",))
    buying_checks.whole_list(book, listed)
    generations, launches = records(book, max(1, count // LAUNCHES_OF))
    say(f"{generations} generations and {launches} launches: {book.checked:,} numbers, {book.contradictions} wrong")
    chosen = chosen_items(panel, summary, [item for _, item, _ in named], count, seed)
    for place, item in enumerate(chosen):
        book.about = item
        one_item(book, item, SCENARIOS[place % len(SCENARIOS)], listed, lately(panel))
        in_a_unit(book, item, unit_checks.UNITS[place % len(unit_checks.UNITS)])
        if place % 10 == 9:
            say(f"{place + 1} items: {book.checked:,} numbers, {book.contradictions} wrong")
    book.about = ""
    low, of = low_totals(panel, summary, best)
    return Answer(book, kinds, len(chosen), low, of, time.monotonic() - began)


def records(book: Ledger, most: int) -> tuple[int, int]:
    """Accuracy, the money curve, and at ``most`` so many launches; how many generations and launches were read."""
    from pages.ui.resources import catalog, new_products

    book.about = "Accuracy"
    generations = record_checks.accuracy(book, visit("accuracy"))
    book.about = "money curve"
    shop = visit("buy_plan")
    shop.app.button(key="replay").click().run()
    until = time.monotonic() + SECONDS_OF_A_JOB
    while shop.says("Bought to P") is None and time.monotonic() < until:
        time.sleep(1)
        shop = visit("buy_plan", ("money-table",))
    record_checks.money_curve(book, shop)
    service = catalog.service()
    if new_products.launches() is None:
        with suppress(TooLittleHistory):  # the page says so, and there is nothing to read
            service.learn_launches(lambda progress: None)
    desk = new_products.launches()
    recent = [one.item_id for one in desk.recent()][:most] if desk else []
    for item in recent:
        book.about = f"launch of {item}"
        record_checks.launch(book, visit("new_items", recent=item, tau=str(TAU)), TAU)
    return generations, len(recent)


def one_item(book: Ledger, item: str, scenario: str, listed: Shop, mean: Callable[[str], float]) -> None:
    """All pages that speak of one item."""
    shop = visit("item", PANELS, item=item, tau=str(TAU))
    item_checks.item_page(book, shop, TAU)
    item_checks.what_if(book, visit("what_if", item=item, scenario=scenario), shop)
    today_checks.ranked(book, item, visit("today", q=item), shop, mean)
    plan = visit("buy_plan", item=item, scope="item", tau=str(TAU))
    rows = plan.csv("order")
    periods = float(rows[0]["Periods to last"]) if rows else 0.0
    whole = periods and periods == int(periods) and periods <= len(shop.csv("item"))
    fan_at = visit("item", item=item, tau=str(TAU), horizon=str(int(periods))) if whole else None
    buying_checks.one_item(book, plan, listed, shop, fan_at)


def in_a_unit(book: Ledger, item: str, unit: str) -> None:
    """The Item page counted in another unit."""
    pieces, counted = (visit("item", PANELS, item=item, tau=str(TAU), **more) for more in ({}, {"unit": unit}))
    unit_checks.item(book, pieces, counted, visit("what_if", item=item), TAU)


def chosen_items(panel: Panel, summary: Summary, named: list[str], count: int, seed: int) -> list[str]:
    """A fifth each of best sellers, rare sellers, new items, what Today names, and random ones; no item twice."""
    draw, ids = np.random.default_rng(seed), panel.item_ids.astype(str)
    known = np.isfinite(panel.demand)
    zeros = (np.nan_to_num(panel.demand, nan=1.0) == 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    groups = [
        list(summary.item_ids.astype(str)),
        list(draw.permutation(ids[(zeros > RARE) & (known.sum(axis=1) >= NEW_BELOW)])),
        list(draw.permutation(ids[known.sum(axis=1) < NEW_BELOW])),
        named,
        list(draw.permutation(ids)),
    ]
    chosen: dict[str, None] = {}
    while len(chosen) < min(count, len(ids)):
        for group in groups:
            fresh = next((one for one in group if one not in chosen), None)
            if fresh is not None and len(chosen) < count:
                chosen[str(fresh)] = None
    return list(chosen)


def lately(panel: Panel) -> Callable[[str], float]:
    """Mean units of an item's last periods that are known and were in stock."""
    row_of = {str(item): row for row, item in enumerate(panel.item_ids)}
    demand = panel.uncensored

    def mean(item: str) -> float:
        known = demand[row_of[item]]
        known = known[np.isfinite(known)][-LATELY:]
        return float(known.mean()) if known.size else float("nan")

    return mean


def low_totals(panel: Panel, summary: Summary, best: int) -> tuple[int, int]:
    """Of the ``best`` best sellers of late, those whose P90 of the total lies below every stretch as long of their past."""
    demand, horizon = np.nan_to_num(panel.demand).astype(np.float64), summary.horizon
    rows = np.argsort(-demand[:, -horizon:].sum(axis=1), kind="stable")[:best]
    totals = np.pad(demand[rows].cumsum(axis=1), ((0, 0), (1, 0)))
    first = np.isfinite(panel.demand[rows]).argmax(axis=1)
    stretches = totals[:, horizon:] - totals[:, :-horizon]
    stretches = np.where(np.arange(stretches.shape[1]) >= first[:, None], stretches, np.inf)
    high = summary.high[summary.rows_of(panel.item_ids[rows])]
    return int((high < stretches.min(axis=1)).sum()), len(rows)
