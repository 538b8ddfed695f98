"""Every generation of the registry against the contract, and leaks planted on purpose, which it must catch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from contract import (
    HORIZON,
    LAWS,
    Fitted,
    fitted,
    learns_nothing_after_the_end_of_its_fit,
    only,
    sees_nothing_after_the_creation_date,
)
from factories import make_panel
from quick_generations import QUICK

from data.errors import ConfigurationError
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast, Report
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive
from forecasting.models.model_averaging import COMPONENTS, Blend, _made
from forecasting.models.registry import GENERATIONS, generation


def test_every_generation_of_the_registry_is_held_to_the_contract() -> None:
    assert set(QUICK) == set(GENERATIONS)


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_a_generation_is_called_what_it_calls_itself(name: str) -> None:
    assert generation(name).name == name


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigurationError, match="mqcnn"):
        generation("prophecy")


#: The blend fits four others each time.
_SLOW = {"blend": pytest.mark.slow}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=_SLOW.get(name, ())) for name in QUICK])
def subject(request: pytest.FixtureRequest) -> Fitted:
    panel = make_panel(items=9, periods=64)
    return Fitted(QUICK[request.param], panel, panel.periods[-HORIZON - 6])


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_generation(law: Callable[[Fitted], None], subject: Fitted) -> None:
    law(subject)


class PeekingAtDemand(EmpiricalQuantiles):
    """A planted leak: its forecast reads what sold in the target periods."""

    name: ClassVar[str] = "peeking at demand"

    def forecast(
        self, panel: Panel, creation_dates: Sequence[pd.Timestamp], plan: Plan | None = None
    ) -> tuple[QuantileForecast, ...]:
        peeked = super().forecast(panel, creation_dates, plan)
        hint = np.nan_to_num(panel.demand[:, -1])[:, None, None]
        return tuple(replace(answer, values=answer.values + 0.01 * hint) for answer in peeked)


class PeekingAtStock(EmpiricalQuantiles):
    """A planted leak: its forecast knows whether the next periods will be out of stock."""

    name: ClassVar[str] = "peeking at stock"

    def forecast(
        self, panel: Panel, creation_dates: Sequence[pd.Timestamp], plan: Plan | None = None
    ) -> tuple[QuantileForecast, ...]:
        ahead = [panel.in_stock[:, panel.periods.get_loc(date) + 1].mean() for date in creation_dates]
        peeked = super().forecast(panel, creation_dates, plan)
        return tuple(replace(a, values=a.values * share) for a, share in zip(peeked, ahead, strict=True))


class PeekingAtGroups(EmpiricalQuantiles):
    """A planted leak: its forecast is scaled by how its category will sell."""

    name: ClassVar[str] = "peeking at groups"

    def forecast(
        self, panel: Panel, creation_dates: Sequence[pd.Timestamp], plan: Plan | None = None
    ) -> tuple[QuantileForecast, ...]:
        all_items = panel.groups[0].demand[0]
        peeked = super().forecast(panel, creation_dates, plan)
        return tuple(replace(answer, values=answer.values * all_items[-1] / all_items[0]) for answer in peeked)


class PeekingAtViews(EmpiricalQuantiles):
    """A planted leak: a covariate that is known only afterwards is read ahead."""

    name: ClassVar[str] = "peeking at views"

    def forecast(
        self, panel: Panel, creation_dates: Sequence[pd.Timestamp], plan: Plan | None = None
    ) -> tuple[QuantileForecast, ...]:
        hint = panel.past["views"].mean(axis=1)[:, None, None]
        return tuple(replace(a, values=a.values + hint) for a in super().forecast(panel, creation_dates, plan))


class PeekingInItsFit(EmpiricalQuantiles):
    """A planted leak: it is scaled by the mean of all periods, those after the end of the fit too."""

    name: ClassVar[str] = "peeking in its fit"

    def fit(self, panel: Panel, until: pd.Timestamp, horizon: int, report: Report | None = None) -> None:
        super().fit(panel, until, horizon, report)
        self._factor = float(np.nanmean(panel.demand))

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        honest = super()._forecast(history, plan)
        return replace(honest, values=honest.values * self._factor)


@pytest.mark.parametrize("leaking", [PeekingAtDemand, PeekingAtStock, PeekingAtGroups, PeekingAtViews])
def test_a_planted_leak_into_the_forecast_is_caught(leaking: type[Generation]) -> None:
    panel = make_panel(items=5, periods=64)
    with pytest.raises(AssertionError):
        sees_nothing_after_the_creation_date(Fitted(leaking, panel, panel.periods[-HORIZON - 6]))


def test_a_planted_leak_into_the_fit_is_caught() -> None:
    panel = make_panel(items=5, periods=64)
    with pytest.raises(AssertionError):
        learns_nothing_after_the_end_of_its_fit(Fitted(PeekingInItsFit, panel, panel.periods[-HORIZON - 6]))


@pytest.mark.parametrize("alias", ["D", "MS"])
@pytest.mark.parametrize("name", ["seasonal_naive", "empirical_last26", "lightgbm", "patchwork", "forest"])
def test_days_and_months_are_forecast_too(name: str, alias: str) -> None:
    panel = make_panel(items=4, periods=40, alias=alias)
    until = panel.periods[-HORIZON - 1]
    assert only(fitted(QUICK[name](), panel, until), panel, until).values.shape[:2] == (4, HORIZON)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("name", COMPONENTS)
def test_every_part_of_the_blend_is_made_as_the_blend_makes_it(name: str, small: bool) -> None:
    assert _made(name, seed=1, workers=1, small=small).name == name


def test_the_blend_trusts_the_component_that_met_the_held_back_periods() -> None:
    class Right(SeasonalNaive):
        """Says what comes, within a little."""

        def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
            units = np.linspace(9.9, 10.1, 13) * np.ones((len(history), len(plan), 1))
            like = super()._forecast(history, plan)
            return replace(like, taus=np.array(TAUS), values=units, cumulative=units.cumsum(axis=1))

    panel = make_panel(items=40, periods=60)
    panel = replace(panel, demand=np.full_like(panel.demand, 10.0), in_stock=np.ones_like(panel.in_stock))
    noise = np.random.default_rng(0).poisson(30, panel.demand.shape).astype(np.float32)
    noise[:, -2 * HORIZON :] = 10.0  # the block held back
    blend = Blend(make=lambda name, seed: Right() if name == "mqtransformer" else EmpiricalQuantiles())
    blend.fit(replace(panel, demand=noise), panel.last, HORIZON)
    assert all(weight == 0.625 for weight in blend.weights["mqtransformer"])  # halfway from a quarter to all
    assert all(weight == 0.125 for weight in blend.weights["lightgbm"])
    assert all(weight == 0 for weight in blend.weights["empirical_last26"])  # it lost too much to be one of the equals
    alike = Blend(make=lambda name, seed: EmpiricalQuantiles())
    alike.fit(replace(panel, demand=noise), panel.last, HORIZON)
    assert min(share for shares in alike.weights.values() for share in shares) > 0.09  # halfway from nothing to a fifth
