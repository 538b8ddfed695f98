"""Presses every control of every page of a running desk, as planners do, and tells what fell over.

After every press the page must come to rest within a minute, unless a bar says how far it is; it must show a heading and no
exception; the browser's console and the server's log must stay clean. ``Crawl.of(server)`` goes through all pages.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from e2e import controls
from e2e.controls import Control

if TYPE_CHECKING:
    from e2e.serving import Server
    from playwright.sync_api import Browser, ConsoleMessage, Page

REST, WORK = 60_000, 300_000  # milliseconds until a page must have come to rest, and long work under a bar
QUIET = 200  # milliseconds without a run that count as rest: a slider tells the server after half of that

#: Streamlit's own look for its base path, on every deep link; the only errors that are not ours.
_PROBE = re.compile(r"/\w+/_stcore/(health|host-config)$")

_RESTS = f"""() => {{
  const state = document.querySelector('[data-test-script-state]');
  const busy = !state || state.dataset.testScriptState !== 'notRunning' ||
    document.querySelector('[data-stale="true"], [data-testid="stSkeleton"], [data-testid="stSpinner"]');
  if (busy) {{ window.restsSince = null; return false; }}
  window.restsSince ??= performance.now();
  return performance.now() - window.restsSince >= {QUIET};
}}"""

_SEEN = """() => {
  const text = (selector) => [...document.querySelectorAll(selector)].map((one) => one.innerText);
  const main = document.querySelector('[data-testid="stMain"]');
  return {
    exceptions: text('[data-testid="stException"]'),
    dialogs: text('[role="dialog"], [data-testid="stConnectionStatus"]').filter((words) => /error|not found/i.test(words)),
    heading: text('[data-testid="stMain"] h1').join(' '),
    unchosen: [...document.querySelectorAll('[data-testid="stButtonGroup"]')].filter((group) =>
      group.querySelector('[role=radio]') && !group.querySelector('[role=radio][aria-checked=true]')
    ).map((one) => one.innerText),
    words: main ? main.innerText.trim().length : 0,
    bare: [...document.querySelectorAll('.js-plotly-plot')].filter((one) => one.offsetParent &&
      !one.querySelector('.trace, .bars, .hm, .shapelayer path')).length,
  };
}"""

#: How many of one kind and label a page presses: rows of a list are alike.
MOST, MOST_ALIKE = {"download": 30, "fold": 6, "page": 3, "link": 3, "help": 2, "tool": 4, "other": 3}, 3

#: What the short form presses, one of each label.
SHORT = {"fold", "popover", "slider", "toggle", "option", "button", "number", "select", "text", "upload", "grid", "page"}


@dataclass(frozen=True)
class Failure:
    """What fell over, where and after what."""

    catalog: str
    address: str
    after: str
    what: str
    console: bool = False

    def __str__(self) -> str:
        return f"{self.catalog}: {self.address} after {self.after}: {self.what}"


@dataclass(frozen=True)
class Route:
    """A catalog's way through the desk: pages whose controls are pressed, and links that are only opened, before and after."""

    catalog: str
    pages: tuple[str, ...]
    links: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass
