"""The rows of a file under a mapping: read and checked one by one.

Every problem is collected, so that a planner mends a file once and not ten times. Axis letters: R rows, N items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from data.errors import Problem
from data.facts import Check, Severity
from data.schema import PRICE, PROMO
from data.sources.upload.column_mapping import CLOSING_STOCK, ColumnMapping, plain_name
from data.sources.upload.columns.row_keys import first_rows
from data.sources.upload.dates.column_dates import Dates, dates
from data.sources.upload.limits import LARGEST_NUMBER, LARGEST_QUANTITY, LONGEST_NAME, shortened
from data.sources.upload.offers import Decisions
from data.sources.upload.panel_layout import Rows
from data.sources.upload.readers.coded_columns import Telling, silent
from data.sources.upload.readers.table import FileTable, many, problem_at
from data.sources.upload.repairs import pipeline
from data.sources.upload.repairs.found import Lines, Sheet
from data.sources.upload.repairs.history import on_calendar
from data.sources.upload.repairs.lines.currencies import prices
from data.sources.upload.repairs.lines.item_codes import damage, look_alikes
from data.sources.upload.repairs.lines.item_facts import read_attributes, read_commercial
from data.sources.upload.value_parsing import Coded, Decimal, decimal_mark, numbers, switches, words_for_nothing


def read_rows(
    table: FileTable, cells: Mapping[str, Coded], mapping: ColumnMapping, decisions: Decisions, tell: Telling = silent
) -> Rows:
    """What the rows of the table say under the mapping and the decisions, with all that is wrong with them."""
    return _Reading(table, cells, mapping, decisions, tell).read()


class _Reading:
    """One pass over the rows; each step adds what it found to what is ``told``."""

    def __init__(
        self, table: FileTable, cells: Mapping[str, Coded], mapping: ColumnMapping, decisions: Decisions, tell: Telling
    ) -> None:
        self._table, self._cells, self._mapping, self._decisions = table, cells, mapping, decisions
        self._numbers, self._stock_in_units = table.rows, False
        remarks = [Check("File", remark, 1, "note") for remark in table.remarks]
        self._told = pipeline.Told(checks=remarks, problems=list(table.problems), tell=tell)

    def read(self) -> Rows:
        rows = Rows()
        if self._columns_are_there():
            sheet = Sheet(self._cells, self._numbers, self._mapping, self._decimal_mark())
            sheet = pipeline.repaired(sheet, pipeline.OF_SHEETS, self._decisions, self._told)
            rows = on_calendar(self._of_sheet(sheet), self._mapping, self._decisions, self._told)
        told = self._told
        return replace(rows, problems=tuple(told.problems), checks=tuple(told.checks), offers=tuple(told.offers))

    def _of_sheet(self, sheet: Sheet) -> Rows:
        """What the rows that are left say, before they lie on a calendar."""
        self._cells, self._numbers, self._decimal = sheet.cells, sheet.numbers, sheet.decimal
        rows = Rows(numbers=sheet.numbers)
        self._items(rows)
        rows.days = self._days(rows)
        rows.zero_missing = np.full(len(rows.item_ids), self._mapping.missing == "zero")
        rows.demand = self._measure(self._mapping.demand, LARGEST_QUANTITY)
        self._covariates(rows)
        self._facts(rows, sheet)
        lines = pipeline.repaired(Lines(rows, sheet), pipeline.OF_LINES, self._decisions, self._told)
        for one in damage(rows.item_ids, lines.rows.item, lines.rows.days, lines.rows.numbers):
            (self._told.problems if isinstance(one, Problem) else self._told.checks).append(one)  # type: ignore[arg-type]
        return lines.rows

    # columns

    def _columns_are_there(self) -> bool:
        mapping = self._mapping
        for role, words in (("item_id", "item"), ("date", "date"), ("demand", "demand")):
            if not getattr(mapping, role):
                known = shortened(", ".join(self._cells), 300)
                self._told.problems.append(Problem(f"No column is chosen for the {words}. The file has: {known}"))
        used = mapping.columns()
        for column in dict.fromkeys(used):
            if column not in self._cells:
                self._told.problems.append(Problem(f"The file has no column {column!r}"))
            elif used.count(column) > 1:
                self._told.problems.append(Problem(f"Column {column!r} is chosen for two things"))
        names = [plain_name(column) for column in (*mapping.known, *mapping.past)]
        for name in dict.fromkeys(names):
            if names.count(name) > 1 or name in (PRICE, PROMO, "demand", "in_stock", ""):
                self._told.problems.append(Problem(f"Two columns would be called {name!r} in the catalog. Rename one"))
        return len(self._told.problems) == len(self._table.problems)

    def _decimal_mark(self) -> Decimal:
        mapping = self._mapping
        numeric = (
            mapping.demand,
            mapping.price,
            mapping.stock,
            *mapping.known,
            *mapping.past,
            *mapping.commercial.values(),
        )
        columns = [self._cells[column] for column in numeric if column in self._cells]
        decimal, proven = decimal_mark(columns, self._table.delimiter)
        if decimal == ",":
            why = "as the file shows" if proven else "as usual in a file separated by semicolons"
            self._tell("Numbers", f"Numbers are read with a decimal comma (1,5 is one and a half), {why}.", 1)
        elif not proven and any("," in text for column in columns for text in column.texts):
            words = "Commas in numbers are read as thousands separators (1,234 is one thousand two hundred thirty-four)."
            self._tell("Numbers", words, 1, "warning")
        return decimal

    # keys

    def _items(self, rows: Rows) -> None:
        column = self._cells[self._mapping.item_id]
        self._missing(column.codes < 0, "an item id")
        if not self._mapping.location:
            rows.item, ids = column.codes, column.texts
        else:
            place = self._cells[self._mapping.location]
            self._missing(place.codes < 0, "a location")
            whole = (column.codes >= 0) & (place.codes >= 0)
            pairs = np.where(whole, column.codes.astype(np.int64) * max(1, len(place.texts)) + place.codes, -1)
            different, codes = np.unique(pairs[whole], return_inverse=True)
            rows.item = np.full(len(pairs), -1, np.int32)
            rows.item[whole] = codes
            products, places = np.divmod(different, max(1, len(place.texts)))
            ids = tuple(f"{column.texts[p]} @ {place.texts[q]}" for p, q in zip(products, places, strict=True))
            order = _order(rows.item, len(ids))
            rows.product, rows.place = products[order], places[order]
        order = _order(rows.item, len(ids))
        renumbered = np.full(len(ids) + 1, -1, np.int32)
        renumbered[order] = np.arange(len(order))
        rows.item, rows.item_ids = renumbered[rows.item], tuple(ids[code] for code in order)
        long = np.array([len(item_id) > LONGEST_NAME for item_id in rows.item_ids] + [False], dtype=bool)[rows.item]
        if long.any():
            self._wrong(f"Item ids of more than {LONGEST_NAME} characters, such as {column.example(long)}", long)
        self._told.checks += look_alikes(rows.item_ids)

    def _days(self, rows: Rows) -> np.ndarray:
        """The day [R] of each row."""
        column, mapping = self._cells[self._mapping.date], self._mapping
        unclear = self._table.delimiter == ";"
        found: Dates = dates(
            column,
            day_first=mapping.day_first,
            day_first_if_unclear=unclear,
            decisions=self._decisions,
            name=mapping.date,
        )
        self._told.offers += found.offers
        if found.problem:
            self._wrong(found.problem, column.filled())
        self._told.checks += [Check("Dates", remark, 1, "note") for remark in found.remarks]
        self._missing(found.empty, "a date")
        rows.date_format = found.words
        if found.bad.any():
            self._wrong(f"{column.example(found.bad)} in {mapping.date!r} is not a date", found.bad)
        if found.odd.any():
            ask = ". Use one" if not found.offers else ". Read them together, or use one"
            words = f"Mixed date formats: most dates are written like {found.words}, these like {found.odd_words}{ask}"
            self._wrong(words, found.odd)
        if found.ambiguous:
            first = "day" if found.day_first else "month"
            words = f"Dates such as {column.texts[0]} do not tell day from month; they are read {first} first."
            self._tell("Dates", words, int((column.codes >= 0).sum()), "warning")
        return np.where(found.odd, np.datetime64("NaT", "D"), found.days) if found.odd.any() else found.days

    # numbers

    def _price(self, rows: Rows) -> np.ndarray:
        """The prices [R], which may not be negative."""
        column, mapping = self._mapping.price, self._mapping
        cells = self._cells[column]
        read = prices(cells, self._decimal, self._numbers, rows.item, mapping.currency, self._decisions)
        self._told.offers += [read.offer] if read.offer else []
        self._told.checks += read.checks
        self._told.problems += read.problems
        values = self._checked(column, read.values, read.wrong, LARGEST_QUANTITY)
        if (values < 0).any():
            self._wrong(f"Negative price in {column!r}", values < 0)
        return values

    def _measure(self, column: str, most: float = LARGEST_NUMBER) -> np.ndarray:
        """The numbers [R] of a column; larger ones than ``most`` are slips, and would drown all others in a sum."""
        return self._checked(column, *numbers(self._cells[column], self._decimal), most)

    def _checked(self, column: str, values: np.ndarray, wrong: np.ndarray, most: float) -> np.ndarray:
        cells = self._cells[column]
        if words := words_for_nothing(cells):
            empty = int(((cells.codes >= 0) & ~cells.filled()).sum())
            self._tell(
                "Empty cells", f"Words for nothing in {column!r}, read as empty, by rows: {shortened(words, 300)}.", empty
            )
        if wrong.any():
            self._wrong(f"{cells.example(wrong)} in {column!r} is not a number", wrong)
        if max(np.fmax.reduce(values, initial=0.0), -np.fmin.reduce(values, initial=0.0)) > most:
            large = np.abs(values) > most
            self._wrong(f"{cells.example(large)} in {column!r} is beyond what is read, {most:,.0f}. Check the cell", large)
        return values

    def _covariates(self, rows: Rows) -> None:
        mapping = self._mapping
        if mapping.price:
            rows.known[PRICE] = self._price(rows)
        if mapping.promo:
            rows.known[PROMO] = self._promo()
        rows.known |= {plain_name(column): self._measure(column) for column in mapping.known}
        rows.past |= {plain_name(column): self._measure(column) for column in mapping.past}
        if mapping.stock:
            rows.in_stock = self._in_stock()

    def _promo(self) -> np.ndarray:
        cells = self._cells[self._mapping.promo]
        values, wrong = switches(cells, self._decimal)
        if wrong.any():
            example = cells.example(wrong)
            words = f"{self._mapping.promo!r} names promotions, such as {example}: any name counts as running."
            self._tell("Promotions", words, int(wrong.sum()))
            values[wrong] = 1.0
        highest = np.nanmax(values, initial=0.0)
        if 1 < highest <= 100 and np.nanmin(values, initial=0.0) >= 0:
            words = f"{self._mapping.promo!r} goes up to {highest:g}: it is read as percent."
            self._tell("Promotions", words, int((values > 1).sum()))
            values = values / 100
        outside = (values < 0) | (values > 1)
        if outside.any():
            self._wrong(f"Promotion in {self._mapping.promo!r} outside 0 … 1", outside)
        return values

    def _in_stock(self) -> np.ndarray:
        """The share of the period in stock [R]."""
        column = self._mapping.stock
        said, odd = switches(self._cells[column], self._decimal)
        if not odd.any() and numbers(self._cells[column], self._decimal)[1].any():  # yes and no, and no number of units
            self._tell("Stock", f"{column!r} is read as in stock or not.", int((said == 0).sum()))
            return said
        values = self._measure(column, LARGEST_QUANTITY)
        seen = values[np.isfinite(values)]
        share = self._mapping.stock_is
        if share is None:
            fractions = len(seen) > 0 and seen.min() >= 0 and seen.max() <= 1
            share = "share" if fractions else "units"
        if share == "units":
            if below := int((values < 0).sum()):
                self._tell("Stock", f"Stock below zero counts as none: {many(below, 'row')}.", below, "warning")
            words = f"{column!r} is read as units: none left means out of stock, and demand may have been higher."
            self._tell("Stock", words, int((values <= 0).sum()))
            self._stock_in_units = True
            return np.where(np.isfinite(values), values > 0, np.nan)
        outside = (values < 0) | (values > 1)
        if outside.any():
            self._wrong(f"Share in stock in {column!r} outside 0 … 1", outside)
        return values

    # items

    def _facts(self, rows: Rows, sheet: Sheet) -> None:
        self._told.checks += read_attributes(rows, sheet)
        columns = {**self._closing_stock(), **self._mapping.commercial}
        found = read_commercial(rows, sheet, columns, self._decisions)
        self._told.checks += found.checks
        self._told.offers += [found.offer] if found.offer else []

    def _closing_stock(self) -> dict[str, str]:
        """The stock at the end of a period, in units, as what is on hand."""
        column = self._mapping.stock
        if not self._stock_in_units or plain_name(column) not in CLOSING_STOCK or "on_hand" in self._mapping.commercial:
            return {}
        self._tell("Stock", f"The latest {column!r} of each item is its stock on hand.", 1)
        return {"on_hand": column}

    # words

    def _tell(self, title: str, words: str, count: int, severity: Severity = "note") -> None:
        self._told.checks.append(Check(title, words, count, severity))

    def _missing(self, where: np.ndarray, what: str) -> None:
        if where.any():
            self._wrong(f"{many(where.sum(), 'row')} without {what}", where)

    def _wrong(self, message: str, where: np.ndarray) -> None:
        self._told.problems.append(problem_at(message, self._numbers, where))


def _order(item: np.ndarray, items: int) -> np.ndarray:
    """The codes that rows have, of ``items``, in the order of their first row."""
    first = first_rows(item, items)
    return np.argsort(first, kind="stable")[: int((first < len(item)).sum())]
