"""What changed a forecast since the creation date before: a bridge from one to the other that sums exactly.

Both are made by the networks and with the plan of today: the catalog keeps neither the forecasts nor the plan of an earlier
date, so the parts of plan and model are nothing, and the page says so.

Axis letters: H horizons of the earlier creation date; its last H − 1 are targets of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from data.schema import Panel, Plan
from forecasting.attention_links import expected
from forecasting.explanations import shapley
from forecasting.generations.self_correcting import Looked, SelfCorrecting
from forecasting.windows import history_until

#: The parts, in the order of the results' first axis.
CHANGES = ("new sales", "own errors", "plan", "model")


@dataclass(frozen=True, eq=False)
class SinceLast:
    """One item's forecasts of the same periods at two creation dates.

    Attributes
    ----------
    created : the earlier creation date.
    periods : [H − 1] targets of both.
    names : of the parts. parts : [4, H − 1] units; over the parts they sum to ``after`` − ``before``.
    before, after : [H − 1] expected units.
    expected, came : units that the earlier forecast expected of the period since, and what sold (NaN: not known).
    """

    created: pd.Timestamp
    periods: pd.DatetimeIndex
    names: tuple[str, ...]
    parts: np.ndarray
    before: np.ndarray
    after: np.ndarray
    expected: float
    came: float

    def first(self, horizon: int) -> SinceLast:
        """The same of the first ``horizon`` targets."""
        return replace(
            self,
            periods=self.periods[:horizon],
            parts=self.parts[:, :horizon],
            before=self.before[:horizon],
            after=self.after[:horizon],
        )


def since_last(networks: SelfCorrecting, history: Panel, plan: Plan) -> SinceLast | None:
    """From one period ago to the end of ``history`` of one item; None where there was no forecast to be made then."""
    t, horizon = len(history.periods) - 1, len(plan)
    if horizon < 2 or not np.isfinite(history.demand[0, :t]).any():
        return None
    before = networks.look(history_until(history, t - 1), _plan_before(history, plan))
    after = networks.look(history, plan)
    earlier, later = slice(1, None), slice(0, -1)  # where each has the targets of both
    shifts = (_shift(before, horizon)[earlier], _shift(after, horizon)[later])
    units = np.stack(  # bit 0 of a row: today's sales, bit 1: today's own errors
        [_units(looked, part, shift) for shift in shifts for looked, part in ((before, earlier), (after, later))]
    )
    return SinceLast(
        created=history.periods[t - 1],
        periods=plan.periods[:-1],
        names=CHANGES,
        parts=np.concatenate([shapley(units), np.zeros((2, horizon - 1))]),
        before=units[0],
        after=units[-1],
        expected=float(_units(before, slice(0, 1), _shift(before, horizon)[:1])[0]),
        came=float("nan") if history.out_of_stock[0, t] else float(history.demand[0, t]),
    )


def _plan_before(history: Panel, plan: Plan) -> Plan:
    """Today's plan as it would have stood one period ago: the last period as it was recorded, then today's plan."""

    def moved(recorded: np.ndarray, planned: np.ndarray) -> np.ndarray:
        return np.concatenate([recorded[:, -1:], planned[:, :-1]], axis=1)

    return Plan(
        periods=history.periods[-1:].append(plan.periods[:-1]),
        known={name: moved(history.known[name], planned) for name, planned in plan.known.items()},
        groups={
            group.column: {name: moved(group.known[name], planned) for name, planned in plan.groups[group.column].items()}
            for group in history.groups
            if group.column in plan.groups
        },
        events=np.concatenate([history.events[-1:], plan.events[:-1]]),
    )


def _shift(looked: Looked, horizon: int) -> np.ndarray:
    """Logs [H] added by the networks' own errors."""
    return np.zeros(horizon) if looked.corrected is None else looked.corrected.shift[0]


def _units(looked: Looked, part: slice, shift: np.ndarray) -> np.ndarray:
    """Expected units of a ``part`` of one item's targets with this ``shift`` in the place of its own errors'."""
    whole = np.zeros(looked.said.decoded.periods.shape[-2])
    own = _shift(looked, len(whole))
    whole[part] = shift - own[part]
    return expected(looked.said.shifted(torch.as_tensor(whole, dtype=torch.float32)[None, None]))[0][part]
