"""Forms in which tables come: packed, in other encodings, as reports and wide tables, without a header."""

from __future__ import annotations

import gzip
import io
import zipfile

import openpyxl
import pandas as pd
import pytest
from uploads import seen

from bench.files import all_taken
from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.load import UploadPreview, decide, preview

WEEKS = pd.date_range("2023-01-02", periods=30, freq="W-MON")
MONTHS = pd.date_range("2022-01-01", periods=24, freq="MS")


def table(dates: pd.DatetimeIndex = WEEKS) -> pd.DataFrame:
    """Three items that sell 1, 2, 3 … units."""
    return pd.DataFrame(
        [(f"I{i}", day, 1 + n + i) for i in range(3) for n, day in enumerate(dates)], columns=["item", "date", "units"]
    )


LONG, MONTHLY = table(), table(MONTHS)
TEXT = LONG.to_csv(index=False)
ROWS = TEXT.strip().split("\n")


def is_whole(got: UploadPreview, long: pd.DataFrame = LONG) -> None:
    assert got.problems == ()
    assert (got.items, got.periods, got.total_demand) == (3, long.date.nunique(), long.units.sum())
    assert (got.first, got.last) == (long.date.min(), long.date.max())


def packed(**files: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return sink.getvalue()


# packed


def test_a_gzip_and_a_zip_with_one_table_are_read_unpacked() -> None:
    is_whole(preview("sales.csv.gz", gzip.compress(TEXT.encode())))
    is_whole(preview("sales.zip", packed(**{"out/sales.csv": TEXT, "__MACOSX/out/._sales.csv": "x"})))


def test_packed_files_that_cannot_be_read_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, words in (
        (packed(**{"a.csv": TEXT, "b.csv": TEXT}), r"holds 2 tables \(a.csv, b.csv\)"),
        (packed(**{"readme.md": "x"}), r"holds no table \(readme.md\)"),
        (packed(**{"a.csv": TEXT})[:80], "damaged ZIP archive"),
    ):
        with pytest.raises(UploadError, match=words):
            preview("sales.zip", content)
    with pytest.raises(UploadError, match="gzip file that was cut off"):
        preview("sales.csv.gz", gzip.compress(TEXT.encode())[:-40])
    monkeypatch.setattr(limits, "LARGEST_UNPACKED", 2**20)
    with pytest.raises(UploadError, match="the most is 1 MB"):
        preview("sales.csv.gz", gzip.compress(bytes(2**24)))


# encodings


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-16", "Müsli"), ("utf-16-le", "Müsli"), ("utf-8-sig", "Müsli"), ("cp1252", "Käse jung"), ("cp1251", "Молоко"),
        ("cp1250", "Śmietana gęsta"), ("cp1253", "Γάλα"), ("cp1254", "İçecek ışık"), ("cp932", "りんごジュース"),
        ("gb18030", "苹果牛奶"), ("big5", "蘋果牛奶"), ("euc_jp", "りんごジュース"), ("cp850", "Käse groß"),
        ("mac_roman", "Käse groß"),
    ],
)  # fmt: skip
def test_names_are_whole_in_each_encoding(encoding: str, name: str) -> None:
    got = preview("sales.csv", TEXT.replace("I0", name).encode(encoding))
    is_whole(got)
    assert got.item_ids[0] == name


def test_a_row_of_another_encoding_among_others_is_read_in_its_own() -> None:
    content = TEXT.replace("I0", "Käse").replace("I1", "Öl").encode() + "Müsli,2023-01-02,5\n".encode("cp1252")
    got = preview("sales.csv", content)
    assert {"Käse", "Müsli"} <= set(got.item_ids)
    assert "Rows in two encodings" in got.checks[0].finding


# reports


