"""What planners say of an item's history and life: read with the record it is about, kept and undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from data.history_marks import Mark
from pages.ui.resources import catalog
from pages.ui.resources.kept import by

if TYPE_CHECKING:
    from forecasting.service.item_life import ItemRecord


@by(catalog.history_version, 64)
def record(item_id: str) -> ItemRecord:
    """One item's history as imported and as it counts, with what was said and what may be said of it."""
    return catalog.service().items.record(item_id)


def save(mark: Mark, seen: int) -> None:
    """Keeps a mark; raises ResourceError where somebody marked the same after version ``seen``, ConfigurationError."""
    about = catalog.service().figures()
    known = mark.known or f"{about.last:%Y-%m-%d}"
    catalog.planner_store().add_mark(about.name, replace(mark, known=known), seen)


def undo(mark: Mark, seen: int) -> None:
    """Takes a mark back; raises ResourceError as ``save``."""
    catalog.planner_store().undo_mark(catalog.service().figures().name, mark, seen)
