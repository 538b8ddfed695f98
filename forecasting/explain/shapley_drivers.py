"""Why a forecast is what it is: its distance from a plain level in units, split exactly over what drives it.

The plain reference is the forecast of an item of the same level that sold it all along, with no season, usual prices, no
promotion, no errors of its own and of no particular kind. The way from there to the forecast depends on the order in which
these drivers are told to the networks, so each gets its Shapley value: the mean of what it adds over all orders,

    φ_g = Σ_{S without g} |S|! (G − |S| − 1)! / G! · (v(S with g) − v(S))

with v(S) the expected units when only the drivers in S are told. The values add up to the distance. They say what the
networks make of what they are told, and not what causes sales.

Axis letters: C = 2^G coalitions, G drivers, H horizons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch

from data.schema import Panel, Plan
from forecasting.core.quantile_function import TAUS, mean
from forecasting.features.counterfactual_inputs import Counterfactuals
from forecasting.features.inputs import encode
from forecasting.models.mqtransformer.error_feedback import Correction
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

#: The drivers, in the order of the results' axis G; the own errors act after the networks.
DRIVERS = ("trend", "season", "price", "promotion", "kind", "own errors")


@dataclass(frozen=True, eq=False)
class Drivers:
    """What moves one item's forecast away from a plain level, in expected units.

    Attributes
    ----------
    groups : names of the G drivers.
    parts : [G, H] what each adds in each period; over G they sum to ``forecast`` − ``reference``.
    reference, forecast : [H].
    """

    groups: tuple[str, ...]
    parts: np.ndarray
    reference: np.ndarray
    forecast: np.ndarray

    def __post_init__(self) -> None:
        for one in fields(self)[1:]:
            getattr(self, one.name).flags.writeable = False

    @property
    def span(self) -> np.ndarray:
        """[G] what each adds over all periods."""
        return self.parts.sum(axis=1)

    @property
    def gap(self) -> float:
        """By how much the parts miss the difference at most: rounding alone."""
        missed = np.abs(self.parts.sum(axis=0) - (self.forecast - self.reference))
        return float(max(missed.max(), abs(self.span.sum() - (self.forecast - self.reference).sum())))

    def first(self, horizon: int) -> Drivers:
        """The drivers of the first ``horizon`` periods."""
        return Drivers(self.groups, self.parts[:, :horizon].copy(), self.reference[:horizon], self.forecast[:horizon])


def shapley(values: np.ndarray) -> np.ndarray:
    """Shapley values [G, ...] from the ``values`` [2^G, ...] of coalitions; bit g of a coalition's number tells of player g.

    >>> shapley(np.array([10.0, 13.0, 8.0, 11.0])).tolist()  # 10, +3 with the first, −2 with the second
    [3.0, -2.0]
    """
    players = len(values).bit_length() - 1
    values = np.asarray(values, np.float64)
    answer = np.zeros((players, *values.shape[1:]))
    for coalition in range(len(values)):
        size = coalition.bit_count()
        for player in range(players):
            if not coalition >> player & 1:
                weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
                answer[player] += weight * (values[coalition | 1 << player] - values[coalition])
    return answer


def drivers(networks: FeedbackEnsemble, history: Panel, plan: Plan, corrected: Correction | None) -> Drivers:
    """The drivers of the forecast of one item, from the end of ``history`` for the periods of ``plan``; one batched call.

    ``corrected`` is what the networks' own errors did to that forecast.
    """
    units = coalitions(networks, history, plan, corrected)
    return Drivers(DRIVERS, shapley(units), units[0], units[-1])


def coalitions(networks: FeedbackEnsemble, history: Panel, plan: Plan, corrected: Correction | None) -> np.ndarray:
    """Expected units [2^G, H] of one item under every set of drivers; bit g of the row tells of driver g."""
    shift = np.zeros(len(plan)) if corrected is None else corrected.shift[0]
    encoded = []
    for view in networks.now.views:
        inputs, subjects = encode(view.encoding, history, plan), Counterfactuals(view.encoding, len(plan))
        for told in (
            subjects.without_trend,
            subjects.without_season,
            subjects.without_price,
            subjects.without_promotion,
            subjects.without_kind,
        ):
            inputs = told(inputs).followed_by(inputs)
        encoded.append(inputs)
    said = networks.now.with_usual_kind.read_inputs(encoded, [len(history.periods) - 1])
    moved = said.shifted(torch.as_tensor(shift, dtype=torch.float32)[None, None])
    quantiles = np.concatenate([said.values, moved.values])[:, 0]  # (C, H, Q)
    return np.asarray(mean(np.array(TAUS), quantiles), np.float64)
