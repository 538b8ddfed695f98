"""``python -m forecasting inspect`` and ``load`` with columns, decisions and recipes given on the command line."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from uploads import GOOD

from data.catalog import Catalog
from forecasting.__main__ import main

WEEKS = pd.date_range("2023-01-02", periods=20, freq="W-MON")
WIDE = "sku," + ",".join(f"{day:%Y-%m-%d}" for day in WEEKS) + "\nA" + ",3" * 20 + "\nB" + ",4" * 20 + "\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDELINE_HOME", str(tmp_path / "home"))
    return tmp_path


def looked_at(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["inspect", str(path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_inspect_tells_a_program_what_the_file_holds(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "wide.csv").write_text(WIDE)
    got = looked_at(home / "wide.csv", capsys)
    assert (got["items"], got["periods"], got["frequency"], got["first"], got["last"]) == (
        2,
        20,
        "W-MON",
        "2023-01-02",
        "2023-05-15",
    )
    assert (got["total_demand"], got["locations"], got["problems"], got["recipe"]) == (140, 0, [], None)
    assert [(offer["kind"], offer["count"], offer["taken"]) for offer in got["offers"]] == [("wide-periods", 20, True)]
    assert not (home / "home").exists()  # nothing is written
    left = looked_at(home / "wide.csv", capsys, "--take", "none")
    assert [offer["taken"] for offer in left["offers"]] == [False]
    assert left["problems"][0]["message"].startswith("No column is chosen for the date")
    assert looked_at(home / "wide.csv", capsys, "--take", "all") == got


def test_inspect_tells_a_planner_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "wide.csv").write_text(WIDE)
    assert main(["inspect", str(home / "wide.csv")]) == 0
    told = capsys.readouterr().out
    assert "2 items, 20 periods from 2023-01-02 to 2023-05-15" in told
    assert "[taken] wide-periods (20)" in told
    (home / "bad.csv").write_text(GOOD.replace(",6", ",six"))
    assert main(["inspect", str(home / "bad.csv")]) == 0
    assert "✗ 'six' in 'demand' is not a number (row 3)" in capsys.readouterr().out


def test_columns_and_answers_are_given_on_the_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"A,01/{n:02}/2024,{n},{n * 7 % 5}\n" for n in range(1, 13))
    (home / "sales.csv").write_text(f'item,date,qty,"Net, all"\n{rows}')
    assert main(["load", str(home / "sales.csv")]) == 1
    assert "date-order=months" in capsys.readouterr().err
    options = ["--map", "demand=Net, all,past=qty", "--take", "date-order=months"]
    assert main(["load", str(home / "sales.csv"), *options]) == 0
    with closing(Catalog(home / "home" / "catalog.duckdb")) as catalog:
        assert catalog.about.frequency.alias == "MS"
        assert catalog.panel().demand[0, :3].tolist() == [2, 4, 1]
        assert catalog.about.past == ("qty",)
    capsys.readouterr()
    assert main(["load", str(home / "sales.csv")]) == 0  # as it was read before
    capsys.readouterr()
    assert looked_at(home / "sales.csv", capsys)["recipe"] == "sales.csv"
    kept = next((home / "home" / "recipes").glob("*.json"))
    assert looked_at(home / "sales.csv", capsys, "--recipe", str(kept))["columns"]["demand"] == "Net, all"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "colour=units"], "'colour', which is no role"),
        (["--map", "units"], "is not understood"),
        (["--take", "Duplicate Rows!"], "is not understood"),
        (["--recipe", "nowhere.json"], "There is no recipe"),
    ],
)
def test_options_that_cannot_be_meant_are_said(
    home: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    (home / "sales.csv").write_text(GOOD)
    assert main(["inspect", str(home / "sales.csv"), *options]) == 1
    assert words in capsys.readouterr().err
