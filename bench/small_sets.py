"""Small data sets through every generation and the blend: what ends in an error, and how long a blend takes beside other work.

``python bench/small_sets.py [--busy] [--quick] [--sets NAME …] [--models NAME …] [--without-blend-time] [--out FILE]``

The sets are made here from a seed: months of 350 items × 40, 50 and 60 and of 330 × 126 periods, and tiny ones: items of 1
to 6 periods in a long and in a short history, items that never sold, that sell the same in every period, that sold once,
one item alone. Each generation is fitted, forecasts from the end of its fit and from later, is saved, read and asked again.
Where it refuses a set with an error of ours, that is listed as ``own_errors``; anything else, an exception of a library or a
forecast that is not finite and rising, counts under ``exceptions``. The last line is one JSON object.

``--busy`` keeps one core busy meanwhile; ``--quick`` makes networks, trees and sets smaller, but for the blend that is timed:
350 items × 60 months with the settings of the command line. ``blend_350x60_busy_s`` is null without ``--busy``;
``blend_cpu_s`` is what its processes computed, and ``load`` how many wanted a core when it was done: above the three that
belong to it, others shared the machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from data.errors import TidelineError  # noqa: E402
from data.groups import group_series  # noqa: E402
from data.schema import Frequency, Panel  # noqa: E402
from forecasting.core.forecaster import Generation  # noqa: E402
from forecasting.core.types import QuantileForecast  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.models.registry import GENERATIONS, generation  # noqa: E402

HORIZON = 12

Sets = dict[str, Callable[[], tuple[Panel, int]]]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Small data sets through every generation, and the time of a blend.")
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument("--quick", action="store_true", help="smaller sets, networks and trees: minutes")
    parser.add_argument("--sets", nargs="*", metavar="NAME", help="default: all; none where it is empty")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="default: all of the ladder")
    parser.add_argument("--without-blend-time", action="store_true", help="leave out the blend that is timed")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    made, models = sets(quick=options.quick), options.models or list(GENERATIONS)
    chosen = options.sets if options.sets is not None else list(made)
    own: list[dict[str, str]] = []
    other: list[dict[str, str]] = []
    left_out: list[dict[str, str]] = []
    timed: dict[str, float] = {}
    with busy_core(options.busy):
        if not options.without_blend_time:
            timed = blend_timed()
        for name in chosen:
            panel, horizon = made[name]()
            for model in models:
                _try(name, panel, horizon, model, options.quick, own, other, left_out)
    answer = {
        "commit": commit(),
        "quick": options.quick,
        "sets": len(chosen),
        "generations": len(models),
        "exceptions": len(other),
        "exceptions_were": other,
        "own_errors": own,
        "left_out": left_out,
        "blend_350x60_busy_s": timed.get("blend_350x60_s") if options.busy else None,
        **timed,
    }
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def sets(*, quick: bool) -> Sets:
    """The data sets by name, each with its horizon; ``quick``: a tenth of the items."""
    many, more = (35, 33) if quick else (350, 330)
    return {
        "months_40": lambda: (months(many, 40, seed=1), 6),
        "months_50": lambda: (months(many, 50, seed=2), HORIZON),
        "months_60": lambda: (months(many, 60, seed=3), HORIZON),
        "months_126": lambda: (months(more, 126, seed=4), HORIZON),
        "items_of_1_to_6": lambda: (items_of_few(36), 6),
        **{f"history_of_{count}": partial(_short, count) for count in range(1, 7)},
        "never_sold": lambda: (alike(np.zeros((12, 40))), 6),
        "constant": lambda: (alike(np.full((12, 40), 7.0)), 6),
        "one_sale": lambda: (alike(_one_sale()), 6),
        "unknown": lambda: (alike(np.full((12, 40), np.nan)), 6),
        "one_item": lambda: (months(1, 40, seed=5), 6),
        "one_item_of_8": lambda: (months(1, 8, seed=6), 2),
    }


def _short(periods: int) -> tuple[Panel, int]:
    return months(12, periods, seed=periods), 2


def months(items: int, periods: int, *, seed: int) -> Panel:
    """Items of all kinds: seasonal, steady, intermittent, begun late, ended, never sold, constant, sold once, with gaps."""
    rng = np.random.default_rng(seed)
    s = np.arange(periods)
    level = rng.lognormal(2.5, 1.2, (items, 1))
    season = 1 + rng.uniform(0, 0.6, (items, 1)) * np.sin(2 * np.pi * (s + rng.integers(0, 12, (items, 1))) / 12)
    demand = rng.poisson(level * season * np.exp(rng.normal(0, 0.01, (items, 1)) * s)).astype(np.float64)
    kind = np.arange(items) % 10
    demand[kind == 3] *= rng.random((int((kind == 3).sum()), periods)) < 0.25
    demand[kind == 4] *= rng.random((int((kind == 4).sum()), periods)) < 0.08
    for row in np.flatnonzero(kind == 5):  # begun late, by one to a dozen periods
        demand[row, : max(0, periods - 1 - int(rng.integers(0, 12)))] = np.nan
    demand[kind == 6, periods // 2 :] = 0.0
    for place, row in enumerate(np.flatnonzero(kind == 7)):
        demand[row] = (0.0, 5.0, 0.0)[place % 3]
        demand[row, periods // 3] += place % 3 == 2
    demand[kind == 8] = np.where(rng.random((int((kind == 8).sum()), periods)) < 0.3, np.nan, demand[kind == 8])
    return alike(demand, price=bool(seed % 2))


def items_of_few(items: int) -> Panel:
    """Items of one to six known periods at the end of a history of 40, in which one item in four is an old one."""
    demand = np.random.default_rng(7).poisson(20, (items, 40)).astype(np.float64)
    for row in range(items):
        if row % 4:
            demand[row, : 40 - 1 - row % 6] = np.nan
    return alike(demand)


def alike(demand: np.ndarray, *, price: bool = False) -> Panel:
    """A panel of this demand [N, T] by months, with a category and, where asked for, a price that is known ahead."""
    items, periods = demand.shape
    frequency = Frequency.of("MS")
    known = {"price": np.random.default_rng(0).uniform(2, 6, demand.shape).astype(np.float32)} if price else {}
    panel = Panel(
        item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
        periods=frequency.range(pd.Timestamp("2015-01-01"), periods),
        frequency=frequency,
        demand=demand.astype(np.float32),
        in_stock=np.full(demand.shape, np.nan, np.float32),
        known=known,
        past={},
        static={"category": np.array([("soap", "tea", "oats")[row % 3] for row in range(items)], dtype=object)},
        event_names=(),
        events=np.zeros((periods, 0), np.float32),
        catalog_hash="small",
    )
    return replace(panel, groups=group_series(panel))


def _one_sale() -> np.ndarray:
    """Twelve items of 40 periods that sold once each, three of them in the last ones."""
    demand = np.zeros((12, 40))
    demand[np.arange(12), np.linspace(3, 39, 12).astype(int)] = 4.0
    return demand


def blend_timed() -> dict[str, float]:
    """How long the blend takes to be fitted on 350 items × 60 months, as the command line fits it."""
    panel, begun, before = months(350, 60, seed=3), time.monotonic(), os.times()
    blend = made("blend", quick=False)
    blend.fit(panel, panel.last, HORIZON, lambda progress: None)
    after = os.times()
    mine, theirs = (after.user - before.user, after.children_user - before.children_user)
    found = {"blend_350x60_s": time.monotonic() - begun, "blend_cpu_s": mine, "blend_beside_cpu_s": theirs}
    found = {name: round(value, 1) for name, value in found.items()} | {"load": os.getloadavg()[1]}
    print(f"blend of 350 × 60: {found}; left out {dict(blend.left_out)}", file=sys.stderr, flush=True)
    return found


def made(name: str, *, quick: bool) -> Generation:
    """The generation as the command line makes it, or small."""
    from forecasting.__main__ import _seeded

    if not quick:
        return _seeded(name, 1)
    if name == "blend":
        from forecasting.models.model_averaging import Blend

        return Blend(make=lambda part, seed: made(part, quick=True))
    if name == "mqtransformer":
        from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
        from forecasting.models.mqtransformer.settings import TrainingSettings

        return MQTransformerForecaster(TrainingSettings(members=1, scale_lives=(0.5,), most_steps=50))
    if name == "lightgbm":
        from forecasting.models.lightgbm_forecaster import LightGBMQuantiles

        return LightGBMQuantiles(rows=4000, rounds=30)
    if name == "forest":
        from forecasting.models.forest_arrays import Growth
        from forecasting.models.quantile_forest import Forest

        return Forest(most_rows=2000, growth=Growth(trees=30))
    from forecasting.models.neural.base_forecaster import SmallForecaster

    cls = generation(name)
    return cls(settings=replace(cls.usual, most_steps=40, look_every=10)) if issubclass(cls, SmallForecaster) else cls()


def check(model: Generation, panel: Panel, horizon: int, again: Callable[[Generation], Generation]) -> None:
    """Fits, forecasts from the end of the fit and from the last period, saves, reads and asks again; asserts each fan."""
    periods = len(panel.periods)
    until = panel.periods[max(periods - 1 - horizon, (periods - 1) // 2)]
    model.fit(panel, until, horizon)
    dates = sorted({until, panel.last})
    forecasts = [model.forecast(panel, [date])[0] for date in dates]
    for forecast in forecasts:
        _check(forecast, len(panel), horizon)
    repeated = again(model).forecast(panel, [dates[-1]])[0]
    assert np.allclose(repeated.values, forecasts[-1].values, rtol=1e-5), "what was read from disk says something else"


def _check(forecast: QuantileForecast, items: int, horizon: int) -> None:
    for fan in (forecast.values, forecast.cumulative):
        assert fan.shape[:2] == (items, horizon), f"a fan of shape {fan.shape}"
        assert np.isfinite(fan).all(), "a quantile that is not finite"
        assert (fan >= 0).all(), "a quantile below zero"
        assert (np.diff(fan, axis=-1) >= 0).all(), "quantiles that cross"


def _try(
    name: str,
    panel: Panel,
    horizon: int,
    model: str,
    quick: bool,
    own: list[dict[str, str]],
    other: list[dict[str, str]],
    left_out: list[dict[str, str]],
) -> None:
    """One generation on one set; what happens is put where it belongs."""
    begun, what = time.monotonic(), "ok"
    one = made(model, quick=quick)
    try:
        with tempfile.TemporaryDirectory() as folder:
            check(one, panel, horizon, lambda fitted: _read_again(fitted, Path(folder)))
    except TidelineError as error:
        what = f"{type(error).__name__}: {error}"
        cause = error.__cause__
        ours = cause is None or isinstance(cause, TidelineError)
        (own if ours else other).append({"set": name, "model": model, "error": what})
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        other.append({"set": name, "model": model, "error": what})
        traceback.print_exc()
    for part, reason in one.left_out.items():
        left_out.append({"set": name, "model": model, "part": part, "reason": reason})
        what += f"; without {part}: {reason}"
        if "library gave up" in reason:
            other.append({"set": name, "model": f"{model}, {part}", "error": reason})
    print(f"{name:<18}{model:<24}{time.monotonic() - begun:7.1f} s  {what}", file=sys.stderr, flush=True)


def _read_again(model: Generation, folder: Path) -> Generation:
    model.save(folder)
    return type(model).load(folder)


@contextmanager
def busy_core(wanted: bool) -> Iterator[None]:
    """A process that computes for as long as the block lasts, where it is ``wanted``."""
    if not wanted:
        yield
        return
    process = multiprocessing.get_context("spawn").Process(target=_compute, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _compute() -> None:
    """Sums for ever, or until whoever started it has ended."""
    caller, total = os.getppid(), 0
    while os.getppid() == caller:
        total += sum(range(1_000_000))


if __name__ == "__main__":
    main()
