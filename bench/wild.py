"""Forecasts outside the laboratory: the demo cut in the past, plans that nobody made, promotions in full, odd catalogs.

``python bench/wild.py [--sets DIR …] [--models NAME …] [--seeds 1 2] [--quick] [--without-gauntlet] [--out FILE]``

Prints one JSON object on its last line:

- ``demo_total_ratio``, ``demo_worst_department``, ``demo_best_sellers_out``: what the shipped networks that know nothing after
  week 39 expected of the 13 weeks after it, over what came: of all items, of the department that is furthest off (of those
  with more than 2 % of the units), and which of the 50 best sellers have a P50 of the total below 70 % or above 140 % of what
  came though they did not change by that much themselves.
- ``wql_unknown``, ``wql_unknown_lightgbm`` by set, ``wql_known`` by set and model: protocol of ``bench/accuracy.py``, mean of
  the seeds. With the plan unknown our models are trained and asked for a catalog in which nobody plans, and LightGBM is trained
  and run without covariates of the future: what is known ahead of them is known of the past only.
- ``cal_unknown``: mean |coverage − tau| of dense items, plan unknown, by set and model.
- ``promo_in_full_ratio`` of each of the 20 best sellers of the demo: units a week forecast with promotion in full over what its
  own fully promoted weeks sold; null where there were none.
- ``span_mean_gap``: the gap between a span's expectation and the sum of the periods', over that sum, that 99.9 % of the demo's
  items stay below. ``span_coverage``: share of totals at or below their P80, P90 and P95 on the last set, cut before its first
  origin.
- ``train_beside_s``: the blend trained on the first set beside one process that computes; ``item_ms`` one item on demand.
- ``gauntlet_catalogs``, ``gauntlet_failures``: see ``bench/gauntlet.py``.

``--quick`` takes few items, small networks and a tenth of the gauntlet: a rough answer in about a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

import numpy as np  # noqa: E402
from accuracy import BENCH, QUICK_TRAINING, item_ms_of, made, read  # noqa: E402
from demo import cut, opened  # noqa: E402
from small_sets import busy_core  # noqa: E402

from data.errors import TidelineError  # noqa: E402
from data.schema import PROMO, Panel  # noqa: E402
from data.sources.bench_directory import Task  # noqa: E402
from forecasting.core.forecaster import Generation  # noqa: E402
from forecasting.core.quantile_function import mean  # noqa: E402
from forecasting.core.time_splits import history_until, origins  # noqa: E402
from forecasting.evaluation import backtest  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.models.model_averaging import Blend  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.workflows import SHIPPED  # noqa: E402

BEST, PROMOTED = 50, 20
LOW, HIGH = 0.7, 1.4
COVERED = (0.8, 0.9, 0.95)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Forecasts outside the laboratory, from scratch.")
    parser.add_argument("--sets", type=Path, nargs="+", default=[BENCH / "orange_juice", BENCH / "complete_journey"])
    parser.add_argument("--models", nargs="+", help="default: mqtransformer and blend; with --quick mqtransformer")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="few items, few steps, one seed: a rough answer")
    parser.add_argument("--without-gauntlet", action="store_true")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    models = options.models or (["mqtransformer"] if options.quick else ["mqtransformer", "blend"])
    answer: dict[str, object] = {"commit": commit(), "quick": options.quick}
    answer |= demo() | plans(options.sets, models, options.seeds[:1] if options.quick else options.seeds, options.quick)
    answer |= {"span_coverage": span_coverage(options.sets[-1], options.quick)}
    answer |= {"train_beside_s": trained_beside(options.sets[0], options.quick)}
    if not options.without_gauntlet:
        answer |= gauntlet(options.quick)
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def demo() -> dict[str, object]:
    """What the shipped model says of the demo, now and cut at the end of its early networks' history."""
    forecaster = MQTransformerForecaster.load(SHIPPED)
    with opened() as catalog:
        panel, plan = catalog.panel(), catalog.plan(None, forecaster.horizon)
    now = forecaster.forecast(panel, [panel.last], plan)[0]
    sums = now.span_mean()
    gap = np.abs(mean(now.taus, now.cumulative) / np.maximum(sums, 1e-12) - 1)[sums > 0]
    best = np.argsort(-np.nan_to_num(panel.demand[:, -forecaster.horizon :]).sum(axis=1))[:PROMOTED]
    few, asked = panel.take(best), plan.take(best)
    full = replace(
        asked,
        known={**asked.known, PROMO: np.ones_like(asked.known[PROMO])},
        given={**asked.given, PROMO: np.ones(asked.known[PROMO].shape, bool)},
    )
    lifted = forecaster.forecast(few, [few.last], full)[0].mean().mean(axis=1)
    wholly = (few.known[PROMO] >= 0.999) & np.isfinite(few.demand)
    own = np.array([row[on].mean() if on.any() else np.nan for row, on in zip(few.demand, wholly, strict=True)])
    return _cut(panel, forecaster) | {
        "promo_in_full_ratio": [_rounded(one) for one in lifted / own],
        "span_mean_gap": _rounded(np.quantile(gap, 0.999), 6),
        "item_ms": _rounded(item_ms_of(forecaster, panel), 1),
    }


