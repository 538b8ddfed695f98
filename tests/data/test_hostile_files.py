"""Files that could stand the server still or fill its memory: each is refused in a sentence, or loads, and quickly.

The limits are what is tested, so the files are as large as the limits need and no larger; ``bench/hostile.py`` measures the
large ones. A file that would take minutes without its limit fails here by its seconds.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from catalogs import panel_of, write
from uploads import GOOD, in_format, loaded, seen

from data.catalog import Catalog
from data.catalog_tables import layout, lists
from data.errors import ResourceError, UploadError
from data.sources.upload import limits
from data.sources.upload.dates.column_dates import date_share, dates
from data.sources.upload.load import UploadPreview, load, preview
from data.sources.upload.purchase_orders import read_orders
from data.sources.upload.value_parsing import Coded, decimal_mark, numbers, numeric_share, switches

HOSTILE = Path(__file__).parent / "hostile"

#: What anything here may take; a limit that does not hold takes minutes.
SECONDS = 10.0


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Fails a test that worked longer, whatever else the machine does."""
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS


def refused(name: str, content: bytes, path: Path) -> str:
    """Why the file is not loaded."""

    def attempt() -> None:
        got = preview(name, content)
        load(got, got.mapping, "Mine", path / "catalog.duckdb")

    with pytest.raises(UploadError) as caught:
        attempt()
    assert not (path / "catalog.duckdb").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("brick_61_bytes.csv", "From the first date, 1970-01-01, to the last, 2099-12-31, are 47,482 periods"),
        ("number_400_digits.xlsx", "is not a number (row 20)"),
        ("row_2e9.xlsx", "a row numbered above 1,048,576"),
        ("text_bomb.parquet", "a cell of 1,000,000 characters in the column 'item'"),
        ("zip_name.xlsx", "a damaged ZIP archive"),
        ("zip_version.xlsx", "a damaged ZIP archive"),
    ],
)
def test_a_file_that_once_failed_is_refused_in_a_sentence(tmp_path: Path, name: str, words: str) -> None:
    assert words in refused(name, (HOSTILE / name).read_bytes(), tmp_path)


# cells


@pytest.mark.parametrize("text", ["1" + "." * 100_000, "1," * 50_000 + "x", "1" * 100_000 + "e", "2024-01-" * 12_000])
def test_no_pattern_is_held_against_a_cell_too_long_for_it(text: str) -> None:
    cells = Coded((text, "5"), np.array([0, 1]))
    assert numbers(cells, ".")[1].tolist() == [True, False]
    assert numbers(cells, ",")[1].tolist() == [True, False]
    assert switches(cells, ".")[1].tolist() == [True, False]
    assert numeric_share(cells, ".") == 0.5
    assert date_share(cells) == 0
    assert decimal_mark([cells], ",") == (".", False)
    assert dates(cells, day_first=None, day_first_if_unclear=False).bad.all()


def test_a_cell_of_dots_is_told_with_its_row_and_not_shown_whole(tmp_path: Path) -> None:
    words = refused("sales.csv", GOOD.replace(",6", ",1" + "." * 30_000).encode(), tmp_path)
    assert "(row 3)" in words
    assert "is not a number" in words
    assert len(words) < 400
    assert "the most is 32,767" in refused("sales.csv", GOOD.replace(",6", ",1" + "." * 100_000).encode(), tmp_path)


@pytest.mark.parametrize("number", ["3e38", "1e13", "-3e38"])
def test_demand_that_cannot_be_meant_is_refused_with_its_cell(tmp_path: Path, number: str) -> None:
    words = refused("sales.csv", GOOD.replace(",6", f",{number}").encode(), tmp_path)
    assert f"'{number}' in 'demand' is beyond what is read" in words
    assert "(row 3)" in words


def test_the_largest_numbers_that_are_read_load(tmp_path: Path) -> None:
    text = "item,date,qty,views\n" + "".join(f"A,2024-01-{day:02},1e12,1e15\n" for day in (7, 14, 21))
    with_views = loaded(seen(text), tmp_path).panel()
    assert with_views.demand.tolist() == [[np.float32(1e12)] * 3]
    assert with_views.past["views"].tolist() == [[np.float32(1e15)] * 3]
    assert "'1e16' in 'views' is beyond" in refused("sales.csv", text.replace("1e15\n", "1e16\n").encode(), tmp_path / "no")


