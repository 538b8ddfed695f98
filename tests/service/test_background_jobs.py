"""Work beside the pages: heard while it runs, stopped, told when it fails, and never twice at once."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from forecasting.core.types import Progress, Report
from forecasting.service import background_jobs
from forecasting.service.background_jobs import CommandJob, FunctionJob

THREADS = 8

_LINES = """
import json, sys, time
print(json.dumps({"done": 1, "total": 4, "message": "First"}), file=sys.stderr, flush=True)
print("a word between", file=sys.stderr, flush=True)
"""


def job(code: str) -> CommandJob:
    words = {"stopped": "Stopped; start it again to go on.", "went_wrong": "The run failed."}
    return CommandJob([sys.executable, "-c", _LINES + code], name="ladder", **words)


def ended(run: CommandJob | FunctionJob) -> CommandJob | FunctionJob:
    begun = time.monotonic()
    while run.running and time.monotonic() - begun < 30:
        time.sleep(0.01)
    assert not run.running
    return run


def test_the_process_is_heard_and_its_failure_told() -> None:
    run = job("sys.exit(3)")
    run.start()
    assert ended(run).failed == "The run failed. a word between"
    assert run.progress() == Progress(1, 4, "First")
    fine = job("assert sys.argv[1:] == ['--afresh']")
    fine.start("--afresh")
    assert ended(fine).failed is None


def test_a_stopped_process_is_no_failure() -> None:
    run = job("time.sleep(60)")
    run.start()
    while run.progress().message != "First":
        time.sleep(0.01)
    run.stop()
    assert ended(run).failed is None
    assert "start it again" in run.progress().message


def test_a_process_that_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background_jobs, "_PATIENCE", 0.05)
    run = job("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', file=sys.stderr)\ntime.sleep(60)")
    run.start()
    while run.progress().message != "First":
        time.sleep(0.01)
    time.sleep(0.3)
    run.stop()
    assert ended(run).failed is None


def test_a_job_that_eight_sessions_start_runs_once() -> None:
    ran: list[int] = []
    let_go = threading.Event()

    def work(report: Report) -> None:
        ran.append(1)
        report(Progress(1, 2, "half"))
        let_go.wait(10)

    job = FunctionJob(name="test", stopped="Stopped.", went_wrong="It failed.")
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: job.start(work), range(THREADS)))
    assert job.running
    let_go.set()
    ended(job)
    assert ran == [1]
    assert job.failed is None


def test_what_is_to_run_once_does_not_run_again_after_it_ended() -> None:
    ran: list[int] = []
    job = FunctionJob(name="test", stopped="Stopped.", went_wrong="It failed.")
    for _ in range(2):
        job.start(lambda report: ran.append(1), once=True)
        ended(job)
    assert ran == [1]
    job.start(lambda report: ran.append(2))
    ended(job)
    assert ran == [1, 2]


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_a_job_that_ends_early_says_how(how: str) -> None:
    begun = threading.Event()

    def work(report: Report) -> None:
        begun.set()
        if how == "failed":
            raise ValueError("no such number")
        while True:
            report(Progress(1, 2, "half"))
            time.sleep(0.001)

    job = FunctionJob(name="test", stopped="Stopped.", went_wrong="It failed.")
    job.start(work)
    assert begun.wait(10)
    if how == "stopped":
        job.stop()
    ended(job)
    assert job.failed == (None if how == "stopped" else "It failed. ValueError: no such number")
    assert how == "failed" or job.progress().message == "Stopped."
