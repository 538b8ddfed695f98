"""The last answers to questions that are asked again, for all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Answer = TypeVar("_Answer")


class Kept(Generic[_Answer]):
    """At most ``most`` answers by what they answer, those asked for last; thread-safe."""

    def __init__(self, most: int) -> None:
        self._most, self._answers, self._lock = most, OrderedDict[Hashable, _Answer](), threading.Lock()

    def get(self, key: Hashable) -> _Answer | None:
        """The answer, None where there is none."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: Hashable, answer: _Answer) -> None:
        """Keeps it, and forgets the oldest beyond the most."""
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)

    def made(self, key: Hashable, work: Callable[[], _Answer]) -> _Answer:
        """The answer, worked out and kept where there is none; nobody else waits meanwhile."""
        found = self.get(key)
        if found is None:
            found = work()
            self.put(key, found)
        return found