def test_units_ordered_that_cannot_be_meant_are_told() -> None:
    text = "item_id,ordered,received,units\nA,2024-01-02,,3e38\nA,2024-01-03,,5\n"
    found = read_orders("orders.csv", text.encode())
    assert [problem.rows for problem in found.problems] == [(2,)]
    assert len(found.orders) == 1


def test_long_ids_are_refused_and_long_names_cut(tmp_path: Path) -> None:
    assert "Item ids of more than 500 characters" in refused("s.csv", GOOD.replace("A,", "A" * 501 + ",").encode(), tmp_path)
    text = "item,date,qty,description\n" + "".join(f"A,2024-01-{day:02},1,{'long ' * 300}\n" for day in (7, 14, 21))
    assert len(loaded(seen(text), tmp_path).item("A").name) <= 500


# shapes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"," * 2**20 + b"\n" + GOOD.encode(), "1,048,577 columns; the most is 1,000"),
        (b'"item' + b"," * 2**21, "close quotes that are left open"),
        (b"item,date,units\n" + b"A,2\n" * 3_000_000, "more than 20,000 rows that do not fit its header"),
        (b"item,date,units\n" + b"A,2\n" * 15_000_000, "the most is 40,000,000"),
        (GOOD.encode() + b"A,\xff\n" * 300_000, "not UTF-8"),
    ],
    ids=["commas", "open quotes", "ragged", "too many", "not text"],
)
def test_a_csv_that_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refused("sales.csv", content, tmp_path)


def test_separators_within_quotes_make_no_columns() -> None:
    commas = "," * 400
    header = f'"item_id{commas}","date{commas}","demand{commas}"'
    assert [column.strip(",") for column in seen(GOOD.replace("item_id,date,demand", header)).columns] == [
        "item_id",
        "date",
        "demand",
    ]


def test_blank_rows_below_the_table_are_left_out(tmp_path: Path) -> None:
    assert loaded(seen(GOOD + "\n" * 1_000_000), tmp_path).about.items == 2


def test_a_name_with_an_inch_mark_opens_no_quotes() -> None:
    got = seen(GOOD.replace("demand", 'demand,size 5"', 1).replace(",5\n", ",5,1\n"))
    assert 'size 5"' in got.columns


def test_parquet_and_sheets_with_too_many_columns_are_refused_before_they_are_read(tmp_path: Path) -> None:
    wide = pa.table({f"c{n}": [1] for n in range(5_000)})
    sink = io.BytesIO()
    pq.write_table(wide, sink)
    assert "5,000 columns; the most is 1,000" in refused("sales.parquet", sink.getvalue(), tmp_path)
    assert "3,000 columns; the most is 1,000" in refused("sales.xlsx", sheet([f"c{n}" for n in range(3_000)]), tmp_path)


def sheet(*rows: list[object]) -> bytes:
    book, sink = openpyxl.Workbook(write_only=True), io.BytesIO()
    page = book.create_sheet("Sales")
    for row in rows:
        page.append(row)
    book.save(sink)
    return sink.getvalue()


def test_a_cell_far_beyond_the_table_is_refused(tmp_path: Path) -> None:
    content = sheet(["item", "date", "units"], ["A", "2024-01-07", 1], [*[None] * 4_000, "x"])
    assert "4,001 columns" in refused("sales.xlsx", content, tmp_path)


def test_a_part_of_a_workbook_that_is_no_sheet_is_bounded(tmp_path: Path) -> None:
    sink = io.BytesIO(sheet(["item", "date", "units"], ["A", "2024-01-07", 1]))
    with zipfile.ZipFile(sink, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docProps/more.xml", bytes(9 * 2**20))
    assert "9 MB in its part docProps/more.xml" in refused("sales.xlsx", sink.getvalue(), tmp_path)


def test_parquet_that_declares_more_than_is_held_is_refused(tmp_path: Path) -> None:
    same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(15_000_000, np.int8)), pa.array(["A"]))
    sink = io.BytesIO()
    pq.write_table(pa.table({"item": same, "date": same, "units": same}), sink)
    assert "45,000,000 in all" in refused("sales.parquet", sink.getvalue(), tmp_path)


def test_parquet_text_that_spells_out_to_more_than_is_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_UNPACKED", 2**20)
    name, content = in_format("parquet", [{"item": "A" * 400, "date": day, "units": 1} for day in range(4_000)])
    assert len(content) < 100_000
    assert "MB of text in the column 'item'" in refused(name, content, tmp_path)


