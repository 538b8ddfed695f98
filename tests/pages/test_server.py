"""``/ready`` tells a launcher when a visitor will be answered, and why not."""

from __future__ import annotations

import json

import pytest
import stand_in

from pages.ui.shell import server


@pytest.fixture(autouse=True)
def starting(monkeypatch: pytest.MonkeyPatch, desk: stand_in.State) -> None:
    monkeypatch.setattr(server, "_READINESS", server._Readiness())


def asked() -> tuple[int, bool, str]:
    answer = server.ready(None)
    body = json.loads(answer.body)
    return answer.status_code, body["ready"], body["message"]


def test_it_is_not_ready_while_it_loads() -> None:
    assert asked()[:2] == (503, False)


def test_it_is_ready_when_catalog_and_model_are_loaded() -> None:
    server.warm_up()
    assert asked()[:2] == (200, True)


@pytest.mark.parametrize("missing", ["catalog", "trained"])
def test_a_missing_catalog_or_model_is_for_the_pages_to_explain(desk: stand_in.State, missing: str) -> None:
    setattr(desk, missing, False)
    server.warm_up()
    assert asked()[:2] == (200, True)


def test_a_failure_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("the weights are torn")

    monkeypatch.setattr(stand_in, "open_service", broken)
    server.warm_up()
    assert asked() == (500, False, "RuntimeError: the weights are torn")