class Crawl:
    """One walk through a desk; ``whole`` presses everything in every way, else each kind of control once."""

    browser: Browser
    whole: bool = True
    say: Callable[[str], None] = lambda words: None
    pressed: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def of(self, server: Server, route: Route) -> None:
        """Presses everything on the way; what falls over is in ``failures``."""
        context = self.browser.new_context(viewport={"width": 1400, "height": 1200}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.add_init_script("window.print = () => {};")
        try:
            visit = _Visit(self, context.new_page(), server, route)
            for address in route.links if self.whole else ():
                visit.open(address)
            for address in route.pages:
                visit.walk(address)
            for address in (*route.pages, *route.links) if self.whole else ():  # whatever was loaded meanwhile
                visit.open(address)
        finally:
            context.close()


class _Visit:
    """A browser's page on one server, with what was pressed there."""

    def __init__(self, crawl: Crawl, page: Page, server: Server, route: Route) -> None:
        self.crawl, self.page, self.server, self.route = crawl, page, server, route
        self.base, self.after, self.errors = "", "opening it", []
        self.name = self.heading = ""
        self.done: set[tuple[str, str, str]] = set()
        self.again: set[str] = set()
        self.alike: Counter[tuple[str, str]] = Counter()
        self.read = 0
        page.set_default_timeout(30_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("crash", lambda: self.errors.append("the browser's page crashed"))
        page.on("popup", lambda opened: opened.close())

    def open(self, address: str) -> bool:
        """Opens an address; whether it stands."""
        self.base, self.after = address, "opening it"
        return self._goto()

    def walk(self, address: str) -> None:
        """Opens a page and presses everything on it, also what appears by pressing, then reloads and looks again."""
        self.name = urlsplit(address).path or "today"
        self.alike.clear()
        before, began = sum(self.crawl.pressed.values()), time.monotonic()
        if not self.open(address):
            return
        path = self._path()
        for _ in range(2 if self.crawl.whole else 1):
            while (control := self._next() or self._next_after_a_while()) is not None:
                if self._path() != path:
                    self._goto()
                    continue
                self.done.add((self.name, control.kind, control.key + control.label))
                self.alike[control.kind, control.label] += 1
                self._press(control)
            if self.crawl.whole:
                self.after = "a reload"
                self.page.reload()
                if not self._stands():
                    self._goto()
        pressed, seconds = sum(self.crawl.pressed.values()) - before, time.monotonic() - began
        self.crawl.say(f"{self.route.catalog}: {address or 'today'}: {pressed} controls pressed in {seconds:.0f} s")

    def _next(self) -> Control | None:
        """The first control that was not pressed yet, those that are chosen already last of their kind."""
        whole = self.crawl.whole
        fresh = [
            one for one in controls.found(self.page)
            if (self.name, one.kind, one.key + one.label) not in self.done
            and self.alike[one.kind, one.label] < (MOST.get(one.kind, MOST_ALIKE) if whole else 1)
            and (whole or (one.kind in SHORT and one.label not in controls.LONG))
            and (not one.aside or self.name == "today" or (whole and self.name == "what_if" and one.kind == "text"))
        ]  # fmt: skip
        if not fresh:
            return None
        kind = next((one.kind for one in fresh if one.label not in controls.MINUTES), fresh[0].kind)
        same = [one for one in fresh if one.kind == kind]
        return min(same, key=lambda one: (one.label in controls.MINUTES, one.checked))

    def _next_after_a_while(self) -> Control | None:
        """Whatever a run has drawn that was still coming when the page seemed to rest."""
        self.page.wait_for_timeout(1_000)
        return self._next() if self._stands() else None

    def _press(self, control: Control) -> None:
        from playwright.sync_api import Error

        here, heading, self.after, began = self._path(), self.heading, control.name, time.monotonic()
        try:
            for step in controls.press(self.page, control, whole=self.crawl.whole, files=self.route.files):
                self.after = f"{control.name}: {step}"
                if control.label in controls.MINUTES:
                    self._stop()
                if not self._stands():
                    self._goto()
                    break
        except (Error, AssertionError) as error:
            if isinstance(error, Error) and control.name not in self.again:
                self.again.add(control.name)  # a run that was still coming may have drawn it anew: it is pressed once more
                self.done.discard((self.name, control.kind, control.key + control.label))
                return
            self._fell(f"it cannot be pressed: {str(error).splitlines()[0]}")
            self._goto()
        self.crawl.pressed[control.kind] += 1
        self.crawl.say(f"  {time.monotonic() - began:5.1f} s  {self.after}")
        if self._path() != here:
            self._back(f"{control.name} and Back", here, heading)

    def _back(self, how: str, path: str, heading: str) -> None:
        """Goes back to where ``heading`` stood; twice where the page left has written to its address meanwhile."""
        from playwright.sync_api import TimeoutError as NotYet

        self.after = how
        stood = self.page.get_by_test_id("stMain").get_by_role("heading", name=heading, exact=True)
        for patience in (REST // 4, REST):
            self.page.go_back()
            try:
                stood.wait_for(timeout=patience)
                break
            except NotYet:
                if self._path() == path or patience == REST:
                    self._fell(f"Back leads to another page than “{heading}”")
                    break
        if not self._stands() or self._path() != path:
            self._goto()

    def _stop(self) -> None:
        """Stops the work that has just begun, once a bar shows how far it is, and whatever else is running."""
        from playwright.sync_api import TimeoutError as NotYet

        main = self.page.get_by_test_id("stMain")  # Streamlit's own Stop, in the header while a script runs, is none of ours
        bar = main.get_by_test_id("stProgress")
        try:
            bar.first.wait_for(timeout=20_000)
        except NotYet:
            if not self.page.get_by_test_id("stAlert").count():  # refused, with the reason
                self._fell("nothing shows how far it is")
            return
        for label in controls.STOPS:
            button = main.get_by_role("button", name=label, exact=True)
            if button.count():
                self.after += ", and stopped"
                self.crawl.pressed["stop"] += 1
                until = time.monotonic() + WORK / 1000
                while button.count() and time.monotonic() < until:  # work that was stopped before may still be ending above it
                    for one in button.all():
                        with suppress(NotYet):
                            one.click(timeout=1_000)
                    self.page.wait_for_timeout(1_000)
                if button.count():
                    self._fell(f"it goes on {WORK // 1000} s after it was stopped")
                return

    def _goto(self) -> bool:
        self.page.goto(f"{self.server.address}/{self.base}")
        return self._stands()

    def _path(self) -> str:
        return urlsplit(self.page.url).path

    def _stands(self) -> bool:
        """Waits until the page rests and looks at it; whether nothing fell over."""
        from playwright.sync_api import TimeoutError as NotYet

        before = len(self.crawl.failures)
        try:
            self.page.evaluate("() => { window.restsSince = null; }")
            self.page.wait_for_function(_RESTS, polling=50, timeout=REST)
        except NotYet:
            try:
                if not self.page.get_by_test_id("stProgress").count():
                    raise
                self.page.wait_for_function(_RESTS, polling=50, timeout=WORK)
            except NotYet:
                self._fell(f"still busy after {REST // 1000} s")
        seen = self.page.evaluate(_SEEN)
        self.heading = seen["heading"]
        logged = self._logged()
        for words in (*seen["exceptions"], *seen["dialogs"]):
            self._fell(logged or " ".join(words.split())[:300])
        if logged and not seen["exceptions"]:
            self._fell(f"the server says: {logged}")
        if not seen["heading"] or seen["words"] < 20:
            self._fell("the page is empty")
        if seen["bare"]:
            self._fell("a chart is empty")
        for words in seen["unchosen"]:
            self._fell(f"nothing is chosen of {' / '.join(words.split(chr(10)))}")
        for error in self.errors:
            self._fell(error, console=True)
        self.errors.clear()
        return len(self.crawl.failures) == before

    def _logged(self) -> str:
        """The error that the server has printed since the last look; empty where there was none."""
        with Path(self.server.log).open("rb") as log:
            log.seek(self.read)
            text = log.read().decode("utf-8", "replace")
        self.read += len(text.encode("utf-8"))
        if "Traceback" not in text:
            return ""
        ours = [line.strip() for line in text.splitlines() if line.strip().startswith("File") and "site-packages" not in line]
        last = [line.strip() for line in text.splitlines() if line.strip()][-1]
        return f"{last[:300]} in {ours[-1].removeprefix('File ')}" if ours else last[:300]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        where = message.location.get("url", "")
        if not _PROBE.search(urlsplit(where).path):
            self.errors.append(f"{message.text[:300]} {where}")

    def _fell(self, what: str, *, console: bool = False) -> None:
        failure = Failure(self.route.catalog, self.page.url.removeprefix(self.server.address), self.after, what, console)
        self.crawl.failures.append(failure)
        self.crawl.say(f"FELL {failure}")
