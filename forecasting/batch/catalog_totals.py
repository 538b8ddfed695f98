"""What all items will sell together in each coming period, and those of each category: made with the summary, kept beside it.

The expectation of a total is the sum of its items' expectations. Its quantiles come of samples in which every item's score
has a part in common with all items, one with its category and one of its own, so large that units move together as they did in
past errors, see ``common_error``. The common parts are drawn once, from a fixed seed, for the whole catalog; an item's own part
comes of its place among the items. So neither the cut into parts nor their order changes the result. Every item is drawn,
however many there are: what is held are the sums by sample, [G, S, H]. A sample has an item at the same score in all periods,
which is of no account for single periods, each of which has its own fan; totals over several periods would need how these hang
together.

Axis letters: N items, G totals (the whole catalog, then categories), S samples, H horizons, Q taus.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.assortment import Assortment
from forecasting.batch.common_error import CommonError, common_error
from forecasting.batch.joint_samples import UnitsTable, strata
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.quantile_function import TAUS, mean
from forecasting.core.types import QuantileForecast
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Samples of a total, and the seeds of the parts that scores are made of.
_SAMPLES = 300
_MARKET, _CATEGORY, _OWN = 1, 2, 3


@dataclass(frozen=True, eq=False)
class CatalogTotals:
    """G totals, that of the whole catalog first, then those of categories, best sellers first.

    Attributes
    ----------
    key : names the catalog and the model.
    creation_date : the last period whose demand was used.
    column : the attribute whose values the categories are; "" where there are none.
    labels : [G] str, the categories, "" for the whole.
    taus : [Q].
    expected : [G, H] units, the sums of the items' expectations.
    values : [G, H, Q] units per period.
    planned : [G] units over all H periods that what is planned adds to what is usual; NaN where that was not compared.
    common : how far items err together.
    """

    key: str
    creation_date: pd.Timestamp
    column: str
    labels: np.ndarray
    taus: np.ndarray
    expected: np.ndarray
    values: np.ndarray
    planned: np.ndarray
    common: CommonError

    def row_of(self, label: str) -> int | None:
        """Where the total of a category stands, of the whole for ""; None where there is none."""
        return self._rows.get(label)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(label): row for row, label in reversed(list(enumerate(self.labels)))}  # the whole before an unnamed one

    def save(self, path: Path) -> None:
        """Writes ``path`` in one move: a row for each total and period."""
        totals, horizon, _ = self.values.shape
        columns = {
            "label": np.repeat(self.labels.astype(object), horizon),
            "planned": np.repeat(self.planned, horizon),
            "expected": self.expected.ravel(),
        }
        knots = {f"{tau:g}": self.values[:, :, knot].ravel() for knot, tau in enumerate(self.taus)}
        frame = pd.DataFrame(columns | knots)
        frame.attrs = {
            "key": self.key,
            "creation_date": f"{self.creation_date:%Y-%m-%d}",
            "column": self.column,
            "totals": totals,
            "taus": [float(tau) for tau in self.taus],
            "common": {name: str(value) for name, value in asdict(self.common).items()},
        }
        written(path, lambda fresh: frame.to_parquet(fresh, write_page_checksum=True))

    @classmethod
    def load(cls, path: Path, key: str) -> CatalogTotals | None:
        """The totals at ``path`` if they were made of ``key``, else None, as where they are damaged or of another version."""
        if not path.is_file():
            return None
        try:
            frame = pd.read_parquet(path, page_checksum_verification=True)
            about = frame.attrs
            if about.get("key") != key:
                return None
            totals, taus = int(about["totals"]), np.array(about["taus"])
            knots = [frame[f"{tau:g}"].to_numpy().reshape(totals, -1) for tau in taus]
            return cls(
                key=key,
                creation_date=pd.Timestamp(about["creation_date"]),
                column=about["column"],
                labels=frame["label"].to_numpy().reshape(totals, -1)[:, 0],
                taus=taus,
                expected=frame["expected"].to_numpy().reshape(totals, -1),
                values=np.stack(knots, axis=-1),
                planned=frame["planned"].to_numpy().reshape(totals, -1)[:, 0],
                common=_common(about["common"]),
            )
        except UNREADABLE:
            return None


def _common(stored: dict[str, Any]) -> CommonError:
    """As it was written: words for numbers and dates."""
    return CommonError(
        market=float(stored["market"]),
        category=float(stored["category"]),
        items=int(stored["items"]),
        dates=int(stored["dates"]),
        first=pd.Timestamp(stored["first"]),
        last=pd.Timestamp(stored["last"]),
    )


def total_sums(catalog: Catalog, networks: FeedbackEnsemble) -> TotalSums:
    """The empty sums of a catalog whose items are tied as these networks' past errors were."""
    assortment, about = catalog.assortment(), catalog.about
    column = next(iter(about.static), "")
    common = common_error(catalog, assortment, networks)
    return TotalSums(assortment, column if column in about.grouped_by else "", common)


@dataclass(frozen=True, eq=False)
class PartialSums:
    """What the items of a part of the catalog add to the totals ``rows`` [P]: ``samples`` [P, S, H], ``expected`` [P, H]."""

    rows: np.ndarray
    samples: np.ndarray
    expected: np.ndarray


