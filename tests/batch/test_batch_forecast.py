"""A whole catalog forecast into a run: the same numbers, each part once, taken up after a kill, every run kept."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from catalogs import opened, panel_of, trained_on

from data.catalog import Catalog
from data.errors import ResourceError
from forecasting.batch.batch_forecast import Run, all_runs, forecast_all, in_one_file, latest
from forecasting.batch.forecast_summary import summarise, summary_of
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import Progress
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings

HORIZON, ITEMS, PART = 4, 50, 8
SMALL = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=20, look_every=10, width=8, decoder_width=12)


class Killed(BaseException):
    """Ends the program where it stands, as a signal would."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with opened(tmp_path_factory.mktemp("catalog"), panel_of(ITEMS, 60)) as catalog:
        yield catalog


@pytest.fixture(scope="module")
def forecaster(catalog: Catalog) -> MQTransformerForecaster:
    return trained_on(catalog, SMALL, HORIZON)


def forecast_into(
    runs: Path, catalog: Catalog, forecaster: MQTransformerForecaster, *, killed_after: int | None = None, workers: int = 2
) -> Run:
    heard = 0

    def report(progress: Progress) -> None:
        nonlocal heard
        heard += 1
        if killed_after is not None and heard > killed_after:
            raise Killed

    return forecast_all(catalog, forecaster, runs, report, workers=workers, part_items=PART)


def test_a_run_says_what_each_item_says_alone(tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster) -> None:
    run = forecast_into(tmp_path, catalog, forecaster)
    parts = list(run.forecasts())
    ids = np.concatenate([part.item_ids for part in parts])
    assert sorted(ids) == sorted(catalog.panel().item_ids)
    for part in parts[::2]:
        for row in (0, len(part) - 1):
            item_id = str(part.item_ids[row])
            panel, plan = catalog.panel([item_id]), catalog.plan([item_id], HORIZON)
            alone = forecaster.forecast(panel, [panel.last], plan)[0]
            assert part.values[row] == pytest.approx(alone.values[0], rel=1e-4, abs=1e-5)
            assert part.cumulative[row] == pytest.approx(alone.cumulative[0], rel=1e-4, abs=1e-5)
            assert part.elasticity is not None
            assert alone.elasticity is not None
            assert part.elasticity[row] == pytest.approx(alone.elasticity[0], rel=1e-4)
            assert part.periods.equals(alone.periods)
            assert part.creation_date == alone.creation_date


def test_a_killed_run_is_taken_up_and_no_part_is_written_twice(
    tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    with pytest.raises(Killed):
        forecast_into(tmp_path, catalog, forecaster, killed_after=3, workers=1)
    (stopped,) = all_runs(tmp_path)
    for part in (1, 4):  # the pool may have got further before it heard of it
        stopped.path(part).unlink(missing_ok=True)
    kept = {path.name: path.stat().st_mtime_ns for path in stopped.directory.glob("part-*.parquet")}
    assert not stopped.whole
    assert 0 < len(kept) < stopped.manifest.parts
    assert latest(tmp_path, catalog.about.history_hash) is None
    with pytest.raises(ResourceError, match="--all"):
        next(stopped.forecasts())
    half = stopped.directory / "part-00004.parquet.new"
    half.write_bytes(b"PAR1 and nothing after it")

    run = forecast_into(tmp_path, catalog, forecaster)
    assert run.directory == stopped.directory
    assert run.whole
    assert not half.exists()
    assert {name: (run.directory / name).stat().st_mtime_ns for name in kept} == kept
    unbroken = forecast_into(tmp_path, catalog, forecaster)
    for one, other in zip(run.forecasts(), unbroken.forecasts(), strict=True):
        assert (one.item_ids == other.item_ids).all()
        assert (one.values == other.values).all()


def test_every_run_is_kept_and_the_newest_whole_one_is_the_latest(
    tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    first, second = (forecast_into(tmp_path, catalog, forecaster) for _ in range(2))
    assert first.directory != second.directory
    assert not first.missing
    found = latest(tmp_path, catalog.about.history_hash, second.manifest.version)
    assert found is not None
    assert found.directory == second.directory
    assert latest(tmp_path, "another catalog") is None
    assert latest(tmp_path, catalog.about.history_hash, "another model") is None


def test_a_part_has_a_row_for_each_item_and_period(
    tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    run = forecast_into(tmp_path, catalog, forecaster)
    rows = [pq.read_metadata(run.path(part)).num_rows for part in range(run.manifest.parts)]
    assert rows == [PART * HORIZON] * (ITEMS // PART) + [ITEMS % PART * HORIZON]


def test_two_processes_do_not_write_into_one_directory(
    tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    with (tmp_path / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ResourceError, match="Another process"):
            forecast_into(tmp_path, catalog, forecaster)


def test_a_whole_run_is_one_file_of_either_kind(tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster) -> None:
    with pytest.raises(Killed):
        forecast_into(tmp_path, catalog, forecaster, killed_after=2, workers=1)
    (stopped,) = all_runs(tmp_path)
    assert latest(tmp_path, catalog.about.history_hash, whole=False) == stopped
    stopped.path(2).unlink(missing_ok=True)
    with pytest.raises(ResourceError, match="lacks"):
        in_one_file(stopped, "csv")
    run = forecast_into(tmp_path, catalog, forecaster)
    rows = pd.read_csv(in_one_file(run, "csv"), dtype={"item_id": str})
    same = pd.read_parquet(in_one_file(run, "parquet"))
    assert len(rows) == len(same) == ITEMS * HORIZON
    values = np.concatenate([part.values for part in run.forecasts()]).reshape(-1, len(TAUS))
    assert rows[f"{TAUS[6]:g}"].to_numpy() == pytest.approx(values[:, 6], rel=1e-5)
    assert rows["item_id"].tolist() == same["item_id"].astype(str).tolist()
    assert not list(run.directory.glob("*.new"))


def test_a_summary_read_from_a_run_is_the_one_that_was_forecast(
    tmp_path: Path, catalog: Catalog, forecaster: MQTransformerForecaster
) -> None:
    run = forecast_into(tmp_path, catalog, forecaster)
    read, read_totals = summary_of(run, catalog, forecaster, "key", ignore)
    made, totals = summarise(catalog, forecaster, "key", ignore)
    assert sorted(read.item_ids) == sorted(made.item_ids)
    rows = made.rows_of(read.item_ids)
    assert (np.diff(read.expected) <= 0).all()
    for name in ("expected", "low", "high", "spans"):
        assert getattr(read, name) == pytest.approx(getattr(made, name)[rows], rel=1e-4, abs=1e-5)
    assert (read.creation_date, read.horizon) == (made.creation_date, made.horizon)
    assert read_totals.labels.tolist() == totals.labels.tolist()
    assert read_totals.values == pytest.approx(totals.values, rel=1e-4)
    assert totals.expected[0].sum() == pytest.approx(made.expected.sum(), rel=1e-6)


def ignore(progress: Progress) -> None:
    """Nobody watches."""
