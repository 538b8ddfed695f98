"""Explanations from scratch: trains on simulated catalogs whose truth is known; the last line is one JSON object.

``python bench/why.py [--seeds 1 2 3] [--quick] [--out FILE]``

- ``shapley_gap``: units by which drivers miss what they split, at most, over the forecast's units; ``shapley_ms``: median of
  one item with six networks.
- ``holiday_top1``: of the items that feel a coming holiday, the share whose most attended period for it, mean over the
  networks, is the same holiday a season ago; the target is the holiday ahead that the item feels most.
- ``bias_removed``: brisk items whose level jumps by 30 %, up or down, every six periods once the world has become unsteady,
  and for the last time when training ends. Four periods later, how much further too low forecasts are for items that rose than
  for those that fell: the share of this that feedback removes; ``bias_masked`` is half of what is there without it.
- ``elasticity_mae``, ``sign_accuracy``: median error of elasticities where promotions follow the season, and the share above 0.
- ``faithfulness``: rank correlation, over items, of the share of the level that was seen in the twin periods with the change of
  the forecast when they are masked; ``faithfulness_seeds`` has one for each seed.
- ``launch_vs_category``, ``launch_vs_attributes``: from ``bench/launches.py``; null where it is not there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from data.groups import group_series  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources.simulator.settings import SimulatedChunk, Simulation  # noqa: E402
from data.sources.simulator.simulate import simulated  # noqa: E402
from forecasting.core.time_splits import held_back  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.explain.attention_attribution import attention_attribution, expected  # noqa: E402
from forecasting.explain.attention_faithfulness import agreement  # noqa: E402
from forecasting.explain.shapley_drivers import drivers  # noqa: E402
from forecasting.models.mqtransformer.ensemble import Ensemble  # noqa: E402
from forecasting.models.mqtransformer.error_feedback import Feedback  # noqa: E402
from forecasting.models.mqtransformer.feedback_ensemble import FeedbackEnsemble  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.models.mqtransformer.settings import TrainingSettings  # noqa: E402

HORIZON, TIMED, SHIPPED_MEMBERS, CHUNK = 13, 25, 6, 64
JUMP, APART, LATER = 1.3, 6, 4
CALM = Simulation(intermittent=0.0, launches=0.0, new_items=0.0, ends=0.0, stockouts=0.0, ahead=HORIZON)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Explanations against the simulator's truth, from scratch.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--quick", action="store_true", help="few items, few steps, one seed: a rough answer")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    seeds = options.seeds[:1] if options.quick else options.seeds
    started = time.perf_counter()
    by_seed: list[dict[str, float]] = []
    for seed in seeds:
        by_seed.append({**_holidays(seed, options.quick), **_bias(seed, options.quick), **_elasticities(seed, options.quick)})
        print(seed, json.dumps(by_seed[-1]), f"{time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    worst = {"shapley_gap": np.max, "sign_accuracy": np.min}
    answer: dict[str, object] = {name: float(worst.get(name, np.mean)([one[name] for one in by_seed])) for name in by_seed[0]}
    answer |= _launches(options.quick)
    answer |= {
        "commit": commit(),
        "faithfulness_seeds": [one["faithfulness"] for one in by_seed],
        "seeds": seeds,
        "quick": options.quick,
    }
    answer["seconds"] = round(time.perf_counter() - started)
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def _trained(panel: Panel, until: int, seed: int, quick: bool) -> MQTransformerForecaster:
    settings = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=200, look_every=25)
    if quick:
        settings = replace(settings, members=1, most_steps=24, look_every=12, batch_targets=4096)
    model = MQTransformerForecaster(replace(settings, seed=seed))
    model.fit(panel, panel.periods[until], HORIZON)
    return model


def _items(quick: bool) -> int:
    return 48 if quick else 150


def _holidays(seed: int, quick: bool) -> dict[str, float]:
    """A market whose categories feel holidays, seen before the holidays at the end of its third year."""
    made = simulated(
        replace(
            CALM,
            items=_items(quick),
            periods=158,
            start="2022-10-30",
            seed=seed,
            categories=8,
            holidays=1.6,
        )
    )
    panel, plan, t = made.panel, made.plan, len(made.panel.periods) - 1
    model = _trained(panel, t, seed, quick)
    found = [
        attention_attribution(model.networks, panel.take(rows), plan.take(rows))
        for rows in np.array_split(np.arange(len(panel)), -(-len(panel) // CHUNK))
    ]
    weights = np.concatenate([one.weights for one in found])  # (N, H, B)
    counted, share = (
        np.concatenate(arrays).mean(axis=1) for arrays in zip(*((one.counted, one.share) for one in found), strict=True)
    )
    return {
        **_shapley(model, made),
        "holiday_top1": _top_is_the_same_holiday(made, weights, found[0].back),
        "faithfulness": agreement(counted, share).value,
    }


def _top_is_the_same_holiday(made: SimulatedChunk, weights: np.ndarray, back: np.ndarray) -> float:
    """Of the items that feel a coming holiday: whether the holiday ahead that they feel most looked at itself a year ago."""
    panel, plan = made.panel, made.plan
    felt = np.abs(np.log(made.truth.holiday_effect)) @ plan.events.T  # (N, H)
    top = panel.events[len(panel.periods) - 1 - back][weights.argmax(axis=-1)]  # (N, H, E) events of the top period
    ago = np.arange(1, HORIZON + 1) + back[weights.argmax(axis=-1)]  # (N, H) periods between target and top period
    rows, target = np.flatnonzero(felt.max(axis=1) > 0.2), felt.argmax(axis=1)
    same = (top * plan.events).any(axis=-1) & (np.abs(ago - 52) <= 3)
    return float(same[rows, target[rows]].mean())


def _shapley(model: MQTransformerForecaster, made: SimulatedChunk) -> dict[str, float]:
    """Gap and time of the drivers of single items, with as many networks as ship."""
    now = model.networks.now
    views = [replace(view, members=(view.members * SHIPPED_MEMBERS)[:SHIPPED_MEMBERS]) for view in now.views]
    networks = replace(model.networks, now=Ensemble(views))
    gaps, times = [], []
    for row in range(min(TIMED, len(made))):
        history, plan = made.panel.take([row]), made.plan.take([row])
        corrected = networks.predict(history, plan).correction
        started = time.perf_counter()
        found = drivers(networks, history, plan, corrected)
        times.append(time.perf_counter() - started)
        gaps.append(found.gap / max(float(found.forecast.sum()), 1.0))
    return {"shapley_gap": max(gaps), "shapley_ms": 1000 * float(np.median(times))}


def _bias(seed: int, quick: bool) -> dict[str, float]:
    """Levels that jump again and again in the periods held back, and once more when training ends."""
    brisk = replace(CALM, items=_items(quick), periods=108, seed=seed, categories=8, units=80, spread=0.4, noise=(20, 25))
    made = simulated(brisk)
    last = len(made.panel.periods) - 1
    until = last - LATER
    jumps = range(until + 1, held_back(until + 1, HORIZON) - 1, -APART)  # the last one first
    sizes = JUMP ** np.random.default_rng(seed).choice([-1, 1], (len(jumps), len(made), 1))
    moved = np.arange(last + 1) >= np.array(jumps)[:, None, None]  # (jumps, 1, T)
    factor = np.where(moved, sizes, 1.0).prod(axis=0)  # (N, T)
    panel = replace(made.panel, demand=np.round(made.panel.demand * factor).astype(np.float32), groups=())
    panel = replace(panel, groups=group_series(panel))
    model = _trained(panel, until, seed, quick)
    truth = (made.truth.mean[:, last + 1 :] * factor[:, -1:])[:, :LATER]
    rose = sizes[0, :, 0] > 1

    def gap(networks: FeedbackEnsemble) -> float:
        units = np.concatenate(
            [
                expected(networks.predict(panel.take(rows), made.plan.take(rows)))[:, :LATER]
                for rows in np.array_split(np.arange(len(panel)), -(-len(panel) // CHUNK))
            ]
        )
        fell_by, rose_by = (float(units[rows].sum() / truth[rows].sum()) for rows in (~rose, rose))
        return fell_by - rose_by

    without = gap(replace(model.networks, feedback=Feedback()))
    removed = 1 - gap(model.networks) / without
    return {"bias_removed": removed, "bias_masked": without / 2, "feedback_trust": model.networks.feedback.trust}


def _elasticities(seed: int, quick: bool) -> dict[str, float]:
    """Promotions that come in high season, for four years: lift, season and price confound."""
    made = simulated(replace(CALM, items=_items(quick), periods=208, seed=seed, categories=8, promotions_in_season=2.0))
    panel, last = made.panel, len(made.panel.periods) - 1
    model = _trained(panel, last, seed, quick)
    found = model.forecast(panel, [panel.last], made.plan)[0].elasticity
    assert found is not None  # the simulator has prices
    return {
        "elasticity_mae": float(np.median(np.abs(found - made.truth.elasticity))),
        "sign_accuracy": float((np.sign(found) == np.sign(made.truth.elasticity)).mean()),
    }


def _launches(quick: bool) -> dict[str, float | None]:
    """Ratios of wQL on launches held out, as ``bench/launches.py`` measures them."""
    if not (HERE / "launches.py").is_file():
        return {"launch_vs_category": None, "launch_vs_attributes": None}
    found = importlib.import_module("launches").measured(quick)
    return {name: found.get(name) for name in ("launch_vs_category", "launch_vs_attributes")}


if __name__ == "__main__":
    main()
