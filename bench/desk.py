"""The desk's promises, measured from scratch: speed on 100,000 simulated items, accuracy on the bench sets, leaks, crossings.

usage: python bench/desk.py [--quick] [--sets DIR …]

Prints what it does, and one JSON object on the last line; milliseconds are medians on the server's side. ``--quick`` takes a
small catalog and a few training steps: its speeds are rough and its accuracies mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("STREAMLIT_LOGGER_LEVEL", "error")  # pages run without a server here

from forecasting.core import threads  # noqa: E402

threads.begin_bench()  # one item is answered on one core

import numpy as np  # noqa: E402

from data.schema import Panel  # noqa: E402
from forecasting.core.types import Progress  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.service.planning_service import PlanningService  # noqa: E402

SETS = {"orange_juice": "oj_wql", "complete_journey": "cj_wql"}
PAGES = ("today", "item", "what_if", "buy_plan", "data")
_QUERIES = ("", "a", "brand 7", "category 3", "staple", "item 4", "no such thing", "12345")


@dataclass(frozen=True)
class Size:
    """How much is measured: items and weeks of the catalog, looks per figure, and training (None: as it is for users)."""

    items: int
    weeks: int
    looks: int
    steps: int | None
    bench_items: int | None


FULL = Size(items=100_000, weeks=104, looks=60, steps=None, bench_items=None)
QUICK = Size(items=3_000, weeks=104, looks=10, steps=30, bench_items=300)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a rough answer in under a minute")
    parser.add_argument("--sets", nargs="*", type=Path, help="bench directories (default: those beside the repository)")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    found = ROOT.parent / "shared" / "bench"
    sets = options.sets if options.sets is not None else [found / name for name in SETS if (found / name).is_dir()]
    crossings, faults, seconds = 0, 0, {}
    figures: dict[str, object] = {}
    for one in sets:  # before the pages: testing those puts another module in the place of this one
        say(f"{one.name}: training and forecasting")
        wql, crossed, leaks, took = accuracy(one, size)
        figures[SETS.get(one.name, f"{one.name}_wql")] = wql
        crossings, faults, seconds[one.name] = crossings + crossed, faults + leaks, took
    with tempfile.TemporaryDirectory() as directory:
        os.environ["TIDELINE_HOME"] = directory
        measured, crossed = speed(size)
    figures = {**measured, **figures}
    crossings += crossed
    figures |= {"crossings": crossings, "leak_faults": faults, "train_s": seconds}
    print(json.dumps(figures), flush=True)
    os._exit(0)  # the pages' threads still hold connections, of which DuckDB would complain after the last line


def speed(size: Size) -> tuple[dict[str, object], int]:
    """The figures of the pages, on a simulated catalog with a model trained on it for a moment; and its crossings."""
    from forecasting import workflows
    from forecasting.models.mqtransformer.settings import TrainingSettings

    say(f"a catalog of {size.items:,} items × {size.weeks} weeks")
    workflows.load_simulated(size.items, size.weeks, 1, quiet)
    say("a model for it, trained for a moment: its speed does not depend on what it has learned")
    workflows.train(quiet, TrainingSettings(most_steps=25, scale_lives=(0.5,), most_items=500))
    rng = np.random.default_rng(0)
    with closing(workflows.open_service()) as service:
        places = rng.choice(size.items, 2 * size.looks, replace=False)
        everyone = [service.search("", 1, int(place)).rows[0].item_id for place in places]
        ids, others = everyone[: size.looks], everyone[size.looks :]  # no item is opened before it is measured
        figures: dict[str, object] = {
            "search_ms": median_ms(lambda text: service.search(text), [_QUERIES[k % len(_QUERIES)] for k in range(size.looks)]),
            "history_ms": median_ms(lambda item: service.items.history(item), others),
            "item_ms": median_ms(lambda item: service.items.view(item), ids),
            "slider_ms": slider_ms(service, ids),
        }
        crossed = sum(crossings_of(service.items.view(item).forecast.values) for item in ids)
    say("the first screen of every page")
    figures["page_ms"] = page_ms(ids[0], max(3, size.looks // 12))
    return figures, crossed


def slider_ms(service: PlanningService, ids: Sequence[str]) -> float:
    """What the server does when the price slider moves: the scenario, and the chart as it is sent."""
    from forecasting.service.view_models import PlanChange
    from pages.ui.display import charts

    frequency = service.figures().frequency
    prices = {item: 0.9 * service.items.view(item).plan_price for item in ids}
    priced = [item for item in ids if np.isfinite(prices[item]).all()]

    def move(item: str) -> None:
        view = service.items.scenario(item, service.horizon, PlanChange(price=prices[item]))
        charts.scenario_fans(view, frequency).to_json()

    return median_ms(move, priced)


def page_ms(item: str, looks: int) -> float:
    """The slowest page's median first screen, imports already made."""
    from streamlit.testing.v1 import AppTest

    slowest = 0.0
    for page in PAGES:
        times = []
        for _ in range(looks + 1):
            test = AppTest.from_file(str(ROOT / "pages" / f"{page}.py"), default_timeout=120)
            test.query_params["item"] = item
            begun = time.perf_counter()
            test.run()
            times.append(1000 * (time.perf_counter() - begun))
            if test.exception:
                raise SystemExit(f"the page {page} failed: {test.exception[0].value}")
        say(f"  {page}: {statistics.median(times[1:]):.0f} ms")
        slowest = max(slowest, statistics.median(times[1:]))
    return round(slowest, 1)


