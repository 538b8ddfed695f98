"""Launches that were held out: the blend against the category's launches and against neighbours by attributes alone.

``python bench/launches.py [--quick] [--out FILE]``

Launches of complete_journey with a first sale in week 14 or later and at least 13 weeks after it, forecast for their first
8 weeks by what was fitted before: the metric anew every 3 or 4 weeks, on launches that were over by then; a small network
every 7 weeks, trained for less than a minute; the network's share on still earlier launches. ``--quick`` takes the later
half alone, with one network. The last line is one JSON object: ratios of wQL over the 8 weeks (``launch_vs_…``) with the
interval that holds nine in ten resamples of items, the same of the 8 weeks' total (``launch_total_vs_…``), and each view's
own wQL.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from data.catalog import Catalog  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources import complete_journey  # noqa: E402
from forecasting.core.time_splits import history_until  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.models.mqtransformer.settings import TrainingSettings  # noqa: E402
from forecasting.new_products.analog_forecast import LaunchModel, losses  # noqa: E402
from forecasting.new_products.holdout_trial import ALIKE, BLEND, CATEGORY, by_network, trial, views_of  # noqa: E402
from forecasting.new_products.launch_history import GroupHistory, Launches, read_launches  # noqa: E402

WINDOW, FIRST, AFTER, EVERY, REFIT = 8, 13, 13, 4, 7
TRAINING = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=150, patience=3, most_items=3000)
DRAWS = 1000


def measured(quick: bool) -> dict[str, float]:
    """Ratios of wQL with intervals, and what stands behind them."""
    panel, launches, shelf = read_demo()
    last = len(panel.periods) - AFTER - 1
    firsts = [(FIRST + last) // 2 + 1] if quick else list(range(FIRST, last + 1, REFIT))
    stretches = list(zip(firsts, [*(first - 1 for first in firsts[1:]), last], strict=True))
    lost: dict[str, list[np.ndarray]] = {}
    sold = []
    for first, end in stretches:
        network = _network(panel, first - 1)
        share = None
        for start in range(first, end + 1, EVERY):
            held = launches.begun_within(start, min(start + EVERY - 1, end))
            if not len(held):
                continue
            model = LaunchModel.fitted(launches, shelf, start - 1, members=2)
            if share is None:
                tested = trial(launches, shelf, panel, start - 1, network)
                share = tested.network_share if tested else model.network_share
            views = views_of(model, held.products, by_network(network, panel, held.products), share)
            for name, fans in views.items():
                lost.setdefault(name, []).append(np.stack(losses(fans, held.curves), axis=1))
            sold.append(held.curves.sum(axis=1))
            _say(f"launched in weeks {start + 1} to {min(start + EVERY, end + 1)}: {len(held)}, network's share {share:.0%}")
    return _figures({name: np.concatenate(parts) for name, parts in lost.items()}, np.concatenate(sold))


def read_demo() -> tuple[Panel, Launches, GroupHistory]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalog.duckdb"
        complete_journey.load(path)
        catalog = Catalog(path)
        names = {facts.item_id: facts.name for facts in catalog.search("", limit=catalog.about.items).rows}
        launches, shelf = read_launches(catalog.batches(2048), names, WINDOW)
        panel = catalog.panel()
        catalog.close()
    return panel, launches, shelf


def _network(panel: Panel, t: int) -> MQTransformerForecaster:
    """A small network that knows the periods up to ``t``."""
    network = MQTransformerForecaster(TRAINING)
    past = history_until(panel, t)
    network.fit(past, past.last, WINDOW)
    _say(f"a network that knows {t + 1} weeks is trained")
    return network


def _figures(lost: dict[str, np.ndarray], sold: np.ndarray) -> dict[str, float]:
    """``lost`` name → [N, 2] losses of periods and of the total, ``sold`` [N]."""
    drawn = np.random.default_rng(0).multinomial(len(sold), np.full(len(sold), 1 / len(sold)), size=DRAWS)  # (draws, N)
    answer: dict[str, float] = {"launches": float(len(sold))}
    for place, key in enumerate(("launch", "launch_total")):
        for other, short in ((CATEGORY, "category"), (ALIKE, "attributes")):
            pair = np.stack([lost[BLEND][:, place], lost[other][:, place]], axis=1)
            resampled = drawn @ pair
            answer[f"{key}_vs_{short}"] = float(pair[:, 0].sum() / pair[:, 1].sum())
            low, high = np.quantile(resampled[:, 0] / resampled[:, 1], [0.05, 0.95])
            answer |= {f"{key}_vs_{short}_low": float(low), f"{key}_vs_{short}_high": float(high)}
        for name, losses_of in lost.items():
            answer[f"{key}_wql_{name.replace(' ', '_')}"] = float(2 * losses_of[:, place].sum() / sold.sum())
    return {name: round(value, 5) for name, value in answer.items()}


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="Launch forecasts against plain rules, on launches held out.")
    parser.add_argument("--quick", action="store_true", help="the later half of the launches alone")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    answer = measured(options.quick)
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
