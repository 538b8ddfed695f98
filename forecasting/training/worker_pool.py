"""The pool of workers: runs of a fit spread over processes, with progress, a stop, and results that are kept.

A run that has finished is kept on disk under the fit's key, so that a fit that was stopped goes on where it was and ends with
the same weights. Runs are seeded each by itself: how many processes there are changes nothing but the time. Small fits run in
the calling process, for a process costs seconds to start.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from data.errors import ResourceError, TidelineError
from forecasting.core import threads
from forecasting.core.atomic_write import UNREADABLE, written
from forecasting.core.forecaster import TrainingStopped
from forecasting.core.types import Progress, Report
from forecasting.models.mqtransformer.network import State
from forecasting.training.training_loop import Hyperparameters, Trial

#: Item-periods below which a fit stays in the calling process.
_SMALL = 15_000

_Kept = dict[str, np.ndarray]


@dataclass(frozen=True)
class Job:
    """One run: its name among the fit's runs, its recipe, where targets end, seed, steps, and its words."""

    name: str
    recipe: Hyperparameters
    until: int
    seed: int
    steps: int
    message: str


class Runs(Protocol):
    """What a kind of network does for a job; it can be pickled."""

    def trial(self, job: Job, tell: Callable[[float], None]) -> Trial:
        """A run that is watched on what comes after the job's targets."""

    def state(self, job: Job, tell: Callable[[float], None]) -> State:
        """The weights after the job's steps; ``tell`` hears the share that is done."""


@dataclass
class WorkerPool:
    """Runs jobs and keeps what they bring in ``directory`` (None: nowhere) under the fit's ``key``.

    ``stop`` is asked often; when it says True, TrainingStopped is raised. More than one of ``workers`` are processes of their
    own, which import the program's main module: it must be one that can be imported.
    """

    directory: Path | None
    key: str
    report: Report
    stop: Callable[[], bool]
    workers: int = 1
    _runs: Runs | None = None
    _pool: _Pool | None = None
    _shares: dict[str, float] = field(default_factory=dict)
    _jobs: int = 1
    _taken_up: float = 0.0
    _started: float = 0.0

    @contextmanager
    def working_on(self, runs: Runs, jobs: int, *, cells: int = 0) -> Iterator[None]:
        """While inside, ``trials`` and ``states`` are ``runs``, on ``cells`` item-periods; there will be ``jobs`` in all."""
        self._runs = runs
        self._jobs, self._started, self._shares, self._taken_up = jobs, time.monotonic(), {}, 0.0
        try:
            if self.workers > 1 and cells >= _SMALL:
                self._pool = _Pool(self.workers, runs)
            yield
        finally:
            if self._pool is not None:
                self._pool.close()
            self._runs = self._pool = None

    def trials(self, jobs: Sequence[Job]) -> list[Trial]:
        """The watched run of each job."""
        return [Trial(found.pop(_CURVE), _tensors(found)) for found in self._results(jobs, "trial")]

    def states(self, jobs: Sequence[Job]) -> list[State]:
        """The trained weights of each job."""
        return [_tensors(found) for found in self._results(jobs, "state")]

    def clear(self) -> None:
        """Forgets what was kept: the fit is whole."""
        if self.directory is not None:
            for path in self.directory.glob(f"*{self.key}-*"):
                path.unlink()

    def _results(self, jobs: Sequence[Job], kind: str) -> list[_Kept]:
        assert self._runs is not None  # only within working_on
        found = {job.name: kept for job in jobs if (kept := self._kept(job)) is not None}
        for name in found:
            self._shares[name] = 1.0
            self._taken_up += 1
        waiting = [job for job in jobs if job.name not in found]
        if self._pool is not None:
            for job, result in self._pool.results(kind, waiting, self._tell):
                found[job.name] = self._keep(job, result)
        else:
            for job in waiting:
                result = _run(self._runs, kind, job, lambda share, job=job: self._tell(job, share))  # type: ignore[misc]
                found[job.name] = self._keep(job, result)
        return [found[job.name] for job in jobs]

    def _tell(self, job: Job, share: float) -> None:
        if self.stop():
            raise TrainingStopped("Training stopped. What was finished is kept; start it again to go on.")
        self._shares[job.name] = share
        done = sum(self._shares.values())
        ran = done - self._taken_up
        left = (time.monotonic() - self._started) / ran * (self._jobs - done) if ran > 0.1 else None
        self.report(Progress(round(100 * done), 100 * self._jobs, job.message, left))

    def _path(self, job: Job) -> Path | None:
        return None if self.directory is None else self.directory / f"{self.key}-{job.name}.safetensors"

    def _kept(self, job: Job) -> _Kept | None:
        """What the job brought before; a file that cannot be read is removed, and its run is made again."""
        path = self._path(job)
        if path is None or not path.is_file():
            return None
        try:
            return load_file(path)
        except UNREADABLE:
            path.unlink(missing_ok=True)
            return None

    def _keep(self, job: Job, result: _Kept) -> _Kept:
        path = self._path(job)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            written(path, lambda fresh: save_file(result, fresh))
        self._tell(job, 1.0)
        return result


