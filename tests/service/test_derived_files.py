"""Derived files that are cut off, emptied and filled with garbage never keep the desk from starting, and it answers."""

from __future__ import annotations

import itertools
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from catalogs import panel_of, write
from factories import make_panel

from data.catalog import Catalog
from data.errors import ModelError, NotTrained, ResourceError
from data.planner_store import PlannerStore, Term
from forecasting import workflows
from forecasting.batch.batch_forecast import all_runs, forecast_all, latest
from forecasting.batch.forecast_summary import Summary
from forecasting.evaluation.ladder import LadderSettings, climb
from forecasting.evaluation.ladder_store import LadderStore, LadderTask
from forecasting.explain.attention_faithfulness import Agreement, Faithfulness
from forecasting.models.baselines import SeasonalNaive
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.new_products.model_store import LaunchStore
from forecasting.service.model_loading import ServedModel
from forecasting.training.training_loop import Hyperparameters
from forecasting.training.worker_pool import Job, WorkerPool

SMALL = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=5, look_every=5, width=8, decoder_width=12)
HORIZON, NAIVE = 4, SeasonalNaive.name
Damage = Callable[[Path], object]


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(max(64, path.stat().st_size)))


def other_json(path: Path) -> None:
    path.write_text('{"periods": 7, "task": [], "card": {}, "key": null}')


def a_list(path: Path) -> None:
    path.write_text("[[1], null]")


def half_garbage(path: Path) -> None:
    """The head and the tail are right, as after a power cut that lost a block."""
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = np.random.default_rng(0).bytes(third)
    path.write_bytes(bytes(content))


BINARY, TEXT = (cut_off, garbage, half_garbage), (emptied, garbage, other_json, a_list)


def damages(kinds: tuple[Damage, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("damage", kinds, ids=lambda damage: damage.__name__)


every_damage = damages((cut_off, emptied, garbage, other_json, a_list, half_garbage))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a catalog, a model trained on it, and all that is made of both."""
    home = tmp_path_factory.mktemp("home")
    catalog_path = write(home / "catalog.duckdb", panel_of(12, 30), name="Mine")
    with closing(Catalog(catalog_path)) as catalog:
        model, panel = MQTransformerForecaster(SMALL), catalog.panel()
        model.fit(panel, panel.last, HORIZON)
        assert model.card is not None
        model.card = replace(model.card, catalog_name="Mine")
        model.save(home / "model")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TIDELINE_HOME", str(home))
        assert workflows.prepare(lambda progress: None) == ()
        with closing(workflows.open_service()) as service:
            service.forecasts.monitor(lambda progress: None)
            key = service.key
        workflows.forecast_all(lambda progress: None)
    none = Agreement(0.5, 0.1, 0.9, 12)
    Faithfulness(key, none, 0.1, 0.2, 0.3, 0.4, 1.0).save(home / "faithfulness.json")
    PlannerStore(home / "planner.sqlite").set_terms("hash", "", "", {"lead_time": 2.0}, 0)
    return home


@pytest.fixture
def home(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may break."""
    copy = tmp_path / "home"
    shutil.copytree(whole, copy)
    monkeypatch.setenv("TIDELINE_HOME", str(copy))
    monkeypatch.setattr(workflows, "SHIPPED", copy / "shipped")  # of another catalog, and seconds to read
    return copy


def started() -> tuple[str, ...]:
    """What ``make run`` does: it makes ready, opens the desk and answers Today and Item; what it told."""
    told = workflows.prepare(lambda progress: None)
    with closing(workflows.open_service()) as service:
        page = service.forecasts.today()
        assert page.total == 12
        item_id = page.rows[0].item_id
        assert len(service.items.history(item_id).demand)
        if service.model().serves:
            assert service.forecasts.status().ready
            assert np.isfinite(service.items.view(item_id).forecast.values).all()
            service.forecasts.monitoring()
            service.forecasts.faithfulness()
            service.forecasts.run()
    return told


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        *itertools.product(("summary.parquet", "summary-*.npy", "totals.parquet", "look-back.parquet"), BINARY),
        *itertools.product(("faithfulness.json", "runs/*/manifest.json"), TEXT),
    ],
)
def test_a_damaged_derived_file_is_made_again_or_set_aside(home: Path, pattern: str, damage: Damage) -> None:
    (path,) = home.glob(pattern)
    damage(path)
    assert started() == ()


