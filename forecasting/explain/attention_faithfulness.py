"""Whether attention tells what matters: over many items, does the forecast move more where it looked harder?

For each item two numbers are taken, as means over its targets: the share of the forecast's level that was seen in their twin
periods (the attention on them, times the gate's share of what attention found), and by how large a share the forecast moves
when nobody knows what sold in them. Their rank correlation over items is the agreement of attention with masking: 1 where
looking always matters, 0 where it tells nothing. Axis letters: N items, H horizons.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from data.errors import ModelError
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.types import Progress, Report
from forecasting.explain.attention_attribution import attention_attribution
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Items that it is taken over, drawn by the seed, and how many are masked at a time: bounds memory.
SAMPLED, _CHUNK = 300, 20

#: Fewer items than this, and a rank correlation says nothing.
_FEWEST = 10

_RESAMPLED = 2000


@dataclass(frozen=True)
class Agreement:
    """A rank correlation over ``items``; ``low`` and ``high`` hold nine in ten drawings of other items."""

    value: float
    low: float
    high: float
    items: int


@dataclass(frozen=True)
class Faithfulness:
    """How far the attention of one model agrees with masking on one catalog.

    ``key`` names the two. ``looked`` is the mean share of attention on twin periods, ``taken`` the mean share of a forecast's
    level that attention found, ``moved`` the median share by which the forecast moves without the twin periods, and ``weak``
    the share of links that hardly move it.
    """

    key: str
    agreement: Agreement
    looked: float
    taken: float
    moved: float
    weak: float
    seconds: float

    def save(self, path: Path) -> None:
        """Writes ``path`` in one move."""
        written(path, lambda fresh: fresh.write_text(json.dumps(asdict(self))))

    @classmethod
    def load(cls, path: Path, key: str) -> Faithfulness | None:
        """What was measured of ``key``, None where nothing was or the file is damaged."""
        try:
            held = json.loads(path.read_text())
            if held["key"] != key:
                return None
            return cls(**held | {"agreement": Agreement(**held["agreement"])})
        except UNREADABLE:
            return None


def agreement(looked: np.ndarray, moved: np.ndarray, seed: int = 1) -> Agreement:
    """The rank correlation of two numbers [N] of each item, with its bootstrap interval; NaN below ten items.

    >>> agreement(np.arange(12), np.arange(12.0) ** 2).value
    1.0
    """
    items = len(looked)
    value = float(_correlation(looked[None], moved[None])[0]) if items >= _FEWEST else float("nan")
    if np.isnan(value):
        return Agreement(float("nan"), float("nan"), float("nan"), items)
    drawn = np.random.default_rng(seed).integers(items, size=(_RESAMPLED, items))
    low, high = np.nanquantile(_correlation(looked[drawn], moved[drawn]), [0.05, 0.95])
    return Agreement(value, float(low), float(high), items)


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's of each row of two arrays [R, N]."""
    first, second = (rankdata(values, axis=1) for values in (one, other))
    first, second = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (first, second))
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.asarray(np.round((first * second).sum(axis=1) / np.where(scale > 0, scale, np.nan), 12))


def faithfulness(
    catalog: Catalog, forecaster: MQTransformerForecaster, key: str, report: Report, items: int = SAMPLED, seed: int = 1
) -> Faithfulness:
    """Measures it over a seeded sample of the catalog's items; raises ModelError where the networks have no attention.

    Items that nothing is on record of are left out: there is nothing to look at.
    """
    started = time.monotonic()
    ids = np.asarray(catalog.assortment().item_ids)
    drawn = np.random.default_rng(seed).permutation(len(ids))[:items]
    parts = []
    for first in range(0, len(drawn), _CHUNK):
        wanted = [str(one) for one in ids[drawn[first : first + _CHUNK]]]
        panel, plan = catalog.panel(wanted), catalog.plan(wanted, forecaster.horizon)
        found = attention_attribution(forecaster.networks, panel, plan)
        if not found.weights.shape[-1]:
            raise ModelError("This model was trained without attention, so there is nothing to compare with masking.")
        known = np.isfinite(panel.demand).any(axis=1)
        parts.append([one[known] for one in (found.counted, found.mass, found.taken, found.share, found.weak)])  # (n, H) each
        done = first + len(wanted)
        left = (time.monotonic() - started) / done * (len(drawn) - done)
        report(Progress(done, len(drawn), f"Masking where it looked: {done} of {len(drawn)} items", left))
    counted, mass, taken, share, weak = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Faithfulness(
        key=key,
        agreement=agreement(counted.mean(axis=1), share.mean(axis=1), seed),
        looked=float(mass.mean()),
        taken=float(taken.mean()),
        moved=float(np.median(share)),
        weak=float(weak.mean()),
        seconds=round(time.monotonic() - started, 1),
    )
