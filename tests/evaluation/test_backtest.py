"""Backtests: the bench format, what is left out of accuracy, and the ladder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import counting_panel, make_panel

from data.errors import TooLittleHistory
from data.schema import Panel
from data.sources.bench_directory import read_panel
from forecasting.core.time_splits import actuals_after
from forecasting.core.types import Progress
from forecasting.evaluation.backtest import (
    BENCH_TAUS,
    backtest,
    ladder,
    ladder_text,
    score,
    to_bench_frame,
    write_bench,
)
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive


@pytest.fixture
def panel() -> Panel:
    return make_panel(items=5, periods=70)


def by_the_bench(sales: pd.DataFrame, forecast: pd.DataFrame) -> tuple[float, float]:
    """wQL and calibration error as the bench's own scorer computes them, written out here as the golden answer."""
    merged = forecast.merge(sales[["item_id", "date", "demand"]], on=["item_id", "date"], how="inner")
    y = merged.demand.to_numpy()
    losses, misses = [], []
    for tau in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        q = merged[str(tau)].to_numpy()
        losses.append(2 * np.maximum(tau * (y - q), (tau - 1) * (y - q)).sum() / y.sum())
        misses.append(abs((y <= q).mean() - tau))
    return float(np.mean(losses)), float(np.mean(misses))


def long(panel: Panel) -> pd.DataFrame:
    """The panel as rows of item, date and demand; what is not known has no row."""
    frame = pd.DataFrame(panel.demand, index=panel.item_ids, columns=panel.periods).stack().dropna()
    return frame.rename_axis(["item_id", "date"]).rename("demand").reset_index()


def test_scores_are_those_of_the_bench(panel: Panel) -> None:
    panel = replace(panel, in_stock=np.full_like(panel.in_stock, np.nan))  # the bench knows no stock
    tested = backtest(EmpiricalQuantiles(), panel, horizon=4, origins=3, stride=2)
    wql, cal = by_the_bench(long(panel), to_bench_frame(tested))
    rung = score(tested)
    assert rung.wql == pytest.approx(wql, rel=1e-9)
    assert rung.calibration.error == pytest.approx(cal, rel=1e-9)
    assert rung.crossings == 0
    assert rung.count == 5 * 3 * 4


def test_the_frame_is_that_of_the_bench(panel: Panel) -> None:
    frame = to_bench_frame(backtest(SeasonalNaive(), panel, horizon=4, origins=2, stride=3))
    assert frame.columns.tolist() == ["item_id", "origin", "date", *(str(tau) for tau in BENCH_TAUS)]
    assert len(frame) == 2 * 5 * 4
    first = frame[frame.item_id == "item 3"].iloc[:4]
    assert first.origin.unique().tolist() == [panel.periods[-8]]
    assert first.date.tolist() == panel.periods[-7:-3].tolist()


def test_the_fit_ends_at_the_first_origin(panel: Panel) -> None:
    class Recording(EmpiricalQuantiles):
        def _fit(self, history, horizon, report) -> None:
            self.last = history.last
            super()._fit(history, horizon, report)

    generation = Recording()
    backtest(generation, panel, horizon=4, origins=3, stride=2)
    assert generation.last == panel.periods[-4 - 2 * 2 - 1]


def test_actuals_are_the_periods_after_the_creation_date() -> None:
    assert actuals_after(counting_panel(), 3, 3)[1].tolist() == [104, 105, 106]


def test_past_the_end_nothing_is_known() -> None:
    after = actuals_after(counting_panel(), 8, 3)[0]
    assert after[0] == 9
    assert np.isnan(after[1:]).all()


def test_periods_out_of_stock_are_left_out_of_accuracy() -> None:
    panel = counting_panel()
    in_stock = panel.in_stock.copy()
    in_stock[0, 4:6] = [0.9, 1.0]
    assert np.isnan(actuals_after(replace(panel, in_stock=in_stock), 3, 2)[0]).tolist() == [True, False]


