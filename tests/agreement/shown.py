"""Numbers as a page shows them: their value, the digits they are shown to, and what arithmetic on them allows.

Two numbers are the same where they are the same to the digits shown. What is worked out of numbers that are shown to the same
digits is worked out exactly; where the digits differ, half a step of the coarsest is allowed, and a sum of many rounded
numbers may miss by half a step of each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

NUMBER = r"[+−-]?\s?[^\s\d\w+−(–-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?%?"
_DIGITS = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


@dataclass(frozen=True)
class Shown:
    """A number on a page: its ``value``, and the ``step`` between two that are shown differently."""

    text: str
    value: Decimal
    step: Decimal


def read(text: str) -> Shown | None:
    """The number in ``text``; None where there is none, as in an em dash.

    >>> read("−$1,240.50"), read("—")
    (Shown(text='−$1,240.50', value=Decimal('-1240.50'), step=Decimal('0.01')), None)
    """
    found = _DIGITS.search(text)
    if not found:
        return None
    digits = found.group().replace(",", "")
    step = Decimal(1).scaleb(-len(digits.partition(".")[2]))
    value, negative = Decimal(digits), any(sign in text[: found.start()] for sign in "−-")
    return Shown(text.strip(), -value if negative else value, step)


def plain(text: str) -> str:
    """A sentence without the signs of markdown."""
    return re.sub(r":(?:material|primary|gray|small)[/\w]*:?", "", text.replace("**", "").replace("\\", "")).strip()


def _allowed(*numbers: Shown) -> Decimal:
    """Half a step of the coarsest where the digits differ, nothing where they do not."""
    steps = {one.step for one in numbers}
    return max(steps) / 2 if len(steps) > 1 else Decimal(0)


@dataclass
class Ledger:
    """How many numbers were checked, and the contradictions by their kind, in words."""

    checked: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)
    about: str = ""

    @property
    def contradictions(self) -> int:
        return sum(map(len, self.wrong.values()))

    def holds(self, kind: str, fits: bool, words: str) -> None:
        """Counts one check and keeps ``words`` where it does not hold."""
        self.checked += 1
        if not fits:
            self.wrong.setdefault(kind, []).append(f"{self.about}: {words}" if self.about else words)

    def same(self, kind: str, first: str | None, second: str | None) -> None:
        """Two places that tell of one quantity tell the same number, or both that it is not known."""
        one, other = read(first or ""), read(second or "")
        fits = one is other if one is None or other is None else abs(one.value - other.value) <= _allowed(one, other)
        self.holds(kind, fits, f"{first} here and {second} there")

    def adds(self, kind: str, start: str, parts: Sequence[str], end: str) -> None:
        """``start`` and all ``parts`` make ``end``, exactly as they are shown."""
        numbers = [read(one) for one in (start, *parts, end)]
        known = [one for one in numbers if one is not None]
        if len(known) < len(numbers):
            return
        total = sum(one.value for one in known[:-1])
        self.holds(kind, abs(total - known[-1].value) <= _allowed(*known), f"{start} with {', '.join(parts)} is not {end}")

    def difference(self, kind: str, before: str, after: str, change: str) -> None:
        """``change`` is what leads from one number to the other, with its sign."""
        self.adds(kind, before, [change], after)

    def sums(self, kind: str, rows: Sequence[str], total: str, *, moved: bool = False) -> None:
        """``total`` is the sum of rows that were rounded each: to the nearest, or where ``moved`` to fit the numbers beside
        them, which may take a whole step."""
        numbers, whole = [read(one) for one in rows], read(total)
        known = [one for one in numbers if one is not None]
        if whole is None or len(known) < len(numbers):
            return
        found = sum(one.value for one in known)
        allowed = (sum(one.step for one in known) + whole.step) / (1 if moved else 2)
        self.holds(kind, abs(found - whole.value) <= allowed, f"{len(rows)} rows add up to {found:,} and not to {total}")

    def share(self, kind: str, part: str, whole: str, percent: str, *, less: int = 0) -> None:
        """``percent`` is ``part`` over ``whole``, less one where it tells of a change, within what rounding allows."""
        top, bottom, said = read(part), read(whole), read(percent)
        if top is None or bottom is None or said is None:
            return
        half_top, half_bottom = top.step / 2, bottom.step / 2
        if bottom.value - half_bottom <= 0:
            return
        ends = [
            (top.value + a * half_top) / (bottom.value + b * half_bottom) * 100 - 100 * less for a in (-1, 1) for b in (-1, 1)
        ]
        fits = min(ends) - said.step / 2 <= said.value <= max(ends) + said.step / 2
        self.holds(kind, fits, f"{part} of {whole} is not {percent}")

    def near(self, kind: str, text: str, value: float, slack: float = 0.0) -> None:
        """A number as it is shown beside one that is known exactly, by at most ``slack`` more than rounding."""
        number = read(text)
        fits = number is not None and abs(float(number.value) - value) <= float(number.step) / 2 * 1.0001 + slack
        self.holds(kind, fits, f"{text} beside {value:,.4f}")

    def within(self, kind: str, low: str, middle: str, high: str) -> None:
        """``middle`` lies from ``low`` to ``high`` as they are shown."""
        ends = [read(one) for one in (low, middle, high)]
        if all(one is not None for one in ends):
            bottom, here, top = (one.value for one in ends if one is not None)
            slack = _allowed(*(one for one in ends if one is not None))
            self.holds(kind, bottom - slack <= here <= top + slack, f"{middle} lies outside {low} to {high}")
