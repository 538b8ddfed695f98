"""The gauntlet finds what is planted: each law and each way to fall over, on one small catalog."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gauntlet.desk import at_the_desk
from gauntlet.drawing import Case, Draw, case
from gauntlet.families import CATALOGS, Catalog
from gauntlet.laws import Failure, unhelpful
from gauntlet.running import Extent, gauntlet

from data.errors import ModelError, TidelineError, TooLittleHistory
from data.schema import Panel, Plan
from forecasting.core.forecaster import Generation
from forecasting.core.types import QuantileForecast, Report
from forecasting.models.baselines import EmpiricalQuantiles

NAME = "empirical_last26"
STEADY = next(one for one in CATALOGS if str(one) == "ordinary 0")
SILENT = next(one for one in CATALOGS if str(one) == "zero beside others 0")


def found(model: type[Generation], catalog: Catalog = STEADY) -> list[Failure]:
    """What the gauntlet says of this generation alone."""
    return gauntlet(catalog, Extent((NAME,), lambda name: model(), ladder=False, desk=False))


class Hundredfold(EmpiricalQuantiles):
    """Goes around the bounds that the house puts around every forecast."""

    def forecast(self, panel, creation_dates, plan=None):  # type: ignore[no-untyped-def]
        said = super().forecast(panel, creation_dates, plan)
        return tuple(replace(one, values=100 * one.values, cumulative=100 * one.cumulative) for one in said)


class Sixfold(EmpiricalQuantiles):
    """Says six times what it should."""

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        said = super()._forecast(history, plan)
        return replace(said, values=6 * said.values, cumulative=6 * said.cumulative)


class Inventing(EmpiricalQuantiles):
    """Expects everything to sell."""

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        said = super()._forecast(history, plan)
        return replace(said, values=said.values + 50, cumulative=said.cumulative + 50 * len(plan))


class Peeking(EmpiricalQuantiles):
    """Scaled by what sold in the last period of the panel, whatever the creation date."""

    def forecast(self, panel, creation_dates, plan=None):  # type: ignore[no-untyped-def]
        hint = 1 + 1e-6 * float(np.nan_to_num(panel.demand[:, -1]).sum())
        said = super().forecast(panel, creation_dates, plan)
        return tuple(replace(one, values=one.values * hint) for one in said)


class Learned(EmpiricalQuantiles):
    """Scaled by the mean of all periods, those after the end of its fit too."""

    def fit(self, panel, until, horizon, report=None):  # type: ignore[no-untyped-def]
        super().fit(panel, until, horizon, report)
        self._mean = 1 + 1e-6 * float(np.nanmean(panel.demand))

    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        said = super()._forecast(history, plan)
        return replace(said, values=said.values * self._mean)


class Breaking(EmpiricalQuantiles):
    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        raise NotImplementedError("tiny datasets")


class BreakingLater(EmpiricalQuantiles):
    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        raise IndexError("too many indices")


class Short(EmpiricalQuantiles):
    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        return super()._forecast(history, plan).first(2)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Hundredfold, "lie above"),
        (Sixfold, "leaves 0.2–5 of the reference"),
        (Peeking, "what comes after the creation date changed"),
        (Learned, "what comes after the fit changed"),
        (Breaking, "hides NotImplementedError"),
        (BreakingLater, "IndexError: too many indices"),
        (Short, "have shape"),
    ],
)
def test_what_is_planted_is_found(model: type[Generation], words: str) -> None:
    assert any(words in failure.words for failure in found(model)), found(model)


def test_a_sale_out_of_nothing_is_found() -> None:
    assert any("never sold" in failure.words for failure in found(Inventing, SILENT))


def test_an_honest_generation_passes() -> None:
    assert not found(EmpiricalQuantiles)
    assert not found(EmpiricalQuantiles, SILENT)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (TooLittleHistory("Needs 12 periods and has 3."), ""),
        (ModelError("Train it again."), ""),
        (ModelError("It did not work."), "does not help"),
    ],
)
def test_an_error_must_help(error: TidelineError, word: str) -> None:
    assert (word in unhelpful(error)) if word else not unhelpful(error)


def test_a_step_of_the_desk_that_falls_over_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gauntlet.desk.workflows.train", lambda *given: {}["no"])
    failures = gauntlet(STEADY, Extent((), lambda name: EmpiricalQuantiles(), ladder=False))
    assert failures[0].where == "desk, training"
    assert failures[0].words.startswith("KeyError")


def test_the_desk_leaves_the_planners_own_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDELINE_HOME", "elsewhere")
    steps = at_the_desk(plain(), tmp_path / "home", replay=False)
    next(steps)
    steps.close()
    assert os.environ["TIDELINE_HOME"] == "elsewhere"


def plain() -> Case:
    return case(Draw(0, np.random.default_rng(0), "W-SUN"), np.ones((2, 12)))
