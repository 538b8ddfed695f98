"""Files that could stand the desk still: each is loaded and the desk opened in a process of its own, timed and weighed.

usage: python bench/hostile.py FOLDER [--seconds 10] [--mb 1024]

FOLDER holds small hostile files; the large kinds are made here. Right is a sentence (an error of Tideline's own) or a correct
load, within the limits, and a desk that starts and answers Today and one item. Seconds are those of the processor, of all
threads together, so that a busy machine does not count; what a server imports once is not among them. Prints a line for each
case, and one JSON object on the last line. Exit code 1 where a case fails.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

#: A child gets so many times the limits before it is ended: a failure is told by its figures.
_PATIENCE, _ROOM = 30, 8

GOOD = "item,date,units\n" + "".join(f"{item},2024-01-{day:02},{day}\n" for item in "AB" for day in range(1, 29))


def dotted() -> bytes:
    return f"{GOOD}A,2024-02-01,1{'.' * 100_000}\n".encode()


def dotted_dates() -> bytes:
    return f"{GOOD}A,{'1,' * 0}{'2024-01' * 20_000},1\n".encode()


def digits_and_commas() -> bytes:
    return (GOOD + f'A,2024-02-01,"{",".join(["123"] * 30_000)}x"\n').encode()


def header_of_commas() -> bytes:
    return b"," * 2**20 + b"\n" + GOOD.encode()


def quoted_header() -> bytes:
    return b'"item' + b"," * 2**21


def ragged() -> bytes:
    return b"item,date,units\n" + b"A,2\n" * 15_000_000


def blank_rows() -> bytes:
    return GOOD.encode() + b"\n" * 60_000_000


def binary_rows() -> bytes:
    return GOOD.encode() + b"A,\xff\xfe\n" * 12_000_000


def many_columns(count: int) -> tuple[list[str], list[list[object]]]:
    names = ["item", "date", "units", *(f"column {n}" for n in range(count - 3))]
    return names, [["A", f"2024-01-{day:02}", day, *([1] * (count - 3))] for day in (1, 2, 3)]


def wide_sheet() -> bytes:
    import openpyxl

    book, sink = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("Sales")
    names, rows = many_columns(16_384)
    for row in (names, *rows):
        sheet.append(row)
    book.save(sink)
    return sink.getvalue()


def far_cells() -> bytes:
    """Twenty thousand rows with one cell each in the last column of the sheet."""
    import zipfile

    import openpyxl

    book, sink, out = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in (["item", "date", "units"], ["A", "2024-01-01", 1]):
        book.active.append(row)
    book.save(sink)
    with zipfile.ZipFile(sink) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                far = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(3, 20_003))
                content = content.replace(b"</sheetData>", far.encode() + b"</sheetData>")
            new.writestr(name, content)
    return out.getvalue()


def parquet(columns: dict[str, object], **options: object) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def wide_parquet() -> bytes:
    names, rows = many_columns(30_000)
    return parquet({name: [row[place] for row in rows] for place, name in enumerate(names)})


def long_parquet() -> bytes:
    """Two hundred million equal rows in a few kilobytes."""
    import numpy as np
    import pyarrow as pa

    rows = 20_000_000
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["A"]))
    return parquet({"item": same, "date": same, "units": np.ones(rows, np.int8)})


def from_1970_to_2099() -> bytes:
    head = ",".join(["item", "date", "units", *(f"c{n}" for n in range(60))])
    days = ("1970-01-01", "1970-01-02", "2099-12-31")
    rows = (",".join([f"I{n}", day, "1", *["2"] * 60]) for n in range(400) for day in days)
    return "\n".join([head, *rows]).encode()


def twenty_empty_years() -> bytes:
    head = ",".join(["item", "date", "units", *(f"c{n}" for n in range(60))])
    days = ("2000-01-01", "2000-01-02", "2021-06-30")
    rows = (",".join([f"I{n}", day, "1", *["2"] * 60]) for n in range(400) for day in days)
    return "\n".join([head, *rows]).encode()


def daily(items: int, years: int, columns: int) -> Callable[[], bytes]:
    """An ordinary daily history, which must load."""

    def made() -> bytes:
        import numpy as np
        import pandas as pd

        rng, days = np.random.default_rng(0), pd.date_range("2014-01-01", periods=365 * years)
        rows = items * len(days)
        frame = pd.DataFrame({"item": np.repeat([f"A{n}" for n in range(items)], len(days)), "date": np.tile(days, items)})
        numbers = {f"c{n}": rng.integers(0, 1000, rows) / 10 for n in range(columns)}
        frame = frame.assign(units=rng.poisson(5, rows)).join(pd.DataFrame(numbers))
        return frame.to_csv(index=False).encode()

    return made


def huge_demand() -> bytes:
    return f"{GOOD}A,2024-02-01,3e38\n".encode()


#: Name of a file → what is in it, and whether it must load.
KINDS: dict[str, tuple[Callable[[], bytes], bool]] = {
    "dots.csv": (dotted, False),
    "long_date.csv": (dotted_dates, False),
    "digits_and_commas.csv": (digits_and_commas, False),
    "commas.csv": (header_of_commas, False),
    "open_quotes.csv": (quoted_header, False),
    "ragged.csv": (ragged, False),
    "blank_rows.csv": (blank_rows, False),
    "not_utf8.csv": (binary_rows, False),
    "wide.xlsx": (wide_sheet, False),
    "far_cells.xlsx": (far_cells, False),
    "wide.parquet": (wide_parquet, False),
    "long.parquet": (long_parquet, False),
    "1970_to_2099.csv": (from_1970_to_2099, False),
    "empty_years.csv": (twenty_empty_years, False),
    "huge_demand.csv": (huge_demand, False),
    "daily_20x5x20.csv": (daily(20, 5, 20), True),
    "daily_20x10x40.csv": (daily(20, 10, 40), True),
    "good.csv": (GOOD.encode, True),
}


def child(path: Path) -> None:
    """Loads one file into a home of its own and opens the desk; tells what came of it as JSON."""
    from data.errors import TidelineError
    from data.sources.upload import load
    from forecasting import workflows
    from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

    MQTransformerForecaster.load(workflows.SHIPPED)  # a server has imported what this imports
    content, outcome, failed = path.read_bytes(), "", ""
    started = time.process_time()
    try:
        try:
            preview = load.preview(path.name, content)
            workflows.load_upload(preview, preview.mapping, path.stem)
            outcome = f"loaded {preview.items:,} items"
        except TidelineError as error:
            outcome = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        if workflows.catalog_path().is_file():
            workflows.prepare(lambda progress: None)
            with closing(workflows.open_service()) as service:
                item_id = service.forecasts.today().rows[0].item_id
                service.items.history(item_id)
                if service.model().serves:
                    service.items.view(item_id)
    except Exception as error:  # what must not be
        failed = f"{type(error).__name__}: {error}"[:300]
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"outcome": outcome, "failed": failed, "seconds": seconds, "mb": peak}))


def measured(path: Path, most_seconds: float, most_mb: float) -> dict[str, object]:
    """What the child said of the file, or how it ended."""
    with tempfile.TemporaryDirectory(prefix="tideline-hostile-") as home:

        def bounded() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (int(most_mb * _ROOM * 2**20),) * 2)

        try:
            ended = subprocess.run(
                [sys.executable, __file__, "--child", str(path)],
                env={**os.environ, "TIDELINE_HOME": home},
                capture_output=True,
                text=True,
                timeout=most_seconds * _PATIENCE,
                preexec_fn=bounded,
                check=False,
            )
            return json.loads(ended.stdout.splitlines()[-1])
        except subprocess.TimeoutExpired:
            return {"outcome": "", "failed": "not done", "seconds": most_seconds * _PATIENCE, "mb": float("nan")}
        except (ValueError, IndexError):
            return {"outcome": "", "failed": f"ended with {ended.returncode}: {ended.stderr[-200:]}", "seconds": 0.0, "mb": 0.0}


def cases(folder: Path, made: Path) -> Iterator[tuple[Path, bool]]:
    """Each file, and whether it must load."""
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".xlsx", ".parquet"):
            yield path, False
    for name, (content, loads) in KINDS.items():
        path = made / name
        path.write_bytes(content())
        yield path, loads
        path.unlink()


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="of small hostile files")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--mb", type=float, default=1024.0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options.child)
        return 0
    if options.folder is None or not options.folder.is_dir():
        parser.error("give the folder of hostile files")
    found, failures, tracebacks = [], [], 0
    with tempfile.TemporaryDirectory(prefix="tideline-hostile-") as made:
        for path, loads in cases(options.folder, Path(made)):
            one = measured(path, options.seconds, options.mb)
            tracebacks += bool(one["failed"])
            slow, heavy = float(str(one["seconds"])) > options.seconds, float(str(one["mb"])) > options.mb
            refused = loads and not str(one["outcome"]).startswith("loaded")
            if one["failed"] or slow or heavy or refused:
                failures.append(path.name)
            print(f"{path.name:24} {one['seconds']:6.1f} s {one['mb']:6.0f} MB  {one['failed'] or one['outcome']}", flush=True)
            found.append(one)
    worst = {
        f"worst_{short}": round(max(float(str(one[name])) for one in found), 1)
        for short, name in (("s", "seconds"), ("mb", "mb"))
    }
    print(json.dumps({"cases": len(found), **worst, "tracebacks": tracebacks, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
