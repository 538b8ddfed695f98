"""A file that was packed: a gzip, or a zip with one table in it, unpacked within the limits before anything is read."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePath

from data.errors import UploadError
from data.sources.upload import limits

#: Endings of the files that are tables.
TABLES = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".xlsx")

#: Bytes unpacked at a time.
_STEP = 2**20


def unpacked(name: str, content: bytes) -> tuple[str, bytes, tuple[str, ...]]:
    """Name and bytes of the table inside, and what is to be told of it; as they were where nothing is packed.

    Raises UploadError where it holds no table or several, or unpacks to more than is held.
    """
    if content[:2] == b"\x1f\x8b":
        inner = PurePath(name).stem if PurePath(name).suffix.lower() in (".gz", ".gzip") else name
        plain = _gunzipped(name, content)
        return _named(inner, plain), plain, (f"{name} was packed with gzip and is read unpacked.",)
    if PurePath(name).suffix.lower() != ".zip":
        return name, content, ()
    inner, plain = _unzipped(name, content)
    return inner, plain, (f"{name} holds one file, {limits.shortened(inner)!r}, which is read.",)


def _named(name: str, content: bytes) -> str:
    """The name with the ending of a table, by what the bytes are where it has none."""
    if PurePath(name).suffix.lower() in TABLES:
        return name
    kind = ".parquet" if content[:4] == b"PAR1" else ".xlsx" if content[:4] == b"PK\x03\x04" else ".csv"
    return name + kind


def _gunzipped(name: str, content: bytes) -> bytes:
    pieces, size, rest = [], 0, content
    try:
        while rest[:2] == b"\x1f\x8b":  # a gzip may hold several, one after the other
            unpacking = zlib.decompressobj(wbits=31)
            while not unpacking.eof:
                piece = unpacking.decompress(rest, _STEP)
                if not piece and not unpacking.unconsumed_tail:
                    raise UploadError(f"{name} is a gzip file that was cut off. Pack or send it again.")
                size += len(piece)
                limits.check_unpacked(name, size)
                pieces.append(piece)
                rest = unpacking.unconsumed_tail
            rest = unpacking.unused_data
    except zlib.error as error:
        raise UploadError(f"{name} is a damaged gzip file. Pack or send it again.") from error
    return b"".join(pieces)


def _unzipped(name: str, content: bytes) -> tuple[str, bytes]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except Exception as error:  # odd members set off whatever they do
        raise UploadError(f"{name} is a damaged ZIP archive. Pack or send it again.") from error
    tables = [
        part
        for part in parts
        if PurePath(part.filename).suffix.lower() in TABLES and not part.filename.startswith(("__MACOSX/", "."))
    ]
    if len(tables) != 1:
        held = limits.shortened(", ".join(PurePath(part.filename).name for part in tables or parts), 200) or "nothing"
        raise UploadError(
            f"{name} holds {len(tables) or 'no'} {'tables' if len(tables) > 1 else 'table'} ({held}). "
            "Pack one CSV, Parquet or Excel file, or bring it unpacked."
        )
    part = tables[0]
    if part.flag_bits & 1:
        raise UploadError(f"{name} is protected by a password. Bring the file unpacked.")
    limits.check_unpacked(name, part.file_size)
    try:
        with archive.open(part) as opened:
            plain = opened.read(limits.LARGEST_UNPACKED + 1)
    except Exception as error:  # a damaged archive sets off whatever its damaged part does
        raise UploadError(f"{name} is a damaged ZIP archive. Pack or send it again.") from error
    limits.check_unpacked(name, len(plain))
    return PurePath(part.filename).name, plain
