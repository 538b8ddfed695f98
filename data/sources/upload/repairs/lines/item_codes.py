"""Item codes that a spreadsheet or a system changed on the way: cut to 8.71E+12, written with and without zeros or spaces."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from data.errors import Problem
from data.facts import Check
from data.sources.upload.limits import shortened
from data.sources.upload.readers.table import many, problem_at

#: Excel shows a number of twelve digits and more like this, and saves what it shows.
_CUT = re.compile(r"\d([.,]\d+)?E\+(09|[1-9]\d)", re.IGNORECASE)


def damaged(item_ids: Sequence[str]) -> np.ndarray:
    """Which [N] ids are numbers whose last digits are lost."""
    return np.array([_CUT.fullmatch(item_id.split(" @ ")[0]) is not None for item_id in item_ids], bool)


def damage(item_ids: Sequence[str], item: np.ndarray, days: np.ndarray, numbers: np.ndarray) -> tuple[Check | Problem, ...]:
    """What there is to say of damaged ids: a warning, and a problem where items have become one.

    Parameters
    ----------
    item, days, numbers : [R] the item of each row (-1 none), its day (NaT none) and its number in the file.
    """
    cut = damaged(item_ids)
    if not cut.any():
        return ()
    such = shortened(item_ids[int(np.flatnonzero(cut)[0])])
    hit = (item >= 0) & np.append(cut, False)[item] & ~np.isnat(days)
    order = np.flatnonzero(hit)[np.lexsort((days[hit], item[hit]))]
    same = (item[order][1:] == item[order][:-1]) & (days[order][1:] == days[order][:-1])
    merged = np.zeros(len(item), bool)
    merged[order[1:][same]] = True
    words = f"{many(int(cut.sum()), 'item code')} such as {such} lost their last digits in a spreadsheet"
    if merged.any():
        advice = "Several items have become one and cannot be told apart. Export again with the code as text"
        return (problem_at(f"{words}. {advice}", numbers, merged),)
    return (
        Check(
            "Item ids", f"{words}; each is still an item of its own. Better export the code as text.", int(cut.sum()), "warning"
        ),
    )


def look_alikes(item_ids: Sequence[str]) -> tuple[Check, ...]:
    """Ids that differ by capital letters, spaces, marks or leading zeros alone."""
    checks = []
    capitals = len(item_ids) - len({item_id.casefold() for item_id in item_ids})
    if capitals:
        words = f"Different from another only by capital letters: {many(capitals, 'item id')}. Each is an item of its own."
        checks.append(Check("Item ids", words, capitals, "warning"))
    first: dict[str, str] = {}
    pairs = []
    different = tuple(dict.fromkeys(item_id.casefold() for item_id in item_ids))
    for item_id, bare in zip(different, _plain_codes(different), strict=True):
        if bare in first:
            pairs.append((first[bare], item_id))
        first.setdefault(bare, item_id)
    if pairs:
        one, other = (shortened(text) for text in pairs[0])
        words = (
            f"Different from another only by spaces, dashes or leading zeros: {many(len(pairs), 'item id')}, such as "
            f"{one!r} and {other!r}. Each is an item of its own."
        )
        checks.append(Check("Item ids", words, len(pairs), "warning"))
    return tuple(checks)


def plain_code(item_id: str) -> str:
    """A code without case, blanks, dashes and leading zeros: what two systems may write differently of one item."""
    return _plain_codes([item_id.replace("\n", " ")])[0]


def _plain_codes(item_ids: Sequence[str]) -> list[str]:
    """The plain codes of many ids, none of which has a line's end."""
    bare = re.sub(r"[^\S\n]+|[_\-‐–]+", "", "\n".join(item_ids)).casefold()
    return re.sub(r"(?<![\d.])0+(?=\d)", "", bare).split("\n")


def written_as(codes: Sequence[str], item_ids: Sequence[str]) -> dict[str, str]:
    """How ``item_ids`` write each of these ``codes`` that they do not hold as it stands, where that is certain."""
    known, likely = set(item_ids), dict[str, str]()
    twice = set()
    for item_id in item_ids:
        bare = plain_code(item_id)
        twice |= {bare} if bare in likely else set()
        likely[bare] = item_id
    answer = {}
    for code in dict.fromkeys(codes):
        bare = plain_code(code)
        if code not in known and bare in likely and bare not in twice:
            answer[code] = likely[bare]
    partners = list(answer.values())
    return {code: item_id for code, item_id in answer.items() if partners.count(item_id) == 1}
