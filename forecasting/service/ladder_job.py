"""Climbing the ladder in a process of its own, watched from the app."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from forecasting.service.background_jobs import WatchedRun


class LadderRun(WatchedRun):
    """One climb of the ladder on the catalog in use; it is started, watched and stopped from a page.

    ``command`` is what the process runs: the command line's ``ladder`` where none is given.
    """

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "forecasting", "ladder", "--progress", "json")) -> None:
        super().__init__(
            command,
            name="ladder",
            stopped="Stopped. The generations that were finished are kept; start it again to go on.",
            went_wrong="The run failed.",
        )

    def start(self, *, afresh: bool = False) -> None:
        """Starts, or goes on where a stopped run was unless ``afresh``; does nothing while one is running."""
        self._start(*(["--afresh"] if afresh else []))
