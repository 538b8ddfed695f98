"""The switch that says what demand is counted in: tables, charts, sentences and files follow it, and it travels with links."""

from __future__ import annotations

import pytest
import stand_in
from seen import figure, figures, links, text, title
from streamlit.testing.v1 import AppTest

from data.units import CASES, money
from pages.ui.buy_plan import order_table, supplier_exports
from pages.ui.display import exports
from pages.ui.display.exports import Stamp
from pages.ui.item import forecast_text

ITEM = "SKU-0003"  # packs of 6
STAMP = Stamp("Corner shop", stand_in.about().last, "mqcnn 1")


@pytest.fixture
def packed(desk: stand_in.State) -> stand_in.State:
    """Every item but each tenth has a pack size."""
    desk.packs = True
    return desk


def options(app: AppTest) -> list[str]:
    return list(next(one for one in app.button_group if one.key == "unit").options)


def test_the_switch_offers_what_the_catalog_has_factors_for(visit, desk: stand_in.State) -> None:
    assert options(visit("item", item=ITEM)) == ["pieces", "money"]
    desk.packs = True
    assert options(visit("item", item=ITEM)) == ["pieces", "cases", "money"]
    desk.packs, desk.priced = False, False
    assert options(visit("item", item=ITEM)) == ["pieces"]


def test_the_item_page_is_in_cases(visit, packed: stand_in.State) -> None:
    pieces, cases = visit("item", item=ITEM), visit("item", item=ITEM, unit="cases")
    assert title(cases) == title(pieces)
    view = stand_in.Items().view(ITEM)
    expected = float(view.forecast.span_mean()[0, -1])
    assert f"Expect about **{expected / 6:,.0f}** cases in the next 13 weeks" in text(cases)
    assert figures(cases)["Expected, next 13 weeks, in cases"] == f"{expected / 6:,.0f}"
    assert figures(pieces)["Expected, next 13 weeks"] == f"{expected:,.0f}"
    assert figures(cases)["Price elasticity"] == figures(pieces)["Price elasticity"]
    assert "Forecast of Rye bread, 500 g, in cases" in text(cases)
    notes = [one["text"] for one in figure(cases)["layout"]["annotations"]]
    assert "Cases per week" in notes
    drawn, plain = (next(one for one in figure(app)["data"] if one["name"] == "Sold") for app in (cases, pieces))
    assert len(drawn["customdata"]) == len(plain["customdata"])
    assert drawn["customdata"] != plain["customdata"]


def test_a_unit_that_nobody_knows_is_pieces(visit, desk: stand_in.State) -> None:
    app = visit("item", item=ITEM, unit="furlongs")
    assert "Expected, next 13 weeks" in figures(app)


def test_an_item_without_the_factor_is_shown_in_pieces_and_says_so(visit, packed: stand_in.State) -> None:
    app = visit("item", item="SKU-0009", unit="cases")
    assert "This item has no pack size in your data, so it is shown in pieces." in text(app)
    assert "Expected, next 13 weeks" in figures(app)
    assert "no pack size" not in text(visit("item", item=ITEM, unit="cases"))


def test_the_choice_is_in_the_address_and_travels_with_links(visit, packed: stand_in.State) -> None:
    app = visit("item", item=ITEM)
    next(one for one in app.button_group if one.key == "unit").set_value("cases").run()
    assert "cases" in app.query_params["unit"]
    assert "cases in the next 13 weeks" in text(app)
    for label in ("Today", "Buy plan", "What if its price changes?"):
        assert "unit=cases" in links(app)[label]
    assert any("unit=cases" in one.value for one in app.code)
    next(one for one in app.button_group if one.key == "unit").set_value("pieces").run()
    assert "unit" not in app.query_params


def test_the_explanations_are_in_the_unit_too(visit, packed: stand_in.State) -> None:
    app = visit("item", item=ITEM, unit="cases")
    for key in ("why", "looked", "mistakes", "changes", "past"):
        app.session_state[key] = True
    app.run()
    assert not app.exception
    for table in ("What the forecast is made of", "Where the forecast looked", "Own errors", "What changed since last time"):
        assert f"{table}, in cases" in text(app)
    assert "cases were expected of the same" in text(app)
    assert "Earlier forecasts, in cases" in text(app)


def test_what_if_is_in_money_beside_the_revenue(visit, desk: stand_in.State) -> None:
    app = visit("what_if", item=ITEM, unit="money", scenario="p-10")
    shown = figures(app)
    assert shown["USD, next 13 weeks"] == shown["Revenue"].removeprefix("$")
    assert "** USD in the next 13 weeks instead of" in text(app)


