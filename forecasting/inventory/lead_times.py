"""What purchase orders tell of supply: how long the received ones took, and when the open ones will come.

How long an item's orders take is the distribution of its own past lead times, in whole periods from order to receipt. Where
there are few it is drawn towards its supplier's, and that towards everybody's,

    p_item = (n · own + m · p_supplier) / (n + m),    p_supplier = (n_s · own_s + m · p_all) / (n_s + m),

as if every item had m = ``PSEUDO`` receipts more that are like its supplier's: the mean of a Dirichlet posterior whose prior
is worth m observations. Axis letters: N items, L lead times, O open orders, A periods ahead, S suppliers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from data.assortment import Assortment
from data.facts import About
from data.orders import Orders, period_numbers
from forecasting.inventory.order_policy import LeadTimes, span_knots, uncertain_span_knots

#: Receipts that the supplier's record counts as, and for a supplier everybody's.
PSEUDO = 4.0

#: Lead times longer than this many periods count as this many: a span so long is an extrapolation anyhow.
_LONGEST = 60


@dataclass(frozen=True)
class OpenOrder:
    """One order that is not received: dates as "2025-01-31", "" where not known.

    It is expected in the period ``arrives`` periods ahead, which starts or ends at its stamp ``expected``; ``is_overdue``
    where that should have been before, and so the next period is all that can be said.
    """

    item_id: str
    ordered: str
    due: str
    units: float
    arrives: int
    is_overdue: bool
    expected: str


@dataclass(frozen=True)
class Record:
    """What an item's lead time rests on: its ``own`` receipts, which took ``shortest`` … ``longest`` periods, and a pool.

    The pool is of ``pooled`` receipts of its ``supplier``, or of everybody where that is "". ``is_used``: the catalog's own
    column counts where the item has no receipt and the column says something.
    """

    own: int
    shortest: float
    longest: float
    pooled: int
    supplier: str
    mean: float
    is_used: bool


@dataclass(frozen=True, eq=False)
class Supply:
    """What orders tell of the N items of an assortment.

    Attributes
    ----------
    periods : [L] lead times that were seen, ascending.
    counts : [N, L] receipts of each item that took so long.
    chances : [N, L] of an order placed now; every row adds up to 1.
    is_used : [N] whether the lead time is taken from them.
    pooled : [N] receipts in each item's pool; supplier : [N] whose they are, "" for everybody's.
    row : [O] the item of each open order, with ``units``, ``arrives`` in 1, 2, … periods, and ``is_overdue``.
    orders : the O open orders; expected : [O] the stamps of the periods in which they arrive.
    """

    periods: np.ndarray
    counts: np.ndarray
    chances: np.ndarray
    is_used: np.ndarray
    pooled: np.ndarray
    supplier: np.ndarray
    row: np.ndarray
    arrives: np.ndarray
    is_overdue: np.ndarray
    orders: Orders
    expected: np.ndarray

    @property
    def items(self) -> int:
        """N."""
        return len(self.counts)

    @cached_property
    def mean(self) -> np.ndarray:
        """Expected lead time [N] in periods, NaN where none was ever seen."""
        return self.chances @ self.periods if len(self.periods) else np.full(self.items, np.nan)

    @cached_property
    def deviation(self) -> np.ndarray:
        """Of the lead times [N]."""
        if not len(self.periods):
            return np.full(self.items, np.nan)
        return np.asarray(np.sqrt(np.maximum(self.chances @ self.periods**2 - self.mean**2, 0.0)))

    @cached_property
    def has_open(self) -> np.ndarray:
        """[N] whether an order of the item is open."""
        return np.bincount(self.row, minlength=self.items) > 0

    @cached_property
    def arriving(self) -> np.ndarray:
        """Units [N, A] that the open orders bring in t+1 … t+A, A the period of the last."""
        last = int(self.arrives.max(initial=1))
        flat = np.bincount(self.row * last + self.arrives - 1, self.orders.units, self.items * last)
        return flat.reshape(self.items, last)

    def lead_times(self, rows: np.ndarray) -> LeadTimes:
        """Of these items."""
        return LeadTimes(self.periods, self.chances[rows])

    def arriving_within(self, rows: np.ndarray, periods: np.ndarray) -> np.ndarray:
        """Units [K] that open orders of ``rows`` [K] bring within the first ``periods`` [K]."""
        so_far = np.cumsum(self.arriving[rows], axis=1)
        reached = np.clip(np.floor(np.asarray(periods) + 1e-9).astype(int), 0, so_far.shape[1])
        return np.where(reached > 0, so_far[np.arange(len(rows)), np.maximum(reached, 1) - 1], 0.0)

    def over(self, commercial: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The catalog's commercial columns [N] with what orders know better."""
        known = dict(commercial)
        none = np.full(self.items, np.nan)
        first = np.where(self.has_open, (np.cumsum(self.arriving, axis=1) <= 0).sum(axis=1) + 1.0, np.nan)
        better = {
            "lead_time": (self.is_used, self.mean),
            "lead_time_sd": (self.is_used, self.deviation),
            "on_order": (self.has_open, self.arriving.sum(axis=1)),
            "arrives_in": (self.has_open, first),
        }
        return known | {name: np.where(where, value, known.get(name, none)) for name, (where, value) in better.items()}

    def record(self, row: int) -> Record:
        """What the lead time of the item in this row rests on."""
        seen = self.periods[self.counts[row] > 0]
        return Record(
            own=int(self.counts[row].sum()),
            shortest=float(seen.min()) if seen.size else float("nan"),
            longest=float(seen.max()) if seen.size else float("nan"),
            pooled=int(self.pooled[row]),
            supplier=str(self.supplier[row]),
            mean=float(self.mean[row]),
            is_used=bool(self.is_used[row]),
        )

    def open_orders(self, rows: np.ndarray, most: int) -> tuple[OpenOrder, ...]:
        """Open orders of these items, those first that come first; at most so many."""
        mine = np.flatnonzero(np.isin(self.row, rows))
        mine = mine[np.lexsort((self.orders.ordered[mine], self.arrives[mine]))][:most]
        orders = self.orders
        return tuple(
            OpenOrder(
                item_id=str(orders.item_ids[one]),
                ordered=str(orders.ordered[one]),
                due="" if np.isnat(orders.due[one]) else str(orders.due[one]),
                units=float(orders.units[one]),
                arrives=int(self.arrives[one]),
                is_overdue=bool(self.is_overdue[one]),
                expected=str(self.expected[one]),
            )
            for one in mine
        )


