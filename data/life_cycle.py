"""Where items' lives begin and end: what replaces what, what is no longer sold, and what a history says of that by itself.

An item that replaces another goes on where that one ended: its history is the other's times a ratio before its own first sale,
and its own with what is left of the other's after it. A pair comes from the catalog's column ``replaces`` or from a planner's
mark. Nothing here is used before it was known: a pair of the catalog is known with the successor's first sale.

Axis letters: N items, T periods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.history_marks import Mark
from data.schema import PRICE, LifeCycle, Panel

#: An item's own past that recognises its end: so many sales at least, over so much of a year or silent for as long …
_SALES, _YEARS = 8, 1.0

#: … then silence for so much of a year, for so many times its longest gap, and of so little chance at its own rate.
_SILENT_YEARS, _TIMES_GAP, _CHANCE = 0.25, 5.0, 1e-4

_NEVER = np.datetime64("9999-12-31", "us")


@dataclass(frozen=True)
class Pair:
    """``item_id`` replaces ``other``, of which ``ratio`` of it sell for one.

    It takes over at ``since`` (None: with its own first sale), a ``share`` of the demand until ``until`` (None: all at once).
    ``known`` is the period from which on that was known; None where its first sale tells of it.
    """

    item_id: str
    other: str
    ratio: float = 1.0
    since: pd.Timestamp | None = None
    share: float = 1.0
    until: pd.Timestamp | None = None
    known: pd.Timestamp | None = None


def pairs_of(marks: Sequence[Mark], recorded: Mapping[str, str]) -> dict[str, Pair]:
    """The pairs by their successor: those ``recorded`` in the catalog, successor → predecessor, and planners' over them."""
    answer = {item_id: Pair(item_id, other) for item_id, other in recorded.items() if other != item_id}
    for mark in (one for one in marks if one.kind == "replaces"):
        since, until, known = (pd.Timestamp(stamp) if stamp else None for stamp in (mark.first, mark.last, mark.known))
        answer[mark.item_id] = Pair(mark.item_id, mark.other, mark.ratio, since, mark.share, until, known)
    return answer


def lived(panel: Panel, marks: Sequence[Mark], pairs: Mapping[str, Pair], others: Panel | None) -> Panel:
    """The panel with what its items were lent by those they replace, and with the ends that planners and ``pairs`` tell of.

    Parameters
    ----------
    panel : [N, T] with its marks laid over it.
    others : the same of the partners of its items in ``pairs``; partners that it lacks count for nothing.
    """
    life, demand = LifeCycle.unknown(len(panel)), panel.demand.copy()
    rows = {str(item_id): row for row, item_id in enumerate(panel.item_ids)}
    known = {name: values.copy() for name, values in panel.known.items()}
    in_stock, past = panel.in_stock.copy(), {name: values.copy() for name, values in panel.past.items()}
    places = {} if others is None else {str(item_id): row for row, item_id in enumerate(others.item_ids)}
    last = panel.periods[-1]
    for pair in pairs.values():
        new, old = rows.get(pair.item_id), rows.get(pair.other)
        if others is None or pair.other not in places or pair.item_id not in places or (new is None and old is None):
            continue
        source = others.take([places[pair.item_id], places[pair.other]])
        first = _first_sale(source.demand[0])  # of the successor
        launch = None if first is None else source.periods[first]
        since = pair.since or launch
        since_known = min(stamp for stamp in (pair.known, launch, last) if stamp is not None)
        if new is not None:
            life.own_from[new] = _NEVER if launch is None else launch.to_datetime64()
            life.lent_known[new] = since_known.to_datetime64()
            if since is not None and launch is None:
                life.starts[new] = since.to_datetime64()
            _lend(source, pair.ratio, first, demand[new], in_stock[new], {n: v[new] for n, v in {**known, **past}.items()})
        ends = pair.until or since
        if old is not None and ends is not None:
            life.ends[old], life.ends_known[old] = ends.to_datetime64(), since_known.to_datetime64()
        if pair.until is not None and pair.share < 1:
            for row, share in ((new, pair.share), (old, 1 - pair.share)):
                if row is not None:
                    life.share[row], life.shared_until[row] = share, pair.until.to_datetime64()
            if old is not None and first is not None:  # both are read as one line, of which each has its share
                _join(source, pair.ratio, first, demand[old])
    for mark in marks:
        if (row := rows.get(mark.item_id)) is None or mark.kind not in ("ended", "sold on"):
            continue
        life.sold_on[row] = mark.kind == "sold on"
        ended = mark.kind == "ended"
        life.ends[row] = pd.Timestamp(mark.first).to_datetime64() if ended else np.datetime64("NaT")
        life.ends_known[row] = pd.Timestamp(mark.known or f"{last:%Y-%m-%d}").to_datetime64() if ended else np.datetime64("NaT")
    if _says_nothing(life):
        return panel
    return replace(panel, demand=demand, in_stock=in_stock, known=known, past=past, life=life)


