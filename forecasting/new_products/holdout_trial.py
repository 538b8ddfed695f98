"""The network's view of products without history, and how all views did on launches that were held out.

The network reads a product as an item whose every past period is unknown: its attributes, its planned price and promotion,
and how its groups stand. It is asked at the period before the launch. Axis letters: N products, W periods of a launch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import history_until, plan_after, plan_from, position
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.new_products.analog_forecast import Fans, LaunchModel, LaunchRecord, chosen_share, recorded
from forecasting.new_products.launch_history import ENOUGH, GroupHistory, Launches, Products
from forecasting.new_products.similarity_network import OnStep

#: What the views are called on the page and in a record.
BLEND, ANALOGS, NETWORK, ALIKE, CATEGORY = "blend", "analogs", "network", "alike by attributes", "category"

#: Launches held out that are worth a record.
_RECORDED = 10


def without_history(like: Panel, plan: Plan, products: Products) -> tuple[Panel, Plan]:
    """The products as items of the catalog that nobody has seen yet: ``like`` is any one item, ``plan`` that item's plan."""
    items, periods, horizon = len(products), len(like.periods), len(plan)
    unknown = np.full((items, periods), np.nan, np.float32)
    ahead = np.zeros((items, horizon), np.float32)
    window = min(horizon, products.promo.shape[1])
    known = {name: np.zeros((items, periods), np.float32) for name in like.known} | (
        {PRICE: unknown.copy()} if PRICE in like.known else {}
    )
    planned = {name: ahead.copy() for name in like.known}
    if PRICE in planned:
        planned[PRICE] = np.repeat(products.price[:, None].astype(np.float32), horizon, axis=1)
    if PROMO in planned:
        planned[PROMO][:, :window] = products.promo[:, :window]
    panel = replace(
        like,
        item_ids=products.item_ids,
        demand=unknown.copy(),
        in_stock=unknown.copy(),
        known=known,
        past={name: unknown.copy() for name in like.past},
        static={name: products.static[name] for name in like.static},
        groups=tuple(replace(group, codes=_codes(group.column, group.labels, products)) for group in like.groups),
    )
    return panel, replace(plan, known=planned, given={})  # all of it is planned: the products say their price and promotion


def _codes(column: str, labels: np.ndarray, products: Products) -> np.ndarray:
    """The group [N] of each product; one of a label that the catalog does not have stands with the first."""
    rows = {label: row for row, label in enumerate(labels)}
    wanted = products.static[column] if column else [""] * len(products)
    return np.array([rows.get(label, 0) for label in wanted], np.int32)


def by_network(network: Generation, like: Panel, products: Products, ahead: Plan | None = None) -> Fans:
    """The network's view [N, W, Q] of products, each from the period before its launch.

    One launched after the panel is seen from the panel's end, with the holidays and the calendar of its own periods, as the
    plan ``ahead`` of ``like`` has them.
    """
    order, values, spans = [], [], []
    window = products.promo.shape[1]
    for start in np.unique(products.start):
        rows = np.flatnonzero(products.start == start)
        t = int(min(start, len(like.periods))) - 1
        later = int(start) - len(like.periods)
        known = plan_after(like, t, network.horizon) if later < 0 or ahead is None else plan_from(ahead, later, network.horizon)
        panel, plan = without_history(history_until(like, t), known, products.take(rows))
        forecast = network.forecast(panel, [panel.last], plan)[0].first(window)
        order.append(rows)
        values.append(forecast.values)
        spans.append(forecast.cumulative)
    back = np.argsort(np.concatenate(order))
    return Fans(np.concatenate(values)[back], np.concatenate(spans)[back])


def views_of(model: LaunchModel, products: Products, network: Fans | None, share: float) -> dict[str, Fans]:
    """Every view of the products by its name; without a network the blend is the analogs' view."""
    analogs = model.by_metric(products)
    named = {BLEND: analogs.blended(network, share) if network else analogs, ANALOGS: analogs}
    named |= {NETWORK: network} if network else {}
    return named | {ALIKE: model.by_attributes(products), CATEGORY: model.by_category(products)}


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of forecasting launches ``held`` out: the share of the network, the record, and what forecast them.

    ``model`` learned from launches that were over before they began, and ``network`` is the network as it was then.
    """

    held: Launches
    model: LaunchModel
    network: MQTransformerForecaster | None
    network_share: float
    record: LaunchRecord


def trial(
    launches: Launches,
    shelf: GroupHistory,
    like: Panel,
    t: int,
    network: MQTransformerForecaster | None,
    on_step: OnStep = lambda done, total: None,
) -> Trial | None:
    """Launches over at period ``t`` that began after the network's earlier self had learned, forecast by it and the metric
    as it was then; None where they are too few.

    The share kept is the one that suits all of them; the record is of the later half, with the share of the earlier half.
    """
    early = network.validation_model() if network else None
    window = launches.window
    until = position(like, early.learned_until) if early else t - 2 * window
    held = launches.begun_within(until + 1, t - window + 1)
    if len(held) < _RECORDED or len(launches.finished_by(until)) < ENOUGH:
        return None
    model = LaunchModel.fitted(launches, shelf, until, on_step=on_step)
    network_fans = by_network(early, like, held.products) if early else None
    middle = np.median(held.products.start)
    first, later = (np.flatnonzero(one) for one in (held.products.start <= middle, held.products.start > middle))
    if len(later) < _RECORDED:
        later = np.arange(len(held))
    share = all_share = 0.0
    if network_fans is not None:
        analogs = model.by_metric(held.products)
        share = chosen_share(analogs.take(first), network_fans.take(first), held.curves[first])
        all_share = chosen_share(analogs, network_fans, held.curves)
    judged = held.take(later)
    views = views_of(model, judged.products, network_fans.take(later) if network_fans else None, share)
    return Trial(held, replace(model, network_share=share), early, all_share, recorded(judged, views, BLEND, like.periods))