def test_the_home_of_these_tests_has_what_they_damage(home: Path) -> None:
    names = {path.name for path in home.rglob("*") if path.is_file()}
    assert {"catalog.duckdb", "summary.parquet", "look-back.parquet", "faithfulness.json", "manifest.json"} <= names
    assert {"card.json", "planner.sqlite", "part-00000.parquet", "totals.parquet"} <= names
    with closing(workflows.open_service()) as service:
        assert service.forecasts.monitoring() is not None
        assert service.forecasts.faithfulness() is not None
        assert service.forecasts.run() is not None
        assert service.model().serves


@pytest.mark.parametrize(
    ("pattern", "damage"), [*itertools.product(("card.json",), TEXT), *itertools.product(("*.safetensors",), BINARY)]
)
def test_a_damaged_model_does_not_serve_and_is_told(home: Path, pattern: str, damage: Damage) -> None:
    (path,) = (home / "model").glob(pattern)
    damage(path)
    (words,) = started()
    assert "rain" in words  # Train it again
    with pytest.raises(ModelError, match="Train it again"):
        MQTransformerForecaster.load(home / "model")


def test_weights_of_another_model_under_the_name_of_this_one_are_refused(home: Path) -> None:
    from safetensors.torch import load_file, save_file

    (path,) = (home / "model").glob("*.safetensors")
    weights = load_file(path)
    save_file({name: value + 1 for name, value in weights.items()}, path)
    with pytest.raises(ModelError, match="its weights are not those of its card"):
        MQTransformerForecaster.load(home / "model")


@damages((*BINARY, emptied))
def test_a_damaged_catalog_is_told_and_the_server_starts(home: Path, damage: Damage) -> None:
    path = home / "catalog.duckdb"
    if damage in (half_garbage, cut_off):  # what is hit may be asked for or not: never anything but our own error
        damage(path)
        with suppress(ResourceError):
            started()
        return
    damage(path)
    (words,) = workflows.prepare(lambda progress: None)
    assert "Load the data again" in words
    with pytest.raises(ResourceError, match="Load the data again"):
        workflows.open_service()


def test_a_catalog_without_what_is_read_of_it_is_told(home: Path) -> None:
    import duckdb

    with duckdb.connect(str(home / "catalog.duckdb")) as connection:
        connection.execute("ALTER TABLE about DROP COLUMN grouped_by")
    (words,) = workflows.prepare(lambda progress: None)
    assert "Load the data again" in words


@damages(BINARY)
def test_a_damaged_part_of_a_run_is_set_aside_and_made_again(home: Path, damage: Damage) -> None:
    (path,) = home.glob("runs/*/part-00000.parquet")
    before = path.read_bytes()
    damage(path)
    (home / "summary.parquet").unlink()  # so that the run is read
    assert started() == ()
    assert (home / "summary.parquet").is_file()
    if not path.is_file():
        (run,) = all_runs(home / "runs")
        assert run.missing == (0,)
        workflows.forecast_all(lambda progress: None)
        assert path.read_bytes() == before


