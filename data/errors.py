"""Every error Tideline raises on purpose.

    TidelineError
    ├── DataError            what was given to us breaks the data contract
    │   ├── UploadError      a file a planner brought; carries its row-level problems
    │   └── UnknownItem      an item id that the catalog does not hold
    ├── ConfigurationError   a setting, a flag or a path that cannot be right
    ├── ModelError           a forecaster cannot do what was asked of it
    │   ├── NotTrained       no weights are there yet
    │   └── TooLittleHistory the data is too short for this forecaster
    └── ResourceError        a file, a lock or memory that is not to be had

A message says what, where, what was got, what was expected and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TidelineError(Exception):
    """The root: catch this to catch all that Tideline raises on purpose."""


class DataError(TidelineError):
    """What was given breaks the data contract."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file, in words a planner can act on.

    ``rows`` are the first few row numbers as a spreadsheet shows them (the header is row 1); ``count`` is how many rows
    have the problem in all.
    """

    message: str
    count: int = 0
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.rows:
            return self.message
        shown = ", ".join(str(row) for row in self.rows)
        more = f" and {self.count - len(self.rows):,} more" if self.count > len(self.rows) else ""
        return f"{self.message} (row {shown}{more})" if self.count == 1 else f"{self.message} (rows {shown}{more})"


class UploadError(DataError):
    """A file cannot be loaded; ``problems`` says why, row by row."""

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"• {problem}" for problem in self.problems)]))


class UnknownItem(DataError):
    """The catalog does not hold this item."""


class ConfigurationError(TidelineError):
    """A setting, a flag or a path that cannot be right."""


class ModelError(TidelineError):
    """A forecaster cannot do what was asked of it."""


class NotTrained(ModelError):
    """No trained weights are there yet."""


class TooLittleHistory(ModelError):
    """The data is too short for this forecaster."""


class ResourceError(TidelineError):
    """A file, a lock or memory that is not to be had."""
