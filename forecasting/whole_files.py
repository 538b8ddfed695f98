"""Files that are there whole or not at all: written under another name and moved into place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def written(path: Path, write: Callable[[Path], object]) -> None:
    """``write`` fills a file that then takes the place of ``path`` in one move."""
    fresh = path.with_name(f"fresh-{path.name}")
    write(fresh)
    fresh.replace(path)
