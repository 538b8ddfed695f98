"""docs/buying.md from what ``bench/buy.py`` measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What one forecaster or rule spent over what another did, by critical ratio.
COSTS = {
    "cost_vs_patchwork": "MQTransformer over patchwork",
    "cost_vs_lightgbm": "MQTransformer over LightGBM",
    "cost_vs_hindsight": "MQTransformer over each item's best tau in hindsight",
    "newsvendor_vs_patchwork": "MQTransformer over patchwork, what is lost not counted",
    "newsvendor_vs_lightgbm": "MQTransformer over LightGBM, what is lost not counted",
    "rule_vs_newsvendor": "counting what is lost over not counting it",
    "policy_vs_newsvendor": "learned policy over not counting it",
    "policy_vs_rule": "learned policy over the rule",
    "policy_vs_patchwork": "learned policy over patchwork",
    "policy_vs_lightgbm": "learned policy over LightGBM",
    "policy_vs_cover": "learned policy over fixed cover",
    "plain_vs_patchwork": "plainly, MQTransformer over patchwork",
    "plain_vs_lightgbm": "plainly, MQTransformer over LightGBM",
}

HEAD = """# Buying: what the forecasts are worth in money

Rebuilt by `make bench` from [bench/results/buying.json](../bench/results/buying.json); measured by `python bench/buy.py` at
commit {commit} on two shared cores. Every forecaster is trained until the first rolling origin of the set and then buys in
every period after it by the same rule, lead time 2, review 1, lost sales: up to the newsvendor's quantile, less what will be
lost before the receipt. Costs are ratios: below 1 is a saving. *Plainly* is each creation date by itself instead of a replay in
which stock is carried on. How it is replayed: [decision 17](decisions/0017-replay-and-policy.md); what is counted as lost:
[decision 25](decisions/0025-lost-sales.md).
"""


def page(found: Mapping[str, Any]) -> str:
    """The figures as a page."""
    sets = list(found["cost_vs_patchwork"])
    parts = [HEAD.format(commit=found["commit"]), *(_of_set(found, name) for name in sets), _speed(found)]
    return "\n".join(parts)


def _of_set(found: Mapping[str, Any], name: str) -> str:
    ratios = list(found["cost_vs_patchwork"][name])
    lines = [f"## {name}", "", "| critical ratio | " + " | ".join(ratios) + " |", "|---|" + "---|" * len(ratios)]
    for key, words in COSTS.items():
        costs = (found.get(key) or {}).get(name) or {}
        cells = [f"{costs[ratio]:.3f}" if costs.get(ratio) is not None else "–" for ratio in ratios]
        lines.append(f"| {words} | " + " | ".join(cells) + " |")
    covered = (found.get("span_coverage") or {}).get(name) or {}
    taus = list(next(iter(covered.values()), ()))
    lines += ["", "| demand over three periods at or below its | " + " | ".join(taus) + " |", "|---|" + "---|" * len(taus)]
    for how, shares in covered.items():
        words = {"learned": "span quantile", "summed": "sum of the periods' quantiles"}[how]
        lines.append(f"| {words} | " + " | ".join(f"{100 * shares[tau]:.1f} %" for tau in taus) + " |")
    return "\n".join(lines) + "\n"


def _speed(found: Mapping[str, Any]) -> str:
    lines = [
        "## Speed",
        "",
        f"Measured at commit {found['speed_commit']}.",
        "",
        f"- Buy list of 10,000 items after a new quantile: {found['list_ms']} ms on the server.",
    ]
    for items, speed in found["batch_items_per_s"].items():
        worked, memory = found["batch_items_per_cpu_s"][items], found["batch_rss_mb"][items]
        lines.append(
            f"- `forecast --all` of {int(items):,} items with feedback on, 13 periods, all quantiles and spans: {speed:,.0f} "
            f"items a second, {worked:,.0f} a second of processor time, {memory:,.0f} MB."
        )
    return "\n".join(lines) + "\n"
