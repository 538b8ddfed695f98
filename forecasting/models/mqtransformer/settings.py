"""How a fit of MQTransformer is run: read by those who serve, too, for a stored model keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from forecasting.models.neural.settings import within_pairs

#: What MQTransformer adds to MQ-CNN, by the names of its switches: attention over the past, feedback (learned after the
#: networks), being told that a price moves, reading the last periods one by one, peak care, and recalling what sold lately.
PARTS = frozenset({"attention", "feedback", "moves", "lags", "peak_care", "recall"})

#: Batches that hold every pair of an item and a creation date of a small set once, and the fewest pairs of one.
_BATCHES, _LEAST_PAIRS = 80, 192


@dataclass(frozen=True)
class TrainingSettings:
    """How a fit is run. Half-lives are shares of a year; the defaults are for any catalog.

    ``scale_power`` weights the loss by m to this power; ``masked_share`` of each batch are items whose past is hidden;
    ``span_weight`` is that of the span quantiles' loss; ``most_items`` are trained on at most (drawn by the seed). A trial
    looks at the validation every ``look_every`` steps and ends when ``patience`` looks brought nothing. A batch takes
    ``batch_items`` at as many creation dates as make about ``batch_targets``; on small sets fewer: see ``batch_size``.
    ``parts`` are those switched on.
    """

    seed: int = 1
    members: int = 6
    scale_lives: tuple[float, ...] = (1 / 4, 1 / 2, 1.0)
    most_steps: int = 1500
    look_every: int = 25
    patience: int = 8
    batch_items: int = 64
    batch_targets: int = 8192
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    average: float = 0.98
    scale_power: float = 0.5
    masked_share: float = 0.06
    span_weight: float = 0.3
    most_items: int = 10_000
    width: int = 16
    decoder_width: int = 32
    dropout: float = 0.2
    parts: tuple[str, ...] = tuple(sorted(PARTS))

    def batch_size(self, items: int, dates: int, horizon: int) -> tuple[int, int]:
        """Items and creation dates of a batch, of so many.

        A set of few learns as much from smaller steps, which take less time: a batch holds at most one part in 80 of all pairs
        of an item and a date, but not fewer than 192 pairs.
        """
        count = min(self.batch_items, items)
        at = min(dates, 16, max(6, self.batch_targets // (count * horizon)))
        return within_pairs(count, at, max(_LEAST_PAIRS, items * dates // _BATCHES), few_dates=6)
