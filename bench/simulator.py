"""How fast items are simulated: ``python bench/simulator.py [--items N] [--periods T]`` prints one JSON object."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.sources.simulator.settings import Simulation
from data.sources.simulator.simulate import simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--periods", type=int, default=104)
    settings = Simulation(**vars(parser.parse_args()))
    started = time.perf_counter()
    items = sum(len(chunk) for chunk in simulate(settings))
    seconds = time.perf_counter() - started
    print(
        json.dumps(
            {
                "items": items,
                "periods": settings.periods,
                "planned": settings.planned,
                "seconds": round(seconds, 2),
                "items_per_second": round(items / seconds),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
