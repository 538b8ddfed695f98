"""A planner changes an order in a real browser: what is saved is there after a reload, and in the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Server
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

PATIENCE = 60_000  # milliseconds: two cores may be busy with other tests


@pytest.fixture
def page(browser: Browser) -> Page:
    opened = browser.new_page(viewport={"width": 1400, "height": 1200})
    opened.set_default_timeout(PATIENCE)
    return opened


def settled(page: Page) -> None:
    """Wait for the run that is under way: what it draws last is there only when it has ended."""
    page.locator("[data-test-script-state=notRunning]").wait_for()


def ordered(page: Page) -> dict[str, dict[str, str]]:
    """The purchase order as its file says, by item."""
    settled(page)
    with page.expect_download() as download:
        page.get_by_test_id("stMain").get_by_role("button", name="CSV").first.click()
    rows = csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig")))
    return {row["Item"]: row for row in rows}


def type_into_a_row(page: Page, more: int) -> tuple[str, int]:
    """Types ``more`` into the cell under "Buy" of one of the first rows, by the keys; the item's id and the number."""
    from playwright.sync_api import TimeoutError as NotYet

    table = page.get_by_test_id("stDataFrame")
    table.evaluate("one => one.scrollIntoView({block: 'end'})")  # the window is higher than the list and the toolbar above it
    chosen = table.locator("td[aria-selected=true]")
    for row in range(10):  # a grid that was drawn this moment does not hear the first click
        table.locator(".dvn-scroller").click(position={"x": 30, "y": 35 * (row + 1) + 17})
        try:
            chosen.wait_for(state="attached", timeout=1000)
            break
        except NotYet:
            continue
    name, row = chosen.inner_text(), str(chosen.get_attribute("id")).rsplit("-", 1)[-1]
    names = table.locator("table[role=grid] th").evaluate_all("all => all.map(one => one.textContent.trim())")
    for column in range(1, names.index("Buy") + 1):
        page.keyboard.press("ArrowRight")
        table.locator(f"#glide-cell-{column}-{row}[aria-selected=true]").wait_for(state="attached")
    page.keyboard.press("Enter")
    editor = page.locator("#portal textarea")
    units = round(float(editor.input_value().replace(",", ""))) + more
    editor.fill(str(units))
    page.keyboard.press("Enter")
    return name.rsplit("(", 1)[-1].removesuffix(")"), units


def test_a_changed_quantity_is_saved_survives_a_reload_and_is_in_the_file(server: Server, page: Page) -> None:
    page.goto(f"{server.address}/buy_plan")
    page.get_by_role("heading", name="How many do I buy?").wait_for()
    page.get_by_role("button", name="Save", exact=True).wait_for()
    before = ordered(page)

    item, wanted = type_into_a_row(page, 7)
    assert before[item]["Quantity by"] == "worked out"
    assert float(before[item]["Buy"]) == wanted - 7
    page.get_by_text("This pays only if").first.wait_for()
    page.get_by_role("button", name="Save 1 change").click()
    page.get_by_text("Saved: 1 quantity of yours").wait_for()

    page.reload()
    page.get_by_role("heading", name="How many do I buy?").wait_for()
    page.get_by_role("button", name="Save", exact=True).wait_for()
    after = ordered(page)
    assert float(after[item]["Buy"]) == wanted
    assert after[item]["Quantity by"] == "planner"
    same = set(before) - {item}
    assert {item: after[item]["Buy"] for item in same} == {item: before[item]["Buy"] for item in same}
