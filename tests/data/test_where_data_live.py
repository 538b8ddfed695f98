"""Large files that are read where they lie, and folders of files: the catalog is that of one small file, byte for byte."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from uploads import findings, loaded

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.load import UploadPreview, load, preview
from data.sources.upload.places import first_look as first_look_of
from data.sources.upload.places.first_look import first_look
from data.sources.upload.places.named import lying_in, place_of, title_of

WEEKS = pd.date_range("2023-01-01", periods=40, freq="W-SUN")


def sales(items: int = 9) -> pd.DataFrame:
    """Weekly sales with two attributes; the last week is no lower than others."""
    rng = np.random.default_rng(4)
    rows = [
        (f"{item:03}", f"{week:%Y-%m-%d}", int(rng.poisson(9)), round(2 + item * 0.37, 2), int(rng.random() < 0.1),
         f"Brand {item % 4}", ("Käse", "tea, green")[item % 2])
        for week in WEEKS for item in range(items)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["item", "date", "units", "price", "promo", "brand", "category"])


def hash_of(got: UploadPreview, path: Path) -> str:
    assert not got.problems, got.problems
    return loaded(got, path).about.catalog_hash


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of the catalog that one small CSV gives."""
    return hash_of(preview("sales.csv", sales().to_csv(index=False).encode()), tmp_path_factory.mktemp("right"))


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_FILE", 500)
    monkeypatch.setattr("data.sources.upload.file_formats._PACKED", 100)


@pytest.mark.usefixtures("all_are_large")
@pytest.mark.parametrize("form", ["plain", "windows", "german", "packed", "parquet", "titled", "by item"])
def test_a_large_file_gives_the_catalog_of_a_small_one(tmp_path: Path, right: str, form: str) -> None:
    frame, path = sales(), tmp_path / "sales.csv"
    if form == "plain":
        frame.to_csv(path, index=False)
    elif form == "by item":
        frame.sort_values(["category", "item", "date"], ascending=False).to_csv(path, index=False)
    elif form == "windows":
        path.write_bytes(frame.to_csv(index=False).replace("\n", "\r\n").encode("cp1252"))
    elif form == "german":
        frame["date"] = pd.to_datetime(frame["date"]).dt.strftime("%d.%m.%Y")
        path.write_text(frame.to_csv(index=False, sep=";", decimal=","))
    elif form == "packed":
        path = path.with_suffix(".csv.gz")
        path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    elif form == "titled":
        path.write_text("Weekly sales\nAll stores\n\n" + frame.to_csv(index=False))
    else:
        path = path.with_suffix(".parquet")
        frame.assign(date=pd.to_datetime(frame["date"])).to_parquet(path, index=False)
    got = preview(path.name, path)
    assert (got.rows, got.items, got.periods) == (360, 9, 40)
    assert hash_of(got, tmp_path) == right


@pytest.mark.usefixtures("all_are_large")
def test_rows_that_are_wrong_are_named_by_their_number(tmp_path: Path) -> None:
    lines = sales().to_csv(index=False).splitlines()
    lines[200] = lines[200].replace(",", ",x", 2).replace("x2023", "2023")
    lines[300] += ",more"
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(lines))
    told = [str(problem) for problem in preview("sales.csv", path).problems]
    assert any("is not a number" in words and "(row 201)" in words for words in told)
    assert any("row 301 has 8 and the header 7" in words for words in told)


