"""How the small networks are trained: a stored model keeps it."""

from __future__ import annotations

from dataclasses import dataclass

#: Batches that hold every pair of an item and a creation date of a small set once, and the fewest pairs of one.
_BATCHES, _LEAST_PAIRS = 40, 384


@dataclass(frozen=True)
class SmallSettings:
    """How a small network is trained: a validation every ``look_every`` steps, the end after ``patience`` without gain.

    ``batch_items`` and ``batch_dates`` are decoded in one step, of small sets fewer (``batch_size``); ``average`` is what the
    running mean of the weights keeps of itself in one; ``scale_power`` weights losses by m to this power.
    """

    most_steps: int = 500
    look_every: int = 20
    patience: int = 6
    batch_items: int = 64
    batch_dates: int = 16
    learning_rate: float = 3e-3
    average: float = 0.98
    scale_power: float = 0.5
    width: int = 32
    dropout: float = 0.3

    def batch_size(self, items: int, dates: int) -> tuple[int, int]:
        """Items and creation dates of a batch, of so many: at most one part in 40 of all pairs, but not fewer than 384."""
        usual = min(self.batch_items, items), min(self.batch_dates, dates)
        return within_pairs(*usual, max(_LEAST_PAIRS, items * dates // _BATCHES), few_dates=8)


def within_pairs(items: int, dates: int, pairs: int, *, few_dates: int) -> tuple[int, int]:
    """So many items and creation dates, or as many items as make about ``pairs`` with at most ``few_dates``."""
    if items * dates <= pairs:
        return items, dates
    dates = min(dates, few_dates)
    return min(items, -(-pairs // dates)), dates
