"""Channels of a target period as they are where nobody has planned it: each covariate at its usual value.

At a creation date in the past the periods after it are on record, and a forecast must not read of them what nobody knew then.
``usual_channels`` are what it reads instead, ``hidden_from`` says where.

Axis letters: N items, T past periods, D creation dates that may be asked, K channels of ``Inputs.ahead``, R of ``relative``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from data.plans import usual_values, usual_values_of_group
from forecasting.features.channel_layout import DELAYS, Channel, ChannelLayout
from forecasting.features.channels import GroupView, ItemArrays

#: Kinds of channels that tell of a covariate's plan.
_OF_PLANS = ("covariate", "relative covariate", "relative group covariate")


def usual_channels(rows: ItemArrays, groups: Sequence[GroupView]) -> dict[Channel, np.ndarray]:
    """Every channel of ``known_ahead`` as it is for an unplanned target, [N, D] each, as it stood at each creation date.

    Of the calendar, which is always known, zeros [1, D].
    """
    encoding, dates, periods = rows.encoding, rows.dates, rows.demand.shape[1]
    made = {channel: np.zeros((1, periods))[:, dates] for channel in rows.layout.ahead if channel.kind not in _OF_PLANS}
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


def hidden_from(layout: ChannelLayout, unknown: frozenset[str]) -> torch.Tensor:
    """[K + R] int64, from which horizon on each channel is not known where covariates are ``unknown`` ahead.

    A channel that tells of the period before its target is known one period longer; the calendar always is.
    """
    never = np.iinfo(np.int32).max
    return torch.tensor(
        [1 + one.back if one.kind in _OF_PLANS and one.name in unknown else never for one in layout.known_ahead],
        dtype=torch.int64,
    )