def span_total(
    assortment: Assortment,
    item_ids: np.ndarray,
    spans: np.ndarray,
    factors: np.ndarray,
    totals: CatalogTotals,
    category: str = "",
) -> np.ndarray:
    """Quantiles [Q] of what all items, or those of a category, sell together from the creation date to one date.

    They are at the taus of ``totals``. ``spans`` [M, Q] are the items' own quantiles of that span, however its periods hang
    together; items are tied as they are in a single period. Each is counted by its factor [M]; one that has none, NaN, is left
    out.
    """
    place = pd.Index(assortment.item_ids).get_indexer(item_ids)
    codes, labels = np.asarray(assortment.category.codes)[place], np.asarray(assortment.category.categories, dtype=object)
    wanted = np.isfinite(factors) & ((codes == np.flatnonzero(labels == category)[:1]) if category else True)
    market, summed, expected = strata(_SAMPLES, _MARKET)[:, None], np.zeros(_SAMPLES), 0.0
    for code in np.unique(codes[wanted]):
        mine = np.flatnonzero(wanted & (codes == code))
        own = np.stack([strata(_SAMPLES, _OWN, int(item)) for item in place[mine]], axis=1)  # (S, N)
        knots = spans[mine].astype(np.float64) * factors[mine, None]
        table, means = UnitsTable.of(totals.taus, knots[:, None]), mean(totals.taus, knots)
        share = means / np.maximum(table.slopes()[:, 0], 1e-9)
        scores = totals.common.scores(share, market, strata(_SAMPLES, _CATEGORY, int(code))[:, None], own)
        summed += table.sums(scores)[:, 0]
        expected += float(means.sum())
    drawn = float(summed.mean())
    return np.asarray(np.quantile(summed * (expected / drawn if drawn > 0 else 1.0), totals.taus))


class TotalSums:
    """The sums of a catalog as they grow, part by part: ``of`` a part in any thread, then ``add`` it.

    ``column`` is the first static attribute where the catalog has series of its groups; the categories are then those that have
    a name. Only the whole is summed where it is "".
    """

    def __init__(self, assortment: Assortment, column: str, common: CommonError, samples: int = _SAMPLES) -> None:
        self._index, self._column, self._common = pd.Index(assortment.item_ids), column, common
        self._codes = np.asarray(assortment.category.codes)
        self._labels = np.asarray(assortment.category.categories, dtype=object) if column else np.zeros(0, object)
        self._market = strata(samples, _MARKET)[:, None]
        self._samples, self._expected = np.zeros((0, samples, 0)), np.zeros((0, 0))  # (categories or 1, S, H) from a part on

    def of(self, forecast: QuantileForecast) -> PartialSums:
        """What these items add."""
        items = self._index.get_indexer(forecast.item_ids)
        codes, mean = self._codes[items], forecast.mean()  # (N,), (N, H)
        rows, sums, expected = [], [], []
        for code in np.unique(codes):
            mine = np.flatnonzero(codes == code)
            own = np.stack([strata(len(self._market), _OWN, int(item)) for item in items[mine]], axis=1)  # (S, N)
            category = strata(len(self._market), _CATEGORY, int(code))[:, None]
            table = UnitsTable.of(forecast.taus, forecast.values[mine])
            share = mean[mine].sum(axis=1) / np.maximum(table.slopes().sum(axis=1), 1e-9)  # (N,)
            rows.append(code)
            sums.append(table.sums(self._common.scores(share, self._market, category, own)))
            expected.append(mean[mine].sum(axis=0))
        if len(self._labels) == 0:
            return PartialSums(np.zeros(1, int), np.sum(sums, axis=0)[None], np.sum(expected, axis=0)[None])
        return PartialSums(np.array(rows), np.stack(sums), np.stack(expected))

    def add(self, part: PartialSums) -> None:
        """Adds a part; each once."""
        if not len(self._samples):
            groups = max(len(self._labels), 1)
            self._samples = np.zeros((groups, *part.samples.shape[1:]))
            self._expected = np.zeros((groups, part.expected.shape[1]))
        self._samples[part.rows] += part.samples
        self._expected[part.rows] += part.expected

    def totals(self, key: str, creation_date: pd.Timestamp) -> CatalogTotals:
        """The totals of all parts that were added, each sample moved by what its mean misses the expectation."""
        named = [row for row, label in enumerate(self._labels) if str(label)]
        named.sort(key=lambda row: -float(self._expected[row].sum()))
        samples = np.concatenate([self._samples.sum(axis=0, keepdims=True), self._samples[named]])  # (G, S, H)
        expected = np.concatenate([self._expected.sum(axis=0, keepdims=True), self._expected[named]])
        drawn = samples.mean(axis=1)
        samples *= np.divide(expected, drawn, out=np.ones_like(drawn), where=drawn > 0)[:, None]
        return CatalogTotals(
            key=key,
            creation_date=creation_date,
            column=self._column if named else "",
            labels=np.array(["", *self._labels[named]], dtype=object),
            taus=np.array(TAUS),
            expected=expected,
            values=np.moveaxis(np.quantile(samples, TAUS, axis=1), 0, -1),
            planned=np.full(len(expected), np.nan),
            common=self._common,
        )
