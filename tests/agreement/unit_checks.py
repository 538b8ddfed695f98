"""The same desk counted in another unit: the page agrees with itself, and with the page in pieces by what a piece is."""

from __future__ import annotations

from agreement import item_checks
from agreement.desk_pages import Shop
from agreement.shown import Ledger, read

UNITS = ("cases", "money")


def item(book: Ledger, pieces: Shop, counted: Shop, scenario: Shop, tau: float) -> None:
    """The Item page in a unit, beside that in pieces; and in money beside the revenue of What if."""
    if counted.says("so it is shown in pieces"):
        return
    item_checks.item_page(book, counted, tau)
    chances = [shop.figures["Price elasticity"][0] for shop in (pieces, counted)]
    book.holds("an elasticity has no unit", chances[0] == chances[1], f"{chances[0]} and {chances[1]}")
    mine, theirs = (shop.grid("Forecast of") for shop in (counted, pieces))
    assert mine is not None
    assert theirs is not None
    if counted.unit == "money":
        book.same("the revenue as planned", next(iter(counted.figures.values()))[0], scenario.figures["Revenue"][0])
        for row in range(len(mine.rows)):
            _times(book, theirs.cell(row, "Expected"), theirs.cell(row, "Price"), mine.cell(row, "Expected"))
        return
    held, plain = (shop.csv("item") for shop in (counted, pieces))
    packs = {round(float(b["P90"]) / float(a["P90"]), 6) for a, b in zip(held, plain, strict=True) if float(a["P90"]) > 0}
    book.holds("one pack size for all periods", len(packs) <= 1, f"{packs}")


def today(book: Ledger, shop: Shop) -> None:
    """In money, what all items are expected to sell is the sum of the items ranked."""
    total = next((value for label, (value, _) in shop.figures.items() if label.startswith("USD")), "")
    rows = shop.csv("ranking")
    column = next(head for head in rows[0] if head.startswith("USD expected"))
    shown, added = read(total), sum(float(row[column]) for row in rows if row["Counted in"] == "USD")
    book.holds("there is a total in money", shown is not None, "Today shows none")
    if shown is not None:
        slack = float(shown.step) / 2 + 1e-3 * added
        fits = abs(added - float(shown.value)) <= slack
        book.holds("items in money make the total", fits, f"{len(rows)} items make {added:,.2f}, not {total}")


def _times(book: Ledger, pieces: str, price: str, worth: str) -> None:
    """So many pieces at a price are worth that, within what rounding allows."""
    numbers = [read(one) for one in (pieces, price, worth)]
    if any(one is None for one in numbers):
        return
    count, each, shown = (one for one in numbers if one is not None)
    ends = [(count.value + a * count.step / 2) * (each.value + b * each.step / 2) for a in (-1, 1) for b in (-1, 1)]
    fits = min(ends) - shown.step / 2 <= shown.value <= max(ends) + shown.step / 2
    book.holds("pieces at their price", fits, f"{pieces} at {price} are not {worth}")
