"""What can be done, from start to end: open the desk, load data, train. The command line and the pages call this.

Everything lives in one directory, ``var/`` beside the code or ``$TIDELINE_HOME``: the catalog in use, the model trained on
it, and the forecasts of all its items.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from data.catalog import Catalog
from data.corrected_catalog import CorrectedCatalog
from data.errors import ModelError, ResourceError, TidelineError, UnknownItem, UploadError
from data.planner_store import PlannerStore
from data.schema import Panel
from data.sources import complete_journey
from data.sources.bench_directory import read_panel
from data.sources.simulator import simulate
from data.sources.simulator.settings import Planted
from data.sources.upload import load
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.file_formats import Content
from data.sources.upload.load import UploadPreview
from data.sources.upload.places.first_look import FirstLook, first_look
from data.sources.upload.purchase_orders import OrdersFile
from data.sources.upload.recipes import RecipeStore
from data.sources.upload.writing.difference import Difference, difference
from data.sources.upload.writing.kept_rows import RowStore
from data.truth_store import TruthStore, drop_others
from forecasting.batch.batch_forecast import Run
from forecasting.core.forecaster import Generation
from forecasting.core.types import Progress, QuantileForecast, Report
from forecasting.evaluation.accuracy_report import AccuracyReport
from forecasting.evaluation.ladder import LadderSettings, climb
from forecasting.evaluation.ladder_store import LadderStore
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.registry import GENERATIONS, generation
from forecasting.service.background_jobs import CommandJob
from forecasting.service.planning_service import PlanningService

#: The model that ships with the code, trained on the demo catalog.
SHIPPED = Path(__file__).parent / "shipped"

#: What all generations reached on it.
SHIPPED_LADDER = SHIPPED / "ladder"


def home() -> Path:
    """Where the catalog in use and what was made of it are kept."""
    return Path(os.environ.get("TIDELINE_HOME") or Path(__file__).parent.parent / "var")


def catalog_path() -> Path:
    """The catalog in use."""
    return home() / "catalog.duckdb"


def open_service() -> PlanningService:
    """Who answers about the catalog in use; raises ResourceError where there is none."""
    if not catalog_path().is_file():
        raise ResourceError("There is no catalog yet. Load the demo or your own data on the Data page.")
    return PlanningService(_corrected(), (home() / "model", SHIPPED), home())


def _corrected() -> CorrectedCatalog:
    """The catalog in use with what planners say of its history."""
    return CorrectedCatalog(catalog_path(), planner_store().ledger)


def planner_store() -> PlannerStore:
    """What planners decide, beside the catalog in use."""
    return PlannerStore(home() / "planner.sqlite")


def prepare(report: Report) -> tuple[str, ...]:
    """Makes the desk ready: the demo where there is no catalog, and the forecasts of all items where they are missing.

    Nothing that was loaded or left behind keeps the desk from starting: what cannot be made ready is told in the sentences
    that this answers, none where all is well.
    """
    told = []
    for step in (planner_store().set_aside_if_damaged, lambda: _made_ready(report)):
        try:
            told.append(step())
        except TidelineError as error:
            told.append(str(error))
        except Exception as error:  # whatever it is, the server starts and its pages say what they lack
            told.append(f"Not everything could be made ready ({type(error).__name__}: {error}). {_ANEW}")
    return tuple(words for words in told if words)


#: What helps where nothing else is known.
_ANEW = "Load the data again or train again on the Data page."


def _made_ready(report: Report) -> str:
    """Makes it so; answers what the planner should know of the model."""
    if not catalog_path().is_file():
        load_complete_journey(report)
        return ""
    return _summarise(report)


def load_complete_journey(report: Report) -> None:
    """Makes the demo the catalog in use and forecasts its items."""
    _load(lambda path: complete_journey.load(path, progress_of(report)), report)


def load_simulated(items: int, periods: int, seed: int, report: Report, planted: Planted | None = None) -> None:
    """Makes a simulated weekly catalog the one in use, with what is true of it beside it; raises ConfigurationError."""
    settings = simulate.asked_for(items, periods, seed, planted or Planted())
    _load(lambda path: simulate.load(path, settings, progress_of(report)), report)


def truths(catalog_hash: str) -> TruthStore | None:
    """What a simulator knows of the catalog in use, None where nobody simulated it; forecasters are never shown it."""
    return TruthStore.of(catalog_path(), catalog_hash)


def preview_upload(name: str, content: Content, report: Report = lambda progress: None) -> UploadPreview:
    """How a planner's file would be read: as one of its form was before, where there was one; raises UploadError."""
    return load.preview(name, content, None, progress_of(report), recipes().find)


def look_first(name: str, content: Content) -> FirstLook | None:
    """What a large file seems to be, within seconds; None for what is read as a whole as quickly."""
    return first_look(name, content)


@dataclass(frozen=True, eq=False)
class Addition:
    """A file with the rows of the catalog in use, of this hash, and what that changes; None where it cannot be loaded."""

    preview: UploadPreview
    difference: Difference | None
    catalog_hash: str


