"""Channels of a target period as they are where nobody has planned it, and which cells of the plan somebody gave.

Axis letters: N items, T past periods, U past and planned periods, D creation dates that may be asked, V covariates of
``ChannelLayout.covariates``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.plans import usual_values, usual_values_of_group
from forecasting.features.channel_layout import DELAYS, OWN, Channel
from forecasting.features.channels import GroupView, ItemArrays


def usual_channels(rows: ItemArrays, groups: Sequence[GroupView]) -> dict[Channel, np.ndarray]:
    """Every channel of ``known_ahead`` as it is for an unplanned target, [N, D] each, as it stood at each creation date.

    Of the calendar, which is always known, zeros [1, D].
    """
    encoding, dates, periods = rows.encoding, rows.dates, rows.demand.shape[1]
    plain = [channel for channel in rows.layout.ahead if channel.kind not in OWN]
    made = {channel: np.zeros((1, periods))[:, dates] for channel in plain}
    for name, (mean, deviation) in encoding.moments.items():
        usual = (usual_values(name, rows.history.known[name]) - mean) / deviation
        value = np.clip(np.nan_to_num(usual), -6, 6)[:, dates]
        made |= {Channel("covariate", name, back=back): value for back in range(1 + DELAYS)}
        made[Channel("relative covariate", name)] = value
    for group in groups:
        for name in encoding.group_covariates:
            usual = np.nan_to_num(usual_values_of_group(name, group.known[name][:, :periods]))
            value = np.clip(usual / encoding.group_deviation[group.column][name], -50, 50)[group.rows]
            made[Channel("relative group covariate", name, group.column)] = value[:, dates]
    return made


def given_ahead(rows: ItemArrays) -> np.ndarray:
    """Which cells [N, U, V] of the covariates somebody recorded or planned: of what is over, all."""
    items, periods = rows.demand.shape
    answer = np.ones((items, rows.until, len(rows.layout.covariates)), bool)
    if rows.plan is not None:
        for column, name in enumerate(rows.layout.covariates):
            answer[:, periods:, column] = rows.plan.is_given(name)
    return answer
