"""Where the ladder of a catalog is kept: one directory for each generation, readable as soon as it is whole.

<home>/ladder/<catalog hash>/
    ladder.json          what was asked (horizon, origins, items …; another task starts anew), and the titles
    <generation>/
        model/           the generation, fitted at the first creation date
        backtest.npz     forecasts' quantiles and actuals
        cells.npz        losses and actuals of each slice, creation date and item
        scores.json      everything else, written last; failed.json where it could not be tried
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import ModelError, NotTrained
from forecasting.core.atomic_write import UNREADABLE, read_object, written
from forecasting.core.forecaster import Generation
from forecasting.core.metrics import Calibration, Score
from forecasting.evaluation.accuracy_report import AccuracyReport, CoverageCell, Measured, ModelScores, Part, SliceScore
from forecasting.evaluation.backtest import BENCH_TAUS, Backtest, ScoreRow
from forecasting.evaluation.provenance import commit

#: What is written last of a generation: its presence says that the rest is whole.
SCORES = "scores.json"
#: Of what is stored; a ladder of another version is not read, and tried anew.
_VERSION = 1

_DAMAGED: tuple[type[Exception], ...] = (ModelError, *UNREADABLE)

_ASKED, _FAILED, _CELLS = "ladder.json", "failed.json", "cells.npz"


@dataclass(frozen=True)
class LadderTask:
    """What all generations of a ladder were asked: ``origins`` creation dates, ``stride`` periods apart."""

    horizon: int
    origins: int
    stride: int
    items: int
    of_items: int
    seed: int
    creation_dates: tuple[str, ...]
    parts: tuple[Part, ...]
    plan: str = "catalog"
    version: int = _VERSION


class LadderStore:
    """The ladder kept in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, task: LadderTask, titles: Mapping[str, str], *, afresh: bool = False) -> None:
        """Makes ready for ``task``: results of another one, or of all where ``afresh``, are removed.

        ``titles`` of the generations, by name, are kept for the report.
        """
        path = self._directory / _ASKED
        stored = json.loads(json.dumps(asdict(task)))
        before = read_object(path) or {}
        if afresh or before.get("task") != stored:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True, exist_ok=True)
        known = before.get("titles")
        asked = {"task": stored, "titles": (known if isinstance(known, dict) else {}) | dict(titles)}
        written(path, lambda fresh: fresh.write_text(json.dumps(asked, indent=1)))

    def has(self, name: str) -> bool:
        """Whether a generation was tried to the end, and what came of it can be read."""
        return self._scores_of(name) is not None

    def keep(self, name: str, generation: Generation, tested: Backtest, tried: ModelScores) -> None:
        """Stores one generation with its backtest and what was made of it."""
        place = self._directory / name
        shutil.rmtree(place, ignore_errors=True)
        generation.save(place / "model")
        np.savez_compressed(
            place / "backtest.npz",
            taus=np.array(BENCH_TAUS),
            item_ids=tested.forecasts[0].item_ids.astype(str),
            creation_dates=np.array([forecast.creation_date for forecast in tested.forecasts], "datetime64[us]"),
            periods=np.stack([forecast.periods.to_numpy("datetime64[us]") for forecast in tested.forecasts]),
            quantiles=tested.quantiles.astype(np.float32),
            span_quantiles=tested.span_quantiles.astype(np.float32),
            means=tested.means.astype(np.float32),
            actuals=tested.actuals,
            scale=tested.scale,
            zero_share=tested.zero_share,
        )
        np.savez_compressed(place / _CELLS, losses=tried.losses, sold=tried.sold)
        scores = {
            "title": tried.title,
            "note": tried.note,
            "trained_until": f"{tried.trained_until.isoformat()}",
            "rung": asdict(tried.rung),
            "slices": [asdict(one) for one in tried.slices],
            "certificate": [asdict(one) for one in tried.certificate],
            "measured": {"on": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit()},
        }
        written(place / SCORES, lambda fresh: fresh.write_text(json.dumps(scores)))

    def keep_failure(self, name: str, title: str, reason: str) -> None:
        """Stores why a generation could not be tried; the next run tries it again."""
        place = self._directory / name
        place.mkdir(parents=True, exist_ok=True)
        written(place / _FAILED, lambda fresh: fresh.write_text(json.dumps([title, reason])))

    def report(self, names: Iterable[str]) -> AccuracyReport | None:
        """What there is so far of the generations ``names``, in this order; None where no run was begun."""
        asked = read_object(self._directory / _ASKED)
        try:
            if asked is None or asked["task"]["version"] != _VERSION:
                return None
            task, titles = asked["task"], {name: asked["titles"].get(name, name) for name in names}
            dates = tuple(pd.Timestamp(date) for date in task["creation_dates"])
            parts = tuple(Part(**part) for part in task["parts"])
        except UNREADABLE:
            return None
        whole = {name: tried for name in titles if (tried := self._scores_of(name)) is not None}
        reasons = {name: words for name in titles if name not in whole and (words := self._failure(name)) is not None}
        return AccuracyReport(
            items=task["items"],
            of_items=task["of_items"],
            horizon=task["horizon"],
            creation_dates=dates,
            parts=parts,
            tried=tuple(whole.values()),
            missing=tuple(title for name, title in titles.items() if name not in whole and name not in reasons),
            failed=tuple(reasons.values()),
        )

    def generation(self, name: str, cls: type[Generation]) -> Generation:
        """The generation as it was fitted for the ladder; raises NotTrained where it was not, or cannot be read."""
        if not self.has(name):
            raise NotTrained(f"{cls.title} has not been fitted on this catalog yet. Run the ladder on the Accuracy page.")
        try:
            return cls.load(self._directory / name / "model")
        except _DAMAGED as error:
            (self._directory / name / SCORES).unlink(missing_ok=True)  # so that the next run tries it again
            raise NotTrained(
                f"{cls.title} as it was fitted on this catalog cannot be read. Run the ladder again on the Accuracy page."
            ) from error

    def _failure(self, name: str) -> tuple[str, str] | None:
        """Title and reason of a generation that could not be tried."""
        try:
            title, reason = json.loads((self._directory / name / _FAILED).read_text())
        except UNREADABLE:
            return None
        return (title, reason) if isinstance(title, str) and isinstance(reason, str) else None

    def _scores_of(self, name: str) -> ModelScores | None:
        """What came of a generation, None where it was not tried to the end or the files are damaged."""
        place = self._directory / name
        if not (place / SCORES).is_file():
            return None
        try:
            return self._read(name, json.loads((place / SCORES).read_text()), place / _CELLS)
        except UNREADABLE:
            return None

    @staticmethod
    def _read(name: str, stored: Mapping[str, Any], place: Path) -> ModelScores:
        with place.open("rb") as file, np.load(file, allow_pickle=False) as cells:
            losses, sold = cells["losses"], cells["sold"]
        return ModelScores(
            name=name,
            title=stored["title"],
            note=stored["note"],
            trained_until=pd.Timestamp(stored["trained_until"]),
            rung=ScoreRow(**_scores(stored["rung"])),
            slices=tuple(SliceScore(**_scores(one)) for one in stored["slices"]),
            certificate=tuple(CoverageCell(**_tuples(one)) for one in stored["certificate"]),
            losses=losses,
            sold=sold,
            measured=Measured(pd.Timestamp(stored["measured"]["on"]), stored["measured"]["commit"])
            if "measured" in stored
            else None,
        )

    def ship(self, directory: Path, catalog_hash: str) -> None:
        """Writes what came of the ladder of a catalog, without the generations and their forecasts, into ``directory``."""
        asked = read_object(self._directory / _ASKED)
        if asked is None:
            raise NotTrained("There is no ladder to ship. Run it first: python -m forecasting ladder.")
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for scores in sorted(self._directory.glob(f"*/{SCORES}")):
            place = directory / scores.parent.name
            place.mkdir(parents=True)
            shutil.copy(scores, place / SCORES)
            with np.load(scores.parent / _CELLS) as cells:
                small = {name: cells[name].astype(np.float32) for name in ("losses", "sold")}
            np.savez_compressed(place / _CELLS, **small)
        for reason in sorted(self._directory.glob(f"*/{_FAILED}")):
            if not (directory / reason.parent.name).is_dir():  # it was tried again since, and came through
                (directory / reason.parent.name).mkdir(parents=True)
                shutil.copy(reason, directory / reason.parent.name / _FAILED)
        (directory / _ASKED).write_text(json.dumps(asked | {"catalog_hash": catalog_hash}, indent=1))

    def is_of(self, catalog_hash: str) -> bool:
        """Whether a shipped ladder is of this catalog."""
        return (read_object(self._directory / _ASKED) or {}).get("catalog_hash") == catalog_hash


def _scores(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What was written of a Rung or a SliceScore, with its scores and calibrations as they were."""
    kinds: dict[str, type] = {"calibration": Calibration, "calibration_dense": Calibration, "scaled": Score, "mase": Score}
    return {name: kinds[name](**value) if name in kinds else value for name, value in stored.items()}


def _tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
