"""``python -m forecasting load``: a file of sales, with a file of orders, becomes the catalog in use, or nothing changes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from uploads import GOOD

from data.catalog import Catalog
from forecasting.__main__ import main

ORDERS = "item_id,ordered,due,received,units\nA,2023-12-04,,2023-12-20,48\nB,2024-01-08,2024-01-29,,24\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("TIDELINE_HOME", str(tmp_path / "home"))
    sales, orders = tmp_path / "sales.csv", tmp_path / "orders.csv"
    sales.write_text(GOOD)
    orders.write_text(ORDERS)
    return sales, orders


def test_both_files_become_the_catalog(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sales, orders = files
    assert main(["load", str(sales), "--orders", str(orders), "--name", "Shop"]) == 0
    assert "Loaded 2 items and 2 orders." in capsys.readouterr().out
    with closing(Catalog(tmp_path / "home" / "catalog.duckdb")) as catalog:
        assert catalog.about.name == "Shop"
        assert len(catalog.orders()) == 2


def test_bad_orders_leave_the_catalog_as_it_was(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sales, orders = files
    assert main(["load", str(sales)]) == 0
    orders.write_text(ORDERS + "A,2024-01-08,,,-3\n")
    assert main(["load", str(sales), "--orders", str(orders), "--name", "Other"]) == 1
    told = capsys.readouterr().err
    assert "orders.csv was not loaded; the catalog in use stays as it was." in told
    assert "its units are negative (row 4)" in told
    assert main(["load", str(sales), "--orders", str(tmp_path / "none.csv")]) == 1
    assert "There is no file" in capsys.readouterr().err
    with closing(Catalog(tmp_path / "home" / "catalog.duckdb")) as catalog:
        assert catalog.about.name == "sales"
        assert len(catalog.orders()) == 0
