"""Pages are tested on the stand-in desk: known numbers, no catalog, no trained model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).parent))

import stand_in

ROOT = Path(__file__).resolve().parents[2]
ROUTER = ROOT / "pages" / "ui" / "shell" / "router.py"
SECONDS = 60


@pytest.fixture(autouse=True)
def the_program_stays_the_main_module() -> Iterator[None]:
    """A page that was run is left as the main module, which a process that is spawned later would run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[stand_in.State]:
    """The stand-in in the place of the workflows, in order and with empty caches; what it holds can be turned."""
    import forecasting

    monkeypatch.setitem(sys.modules, "forecasting.workflows", stand_in)
    monkeypatch.setattr(forecasting, "workflows", stand_in, raising=False)
    monkeypatch.setattr(stand_in, "STATE", stand_in.State())
    st.cache_resource.clear()
    yield stand_in.STATE
    st.cache_resource.clear()


@pytest.fixture
def visit(desk: stand_in.State) -> Callable[..., AppTest]:
    """Opens a page through the router that the server runs: ``visit("item", item="SKU-0003")``."""

    def open_page(name: str = "today", **address: str) -> AppTest:
        app = AppTest.from_file(str(ROUTER), default_timeout=SECONDS)
        if name != "today":
            app.switch_page(str(ROOT / "pages" / f"{name}.py"))
        for key, value in address.items():
            app.query_params[key] = value
        return app.run()

    return open_page


@pytest.fixture
def alone(desk: stand_in.State) -> Callable[..., AppTest]:
    """Runs a page's file without app.py, as the first deep link on a fresh server does."""

    def open_page(name: str, **address: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=SECONDS)
        for key, value in address.items():
            app.query_params[key] = value
        return app.run()

    return open_page
