"""What the Item page and What if say of one item, recomputed: headline, figures, fan, explanations, record and files."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from agreement.desk_pages import Grid, Shop
from agreement.shown import NUMBER, Ledger, read

from pages.ui.display import formats

N = f"({NUMBER})"
_BRIDGES = ("What the forecast is made of", "What changed since last time")
_DIFFERENCES = ("Difference", "They add", "Error")
_STAMPED = (4, 5)  # columns of a CSV file that say where its numbers come from, and their unit where it is not pieces
OUTSIDE = r"[Ww]hat is expected is a mean"  # how a page says why it lies outside its middle range


def item_page(book: Ledger, shop: Shop, tau: float) -> None:
    """Everything of the Item page."""
    headline(book, shop, tau)
    fan(book, shop, tau)
    drivers(book, shop)
    attention(book, shop)
    errors(book, shop)
    changes(book, shop)
    record(book, shop)
    for key in ("item", "why", "looked", "mistakes", "changes", "past"):
        files(book, shop, key)


def headline(book: Ledger, shop: Shop, tau: float) -> None:
    """The sentence, the figures and the last row of the fan's table tell of the same total."""
    said = shop.says(rf"Expect about {N} units in .*; (.*?) you will sell (?:fewer than {N}|none)")
    grid = shop.grid("Forecast of")
    book.holds("headline", said is not None and grid is not None, "the page has no headline or no table")
    if said is None or grid is None:
        return
    expected, ends, chosen = _headline_figures(shop, tau)
    book.same("expected total", said.group(1), expected)
    book.same("expected total", expected, grid.cell(-1, "Total so far"))
    book.same("chosen quantile of the total", said.group(3) or "0.0", chosen)
    book.same("chosen quantile of the total", chosen, grid.cell(-1, f"{formats.level(tau)} of total"))
    if tau == 0.9:
        book.same("P90 of the total", ends[1], chosen)
    if not shop.says(OUTSIDE):
        book.within("expected in its own range", ends[0], expected, ends[1])


def _headline_figures(shop: Shop, tau: float) -> tuple[str, tuple[str, str], str]:
    figures = {label: value for label, (value, _) in shop.figures.items()}
    expected = next(value for label, value in figures.items() if label.startswith("Expected"))
    low, _, high = figures["8 times in 10 between"].partition(" – ")
    chosen = next(value for label, value in figures.items() if label.startswith(f"{formats.level(tau)}:"))
    return expected, (low, high), chosen


def fan(book: Ledger, shop: Shop, tau: float) -> None:
    """The table adds up row by row, its quantiles rise, and the chart draws what the table says."""
    grid = shop.grid("Forecast of")
    if grid is None:
        return
    so_far, expected = grid.column("Total so far"), grid.column("Expected")
    for row in range(len(grid.rows)):
        book.sums("running total", expected[: row + 1], so_far[row])
        book.within("quantiles rise", grid.cell(row, "P10"), grid.cell(row, "P50"), grid.cell(row, "P90"))
        if not shop.says(OUTSIDE):
            book.within("expected in its own range", grid.cell(row, "P10"), expected[row], grid.cell(row, "P90"))
    chart, name = shop.chart("fan"), formats.level(tau)
    lines = {trace.get("name"): trace for trace in (chart or {}).get("data", ())}
    for title, head in ((f"Your {name}", name), ("Median", "P50")):
        drawn = [text.split(", ")[0] if isinstance(text, str) else "" for text in lines[title]["customdata"]]
        for shown, written in zip(drawn, grid.column(head), strict=True):
            book.same("the chart's line", shown, written)
    end = next(one["text"] for one in chart["layout"]["annotations"] if one["text"].startswith(f"<b>{name}</b>"))
    if "none" not in end:
        book.same("the chart's label", end.rpartition("fewer than ")[2], grid.cell(-1, name))
    book.holds("the chart's label names its period", "in the last " in end, f"the label says {end!r} beside the total")


