"""Accuracy from scratch: trains the generations on bench directories and scores them; the last line is one JSON object.

``python bench/accuracy.py [--sets DIR …] [--models NAME …] [--seeds 1 2] [--plan PLAN] [--quick] [--out FILE]``

For each set and model: ``wql`` (mean over tau 0.1 … 0.9), ``ql50``, ``ql90``, ``cal`` (mean |coverage − tau| of items
with fewer than 1 in 10 periods at zero, null where there are none), ``cross``, ``train_s``, ``item_ms`` (median of one
item, from arrays to quantiles). ``ablation`` holds, for each set, what MQTransformer scores without each of its parts.
Several seeds are averaged. A model that refuses a set is reported with its reason.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from data.errors import TidelineError  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources.bench_directory import Task, read_panel  # noqa: E402
from forecasting.core import threads  # noqa: E402
from forecasting.core.forecaster import Generation  # noqa: E402
from forecasting.core.time_splits import PLANS  # noqa: E402
from forecasting.evaluation import ablation, backtest  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.models.mqtransformer.settings import TrainingSettings  # noqa: E402
from forecasting.models.registry import GENERATIONS  # noqa: E402

BENCH = ROOT.parent / "shared" / "bench"
QUICK_MODELS = ("seasonal_naive", "empirical_last26", "mqtransformer")
QUICK_ITEMS, TIMED = 150, 25
QUICK_TRAINING = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=75)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Accuracy of the generations on bench directories, from scratch.")
    parser.add_argument("--sets", type=Path, nargs="+", default=[BENCH / "orange_juice", BENCH / "complete_journey"])
    parser.add_argument("--models", nargs="+", help="default: all of the ladder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--plan", choices=PLANS, default="catalog", help="prices and promotions ahead: all known, none, as is")
    parser.add_argument("--quick", action="store_true", help="few items, few steps, one seed: a rough answer")
    parser.add_argument("--without-ablation", action="store_true", help="the ladder alone")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    models = options.models or (QUICK_MODELS if options.quick else tuple(GENERATIONS))
    seeds = options.seeds[:1] if options.quick else options.seeds
    answer: dict[str, object] = {"commit": commit(), "quick": options.quick, "seeds": seeds, "plan": options.plan}
    for directory in options.sets:
        answer[directory.name] = {name: _measured(directory, name, seeds, options) for name in models}
    ablated = [] if options.without_ablation else options.sets
    answer["ablation"] = {directory.name: _ablated(directory, seeds[0], options.quick) for directory in ablated}
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def _measured(directory: Path, name: str, seeds: list[int], options: argparse.Namespace) -> dict[str, float | str | None]:
    """The mean of the runs with these seeds; a word of why where the model refuses the set."""
    panel, task = read(directory, options.quick)
    runs = []
    for seed in seeds:
        print(f"{directory.name}: {name}, seed {seed}", file=sys.stderr, flush=True)
        model = made(name, seed, options.quick)
        try:
            tested = backtest.backtest(
                model, panel, horizon=task.horizon, origins=task.origins, stride=task.stride, plan=options.plan
            )
        except TidelineError as error:
            return {"refused": str(error)}
        runs.append(_figures(model, panel, tested))
        print(f"  {runs[-1]}", file=sys.stderr, flush=True)
    return {
        key: None if any(run[key] is None for run in runs) else round(float(np.mean([run[key] for run in runs])), 5)
        for key in runs[0]
    }


def read(directory: Path, quick: bool) -> tuple[Panel, Task]:
    panel, task = read_panel(directory)
    if quick and len(panel) > QUICK_ITEMS:
        panel = panel.take(np.sort(np.random.default_rng(0).choice(len(panel), QUICK_ITEMS, replace=False)))
    return panel, task


def _ablated(directory: Path, seed: int, quick: bool) -> dict[str, dict[str, float | None]] | dict[str, str]:
    """The scores of MQTransformer whole and without each of its parts."""
    panel, task = read(directory, quick)
    settings = replace(QUICK_TRAINING if quick else TrainingSettings(), seed=seed)
    answer: dict[str, dict[str, float | None]] = {}
    try:
        for one in ablation.ablate(panel, task.horizon, settings, workers=1 if quick else threads.processes()):
            print(f"{directory.name}: {ablation.text(one)}", file=sys.stderr, flush=True)
            figures = {name: value for name, value in asdict(one).items() if name != "variant"}
            answer[one.variant] = {name: round(value, 5) if np.isfinite(value) else None for name, value in figures.items()}
    except TidelineError as error:
        return {"refused": str(error)}
    return answer


def made(name: str, seed: int, quick: bool) -> Generation:
    from forecasting.__main__ import _seeded

    if quick and name == "mqtransformer":
        return MQTransformerForecaster(replace(QUICK_TRAINING, seed=seed))
    return _seeded(name, seed)


def _figures(model: Generation, panel: Panel, tested: backtest.Backtest) -> dict[str, float | None]:
    rung = backtest.score(tested)
    dense = rung.calibration_dense
    return {
        "wql": rung.wql,
        "ql50": rung.p50,
        "ql90": rung.p90,
        "cal": dense.error if dense.count else None,
        "cross": float(rung.crossings),
        "train_s": tested.fit_seconds,
        "item_ms": item_ms_of(model, panel),
    }


def item_ms_of(model: Generation, panel: Panel) -> float:
    """Median milliseconds of one item forecast by itself at the last period."""
    spent = []
    for row in np.linspace(0, len(panel) - 1, TIMED).astype(int):
        one = panel.take([row])
        begun = time.perf_counter()
        model.forecast(one, [one.last])
        spent.append(time.perf_counter() - begun)
    return 1000 * float(np.median(spent))


if __name__ == "__main__":
    main()