def test_a_small_parquet_file_of_many_cells_is_read_where_it_lies(
    tmp_path: Path, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.parquet"
    sales().to_parquet(path, index=False)
    monkeypatch.setattr(limits, "MOST_CELLS", 1000)
    with pytest.raises(UploadError, match="the most is 1,000"):
        preview("sales.parquet", path.read_bytes())
    assert hash_of(preview("sales.parquet", path), tmp_path) == right


@pytest.mark.usefixtures("all_are_large")
def test_limits_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.csv"
    sales().assign(note=[f"n{row}" for row in range(360)]).to_csv(path, index=False)
    monkeypatch.setattr(limits, "MOST_DIFFERENT", 100)
    got = preview("sales.csv", path)
    assert "Column 'note' has more than 100 different values and is left out" in findings(got)
    monkeypatch.setattr(limits, "MOST_ROWS", 50)
    with pytest.raises(UploadError, match=r"more than 50 rows.*Load fewer periods"):
        preview("sales.csv", path)
    monkeypatch.setattr(limits, "LARGEST_ON_DISK", 600)
    with pytest.raises(UploadError, match=r"the most is 0 GB"):
        preview("sales.csv", path)
    (tmp_path / "fake.parquet").write_bytes(path.read_bytes())
    with pytest.raises(UploadError, match=r"is a CSV file, not Parquet as its name says"):
        preview("fake.parquet", tmp_path / "fake.parquet")


class Stopped(BaseException):
    """As a job ends what it does."""


@pytest.mark.usefixtures("all_are_large")
def test_it_tells_how_far_it_is_and_can_be_stopped_anywhere(tmp_path: Path) -> None:
    path, told = tmp_path / "sales.csv", list[str]()
    sales().to_csv(path, index=False)

    def tell(done: int, total: int, words: str) -> None:
        assert 0 <= done <= total
        told.append(words)

    got = preview("sales.csv", path, None, tell)
    load(got, got.mapping, "Mine", tmp_path / "catalog.duckdb", None, tell)
    assert any(words.startswith("Reading sales.csv: 36") for words in told)
    assert "Looking for what is odd: missing rows" in told
    assert "Writing 9 of 9 items" in told
    (tmp_path / "catalog.duckdb").unlink()
    for place in range(len(told)):
        left = [place]

        def stop(done: int, total: int, words: str) -> None:
            left[0] -= 1  # noqa: B023
            if left[0] < 0:  # noqa: B023
                raise Stopped

        def whole() -> None:
            again = preview("sales.csv", path, None, stop)
            load(again, again.mapping, "Mine", tmp_path / "catalog.duckdb", None, stop)

        with pytest.raises(Stopped):
            whole()
        assert [one.name for one in tmp_path.iterdir()] == ["sales.csv"]


def test_a_first_look_at_a_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.csv"
    sales().to_csv(path, index=False)
    assert first_look("sales.csv", path) is None
    monkeypatch.setattr(limits, "LARGEST_FILE", 12_000)
    monkeypatch.setattr(first_look_of, "_HEAD", 2000)
    monkeypatch.setattr(first_look_of, "_STRETCH", 300)
    look = first_look("sales.csv", path)
    assert look is not None
    assert "item = item, date = date, units sold = units, price = price" in look.words
    assert look.preview.rows < 360
    sales().to_parquet(tmp_path / "sales.parquet")
    look = first_look("sales.parquet", tmp_path / "sales.parquet")
    assert look is not None
    assert look.words.startswith("About 360 rows. item = item")


# folders


def monthly(folder: Path, ending: str) -> Path:
    folder.mkdir()
    frame = sales()
    for month, part in frame.groupby(frame["date"].str[:7]):
        mixed = part.sample(frac=1, random_state=2)
        if ending == "csv":
            mixed.to_csv(folder / f"{month}.csv", index=False)
        else:
            mixed.assign(date=pd.to_datetime(mixed["date"])).to_parquet(folder / f"{month}.parquet", index=False)
    return folder


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_of_months_gives_the_catalog_of_one_file(tmp_path: Path, right: str, ending: str) -> None:
    folder = monthly(tmp_path / "months", ending)
    (folder / ".hidden.csv").write_text("no,table\n")
    (folder / "_SUCCESS").write_text("")
    got = preview("months", folder)
    assert hash_of(got, tmp_path) == right
    assert "10 files of the folder months are read together" in findings(got)
    assert got.signature == preview(f"2023-01.{ending}", folder / f"2023-01.{ending}").signature


@pytest.mark.parametrize("by", [["category"], ["brand", "category"]])
def test_partitions_of_a_database_are_columns(tmp_path: Path, right: str, by: list[str]) -> None:
    sales().to_parquet(tmp_path / "parts", partition_cols=by)
    assert hash_of(preview("parts", tmp_path / "parts"), tmp_path) == right


def test_years_and_months_as_partitions_change_nothing(tmp_path: Path, right: str) -> None:
    frame = sales()
    parts = frame.assign(year=frame["date"].str[:4], month=frame["date"].str[5:7])
    parts.to_parquet(tmp_path / "parts", partition_cols=["year", "month"])
    assert hash_of(preview("parts", tmp_path / "parts"), tmp_path) == right


def test_a_month_without_a_column_has_empty_cells(tmp_path: Path) -> None:
    folder = monthly(tmp_path / "months", "csv")
    first = folder / "2023-01.csv"
    pd.read_csv(first, dtype=str).drop(columns="promo").to_csv(first, index=False)
    got = preview("months", folder)
    assert (got.rows, got.mapping.promo) == (360, "promo")
    assert not got.problems


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UploadError, match=r"empty is a folder without CSV, Parquet or Excel files"):
        preview("empty", tmp_path / "empty")
    folder = monthly(tmp_path / "months", "csv")
    (folder / "2023-02.csv").write_text("item;date;units\n001;2023-02-05;3\n")
    with pytest.raises(UploadError, match=r"several kinds: 2023-01.csv is CSV separated by ',' and 2023-02.csv CSV"):
        preview("months", folder)
    (folder / "2023-02.csv").write_text("item,date,units\n001,2023-02-05,3,4\n002,2023-02-05,1\n")
    assert any(problem.message.startswith("2023-02.csv: ") for problem in preview("months", folder).problems)


def test_a_place_is_named_by_its_path(tmp_path: Path) -> None:
    folder = monthly(tmp_path / "months", "csv")
    assert place_of(str(folder)) == ("months", folder)
    assert (title_of(str(folder)), title_of("postgres:shop.sales"), title_of("x/sales.csv.gz")) == ("months", "sales", "sales")
    assert lying_in(tmp_path) == ("months",)
    assert lying_in(tmp_path / "nothing") == ()
    with pytest.raises(UploadError, match="There is no file or folder"):
        place_of(str(tmp_path / "nothing"))
