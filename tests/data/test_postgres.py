"""Tables of a PostgreSQL database: the catalog is that of the CSV, byte for byte, and no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from postgres_server import running
from uploads import loaded

from data.errors import UploadError
from data.sources.upload.load import preview
from data.sources.upload.places.named import place_of
from data.sources.upload.places.postgres import PostgresTable, read_postgres

ROWS = pd.DataFrame(
    [
        (f"I{item}", f"2024-{month:02}-01", (item * 7 + month * 3) % 11 + 2, 2.5 + item / 8, ('Käse, "alt"', "tea")[item % 2])
        for item in range(6)
        for month in range(1, 13)
    ],
    columns=["item", "date", "units", "price", "category"],
)


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed; see requirements-postgres.txt")
    with running() as environment:
        address = {name: environment[f"PG{name.upper()}"] for name in ("host", "user", "password")}
        with psycopg.connect(**address, dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE SCHEMA shop")
            columns = "(item text, date date, units integer, price numeric(8, 3), category text)"
            for table in ("sales", 'shop."Net sales"'):
                connection.execute(f"CREATE TABLE {table} {columns}")
                with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in ROWS[::-1].itertuples(index=False):
                        copy.write_row(row)
        yield environment


@pytest.fixture
def connected(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("source", ["postgres:sales", 'postgres:shop."Net sales"'])
def test_a_table_gives_the_catalog_that_the_csv_gives(tmp_path: Path, source: str) -> None:
    got = preview(*place_of(source))
    assert (got.rows, got.items, got.problems) == (72, 6, ())
    one = loaded(got, tmp_path / "table", currency="EUR")
    other = loaded(preview("sales.csv", ROWS.to_csv(index=False).encode()), tmp_path / "file", currency="EUR")
    assert one.about.catalog_hash == other.about.catalog_hash
    assert one.about.words == f"Loaded from the table {place_of(source)[0]}."


@pytest.mark.usefixtures("connected")
def test_a_table_that_is_not_there_is_said() -> None:
    with pytest.raises(UploadError, match=r"table nothing cannot be read.*Check its name"):
        read_postgres(PostgresTable("nothing"))


@pytest.mark.usefixtures("connected")
def test_a_wrong_password_is_never_shown(monkeypatch: pytest.MonkeyPatch, server: dict[str, str]) -> None:
    monkeypatch.setenv("TIDELINE_POSTGRES", f"postgresql://planner:hush-hush@/postgres?host={server['PGHOST']}")
    with pytest.raises(UploadError, match="cannot be reached") as caught:
        read_postgres(PostgresTable("sales"))
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "PGHOST" in str(caught.value)


def test_a_name_that_is_no_table_is_refused() -> None:
    for odd in ("postgres:", "postgres:a.b.c", "postgres:sales; DROP TABLE sales", "postgres:a b"):
        with pytest.raises(UploadError, match="names no table"):
            place_of(odd)


def test_without_a_driver_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UploadError, match=r"requirements-postgres\.txt|cannot be reached"):
        read_postgres(PostgresTable("sales"))
