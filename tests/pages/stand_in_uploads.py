"""The stand-in's files: read as they are, with the recipes of a directory that each test empties."""

from __future__ import annotations

import tempfile
from pathlib import Path

from data.sources.upload import load
from data.sources.upload.load import UploadPreview
from data.sources.upload.recipes import RecipeStore

DIRECTORY = Path(tempfile.mkdtemp())


def preview_upload(name: str, content: bytes) -> UploadPreview:
    preview = load.preview(name, content)
    recipe = recipes().find(preview.signature)
    return preview if recipe is None else load.as_before(preview, recipe)


def recipes() -> RecipeStore:
    return RecipeStore(DIRECTORY)