def drivers(book: Ledger, shop: Shop) -> None:
    """The parts lead from the plain level to the forecast, in the sentence, the bridge and each row of the table."""
    grid = shop.grid("What the forecast is made of")
    if grid is None:
        return
    said = shop.says(rf"At its plain level this item would sell {N} units in .*?; the forecast is {N}(.*)")
    assert said is not None
    book.same("plain level", said.group(1), grid.cell(-1, "Plain level"))
    book.same("forecast in its explanation", said.group(2), grid.cell(-1, "Forecast"))
    book.same("forecast in its explanation", said.group(2), _headline_figures_expected(shop))
    _bridge(book, shop, "why-bridge", grid, "drivers")
    parts = re.findall(r"([a-z][a-z ]*?) ([+−]" + NUMBER.removeprefix(r"[+−-]?\s?") + ")", said.group(3))
    names = {head.lower(): head for head in grid.heads}
    for name, units in parts:
        head = names.get(name.removeprefix("what moves it ").removeprefix("and ").strip())
        book.holds("a driver's name", head is not None, f"“{name}” is no column of the table")
        if head:
            book.same("a driver's units", units, grid.cell(-1, head))
    sizes = [abs(number.value) for _, units in parts if (number := read(units))]
    others = [abs(number.value) for head in grid.heads[2:-1] if (number := read(grid.cell(-1, head)))]
    book.holds("the main cause is the largest part", sizes == sorted(sizes, reverse=True), said.group(3))
    if sizes and others:
        book.holds("the main cause is the largest part", sizes[0] >= max(others), said.group(3))
    fan_table = shop.grid("Forecast of")
    _against(book, "expected of a period", grid.column("Forecast")[:-1], fan_table)


def _headline_figures_expected(shop: Shop) -> str:
    return next(value for label, (value, _) in shop.figures.items() if label.startswith("Expected"))


def _bridge(book: Ledger, shop: Shop, key: str, grid: Grid, kind: str) -> None:
    """Every row of a bridge's table adds up, its last is their sum, and the picture tells the same."""
    for row in grid.rows:
        book.adds(f"{kind} add up in a row", row[1], row[2:-1], row[-1])
    for place in range(1, len(grid.heads)):
        column = [row[place] for row in grid.rows]
        moved = 0 < place - 1 < len(grid.heads) - 2
        book.sums(f"{kind}: together is the sum of the rows", column[:-1], column[-1], moved=moved)
    chart = shop.chart(key)
    if chart is not None:
        texts = chart["data"][0]["text"]
        for drawn, written in zip(texts, grid.rows[-1][1:], strict=True):
            book.same(f"{kind} in the picture", drawn, written)


def _against(book: Ledger, kind: str, texts: Sequence[str], fan_table: Grid | None) -> None:
    """Periods of another table beside the same periods of the fan's."""
    if fan_table is not None:
        for shown, written in zip(texts, fan_table.column("Expected"), strict=False):
            book.same(kind, shown, written)


def attention(book: Ledger, shop: Shop) -> None:
    """What the forecast would be without the periods that it looked at most."""
    grid = shop.grid("Where the forecast looked")
    if grid is None:
        return
    for row in range(len(grid.rows)):
        book.difference(
            "what looking back adds", grid.cell(row, "Without them"), grid.cell(row, "Expected"), grid.cell(row, "They add")
        )
    if not shop.says("own past errors"):
        _against(book, "expected of a period", grid.column("Expected"), shop.grid("Forecast of"))
    said = shop.says(rf"looked most at .*?with {N} of its attention.*?would be {N} instead of {N}")
    assert said is not None
    book.same("share of its attention", said.group(1), grid.cell(0, "Of its attention"))
    book.same("without them", said.group(2), grid.cell(0, "Without them"))
    book.same("with them", said.group(3), grid.cell(0, "Expected"))
    if moved := shop.says(rf"they make it {N} units (higher|lower)"):
        sign = "+" if moved.group(2) == "higher" else "−"
        book.same("what looking back adds", f"{sign}{moved.group(1).strip()}", grid.cell(0, "They add"))


