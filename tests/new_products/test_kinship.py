"""Launches of a product's own kind come first among its analogs, and take little of the weight."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.new_products.kinship import kinship, with_kin_first
from forecasting.new_products.launch_history import GroupHistory, Launches, Products

NAMES = [
    "Hair care: shampoo, 15 oz",
    "Lighter fluid, 12 oz",
    "Ice cream, 12 oz",
    "Hair care: shampoo, 12 oz",
    "Bacon, 12 oz",
] * 4
SHELF = GroupHistory(
    {"": {"": 0}}, {"": np.zeros((1, 3))}, {"": np.zeros((1, 3))}, {"": np.zeros((1, 3))}, {"": np.zeros((1, 3))}
)


def products(names: list[str], start: list[int]) -> Products:
    count = len(names)
    return Products(
        np.array([f"item {row}" for row in range(count)], object),
        np.array(names, object),
        {},
        np.full(count, np.nan),
        np.zeros((count, 2)),
        np.array(start),
    )


KNOWN = Launches(products(NAMES, list(range(len(NAMES)))), np.ones((len(NAMES), 2)))


def test_words_tell_the_kind_and_sizes_do_not() -> None:
    alike = kinship(products(["Shampoo 12 oz"], [30]), KNOWN, SHELF)[0]
    assert [("shampoo" in name) for name in NAMES] == (alike > 0).tolist()


def test_kin_come_first_the_newest_before_the_rest_and_share_a_small_part() -> None:
    even = np.full((1, len(NAMES)), 1 / len(NAMES))
    even[0, 1] *= 3  # the metric likes lighter fluid
    even /= even.sum()
    shares = with_kin_first(even, products(["Shampoo 12 oz"], [30]), KNOWN, SHELF)[0]
    assert shares.sum() == pytest.approx(1.0)
    first = np.argsort(-shares, kind="stable")[:8]
    assert all("shampoo" in NAMES[row] for row in first)
    assert first[0] == max(first)
    others = [row for row in range(len(NAMES)) if "shampoo" not in NAMES[row]]
    assert shares[others].sum() > 0.3


def test_where_nothing_is_of_the_kind_the_metric_alone_decides() -> None:
    metric = np.linspace(1, 2, len(NAMES))[None]
    metric /= metric.sum()
    np.testing.assert_allclose(with_kin_first(metric, products(["Garden hose"], [30]), KNOWN, SHELF), metric)
    np.testing.assert_allclose(with_kin_first(metric, products([""], [30]), KNOWN, SHELF), metric)
