"""The desk's part for products without history: what a planner may say of one, its forecast, and the items like it.

It is made once for a catalog and a model, which takes seconds, and answers at once then: weighing an analog otherwise only
adds up the curves anew. Axis letters: N items, W periods of a launch, K launches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.errors import DataError, UnknownItem
from data.facts import About, ItemFacts
from data.schema import PRICE, Panel, Plan
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.new_products.analog_forecast import Analog, Fans, LaunchForecast, LaunchModel, LaunchRecord
from forecasting.new_products.holdout_trial import Trial, by_network, trial
from forecasting.new_products.launch_history import Launches, Products, launch_window, named, period_number, read_launches
from forecasting.new_products.model_store import LaunchStore, Learned
from forecasting.new_products.similarity_network import OnStep, squared_distances

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Analogs that are told one by one, launches that are named, and best sellers that items are compared with.
_LISTED, _NAMED, _COMPARED = 20, 8000, 20_000

#: Items read at a time, launches under way that are offered, and values of an attribute that are.
_READ, _OFFERED, _VALUES = 8192, 300, 2000

_STEPS = 100


@dataclass(frozen=True)
class NewProduct:
    """A product as a planner describes it; ``price`` None is not known yet, ``promo`` the share of its launch promoted."""

    name: str
    static: Mapping[str, str]
    price: float | None
    promo: float
    launch: pd.Timestamp


@dataclass(frozen=True)
class RecentItem:
    """An item of the catalog that began lately."""

    item_id: str
    name: str
    launch: pd.Timestamp


@dataclass(frozen=True)
class SimilarItem:
    """An item near another by the learned metric; ``matches`` are the attributes they share."""

    item_id: str
    name: str
    matches: tuple[str, ...]
    price: float | None
    recent_units: float
    distance: float


@dataclass(eq=False)
class LaunchService:
    """Answers about launches in one catalog with one metric and, where it serves, the network; nothing in it changes.

    ``under_way`` are launches that are not over, ``items`` the best sellers that items are compared with, and ``like`` any one
    item of the catalog, whose groups stand for the market's. Launches that the ``trial`` held out are forecast by what was
    known before them. ``ahead`` is that item's plan as far as a launch may be planned, with the holidays there.
    """

    about: About
    model: LaunchModel
    under_way: Launches
    items: tuple[ItemFacts, ...]
    like: Panel
    network: MQTransformerForecaster | None
    trial: Trial | None
    ahead: Plan | None = None
    _last_fans: tuple[tuple[object, ...], Fans] | None = field(default=None, init=False)

    @classmethod
    def of(cls, catalog: Catalog, network: MQTransformerForecaster | None, store: LaunchStore) -> LaunchService | None:
        """Takes up what was learned from the launches and kept in the ``store``; None until they were learned from.

        Raises DataError where the catalog has no attributes to know a product by.
        """
        about = catalog.about
        if not about.static:
            raise DataError(
                f"The catalog {about.name!r} has no attributes, and a product without history can only be known by them. "
                "Load data with a category, a brand or another column of words."
            )
        learned = store.load()
        if learned is None:
            return None
        items = catalog.search("", limit=min(about.items, _COMPARED)).rows
        like = catalog.panel([items[0].item_id])
        tested = learned.trial
        if tested is not None and network is not None:
            tested = replace(tested, network=network.validation_model())
        reach = (network.horizon if network else 1) + round(about.frequency.per_year) + 1
        ahead = catalog.plan([items[0].item_id], reach)
        return cls(about, learned.model, learned.under_way, items, like, network, tested, ahead)

    @property
    def window(self) -> int:
        """W."""
        return self.model.known.window

    @property
    def record(self) -> LaunchRecord | None:
        """How the views did on launches held out; None where those were too few."""
        return self.trial.record if self.trial else None

    @cached_property
    def _recent(self) -> tuple[RecentItem, ...]:
        sets = [self.under_way, *([self.trial.held] if self.trial else [])]
        found = [
            RecentItem(str(item), str(name), self._stamp(int(start)))
            for one in (launches.products for launches in sets)
            for item, name, start in zip(one.item_ids, one.names, one.start, strict=True)
        ]
        return tuple(sorted(found, key=lambda one: one.launch, reverse=True)[:_OFFERED])

    def recent(self) -> tuple[RecentItem, ...]:
        """Items whose launch is under way, or was held out when the metric was tried, the newest first."""
        return self._recent

    def values(self, column: str, given: Mapping[str, str]) -> tuple[str, ...]:
        """What ``column`` holds among the items that are as ``given`` says, the most frequent first."""
        counts: dict[str, int] = {}
        for facts in self.items:
            if all(facts.static.get(name) == value for name, value in given.items()):
                counts[facts.static[column]] = counts.get(facts.static[column], 0) + 1
        return tuple(sorted(counts, key=lambda value: (-counts[value], value))[:_VALUES])

    def usual_price(self, static: Mapping[str, str]) -> float | None:
        """The median price of the items that are as ``static`` says; None where none has one."""
        like = [facts for facts in self.items if all(facts.static.get(name) == value for name, value in static.items())]
        prices = [price for facts in like if (price := facts.commercial.get(PRICE))]
        return float(np.median(prices)) if prices else None

    def forecast_recent(self, item_id: str, emphasis: Mapping[str, float]) -> LaunchForecast:
        """A recent item as if nothing of it had sold yet; raises UnknownItem.

        One whose launch is over is forecast by what had been learned before it began.
        """
        found = np.flatnonzero(self.under_way.products.item_ids == item_id)
        if found.size:
            one = self.under_way.take(found[:1])
            return self._forecast(self.model, self.network, one.products, emphasis, one.curves[0])
        over = np.flatnonzero(self.trial.held.products.item_ids == item_id) if self.trial else found
        if self.trial is None or not over.size:
            raise UnknownItem(f"{item_id!r} is not among the recent items. Choose one of the list, or describe a product.")
        one = self.trial.held.take(over[:1])
        return self._forecast(self.trial.model, self.trial.network, one.products, emphasis, one.curves[0])

    def knows(self, item_id: str) -> bool:
        """Whether ``forecast_recent`` can answer."""
        sets = [self.under_way, *([self.trial.held] if self.trial else [])]
        return any((one.products.item_ids == item_id).any() for one in sets)

    def forecast_new(self, product: NewProduct, emphasis: Mapping[str, float]) -> LaunchForecast:
        """A product that a planner describes."""
        start = period_number(self.about.first, product.launch, self.about.frequency)
        start = int(np.clip(start, self.about.periods, self.about.periods + round(self.about.frequency.per_year)))
        products = Products(
            item_ids=np.array(["new"], dtype=object),
            names=np.array([product.name], dtype=object),
            static={name: np.array([product.static.get(name, "")], dtype=object) for name in self.about.static},
            price=np.array([np.nan if product.price is None else product.price]),
            promo=np.full((1, self.window), product.promo),
            start=np.array([start]),
        )
        return self._forecast(self.model, self.network, products, emphasis, np.full(self.window, np.nan))

    def _forecast(
        self,
        model: LaunchModel,
        network: MQTransformerForecaster | None,
        product: Products,
        emphasis: Mapping[str, float],
        sold: np.ndarray,
    ) -> LaunchForecast:
        known, start = model.known, int(product.start[0])
        times = np.array([emphasis.get(str(one), 1.0) for one in known.products.item_ids])
        shares = model.shares(product, times)
        if not np.isfinite(shares).all():
            raise DataError("Every analog is excluded, so nothing is left to forecast from. Give one of them some weight.")
        analogs, network_fans = model.weighed(product, shares), self._network_fans(network, product)
        share = model.network_share if network_fans else 0.0
        blend = analogs.blended(network_fans, share) if network_fans else analogs
        listed = list(np.argsort(-model.shares(product)[0], kind="stable")[:_LISTED])
        listed += [row for row in np.flatnonzero(times != 1) if row not in listed]
        created = self._stamp(min(start, self.about.periods) - 1)
        periods = self.about.frequency.range(self._stamp(start), self.window)

        def forecast(fans: Fans, name: str) -> QuantileForecast:
            card = self.network.card if self.network else None
            version = card.version if card else "untrained"
            hashed = self.about.history_hash
            return QuantileForecast(
                product.item_ids, created, periods, np.array(TAUS), fans.values, fans.spans, name, version, hashed
            )

        return LaunchForecast(
            name=str(product.names[0]),
            static={name: str(values[0]) for name, values in product.static.items()},
            price=float(product.price[0]) if np.isfinite(product.price[0]) else None,
            blend=forecast(blend, "launch blend"),
            analogs=forecast(analogs, "analogs"),
            network=forecast(network_fans, MQTransformerForecaster.name) if network_fans else None,
            network_share=share,
            nearest=tuple(self._analog(known, product, row, shares[0, row], times[row]) for row in listed),
            others=int((shares[0] > 0).sum() - (shares[0, listed] > 0).sum()),
            moved=float(model.moved(product, shares)[0]),
            sold=sold,
        )

    def _network_fans(self, network: MQTransformerForecaster | None, product: Products) -> Fans | None:
        """What the network says of the product; the last answer is kept, for analogs are weighed again and again."""
        if network is None:
            return None
        static = tuple(str(values[0]) for values in product.static.values())
        key = (id(network), static, float(product.price[0]), product.promo.tobytes(), int(product.start[0]))
        kept = self._last_fans
        if kept is None or kept[0] != key:
            kept = (key, by_network(network, self.like, product, self.ahead))
            self._last_fans = kept
        return kept[1]

    def _analog(self, known: Launches, product: Products, row: int, share: float, emphasis: float) -> Analog:
        products = known.products
        static = {name: values[row] for name, values in products.static.items()}
        mine = {name: values[0] for name, values in product.static.items()}
        return Analog(
            item_id=str(products.item_ids[row]),
            name=str(products.names[row]),
            share=float(share),
            emphasis=float(emphasis),
            matches=_matches(mine, static),
            price=float(products.price[row]) if np.isfinite(products.price[row]) else None,
            launch=self._stamp(int(products.start[row])),
            curve=known.curves[row],
        )

    def _stamp(self, number: int) -> pd.Timestamp:
        return self.about.frequency.range(self.about.first, number + 1)[-1]

    def similar(self, item_id: str, count: int = 10) -> tuple[SimilarItem, ...]:
        """The best sellers nearest to an item by the learned metric; raises UnknownItem where it is not among them."""
        rows = {facts.item_id: row for row, facts in enumerate(self.items)}
        if item_id not in rows:
            raise UnknownItem(
                f"Items are compared among the {len(self.items):,} best sellers of the catalog, and {item_id!r} is not one."
            )
        mine = rows[item_id]
        distances = squared_distances(self._places[:, [mine]], self._places)[0]
        distances[mine] = np.inf
        nearest = np.argsort(distances, kind="stable")[:count]
        return tuple(
            SimilarItem(
                item_id=self.items[row].item_id,
                name=self.items[row].name,
                matches=_matches(self.items[mine].static, self.items[row].static),
                price=self.items[row].commercial.get(PRICE),
                recent_units=self.items[row].recent_units,
                distance=float(np.sqrt(distances[row])),
            )
            for row in nearest
            if np.isfinite(distances[row])
        )

    @cached_property
    def _places(self) -> np.ndarray:
        """Where the compared items stand today, [M, N, D]."""
        price = np.array([facts.commercial.get(PRICE) or np.nan for facts in self.items], np.float64)
        count = len(self.items)
        products = Products(
            item_ids=np.array([facts.item_id for facts in self.items], dtype=object),
            names=np.array([facts.name for facts in self.items], dtype=object),
            static={name: np.array([facts.static[name] for facts in self.items], dtype=object) for name in self.about.static},
            price=price,
            promo=np.zeros((count, self.window)),
            start=np.full(count, self.about.periods),
        )
        return self.model.metric.places(products)


def learn(catalog: Catalog, network: MQTransformerForecaster | None, store: LaunchStore, report: Report) -> None:
    """Reads the launches on record, learns from those that are over, and keeps it in the ``store``.

    Raises TooLittleHistory where there are too few to learn from.
    """
    about = catalog.about
    report(Progress(0, _STEPS, "Reading the launches on record"))
    window = launch_window(about.frequency, network.horizon if network else about.frequency.horizon)
    launches, shelf = read_launches(catalog.batches(_READ), {}, window)
    launches = launches.take(np.sort(np.argsort(launches.products.start, kind="stable")[-_NAMED:]))
    ids = [str(one) for one in launches.products.item_ids]
    launches = named(launches, {facts.item_id: facts.name for facts in catalog.items(ids)} if ids else {})
    last = about.periods - 1
    like = catalog.panel([catalog.search("", limit=1).rows[0].item_id])
    learning = _share_of(report, 5, 55, "Learning which launches were alike")
    model = LaunchModel.fitted(launches, shelf, last, on_step=learning)
    trying = _share_of(report, 60, 38, "Trying the forecast on launches held out")
    tested = trial(launches, shelf, like, last, network, trying)
    model = replace(model, network_share=tested.network_share) if tested else model
    over = launches.products.start + window <= about.periods
    store.save(Learned(model, launches.take(np.flatnonzero(~over)), tested))
    report(Progress(_STEPS, _STEPS, "Ready"))


def _matches(mine: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """The values that both have."""
    return tuple(value for name, value in mine.items() if value and theirs.get(name) == value)


def _share_of(report: Report, first: int, share: int, words: str) -> OnStep:
    """Tells a part of the work as its ``share`` of the steps, from ``first`` on."""
    tell: Callable[[int, int], None] = lambda done, total: report(Progress(first + share * done // total, _STEPS, words))  # noqa: E731
    return tell