def errors(book: Ledger, shop: Shop) -> None:
    """What came less what was expected is the error, and the sentence is their mean."""
    grid = shop.grid("Own errors")
    if grid is None:
        return
    said_of = next((head for head in grid.heads if head.startswith("Expected")), "")
    known = []
    for row in range(len(grid.rows)):
        then, came, error = grid.cell(row, said_of), grid.cell(row, "Came"), grid.cell(row, "Error")
        book.difference("error of a period", then, came, error)
        book.share("error in percent", came, then, grid.cell(row, "Error in %"), less=1)
        known += [number] if (number := read(error)) else []
    said = shop.says(rf"Its forecasts for the last (\d+) .*?were {N} units too (low|high) on average")
    if said and known:
        book.holds("periods with an error", int(said.group(1)) == len(known), f"{said.group()} of {len(known)} rows")
        mean = sum(one.value for one in known) / len(known)
        number = read(said.group(2))
        assert number is not None
        signed = number.value if said.group(3) == "low" else -number.value
        slack = max(one.step for one in known) / 2 + number.step / 2
        book.holds("mean error", abs(mean - signed) <= slack, f"{said.group()}: the rows have {mean:.2f} on average")
    earlier = shop.grid("Earlier forecasts of the same period")
    fan_table = shop.grid("Forecast of")
    if earlier is not None and fan_table is not None:
        book.same("expected of a period", earlier.cell(-1, "Expected"), fan_table.cell(0, "Expected"))
    if instead := shop.says(rf"The forecast for .*? is (?:raised|lowered|moved).*?: {N} instead of {N} without"):
        book.same("expected of a period", instead.group(1), fan_table.cell(0, "Expected") if fan_table else None)
        _corrected(book, instead.group())


def _corrected(book: Ledger, words: str) -> None:
    """What own errors did, in the parts of one sentence."""
    parts = [
        f"{'−' if kind == 'lowered' else '+'}{units.strip()}"
        for kind, units in re.findall(rf"(raised|lowered) by {N} units", words)
    ]
    parts += [f"{sign}{units}" for sign, units in re.findall(r"moved by ([+−])([\d.,]*\d) units", words)]
    now, without = re.findall(rf": {N} instead of {N} without", words)[-1]
    if parts:
        book.adds("own errors add up", without, parts, now)


def changes(book: Ledger, shop: Shop) -> None:
    """What was expected a period ago and what is today."""
    grid = shop.grid("What changed since last time")
    if grid is None:
        return
    said = shop.says(rf"ago {N} units were expected of .*?, today {N} \({N}\)")
    assert said is not None
    book.difference("change since last time", *said.groups())
    book.same("expected last time", said.group(1), grid.cell(-1, "Last time"))
    book.same("expected today", said.group(2), grid.cell(-1, "Today"))
    _bridge(book, shop, "changes-bridge", grid, "changes")
    _against(book, "expected of a period", grid.column("Today")[:-1], shop.grid("Forecast of"))
    since, errors_ = shop.says(rf"since sold {N} where {N} had been expected"), shop.grid("Own errors")
    if since and errors_ is not None:
        book.same("what the last period sold", since.group(1), errors_.cell(-1, "Came"))
        then = next((head for head in errors_.heads if head.startswith("Expected")), "")
        if not shop.says("mean of all forecasts"):  # else both are named
            book.same("what had been expected of the last period", since.group(2), errors_.cell(-1, then))


def record(book: Ledger, shop: Shop) -> None:
    """How earlier forecasts did: counts, their share, and each total beside its range."""
    said = shop.says(rf"In (\d+) of (\d+) .*?\({N}; 80%.*?above the band (.*?) and below it (.*?)\.")
    if said is None:
        return
    book.share("share inside the range", said.group(1), said.group(2), said.group(3))
    above, below = (_times(said.group(part)) for part in (4, 5))
    inside, known = int(said.group(1)), int(said.group(2))
    book.holds("inside, above and below", inside + above + below == known, said.group())
    grid = shop.grid("Earlier forecasts")
    for row in [] if grid is None else range(len(grid.rows)):
        low, came, high = (read(grid.cell(row, head)) for head in ("P10 of total", "Came", "P90 of total"))
        where = grid.cell(row, "Against eight in ten")
        if low and came and high:
            fits = {"below": came.value <= low.value, "above": came.value >= high.value}
            inside_ = low.value <= came.value <= high.value
            book.holds("a total beside its range", fits.get(where, inside_), f"{came.text} is {where} {low.text} – {high.text}")


def _times(words: str) -> int:
    found = re.match(r"\d+", words)
    return int(found.group()) if found else {"never": 0, "once": 1, "twice": 2}[words]


