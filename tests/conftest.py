"""What holds for every test: one thread, no touching of the planner's own catalog, the same examples every time."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

if "TIDELINE_HOME" not in os.environ:
    _home = tempfile.mkdtemp(prefix="tideline-tests-")
    os.environ["TIDELINE_HOME"] = _home
    atexit.register(shutil.rmtree, _home, ignore_errors=True)

settings.register_profile("tideline", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("tideline")
