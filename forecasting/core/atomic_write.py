"""Files that are there whole or not at all: written under another name and moved into place; and what reading one sets off.

A file that can be made again is never worth a failure: who reads one catches ``UNREADABLE``, and makes it again.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from safetensors import SafetensorError

#: What a damaged, half-written or foreign file sets off in those who read JSON, Parquet, npy, npz or safetensors.
UNREADABLE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    AssertionError,
    pa.ArrowException,
    zipfile.BadZipFile,
    zlib.error,
    SafetensorError,
)


def written(path: Path, write: Callable[[Path], object]) -> None:
    """``write`` fills a file that then takes the place of ``path`` in one move, on the disk and not only in its cache."""
    fresh = path.with_name(f"fresh-{path.name}")
    write(fresh)
    with fresh.open("rb") as whole:
        os.fsync(whole.fileno())
    fresh.replace(path)


def read_object(path: Path) -> dict[str, Any] | None:
    """The JSON object in ``path``; None where there is no such file, or something else in it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except UNREADABLE:
        return None
    return found if isinstance(found, dict) else None
