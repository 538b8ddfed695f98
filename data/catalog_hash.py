"""Content hashes of a catalog in the making: one of what forecasting reads of it, and one of everything.

A model, a ladder and forecasts depend on histories and plans alone: they stay valid when stock, costs, suppliers or orders
change. What buying works out depends on everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from data.orders import Orders

#: What forecasting reads: ids, names and attributes; demand, stock-outs and covariates; what is planned of them.
_READ = ("text", "numbers", "plan")

#: Parts that every catalog's hash counts, and those that it counts where they are given.
_ALWAYS, _WHERE_GIVEN = ("text", "numbers", "commercial", "plan"), ("later", "supplier")


class ContentHashes:
    """Running hashes of a catalog's parts: ``add`` content chunk by chunk, then ask for ``history`` and ``everything``."""

    def __init__(self) -> None:
        self._parts = {part: hashlib.blake2b(digest_size=16) for part in (*_ALWAYS, *_WHERE_GIVEN)}
        self._counted = set(_ALWAYS)

    def add(self, part: str, content: bytes, *, given: bool = True) -> None:
        """Adds to one part; ``given`` is false where the content only says that nothing is known."""
        self._parts[part].update(content)
        if given:
            self._counted.add(part)

    def history(self, head: Mapping[str, object]) -> str:
        """Of what forecasting reads; ``head`` is what the catalog says of all items."""
        return self._of(head, set(_READ)).hexdigest()

    def everything(self, head: Mapping[str, object], orders: Orders) -> str:
        """Of all that was added and the orders, in whichever order they come."""
        digest = self._of(head, self._counted)
        if len(orders):
            rows = orders.table().sort_by([(name, "ascending") for name in orders.table().column_names])
            digest.update(json.dumps(rows.to_pydict(), default=str).encode())
        return digest.hexdigest()

    def _of(self, head: Mapping[str, object], wanted: set[str]) -> hashlib.blake2b:
        parts = {part: self._parts[part].hexdigest() for part in self._parts if part in wanted}
        return hashlib.blake2b(json.dumps({**head, "parts": parts}).encode(), digest_size=16)
