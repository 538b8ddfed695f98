"""Every control of every page, pressed in a real browser on a fresh server: nothing falls over.

This presses one of each kind and label; ``python bench/press.py`` presses all of them in every way.
"""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from e2e.catalogs_pressed import demo, nothing, small
from e2e.crawler import Crawl, Route
from e2e.serving import NotServed, Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e

#: A page as the crawler sees one, with three controls that fall over and one that does not.
PLANTED = """<!doctype html><link rel="icon" href="data:,"><div data-test-script-state="notRunning"></div>
<section data-testid="stMain"><h1>How many do I buy?</h1><p>Buy 120 units of 3 items.</p>
<div data-testid="stExpander"><details><summary
  onclick="this.after(Object.assign(document.createElement('div'), {innerText: 'There are two elements with one key'}));
           this.nextSibling.dataset.testid = 'stException'">What is assumed</summary></details></div>
<div data-testid="stButton"><button onclick="missing()">Throw</button></div>
<div data-testid="stButton"><button onclick="document.querySelector('p').classList.add('js-plotly-plot')">Draw</button></div>
<div data-testid="stButton"><button onclick="this.closest('section').innerHTML = ''">Empty</button></div>
<div data-testid="stButton"><button onclick="document.querySelector('p').innerText = 'Bought 120 units.'">Buy</button></div>
</section>"""


@pytest.fixture
def planted(tmp_path: Path) -> Iterator[Server]:
    """A desk of one page that falls over."""

    class Desk(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PLANTED.encode())

        def log_message(self, *words: object) -> None:
            """Says nothing."""

    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    try:
        (tmp_path / "log").touch()
        yield Server(f"http://127.0.0.1:{served.server_address[1]}", tmp_path / "catalog.duckdb", tmp_path / "log")
    finally:
        served.shutdown()
        served.server_close()
        thread.join()


def test_what_falls_over_is_found(browser: Browser, planted: Server) -> None:
    crawl = Crawl(browser, whole=False)
    crawl.of(planted, Route("planted", ("buy_plan",)))
    assert dict(crawl.pressed) == {"fold": 1, "button": 4}
    assert [(one.after, one.what, one.console) for one in crawl.failures] == [
        ("fold “What is assumed”: opened", "There are two elements with one key", False),
        ("button “Throw”: clicked", "missing is not defined", True),
        ("button “Draw”: clicked", "a chart is empty", False),
        ("button “Empty”: clicked", "the page is empty", False),
    ]


@pytest.mark.parametrize(("catalog", "least"), [("demo", 60), ("small", 25), ("nothing", 25)])
def test_every_control_of_every_page_answers(browser: Browser, tmp_path: Path, catalog: str, least: int) -> None:
    crawl = Crawl(browser, whole=False)
    try:
        if catalog == "demo":
            route = demo(tmp_path, Path(os.environ["TIDELINE_HOME"]))
        else:
            route = {"small": small, "nothing": nothing}[catalog](tmp_path)
        with serving(tmp_path) as server:
            crawl.of(server, route)
    except NotServed as error:
        pytest.fail(str(error))
    pressed = sum(crawl.pressed.values())
    print(f"{pressed} controls pressed on {catalog}: {dict(crawl.pressed)}")
    assert [str(one) for one in crawl.failures] == []
    assert pressed >= least
