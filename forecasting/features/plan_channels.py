"""Channels of a target period as they are where nobody has planned it: each covariate at its usual value.

At a creation date in the past the periods after it are on record, and a forecast must not read of them what nobody knew then.
``usual_channels`` are what it reads instead, ``hidden_from`` says where.

Axis letters: N items, T past periods, G groups, K channels of ``Inputs.ahead``, R channels of ``Inputs.relative``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from data.plans import usual_values, usual_values_of_group
from forecasting.features.encoding import Encoding

#: Of each covariate a target is also told how it was so many periods before.
DELAYS = 2


def usual_channels(
    encoding: Encoding,
    known: Mapping[str, np.ndarray],
    groups: Sequence[tuple[str, Mapping[str, np.ndarray], np.ndarray]],
    ahead: int,
    periods: int,
) -> list[np.ndarray]:
    """The ``ahead`` channels and then the relative ones of an unplanned target, [N, T] each, as they stood at each period.

    ``known`` covariates [N, T]; ``groups`` with their column, their covariates [G, U] and the row [N] of each item. Of the
    calendar, which is always known, zeros.
    """
    own: list[np.ndarray] = []
    for name, (mean, deviation) in encoding.moments.items():
        usual = (usual_values(name, known[name]) - mean) / deviation
        own.append(np.clip(np.nan_to_num(usual), -6, 6))
    answer = [channel for channel in own for _ in range(1 + DELAYS)]
    answer += [np.zeros((1, periods))] * (ahead - len(answer)) + own
    for column, covariates, rows in groups:
        for name in encoding.group_covariates:
            usual = np.nan_to_num(usual_values_of_group(name, covariates[name][:, :periods]))
            answer.append(np.clip(usual / encoding.group_deviation[column][name], -50, 50)[rows])
    return answer


def hidden_from(encoding: Encoding, ahead: int, relative: int, unknown: frozenset[str]) -> torch.Tensor:
    """[K + R] from which horizon on each channel is not known where covariates are ``unknown`` ahead.

    A channel that tells of the period before its target is known one period longer; the calendar always is.
    """
    answer = np.full(ahead + relative, np.iinfo(np.int32).max)
    for place, name in enumerate(encoding.moments):
        if name in unknown:
            answer[place * (1 + DELAYS) : (place + 1) * (1 + DELAYS)] = np.arange(1, 2 + DELAYS)
            answer[ahead + place] = 1
    for place, name in enumerate(encoding.group_covariates):
        if name in unknown:
            answer[ahead + len(encoding.moments) + place :: len(encoding.group_covariates)] = 1
    return torch.from_numpy(answer)
