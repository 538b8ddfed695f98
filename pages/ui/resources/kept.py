"""The last answers of work that somebody asked for, for all visitors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Kept(Generic[_Answer]):
    """At most ``most`` answers by what they answer; thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._answers, self._lock = most, OrderedDict[Hashable, _Answer](), threading.Lock()

    def get(self, key: Hashable) -> _Answer | None:
        """The answer, None where there is none."""
        with self._lock:
            return self._answers.get(key)

    def put(self, key: Hashable, answer: _Answer) -> None:
        """Keeps it, and forgets the oldest beyond the most."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
