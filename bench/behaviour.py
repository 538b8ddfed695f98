"""Whether two commits forecast the same: for changes that are meant to change nothing.

``python bench/behaviour.py BEFORE [AFTER] [--items N] [--out FILE]``

Of each commit (AFTER: the files as they are) it takes the shipped model's forecasts of the demo's first items, all quantiles
and spans, as the command line writes them to CSV; the forecasts of every generation, trained for a moment on two small sets
that are made here from a seed; and the CSV of all items of a simulated catalog. The last line is one JSON object:
``largest_difference``, relative to the larger of the two numbers and 1, over all of them, ``where`` it is, and
``csv_equal``, whether the CSVs are equal byte for byte but for the columns that name model and catalog.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

#: What a file says of its model and catalog beside the forecasts.
_STAMP = ("model", "version", "catalog_hash")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", help="another; default: the files as they are")
    parser.add_argument("--items", type=int, default=200, help="of the demo")
    parser.add_argument("--out", type=Path, help="keeps the figures as JSON, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tideline-behaviour-") as folder:
        found = []
        for number, commit in enumerate((options.before, options.after)):
            place = Path(folder) / str(number)
            place.mkdir()
            root = _checked_out(commit, place / "code") if commit else ROOT
            try:
                found.append(forecasts_of(root, place, options.items))
            finally:
                if commit:
                    subprocess.run(["git", "worktree", "remove", "--force", str(root)], cwd=ROOT, check=True)
        figures = compared(*found) | {"before": options.before, "after": options.after or "files", "items": options.items}
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))


def _checked_out(commit: str, place: Path) -> Path:
    subprocess.run(["git", "worktree", "add", "--detach", str(place), commit], cwd=ROOT, check=True, capture_output=True)
    return place


def forecasts_of(root: Path, place: Path, items: int) -> dict[str, pd.DataFrame]:
    """Every forecast of the code at ``root``, by what it is of."""
    environment = os.environ | {"TIDELINE_HOME": str(place / "home"), "PYTHONPATH": str(root)}
    print(f"{root}: forecasting", file=sys.stderr, flush=True)
    ran = subprocess.run([sys.executable, "-c", _SCRIPT, str(place), str(items)], cwd=root, env=environment)
    if ran.returncode:
        raise SystemExit(f"The forecasts of {root} could not be made.")
    return {path.stem: pd.read_csv(path) for path in sorted(place.glob("*.csv"))}


def compared(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> dict[str, object]:
    """The largest difference of all numbers, and whether the files are equal but for their stamps."""
    if before.keys() != after.keys():
        raise SystemExit(f"Only one of the two forecasts {sorted(before.keys() ^ after.keys())}.")
    largest, where, equal = 0.0, "", []
    for name, one in before.items():
        other = after[name]
        plain = [frame.drop(columns=[column for column in _STAMP if column in frame]) for frame in (one, other)]
        equal.append(plain[0].to_csv(index=False) == plain[1].to_csv(index=False))
        numbers = [frame.select_dtypes("number").to_numpy(np.float64) for frame in plain]
        if numbers[0].shape != numbers[1].shape:
            raise SystemExit(f"{name} has {numbers[0].shape} numbers before and {numbers[1].shape} after.")
        apart = np.abs(numbers[0] - numbers[1]) / np.maximum(np.maximum(*np.abs(numbers)), 1.0)
        if (worst := float(np.nanmax(apart, initial=0.0))) > largest:
            largest, where = worst, name
    return {"files": len(before), "largest_difference": largest, "where": where, "csv_equal": all(equal)}


#: Runs in either commit: names that moved are looked for in both places.
_SCRIPT = r"""
import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd


def named(name, *modules):
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(name)


place, items = Path(sys.argv[1]), int(sys.argv[2])
quiet = lambda progress: None
from data.groups import group_series
from data.schema import Frequency, Panel
from forecasting import workflows

TrainingSettings = named("TrainingSettings", "forecasting.models.mqtransformer.settings", "forecasting.runs")
GENERATIONS, generation = (named(name, "forecasting.models.registry", "forecasting.generations.registry")
                           for name in ("GENERATIONS", "generation"))
in_one_file = named("in_one_file", "forecasting.batch.batch_forecast", "forecasting.batch")
moment = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=40, look_every=10, patience=3)

workflows.load_complete_journey(quiet)
opened = workflows.__dict__.get("open_service", workflows.__dict__.get("open_desk"))()
ids = [one.item_id for one in opened.search("", items).rows]
opened.close()
workflows.forecast(None, None, ids).to_frame().to_csv(place / "demo.csv", index=False)

workflows.load_simulated(60, 90, 1, quiet)
workflows.train(quiet, moment)
run = workflows.forecast_all(quiet)
(place / "batch.csv").write_bytes(in_one_file(run, "csv").read_bytes())


def panel(seed, alias, periods):
    draw = np.random.default_rng(seed)
    shape = (40, periods)
    promo = (draw.random(shape) < 0.1).astype(np.float32)
    price = (2.0 + np.arange(40)[:, None] / 10 - 0.4 * promo).astype(np.float32)
    season = 1 + 0.4 * np.sin(2 * np.pi * np.arange(periods) / Frequency.of(alias).season)
    demand = draw.poisson((1 + np.arange(40)[:, None]) * season * (1 + promo)).astype(np.float32)
    demand[:3, : periods // 2] = np.nan
    made = Panel(
        item_ids=np.array([f"item {n}" for n in range(40)], dtype=object),
        periods=Frequency.of(alias).range(pd.Timestamp("2019-01-06"), periods), frequency=Frequency.of(alias),
        demand=demand, in_stock=np.ones(shape, np.float32), known={"price": price, "promo": promo},
        static={"category": np.array([f"kind {n % 4}" for n in range(40)], dtype=object)},
    )
    return replace(made, groups=group_series(made))


def made(name, seed):
    cls = generation(name)
    if name == "mqtransformer":
        return cls(moment)
    if hasattr(cls, "usual"):
        return cls(seed=seed, settings=replace(cls.usual, most_steps=20, look_every=10))
    try:
        return cls(seed=seed)
    except TypeError:
        return cls()


for name in GENERATIONS:
    cls = generation(name)
    for label, one in (("weeks", panel(1, "W-SUN", 80)), ("months", panel(2, "MS", 60))):
        model = cls(seed=1, make=made) if name == "blend" else made(name, 1)
        model.fit(one, one.periods[-9], 6)
        model.forecast(one, [one.periods[-9], one.periods[-7]])[1].to_frame().to_csv(place / f"{name}-{label}.csv", index=False)
"""


if __name__ == "__main__":
    main()
