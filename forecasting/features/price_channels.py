"""How the channels of the price are made: its logarithm, its causal reference, where it moved, and what an item made of it.

A price acts in a network through its change against a reference, and the evidence of an item's own response to it is a
regression on its whole history, see ``price_regression``; here stands what that regression is fed with.

Axis letters: N items, T past periods, F future periods, U = T + F, D creation dates that may be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.plans import flattened_prices
from data.schema import PRICE
from forecasting.features.channel_layout import Channel
from forecasting.features.channels import ChannelArrays, GroupView, ItemArrays
from forecasting.features.moving_average import running_mean
from forecasting.features.price_regression import MOST_OTHERS, minus_lagged_mean, price_evidence

#: A price moved when its logarithm did by more than this.
_MOVED = 0.005


@dataclass(frozen=True, eq=False)
class PriceArrays:
    """The price of each item, zeros where it plays no part.

    Attributes
    ----------
    log_price : [N, U] where it is not known, the reference. reference : [N, T] its causal running mean.
    usable : [N, T] where the price may act. moved : [N, U] 1 where it is not that of the period before.
    change : [N, T] of the log price against its reference.
    """

    log_price: np.ndarray
    reference: np.ndarray
    usable: np.ndarray
    moved: np.ndarray
    change: np.ndarray


def add_price_channels(made: ChannelArrays, rows: ItemArrays) -> PriceArrays:
    """Adds the channels of the price, if it plays a part, and returns the arrays that they are made of."""
    encoding, dates, (items, periods) = rows.encoding, rows.dates, rows.demand.shape
    if not encoding.price:
        future, past = np.zeros((items, rows.until)), np.zeros((items, periods))
        return PriceArrays(log_price=future, reference=past, usable=past, moved=future, change=past)
    price: PriceArrays = rows.once.of(("price", encoding.price_life), lambda: _priced(rows))
    change = np.clip(3 * price.change, -4, 4)
    made.past[Channel("price change")] = change
    made.origin[Channel("price change")] = change[:, dates]
    position = (price.reference[:, dates] - encoding.price_level[0]) / encoding.price_level[1]
    made.origin[Channel("reference price")] = np.where(price.usable[:, dates], np.clip(position, -4, 4), 0.0)
    return price


def own_response(rows: ItemArrays, groups: Sequence[GroupView], price: PriceArrays) -> tuple[np.ndarray, np.ndarray]:
    """num and info [N, D] of the regression of what the item sold on its price, both against its market's."""
    encoding = rows.encoding
    if not encoding.price:
        none = np.zeros_like(rows.scale[:, rows.dates])
        return none, none
    may = rows.known & (price.usable > 0)
    telling = rows.history.price_seen == "when sold"
    if telling:  # a price that tells of a sale would be its effect
        may &= rows.scale > 4 * encoding.unit
    names = [PRICE, *list(encoding.moments)[:MOST_OTHERS]]
    moved, causes, around, counts = rows.once.of(
        ("response", *names, encoding.market, encoding.unit, encoding.price_life, telling and encoding.scale_life),
        lambda: _moves(rows, groups, price.log_price, may, names),
    )
    weight = counts * rows.scale / (rows.scale + 8 * encoding.unit)
    return price_evidence(moved, causes, around, weight, rows.first_date)


def _priced(rows: ItemArrays) -> PriceArrays:
    """The price, its reference and where it moved, from the recorded and the planned prices."""
    periods = rows.demand.shape[1]
    price = rows.over_all(PRICE)
    seen = np.isfinite(price) & (price > 0)
    log_price = np.where(seen, np.log(np.where(seen, price, 1.0)), 0.0)
    moved = np.zeros_like(log_price)
    moved[:, 1:] = (np.abs(np.diff(log_price, axis=1)) > _MOVED) & seen[:, 1:] & seen[:, :-1]
    answered = flattened_prices(price[:, periods:], rows.history.known[PRICE])
    log_price[:, periods:] = np.where(seen[:, periods:], np.log(np.where(seen[:, periods:], answered, 1.0)), 0.0)
    reference, _ = running_mean(log_price[:, :periods], seen[:, :periods], rows.encoding.price_life)
    has = np.cumsum(seen[:, :periods], axis=1) > 0
    # An item that was never priced before is measured against the first price planned for it.
    first = np.concatenate([log_price, log_price[:, -1:]], axis=1)[:, 1 : periods + 1]
    first_seen = np.concatenate([seen, seen[:, -1:]], axis=1)[:, 1 : periods + 1]
    reference = np.where(has, reference, first)
    log_price[:, :periods] = np.where(seen[:, :periods], log_price[:, :periods], reference)  # unknown: no change
    change = np.where(has, log_price[:, :periods] - reference, 0.0)
    return PriceArrays(log_price=log_price, reference=reference, usable=has | first_seen, moved=moved, change=change)


def _moves(
    rows: ItemArrays, groups: Sequence[GroupView], log_price: np.ndarray, may: np.ndarray, names: Sequence[str]
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray | None, np.ndarray]:
    """Logs of what sold, the causes called ``names``, and the market [N, T] against their running means; what counts."""
    encoding, periods = rows.encoding, rows.demand.shape[1]
    market = next((group for group in groups if group.column == encoding.market), None)
    sold, around = np.log(rows.demand + encoding.unit / 2), None
    causes = [log_price[:, :periods], *(np.nan_to_num(rows.over_all(name)[:, :periods]) for name in names[1:])]
    if market is not None:  # the others of the market
        others = market.sellers[market.rows] - np.isfinite(rows.history.demand)
        may = may & (others > 0)
        others = np.maximum(others, 1)
        units = (market.per_item * market.sellers)[market.rows] - rows.demand
        around = np.log(np.maximum(units, 0) / others + encoding.unit / 2)
        sold = sold - around
        causes = [
            one - _of_others(one, np.nan_to_num(market.known[name])[:, :periods][market.rows], others, summed=name == PRICE)
            for name, one in zip(names, causes, strict=True)
        ]
        around = minus_lagged_mean(around, may, encoding.price_life)[0]
    moved, counts = minus_lagged_mean(sold, may, encoding.price_life)
    return moved, [minus_lagged_mean(one, may, encoding.price_life)[0] for one in causes], around, counts


def _of_others(own: np.ndarray, mean: np.ndarray, others: np.ndarray, *, summed: bool) -> np.ndarray:
    """The mean [N, T] over the ``others`` of a group, from that of all; ``summed`` are chained indices of changes."""
    if not summed:
        return mean + (mean - own) / others
    step, change = (np.diff(one, axis=1, prepend=one[:, :1]) for one in (mean, own))
    return np.cumsum(step + (step - change) / others, axis=1)