def _lend(
    source: Panel, ratio: float, first: int | None, demand: np.ndarray, in_stock: np.ndarray, others: Mapping[str, np.ndarray]
) -> None:
    """Writes into the successor's rows [T] what its predecessor, second in ``source``, lends it until its ``first`` sale."""
    before = slice(0, len(source.periods) if first is None else first)
    lent = (source.demand[1] * np.float32(ratio)).astype(np.float32)
    demand[before], in_stock[before] = lent[before], source.in_stock[1, before]
    for name, values in others.items():
        theirs = (source.known if name in source.known else source.past)[name][1, before]
        values[before] = theirs * _as_dear(theirs, values[before.stop :]) if name == PRICE else theirs
    if first is not None:
        _add(demand[first:], lent[first:])


def _join(source: Panel, ratio: float, first: int, demand: np.ndarray) -> None:
    """Adds to the predecessor's row [T] what its successor sold of the same demand since its ``first`` sale."""
    _add(demand[first:], (source.demand[0, first:] / np.float32(ratio)).astype(np.float32))


def _add(own: np.ndarray, other: np.ndarray) -> None:
    """Adds the other's demand where both are known; where the own is not, it stays so."""
    own += np.where(np.isfinite(own), np.nan_to_num(other), 0).astype(np.float32)


def _as_dear(theirs: np.ndarray, own: np.ndarray) -> np.float32:
    """What the predecessor's prices are multiplied by, so that they end where the successor's begin."""
    before, after = theirs[np.isfinite(theirs) & (theirs > 0)], own[np.isfinite(own) & (own > 0)]
    return np.float32(after[0] / before[-1]) if before.size and after.size else np.float32(1)


def _first_sale(demand: np.ndarray) -> int | None:
    """Where a row [T] of demand is first above 0."""
    sold = np.flatnonzero(np.nan_to_num(demand) > 0)
    return int(sold[0]) if sold.size else None


def _says_nothing(life: LifeCycle) -> bool:
    stamps = (life.own_from, life.ends, life.starts)
    return bool(all(np.isnat(one).all() for one in stamps) and not life.sold_on.any())


def seems_over(history: Panel) -> np.ndarray:
    """[N] bool: items that were sold regularly and have been silent for far longer than ever before.

    Silent is a period without a sale, recorded or not; one in which an item was not in stock tells nothing and does not
    count. A year of sales, or of silence, must show that it is no season. The silence must last a quarter of a year, five
    times the item's longest gap between sales, and be all but impossible at its own rate of periods with a sale:
    ((n − k + 1)/(n + 2))^silence ≤ 1e-4 of k sales in n periods. Rare sellers have long gaps and low rates, so that they are
    not taken for ended. Only ``history`` itself is read, which ends at the creation date.
    """
    year, answer = history.frequency.per_year, np.zeros(len(history), bool)
    least = int(np.ceil(max(_SILENT_YEARS * year, 2)))
    lately = history.demand[:, -least:]
    rows = np.flatnonzero(~(np.nan_to_num(lately) > 0).any(axis=1))  # few: the rest sold lately
    sold = np.nan_to_num(history.demand[rows]) > 0  # (n, T)
    for row, mine in zip(rows, sold, strict=True):
        when = np.flatnonzero(mine)
        if len(when) < _SALES:
            continue
        span, silent = int(when[-1] - when[0]) + 1, int((~(history.in_stock[row, when[-1] + 1 :] < 1)).sum())
        chance = ((span - len(when) + 1) / (span + 2)) ** silent
        long = silent >= max(least, _TIMES_GAP * int(np.diff(when).max()))
        answer[row] = long and max(span, silent) >= _YEARS * year and chance <= _CHANCE
    return answer
