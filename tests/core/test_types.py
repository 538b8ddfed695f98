"""A forecast checks itself once, when it is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.errors import ModelError
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress, QuantileForecast


def fans(values: np.ndarray, taus: tuple[float, ...] = TAUS) -> QuantileForecast:
    items, horizon, _ = values.shape
    return QuantileForecast(
        item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
        creation_date=pd.Timestamp("2024-01-07"),
        periods=pd.date_range("2024-01-14", periods=horizon, freq="W-SUN"),
        taus=np.array(taus),
        values=values.copy(),
        cumulative=values.cumsum(axis=1),
        model="test",
        version="1",
        elasticity=np.arange(items, dtype=float),
    )


@pytest.fixture
def forecast() -> QuantileForecast:
    steps = np.random.default_rng(0).random((3, 4, 13))
    return fans(steps.cumsum(axis=-1))


def test_every_answer_is_per_item_and_horizon(forecast: QuantileForecast) -> None:
    for answer in (
        forecast.at(0.5),
        forecast.span_at(0.9),
        forecast.level_of(3.0),
        forecast.mean(),
        forecast.span_mean(),
    ):
        assert answer.shape == (3, 4)


def test_at_and_level_of_agree(forecast: QuantileForecast) -> None:
    assert forecast.level_of(forecast.at(0.83)) == pytest.approx(np.full((3, 4), 0.83), abs=1e-6)
    assert forecast.span_level_of(forecast.span_at(0.995)) == pytest.approx(np.full((3, 4), 0.995), abs=1e-6)


def test_the_first_span_is_the_first_period(forecast: QuantileForecast) -> None:
    assert forecast.span_at(0.7)[:, 0] == pytest.approx(forecast.at(0.7)[:, 0])


def test_the_mean_of_a_uniform_fan_is_its_middle() -> None:
    taus = tuple(np.round(np.arange(0.01, 1, 0.01), 2))
    uniform = fans(np.array(taus)[None, None] * 100, taus)  # demand anywhere from 0 to 100
    assert uniform.mean() == pytest.approx(np.array([[50.0]]), rel=1e-3)


def test_rows_are_taken_in_the_order_asked_for(forecast: QuantileForecast) -> None:
    taken = forecast.take([2, 0])
    assert taken.item_ids.tolist() == ["item 2", "item 0"]
    assert taken.values.tolist() == forecast.values[[2, 0]].tolist()
    assert taken.elasticity is not None
    assert taken.elasticity.tolist() == [2.0, 0.0]


def test_its_numbers_cannot_be_changed(forecast: QuantileForecast) -> None:
    with pytest.raises(ValueError, match="read-only"):
        forecast.values[0, 0, 0] = 1.0


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda v: np.where(np.arange(13) == 3, -1.0, v), "negative"),
        (lambda v: np.where(np.arange(13) == 3, np.nan, v), "not finite"),
        (lambda v: np.where(np.arange(13) == 3, np.inf, v), "not finite"),
        (lambda v: v[..., ::-1], "cross"),
        (lambda v: v[:, :2], "shape"),
    ],
)
def test_numbers_that_cannot_be_right_are_refused(forecast: QuantileForecast, break_it, words: str) -> None:
    for name in ("values", "cumulative"):
        with pytest.raises(ModelError, match=f"{name} .*{words}"):
            replace(forecast, **{name: break_it(getattr(forecast, name))})


def test_taus_must_rise(forecast: QuantileForecast) -> None:
    with pytest.raises(ModelError, match="taus"):
        replace(forecast, taus=forecast.taus[::-1].copy())


def test_progress_is_a_share() -> None:
    assert Progress(3, 12, "reading").share == 0.25
    assert Progress(0, 0, "nothing to do").share == 0.0
    assert Progress(13, 12, "one over").share == 1.0
