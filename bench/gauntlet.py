"""Small catalogs of every kind through every generation, the ladder and the desk: what falls over, and what breaks a law.

``python bench/gauntlet.py [--quick] [--catalogs NAME …] [--tenth] [--out FILE]``

The catalogs and the laws are those of tests/gauntlet. Prints each catalog with its time, and one JSON object on the last
line. ``--quick`` trains the networks for an instant; ``--tenth`` runs those that ``make test`` runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "tests")]  # in the place of this folder, whose gauntlet.py is no package

from forecasting.core import threads  # noqa: E402

threads.begin_bench()

from gauntlet.families import CATALOGS, TENTH, Catalog  # noqa: E402
from gauntlet.running import BRIEF, dealt, gauntlet, whole  # noqa: E402

from forecasting.evaluation.provenance import commit  # noqa: E402


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="networks of a few steps")
    parser.add_argument("--tenth", action="store_true", help="those of make test, each with its share of generations")
    parser.add_argument("--catalogs", nargs="+", metavar="NAME", help="a catalog or all of a family; default: all")
    parser.add_argument("--out", type=Path, help="also write the answer here")
    options = parser.parse_args()
    chosen = [one for one in (TENTH if options.tenth else CATALOGS) if _is_named(one, options.catalogs)]
    answer = measured(chosen, quick=options.quick, tenth=options.tenth)
    if options.out:
        options.out.write_text(json.dumps(answer, indent=1) + "\n")
    print(json.dumps(answer))


def measured(chosen: list[Catalog], *, quick: bool, tenth: bool) -> dict[str, object]:
    """What failed on these catalogs; warnings of libraries count as errors, as they do in the tests."""
    warnings.simplefilter("error")
    failures, begun = [], time.process_time()
    for catalog in chosen:
        started = time.process_time()
        found = gauntlet(catalog, dealt(TENTH.index(catalog)) if tenth else BRIEF if quick else whole(catalog))
        failures += found
        print(f"{catalog!s:<34}{time.process_time() - started:7.1f} s  {len(found) or 'ok'}", file=sys.stderr, flush=True)
        for one in found:
            print(f"    {one.where}: {one.words}", file=sys.stderr, flush=True)
    return {
        "commit": commit(),
        "quick": quick,
        "gauntlet_catalogs": len(chosen),
        "gauntlet_failures": len(failures),
        "cpu_s": round(time.process_time() - begun),
        "failures": [vars(one) for one in failures],
    }


def _is_named(catalog: Catalog, names: list[str] | None) -> bool:
    return names is None or str(catalog) in names or catalog.family.name in names


if __name__ == "__main__":
    main()
