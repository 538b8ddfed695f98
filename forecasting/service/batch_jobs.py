"""What is worked out of all items by the command line, each in a process of its own that the app watches."""

from __future__ import annotations

import sys

from forecasting.service.background_jobs import WatchedRun


class BatchRun(WatchedRun):
    """Forecasts every item of the catalog in use into files; it is started, watched and stopped from a page."""

    def __init__(self) -> None:
        super().__init__(
            (sys.executable, "-m", "forecasting", "forecast", "--all", "--progress", "json"),
            name="batch",
            stopped="Stopped. The parts that were written are kept; start it again to go on.",
            went_wrong="The run failed.",
        )

    def start(self) -> None:
        """Starts, or goes on where a stopped run of the same catalog and model was; does nothing while one is running."""
        self._start()


class LookBackRun(WatchedRun):
    """Works out what the forecasts of all items did lately, once for a catalog and a model."""

    def __init__(self) -> None:
        super().__init__(
            (sys.executable, "-m", "forecasting", "look-back", "--progress", "json"),
            name="look back",
            stopped="Stopped.",
            went_wrong="The look back failed.",
        )
        self._asked: set[str] = set()

    def start(self, key: str) -> None:
        """Starts for the catalog and model called ``key``; nothing where that was asked before, or while one is running."""
        if key not in self._asked and not self.running:
            self._asked.add(key)
            self._start()