def test_today_is_ranked_and_totalled_in_the_unit(visit, packed: stand_in.State) -> None:
    app = visit("today", unit="cases")
    assert "Cases, next 13 weeks" in figures(app)
    assert "Of 240 items that are sold, 216 have a pack size in your data: this is the total of those." in text(app)
    assert "216 of 240 items together: **" in text(app)
    assert "** cases a week lately" in text(app)
    assert "Expected, cases" in text(app)
    assert "The alerts are in pieces." in text(app)
    worth = visit("today", unit="money")
    page = stand_in.Forecasts().today("expected", 240, 0, "", money("USD"))
    assert figures(worth)["USD, next 13 weeks"] == f"{sum(row.expected_units for row in page.rows):,.0f}"
    assert "have a price in your data" not in text(worth)


def test_ranked_items_without_the_factor_say_so(visit, packed: stand_in.State) -> None:
    app = visit("today", unit="cases", q="SKU-0009")
    assert "‡ 1 of these items has no pack size in your data and is shown in pieces." in text(app)
    assert "‡" not in text(visit("today", unit="cases"))


def test_the_buy_plan_orders_pieces_and_tells_the_unit(visit, packed: stand_in.State) -> None:
    app = visit("buy_plan", unit="cases")
    assert not app.exception
    assert "Cases to buy" in figures(app)
    assert "totals in cases are of those" in text(app)
    assert "in whole packs and in pieces." in text(app)
    listed = app.data_editor[0].value
    assert "Buy, in cases" in listed.columns
    row = listed.iloc[0]
    pack = stand_in.facts(int(str(row["Item"]).rpartition("SKU-")[2].rstrip(")"))).commercial["pack_size"]
    assert row["Buy, in cases"] == pytest.approx(float(str(row["Buy"]).replace(",", "")) / pack)


def test_order_files_keep_pieces_with_a_column_in_the_unit(packed: stand_in.State) -> None:
    from forecasting.purchasing.plan_in_unit import plan_in_unit
    from forecasting.purchasing.purchase_terms import BuySettings

    plan, about = stand_in.Purchases().plan(BuySettings(), {}), stand_in.about()
    counted = plan_in_unit(plan, CASES)
    table = order_table.table(plan, about, counted)
    by_title = {one.title: list(one.values) for one in table.columns}
    plain = {one.title: list(one.values) for one in order_table.table(plan, about).columns}
    assert by_title["Buy"] == plain["Buy"]
    assert set(by_title) - set(plain) == {"Buy, in cases"}
    known = [value for value in by_title["Buy, in cases"] if value == value]
    assert sum(known) == pytest.approx(counted.bought)
    assert len(known) < len(by_title["Buy"])
    (whole,) = supplier_exports.by_supplier(plan, about, counted).values()
    total = {one.title: one.values[-1] for one in whole.columns}
    assert total["Buy"] == pytest.approx(sum(plain["Buy"]))
    assert total["Buy, in cases"] != total["Buy, in cases"], "an item lacks it, so there is no sum"


def test_files_name_the_unit(packed: stand_in.State) -> None:
    from forecasting.service.in_unit import scale_of

    view = stand_in.Items().view(ITEM)
    scale = scale_of(view, CASES)
    assert scale is not None
    table = forecast_text.table(scale.view(view), 0.9, stand_in.about())
    head, first, *_ = exports.as_csv(table, STAMP).decode("utf-8-sig").splitlines()
    assert head.endswith("catalog,unit")
    assert first.endswith("Corner shop,cases")
    assert exports.name(table.title, STAMP, "csv").startswith("forecast-of-rye-bread-500-g-in-cases")
    plain = exports.as_csv(forecast_text.table(view, 0.9, stand_in.about()), STAMP).decode("utf-8-sig").splitlines()[0]
    assert plain.endswith("catalog")


def test_pages_without_a_catalog_have_no_switch(visit, desk: stand_in.State) -> None:
    desk.catalog = False
    app = visit("today", unit="cases")
    assert not app.exception
    assert not [one for one in app.button_group if one.key == "unit"]


@pytest.mark.parametrize("name", ["new_items", "accuracy", "data"])
def test_other_pages_take_the_unit_along(visit, packed: stand_in.State, name: str) -> None:
    app = visit(name, unit="cases")
    assert not app.exception
    assert "unit=cases" in links(app)["Item"]


def test_what_the_list_sells_together_is_in_the_unit(visit, packed: stand_in.State) -> None:
    shown = []
    for unit in ("", "cases", "money"):
        app = visit("buy_plan", **({"unit": unit} if unit else {}))
        app.session_state["together"] = True
        app.run()
        assert not app.exception
        shown.append(text(app))
    assert "What they sell together, in cases" in shown[1]
    assert " cases**" in shown[1]
    assert "What they sell together, in USD" in shown[2]
    assert "at their prices" in shown[0]
    assert "at their prices" not in shown[2]


def test_what_is_bought_in_money_is_told_from_what_it_costs(visit, desk: stand_in.State) -> None:
    app = visit("buy_plan", unit="money")
    assert "To buy, USD at sales prices" in figures(app)
    assert " USD at sales prices) for about" in text(app)
