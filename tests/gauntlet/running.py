"""One catalog through the gauntlet: every generation, the ladder and the desk; what does not hold is a ``Failure``."""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from contract import changed_after
from gauntlet.desk import MAY_REFUSE, at_the_desk
from gauntlet.drawing import Case, Family
from gauntlet.families import FAMILIES, Catalog
from gauntlet.laws import HINT, Failure, beside_the_naive, broken, differences, is_enough, unhelpful
from quick_generations import QUICK, moment

from data.errors import TidelineError
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import history_until, position
from forecasting.evaluation.ladder import LadderSettings, climb
from forecasting.evaluation.ladder_store import LadderStore
from forecasting.models.registry import GENERATIONS

#: Those that take a second on a small catalog, and those whose fit is made twice, to see that it knows nothing of what comes.
SLOW = ("recurrent_point", "recurrent_distribution", "feedforward", "mqrnn", "mqcnn", "mqtransformer", "blend")
TWICE = ("seasonal_naive", "empirical_last26")

#: It is a reference of its own, of what sold a season ago.
NAIVE = "seasonal_naive"

#: Who climbs the ladder.
LADDER = ("seasonal_naive", "empirical_last26", "patchwork", "forest")


@dataclass(frozen=True)
class Extent:
    """Which generations run, how they are made, and what is tried beside them.

    ``trained`` says whether the networks had steps enough to be held to a band; ``replay`` whether the desk replays its buying,
    which takes longer than the rest of it.
    """

    generations: tuple[str, ...]
    make: Callable[[str], Generation]
    trained: bool = False
    ladder: bool = True
    desk: bool = True
    replay: bool = False


def quick(name: str) -> Generation:
    """As ``QUICK`` makes it; the blend's parts run on their own as well, so that within it they are smaller."""
    return moment(name) if name == "blend" else QUICK[name]()


#: Everything, with networks of a few steps.
BRIEF = Extent(tuple(GENERATIONS), moment)


def whole(catalog: Catalog) -> Extent:
    """Everything: larger networks on the first catalog of every family, and a replay on the first of every kind."""
    if catalog.seed:
        return BRIEF
    first = next(one for one in FAMILIES if one.kind == catalog.family.kind)
    return Extent(tuple(GENERATIONS), quick, trained=True, replay=catalog.family is first)


def dealt(place: int) -> Extent:
    """What the catalog at this place of the tenth runs: the quick ones, one of the slow in turn, the desk now and then."""
    slow = (SLOW[place % len(SLOW)],)
    names = tuple(name for name in GENERATIONS if name not in SLOW or name in slow)
    return Extent(names, moment, ladder=place % 4 == 1, desk=place % 6 == 3)


def gauntlet(catalog: Catalog, extent: Extent) -> list[Failure]:
    """All that does not hold on this catalog."""
    failures: list[Failure] = []
    case = catalog.made()

    def fail(where: str) -> Callable[[str], None]:
        return lambda words: failures.append(Failure(str(catalog), where, words))

    strict = is_enough(case.learned, case.horizon)
    for name in extent.generations:
        with held(fail(name), strict=strict):
            for words in _generation(case, extent, name, catalog.family):
                fail(name)(words)
    with tempfile.TemporaryDirectory(prefix="tideline-gauntlet-") as folder:
        if extent.ladder:
            with held(fail("ladder"), strict=strict):
                for words in _ladder(case, Path(folder) / "ladder"):
                    fail("ladder")(words)
        if extent.desk:
            for step, attempt in at_the_desk(case, Path(folder) / "home", replay=extent.replay):
                with held(fail(f"desk, {step}"), strict=strict and step not in MAY_REFUSE):
                    for words in filter(None, attempt()):
                        fail(f"desk, {step}")(words)
    return failures


@contextmanager
def held(fail: Callable[[str], None], *, strict: bool) -> Iterator[None]:
    """Lets errors of ours pass that help, but for a ``strict`` catalog, which has enough to be answered; any other exception is
    told to ``fail``."""
    try:
        yield
    except TidelineError as error:
        if words := unhelpful(error) or (f"refused: {error}" if strict else ""):
            fail(words)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        near = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-4:]))
        fail(f"{type(error).__name__}: {error} ({near})")


def _generation(case: Case, extent: Extent, name: str, family: Family) -> Iterator[str]:
    """Fitted before the horizon, asked at the end of its fit and at the end of the history."""
    model, until = extent.make(name), _until(case)
    model.fit(case.learned, until, case.horizon)
    yield from (f"{part} was left out: {why}" for part, why in model.left_out.items() if "library gave up" in why)
    t = position(case.history, until)
    (early,) = model.forecast(case.history, [until])
    yield from broken(early, history_until(case.history, t), case.horizon)
    (last,) = model.forecast(case.history, [case.history.last], case.plan)
    yield from broken(last, case.history, case.horizon)
    if name not in SLOW or (extent.trained and not family.hard):
        yield from filter(None, beside_the_naive(last, case, None if name == NAIVE else family.band))
    if until < case.history.last:
        (told,) = model.forecast(changed_after(case.history, t, case.horizon), [until])
        if words := differences(early, told):
            yield f"what comes after the creation date {words}"
        if name in TWICE:
            again = extent.make(name)
            again.fit(changed_after(case.learned, t, case.horizon), until, case.horizon)
            if words := differences(early, again.forecast(case.history, [until])[0]):
                yield f"what comes after the fit {words}"


def _until(case: Case) -> pd.Timestamp:
    """The end of a fit: a horizon before the end of the history where that leaves half of it."""
    periods = len(case.history.periods)
    return case.history.periods[max(periods - 1 - case.horizon, (periods - 1) // 2)]


def _ladder(case: Case, directory: Path) -> Iterator[str]:
    """Climbed by a few; whoever could not be tried has said why, and every score that is given is a number."""
    store = LadderStore(directory)
    horizon = min(case.horizon, max(1, len(case.history.periods) // 3))
    climb(case.history, horizon, LADDER, store, moment, lambda progress: None, LadderSettings(origins=2))
    report = store.report(LADDER)
    if report is None or report.missing:
        yield f"no word of {report.missing if report else 'any'}"
        return
    yield from (f"{title}: {why}" for title, why in report.failed if "library gave up" in why or not HINT.search(why))
    if report.tried and report.best().name not in LADDER:
        yield "the best is none of those tried"
    for one in report.tried:
        if np.isinf(one.rung.wql):
            yield f"{one.name} has an infinite loss"
