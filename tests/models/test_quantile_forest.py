"""The forest against the library that grew it, with product lines that lack features, and within its bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contract import HORIZON, fitted, only
from factories import make_panel

from data.errors import ModelError
from data.groups import group_series
from data.schema import Panel
from forecasting.core.metrics import wql
from forecasting.core.quantile_function import TAUS
from forecasting.evaluation.backtest import BENCH_TAUS, Backtest, backtest, score
from forecasting.models.baselines import EmpiricalQuantiles
from forecasting.models.forest_arrays import Growth, QuantileTrees
from forecasting.models.quantile_forest import Forest


def quick(trees: int = 30, rows: int = 1500) -> Forest:
    return Forest(most_rows=rows, growth=Growth(trees=trees, share=0.5))


@pytest.fixture(scope="module")
def priced() -> Panel:
    """40 items whose demand halves when the price rises by a third; the soaps have no price on record."""
    panel = make_panel(items=40, periods=60, seed=5, events=False)
    rng = np.random.default_rng(6)
    high = rng.random(panel.demand.shape) < 0.4
    demand = rng.poisson(rng.uniform(40, 400, (40, 1)) * np.where(high, 0.5, 1.0)).astype(np.float32)
    price = np.where(high, 4.0, 3.0).astype(np.float32)
    price[panel.static["category"] == "soap"] = np.nan
    known = {"price": price, "promo": np.zeros_like(panel.demand)}
    panel = replace(panel, demand=demand, known=known, in_stock=np.ones_like(panel.in_stock))
    return replace(panel, groups=group_series(panel))


def test_the_trees_answer_what_quantile_forest_answers() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 6)).astype(np.float32)
    targets = np.exp(features[:, 0]) + rng.gamma(2.0, size=400)
    grown = Growth(trees=25, share=0.6, seed=3).fitted(features, targets)
    asked = rng.normal(size=(50, 6)).astype(np.float32)
    ours = QuantileTrees.of(grown).quantiles(asked)
    assert ours == pytest.approx(np.asarray(grown.predict(asked, quantiles=list(TAUS))), rel=1e-6)


def test_a_line_without_prices_is_pooled_with_one_that_has_them(priced: Panel) -> None:
    """The teas, whose price is on record, gain from it; the soaps are forecast all the same."""
    tested = backtest(quick(trees=60, rows=6000), priced, horizon=4, origins=2, stride=2)
    blind = backtest(EmpiricalQuantiles(), priced, horizon=4, origins=2, stride=2)

    def miss(run: Backtest, category: str) -> float:
        rows = priced.static["category"] == category
        return wql(run.actuals[:, rows], run.quantiles[:, rows], np.array(BENCH_TAUS)).value

    assert miss(tested, "tea") < 0.6 * miss(blind, "tea")
    assert miss(tested, "soap") < 1.15 * miss(blind, "soap")
    assert score(tested).crossings == 0


def test_what_is_missing_is_a_constant_beside_a_column_that_says_so(priced: Panel) -> None:
    forest = fitted(quick(), priced, priced.periods[-HORIZON - 1])
    features = np.array([[1.0, np.nan, -np.inf], [2.0, 3.0, 4.0]], np.float32)
    forest._lacking = np.array([1])
    assert forest._filled(features).tolist() == [[1.0, -10.0, -10.0, 1.0], [2.0, 3.0, 4.0, 0.0]]


def test_a_sum_is_surer_than_the_sum_of_its_parts(priced: Panel) -> None:
    forecast = only(fitted(quick(trees=60, rows=4000), priced, priced.periods[-6]), priced, priced.periods[-6])
    span = (forecast.span_at(0.9) - forecast.span_at(0.1))[:, -1]
    parts = (forecast.at(0.9) - forecast.at(0.1)).sum(axis=1)
    assert span.mean() < 0.8 * parts.mean()
    assert forecast.span_at(0.5)[:, -1].sum() == pytest.approx(forecast.mean().sum(), rel=0.1)
    assert (np.diff(forecast.cumulative, axis=1) >= 0).all()
    np.testing.assert_array_equal(forecast.cumulative[:, 0], forecast.values[:, 0])


@pytest.mark.parametrize(("items", "rows"), [(4, 80), (8, 160), (16, 200)])
def test_training_rows_grow_with_items_up_to_a_bound(monkeypatch: pytest.MonkeyPatch, items: int, rows: int) -> None:
    seen: list[int] = []
    grow = Growth.grow
    monkeypatch.setattr(Growth, "grow", lambda self, x, y: seen.append(len(x)) or grow(self, x, y))
    panel = make_panel(items=items, periods=40)
    fitted(Forest(rows_per_item=20, most_rows=200, growth=Growth(trees=3)), panel, panel.last)
    assert len(seen) == 2
    assert all(0.6 * rows < count <= rows for count in seen)


def test_the_forest_refuses_a_panel_with_other_columns(priced: Panel) -> None:
    forest = fitted(quick(trees=5), priced, priced.last)
    with pytest.raises(ModelError, match="promo"):
        only(forest, replace(priced, known={"price": priced.known["price"]}), priced.last)


def test_it_says_that_it_is_a_reconstruction() -> None:
    assert "reconstruction" in Forest.note
    assert "never published" in Forest.note
