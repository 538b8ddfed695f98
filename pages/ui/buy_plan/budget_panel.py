"""A budget on the purchase list: what it buys and cuts, and what more or less money would earn."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from data.facts import About
from forecasting.inventory.budget_allocation import BudgetedPlan
from forecasting.purchasing.purchase_plan import BuyPlan
from pages.ui.display import charts, formats
from pages.ui.display.charts import ACCENT, INK, axis_note
from pages.ui.display.tables import Column, Table

_SHOWN = 10  # items that were cut most


def section(plan: BuyPlan, about: About) -> None:
    """The budget's sentence, frontier and cuts; nothing where there is no budget."""
    done, budget = plan.budget, plan.settings.budget
    if done is None or budget is None:
        return
    words = sentence(plan, done, budget, about)
    st.markdown(words)
    st.plotly_chart(frontier(done, about), key="frontier", config=charts.CONFIG, alt=words)
    with st.expander("What was cut most", key="cuts", on_change="rerun") as folded:
        if folded.open:
            st.html(cuts(plan, done, about).html())


def sentence(plan: BuyPlan, done: BudgetedPlan, budget: float, about: About) -> str:
    """What the budget buys of what was asked for, and what the cut is expected to cost."""
    wanted, bought = float(done.wanted.sum()), float(done.quantity.sum())
    own = float(plan.money[plan.is_edited].sum())
    money = lambda amount: formats.money(amount, about.currency)  # noqa: E731
    words = f"The budget of {money(budget)} buys **{formats.units(bought)} of {formats.units(wanted)} units**"
    words += f" after {money(own)} for what you set yourself" if own else ""
    lost = float(done.forgone.sum())
    if wanted - bought < 0.5:
        return f"{words}: it is enough for everything, with {money(budget - own - done.spent)} left."
    if lost <= 0:
        return f"{words}. What is cut was not expected to pay anyway: a lower quantile asks for less."
    return f"{words}. What is cut would earn **{money(lost)}** more; each pack went where it earns most for its money."


def frontier(done: BudgetedPlan, about: About) -> go.Figure:
    """Money spent against expected profit over buying nothing, with today's budget marked."""
    line = done.frontier
    hover = [
        f"{formats.money(spent, about.currency)} earns {formats.money(earned, about.currency)}"
        for spent, earned in zip(line.money, line.profit, strict=True)
    ]
    data = [
        {"type": "scatter", "x": line.money, "y": line.profit, "mode": "lines", "line": {"color": INK, "width": 1.6},
         "customdata": hover, "hovertemplate": "%{customdata}<extra></extra>", "showlegend": False},
        {"type": "scatter", "x": [done.spent], "y": [done.profit], "mode": "markers+text", "textposition": "bottom right",
         "text": [f"<b>Your budget</b><br>earns {formats.money(done.profit, about.currency)}"],
         "textfont": {"color": ACCENT, "size": 13}, "marker": {"color": ACCENT, "size": 13, "symbol": "diamond"},
         "hoverinfo": "skip", "showlegend": False, "cliponaxis": False},
    ]  # fmt: skip
    layout = {
        "height": 300,
        "margin": {"l": 0, "r": 20, "t": 30, "b": 40},
        "dragmode": False,
        "xaxis": {"fixedrange": True, "rangemode": "tozero", "tickformat": ",~s", "nticks": 7, "showgrid": False},
        "yaxis": {"fixedrange": True, "rangemode": "tozero", "tickformat": ",~s", "nticks": 5},
        "annotations": [
            axis_note(f"Expected profit over buying nothing, {about.currency}"),
            axis_note(f"Money spent, {about.currency}")
            | {"x": 1, "y": 0, "xanchor": "right", "yanchor": "top", "yshift": -20},
        ],
    }  # fmt: skip
    return go.Figure(data=data, layout=layout)


def cuts(plan: BuyPlan, done: BudgetedPlan, about: About) -> Table:
    """The items whose cut is expected to cost most."""
    dearest = np.argsort(-done.forgone, kind="stable")[:_SHOWN]
    places = [int(place) for place in dearest if done.cut[place] > 0 and done.forgone[place] > 0]
    rows = plan.lines(places)
    columns = (
        Column("Cut most", "text", [f"{row.name} ({row.item_id})" for row in rows]),
        Column("Asked for", "units", [float(done.wanted[place]) for place in places]),
        Column("Bought", "units", [float(done.quantity[place]) for place in places]),
        Column("Cut, in money", "money", [float(done.cut[place] * plan.unit_cost[place]) for place in places]),
        Column("Expected profit forgone", "money", [float(done.forgone[place]) for place in places]),
    )
    return Table("What the budget cut", columns, about.frequency, about.currency)
