"""A fresh server as ``make run`` starts it, on a home of one's own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
PREPARED_WITHIN, READY_WITHIN = 300, 90  # seconds
_NAMES = ("chromium", "chromium-browser", "google-chrome")

#: How the browser is started.
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


class NotServed(RuntimeError):
    """The server did not start, or a command that prepares its home failed; says what it printed."""


@dataclass(frozen=True)
class Server:
    """Where the desk is, the catalog behind it, and what it has printed so far."""

    address: str
    catalog: Path
    log: Path


def chromium() -> str:
    """The browser's path; empty where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None) or ""


def forecasting(home: Path, *words: str) -> None:
    """Runs ``python -m forecasting`` on this home."""
    _run(home, "-m", "forecasting", *words)


def python(home: Path, code: str) -> None:
    """Runs a line of Python on this home."""
    _run(home, "-c", code)


def _run(home: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT, env=os.environ | {"TIDELINE_HOME": str(home)}, capture_output=True, text=True, timeout=PREPARED_WITHIN,
    )  # fmt: skip
    if done.returncode:
        raise NotServed(f"python {' '.join(words)} failed:\n{done.stdout}\n{done.stderr}")


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server that nobody has visited yet; it is ended with the block, and its log is told where it fails to start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        environment = os.environ | {"TIDELINE_HOME": str(home)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(process, f"{address}/ready", log)
            yield Server(address, home / "catalog.duckdb", Path(log.name))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: IO[str]) -> None:
    """Until the server says that it is ready."""
    asked = "nothing answered"
    for _ in range(READY_WITHIN * 10):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if json.load(answer)["ready"]:
                    return
        except urllib.error.HTTPError as error:  # 503 while it loads
            with error:
                asked = error.read().decode()
            if error.code == 500:
                break
        except (urllib.error.URLError, OSError) as error:
            asked = str(error)
        if process.poll() is not None:
            asked = f"it ended with {process.returncode}"
            break
        time.sleep(0.1)
    log.seek(0)
    raise NotServed(f"The server did not become ready: {asked}\n{log.read()}")
