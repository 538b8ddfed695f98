"""Work that takes longer than a planner waits: it goes on beside the pages, which start it, watch it and stop it.

A ``CommandJob`` is a command of the command line in a process of its own, which tells its progress as lines of JSON on stderr
and keeps what it has finished, so that it can be stopped at any time and started again. A ``FunctionJob`` is a function on a
thread of its own, for what takes seconds and answers in memory.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from data.errors import TidelineError
from forecasting.core.types import Progress, Report

#: How often a process is asked to end, and seconds between.
_WORDS, _PATIENCE = 3, 5.0

_ROOT = Path(__file__).resolve().parents[2]


class BackgroundJob:
    """One run at a time, however many sessions ask for it.

    ``name`` is its thread's, ``stopped`` the words for a run that was stopped, ``went_wrong`` those before a failure's reason.
    """

    def __init__(self, *, name: str, stopped: str, went_wrong: str) -> None:
        self.failed: str | None = None
        self._name, self._stopped, self._went_wrong = name, stopped, went_wrong
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._progress = Progress(0, 1, "Not started")
        self._stop_requested = False

    @property
    def running(self) -> bool:
        """True from the start until what the run makes is in place."""
        return self._thread is not None and self._thread.is_alive()

    def progress(self) -> Progress:
        """Where the run stands."""
        return self._progress

    def stop(self) -> None:
        """Ends the run."""
        self._stop_requested = True

    def _begin(self, first: str, run: Callable[[], str | None], *, once: bool = False) -> bool:
        """Runs ``run``, which answers why it failed, on a thread; does nothing, and says so, while one is running.

        Where it is to run ``once``, nothing is done after that, either.
        """

        def watched() -> None:
            reason = run()
            if self._stop_requested:
                self._progress = replace(self._progress, message=self._stopped, seconds_left=None)
            elif reason is not None:
                self.failed = f"{self._went_wrong} {reason}".strip()

        with self._lock:
            if self.running or (once and self._thread is not None):
                return False
            self.failed, self._stop_requested = None, False
            self._progress = Progress(0, 1, first)
            self._thread = threading.Thread(target=watched, name=self._name, daemon=True)
            self._thread.start()
            return True


class CommandJob(BackgroundJob):
    """Runs ``command`` in a process of its own."""

    def __init__(self, command: Sequence[str], *, name: str, stopped: str, went_wrong: str) -> None:
        super().__init__(name=name, stopped=stopped, went_wrong=went_wrong)
        self._command = tuple(command)
        self._process: subprocess.Popen[str] | None = None
        self._started_for: set[str] = set()

    def start(self, *arguments: str) -> None:
        """Starts the command with these ``arguments`` more, or goes on where a stopped run was."""
        self._begin("Reading the catalog", lambda: self._run(arguments))

    def start_once(self, key: str) -> None:
        """Starts, unless it was asked to for this ``key`` before."""
        if key not in self._started_for and not self.running:
            self._started_for.add(key)
            self.start()

    def stop(self) -> None:
        """Ends the run; what it finished is kept."""
        super().stop()
        process = self._process
        if process is not None:
            threading.Thread(target=_ended, args=(process,), name=f"{self._name} stops", daemon=True).start()

    def _run(self, arguments: Sequence[str]) -> str | None:
        """Hears the process until it ends; why it failed, None where it did not."""
        others: deque[str] = deque(maxlen=5)
        with subprocess.Popen(
            [*self._command, *arguments],
            cwd=_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as process:
            self._process = process
            if self._stop_requested:  # before there was anything to end
                self.stop()
            assert process.stderr is not None  # a pipe was asked for
            for line in process.stderr:
                progress = _parsed(line)
                if progress is None:
                    others.append(line.rstrip())
                else:
                    self._progress = progress
        if process.returncode == 0:
            return None
        return others[-1] if others else "The process ended early; is there enough memory?"


def _ended(process: subprocess.Popen[str]) -> None:
    """Asks a process to end until it does: a library may swallow the first word. Whatever does not listen is killed."""
    for _ in range(_WORDS):
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return
    process.kill()


class FunctionJob(BackgroundJob):
    """Runs a function that tells its progress; it is stopped when it tells it next."""

    def start(self, work: Callable[[Report], None], *, once: bool = False) -> None:
        """Starts ``work``; where it is to run ``once``, only if nothing was started before."""
        self._begin("Starting", lambda: self._run(work), once=once)

    def _run(self, work: Callable[[Report], None]) -> str | None:
        try:
            work(self._tell)
        except _StopAsked:
            return None
        except TidelineError as error:
            return str(error)
        except Exception as error:  # whatever it is, whoever watches is told
            return f"{type(error).__name__}: {error}"
        return None

    def _tell(self, progress: Progress) -> None:
        if self._stop_requested:
            raise _StopAsked
        self._progress = progress


class _StopAsked(BaseException):
    """Ends a function that was told to stop; none that it calls takes it for an error of its own."""


def _parsed(line: str) -> Progress | None:
    """The progress that a line tells, None where it tells something else."""
    if not line.startswith("{"):
        return None
    try:
        return Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
