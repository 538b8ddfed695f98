"""What a product without history will do, from the launches of others.

Three views of the first W periods of a launch: its *analogs*, launched items near it by the learned metric, each with the
share of the weight that its curve has in the forecast; the *network*, which reads attributes and price alone; and the
blend of the two, their quantiles averaged with a share that was chosen on earlier launches. Items alike by attributes
alone, and all launches of the category, stand beside them as what a planner would do by hand. Curves are taken as they
were, failures included.

Axis letters: N products, K launches, W periods of a launch, Q taus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import TooLittleHistory
from forecasting.core import metrics
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.new_products.kinship import with_kin_first
from forecasting.new_products.launch_history import ENOUGH, GroupHistory, Launches, Products, log_level
from forecasting.new_products.similarity_network import LaunchMetric, OnStep, words_of

#: Analogs that share the weight: more add nothing, and nobody could look at them.
_ANALOGS = 100

#: Launches alike by attributes alone that are taken for a forecast, and launches that make a category's.
_ALIKE, _OF_CATEGORY = 30, 10

#: Launches that are learned from at most, the latest: bounds time and memory of a fit.
_MOST = 4000

#: Shares of the network that are tried; the one that is taken untried, as it was found to serve in blends of forecasters
#: before; and launches from which the best of those tried counts as much.
_SHARES, _UNTRIED_SHARE, _LAUNCHES = np.linspace(0, 1, 11), 1 / 3, 120

#: How much of the trend that is seen among launches is carried on, and how far it may move a forecast, as a log.
_CARRIED, _FARTHEST = 0.5, 0.4

#: The taus that a forecast is judged by.
_JUDGED = [TAUS.index(tau) for tau in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)]

#: Launches weighed at a time: bounds memory.
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class Fans:
    """Quantiles of N launches: ``values`` [N, W, Q] of periods and ``spans`` [N, W, Q] of the first w together."""

    values: np.ndarray
    spans: np.ndarray

    def take(self, rows: np.ndarray) -> Fans:
        """Those of these launches."""
        return Fans(self.values[rows], self.spans[rows])

    def times(self, factor: np.ndarray) -> Fans:
        """All units times ``factor`` [N]."""
        return Fans(self.values * factor[:, None, None], self.spans * factor[:, None, None])

    def blended(self, other: Fans, share: float) -> Fans:
        """Quantiles averaged, ``share`` of the weight on the ``other``."""
        return Fans(*((1 - share) * a + share * b for a, b in ((self.values, other.values), (self.spans, other.spans))))


@dataclass(frozen=True, eq=False)
class Analog:
    """A launched item that stands in for the product.

    ``share`` is its part of the weight, 0 where it is excluded, and ``emphasis`` what the planner multiplied it by;
    ``matches`` are the attributes that it shares with the product; ``curve`` [W] is what it sold from its ``launch`` on.
    """

    item_id: str
    name: str
    share: float
    emphasis: float
    matches: tuple[str, ...]
    price: float | None
    launch: pd.Timestamp
    curve: np.ndarray


@dataclass(frozen=True)
class ViewRecord:
    """How one view did on launches held out: wQL of periods and of the whole launch."""

    title: str
    wql: float
    span_wql: float


@dataclass(frozen=True)
class LaunchRecord:
    """How the views did on ``launches`` that began after what they had learned from, in periods ``first`` … ``last``.

    ``blend_vs`` are the views that the blend is compared with, each with the difference of losses and its interval.
    """

    launches: int
    first: pd.Timestamp
    last: pd.Timestamp
    views: tuple[ViewRecord, ...]
    blend_vs: Mapping[str, metrics.Difference]


@dataclass(frozen=True, eq=False)
class LaunchForecast:
    """What one product will sell in the first W periods of its launch; every forecast is [1, W, Q].

    ``network`` is None where no model serves; ``network_share`` is its part of the blend. ``nearest`` are the analogs with
    the most weight, and those that the planner gave another one; ``others`` launches share what is left of the weight.
    ``moved`` is what the analogs' units are multiplied by for the trend since their time. ``sold`` [W] is what came so far,
    NaN where nothing is known.
    """

    name: str
    static: Mapping[str, str]
    price: float | None
    blend: QuantileForecast
    analogs: QuantileForecast
    network: QuantileForecast | None
    network_share: float
    nearest: tuple[Analog, ...]
    others: int
    moved: float
    sold: np.ndarray


@dataclass(frozen=True, eq=False)
class LaunchModel:
    """The metric of a catalog and what is needed to forecast a launch with it.

    ``trend`` is how much more, as a log per period, a launch sells than one a period before it.
    """

    metric: LaunchMetric
    trend: float
    network_share: float = _UNTRIED_SHARE

    @classmethod
    def fitted(
        cls, launches: Launches, shelf: GroupHistory, t: int, *, members: int = 1, on_step: OnStep = lambda done, total: None
    ) -> LaunchModel:
        """Learns from the launches that were over at the end of period ``t``; raises TooLittleHistory below ``ENOUGH``."""
        known = launches.finished_by(t)
        if len(known) < ENOUGH:
            raise TooLittleHistory(
                f"The catalog has {len(known)} launches that were followed for {launches.window} periods; at least {ENOUGH} "
                "are needed. A launch is an item whose first sale comes after the catalog begins. Load a longer history, "
                "or forecast the product from an item like it."
            )
        known = known.take(np.sort(np.argsort(known.products.start, kind="stable")[-_MOST:]))
        metric = LaunchMetric.fitted(known, shelf.until(t), members=members, on_step=on_step)
        return cls(metric, _trend(known))

    @property
    def known(self) -> Launches:
        """The launches that were learned from."""
        return self.metric.known

    def by_metric(self, products: Products) -> Fans:
        """The analogs' view."""
        shares = [self.shares(products.take(rows)) for rows in _chunks(len(products))]
        return self.weighed(products, np.concatenate(shares))

    def shares(self, products: Products, emphasis: np.ndarray | None = None) -> np.ndarray:
        """The share [N, K] of each known launch: those of the nearest, with their own kind first, times ``emphasis`` [K].

        NaN where none is left.
        """
        shares = self.metric.weights(products, self.known)
        if shares.shape[1] > _ANALOGS:
            least = np.partition(shares, -_ANALOGS, axis=1)[:, [-_ANALOGS]]
            shares = np.where(shares >= least, shares, 0.0)
        shares = with_kin_first(shares / shares.sum(axis=1, keepdims=True), products, self.known, self.metric.shelf)
        shares = shares if emphasis is None else shares * emphasis
        with np.errstate(invalid="ignore"):
            return shares / shares.sum(axis=1, keepdims=True)

    def weighed(self, products: Products, shares: np.ndarray) -> Fans:
        """The view of known launches with these shares [N, K], the trend since their time carried on."""
        parts = [weighted_fans(self.known.curves, shares[rows]) for rows in _chunks(len(products))]
        return _stacked(parts).times(self.moved(products, shares))

    def moved(self, products: Products, shares: np.ndarray) -> np.ndarray:
        """By how much [N] the trend moves the view of launches with these shares."""
        gap = products.start - shares @ self.known.products.start
        return np.exp(np.clip(self.trend * gap, -_FARTHEST, _FARTHEST))

    def by_attributes(self, products: Products) -> Fans:
        """The view of the launches most alike by attributes, price and name, each with the same weight."""
        return self._by(products, lambda rows: _nearest(likeness(products.take(rows), self.known, self.metric.shelf)))

    def by_category(self, products: Products) -> Fans:
        """The view of all launches of the finest category that has enough of them."""
        return self._by(products, lambda rows: _of_category(products.take(rows), self.known, self.metric.shelf))

    def _by(self, products: Products, weigh: Callable[[np.ndarray], np.ndarray]) -> Fans:
        return _stacked([weighted_fans(self.known.curves, weigh(rows)) for rows in _chunks(len(products))])


