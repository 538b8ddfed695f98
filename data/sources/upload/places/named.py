"""What a planner names to be loaded: a file, a folder of files, or a table of a database."""

from __future__ import annotations

import os
from pathlib import Path

from data.errors import UploadError
from data.sources.upload.places.folders import TABLES
from data.sources.upload.places.postgres import ADDRESS, PREFIX, PostgresTable


def place_of(source: str) -> tuple[str, Path | PostgresTable]:
    """The name and the place of a source; raises UploadError where there is none.

    >>> place_of("postgres:shop.sales")
    ('shop.sales', PostgresTable(table='sales', schema='shop'))
    """
    if source.startswith(PREFIX):
        table = PostgresTable.of(source)
        return table.name, table
    path = Path(source)
    if not path.exists():
        raise UploadError(f"There is no file or folder {source}. Check its name.")
    return path.name or path.resolve().name, path


def title_of(source: str) -> str:
    """What a catalog of the source is usually called."""
    if source.startswith(PREFIX):
        return PostgresTable.of(source).table
    path = Path(source).resolve()
    return path.name if path.is_dir() else path.name.split(".")[0]


def has_database() -> bool:
    """Whether the environment says how PostgreSQL is reached."""
    return any(os.environ.get(name) for name in (ADDRESS, "PGHOST", "PGSERVICE", "PGDATABASE"))


def lying_in(folder: Path) -> tuple[str, ...]:
    """The files and folders that may be loaded from a folder, by name; none where there is no such folder."""
    if not folder.is_dir():
        return ()
    shown = (path for path in folder.iterdir() if not path.name.startswith((".", "_")))
    return tuple(sorted(path.name for path in shown if path.is_dir() or path.suffix.lower() in TABLES))