def test_a_damaged_run_is_not_taken_up(home: Path) -> None:
    (path,) = home.glob("runs/*/manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"items": "many", "finished": ""}))
    assert all_runs(home / "runs") == ()
    with closing(Catalog(home / "catalog.duckdb")) as catalog:
        made = forecast_all(catalog, MQTransformerForecaster.load(home / "model"), home / "runs", lambda progress: None)
        assert made.directory != path.parent
        assert latest(home / "runs", catalog.about.history_hash) is not None


@damages((cut_off, emptied, garbage))
def test_planners_decisions_that_cannot_be_read_are_kept_aside(home: Path, damage: Damage) -> None:
    path = home / "planner.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
    left = path.read_bytes()
    told = started()
    workflows.planner_store().set_terms("hash", "", "", {"lead_time": 3.0}, 0)
    assert workflows.planner_store().terms("hash").terms == (Term("lead_time", 3.0),)
    if left:  # an empty file is a store without decisions
        (words,) = told
        (kept,) = (one for one in home.glob("planner.sqlite.damaged-*") if not one.name.endswith(("-wal", "-shm")))
        assert kept.name in words
        assert kept.read_bytes() == left


def test_a_sound_store_is_left_as_it_is(home: Path) -> None:
    assert workflows.planner_store().set_aside_if_damaged() == ""
    assert workflows.planner_store().terms("hash").terms == (Term("lead_time", 2.0),)


@every_damage
def test_a_damaged_state_of_a_training_is_made_again(tmp_path: Path, damage: Damage) -> None:
    job = Job("member-0", Hyperparameters(13.0), 10, 1, 5, "Training")
    crew = WorkerPool(tmp_path, "key", lambda progress: None, lambda: False)
    crew._keep(job, {"weights": np.arange(100, dtype=np.float32)})
    (path,) = tmp_path.glob("*.safetensors")
    assert crew._kept(job) is not None
    damage(path)
    if damage is half_garbage:
        return  # the head says what lies where, and any bytes are numbers
    assert crew._kept(job) is None
    assert not path.exists()


@pytest.fixture(scope="module")
def climbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ladder with one generation tried and one that failed."""
    directory = tmp_path_factory.mktemp("ladder")
    store, panel = LadderStore(directory), make_panel(6, 40)
    climb(panel, 4, (NAIVE,), store, lambda name: SeasonalNaive(), lambda progress: None, LadderSettings())
    store.keep_failure("feedforward", "Feed-forward", "too short")
    report = store.report([NAIVE, "feedforward"])
    assert report is not None
    assert [one.name for one in report.tried] == [NAIVE]
    assert report.failed == (("Feed-forward", "too short"),)
    return directory


@pytest.mark.parametrize("name", ["ladder.json", f"{NAIVE}/scores.json", f"{NAIVE}/cells.npz", "feedforward/failed.json"])
@every_damage
def test_a_damaged_ladder_is_tried_again(climbed: Path, tmp_path: Path, name: str, damage: Damage) -> None:
    directory = tmp_path / "ladder"
    shutil.copytree(climbed, directory)
    store = LadderStore(directory)
    damage(directory / name)
    report = store.report([NAIVE, "feedforward"])
    if name == "ladder.json":
        assert report is None
        asked = LadderTask(4, 2, 4, 10, 10, 1, ("2024-01-07",), ())
        store.begin(asked, {NAIVE: "Naive"})
        assert store.report([NAIVE]) is not None
    elif name.startswith(NAIVE):
        assert report is not None
        assert report.missing == (SeasonalNaive.title,)
        assert not store.has(NAIVE)
    else:
        assert report is not None
        assert not report.failed


@damages(TEXT)
def test_a_damaged_generation_of_the_ladder_is_told_and_fitted_again(climbed: Path, tmp_path: Path, damage: Damage) -> None:
    directory = tmp_path / "ladder"
    shutil.copytree(climbed, directory)
    store = LadderStore(directory)
    assert store.generation(NAIVE, SeasonalNaive).horizon == 4
    (path,) = (directory / NAIVE / "model").iterdir()
    damage(path)
    with pytest.raises(NotTrained, match="Run the ladder again"):
        store.generation(NAIVE, SeasonalNaive)
    assert not store.has(NAIVE)


@every_damage
def test_what_was_learned_of_launches_is_as_if_not_there(tmp_path: Path, damage: Damage) -> None:
    store = LaunchStore(tmp_path, "key")
    np.savez_compressed(store.path, tree=np.frombuffer(b'{"map": {}}', np.uint8))
    damage(store.path)
    assert store.load() is None


def test_a_summary_whose_spans_have_another_shape_is_none(home: Path) -> None:
    (path,) = home.glob("summary-*.npy")
    with closing(workflows.open_service()) as service:
        key = service.key
    assert Summary.load(home / "summary.parquet", key) is not None
    np.save(path, np.zeros((3, 3, 3), np.float32))
    assert Summary.load(home / "summary.parquet", key) is None


# the same name, other columns


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"static": {"category": ["soap"] * 12, "brand": None}}, "the groups by 'category'"),
        ({"static": {"category": None, "brand": ["own"] * 12}}, "the groups by 'brand'"),
        ({"static": {"category": None}}, "'brand'"),
        ({"known": {"promo": None}}, "the known-ahead column 'price'"),
        ({"past": {}}, "the past-only column 'views'"),
    ],
)
def test_a_catalog_of_the_same_name_that_the_model_cannot_read_is_loaded_and_told(
    home: Path, change: dict[str, dict[str, list[str] | None]], words: str
) -> None:
    panel = panel_of(12, 31, seed=3)
    changed = {
        kind: {
            name: getattr(panel, kind)[name] if values is None else np.array(values, dtype=object)
            for name, values in columns.items()
        }
        for kind, columns in change.items()
    }
    workflows._load(lambda path: write(path, replace(panel, **changed), name="Mine") and None, lambda progress: None)
    (told,) = started()
    assert "does not fit the data that is loaded now" in told
    assert words in told
    assert "Train again on the Data page" in told


def test_a_catalog_of_the_same_name_with_more_of_everything_is_served(home: Path) -> None:
    panel = panel_of(12, 31, seed=3)
    static = {"brand": panel.static["brand"], "shade": panel.static["brand"], "category": panel.static["category"]}
    workflows._load(lambda path: write(path, replace(panel, static=static), name="Mine") and None, lambda progress: None)
    assert started() == ()


def test_columns_in_another_order_change_no_forecast(home: Path) -> None:
    with closing(workflows.open_service()) as service:
        before = service.forecasts.forecast().values
    panel = panel_of(12, 30)
    static = {"brand": panel.static["brand"], "category": panel.static["category"]}
    write(home / "catalog.duckdb", replace(panel, static=static), name="Mine")
    with closing(workflows.open_service()) as service:
        np.testing.assert_allclose(service.forecasts.forecast().values, before, rtol=1e-5)


def test_an_event_or_frequency_that_the_model_reads_and_the_catalog_lacks_is_told(home: Path) -> None:
    with closing(Catalog(home / "catalog.duckdb")) as catalog:
        about = catalog.about
    encoding = MQTransformerForecaster.load(home / "model").networks.now.views[0].encoding
    assert encoding.missing_from(about) == ""
    assert replace(encoding, event_names=("Easter",)).missing_from(about) == "the event 'Easter'"
    assert "frequency D" in replace(encoding, frequency="D").missing_from(about)
    both = replace(about, known=(), grouped_by=("",))
    assert encoding.missing_from(both) == ("the known-ahead column 'price', 'promo' and the groups by 'brand', 'category'")
    status = ServedModel(both, (home / "model",)).status
    assert not status.serves


def test_an_error_in_what_is_derived_does_not_end_the_start(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr("forecasting.service.catalog_forecasts.summarise", broken)
    shutil.rmtree(home / "runs")
    (home / "summary.parquet").unlink()
    (words,) = workflows.prepare(lambda progress: None)
    assert "RuntimeError: mat1" in words
    with pytest.raises(ModelError, match="The data is loaded, but"):
        workflows._load(lambda path: None, lambda progress: None)
    with closing(workflows.open_service()) as service:
        assert service.forecasts.today().total == 12
