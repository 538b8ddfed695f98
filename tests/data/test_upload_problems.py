"""Uploads: what is wrong with a planner's file is told row by row and all at once, and nothing of it is loaded."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest
from catalogs import write
from factories import make_panel
from uploads import GOOD, findings, in_format, loaded, seen

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.load import UploadPreview, load, preview, review

# what is wrong is told, with row numbers as a spreadsheet shows them


def wrong(got: UploadPreview, words: str) -> tuple[int, tuple[int, ...]]:
    """Count and rows of the one problem whose message matches."""
    found = [problem for problem in got.problems if re.search(words, problem.message)]
    assert len(found) == 1, got.problems
    return found[0].count, found[0].rows


@pytest.mark.parametrize(
    ("broken", "words", "count", "rows"),
    [
        (GOOD.replace("A,2024-01-14", ",2024-01-14"), "without an item id", 1, (3,)),
        (GOOD.replace("A,2024-01-14", "A,"), "without a date", 1, (3,)),
        (GOOD.replace("A,2024-01-14", "A,n/a"), "without a date", 1, (3,)),
        (GOOD.replace("A,2024-01-14", "A,2024-01-07"), r"'A' on 2024-01-07 is in rows 2 and 3", 1, (3,)),
        (GOOD.replace(",6", ",-6").replace(",0", ",-1"), "Negative demand in 'demand'", 2, (3, 6)),
        (GOOD.replace(",6", ",E1"), "'E1' in 'demand' is not a number", 1, (3,)),
        (GOOD.replace(",6", ",1e999"), "'1e999' in 'demand' is not a number", 1, (3,)),
        (GOOD.replace(",6", ",six").replace(",2\n", ",two\n"), "'six' in 'demand' is not a number", 2, (3, 7)),
        (GOOD.replace("2024-01-14,6", "2024-13-45,6"), "'2024-13-45' in 'date' is not a date", 1, (3,)),
        (GOOD.replace("2024-01-14,6", "soon,6"), "'soon' in 'date' is not a date", 1, (3,)),
        (GOOD.replace("2024-01-14,6", "0024-01-14,6"), "is not a date", 1, (3,)),
        (GOOD.replace("B,2024-01-07", "B,07/01/2024"), "most .* 2024-01-31, these like 01/31/2024", 1, (5,)),
        (GOOD.replace("B,2024-01-07", "B,2024-01-08"), "Two frequencies: most rows .* a week, on Sundays", 1, (5,)),
        (GOOD.replace("A,2024-01-14,6", "A,2024-01-14,6,7"), "row 3 has 4 and the header 3", 1, (3,)),
        (GOOD.replace("item_id,date", "item_id,demand"), "names 'demand' more than once", 1, (1,)),
    ],
)  # fmt: skip
def test_each_bad_row_is_told(broken, words, count, rows):
    got = seen(broken)
    assert wrong(got, words) == (count, rows)
    assert not got.loadable


def test_mixed_orders_of_day_and_month_are_told():
    got = seen("item,date,qty\nA,13/01/2024,1\nA,14/01/2024,1\nA,15/01/2024,1\nA,01/16/2024,1\n")
    assert wrong(got, r"Mixed date formats: most .*31/01/2024 \(day first\), these like 01/31/2024 \(month first\)") == (
        1,
        (5,),
    )


def test_daily_and_weekly_items_in_one_file_are_told():
    days = [f"A,{day:%Y-%m-%d},1" for day in pd.date_range("2024-01-01", periods=60, freq="D")]
    weeks = [f"B,{day:%Y-%m-%d},1" for day in pd.date_range("2024-01-01", periods=8, freq="7D")]
    got = seen("\n".join(["item,date,qty", *days, *weeks]))
    assert wrong(got, "most items step by a day, but 1 item by a week or a month") == (8, (62, 63, 64, 65, 66))


def test_monthly_and_weekly_rows_in_one_file_are_told():
    months = [f"{i},{day:%Y-%m-%d},1" for i in "ABCDEFGH" for day in pd.date_range("2024-01-01", periods=12, freq="MS")]
    weeks = [f"Z,{day:%Y-%m-%d},1" for day in pd.date_range("2024-01-03", periods=9, freq="7D")]
    count, rows = wrong(seen("\n".join(["item,date,qty", *months, *weeks])), "Two frequencies: most rows step by a month")
    assert count == 7  # nine Wednesdays in two months
    assert rows[0] == 99


def test_rows_without_an_item_do_not_hide_the_other_problems():
    days = [f"{'' if n == 3 else 'A'},{day:%Y-%m-%d},-1" for n, day in enumerate(pd.date_range("2024-01-01", periods=9))]
    got = seen("\n".join(["item,date,qty", *days]))
    assert wrong(got, "without an item id") == (1, (5,))
    assert wrong(got, "Negative demand")[0] == 9


def test_one_date_tells_no_step():
    assert wrong(seen("item,date,qty\nA,2024-01-01,1\nB,2024-01-01,1\n"), "only one date") == (2, (2, 3))


def test_all_problems_are_told_at_once_and_nothing_is_loaded(tmp_path):
    path = write(tmp_path / "catalog.duckdb", make_panel())
    before = path.read_bytes()
    text = "item_id,date,demand,price\nA,2024-01-07,-5,1\n,2024-01-14,6,x\nA,soon,7,1\nA,2024-01-07,many,-1\n"
    text += "A,2024-01-21,3,1\n"
    got = seen(text)
    with pytest.raises(UploadError) as caught:
        load(got, got.mapping, "Mine", path)
    assert {(problem.message.split(":")[0].split(".")[0], problem.rows) for problem in caught.value.problems} == {
        ("1 row without an item id", (3,)),
        ("'soon' in 'date' is not a date", (4,)),
        ("'many' in 'demand' is not a number", (5,)),
        ("Negative demand in 'demand'", (2,)),
        ("'x' in 'price' is not a number", (3,)),
        ("Negative price in 'price'", (5,)),
        ("Item and date of an earlier row again in 1 row", (5,)),
    }
    assert "the catalog in use stays as it was" in str(caught.value)
    assert "(row 3)" in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["catalog.duckdb"]


def test_many_bad_rows_are_counted_and_the_first_named():
    rows = "".join(f"A,{day:%Y-%m-%d},-1\n" for day in pd.date_range("2024-01-01", periods=1500, freq="D"))
    problem = seen(f"item,date,qty\n{rows}").problems[0]
    assert (problem.count, problem.rows) == (1500, (2, 3, 4, 5, 6))
    assert str(problem).endswith("(rows 2, 3, 4, 5, 6 and 1,495 more)")


def test_row_numbers_count_blank_ragged_and_quoted_rows():
    text = 'item,date,qty\nA,2024-01-07,1\n\nA,2024-01-14,1,1\n"A ",2024-01-21,-3\n'
    assert wrong(seen(text), "Negative") == (1, (5,))


def test_spreadsheet_rows_keep_their_numbers():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in ([], ["Item", "Date", "Qty"], ["A", datetime(2024, 1, 7), 1], [], ["A", datetime(2024, 1, 14), "oops"]):
        sheet.append(row)
    book.create_sheet("Notes").append(["something else"])
    sink = io.BytesIO()
    book.save(sink)
    got = preview("sales.xlsx", sink.getvalue())
    assert wrong(got, "'oops' in 'Qty' is not a number") == (1, (5,))
    assert "Only the first sheet, 'Sheet', is read" in findings(got)


def test_columns_that_cannot_be_told_are_asked_for(tmp_path):
    got = seen("thing,when,how much,also\nA,2024-01-07,5,1\nA,2024-01-14,6,2\n")
    assert got.mapping.date == "when"
    assert {problem.message for problem in got.problems} == {
        "No column is chosen for the item. The file has: thing, when, how much, also",
        "No column is chosen for the demand. The file has: thing, when, how much, also",
    }
    mended = review(got, ColumnMapping(item_id="thing", date="when", demand="how much"))
    assert mended.loadable
    assert "Left out: also" in findings(mended)
    np.testing.assert_array_equal(loaded(mended, tmp_path).panel().demand, [[5, 6]])


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (ColumnMapping("item_id", "date", "nowhere"), "no column 'nowhere'"),
        (ColumnMapping("item_id", "date", "demand", price="demand"), "'demand' is chosen for two things"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(tmp_path, mapping, words):
    with pytest.raises(UploadError, match=words):
        load(seen(GOOD), mapping, "Mine", tmp_path / "catalog.duckdb")
    assert not list(tmp_path.iterdir())


# what is no table at all


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("sales.csv", b"", "empty: it has no bytes"),
        ("sales.csv", b" \n \n", "empty: it holds nothing but blanks"),
        ("sales.csv", b"item_id,date,demand\n", "a header and no rows"),
        ("sales.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), "is a PNG picture, not CSV as its name says"),
        ("sales.csv", b"%PDF-1.7 ...", "is a PDF document, not CSV"),
        ("sales.csv", b"PAR1" + bytes(100) + b"PAR1", "is a Parquet file, not CSV"),
        ("sales.csv", b"<!DOCTYPE html><html></html>", "is a web page"),
        ("sales.csv", bytes(range(256)) * 8, "is a binary file"),
        ("sales.xlsx", GOOD.encode(), "is a CSV file, not XLSX"),
        ("sales.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), "old Excel"),
        ("sales.xlsx", b"PK\x03\x04 no archive", "damaged ZIP"),
        ("sales.parquet", GOOD.encode(), "is a CSV file, not Parquet"),
        ("sales.parquet", b"PAR1" + bytes(50), "cut off"),
        ("sales.parquet", b"PAR1" + bytes(50) + b"PAR1", "cannot be read as Parquet"),
        ("sales.numbers", GOOD.encode(), "not a format that is read here"),
        ("sales.csv", b"\xff\xfe" + GOOD.encode("utf-16-le")[:-1], "begins like text in UTF-16 and is damaged"),
    ],
)
def test_files_that_are_not_what_they_say_are_refused(name, content, words):
    with pytest.raises(UploadError, match=words):
        preview(name, content)


def test_an_archive_without_a_workbook_is_no_spreadsheet():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UploadError, match="ZIP archive without a workbook, not XLSX"):
        preview("sales.xlsx", sink.getvalue())


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "csv"])
def test_damaged_files_are_refused_or_read_but_never_a_surprise(kind):
    rows = [{"sku": "A", "date": day, "qty": 1.0} for day in pd.date_range("2024-01-01", periods=40)]
    name, content = in_format(kind, rows)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            damaged[place] = rng.integers(256)
        try:
            preview(name, bytes(damaged))
        except UploadError:
            continue


def test_bytes_that_no_encoding_makes_words_of_are_told_with_their_row():
    content = GOOD.encode().replace(b"B,2024-01-14", b"B\xff\x81\x90,2024-01-14")
    with pytest.raises(UploadError, match="not UTF-8 text, and no other encoding makes words of it") as caught:
        preview("sales.csv", content)
    assert (caught.value.problems[0].count, caught.value.problems[0].rows) == (1, (6,))


def test_large_files_and_what_unpacks_to_much_more_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "LARGEST_FILE", 50)
    with pytest.raises(UploadError, match="the most is"):
        seen(GOOD)
    monkeypatch.undo()
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(3 * 2**20))
    assert len(sink.getvalue()) < 10_000
    monkeypatch.setattr(limits, "LARGEST_UNPACKED", 2**20)
    with pytest.raises(UploadError, match="unpacks to 3 MB; the most is 1 MB"):
        preview("sales.xlsx", sink.getvalue())


def test_an_upload_larger_than_can_be_laid_out_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "MOST_NUMBERS", 5)
    got = seen(GOOD)
    assert "too many for one load" in got.problems[0].message
    with pytest.raises(UploadError):
        load(got, got.mapping, "Mine", tmp_path / "catalog.duckdb")
