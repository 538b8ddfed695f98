"""What is on its way and how long orders took: what the catalog's purchase orders say of the list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from data.facts import About
from forecasting.inventory.lead_times import OpenOrder, Record
from forecasting.purchasing.purchase_plan import BuyPlan
from pages.ui.display import exports, formats
from pages.ui.display.downloads import downloads
from pages.ui.display.tables import Column, Table
from pages.ui.resources import catalog

_SHOWN = 200  # orders


def section(plan: BuyPlan, about: About) -> None:
    """One sentence, and the open orders folded away; nothing where the catalog has no orders."""
    supply = plan.inputs.supply
    if supply is None:
        return
    st.caption(f":material/local_shipping: {formats.plain(sentence(plan, about))}")
    with st.expander("Open orders and past lead times", key="orders", on_change="rerun") as folded:
        if not folded.open:
            return
        listed = supply.open_orders(plan.rows, _SHOWN)
        if not listed:
            st.markdown("No order of these items is open.")
            return
        shown = table(listed, plan, about)
        st.html(shown.html())
        count = int(np.isin(supply.row, plan.rows).sum())
        if count > len(listed):
            st.caption(
                f"The {len(listed):,} that come first, of {count:,}. Choose a supplier, a category or one item for others."
            )
        downloads(
            shown,
            exports.Stamp(about.name, plan.creation_date, catalog.model_words(), supply=about.supply_words),
            "open-orders",
        )


def sentence(plan: BuyPlan, about: About) -> str:
    """What the list takes from orders: ``"Lead times rest on 5,200 receipts of 410 of 480 items …"``."""
    supply, word = plan.inputs.supply, formats.period_word(about.frequency)
    assert supply is not None
    receipts = supply.counts[plan.rows].sum(axis=1)
    mine = np.isin(supply.row, plan.rows)
    overdue = int((mine & supply.is_overdue).sum())
    if len(plan) == 1:
        words = f"Lead time: {rests_on(supply.record(int(plan.rows[0])), about)}"
    else:
        own, pool = int((receipts > 0).sum()), int((supply.is_used[plan.rows] & (receipts == 0)).sum())
        words = f"Lead times rest on {int(receipts.sum()):,} receipts of {own:,} of {len(plan):,} items"
        words += f"; {pool:,} without any take those of their supplier or of all." if pool else "."
    if not mine.any():
        return f"{words} No order is open."
    words += f" {int(mine.sum()):,} open order{'s' if mine.sum() > 1 else ''} count{'' if mine.sum() > 1 else 's'} as on order"
    late = float(plan.later.sum())
    words += f", {formats.units(late)} units of them too late for this list" if late else ""
    words += f"; {overdue:,} {'are' if overdue > 1 else 'is'} overdue and expected next {word}" if overdue else ""
    return f"{words}."


def rests_on(record: Record, about: About) -> str:
    """``"14 receipts, 2 to 5 weeks, drawn a little towards the 230 of Old Mill; 3.2 weeks on average."``"""
    word = formats.period_word(about.frequency)
    pool = f"the {record.pooled:,} of {record.supplier}" if record.supplier else f"all {record.pooled:,} on record"
    if not record.is_used:
        return "no order of this item was received yet; your catalog's lead time counts."
    usual = f"{record.mean:.1f} {word}s on average."
    if not record.own:
        return f"no order of this item was received yet; {pool} stand in, {usual}"
    span = f"{record.shortest:g}" if record.shortest == record.longest else f"{record.shortest:g} to {record.longest:g}"
    unit = word if span == "1" else f"{word}s"
    some = f"{record.own:,} receipt{'' if record.own == 1 else 's'}"
    little = "" if record.own < 8 else "a little "
    return f"{some}, {span} {unit}, drawn {little}towards {pool}; {usual}"


def table(orders: Sequence[OpenOrder], plan: BuyPlan, about: About) -> Table:
    """The open orders, those first that come first, and whether each counts."""
    assortment, word = plan.inputs.assortment, formats.period_word(about.frequency)
    lasts = {str(assortment.item_ids[row]): float(periods) for row, periods in zip(plan.rows, plan.periods, strict=True)}
    rows = [plan.inputs.row_of[one.item_id] for one in orders]

    def counts(order: OpenOrder) -> str:
        if order.arrives > lasts[order.item_id] + 1e-9:
            return "too late"
        return f"overdue, next {word}" if order.is_overdue else "in time"

    columns = (
        Column(
            "Item", "text", [f"{name} ({one.item_id})" for name, one in zip(assortment.names_of(rows), orders, strict=True)]
        ),
        Column("Units", "units", [one.units for one in orders]),
        Column("Ordered", "text", [_day(one.ordered) for one in orders]),
        Column("Due", "text", [_day(one.due) if one.due else "not known" for one in orders]),
        Column(f"Expected in {word}", "period", [pd.Timestamp(one.expected) for one in orders]),
        Column("Counts", "text", [counts(one) for one in orders]),
    )
    return Table("Open orders", columns, about.frequency, about.currency)


def _day(date: str) -> str:
    return formats.date(pd.Timestamp(date))
