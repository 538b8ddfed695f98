"""What Accuracy, New items and the money curve say, recomputed from their own tables and files."""

from __future__ import annotations

from agreement.desk_pages import Grid, Shop
from agreement.item_checks import files
from agreement.shown import NUMBER, Ledger, read

N = f"({NUMBER})"
_PLACES = {"lowest": 0, "second lowest": 1, "third lowest": 2, "highest": -1}


def accuracy(book: Ledger, shop: Shop) -> int:
    """The ladder: sentence, figures, verdict, certificate and files; answers how many generations it shows."""
    grid = shop.grid("Ladder of generations")
    if grid is None:
        return 0
    said = shop.says(
        rf"what was known then, (.*?)(?: has the (.*?) error of (\d+) generations)?(?:, {N} (lower|higher) than (.*?))?\. W"
    )
    book.holds("the ladder in words", said is not None, "Accuracy has no sentence of its ladder")
    files(book, shop, "ladder")
    if said is None:
        return len(grid.rows)
    title, standing_, of, percent, word, first = (part and part.strip("*") for part in said.groups())
    titles = grid.column("Generation")
    book.holds("who is looked at", title in titles, f"{title} is not in the table")
    row = titles.index(title) if title in titles else 0
    errors = grid.column("Error per unit")
    book.same("error of the generation", shop.figures["Error per unit sold"][0], errors[row])
    book.same("below P90", shop.figures["Below P90"][0], grid.cell(row, "Below P90"))
    book.same("bias", shop.figures["Bias"][0], grid.cell(row, "Bias"))
    standing(book, errors, row, standing_, of)
    if percent and word and first:
        signed = f"{'−' if word == 'lower' else '+'}{percent}"
        book.share("against the first generation", errors[row], errors[titles.index(first)], signed, less=1)
    against = next(label for label in shop.figures if label.startswith("Against "))
    book.share("against the first generation", errors[row], errors[0], shop.figures[against][0], less=1)
    verdict(book, shop, grid)
    certificate(book, shop)
    return len(grid.rows)


def standing(book: Ledger, errors: list[str], row: int, place: str | None, of: str | None) -> None:
    """The place among all, as the rows are sorted by their error; numbers that look alike may stand either way."""
    numbers = [one for one in map(read, errors) if one is not None]
    mine = read(errors[row])
    if place is None or of is None or mine is None:
        return
    book.holds("generations counted", int(of) == len(numbers), f"{of} generations are said and {len(numbers)} shown")
    below = sum(one.value < mine.value for one in numbers)
    alike = sum(one.value == mine.value for one in numbers)
    rank = _PLACES[place] if place in _PLACES else int(place.split("th")[0]) - 1
    rank = len(numbers) - 1 if rank < 0 else rank
    book.holds("place among the generations", below <= rank < below + alike, f"{place} of {of}, and {below} are lower")


def verdict(book: Ledger, shop: Shop, grid: Grid) -> None:
    """Two generations compared."""
    said = shop.says(rf"^(.*?) errs {N} (less|more) per unit sold than (.*?) \({N} against {N}\)\. .*between {N} and {N}, so")
    if said is None:
        return
    one, percent, word, other, first, second, low, high = said.groups()
    titles, errors = grid.column("Generation"), grid.column("Error per unit")
    for title, text in ((one, first), (other, second)):
        book.same("error of the generation", text, errors[titles.index(title)])
    signed = f"{'−' if word == 'less' else '+'}{percent}"
    book.share("difference of two generations", first, second, signed, less=1)
    book.within("difference within its interval", low, signed, high)
    better, ends = "not by luck alone" in said.string, [read(low), read(high)]
    if all(end is not None and end.value != 0 for end in ends):
        same_side = (ends[0].value > 0) == (ends[1].value > 0)  # type: ignore[union-attr]
        book.holds("sure where the interval is", better == same_side, f"{low} to {high} and {said.string[-80:]}")


def certificate(book: Ledger, shop: Shop) -> None:
    """The promise in words and its row."""
    grid, said = shop.grid("Promised and came"), shop.says(rf"should lie below P90, and {N} did")
    if grid is None or said is None:
        return
    book.holds("the promise in words", said.group(1) in grid.column("Below P90"), f"{said.group(1)} stands in no row")
    for place in range(len(grid.rows)):
        low, high = grid.cell(place, "P90 range").split(" – ")
        book.within("coverage within its range", low, grid.cell(place, "Below P90"), high)
    files(book, shop, "promises")


def launch(book: Ledger, shop: Shop, tau: float) -> None:
    """One launch: sentence, figures, table and analogs."""
    grid, said = (
        shop.grid("Launch of"),
        shop.says(rf"^Expect about {N} units in the first .*? you will sell (?:fewer than {N}|none)"),
    )
    book.holds("the launch in words", grid is not None and said is not None, "New items says nothing of its launch")
    if grid is None or said is None:
        return
    level = f"P{tau * 100:g}"
    expected = next(value for label, (value, _) in shop.figures.items() if label.startswith("Expected, first"))
    chosen = next(value for label, (value, _) in shop.figures.items() if label.startswith(f"{level}: "))
    book.same("expected of the launch", said.group(1), expected)
    book.same("expected of the launch", expected, grid.cell(-1, "Total so far"))
    if said.group(2):
        book.same("quantile of the launch", chosen, grid.cell(-1, f"{level} of total"))
    book.sums("periods of the launch", grid.column("Expected"), grid.cell(-1, "Total so far"))
    low, high = shop.figures["8 times in 10 between"][0].split(" – ")
    book.within("expected within eight in ten", low, expected, high)
    for row in range(len(grid.rows)):
        book.within("median below P90", grid.cell(row, "P10"), grid.cell(row, "P50"), grid.cell(row, "P90"))
    files(book, shop, "launch")
    analogs(book, shop)


def analogs(book: Ledger, shop: Shop) -> None:
    """What the nearest weigh together, as they are listed and as it is said."""
    said = shop.says(rf"The (\d+) nearest carry {N} of the weight")
    shares = [float(row["Share"]) for row in shop.edited if "Share" in row]
    if said is None or not shares:
        return
    book.holds("nearest launches counted", int(said.group(1)) == len(shares), f"{said.group(1)} and {len(shares)} rows")
    book.near("weight of the nearest", said.group(2), sum(shares))
    for row, told in zip(shop.edited, shop.csv("analogs"), strict=True):
        book.near("total of an analog", told["Total"], float(row["Total"]), slack=0.01)


def money_curve(book: Ledger, shop: Shop) -> None:
    """Cost by quantile: the sentence and the table."""
    grid, said = shop.grid("Cost by quantile"), shop.says(rf"Bought to (P[\d.]+), lost sales .*? cost {N} a ")
    if grid is None or said is None:
        return
    levels = [text.strip("▲ ") for text in grid.column("Quantile")]  # the cheapest is marked
    costs = grid.column("Replayed cost")
    if said.group(1) in levels:
        book.same("cost at the chosen quantile", said.group(2), costs[levels.index(said.group(1))])
    numbers = [one.value for one in map(read, costs) if one is not None]
    if best := shop.says(rf"the cheapest was (P[\d.]+) with {N}"):
        book.same("least cost", best.group(2), costs[levels.index(best.group(1))])
        least = read(best.group(2))
        book.holds(
            "least cost", least is not None and least.value <= min(numbers) + least.step, f"{best.group()} and {min(numbers)}"
        )
    for row in range(len(grid.rows)):
        book.within("cost within its range", grid.cell(row, "from"), costs[row], grid.cell(row, "to"))
