"""How answers are kept for all visitors: by the version of catalog and model, or because somebody asked for them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

import streamlit as st

_Answer = TypeVar("_Answer")
_Asked = ParamSpec("_Asked")


def by(version: Callable[[], Hashable], most: int) -> Callable[[Callable[_Asked, _Answer]], Callable[_Asked, _Answer]]:
    """Keeps the last ``most`` answers of a function by what it was asked and by the ``version`` of what it answers from."""

    def decorate(answer: Callable[_Asked, _Answer]) -> Callable[_Asked, _Answer]:
        def of_version(version: Hashable, asked: tuple[object, ...], named: dict[str, object]) -> _Answer:
            return answer(*asked, **named)  # type: ignore[arg-type]

        of_version.__module__, of_version.__qualname__ = answer.__module__, answer.__qualname__  # each has a cache of its own
        kept = st.cache_resource(show_spinner=False, max_entries=most)(of_version)

        @wraps(answer)
        def asked_again(*asked: _Asked.args, **named: _Asked.kwargs) -> _Answer:
            found: _Answer = kept(version(), asked, named)
            return found

        return asked_again

    return decorate


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
