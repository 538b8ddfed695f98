"""Serves the app on the stand-in desk, for looking at pages without data or a model.

python tests/pages/serve_stand_in.py PORT
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

import stand_in  # noqa: E402

if __name__ == "__main__":
    port = int(sys.argv[1])
    stand_in.install()
    sys.argv = [str(ROOT / "app.py")]
    from app import app

    app.run(config={"server.port": port})
