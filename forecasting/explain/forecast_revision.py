"""What changed a forecast since the creation date before: a bridge from one to the other that sums exactly.

Both are made by the networks and with the plan of today: the catalog keeps neither the forecasts nor the plan of an earlier
date, so the parts of plan and model are nothing, and the page says so.

Axis letters: N items, H horizons of the earlier creation date; its last H − 1 are targets of both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from data.schema import Panel, Plan
from forecasting.core.time_splits import history_until, plan_after
from forecasting.explain.attention_attribution import expected
from forecasting.explain.shapley_drivers import shapley
from forecasting.models.mqtransformer.ensemble import EnsembleOutput
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble

#: The parts, in the order of the results' first axis.
CHANGES = ("new sales", "own errors", "plan", "model")


@dataclass(frozen=True, eq=False)
class ForecastRevision:
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

    def first(self, horizon: int) -> ForecastRevision:
        """The same of the first ``horizon`` targets."""
        return replace(
            self,
            periods=self.periods[:horizon],
            parts=self.parts[:, :horizon],
            before=self.before[:horizon],
            after=self.after[:horizon],
        )


@dataclass(frozen=True, eq=False)
class Bridge:
    """N items' expected units of the same H − 1 periods, ``before`` and ``after`` the last one was known.

    ``sales`` and ``errors`` [N, H − 1] are what the last period's sales and the forecaster's own errors did; they sum to
    ``after`` − ``before``. ``expected`` [N] is what was said of the last period.
    """

    before: np.ndarray
    after: np.ndarray
    sales: np.ndarray
    errors: np.ndarray
    expected: np.ndarray


def forecast_revision(networks: FeedbackEnsemble, history: Panel, plan: Plan) -> ForecastRevision | None:
    """From one period ago to the end of ``history`` of one item; None where there was no forecast to be made then."""
    t, horizon = len(history.periods) - 1, len(plan)
    if horizon < 2 or not np.isfinite(history.demand[0, :t]).any():
        return None
    found = bridge(networks, history, plan)
    return ForecastRevision(
        created=history.periods[t - 1],
        periods=plan.periods[:-1],
        names=CHANGES,
        parts=np.concatenate([found.sales, found.errors, np.zeros((2, horizon - 1))]),
        before=found.before[0],
        after=found.after[0],
        expected=float(found.expected[0]),
        came=float("nan") if history.out_of_stock[0, t] else float(history.demand[0, t]),
    )


def bridge(networks: FeedbackEnsemble, history: Panel, plan: Plan) -> Bridge:
    """From one period ago to the end of ``history`` [N, T], for the periods of ``plan`` that both reach."""
    t = len(history.periods) - 1
    before = networks.predict(history_until(history, t - 1), _plan_before(history, plan), shown=False)
    after = networks.predict(history, plan, shown=False)
    earlier, later = slice(1, None), slice(0, -1)  # where each has the targets of both
    shifts = (_shift(before)[:, earlier], _shift(after)[:, later])
    first, whole = _units(before, slice(0, 1), _shift(before)[:, :1]), _units(after, later, shifts[1])
    said = _units(before, earlier, shifts[0])
    if before.correction is None and after.correction is None:
        return Bridge(said, whole, whole - said, np.zeros_like(said), first[:, 0])
    units = np.stack([said, _units(after, later, shifts[0]), _units(before, earlier, shifts[1]), whole])
    sales, errors = shapley(units)  # bit 0 of a row: today's sales, bit 1: today's own errors
    return Bridge(said, whole, sales, errors, first[:, 0])


def _plan_before(history: Panel, plan: Plan) -> Plan:
    """Today's plan as it would have stood one period ago: the last period as it was recorded, then today's plan.

    Of a covariate that nobody plans it was what was usual then.
    """
    usual = plan_after(history, len(history.periods) - 2, len(plan))

    def moved(name: str, recorded: np.ndarray, planned: np.ndarray, as_usual: np.ndarray) -> np.ndarray:
        if name in history.unplanned:
            return as_usual
        return np.concatenate([recorded[:, -1:], planned[:, :-1]], axis=1)

    return replace(
        usual,
        known={name: moved(name, history.known[name], planned, usual.known[name]) for name, planned in plan.known.items()},
        groups={
            group.column: {
                name: moved(name, group.known[name], planned, usual.groups[group.column][name])
                for name, planned in plan.groups[group.column].items()
            }
            for group in history.groups
            if group.column in plan.groups
        },
        events=np.concatenate([history.events[-1:], plan.events[:-1]]),
    )


def _shift(output: EnsembleOutput) -> np.ndarray:
    """Logs [N, H] added by the networks' own errors."""
    decoded = output.decoded.periods  # (M, N, K, H, Q)
    return np.zeros((decoded.shape[1], decoded.shape[3])) if output.correction is None else output.correction.shift


def _units(output: EnsembleOutput, part: slice, shift: np.ndarray) -> np.ndarray:
    """Expected units [N, ·] of a ``part`` of the targets with this ``shift`` in the place of their own errors'."""
    own = _shift(output)
    if output.correction is None and not shift.any():
        return expected(output)[:, part]
    moved = np.zeros_like(own)
    moved[:, part] = shift - own[:, part]
    return expected(output.shifted(torch.as_tensor(moved, dtype=torch.float32)[:, None]))[:, part]
