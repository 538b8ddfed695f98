"""What the Buy plan says of one item and of all, recomputed: the sentence, the list's arithmetic, the figures and the files."""

from __future__ import annotations

import math
import re

from agreement.desk_pages import Shop
from agreement.shown import NUMBER, Ledger, read

N = f"({NUMBER})"
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE]-?\d+)?")


def one_item(book: Ledger, shop: Shop, listed: Shop, item: Shop, fan_at: Shop | None) -> None:
    """The plan for one item, its row in the list, and the Item page; ``fan_at`` is that page until the order has to last."""
    (row,) = shop.csv("order") or [{}]
    if not row:
        book.same("nothing to buy", shop.figures["Units to buy"][0], "0")
        return
    line(book, row)
    units, money = shop.figures["Units to buy"][0], shop.figures["Money"][0]
    book.same("units to buy", units, row["Buy"])
    book.near("money of the order", money, float(row["Money"]))
    sentence(book, shop, row)
    in_the_list(book, shop, row, listed)
    if fan_at is not None:
        against_the_fan(book, shop, row, fan_at)
    grid = item.grid("Forecast of")
    price = read(grid.cell(0, "Price")) if grid is not None else None
    cost = float(row["Unit cost"])
    if price is not None and shop.says("unit cost.*margin of 30%"):
        book.holds("cost beside the price", abs(0.7 * float(price.value) - cost) <= 0.0071, f"70% of {price.text} and {cost}")


def in_the_list(book: Ledger, shop: Shop, row: dict[str, str], listed: Shop) -> None:
    """The same item in the list of all, and on the page where its row is typed into."""
    mine = [one for one in listed.csv("order") if one["Item"] == row["Item"]]
    for name in row:
        if mine and _NUMBER.fullmatch(row[name]):
            fits = math.isclose(float(row[name]), float(mine[0][name]), rel_tol=1e-9, abs_tol=1e-9)
            book.holds("one item and its row in the list", fits, f"{name}: {row[name]} and {mine[0][name]}")
    for typed in shop.edited:
        columns = ("Need", "Need"), ("− on hand", "On hand"), ("− on order", "On order"), ("= gap", "Gap"), ("Buy", "Buy")
        for here, there in columns:
            shown = float(str(typed[here]).replace(",", ""))  # what is typed into is text
            book.holds("the list and its file", shown == float(row[there]), f"{here}: {typed[here]} and {row[there]}")


def line(book: Ledger, row: dict[str, str]) -> None:
    """Need less what is there is the gap; the minimum and the packs only raise it; money is units times cost."""
    number = {name: float(value) for name, value in row.items() if _NUMBER.fullmatch(value)}
    left = number["Need"] + number["Back orders"] - number["Lost before the receipt"]
    gap = max(left - number["On hand"] - number["On order"], 0.0)
    book.holds("need less what is there is the gap", abs(gap - number["Gap"]) < 0.01, f"{gap} and {number['Gap']}")
    steps = [number[name] for name in ("Gap", "After minimum", "In whole packs")]
    book.holds("minimum and packs only raise", steps == sorted(steps), f"{steps}")
    money = number["Buy"] * number["Unit cost"]
    book.holds("money is units times cost", abs(money - number["Money"]) < 0.01, f"{money} and {number['Money']}")


def sentence(book: Ledger, shop: Shop, row: dict[str, str]) -> None:
    """The arithmetic in words."""
    said = shop.says(rf"Buy {N}: {N} are needed for ([\d.]+) ")
    book.holds("the order in words", said is not None, "the page has no sentence of its order")
    if said is None:
        return
    book.same("units to buy", said.group(1), shop.figures["Units to buy"][0])
    book.same("need", said.group(2), row["Need"])
    book.same("periods to last", said.group(3), row["Periods to last"])
    if less := shop.says(rf"less {N} on hand and {N} on order(?: \(.*?\))?(?:, with {N} back orders on top)?.*?, is {N}"):
        on_hand, on_order, owed, gap = less.groups()
        lost = re.search(rf"less {N} of that lost", less.group())
        parts = [f"−{on_hand.strip()}", f"−{on_order.strip()}", *([f"+{owed.strip()}"] if owed else [])]
        parts += [f"−{lost.group(1).strip()}"] if lost else []
        book.adds("need less what is there is the gap", said.group(2), parts, gap)
        book.same("on hand", on_hand, row["On hand"])
        book.same("on order", on_order, row["On order"])


