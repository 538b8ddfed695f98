"""What the purchase list says in words: the answer, one line's arithmetic, and what a quantity of the planner's implies."""

from __future__ import annotations

from data.facts import About
from data.locations import BY_LOCATION
from data.units import Unit
from forecasting.purchasing.plan_in_unit import PlanInUnit
from forecasting.purchasing.purchase_plan import BuyPlan, BuyRow
from pages.ui.display import formats


def answer(plan: BuyPlan, about: About, counted: PlanInUnit | None = None) -> str:
    """The page's one sentence: in pieces, as one buys, and in the unit that totals are ``counted`` in."""
    totals, tau = plan.totals, plan.settings.tau
    sure = "so that every unit pays" if tau is None else f"to have enough {formats.odds(tau)}"
    if plan.settings.item:
        (row,) = plan.lines([0])
        changed = row.is_edited or row.quantity < row.after_pack
        return f"{arithmetic(row, about)}{_also(counted, row.quantity > 0)} {_meaning(row) if changed else f'That is {sure}.'}"
    located = plan.located
    planned = f"{formats.whole(located)} items at depots and their branches are planned together under Locations."
    elsewhere, other = (f" {planned}", "else ") if located else ("", "")
    if not totals.items_bought:
        enough = "what is on hand and on order lasts until the next order arrives"
        return planned if located == len(plan) else f"Nothing {other}needs buying {sure}: {enough}.{elsewhere}"
    bought = f"**{formats.units(totals.units)} units of {formats.whole(totals.items_bought)} items**{_also(counted, True)}"
    until = "which is as far as the budget goes" if plan.budget is not None else f"{sure} until the next order arrives"
    money = f" for about **{formats.money(totals.money, about.currency)}**" if plan.is_priced else ""
    return f"Buy {bought}{money}, {until}.{elsewhere}"


def _also(counted: PlanInUnit | None, bought: bool) -> str:
    """What is bought in another unit than pieces, in brackets."""
    if counted is None or counted.unit.is_pieces or not bought:
        return ""
    at = " at sales prices" if counted.unit.is_money else ""
    return f" ({formats.units(counted.bought, counted.unit)} {counted.unit.label}{at})"


def to_buy(unit: Unit) -> str:
    """What the figure of all that is bought is called; in money it is what it sells for, beside what it costs."""
    return f"To buy, {unit.label} at sales prices" if unit.is_money else f"{unit.axis} to buy"


def coverage(counted: PlanInUnit, wanted: Unit) -> str:
    """Of how many items totals in another unit than pieces are; empty where all have the factor, and in pieces."""
    if counted.unit != wanted:
        return f"The totals are in pieces: none of these items has a {wanted.missing} in your data."
    if counted.having == counted.items:
        return ""
    return (
        f"Of {formats.whole(counted.items)} items, {formats.whole(counted.having)} have a {wanted.missing} in your data: "
        f"totals in {wanted.label} are of those."
    )


def arithmetic(row: BuyRow, about: About) -> str:
    """``"Buy 72: 120 are needed for 3 weeks, less 34 on hand and 24 on order is 62, and 72 in packs."``"""
    weeks = span(row.periods, about)
    weeks += f", give or take {span(row.give_or_take, about)}" if row.give_or_take else ""
    words = f"Buy **{count(row.quantity)}**: {count(row.need)} are needed for {weeks} (P{100 * row.tau:.0f})"
    late = f" ({count(row.later)} more arrive too late)" if row.later else ""
    if row.on_hand or row.on_order or row.back_orders or row.later:
        words += f", less {count(row.on_hand)} on hand and {count(row.on_order)} on order{late}"
        words += f", with {count(row.back_orders)} back orders on top" if row.back_orders else ""
        words += f", less {count(row.lost_before)} of that lost before it can arrive" if row.lost_before else ""
        words += f", is {count(row.gap)}" if row.gap > 0 else ", leaves nothing to buy"
    else:
        words += " and nothing is on hand or on order"
    if row.after_pack > row.gap > 0:
        words += f", and {count(row.after_pack)} in whole packs"
    if row.after_pack > row.at_most:
        room = f"its {row.limit} leaves room for {count(round(row.at_most))}"
        words += f"; {room if row.limit != BY_LOCATION else 'it is planned together with its other locations'}"
    if row.is_edited:
        words += f"; you set {count(row.quantity)}"
    elif row.quantity < row.planned:
        words += f"; the budget leaves {count(row.quantity)}"
    return f"{words}."


def count(amount: float) -> str:
    """Units of stock, which are mostly whole: ``"0"``, ``"2.5"``, ``"1,240"``."""
    return formats.whole(amount) if amount == round(amount) else formats.units(amount)


def span(periods: float, about: About) -> str:
    """A number of periods that may be broken: ``"3 weeks"``, ``"2.5 weeks"``."""
    rounded = round(periods, 1)
    if rounded == int(rounded):
        return formats.periods(int(rounded), about.frequency)
    return f"{rounded:g} {formats.period_word(about.frequency)}s"


def lasts(row: BuyRow) -> str:
    """How many periods an order has to last: ``"3"``, ``"3 ± 1"``."""
    return f"{round(row.periods, 1):g}" + (f" ± {round(row.give_or_take, 1):g}" if row.give_or_take else "")


def covers(level: float) -> str:
    """A position as the planner's quantile.

    >>> covers(0.834), covers(0.9999), covers(0.0)
    ('P83', 'above P99', 'below P1')
    """
    if level > 0.995:
        return "above P99"
    return "below P1" if level < 0.005 else formats.level(round(level, 2))


def times(implied: float) -> str:
    """How dear a lost sale must be: ``"6.1 ×"``."""
    return "> 200 ×" if implied > 200 else f"{implied:.1f} ×"


def implication(row: BuyRow, about: About) -> str:
    """What a quantity means: ``"120 is your P83 … this pays only if a lost sale costs at least 6.1 × an unsold unit"``."""
    has = row.position - row.quantity
    with_it = f" makes {count(row.position)} with what is there, and that" if has else ""
    return (
        f"**{formats.plain(row.name)}**: {count(row.quantity)}{with_it} is {_yours(row.level)} for "
        f"{span(row.periods, about)}. {_meaning(row)}"
    )


def _meaning(row: BuyRow) -> str:
    """How dear a lost sale or an unsold unit must be for the quantity to be right."""
    if row.implied >= 1:
        return f"This pays only if a lost sale costs at least **{times(row.implied)}** an unsold unit."
    inverse = 1 / row.implied if row.implied else float("inf")
    return f"This pays only if an unsold unit costs at least **{times(inverse)}** a lost sale."


def _yours(level: float) -> str:
    text = covers(level)
    return f"your **{text}**" if text.startswith("P") else text.replace("P", "your P")
