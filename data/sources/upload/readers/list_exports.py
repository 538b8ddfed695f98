"""A list as enterprise systems print it: cells between pipes, rules of hyphens, and every page with its header again.

Sales list                 Dynamic list display             1
--------------------------------------------------------
| Material | Week start | Quantity  |
--------------------------------------------------------
| 10000000 | 02.01.2023 |  808,000  |
| *        |            | 1.010,000 |        a total, marked by its asterisk
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.readers.table import many

#: First bytes that tell a list, and how many of their lines must be rows of one.
_LOOKED_AT, _ROWS = 16_384, 3

_ROW = re.compile(rb"^[ \t]*\|(.*)\|[ \t]*$")
_RULE = re.compile(rb"^[\s|+=:_\-\xe2\x94\x80\x82\xbc]+$")
_TOTAL = re.compile(rb"^\*+$")


@dataclass(frozen=True, eq=False)
class PlainList:
    """A list as lines of a CSV separated by pipes, ``numbers`` [R] of its lines in the file, and what was left aside."""

    content: bytes
    numbers: np.ndarray
    remarks: tuple[str, ...]


def plain_list(name: str, content: bytes) -> PlainList | None:
    """The rows of a list with pipes, each header after the first, rules, titles and totals left out; None where it is none.

    Raises UploadError where rows have another number of cells than the header.
    """
    head = [line for line in content[:_LOOKED_AT].split(b"\n")[:-1] if line.strip()]
    rows = sum(_ROW.match(line) is not None and not _RULE.match(line) for line in head)
    rules = sum(_RULE.match(line) is not None for line in head)
    if rows < _ROWS or rows + rules < 0.8 * len(head) or (rows > 1 and not rules and not head[0].lstrip().startswith(b"|")):
        return None
    kept, numbers = list[bytes](), list[int]()
    header, again, rules, titles, totals = b"", 0, 0, 0, 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        if _RULE.match(line):
            rules += 1
            continue
        row = _ROW.match(line)
        if row is None:
            titles += 1
            continue
        cells = [cell.strip() for cell in row[1].split(b"|")]
        plain = b"|".join(cells)
        if not header:
            header = plain
        elif plain == header:
            again += 1
            continue
        elif any(_TOTAL.match(cell) for cell in cells[:3]):
            totals += 1
            continue
        elif len(cells) != header.count(b"|") + 1:
            raise UploadError(
                f"{name} is a printed list, and its row {number:,} has {len(cells)} cells where the header has "
                f"{header.count(b'|') + 1}. Export it as a spreadsheet or as text with tabs instead."
            )
        kept.append(plain)
        numbers.append(number)
        limits.check_cells(name, len(kept), len(cells))
    found = [
        many(count, noun)
        for count, noun in ((again, "repeated header"), (rules, "rule"), (titles, "title"), (totals, "total row marked *"))
        if count
    ]
    told = f"A printed list with cells between pipes; left out: {', '.join(found)}."
    return PlainList(b"\n".join(kept) + b"\n", np.array(numbers, dtype=np.int64), (told,))
