"""A simulated product sold at several locations that one depot supplies: its demand split over branches, shocks in common.

Each unit of the product's demand is wanted at branch b with the chance w_b. A Poisson law that is split so gives Poisson laws,
so a branch's demand follows the product's own law (see ``simulator_truth``) with the mean times w_b, and all branches of a
product share what makes it sell more or less. The depot sells nothing: nothing is on record of it.

Axis letters: N products, B branches, P periods (history and the planned ones after it).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.sources.simulator.market import stream

if TYPE_CHECKING:
    from data.sources.simulator.settings import SimulatedChunk

DEPOT = "Depot"

#: How even branches are (parameter of a Dirichlet law), and most stock in periods of expected demand.
_EVEN, _MOST_COVER = 4.0, 2.5
_BRANCH_LEAD = 1.0  # periods from the depot to a branch
_NEXT = 8  # periods after the history that expected demand is the average of


def at_locations(chunk: SimulatedChunk, locations: int, seed: int) -> SimulatedChunk:
    """The chunk's N products as N · (1 + ``locations``) items: each one's depot, then its branches."""
    count, each = len(chunk), 1 + locations
    rngs = [stream(seed, "locations", int(item_id[3:])) for item_id in chunk.panel.item_ids]
    weights = np.array([rng.dirichlet(np.full(locations, _EVEN)) for rng in rngs])  # (N, B)
    wanted = np.stack([_split(rng, one, mine) for rng, one, mine in zip(rngs, chunk.truth.demand, weights, strict=True)])
    luck = np.concatenate([rng.random(each) for rng in rngs])
    share = np.concatenate([np.zeros((count, 1)), weights], axis=1).reshape(-1, 1)  # a depot sells nothing
    rows = np.repeat(np.arange(count), each)
    is_depot = np.arange(len(rows)) % each == 0
    place = np.tile(np.array([DEPOT, *(f"Branch {number + 1}" for number in range(locations))], dtype=object), count)
    products = chunk.panel.item_ids[rows]
    item_ids = np.array([f"{product} @ {where}" for product, where in zip(products, place, strict=True)], dtype=object)

    demand = np.concatenate([np.zeros_like(wanted[:, :1]), wanted], axis=1).reshape(len(rows), -1)  # (N · (1 + B), P)
    sold = np.where(is_depot[:, None], np.nan, demand[:, : chunk.truth.history]).astype(np.float32)
    source = np.where(is_depot, "", DEPOT).astype(object)
    truth, panel = chunk.truth.take(rows), chunk.panel.take(rows)
    static = {**panel.static, "product": products, "location": place, "supplied_from": source}
    return replace(
        chunk,
        panel=replace(panel, item_ids=item_ids, demand=sold, static=static),
        plan=chunk.plan.take(rows),
        names=np.array([f"{name}, {where}" for name, where in zip(chunk.names[rows], place, strict=True)], dtype=object),
        commercial=_stocked(chunk, rows, share[:, 0], is_depot, luck),
        truth=replace(truth, item_ids=item_ids, mean=truth.mean * share, demand=demand),
    )


def _split(rng: np.random.Generator, demand: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A product's demand [P] over its branches [B, P]; NaN where it is NaN."""
    known = np.isfinite(demand)
    answer = np.full((len(weights), len(demand)), np.nan, np.float32)
    answer[:, known] = rng.multinomial(demand[known].astype(np.int64), weights).T
    return answer


def _stocked(
    chunk: SimulatedChunk, rows: np.ndarray, share: np.ndarray, is_depot: np.ndarray, luck: np.ndarray
) -> pd.DataFrame:
    """Commercial columns of the items: the depot's lead time is the product's, and stock is a matter of luck."""
    answer = chunk.commercial.iloc[rows].reset_index(drop=True)
    ahead = np.nan_to_num(chunk.truth.mean[:, chunk.truth.history :][:, :_NEXT]).mean(axis=1)
    rate = ahead[rows] * np.where(is_depot, 1.0, share)
    answer["lead_time"] = np.where(is_depot, answer["lead_time"], _BRANCH_LEAD)
    answer["on_hand"] = np.round(rate * _MOST_COVER * luck)
    answer["on_order"] = np.where(is_depot, np.round(rate), 0.0)
    return answer
