"""What a forecaster said before and what came: its errors, how it weighs them, and the forecast without them.

Axis letters: H horizons, S past periods judged, D earlier creation dates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from data.schema import Panel, Plan
from forecasting.core.quantile_function import TAUS, mean
from forecasting.explain.attention_attribution import expected
from forecasting.models.mqtransformer.error_feedback import Feedback, correction
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble, usual_logs


@dataclass(frozen=True, eq=False)
class ErrorHistory:
    """One item's own record, seen from its creation date.

    Attributes
    ----------
    judged : [S] periods that came since earlier forecasts, oldest first.
    said, came : [S] expected units, the mean of the forecasts made for the period, and units sold; NaN where there is none.
    weights : [H, S] of each error in the correction of each target, 0 where the error does not count.
    dates, earlier : [D] earlier creation dates, and [D, H] the units expected from there of today's targets; NaN: beyond.
    raised, steadied : [H] units by which own errors, and what was said earlier, moved the forecast.
    forecast, without : [H] expected units, and the same with all feedback masked.
    trusted : whether the forecaster takes anything of its errors back: on some data that brought nothing.
    """

    judged: pd.DatetimeIndex
    said: np.ndarray
    came: np.ndarray
    weights: np.ndarray
    dates: pd.DatetimeIndex
    earlier: np.ndarray
    raised: np.ndarray
    steadied: np.ndarray
    forecast: np.ndarray
    without: np.ndarray
    trusted: bool

    @property
    def errors(self) -> np.ndarray:
        """[S] units that came beyond what was said: above 0 where the forecasts were too low."""
        return self.came - self.said

    @property
    def any(self) -> bool:
        """Whether there is an error on record."""
        return bool(np.isfinite(self.errors).any())


def error_history(networks: FeedbackEnsemble, history: Panel, plan: Plan) -> ErrorHistory:
    """The record of one item at the end of ``history``, and what is made of it for the periods of ``plan``."""
    t, horizon = len(history.periods) - 1, len(plan)
    reading = networks.reading(history, plan)
    forecasts = networks.past_forecasts(history, plan, reading)
    plain = networks.now.read(history, plan, [t], reading=reading)
    record = networks.record(history, plan, reading, forecasts)
    corrected = correction(networks.feedback, record, usual_logs(plain))
    without, raised, whole = (
        expected(plain.shifted(torch.as_tensor(shift, dtype=torch.float32)[:, None]))[0]
        for shift in (np.zeros_like(corrected.raised), corrected.raised, corrected.shift)
    )
    units = {date: mean(np.array(TAUS), quantiles)[0] for date, quantiles in forecasts.items()}  # (H,) each
    past = np.arange(max(t - horizon + 1, 0), t + 1)
    told = [[units[date][s - date - 1] for date in units if date < s] for s in past.tolist()]
    sold = history.demand[0, past].astype(np.float64)
    earlier = [np.pad(units[date][t - date :], (0, t - date), constant_values=np.nan) for date in sorted(units)]
    return ErrorHistory(
        judged=history.periods[past],
        said=np.array([np.mean(one) if one else np.nan for one in told]),
        came=np.where(record.counted[0, -len(past) :] > 0, sold, np.nan),
        weights=corrected.weights[0][:, -len(past) :],
        dates=history.periods[sorted(units)],
        earlier=np.array(earlier).reshape(-1, horizon),
        raised=raised - without,
        steadied=whole - raised,
        forecast=whole,
        without=without,
        trusted=networks.feedback != Feedback(),
    )
