"""The rows that a catalog was made of come back as they were, and only those of the catalog in use."""

from __future__ import annotations

from pathlib import Path

from uploads import GOOD, seen

from data.sources.upload import load
from data.sources.upload.value_parsing import coded
from data.sources.upload.writing.kept_rows import RowStore


def test_rows_and_recipe_come_back(tmp_path: Path) -> None:
    got, store = seen(GOOD.replace("B,2024-01-14,0", "B,2024-01-14,")), RowStore(tmp_path / "rows")
    table, _ = load.rows_of(got)
    recipe = load.recipe_of(got, got.mapping)
    assert store.of("one") is None
    store.keep("one", table, recipe)
    kept = store.of("one")
    assert kept is not None
    assert kept.recipe == recipe
    assert (kept.table.delimiter, kept.table.format) == (",", "CSV")
    for name, cells in table.columns.items():
        assert kept.table.columns[name].to_pylist() == [text or None for text in cells.to_pylist()]
        assert coded(kept.table.columns[name]).texts == coded(cells).texts
    store.keep("two", table, recipe)
    assert [path.name for path in (tmp_path / "rows").iterdir()] == ["two.rows"]


def test_damaged_rows_are_none(tmp_path: Path) -> None:
    store = RowStore(tmp_path)
    (tmp_path / "one.rows").write_bytes(b"PAR1 and no more")
    assert store.has("one")
    assert store.of("one") is None
