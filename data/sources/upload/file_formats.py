"""A planner's file as a table of cells: which format it truly is, and who reads it.

Nothing is interpreted here beyond what the format itself says: cells of a CSV stay text. Whatever a library makes of a damaged
or a hostile file ends here as an UploadError.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UploadError
from data.sources.upload import limits
from data.sources.upload.offers import Decisions
from data.sources.upload.places.folders import read_folder
from data.sources.upload.places.on_disk import beginning, read_on_disk
from data.sources.upload.places.postgres import PostgresTable, read_postgres
from data.sources.upload.readers.archives import unpacked
from data.sources.upload.readers.coded_columns import Telling, silent
from data.sources.upload.readers.csv_files import read_csv
from data.sources.upload.readers.encodings import is_wide_text
from data.sources.upload.readers.parquet_files import read_parquet
from data.sources.upload.readers.table import FileTable
from data.sources.upload.readers.xlsx_files import read_xlsx

#: A file's bytes, or where it lies: a file, a folder of them, or a table of a database.
Content = bytes | Path | PostgresTable

#: Offers whose answers change how the cells of a file are read.
OF_READING = ("encoding", "no-header", "sheet")

#: Bytes of a gzip from which on it is unpacked on the way.
_PACKED = 32 * 2**20

_FORMATS = {".csv": "CSV", ".tsv": "CSV", ".txt": "CSV", ".parquet": "Parquet", ".pq": "Parquet", ".xlsx": "XLSX"}
_READERS: dict[str, Callable[[str, bytes, Decisions], FileTable]] = {
    "CSV": read_csv,
    "Parquet": read_parquet,
    "XLSX": read_xlsx,
}
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel (.xls) or password-protected file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"{\\rtf", "a rich-text document"),
)


def read_file(name: str, content: Content, decisions: Decisions, tell: Telling = silent) -> FileTable:
    """The table of the file ``name``, read as was decided; raises UploadError where it cannot be read.

    ``content`` is its bytes, or where it lies: what is too large to be brought whole is read there, with its progress.
    """
    if isinstance(content, PostgresTable):
        return _whole(name, read_postgres(content, tell))
    if isinstance(content, Path):
        if content.is_dir():
            return _whole(name, read_folder(name, content, lambda file, path: read_file(file, path, decisions), tell))
        if _lies_large(name, content):
            path = content
            return _whole(name, _guarded(name, "a table", lambda: read_on_disk(name, path, decisions, tell)))
        content = content.read_bytes()
    if not content:
        raise UploadError(f"{name} is empty: it has no bytes at all. Export it again.")
    if len(content) > limits.LARGEST_FILE:
        raise UploadError(
            f"{name} has {len(content) / 2**20:,.0f} MB; the most is {limits.LARGEST_FILE / 2**20:,.0f} MB to bring. "
            "Give its path on the server, where CSV and Parquet may be larger, or load fewer periods."
        )
    name, content, told = unpacked(name, content)
    if not content:
        raise UploadError(f"{name} is empty: it has no bytes at all. Export it again.")
    format_ = _FORMATS.get(PurePath(name).suffix.lower())
    if format_ is None:
        raise UploadError(f"{name} is not a format that is read here. Use .csv, .xlsx or .parquet.")
    found = _kind(content)
    if found != format_:
        raise UploadError(f"{name} is {_article(found)}, not {format_} as its name says. Save or name it as what it is.")
    table = _whole(name, _guarded(name, format_, lambda: _READERS[format_](name, content, decisions)))
    return replace(table, remarks=(*told, *table.remarks), format=format_)


def _lies_large(name: str, path: Path) -> bool:
    """Whether a file is read where it lies: a CSV, a gzip of one, or Parquet, too large to be brought whole."""
    if not path.is_file():
        raise UploadError(f"There is no file {path}. Check its name.")
    size, kinds = path.stat().st_size, [suffix.lower() for suffix in path.suffixes]
    packed = bool(kinds) and kinds[-1] in (".gz", ".gzip")
    format_ = _FORMATS.get(kinds[-2] if packed and len(kinds) > 1 else kinds[-1] if kinds else "")
    large = size > (_PACKED if packed else limits.LARGEST_FILE) or (format_ == "Parquet" and _has_many_cells(path))
    if not large or format_ not in ("CSV", "Parquet") or (packed and format_ == "Parquet"):
        return False
    found = _kind(beginning(path, 4096) + (b"" if packed else _end(path)))
    if found != format_:
        raise UploadError(f"{name} is {_article(found)}, not {format_} as its name says. Save or name it as what it is.")
    return True


def _has_many_cells(path: Path) -> bool:
    """Whether a small Parquet file unpacks to more than is read of one that is brought."""
    try:
        held = pq.read_metadata(path)
    except (pa.ArrowException, OSError):  # told when it is read
        return False
    return bool(held.num_rows * held.num_columns > limits.MOST_CELLS)


def _end(path: Path) -> bytes:
    """The last bytes of a file."""
    with path.open("rb") as opened:
        opened.seek(-4, os.SEEK_END)
        return opened.read()


def _guarded(name: str, format_: str, read: Callable[[], FileTable]) -> FileTable:
    """What ``read`` answers; whatever a damaged part sets off is an UploadError."""
    try:
        return read()
    except UploadError:
        raise
    except Exception as error:  # what a damaged file sets off is whatever its damaged part does
        why = limits.shortened(" ".join(str(error).split()), 200) or type(error).__name__
        raise UploadError(f"{name} cannot be read as {format_}: {why}. Save or export it again.") from error


def _whole(name: str, table: FileTable) -> FileTable:
    """The table, where it has columns and rows."""
    if not table.columns:
        raise UploadError(f"{name} has no header. Its first row must name the columns.")
    if not len(table):
        raise UploadError(f"{name} has a header and no rows below it.", table.problems)
    return table


def _article(kind: str) -> str:
    return f"a {kind} file" if kind in ("CSV", "Parquet") else "an XLSX file" if kind == "XLSX" else kind


def _kind(content: bytes) -> str:
    """What the bytes are: CSV (any text), Parquet, XLSX, or words for something else."""
    if content[:4] == b"PK\x03\x04" or content[:4] == b"PK\x05\x06":
        try:
            inside = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
        except Exception:  # odd members set off whatever they do
            return "a damaged ZIP archive"
        return "XLSX" if "xl/workbook.xml" in inside else "a ZIP archive without a workbook"
    if content[:4] == b"PAR1":
        return "Parquet" if content[-4:] == b"PAR1" and len(content) > 12 else "a Parquet file that was cut off"
    for start, words in _KINDS:
        if content.startswith(start):
            return words
    head = content[:4096]
    if is_wide_text(head):
        return "CSV"  # text in UTF-16
    if b"\x00" in head:
        return "a binary file"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page or XML document"
    return "CSV"