def against_the_fan(book: Ledger, shop: Shop, row: dict[str, str], fan_at: Shop) -> None:
    """The need is the quantile that the Item page shows of as many periods, and what is missed and left implies its mean."""
    grid = fan_at.grid("Forecast of")
    assert grid is not None
    if float(row["Lead time give or take"]) == 0:
        quantile, need = read(grid.cell(-1, f"P{float(row['Asked quantile']) * 100:g} of total")), read(row["Need"])
        assert quantile is not None
        assert need is not None
        book.holds(
            "need is the quantile on the Item page",
            abs(need.value - quantile.value) <= quantile.step / 2 + 1 - quantile.step,
            f"{row['Need']} are needed where the Item page says {quantile.text}",
        )
        implied_mean(book, shop, row, grid.cell(-1, "Total so far"))


def implied_mean(book: Ledger, shop: Shop, row: dict[str, str], expected: str) -> None:
    """Units there, less what is left over, with what is missed, are what is expected to be asked for."""
    missed, left, whole = (
        read(text) for text in (shop.figures["Expected to miss"][0], shop.figures["Expected left over"][0], expected)
    )
    if missed is None or left is None or whole is None or float(row["Lost before the receipt"]):
        return
    there = float(row["Buy"]) + float(row["On hand"]) + float(row["On order"]) - float(row["Back orders"])
    found = there - float(left.value) + float(missed.value)
    slack = float(missed.step + left.step + whole.step) / 2 + 1e-6
    book.holds(
        "expected on the Buy plan and on the Item page",
        abs(found - float(whole.value)) <= slack,
        f"{there:g} there, {left.text} left and {missed.text} missed make {found:.4g}, the Item page expects {whole.text}",
    )


def whole_list(book: Ledger, shop: Shop) -> None:
    """The list of all items: figures and sentence are the sums of its rows."""
    rows = shop.csv("order")
    for row in rows:
        line(book, row)
    book.near("units of the list", shop.figures["Units to buy"][0], sum(float(row["Buy"]) for row in rows))
    book.near("money of the list", shop.figures["Money"][0], sum(float(row["Money"]) for row in rows))
    if said := shop.says(rf"Buy {N} units of {N} items for about {N}"):
        book.same("units of the list", said.group(1), shop.figures["Units to buy"][0])
        book.same("money of the list", said.group(3), shop.figures["Money"][0])
        book.near("items of the list", said.group(2), float(sum(float(row["Buy"]) > 0 for row in rows)))
    together(book, shop)


def together(book: Ledger, shop: Shop) -> None:
    """What they sell together: the share too much, and each median below its P90."""
    grid = shop.grid("What they sell together")
    said = shop.says(rf"fewer than {N} units \({N} .*?as fewer than {N} \({N}\).*?would say {N}, {N} too much")
    if grid is None or said is None:
        return
    p90, money, middle, _, added, percent = said.groups()
    book.same("P90 together", p90, grid.cell(0, "9 in 10 fewer than"))
    book.same("median together", middle, grid.cell(0, "As often more as fewer"))
    book.same("money together", money, grid.cell(0, "9 in 10 less than, money"))
    book.share("share too much", added, p90, percent, less=1)
    for row in range(len(grid.rows)):
        ends = [grid.cell(row, head) for head in ("As often more as fewer", "9 in 10 fewer than")]
        book.within("median below P90", "0", *ends)
