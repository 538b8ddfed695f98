"""Several locations supplied by one: who gets how many of the depot's stock now, and how many the depot buys from outside.

Two echelons (Clark & Scarf 1960). A catalog row belongs to them by three static columns: ``product``, ``location`` and
``supplied_from``, the location that supplies this one. *Allocation* is myopic (Federgruen & Zipkin 1984): each pack goes where
it saves most over the branch's own lead time and review; a pack comes back to the depot where joint paths say that it is worth
more at the next review. *The depot's order* covers the echelon, depot and branches together, under the balance assumption of
Eppen & Schrage (1981): stock is taken to be where it is needed, so the level is a quantile of the branches' *summed* demand.

Axis letters: N branches (of one product), Q taus, S samples, H periods, M rows of the catalog.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from data.errors import ConfigurationError
from forecasting.core import quantile_function
from forecasting.inventory.order_policy import Costs


@dataclass(frozen=True, eq=False)
class Branches:
    """What N branches of a product bring to an allocation.

    Attributes
    ----------
    names : locations; they decide between branches that gain the same, so the order of rows does not matter.
    knots : [N, Q] at ``taus`` of demand over the branch's own lead time and review, units.
    position : [N] units on hand and on the way, less back orders; may be negative.
    protected : [N] whole periods of lead time and review.
    costs : [N] money of a unit missing and of a unit left over.
    """

    names: tuple[str, ...]
    taus: np.ndarray
    knots: np.ndarray
    position: np.ndarray
    protected: np.ndarray
    costs: Costs

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = {"knots": len(self.knots), "position": len(self.position), "protected": len(self.protected)}
        shapes |= {"underage": len(self.costs.underage), "overage": len(self.costs.overage)}
        for name, length in shapes.items():
            if length != count:
                raise ConfigurationError(f"{name} has {length} rows for {count} branches. Give one of each branch.")
        if len(set(self.names)) != count:
            raise ConfigurationError("Two branches have the same name. Name each location once.")

    def gain(self, row: int, stock: float, pack: float) -> float:
        """Money that the next ``pack`` saves a branch that has ``stock``: c_u · saved − c_o · (pack − saved)."""
        before, after = quantile_function.shortfall(self.taus, self.knots[row], np.array([stock, stock + pack]))
        saved = float(before - after)
        return float(self.costs.underage[row]) * saved - float(self.costs.overage[row]) * (pack - saved)


@dataclass(frozen=True, eq=False)
class Allocation:
    """Who gets what now: ``given`` [N] units in whole packs, of which ``returned`` packs were taken back to wait.

    ``kept`` units stay at the depot. ``missed`` [N] is the money that sales expected to be lost cost each branch afterwards,
    and ``marginal`` [N] what its next pack would save: where stock ran out these differ by less than a pack's worth.
    """

    given: np.ndarray
    kept: float
    returned: int
    missed: np.ndarray
    marginal: np.ndarray


@dataclass(frozen=True)
class DepotOrder:
    """The arithmetic of the depot's order, units.

    ``level`` is the quantile at ``tau`` of the summed demand and ``added`` the branches' own quantiles added up, which is what
    risk pooling spares; ``position`` is the echelon's: depot, on order, and every branch's stock and what is on its way.
    """

    tau: float
    level: float
    added: float
    position: float
    gap: float
    quantity: float


def allocation(
    branches: Branches,
    on_hand: float,
    pack: float = 1.0,
    *,
    paths: np.ndarray | None = None,
    review: int = 1,
    arriving: float = 0.0,
) -> Allocation:
    """Who gets how many of the depot's ``on_hand`` units now, in whole packs of ``pack``.

    The next pack goes where ``gain`` is largest, as long as it is above 0; as every branch's gain falls with each pack, no
    other allocation of whole packs saves more over lead times and reviews. With joint ``paths`` [S, N, H] of the branches'
    demand, given packs then come back while they are worth more at the next review, with ``arriving`` units at the depot by
    then. Raises ConfigurationError for an impossible pack or stock, and for paths too short for lead time and two reviews.
    """
    if not pack > 0 or not on_hand >= 0 or not arriving >= 0:
        raise ConfigurationError(f"A pack is above 0 and stock is not negative; got {pack:g}, {on_hand:g} and {arriving:g}.")
    count, left = len(branches.names), int(on_hand / pack + 1e-9)
    packs = np.zeros(count, int)
    queue = [(-branches.gain(row, float(branches.position[row]), pack), branches.names[row], row) for row in range(count)]
    heapq.heapify(queue)
    while left and queue and queue[0][0] < 0:
        _, name, row = queue[0]
        packs[row], left = packs[row] + 1, left - 1
        stock = float(branches.position[row]) + packs[row] * pack
        heapq.heapreplace(queue, (-branches.gain(row, stock, pack), name, row))
    given_first = packs.sum()
    if paths is not None and count:
        _take_back(branches, packs, on_hand, pack, paths, review, arriving)
    given = packs * pack
    stock = branches.position + given
    lost = quantile_function.shortfall(branches.taus, branches.knots, stock)
    return Allocation(
        given=given,
        kept=float(on_hand - given.sum()),
        returned=int(given_first - packs.sum()),
        missed=np.asarray(branches.costs.underage * lost),
        marginal=np.array([branches.gain(row, float(stock[row]), pack) for row in range(count)]),
    )


def _take_back(
    branches: Branches, packs: np.ndarray, on_hand: float, pack: float, paths: np.ndarray, review: int, arriving: float
) -> None:
    """Takes given packs back, the least useful first, while a pack saves more at the next review than where it is.

    On a path a pack at a branch sells what demand over L + 2R exceeds the stock without it; a kept one serves what all branches
    together lack in the last R of these periods, after other kept units and arrivals, at the branches' mean worth.
    """
    periods = branches.protected.astype(int)
    _long_enough(paths, len(branches.names), int(periods.max()) + review)
    total = np.cumsum(paths, axis=2, dtype=np.float64)  # (S, N, H)
    rows = np.arange(len(branches.names))
    first, both = total[:, rows, periods - 1], total[:, rows, periods + review - 1]  # (S, N)
    under, over = branches.costs.underage, branches.costs.overage
    while packs.any():
        stock = branches.position + packs * pack
        sold = np.clip(both - (stock - pack), 0, pack).mean(axis=0)
        here = np.where(packs > 0, (under + over) * sold - over * pack, np.inf)
        row = min(rows, key=lambda one: (here[one], branches.names[one]))
        other = stock - pack * (rows == row)
        lacking = np.maximum(both - np.maximum(first, other), 0).sum(axis=1)  # (S,)
        waiting = on_hand - packs.sum() * pack + arriving
        later = float(np.clip(lacking - waiting, 0, pack).mean())
        if (under.mean() + over.mean()) * later - over.mean() * pack <= here[row] + 1e-9:
            return
        packs[row] -= 1


def depot_order(
    paths: np.ndarray, periods: np.ndarray, tau: float, position: float, pack: float = 1.0, min_order: float = 0.0
) -> DepotOrder:
    """How many the depot buys so that its branches are served with chance ``tau`` until its next order has reached them.

    ``paths`` [S, N, H] are joint paths of the branches' demand, the depot's own sales among them where it sells; ``periods``
    [N] are depot lead time, review and the branch's lead time together. ``position`` is the echelon's. Raises
    ConfigurationError where the paths are too short, the tau is no quantile or the pack is not above 0.
    """
    if not 0 < tau < 1 or not pack > 0:
        raise ConfigurationError(f"A quantile lies between 0 and 1 and a pack is above 0; got {tau:g} and {pack:g}.")
    periods = np.asarray(periods, int)
    _long_enough(paths, len(periods), int(periods.max(initial=1)))
    sold = np.cumsum(paths, axis=2, dtype=np.float64)[:, np.arange(len(periods)), periods - 1]  # (S, N)
    level, added = float(np.quantile(sold.sum(axis=1), tau)), float(np.quantile(sold, tau, axis=0).sum())
    gap = level - position
    wanted = max(gap, min_order) if gap > 1e-9 else 0.0
    return DepotOrder(tau, level, added, position, gap, float(np.ceil(wanted / pack - 1e-9) * pack))


def _long_enough(paths: np.ndarray, branches: int, periods: int) -> None:
    if paths.ndim != 3 or paths.shape[1] != branches or paths.shape[2] < periods:
        raise ConfigurationError(
            f"The paths have shape {paths.shape}; {branches} branches and {periods} periods need [S, {branches}, ≥ {periods}]. "
            "Forecast further ahead, or shorten lead times or review."
        )
