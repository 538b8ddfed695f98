"""The rows of a file under a mapping: read and checked one by one.

Every problem is collected, so that a planner mends a file once and not ten times. Axis letters: R rows, N items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from data.errors import Problem
from data.facts import Check, Severity
from data.locations import LOCATION, PRODUCT, SUPPLIED_FROM
from data.schema import COMMERCIAL, PRICE, PROMO
from data.sources.upload.column_mapping import CLOSING_STOCK, ColumnMapping, changes, plain_name
from data.sources.upload.date_frequency import calendar, repeated_keys
from data.sources.upload.dates.column_dates import Dates, dates
from data.sources.upload.limits import LARGEST_NUMBER, LARGEST_QUANTITY, LONGEST_NAME, shortened
from data.sources.upload.offers import Decisions
from data.sources.upload.panel_layout import Rows, too_large
from data.sources.upload.readers.table import FileTable, many, problem_at
from data.sources.upload.value_parsing import Coded, Decimal, decimal_mark, numbers, switches, words_for_nothing

#: The share of unsold rows that may have a price before prices count as seen always.
_SELDOM = 0.05


def read_rows(table: FileTable, cells: Mapping[str, Coded], mapping: ColumnMapping, decisions: Decisions) -> Rows:
    """What the rows of the table say under the mapping and the decisions, with all that is wrong with them."""
    return _Reading(table, cells, mapping, decisions).read()


class _Reading:
    """One pass over the rows; each step adds what it found to ``problems`` and ``checks``."""

    def __init__(self, table: FileTable, cells: Mapping[str, Coded], mapping: ColumnMapping, decisions: Decisions) -> None:
        self._table, self._cells, self._mapping, self._decisions = table, cells, mapping, decisions
        self._numbers, self._stock_in_units = table.rows, False
        self.problems = list(table.problems)
        self.checks = [Check("File", remark, 1, "note") for remark in table.remarks]
        self._decimal = self._decimal_mark()

    def read(self) -> Rows:
        rows, mapping = Rows(missing=self._mapping.missing), self._mapping
        if not self._columns_are_there():
            rows.problems, rows.checks = tuple(self.problems), tuple(self.checks)
            return rows
        self._items(rows)
        days = self._days(rows)
        rows.demand = self._quantity(mapping.demand, "demand")
        self._covariates(rows)
        self._keys(rows, days)
        rows.calendar, wrong = calendar(rows.item, days, self._numbers)
        self.problems += wrong
        self._attributes(rows)
        if rows.calendar:
            self.checks += [Check("Dates", remark, 1, "note") for remark in rows.calendar.remarks]
            rows.period = rows.calendar.place
            self._span(rows)
            self._commercial(rows)
        rows.problems, rows.checks = tuple(self.problems), tuple(self.checks)
        return rows

    # columns

    def _columns_are_there(self) -> bool:
        mapping = self._mapping
        for role, words in (("item_id", "item"), ("date", "date"), ("demand", "demand")):
            if not getattr(mapping, role):
                known = shortened(", ".join(self._cells), 300)
                self.problems.append(Problem(f"No column is chosen for the {words}. The file has: {known}"))
        used = mapping.columns()
        for column in dict.fromkeys(used):
            if column not in self._cells:
                self.problems.append(Problem(f"The file has no column {column!r}"))
            elif used.count(column) > 1:
                self.problems.append(Problem(f"Column {column!r} is chosen for two things"))
        names = [plain_name(column) for column in (*mapping.known, *mapping.past)]
        for name in dict.fromkeys(names):
            if names.count(name) > 1 or name in (PRICE, PROMO, "demand", "in_stock", ""):
                self.problems.append(Problem(f"Two columns would be called {name!r} in the catalog. Rename one"))
        return len(self.problems) == len(self._table.problems)

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
            pairs = np.where(whole, column.codes * max(1, len(place.texts)) + place.codes, -1)
            different, codes = np.unique(pairs[whole], return_inverse=True)
            rows.item = np.full(len(pairs), -1, np.int64)
            rows.item[whole] = codes
            products, places = np.divmod(different, max(1, len(place.texts)))
            ids = tuple(f"{column.texts[p]} @ {place.texts[q]}" for p, q in zip(products, places, strict=True))
        rows.item, rows.item_ids = _by_appearance(rows.item, ids)
        long = np.array([len(item_id) > LONGEST_NAME for item_id in rows.item_ids] + [False], dtype=bool)[rows.item]
        if long.any():
            self._wrong(f"Item ids of more than {LONGEST_NAME} characters, such as {column.example(long)}", long)
        alike = len(ids) - len({item_id.casefold() for item_id in ids})
        if alike:
            words = f"Different from another only by capital letters: {many(alike, 'item id')}. Each is an item of its own."
            self._tell("Item ids", words, alike, "warning")

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
        rows.offers += found.offers
        if found.problem:
            self._wrong(found.problem, column.filled())
        self.checks += [Check("Dates", remark, 1, "note") for remark in found.remarks]
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
        return np.where(found.odd, np.datetime64("NaT", "D"), found.days)

    def _keys(self, rows: Rows, days: np.ndarray) -> None:
        again = repeated_keys(rows.item, days, self._numbers)
        if not again.any():
            return
        one = np.flatnonzero(again)[0]
        first = np.flatnonzero((rows.item == rows.item[one]) & (days == days[one]))[0]
        key = f"{rows.item_ids[rows.item[one]]!r} on {days[one]}"
        words = (
            f"Item and date of an earlier row again in {many(again.sum(), 'row')}: {key} is in rows "
            f"{self._numbers[first]:,} and {self._numbers[one]:,}. Keep one, or add them up"
        )
        self._wrong(words, again)

    # numbers

    def _quantity(self, column: str, what: str) -> np.ndarray:
        """The numbers [R] of a column that may not be negative."""
        values = self._measure(column, LARGEST_QUANTITY)
        if (values < 0).any():
            hint = ". Take returns out of demand" if what == "demand" else ""
            self._wrong(f"Negative {what} in {column!r}{hint}", values < 0)
        return values

    def _measure(self, column: str, most: float = LARGEST_NUMBER) -> np.ndarray:
        """The numbers [R] of a column; larger ones than ``most`` are slips, and would drown all others in a sum."""
        cells = self._cells[column]
        values, wrong = numbers(cells, self._decimal)
        if words := words_for_nothing(cells):
            empty = int(((cells.codes >= 0) & ~cells.filled()).sum())
            self._tell(
                "Empty cells", f"Words for nothing in {column!r}, read as empty, by rows: {shortened(words, 300)}.", empty
            )
        if wrong.any():
            self._wrong(f"{cells.example(wrong)} in {column!r} is not a number", wrong)
        large = np.abs(values) > most
        if large.any():
            self._wrong(f"{cells.example(large)} in {column!r} is beyond what is read, {most:,.0f}. Check the cell", large)
        return values

    def _covariates(self, rows: Rows) -> None:
        mapping = self._mapping
        if mapping.price:
            rows.known[PRICE] = self._quantity(mapping.price, "price")
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

    def _attributes(self, rows: Rows) -> None:
        mapping, items = self._mapping, len(rows.item_ids)
        for column in (*mapping.static, *([mapping.location] if mapping.location else [])):
            cells = self._cells[column]
            moved = changes(rows.item, cells.codes)
            if moved:
                words = f"{column!r} changes within {many(moved, 'item')}; the last one is taken."
                self._tell("Attributes", words, moved, "warning")
            last = _last_filled(rows.item, cells.codes, items)
            rows.static[plain_name(column)] = np.append(np.array(cells.texts, dtype=object), "unknown")[last]
        if mapping.location and SUPPLIED_FROM in rows.static:  # the catalog's own names, so that locations are found
            cells = self._cells[mapping.item_id]
            products = np.array(cells.texts, dtype=object)[_last_filled(rows.item, cells.codes, items)]
            rows.static.setdefault(PRODUCT, products)
            rows.static.setdefault(LOCATION, rows.static[plain_name(mapping.location)])
        ignored = [column for column in self._cells if column not in mapping.columns()]
        if ignored:
            self._tell("Columns", f"Left out: {shortened(', '.join(ignored), 300)}.", len(ignored))
        if mapping.name:
            cells = self._cells[mapping.name]
            last = _last_filled(rows.item, cells.codes, items)
            names = (cells.texts[code] if code >= 0 else rows.item_ids[i] for i, code in enumerate(last))
            rows.names = tuple(shortened(name, LONGEST_NAME) for name in names)
        else:
            rows.names = rows.item_ids

    def _commercial(self, rows: Rows) -> None:
        """The latest cell of each item, by date."""
        columns = {}
        for name, column in {**self._closing_stock(), **self._mapping.commercial}.items():
            values = self._quantity(column, name.replace("_", " "))
            latest = np.full(len(rows.item_ids), np.nan)
            order = np.argsort(rows.period, kind="stable")
            usable = order[np.isfinite(values[order]) & (rows.item[order] >= 0)]
            latest[rows.item[usable]] = values[usable]  # the last of repeated places wins
            columns[name] = latest
        rows.commercial = pd.DataFrame(
            columns, index=range(len(rows.item_ids)), columns=[c for c in COMMERCIAL if c in columns]
        )

    def _closing_stock(self) -> dict[str, str]:
        """The stock at the end of a period, in units, as what is on hand."""
        column = self._mapping.stock
        if not self._stock_in_units or plain_name(column) not in CLOSING_STOCK or "on_hand" in self._mapping.commercial:
            return {}
        self._tell("Stock", f"The latest {column!r} of each item is its stock on hand.", 1)
        return {"on_hand": column}

    # time

    def _span(self, rows: Rows) -> None:
        """History up to the last demand; after it, what is planned."""
        keyed = (rows.item >= 0) & (rows.period >= 0)
        sold = keyed & np.isfinite(rows.demand)
        if not sold.any():
            self.problems.append(Problem(f"No row of {self._mapping.demand!r} holds a demand"))
            return
        rows.periods = int(rows.period[sold].max()) + 1
        ahead = keyed & (rows.period >= rows.periods)
        given = np.zeros(len(keyed), dtype=bool)
        for values in rows.known.values():
            given |= np.isfinite(values)
        planned = ahead & given
        rows.planned = int(rows.period[planned].max()) + 1 - rows.periods if planned.any() else 0
        if count := int(planned.sum()):
            words = f"A plan for {many(rows.planned, 'period')} after the last demand, in {many(count, 'row')}."
            self._tell("Plan", words, count)
        if count := int((ahead & ~given).sum()):
            self._tell("Plan", f"Left out, for they come after the last demand and plan nothing: {many(count, 'row')}.", count)
        if words := too_large(rows):
            ends = keyed & ((rows.period == 0) | (rows.period == rows.periods + rows.planned - 1))
            self._wrong(words, ends)
            return
        self._gaps(rows, keyed & (rows.period < rows.periods))
        self._price_seen(rows, keyed & (rows.period < rows.periods))

    def _gaps(self, rows: Rows, inside: np.ndarray) -> None:
        first = np.full(len(rows.item_ids), rows.periods)
        last = np.full(len(rows.item_ids), -1)
        np.minimum.at(first, rows.item[inside], rows.period[inside])
        np.maximum.at(last, rows.item[inside], rows.period[inside])
        present = np.bincount(rows.item[inside], minlength=len(rows.item_ids))
        rows.gaps = int(np.maximum(last - first + 1 - present, 0).sum())
        if rows.gaps:
            zero = rows.missing == "zero"
            taken = "zero" if zero else "unknown, not zero"
            words = f"Missing between an item's first date and its last: {many(rows.gaps, 'row')}, taken as {taken}."
            self._tell("Missing rows", words, rows.gaps, "note" if zero else "warning")
        if empty := int((inside & ~np.isfinite(rows.demand)).sum()):
            self._tell("Empty demand", f"Demand is empty in {many(empty, 'row')} and taken as unknown.", empty, "warning")
        if silent := rows.periods - int(np.count_nonzero(np.bincount(rows.period[inside]))):
            words = f"Between the first date and the last, {many(silent, 'period')} without a row of any item."
            self._tell("Missing periods", words, silent, "warning")

    def _price_seen(self, rows: Rows, inside: np.ndarray) -> None:
        """Prices that stand only where something was sold must not be used to foresee a sale."""
        if PRICE not in rows.known:
            return
        priced = np.isfinite(rows.known[PRICE])
        unsold = inside & (rows.demand == 0)
        without = int((inside & ~priced).sum())
        found: Literal["always", "when sold"] = "always"
        if unsold.any():
            found = "when sold" if (unsold & priced).sum() <= _SELDOM * unsold.sum() else "always"
        elif rows.missing == "zero" and rows.gaps:
            found = "when sold"
        rows.price_seen = self._mapping.price_seen or found
        if rows.price_seen == "when sold":
            words = "Prices stand only where something sold; they are carried forward, and none is used to foresee a sale."
            self._tell("Prices", words, without)
        elif without:
            words = f"The price is empty in {many(without, 'row')}; the last one known is carried forward."
            self._tell("Prices", words, without)

    # words

    def _tell(self, title: str, words: str, count: int, severity: Severity = "note") -> None:
        self.checks.append(Check(title, words, count, severity))

    def _missing(self, where: np.ndarray, what: str) -> None:
        if where.any():
            self._wrong(f"{many(where.sum(), 'row')} without {what}", where)

    def _wrong(self, message: str, where: np.ndarray) -> None:
        self.problems.append(problem_at(message, self._numbers, where))


def _by_appearance(item: np.ndarray, ids: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Item codes and ids renumbered in the order of their first row."""
    seen, first = np.unique(item[item >= 0], return_index=True)
    order = seen[np.argsort(first)]
    place = np.full(len(ids) + 1, -1, np.int64)
    place[order] = np.arange(len(order))
    return place[item], tuple(ids[code] for code in order)


def _last_filled(item: np.ndarray, codes: np.ndarray, items: int) -> np.ndarray:
    """The code [N] of each item's last filled cell, -1 where all are empty."""
    answer = np.full(items, -1, np.int64)
    filled = (item >= 0) & (codes >= 0)
    answer[item[filled]] = codes[filled]  # the last of repeated places wins
    return answer
