"""What Today says, recomputed: its answer, every alert beside the page that it leads to, and the ranking with its file."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from agreement.desk_pages import Shop, ranking, visit
from agreement.item_checks import OUTSIDE
from agreement.shown import NUMBER, Ledger, read

N = f"({NUMBER})"
MONEY = r"([^\s\d]+\s?[\d,]+(?:\.\d+)?)"
KINDS = {
    "shortage": r"will miss about",
    "overstock": r"more than sell in",
    "new": r"is new \(",
    "moved": r"is expected to sell .* than a \w+ ago",
    "outside": r"fell outside the range",
}


def today(book: Ledger, shop: Shop) -> dict[str, int]:
    """The answer and the alerts; how many alerts of each kind there are."""
    alerts = {kind: [one for one in shop.sentences if re.search(says, one)] for kind, says in KINDS.items()}
    written = [one for kind in alerts.values() for one in kind]
    answer = shop.says(rf"{N} items? needs? you, about {MONEY} at risk: (.*?)\.")
    if answer:
        counts = [
            int(one.replace(",", "")) for one in re.findall(r"([\d,]*\d) (?:may|is|are|has|have|keeps?)\b", answer.group(3))
        ]
        book.holds("alerts by their kind", sum(counts) == len(written), f"{answer.group()} and {len(written)} alerts")
        book.sums("money at risk", [_money(one) for one in written], answer.group(2))
    for one in alerts["moved"]:
        moved(book, one)
    for one in alerts["shortage"]:
        shortage(book, one)
    for one in alerts["outside"]:
        outside(book, one)
    for row in ranking(shop):
        book.about = f"Today, {row['item']}"
        if not shop.says(OUTSIDE):
            book.within("expected in its own range", row["low"], row["expected"], row["high"])
    book.about = ""
    return {kind: len(found) for kind, found in alerts.items()}


def _money(sentence: str) -> str:
    """The money of an alert: the sum of money that it names."""
    found = re.findall(r"(?:\$|€|£|¥|₹|[A-Z]{3} )\d[\d,]*(?:\.\d+)?", sentence)
    return found[0] if found else ""


def moved(book: Ledger, sentence: str) -> None:
    """Now less then is the difference, and its causes add up to it."""
    found = re.search(rf"sell {N} (more|fewer) in the next .*? ago, now {N} and then {N}", sentence)
    assert found, sentence
    units, way, now, then = found.groups()
    sign = "−" if way == "fewer" else "+"
    book.about = sentence.partition(" is expected")[0]
    book.difference("difference of an alert", then, now, f"{sign}{units.strip()}")
    if causes := re.search(rf", {N} because of what sold last \w+ and {N} of what", sentence):
        book.adds("causes of an alert", "0", [one.strip() for one in causes.groups()], units.strip())
    book.about = ""


def shortage(book: Ledger, sentence: str) -> None:
    """No more can be missed than is asked for, nor less than is asked for and not there."""
    missed = re.search(rf"miss about {N} sales", sentence)
    asked = re.search(rf"about {N} are asked for", sentence)
    there = re.search(rf"arrives: {N} on hand", sentence)
    assert missed, sentence
    assert asked, sentence
    book.within("missed of what is asked for", "0", missed.group(1), asked.group(1))
    ends = [read(one.group(1)) if one else None for one in (missed, asked, there)]
    if ends[0] and ends[1] and ends[2]:
        least = ends[1].value - ends[2].value - (ends[0].step + ends[1].step) / 2
        book.holds("missed of what is asked for", ends[0].value >= least, sentence)


def outside(book: Ledger, sentence: str) -> None:
    """Above and below are those outside, and a fifth of the periods was to be expected."""
    found = re.search(rf"in (\d+) of the last (\d+) \w+, where {N} were", sentence)
    assert found, sentence
    expected = read(found.group(3))
    assert expected is not None
    fifth = Decimal(found.group(2)) / 5
    book.holds("a fifth was to be expected", abs(expected.value - fifth) <= expected.step / 2, sentence)
    if sides := re.search(r": (\d+) above and (\d+) below", sentence):
        total = int(sides.group(1)) + int(sides.group(2))
        book.holds("above and below are outside", total == int(found.group(1)), sentence)
    if side := re.search(r"(?:above|below) it (\d+) times", sentence):
        book.holds("above and below are outside", int(side.group(1)) <= int(found.group(1)), sentence)


def alerts_of(shop: Shop) -> list[tuple[str, str, str]]:
    """Kind, item and words of every alert, by the address that its link leads to."""
    words = [one for one in shop.sentences if any(re.search(says, one) for says in KINDS.values())]
    links = [
        found.group(1)
        for one in shop.app.get("page_link")
        if one.proto.label in ("Buy", "Lower the price", "Look at it", "See its launch", "What changed", "Earlier forecasts")
        and (found := re.search(r"(?:^|&)(?:item|recent)=([^&]*)", one.proto.query_string))
    ]
    kind_of = lambda text: next(kind for kind, says in KINDS.items() if re.search(says, text))  # noqa: E731
    return [(kind_of(text), item, text) for text, item in zip(words, links, strict=True)]


def alert_page(book: Ledger, kind: str, item: str, words: str) -> None:
    """An alert beside the Item page of the same periods."""
    book.about = f"alert on {item}"
    {"moved": _moved_page, "new": _new_page}.get(kind, _no_page)(book, item, words)
    book.about = ""


def _moved_page(book: Ledger, item: str, words: str) -> None:
    found = re.search(rf"in the next (?:(\d+) )?\w+ than a \w+ ago, now {N} and then {N}", words)
    assert found, words
    shop = visit("item", ("changes",), item=item, horizon=found.group(1) or "1")
    said = shop.says(rf"ago {N} units were expected of .*?, today {N} \({N}\)")
    if said:
        book.same("an alert and what changed: then", found.group(3), said.group(1))
        book.same("an alert and what changed: now", found.group(2), said.group(2))
        book.same("an alert and the Item page", found.group(2), shop.figures[next(iter(shop.figures))][0])
    grid = shop.grid("What changed since last time")
    if grid is not None and "because of what sold last" in words and " of what the forecasts got wrong" not in words:
        parts = {head: read(grid.cell(-1, head)) for head in grid.heads[2:-1]}
        sizes = {head: abs(number.value) for head, number in parts.items() if number}
        book.holds("an alert names the main cause", sizes["New sales"] >= max(sizes.values()), f"{words} {grid.rows[-1]}")


def _new_page(book: Ledger, item: str, words: str) -> None:
    found = re.search(rf"8 times in 10 between {N} and {N} sell in (\d+) ", words)
    if not found:
        return
    shop = visit("item", item=item, horizon=found.group(3))
    if "8 times in 10 between" in shop.figures:
        low, _, high = shop.figures["8 times in 10 between"][0].partition(" – ")
        book.same("an alert and the Item page", found.group(1), low)
        book.same("an alert and the Item page", found.group(2), high)


def _no_page(book: Ledger, item: str, words: str) -> None:
    """What runs out and what is too much is told by the Buy plan alone."""


def ranked(book: Ledger, item_id: str, shop: Shop, item: Shop, lately: Callable[[str], float]) -> None:
    """An item's row in the ranking beside its own page, its file, and what it sold lately where it was in stock."""
    row = next((one for one in ranking(shop) if one["item"] == item_id), None)
    book.holds("an item is in the ranking", row is not None, "the ranking does not find it")
    if row is None:
        return
    figures = list(item.figures.values())
    low, _, high = item.figures["8 times in 10 between"][0].partition(" – ")
    for kind, mine, theirs in (
        ("expected total", row["expected"], figures[0][0]),
        ("P10 of the total", row["low"], low),
        ("P90 of the total", row["high"], high),
    ):
        book.same(kind, mine, theirs)
    grid = item.grid("Forecast of")
    if grid is not None and "Price" in grid.heads and not item.says("price is planned"):
        book.same("price", row["price"], grid.cell(0, "Price"))
    found = read(row["lately"])
    mean = lately(item_id)
    if found is not None:
        fits = abs(float(found.value) - mean) <= float(found.step) / 2 * 1.01
        book.holds("what sold lately", fits, f"{row['lately']} a period where what is on record has {mean:.2f}")
    held = next(one for one in shop.csv("ranking") if one["Item"] == item_id)
    expected = read(row["expected"])
    column = next(name for name in held if name.startswith("Units expected"))
    if expected is not None:
        fits = abs(float(held[column]) - float(expected.value)) <= float(expected.step) / 2 * 1.001
        book.holds("a file beside its table", fits, f"{row['expected']} and {held[column]}")
    p10, p90, width = (float(held[name]) for name in held if name.startswith(("P10", "P90", "Width")))
    if float(held[column]) > 0:
        fits = abs((p90 - p10) / float(held[column]) - width) < 1e-4 * max(1.0, width)
        book.holds("width of the range", fits, f"{p10} to {p90} over {held[column]} is not {width}")
