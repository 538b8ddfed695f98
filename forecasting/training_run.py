"""A training run in a process of its own, watched from the app: the pages stay quick while it works.

The process is the command line's ``train``; it tells its progress as lines of JSON, keeps what it has finished, and so can be
stopped at any time and started again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from dataclasses import replace
from pathlib import Path

from forecasting.types import Progress

_ROOT = Path(__file__).parent.parent
_STOPPED = "Training stopped. What was finished is kept; start it again to go on."


class Training:
    """One training run on the catalog in use; it is started, watched and stopped from a page."""

    def __init__(self) -> None:
        self.failed: str | None = None
        self._process: subprocess.Popen[str] | None = None
        self._watcher: threading.Thread | None = None
        self._progress = Progress(0, 1, "Not started")
        self._asked_to_stop = False

    @property
    def running(self) -> bool:
        """True from the start until the new model is in place."""
        return self._watcher is not None and self._watcher.is_alive()

    def start(self) -> None:
        """Starts, or goes on where a stopped run of the same catalog was; does nothing while one is running."""
        if self.running:
            return
        self.failed, self._asked_to_stop = None, False
        self._progress = Progress(0, 1, "Reading the catalog")
        command = [sys.executable, "-m", "forecasting", "train", "--progress", "json"]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._watcher = threading.Thread(target=self._watch, args=(self._process,), name="training", daemon=True)
        self._watcher.start()

    def resume(self) -> None:
        """The same as ``start``: a stopped run is taken up by itself."""
        self.start()

    def stop(self) -> None:
        """Ends the run; what it finished is kept."""
        self._asked_to_stop = True
        if self._process is not None:
            self._process.terminate()

    def progress(self) -> Progress:
        """Where the run stands."""
        return self._progress

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """Hears the run until it ends."""
        others: deque[str] = deque(maxlen=5)
        assert process.stderr is not None  # asked for in start
        for line in process.stderr:
            heard = _heard(line)
            if heard is None:
                others.append(line.rstrip())
            else:
                self._progress = heard
        if process.wait() == 0:
            return
        if self._asked_to_stop:
            self._progress = replace(self._progress, message=_STOPPED, seconds_left=None)
        else:
            self.failed = "Training failed. " + (others[-1] if others else "The process ended early; is there enough memory?")


def _heard(line: str) -> Progress | None:
    """The progress that a line tells, None where it tells something else."""
    if not line.startswith("{"):
        return None
    try:
        return Progress(**json.loads(line))
    except (ValueError, TypeError):
        return None
