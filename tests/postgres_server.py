"""A PostgreSQL server of our own for a test, from the package that is installed; skipped where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PLACES = ("/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True))

#: A server does not run as root: this user of every Linux does instead.
_USER = "nobody"


def program(name: str) -> str:
    """Where a program of PostgreSQL is; skips the test where it is not to be had."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_PLACES))
    if found is None:
        pytest.skip(f"PostgreSQL is not installed here ({name} is missing); install the package postgresql to run this test")
    return found


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """A server with an empty database, on a socket of its own; gives the environment that names it."""
    begin, serve = Path(program("initdb")).resolve(), Path(program("postgres")).resolve()
    with tempfile.TemporaryDirectory(prefix="tideline-postgres-", ignore_cleanup_errors=True) as folder:
        data, socket, secret = Path(folder) / "data", Path(folder), Path(folder) / "secret"
        secret.write_text("a secret word")
        as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            for path in (Path(folder), secret):
                shutil.chown(path, _USER)
            as_user = {"user": _USER, "extra_groups": []}
        words = [str(begin), "-D", str(data), "-U", "planner", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        made = subprocess.run([*words, "--no-sync"], capture_output=True, text=True, **as_user)  # type: ignore[call-overload]
        if made.returncode:
            pytest.skip(f"PostgreSQL cannot make a database here: {made.stderr.strip()[-200:]}")
        command = [str(serve), "-D", str(data), "-k", str(socket), "-h", "", "-F"]
        with subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,  # type: ignore[call-overload]
        ) as server:
            try:
                _wait_for(data / "postmaster.pid", server)
                yield {
                    "PGHOST": str(socket),
                    "PGUSER": "planner",
                    "PGPASSWORD": "a secret word",
                    "PGDATABASE": "postgres",
                }
            finally:
                server.terminate()
                server.wait(20)


def _wait_for(status: Path, server: subprocess.Popen[bytes]) -> None:
    """Until the server says in its file of ``status`` that it takes connections; its socket is there before."""
    until = time.monotonic() + 60
    while not (status.exists() and "ready" in status.read_text().split()):
        if server.poll() is not None or time.monotonic() > until:
            pytest.skip("PostgreSQL does not start here")
        time.sleep(0.05)
