"""Clicking the map of attention asks about another week: the list, the address and the sentence follow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from data.catalog import Catalog

if TYPE_CHECKING:
    from conftest import Server
    from playwright.sync_api import Browser

pytestmark = pytest.mark.e2e


def test_a_click_on_the_map_chooses_the_week(server: Server, browser: Browser) -> None:
    catalog = Catalog(server.catalog)
    item = catalog.search("", limit=1).rows[0].item_id
    catalog.close()
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(30_000)
    page.goto(f"{server.address}/item?item={item}&horizon=13")
    page.get_by_text("Items like this one", exact=True).wait_for()  # the last of the page
    page.locator("[data-test-script-state=notRunning]").wait_for()
    page.get_by_text("Where did the forecast look?", exact=True).click()

    def shown(row: int) -> object:
        """The map with this row framed, once it can be clicked."""
        page.locator(f".st-key-looked-map-{row} .heatmaplayer").wait_for(state="attached")
        page.locator("[data-test-script-state=notRunning]").wait_for()
        return page.locator(f".st-key-looked-map-{row} .nsewdrag")

    def click(row: int, of: object, framed: int) -> None:
        of.scroll_into_view_if_needed()
        box = of.bounding_box()
        place = {"x": box["width"] / 3, "y": box["height"] * (row + 0.5) / 13}
        of.hover(position=place)
        told = page.locator(f".st-key-looked-map-{framed} .hoverlayer .hovertext")
        told.filter(has_text=f"{weeks[row]} looked at").wait_for()  # the map listens
        of.click(position=place)

    of, framed = shown(0), 0
    weeks = page.locator(".tl-table").first.locator("tbody tr th").all_inner_texts()
    for row in (4, 9, 4):  # the same week again: what was clicked before is forgotten
        click(row, of, framed)
        of, framed = shown(row), row
        page.get_by_text(re.compile(rf"week of {weeks[row]} the forecast looked most at")).wait_for()
        assert page.locator(".st-key-looked-target-13 input").input_value() == weeks[row]
    address = page.url
    assert "target=" in address

    colleague = browser.new_page(viewport={"width": 1280, "height": 1000})
    colleague.set_default_timeout(30_000)
    colleague.goto(address)
    colleague.get_by_text(re.compile(rf"week of {weeks[4]} the forecast looked most at")).wait_for()