def accuracy(directory: Path, size: Size) -> tuple[float, int, int, float]:
    """wQL, crossings, leak faults and seconds of training of MQTransformer on a bench directory."""
    from data.sources.bench_directory import read_panel
    from forecasting.evaluation.backtest import backtest, score
    from forecasting.models.mqtransformer.settings import TrainingSettings

    panel, task = read_panel(directory)
    settings = TrainingSettings()
    if size.bench_items is not None and size.steps is not None:
        panel = panel.take(np.arange(min(size.bench_items, len(panel))))
        settings = replace(settings, members=1, most_steps=size.steps, scale_lives=(0.5,))
    model = MQTransformerForecaster(settings, workers=threads.processes())
    tested = backtest(model, panel, horizon=task.horizon, origins=task.origins, stride=task.stride)
    crossed = sum(crossings_of(one.values) + crossings_of(one.cumulative) for one in tested.forecasts)
    return round(score(tested).wql, 4), crossed, leak_faults(model, panel), round(tested.fit_seconds, 1)


def leak_faults(model: MQTransformerForecaster, panel: Panel) -> int:
    """How many numbers of a forecast change when all that came after its creation date is altered."""
    t = len(panel.periods) - model.horizon - 1
    after = np.arange(len(panel.periods)) > t
    altered = replace(
        panel,
        demand=np.where(after, 1000 + 7 * panel.demand, panel.demand),
        in_stock=np.where(after, np.float32(0), panel.in_stock),
        past={name: np.where(after, -values, values) for name, values in panel.past.items()},
        groups=tuple(
            replace(one, demand=np.where(after, 0, one.demand), sellers=np.where(after, 0, one.sellers)) for one in panel.groups
        ),
    )
    first, second = (model.forecast(one, [panel.periods[t]])[0] for one in (panel, altered))
    return int((first.values != second.values).sum() + (first.cumulative != second.cumulative).sum())


def crossings_of(values: np.ndarray) -> int:
    """How many quantile functions [..., Q] fall somewhere."""
    return int((np.diff(values, axis=-1) < 0).any(axis=-1).sum())


def median_ms(run: Callable[[str], object], arguments: Sequence[str]) -> float:
    """Median milliseconds of ``run`` over ``arguments``; the first two warm up and do not count."""
    times = []
    for argument in arguments:
        begun = time.perf_counter()
        run(argument)
        times.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(times[2:]), 2)


def say(words: str) -> None:
    """Tells what is being measured."""
    print(words, file=sys.stderr, flush=True)


def quiet(progress: Progress) -> None:
    """Hears progress and says nothing."""


if __name__ == "__main__":
    main()
