"""Networks that know what they said before: an ensemble, its early self, and the feedback learned from that self's errors.

What the ensemble says of periods that it was trained on is no forecast. For creation dates before the end of its training the
record therefore comes from the early networks, which never saw the periods after ``early_until``; before that there is none.

Axis letters: N items, K creation dates, H horizons, Q taus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data.schema import Panel, Plan
from forecasting.core.time_splits import actuals_after, unknown_ahead
from forecasting.features.inputs import encode
from forecasting.models.mqtransformer.ensemble import EncodedPanel, Ensemble, EnsembleOutput
from forecasting.models.mqtransformer.error_feedback import (
    Feedback,
    Judged,
    OwnRecord,
    correction,
    expected_log,
    lags_of,
    learned,
    record_at,
)

#: Items, and creation dates of the block held back, from which feedback is learned at most.
_ITEMS, _DATES = 1500, 12


@dataclass(frozen=True, eq=False)
class FeedbackEnsemble:
    """``now`` knows the periods up to ``until``; ``early``, which knows those up to ``early_until``, stands in before."""

    now: Ensemble
    until: pd.Timestamp
    early: Ensemble | None
    early_until: pd.Timestamp
    feedback: Feedback

    @classmethod
    def of(cls, now: Ensemble, early: Ensemble | None, history: Panel, held_back: int, *, feedback: bool) -> FeedbackEnsemble:
        """Learns the feedback on the periods of ``history`` from ``held_back`` on; none without an early self."""
        early_until = history.periods[max(held_back - 1, 0)]
        none = cls(now, history.last, early, early_until, Feedback())
        if early is None or not feedback:
            return none
        rows = np.random.default_rng(0).permutation(len(history))[:_ITEMS]
        judged = _held_back_records(early, history.take(np.sort(rows)), held_back)
        if not judged:
            return none
        return cls(now, history.last, early, early_until, learned(judged, planned=not history.unplanned))

    def twin(self) -> FeedbackEnsemble:
        """The same, for another thread: the weights are shared, the networks that they are put into are not."""
        early = None if self.early is None else Ensemble(self.early.views)
        return replace(self, now=Ensemble(self.now.views), early=early)

    def validation_model(self) -> FeedbackEnsemble | None:
        """The early networks by themselves, without feedback: there are no honest errors from before them."""
        if self.early is None:
            return None
        return FeedbackEnsemble(self.early, self.early_until, None, self.early_until, Feedback())

    def predict(self, history: Panel, plan: Plan, *, shown: bool = True) -> EnsembleOutput:
        """What is said from the end of ``history`` [N, T] for the periods of ``plan``; ``shown``: and where it looked."""
        t = len(history.periods) - 1
        silent = self.feedback == Feedback()
        reading = EncodedPanel(history, plan, t) if silent else self.reading(history, plan)
        output = self.now.read(history, plan, [t], shown=shown, reading=reading)
        if silent:
            return output
        return output.corrected(correction(self.feedback, self.record(history, plan, reading), usual_logs(output)))

    def reading(self, history: Panel, plan: Plan) -> EncodedPanel:
        """The panel and its plan as they are read to answer from the end of ``history`` and from the dates on record."""
        return EncodedPanel(history, plan, len(history.periods) - 1 - int(lags_of(self.now.horizon).max()))

    def out_of_sample_split(self, periods: pd.DatetimeIndex, dates: Iterable[int]) -> list[tuple[Ensemble, list[int]]]:
        """Who forecasts from which of these creation dates (places among ``periods``): today's networks where they had not
        learned what followed, the early ones where those had not; nobody from the others."""
        trained, known = (int(periods.searchsorted(date)) for date in (self.until, self.early_until))
        dates = list(dates)
        split = (
            (self.early, [date for date in dates if known <= date < trained]),
            (self.now, [date for date in dates if date >= trained]),
        )
        return [(ensemble, mine) for ensemble, mine in split if ensemble is not None and mine]

    def record(
        self, history: Panel, plan: Plan, reading: EncodedPanel | None = None, said: dict[int, np.ndarray] | None = None
    ) -> OwnRecord:
        """What was said (the ``past_forecasts``, where they are at hand) before the end of ``history``, and what came of it."""
        t, view = len(history.periods) - 1, self.now.views[0]
        reading = reading or self.reading(history, plan)
        inputs = reading.inputs(view.encoding)
        unused = self.feedback.trust == 0 < self.feedback.steadiness  # then what is over plays no part
        said = self.past_forecasts(history, plan, reading, ahead_only=unused) if said is None else said
        trained = int(history.periods.searchsorted(self.until))
        return record_at(t, inputs, said, view.config.horizon, since=trained)

    def past_forecasts(
        self, history: Panel, plan: Plan, reading: EncodedPanel | None = None, *, ahead_only: bool = False
    ) -> dict[int, np.ndarray]:
        """Quantiles [N, H, Q] in units said at the earlier creation dates on record, by their positions.

        ``ahead_only`` leaves out what bears on no period ahead: dates whose periods are all over, other networks' forecasts.
        """
        t = len(history.periods) - 1
        over = self.now.horizon if ahead_only else self.now.horizon + 1
        dates = [t - lag for lag in lags_of(self.now.horizon).tolist() if lag < over][::-1]
        said: dict[int, np.ndarray] = {}
        unknown = unknown_ahead(history)
        for ensemble, mine in self.out_of_sample_split(history.periods, dates):
            if ahead_only and ensemble is not self.now:
                continue
            told = ensemble.read(history, plan, mine, unknown=unknown, shown=False, reading=reading)
            said |= _on_record(told.values, told.at_usual_prices().values, mine, t)
        return said


def _on_record(quantiles: np.ndarray, usual: np.ndarray, dates: Sequence[int], t: int) -> dict[int, np.ndarray]:
    """What stands on record at ``t`` of what was said at ``dates`` [K], by date: [N, H, Q] of ``quantiles`` [N, K, H, Q].

    Targets that came are at their prices, those still ahead at the ``usual`` ones. So a plan with other prices does not change
    the record, and the price response is that of today's networks alone.
    """
    ahead = np.arange(1, quantiles.shape[2] + 1)[:, None]
    return {date: np.where(ahead <= t - date, quantiles[:, k], usual[:, k]) for k, date in enumerate(dates)}


def usual_logs(said: EnsembleOutput) -> np.ndarray:
    """Expected logs [N, H] at usual prices, over m, of the first creation date."""
    return expected_log(said.at_usual_prices().values[:, 0], said.scale[0, :, 0].numpy().astype(np.float64))


def _held_back_records(early: Ensemble, history: Panel, held_back: int) -> list[Judged]:
    """Creation dates of the block held back with their records, as the early networks would have had them."""
    periods, horizon = len(history.periods), early.horizon
    dates = list(range(held_back - 1, periods - 1))
    view, unknown = early.views[0], unknown_ahead(history)
    parts = [
        early.read(history.take(rows), None, dates, unknown=unknown, shown=False)
        for rows in np.array_split(np.arange(len(history)), -(-len(history) // 256))
    ]
    quantiles = np.concatenate([part.values for part in parts])  # (N, K, H, Q)
    usual = np.concatenate([part.at_usual_prices().values for part in parts])
    inputs = encode(view.encoding, history)
    answer = []
    for t in sorted({round(one) for one in np.linspace(held_back, periods - 2, _DATES)}) if periods - held_back > 2 else []:
        said, k = _on_record(quantiles, usual, dates[: t - held_back + 1], t), t - dates[0]
        scale = inputs.scale[:, t].numpy().astype(np.float64)
        answer.append(
            Judged(
                record=record_at(t, inputs, said, horizon),
                expected=expected_log(usual[:, k], scale),
                quantiles=quantiles[:, k],
                sold=actuals_after(history, t, horizon),
            )
        )
    return answer
