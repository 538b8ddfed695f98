"""Files can be read back, carry their stamp, and never run a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import openpyxl
import pandas as pd
import pytest

from data.schema import Frequency
from pages.ui.display import exports
from pages.ui.display.exports import Stamp
from pages.ui.display.tables import Column, Table

WEEKS = Frequency.of("W-SUN")
STAMP = Stamp("=Corner shop", pd.Timestamp("2025-12-28"), "mqcnn 1", "price −10%")
UGLY = ('=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "\rx", "Rye bread", 'a "b", c', None)
TABLE = Table(
    "Forecast of rye",
    (
        Column("Item", "text", UGLY),
        Column("=Week", "period", [pd.Timestamp("2026-01-04")] * len(UGLY)),
        Column("P90", "units", [1234.5678, 0.0, None, *[float("nan")] * (len(UGLY) - 3)]),
    ),
    WEEKS,
)


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_csv_reads_back_with_its_numbers_unrounded_and_its_stamp() -> None:
    rows = read_csv(exports.as_csv(TABLE, STAMP))
    assert len(rows) == len(UGLY)
    assert float(rows[0]["P90"]) == 1234.5678
    assert [row["P90"] for row in rows[2:]] == [""] * (len(UGLY) - 2)
    assert rows[0]["creation_date"] == "2025-12-28"
    assert rows[0]["model_version"] == "mqcnn 1"
    assert rows[0]["scenario"] == "price −10%"
    assert rows[0]["'=Week"] == "2026-01-04"
    assert rows[7]["Item"] == 'a "b", c'
    assert rows[8]["Item"] == ""


def test_no_cell_of_a_csv_is_a_formula() -> None:
    rows = read_csv(exports.as_csv(TABLE, STAMP))
    cells = [cell for row in rows for cell in (*row, *row.values())]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert rows[0]["Item"] == "'" + UGLY[0]


def test_a_negative_number_is_a_number_and_not_escaped() -> None:
    table = Table("Differences", (Column("Difference", "difference", [-4.5]),), WEEKS)
    assert read_csv(exports.as_csv(table, STAMP))[0]["Difference"] == "-4.5"


def test_a_workbook_reads_back_without_formulas_and_with_its_stamp() -> None:
    book = openpyxl.load_workbook(io.BytesIO(exports.as_xlsx(TABLE, STAMP)))
    sheet, about = book.worksheets
    rows = list(sheet.iter_rows(min_row=2))
    assert [cell.value for cell in rows[0]] == ["'" + UGLY[0], pd.Timestamp("2026-01-04").to_pydatetime(), 1234.5678]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert rows[2][2].value is None
    stamp = {row[0].value: row[1].value for row in about.iter_rows()}
    assert stamp["creation_date"] == "2025-12-28"
    assert stamp["catalog"] == "'=Corner shop"


def test_files_say_whose_stock_and_costs_they_count_with_where_the_catalog_does() -> None:
    made_up = replace(STAMP, supply="Stock is made up.")
    assert read_csv(exports.as_csv(TABLE, made_up))[0]["supply"] == "Stock is made up."
    about = openpyxl.load_workbook(io.BytesIO(exports.as_xlsx(TABLE, made_up))).worksheets[-1]
    assert ("supply", "Stock is made up.") in [(row[0].value, row[1].value) for row in about.iter_rows()]
    assert "supply" not in read_csv(exports.as_csv(TABLE, STAMP))[0]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_file_name_tells_table_and_creation_date(suffix: str) -> None:
    assert exports.name(TABLE.title, STAMP, suffix) == f"forecast-of-rye-2025-12-28.{suffix}"
    assert exports.name(TABLE.title, Stamp("c", None, "m"), suffix) == f"forecast-of-rye.{suffix}"


def test_the_table_on_the_page_escapes_what_the_data_says() -> None:
    table = Table("A <b>", (Column("Item", "text", ["<script>x</script>", "b"]),), WEEKS, marked=[False, True])
    html = table.html()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "b †" in html
