"""A command of the command line in a process of its own, watched from the app: the pages stay quick while it works.

The process tells its progress as lines of JSON on stderr, keeps what it has finished, and so can be stopped at any time and
started again.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from forecasting.core.types import Progress

_ROOT = Path(__file__).resolve().parents[2]


class WatchedRun:
    """One run of ``command`` at a time; it is started, watched and stopped from a page.

    ``name`` is its thread's, ``stopped`` the words for a run that was stopped, ``went_wrong`` those before a failure's reason.
    """

    def __init__(self, command: Sequence[str], *, name: str, stopped: str, went_wrong: str) -> None:
        self.failed: str | None = None
        self._command, self._name = tuple(command), name
        self._stopped, self._went_wrong = stopped, went_wrong
        self._process: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None
        self._progress = Progress(0, 1, "Not started")
        self._asked_to_stop = False

    @property
    def running(self) -> bool:
        """True from the start until what the run makes is in place."""
        return self._watcher is not None and self._watcher.is_alive()

    def stop(self) -> None:
        """Ends the run; what it finished is kept."""
        self._asked_to_stop = True
        if self._process is not None:
            self._process.terminate()

    def progress(self) -> Progress:
        """Where the run stands."""
        return self._progress

    def _start(self, *arguments: str) -> None:
        """Starts the command with these ``arguments`` more; does nothing while one is running."""
        if self.running:
            return
        self.failed, self._asked_to_stop = None, False
        self._progress = Progress(0, 1, "Reading the catalog")
        self._process = subprocess.Popen(
            [*self._command, *arguments],
            cwd=_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), name=self._name, daemon=True)
        self._watcher.start()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """Hears the run until it ends."""
        others: deque[str] = deque(maxlen=5)
        assert process.stderr is not None  # asked for in _start
        with process.stderr:
            for line in process.stderr:
                heard = _heard(line)
                if heard is None:
                    others.append(line.rstrip())
                else:
                    self._progress = heard
        if process.wait() == 0:
            return
        if self._asked_to_stop:
            self._progress = replace(self._progress, message=self._stopped, seconds_left=None)
        else:
            reason = others[-1] if others else "The process ended early; is there enough memory?"
            self.failed = f"{self._went_wrong} {reason}"


def _heard(line: str) -> Progress | None:
    """The progress that a line tells, None where it tells something else."""
    if not line.startswith("{"):
        return None
    try:
        return Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
