"""Small and odd data: no series, set or part that a library refuses ends a fit, and a fit has one thread."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from contract import HORIZON, assert_is_a_fan, assert_same, fitted, only
from factories import make_panel
from quick_generations import moment

from data.errors import ModelError, NotTrained, ResourceError, TidelineError, TooLittleHistory
from data.groups import group_series
from data.schema import Frequency, Panel
from forecasting.core import threads
from forecasting.core.forecaster import Generation, TrainingStopped
from forecasting.core.types import Progress, Report
from forecasting.models.baselines import EmpiricalQuantiles, SeasonalNaive
from forecasting.models.model_averaging import COMPONENTS, Blend
from forecasting.models.patchwork import textbook_models
from forecasting.models.patchwork.forecaster import Patchwork
from forecasting.models.patchwork.routing import routed
from forecasting.models.patchwork.textbook_models import SMOOTHING, levels, smoothed
from forecasting.models.registry import GENERATIONS

MONTHS = Frequency.of("MS")


def monthly(demand: np.ndarray) -> Panel:
    """A panel by months of this demand [N, T], always in stock, with no covariates."""
    panel = make_panel(items=len(demand), periods=demand.shape[1], alias="MS", events=False)
    bare = replace(panel, demand=demand.astype(np.float32), in_stock=np.ones(demand.shape, np.float32), known={}, past={})
    return replace(bare, groups=group_series(bare))


def few(periods: int, known: int, items: int = 4) -> np.ndarray:
    """Items of ``known`` periods at the end of a history."""
    demand = np.random.default_rng(known).poisson(20, (items, periods)).astype(float)
    demand[:, : periods - known] = np.nan
    return demand


def one_sale() -> np.ndarray:
    demand = np.zeros((4, 20))
    demand[np.arange(4), [1, 8, 15, 19]] = 4.0
    return demand


SETS: dict[str, Callable[[], np.ndarray]] = {
    **{f"items of {known}": partial(few, 20, known) for known in (1, 6)},
    **{f"a history of {periods}": partial(few, periods, periods) for periods in (1, 2, 6)},
    "never sold": lambda: np.zeros((4, 20)),
    "constant": lambda: np.full((4, 20), 7.0),
    "one sale": one_sale,
    "unknown": lambda: np.full((4, 20), np.nan),
    "one item": lambda: few(20, 20, items=1),
    "huge": lambda: 1e30 * few(20, 20),
}


@pytest.mark.parametrize("name", list(GENERATIONS))
def test_a_small_set_is_forecast_or_refused_with_our_own_words(name: str, tmp_path: Path) -> None:
    refused = dict[str, TidelineError]()
    for what, demand in SETS.items():
        panel, model = monthly(demand()), moment(name)
        try:
            model.fit(panel, panel.last, HORIZON)
        except TidelineError as error:
            refused[what] = error
            continue
        assert not any("library" in reason for reason in model.left_out.values()), f"{what}: {model.left_out}"
        forecast = only(model, panel, panel.last)
        assert_is_a_fan(forecast, len(panel))
        model.save(tmp_path / what)
        assert_same(only(type(model).load(tmp_path / what), panel, panel.last), forecast, rtol=1e-5)
    assert "unknown" in refused
    assert "a history of 1" in refused
    assert not {what: error for what, error in refused.items() if error.__cause__ is not None}, "a library's, not ours"
    assert all(re.search(r"\d.*oad more", str(error)) for error in refused.values())
    if name not in ("lightgbm", "forest"):  # trees need thirty rows
        assert not {"constant", "one sale", "items of 6", "one item"} & set(refused)


# the patchwork's models


@pytest.mark.parametrize("known", [6, 7, 8])
def test_a_series_that_the_librarys_ets_refuses_goes_to_theta_alone(known: int) -> None:
    demand = few(20, known)
    said = levels(demand, routed(demand, MONTHS))
    assert all(models == (("Theta",) if known == 6 else ("ETS", "Theta")) for models in said.models)
    assert np.isfinite(said.level[:, -known:]).all()
    assert np.isfinite(said.growth).all()


def test_an_item_of_six_months_says_which_model_answered() -> None:
    panel = monthly(np.concatenate([few(20, 6), few(20, 20)]))
    parts = fitted(Patchwork(), panel, panel.last).parts(panel, panel.last, panel.item_ids[0])
    assert parts.models == ("Theta",)


def test_a_series_that_every_model_refuses_is_smoothed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(series: np.ndarray) -> tuple[np.ndarray, float]:
        raise ZeroDivisionError("of the library")

    def absurd(series: np.ndarray) -> tuple[np.ndarray, float]:
        return np.full(len(series), np.nan), 0.0

    odd = {"ETS": refuse, "Theta": absurd, "Croston SBA": refuse, "TSB": refuse}
    monkeypatch.setattr(textbook_models, "_library", lambda: odd)
    demand = np.concatenate([few(20, 20), one_sale()])
    said = levels(demand, routed(demand, MONTHS))
    assert {models[0] for models in said.models if models} == {SMOOTHING}
    panel = monthly(demand)
    assert_is_a_fan(only(fitted(Patchwork(), panel, panel.last), panel, panel.last), len(panel))


def test_smoothing_follows_a_step_and_averages_noise() -> None:
    step = np.r_[np.full(10, 1.0), np.full(10, 3.0)]
    assert smoothed(step)[0][-1] == pytest.approx(3.0, abs=0.01)
    noise = np.random.default_rng(0).normal(10, 1, 400)
    assert smoothed(noise)[0][-1] == pytest.approx(10.0, abs=0.5)
    assert smoothed(np.array([4.0]))[0].tolist() == [4.0]


# the blend and its parts


class Breaking(EmpiricalQuantiles):
    """Its library gives up."""

    name: ClassVar[str] = "lightgbm"
    title: ClassVar[str] = "Breaking"

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        raise NotImplementedError("tiny datasets")


class BreakingEarly(EmpiricalQuantiles):
    """Only what it was before the last periods cannot speak."""

    name: ClassVar[str] = "patchwork"

    def validation_model(self) -> Generation:
        raise IndexError("too many indices")


class Ending(EmpiricalQuantiles):
    """Was asked to stop."""

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        raise TrainingStopped("Training stopped.")


class Exhausted(EmpiricalQuantiles):
    """There is no memory left."""

    title: ClassVar[str] = "Exhausted"

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        raise MemoryError


def naive_but(odd: dict[str, type[Generation]], name: str, seed: int) -> Generation:
    """Makes parts of a blend that are simple references, but for the ``odd`` ones."""
    usual: dict[str, type[Generation]] = {"mqtransformer": SeasonalNaive, "feedforward": EmpiricalQuantiles}
    return (usual | odd).get(name, EmpiricalQuantiles)()


def test_the_blend_leaves_out_a_part_that_fails_and_says_so() -> None:
    panel, told = make_panel(items=8, periods=48), list[Progress]()
    odd: dict[str, type[Generation]] = {"lightgbm": Breaking, "patchwork": BreakingEarly}
    blend = Blend(make=partial(naive_but, odd))
    blend.fit(panel, panel.last, HORIZON, told.append)
    assert list(blend.weights) == ["mqtransformer", "feedforward", "empirical_last26"]
    assert np.sum(list(blend.weights.values()), axis=0) == pytest.approx(1.0)
    assert set(blend.left_out) == {"lightgbm", "patchwork"}
    assert "NotImplementedError: tiny datasets" in blend.left_out["lightgbm"]
    assert "left out lightgbm: Breaking could not be fitted on 8 items" in told[-1].message
    assert_is_a_fan(only(blend, panel, panel.last), len(panel))


def test_what_the_blend_left_out_is_saved_and_read(tmp_path: Path) -> None:
    panel = monthly(few(10, 10))
    blend = Blend(make=moment)
    blend.fit(panel, panel.last, HORIZON)
    assert "lightgbm needs 12 periods" in blend.left_out["lightgbm"]
    blend.save(tmp_path)
    loaded = Blend.load(tmp_path)
    assert dict(loaded.left_out) == dict(blend.left_out)
    assert list(loaded.weights) == list(blend.weights) == [name for name in COMPONENTS if name != "lightgbm"]
    assert_same(only(loaded, panel, panel.last), only(blend, panel, panel.last), rtol=1e-6)


def test_a_blend_without_any_part_says_why_of_each() -> None:
    panel = monthly(np.full((3, 20), np.nan))
    with pytest.raises(TooLittleHistory, match=": .*".join(COMPONENTS) + ": "):
        Blend(make=moment).fit(panel, panel.last, HORIZON)


@pytest.mark.parametrize(("part", "raised"), [(Ending, TrainingStopped), (Exhausted, ResourceError)])
def test_a_stop_or_a_full_memory_ends_the_blend(part: type[Generation], raised: type[TidelineError]) -> None:
    panel = make_panel(items=4, periods=40)
    blend = Blend(make=partial(naive_but, {"feedforward": part}))
    with pytest.raises(raised):
        blend.fit(panel, panel.last, HORIZON)
    with pytest.raises(NotTrained):
        _ = blend.horizon


def test_what_a_library_raises_in_a_fit_becomes_our_own_error() -> None:
    panel = make_panel(items=4, periods=40)
    with pytest.raises(ModelError, match=r"Breaking could not be fitted on 4 items until .*tiny datasets") as raised:
        Breaking().fit(panel, panel.last, HORIZON)
    assert isinstance(raised.value.__cause__, NotImplementedError)


# threads


class Counting(EmpiricalQuantiles):
    """Notes how many threads there are while it is fitted, and then."""

    seen: ClassVar[list[tuple[int, str | None]]] = []

    def _fit(self, history: Panel, horizon: int, report: Report) -> None:
        self.seen.append((torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")))
        super()._fit(history, horizon, report)


@pytest.mark.parametrize("fails", [False, True])
def test_a_fit_has_one_thread_and_gives_the_others_back(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        Counting.seen.clear()
        panel = make_panel(items=4, periods=40)
        odd: dict[str, type[Generation]] = {"mqtransformer": Counting, "patchwork": Counting, "lightgbm": Breaking}
        odd |= {"feedforward": Ending} if fails else {}
        if fails:
            with pytest.raises(TrainingStopped):
                Blend(make=partial(naive_but, odd)).fit(panel, panel.last, HORIZON)
        else:
            Blend(make=partial(naive_but, odd)).fit(panel, panel.last, HORIZON)
        assert Counting.seen
        assert set(Counting.seen) == {(1, "1")}
        assert torch.get_num_threads() == 3
        assert os.environ["OMP_NUM_THREADS"] == "3"
    finally:
        torch.set_num_threads(before)


def count_threads(found: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    """In a process that is started while something is fitted."""
    found.put((os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()))


def test_a_process_that_is_started_meanwhile_has_one_thread_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    with threads.one_thread():
        process = context.Process(target=count_threads, args=(found,))
        process.start()
    assert found.get(timeout=120) == ("1", 1)
    process.join()


def test_only_one_module_decides_how_many_threads_there_are() -> None:
    root = Path(__file__).parents[2]
    words = ("set_num_threads", "cpu_count", "num_threads=1", 'num_threads": 1', "n_jobs=1", "OMP_NUM_THREADS")
    files = [path for room in ("forecasting", "data", "pages", "bench") for path in (root / room).rglob("*.py")]
    assert Path(threads.__file__) in files, "the house was not read"
    found = [
        f"{path.relative_to(root)}: {word}"
        for path in sorted(files)
        if path.name != "threads.py"
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found, "\n".join(found)


# the command line


def test_the_command_line_tells_what_a_model_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from forecasting import __main__ as command_line

    directory = bench_directory(tmp_path, few(15, 15))
    monkeypatch.setattr(command_line, "_seeded", lambda name, seed: moment(name, seed))
    assert command_line.main(["backtest", str(directory), "--model", "blend", "--out", str(tmp_path / "out.parquet")]) == 0
    assert "tideline: Blend does without lightgbm: lightgbm needs 12 periods" in capsys.readouterr().err
    assert command_line.main(["ladder", str(directory), "--models", "lightgbm", "empirical_last26"]) == 0
    assert "Boosted trees: lightgbm needs 12 periods" in capsys.readouterr().out


def bench_directory(folder: Path, demand: np.ndarray) -> Path:
    """A data set in the bench format with one origin."""
    panel = monthly(demand)
    rows = [
        {"item_id": item, "date": date, "demand": float(demand[n, t])}
        for n, item in enumerate(panel.item_ids)
        for t, date in enumerate(panel.periods)
    ]
    pd.DataFrame(rows).to_parquet(folder / "sales.parquet")
    pd.DataFrame({"item_id": panel.item_ids}).to_parquet(folder / "items.parquet")
    (folder / "task.json").write_text(
        '{"freq": "MS", "horizon": 4, "season": 12, "origins": 1, "stride": 4, "known": [], "static": []}'
    )
    return folder
