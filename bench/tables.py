"""Rebuilds docs/accuracy.md and docs/buying.md from what ``bench/accuracy.py`` and ``bench/buy.py`` measured last.

``python bench/tables.py``
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import buying_page

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"

COLUMNS = {
    "wql": ("wQL", 4),
    "ql50": ("P50", 4),
    "ql90": ("P90", 4),
    "cal": ("calibration", 3),
    "cross": ("crossings", 0),
    "train_s": ("s to train", 0),
    "item_ms": ("ms an item", 1),
}
ABLATION = {"wql": "wQL", "calibration": "calibration", "post_peak": "wQL after peaks", "volatility": "excess volatility"}

HEAD = """# How accurate the generations are

Rebuilt by `make bench` from [bench/results/accuracy.json](../bench/results/accuracy.json); measured by
`python bench/accuracy.py` at commit {commit}, seeds {seeds}, on two shared cores, so that seconds are rough. Every figure
is better when lower. wQL is the mean over tau 0.1 … 0.9 of 2 · pinball / demand; calibration is mean |coverage − tau| of the
items with fewer than 1 in 10 periods at zero; a generation is trained once, at the first rolling origin.
"""


def main() -> None:
    """Writes the pages."""
    for name, made in (("accuracy", page), ("buying", buying_page.page)):
        measured = json.loads((RESULTS / f"{name}.json").read_text())
        (ROOT / "docs" / f"{name}.md").write_text(made(measured))
    accuracy = ROOT / "docs" / "accuracy.md"
    accuracy.write_text(accuracy.read_text() + analogs(json.loads((RESULTS / "analogs.json").read_text())))


def page(measured: Mapping[str, Any]) -> str:
    """The page of one measurement."""
    sets = [name for name, found in measured.items() if isinstance(found, dict) and name != "ablation"]
    parts = [HEAD.format(commit=measured["commit"], seeds=" and ".join(str(seed) for seed in measured["seeds"]))]
    for name in sets:
        parts += [f"## {name}", table(["generation", *(title for title, _ in COLUMNS.values())], ladder(measured[name]))]
    for name, variants in measured["ablation"].items():
        parts += [
            f"## What each part of MQTransformer is worth on {name}",
            "Two networks of one half-life, three creation dates a third of the horizon apart.",
            table(["network", *ABLATION.values()], ablation(variants)),
        ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def analogs(measured: Mapping[str, Any]) -> str:
    """The analogs of ten described products, for anyone to judge."""
    rows = [[one["described"], "; ".join(one["analogs"]), str(one["alike"])] for one in measured["products"]]
    words = (
        f"`python bench/analogs.py` at commit {measured['commit']}, seed {measured['seed']}: described by name, department, "
        f"category and price, {measured['same_kind']} of the {measured['of']} nearest launches are of the same kind; by "
        f"the name alone {measured['by_name_alone']}."
    )
    parts = [
        "## The analogs of ten described products",
        words,
        table(["described as", "its five nearest", "of its kind"], rows),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def ladder(models: Mapping[str, Mapping[str, Any]]) -> Iterable[list[str]]:
    """A row for each generation, best first; those that refused last."""
    for name, found in sorted(models.items(), key=lambda pair: pair[1].get("wql", float("inf"))):
        if "refused" in found:
            yield [name, found["refused"], *[""] * (len(COLUMNS) - 1)]
        else:
            yield [name, *(shown(found[key], decimals) for key, (_, decimals) in COLUMNS.items())]


def ablation(variants: Mapping[str, Mapping[str, float | None]]) -> Iterable[list[str]]:
    """A row for each variant, in the order measured."""
    for name, found in variants.items():
        yield [name, *(shown(found[key], 4) for key in ABLATION)]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(figure: float | None, decimals: int) -> str:
    """A figure, or a dash where there was nothing to judge."""
    return "–" if figure is None else f"{figure:,.{decimals}f}"


if __name__ == "__main__":
    main()
