"""A fresh server as ``make run`` starts it, and a real browser to visit it with."""

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
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREPARED_WITHIN, READY_WITHIN = 300, 90  # seconds
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """Where the desk is, and the catalog behind it."""

    address: str
    catalog: Path


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; its tests are skipped where there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        pytest.skip(
            "There is no chromium on this machine, so the browser journeys are not run. Debian: apt-get install chromium"
        )
    return found


@pytest.fixture
def server(chromium: str) -> Iterator[Server]:
    """A server that nobody has visited yet; it is ended with the test, and its log is printed where it fails to start."""
    home = Path(os.environ["TIDELINE_HOME"])  # set for all tests, never the planner's own
    _run("prepare")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(process, f"{address}/ready", log)
            yield Server(address, home / "catalog.duckdb")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def browser(chromium: str) -> Iterator[object]:
    """A browser without a past."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        yield opened
        opened.close()


def _run(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "forecasting", command], cwd=ROOT, capture_output=True, text=True, timeout=PREPARED_WITHIN
    )
    if done.returncode:
        pytest.fail(f"python -m forecasting {command} failed:\n{done.stdout}\n{done.stderr}")


def _wait(process: subprocess.Popen[bytes], address: str, log: object) -> None:
    """Until the server says that it is ready; fails with its log where it ends or takes too long."""
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
    pytest.fail(f"The server did not become ready: {asked}\n{log.read()}")
