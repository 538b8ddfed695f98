"""What a simulator knows is kept beside its catalog, says what the simulator said, and no forecaster can see it."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.catalog import Catalog
from data.errors import ConfigurationError, UnknownItem
from data.sources.simulator import simulate
from data.sources.simulator.settings import Planted, Simulation
from data.sources.simulator.simulate import MOST_CELLS, asked_for, simulated
from data.sources.upload import load
from data.truth_store import TruthStore, truth_path
from forecasting.core.types import QuantileForecast
from forecasting.evaluation.simulator_check import RECORDED, item_truth, recorded

ROOT = Path(__file__).resolve().parents[2]
MADE = Simulation(items=600, periods=60, seed=3, stockouts=0.03)

#: The only places that may read truths: where they are made and kept, where they meet forecasts, and the door to both.
MAY_READ = {
    "data/truth_store.py",
    "data/sources/simulator/simulate.py",
    "forecasting/evaluation/simulator_check.py",
    "forecasting/workflows.py",
    "pages/ui/item/simulator_truth_panel.py",
    "pages/ui/resources/simulator_truth.py",
    "data/sources/simulator/settings.py",
    "pages/ui/item/simulator_truth_text.py",
}
TRUTHS = ("data.truth_store", "data.sources.simulator.truth", "forecasting.evaluation.simulator_check")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("truths") / "catalog.duckdb"
    simulate.load(path, MADE)
    return path


def store(path: Path) -> TruthStore:
    opened = Catalog(path)
    found = TruthStore.of(path, opened.about.catalog_hash)
    opened.close()
    assert found is not None
    return found


def test_what_is_kept_is_what_the_simulator_knows(catalog: Path) -> None:
    whole, kept = simulated(MADE).truth, store(catalog)
    wanted = ["SIM0000599", "SIM0000007", "SIM0000512"]
    truth, rows = kept.take(wanted), [599, 7, 512]
    np.testing.assert_allclose(truth.mean, whole.mean[rows, MADE.periods :], rtol=1e-6)
    np.testing.assert_array_equal(truth.demand, whole.demand[rows, MADE.periods :])
    np.testing.assert_array_equal(truth.elasticity, whole.elasticity[rows])
    np.testing.assert_allclose(truth.holiday_effect, whole.holiday_effect[rows], rtol=1e-6)
    np.testing.assert_array_equal(truth.at(0.9), whole.at(0.9)[rows, MADE.periods :])
    assert kept.planted["stockouts"] == 0.03
    assert kept.sampled(20) == kept.sampled(20) != kept.sampled(20, seed=2)
    with pytest.raises(UnknownItem, match="nobody"):
        kept.take(["SIM0000001", "nobody"])


def test_truths_of_another_catalog_are_none(catalog: Path, tmp_path: Path) -> None:
    assert TruthStore.of(catalog, "another hash") is None
    assert TruthStore.of(tmp_path / "catalog.duckdb", "none there") is None
    truth_path(tmp_path / "catalog.duckdb").write_bytes(truth_path(catalog).read_bytes()[:1000])  # cut off while written
    assert TruthStore.of(tmp_path / "catalog.duckdb", "cut") is None


def test_another_catalog_takes_the_truth_of_the_last_one_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from forecasting import workflows

    monkeypatch.setenv("TIDELINE_HOME", str(tmp_path))
    workflows.load_simulated(20, 40, 1, lambda progress: None)
    assert store(workflows.catalog_path()).items == 20
    rows = [f"{item},2025-0{month}-01,{month}" for item in "AB" for month in range(1, 9)]
    preview = load.preview("mine.csv", "\n".join(["item,date,units", *rows]).encode())
    workflows.load_upload(preview, preview.mapping, "Mine")
    assert not truth_path(workflows.catalog_path()).exists()


def test_nothing_is_left_where_a_load_fails(tmp_path: Path) -> None:
    def stop(done: int, total: int, words: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate.load(tmp_path / "catalog.duckdb", MADE, stop)
    assert not list(tmp_path.iterdir())


def test_a_simulation_that_is_too_large_says_how_many_items_it_may_have() -> None:
    asked_for(MOST_CELLS // 104, 104, 1, Planted())
    with pytest.raises(ConfigurationError, match=r"at most 200,000 items"):
        asked_for(1_000_000, 520, 1, Planted())


def test_what_is_not_planted_is_not_there() -> None:
    nothing = asked_for(10, 60, 1, Planted(holidays=False, launches=False, stockouts=False))
    assert (nothing.holidays, nothing.launches, nothing.new_items, nothing.stockouts) == (0, 0, 0, 0)
    assert asked_for(10, 60, 1, Planted(promotions_in_season=True)).promotions_in_season > 0


def true_forecast(kept: TruthStore, ids: list[str], horizon: int = 8) -> QuantileForecast:
    """A forecaster that knows everything."""
    truth, taus = kept.take(ids), np.array(RECORDED)
    values = truth.quantiles(RECORDED, slice(0, horizon))
    spans = np.stack([[truth.span_at(tau, 0, h + 1) for tau in RECORDED] for h in range(horizon)])  # (H, Q, N)
    return QuantileForecast(
        item_ids=np.array(ids, dtype=object),
        creation_date=kept.periods[0] - (kept.periods[1] - kept.periods[0]),
        periods=kept.periods[:horizon],
        taus=taus,
        values=values,
        cumulative=spans.transpose(2, 0, 1),
        model="knows",
        version="1",
        elasticity=truth.elasticity.copy(),
    )


def test_a_forecaster_that_knows_the_truth_cannot_be_beaten_and_a_higher_one_is_found_out(catalog: Path) -> None:
    kept = store(catalog)
    record = recorded(lambda ids: true_forecast(kept, list(ids)), kept)
    assert record is not None
    assert record.loss == pytest.approx(record.best_loss)
    assert record.elasticity_error == 0
    assert record.dense is not None
    for tau in RECORDED:
        assert tau <= record.dense.below[tau] <= tau + 0.1  # the least whole number whose chance reaches tau
    high = recorded(lambda ids: doubled(true_forecast(kept, list(ids))), kept)
    assert high is not None
    assert high.loss > record.loss
    assert high.everything.below[0.5] > record.everything.below[0.5] + 0.1


def doubled(forecast: QuantileForecast) -> QuantileForecast:
    return replace(forecast, values=2 * forecast.values, cumulative=2 * forecast.cumulative)


def test_the_truth_of_an_item_answers_to_price_as_it_was_made(catalog: Path) -> None:
    kept = store(catalog)
    truth = item_truth(true_forecast(kept, ["SIM0000003"]), kept)
    assert truth is not None
    once, dearer = np.ones(8), np.full(8, 1.1)
    true = truth.mean_under((once, np.zeros(8)), (dearer, np.ones(8)))
    np.testing.assert_allclose(true, truth.mean * 1.1**-truth.elasticity * truth.promotion_lift)
    assert all(times != 1 for _, times in truth.holidays)
    np.testing.assert_array_equal(truth.fan.values, true_forecast(kept, ["SIM0000003"]).values)


def test_no_forecaster_reads_what_the_simulator_knows() -> None:
    readers = set()
    for room in ("data", "forecasting", "pages"):
        for path in (ROOT / room).rglob("*.py"):
            tree = ast.parse(path.read_text("utf-8"))
            names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            if any(name == truth or name.startswith(f"{truth}.") for name in names for truth in TRUTHS):
                readers.add(path.relative_to(ROOT).as_posix())
    assert readers <= MAY_READ | {"data/sources/simulator/items.py", "data/sources/simulator/market.py"}
    assert {"data/sources/simulator/simulate.py", "forecasting/evaluation/simulator_check.py"} <= readers, "nothing was read"


def test_a_forged_truth_changes_neither_what_is_learned_nor_what_is_forecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecasting import workflows
    from forecasting.models.mqtransformer.settings import TrainingSettings

    monkeypatch.setenv("TIDELINE_HOME", str(tmp_path))
    workflows.load_simulated(24, 60, 1, lambda progress: None)
    settings = TrainingSettings(members=1, most_steps=2, look_every=1, scale_lives=(0.5,))
    said = []
    for _ in range(2):
        workflows.train(lambda progress: None, settings)
        service = workflows.open_service()
        said.append((service.key, service.forecasts.forecast().values))
        service.close()
        truth_path(workflows.catalog_path()).write_bytes(b"nothing that is true")
    assert said[0][0] == said[1][0]
    np.testing.assert_array_equal(said[0][1], said[1][1])
