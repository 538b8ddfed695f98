"""The stand-in's history ledger: the marks that tests keep in its planner store, laid over its histories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from stand_in_items import WEEKS, name_of

from data.facts import ItemFacts
from data.history_marks import Ledger, corrected
from data.history_proposals import proposals
from data.life_cycle import Pair
from data.schema import Panel
from forecasting.service.item_life import SPOKEN, ItemLife, ItemRecord, covered
from forecasting.service.view_models import ItemHistory

#: The item whose history proposes: its week 40 sold a bulk order, and its weeks 20 to 23 nothing.
ODD = 7


def imported(number: int, past: ItemHistory) -> np.ndarray:
    """What is recorded of the item of this number."""
    demand = past.demand.copy()
    if number == ODD:
        demand[40], demand[20:24] = 9000, 0
    return demand


def layers(number: int, facts: ItemFacts, past: ItemHistory, ledger: Ledger) -> tuple[ItemHistory, ItemRecord]:
    """The item's history with the marks laid over it, and the record of both."""
    recorded = _panel(facts, past, imported(number, past))
    marks, panel = ledger.of(facts.item_id, facts.static["category"]), corrected(recorded, ledger.marks)
    own = [mark for mark in marks if mark.kind in ("ended", "sold on") and mark.item_id == facts.item_id]
    pair = next((mark for mark in marks if mark.kind == "replaces" and mark.item_id == facts.item_id), None)
    life = ItemLife(
        ended=own[-1] if own and own[-1].kind == "ended" else None,
        sold_on=own[-1] if own and own[-1].kind == "sold on" else None,
        replaces=Pair(pair.item_id, pair.other, pair.ratio) if pair else None,
        names={pair.other: name_of(int(pair.other[-4:]))} if pair else {},
    )
    record = ItemRecord(
        facts.item_id, facts.name, facts.static["category"], past.periods, recorded.demand[0], panel.demand[0],
        recorded.in_stock[0], panel.in_stock[0], np.zeros(len(past.periods), bool), marks,
        proposals(panel, covered(marks, past.periods, SPOKEN)), ledger.version, life,
    )  # fmt: skip
    shown = replace(past, demand=panel.demand[0], in_stock=panel.in_stock[0])
    return (replace(shown, imported=recorded.demand[0]) if marks else shown), record


def _panel(facts: ItemFacts, past: ItemHistory, demand: np.ndarray) -> Panel:
    return Panel(
        item_ids=np.array([facts.item_id], dtype=object),
        periods=past.periods,
        frequency=WEEKS,
        demand=demand.astype(np.float32)[None],
        in_stock=np.asarray(past.in_stock, np.float32)[None],
        known={"promo": np.asarray(past.promo, np.float32)[None]},
        static={"category": np.array([facts.static["category"]], dtype=object)},
    )
