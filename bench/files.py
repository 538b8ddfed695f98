"""Messy files as planners have them: each is read with every offer taken, loaded, and held against what is right for it.

usage: python bench/files.py FOLDER [--sizes [--quick]]

FOLDER holds the files; ``files_expected.json`` beside this says what is right for each: items, periods, the first and the last,
the demand in all, single cells, or what must be asked. Right is that, or a question where one must be asked. Silently wrong is
a load without a word that gives anything else; a traceback is an error that is not Tideline's own. Prints a line for each file,
and one JSON object on the last line; with ``--sizes`` it also holds how long large files take, see ``bench/sizes.py``. Exit
code 1 where a file is silently wrong or sets off a traceback.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))


import numpy as np  # noqa: E402

from data.catalog import Catalog  # noqa: E402
from data.errors import TidelineError  # noqa: E402
from data.sources.upload import load  # noqa: E402
from data.sources.upload.load import UploadPreview  # noqa: E402
from data.sources.upload.offers import YES  # noqa: E402

EXPECTED = Path(__file__).with_name("files_expected.json")


@dataclass(frozen=True)
class Outcome:
    """What came of one file: "right", "asked" (a question or a refusal where a load is right), "wrong" or "traceback"."""

    name: str
    verdict: str
    words: str


def all_taken(name: str, content: bytes, decisions: dict[str, str] | None = None) -> UploadPreview:
    """The file read with every offer taken, and these answers."""
    return load.all_answered(load.preview(name, content, decisions), YES)


def differences(catalog: Catalog, preview: UploadPreview, right: dict[str, Any]) -> list[str]:
    """In what the loaded catalog is other than it should be."""
    panel = catalog.panel()
    found: dict[str, object] = {
        "items": len(panel),
        "periods": len(panel.periods),
        "frequency": panel.frequency.alias,
        "first": str(panel.periods[0].date()),
        "last": str(panel.periods[-1].date()),
        "planned": preview.planned,
        "locations": preview.locations,
    }
    wrong = [f"{name} {found[name]} ≠ {right[name]}" for name in found if name in right and found[name] != right[name]]
    if "total" in right:
        low, high = right["total"] if isinstance(right["total"], list) else (right["total"], right["total"])
        total, slack = float(np.nansum(panel.demand.astype(np.float64))), 1e-4 * abs(high) + 1e-6
        if not low - slack <= total <= high + slack:
            wrong.append(f"total {total:,.10g} ≠ {right['total']}")
    for item, day, column, value in right.get("cells", ()):
        held = panel.demand if column == "demand" else panel.known.get(column)
        rows = np.flatnonzero(panel.item_ids == item)
        place = np.flatnonzero(panel.periods.strftime("%Y-%m-%d") == day)
        if held is None or not len(rows) or not len(place):
            wrong.append(f"no {column} of {item} on {day}")
        elif not np.isclose(held[rows[0], place[0]], value, rtol=1e-4):
            wrong.append(f"{column} of {item} on {day} {held[rows[0], place[0]]:g} ≠ {value:g}")
    return wrong


def tried(path: Path, right: dict[str, Any], home: Path) -> Outcome:
    """One file through preview and load."""
    try:
        preview = all_taken(path.name, path.read_bytes(), right.get("answers"))
        if preview.problems:
            words = str(preview.problems[0])
            return Outcome(path.name, "right" if right.get("asks") or right.get("may_ask") else "asked", words)
        if right.get("asks"):
            return Outcome(path.name, "wrong", "loads, and should ask")
        load.load(preview, preview.mapping, path.stem, home / "catalog.duckdb")
        with closing(Catalog(home / "catalog.duckdb")) as catalog:
            wrong = differences(catalog, preview, right)
        return Outcome(path.name, "wrong" if wrong else "right", "; ".join(wrong))
    except TidelineError as error:
        return Outcome(path.name, "right" if right.get("asks") else "asked", " ".join(str(error).split())[:300])
    except Exception as error:  # what must not be
        return Outcome(path.name, "traceback", f"{type(error).__name__}: {error}"[:300])


def _sizes(*, quick: bool) -> dict[str, float]:
    from sizes import sizes  # beside this file, where it is run

    return sizes(quick=quick)


def main() -> int:
    """Tries all and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of messy files")
    parser.add_argument("--sizes", action="store_true", help="also large files, which are made for it")
    parser.add_argument("--quick", action="store_true", help="with --sizes: smaller ones")
    options = parser.parse_args()
    if not options.folder.is_dir():
        parser.error("give the folder of messy files")
    expected: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="tideline-files-") as home:
        for name, right in expected.items():
            if (path := options.folder / name).is_file():
                outcomes.append(tried(path, right, Path(home)))
                print(f"{outcomes[-1].verdict:10} {name:55} {outcomes[-1].words[:200]}", flush=True)
    counts = {verdict: sum(one.verdict == verdict for one in outcomes) for verdict in ("right", "asked", "wrong", "traceback")}
    failures = [one.name for one in outcomes if one.verdict != "right"]
    print(
        json.dumps(
            {
                "cases": len(outcomes),
                "right": counts["right"],
                "silently_wrong": counts["wrong"],
                "tracebacks": counts["traceback"],
                "asked": counts["asked"],
                "failures": failures,
                **(_sizes(quick=options.quick) if options.sizes else {}),
            }
        )
    )
    return 1 if counts["wrong"] or counts["traceback"] else 0


if __name__ == "__main__":
    sys.exit(main())
