"""A planner's file of purchase orders, beside the one of demand: read, checked row by row, and handed to the catalog.

    item_id,ordered,due,received,units
    A12,2024-03-04,2024-03-18,2024-03-20,48     received: how long it took is evidence for the lead time
    A12,2024-04-02,2024-04-16,,48               open: its units are on their way

Column names are found whatever their case; ``due`` and ``received`` may be empty, and the column ``due`` may be missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.errors import Problem, UploadError
from data.events import Stamp, usual_stamp
from data.facts import Check
from data.orders import Orders, order_faults, period_numbers
from data.schema import Frequency
from data.sources.upload.column_mapping import plain_name
from data.sources.upload.dates.column_dates import dates
from data.sources.upload.file_formats import read_file
from data.sources.upload.limits import LARGEST_QUANTITY, shortened
from data.sources.upload.readers.table import many, problem_at
from data.sources.upload.repairs.lines.item_codes import plain_code, written_as
from data.sources.upload.value_parsing import coded, decimal_mark, numbers

#: What the names of a column mean, the likeliest first.
_NAMES = {
    "item_id": ("item_id", "item", "sku", "sku_id", "product_id", "product", "article", "material", "item_no"),
    "ordered": ("ordered", "order_date", "ordered_on", "date_ordered", "placed", "po_date"),
    "due": ("due", "due_date", "expected", "expected_date", "promised", "eta", "delivery_date"),
    "received": ("received", "receipt_date", "received_on", "date_received", "delivered", "arrived", "goods_receipt"),
    "units": ("units", "quantity", "qty", "order_qty", "units_ordered"),
}
_NEEDED = ("item_id", "ordered", "received", "units")


@dataclass(frozen=True, eq=False)
class OrdersFile:
    """What a file of orders holds.

    Attributes
    ----------
    file_name : as it was brought.
    orders : those without a fault.
    columns : what each is read as → column of the file.
    problems : what stops the loading, with row numbers.
    checks : what was found and does not.
    rows : [O] the row of the file each order stands in.
    """

    file_name: str
    orders: Orders
    columns: dict[str, str]
    problems: tuple[Problem, ...]
    checks: tuple[Check, ...]
    rows: np.ndarray

    def unknown_items(self, item_ids: Sequence[str]) -> tuple[Problem, ...]:
        """Orders of items that are not among these."""
        ids = set(item_ids)
        unknown = np.array([item_id not in ids for item_id in self.orders.item_ids], bool)
        if not unknown.any():
            return ()
        example = self.orders.item_ids[np.flatnonzero(unknown)[0]]
        likely = sorted(one for one in ids if plain_code(one) == plain_code(str(example)))
        hint = f", which may be {' or '.join(map(repr, likely[:3]))}" if likely else ""
        words = (
            f"Orders of items without demand in the other file, such as {shortened(str(example))!r}{hint}. "
            "Take them out, or write the item as it is written there"
        )
        return (problem_at(words, self.rows, unknown),)

    def written_as(self, item_ids: Sequence[str]) -> OrdersFile:
        """The same with items written as among these where only case, spaces, dashes or leading zeros differ, and told."""
        partner = written_as(self.orders.item_ids.tolist(), item_ids)
        if not partner:
            return self
        ids = np.array([partner.get(item_id, item_id) for item_id in self.orders.item_ids], dtype=object)
        code, item_id = next(iter(partner.items()))
        words = (
            f"Written in another way than in the file of demand: {many(len(partner), 'item')}, such as {shortened(code)!r} for "
            f"{shortened(item_id)!r}. Their orders were matched."
        )
        told = Check("Orders", words, len(partner), "note")
        return replace(self, orders=replace(self.orders, item_ids=ids), checks=(*self.checks, told))

    def found(self, last: pd.Timestamp, frequency: Frequency, stamp: Stamp | None = None) -> tuple[Check, ...]:
        """What is worth knowing of them beside a history that ends with the period ``last``."""
        orders, stamp = self.orders, stamp or usual_stamp(frequency)
        received = period_numbers(orders.received, last, frequency, stamp)
        open_, later = int((~(received <= 0)).sum()), int((received > 0).sum())
        words = f"{many(len(orders), 'order')} of {many(len(set(orders.item_ids)), 'item')}, {open_:,} of them still open."
        checks = [*self.checks, Check("Orders", words, len(orders), "fine")]
        if later:
            words = (
                f"Received after the last period on record: {many(later, 'order')}. They were open then and count as on "
                "order, in the period in which they came; how long they took is not used yet."
            )
            checks.append(Check("Orders", words, later, "note"))
        return tuple(checks)


def read_orders(name: str, content: bytes, *, day_first: bool | None = None) -> OrdersFile:
    """The orders in the file ``name`` with these bytes; raises UploadError where it cannot be read as a table at all."""
    table = read_file(name, content, {})
    cells = {column: coded(values) for column, values in table.columns.items()}
    plain = {column: plain_name(column) for column in cells}
    columns = {
        role: found
        for role, names in _NAMES.items()
        if (found := next((column for wanted in names for column in cells if plain[column] == wanted), ""))
    }
    missing = [role for role in _NEEDED if role not in columns]
    if missing:
        raise UploadError(
            f"{name} has no column {' and none '.join(repr(role) for role in missing)}. A file of orders has the columns "
            f"item_id, ordered, due, received and units; this one has {shortened(', '.join(cells), 300)}."
        )
    decimal, _ = decimal_mark([cells[columns["units"]]], table.delimiter)
    problems, checks, count = list(table.problems), [Check("Orders", words, 0, "note") for words in table.remarks], len(table)
    good = np.ones(count, bool)

    def wrong(words: str, where: np.ndarray) -> None:
        if where.any():
            problems.append(problem_at(words, table.rows, where))
            good[where] = False

    def empty(role: str, what: str) -> None:
        wrong(f"An order without {what} in {columns[role]!r}", ~cells[columns[role]].filled())

    def days(role: str) -> np.ndarray:
        if role not in columns:
            return np.full(count, np.datetime64("NaT", "D"))
        column = cells[columns[role]]
        read = dates(column, day_first=day_first, day_first_if_unclear=table.delimiter == ";")
        if read.bad.any():
            wrong(f"{column.example(read.bad)} in {columns[role]!r} is not a date", read.bad)
        wrong(f"Dates in {columns[role]!r} that are not written like the others, {read.words}. Use one", read.odd)
        if read.ambiguous:
            first = "day" if read.day_first else "month"
            such = shortened(column.texts[0])
            words = f"Dates such as {such} in {columns[role]!r} do not tell day from month; read {first} first."
            checks.append(Check("Orders", words, int(column.filled().sum()), "warning"))
        return np.where(read.odd, np.datetime64("NaT", "D"), read.days)

    empty("item_id", "an item")
    empty("ordered", "a date of order")
    empty("units", "units")
    ordered, due, received = (days(role) for role in ("ordered", "due", "received"))
    units, no_number = numbers(cells[columns["units"]], decimal)
    if no_number.any():
        wrong(f"{cells[columns['units']].example(no_number)} in {columns['units']!r} is not a number", no_number)
    large = units > LARGEST_QUANTITY
    if large.any():
        wrong(f"{cells[columns['units']].example(large)} in {columns['units']!r} is above {LARGEST_QUANTITY:,.0f}", large)
    for words, where in order_faults(ordered, due, received, units).items():
        wrong(f"An order that cannot be: {words}", where)
    items = cells[columns["item_id"]]
    ids = items.spread(np.array(items.texts, dtype=object), "")[good]
    orders = Orders(ids, ordered[good], due[good], received[good], units[good])
    return OrdersFile(name, orders, columns, tuple(problems), tuple(checks), table.rows[good])
