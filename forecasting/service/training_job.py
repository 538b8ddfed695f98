"""Training on the catalog in use by the command line's ``train``, in a process of its own."""

from __future__ import annotations

import sys

from forecasting.service.background_jobs import WatchedRun


class Training(WatchedRun):
    """One training run on the catalog in use; it is started, watched and stopped from a page."""

    def __init__(self) -> None:
        super().__init__(
            (sys.executable, "-m", "forecasting", "train", "--progress", "json"),
            name="training",
            stopped="Training stopped. What was finished is kept; start it again to go on.",
            went_wrong="Training failed.",
        )

    def start(self) -> None:
        """Starts, or goes on where a stopped run of the same catalog was; does nothing while one is running."""
        self._start()

    def resume(self) -> None:
        """The same as ``start``: a stopped run is taken up by itself."""
        self.start()
