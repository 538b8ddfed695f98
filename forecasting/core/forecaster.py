"""What every generation of forecaster is to the rest of the program."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import ModelError, NotTrained, ResourceError, TidelineError
from data.schema import Panel, Plan
from forecasting.core import threads
from forecasting.core.bounds import bounded, most_units, plausible_plan
from forecasting.core.life_cycle import living
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until, plan_after, position
from forecasting.core.types import QuantileForecast, Report


class Generation(ABC):
    """One generation: fitted on what is known until a date, it forecasts from any later creation date.

    ``name`` is what the command line calls it, ``title`` and ``note`` what a planner reads.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    note: ClassVar[str] = ""

    def fit(self, panel: Panel, until: pd.Timestamp, horizon: int, report: Report | None = None) -> None:
        """Learns from periods up to and with ``until``; what comes later is cut away before the forecaster sees it.

        Its libraries have one thread meanwhile. What they raise becomes a ModelError, and a lack of memory a ResourceError.
        """
        history = history_until(panel, position(panel, until))
        tried = f"{self.title} could not be fitted on {len(history):,} items until {history.last:%Y-%m-%d}"
        try:
            with threads.one_thread():
                self._fit(history, horizon, report or (lambda progress: None))
        except TidelineError:
            raise
        except MemoryError as error:
            raise ResourceError(f"{tried}: there was not enough memory. Free some, or choose fewer items.") from error
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            raise ModelError(
                f"{tried}: a library gave up ({words}). Choose another forecaster or load more history."
            ) from error

    def forecast(
        self, panel: Panel, creation_dates: Sequence[pd.Timestamp], plan: Plan | None = None
    ) -> tuple[QuantileForecast, ...]:
        """One forecast for each creation date, each from the panel cut there.

        Known-future covariates come from ``plan`` (which must start right after the one creation date given with it) or,
        without one, from the panel's own later periods. What cannot be meant in a plan is taken as usual, and no quantile
        lies beyond the bounds of ``forecasting.core.bounds``. What is no longer sold sells nothing, see ``data.life_cycle``.
        """
        answers = []
        for creation_date in creation_dates:
            t = position(panel, creation_date)
            ahead = plan if plan is not None else plan_after(panel, t, self.horizon)
            history = history_until(panel, t)
            said = bounded(self._forecast(history, plausible_plan(history, ahead)), most_units(history))
            answers.append(living(said, history))
        return tuple(answers)

    @property
    def left_out(self) -> Mapping[str, str]:
        """The parts of it that could not be fitted, by name, and why; most generations have no parts."""
        return {}

    @property
    @abstractmethod
    def horizon(self) -> int:
        """H, the periods ahead that it was fitted for."""

    @abstractmethod
    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        """Learns from the whole of ``history``."""

    @abstractmethod
    def _forecast(self, history: Panel, plan: Plan) -> QuantileForecast:
        """Forecast [N, H, Q] from the end of ``history``."""

    def _as_forecast(
        self,
        history: Panel,
        plan: Plan,
        values: np.ndarray,
        cumulative: np.ndarray,
        version: str,
        *,
        taus: Sequence[float] | np.ndarray = TAUS,
        elasticity: np.ndarray | None = None,
    ) -> QuantileForecast:
        """Quantiles [N, H, Q] of periods and of spans, as what this generation forecasts from the end of ``history``."""
        return QuantileForecast(
            item_ids=history.item_ids,
            creation_date=history.last,
            periods=plan.periods,
            taus=np.array(taus),
            values=values,
            cumulative=cumulative,
            model=self.name,
            version=version,
            catalog_hash=history.catalog_hash,
            elasticity=elasticity,
        )

    @classmethod
    def _stored(cls, directory: Path) -> Any:
        """The JSON that ``save`` wrote under the generation's name; raises NotTrained where there is none."""
        path = directory / f"{cls.name}.json"
        if not path.is_file():
            raise NotTrained(f"There is no saved {cls.name} at {path}. Fit it and save it first.")
        return json.loads(path.read_text())

    def validation_model(self) -> Generation | None:
        """The same generation as it was before the periods that validated its fit, see ``windows.held_back``.

        What it says of those periods is honest: it never learned from them. None where it kept nothing of that time.
        """
        return None

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Writes what it learned."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Generation:
        """Reads what ``save`` wrote; raises NotTrained where there is nothing."""


class TrainingStopped(TidelineError):
    """The training was asked to stop; what it finished is kept and the next start goes on from there."""
