"""What can be pressed on a page, and how each kind is pressed: as a planner would, and as one who types nonsense."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

FIND = Path(__file__).with_name("controls.js").read_text("utf-8")

NUMBERS = ("words", "-5", "2,40", "", "7")
TEXTS = ("2,40", "-5", "no such thing", "%_'\"<b>&*", "", "a")
DATES = ("words", "2017/02/31", "2018/03/05", "")
OPTIONS = 6  # of a list that drops down, besides its last

#: Buttons that begin minutes of work, which is stopped once it shows how far it is.
MINUTES = ("Train on this data", "Resume training", "Try the generations", "Try them all again", "Go on", "Forecast all items",
           "Forecast them again")  # fmt: skip
#: Those and the buttons that a planner waits for: for the whole form only.
LONG = (*MINUTES, "Load the demo", "Make and load it", "Measure it", "Measure it again", "Replay the past",
        "Forecast all items now")  # fmt: skip
STOPS = ("Stop", "Stop training")

Step = Iterator[str]  # what was just done, each time the page may answer


@dataclass(frozen=True)
class Control:
    """One thing to press. ``key`` is its own name on the page, empty where it has none; ``aside`` is beside every page."""

    kind: str
    label: str
    key: str
    press: int
    checked: bool
    aside: bool

    @property
    def name(self) -> str:
        return f"{self.kind} “{self.label}”" + (f" ({self.key.removeprefix('st-key-')})" if self.key else "")


def found(page: Page) -> list[Control]:
    """Everything that can be pressed now, in the order in which it is to be pressed."""
    return [Control(**one) for one in page.evaluate(FIND)]


def press(page: Page, control: Control, *, whole: bool, files: tuple[str, ...] = ()) -> Step:
    """Presses it in every way there is (or in one, where not ``whole``), and yields whenever the page may have to answer."""
    target = page.locator(f'[data-press="{control.press}"]')
    kind = control.kind
    if kind in ("number", "text", "date"):
        tries = {"number": NUMBERS, "text": TEXTS, "date": DATES}[kind]
        yield from _typed(page, target, tries if whole else tries[2:3])
    elif kind == "slider":
        yield from _moved(page, target, ("Home", "End", *["ArrowLeft"] * 9) if whole else ("ArrowLeft",))
    elif kind == "upload":
        for file in files:
            with page.expect_response(lambda answer: answer.request.method == "PUT"):
                target.set_input_files(file)
            page.wait_for_timeout(500)  # the run that reads it begins after the file has come
            yield f"given {Path(file).name}"
    elif kind in ("fold", "toggle"):
        _click(target)
        yield "opened"
        if whole:
            for word in ("closed", "opened again"):
                _click(target)
                yield word
    elif kind in _WAYS:
        yield from _WAYS[kind](page, target, whole)
    else:
        _click(target)
        yield "clicked"


def _click(target: Locator) -> None:
    """A click where a planner can click; by force where something lies over it that shows on hovering only."""
    target.evaluate("one => one.scrollIntoView({block: 'center'})")
    target.click(timeout=10_000, force=True)


def _typed(page: Page, target: Locator, texts: tuple[str, ...]) -> Step:
    before = target.input_value()
    for text in (*texts, before):
        if not target.count():
            return
        target.focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Backspace")
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        yield f"typed “{text}”"


def _moved(page: Page, target: Locator, keys: tuple[str, ...]) -> Step:
    for key in keys:
        if not target.count():
            return
        target.press(key)
        yield f"{key} pressed"


def _hovered(page: Page, target: Locator, whole: bool) -> Step:
    target.evaluate("one => one.scrollIntoView({block: 'center'})")
    target.hover(timeout=10_000, force=True)
    yield "pointed at"
    page.mouse.move(0, 0)


def _charted(page: Page, target: Locator, whole: bool) -> Step:
    target.evaluate("one => one.scrollIntoView({block: 'center'})")
    box = target.bounding_box()
    if box is None:
        return
    for share in (0.3, 0.5, 0.8) if whole else (0.5,):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        page.mouse.up()
        yield f"clicked at {share:.0%}"
    page.mouse.move(0, 0)


def _chosen(page: Page, target: Locator, whole: bool) -> Step:
    """Options of a list that drops down, from the first; then a word that is none."""
    options = page.locator("[role=listbox] [role=option]")
    for number in range(OPTIONS + 1 if whole else 1):
        if not target.count():
            return
        _click(target)
        try:
            options.first.wait_for(timeout=3000)
        except Exception as error:
            if type(error).__name__ != "TimeoutError":
                raise
            page.keyboard.press("Escape")
            yield "opened, and nothing is in it"
            return
        here = options.count()
        if number >= here:
            page.keyboard.press("Escape")
            break
        option = options.nth(here - 1 if number == OPTIONS else number)
        text = option.inner_text()
        option.click(timeout=10_000)
        yield f"chose “{text}”"
    if whole and target.count():
        _click(target)
        page.keyboard.type("no such thing")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        yield "typed what is none of them"


def _grid(page: Page, target: Locator, whole: bool) -> Step:
    """Types into the cells that can be edited: a click, Enter, what is typed, Enter."""
    target.evaluate("one => one.scrollIntoView({block: 'start'})")
    box = target.bounding_box()
    if box is None:
        return
    editor = page.locator("#portal input, #portal textarea").first
    texts = ("12", "2,40", "-5", "words", "")
    for number in range(int(box["width"] // 55)):
        x = 30 + 55 * number
        if x > box["width"] - 10 or not target.count():
            return
        row = number % (5 if whole else 2)
        target.locator(".dvn-scroller").click(position={"x": x, "y": 35 * (row + 1) + 17}, timeout=10_000, force=True)
        page.keyboard.press("Enter")
        if editor.count() and editor.is_editable():
            text = texts[row]
            page.keyboard.press("ControlOrMeta+a")
            page.keyboard.press("Backspace")
            page.keyboard.type(text)
            page.keyboard.press("Enter")
            yield f"typed “{text}” into a cell"
        page.keyboard.press("Escape")
    yield "walked over its cells"


def _link(page: Page, target: Locator, whole: bool) -> Step:
    """Follows a link until the address says that it has led there."""
    path = target.evaluate("one => new URL(one.href).pathname")
    _click(target)
    page.wait_for_function("path => location.pathname === path", arg=path, timeout=30_000)
    yield "followed"


def _tool(page: Page, target: Locator, whole: bool) -> Step:
    target.evaluate("one => one.click()")  # shows on hovering only
    yield "clicked"
    page.keyboard.press("Escape")
    close = page.get_by_role("button", name="Close fullscreen")
    if close.count():
        close.first.evaluate("one => one.click()")
    yield "put away"


def _popover(page: Page, target: Locator, whole: bool) -> Step:
    _click(target)
    yield "opened"
    for button in page.get_by_test_id("stPopoverBody").get_by_role("button").all():
        button.evaluate("one => one.click()")
        yield "pressed what is inside"
    page.keyboard.press("Escape")
    yield "closed"


def _menu(page: Page, target: Locator, whole: bool) -> Step:
    """Every entry of the main menu; a fresh look each time, for it closes."""
    _click(target)
    entries = page.locator("[data-testid=stMainMenuList] [role^=menuitem]")
    entries.first.wait_for(timeout=5000)
    count = entries.count()
    for number in range(count if whole else 1):
        if not entries.count():
            _click(target)
            entries.first.wait_for(timeout=5000)
        name = entries.nth(number).inner_text().replace("\n", " ")
        entries.nth(number).click(timeout=5000)
        yield f"chose {name}"
        page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    yield "closed"


def _sidebar(page: Page, target: Locator, whole: bool) -> Step:
    target.evaluate("one => one.click()")
    yield "put away"
    page.get_by_test_id("stExpandSidebarButton").click(timeout=5000)
    yield "brought back"


def _download(page: Page, target: Locator, whole: bool) -> Step:
    with page.expect_download(timeout=60_000) as taken:
        _click(target)
    failed = taken.value.failure()
    if failed:
        raise AssertionError(f"The file did not come: {failed}")
    if not Path(taken.value.path()).stat().st_size:
        raise AssertionError("The file is empty")
    yield "took the file"


_WAYS: dict[str, Callable[[Page, Locator, bool], Step]] = {
    "help": _hovered,
    "chart": _charted,
    "select": _chosen,
    "several": _chosen,
    "grid": _grid,
    "tool": _tool,
    "popover": _popover,
    "menu": _menu,
    "link": _link,
    "sidebar": _sidebar,
    "download": _download,
}
