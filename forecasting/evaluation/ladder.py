"""Climbing the ladder on the catalog in use: every generation backtested and stored, one after another.

``climb`` does the work; ``LadderRun`` has the command line do it in a process of its own, watched from the app. What is
finished is stored at once, so that a run can be stopped at any time and started again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import TidelineError, TooLittleHistory
from data.schema import Panel
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import origins as origins_of
from forecasting.core.types import Progress, Report
from forecasting.evaluation.accuracy_report import Part, evaluate
from forecasting.evaluation.backtest import backtest
from forecasting.evaluation.ladder_store import LadderStore, LadderTask
from forecasting.evaluation.slices import slices
from forecasting.models.registry import generation

_STEPS = 1000  # of one generation's progress


@dataclass(frozen=True)
class LadderSettings:
    """``origins`` creation dates, a third of the horizon apart, and at most ``most_items`` items, drawn by ``seed``; ``plan``
    is what is known ahead, see ``time_splits.with_plan``: by default what the catalog will have when it forecasts."""

    origins: int = 3
    most_items: int = 2000
    seed: int = 1
    plan: str = "catalog"


def climb(
    panel: Panel,
    horizon: int,
    names: Sequence[str],
    store: LadderStore,
    make: Callable[[str], Generation],
    report: Report,
    settings: LadderSettings | None = None,
    *,
    afresh: bool = False,
) -> None:
    """Backtests the generations ``names`` on a sample of ``panel`` and keeps each in ``store``; those it has are passed over.

    A generation that cannot be tried is kept with its reason. Raises TooLittleHistory where none can.
    """
    settings = settings or LadderSettings()
    stride = max(1, horizon // 3)
    places = origins_of(len(panel.periods), horizon, settings.origins, stride)
    if not places:
        raise TooLittleHistory(
            f"Trying forecasts over {horizon} periods needs at least {horizon + 2} periods of history and the catalog has "
            f"{len(panel.periods)}. Load more history."
        )
    sample = _sampled(panel, settings)
    dates = [panel.periods[t] for t in places]
    task = LadderTask(
        horizon=horizon,
        origins=len(places),
        stride=stride,
        items=len(sample),
        of_items=len(panel),
        seed=settings.seed,
        creation_dates=tuple(date.isoformat() for date in dates),
        plan=settings.plan,
        parts=tuple(Part(part.name, part.title, part.words) for part in slices(sample, dates, horizon)),
    )
    store.begin(task, {name: generation(name).title for name in names}, afresh=afresh)
    for place, name in enumerate(names):
        if store.has(name):
            continue
        title = generation(name).title
        tell = _part_of(report, place, len(names), title)
        tell(Progress(0, 1, "Starting"))
        one = make(name)
        try:
            tested = backtest(one, sample, horizon=horizon, origins=len(places), stride=stride, report=tell, plan=settings.plan)
            tried = evaluate(tested, sample, name=name, title=title, note=_note(one), seed=settings.seed)
            store.keep(name, one, tested, tried)
        except TidelineError as error:
            store.keep_failure(name, title, str(error))
    report(Progress(_STEPS * len(names), _STEPS * len(names), "All generations were tried"))


def _note(one: Generation) -> str:
    """What a planner reads of a generation, and which of its parts could not be fitted."""
    return " ".join([one.note, *(f"Without {name}: {reason}" for name, reason in one.left_out.items())])


def _sampled(panel: Panel, settings: LadderSettings) -> Panel:
    """At most so many items; their groups stay those of the whole catalog."""
    if len(panel) <= settings.most_items:
        return panel
    return panel.take(np.sort(np.random.default_rng(settings.seed).choice(len(panel), settings.most_items, replace=False)))


def _part_of(report: Report, place: int, count: int, title: str) -> Report:
    """Tells one generation's progress as its part of the whole, never going back; how long the rest takes is not known."""
    done = place * _STEPS

    def tell(progress: Progress) -> None:
        nonlocal done
        done = max(done, place * _STEPS + int(progress.share * (_STEPS - 1)))
        message = progress.message.removeprefix(f"{title}: ")
        report(Progress(done, count * _STEPS, f"{title} ({place + 1} of {count}): {message}"))

    return tell
