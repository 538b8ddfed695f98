"""The command line: ``python -m forecasting inspect | load | train | forecast | look-back | backtest | ladder | prepare``.

DIR is a data set in the bench format; without one, the catalog in use is meant.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import ConfigurationError, ModelError, TidelineError, UploadError
from data.sources.upload.places.named import place_of, title_of
from forecasting import import_commands
from forecasting.core import threads
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import PLANS
from forecasting.core.types import Progress

if TYPE_CHECKING:
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.purchase_orders import OrdersFile

#: How far a run that the desk watches steps back from the processors, where the system knows such a thing.
_BEHIND = 5


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; answers the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: leave as with Ctrl-C, workers too
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        with threads.one_thread() if options.fits else nullcontext():
            run(options)
    except TidelineError as error:
        print(f"tideline: {error}", file=sys.stderr)
        return 1
    except MemoryError:
        print("tideline: there is not enough memory for this. Free some, or choose fewer items.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntideline: stopped. A training goes on where it was when it is started again.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m forecasting", description="Tideline's forecasts from the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], None], words: str, *, fits: bool = False
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(run=run, fits=fits)
        return added

    command("prepare", _prepare, "Make the desk ready: load the demo where there is no catalog, forecast all items.")
    look = command("inspect", _inspect, "Tell how a file of sales would be read, and what could be mended in it.")
    look.add_argument("--json", action="store_true", help="for a program")
    load = command("load", _load, "Make a file of sales the catalog in use, with a file of purchase orders where there is one.")
    for reading in (look, load):
        import_commands.add_arguments(reading)
    import_commands.add_load_arguments(load)
    train = command("train", _train, "Train on the catalog in use, or on a bench directory.", fits=True)
    train.add_argument("directory", type=Path, nargs="?", help="a bench directory")
    train.add_argument("--model", default="mqtransformer", help="generation (bench directory only)")
    train.add_argument("--out", type=Path, help="where the model goes; shipped: the one in the repository")
    train.add_argument("--seed", type=int, default=1)
    forecast = command("forecast", _forecast, "Forecast from the last period on record, to Parquet or CSV.")
    forecast.add_argument("directory", type=Path, nargs="?", help="a bench directory")
    forecast.add_argument("--model-dir", type=Path, help="where a trained model lies (bench directory: needed)")
    forecast.add_argument("--item", action="append", help="an item id; may be given several times (default: all)")
    forecast.add_argument("--all", action="store_true", help="every item of the catalog in use, streamed to Parquet parts")
    forecast.add_argument(
        "--out", type=Path, help="a file; with --all, the directory of the runs (default: beside the catalog)"
    )
    back = command("look-back", _look_back, "What all forecasts did lately: which moved, and which missed their range.")
    backtest = command(
        "backtest", _backtest, "Train at the first rolling origin, forecast from all, write the forecasts.", fits=True
    )
    backtest.add_argument("directory", type=Path, help="a bench directory")
    backtest.add_argument("--model", default="mqtransformer")
    backtest.add_argument("--out", type=Path, required=True, help="a Parquet file")
    backtest.add_argument("--seed", type=int, default=1)
    ladder = command(
        "ladder", _ladder, "Backtest several generations on the catalog in use, or on a bench directory.", fits=True
    )
    ladder.add_argument("directory", type=Path, nargs="?", help="a bench directory")
    ladder.add_argument("--models", nargs="+", help="default: all")
    ladder.add_argument("--seed", type=int, default=1)
    ladder.add_argument("--items", type=int, default=2000, help="drawn at most (catalog in use only)")
    ladder.add_argument("--out", choices=["shipped"], help="puts what came of it beside the model in the repository")
    ladder.add_argument("--afresh", action="store_true", help="also those that were tried before (catalog in use only)")
    ablate = command("ablate", _ablate, "What each part of MQTransformer is worth on a bench directory.", fits=True)
    ablate.add_argument("directory", type=Path, help="a bench directory")
    ablate.add_argument("--seed", type=int, default=1)
    for tried in (backtest, ladder):
        tried.add_argument(
            "--plan", choices=PLANS, default="catalog", help="prices and promotions ahead: all known, none, or as the data has"
        )
    for watchable in (load, train, forecast, back, ladder):
        watchable.add_argument("--progress", choices=["words", "json"], default="words", help="how progress is told on stderr")
    return parser


def _prepare(options: argparse.Namespace) -> None:
    from forecasting import workflows

    told = workflows.prepare(_Terminal())
    for words in told:
        print(f"tideline: {words}", file=sys.stderr)
    if not told:
        print(f"The catalog at {workflows.catalog_path()} is ready.")


def _inspect(options: argparse.Namespace) -> None:
    from forecasting import workflows

    preview = import_commands.read(options)
    recipe = workflows.recipes().find(preview.signature)
    print(import_commands.as_json(preview, recipe) if options.json else import_commands.as_text(preview, recipe))


def _load(options: argparse.Namespace) -> None:
    from data.sources.upload.purchase_orders import read_orders
    from forecasting import workflows

    if options.orders is not None and not options.orders.is_file():
        raise ConfigurationError(f"There is no file {options.orders}. Check its name.")
    report = _reporter(options)
    if (look := workflows.look_first(*place_of(options.file))) is not None and options.progress != "json":
        print(f"First look: {look.words}", file=sys.stderr)
    if options.map or options.take or options.recipe:
        preview = import_commands.read(options, workflows.progress_of(report))
    else:
        preview = workflows.preview_upload(*place_of(options.file), report)
    orders = None
    if options.orders is not None:
        orders = read_orders(options.orders.name, options.orders.read_bytes())
    if options.append:
        _append(options, preview, orders, report)
        return
    workflows.load_upload(preview, preview.mapping, options.name or title_of(options.file), orders, report)
    print(f"Loaded {preview.items:,} items{f' and {len(orders.orders):,} orders' if orders else ''}.")


def _append(
    options: argparse.Namespace, preview: UploadPreview, orders: OrdersFile | None, report: Callable[[Progress], None]
) -> None:
    """Says what the file would change in the catalog in use, and changes it where that is wanted."""
    from forecasting import workflows

    if options.name:
        raise ConfigurationError("A file that is added takes no --name: the catalog keeps its own.")
    addition = workflows.preview_addition(preview, report)
    if addition.difference is None:
        raise UploadError(
            f"{preview.file_name} cannot be added; the catalog in use stays as it was.", addition.preview.problems
        )
    print(import_commands.difference_text(addition.difference))
    if addition.difference.nothing and orders is None:
        return
    if not options.yes:
        print("Nothing was changed. Say --yes to take it.")
        return
    workflows.load_addition(addition, orders, report)
    print(f"Added. {workflows.after_addition()}")


def _train(options: argparse.Namespace) -> None:
    from forecasting import workflows
    from forecasting.models.mqtransformer.settings import TrainingSettings

    if options.directory is None:
        out = workflows.SHIPPED if options.out == Path("shipped") else options.out
        report = _reporter(options)
        trained = workflows.train(report, TrainingSettings(seed=options.seed), out, workers=threads.processes())
        print(f"Trained in {trained.card.train_seconds:.0f} s; {trained.card.metrics}" if trained.card else "Trained.")
        return
    from data.sources.bench_directory import read_panel

    panel, task = read_panel(options.directory)
    model = _seeded(options.model, options.seed)
    model.fit(panel, panel.last, task.horizon, _Terminal())
    _say_left_out(model)
    model.save(options.out or options.directory / options.model)


def _forecast(options: argparse.Namespace) -> None:
    from forecasting import workflows
    from forecasting.batch.parallel import keep_freed_memory

    if options.all:
        keep_freed_memory()
        run = workflows.forecast_all(_reporter(options), options.out)
        print(f"{run.manifest.items:,} items in {run.manifest.parts} parts → {run.directory}")
        return
    if options.out is None:
        raise ConfigurationError("Say where the forecasts go: --out FILE.parquet or FILE.csv, or --all for the whole catalog.")
    forecast = workflows.forecast(options.directory, options.model_dir, options.item)
    frame = forecast.to_frame()
    if options.out.suffix == ".csv":
        frame.to_csv(options.out, index=False)
    else:
        frame.to_parquet(options.out, index=False)
    print(f"{len(forecast):,} items, {len(forecast.periods)} periods → {options.out}")


def _look_back(options: argparse.Namespace) -> None:
    from forecasting import workflows

    workflows.look_back(_reporter(options))
    print("The forecasts of all items were looked back at.")


def _backtest(options: argparse.Namespace) -> None:
    from data.sources.bench_directory import read_panel
    from forecasting.evaluation import backtest

    panel, task = read_panel(options.directory)
    model = _seeded(options.model, options.seed)
    tested = backtest.backtest(
        model,
        panel,
        horizon=task.horizon,
        origins=task.origins,
        stride=task.stride,
        report=_Terminal(),
        plan=options.plan,
    )
    _say_left_out(model)
    backtest.write_bench(tested, options.out, options.directory)
    print(backtest.ladder_text(backtest.ladder([tested])))


def _ladder(options: argparse.Namespace) -> None:
    from data.sources.bench_directory import read_panel
    from forecasting import workflows
    from forecasting.evaluation import backtest
    from forecasting.evaluation.ladder import LadderSettings
    from forecasting.models.registry import GENERATIONS

    report = _reporter(options)
    if options.directory is None:
        settings = LadderSettings(most_items=options.items, seed=options.seed, plan=options.plan)
        make = functools.partial(_seeded, seed=options.seed)
        accuracy = workflows.climb_ladder(report, make, options.models, settings, afresh=options.afresh)
        if options.out:
            workflows.ship_ladder()
        rungs = sorted((tried.rung for tried in accuracy.tried), key=lambda rung: rung.wql)
        print("\n".join([backtest.ladder_text(rungs), *(f"{title}: {reason}" for title, reason in accuracy.failed)]))
        return
    panel, task = read_panel(options.directory)
    tested, failed = list[backtest.Backtest](), list[str]()
    for name in options.models or GENERATIONS:
        print(f"{name}:", file=sys.stderr)
        model = _seeded(name, options.seed)
        try:
            tested.append(
                backtest.backtest(
                    model,
                    panel,
                    horizon=task.horizon,
                    origins=task.origins,
                    stride=task.stride,
                    report=report,
                    plan=options.plan,
                )
            )
        except ModelError as error:
            failed.append(f"{model.title}: {error}")
        _say_left_out(model)
    print("\n".join([backtest.ladder_text(backtest.ladder(tested)), *failed]))


def _ablate(options: argparse.Namespace) -> None:
    from data.sources.bench_directory import read_panel
    from forecasting.evaluation import ablation
    from forecasting.models.mqtransformer.settings import TrainingSettings

    panel, task = read_panel(options.directory)
    print(ablation.HEAD)
    settings = TrainingSettings(seed=options.seed)
    for one in ablation.ablate(panel, task.horizon, settings, workers=threads.processes()):
        print(ablation.text(one), flush=True)


def _seeded(name: str, seed: int) -> Generation:
    """The generation of this name, with this seed where chance plays a part in it."""
    from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
    from forecasting.models.mqtransformer.settings import TrainingSettings
    from forecasting.models.registry import generation

    cls = generation(name)
    if issubclass(cls, MQTransformerForecaster):
        return cls(TrainingSettings(seed=seed), workers=threads.processes())
    asked = inspect.signature(cls).parameters
    usual = {"seed": seed, "workers": threads.processes()}
    return cls(**{name: value for name, value in usual.items() if name in asked})


def _say_left_out(model: Generation) -> None:
    """Says which parts of a model could not be fitted, and why."""
    for name, reason in model.left_out.items():
        print(f"tideline: {model.title} does without {name}: {reason}", file=sys.stderr)


def _reporter(options: argparse.Namespace) -> Callable[[Progress], None]:
    """How progress is told. Whoever is watched by the desk works behind it: a planner's click comes first."""
    if options.progress != "json":
        return _Terminal()
    if hasattr(os, "nice"):
        os.nice(_BEHIND)
    return _json_lines


def _json_lines(progress: Progress) -> None:
    """Progress for a program that watches."""
    print(json.dumps(asdict(progress)), file=sys.stderr, flush=True)


class _Terminal:
    """Progress as lines in a terminal: one line that moves where somebody watches, else one line every ten seconds."""

    def __init__(self) -> None:
        self._shown = 0.0
        self._live = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        whole = progress.done >= progress.total
        if not whole and now - self._shown < (0.2 if self._live else 10):
            return
        self._shown = now
        left = f", {_duration(progress.seconds_left)} left" if progress.seconds_left and not whole else ""
        line = f"{progress.share:4.0%}  {progress.message}{left}"
        print(
            f"\r\x1b[K{line}" if self._live else line,
            end="" if self._live and not whole else "\n",
            file=sys.stderr,
            flush=True,
        )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
