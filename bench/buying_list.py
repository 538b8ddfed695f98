"""How long a change of quantile takes until the purchase list is there again, on the server, at 10,000 items.

usage: python bench/buying_list.py [--quick]

Milliseconds are the median of the whole answer: the list of all items, its totals, and the first screen's rows. The forecasts
are made up, for the time does not depend on them; everything else is as the page asks for it. Where depots supply branches
(2,000 products, 10,000 rows), also: until depots are ranked, one product's transfers, and those of all, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from data.catalog import Catalog  # noqa: E402
from data.sources.simulator import simulate  # noqa: E402
from data.sources.simulator.settings import Simulation  # noqa: E402
from forecasting.batch.forecast_summary import Summary  # noqa: E402
from forecasting.core.quantile_function import TAUS  # noqa: E402
from forecasting.purchasing.multi_echelon_plan import BranchErrorCorrelation, depot_lines, product_plan, product_plans  # noqa: E402
from forecasting.purchasing.plan_inputs import plan_inputs  # noqa: E402
from forecasting.purchasing.purchase_plan import buy_plan  # noqa: E402
from forecasting.purchasing.purchase_terms import BuySettings  # noqa: E402

SCREEN = 25
_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)


def list_ms(quick: bool, budget: float | None = None) -> float:
    """Median milliseconds from a new quantile to the new list of 10,000 items; ``quick``: of 2,000."""
    items, looks = (2_000, 3) if quick else (10_000, 20)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalog.duckdb"
        simulate.load(path, Simulation(items=items, periods=60, seed=1), lambda done, total, message: None)
        catalog = Catalog(path)
        assortment = catalog.assortment()
        catalog.close()
        summary = _forecast_of(assortment.item_ids, Path(directory) / "summary.parquet")
        made = plan_inputs(assortment, summary)
        edits = {str(item_id): 12.0 for item_id in assortment.item_ids[::50]}
        times = []
        for look in range(looks + 2):
            settings = BuySettings(tau=_LEVELS[look % len(_LEVELS)], budget=budget)
            begun = time.perf_counter()
            plan = buy_plan(made, settings, edits)
            _ = plan.totals
            plan.lines(plan.places(only_to_buy=True)[:SCREEN])
            times.append(1000 * (time.perf_counter() - begun))
    return round(statistics.median(times[2:]), 1)


def locations_ms(quick: bool) -> dict[str, float]:
    """Milliseconds until depots are ranked, for one product's transfers (median), and for those of all products."""
    products, looks = (100, 5) if quick else (2_000, 50)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "catalog.duckdb"
        simulate.load(path, Simulation(items=products, periods=60, seed=1, stockouts=0.0, locations=4))
        catalog = Catalog(path)
        assortment, sells = catalog.assortment(), catalog.known_periods() > 0
        catalog.close()
        plan = buy_plan(
            plan_inputs(assortment, _forecast_of(assortment.item_ids, Path(directory) / "summary.parquet")), BuySettings(), {}
        )
        past = BranchErrorCorrelation(0.3, sells)
        begun = time.perf_counter()
        lines = depot_lines(plan)
        ranked = time.perf_counter() - begun
        times = []
        for line in lines[:looks]:
            begun = time.perf_counter()
            product_plan(plan, line.product, line.depot, past)
            times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        product_plans(plan, past, lambda progress: None)
        whole = time.perf_counter() - begun
    each = {"depots_ranked_ms": ranked, "product_transfers_ms": statistics.median(times), "all_transfers_ms": whole}
    return {name: round(1000 * seconds, 1) for name, seconds in each.items()}


def _forecast_of(item_ids: np.ndarray, path: Path, horizon: int = 13) -> Summary:
    """Stored and mapped span quantiles of any size, as the desk has them."""
    rng = np.random.default_rng(0)
    knots = np.sort(rng.gamma(2.0, 1.0, (len(item_ids), 1, len(TAUS))), axis=-1) * rng.gamma(1.0, 20.0, (len(item_ids), 1, 1))
    spans = (knots * np.sqrt(np.arange(1, horizon + 1))[:, None]).astype(np.float32)
    total = spans[:, -1, 6]
    made = Summary("bench", pd.Timestamp("2025-12-28"), horizon, item_ids, total, total, total, np.array(TAUS), spans)
    made.save(path)
    stored = Summary.load(path, "bench")
    assert stored is not None  # it was just saved
    return stored


def main() -> None:
    """Measures and prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 items and few looks")
    options = parser.parse_args()
    figures = {"list_ms": list_ms(options.quick), "list_with_budget_ms": list_ms(options.quick, 100_000.0)}
    print(json.dumps(figures | locations_ms(options.quick)))


if __name__ == "__main__":
    main()
