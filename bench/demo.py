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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from data.catalog import Catalog  # noqa: E402
from data.schema import Panel  # noqa: E402
from data.sources import complete_journey  # noqa: E402
from forecasting.core.time_splits import position  # noqa: E402
from forecasting.core.types import QuantileForecast  # noqa: E402
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
    early = cut(panel, forecaster)
    return {
        "best_sellers": float(expected[best].sum() / lately[best].sum()),
        "all_items": float(expected.sum() / lately.sum()),
        "cut_at_week": early.t + 1,
        "cut": early.total,
        "cut_departments": early.departments,
        "expected_above_p80": int((expected > p80)[best[:CHECKED]].sum()),
    }


@dataclass(frozen=True, eq=False)
class Cut:
    """What the networks that know nothing after period ``t`` expected of the periods after it, and what came.

    ``actuals`` are the units [N] of all those periods; ``total`` is what was expected over what came of all items, and
    ``departments`` the same of each with more than 2 % of the units.
    """

    t: int
    forecast: QuantileForecast
    actuals: np.ndarray
    total: float
    departments: dict[str, float]


def cut(panel: Panel, forecaster: MQTransformerForecaster) -> Cut:
    """The forecast of the early networks from the end of their history."""
    early = forecaster.validation_model()
    assert early is not None  # the shipped model keeps them
    t = position(panel, early.learned_until)
    forecast = early.forecast(panel, [early.learned_until])[0]
    expected = forecast.mean().sum(axis=1)
    actuals = np.nan_to_num(panel.demand[:, t + 1 : t + 1 + forecaster.horizon]).astype(np.float64).sum(axis=1)
    departments = panel.static["department"]
    ratios = {
        name: float(expected[mine].sum() / actuals[mine].sum())
        for name in sorted(set(departments))
        if actuals[mine := departments == name].sum() > LEAST_SHARE * actuals.sum()
    }
    return Cut(t, forecast, actuals, float(expected.sum() / actuals.sum()), ratios)


@contextmanager
def opened() -> Iterator[Catalog]:
    """The demo, loaded into a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.duckdb"
        complete_journey.load(path)
        with closing(Catalog(path)) as catalog:
            yield catalog


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description="What the shipped model expects of the demo.")
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    with opened() as catalog:
        found = measured(catalog.panel(), MQTransformerForecaster.load(SHIPPED), catalog)
    answer = {"commit": commit(), **found}
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
