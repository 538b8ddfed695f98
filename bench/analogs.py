"""Are the nearest analogs of a described product of its kind? Ten products of the demo, from a fixed seed, five of each.

``python bench/analogs.py [--seed 7] [--out FILE]``

A product is described as a planner would: its kind and the usual size as its name, its department and category, and the median
price of its kind; brand and product type are not given. An analog is of the same kind where it has the product type that was
meant, or shares a telling word with the name. ``by_name_alone`` is the same without department, category and price. The last
line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

import numpy as np  # noqa: E402
from launches import read_demo  # noqa: E402

from forecasting.evaluation.provenance import commit  # noqa: E402
from forecasting.new_products.analog_forecast import LaunchModel  # noqa: E402
from forecasting.new_products.kinship import telling_words  # noqa: E402
from forecasting.new_products.launch_history import Launches, Products  # noqa: E402

PRODUCTS, NEAREST, ENOUGH = 10, 5, 6
GIVEN = ("department", "category")


def described(kind: str, known: Launches, *, whole: bool) -> Products:
    """A product of this kind, launched in the period after the last on record; by its name alone where not ``whole``."""
    static, rows = known.products.static, np.flatnonzero(known.products.static["product_type"] == kind)
    size = str(known.products.names[rows[0]]).split(",")[-1].strip()
    price = float(np.nanmedian(known.products.price[rows])) if whole else np.nan
    given = {column: str(static[column][rows[0]]) if whole and column in GIVEN else "" for column in static}
    return Products(
        item_ids=np.array(["new"], object),
        names=np.array([f"{kind} {size}"], object),
        static={column: np.array([value], object) for column, value in given.items()},
        price=np.array([price]),
        promo=np.zeros((1, known.window)),
        start=np.array([int(known.products.start.max()) + known.window]),
    )


def nearest(model: LaunchModel, kind: str, *, whole: bool) -> tuple[int, dict[str, Any]]:
    """How many of the five analogs of one product are of its kind, and what they are called."""
    known = model.known
    product = described(kind, known, whole=whole)
    rows = np.argsort(-model.shares(product)[0], kind="stable")[:NEAREST]
    types, names = known.products.static["product_type"], known.products.names
    alike = [types[row] == kind or bool(telling_words(kind) & telling_words(str(names[row]))) for row in rows]
    return sum(alike), {"described": str(product.names[0]), "analogs": [str(names[row]) for row in rows], "alike": sum(alike)}


def main() -> None:
    """Prints the list and the figures."""
    parser = argparse.ArgumentParser(description="Analogs of ten described products.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    panel, launches, shelf = read_demo()
    model = LaunchModel.fitted(launches, shelf, len(panel.periods) - 1)
    types, counts = np.unique(model.known.products.static["product_type"], return_counts=True)
    kinds = np.random.default_rng(options.seed).choice(types[counts >= ENOUGH], PRODUCTS, replace=False)
    found = [nearest(model, str(kind), whole=True) for kind in kinds]
    alone = [nearest(model, str(kind), whole=False)[0] for kind in kinds]
    for _, one in found:
        print(f"{one['described']}: {'; '.join(one['analogs'])}", flush=True)
    answer = {
        "commit": commit(), "seed": options.seed, "of": PRODUCTS * NEAREST, "same_kind": sum(count for count, _ in found),
        "by_name_alone": sum(alone), "products": [one for _, one in found],
    }  # fmt: skip
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(answer, ensure_ascii=False))


if __name__ == "__main__":
    main()