def test_an_item_whose_demand_is_not_known_does_not_count(panel: Panel) -> None:
    demand = panel.demand.copy()
    demand[2, -8:] = np.nan
    holes = replace(panel, demand=demand, in_stock=np.full_like(demand, np.nan))
    rung = score(backtest(EmpiricalQuantiles(), holes, horizon=4, origins=2, stride=4))
    assert rung.count == 4 * 2 * 4
    assert np.isfinite(rung.wql)


def test_a_span_is_not_known_where_one_of_its_periods_is_not(panel: Panel) -> None:
    tested = backtest(EmpiricalQuantiles(), panel, horizon=4, origins=3, stride=2)
    whole = np.isfinite(tested.actuals).all(axis=-1)
    assert np.isfinite(tested.span_actuals).tolist() == whole.tolist()
    assert tested.span_actuals[whole] == pytest.approx(tested.actuals[whole].sum(axis=-1))


def test_too_short_a_panel_is_refused() -> None:
    with pytest.raises(TooLittleHistory, match="at least 14 periods of history and the panel has 10"):
        backtest(EmpiricalQuantiles(), counting_panel(), horizon=12, origins=2, stride=1)


def test_the_ladder_has_the_best_first_and_can_be_read(panel: Panel) -> None:
    tested = [backtest(make(), panel, horizon=4, origins=3, stride=2) for make in (SeasonalNaive, EmpiricalQuantiles)]
    rungs = ladder(tested)
    assert rungs[0].wql < rungs[1].wql
    text = ladder_text(rungs).splitlines()
    assert text[0].split()[:2] == ["model", "wQL"]
    assert [line.split()[0] for line in text[1:]] == [rung.model for rung in rungs]
    assert text[1].split()[1] == f"{rungs[0].wql:.4f}"


def test_volatility_needs_origins_closer_than_the_horizon(panel: Panel) -> None:
    close = score(backtest(EmpiricalQuantiles(), panel, horizon=4, origins=3, stride=2))
    apart = score(backtest(EmpiricalQuantiles(), panel, horizon=4, origins=3, stride=4))
    assert close.volatility > 0
    assert np.isnan(apart.volatility)


def test_progress_is_reported(panel: Panel) -> None:
    told: list[Progress] = []
    backtest(EmpiricalQuantiles(), panel, horizon=4, origins=2, stride=2, report=told.append)
    assert told[-1].share == 1.0
    assert any("Forecasting from" in progress.message for progress in told)


@pytest.mark.parametrize("as_number", [False, True])
def test_a_written_file_joins_with_the_directory_it_came_from(tmp_path: Path, panel: Panel, as_number: bool) -> None:
    sales = long(panel)
    ids = {name: row if as_number else name for row, name in enumerate(panel.item_ids)}
    sales = sales.assign(item_id=sales.item_id.map(ids), price=1.0)
    sales.to_parquet(tmp_path / "sales.parquet")
    pd.DataFrame({"item_id": list(ids.values()), "brand": "b"}).to_parquet(tmp_path / "items.parquet")
    task = {"freq": "W-SUN", "horizon": 4, "origins": 2, "stride": 2, "known": ["price"], "static": ["brand"]}
    (tmp_path / "task.json").write_text(json.dumps(task))
    read, asked = read_panel(tmp_path)
    tested = backtest(EmpiricalQuantiles(), read, horizon=asked.horizon, origins=asked.origins, stride=asked.stride)
    write_bench(tested, tmp_path / "out" / "forecast.parquet", tmp_path)
    written = pd.read_parquet(tmp_path / "out" / "forecast.parquet")
    merged = written.merge(sales, on=["item_id", "date"], how="inner")
    assert len(merged) == len(written) == 2 * 5 * 4
    assert by_the_bench(sales, written)[0] == pytest.approx(score(tested).wql)