@pytest.mark.parametrize(
    "text",
    [
        "sep=,\n" + TEXT,
        "Sales report\nPrinted 2024-01-02\n\n" + TEXT,
        "Sales report;;\nPrinted 2024-01-02;;\n;;\n" + LONG.to_csv(index=False, sep=";"),
        "Report: sales, weekly, all\n" + TEXT,
        "".join(f"Sales, page {n}\n\n{ROWS[0]}\n" + "\n".join(ROWS[1 + 30 * n : 31 + 30 * n]) + "\n" for n in range(3)),
        ROWS[0] + "\n" + "\n".join(f"{row},,," for row in ROWS[1:]) + "\n",
        "\n".join(row + ",," * (n % 7 == 3) for n, row in enumerate(ROWS)) + "\n",
        TEXT + "\nExported by the warehouse on 2024-01-01\n",
        TEXT + "90 rows in all,,\n",
        LONG.to_csv(),
        "| item | date | units |\n|---|---|---|\n" + "".join(f"| {row.replace(',', ' | ')} |\n" for row in ROWS[1:]),
        "\titem\tdate\tunits\n" + "".join(f"\t{row.item}\t{row.date:%d.%m.%Y}\t{row.units},000\n" for row in LONG.itertuples()),
        "item;date;units\n" + "".join(f"{row.item};{row.date:%d.%m.%Y};{row.units} Stk\n" for row in LONG.itertuples()),
    ],
    ids=["sep", "titles", "padded titles", "title with commas", "pages", "tails", "some tails", "footer", "padded footer",
         "index", "pipes", "tabs", "units in cells"],
)  # fmt: skip
def test_the_table_of_a_report_is_found(text: str) -> None:
    is_whole(seen(text))


def test_a_table_without_a_header_loses_no_row() -> None:
    got = seen("\n".join(ROWS[1:]))
    is_whole(got)
    assert [(offer.kind, offer.answer) for offer in got.offers] == [("no-header", "yes")]
    assert decide(got, {"no-header": "no"}).rows == len(LONG) - 1


@pytest.mark.parametrize("heads", [False, True])
def test_names_written_once_are_filled_down(heads: bool) -> None:
    once = "".join(
        (f"{item},,\n" if heads else "")
        + "".join(
            f"{item if not n and not heads else ''},{row.date:%Y-%m-%d},{row.units}\n"
            for n, row in enumerate(group.itertuples())
        )
        for item, group in LONG.groupby("item")
    )
    got = seen("item,date,units\n" + once)
    is_whole(got)
    assert got.offers[0].count == 90 if heads else 87
    assert not decide(got, {"fill-down": "no"}).loadable


def test_a_sparse_promotion_is_not_filled_down() -> None:
    rows = "".join(f"{row},{'x' if n in (0, 9, 40) else ''}\n" for n, row in enumerate(ROWS[1:]))
    got = seen(f"{ROWS[0]},promo\n{rows}")
    is_whole(got)
    assert got.offers == ()


# wide


