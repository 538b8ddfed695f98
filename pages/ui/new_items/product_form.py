"""Which product without history is asked about, and how its analogs are weighed: kept in the address bar.

``recent`` names an item that began lately; else ``called``, ``price``, ``promo``, ``launch`` and ``is.COLUMN``
describe a product. ``weigh`` holds what the planner did to analogs, ``ITEM*0`` for one that is taken out, with ``~`` between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from data.facts import ItemFacts
from forecasting.new_products.analog_forecast import LaunchForecast
from forecasting.new_products.launch_service import LaunchService, NewProduct
from pages.ui.display import formats
from pages.ui.display.number_field import Range, cells, number_field
from pages.ui.resources import catalog
from pages.ui.shell import url_state

_RECENT, _DESCRIBED = "A recent item", "A product described"
_ANY = "—"
_WEIGHED = re.compile(r"(.+)\*(\d{1,3}(?:\.\d{1,2})?)")
_PRICES, _WEIGHTS = Range(0.01, 1e6, empty=True), Range(0, 100)
REFUSED = "weights refused"
_MOST = 40  # analogs weighed by hand in one address


@dataclass(frozen=True)
class LaunchRequest:
    """A product asked about: a ``recent`` item's id, or else what it is; an item ``to_come`` is of the catalog, and is both."""

    recent: str
    name: str
    static: Mapping[str, str]
    price: float | None
    promo: float
    launch: pd.Timestamp
    emphasis: Mapping[str, float]
    to_come: bool = False

    def forecast(self, desk: LaunchService) -> LaunchForecast:
        """Its launch; raises UnknownItem, DataError."""
        if self.recent and not self.to_come:
            return desk.forecast_recent(self.recent, self.emphasis)
        product = NewProduct(self.name, self.static, self.price, self.promo, self.launch)
        return desk.forecast_new(product, self.emphasis)

    def address(self) -> dict[str, str]:
        """The product and its weighing as query parameters."""
        if self.recent:
            answer = {"recent": self.recent}
        else:
            answer = {"called": self.name}
            answer |= {f"is.{column}": value for column, value in self.static.items()}
            answer |= {"price": f"{self.price:g}"} if self.price is not None else {}
            answer |= {"promo": f"{self.promo * 100:.0f}"} if self.promo else {}
            answer["launch"] = f"{self.launch:%Y-%m-%d}"
        return answer | ({"weigh": written(self.emphasis)} if self.emphasis else {})

    @property
    def key(self) -> str:
        """Names product and weighing together."""
        return "&".join(f"{name}={value}" for name, value in self.address().items())

    def weighing(self) -> str:
        """What was done to the analogs, in words for a file."""
        if not self.emphasis:
            return "analogs as learned"
        return "analogs weighed by hand: " + ", ".join(f"{item} × {times:g}" for item, times in self.emphasis.items())


def read(text: str) -> dict[str, float]:
    """What an address says of analogs; what cannot be read is left out.

    >>> read("12*0~7*2.5~nonsense")
    {'12': 0.0, '7': 2.5}
    """
    matches = [match for token in text.split("~")[:_MOST] if (match := _WEIGHED.fullmatch(token))]
    return {match[1]: float(match[2]) for match in matches if float(match[2]) != 1}


def written(emphasis: Mapping[str, float]) -> str:
    """The reverse of ``read``.

    >>> written({"12": 0.0, "7": 2.5})
    '12*0~7*2.5'
    """
    return "~".join(f"{item}*{times:g}" for item, times in list(emphasis.items())[:_MOST])


def requested(desk: LaunchService) -> LaunchRequest | None:
    """What the address asks about; the newest recent item where it says nothing, None where there is none either."""
    params = st.query_params
    columns = catalog.service().figures().static
    static = {column: value for column in columns if (value := params.get(f"is.{column}", ""))}
    recent = params.get("recent", "")
    described = params.get("described") == "1" or bool(static) or "called" in params
    if not recent and not described:
        offered = desk.recent()
        recent = offered[0].item_id if offered else ""
    if not recent and not static:
        return None
    if recent and (facts := _to_come(desk, recent)):
        price = facts.commercial.get("price")
        emphasis = read(params.get("weigh", ""))
        return LaunchRequest(recent, facts.name, facts.static, price, 0.0, _launch(None), emphasis, to_come=True)
    return LaunchRequest(
        recent=recent,
        name=params.get("called", "") or "A new product",
        static=static,
        price=_number("price", 0.01, 1e6),
        promo=(_number("promo", 0, 100) or 0.0) / 100,
        launch=_launch(params.get("launch")),
        emphasis=read(params.get("weigh", "")),
    )


def _to_come(desk: LaunchService, item_id: str) -> ItemFacts | None:
    """The item of the catalog that nothing is on record of yet; None where it is none of those."""
    if desk.knows(item_id):
        return None
    found = catalog.search(item_id, 1).rows
    is_new = bool(found) and found[0].item_id == item_id and not found[0].recent_units >= 0  # NaN: never on record
    return found[0] if is_new else None