def test_parquet_with_lists_and_dots_in_names_loads(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=9)
    rows = [{"item": "A", "date": day, "units": 2.0, "a.b": 1.5 * n, "nested": [1, 2]} for n, day in enumerate(days)]
    got = preview(*in_format("parquet", rows))
    assert "nested" not in got.columns
    assert loaded(got, tmp_path).panel().past["a_b"].shape == (1, 9)


# time


def test_few_rows_over_many_years_are_refused(tmp_path: Path) -> None:
    head = ",".join(["item", "date", "units", *(f"c{n}" for n in range(60))])
    for last, words in (("2099-12-31", "Correct the date that is wrong"), ("2021-06-30", "too many for one load")):
        rows = [",".join([f"I{n}", day, *["1"] * 61]) for n in range(400) for day in ("2000-01-01", "2000-01-02", last)]
        assert words in refused("sales.csv", "\n".join([head, *rows]).encode(), tmp_path)


def test_rows_that_leave_nearly_all_empty_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FEW_NUMBERS", 1_000)
    rows = [f"I{n},{day},1" for n in range(20) for day in ("2000-01-01", "2000-01-02", "2001-01-01")]
    assert "leave nearly all of it empty" in refused("s.csv", "\n".join(["item,date,units", *rows]).encode(), tmp_path)


def daily(items: int, days: int, columns: int) -> UploadPreview:
    rng, rows = np.random.default_rng(0), items * days
    stamps = pd.date_range("2014-01-01", periods=days).strftime("%Y-%m-%d")
    frame = pd.DataFrame({"item": np.repeat([f"A{n}" for n in range(items)], days), "date": np.tile(stamps, items)})
    numbers = {f"c{n}": rng.integers(0, 99, rows) / 10 for n in range(columns)}
    return preview("daily.csv", frame.assign(units=rng.poisson(5, rows), **numbers).to_csv(index=False).encode())


def test_years_of_days_in_dozens_of_columns_load_and_are_read(tmp_path: Path) -> None:
    got = daily(4, 3650, 40)
    assert got.loadable
    assert layout(3650, 42) is lists  # arrays of DuckDB's own would end in its out-of-memory error
    catalog = loaded(got, tmp_path)
    one, every = catalog.panel(["A2"]), catalog.panel()
    assert one.demand.shape == (1, 3650)
    assert len(every.past) == 40
    np.testing.assert_array_equal(every.past["c7"][2], one.past["c7"][0])
    assert np.isfinite(every.demand).all()
    catalog.close()


def test_both_layouts_hold_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = panel_of(12, 40)
    plain = Catalog(write(tmp_path / "plain.duckdb", panel))
    monkeypatch.setattr("data.catalog_tables._ROOM", 0)
    wide = Catalog(write(tmp_path / "wide.duckdb", panel))
    assert plain.about.catalog_hash == wide.about.catalog_hash
    for ids in (None, ["SKU-0003"], ["SKU-0007", "SKU-0001"]):
        one, other = plain.panel(ids), wide.panel(ids)
        np.testing.assert_array_equal(one.demand, other.demand)
        np.testing.assert_array_equal(one.known["price"], other.known["price"])
        np.testing.assert_array_equal(plain.plan(ids, 5).known["promo"], wide.plan(ids, 5).known["promo"])
    for mine, theirs in zip(one.groups, other.groups, strict=True):
        np.testing.assert_array_equal(mine.demand, theirs.demand)
    np.testing.assert_array_equal(plain.known_periods(), wide.known_periods())
    plain.close()
    wide.close()


# any bytes


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv"])
def test_any_bytes_within_a_file_end_in_a_sentence_or_a_load(kind: str, tmp_path: Path) -> None:
    rows = [{"sku": f"A{n % 3}", "date": day, "qty": 1.0 * n} for n, day in enumerate(pd.date_range("2024-01-01", periods=60))]
    name, content = in_format(kind, rows)
    rng = np.random.default_rng(1)
    for _ in range(40):
        damaged, begin = bytearray(content), int(rng.integers(len(content)))
        piece = rng.bytes(int(rng.integers(1, 40)))
        damaged[begin : begin + len(piece)] = piece
        for cut in (bytes(damaged), bytes(damaged[: int(rng.integers(1, len(damaged)))])):
            with suppress(UploadError):
                got = preview(name, cut)
                load(got, got.mapping, "Mine", tmp_path / "catalog.duckdb")


def test_a_closed_or_damaged_catalog_is_our_own_error(tmp_path: Path) -> None:
    path = write(tmp_path / "catalog.duckdb", panel_of(6, 20))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(ResourceError, match="Load the data again"):
        Catalog(path).panel()
