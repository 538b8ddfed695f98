"""The first findings of a large file, from some stretches of it: what its columns are, within seconds."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import UploadError
from data.sources.upload import limits, load
from data.sources.upload.file_formats import Content
from data.sources.upload.load import UploadPreview
from data.sources.upload.places.on_disk import beginning

#: Bytes at the beginning, and stretches after it with the bytes of each.
_HEAD, _STRETCHES, _STRETCH = 2**20, 24, 2**17

#: Rows of a Parquet file's beginning.
_ROWS = 50_000


@dataclass(frozen=True, eq=False)
class FirstLook:
    """Some rows of a file as they would be read; ``rows`` is about how many it has in all.

    What lies between the rows is not there: gaps, repeated rows and sums are told by a whole preview alone.
    """

    preview: UploadPreview
    rows: int

    @property
    def words(self) -> str:
        """What was seen, for a planner."""
        mapping = self.preview.mapping
        roles = (("item", mapping.item_id), ("date", mapping.date), ("units sold", mapping.demand), ("price", mapping.price))
        found = ", ".join(f"{words} = {column}" for words, column in roles if column)
        dates = f" Dates are written like {self.preview.date_format}." if self.preview.date_format else ""
        return f"About {self.rows:,} rows. {found or 'No column was recognised'}.{dates}"


def first_look(name: str, content: Content) -> FirstLook | None:
    """What a large file seems to be; None for what is read as a whole as quickly, or cannot be read in parts."""
    try:
        return _looked_at(name, content)
    except UploadError:  # told by the whole reading, which may yet be able to
        return None


def _looked_at(name: str, content: Content) -> FirstLook | None:
    if not isinstance(content, Path) or not content.is_file() or content.stat().st_size <= limits.LARGEST_FILE // 4:
        return None
    if beginning(content, 4) == b"PAR1":
        with pq.ParquetFile(content) as source:
            some = next(source.iter_batches(_ROWS), None)
            if some is None:
                return None
            sink = io.BytesIO()
            pq.write_table(pa.Table.from_batches([some]), sink)
            return FirstLook(load.preview(f"{name}.parquet", sink.getvalue()), source.metadata.num_rows)
    if content.suffix.lower() in (".gz", ".gzip", ".xlsx", ".zip"):
        return None
    some = _stretches(content)
    size = content.stat().st_size
    found = load.preview(name, some)
    return FirstLook(found, int(round(found.rows * size / len(some), -3)))


def _stretches(path: Path) -> bytes:
    """The beginning of a text, and whole lines from evenly spaced places after it."""
    size = path.stat().st_size
    with path.open("rb") as opened:
        parts = [_lines(opened.read(_HEAD), first=True)]
        for number in range(1, _STRETCHES + 1):
            place = size * number // (_STRETCHES + 1)
            if place > _HEAD:
                opened.seek(place)
                parts.append(_lines(opened.read(_STRETCH), first=False))
    return b"".join(parts)


def _lines(some: bytes, *, first: bool) -> bytes:
    """The whole lines of a stretch, from its second on where it does not begin with one."""
    begin = 0 if first else some.find(b"\n") + 1
    return some[begin : some.rfind(b"\n") + 1]
