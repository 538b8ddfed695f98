"""Buying, measured from scratch: replayed cost, span coverage, the learned policy, and the batch; JSON on the last line.

usage: python bench/buy.py [--quick] [--sets DIR …] [--only-batch] [--out FILE]; bench/tables.py makes docs/buying.md

Each forecaster is trained until the first rolling origin of the set and forecasts from every period after it; what it then
says is bought by the same rule, L = 2 and R = 1, at three critical ratios, with costs of 1 in all (c_u + c_o) a unit. The rule
is that of the Buy plan: up to the span's quantile, less what will be lost before the receipt (decision 25).

``cost_vs_patchwork``, ``cost_vs_lightgbm`` : replayed cost of MQTransformer over theirs, by set and ratio; below 1 is better.
``newsvendor_vs_…`` : the same when nobody counts what will be lost; ``rule_vs_newsvendor`` : what counting it is worth.
``policy_vs_newsvendor``, ``policy_vs_rule`` : the learned policy over both rules, all on MQTransformer; trained on the periods
that its early networks had not seen, before the first origin, and the rule itself where it did not earn its place there.
``cost_vs_hindsight`` : the rule over each item's constant tau that turned out cheapest, known only afterwards.
``span_coverage`` : how often demand over L + R periods came out at or below P80, P90, P95, learned and summed by period.
``list_ms`` : of ``bench/buying_list.py``, null where there is none. ``batch_…`` : by number of items.
``plain_…`` and ``policy_vs_…`` : each creation date by itself instead of the replay, and the policy over other rules.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from buying_rules import best_tau_in_hindsight, fixed_cover  # noqa: E402

from data.errors import TidelineError  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources.bench_directory import read_panel  # noqa: E402
from forecasting.core import threads  # noqa: E402
from forecasting.core.forecaster import Generation  # noqa: E402
from forecasting.core.time_splits import held_back, history_until, origins  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.inventory.inventory_simulation import GRID, ReplayData, Replayed, past_of, plain_cost  # noqa: E402
from forecasting.inventory.learned_policy import (  # noqa: E402
    RATIOS,
    Policy,
    PolicySettings,
    learn,
    newsvendor,
    replay_of_the_rule,
    unit_costs,
)
from forecasting.models.lightgbm_forecaster import LightGBMQuantiles  # noqa: E402
from forecasting.models.mqtransformer.error_feedback import Feedback  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.models.mqtransformer.settings import TrainingSettings  # noqa: E402
from forecasting.models.patchwork.forecaster import Patchwork  # noqa: E402

BENCH = ROOT.parent / "shared" / "bench"
LEAD_TIME, REVIEW = 2, 1
COVERED = (0.8, 0.9, 0.95)
COVERS = np.linspace(0.5, 3.0, 11) * (LEAD_TIME + REVIEW)
QUICK_ITEMS = 60
QUICK_TRAINING = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=20, look_every=10)

Table = dict[str, dict[str, float]]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, nargs="+", default=[BENCH / "orange_juice", BENCH / "complete_journey"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few items, few steps: a rough answer")
    parser.add_argument("--no-batch", action="store_true", help="leave the batch out")
    parser.add_argument("--only-batch", action="store_true", help="measure the batch and the list anew, keep the rest of --out")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    if options.only_batch and not options.out:
        parser.error("--only-batch keeps the rest of --out FILE: name it")
    answer: dict[str, object] = {"commit": commit(), "quick": options.quick}
    if options.only_batch:
        answer = json.loads(options.out.read_text())
    else:
        sets = {directory.name: bought(directory, options.seed, options.quick) for directory in options.sets}
        names = {name for figures in sets.values() for name in figures}
        answer |= {name: {one: figures.get(name) for one, figures in sets.items()} for name in sorted(names)}
    answer["speed_commit"] = commit()
    answer["list_ms"] = _list_ms(options.quick)
    sizes = () if options.no_batch else ((2_000,) if options.quick else (10_000, 100_000))
    runs = {str(items): batch(items, options.quick) for items in sizes}
    for key, place in (("batch_items_per_s", 0), ("batch_rss_mb", 1), ("batch_items_per_cpu_s", 2)):
        answer[key] = {items: found[place] for items, found in runs.items()}
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def bought(directory: Path, seed: int, quick: bool) -> dict[str, object]:
    """The figures of one set."""
    panel, task = read_panel(directory)
    if quick and len(panel) > QUICK_ITEMS:
        panel = panel.take(np.sort(np.random.default_rng(0).choice(len(panel), QUICK_ITEMS, replace=False)))
    first = origins(len(panel.periods), task.horizon, task.origins, task.stride)[0]
    unified = MQTransformerForecaster(_settings(seed, quick), workers=1 if quick else threads.processes())
    pasts = {
        name: _past(directory.name, name, model, panel, first, task.horizon)
        for name, model in (
            ("mqtransformer", unified),
            ("lightgbm", LightGBMQuantiles(seed=seed, **({"rows": 5_000, "rounds": 25} if quick else {}))),
            ("patchwork", Patchwork(seed=seed)),
        )
    }
    ours = pasts["mqtransformer"]
    if ours is None:
        return {"refused": "MQTransformer refuses this set"}
    honest = _early_past(unified, panel, first, task.horizon)
    policy = _policy(honest, quick)
    cost: dict[str, Table] = {name: _costs(past, replay_of_the_rule) for name, past in pasts.items() if past}
    uncounted: dict[str, Table] = {name: _costs(past, newsvendor) for name, past in pasts.items() if past}
    figures: dict[str, object] = {}
    for name in ("patchwork", "lightgbm"):
        figures[f"cost_vs_{name}"] = _ratios(cost["mqtransformer"], cost.get(name))
        figures[f"newsvendor_vs_{name}"] = _ratios(uncounted["mqtransformer"], uncounted.get(name))
    figures["cost_vs_hindsight"] = _ratios(cost["mqtransformer"], _hindsight(ours))
    learned = _costs(ours, policy.replay) if policy else None
    figures["rule_vs_newsvendor"] = _ratios(cost["mqtransformer"], uncounted["mqtransformer"])
    figures["policy_vs_newsvendor"] = _ratios(learned, uncounted["mqtransformer"])
    figures["policy_vs_rule"] = _ratios(learned, cost["mqtransformer"])
    figures["policy_vs_patchwork"] = _ratios(learned, cost.get("patchwork"))
    figures["policy_vs_lightgbm"] = _ratios(learned, cost.get("lightgbm"))
    figures["policy_vs_cover"] = _ratios(learned, _costs(ours, _cover(honest))) if honest else None
    figures["policy_serves"] = {str(one.ratio): one.serves for one in policy.records} if policy else None
    plain = {name: _plain(past) for name, past in pasts.items() if past}
    for name in ("patchwork", "lightgbm"):
        figures[f"plain_vs_{name}"] = _ratios(plain["mqtransformer"], plain.get(name))
    figures["span_coverage"] = {
        how: {f"P{100 * tau:.0f}": round(float(share), 4) for tau, share in zip(COVERED, shares, strict=True)}
        for how, shares in (("learned", ours.coverage(COVERED)), ("summed", ours.coverage(COVERED, summed=True)))
    }
    return figures


def _settings(seed: int, quick: bool) -> TrainingSettings:
    return replace(QUICK_TRAINING if quick else TrainingSettings(), seed=seed)


def _past(set_name: str, name: str, model: Generation, panel: Panel, first: int, horizon: int) -> ReplayData | None:
    """What this generation would have said from the first origin on; None where it refuses the set."""
    print(f"{set_name}: {name}", file=sys.stderr, flush=True)
    try:
        model.fit(panel, panel.periods[first], horizon)
        return past_of(model, panel, first, LEAD_TIME, REVIEW)
    except TidelineError as error:
        print(f"{set_name}: {name} refused: {error}", file=sys.stderr, flush=True)
        return None


def _early_past(unified: MQTransformerForecaster, panel: Panel, first: int, horizon: int) -> ReplayData | None:
    """What the networks said of the periods before the first origin that they had not learned from."""
    early, known = unified.validation_model(), history_until(panel, first)
    begins = held_back(len(known.periods), horizon) - 1
    try:
        return past_of(early, known, begins, LEAD_TIME, REVIEW) if early else None
    except TidelineError as error:
        print(f"no past to learn a policy from: {error}", file=sys.stderr, flush=True)
        return None


def _policy(honest: ReplayData | None, quick: bool) -> Policy | None:
    if honest is None:
        return None
    try:
        return learn(honest, PolicySettings(steps=20, looks=4, items=60) if quick else PolicySettings())
    except TidelineError as error:
        print(f"no policy: {error}", file=sys.stderr, flush=True)
        return None


def _costs(past: ReplayData, rule: Callable[[ReplayData, float], Replayed]) -> Table:
    """Money by ratio when ``past`` is bought by this rule."""
    return {"cost": {str(ratio): float(rule(past, ratio).cost(unit_costs(past, ratio)).sum()) for ratio in RATIOS}}


def _hindsight(past: ReplayData) -> Table:
    return {"cost": {str(ratio): float(best_tau_in_hindsight(past, ratio, GRID).sum()) for ratio in RATIOS}}


def _plain(past: ReplayData) -> Table:
    spent = {ratio: plain_cost(past, past.levels(ratio), unit_costs(past, ratio)).sum() for ratio in RATIOS}
    return {"cost": {str(ratio): float(money) for ratio, money in spent.items()}}


def _cover(honest: ReplayData) -> Callable[[ReplayData, float], Replayed]:
    """The fixed-cover rule, its cover for each ratio the one that was cheapest in ``honest``."""

    def rule(past: ReplayData, ratio: float) -> Replayed:
        costs = unit_costs(honest, ratio)
        spent = [fixed_cover(honest, periods).cost(costs).sum() for periods in COVERS]
        return fixed_cover(past, float(COVERS[int(np.argmin(spent))]))

    return rule


def _ratios(ours: Table | None, theirs: Table | None) -> dict[str, float | None] | None:
    """The first's cost over the second's, by critical ratio; None where one is missing."""
    if ours is None or theirs is None:
        return None
    mine, other = ours["cost"], theirs["cost"]
    return {ratio: round(mine[ratio] / other[ratio], 4) if other[ratio] else None for ratio in mine}


def batch(items: int, quick: bool) -> tuple[float, float, float]:
    """Of ``forecast --all`` by a model whose feedback is on: items a second, memory, and items a second of processor time.

    Items a second from the run's first part to its last; the most memory in MB of all its processes, shared pages once; and
    items by the processor time of the whole command, starting up and summing up included: what does not depend on who else
    uses the machine.
    """
    from forecasting import workflows
    from forecasting.batch import batch_forecast as batches

    print(f"batch: {items:,} items", file=sys.stderr, flush=True)
    environment = os.environ | threads.ENVIRONMENT
    with tempfile.TemporaryDirectory() as home:
        environment["TIDELINE_HOME"] = os.environ["TIDELINE_HOME"] = home
        workflows.load_simulated(items, 104, 1, lambda progress: None)
        _train_for_a_moment(quick)
        command = [sys.executable, "-m", "forecasting", "forecast", "--all", "--progress", "json"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            most = max(most, sum(_proportional_mb(one) for one in _family(process.pid)))
            time.sleep(0.25)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if process.returncode:
            raise SystemExit(f"forecast --all ended with {process.returncode}")
        (run,) = batches.all_runs(Path(home) / "runs")
        if run.missing or not run.whole:
            raise SystemExit("forecast --all ended without all parts")
        took = datetime.fromisoformat(run.manifest.finished) - datetime.fromisoformat(run.manifest.started)
        return round(items / took.total_seconds(), 1), round(most, 1), round(items / worked, 1)


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _proportional_mb(pid: int) -> float:
    """A process's memory, a page that several share divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _train_for_a_moment(quick: bool) -> None:
    """A whole model (all members and recipes) on the catalog in use, feedback on: what it learned changes no speed."""
    from contextlib import closing

    from data.catalog import Catalog
    from forecasting import workflows

    with closing(Catalog(workflows.catalog_path())) as catalog:
        name, last, horizon = catalog.about.name, catalog.about.last, catalog.about.frequency.horizon
        panel = catalog.panel([one.item_id for one in catalog.search("", limit=300).rows])
    moment = TrainingSettings(most_steps=5, look_every=5, scale_lives=(0.5,)) if quick else TrainingSettings(most_steps=25)
    model = MQTransformerForecaster(moment)
    model.fit(panel, last, horizon)
    assert model.card is not None
    model.card = replace(model.card, catalog_name=name)
    model = model.with_feedback(Feedback(trust=0.6, doubt=0.3, likeness=0.3, recency=0.0, steadiness=0.2))
    model.save(workflows.home() / "model")


def _list_ms(quick: bool) -> object:
    """What ``bench/buying_list.py`` measures, None where there is none."""
    path = ROOT / "bench" / "buying_list.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("buying_list", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["buying_list"] = module
    spec.loader.exec_module(module)
    return module.list_ms(quick)


if __name__ == "__main__":
    main()
