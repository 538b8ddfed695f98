"""How a file of one form is read: its columns and what was decided, kept so that next week's file needs no asking.

A form is the format and the headers, whatever their order; columns named by periods count as one, for they change each week.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import ConfigurationError
from data.sources.upload.column_mapping import ColumnMapping
from data.sources.upload.dates.date_styles import names_a_period
from data.sources.upload.offers import Decisions
from data.sources.upload.readers.table import FileTable

#: Written into each recipe, so that a later Tideline knows how to read it.
VERSION = 1

_SIGNATURE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Recipe:
    """How files of one form are read.

    Attributes
    ----------
    signature : of the form.
    file_name : of the file that it was made with.
    mapping : which column is what.
    decisions : what was decided on the offers.
    saved_at : when, ISO.
    """

    signature: str
    file_name: str
    mapping: ColumnMapping
    decisions: Decisions = field(default_factory=dict)
    saved_at: str = ""

    def text(self) -> str:
        """As JSON."""
        mapping = {one.name: getattr(self.mapping, one.name) for one in fields(ColumnMapping)}
        mapping["commercial"] = dict(self.mapping.commercial)
        made = {**asdict(RecipeHead(self.signature, self.file_name, self.saved_at)), "version": VERSION}
        return json.dumps({**made, "mapping": mapping, "decisions": dict(self.decisions)}, ensure_ascii=False, indent=1)

    @classmethod
    def of(cls, text: str) -> Recipe:
        """From JSON; raises ConfigurationError where it is no recipe."""
        try:
            held = json.loads(text)
            if held["version"] != VERSION:
                raise ConfigurationError(f"The recipe is of version {held['version']}; this Tideline reads version {VERSION}.")
            decisions = {str(kind): str(answer) for kind, answer in held["decisions"].items()}
            return cls(held["signature"], held["file_name"], _mapping(held["mapping"]), decisions, held.get("saved_at", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"This is no recipe of an import ({error}). Save one anew by loading a file.") from error


@dataclass(frozen=True)
class RecipeHead:
    """What a list of recipes shows."""

    signature: str
    file_name: str
    saved_at: str


class RecipeStore:
    """The recipes in a directory, one file each, named by signature."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, signature: str) -> Recipe | None:
        """The recipe of a form, None where there is none, or one that cannot be read."""
        path = self._path(signature)
        if path is None or not path.is_file():
            return None
        try:
            return Recipe.of(path.read_text("utf-8"))
        except (ConfigurationError, OSError, UnicodeDecodeError):
            return None

    def keep(self, recipe: Recipe) -> None:
        """Keeps a recipe in the place of the form's earlier one."""
        path = self._path(recipe.signature)
        if path is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(recipe.text(), "utf-8")
        fresh.replace(path)

    def forget(self, signature: str) -> None:
        """Takes a recipe away; files of its form are asked about again."""
        path = self._path(signature)
        if path is not None:
            path.unlink(missing_ok=True)

    def all(self) -> tuple[Recipe, ...]:
        """Every recipe that can be read, the latest first."""
        found = (self.find(path.stem) for path in self._directory.glob("*.json"))
        return tuple(sorted(filter(None, found), key=lambda recipe: recipe.saved_at, reverse=True))

    def _path(self, signature: str) -> Path | None:
        return self._directory / f"{signature}.json" if _SIGNATURE.fullmatch(signature) else None


def signature(table: FileTable) -> str:
    """What a file's form is known by."""
    names = {"<period>" if names_a_period(column) else " ".join(column.casefold().split()) for column in table.columns}
    form = json.dumps([table.format, sorted(names)], ensure_ascii=False)
    return hashlib.sha256(form.encode()).hexdigest()[:16]


def now() -> str:
    """The moment, as a recipe keeps it."""
    return datetime.now().isoformat(timespec="seconds")


def _mapping(held: Mapping[str, Any]) -> ColumnMapping:
    known = {one.name for one in fields(ColumnMapping)}
    if odd := set(held) - known:
        raise ConfigurationError(f"The recipe names {min(odd)!r}, which is no role of a column.")
    plural = {name: tuple(map(str, held[name])) for name in ("known", "past", "static") if name in held}
    return ColumnMapping(**{**held, **plural})
