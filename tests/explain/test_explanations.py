"""Explanations: parts that sum, subjects that an item does not have, masks that hide, and bridges that close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import make_panel

from data.groups import group_series
from data.plans import USUAL_PERIODS
from data.schema import PRICE, PROMO, Panel, Plan
from forecasting.core.time_splits import history_until, plan_after
from forecasting.explain.attention_attribution import AttentionAttribution, attention_attribution
from forecasting.explain.error_history import error_history
from forecasting.explain.forecast_revision import CHANGES, forecast_revision
from forecasting.explain.shapley_drivers import DRIVERS, Drivers, coalitions, drivers, shapley
from forecasting.features.counterfactual_inputs import Counterfactuals
from forecasting.features.inputs import encode
from forecasting.models.mqtransformer.error_feedback import Feedback
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings

HORIZON, ALL, NOW = 4, 76, 72
SMALL = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=30, look_every=10, width=8, decoder_width=12)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(items=8, periods=ALL)


@pytest.fixture(scope="module")
def model(panel: Panel) -> MQTransformerForecaster:
    model = MQTransformerForecaster(SMALL)
    model.fit(panel, panel.periods[69], HORIZON)
    return model


@pytest.fixture(scope="module")
def networks(model: MQTransformerForecaster) -> FeedbackEnsemble:
    """With feedback that takes errors back, whatever so short a training earned."""
    return replace(model.networks, feedback=Feedback(trust=0.6, likeness=0.3, steadiness=0.2))


def one(panel: Panel, row: int = 2, t: int = NOW) -> tuple[Panel, Plan]:
    item = panel.take([row])
    return history_until(item, t), plan_after(item, t, HORIZON)


# Shapley values


def test_shapley_values_of_terms_that_add_are_the_terms() -> None:
    terms = np.array([[3.0, 1.0], [-2.0, 0.5], [0.0, 0.0], [7.0, -4.0]])
    told = (np.arange(16)[:, None] >> np.arange(4)) & 1
    np.testing.assert_allclose(shapley(10 + told @ terms), terms, atol=1e-12)


def test_shapley_values_share_what_two_make_together() -> None:
    assert shapley(np.array([0.0, 0.0, 0.0, 6.0])).tolist() == [3.0, 3.0]


# drivers


def test_the_parts_sum_to_the_way_from_the_level_to_the_forecast(panel: Panel, networks: FeedbackEnsemble) -> None:
    for row in range(4):
        history, plan = one(panel, row)
        looked = networks.predict(history, plan)
        found = drivers(networks, history, plan, looked.correction)
        assert found.gap < 1e-9
        assert found.parts.shape == (len(DRIVERS), HORIZON)
        assert found.span.sum() == pytest.approx((found.forecast - found.reference).sum(), abs=1e-9)
        assert found.first(2).gap < 1e-9


def test_the_last_coalition_is_the_forecast_of_the_page(panel: Panel, model: MQTransformerForecaster) -> None:
    history, plan = one(panel)
    forecast, output = model.predict(history, plan)
    found = drivers(model.networks, history, plan, output.correction)
    np.testing.assert_allclose(found.forecast, forecast.mean()[0], rtol=1e-5)


def test_what_an_item_does_not_have_drives_nothing(panel: Panel, networks: FeedbackEnsemble) -> None:
    still = {
        PRICE: np.repeat(panel.known[PRICE][:, :1], ALL, axis=1),
        PROMO: np.where(np.arange(ALL) >= NOW - USUAL_PERIODS, 0, panel.known[PROMO]).astype(np.float32),
    }
    calm = replace(panel, known=still, groups=())
    calm = replace(calm, groups=group_series(calm))
    history, plan = one(calm)
    parts = dict(zip(DRIVERS, drivers(networks, history, plan, None).parts, strict=True))
    assert np.abs(parts["price"]).max() < 1e-4
    assert (parts["promotion"] == 0).all()
    assert (parts["own errors"] == 0).all()
    assert np.abs(parts["season"]).max() > 0.01


def test_a_promotion_planned_is_a_driver(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    promoted = replace(plan, known={**plan.known, PROMO: np.ones_like(plan.known[PROMO])})
    found = drivers(networks, history, promoted, None)
    assert np.abs(found.parts[DRIVERS.index("promotion")]).min() > 1e-3


def test_an_item_without_a_past_has_no_trend(panel: Panel, networks: FeedbackEnsemble) -> None:
    unknown = replace(panel, demand=np.full_like(panel.demand, np.nan))
    history, plan = one(unknown)
    found = drivers(networks, history, plan, None)
    assert np.isfinite(found.parts).all()


def test_coalitions_hold_every_set_once(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    assert coalitions(networks, history, plan, None).shape == (2 ** len(DRIVERS), HORIZON)


def test_a_subject_taken_away_leaves_the_others(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    view = networks.now.views[0]
    inputs, subjects = encode(view.encoding, history, plan), Counterfactuals(view.encoding, HORIZON)
    assert torch.equal(subjects.without_price(inputs).ahead, inputs.ahead)
    assert torch.equal(subjects.without_promotion(inputs).log_price, inputs.log_price)
    assert torch.equal(subjects.without_season(inputs).log_price, inputs.log_price)
    flat = subjects.without_trend(inputs)
    sold = (inputs.known * (1 - inputs.censored))[0, -subjects.recent :] > 0
    assert torch.allclose(flat.demand[0, -subjects.recent :][sold], inputs.scale[0, -1])


# where it looked


def test_masked_periods_are_those_looked_at_most(panel: Panel, networks: FeedbackEnsemble) -> None:
    item = panel.take([0, 3, 5])
    found = attention_attribution(networks, history_until(item, NOW), plan_after(item, NOW, HORIZON))
    assert found.weights.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)
    count = found.twins.sum(axis=-1)
    assert ((count >= 3) & (count <= 5)).all()
    lightest_twin = np.where(found.twins, found.weights, np.inf).min(axis=-1)
    heaviest_other = np.where(found.twins, -np.inf, found.weights).max(axis=-1)
    assert (lightest_twin >= heaviest_other).all()
    assert (found.periods == item.periods[NOW - found.back]).all()


def test_masking_moves_a_forecast_and_each_item_alone(panel: Panel, networks: FeedbackEnsemble) -> None:
    item = panel.take([0, 3])
    both = attention_attribution(networks, history_until(item, NOW), plan_after(item, NOW, HORIZON))
    assert np.abs(both.moves).max() > 0
    single, plan = one(panel, 3)
    alone = attention_attribution(networks, single, plan)
    np.testing.assert_allclose(alone.masked[0], both.masked[1], rtol=1e-4)


def test_a_link_that_hardly_moves_is_weak() -> None:
    ones = np.ones((1, 2, 1))
    found = AttentionAttribution(
        np.array([0]),
        make_panel(periods=1).periods,
        ones,
        0.5 * ones[..., 0],
        ones > 0,
        np.array([[100.0, 100]]),
        np.array([[99.0, 90]]),
    )
    assert found.weak.tolist() == [[True, False]]
    assert found.moves.tolist() == [[1.0, 10.0]]
    assert found.counted.tolist() == [[0.5, 0.5]]


# own mistakes


def test_mistakes_add_up_to_the_forecast(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    found = error_history(networks, history, plan)
    np.testing.assert_allclose(found.without + found.raised + found.steadied, found.forecast)
    looked = networks.predict(history, plan)
    np.testing.assert_allclose(found.forecast, _mean(looked.values[:, 0]), rtol=1e-5)
    assert found.any
    assert (found.judged == history.periods[-HORIZON:]).all()
    assert np.isfinite(found.earlier[-1, :-1]).all()
    assert np.isnan(found.earlier[:, -1]).all()


def _mean(quantiles: np.ndarray) -> np.ndarray:
    from forecasting.core.quantile_function import TAUS, mean

    return mean(np.array(TAUS), quantiles)[0]


def test_a_forecast_that_trusts_nothing_says_so(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    found = error_history(replace(networks, feedback=Feedback()), history, plan)
    assert not found.trusted
    assert (found.raised == 0).all()
    assert (found.steadied == 0).all()


def test_an_item_that_sold_thrice_what_was_said_is_raised(panel: Panel, networks: FeedbackEnsemble) -> None:
    demand = panel.demand.copy()
    demand[:, NOW - 3 : NOW + 1] *= 3
    more = replace(panel, demand=demand, in_stock=np.ones_like(panel.in_stock), groups=())
    more = replace(more, groups=group_series(more))
    history, plan = one(more)
    found = error_history(replace(networks, feedback=Feedback(trust=1.0)), history, plan)
    assert np.nanmean(found.errors) > 0
    assert (found.raised > 0).all()


# what changed


def test_the_bridge_from_last_time_sums(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    found = forecast_revision(networks, history, plan)
    assert found is not None
    assert found.parts.shape == (len(CHANGES), HORIZON - 1)
    np.testing.assert_allclose(found.parts.sum(axis=0), found.after - found.before, atol=1e-9)
    assert np.abs(found.parts[0]).max() > 0
    assert (found.parts[2:] == 0).all()
    now = networks.predict(history, plan)
    np.testing.assert_allclose(found.after, _mean(now.values[:, 0])[:-1], rtol=1e-5)
    assert found.created == history.periods[-2]


def test_the_earlier_forecast_knew_nothing_of_the_last_period(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    other = history.demand.copy()
    other[:, -1] += 500
    changed = replace(history, demand=other)
    before, after = forecast_revision(networks, history, plan), forecast_revision(networks, changed, plan)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.before, after.before)
    assert after.came == before.came + 500


def test_an_item_on_record_for_one_period_has_no_last_time(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    young = np.full_like(history.demand, np.nan)
    young[:, -1] = 4
    assert forecast_revision(networks, replace(history, demand=young), plan) is None


def test_drivers_are_sealed(panel: Panel, networks: FeedbackEnsemble) -> None:
    history, plan = one(panel)
    found: Drivers = drivers(networks, history, plan, None)
    with pytest.raises(ValueError, match="read-only"):
        found.parts[0, 0] = 1
