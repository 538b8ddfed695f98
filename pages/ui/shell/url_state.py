"""What the planner has chosen, kept in the address bar: item, horizon, quantile and scenario.

The address is the one truth. Before a widget is drawn its state is set from the address; when the planner moves it, the
address is rewritten first (callbacks run before the page). So a copied link, the Back button and a link within the app all
lead to the same view. Streamlit's own binding is not used: it drops values that equal their default, and switching pages
fails while a shared widget is bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ui.shell.scenario_code import Scenario

USUAL_TAU = 0.9
_LOWEST_TAU, _HIGHEST_TAU = 0.01, 0.99

_Number = TypeVar("_Number", int, float)
_Otherwise = TypeVar("_Otherwise")
_Option = TypeVar("_Option", bound=str)


@dataclass(frozen=True)
class Selection:
    """The item looked at and how: ``horizon`` None is as far ahead as the model goes, ``unit`` "" is pieces."""

    item: str = ""
    horizon: int | None = None
    tau: float = USUAL_TAU
    scenario: Scenario = field(default_factory=Scenario)
    unit: str = ""

    def with_item(self, item: str) -> Selection:
        """The same view of another item; a scenario belongs to one item and is not taken along."""
        return self if item == self.item else replace(self, item=item, scenario=Scenario())

    def address(self) -> dict[str, str]:
        """The selection as query parameters, nothing left to defaults once an item is chosen."""
        shown = {"unit": self.unit} if self.unit else {}
        if not self.item:
            return shown
        answer = {"item": self.item, "tau": f"{self.tau:g}", **shown}
        if self.horizon is not None:
            answer["horizon"] = str(self.horizon)
        if self.scenario.changed:
            answer["scenario"] = self.scenario.text
        return answer


def selection() -> Selection:
    """What the address says; values that make no sense are read as the nearest that do."""
    params = st.query_params
    return Selection(
        item=params.get("item", ""),
        horizon=number("horizon", int, None),
        tau=round(min(max(number("tau", float, USUAL_TAU), _LOWEST_TAU), _HIGHEST_TAU), 2),
        scenario=Scenario.read(params.get("scenario", "")),
        unit="" if params.get("unit") == "pieces" else params.get("unit", ""),
    )


def horizon_within(chosen: int | None, longest: int) -> int:
    """The horizon to show: the chosen one as far as the model goes."""
    return longest if chosen is None else min(max(chosen, 1), longest)


def permalink(path: str, address: Mapping[str, str]) -> str:
    """The full address of a view, with everything it needs to open on another machine."""
    here = urlsplit(st.context.url or "")
    origin = f"{here.scheme}://{here.netloc}" if here.netloc else ""
    return f"{origin}/{path}?{urlencode(address)}" if address else f"{origin}/{path}"


def made_with(key: str, value: object, name: str = "value") -> dict[str, Any]:
    """Key and first value of a widget that shows ``value`` of the address: ``st.slider(label, 1, 99, **made_with("tau", 90))``.

    ``name`` is what the widget calls its first value. A widget is drawn with the value that it is made with. One that is made
    empty or at its lower end and filled from there by the session may be drawn before it is told, when a page runs twice as it
    opens: it then shows another number than the page counts with, and the next click anywhere sends that one as the planner's.
    """
    if st.session_state.get(key, value) != value:
        st.session_state[key] = value
    return {"key": key, name: value}


def made_with_one_of(key: str, value: object, options: Sequence[object]) -> dict[str, Any]:
    """The same for a list that drops down; nothing is chosen where ``value`` is none of its options."""
    held = value if value in options else None
    position = None if held is None else options.index(held)
    return {"key": made_with(key, held)["key"], "index": position}


def choice(label: str, titles: Mapping[_Option, str], name: str, chosen: _Option) -> None:
    """One of a few, by their titles; the address has it as ``name``."""
    st.segmented_control(
        label,
        list(titles),
        format_func=titles.__getitem__,
        required=True,
        **made_with(name, chosen, "default"),
        on_change=on_change(name, name, str),
    )


_QUANTILE_HELP = "P90 is the number that demand stays below 9 times in 10. Buy to a high one where running out is dear."


def quantile(place: DeltaGenerator, tau: float, *, help: str | None = _QUANTILE_HELP, **how: Any) -> None:
    """The slider of the chosen quantile ``tau``."""
    place.slider(
        "Chosen quantile",
        1,
        99,
        format="P%d",
        help=help,
        **how,
        **made_with("tau", round(tau * 100)),
        on_change=on_change("tau", "tau", lambda percent: f"{percent / 100:g}"),
    )


def search(label: str, key: str, text: str) -> None:
    """A field that searches while somebody types; the address has the text as ``q``."""
    st.text_input(
        label,
        type="search",
        live=True,
        width=260,
        placeholder="Name, id or category",
        **made_with(key, text),
        on_change=on_change(key, "q", str),
    )


def chosen_of(name: str, options: Iterable[_Option], otherwise: _Option) -> _Option:
    """Which of the ``options`` the address has as ``name``, ``otherwise`` where it has none of them."""
    named = st.query_params.get(name)
    return next((option for option in options if option == named), otherwise)


def opened_by_link(*sections: str) -> None:
    """Opens the folded section, one of these keys, that the address names; once, for the planner may close it again."""
    if (named := st.query_params.get("open", "")) in sections:
        st.session_state[named] = True
        del st.query_params["open"]


def is_gone(key: str) -> bool:
    """Whether the widget of a callback has left with its page: Streamlit still calls for a click that came too late."""
    return key not in st.session_state


def on_change(key: str, name: str, words: Callable[[Any], str]) -> Callable[[], None]:
    """The callback that writes a widget's value to the address as ``name``; an empty text takes it out."""

    def store() -> None:
        if not is_gone(key):
            write(name, words(st.session_state[key]))

    return store


def write(name: str, text: str) -> None:
    """Writes ``text`` to the address as ``name``; an empty one takes it out."""
    if text:
        st.query_params[name] = text
    elif name in st.query_params:
        del st.query_params[name]


def number(name: str, kind: Callable[[str], _Number], otherwise: _Otherwise) -> _Number | _Otherwise:
    """What the address has as ``name``, ``otherwise`` where that is no number, or none that can be meant."""
    try:
        value = kind(st.query_params.get(name, ""))
    except ValueError:
        return otherwise
    return value if abs(value) < 1e15 else otherwise  # nor is NaN
