"""The SQL of this room: text in ``data/queries``, read once, always given its values as bound parameters."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_QUERIES = Path(__file__).parent / "queries"


@cache
def sql(name: str) -> str:
    """The statement of ``data/queries/<name>.sql``."""
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
