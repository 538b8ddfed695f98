"""A what-if as the planner set it, and as it stands in the address bar.

The text is short and safe in a URL: ``p-10`` is the price of every period 10 % lower, ``m100`` a promotion in full in
every period, ``3p1.99`` the price of the third period, ``3m50`` its promotion at half; an underscore stands between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from data.schema import Frequency
from pages.ui.display import formats

#: How far the slider goes, in percent.
LOWEST, HIGHEST = -60, 60

_ALL = re.compile(r"([pm])(-?\d{1,3})")
_SINGLE = re.compile(r"(\d{1,3})([pm])(\d{1,7}(?:\.\d{1,2})?)")


@dataclass(frozen=True)
class Scenario:
    """What differs from the plan.

    Attributes
    ----------
    price_change : percent on the planned price of every period.
    promotion : share 0 … 1 of every period; None as planned.
    prices, promotions : horizon h (1 …) → price in money and share 0 … 1 of that single period; they win.
    """

    price_change: int = 0
    promotion: float | None = None
    prices: Mapping[int, float] = field(default_factory=dict)
    promotions: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Scenario:
        """The scenario of an address; what cannot be read is left out.

        >>> Scenario.read("p-10_3p1.99_nonsense").text
        'p-10_3p1.99'
        """
        change, promotion = 0, None
        prices, promotions = {}, {}
        for token in text.split("_"):
            if match := _ALL.fullmatch(token):
                if match[1] == "p":
                    change = int(np.clip(int(match[2]), LOWEST, HIGHEST))
                else:
                    promotion = float(np.clip(int(match[2]), 0, 100)) / 100
            elif match := _SINGLE.fullmatch(token):
                if match[2] == "p":
                    prices[int(match[1])] = float(match[3])
                else:
                    promotions[int(match[1])] = min(float(match[3]), 100.0) / 100
        return cls(change, promotion, prices, promotions)

    @property
    def text(self) -> str:
        """The scenario as it stands in an address; empty where nothing differs from the plan."""
        tokens = [f"p{self.price_change}"] if self.price_change else []
        if self.promotion is not None:
            tokens.append(f"m{self.promotion * 100:.0f}")
        tokens += [f"{h}p{price:.2f}" for h, price in sorted(self.prices.items())]
        tokens += [f"{h}m{share * 100:.0f}" for h, share in sorted(self.promotions.items())]
        return "_".join(tokens)

    @property
    def changed(self) -> bool:
        """Whether anything differs from the plan."""
        return bool(self.text)

    def prices_at(self, plan: np.ndarray) -> np.ndarray | None:
        """Prices [H] that differ from those planned, None where none do: then no second answer is needed."""
        if not self.price_change and not self.prices:
            return None
        return _with(np.asarray(plan, np.float64) * (1 + self.price_change / 100), self.prices)

    def promotions_at(self, plan: np.ndarray) -> np.ndarray | None:
        """Promotion shares [H] that differ from those planned, None where none do."""
        if self.promotion is None and not self.promotions:
            return None
        path = np.array(plan, np.float64) if self.promotion is None else np.full(len(plan), self.promotion)
        return _with(path, self.promotions)

    def words(self, frequency: Frequency) -> str:
        """What differs, as a planner would say it: ``"price −10%, promoted in full"``; ``"as planned"`` if nothing."""
        change = f"price {formats.percent(self.price_change / 100, signed=True)}"
        return ", ".join(self._parts(change, "promoted", frequency)) or "as planned"

    def phrase(self, frequency: Frequency) -> str:
        """The same after "with": ``"the price 10% lower and a promotion in full"``."""
        direction = "lower" if self.price_change < 0 else "higher"
        change = f"the price {formats.percent(abs(self.price_change) / 100)} {direction}"
        return formats.listing(self._parts(change, "a promotion", frequency))

    def _parts(self, change: str, promoted: str, frequency: Frequency) -> list[str]:
        """The parts of either, with the words for a change of price and before how much is promoted."""
        parts = [change] if self.price_change else []
        if self.promotion is not None:
            words = {0.0: "no promotion", 1.0: f"{promoted} in full"}
            parts.append(words.get(self.promotion, f"{promoted} at {formats.percent(self.promotion)}"))
        if single := len(set(self.prices) | set(self.promotions)):
            parts.append(f"{formats.periods(single, frequency)} set by hand")
        return parts


def _with(path: np.ndarray, single: Mapping[int, float]) -> np.ndarray:
    """``path`` [H] with the values of single periods, those beyond the horizon left out."""
    for h, value in single.items():
        if 1 <= h <= len(path):
            path[h - 1] = value
    return path
