"""What the items of a purchase list will sell together until the next order arrives: totals whose quantiles are not added.

The items' P90s added up is a number that all of them together almost never reach. How far they err together over that span is
measured by ``batch.error_correlation``; a sample draws the parts that it names and reads each item's quantile function of the
span.

Axis letters: N items, Q taus, S samples, C categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecasting.batch.error_correlation import ErrorCorrelation, error_correlation_of
from forecasting.batch.joint_samples import UnitsTable
from forecasting.core import quantile_function
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one
    from forecasting.purchasing.purchase_plan import BuyPlan

#: Items whose past is judged at most.
_MOST_ITEMS = 400

#: Samples, fewer where the items are many; and items drawn at a time.
_SAMPLES, _DRAWS, _CHUNK = 2000, 25_000_000, 512


@dataclass(frozen=True)
class Together:
    """What ``items`` will sell together, in units and at their prices; ``added_…`` are the items' P90s added up."""

    name: str
    items: int
    units_p50: float
    units_p90: float
    added_units: float
    money_p50: float
    money_p90: float
    added_money: float


@dataclass(frozen=True, eq=False)
class JointTotals:
    """The whole list, its categories and its suppliers, dearest first, and what the ties rest on.

    ``suppliers`` is empty where the catalog has none; their totals are sums along the same draws.
    """

    whole: Together
    categories: tuple[Together, ...]
    ties: ErrorCorrelation
    samples: int
    suppliers: tuple[Together, ...] = ()


def error_correlation(plan: BuyPlan, catalog: Catalog, networks: FeedbackEnsemble) -> ErrorCorrelation:
    """What a list's totals are tied by: measured on the best sellers of all, for of its scope there may be few."""
    periods = int(np.clip(round(float(np.median(plan.periods))), 1, networks.now.horizon)) if len(plan) else 1
    return error_correlation_of(catalog, networks, [str(one) for one in plan.inputs.assortment.item_ids[:_MOST_ITEMS]], periods)


def joint_totals(plan: BuyPlan, ties: ErrorCorrelation, per_piece: np.ndarray | None = None) -> JointTotals:
    """What the items of ``plan`` will sell together over their lead times and reviews.

    Units are pieces, or what ``per_piece`` [N] says that one is; an item of which that is not known, NaN, adds none.
    """
    counted = plan.knots if per_piece is None else plan.knots * np.nan_to_num(per_piece)[:, None]
    taus, items = plan.inputs.taus, len(plan)
    samples = int(np.clip(_DRAWS // max(items, 1), 400, _SAMPLES))
    rng = np.random.default_rng(0)
    labels, place = np.unique(np.asarray(plan.inputs.assortment.category.take(plan.rows), dtype=str), return_inverse=True)
    market = rng.standard_normal((samples, 1), np.float32)
    category = rng.standard_normal((samples, len(labels)), np.float32)
    buyers = _suppliers(plan)
    groups = [(labels, place)] if buyers is None else [(labels, place), buyers]
    sums = [np.zeros((2, samples, len(names))) for names, _ in groups]  # units, money
    for start in range(0, items, _CHUNK):
        part = slice(start, min(start + _CHUNK, items))
        knots = np.stack([counted[part], plan.knots[part] * plan.price[part, None]], axis=1)  # (N, 2, Q)
        own = rng.standard_normal((samples, part.stop - start), np.float32)
        z = ties.scores(market, category[:, place[part]], own)
        for total, (_, member) in zip(sums, groups, strict=True):
            for label in np.unique(member[part]):
                mine = member[part] == label
                total[:, :, label] += UnitsTable.of(taus, knots[mine]).sums(z[:, mine]).T
    p90, pieces = (quantile_function.quantile(taus, knots, 0.9) for knots in (counted, plan.knots))

    def together(name: str, total: np.ndarray, members: np.ndarray) -> Together:
        middle = [float(q) for series in total for q in np.quantile(series, [0.5, 0.9])]
        added, worth = float(p90[members].sum()), float((pieces * plan.price)[members].sum())
        return Together(name, int(members.sum()), middle[0], middle[1], added, middle[2], middle[3], worth)

    def each(total: np.ndarray, names: np.ndarray, member: np.ndarray) -> tuple[Together, ...]:
        found = [together(str(name), total[:, :, k], member == k) for k, name in enumerate(names)]
        return tuple(sorted(found, key=lambda one: -one.money_p50))

    return JointTotals(
        whole=together("All together", sums[0].sum(axis=2), np.ones(items, bool)),
        categories=each(sums[0], *groups[0]),
        ties=ties,
        samples=samples,
        suppliers=each(sums[1], *groups[1]) if len(groups) > 1 else (),
    )


def _suppliers(plan: BuyPlan) -> tuple[np.ndarray, np.ndarray] | None:
    """The suppliers [G] of the list and which is each item's [N]; None where the catalog has none."""
    supplier = plan.inputs.assortment.supplier
    if supplier is None:
        return None
    return np.unique(np.asarray(supplier.take(plan.rows), dtype=str), return_inverse=True)
