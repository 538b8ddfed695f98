"""What demand may be counted in: pieces, cases, pallets, a weight, a volume or money, each by a factor of the item.

Factors come from the catalog: the pieces of a pack, the price, and attributes that say what one piece weighs or holds. An item
without the factor is counted in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

#: The commercial column of a case's pieces.
PACK_SIZE = "pack_size"

#: Attribute of an item → the unit that it tells of, and whether it is units in a piece or else pieces in a unit.
FACTOR_COLUMNS: Mapping[str, tuple[str, bool]] = {
    "weight_kg": ("kg", True),
    "kg_per_unit": ("kg", True),
    "kg_per_piece": ("kg", True),
    "net_weight_kg": ("kg", True),
    "litres_per_unit": ("litres", True),
    "liters_per_unit": ("litres", True),
    "litres_per_piece": ("litres", True),
    "volume_l": ("litres", True),
    "units_per_pallet": ("pallets", False),
    "pieces_per_pallet": ("pallets", False),
}

#: What a factor is called that an item lacks, by the unit.
_LACKS = {"cases": "pack size", "kg": "weight", "litres": "volume", "pallets": "number of pieces on a pallet", "money": "price"}


@dataclass(frozen=True)
class Unit:
    """One way to count demand.

    Attributes
    ----------
    name : in an address and in the switch.
    label : after a number: "cases".
    digits : decimals of a number below 10.
    column : where the factor of an item stands; "" for pieces and for money, whose factor is the price of each period.
    holds_pieces : the column tells how many pieces a unit holds, and else how much of the unit one piece is.
    """

    name: str
    label: str
    digits: int = 1
    column: str = ""
    holds_pieces: bool = False

    @property
    def is_pieces(self) -> bool:
        """Whether it is the unit that everything is kept in."""
        return self.name == "pieces"

    @property
    def is_money(self) -> bool:
        """Whether its factor is a price, which moves from period to period."""
        return self.name == "money"

    @property
    def axis(self) -> str:
        """At the beginning of a label: "Cases"; currencies and symbols stay as they are."""
        return self.label if self.label in ("kg",) or self.is_money else self.label.capitalize()

    @property
    def missing(self) -> str:
        """What an item lacks that cannot be counted in it."""
        return _LACKS.get(self.name, self.column.replace("_", " "))

    def factor(self, known: Mapping[str, object]) -> float | None:
        """Units in one piece of an item of which the columns ``known`` tell; None where they do not.

        >>> CASES.factor({"pack_size": 12.0}), CASES.factor({})
        (0.08333333333333333, None)
        """
        found = float(self.factors(np.array([known.get(self.column)], dtype=object))[0])
        return found if np.isfinite(found) else None

    def factors(self, column: np.ndarray) -> np.ndarray:
        """The same [N] of the values of its column, numbers or texts; NaN where they are no number above 0."""
        told = np.array([_number(value) for value in column.tolist()], np.float64)
        told[~(np.isfinite(told) & (told > 0))] = np.nan
        return 1 / told if self.holds_pieces else told


PIECES = Unit("pieces", "units")
CASES = Unit("cases", "cases", 1, PACK_SIZE, holds_pieces=True)


def money(currency: str) -> Unit:
    """What the pieces sell for, in the catalog's currency."""
    return Unit("money", currency, 2)


def units_of(static: Iterable[str], *, packs: bool, prices: bool, currency: str) -> tuple[Unit, ...]:
    """The units that a catalog with these attributes can be shown in, pieces first; of two columns for one unit the first.

    >>> [unit.name for unit in units_of(["brand", "weight_kg"], packs=False, prices=True, currency="USD")]
    ['pieces', 'kg', 'money']
    """
    found = {"pieces": PIECES} | ({"cases": CASES} if packs else {})
    for column in static:
        if column.casefold() in FACTOR_COLUMNS:
            name, in_a_piece = FACTOR_COLUMNS[column.casefold()]
            digits = 2 if name == "pallets" else 1
            found.setdefault(name, Unit(name, name, digits, column, holds_pieces=not in_a_piece))
    if prices:
        found["money"] = money(currency)
    return tuple(found.values())


def is_factor(column: str) -> bool:
    """Whether an attribute measures a piece; it says how much an item is and groups nothing."""
    return column.casefold() in FACTOR_COLUMNS


def _number(value: object) -> float:
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError:
        return float("nan")
