"""What a chunk of a catalog must be like: columns whose names can be told apart, and values that can be true."""

from __future__ import annotations

import numpy as np

from data.errors import DataError
from data.schema import Panel


def check_columns(panel: Panel) -> None:
    """Raises DataError where two columns of a kind differ by case alone, or one has no name."""
    for kind in ("known", "past", "static"):
        seen: dict[str, str] = {}
        for name in getattr(panel, kind):
            if seen.setdefault(name.casefold(), name) != name or not name.strip():
                raise DataError(f"The {kind} columns need names that differ by more than case; {name!r} does not.")


def check_values(panel: Panel) -> None:
    """Raises DataError where demand is negative or infinite, or a share in stock is none."""
    bad = {
        "demand": (panel.demand < 0) | np.isinf(panel.demand),
        "in_stock": (panel.in_stock < 0) | (panel.in_stock > 1),
    }
    for name, wrong in bad.items():
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value, due = getattr(panel, name)[row, column], "0 or more" if name == "demand" else "from 0 to 1"
            where = f"of item {panel.item_ids[row]} at {panel.periods[column]:%Y-%m-%d}"
            raise DataError(f"{name} {where} is {value:g} (and {wrong.sum() - 1:,} more are wrong); it must be {due}.")