#: The validation's losses among the arrays that a trial brings, beside its weights.
_CURVE = "validation curve"


def _run(runs: Runs, kind: str, job: Job, tell: Callable[[float], None]) -> _Kept:
    """What a job brings, as arrays."""
    if kind == "state":
        return _arrays(runs.state(job, tell))
    found = runs.trial(job, tell)
    return {_CURVE: found.curve, **_arrays(found.state)}


def _arrays(state: State) -> _Kept:
    return {name: value.numpy() for name, value in state.items()}


def _tensors(kept: _Kept) -> State:
    return {name: torch.from_numpy(value) for name, value in kept.items()}


class _Pool:
    """Processes that each hold the fit's data and run one job at a time on one thread."""

    def __init__(self, workers: int, runs: Runs) -> None:
        context = multiprocessing.get_context("spawn")
        self._told, self._stopped = context.Queue(), context.Event()
        # The data goes through a file: a process that dies while it starts would leave a pipe half written for ever.
        self._folder = TemporaryDirectory(prefix="tideline-training-")
        shared = Path(self._folder.name) / "runs.pickle"
        shared.write_bytes(pickle.dumps(runs))
        self._executor = ProcessPoolExecutor(workers, context, _enter, (shared, self._told, self._stopped))

    def results(self, kind: str, jobs: Sequence[Job], tell: Callable[[Job, float], None]) -> Iterator[tuple[Job, _Kept]]:
        """Each job with what it brought, as they finish; what ``tell`` raises ends the work."""
        named = {job.name: job for job in jobs}
        running: dict[Future[_Kept], Job] = {self._executor.submit(_in_process, kind, job): job for job in jobs}
        while running:
            finished, _ = wait(running, timeout=0.3, return_when=FIRST_COMPLETED)
            for name, share in self._heard():
                if name in named:
                    tell(named[name], share)
            for future in finished:
                job = running.pop(future)
                try:
                    yield job, future.result()
                except TidelineError:
                    raise
                except Exception as error:
                    raise ResourceError(
                        f"A training process ended early ({error}). Free some memory and start again."
                    ) from error

    def close(self) -> None:
        """Ends the processes; a run under way is left."""
        self._stopped.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._told.close()
        self._folder.cleanup()

    def _heard(self) -> Iterator[tuple[str, float]]:
        try:
            while True:
                yield self._told.get_nowait()
        except Empty:
            return


_process: dict[str, Any] = {}


def _enter(shared: Path, told: Any, stopped: Any) -> None:
    """The first thing that a process of the pool does."""
    threads.begin_training_process()
    _process.update(runs=pickle.loads(shared.read_bytes()), told=told, stopped=stopped)


def _in_process(kind: str, job: Job) -> _Kept:
    last = time.monotonic()
    caller = multiprocessing.parent_process()
    assert caller is not None  # this runs in a process of the pool

    def tell(share: float) -> None:
        nonlocal last
        if _process["stopped"].is_set():
            raise TrainingStopped("Training stopped.")
        if time.monotonic() - last > 0.3:
            last = time.monotonic()
            _process["told"].put((job.name, share))
            if not caller.is_alive():  # nobody waits for the result any more
                os._exit(1)

    return _run(_process["runs"], kind, job, tell)
