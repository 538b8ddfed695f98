"""What the shipped model expects of the demo, beside what the demo sold: is the sum of it all believable?

    python bench/demo.py [--out FILE]

Nobody plans promotions in the demo, so all of it is forecast with promotions as usual. ``best_sellers`` is what the 1,500 best
sellers of the last 13 weeks are expected to sell in the next 13, over what they sold; ``cut`` is what all items were expected
to sell from week 39 on, by the networks that know nothing after it, over what came, and ``cut_departments`` the same of each
department with more than 2 % of the units; ``expected_above_p80`` counts those of the 500 best sellers whose expected total
lies above the P80 of their own total. Prints one JSON object on its last line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from data.catalog import Catalog  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources import complete_journey  # noqa: E402
from forecasting.core.time_splits import position  # noqa: E402
from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster  # noqa: E402
from forecasting.workflows import SHIPPED  # noqa: E402

BEST, CHECKED, LEAST_SHARE = 1500, 500, 0.02


def measured(panel: Panel, forecaster: MQTransformerForecaster, catalog: Catalog) -> dict[str, object]:
    """The figures of the module's first lines."""
    horizon = forecaster.horizon
    demand = np.nan_to_num(panel.demand).astype(np.float64)
    lately = demand[:, -horizon:].sum(axis=1)
    best = np.argsort(-lately)[:BEST]
    now = forecaster.forecast(panel, [panel.last], catalog.plan(None, horizon))[0]
    expected = now.mean().sum(axis=1)
    p80 = now.span(horizon).span_at(0.8)[:, 0]
    early = forecaster.validation_model()
    assert early is not None  # the shipped model keeps them
    t = position(panel, early.learned_until)
    before = early.forecast(panel, [early.learned_until])[0].mean().sum(axis=1)
    actuals = demand[:, t + 1 : t + 1 + horizon].sum(axis=1)
    departments = panel.static["department"]
    shares = {name: actuals[departments == name].sum() / actuals.sum() for name in sorted(set(departments))}
    return {
        "best_sellers": float(expected[best].sum() / lately[best].sum()),
        "all_items": float(expected.sum() / lately.sum()),
        "cut_at_week": t + 1,
        "cut": float(before.sum() / actuals.sum()),
        "cut_departments": {
            name: float(before[departments == name].sum() / actuals[departments == name].sum())
            for name, share in shares.items()
            if share > LEAST_SHARE
        },
        "expected_above_p80": int((expected > p80)[best[:CHECKED]].sum()),
    }


def main() -> None:
    """Loads the demo into a folder of its own and prints the figures."""
    parser = argparse.ArgumentParser(description="What the shipped model expects of the demo.")
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.duckdb"
        complete_journey.load(path)
        with closing(Catalog(path)) as catalog:
            found = measured(catalog.panel(), MQTransformerForecaster.load(SHIPPED), catalog)
    answer = {"commit": commit(), **found}
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