def supply_of(orders: Orders, assortment: Assortment, about: About) -> Supply | None:
    """What the catalog's orders tell, None where there are none."""
    if not len(orders):
        return None
    row_of = {str(item_id): row for row, item_id in enumerate(assortment.item_ids)}
    row = np.array([row_of.get(item_id, -1) for item_id in orders.item_ids], dtype=int)
    orders, row = orders.take(row >= 0), row[row >= 0]
    when = [period_numbers(days, about.last, about.frequency, about.stamp) for days in (orders.ordered, orders.received)]
    received = when[1] <= 0  # of the others nobody knew at the creation date how long they take
    took = np.minimum((when[1] - when[0])[received], _LONGEST)
    periods, code = np.unique(took, return_inverse=True)
    items, kinds = len(assortment), len(periods)
    counts = np.bincount(row[received] * kinds + code, minlength=items * kinds).reshape(items, kinds).astype(np.float32)
    supplier, chances, pooled = _pooled(counts, assortment)
    known = assortment.commercial["lead_time"]
    stated = np.isfinite(known) & (known >= 0)
    is_used = (counts.sum(axis=1) > 0) | (~stated & bool(counts.any()))
    usual = np.where(is_used, chances @ periods, np.where(stated, known, np.nan))
    arrives, overdue = _arrivals(orders.take(~received), usual[row[~received]], about)
    stamps = about.frequency.after(about.last, int(arrives.max(initial=1)))
    expected = stamps.to_numpy().astype("datetime64[D]")[arrives - 1]
    return Supply(
        periods, counts, chances, is_used, pooled, supplier, row[~received], arrives, overdue, orders.take(~received), expected
    )


def uncertain_knots(
    supply: Supply | None,
    taus: np.ndarray,
    spans: np.ndarray,
    places: np.ndarray,
    rows: np.ndarray,
    lead_time: np.ndarray,
    deviation: np.ndarray,
    review: float,
) -> np.ndarray:
    """Knots [K, Q] of demand over uncertain lead times and ``review``, mixed as receipts were seen where they tell of them.

    ``spans`` [M, H, Q] are knots at ``taus`` of the first h periods; the items stand at ``places`` [K] in them and at ``rows``
    [K] in ``supply``. Of the others the ``lead_time`` [K] has a ``deviation`` [K].
    """
    answer = np.empty((len(rows), len(taus)))
    seen = np.zeros(len(rows), bool) if supply is None else supply.is_used[rows]
    if supply is not None and seen.any():
        answer[seen] = span_knots(taus, spans, supply.lead_times(rows[seen]), review, places[seen])
    if not seen.all():
        unseen = ~seen
        answer[unseen] = uncertain_span_knots(taus, spans, lead_time[unseen], deviation[unseen], review, places[unseen])
    return answer


def _pooled(counts: np.ndarray, assortment: Assortment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whose record stands behind each item [N], its chances [N, L], and the receipts of that record [N]."""
    whole = counts.sum(axis=0, dtype=np.float64)
    everybody = whole / max(whole.sum(), 1.0)
    if assortment.supplier is None:
        return np.full(len(counts), "", object), _drawn(counts, everybody), np.full(len(counts), int(whole.sum()))
    code, labels = assortment.supplier.codes.astype(int), np.asarray(assortment.supplier.categories, object)
    of_each = np.zeros((len(labels), counts.shape[1]))
    np.add.at(of_each, np.maximum(code, 0), counts)
    supplier, seen = _drawn(of_each, everybody), of_each.sum(axis=1).astype(int)[code]
    alone = seen == 0
    return np.where(alone, "", labels[code]), _drawn(counts, supplier[code]), np.where(alone, int(whole.sum()), seen)


def _drawn(counts: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """The distributions [., L] of ``counts`` with ``PSEUDO`` more receipts that are like ``towards``."""
    return np.asarray((counts + PSEUDO * towards) / (counts.sum(axis=1, keepdims=True) + PSEUDO))


def _arrivals(open_: Orders, usual: np.ndarray, about: About) -> tuple[np.ndarray, np.ndarray]:
    """In which period ahead each open order [O] is expected, 1 the next, and where that is only because it is overdue.

    When it came, where that was after the last period; when it is due; when it was ordered and how long that usually takes,
    ``usual`` [O]; or the next period, where nobody knows anything.
    """
    ordered, due, received = (
        period_numbers(days, about.last, about.frequency, about.stamp) for days in (open_.ordered, open_.due, open_.received)
    )
    guess = ordered + np.maximum(np.round(usual), 1.0)
    expected = np.where(np.isfinite(received), received, np.where(np.isfinite(due), due, guess))
    overdue = expected <= 0
    return np.where(np.isfinite(expected), np.maximum(expected, 1), 1).astype(int), overdue
