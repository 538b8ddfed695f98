"""Files as planners bring them, and what is asked of their previews."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd

from data.catalog import Catalog
from data.sources.upload.load import UploadPreview, load, preview

GOOD = """item_id,date,demand
A,2024-01-07,5
A,2024-01-14,6
A,2024-01-21,7
B,2024-01-07,1
B,2024-01-14,0
B,2024-01-21,2
"""


def seen(text: str, name: str = "sales.csv") -> UploadPreview:
    return preview(name, text.encode())


def loaded(got: UploadPreview, path: Path, **changes: object) -> Catalog:
    load(got, replace(got.mapping, **changes), "Mine", path / "catalog.duckdb")
    return Catalog(path / "catalog.duckdb")


def findings(got: UploadPreview) -> str:
    return "\n".join(f"{check.title}: {check.finding}" for check in got.checks)


def in_format(kind: str, rows: list[dict[str, object]]) -> tuple[str, bytes]:
    """The rows as a file of this kind."""
    frame, sink = pd.DataFrame(rows), io.BytesIO()
    if kind == "csv":
        return "sales.csv", frame.to_csv(index=False).encode()
    if kind == "parquet":
        frame.to_parquet(sink, index=False)
    else:
        frame.to_excel(sink, index=False)
    return f"sales.{kind}", sink.getvalue()
