"""Presses every control of every page of the desk in a real browser, and tells what fell over.

usage: python bench/press.py [--quick] [--catalogs NAME …] [--pages NAME …] [--kept HOME]

Starts a fresh server on the demo with its model, on a simulated catalog with its truth and a model, on files as other systems
write them and a small one without a model, and on nothing at all. Prints what it does, and one JSON object on the last line:
the controls pressed, the failures, the errors of the browser's console.
``--quick`` presses each kind of control once; ``--kept`` takes the demo from a home that was prepared before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from e2e.catalogs_pressed import CATALOGS  # noqa: E402
from e2e.crawler import Crawl  # noqa: E402
from e2e.serving import ARGUMENTS, chromium, serving  # noqa: E402

from forecasting.core import threads  # noqa: E402

threads.begin_bench()


def main() -> None:
    """Presses and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="each kind of control once")
    parser.add_argument("--catalogs", nargs="+", choices=list(CATALOGS), default=list(CATALOGS))
    parser.add_argument("--pages", nargs="+", help="these alone: today item what_if new_items buy_plan accuracy data")
    parser.add_argument("--kept", type=Path, help="a home that holds the demo already")
    options = parser.parse_args()
    print(json.dumps(measured(options.catalogs, options.pages or [], options.kept, whole=not options.quick)))


def measured(names: list[str], pages: list[str], kept: Path | None, *, whole: bool) -> dict[str, object]:
    """What was pressed and what fell over, on each of these catalogs; on these pages, or on all where none is named."""
    from playwright.sync_api import sync_playwright

    say = lambda words: print(words, flush=True)  # noqa: E731
    pressed: dict[str, dict[str, int]] = {}
    failures = []
    began = time.monotonic()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium() or None, args=list(ARGUMENTS))
        for name in names:
            with tempfile.TemporaryDirectory(prefix="tideline-press-") as folder:
                home = Path(folder)
                route = CATALOGS[name](home, kept) if name == "demo" else CATALOGS[name](home)
                if pages:
                    named = tuple(one for one in route.pages if (one.split("?")[0] or "today") in pages)
                    route = replace(route, pages=named, links=())
                crawl = Crawl(browser, whole=whole, say=say)
                with serving(home) as server:
                    crawl.of(server, route)
                pressed[name] = dict(crawl.pressed)
                failures += crawl.failures
        browser.close()
    console = sum(one.console for one in failures)
    return {
        "controls_pressed": sum(sum(kinds.values()) for kinds in pressed.values()),
        "control_failures": len(failures) - console,
        "console_errors": console,
        "pressed": pressed,
        "failures": [str(one) for one in failures],
        "seconds": round(time.monotonic() - began),
    }


if __name__ == "__main__":
    main()