def what_if(book: Ledger, shop: Shop, item: Shop) -> None:
    """A scenario beside the plan, and the plan beside the Item page."""
    units = next((value, under) for label, (value, under) in shop.figures.items() if label.startswith("Units"))
    grid = shop.grid("Scenario for")
    assert grid is not None
    scenario, usual = grid.column("Scenario"), grid.column(grid.heads[grid.heads.index("Scenario") - 1])
    _against(book, "expected of a period", usual, item.grid("Forecast of"))
    for before, after, change in zip(usual, scenario, grid.column("Difference"), strict=True):
        book.difference("difference of a scenario", before, after, change)
    book.sums("units of a scenario", scenario, units[0])
    said = shop.says(rf"sell about {N} in .*? instead of {N}: {N} \({N}\)")
    low, _, high = shop.figures["8 times in 10 between"][0].partition(" – ")
    if said is None:
        plain = shop.says(rf"(?:As usual|As planned) you will sell about {N}")
        book.same("expected total", plain.group(1) if plain else None, _headline_figures_expected(item))
        for mine, theirs in zip((low, high), item.figures["8 times in 10 between"][0].split(" – "), strict=True):
            book.same("range of the total", mine, theirs)
    else:
        after, before, change, percent = said.groups()
        book.same("units of a scenario", after, units[0])
        book.same("expected total", before, _headline_figures_expected(item))
        book.difference("difference of a scenario", before, after, change)
        book.share("a change in percent", after, before, percent, less=1)
        under = shop.figures["8 times in 10 between"][1].removesuffix(" as usual").removesuffix(" as planned")
        for mine, theirs in zip(under.split(" – "), item.figures["8 times in 10 between"][0].split(" – "), strict=True):
            book.same("range of the total", mine, theirs)
    book.within("expected in its own range", low, units[0], high) if not shop.says(OUTSIDE) else None
    _revenue(book, shop, grid)
    files(book, shop, "scenario")


def _revenue(book: Ledger, shop: Shop, grid: Grid) -> None:
    """Revenue is units times prices, and its change is what leads to it."""
    value = read(shop.figures["Revenue"][0])
    rows = list(zip(map(read, grid.column("Scenario")), map(read, grid.column("Price")), strict=False))
    if value is None or not rows or any(one is None or price is None for one, price in rows):
        return
    low = high = value.value * 0
    for units, price in rows:
        if units is not None and price is not None:
            low += max(units.value - units.step / 2, 0) * (price.value - price.step / 2)
            high += (units.value + units.step / 2) * (price.value + price.step / 2)
    fits = low - value.step / 2 <= value.value <= high + value.step / 2
    book.holds("revenue is units times prices", fits, f"{value.text} is not within {low:.2f} to {high:.2f}")


def files(book: Ledger, shop: Shop, key: str) -> None:
    """The files under a table hold the numbers that the table shows."""
    if f"{key}-csv" not in shop.files:
        return
    rows = shop.csv(key)
    grid = next(
        (
            one
            for one in shop.grids.values()
            if rows and list(one.heads) == list(rows[0])[: len(one.heads)] and len(rows[0]) - len(one.heads) in _STAMPED
        ),
        None,
    )
    if grid is None:
        return
    workbook = shop.xlsx(key)
    book.holds("rows of a file", len(rows) == len(grid.rows) == len(workbook), f"{key}: {len(rows)} and {len(grid.rows)}")
    for place, shown in enumerate(grid.rows):
        for head, text in zip(grid.heads, shown, strict=True):
            number, cell = read(text), rows[place][head]
            try:
                value = float(cell)
            except ValueError:
                continue
            sheet = workbook[place][head]
            same = math.isclose(sheet, value, rel_tol=1e-12)  # a workbook keeps 16 digits
            book.holds("a workbook beside its CSV", same, f"{head}: {sheet} and {value}")
            if number is not None:
                scaled, step = value * (100 if text.endswith("%") else 1), float(number.step)
                slack = step / 2 * 1.0001
                if (
                    grid.title.startswith(_BRIDGES) or head in _DIFFERENCES
                ):  # on the page of the numbers shown, in the file of the numbers
                    slack = 1.5 * max(float(one.step) for one in map(read, shown[1:]) if one)
                book.holds("a file beside its table", abs(scaled - float(number.value)) <= slack, f"{head}: {text}, {value}")
