"""Do the numbers of the desk fit together? Presses every control, then reads the pages and recomputes what they say.

usage: python bench/agree.py [--items 200] [--quick] [--home HOME] [--without-crawler]

Reads Today with all its alerts, the Buy plan, and Item, What if and the ranking of many items of the demo with its model,
their files included: best sellers, rare sellers, new items, what Today names, and random ones. Prints what it does, the
contradictions in words, and one JSON object on the last line. ``--quick`` reads 20 items and 10 alerts, and presses each kind
of control once; ``--home`` takes the demo from a home that was prepared before, which is copied.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

FEW, ALERTS, FEW_ALERTS, TOLD = 20, 1000, 10, 10


def main() -> None:
    """Presses, reads and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="20 items, 10 alerts, each kind of control once")
    parser.add_argument("--home", type=Path, help="a home that holds the demo already")
    parser.add_argument("--without-crawler", action="store_true", help="read the pages alone")
    options = parser.parse_args()
    pressed = {} if options.without_crawler else controls(options.home, quick=options.quick)
    with tempfile.TemporaryDirectory(prefix="tideline-agree-") as folder:
        found = numbers(Path(folder), options.home, min(options.items, FEW) if options.quick else options.items, options.quick)
    for words in found["contradictions"]:
        say(words)
    print(json.dumps({**pressed, **found}, ensure_ascii=False))


def controls(home: Path | None, *, quick: bool) -> dict[str, object]:
    """What came of pressing every control of the demo, as ``bench/press.py`` tells it."""
    from press import measured

    found = measured(["demo"], [], home, whole=not quick)
    return {name: found[name] for name in ("controls_pressed", "control_failures", "console_errors", "failures")}


def numbers(home: Path, kept: Path | None, items: int, quick: bool) -> dict[str, list[str]]:
    """What the pages say of the demo, prepared in ``home``."""
    from e2e.serving import forecasting

    if kept:
        shutil.copytree(kept, home, dirs_exist_ok=True)
    forecasting(home, "prepare")
    if not (home / "look-back.parquet").exists():
        forecasting(home, "look-back")
    os.environ["TIDELINE_HOME"] = str(home)
    from agreement.reading import read_desk

    found = read_desk(items, say, alerts=FEW_ALERTS if quick else ALERTS)
    wrong = sorted(found.book.wrong.items(), key=lambda kind: -len(kind[1]))
    answer = {
        "numbers_checked": found.book.checked,
        "numbers_wrong": found.book.contradictions,
        "alert_kinds": found.alert_kinds,
        "items": found.read,
        "best_sellers": found.of_best,
        "p90_below_all_that_sold": found.low_totals,
        "seconds": round(found.seconds),
        "contradictions": [f"{kind} ({len(words)}): {one}" for kind, words in wrong for one in words[:TOLD]],
    }
    return answer


def say(words: str) -> None:
    """Tells how far it is."""
    print(words, flush=True)


if __name__ == "__main__":
    main()
