"""A fresh server as ``make run`` starts it, and a real browser to visit it with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.serving import ARGUMENTS, NotServed, Server, forecasting, serving
from e2e.serving import chromium as installed


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; its tests are skipped where there is none."""
    found = installed()
    if not found:
        pytest.skip(
            "There is no chromium on this machine, so the browser journeys are not run. Debian: apt-get install chromium"
        )
    return found


@pytest.fixture
def server(chromium: str) -> Iterator[Server]:
    """A server of the demo that nobody has visited yet."""
    home = Path(os.environ["TIDELINE_HOME"])  # set for all tests, never the planner's own
    try:
        forecasting(home, "prepare")
        with serving(home) as started:
            yield started
    except NotServed as error:
        pytest.fail(str(error))


@pytest.fixture
def browser(chromium: str) -> Iterator[object]:
    """A browser without a past."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield opened
        opened.close()
