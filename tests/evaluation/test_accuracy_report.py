"""The accuracy report: planted forecasts that are right or wrong in known places, what is stored, and a run that is stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories import make_panel
from sklearn.metrics import d2_pinball_score, mean_absolute_error

from data.errors import ConfigurationError, NotTrained, TooLittleHistory
from data.schema import Panel
from forecasting.core import metrics
from forecasting.core.types import Progress, QuantileForecast
from forecasting.evaluation.accuracy_report import AccuracyReport, ModelScores, Part, certificate, evaluate, slice_score
from forecasting.evaluation.backtest import BENCH_TAUS, WQL_TAUS, Backtest, backtest, score
from forecasting.evaluation.ladder import LadderSettings, climb
from forecasting.evaluation.ladder_store import LadderStore
from forecasting.evaluation.slices import Segment, Slice, slices
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive

TAUS = np.array(BENCH_TAUS)
NAMES = ("seasonal_naive", "empirical_last26")
REFERENCES = {"seasonal_naive": SeasonalNaive, "empirical_last26": EmpiricalQuantiles}


def uniform_backtest(origins: int = 3, items: int = 300, horizon: int = 6, seed: int = 0) -> Backtest:
    """Demand that is uniform on 0 … 100, forecast by its true quantiles."""
    rng = np.random.default_rng(seed)
    panel = make_panel()
    values = np.broadcast_to(100 * TAUS, (items, horizon, len(TAUS))).copy()
    forecasts = tuple(
        QuantileForecast(
            item_ids=np.array([f"item {row}" for row in range(items)], dtype=object),
            creation_date=panel.periods[20 + origin],
            periods=panel.periods[21 + origin : 21 + origin + horizon],
            taus=TAUS,
            values=values,
            cumulative=values * np.arange(1, horizon + 1)[:, None],
            model="true",
            version="1",
        )
        for origin in range(origins)
    )
    actuals = rng.uniform(0, 100, (origins, items, horizon)).astype(np.float32)
    return Backtest(forecasts, actuals, np.full(items, 10.0), np.zeros(items), (1,) * (origins - 1), 1.0, 1.0)


def everyone(tested: Backtest) -> Segment:
    return Segment("all", "All items", np.ones(tested.actuals.shape[1], bool))


@pytest.fixture
def panel() -> Panel:
    return make_panel(items=30, periods=90)


def tried(panel: Panel, name: str) -> ModelScores:
    tested = backtest(REFERENCES[name](), panel, horizon=6, origins=3, stride=2)
    return evaluate(tested, panel, name=name, title=name.title(), note="A note.")


def report_of(panel: Panel) -> AccuracyReport:
    rungs = tuple(tried(panel, name) for name in NAMES)
    parts = tuple(Part(one.slice, one.slice, "words") for one in rungs[0].slices)
    return AccuracyReport(len(panel), len(panel), 6, (rungs[0].trained_until,), parts, rungs)


def test_a_true_forecast_is_certified_and_a_shifted_one_is_not() -> None:
    tested = uniform_backtest(items=3000)
    (whole, *_) = certificate(tested, [everyone(tested)])
    assert whole.kept
    assert whole.error < 0.01
    assert all(low <= tau <= high for low, tau, high in zip(whole.low, TAUS, whole.high, strict=True))
    wrong = replace(tested, actuals=tested.actuals + 10)
    (other, *_) = certificate(wrong, [everyone(wrong)])
    assert not other.kept
    assert other.error == pytest.approx(0.1, abs=0.01)
    assert other.worst == pytest.approx(0.1, abs=0.015)


def test_a_planted_miss_is_found_in_its_segment_and_its_periods_alone() -> None:
    tested = uniform_backtest(items=2000)
    actuals = tested.actuals.copy()
    actuals[:, :500, 4:] += 30  # the first quarter of the items, five and six periods ahead
    tested = replace(tested, actuals=actuals)
    first = np.arange(2000) < 500
    parts = [Segment("volume", "planted", first), Segment("volume", "others", ~first)]
    found = {(one.segment, one.first, one.last): one.kept for one in certificate(tested, parts)}
    assert not found["planted", 5, 6]
    assert not found["planted", 1, 6]
    untouched = [key for key in found if key[0] == "others" or key[2] < 5]
    assert len(untouched) == 6
    assert all(found[key] for key in untouched)


def test_coverage_of_a_segment_is_that_of_the_metric() -> None:
    tested = uniform_backtest(items=40)
    actuals = tested.actuals.copy()
    actuals[0, :10] = np.nan
    tested = replace(tested, actuals=actuals)
    whole = certificate(tested, [everyone(tested)])[0]
    golden = metrics.calibration(tested.actuals, tested.quantiles[..., : len(WQL_TAUS)], np.array(WQL_TAUS))
    assert (whole.error, whole.least, whole.count) == (pytest.approx(golden.error), pytest.approx(golden.least), golden.count)


def test_items_that_share_a_shock_make_the_interval_wide() -> None:
    tested = uniform_backtest(items=1000)
    apart = certificate(tested, [everyone(tested)])[0]
    actuals = tested.actuals.copy()
    actuals[1] *= 0.5  # at one creation date everything sells half
    together = certificate(replace(tested, actuals=actuals), [everyone(tested)])[0]
    assert together.high[4] - together.low[4] > 5 * (apart.high[4] - apart.low[4])


def test_resampled_sums_are_centred_and_paired() -> None:
    cells = np.random.default_rng(0).gamma(2, 1, (3, 400, 2))
    drawn = metrics.resampled_sums(cells, draws=2000)
    assert drawn.mean(axis=0) == pytest.approx(cells.sum(axis=(0, 1)), rel=0.02)
    np.testing.assert_allclose(metrics.resampled_sums(cells[..., :1], draws=2000)[:, 0], drawn[:, 0], rtol=1e-12)
    alone = metrics.resampled_sums(cells[:1], draws=200)
    assert alone.shape == (200, 2)


def test_the_clustered_interval_knows_when_dates_disagree() -> None:
    rng = np.random.default_rng(0)
    weight, second = np.full((3, 300), 10.0), rng.gamma(2, 1, (3, 300))
    agreed = metrics.clustered_bootstrap(second * 0.8, second, weight)
    assert agreed.high < 0
    assert agreed.value == pytest.approx((second * -0.2).sum() / weight.sum())
    torn = metrics.clustered_bootstrap(second * np.array([0.5, 0.8, 1.2])[:, None], second, weight)
    assert torn.low < 0 < torn.high
    assert np.isnan(metrics.clustered_bootstrap(second, second, np.zeros((3, 300))).value)


def test_draws_in_which_nothing_sold_do_not_count() -> None:
    loss, weight = np.full((2, 3), 2.0), np.zeros((2, 3))
    weight[0, 0] = 10.0  # a third of the draws and more leave it out
    found = metrics.clustered_bootstrap(loss, loss + 1e6, weight)
    assert np.isfinite([found.value, found.low, found.high]).all()
    assert found.high < 0


def test_pinball_explains_as_much_as_scikit_learn_says() -> None:
    rng = np.random.default_rng(1)
    y, q = rng.poisson(9, 500).astype(float), rng.gamma(9, 1, 500)
    empirical = np.quantile(y, 0.9)
    ours = [metrics.pinball(y, np.broadcast_to(one, (500,))[:, None], np.array([0.9])).mean() for one in (q, empirical)]
    assert 1 - ours[0] / ours[1] == pytest.approx(d2_pinball_score(y, q, alpha=0.9), rel=1e-9)  # scikit-learn 1.9.1


def test_the_rungs_mase_is_the_scaled_absolute_error_of_the_median() -> None:
    tested = uniform_backtest(items=20)
    golden = np.mean([mean_absolute_error(tested.actuals[:, n].ravel(), np.full(18, 50.0)) / 10 for n in range(20)])
    assert score(tested).mase.value == pytest.approx(golden, rel=1e-6)


def test_dense_calibration_leaves_out_the_items_with_zeros() -> None:
    tested = uniform_backtest(items=2000)
    actuals, zeros = tested.actuals.copy(), np.zeros(2000)
    zeros[1000:] = 0.1  # one period in ten is not fewer than one in ten
    actuals[:, 1000:] = 0
    rung = score(replace(tested, actuals=actuals, zero_share=zeros))
    assert rung.calibration.error > 0.2
    assert rung.calibration_dense.error < 0.02
    assert rung.calibration_dense.count == 1000 * 18


def test_a_slice_is_scored_over_its_targets_alone(panel: Panel) -> None:
    tested = backtest(EmpiricalQuantiles(), panel, horizon=6, origins=3, stride=2)
    rung, everything = score(tested), evaluate(tested, panel, name="x", title="x", note="").of("all")
    assert (everything.wql, everything.p90, everything.count) == (pytest.approx(rung.wql), pytest.approx(rung.p90), rung.count)
    assert everything.mase == rung.mase
    mask = np.zeros_like(tested.actuals, bool)
    mask[0, :3] = True
    y, q = tested.actuals[0, :3], tested.quantiles[0, :3]
    part = slice_score(tested, Slice("some", "Some", "", mask))
    assert part.wql == pytest.approx(metrics.wql(y, q[..., : len(WQL_TAUS)], np.array(WQL_TAUS)).value)
    assert part.bias == pytest.approx(metrics.bias(y, tested.means[0, :3]).value)
    assert (part.items, part.count, part.mase.undefined) == (3, int(np.isfinite(y).sum()), 0)
    empty = slice_score(tested, Slice("none", "None", "", np.zeros_like(mask)))
    assert empty.count == empty.items == 0
    assert np.isnan([empty.wql, empty.bias, empty.below_p90, empty.mase.value]).all()


def test_a_forecaster_that_fails_at_peaks_alone_is_caught_there() -> None:
    panel = make_panel(items=40, periods=90, seed=5)
    demand = panel.demand.copy()
    demand[:12, 85] = 8 * demand[:12, 60:85].mean(axis=1)
    panel = replace(panel, demand=demand, in_stock=np.full_like(demand, np.nan))
    tested = backtest(EmpiricalQuantiles(), panel, horizon=6, origins=3, stride=2)
    one = evaluate(tested, panel, name="x", title="x", note="")
    assert one.of("peak").count > 5
    assert one.of("peak").below_p90 < one.of("all").below_p90 - 0.2
    assert one.of("peak").bias < -0.3


def test_comparing_in_the_report_is_comparing_the_backtests(panel: Panel) -> None:
    report = report_of(panel)
    tests = [backtest(REFERENCES[name](), panel, horizon=6, origins=3, stride=2) for name in NAMES]
    found = report.compare(*NAMES)
    assert found.difference.value == pytest.approx(score(tests[0]).wql - score(tests[1]).wql)
    assert found.difference.value == pytest.approx(found.first - found.second)
    back = report.compare(*NAMES[::-1])
    assert back.difference.value == pytest.approx(-found.difference.value)
    assert (back.difference.low, back.difference.high) == pytest.approx((-found.difference.high, -found.difference.low))
    promoted = report.compare(*NAMES, "promoted")
    assert promoted.first == pytest.approx(report.of(NAMES[0]).of("promoted").wql)
    assert promoted.difference.value == pytest.approx(promoted.first - promoted.second)


def test_the_report_knows_the_best_and_what_it_was_not_asked(panel: Panel) -> None:
    report = report_of(panel)
    best = min(report.tried, key=lambda one: one.rung.wql)
    assert report.best() is best
    assert report.rival(best.name) is not best
    assert replace(report, tried=(best,)).rival(best.name).name == best.name
    with pytest.raises(ConfigurationError, match="no results of 'forest'"):
        report.of("forest")
    with pytest.raises(ConfigurationError, match="no slice 'nowhere'"):
        report.compare(*NAMES, "nowhere")


# the run and what it keeps


def quiet(progress: Progress) -> None:
    """Says nothing."""


def climbed(panel: Panel, directory: Path, names: tuple[str, ...] = NAMES, **settings: object) -> list[str]:
    """Climbs the ladder of references and says which were fitted."""
    made: list[str] = []

    def make(name: str) -> SeasonalNaive | EmpiricalQuantiles:
        made.append(name)
        return REFERENCES[name]()

    climb(panel, 6, names, LadderStore(directory), make, quiet, LadderSettings(**settings))
    return made


def test_what_is_read_is_what_was_stored(panel: Panel, tmp_path: Path) -> None:
    climbed(panel, tmp_path)
    report = LadderStore(tmp_path).report([*NAMES, "forest"])
    assert [one.name for one in report.tried] == list(NAMES)
    assert report.missing == ("forest",)
    tested = backtest(SeasonalNaive(), panel, horizon=6, origins=3, stride=2)
    sample = evaluate(tested, panel, name=NAMES[0], title="", note="", seed=LadderSettings().seed)
    read = report.of(NAMES[0])
    assert str(read.slices) == str(sample.slices)  # as text, for NaN equals nothing
    assert read.certificate == sample.certificate
    assert replace(read.rung, fit_seconds=0, forecast_seconds=0) == replace(sample.rung, fit_seconds=0, forecast_seconds=0)
    np.testing.assert_allclose(read.losses, sample.losses)
    assert read.title == SeasonalNaive.title
    assert read.trained_until == report.creation_dates[0]
    assert {part.name for part in report.parts} == {one.name for one in slices(panel, report.creation_dates, 6)}
    with np.load(tmp_path / NAMES[0] / "backtest.npz") as stored:
        assert stored["quantiles"].shape == (3, len(panel), 6, len(BENCH_TAUS))
        assert [pd.Timestamp(date) for date in stored["creation_dates"]] == list(report.creation_dates)


def test_the_stored_generation_was_fitted_at_the_first_creation_date(panel: Panel, tmp_path: Path) -> None:
    climbed(panel, tmp_path)
    store = LadderStore(tmp_path)
    loaded = store.generation(NAMES[1], EmpiricalQuantiles)
    fresh = EmpiricalQuantiles()
    fresh.fit(panel, store.report(NAMES).creation_dates[0], 6)
    both = [one.forecast(panel, [panel.last])[0].values for one in (loaded, fresh)]
    np.testing.assert_allclose(*both)
    with pytest.raises(NotTrained, match="Run the ladder"):
        LadderStore(tmp_path / "elsewhere").generation(NAMES[1], EmpiricalQuantiles)


def test_what_is_shipped_tells_the_same_without_the_generations(panel: Panel, tmp_path: Path) -> None:
    climbed(panel, tmp_path / "own")
    LadderStore(tmp_path / "own").ship(tmp_path / "shipped", "abc")
    shipped, own = LadderStore(tmp_path / "shipped"), LadderStore(tmp_path / "own").report(NAMES)
    assert shipped.is_of("abc")
    assert not shipped.is_of("another")
    assert not LadderStore(tmp_path / "nothing").is_of("abc")
    report = shipped.report(NAMES)
    assert [str(one.rung) for one in report.tried] == [str(one.rung) for one in own.tried]
    first, second = (one.compare(NAMES[1], NAMES[0]).difference for one in (report, own))
    np.testing.assert_allclose([first.value, first.low, first.high], [second.value, second.low, second.high], rtol=1e-4)
    assert report.measured is not None
    assert report.measured.on.date() == datetime.now(UTC).date()
    with pytest.raises(NotTrained):
        shipped.generation(NAMES[1], EmpiricalQuantiles)


def test_a_stopped_run_goes_on_where_it_was_and_another_task_starts_anew(panel: Panel, tmp_path: Path) -> None:
    assert climbed(panel, tmp_path, NAMES[:1]) == [NAMES[0]]
    assert climbed(panel, tmp_path) == [NAMES[1]]
    assert climbed(panel, tmp_path) == []
    assert climbed(panel, tmp_path, most_items=10) == list(NAMES)
    report = LadderStore(tmp_path).report(NAMES)
    assert (report.items, report.of_items) == (10, len(panel))


def test_what_an_interrupted_run_did_not_reach_is_missing_by_its_title(panel: Panel, tmp_path: Path) -> None:
    def interrupted(name: str) -> SeasonalNaive:
        if name != NAMES[0]:
            raise KeyboardInterrupt
        return SeasonalNaive()

    with pytest.raises(KeyboardInterrupt):
        climb(panel, 6, NAMES, LadderStore(tmp_path), interrupted, quiet)
    assert climbed(panel, tmp_path, NAMES[:1]) == []
    report = LadderStore(tmp_path).report(NAMES)
    assert [one.name for one in report.tried] == [NAMES[0]]
    assert report.missing == (EmpiricalQuantiles.title,)


def test_the_sample_is_the_seeds_and_keeps_the_groups_of_the_whole(panel: Panel, tmp_path: Path) -> None:
    seen: list[Panel] = []

    class Watching(SeasonalNaive):
        def _fit(self, history: Panel, horizon: int, report: object) -> None:
            seen.append(history)
            super()._fit(history, horizon, report)

    for seed in (1, 1, 2):
        climb(panel, 6, NAMES[:1], LadderStore(tmp_path / str(len(seen))), lambda name: Watching(), quiet,
              LadderSettings(most_items=8, seed=seed))  # fmt: skip
    assert seen[0].item_ids.tolist() == seen[1].item_ids.tolist() != seen[2].item_ids.tolist()
    assert len(seen[0]) == 8
    whole = next(group for group in panel.groups if group.column == "")
    np.testing.assert_array_equal(seen[0].groups[0].demand.sum(), whole.demand[:, : len(seen[0].periods)].sum())


def test_a_generation_that_cannot_be_tried_is_kept_with_its_reason(panel: Panel, tmp_path: Path) -> None:
    class Picky(SeasonalNaive):
        def _fit(self, history: Panel, horizon: int, report: object) -> None:
            raise TooLittleHistory("It needs more.")

    store = LadderStore(tmp_path)
    climb(panel, 6, NAMES, store, lambda name: Picky() if name == NAMES[0] else EmpiricalQuantiles(), quiet)
    report = store.report(NAMES)
    assert [one.name for one in report.tried] == [NAMES[1]]
    assert report.failed == ((SeasonalNaive.title, "It needs more."),)
    assert climbed(panel, tmp_path) == [NAMES[0]]
    assert not store.report(NAMES).failed


def test_too_short_a_catalog_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLittleHistory, match="at least 8 periods"):
        climbed(make_panel(items=3, periods=7), tmp_path)
    assert LadderStore(tmp_path).report(NAMES) is None


def test_progress_never_goes_back(panel: Panel, tmp_path: Path) -> None:
    told: list[Progress] = []
    climb(panel, 6, NAMES, LadderStore(tmp_path), lambda name: REFERENCES[name](), told.append)
    assert all(a.done <= b.done for a, b in pairwise(told))
    assert told[-1].share == 1.0
    assert any("(2 of 2)" in progress.message for progress in told)
