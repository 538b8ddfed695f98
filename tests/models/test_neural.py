"""The small networks of 2015 and 2017: what they may see, what their losses ask for, and what they must learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from factories import make_panel
from scipy.stats import t as student
from torch import Tensor, nn

from data.groups import group_series
from data.schema import Panel
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until, plan_after
from forecasting.features.inputs import Inputs, encode
from forecasting.features.planned_targets import HiddenPlan
from forecasting.models.neural.base_forecaster import SmallForecaster
from forecasting.models.neural.base_network import Batch, Fan, Shape, fan_loss, fan_of, target_features
from forecasting.models.neural.feedforward import FeedForward
from forecasting.models.neural.mqcnn import MQCNN, MQRNN
from forecasting.models.neural.recurrent import (
    DistributionNetwork,
    PointNetwork,
    RecurrentDistribution,
    RecurrentPoint,
    stratified_draws,
    student_log_density,
    student_log_share,
    student_quantile,
)
from forecasting.models.neural.settings import SmallSettings
from forecasting.models.registry import generation
from forecasting.training.small_network_runs import SmallNetworkRuns, dates_after
from forecasting.training.training_loop import Hyperparameters, TrainingData

HORIZON = 4
SMALL = SmallSettings(most_steps=80, look_every=20, learning_rate=1e-2, width=12)
NAMES = ("recurrent_point", "recurrent_distribution", "feedforward", "mqrnn", "mqcnn")


def data_of(panel: Panel, until: int) -> TrainingData:
    """What a run with targets before ``until`` learns from."""
    return SmallNetworkRuns(FeedForward, panel, HORIZON, SMALL, 1).data(Hyperparameters(26.0), until)


def drawn(data: TrainingData) -> Batch:
    return data.batch(64, 16, 0.1, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def course() -> TrainingData:
    return data_of(make_panel(items=6, periods=40), 34)


def shape_of(course: TrainingData) -> Shape:
    return Shape.of(course.encoding, course.inputs, HORIZON, width=8, dropout=0.0)


# what a network may see


def changed_after(inputs: Inputs, t: int) -> Inputs:
    """The inputs with everything altered that is not known at the end of period t."""
    names = ("demand", "known", "censored", "scale", "past", "origin", "baseline", "log_reference", "has_price")
    seasonal = ("season_demand", "season_scale", "season_known")

    def altered(array: Tensor, after: Tensor) -> Tensor:
        return torch.where(after, 3 * array + 1, array)

    after = torch.arange(inputs.demand.shape[1]) > t
    wide = {
        name: altered(getattr(inputs, name), after[:, None] if getattr(inputs, name).dim() == 3 else after) for name in names
    }
    return replace(inputs, **wide, **{name: altered(getattr(inputs, name), after) for name in seasonal})


def said(network: nn.Module, inputs: Inputs, at: Tensor) -> list[Tensor]:
    with torch.no_grad():
        answer = network(inputs, at)
    return [answer] if isinstance(answer, Tensor) else list(answer)


@pytest.mark.parametrize("cls", [FeedForward, MQRNN, MQCNN, PointNetwork, DistributionNetwork])
def test_a_network_sees_nothing_after_a_creation_date(cls: type, course: TrainingData) -> None:
    network = cls(shape_of(course)).eval()
    early = torch.tensor([8, 20])
    late = torch.tensor([8, 20, 33])  # asked for a later date, too, the earlier answers stay
    usual = said(network, course.inputs, early)
    for other in (said(network, changed_after(course.inputs, 20), early), said(network, course.inputs, late)):
        for one, two in zip(usual, other, strict=True):
            torch.testing.assert_close(one, two[:, :2], rtol=1e-5, atol=1e-6)


def test_a_planted_leak_is_caught(course: TrainingData) -> None:
    network = MQRNN(shape_of(course)).eval()
    width = network.encoder.lstm.hidden_size
    both_ways = nn.LSTM(network.encoder.lstm.input_size, width // 2, batch_first=True, bidirectional=True)
    network.encoder.lstm = both_ways
    at = torch.tensor([8, 20])
    usual, other = said(network, course.inputs, at)[0], said(network, changed_after(course.inputs, 20), at)[0]
    assert torch.allclose(usual[:, 1], other[:, 1])  # nothing is read after the last creation date that is asked for
    assert not torch.allclose(usual[:, 0], said(network, changed_after(course.inputs, 8), at)[0][:, 0])


def test_a_held_price_tells_nothing_of_the_targets(course: TrainingData) -> None:
    at, held_price = torch.tensor([10]), HiddenPlan.of(course.inputs.layout, {"price"}, HORIZON)
    dearer = replace(course.inputs, log_price=course.inputs.log_price + (torch.arange(40) > 10))
    held, usual = (target_features(inputs, at, HORIZON, held_price) for inputs in (dearer, course.inputs))
    torch.testing.assert_close(held, usual)
    assert not torch.allclose(target_features(dearer, at, HORIZON), target_features(course.inputs, at, HORIZON))


# what is learned from


def ones(course: TrainingData, at: Tensor, first: int, until: int) -> Batch:
    return Batch(course.inputs, course.inputs, at, first, until, torch.ones(len(course.inputs), len(at)), None)


def test_only_targets_within_the_lesson_count(course: TrainingData) -> None:
    lesson = ones(course, torch.tensor([30, 32]), 32, 35)
    counted = lesson.actual(HORIZON).counted * torch.isfinite(lesson.actual(HORIZON).ratio)
    expected = torch.tensor([[0.0, 1, 1, 1], [1, 1, 0, 0]])  # targets 31 … 34 and 33 … 36
    torch.testing.assert_close(
        counted[0], expected * course.inputs.known[0][torch.tensor([[31, 32, 33, 34], [33, 34, 35, 36]])]
    )


def test_a_fan_that_is_too_high_is_no_error_out_of_stock(course: TrainingData) -> None:
    always = replace(course.inputs, censored=torch.ones_like(course.inputs.demand))
    lesson = replace(ones(course, torch.tensor([20]), 0, 40), inputs=always, came=always)
    shape = (6, 1, HORIZON, len(TAUS))
    high, low = Fan(torch.full(shape, 1e3), torch.ones(shape)), Fan(torch.zeros(shape), torch.ones(shape))
    assert fan_loss(high, lesson) == 0
    assert fan_loss(low, lesson) > 0


def test_a_span_is_read_from_its_own_periods_alone() -> None:
    first = lambda hidden: hidden[..., :1]  # noqa: E731
    hidden = torch.tensor([1.0, 3.0, 5.0, 0.0])[None, None, :, None]
    fan = fan_of(first, first, hidden)  # type: ignore[arg-type]
    torch.testing.assert_close(fan.periods.log().flatten(), torch.tensor([1.0, 3, 5, 0]))
    torch.testing.assert_close(fan.spans.log().flatten(), torch.tensor([1.0, 2, 3, 2.25]))


# Student's t with four degrees of freedom; the numbers are scipy's


def test_the_closed_forms_are_those_of_students_t() -> None:
    t = torch.tensor([-80.0, -6, -1.5, -0.1, 0, 0.3, 2, 9])
    np.testing.assert_allclose(student_log_density(t), student.logpdf(t.numpy(), 4), rtol=1e-5)
    np.testing.assert_allclose(student_log_share(t), student.logcdf(t.numpy(), 4), rtol=1e-4, atol=1e-7)
    p = torch.tensor([0.001, 0.02, 0.25, 0.5, 0.6, 0.98, 0.999], dtype=torch.float64)
    np.testing.assert_allclose(student_quantile(p), student.ppf(p.numpy(), 4), rtol=1e-6, atol=1e-7)


def test_draws_fill_every_share_once_in_each_period() -> None:
    draws = stratified_draws(100, HORIZON, seed=3)
    expected = student.ppf((np.arange(100) + 0.5) / 100, 4)
    for h in range(HORIZON):
        np.testing.assert_allclose(np.sort(draws[:, h]), expected, rtol=1e-4, atol=1e-5)
    assert not torch.equal(draws[:, 0], draws[:, 1])
    assert torch.equal(draws, stratified_draws(100, HORIZON, seed=3))


# what comes of it


def test_the_fan_of_a_point_is_that_of_its_past_errors(course: TrainingData) -> None:
    network = PointNetwork(shape_of(course)).eval()
    lesson = course.validation_batch(slice(None), dates_after(course, 40), course.until, 40)
    network.learn_errors(network, lesson)
    with torch.no_grad():
        points = network(lesson.inputs, lesson.at)  # (N, K, H)
    actual = lesson.actual(HORIZON)
    bands = network.bands(points.mean(dim=-1), lesson.inputs.scale[:, lesson.at])
    tops = (1 + network.errors[0][bands]) * points[..., None]  # (N, K, H, Q)
    counted = (actual.counted * (1 - actual.censored)) > 0
    for tau, knot in ((0.5, TAUS.index(0.5)), (0.9, TAUS.index(0.9))):
        share = (actual.ratio <= tops[..., knot])[counted].float().mean()
        assert abs(share - tau) < 0.05, "on the periods that it was made from, the fan covers what it says"


def fitted(name: str, panel: Panel) -> SmallForecaster:
    cls = generation(name)
    assert issubclass(cls, SmallForecaster)
    found = cls(settings=replace(SMALL, batch_dates=cls.usual.batch_dates))
    found.fit(panel, panel.last, HORIZON)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_promotion_that_doubles_demand_is_learned(name: str) -> None:
    panel = make_panel(items=16, periods=60, seed=5)
    promo, usual = panel.known["promo"], panel.demand.mean(axis=1, keepdims=True)
    demand = np.random.default_rng(0).poisson(usual * (1 + promo)).astype(np.float32)
    panel = replace(panel, demand=demand, in_stock=np.ones_like(demand), known={"promo": promo}, past={})
    panel = replace(panel, groups=group_series(panel))
    found = fitted(name, panel)
    plan = plan_after(history_until(panel, 59), 59, HORIZON)
    without, promoted = (
        found.forecast(panel, [panel.last], replace(plan, known={"promo": np.full((16, HORIZON), share, np.float32)}))[0]
        for share in (0, 1)
    )
    lift = promoted.at(0.5) / without.at(0.5)
    assert 1.3 < np.median(lift[:, 0]) < 3.0
    assert without.elasticity is None


def test_sampled_spans_are_narrower_than_added_periods() -> None:
    panel = make_panel(items=8, periods=60)
    (forecast,) = fitted("recurrent_distribution", panel).forecast(panel, [panel.periods[50]])
    added = forecast.values.sum(axis=1)
    whole = forecast.cumulative[:, -1]
    high, low = TAUS.index(0.9), TAUS.index(0.1)
    assert (whole[:, high] < added[:, high]).all()
    assert (whole[:, low] > added[:, low]).all()
    np.testing.assert_allclose(forecast.cumulative[:, 0], forecast.values[:, 0], rtol=1e-5)


@pytest.mark.parametrize("cls", [RecurrentPoint, RecurrentDistribution])
def test_a_fit_is_told_as_it_goes(cls: type[SmallForecaster]) -> None:
    panel, told = make_panel(items=6, periods=40), []
    cls(settings=replace(SMALL, most_steps=20, look_every=10)).fit(panel, panel.last, HORIZON, told.append)
    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_inputs_of_a_course_end_where_its_targets_do() -> None:
    panel = make_panel(items=6, periods=40)
    other = replace(panel, demand=np.where(np.arange(40) >= 34, 7 * panel.demand + 3, panel.demand).astype(np.float32))
    one, two = (data_of(each, 34) for each in (panel, other))
    assert one.encoding == two.encoding
    first, second = drawn(one), drawn(two)
    torch.manual_seed(0)
    network = MQRNN(Shape.of(one.encoding, one.inputs, HORIZON, 8, 0.0))
    torch.testing.assert_close(network.loss(first), network.loss(second), rtol=1e-6, atol=0)


def test_a_catalog_of_bare_demand_is_enough() -> None:
    panel = make_panel(items=6, periods=40)
    bare = replace(panel, known={}, past={}, static={"category": np.array(["tea"] * 6, dtype=object)})
    bare = replace(bare, groups=group_series(bare))
    course = data_of(bare, 36)
    inputs = encode(course.encoding, bare)
    for cls in (FeedForward, MQRNN, MQCNN, PointNetwork, DistributionNetwork):
        network = cls(Shape.of(course.encoding, inputs, HORIZON, 8, 0.0))
        assert torch.isfinite(network.loss(drawn(course)))
