"""What the planned prices and promotions add to the forecasts of all items: the same items forecast with everything as usual.

A second forecast of every item would double the work, so best sellers are forecast so, and of the others every k-th, which
stands for k items. Axis letters: N items, H horizons, G totals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from data.plans import usual_of_group, usual_value
from data.schema import Panel, Plan
from forecasting.batch.common_error import sampled
from forecasting.batch.parallel import worked_through
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Best sellers that are all forecast, others, about, and items forecast at a time.
_BEST, _OTHERS, _CHUNK = 1000, 1000, 512

#: A category is told only where so many of its items were forecast, or all of them.
_FEWEST = 30


def as_usual(history: Panel, plan: Plan) -> Plan:
    """The plan as if nobody had planned anything: every covariate at its usual value, for items and for their groups."""

    def held(usual: np.ndarray) -> np.ndarray:
        return np.repeat(usual[:, None], len(plan), axis=1)

    return replace(
        plan,
        known={name: held(usual_value(name, history.known[name])) for name in plan.known},
        groups={
            group.column: {name: held(usual_of_group(name, group.known[name])) for name in plan.groups[group.column]}
            for group in history.groups
        },
        given={name: np.zeros_like(cells) for name, cells in plan.given.items()},
    )


def plan_effect(
    catalog: Catalog,
    forecaster: MQTransformerForecaster,
    expected: Mapping[str, float],
    labels: tuple[str, ...],
    workers: int | None = None,
) -> np.ndarray:
    """Units [G] over the horizon that the plan adds, for all items and for the categories ``labels`` [G], "" being all.

    ``expected`` are the units of each item as planned, over the same horizon. NaN where too few items of a category were
    forecast.
    """
    assortment = catalog.assortment()
    rows, weight = sampled(len(assortment), _BEST, _OTHERS)
    ids = [str(item_id) for item_id in assortment.item_ids[rows]]

    def work(twin: MQTransformerForecaster, chunk: int) -> np.ndarray:
        mine = ids[chunk * _CHUNK : (chunk + 1) * _CHUNK]
        panel, plan = catalog.panel(mine), catalog.plan(mine, twin.horizon)
        return twin.forecast(panel, [panel.last], as_usual(panel, plan))[0].mean().sum(axis=1)

    chunks = dict(worked_through(forecaster, range(-(-len(ids) // _CHUNK)), work, workers))
    usual = np.concatenate([chunks[chunk] for chunk in sorted(chunks)])
    added = weight * (np.array([expected.get(item_id, 0.0) for item_id in ids]) - usual)
    every = np.asarray(assortment.category, dtype=str)
    answer = np.full(len(labels), np.nan)
    for row, label in enumerate(labels):
        mine = every[rows] == label if label else np.ones(len(rows), bool)
        if mine.sum() >= min(_FEWEST, (every == label).sum() if label else len(every)):
            answer[row] = added[mine].sum()
    return answer
