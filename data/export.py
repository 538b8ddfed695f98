"""The catalog as long rows, one per item and period: what a planner takes elsewhere, and what an upload reads back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.assortment import SUPPLIER
from data.catalog import Catalog
from data.errors import ConfigurationError
from data.facts import ItemFacts
from data.schema import COMMERCIAL, PRICE, Panel, Plan

_BATCH = 5_000


def export_catalog(catalog: Catalog, path: Path) -> int:
    """Writes every item and period of the catalog, and its plan, to a .csv or .parquet file; returns the rows written.

    A period is a row where anything is known of it. Cells are written as they are, to be read back by an upload and not
    to be opened by a spreadsheet, which would run a name that begins with "=". Raises ConfigurationError for another
    kind of file.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigurationError(f"{path.name} is neither .csv nor .parquet; use one of them.")
    written, sink = 0, None
    try:
        for rows in long_rows(catalog):
            table = pa.Table.from_pandas(rows, preserve_index=False)
            if sink is None:
                writer = pq.ParquetWriter if path.suffix == ".parquet" else pa_csv.CSVWriter
                sink = writer(path, table.schema)
            sink.write_table(table.cast(sink.schema) if path.suffix == ".parquet" else table)
            written += len(rows)
    finally:
        if sink is not None:
            sink.close()
    return written


def export_orders(catalog: Catalog, path: Path) -> int:
    """Writes the catalog's purchase orders to a .csv or .parquet file that ``read_orders`` reads back; returns the rows.

    Raises ConfigurationError for another kind of file.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigurationError(f"{path.name} is neither .csv nor .parquet; use one of them.")
    table = catalog.orders().table()
    (pq.write_table if path.suffix == ".parquet" else pa_csv.write_csv)(table, path)
    return len(table)


def long_rows(catalog: Catalog) -> Iterator[pd.DataFrame]:
    """Frames of rows with item_id, date, demand, in_stock, covariates, name, attributes and commercial columns."""
    planned = catalog.about.planned
    for panel, plan in catalog.batches_with_plan(_BATCH, max(1, planned)):
        yield _rows(panel, plan if planned else None, catalog.items(panel.item_ids.tolist()))


def _rows(panel: Panel, plan: Plan | None, facts: tuple[ItemFacts, ...]) -> pd.DataFrame:
    ahead = 0 if plan is None else len(plan)
    periods = panel.periods if plan is None else panel.periods.append(plan.periods)
    blank = np.full((len(panel), ahead), np.nan, np.float32)
    numbers = {"demand": np.hstack([panel.demand, blank]), "in_stock": np.hstack([panel.in_stock, blank])}
    for name, values in panel.known.items():
        numbers[name] = np.hstack([values, blank if plan is None else plan.known[name]])
    numbers |= {name: np.hstack([values, blank]) for name, values in panel.past.items()}
    there = np.logical_or.reduce([np.isfinite(values) for values in numbers.values()])  # (N, T + F)
    item, period = np.nonzero(there)
    columns: dict[str, object] = {
        "item_id": panel.item_ids[item],
        "name": np.array([fact.name for fact in facts], dtype=object)[item],
        "date": periods[period],
    }
    columns |= {name: values[there] for name, values in numbers.items()}
    columns |= {name: values[item] for name, values in panel.static.items()}
    for name in COMMERCIAL:
        values = np.array([fact.commercial[name] for fact in facts], dtype=np.float64)
        if name != PRICE and np.isfinite(values).any():
            columns[name] = values[item]
    suppliers = np.array([fact.supplier for fact in facts], dtype=object)
    if (suppliers != "").any():
        columns[SUPPLIER] = suppliers[item]
    return pd.DataFrame(columns)
