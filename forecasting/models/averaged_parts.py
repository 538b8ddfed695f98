"""The parts of a blend: fitted one after another, here or in a process beside this one, each with what its early self says.

A part that cannot be fitted does not end the others: it is left out, with the reason. Only a training that was asked to stop,
or a machine without room for it, ends them all.

Axis letters: N items, H horizons, D creation dates.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np

from data.errors import ResourceError, TidelineError
from data.schema import Panel
from forecasting.core import threads
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import held_back, plan_after
from forecasting.core.types import Progress, Report
from forecasting.models.registry import generation

#: The taus that parts are judged by.
JUDGED = (0.1, 0.5, 0.9)

#: At most so many creation dates of the block held back.
_DATES = 3

#: Seconds between two looks at the process beside.
_LOOK = 1.0

#: Makes a part by its name and seed.
Made = Callable[[str, int], Generation]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A part, and what its early self says from each creation date of the block held back: [D, N, H, 3] units."""

    component: Generation
    early: np.ndarray


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts that were fitted, and why the others were not, by their names."""

    fitted: dict[str, Fitted]
    left_out: dict[str, str]


def fit_parts(
    names: Sequence[str],
    make: Made,
    seed: int,
    history: Panel,
    horizon: int,
    report: Report | None = None,
) -> Parts:
    """Each of these fitted on everything, and left out where that cannot be done; raises TrainingStopped, ResourceError."""
    from forecasting.core.forecaster import TrainingStopped

    fitted, left_out = dict[str, Fitted](), dict[str, str]()
    for name in names:
        component = make(name, seed)  # what cannot even be made is our own fault, and is not left out
        try:
            fitted[name] = _fitted(component, partial(make, name, seed), history, horizon, report)
        except (TrainingStopped, ResourceError):
            raise
        except TidelineError as error:
            left_out[name] = str(error)
        except Exception as error:  # of a library, while the early self spoke
            left_out[name] = f"a library gave up ({type(error).__name__}: {error})."
    return Parts(fitted, left_out)


def validation_dates(history: Panel, horizon: int) -> list[int]:
    """Creation dates of the block held back, whose targets came at least for the better part; none where there is no block."""
    periods = len(history.periods)
    first, last = held_back(periods, horizon) - 1, periods - 1 - max(1, horizon // 2)
    return sorted({round(t) for t in np.linspace(first, max(first, last), _DATES)}) if first < periods - 1 else []


def _fitted(
    component: Generation, another: Callable[[], Generation], history: Panel, horizon: int, report: Report | None
) -> Fitted:
    """A part fitted on everything, and what its early self says, ``another`` one where it has none of its own."""
    component.fit(history, history.last, horizon, report)
    dates = validation_dates(history, horizon)
    if not dates:
        return Fitted(component, np.zeros((0, len(history), horizon, len(JUDGED))))
    early = component.validation_model()
    if early is None:
        early = another()
        early.fit(history, history.periods[dates[0]], horizon)
    said = [early.forecast(history, [history.periods[t]], plan_after(history, t, horizon))[0] for t in dates]
    return Fitted(component, np.stack([one.values_at(JUDGED) for one in said]))


class Beside(AbstractContextManager["Beside"]):
    """A process that fits these parts while the caller does something else; it ends with the block, done or not.

    What it is given and what it brings goes through files: a process that dies while it starts would leave a pipe half written
    for ever.
    """

    def __init__(self, names: Sequence[str], make: Made, seed: int, history: Panel, horizon: int) -> None:
        self._folder = TemporaryDirectory(prefix="tideline-blend-")
        (self._path / _GIVEN).write_bytes(pickle.dumps((tuple(names), make, seed, history, horizon)))
        context = multiprocessing.get_context("spawn")
        self._process: BaseProcess = context.Process(target=_beside, args=(self._path,), name="blend", daemon=True)

    @property
    def _path(self) -> Path:
        return Path(self._folder.name)

    def __enter__(self) -> Beside:
        self._process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()
        self._folder.cleanup()

    def parts(self, waiting: Callable[[], None]) -> Parts:
        """What it brought; ``waiting`` is called until it is there. Raises ResourceError where the process died."""
        while self._process.is_alive():
            waiting()
            self._process.join(_LOOK)
        if not (self._path / _BROUGHT).is_file():
            raise ResourceError(
                f"The process that fits the blend's other parts ended early (exit code {self._process.exitcode}). "
                "Free some memory and start again."
            )
        brought = json.loads((self._path / _BROUGHT).read_text())
        if "ended" in brought:
            raise ResourceError(brought["ended"])
        fitted = {}
        for name in brought["fitted"]:
            early = np.load(self._path / f"{name}.npy")
            fitted[name] = Fitted(generation(name).load(self._path / name), early)
        return Parts(fitted, brought["left_out"])


_GIVEN, _BROUGHT = "given.pickle", "brought.json"


def _beside(folder: Path) -> None:
    """In a process of its own: fits the parts that it is given, and saves each in ``folder`` with its early words."""
    threads.begin_training_process()
    names, make, seed, history, horizon = pickle.loads((folder / _GIVEN).read_bytes())
    caller = multiprocessing.parent_process()
    assert caller is not None  # this is a process of its own

    def watch(progress: Progress) -> None:
        if not caller.is_alive():  # nobody waits for the parts any more
            os._exit(1)

    try:
        parts = fit_parts(names, make, seed, history, horizon, watch)
    except ResourceError as error:
        (folder / _BROUGHT).write_text(json.dumps({"ended": str(error)}))
        return
    for name, one in parts.fitted.items():
        one.component.save(folder / name)
        np.save(folder / f"{name}.npy", one.early)
    (folder / _BROUGHT).write_text(json.dumps({"fitted": list(parts.fitted), "left_out": parts.left_out}))