def _cut(panel: Panel, forecaster: MQTransformerForecaster) -> dict[str, object]:
    """What the networks that know nothing after a week in the past expected of the weeks after it."""
    horizon, early = forecaster.horizon, cut(panel, forecaster)
    t, actuals, ratios = early.t, early.actuals, early.departments
    worst = max(ratios, key=lambda name: abs(np.log(ratios[name])))
    before = np.nan_to_num(panel.demand[:, t + 1 - horizon : t + 1]).sum(axis=1)
    best = np.argsort(-before)[:BEST]
    change = actuals / np.maximum(before, 1)
    p50 = early.forecast.span_at(0.5)[:, -1] / np.maximum(actuals, 1e-9)
    out = [
        {"item": str(panel.item_ids[row]), "p50_over_actual": _rounded(p50[row]), "changed_by": _rounded(change[row])}
        for row in best
        if not LOW <= p50[row] <= HIGH and LOW <= change[row] <= HIGH
    ]
    return {
        "demo_total_ratio": _rounded(early.total),
        "demo_worst_department": {"name": worst, "ratio": _rounded(ratios[worst])},
        "demo_departments": {name: _rounded(ratio) for name, ratio in ratios.items()},
        "demo_best_sellers_out": out,
    }


def plans(sets: list[Path], models: list[str], seeds: list[int], quick: bool) -> dict[str, object]:
    """wQL with the plan known and unknown, and calibration where it is unknown."""
    known: dict[str, dict[str, object]] = {}
    unknown: dict[str, dict[str, object]] = {}
    cal: dict[str, dict[str, object]] = {}
    reference: dict[str, object] = {}
    for directory in sets:
        panel, task = read(directory, quick)
        name = directory.name
        known[name] = {model: wql for model, (wql, _) in _scores(panel, task, models, seeds, quick, "known").items()}
        asked = _scores(panel, task, models, seeds, quick, "unknown")
        unknown[name] = {model: wql for model, (wql, _) in asked.items()}
        cal[name] = {model: missed for model, (_, missed) in asked.items()}
        reference[name] = _scores(without_future(panel), task, ["lightgbm"], seeds, quick, "catalog")["lightgbm"][0]
    return {"wql_known": known, "wql_unknown": unknown, "wql_unknown_lightgbm": reference, "cal_unknown": cal}


def without_future(panel: Panel) -> Panel:
    """The panel as if what is known ahead were known of the past only."""
    groups = tuple(replace(group, known={}) for group in panel.groups)
    return replace(panel, known={}, past={**panel.past, **panel.known}, groups=groups, planned=None)


def _scores(
    panel: Panel, task: Task, names: list[str], seeds: list[int], quick: bool, plan: str
) -> dict[str, tuple[float | str | None, float | None]]:
    """By model wQL and calibration error of dense items, the mean of the seeds; a word of why where the set is refused.

    Where the blend is asked for, too, its own network is scored: it is the network.
    """
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    refused: dict[str, str] = {}
    for seed in seeds:
        blend: Blend | None = None
        for name in sorted(names, key=lambda name: name != "blend"):
            model: Generation = made(name, seed, quick)
            fitted = _within(blend, model) if blend else None
            try:
                tested = backtest.backtest(
                    fitted or model,
                    panel,
                    horizon=task.horizon,
                    origins=task.origins,
                    stride=task.stride,
                    plan=plan,
                    fit=fitted is None,
                )
            except TidelineError as error:
                refused[name] = str(error)
                continue
            blend = model if isinstance(model, Blend) else blend
            row = backtest.score(tested)
            runs[name].append((row.wql, row.calibration_dense.error))
            print(f"{name}, plan {plan}, seed {seed}: wQL {row.wql:.4f}, {row.fit_seconds:.0f} s", file=sys.stderr, flush=True)
    means = {name: np.mean(pairs, axis=0) for name, pairs in runs.items() if pairs}
    found = {name: (_rounded(wql, 5), _rounded(cal)) for name, (wql, cal) in means.items()}
    return found | {name: (reason, None) for name, reason in refused.items()}


def _within(blend: Blend, network: Generation) -> Generation | None:
    """The part of a fitted blend that was trained as this network would be, where there is one."""
    part = blend.components.get(network.name)
    if not isinstance(part, MQTransformerForecaster) or not isinstance(network, MQTransformerForecaster):
        return None
    return part if part.settings == network.settings else None


def span_coverage(directory: Path, quick: bool) -> dict[str, float | None]:
    """How many totals over the horizon lay at or below their quantile, on the history before the set's first origin."""
    panel, task = read(directory, quick)
    first = origins(len(panel.periods), task.horizon, task.origins, task.stride)[0]
    before = history_until(panel, first)
    tested = backtest.backtest(
        made("mqtransformer", 1, quick), before, horizon=task.horizon, origins=task.origins, stride=task.stride
    )
    actuals, taus = tested.span_actuals, backtest.BENCH_TAUS
    known = np.isfinite(actuals)
    return {
        f"P{100 * tau:.0f}": _rounded((actuals <= tested.span_quantiles[..., taus.index(tau)])[known].mean()) for tau in COVERED
    }


def trained_beside(directory: Path, quick: bool) -> float:
    """Seconds that the blend takes to be fitted until the first origin, while one process computes."""
    panel, task = read(directory, quick)
    until = panel.periods[origins(len(panel.periods), task.horizon, task.origins, task.stride)[0]]
    model = MQTransformerForecaster(QUICK_TRAINING) if quick else made("blend", 1, quick=False)
    with busy_core(wanted=True):
        begun = time.monotonic()
        model.fit(panel, until, task.horizon)
        return round(time.monotonic() - begun, 1)


def gauntlet(quick: bool) -> dict[str, object]:
    """How many odd catalogs were run and how many failures there were; a process of its own, for its warnings are errors."""
    command = [sys.executable, str(ROOT / "bench" / "gauntlet.py"), *(["--tenth"] if quick else [])]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1])
    return {name: found[name] for name in ("gauntlet_catalogs", "gauntlet_failures")}


def _rounded(value: float, digits: int = 4) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None


if __name__ == "__main__":
    main()
