"""From a planner's mark to the new fan, in milliseconds on the server: ``python bench/marks.py [--items N] [--looks N]``.

A simulated catalog with a model trained on it for a moment; each look marks another item's periods, as the Item page does, and
asks for its forecast. The last line is one JSON object: ``mark_ms`` is the median of the whole way, mark kept and new fan made,
and ``mark_cpu_ms`` what the processor worked for it, which does not count waiting for other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from forecasting.core import threads  # noqa: E402

threads.begin_bench()  # one item is answered on one core

from data.history_marks import Kind, Mark  # noqa: E402
from forecasting.core.types import Progress  # noqa: E402

#: What is marked, in turn.
_KINDS: tuple[Kind, ...] = ("one-off", "out of stock", "wrong", "event")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=3000, help="items of the catalog")
    parser.add_argument("--looks", type=int, default=40, help="marks that are made")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.environ["TIDELINE_HOME"] = directory
        waited, worked = mark_ms(options.items, options.looks)
        found = {"mark_ms": round(waited, 1), "mark_cpu_ms": round(worked, 1)}
    print(json.dumps(found), flush=True)


def mark_ms(items: int, looks: int) -> tuple[float, float]:
    """The medians, by the clock and by the processor, of ``looks`` marks in a catalog of so many ``items`` in $TIDELINE_HOME,
    which is made anew."""
    from forecasting import workflows
    from forecasting.models.mqtransformer.settings import TrainingSettings

    workflows.load_simulated(items, 104, 1, quiet)
    workflows.train(quiet, TrainingSettings(most_steps=25, scale_lives=(0.5,), most_items=500))
    store, waited, worked = workflows.planner_store(), [], []
    with closing(workflows.open_service()) as service:
        about = service.figures()
        found = service.search("", looks).rows
        for look, item in enumerate(found):
            periods = service.items.view(item.item_id).history.periods  # the page stands open
            stamp, kind = f"{periods[-1 - look % min(20, len(periods))]:%Y-%m-%d}", _KINDS[look % len(_KINDS)]
            mark = Mark(kind, stamp, stamp, item.item_id, units=7.0, name="Strike", reason="measured")
            begun, busy = time.perf_counter(), time.process_time()
            version = store.ledger(about.name).version
            store.add_mark(about.name, mark, version)
            service.items.view(item.item_id)
            service.items.record(item.item_id)
            waited.append(1000 * (time.perf_counter() - begun))
            worked.append(1000 * (time.process_time() - busy))
    return statistics.median(waited), statistics.median(worked)


def quiet(progress: Progress) -> None:
    """Tells nobody."""


if __name__ == "__main__":
    main()
