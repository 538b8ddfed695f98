"""The network's own laws: prices, spans, censoring, items without history; and what a training run promises."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import make_panel

from data.errors import ModelError, NotTrained
from data.groups import group_series
from data.schema import Panel
from forecasting.core.bounds import promoted_range
from forecasting.core.forecaster import TrainingStopped
from forecasting.core.quantile_function import mean
from forecasting.core.time_splits import masked, plan_after
from forecasting.core.types import QuantileForecast
from forecasting.features.encoding import encoding_of
from forecasting.features.inputs import encode
from forecasting.features.moving_average import ArrayCache
from forecasting.models.mqtransformer.ensemble import EnsembleOutput
from forecasting.models.mqtransformer.error_feedback import Feedback
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.network import MQTransformer
from forecasting.models.mqtransformer.price_response import price_factor
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.neural.layers import MEDIAN, Convolutions, QuantileHead
from forecasting.training.hyperparameter_search import fit, fit_key
from forecasting.training.mqtransformer_runs import RunData, trained_network
from forecasting.training.worker_pool import WorkerPool

HORIZON = 4
at_prices = MQTransformerForecaster.at_prices
SMALL = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=30, look_every=10, width=8, decoder_width=12)


@pytest.fixture(scope="module")
def panel() -> Panel:
    return make_panel(items=12, periods=70)


@pytest.fixture(scope="module")
def forecaster(panel: Panel) -> MQTransformerForecaster:
    model = MQTransformerForecaster(SMALL)
    model.fit(panel, panel.last, HORIZON)
    assert model._networks is not None
    model._networks = replace(model._networks, feedback=Feedback(trust=1.0, doubt=0.1, likeness=0.3, steadiness=0.2))
    return model


@pytest.fixture(scope="module")
def answer(panel: Panel, forecaster: MQTransformerForecaster) -> tuple[QuantileForecast, EnsembleOutput]:
    return forecaster.predict(panel, plan_after(panel, len(panel.periods) - 1, HORIZON))


# one distribution


def test_a_span_is_expected_to_be_what_its_periods_are(answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    forecast, _ = answer
    np.testing.assert_allclose(mean(forecast.taus, forecast.cumulative), forecast.span_mean(), rtol=2e-3)


def test_at_another_price_it_still_is(panel: Panel, answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    forecast, output = answer
    moved = at_prices(panel, forecast, output, 0.7 * np.repeat(panel.known["price"][:, -1:], HORIZON, axis=1))
    np.testing.assert_allclose(mean(moved.taus, moved.cumulative), moved.span_mean(), rtol=2e-3)


# plans


def test_it_is_told_whether_a_plan_is_known(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    plan = plan_after(panel, len(panel.periods) - 1, HORIZON)
    none = replace(plan, known={**plan.known, "promo": np.zeros_like(plan.known["promo"])})
    flags = np.zeros(plan.known["promo"].shape, bool)
    known, unknown = (
        forecaster.predict(panel, replace(none, given={**plan.given, "promo": flags | given})) for given in (True, False)
    )
    assert not np.allclose(known[0].values, unknown[0].values)


def test_a_promotion_in_full_is_expected_to_do_about_what_the_items_own_did(
    panel: Panel, forecaster: MQTransformerForecaster
) -> None:
    plan = plan_after(panel, len(panel.periods) - 1, HORIZON)
    full = np.ones_like(plan.known["promo"])
    asked = replace(plan, known={**plan.known, "promo": full}, given={"price": full < 0, "promo": full > 0})
    low = replace(panel, demand=np.where(panel.known["promo"] > 0, 0.2, 1.0).astype(np.float32) * panel.demand)
    found = promoted_range(low, asked)
    assert found is not None
    least, most = found
    forecast, _ = forecaster.predict(low, asked)
    assert (forecast.mean() <= most * (1 + 1e-4)).all()
    assert (forecast.mean() >= least * (1 - 1e-4)).all()
    assert np.isclose(forecast.mean(), most, rtol=1e-3).any()
    np.testing.assert_allclose(mean(forecast.taus, forecast.cumulative), forecast.span_mean(), rtol=2e-3)


# prices


def test_a_higher_price_never_sells_more(panel: Panel, answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    price = panel.known["price"][:, -1:]
    steps = [at_prices(panel, *answer, np.repeat(price * factor, HORIZON, axis=1)) for factor in np.linspace(0.3, 3, 25)]
    for dearer, cheaper in zip(steps[1:], steps[:-1], strict=True):
        assert (dearer.values <= cheaper.values).all()
        assert (dearer.cumulative <= cheaper.cumulative).all()


def test_a_dearer_plan_read_anew_never_sells_more(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    """That a price moves is an event, whatever it moves to: here both plans move it in the same periods."""
    price = panel.known["price"][:, -1:] * np.array([1.1, 1.2, 1.15, 1.25], np.float32)
    plan = plan_after(panel, len(panel.periods) - 1, HORIZON)
    before, after = (
        forecaster.forecast(panel, [panel.last], replace(plan, known={**plan.known, "price": factor * price}))[0]
        for factor in (1.0, 1.3)
    )
    assert (after.values <= before.values * (1 + 1e-6)).all()
    assert after.values.sum() < before.values.sum()


def test_the_planned_price_gives_the_forecast_itself(panel: Panel, answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    planned = plan_after(panel, len(panel.periods) - 1, HORIZON).known["price"]
    assert at_prices(panel, *answer, planned).values == pytest.approx(answer[0].values, rel=1e-5)
    assert at_prices(panel, *answer, planned).cumulative == pytest.approx(answer[0].cumulative, rel=1e-5)


def test_asking_for_other_prices_is_reading_the_plan_anew(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    price = panel.known["price"][:, -1:] * np.array([1.1, 1.2, 1.15, 1.25], np.float32)
    plan = plan_after(panel, len(panel.periods) - 1, HORIZON)
    planned = replace(plan, known={**plan.known, "price": price})
    anew = forecaster.forecast(panel, [panel.last], replace(plan, known={**plan.known, "price": np.float32(0.8) * price}))[0]
    asked = at_prices(panel, *forecaster.predict(panel, planned), np.float32(0.8) * price)
    assert asked.values == pytest.approx(anew.values, rel=1e-4)
    assert asked.cumulative == pytest.approx(anew.cumulative, rel=1e-4)


def test_far_outside_all_prices_on_record_the_answer_stays_as_at_the_edge(
    panel: Panel, answer: tuple[QuantileForecast, EnsembleOutput]
) -> None:
    lowest = np.repeat(np.nanmin(panel.known["price"], axis=1, keepdims=True), HORIZON, axis=1)
    edge, beyond, within = (at_prices(panel, *answer, factor * lowest).values for factor in (0.8, 0.5, 0.9))
    np.testing.assert_allclose(beyond, edge, rtol=1e-5)
    assert not np.allclose(within, edge)


def test_a_price_of_nothing_is_refused(panel: Panel, answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    with pytest.raises(ModelError, match="above zero"):
        at_prices(panel, *answer, np.zeros((12, HORIZON)))


def test_near_the_reference_the_elasticity_is_what_a_percent_costs() -> None:
    none = torch.zeros(1, 3)
    assert float(price_factor(torch.tensor([1.7]), none, torch.tensor([0.01]))) == pytest.approx(-0.017)


# quantiles and spans


def test_knots_rise_whatever_the_network_says() -> None:
    torch.manual_seed(0)
    knots = QuantileHead(8)(100 * torch.randn(50, 8))
    assert (knots.diff(dim=-1) >= 0).all()
    assert knots[..., MEDIAN].abs().max() > 0


def test_a_span_of_one_period_is_that_period(answer: tuple[QuantileForecast, EnsembleOutput]) -> None:
    assert answer[0].cumulative[:, 0] == pytest.approx(answer[0].values[:, 0], rel=1e-6)


# the encoder


@pytest.mark.parametrize("periods", [1, 2, 30, 63, 64, 90])
def test_the_short_cut_to_a_few_periods_says_the_same(periods: int) -> None:
    torch.manual_seed(periods)
    encoder = Convolutions(5 + 2, 8)
    past, static = torch.randn(3, periods, 5), torch.randn(3, 2)
    whole = encoder(torch.cat([past, static[:, None].expand(-1, periods, -1)], dim=-1))
    for dates in ([periods - 1], sorted({max(0, periods - back) for back in (14, 7, 4, 1)}), [0]):
        short = encoder.at(past, torch.tensor(dates), static)
        assert torch.allclose(short, whole[:, dates], atol=1e-5)


def test_where_attention_looked_need_not_be_kept(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    plan = plan_after(panel, len(panel.periods) - 1, HORIZON)
    shown, quiet = (forecaster.predict(panel, plan, shown=shown) for shown in (True, False))
    assert shown[1].looked.shape[-1] > 0 == quiet[1].looked.shape[-1]
    assert shown[0].values == pytest.approx(quiet[0].values, rel=1e-5)  # the mean is added up in another order


def test_features_of_dates_that_nobody_asks_for_are_left_out_and_change_nothing(panel: Panel) -> None:
    encoding, once = encoding_of(panel, HORIZON, 10.0), ArrayCache()
    other = encoding_of(panel, HORIZON, 20.0)
    encode(other, panel, once=once)  # what is shared between encodings must not mix them up
    whole, late = encode(encoding, panel), encode(encoding, panel, first_date=60, once=once)
    assert torch.equal(whole.origin[:, 60:], late.origin[:, 60:])
    assert torch.equal(whole.baseline[:, 60:], late.baseline[:, 60:])
    assert torch.equal(whole.past, late.past)
    assert whole.origin[:, :60].abs().sum() > 0 == late.origin[:, :60].abs().sum()


def test_the_encoder_sees_nothing_after_a_period() -> None:
    encoder = Convolutions(5, 8)
    past, altered = torch.randn(2, 40, 5), None
    altered = past.clone()
    altered[:, 25:] = 9.0
    assert torch.equal(encoder(past)[:, :25], encoder(altered)[:, :25])


# items without history


def test_a_masked_item_does_not_count_in_its_own_group(panel: Panel) -> None:
    """Two catalogs that differ only in what a masked item sold before must be encoded alike."""
    encoding = encoding_of(panel, HORIZON, 10.0)
    hidden = masked(panel, 1)
    other = replace(panel, demand=np.where(np.isnan(hidden.demand), panel.demand + 500, panel.demand))
    other = replace(other, groups=group_series(other))
    item = [0]  # the others' masked sales still count in their groups: only the item's own may not
    only = replace(other, demand=np.concatenate([other.demand[:1], panel.demand[1:]]))
    only = replace(only, groups=group_series(only))
    first = encode(encoding, hidden.take(item), unmasked=panel.take(item))
    hidden_only = replace(hidden, groups=only.groups)
    second = encode(encoding, hidden_only.take(item), unmasked=only.take(item))
    assert torch.allclose(first.scale, second.scale, rtol=1e-4)
    assert torch.allclose(first.past, second.past, atol=1e-4)


def test_an_item_without_history_is_forecast(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    demand = panel.demand.copy()
    demand[3] = np.nan
    new = replace(panel, demand=demand)
    fan = forecaster.forecast(replace(new, groups=group_series(new)), [panel.last])[0]
    assert (fan.at(0.5)[3] > 0).all()


# out of stock


@pytest.mark.slow
def test_out_of_stock_periods_do_not_pull_the_forecast_down() -> None:
    """Half of the periods sell nothing: as true zeros they lower the median, as stock-outs they must not."""
    rng = np.random.default_rng(0)
    panel = make_panel(items=30, periods=80)
    gone = rng.random(panel.demand.shape) < 0.5
    empty = np.where(gone, 0, rng.poisson(20, panel.demand.shape)).astype(np.float32)
    medians = {}
    for words, in_stock in (("zero", np.ones_like(empty)), ("stock-out", np.where(gone, 0, 1).astype(np.float32))):
        one = replace(panel, demand=empty, in_stock=in_stock)
        one = replace(one, groups=group_series(one))
        model = MQTransformerForecaster(replace(SMALL, members=1, most_steps=120))
        model.fit(one, one.last, HORIZON)
        medians[words] = float(np.median(model.forecast(one, [one.last])[0].at(0.5)))
    assert medians["zero"] < 12 < medians["stock-out"]


# training


def test_a_run_learns(panel: Panel) -> None:
    encoding = encoding_of(panel, HORIZON, 26.0)
    data = RunData.of(encoding, panel, HORIZON, len(panel.periods), SMALL)
    trained = trained_network(data, SMALL, 1, 60, lambda share: None)
    torch.manual_seed(1)
    untrained = MQTransformer(data.config).state_dict()
    at = torch.arange(20, 60, 5)
    losses = []
    for state in (untrained, trained):
        network = MQTransformer(data.config).eval()
        network.load_state_dict(state)
        targets = at[:, None] + torch.arange(1, HORIZON + 1)
        with torch.no_grad():
            middle = network(data.data.inputs, at).periods[..., MEDIAN].exp() * data.data.inputs.scale[:, at, None]
        losses.append(float((data.data.inputs.demand[:, targets] - middle).abs().mean()))
    assert losses[1] < 0.9 * losses[0]


@pytest.mark.slow
def test_a_stopped_fit_goes_on_and_ends_with_the_same_weights(panel: Panel, tmp_path: Path) -> None:
    calls = 0

    def after_forty_looks() -> bool:
        nonlocal calls
        calls += 1
        return calls > 40

    quiet = lambda progress: None  # noqa: E731
    key = fit_key(panel, HORIZON, SMALL)
    with pytest.raises(TrainingStopped):
        fit(panel, HORIZON, SMALL, WorkerPool(tmp_path, key, quiet, after_forty_looks))
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept  # the finished run is kept
    resumed = fit(panel, HORIZON, SMALL, WorkerPool(tmp_path, key, quiet, lambda: False))
    whole = fit(panel, HORIZON, SMALL, WorkerPool(None, key, quiet, lambda: False))
    for ours, theirs in zip((*resumed.views, *resumed.early), (*whole.views, *whole.early), strict=True):
        for one, other in zip(ours.members, theirs.members, strict=True):
            assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_networks_that_differ_are_never_of_the_same_version(panel: Panel, forecaster: MQTransformerForecaster) -> None:
    again, other = MQTransformerForecaster(SMALL), MQTransformerForecaster(replace(SMALL, seed=2))
    for model in (again, other):
        model.fit(panel, panel.last, HORIZON)
    first, second, third = (one.card.version if one.card else "" for one in (forecaster, again, other))
    assert first == second != third


def test_other_data_never_takes_up_a_kept_run(panel: Panel) -> None:
    keys = {
        fit_key(panel, HORIZON, SMALL),
        fit_key(panel, HORIZON + 1, SMALL),
        fit_key(panel, HORIZON, replace(SMALL, seed=2)),
        fit_key(replace(panel, demand=panel.demand + 1), HORIZON, SMALL),
    }
    assert len(keys) == 4


def test_an_untrained_forecaster_says_so(panel: Panel, tmp_path: Path) -> None:
    with pytest.raises(NotTrained, match="not been trained"):
        MQTransformerForecaster().forecast(panel, [panel.last])
    with pytest.raises(NotTrained, match="no trained model"):
        MQTransformerForecaster.load(tmp_path)


def test_a_part_that_is_switched_off_is_in_no_network(panel: Panel) -> None:
    without = replace(SMALL, parts=("attention",))
    trained = fit(
        panel, HORIZON, without, WorkerPool(None, fit_key(panel, HORIZON, without), lambda progress: None, lambda: False)
    )
    configs = [view.config for view in (*trained.views, *trained.early)]
    assert all(one.attention and not (one.lags or one.moves or one.peak_care or one.recall) for one in configs)


def test_a_model_of_an_older_version_is_refused_in_a_sentence(forecaster: MQTransformerForecaster, tmp_path: Path) -> None:
    forecaster.save(tmp_path)
    card = tmp_path / "card.json"
    stored = json.loads(card.read_text())
    for view in stored["now"]:
        view["network"]["origin"] -= 5
    card.write_text(json.dumps(stored))
    with pytest.raises(ModelError, match="older version"):
        MQTransformerForecaster.load(tmp_path)
