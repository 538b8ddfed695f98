"""A data set in the bench format: ``sales.parquet``, ``items.parquet``, ``task.json``.

Rows of ``sales`` are item × period: item_id, date, demand and covariates. A zero is a zero; a row that is not there is
unknown. ``task.json`` names the frequency, the horizon, the rolling origins and which columns are known ahead.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from data.errors import ConfigurationError, DataError
from data.groups import group_series
from data.schema import Frequency, Panel


@dataclass(frozen=True)
class Task:
    """What ``task.json`` asks for: the last ``origins`` windows of ``horizon`` periods, ``stride`` apart."""

    frequency: Frequency
    horizon: int
    season: int
    origins: int
    stride: int
    known: tuple[str, ...]
    static: tuple[str, ...]


def read_task(directory: Path) -> Task:
    """The task of a bench directory; raises ConfigurationError where one of the three files is missing."""
    for name in ("task.json", "sales.parquet", "items.parquet"):
        if not (directory / name).is_file():
            raise ConfigurationError(f"{directory} is not a bench directory: {name} is missing.")
    task = json.loads((directory / "task.json").read_text())
    frequency = Frequency.of(task["freq"])
    return Task(
        frequency=frequency,
        horizon=int(task["horizon"]),
        season=int(task.get("season", frequency.season)),
        origins=int(task["origins"]),
        stride=int(task["stride"]),
        known=tuple(task.get("known", ())),
        static=tuple(task.get("static", ())),
    )


def read_panel(directory: Path) -> tuple[Panel, Task]:
    """The directory's panel [N, T] in the order of ``items.parquet``, and its task."""
    task = read_task(directory)
    sales = pd.read_parquet(directory / "sales.parquet")
    items = pd.read_parquet(directory / "items.parquet")
    items = items.assign(item_id=items["item_id"].astype(str))
    sales = sales.assign(item_id=sales["item_id"].astype(str), date=pd.to_datetime(sales["date"]).dt.as_unit("us"))

    item_ids = items["item_id"].to_numpy(dtype=object)
    rows = pd.Index(item_ids).get_indexer(sales["item_id"])
    if (rows < 0).any():
        lost = sales.loc[rows < 0, "item_id"].nunique()
        raise DataError(f"{lost:,} items of {directory}/sales.parquet are not in items.parquet. Add them there.")
    periods, columns = _grid(sales["date"], task.frequency)

    def dense(name: str) -> np.ndarray:
        values = np.full((len(item_ids), len(periods)), np.nan, dtype=np.float32)
        values[rows, columns] = sales[name].to_numpy(dtype=np.float32)
        return values

    panel = Panel(
        item_ids=item_ids,
        periods=periods,
        frequency=task.frequency,
        demand=dense("demand"),
        in_stock=dense("in_stock") if "in_stock" in sales else np.full((len(item_ids), len(periods)), np.nan, np.float32),
        known={name: dense(name) for name in task.known},
        static={name: items[name].astype(str).to_numpy(dtype=object) for name in task.static},
    )
    return replace(panel, groups=group_series(panel)), task


def _grid(dates: pd.Series, frequency: Frequency) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """The evenly spaced periods from the first date to the last, and each row's place among them."""
    seen = pd.DatetimeIndex(np.sort(dates.unique()))
    periods = pd.date_range(seen[0], seen[-1], freq=frequency.alias).as_unit("us")
    if not seen.isin(periods).all():  # stamped off the alias's anchor: trust the stamps, then their spacing
        periods = seen
        if len(set(np.diff(seen.to_numpy()))) > 1 and frequency.unit != "month":
            raise DataError(f"The dates are not spaced as {frequency.alias}: mend them or name another freq in task.json.")
    return periods, periods.get_indexer(pd.DatetimeIndex(dates))
