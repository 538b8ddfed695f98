"""What the items of the list will sell together, by category and in all: quantiles of totals, which are not added up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from data.errors import TidelineError
from data.facts import About
from data.units import PIECES, Unit
from forecasting.purchasing.joint_demand import JointTotals, Together
from forecasting.purchasing.purchase_plan import BuyPlan
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Table
from pages.ui.resources import catalog, purchasing

_SHOWN, _SUPPLIERS = 12, 50  # categories and suppliers


def section(plan: BuyPlan, about: About, unit: Unit = PIECES) -> None:
    """Folded away, for it takes about a second; nothing for one item alone."""
    if len(plan) < 2:
        return
    with st.expander("What will they sell together?", key="together", on_change="rerun") as folded:
        if not folded.open:
            return
        try:
            with st.spinner("Drawing what they may sell together"):
                found = purchasing.joint_totals(plan.settings, unit)
        except TidelineError as error:
            st.info(formats.plain(str(error)), icon=":material/info:")
            return
        priced = plan.is_priced and not unit.is_money
        st.markdown(sentence(found, about, priced=priced, unit=unit))
        stamp = exports.Stamp(about.name, plan.creation_date, catalog.model_words(), supply=about.supply_words)
        shown = table(found, about, priced=priced, unit=unit)
        st.html(shown.html())
        downloads(shown, stamp, "together")
        if found.suppliers:
            by_supplier = supplier_table(found, about, priced=priced, unit=unit)
            st.html(by_supplier.html())
            downloads(by_supplier, stamp, "together-supplier")
        st.caption(rests_on(found, about))


def sentence(found: JointTotals, about: About, *, priced: bool = True, unit: Unit = PIECES) -> str:
    """``"Together, 9 times in 10 fewer than 6,240 … adding up the items' P90s would say 9,110"``."""
    whole = found.whole
    money = lambda amount: f" ({formats.money(amount, about.currency)} at their prices)" if priced else ""  # noqa: E731
    more = whole.added_units / whole.units_p90 - 1 if whole.units_p90 > 0 else 0.0
    return (
        f"Until their next orders arrive, these {formats.whole(whole.items)} items together sell **9 times in 10 fewer than "
        f"{formats.units(whole.units_p90, unit)} {unit.label}**{money(whole.money_p90)}, and as often more as fewer than "
        f"{formats.units(whole.units_p50, unit)}{money(whole.money_p50)}. Adding up the items' P90s would say "
        f"{formats.units(whole.added_units, unit)}, {formats.percent(more)} too much: they do not all sell well at once."
    )


def rests_on(found: JointTotals, about: About) -> str:
    """What the totals are made of."""
    ties = found.ties
    first, last = (formats.period(stamp, about.frequency) for stamp in (ties.first, ties.last))
    return (
        f"{found.samples:,} draws from the items' own quantiles, tied as past errors were: of {ties.items:,} best sellers, "
        f"forecast {formats.periods(ties.periods, about.frequency)} ahead at {ties.dates} creation dates from {first} to "
        f"{last}, the errors of any two had a correlation of {ties.market:.2f}, of two of a category {ties.category:.2f}. "
        f"{'So few dates say it roughly only. ' if ties.dates < 20 else ''}Each item counts over its own lead time and review."
    )


def table(found: JointTotals, about: About, *, priced: bool = True, unit: Unit = PIECES) -> Table:
    """All together, then the categories, dearest first."""
    rows = [found.whole, *found.categories[:_SHOWN]] if len(found.categories) > 1 else [found.whole]
    names = [row.name or "No category" for row in rows]
    return replace(_table("What they sell together", "Together", names, rows, about, priced), unit=unit)


def supplier_table(found: JointTotals, about: About, *, priced: bool = True, unit: Unit = PIECES) -> Table:
    """What the items of each supplier sell together, dearest first, along the same draws."""
    rows = found.suppliers[:_SUPPLIERS]
    names = [row.name or "No supplier" for row in rows]
    return replace(_table("What each supplier's items sell together", "Supplier", names, rows, about, priced), unit=unit)


def _table(title: str, head: str, names: Sequence[str], rows: Sequence[Together], about: About, priced: bool) -> Table:
    columns = [
        Column(head, "text", list(names)),
        Column("Items", "count", [row.items for row in rows]),
        Column("As often more as fewer", "units", [row.units_p50 for row in rows]),
        Column("9 in 10 fewer than", "units", [row.units_p90 for row in rows]),
        Column("Items' P90s added", "units", [row.added_units for row in rows]),
    ]
    if priced:
        columns += [
            Column("9 in 10 less than, money", "money", [row.money_p90 for row in rows]),
            Column("P90s added, money", "money", [row.added_money for row in rows]),
        ]
    return Table(title, tuple(columns), about.frequency, about.currency)