def preview_addition(preview: UploadPreview, report: Report = lambda progress: None) -> Addition:
    """What adding the previewed file to the catalog in use would make of it; raises UploadError where it cannot be added."""
    with closing(Catalog(catalog_path())) as catalog:
        kept = _rows().of(catalog.about.catalog_hash)
        if kept is None:
            words = "the rows that it was made of were not kept. Load a file with all of its history once; next week's can then"
            raise UploadError(f"Nothing can be added to {catalog.about.name}: {words} be added.")
        together = load.add_to(preview, kept, progress_of(report))
        if together.problems:
            return Addition(together, None, catalog.about.catalog_hash)
        report(Progress(0, 1, "Comparing it with the catalog in use"))
        return Addition(together, difference(catalog, load.rows_of(together)[1]), catalog.about.catalog_hash)


def load_addition(addition: Addition, orders: OrdersFile | None = None, report: Report = lambda progress: None) -> None:
    """Makes the catalog in use what the addition would make of it, all of it or nothing; raises UploadError.

    Its name stays, and with it the model in use, planners' decisions, and orders where no other file brings them.
    """
    with closing(Catalog(catalog_path())) as catalog:
        about = catalog.about
        if about.catalog_hash != addition.catalog_hash:
            raise UploadError(f"{about.name} was changed since the file was compared with it. Compare it again.")
        standing = load.Standing(about.words.partition(" Added last: ")[0], catalog.orders())
    preview = addition.preview
    _load(lambda path: _loaded(preview, preview.mapping, about.name, path, orders, report, standing), report)


def after_addition() -> str:
    """What the desk does with the data that was added, in a planner's words."""
    with closing(open_service()) as service:
        status = service.model()
    if not status.serves:
        return status.message
    return "All items are forecast anew with the model in use. Train again on the Data page to learn from what is new."


def can_be_added_to() -> bool:
    """Whether the rows that the catalog in use was made of are there, so that a file can be added to them."""
    if not catalog_path().is_file():
        return False
    with closing(Catalog(catalog_path())) as catalog:
        return _rows().has(catalog.about.catalog_hash)


def files() -> Path:
    """The folder whose files the Data page offers without their being brought: ``$TIDELINE_FILES``, or beside the catalog."""
    return Path(os.environ.get("TIDELINE_FILES") or home() / "files")


def _rows() -> RowStore:
    """The rows that the catalog in use was made of."""
    return RowStore(home() / "rows")


def recipes() -> RecipeStore:
    """How files of each form are read, beside the catalog in use."""
    return RecipeStore(home() / "recipes")


def load_upload(
    preview: UploadPreview,
    mapping: ColumnMapping,
    catalog_name: str,
    orders: OrdersFile | None = None,
    report: Report = lambda progress: None,
) -> None:
    """Makes the previewed file the catalog in use, with its ``orders``, all of it or nothing; raises UploadError.

    How it was read is kept for the next file of its form.
    """
    _load(lambda path: _loaded(preview, mapping, catalog_name, path, orders, report), report)


def _loaded(
    preview: UploadPreview,
    mapping: ColumnMapping,
    name: str,
    path: Path,
    orders: OrdersFile | None,
    report: Report,
    standing: load.Standing | None = None,
) -> None:
    """Writes the catalog, and keeps how the file was read and, where the disk lets it, its rows."""
    tell = progress_of(report)
    load.load(preview, mapping, name, path, orders, tell, standing)
    recipe = load.recipe_of(preview, mapping)
    if standing is None:
        recipes().keep(recipe)
    tell(1, 1, "Keeping the rows, so that a file can be added to them")
    with closing(Catalog(path)) as catalog, suppress(OSError):
        _rows().keep(catalog.about.catalog_hash, load.rows_of(preview)[0], recipe)


