"""Two elements with one key take a page down: no key of one kind may be that of another, and every fold opens."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.buy_plan import settings_panel

PAGES = Path(__file__).resolve().parents[2] / "pages"
ITEM = "SKU-0003"


def keys(source: str) -> Iterator[tuple[str, str]]:
    """Kind and name of every key that is written out: what a layout, a fold, a chart or a widget is called.

    A widget that takes its value from the address is of the kind ``asked``, wherever it stands.
    """
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        kind = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if kind in ("made_with", "made_with_one_of") and call.args:
            yield from (("asked", name) for name in _written(call.args[0]))
        if kind == "box" and call.args:
            yield from (("box", f"box-{name}") for name in _written(call.args[0]))
        for word in call.keywords:
            if word.arg == "key":
                yield from ((kind, name) for name in _written(word.value))


def _written(node: ast.expr) -> list[str]:
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def every_key() -> dict[str, set[str]]:
    """The kinds of each key in the pages."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PAGES.rglob("*.py")):
        for kind, name in keys(path.read_text("utf-8")):
            kinds[name].add(kind)
    for one in (*settings_panel._STOCK, *settings_panel._COSTS):
        kinds[one.param].add("asked")
    return kinds


def test_no_key_stands_for_two_kinds_of_elements() -> None:
    found = every_key()
    assert {name: kinds for name, kinds in found.items() if len(kinds) > 1} == {}
    assert found["lead"] == {"asked"}
    assert found["box-lead"] == {"box"}
    assert found["assumed"] == {"expander"}


def test_two_kinds_with_one_key_are_found() -> None:
    planted = 'st.container(key="lead")\nstate.made_with("lead", 2)\nframe.box("tau")\nstate.made_with("tau", 90)\n'
    assert list(keys(planted)) == [("container", "lead"), ("asked", "lead"), ("box", "box-tau"), ("asked", "tau")]


def test_layout_is_named_by_the_frame_alone() -> None:
    named = [(path.name, name) for path in sorted(PAGES.rglob("*.py")) for kind, name in keys(path.read_text("utf-8"))
             if kind == "container"]  # fmt: skip
    assert named == []


def test_what_is_assumed_opens_under_the_headings_answer(visit: Callable[..., AppTest]) -> None:
    app = visit("buy_plan")
    app.session_state["assumed"] = True
    app.run()
    assert not app.exception, app.exception
    assert app.text_input(key="lead").value == "2"
    assert app.toggle(key="waits").value is False


@pytest.mark.parametrize("name", ["today", "item", "what_if", "new_items", "buy_plan", "accuracy", "data"])
def test_every_fold_of_a_page_opens_at_once(visit: Callable[..., AppTest], name: str) -> None:
    folds = [key for key, kinds in every_key().items() if kinds == {"expander"}]
    app = visit(name, item=ITEM)
    for key in folds:
        app.session_state[key] = True
    app.run()
    assert not app.exception, app.exception
