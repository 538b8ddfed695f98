"""How answers are kept for all visitors: by what was asked and by the version of what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import ParamSpec, TypeVar

import streamlit as st

_Answer = TypeVar("_Answer")
_P = ParamSpec("_P")


def by(version: Callable[[], Hashable], most: int) -> Callable[[Callable[_P, _Answer]], Callable[_P, _Answer]]:
    """Keeps the last ``most`` answers of a function by what it was asked and by the ``version`` of what it answers from."""

    def decorate(answer: Callable[_P, _Answer]) -> Callable[_P, _Answer]:
        def of_version(version: Hashable, arguments: tuple[object, ...], named: dict[str, object]) -> _Answer:
            return answer(*arguments, **named)  # type: ignore[arg-type]

        of_version.__module__, of_version.__qualname__ = answer.__module__, answer.__qualname__  # each has a cache of its own
        kept = st.cache_resource(show_spinner=False, max_entries=most)(of_version)

        @wraps(answer)
        def cached(*arguments: _P.args, **named: _P.kwargs) -> _Answer:
            found: _Answer = kept(version(), arguments, named)
            return found

        return cached

    return decorate