def train(
    report: Report, settings: TrainingSettings | None = None, directory: Path | None = None, workers: int = 1
) -> MQTransformerForecaster:
    """Trains on the catalog in use and stores the model, in ``directory`` or beside the catalog; then forecasts all items.

    What was finished is kept while it trains, and taken up by the next call after an interruption.
    """
    with closing(_corrected()) as catalog:
        about, panel = catalog.about, catalog.panel()
    forecaster = MQTransformerForecaster(settings, checkpoint=home() / "training", workers=workers)
    horizon = min(about.frequency.horizon, max(1, about.periods // 3))
    forecaster.fit(panel, about.last, horizon, report)
    assert forecaster.card is not None  # fit sets it
    forecaster.card = replace(forecaster.card, catalog_name=about.name)
    forecaster.save(directory or home() / "model")
    _summarise(report)
    return forecaster


def climb_ladder(
    report: Report,
    make: Callable[[str], Generation],
    names: Sequence[str] | None = None,
    settings: LadderSettings | None = None,
    *,
    afresh: bool = False,
) -> AccuracyReport:
    """Tries these generations, or all, on the catalog in use and keeps what comes of each; what was finished is taken up.

    They forecast as far ahead as the desk does. ``make`` gives a generation by its name.
    """
    with closing(_corrected()) as catalog:
        about, panel = catalog.about, catalog.panel()
    store = _ladder(about.history_hash)
    horizon = min(about.frequency.horizon, max(1, about.periods // 3))
    climb(panel, horizon, tuple(names or GENERATIONS), store, make, report, settings, afresh=afresh)
    answer = store.report(GENERATIONS)
    assert answer is not None  # climb began one
    return answer


def accuracy(history_hash: str) -> AccuracyReport | None:
    """What the ladder of this catalog has brought so far, or what was shipped of it; None where nobody has climbed it."""
    own, shipped = _ladder(history_hash).report(GENERATIONS), LadderStore(SHIPPED_LADDER)
    if own is not None and own.tried:
        return own
    found = shipped.report(GENERATIONS) if shipped.is_of(history_hash) else None
    return own if found is None else replace(found, shipped=True)


def ship_ladder() -> None:
    """Puts what the ladder of the catalog in use has brought beside the model that ships with the code; raises NotTrained."""
    with closing(Catalog(catalog_path())) as catalog:
        history_hash = catalog.about.history_hash
    _ladder(history_hash).ship(SHIPPED_LADDER, history_hash)


def fitted_generation(history_hash: str, name: str) -> Generation:
    """A generation as it was fitted for the ladder, at its first creation date; raises NotTrained, ConfigurationError."""
    return _ladder(history_hash).generation(name, generation(name))


def _ladder(history_hash: str) -> LadderStore:
    return LadderStore(home() / "ladder" / history_hash)


def forecast(directory: Path | None, model: Path | None, item_ids: Sequence[str] | None) -> QuantileForecast:
    """Forecast from the last period on record: of a bench directory with the model at ``model``, or of the catalog in use.

    Raises UnknownItem, NotTrained.
    """
    if directory is not None:
        panel, _ = read_panel(directory)
        if item_ids:
            panel = panel.take(_rows_of(panel, item_ids))
        forecaster = MQTransformerForecaster.load(model or directory / MQTransformerForecaster.name)
        return forecaster.forecast(panel, [panel.last])[0]
    with closing(open_service()) as service:
        return service.forecasts.forecast(item_ids)


def forecast_all(report: Report, out: Path | None = None) -> Run:
    """Forecasts the whole catalog in use into a new run below ``out`` (beside the catalog), or goes on with a stopped one.

    Beside the catalog it is what the pages read, too. Raises ResourceError without a catalog, NotTrained.
    """
    with closing(open_service()) as service:
        run = service.forecasts.forecast_all(out or home() / "runs", report)
    if out is None:
        _summarise(report)
    return run


def look_back(report: Report) -> None:
    """Works out what the forecasts of all items did lately, where that is still to be done.

    Raises ResourceError without a catalog, NotTrained.
    """
    with closing(open_service()) as service:
        if service.forecasts.monitoring() is None:
            service.forecasts.monitor(report)


#: Commands that take minutes: their further arguments, and the words when they are stopped and when they fail.
_JOBS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "train": ((), "Training stopped. What was finished is kept; start it again to go on.", "Training failed."),
    "ladder": ((), "Stopped. The generations that were finished are kept; start it again to go on.", "The run failed."),
    "forecast": (("--all",), "Stopped. The parts that were written are kept; start it again to go on.", "The run failed."),
    "look-back": ((), "Stopped.", "The look back failed."),
}


def job(name: str) -> CommandJob:
    """The command ``train``, ``ladder``, ``forecast`` or ``look-back`` in a process of its own; stopped ones are taken up."""
    arguments, stopped, went_wrong = _JOBS[name]
    command = (sys.executable, "-m", "forecasting", name, *arguments, "--progress", "json")
    return CommandJob(command, name=name, stopped=stopped, went_wrong=went_wrong)


def _rows_of(panel: Panel, item_ids: Sequence[str]) -> list[int]:
    rows = {str(item_id): row for row, item_id in enumerate(panel.item_ids)}
    unknown = [item_id for item_id in item_ids if item_id not in rows]
    if unknown:
        raise UnknownItem(f"The data set has {len(rows):,} items but not {unknown[0]!r}. Check the id; case matters.")
    return [rows[item_id] for item_id in item_ids]


def _load(build: Callable[[Path], None], report: Report) -> None:
    home().mkdir(parents=True, exist_ok=True)
    build(catalog_path())
    with closing(Catalog(catalog_path())) as catalog:
        drop_others(catalog_path(), catalog.about.catalog_hash)
        _rows().drop_others(catalog.about.catalog_hash)
    try:
        _summarise(report)
    except TidelineError:
        raise
    except Exception as error:
        raise ModelError(
            f"The data is loaded, but its items cannot be forecast by the model there is ({type(error).__name__}: {error}). "
            "Train again on the Data page."
        ) from error


def _summarise(report: Report) -> str:
    """Forecasts all items where a model serves and they were not forecast yet from this history; else why none does."""
    with closing(open_service()) as service:
        if not service.model().serves:
            return service.model().message
        status = service.forecasts.status()
        if not status.ready or status.behind:
            service.forecasts.summarise(report)
    return ""


def progress_of(report: Report) -> Callable[[int, int, str], None]:
    """How those who read and write data tell their progress."""
    return lambda done, total, message: report(Progress(done, total, message))
