"""On what terms an item is bought: what the catalog knows of it, else what planners have set, else what a page assumes.

A planner's term is of an item, of a category or of everything; the closest to the item counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.errors import ConfigurationError
from data.planner_store import Term
from forecasting.inventory.order_policy import Costs, critical_ratio
from forecasting.purchasing.plan_inputs import PlanInputs

#: A margin is at least this share of the price: an item sold at a loss is still missed when it is out.
_LEAST_MARGIN = 0.01

#: What planners may set, in the order in which an order is worked out.
FIELDS = (
    "lead_time", "lead_time_sd", "on_hand", "on_order", "arrives_in", "back_orders", "min_order", "pack_size", "shelf_life",
    "max_cover",
)  # fmt: skip

#: Columns in which 0 says nothing.
_ABOVE_ZERO = ("price", "unit_cost", "pack_size", "shelf_life", "max_cover")

#: What nobody misses: these are what they are until somebody says otherwise.
_UNSPOKEN = ("lead_time_sd", "arrives_in", "back_orders", "shelf_life", "max_cover")


@dataclass(frozen=True)
class BuySettings:
    """What a planner asks for.

    Attributes
    ----------
    tau : the chosen quantile; None where the costs choose it for each item.
    item, category, supplier : scope, one item, one category or one supplier; "" is all.
    lead_time, review : periods; ``lead_time`` where the catalog has none.
    pack_size, on_hand : units where the catalog has none; no minimum and nothing on order is assumed.
    margin : share of the price that is margin, where the catalog has no unit cost.
    lost : what a lost sale costs, in margins of the item.
    unsold : what an unsold unit costs, as a share of its unit cost.
    budget : money for the whole scope; None for no limit.
    waits : whether customers wait for what is missing; otherwise it is lost, and no order need hold it.
    """

    tau: float | None = 0.9
    item: str = ""
    category: str = ""
    lead_time: float = 2.0
    review: float = 1.0
    pack_size: float = 1.0
    on_hand: float = 0.0
    margin: float = 0.3
    lost: float = 1.0
    unsold: float = 0.25
    budget: float | None = None
    waits: bool = False
    supplier: str = ""

    @property
    def ratio(self) -> float:
        """The critical ratio where the unit cost is not known."""
        return float(critical_ratio(self.lost * self.margin, self.unsold * (1 - self.margin)))

    @property
    def worth(self) -> float:
        """What a lost sale and an unsold unit cost together there, as a share of the price."""
        return self.lost * self.margin + self.unsold * (1 - self.margin)

    def __post_init__(self) -> None:
        positive = {"pack_size": self.pack_size, "review": self.review, "lost": self.lost, "unsold": self.unsold}
        wrong = [name for name, value in positive.items() if not value > 0]
        if wrong or not 0 < self.margin < 1:
            raise ConfigurationError(
                f"{(wrong or ['margin'])[0]} is out of range. A margin lies between 0 and 1, the rest above 0."
            )


def terms(
    inputs: PlanInputs, rows: np.ndarray, settings: BuySettings, saved: Sequence[Term] = ()
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Commercial columns [K] without gaps, and for which items [K] nobody has said them: what the settings assume then.

    A price is taken from the middle one, a cost from the margin. Without a word an order comes when it is due, is alone, and
    nothing spoils: deviation 0, arrival in the next period, no back orders, no limit to shelf life and cover.
    """
    known = {name: values[rows] for name, values in inputs.commercial.items()}
    price = np.where(known["price"] > 0, known["price"], inputs.middle_price)
    stand_in: dict[str, np.ndarray | float] = {
        "price": price,
        "unit_cost": price * (1 - settings.margin),
        "pack_size": settings.pack_size,
        "min_order": 0.0,
        "lead_time": settings.lead_time,
        "on_hand": settings.on_hand,
        "on_order": 0.0,
        "lead_time_sd": 0.0,
        "arrives_in": 1.0,
        "back_orders": 0.0,
        "shelf_life": np.inf,
        "max_cover": np.inf,
    }
    filled, assumed = {}, {}
    for name, otherwise in stand_in.items():
        column = known.get(name, np.full(len(rows), np.nan))
        given = np.isfinite(column) & ((column > 0) if name in _ABOVE_ZERO else (column >= 0))
        own = planned(inputs, rows, name, saved)
        set_ = ~given & np.isfinite(own)
        filled[name] = np.where(given, column, np.where(set_, own, otherwise))
        if name not in _UNSPOKEN and not (given | set_).all():
            assumed[name] = ~given & ~set_
    return filled, assumed


def planned(inputs: PlanInputs, rows: np.ndarray, field: str, saved: Sequence[Term]) -> np.ndarray:
    """What planners have set for a ``field`` of these items [K]: of the item, else of its category, else of everything."""
    mine = [term for term in saved if term.field == field and (term.value > 0 or field not in _ABOVE_ZERO)]
    if not mine:
        return np.full(len(rows), np.nan)
    answer = np.full(len(inputs.assortment), np.nan)
    for term in sorted(mine, key=lambda term: (bool(term.item_id), bool(term.category))):
        if term.item_id:
            row = inputs.row_of.get(term.item_id)
            where: np.ndarray | slice = np.array([] if row is None else [row], dtype=int)
        else:
            where = inputs.assortment.in_category(term.category) if term.category else slice(None)
        answer[where] = term.value
    return answer[rows]


def costs_of(filled: Mapping[str, np.ndarray], settings: BuySettings) -> tuple[Costs, np.ndarray]:
    """What a lost sale and an unsold unit cost, and the unit itself [K], from the ``terms``."""
    price, unit_cost = filled["price"], filled["unit_cost"]
    margin = np.maximum(price - unit_cost, _LEAST_MARGIN * price)
    return Costs(settings.lost * margin, settings.unsold * unit_cost), unit_cost
