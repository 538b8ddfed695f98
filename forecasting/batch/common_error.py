"""By how much of what is expected of them all items are off together, and those of a category.

The correlation of two items' scores depends on how noisy they are: what all of them have in common is much of the error of a
best seller and next to nothing of the error of an item that sells once a month. What is common is therefore measured in units,
as a share of the expectation: with errors e, expectations μ and pairs of different items i ≠ j,

    s² = Σ eᵢ eⱼ / Σ μᵢ μⱼ,

over all pairs and over pairs of a category, on past forecasts of single periods by networks that had not seen what followed.
Best sellers are chosen by what they sold in the very periods that are judged, which makes forecasts of them look too low; so
others are drawn, too, each counting for as many as it stands for.

Axis letters: N items, K creation dates, H horizons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.assortment import Assortment
from data.errors import TooLittleHistory
from forecasting.batch.error_correlation import pair_products, past_forecasts
from forecasting.core.quantile_function import TAUS, mean
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Best sellers and other items that are judged at most, and creation dates.
_BEST, _OTHERS, _DATES = 400, 800, 7


@dataclass(frozen=True)
class CommonError:
    """Standard deviations of what two items' errors have in common, as shares of what is expected of them.

    ``market`` is that of any two, ``category`` that of two of a category, from ``items`` items at ``dates`` creation dates,
    ``first`` … ``last``. Measured at no date, both are assumed.
    """

    market: float
    category: float
    items: int
    dates: int
    first: pd.Timestamp
    last: pd.Timestamp

    def scores(self, share: np.ndarray, market: np.ndarray, category: np.ndarray, own: np.ndarray) -> np.ndarray:
        """Normal scores [S, N] of items whose parts are the normal scores ``market``, ``category`` and ``own``.

        ``share`` [N] is what an item's expectation is of its slope (see ``UnitsTable.slopes``): an item has so much in common
        with others that its units move with theirs as measured, and no more than its own error allows.
        """
        common, within = share * self.market, share * np.sqrt(self.category**2 - self.market**2)
        size = np.maximum(np.hypot(common, within), 1.0)
        common, within = common / size, within / size
        return np.asarray(common * market + within * category + np.sqrt(np.maximum(1 - common**2 - within**2, 0)) * own)


#: Where it cannot be measured: about what it is in the demo.
ASSUMED = CommonError(0.10, 0.12, 0, 0, pd.NaT, pd.NaT)


def common_error(catalog: Catalog, assortment: Assortment, networks: FeedbackEnsemble) -> CommonError:
    """How far items erred together in single periods; ``ASSUMED`` where too little is on record to say, or one item alone."""
    rows, weight = sampled(len(assortment), _BEST, _OTHERS)
    panel = catalog.panel([str(item_id) for item_id in assortment.item_ids[rows]])
    try:
        values, actuals, used = past_forecasts(networks, panel, networks.now.horizon, spans=False, most=_DATES)
    except TooLittleHistory:
        return ASSUMED
    known, expected = np.isfinite(actuals), mean(np.array(TAUS), values)
    errors, expected = (weight[:, None, None] * np.where(known, one, 0.0) for one in (actuals - expected, expected))
    market = shared_square(errors, expected, np.zeros(len(rows)))
    category = shared_square(errors, expected, np.asarray(assortment.category, dtype=str)[rows])
    if market is None:
        return ASSUMED
    first, last = panel.periods[min(used)], panel.periods[max(used)]
    both = (np.sqrt(max(market, 0.0)), np.sqrt(max(market, category or 0.0, 0.0)))
    return CommonError(float(both[0]), float(both[1]), len(rows), len(used), first, last)


def shared_square(errors: np.ndarray, expected: np.ndarray, groups: np.ndarray) -> float | None:
    """s² over the pairs within ``groups`` [N] of ``errors`` and ``expected`` [N, K, H]; None where there is no pair."""
    together = pairs = 0.0
    for group in np.unique(groups):
        mine = groups == group
        if mine.sum() > 1:
            together += pair_products(errors[mine])
            pairs += pair_products(expected[mine])
    return together / pairs if pairs > 0 else None


def sampled(items: int, best: int, others: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of an assortment of ``items``, best sellers first, and how many items each stands for.

    They are the ``best``, and of the ``others`` every k-th, about so many.
    """
    rest = np.arange(best, items)
    step = max(1, len(rest) // others)
    drawn = rest[step // 2 :: step]
    rows = np.concatenate([np.arange(min(best, items)), drawn])
    return rows, np.where(rows < best, 1.0, len(rest) / max(len(drawn), 1))
