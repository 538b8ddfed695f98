"""A whole catalog worked through in parts, by as many threads as there are cores, so that memory does not grow with it.

Each thread has a forecaster of its own and one torch thread: more of them would only wait for one another.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from forecasting.core import threads
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one
    from data.schema import Panel, Plan

#: Items of a part: a few seconds of work and a few megabytes.
PART_ITEMS = 1024

#: Names of settings in the C library's malloc.h, and how much freed memory is kept.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT = 1 << 30

Found = TypeVar("Found")


def parts_of(items: int, part_items: int = PART_ITEMS) -> int:
    """How many parts make ``items`` whole."""
    return -(-items // part_items)


def panel_of_part(catalog: Catalog, part: int, horizon: int, part_items: int = PART_ITEMS) -> tuple[Panel, Plan]:
    """The items of one part and their plan, in catalog order."""
    return next(catalog.batches_with_plan(part_items, horizon, first=part * part_items))


def worked_through(
    forecaster: MQTransformerForecaster,
    parts: Sequence[int],
    work: Callable[[MQTransformerForecaster, int], Found],
    workers: int | None = None,
) -> Iterator[tuple[int, Found]]:
    """Each part with what ``work`` made of it, as they are done; no more are under way than there are threads."""
    count, at_hand = max(1, workers or threads.processes()), threading.local()

    def one(part: int) -> tuple[int, Found]:
        if not hasattr(at_hand, "forecaster"):
            at_hand.forecaster = forecaster.twin()
        return part, work(at_hand.forecaster, part)

    with threads.one_thread(), ThreadPoolExecutor(count, thread_name_prefix="part") as pool:
        todo, waiting = list(parts)[::-1], set[Future[tuple[int, Found]]]()
        try:
            while todo or waiting:
                while todo and len(waiting) < count + 1:
                    waiting.add(pool.submit(one, todo.pop()))
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def keep_freed_memory() -> None:
    """Has this process keep the memory that it frees for what it asks for next, as far as its C library knows how.

    Arrays of megabytes are else handed back after every step and cleared anew by the system, a sixth of the work of a part. For
    a process that works through parts and ends; one that goes on would hold its peak.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    tune(_MMAP_THRESHOLD, _KEPT)
    tune(_TRIM_THRESHOLD, _KEPT)
    tune(_ARENA_MAX, 1)  # a thread's own arena would hand it back all the same
