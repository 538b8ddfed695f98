"""A planner's way through the desk in a real browser, on a server that nobody has visited yet."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from data.catalog import Catalog

if TYPE_CHECKING:
    from conftest import Server
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.e2e

PATIENCE = 30_000  # milliseconds: two cores may be busy with other tests
FAN = ".js-plotly-plot .scatterlayer .trace"


@pytest.fixture
def page(browser: Browser) -> Page:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE)
    return opened


def best_seller(server: Server) -> tuple[str, str]:
    """Id and name of the item that sold most lately."""
    catalog = Catalog(server.catalog)
    try:
        facts = catalog.search("", limit=1).rows[0]
    finally:
        catalog.close()
    return facts.item_id, facts.name


def settled(page: Page) -> None:
    """Wait for the run that is under way: what it draws last is there only when it has ended."""
    page.locator("[data-test-script-state=notRunning]").wait_for()


def figure(page: Page, label: str) -> str:
    """The figure under this label, of a run that has ended."""
    settled(page)
    shown = page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")
    return shown.inner_text().strip()


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text))


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_from_a_deep_link_on_a_fresh_server_to_a_file(server: Server, page: Page, browser: Browser) -> None:
    item, name = best_seller(server)

    # the very first visit is a link straight into a view
    page.goto(f"{server.address}/item?item={item}&horizon=4&tau=0.75")
    page.get_by_role("heading", name=name).wait_for()
    page.locator(FAN).first.wait_for()
    page.get_by_text("P75: 3 times in 4 fewer than").first.wait_for()
    four = number(figure(page, "Expected, next 4 weeks"))

    # and the first thing the planner touches is not lost
    page.get_by_role("slider", name="How many weeks ahead").press("ArrowRight")
    page.get_by_text("Expected, next 5 weeks").wait_for()
    assert number(figure(page, "Expected, next 5 weeks")) > four
    settled(page)
    assert query(page) == {"item": item, "horizon": "5", "tau": "0.75"}

    # find an item on Today, see its fan
    page.get_by_role("link", name="Today").click()
    page.get_by_role("heading", name="What needs me today?").wait_for()
    page.get_by_label("Find an item").press_sequentially(item)
    page.get_by_test_id("stSidebar").get_by_role("link", name=item).first.click()
    page.get_by_role("heading", name=f"What will {name} sell?").wait_for()
    page.locator(FAN).first.wait_for()
    page.locator(".tl-table tbody tr").nth(4).wait_for()  # the table comes after the chart
    settled(page)
    assert page.locator(".tl-table tbody tr").count() == 5

    # lower its price, see units rise
    page.get_by_role("link", name="What if its price changes?").click()
    page.get_by_role("heading", name="has another price?").wait_for()
    planned = number(figure(page, "Units, next 5 weeks"))
    slider = page.get_by_role("slider", name="Price in all periods")
    for percent in range(1, 11):
        slider.press("ArrowLeft")
        page.get_by_text(f"With the price {percent}% lower").wait_for()
    settled(page)
    assert query(page)["scenario"] == "p-10"
    lowered = number(figure(page, "Units, next 5 weeks"))
    assert lowered > planned

    # take the file, and read it
    settled(page)  # a button of a run that is ending answers nobody
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == 5
    assert {row["scenario"] for row in rows} == {"price −10%"}
    assert all(row["creation_date"] and row["model_version"] for row in rows)
    assert all(float(row["Price"]) < float(row["Planned price"]) for row in rows)
    assert sum(float(row["Scenario"]) for row in rows) > sum(float(row["As usual"]) for row in rows)

    # a copied link shows a colleague the same
    page.get_by_role("button", name="Copy link").click()
    address = page.get_by_test_id("stCode").locator("code").inner_text().replace("\n", "")
    colleague = browser.new_context().new_page()
    colleague.set_default_timeout(PATIENCE)
    colleague.goto(address)
    colleague.get_by_text("With the price 10% lower").wait_for()
    assert number(figure(colleague, "Units, next 5 weeks")) == lowered

    # and Back goes back
    page.keyboard.press("Escape")
    page.go_back()
    page.get_by_text("With the price 9% lower").wait_for()
