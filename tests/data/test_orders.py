"""Purchase orders in the catalog: read from a file, refused row by row, kept, exported and read back."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from catalogs import panel_of, write
from uploads import GOOD, in_format, seen

from data.catalog import Catalog
from data.errors import DataError, UploadError
from data.export import export_orders
from data.orders import Orders, period_numbers
from data.schema import Frequency
from data.sources.upload.load import load
from data.sources.upload.purchase_orders import OrdersFile, read_orders

HEAD = "item_id,ordered,due,received,units\n"
FINE = HEAD + "A,2023-12-04,2023-12-18,2023-12-20,48\nA,2024-01-08,2024-01-29,,24\nB,2024-01-09,,2024-01-23,6\n"


def orders_of(text: str, name: str = "orders.csv") -> OrdersFile:
    return read_orders(name, text.encode())


def load_with(orders: OrdersFile | None, path) -> Catalog:
    got = seen(GOOD)
    load(got, got.mapping, "Mine", path / "catalog.duckdb", orders)
    return Catalog(path / "catalog.duckdb")


def same(got: Orders, expected: Orders) -> None:
    got, expected = (one.table().sort_by([(name, "ascending") for name in one.table().column_names]) for one in (got, expected))
    assert got.to_pydict() == expected.to_pydict()


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_every_format_gives_the_same_orders(kind: str) -> None:
    rows = [
        {"SKU": "A", "Order date": pd.Timestamp("2023-12-04"), "Receipt date": pd.Timestamp("2023-12-20"), "Qty": 48.0},
        {"SKU": "A", "Order date": pd.Timestamp("2024-01-08"), "Receipt date": pd.NaT, "Qty": 24.5},
    ]
    got = read_orders(*in_format(kind, rows))
    assert not got.problems
    assert got.orders.item_ids.tolist() == ["A", "A"]
    assert got.orders.received.astype(str).tolist() == ["2023-12-20", "NaT"]
    assert np.isnat(got.orders.due).all()
    assert got.orders.units.tolist() == [48, 24.5]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("A,2024-01-08,,2024-01-07,5", "received before it was ordered (row 3)"),
        ("A,2024-01-08,2024-01-01,,5", "due before it was ordered (row 3)"),
        ("A,2024-01-08,,,-5", "its units are negative (row 3)"),
        ("A,2024-01-08,,,0", "its units are zero (row 3)"),
        ("A,2024-01-08,,soon,5", "'soon' in 'received' is not a date (row 3)"),
        ("A,2024-13-08,,,5", "'2024-13-08' in 'ordered' is not a date (row 3)"),
        ("A,2024-01-08,,,many", "'many' in 'units' is not a number (row 3)"),
        ("A,,,2024-01-08,5", "without a date of order in 'ordered' (row 3)"),
        (",2024-01-08,,,5", "without an item in 'item_id' (row 3)"),
        ("A,2024-01-08,,,", "without units in 'units' (row 3)"),
    ],
)
def test_what_is_wrong_is_said_with_its_row_and_nothing_is_loaded(tmp_path, row: str, words: str) -> None:
    got = orders_of(f"{HEAD}A,2023-12-04,2023-12-18,2023-12-20,48\n{row}\n")
    assert words in "\n".join(map(str, got.problems))
    assert len(got.orders) == 1
    with closing(load_with(None, tmp_path)) as before:
        pass
    with pytest.raises(UploadError, match="the catalog in use stays as it was"):
        load_with(got, tmp_path)
    with closing(Catalog(tmp_path / "catalog.duckdb")) as after:
        assert after.about.catalog_hash == before.about.catalog_hash


def test_orders_of_an_item_that_nobody_knows_are_refused(tmp_path) -> None:
    got = orders_of(FINE + "Z9,2024-01-08,,,5\n")
    assert not got.problems
    with pytest.raises(UploadError, match=r"such as 'Z9'.*\(row 5\)"):
        load_with(got, tmp_path)
    with pytest.raises(DataError, match="'Z9', which is no item"):
        write(tmp_path / "other.duckdb", panel_of(4), orders=got.orders.take(np.array([3])))


def test_a_file_of_something_else_is_told_what_it_lacks() -> None:
    with pytest.raises(UploadError, match="no column 'ordered' and none 'received' and none 'units'"):
        orders_of("item_id,price\nA,3\n")


def test_orders_come_back_and_tell_what_is_open(tmp_path) -> None:
    got = orders_of(FINE)
    with closing(load_with(got, tmp_path)) as catalog:
        same(catalog.orders(), got.orders)
        found = " ".join(check.finding for check in catalog.checks() if check.title == "Orders")
        assert "3 orders of 2 items, 2 of them still open" in found
        assert "Received after the last period on record: 1 order." in found
        for kind in ("csv", "parquet"):
            assert export_orders(catalog, tmp_path / f"orders.{kind}") == 3
            same(read_orders(f"o.{kind}", (tmp_path / f"orders.{kind}").read_bytes()).orders, got.orders)


def test_the_hash_knows_orders_and_a_catalog_without_them_is_as_before(tmp_path) -> None:
    hashes = []
    for place, orders in enumerate((None, orders_of(FINE), orders_of(FINE.replace(",48", ",49")))):
        (tmp_path / str(place)).mkdir()
        with closing(load_with(orders, tmp_path / str(place))) as catalog:
            hashes.append(catalog.about.catalog_hash)
            if orders is None:
                assert len(catalog.orders()) == 0
    with closing(Catalog(write(tmp_path / "plain.duckdb", panel_of(6)))) as catalog:
        assert len(catalog.orders()) == 0
    assert len(set(hashes)) == 3
    lines = FINE.splitlines()
    turned = orders_of("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    (tmp_path / "turned").mkdir()
    with closing(load_with(turned, tmp_path / "turned")) as catalog:
        assert catalog.about.catalog_hash == hashes[1], "the order of the rows says nothing"


@pytest.mark.parametrize(
    ("alias", "stamp", "last", "days", "expected"),
    [
        ("D", "first", "2024-01-10", ["2024-01-10", "2024-01-12", "2024-01-01"], [0, 2, -9]),
        ("W-SUN", "last", "2024-01-07", ["2024-01-01", "2024-01-07", "2024-01-08", "2023-12-31"], [0, 0, 1, -1]),
        ("W-MON", "first", "2024-01-01", ["2024-01-01", "2024-01-07", "2024-01-08", "2023-12-31"], [0, 0, 1, -1]),
        ("MS", "first", "2024-03-01", ["2024-03-31", "2024-04-01", "2024-02-29", "2023-03-05"], [0, 1, -1, -12]),
        ("ME", "last", "2024-03-31", ["2024-03-01", "2024-04-01", "2024-02-29", "2023-03-05"], [0, 1, -1, -12]),
    ],
)
def test_days_fall_into_periods(alias: str, stamp: str, last: str, days: list[str], expected: list[int]) -> None:
    got = period_numbers(np.array(days, "datetime64[D]"), pd.Timestamp(last), Frequency.of(alias), stamp)
    assert got.tolist() == expected
