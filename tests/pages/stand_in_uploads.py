"""The stand-in's files: read as they are, with the recipes of a directory that each test empties."""

from __future__ import annotations

import tempfile
from pathlib import Path

from data.facts import Check
from data.sources.upload import load
from data.sources.upload.load import UploadPreview
from data.sources.upload.recipes import RecipeStore

#: What the import of the stand-in's catalog found.
CHECKS = (
    Check(
        "Periods out of stock", "2 weeks of 239 items were partly out of stock; they count as at least this much.", 478, "note"
    ),
    Check("Gaps", "Every item has every week.", 0, "fine"),
    Check("Prices", "12 items have no price in their first weeks.", 12, "warning"),
)

DIRECTORY = Path(tempfile.mkdtemp())


def preview_upload(name: str, content: bytes) -> UploadPreview:
    preview = load.preview(name, content)
    recipe = recipes().find(preview.signature)
    return preview if recipe is None else load.as_before(preview, recipe)


def recipes() -> RecipeStore:
    return RecipeStore(DIRECTORY)
