"""How many threads and processes work at a time: the only place that decides it.

A training, and whatever else is fitted, has one thread in each of its processes: small networks and trees do not fill several,
and threads of one process wait for the slowest of them, which on a core that something else keeps busy is for most of the time.
More than one core is used by more than one process (``processes``) or, for a catalog worked through in parts, by one
thread of our own for each core, which has a single thread of the libraries too.

A process that serves the desk is left what the libraries take by themselves: it fits nothing, and after a fit in it, as in a
notebook, they have what they had before. A bench answers on one core (``begin_bench``), so that its figures do not
depend on the machine's number of them.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

#: Threads of any library in a process of a training: torch, LightGBM, scikit-learn.
EACH = 1

#: What libraries that are loaded later, and processes that are started later, read their number of threads from.
_READ = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ENVIRONMENT = dict.fromkeys(_READ, str(EACH))


def processes() -> int:
    """How many processes a training may have: the cores that this one may run on."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def begin_training_process() -> None:
    """The first thing that a process does which fits and then ends: one thread from here on, in what it starts too."""
    os.environ.update(ENVIRONMENT)
    _set_torch(EACH)


def begin_bench() -> None:
    """What a bench does before it imports a library: one thread, unless the environment asks for others."""
    for name, count in ENVIRONMENT.items():
        os.environ.setdefault(name, count)


@contextmanager
def one_thread() -> Iterator[None]:
    """While inside, torch has one thread, and so have the processes that are started; afterwards all is as it was.

    Several threads may be inside at a time, and one may enter again; the first to come decides what is put back.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


_lock, _mine = threading.Lock(), threading.local()
_inside = 0
_usual: dict[str, str | None] = {}
_usual_torch: int | None = None


def _enter() -> None:
    global _inside, _usual_torch
    with _lock:
        if not _inside:
            _usual.update({name: os.environ.get(name) for name in _READ})
            _usual_torch = _torch_threads()
            os.environ.update(ENVIRONMENT)
        _inside += 1
    _mine.depth = getattr(_mine, "depth", 0) + 1
    _set_torch(EACH)


def _leave() -> None:
    global _inside
    _mine.depth = getattr(_mine, "depth", 1) - 1  # a generator may be closed by another thread
    with _lock:
        _inside -= 1
        if not _inside:
            for name, value in _usual.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
        if not _mine.depth:  # torch counts its threads for each thread that calls it
            _set_torch(_usual_torch or int(_usual[_READ[0]] or processes()))


def _torch_threads() -> int | None:
    """How many threads torch has, None where nobody has imported it."""
    ask = getattr(sys.modules.get("torch"), "get_num_threads", None)
    return None if ask is None else int(ask())


def _set_torch(count: int) -> None:
    """Where torch is imported it has so many threads; where it is imported later it reads the environment."""
    tell = getattr(sys.modules.get("torch"), "set_num_threads", None)  # not there yet while another thread imports torch
    if tell is not None:
        tell(count)
