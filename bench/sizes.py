"""How long large files take, and how much memory: a CSV of 30 million rows and Parquet of 10 million, made for it and deleted.

usage: python bench/sizes.py [--quick]

Each file is read and loaded in a process of its own, whose highest memory is measured. ``bench/files.py --sizes`` runs it, too.
The last line is one JSON object: ``first_look_s`` until the columns are told, ``preview_s`` until all findings are, ``load_s``
from the path to a catalog that can be used, ``load_rss_mb`` the highest memory, ``parquet_load_s`` as ``load_s`` for Parquet.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))


import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.csv as pa_csv  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

#: Rows of the CSV and of the Parquet file; the fewer ones are for a quick look.
ROWS, QUICK = (30_000_000, 10_000_000), (600_000, 300_000)

_WEEKS, _ITEMS = 150, 2_000

_CATEGORIES = np.array(["Bakery", "Dairy", "Drinks", "Frozen", "Produce", "Snacks"])


def rows_of(rows: int) -> Iterator[pa.Table]:
    """Weekly sales of as many items as make so many rows, with price, promotion and category, some items at a time."""
    rng = np.random.default_rng(1)
    weeks = (np.datetime64("2022-01-03") + 7 * np.arange(_WEEKS)).astype(str)
    for first in range(0, rows // _WEEKS, _ITEMS):
        count = min(_ITEMS, rows // _WEEKS - first)
        shape = (count, _WEEKS)
        promo = rng.random(shape) < 0.08
        usual, price = rng.gamma(2.0, 6.0, (count, 1)), rng.uniform(1.0, 30.0, (count, 1))
        paid = np.round(np.round(price, 2) * np.where(promo, 0.8, 1.0), 2)
        items = np.array([f"SKU{item:07}" for item in range(first, first + count)])
        yield pa.table(
            {
                "item": np.repeat(items, _WEEKS),
                "date": np.tile(weeks, count),
                "units": rng.poisson(usual * (1.0 + promo)).ravel(),
                "price": paid.ravel(),
                "promo": promo.astype(np.int64).ravel(),
                "category": np.repeat(rng.choice(_CATEGORIES, count), _WEEKS),
            }
        )


def write(path: Path, rows: int) -> None:
    """Makes the file, never more than a part of it in memory."""
    parts = rows_of(rows)
    first = next(parts)
    writer = pq.ParquetWriter(path, first.schema) if path.suffix == ".parquet" else pa_csv.CSVWriter(path, first.schema)
    with writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


def measure(path: Path) -> dict[str, float]:
    """The file through a first look, the preview and the load, in this process."""
    from forecasting import workflows

    begun = time.perf_counter()
    workflows.look_first(path.name, path)
    looked = time.perf_counter() - begun
    begun = time.perf_counter()
    preview = workflows.preview_upload(path.name, path)
    previewed = time.perf_counter() - begun
    workflows.load_upload(preview, preview.mapping, "Large")
    return {
        "rows": preview.rows,
        "first_look_s": round(looked, 1),
        "preview_s": round(previewed, 1),
        "load_s": round(time.perf_counter() - begun, 1),
        "cpu_s": round(time.process_time(), 1),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def measured(path: Path) -> dict[str, float]:
    """The same in a process of its own, with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="tideline-home-", dir=path.parent) as home:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(path)],
            env={**os.environ, "TIDELINE_HOME": home},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def sizes(*, quick: bool) -> dict[str, float]:
    """Both files, made, measured and deleted; printed as they come."""
    csv_rows, parquet_rows = QUICK if quick else ROWS
    found = {}
    with tempfile.TemporaryDirectory(prefix="tideline-sizes-") as folder:
        for name, rows in (("sales.csv", csv_rows), ("sales.parquet", parquet_rows)):
            path = Path(folder) / name
            write(path, rows)
            size, load = path.stat().st_size / 2**20, os.getloadavg()[0]
            found[name] = measured(path)
            path.unlink()
            print(f"{name}: {rows:,} rows, {size:,.0f} MB, load average {load:.1f}: {json.dumps(found[name])}", flush=True)
    csv, parquet = found["sales.csv"], found["sales.parquet"]
    return {
        "first_look_s": csv["first_look_s"],
        "preview_s": csv["preview_s"],
        "load_s": csv["load_s"],
        "load_rss_mb": csv["rss_mb"],
        "parquet_load_s": parquet["load_s"],
    }


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small files, for a quick look")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    print(json.dumps(measure(options.measure) if options.measure else sizes(quick=options.quick)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
