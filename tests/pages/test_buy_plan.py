"""The Buy plan page: its numbers are the list's, what is typed is kept only when it is saved, and a link brings it all back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
import stand_in
from streamlit.testing.v1 import AppTest

from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from pages.ui.buy_plan import order_table
from pages.ui.display import exports

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"

#: The figures of the whole list: units to buy, money, sales expected to be missed, units expected to be left over.
WHOLE_LIST = ["10,474", "$12,759", "206", "3,497"]


def expected(settings: BuySettings | None = None, edits: dict[str, float] | None = None) -> BuyPlan:
    return stand_in.Purchases().plan(settings or BuySettings(), edits or {})


def figures(app: AppTest) -> list[str]:
    assert not app.exception, app.exception
    return [metric.value for metric in app.metric]


def text(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption, *app.subheader, *app.error, *app.success))


def type_in(app: AppTest, row: int, units: float | None) -> AppTest:
    """Types into the editor as a planner does: its state, then its callback."""
    key = f"buy list/{app.session_state['buying turn']}"
    app.session_state[key] = {
        "edited_rows": {row: {"Buy": None if units is None else str(units)}},
        "added_rows": [],
        "deleted_rows": [],
    }
    drafts = getattr(app.session_state, "buying drafts", {})
    app.session_state["buying drafts"] = {**drafts, app.session_state["buying ids"][row]: units}
    return app.run()


def button(app: AppTest, label: str) -> object:
    return next(one for one in app.button if one.label.startswith(label))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ({}, WHOLE_LIST),
        ({"tau": "0.75", "lead": "3", "review": "2", "pack": "6"}, ["16,974", "$20,685", "687", "3,564"]),
        ({"by": "costs", "lost": "1.5", "unsold": "10"}, ["11,516", "$13,849", "131", "4,465"]),
        ({"scope": "category", "category": "Dairy"}, ["2,482", "$3,155", "49", "828"]),
        ({"scope": "item", "item": ITEM}, ["406", "$447", "8.0", "136"]),
        ({"budget": "900"}, ["818", "$900", "6,364", "0.0"]),
    ],
)
def test_a_link_shows_the_list_it_was_copied_from(visit: Visit, address: dict[str, str], shown: list[str]) -> None:
    assert figures(visit("buy_plan", **address)) == shown


@pytest.mark.parametrize(
    "address", [{"lead": "x", "pack": "-3"}, {"budget": "nan"}, {"page": "999"}, {"show": "some"}, {"by": "", "scope": "?"}]
)
def test_a_broken_address_shows_the_nearest_list(visit: Visit, address: dict[str, str]) -> None:
    assert figures(visit("buy_plan", **address)) == WHOLE_LIST


def test_what_the_catalog_does_not_know_is_said(visit: Visit, desk: stand_in.State) -> None:
    words = text(visit("buy_plan"))
    assert "Your catalog has no stock on hand, units on order, lead time, pack size or minimum order; 0 on hand" in words
    assert "48 of 240 items have no unit cost" in words
    desk.stocked = True
    known = text(visit("buy_plan", tau="0.8"))
    assert "no stock on hand" not in known


def test_one_item_shows_its_arithmetic_in_words(visit: Visit, desk: stand_in.State) -> None:
    desk.stocked = True
    words = text(visit("buy_plan", scope="item", item=ITEM))
    assert "290 are needed for 2 weeks (P90), less 34 on hand and 24 on order" in words
    assert "less 80 of that lost before it can arrive, is 152, and 156 in whole packs" in words  # 13 packs of 12


def test_the_list_is_paged_filtered_and_searched(visit: Visit) -> None:
    plan = expected()
    first = visit("buy_plan")
    assert first.session_state["buying ids"] == [row.item_id for row in plan.lines(plan.places()[:25])]
    second = visit("buy_plan", page="2")
    assert second.session_state["buying ids"] == [row.item_id for row in plan.lines(plan.places()[25:50])]
    found = visit("buy_plan", q="rye bread sku-0003", show="all")
    assert found.session_state["buying ids"] == [ITEM]
    nothing = visit("buy_plan", q="no such thing")
    assert "No item is left" in text(nothing)


def test_a_typed_quantity_says_what_it_implies_and_counts_once_it_is_saved(visit: Visit, desk: stand_in.State) -> None:
    app = visit("buy_plan")
    assert app.session_state["buying ids"][2] == "SKU-0002"  # the list says 494
    app = type_in(app, 2, 445.0)
    assert "445 is your **P83** for 3 weeks" in text(app)
    assert "at least **4.8 ×** an unsold unit" in text(app)
    assert figures(app) == WHOLE_LIST
    app = button(app, "Save 1 change").click().run()
    assert "Saved: 1 quantity of yours" in text(app)
    after = ["10,425", "$12,705", "212", "3,455"]
    assert figures(app) == after
    assert figures(visit("buy_plan")) == after, "a reload shows what was saved"


def test_a_small_quantity_is_said_the_other_way_round(visit: Visit) -> None:
    app = type_in(visit("buy_plan"), 0, 0.0)
    assert "0 is below your P1 for 3 weeks. This pays only if an unsold unit costs at least **> 200 ×** a lost sale" in text(
        app
    )


def test_what_the_editor_hears_becomes_a_draft_of_its_item(monkeypatch: pytest.MonkeyPatch) -> None:
    edited = {"1": {"Buy": "1,200"}, "0": {}, "2": {"Buy": "words"}}
    memory = {"key": {"edited_rows": edited}, "buying ids": ["A", "B", "D"], "buying drafts": {"C": 1.0}, "buying context": ()}
    monkeypatch.setattr(order_table.st, "session_state", memory)
    order_table._typed("key")
    assert memory["buying drafts"] == {"C": 1.0, "B": 1200.0}
    assert memory["buying refused"] == "Buy: “words” is not a number."
    assert "buying context" not in memory, "a new editor shows what counts"


def test_a_discarded_quantity_is_gone_and_an_emptied_one_is_worked_out_again(visit: Visit) -> None:
    app = visit("buy_plan")
    before = figures(app)
    app = button(type_in(app, 0, 1.0), "Discard").click().run()
    assert button(app, "Save").disabled
    app = button(type_in(app, 0, 1.0), "Save").click().run()
    assert figures(app) != before
    place = app.session_state["buying ids"].index(visit("buy_plan").session_state["buying ids"][0])
    item_id = expected().lines(expected().places()[:1])[0].item_id
    app = visit("buy_plan", q=item_id.lower())
    app = button(type_in(app, 0, None), "Save").click().run()
    assert figures(app) == before
    assert place == 0


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(visit: Visit) -> None:
    app = visit("buy_plan")
    item_id = app.session_state["buying ids"][0]
    app = type_in(app, 0, 5.0)
    date = f"{stand_in.about().last:%Y-%m-%d}"
    stand_in.planner_store().set_quantities("Corner shop", date, {item_id: 77.0}, 0)
    app = button(app, "Save").click().run()
    assert "Somebody else has changed" in text(app)
    assert stand_in.planner_store().quantities("Corner shop", date).units[item_id] == 77.0


def test_drafts_survive_turning_the_page(visit: Visit) -> None:
    app = type_in(visit("buy_plan"), 1, 33.0)
    app.query_params["page"] = "2"
    app.run()
    assert not button(app, "Save 1 change").disabled
    app.query_params["page"] = "1"
    app.run()
    assert app.session_state["buying start"] == {app.session_state["buying ids"][1]: 33.0}


def test_a_budget_is_drawn_and_its_cuts_are_named(visit: Visit) -> None:
    plan = expected(BuySettings(budget=300.0))
    app = visit("buy_plan", budget="300")
    assert len(app.get("plotly_chart")) == 1
    assert "What is cut would earn **$7,430** more" in text(app)
    app.session_state["cuts"] = True
    app.run()
    dearest = plan.lines([int(plan.budget.forgone.argmax())])[0]
    assert any(dearest.item_id in html.proto.body and "Asked for" in html.proto.body for html in app.get("html"))
    enough = visit("buy_plan", budget="1000000")
    assert "it is enough for everything" in text(enough)


def test_the_purchase_order_is_a_file_of_everything_to_buy(desk: stand_in.State) -> None:
    plan = expected(edits={ITEM: 7.0})
    order = order_table.table(plan, stand_in.about())
    rows = list(csv.DictReader(io.StringIO(exports.as_csv(order, exports.Stamp("x", None, "m")).decode("utf-8-sig"))))
    assert len(rows) == 240
    assert sum(float(row["Buy"]) for row in rows) == 10_474 - 406 + 7  # the list says 406 of this item
    assert next(row for row in rows if row["Item"] == ITEM)["Quantity by"] == "planner"
    assert exports.as_xlsx(order, exports.Stamp("x", None, "m"))[:2] == b"PK"


def test_without_forecasts_of_all_items_the_page_offers_to_make_them(visit: Visit, desk: stand_in.State) -> None:
    desk.summarised = False
    app = visit("buy_plan")
    assert "they are still to be made" in text(app)
    assert button(app, "Forecast all items now")


def test_one_item_without_an_item_asks_for_one(visit: Visit) -> None:
    assert "Choose an item first" in text(visit("buy_plan", scope="item"))


def test_what_the_items_sell_together_is_drawn_when_it_is_asked_for(visit: Visit) -> None:
    app = visit("buy_plan")
    assert "together sell" not in text(app)
    app.session_state["together"] = True
    app.run()
    words = text(app)
    assert "**9 times in 10 fewer than 8,426 units**" in words
    assert "Adding up the items' P90s would say 10,477" in words
    assert "at 12 creation dates from 28 Sep 2025 to 14 Dec 2025" in words
    assert any("Dairy" in html.proto.body and "9 in 10 fewer than" in html.proto.body for html in app.get("html"))
    assert "What will they sell together?" not in [one.label for one in visit("buy_plan", scope="item", item=ITEM).expander]
