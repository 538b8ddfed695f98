"""What buying by these forecasts would have cost on the planner's own items, and whether a learned policy did better.

Both are taken over the periods that the early networks never learned from, on the best sellers of what is asked for: where
the money is, and few enough to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.errors import NotTrained, TooLittleHistory
from data.plans import last_known
from data.schema import PRICE, Panel
from forecasting.core.time_splits import position
from forecasting.core.types import Report
from forecasting.inventory.inventory_simulation import MoneyCurve, money_curve, past_of
from forecasting.inventory.learned_policy import RATIOS, PolicySettings, RatioRecord, learn
from forecasting.inventory.order_policy import HIGHEST_TAU, LOWEST_TAU, Costs
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Items that are replayed at most, and of how many best sellers a category's are taken.
MOST_ITEMS, _BEST_SELLERS = 300, 3000


@dataclass(frozen=True)
class ReplaySettings:
    """What is replayed.

    Attributes
    ----------
    ratio : the critical ratio.
    worth : what a lost sale and an unsold unit cost together, as a share of the item's price.
    lead_time, review : periods.
    item, category : one item or one category; "" is all.
    """

    ratio: float
    worth: float = 0.475
    lead_time: int = 2
    review: int = 1
    item: str = ""
    category: str = ""


@dataclass(frozen=True, eq=False)
class BuyingRecord:
    """The answer.

    Attributes
    ----------
    curve : what every quantile would have cost, in money a period, or in units where no price is known.
    policy : the learned policy against the newsvendor rule by critical ratio; empty where it could not be trained.
    first, last : the creation dates replayed.
    priced : whether ``curve`` is in money.
    """

    settings: ReplaySettings
    curve: MoneyCurve
    policy: tuple[RatioRecord, ...]
    first: pd.Timestamp
    last: pd.Timestamp
    priced: bool

    @property
    def opinion(self) -> RatioRecord | None:
        """The policy's record at the ratio nearest to the one asked for."""
        return min(self.policy, key=lambda record: abs(record.ratio - self.settings.ratio), default=None)


def buying_record(catalog: Catalog, model: MQTransformerForecaster, settings: ReplaySettings, report: Report) -> BuyingRecord:
    """Replays what is asked for; raises UnknownItem, NotTrained, TooLittleHistory, ConfigurationError."""
    early = model.validation_model()
    if early is None:
        raise NotTrained(
            "This model kept no networks from before its last periods, for the history was too short. Train again with more."
        )
    ids = _ids(catalog, settings)
    if not ids:
        raise NotTrained(f"No best seller is in {settings.category!r}. Choose another category, or all items.")
    panel = catalog.panel(ids)
    first = position(panel, early.learned_until)
    past = past_of(early, panel, first, settings.lead_time, settings.review, report)
    prices = _last_prices(panel)
    priced = bool(np.isfinite(prices).all())
    worth = settings.worth * prices if priced else np.ones(len(panel))
    ratio = float(np.clip(settings.ratio, LOWEST_TAU, HIGHEST_TAU))
    curve = money_curve(past, Costs(ratio * worth, (1 - ratio) * worth))
    policy: tuple[RatioRecord, ...] = ()
    if not settings.item:  # of one item there is too little to learn
        try:
            policy = learn(past, PolicySettings(items=200), sorted({*RATIOS}), report).records
        except TooLittleHistory:
            policy = ()
    return BuyingRecord(settings, curve, policy, panel.periods[first], panel.periods[-2], priced)


def _ids(catalog: Catalog, settings: ReplaySettings) -> list[str]:
    """The items replayed, best sellers first."""
    if settings.item:
        return [settings.item]
    if not settings.category:
        return [one.item_id for one in catalog.search("", limit=MOST_ITEMS).rows]
    found = catalog.search("", limit=_BEST_SELLERS).rows
    return [one.item_id for one in found if settings.category in one.static.values()][:MOST_ITEMS]


def _last_prices(panel: Panel) -> np.ndarray:
    """The last price known [N]; the median of the others' where none is, NaN without any."""
    if PRICE not in panel.known:
        return np.full(len(panel), np.nan)
    last = last_known(panel.known[PRICE]).astype(np.float64)
    return np.where(np.isfinite(last), last, np.nanmedian(last) if np.isfinite(last).any() else np.nan)
