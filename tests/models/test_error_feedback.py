"""Feedback: what a forecaster may know of its own errors, what it takes back of them, and when it takes back nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import make_panel

from data.groups import group_series
from data.schema import Panel
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import held_back, history_until, plan_after, unknown_ahead
from forecasting.models.mqtransformer.error_feedback import (
    Feedback,
    Judged,
    OwnRecord,
    correction,
    expected_log,
    lags_of,
    learned,
)
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings

HORIZON = 4
SMALL = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=30, look_every=10, width=8, decoder_width=12)


def recorded(errors: Sequence[float], apart: np.ndarray | None = None, *, items: int = 1) -> OwnRecord:
    """A record of one forecast a horizon ago, which said m for every period and was met by these errors in logs."""
    sold = np.tile(np.array(errors), (items, 1))
    return OwnRecord(
        lags=np.array([HORIZON]),
        said=np.zeros((items, 1, HORIZON)),
        exists=np.ones((items, 1)),
        ours=np.ones(1),
        sold=sold,
        counted=np.ones_like(sold),
        apart=np.zeros((items, HORIZON, HORIZON)) if apart is None else apart,
    )


# the arithmetic


def test_errors_that_agree_are_taken_back_whole() -> None:
    found = correction(Feedback(trust=1.0), recorded([0.2] * HORIZON), np.zeros((1, HORIZON)))
    assert found.raised == pytest.approx(0.2)
    assert found.steadied == pytest.approx(0.0)
    assert found.weights.sum(axis=-1) == pytest.approx(1.0)


def test_errors_that_disagree_or_are_doubted_are_taken_back_in_part() -> None:
    now = np.zeros((1, HORIZON))
    mixed = correction(Feedback(trust=1.0), recorded([0.9, -0.5, 0.6, -0.2]), now).raised
    agreed = correction(Feedback(trust=1.0), recorded([0.2] * HORIZON), now).raised
    doubted = correction(Feedback(trust=1.0, doubt=0.3), recorded([0.2] * HORIZON), now).raised
    assert ((mixed > 0) & (mixed < 0.5 * agreed)).all()
    assert ((doubted > 0) & (doubted < 0.5 * agreed)).all()


def test_the_likest_periods_count_most() -> None:
    apart = np.full((1, HORIZON, HORIZON), 30.0)
    apart[:, 2, :2] = 0.0  # the third target is like the first two periods, which sold more than was said
    found = correction(Feedback(trust=1.0, likeness=1.0), recorded([0.5, 0.5, -0.5, -0.5], apart), np.zeros((1, HORIZON)))
    assert found.raised[0, 2] == pytest.approx(0.5, rel=1e-3)
    assert abs(found.raised[0, 0]) < 1e-3


def test_recent_errors_count_more_where_recency_says_so() -> None:
    now, jumped = np.zeros((1, HORIZON)), recorded([0.0, 0.0, 0.5, 0.5])
    alike, recent = (correction(Feedback(trust=1.0, recency=recency), jumped, now).raised for recency in (0.0, 2.0))
    assert (recent > 0.4).all()
    assert (recent > 1.5 * alike).all()


def test_without_a_record_nothing_is_moved() -> None:
    record = replace(recorded([0.4] * HORIZON), exists=np.zeros((1, 1)))
    found = correction(Feedback(trust=1.0, likeness=0.3, steadiness=0.5), record, np.ones((1, HORIZON)))
    assert (found.shift == 0).all()
    assert np.isnan(found.errors).all()


def test_a_forecast_is_drawn_towards_what_was_said_before() -> None:
    record = replace(recorded([0.0] * HORIZON), lags=np.array([1]))
    found = correction(Feedback(steadiness=0.5), record, np.full((1, HORIZON), 0.4))
    assert found.shift[0] == pytest.approx([-0.2, -0.2, -0.2, 0.0])  # the last target was beyond the earlier horizon


def test_the_expected_log_of_a_sure_thing_is_its_log() -> None:
    sure = np.full((1, HORIZON, len(TAUS)), 20.0)
    assert expected_log(sure, np.array([20.0])) == pytest.approx(0.0)
    assert expected_log(2 * sure, np.array([20.0])) == pytest.approx(np.log(2.1 / 1.1))


# what is learned


def meeting(errors: np.ndarray, later: np.ndarray) -> Judged:
    items = len(errors)
    quantiles = np.exp(np.linspace(-0.2, 0.2, len(TAUS))) * np.ones((items, HORIZON, 1))
    return Judged(replace(recorded([0.0] * HORIZON, items=items), sold=errors), np.zeros((items, HORIZON)), quantiles, later)


def test_errors_that_last_are_learned_from_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    lasting = rng.normal(0, 0.5, (200, 1)) * np.ones((1, HORIZON))
    noise = lambda: rng.normal(0, 0.1, (200, HORIZON))  # noqa: E731
    judged = [meeting(lasting + noise(), np.exp(lasting + noise()))]
    assert learned(judged).trust == 1.0
    assert learned(judged, planned=False).trust == 0.0
    fleeting = [meeting(rng.normal(0, 0.5, (200, HORIZON)), np.exp(rng.normal(0, 0.5, (200, HORIZON)))) for _ in range(5)]
    assert learned(fleeting).trust <= 0.3


def test_nothing_on_record_teaches_nothing() -> None:
    one = meeting(np.zeros((5, HORIZON)), np.ones((5, HORIZON)))
    assert learned([replace(one, record=replace(one.record, exists=np.zeros((5, 1))))]) == Feedback()


# the record of a forecaster


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(items=8, periods=70)


@pytest.fixture(scope="module")
def networks(panel: Panel) -> FeedbackEnsemble:
    model = MQTransformerForecaster(SMALL)
    model.fit(panel, panel.periods[59], HORIZON)
    assert model._networks is not None
    return model._networks


def test_only_forecasts_of_periods_not_trained_on_are_on_record(panel: Panel, networks: FeedbackEnsemble) -> None:
    early = held_back(60, HORIZON) - 1  # the early networks know the periods up to this one
    for t in (early, early + 2, 59, 60, 64):
        record = networks.record(history_until(panel, t), plan_after(panel, t, HORIZON))
        assert record.exists[0].tolist() == [float(t - lag >= early) for lag in lags_of(HORIZON)]


def test_a_forecaster_never_judges_by_words_it_said_of_its_own_lessons(panel: Panel, networks: FeedbackEnsemble) -> None:
    """At the end of training all forecasts of the past are the early networks': today's could not be there."""
    t = 59
    without = replace(networks, early=None).record(history_until(panel, t), plan_after(panel, t, HORIZON))
    assert (without.exists == 0).all()
    later = replace(networks, early=None).record(history_until(panel, t + 1), plan_after(panel, t + 1, HORIZON))
    assert later.exists[0].tolist() == [1.0, 0.0, 0.0]


def test_the_record_does_not_change_with_planned_prices(panel: Panel, networks: FeedbackEnsemble) -> None:
    plan = plan_after(panel, 62, HORIZON)
    price = plan.known["price"] * np.array([1.1, 1.3, 1.1, 1.3], np.float32)
    one, other = (
        networks.record(history_until(panel, 62), replace(plan, known={**plan.known, "price": factor * price}))
        for factor in (np.float32(1), np.float32(1.5))
    )
    np.testing.assert_allclose(one.said, other.said, atol=1e-5)


@pytest.mark.parametrize("planned", [frozenset(), frozenset({"price"}), frozenset({"promo"})])
def test_of_the_past_it_says_what_it_would_have_said_then_without_a_plan(
    panel: Panel, networks: FeedbackEnsemble, planned: frozenset[str]
) -> None:
    panel, dates = replace(panel, planned=planned), [59, 62, 65]
    found = networks.now.read(panel, None, dates, unknown=unknown_ahead(panel))
    for k, t in enumerate(dates):
        then = networks.now.read(history_until(panel, t), plan_after(panel, t, HORIZON), [t])
        np.testing.assert_allclose(found.values[:, k], then.values[:, 0], rtol=1e-4)
        np.testing.assert_allclose(found.looked[:, k, :, : then.looked.shape[-1]], then.looked[:, 0], atol=1e-5)


def test_a_forecaster_that_was_too_low_raises_what_it_says(panel: Panel, networks: FeedbackEnsemble) -> None:
    demand = panel.demand.copy()
    demand[:, 55:60] *= 3
    more = replace(panel, demand=demand)
    more = replace(more, groups=group_series(more))
    trusting = replace(networks, feedback=Feedback(trust=1.0))
    found = trusting.predict(history_until(more, 59), plan_after(more, 59, HORIZON)).correction
    assert found is not None
    assert np.median(found.raised) > 0.1


def test_an_early_self_is_honest_and_does_not_correct_itself(panel: Panel) -> None:
    model = MQTransformerForecaster(SMALL)
    model.fit(panel, panel.periods[59], HORIZON)
    early = model.validation_model()
    assert early is not None
    assert early.validation_model() is None
    assert early._networks is not None
    assert early._networks.until == pd.Timestamp(panel.periods[held_back(60, HORIZON) - 1])
    other = replace(panel, demand=np.where(np.arange(70) > 55, 5 * panel.demand, panel.demand).astype(np.float32))
    again = MQTransformerForecaster(SMALL)
    again.fit(replace(other, groups=group_series(other)), panel.periods[59], HORIZON)
    second = again.validation_model()
    assert second is not None
    assert second._networks is not None
    assert second._networks.now.views[0].encoding == early._networks.now.views[0].encoding  # made before the block
