"""The stand-in's files: read as they are, with the recipes of a directory that each test empties."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from data.errors import UploadError
from data.facts import Check
from data.sources.upload import load
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.file_formats import Content
from data.sources.upload.load import UploadPreview
from data.sources.upload.purchase_orders import OrdersFile
from data.sources.upload.recipes import RecipeStore
from forecasting.core.types import Progress, Report

#: What the import of the stand-in's catalog found.
CHECKS = (
    Check(
        "Periods out of stock", "2 weeks of 239 items were partly out of stock; they count as at least this much.", 478, "note"
    ),
    Check("Gaps", "Every item has every week.", 0, "fine"),
    Check("Prices", "12 items have no price in their first weeks.", 12, "warning"),
)

DIRECTORY = Path(tempfile.mkdtemp())


def preview_upload(name: str, content: Content, report: Report = lambda progress: None) -> UploadPreview:
    return load.preview(name, content, recipe_for=recipes().find)


def look_first(name: str, content: Content) -> None:
    return None


def progress_of(report: Report) -> Callable[[int, int, str], None]:
    return lambda done, total, message: report(Progress(done, total, message))


def files() -> Path:
    return DIRECTORY / "files"


def recipes() -> RecipeStore:
    return RecipeStore(DIRECTORY)


def load_upload(
    preview: UploadPreview,
    mapping: ColumnMapping,
    catalog_name: str,
    orders: OrdersFile | None = None,
    report: Report = lambda progress: None,
) -> None:
    import stand_in

    if preview.problems:
        raise UploadError(f"{preview.file_name} was not loaded; the catalog in use stays as it was.", preview.problems)
    beside = f" with {len(orders.orders)} orders of {orders.file_name}" if orders else ""
    stand_in.STATE.loaded.append(f"{catalog_name}: {preview.rows} rows of {preview.file_name}{beside}")


def can_be_added_to() -> bool:
    import stand_in

    return stand_in.STATE.kept is not None


def preview_addition(preview: UploadPreview, report: Report = lambda progress: None) -> SimpleNamespace:
    import stand_in

    return SimpleNamespace(preview=preview, difference=stand_in.STATE.kept)


def load_addition(addition: SimpleNamespace, orders: OrdersFile | None = None, report: Report = lambda progress: None) -> None:
    import stand_in

    stand_in.STATE.loaded.append(f"added: {addition.preview.rows} rows of {addition.preview.file_name}")


def after_addition() -> str:
    return "All items are forecast anew."