def form(desk: LaunchService) -> None:
    """The choice between a recent item and a product described, and the fields of either."""
    params = st.query_params
    offered = desk.recent()
    described_by_link = "described" in params or any(name.startswith("is.") or name == "called" for name in params)
    described = (described_by_link or not offered) and "recent" not in params
    if offered or "recent" in params:
        st.segmented_control(
            "Which product",
            [_RECENT, _DESCRIBED],
            required=True,
            **url_state.made_with("which", _DESCRIBED if described else _RECENT, "default"),
            on_change=_which,
        )
    if described:
        _fields(desk)
        return
    names = {one.item_id: f"{one.name} ({one.item_id}), began {formats.date(one.launch)}" for one in offered}
    chosen = params.get("recent", "")
    if chosen and (facts := _to_come(desk, chosen)):
        names[chosen] = f"{facts.name} ({chosen}), nothing on record yet"
    st.selectbox(
        "Items that began lately, as if nothing of them had sold yet",
        list(names),
        format_func=lambda item: names.get(item, item),
        width=560,
        **url_state.made_with_one_of("recent", chosen if chosen in names else next(iter(names)), list(names)),
        on_change=_taken,
    )


def _fields(desk: LaunchService) -> None:
    about = catalog.service().figures()
    params = st.query_params
    given: dict[str, str] = {}
    columns = st.columns(max(2, min(len(about.static), 4)), vertical_alignment="bottom")
    for place, column in enumerate(about.static):
        values = desk.values(column, given)
        chosen = url_state.chosen_of(f"is.{column}", values, _ANY)
        columns[place % len(columns)].selectbox(
            column.replace("_", " ").capitalize(),
            [_ANY, *values],
            **url_state.made_with_one_of(f"is/{column}", chosen, [_ANY, *values]),
            on_change=_stored(f"is/{column}", f"is.{column}", lambda value: "" if value == _ANY else str(value)),
        )
        if chosen != _ANY:
            given[column] = chosen
    name, price, promo, launch = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    name.text_input(
        "Name",
        placeholder="A new product",
        **url_state.made_with("new name", params.get("called", "")),
        on_change=_stored("new name", "called", str),
    )
    usual = desk.usual_price(given)
    number_field(
        price,
        "Price",
        "new price",
        _number("price", _PRICES.least, _PRICES.most),
        _PRICES,
        _priced,
        placeholder=f"usual: {formats.price(usual, about.currency)}" if usual else "not known",
    )
    if "promo" in about.known:
        promo.slider(
            "Promoted",
            0,
            100,
            format="%d%%",
            help="The share of stores that promote it through its launch.",
            **url_state.made_with("new promo", int(_number("promo", 0, 100) or 0)),
            on_change=_stored("new promo", "promo", lambda value: f"{value}" if value else ""),
        )
    launch.date_input(
        "Launch",
        min_value=_launch(None).date(),
        max_value=_latest().date(),
        **url_state.made_with("new launch", _launch(params.get("launch")).date()),
        on_change=_stored("new launch", "launch", lambda value: f"{value:%Y-%m-%d}"),
    )


def _stored(key: str, name: str, write: Callable[[Any], str]) -> Callable[[], None]:
    """Writes a field to the address as ``name``; another product's analogs were weighed for that one alone."""
    store = url_state.on_change(key, name, write)

    def stored() -> None:
        store()
        st.query_params["described"] = "1"
        weigh_as_learned()

    return stored


def _priced(price: float | None) -> None:
    url_state.write("price", "" if price is None else f"{price:g}")
    st.query_params["described"] = "1"
    weigh_as_learned()


def _which() -> None:
    if url_state.is_gone("which"):
        return
    for name in [name for name in st.query_params if name in ("recent", "called") or name.startswith("is.")]:
        del st.query_params[name]
    weigh_as_learned()
    url_state.write("described", "1" if st.session_state["which"] == _DESCRIBED else "")


def _taken() -> None:
    if url_state.is_gone("recent"):
        return
    st.query_params["recent"] = st.session_state["recent"]
    weigh_as_learned()


def weigh(key: str, item_ids: tuple[str, ...]) -> None:
    """Takes over what was edited in the table of analogs, whose rows are ``item_ids``."""
    if url_state.is_gone(key):
        return
    emphasis, edited = read(st.query_params.get("weigh", "")), st.session_state[key]["edited_rows"]
    typed, refused = cells(edited, "Weight ×", _WEIGHTS)
    emphasis |= {item_ids[row]: weight for row, weight in typed.items() if weight is not None}
    emphasis |= {item_ids[int(row)]: float(changed["Use"]) for row, changed in edited.items() if "Use" in changed}
    if refused:
        st.session_state[REFUSED] = " ".join(refused)
    text = written({item: times for item, times in emphasis.items() if times != 1})
    url_state.write("weigh", text)


def weigh_as_learned() -> None:
    """Forgets what the planner did to the analogs."""
    url_state.write("weigh", "")


def _launch(text: str | None) -> pd.Timestamp:
    """The launch date of an address: the next period unless it says a later one that can be read, at most a year from now."""
    about = catalog.service().figures()
    first = about.frequency.after(about.last, 1)[0]
    try:
        date = pd.Timestamp(text or "").tz_localize(None)
    except ValueError:
        return first
    return first if date is pd.NaT else min(max(date, first), _latest())


def _latest() -> pd.Timestamp:
    return catalog.service().figures().last + pd.Timedelta(days=365)


def _number(name: str, least: float, most: float) -> float | None:
    value = url_state.number(name, float, None)
    return value if value is not None and least <= value <= most else None