def workbook(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for title, rows in sheets:
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    book.save(sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "form", ["%Y-%m", "%Y%m", "%b %Y", "%b-%y", "%B %Y", "%m/%Y", "%m/%d/%Y", "%Y-%m-%d 00:00:00", "Units %Y-%m", "%Y-%m Qty"]
)
def test_periods_as_columns_become_rows(form: str) -> None:
    wide = MONTHLY.pivot(index="item", columns="date", values="units")
    wide.columns = [f"{day:{form}}" for day in wide.columns]
    wide["Total"] = wide.sum(axis=1)
    got = seen(wide.reset_index().to_csv(index=False))
    is_whole(got, MONTHLY)
    assert "they add up other columns: Total" in got.checks[0].finding


def test_months_without_a_year_take_it_from_its_column() -> None:
    rows = MONTHLY.assign(Year=MONTHLY.date.dt.year, month=MONTHLY.date.dt.strftime("%b"))
    wide = rows.pivot(index=["item", "Year"], columns="month", values="units")
    is_whole(seen(wide.reset_index().to_csv(index=False)), MONTHLY)


@pytest.mark.parametrize("upper", ["periods", "measures"])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_header_of_two_rows_gives_each_measure(upper: str, kind: str) -> None:
    units = MONTHLY.pivot(index="item", columns="date", values="units")
    if upper == "periods":
        head = [["", "", *(cell for day in MONTHS for cell in (day, None))], ["Item", "Name", *["Units", "Price"] * 24]]
        rows = [[i, f"Name {i}", *(cell for value in units.loc[i] for cell in (int(value), 2.5))] for i in units.index]
    else:
        head = [["", "", "Units", *[None] * 23, "Price", *[None] * 23], ["Item", "Name", *MONTHS, *MONTHS]]
        rows = [[i, f"Name {i}", *map(int, units.loc[i]), *[2.5] * 24] for i in units.index]
    if kind == "xlsx":
        got = preview("sales.xlsx", workbook(("Report", [["Made up"], [], *head, *rows])))
    else:
        text = [
            [f"{cell:%Y-%m-%d}" if isinstance(cell, pd.Timestamp) else cell or "" for cell in row] for row in (*head, *rows)
        ]
        got = seen("\n".join(",".join(map(str, row)) for row in text))
    is_whole(got, MONTHLY)
    assert (got.mapping.price, got.mapping.name) == ("Price", "Name")


def test_rows_of_one_measure_each_become_columns() -> None:
    units = MONTHLY.pivot(index="item", columns="date", values="units")
    text = "Item,Key figure," + ",".join(f"{day:%Y-%m}" for day in MONTHS) + "\n"
    for item in units.index:
        text += f"{item},Units,{','.join(map(str, units.loc[item]))}\n{item},Price,{','.join(['2.5'] * 24)}\n"
    got = seen(text)
    is_whole(got, MONTHLY)
    assert got.mapping.price == "Price"


def test_the_sheet_that_looks_like_a_table_is_read_and_another_can_be_chosen() -> None:
    rows = [["Item", "Week", "Units"], *([row.item, row.date.to_pydatetime(), row.units] for row in LONG.itertuples())]
    got = preview("sales.xlsx", workbook(("Read me", [["This file holds"], ["weekly sales"]]), ("Data", rows)))
    is_whole(got)
    assert (got.offers[0].kind, got.offers[0].answer) == ("sheet", "Data")
    assert decide(got, {"sheet": "Read me"}).items == 0


def test_sheets_with_the_same_header_are_read_as_one_table() -> None:
    head, rows = ["Item", "Week", "Units"], [[row.item, row.date.to_pydatetime(), row.units] for row in LONG.itertuples()]
    got = preview("sales.xlsx", workbook(("I0", [head, *rows[:30]]), ("others", [head, *rows[30:]])))
    is_whole(got)
    assert got.offers[0].answer == "all alike"
    assert decide(got, {"sheet": "I0"}).items == 1
    by_item = [(f"I{n}", [head[1:], *(row[1:] for row in rows[30 * n : 30 * n + 30])]) for n in range(3)]
    is_whole(preview("sales.xlsx", workbook(*by_item)))


def test_columns_beside_a_date_may_be_items() -> None:
    got = seen(LONG.pivot(index="date", columns="item", values="units").to_csv())
    assert [(offer.kind, offer.count, offer.answer) for offer in got.offers] == [("item-columns", 3, "no")]
    assert not got.loadable
    is_whole(decide(got, {"item-columns": "yes"}))


def test_columns_that_sum_periods_are_left_out_of_a_wide_table() -> None:
    wide = MONTHLY.pivot(index="item", columns="date", values="units")
    wide.columns = [f"{day:%b %Y}" for day in MONTHS]
    wide.insert(3, "Q1 2022", 999)
    wide.insert(4, "Subtotal", 999)
    got = seen(wide.reset_index().to_csv(index=False))
    is_whole(got, MONTHLY)
    assert got.mapping.past == ()


# numbers


@pytest.mark.parametrize(
    ("form", "separator", "kind"),
    [("%d.%m.%Y", "\t", "decimals"), ("%Y-%m-%d", "\t", "no"), ("%d.%m.%Y", ";", "thousands"), ("%Y-%m-%d", ";", "no")],
)
def test_three_digits_after_a_mark_are_never_guessed(form: str, separator: str, kind: str) -> None:
    mark = "." if separator == ";" else ","
    rows = "".join(f"{row.item}{separator}{row.date:{form}}{separator}{row.units}{mark}125\n" for row in LONG.itertuples())
    got = seen(separator.join(["item", "date", "units"]) + "\n" + rows, "sales.csv")
    assert [(offer.kind, offer.default) for offer in got.offers] == [("decimal-mark", kind)]
    assert got.loadable == (kind != "no")
    total = LONG.units.sum() + 0.125 * len(LONG)
    assert decide(got, {"decimal-mark": "decimals"}).total_demand == pytest.approx(total)
    assert decide(got, {"decimal-mark": "thousands"}).total_demand == pytest.approx(1000 * total)


# columns


@pytest.mark.parametrize(
    "header",
    [
        "Référence,Date de vente,Quantité vendue", "Código,Fecha,Cantidad", "Codice articolo,Data,Quantità",
        "Código do produto,Data,Quantidade", "Artikelcode,Datum,Aantal", "Indeks,Data,Ilość", "商品コード,日付,販売数",
        "商品编码,日期,销量", "Artikelnr.,Woche,Absatz (Stk)", "StockCode,InvoiceDate,Qty [pcs]", "Widget,When,How many",
        "Material,Calendar day,Billed quantity", "item,week,net_units", "Product name,week,kg",
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names_or_by_their_cells(header: str) -> None:
    got = seen(TEXT.replace("item,date,units", header))
    is_whole(got)
    assert (got.mapping.item_id, got.mapping.date, got.mapping.demand) == tuple(header.split(","))


def test_several_columns_name_an_item_together() -> None:
    rows = [(s, k, day, 100.5 + n) for s in ("NSW", "VIC") for k in ("food", "cafe") for n, day in enumerate(MONTHS)]
    got = seen(pd.DataFrame(rows, columns=["state", "industry", "month", "turnover"]).to_csv(index=False))
    assert got.item_ids == ("NSW / food", "NSW / cafe", "VIC / food", "VIC / cafe")
    assert (got.offers[0].kind, got.offers[0].count, got.loadable) == ("key-columns", 4, True)
    assert "'turnover', which is money, is forecast in its place" in "\n".join(check.finding for check in got.checks)
    assert not decide(got, {"key-columns": "no"}).loadable


def test_invoice_numbers_and_customers_name_no_item() -> None:
    rows = [(f"A{n % 3}", 1000 + n, f"C{n % 41}", f"2024-01-{1 + n % 28:02}", 1 + n % 5) for n in range(400)]
    got = seen(pd.DataFrame(rows, columns=["sku", "InvoiceNo", "Customer", "date", "qty"]).to_csv(index=False))
    assert got.mapping.item_id == "sku"
    assert got.mapping.past == ()
    assert "key-columns" not in {offer.kind for offer in got.offers}


def test_a_number_that_moves_as_the_demand_does_is_kept_from_the_forecast() -> None:
    got = seen(LONG.assign(touched=LONG.units * 3 + 1, weather=[n * 7 % 11 for n in range(90)]).to_csv(index=False))
    assert got.mapping.past == ("weather",)


@pytest.mark.parametrize("currency", ["CHF 12.90", "12.90 zł", "¥ 12.90", "€ 12.90"])
def test_a_price_may_bear_one_currency(currency: str) -> None:
    got = seen(f"{ROWS[0]},price\n" + "".join(f"{row},{currency}\n" for row in ROWS[1:]))
    is_whole(got)
    assert got.mapping.price == "price"


# dates are in test_dates.py; all offers of a good file


def test_a_good_file_is_offered_nothing() -> None:
    got = all_taken("sales.csv", TEXT.encode())
    is_whole(got)
    assert got.offers == ()
    assert got.checks == ()
