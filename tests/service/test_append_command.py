"""``load --append``: next week's file is added to the catalog in use; what changes is told first, and taken with --yes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.catalog import Catalog
from data.errors import UploadError
from forecasting import workflows
from forecasting.__main__ import main

WEEKS = pd.date_range("2023-01-01", periods=30, freq="W-SUN")


def sales(items: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    rows = [
        (f"I{item}", week.date(), int(rng.poisson(9)), 2.5 + item, ("tea", "oil")[item % 2])
        for week in WEEKS
        for item in range(items)
    ]
    return pd.DataFrame(rows, columns=["item", "date", "units", "price", "category"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIDELINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def loaded(frame: pd.DataFrame, path: Path, *words: str) -> int:
    frame.to_csv(path, index=False)
    return main(["load", str(path), *words])


def hash_in_use() -> str:
    with closing(Catalog(workflows.catalog_path())) as catalog:
        return catalog.about.catalog_hash


def until(frame: pd.DataFrame, last: int) -> pd.DataFrame:
    return frame[frame["date"] <= WEEKS[last].date()]


def week(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    return frame[frame["date"] == WEEKS[number].date()]


@pytest.fixture
def whole(tmp_path: Path) -> str:
    """The hash of the catalog of all weeks in one file."""
    assert loaded(sales(), tmp_path / "whole.csv") == 0
    return hash_in_use()


def test_a_week_is_told_before_it_is_taken_and_gives_the_whole(
    tmp_path: Path, whole: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded(until(sales(), 28), tmp_path / "before.csv")
    before = hash_in_use()
    capsys.readouterr()
    assert loaded(week(sales(), 29), tmp_path / "week.csv", "--append") == 0
    told = capsys.readouterr().out
    assert "+ 1 period: 2023-07-23, with 5 numbers of demand." in told
    assert "Say --yes to take it" in told
    assert hash_in_use() == before
    assert loaded(week(sales(), 29), tmp_path / "week.csv", "--append", "--yes") == 0
    assert hash_in_use() == whole
    with closing(Catalog(workflows.catalog_path())) as catalog:
        assert catalog.about.name == "before"
        assert catalog.about.words == "Loaded from the file before.csv. Added last: the file week.csv."
    assert "nothing would change" not in told
    assert loaded(week(sales(), 29), tmp_path / "week.csv", "--append", "--yes") == 0
    assert "holds all of it already" in capsys.readouterr().out


def test_changed_numbers_and_new_items_are_counted_with_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(until(sales(), 28), tmp_path / "before.csv")
    old = sales()
    changed = week(old, 28).assign(units=week(old, 28)["units"] + [0, 30, 0, 0, 2])
    new = week(old, 29).assign(item="New", category="oil").head(1)
    capsys.readouterr()
    loaded(pd.concat([changed, new]), tmp_path / "week.csv", "--append", "--yes")
    told = capsys.readouterr().out
    assert "+ 1 new item: New." in told
    assert "≠ 2 numbers on record would change" in told
    units = int(week(old, 28)["units"].iloc[1])
    assert f"I1, 2023-07-16: {units} → {units + 30}" in told
    assert "5 items that sold in the last period on record would be without demand after it" in told
    with closing(Catalog(workflows.catalog_path())) as catalog:
        panel = catalog.panel()
        assert panel.item_ids.tolist() == ["I0", "I1", "I2", "I3", "I4", "New"]
        assert panel.demand[1, 28] == units + 30
        assert np.isnan(panel.demand[:5, 29]).all()


def test_a_skipped_period_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(until(sales(), 26), tmp_path / "before.csv")
    loaded(week(sales(), 29), tmp_path / "week.csv", "--append")
    assert "No demand at all in 2 periods added: 2023-07-09 to 2023-07-16" in capsys.readouterr().out


def test_orders_stay_and_are_replaced_by_others(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("item_id,ordered,due,received,units\nI0,2023-06-04,2023-06-18,,48\n")
    loaded(until(sales(), 28), tmp_path / "before.csv", "--orders", str(orders))
    loaded(week(sales(), 29), tmp_path / "week.csv", "--append", "--yes")
    with closing(Catalog(workflows.catalog_path())) as catalog:
        assert len(catalog.orders()) == 1


def test_what_cannot_be_added_leaves_the_catalog_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(until(sales(), 28), tmp_path / "before.csv")
    before = hash_in_use()
    assert loaded(week(sales(), 29).drop(columns="price"), tmp_path / "week.csv", "--append", "--yes") == 1
    assert "it has no column 'price', which the catalog was read from" in capsys.readouterr().err
    assert loaded(week(sales(), 29).assign(units="many"), tmp_path / "week.csv", "--append", "--yes") == 1
    assert "cannot be added; the catalog in use stays as it was" in capsys.readouterr().err
    assert loaded(week(sales(), 29), tmp_path / "week.csv", "--append", "--name", "Other") == 1
    assert "takes no --name" in capsys.readouterr().err
    assert hash_in_use() == before


def test_a_catalog_whose_rows_were_not_kept_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded(until(sales(), 28), tmp_path / "before.csv")
    for rows in (home / "rows").iterdir():
        rows.unlink()
    assert not workflows.can_be_added_to()
    assert loaded(week(sales(), 29), tmp_path / "week.csv", "--append") == 1
    assert "the rows that it was made of were not kept. Load a file with all of its history once" in capsys.readouterr().err


def test_an_addition_to_a_catalog_that_was_changed_since_is_refused(tmp_path: Path) -> None:
    loaded(until(sales(), 28), tmp_path / "before.csv")
    text = week(sales(), 29).to_csv(index=False).encode()
    addition = workflows.preview_addition(workflows.preview_upload("week.csv", text))
    loaded(until(sales(), 27), tmp_path / "other.csv")
    before = hash_in_use()
    with pytest.raises(UploadError, match="other was changed since the file was compared with it"):
        workflows.load_addition(addition)
    assert hash_in_use() == before


def test_lines_of_a_till_replace_those_of_the_same_days(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [
        (f"T{number:05}", f"I{rng.integers(3)}", f"{pd.Timestamp('2023-01-02') + pd.Timedelta(days=int(number // 9)):%Y-%m-%d}",
         int(rng.integers(1, 4))) for number in range(9 * 140)
    ]  # fmt: skip
    lines = pd.DataFrame(rows, columns=["receipt", "item", "date", "units"])
    loaded(lines, tmp_path / "whole.csv")
    whole = hash_in_use()
    loaded(lines[lines["date"] < "2023-05-10"], tmp_path / "before.csv")
    loaded(lines[lines["date"] >= "2023-05-01"], tmp_path / "after.csv", "--append", "--yes")
    assert hash_in_use() == whole


def test_items_of_several_columns_and_of_one_file_are_the_same_items(tmp_path: Path) -> None:
    by_store = pd.concat([sales().assign(size=size) for size in ("S", "L")])
    loaded(by_store, tmp_path / "whole.csv")
    whole = hash_in_use()
    loaded(until(by_store, 28), tmp_path / "before.csv")
    loaded(week(by_store, 29), tmp_path / "week.csv", "--append", "--yes")
    assert hash_in_use() == whole
    only = sales(1).drop(columns=["item", "category"])
    loaded(until(only, 28), tmp_path / "shop.csv")
    loaded(week(only, 29), tmp_path / "shop_week.csv", "--append", "--yes")
    with closing(Catalog(workflows.catalog_path())) as catalog:
        assert (catalog.about.items, catalog.about.periods) == (1, 30)