def _chunks(count: int) -> list[np.ndarray]:
    return [np.arange(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]


def _stacked(fans: Sequence[Fans]) -> Fans:
    return Fans(np.concatenate([one.values for one in fans]), np.concatenate([one.spans for one in fans]))


def _trend(known: Launches) -> float:
    """Half the slope of log levels over the time of the launches; none where they span less than a launch takes."""
    start = known.products.start.astype(np.float64)
    if start.max() - start.min() < known.window:
        return 0.0
    return _CARRIED * float(np.polyfit(start, log_level(known.curves), 1)[0])


def weighted_fans(curves: np.ndarray, shares: np.ndarray) -> Fans:
    """Quantiles of the curves [K, W] weighted by ``shares`` [N, K], which sum to 1, and of their running totals."""
    return Fans(_weighted(curves, shares), _weighted(curves.cumsum(axis=1), shares))


def _weighted(curves: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """[N, W, Q]: each curve stands at the middle of its share of the weight, and between two of them lies a line."""
    answer = np.empty((len(shares), curves.shape[1], len(TAUS)))
    for w, units in enumerate(curves.T):
        order = np.argsort(units, kind="stable")
        share, sorted_units = shares[:, order], units[order]
        middle = share.cumsum(axis=1) - share / 2  # (N, K)
        for row, places in enumerate(middle):
            answer[row, w] = np.interp(TAUS, places, sorted_units)
    return answer


def likeness(products: Products, others: Launches, shelf: GroupHistory) -> np.ndarray:
    """How alike products and launches are by attributes, price and name alone, [N, K].

    A shared attribute counts by how rare it is, log(items / items of it); a price half as high again costs what a shared
    price would bring, and the words that two names share count as a part of all their words.
    """
    score = np.zeros((len(products), len(others)))
    for column in shelf.columns:
        if not column:
            continue
        sellers = shelf.sellers[column].max(axis=1) + 1
        rare = np.log(sellers.sum() / sellers)[np.maximum(shelf.rows(products, column), 0)]  # (N,)
        score += np.where(shelf.shared(column, products, others.products), rare[:, None], 0.0)
    with np.errstate(invalid="ignore"):
        gap = np.abs(np.log(products.price)[:, None] - np.log(others.products.price)[None]) / np.log(1.5)
    score += np.nan_to_num(np.exp(-gap))
    return score + 2 * _shared_words(products.names, others.products.names)


def _shared_words(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The share [N, K] of all words of two names that both have."""
    spoken: dict[str, int] = {}
    sets = [[{spoken.setdefault(word, len(spoken)) for word in words_of(name)} for name in names] for names in (mine, theirs)]
    flags = []
    for one in sets:
        marks = np.zeros((len(one), max(len(spoken), 1)), np.float32)
        for row, words in enumerate(one):
            marks[row, list(words)] = 1
        flags.append(marks)
    both = flags[0] @ flags[1].T
    either = flags[0].sum(axis=1)[:, None] + flags[1].sum(axis=1)[None] - both
    return both / np.maximum(either, 1)


def _nearest(score: np.ndarray) -> np.ndarray:
    """Equal shares [N, K] of the most alike."""
    count = min(_ALIKE, score.shape[1])
    best = np.argpartition(-score, count - 1, axis=1)[:, :count]
    shares = np.zeros_like(score)
    np.put_along_axis(shares, best, 1 / count, axis=1)
    return shares


def _of_category(products: Products, known: Launches, shelf: GroupHistory) -> np.ndarray:
    """Equal shares [N, K] of the launches that share the attribute with the most labels of those with enough launches.

    Attributes of up to a thousand labels are categories; the rule looks from the finest to the coarsest.
    """
    shares = np.full((len(products), len(known)), 1 / len(known))
    for column in sorted(shelf.columns, key=lambda one: len(shelf.labels[one])):
        if not column or len(shelf.labels[column]) > 1000:
            continue
        same = shelf.shared(column, products, known.products)
        count = same.sum(axis=1)
        enough = count >= _OF_CATEGORY
        shares[enough] = same[enough] / count[enough, None]
    return shares


def losses(fans: Fans, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pinball losses [N] of the periods, and of the whole launch, summed over the periods and averaged over taus."""
    taus = np.array(TAUS)[_JUDGED]
    periods = metrics.pinball(curves, fans.values[..., _JUDGED], taus).sum(axis=1).mean(axis=1)
    whole = metrics.pinball(curves.sum(axis=1), fans.spans[:, -1][..., _JUDGED], taus).mean(axis=1)
    return periods, whole


def chosen_share(analogs: Fans, network: Fans, curves: np.ndarray) -> float:
    """The network's share in the blend that would have been best for these launches, held the closer to a third the fewer.

    A share that a few launches liked best is mostly chance, and what forecast them was a younger network than the one that
    serves.
    """
    count = len(curves)
    if not count:
        return _UNTRIED_SHARE
    totals = [float(losses(analogs.blended(network, share), curves)[0].sum()) for share in _SHARES]
    best = float(_SHARES[int(np.argmin(totals))])
    return (count * best + _LAUNCHES * _UNTRIED_SHARE) / (count + _LAUNCHES)


def recorded(launches: Launches, views: Mapping[str, Fans], blend: str, stamps: pd.DatetimeIndex) -> LaunchRecord:
    """How the ``views`` did on held-out launches, and the one named ``blend`` against each other one."""
    lost = {title: losses(fans, launches.curves) for title, fans in views.items()}
    sold = launches.curves.sum(axis=1)
    return LaunchRecord(
        launches=len(launches),
        first=stamps[int(launches.products.start.min())],
        last=stamps[int(launches.products.start.max())],
        views=tuple(
            ViewRecord(title, float(2 * periods.sum() / sold.sum()), float(2 * whole.sum() / sold.sum()))
            for title, (periods, whole) in lost.items()
        ),
        blend_vs={
            title: metrics.clustered_bootstrap(2 * lost[blend][0][None], 2 * periods[None], sold[None])
            for title, (periods, _) in lost.items()
            if title != blend
        },
    )
