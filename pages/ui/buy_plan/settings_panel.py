"""What a planner asks of the purchase list, read from the address and written to it: quantile or costs, scope, assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from data.schema import Frequency
from forecasting.purchasing.policy_backtest import ReplaySettings
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from pages.ui.display import formats, number_field
from pages.ui.display.number_field import Range
from pages.ui.shell import url_state

BY = {"quantile": "A quantile", "costs": "What it costs"}
SCOPES = {"all": "All items", "category": "A category", "supplier": "A supplier", "item": "One item"}


@dataclass(frozen=True)
class _Assumption:
    """A number that is typed: the ``field`` it sets, its name in the address, and its range as it is typed."""

    field: str
    param: str
    label: str
    usual: float
    low: float
    high: float
    scale: float = 1.0
    help: str | None = None


_STOCK = (
    _Assumption("lead_time", "lead", "Lead time, {word}s", 2.0, 0.0, 60.0, help="From order to receipt, where not known."),
    _Assumption("review", "review", "{Word}s between orders", 1.0, 1.0, 60.0),
    _Assumption("pack_size", "pack", "Units in a pack", 1.0, 1.0, 10_000.0, help="For items whose pack is not known."),
    _Assumption("on_hand", "stock", "Units on hand", 0.0, 0.0, 1e6, help="For items whose stock is not known."),
)
_COSTS = (
    _Assumption(
        "lost", "lost", "A lost sale costs, × the margin", 1.0, 0.1, 20.0, help="More than 1 where a customer is annoyed."
    ),
    _Assumption(
        "unsold", "unsold", "An unsold unit costs, % of its cost", 25.0, 1.0, 200.0, 0.01,
        "What is lost on a unit that is left over: storage, capital, markdown or waste.",
    ),
    _Assumption(
        "margin", "margin", "Margin, % of the price", 30.0, 1.0, 99.0, 0.01, "For items whose unit cost is not known."
    ),
)  # fmt: skip


def read() -> BuySettings:
    """The settings that the address says; numbers that make no sense are read as the nearest that do."""
    params, chosen = st.query_params, url_state.selection()
    typed = {one.field: _typed(one) * one.scale for one in (*_STOCK, *_COSTS)}
    budget = url_state.number("budget", float, -1.0)
    return BuySettings(
        tau=None if params.get("by") == "costs" else chosen.tau,
        item=chosen.item if scope() == "item" else "",
        category=params.get("category", "") if scope() == "category" else "",
        supplier=params.get("supplier", "") if scope() == "supplier" else "",
        budget=budget if budget >= 0 else None,
        waits=params.get("waits") == "yes",
        **typed,
    )


def replayed(settings: BuySettings) -> ReplaySettings:
    """What the money curve replays for these settings: their scope, their costs, and whole periods."""
    lead_time, review = max(0, round(settings.lead_time)), max(1, round(settings.review))
    return ReplaySettings(round(settings.ratio, 3), settings.worth, lead_time, review, settings.item, settings.category)


def scope() -> str:
    """All items, a category, a supplier or one item."""
    return url_state.chosen_of("scope", SCOPES, "all")


def address() -> dict[str, str]:
    """The view as query parameters, with everything that was chosen."""
    own = ("by", "scope", "category", "supplier", "budget", "waits", "show", "q", "page")
    kept = (*own, *(one.param for one in (*_STOCK, *_COSTS)))
    return {"tau": f"{url_state.selection().tau:g}"} | url_state.selection().address() | {
        name: st.query_params[name] for name in kept if name in st.query_params
    }  # fmt: skip


def controls(categories: Sequence[str], suppliers: Sequence[str], frequency: Frequency) -> None:
    """How the quantile is chosen, of which items, and for how much money."""
    params, chosen = st.query_params, url_state.selection()
    by = "costs" if params.get("by") == "costs" else "quantile"
    left, right = st.columns(2, gap="large")
    with left:
        url_state.choice("How sure, by", BY, "by", by)
        if by == "quantile":
            _quantile(chosen)
        else:
            _numbers(_COSTS[:2], frequency)
    with right:
        choices = {one: title for one, title in SCOPES.items() if suppliers or one != "supplier" or scope() == one}
        url_state.choice("For", choices, "scope", scope())
        for kind, labels in (("category", categories), ("supplier", suppliers)):
            if scope() != kind or not labels:
                continue
            named = params.get(kind, "")
            st.selectbox(
                kind.title(),
                labels,
                placeholder="Choose one; it is all items until then",
                **url_state.made_with_one_of(kind, named, labels),
                on_change=url_state.on_change(kind, kind, lambda label: label or ""),
            )
        budget = url_state.number("budget", float, -1.0)
        shown = budget if budget >= 0 else None
        number_field.address_field(right, "Budget", "budget", shown, Range(0, 1e12, empty=True), placeholder="No limit")
    with st.expander("What is assumed", key="assumed", on_change="rerun") as folded:
        if folded.open:
            _numbers(_STOCK, frequency)
            _numbers(_COSTS if by == "quantile" else _COSTS[2:], frequency)
            st.toggle(
                "Customers wait for what is missing",
                help="Otherwise what finds no stock before an order arrives is lost, and the order need not hold it.",
                **url_state.made_with("waits", params.get("waits") == "yes"),
                on_change=url_state.on_change("waits", "waits", lambda waits: "yes" if waits else ""),
            )


def _quantile(chosen: url_state.Selection) -> None:
    slide, write = st.columns([5, 3], vertical_alignment="bottom")
    url_state.quantile(slide, chosen.tau, help=None)
    percent = round(chosen.tau * 100)
    number_field.number_field(write, "or typed, P", "tau typed", percent, Range(1, 99, whole=True), _store_quantile)


def _store_quantile(percent: float | None) -> None:
    url_state.write("tau", "" if percent is None else f"{percent / 100:g}")


def _numbers(shown: Sequence[_Assumption], frequency: Frequency) -> None:
    word = formats.period_word(frequency)
    for place, one in zip(st.columns(len(shown)), shown, strict=True):
        label = one.label.format(word=word, Word=word.title())
        number_field.address_field(place, label, one.param, _typed(one), Range(one.low, one.high), help=one.help)


def _typed(one: _Assumption) -> float:
    return min(max(url_state.number(one.param, float, one.usual), one.low), one.high)


def assumptions(plan: BuyPlan, frequency: Frequency) -> str:
    """What the catalog does not know and what stands in for it, said plainly; empty where it knows everything."""
    settings, every = plan.settings, len(plan)
    price = f"the middle price of all items, {plan.inputs.middle_price:,.2f}" if plan.is_priced else "one price for everything"
    words = {
        "on_hand": ("stock on hand", f"{settings.on_hand:g} on hand"),
        "on_order": ("units on order", "0 on order"),
        "lead_time": ("lead time", f"a lead time of {_periods(settings.lead_time, frequency)}"),
        "pack_size": ("pack size", "single units" if settings.pack_size == 1 else f"packs of {settings.pack_size:g}"),
        "min_order": ("minimum order", "no minimum"),
        "unit_cost": ("unit cost", f"a margin of {formats.percent(settings.margin)} of the price"),
        "price": ("price", price),
    }
    whole = [words[name] for name in words if plan.assumed.get(name) == every]
    part = [(words[name], plan.assumed[name]) for name in words if 0 < plan.assumed.get(name, 0) < every]
    sentences = []
    if whole:
        missing, stand_in = (formats.listing([pair[k] for pair in whole]) for k in (0, 1))
        subject = "This item has no" if every == 1 else "Your catalog has no"
        sentences.append(
            f"{subject} {missing.replace(' and ', ' or ')}; {stand_in} {'are' if len(whole) > 1 else 'is'} assumed."
        )
    sentences += [f"{count:,} of {every:,} items have no {name}; {stand_in} is assumed." for (name, stand_in), count in part]
    if plan.is_extended.any():
        longest = _periods(plan.inputs.horizon, frequency)
        sentences.append(
            f"{int(plan.is_extended.sum()):,} items need longer than the {longest} that were forecast: there the mean is "
            "drawn out and the spread widened by rule of thumb."
        )
    if not plan.is_priced:
        sentences.append("Without prices no money can be told.")
    return " ".join(sentences)


def _periods(count: float, frequency: Frequency) -> str:
    if count == int(count):
        return formats.periods(int(count), frequency)
    return f"{count:g} {formats.period_word(frequency)}s"
