"""The Buy plan's part for several locations: which depot is short, the transfers, the depot's order, and its empty state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import stand_in
from seen import worked
from streamlit.testing.v1 import AppTest

from forecasting.purchasing.multi_echelon_plan import BranchErrorCorrelation
from forecasting.purchasing.plan_inputs import PlanInputs
from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings

Visit = Callable[..., AppTest]


def words(app: AppTest) -> str:
    assert not app.exception, app.exception
    return " ".join(one.value for one in (*app.markdown, *app.info, *app.warning))


def opened(visit: Visit, **address: str) -> AppTest:
    app = visit("buy_plan", **address)
    app.session_state["locations"] = True
    return app.run()


@pytest.fixture
def of_locations(monkeypatch: pytest.MonkeyPatch) -> stand_in.Purchases:
    """A desk whose first four items are one product: a depot with three branches."""
    plain = stand_in.Purchases.plan

    def buy_plan(self: stand_in.Forecasts, settings: BuySettings, *rest: object) -> BuyPlan:
        from forecasting.purchasing import purchase_plan

        made: PlanInputs = plain(self, settings, *rest).inputs
        column = lambda first: np.array([*first, *[""] * (len(made.assortment) - len(first))], dtype=object)  # noqa: E731
        where = {
            "product": column(["Tea"] * 4),
            "location": column(["Depot", "North", "South", "East"]),
            "supplied_from": column(["", "Depot", "Depot", "Depot"]),
        }
        return purchase_plan.buy_plan(replace(made, assortment=replace(made.assortment, locations=where)), settings, {})

    def branch_record(self: stand_in.Forecasts, plan: BuyPlan) -> BranchErrorCorrelation:
        return BranchErrorCorrelation(0.3, np.ones(len(plan.inputs.assortment), bool))

    monkeypatch.setattr(stand_in.Purchases, "plan", buy_plan)
    monkeypatch.setattr(stand_in.Purchases, "branch_errors", branch_record, raising=False)
    return stand_in.Purchases()


def test_without_locations_the_page_says_how_to_get_them(visit: Visit) -> None:
    assert "columns product, location and supplied_from" in words(opened(visit))


def test_the_page_shows_transfers_and_what_the_depot_buys(of_locations: stand_in.Purchases, visit: Visit) -> None:
    app = opened(visit)
    said = words(app)
    assert "4 items at depots and their branches are planned together under Locations" in said
    assert "products supplied by a depot" in said
    assert "these sell 9 times in 10 fewer than 2,721 together; added up location by location it would be 2,935." in said
    assert "**buy 2,722 from outside.**" in said
    tables = [html.proto.body for html in app.get("html") if "given now" in html.proto.body]
    assert len(tables) == 1
    assert all(name in tables[0] for name in ("North", "South", "East"))


def test_all_transfers_are_worked_out_when_they_are_asked_for(of_locations: stand_in.Purchases, visit: Visit) -> None:
    app = opened(visit)
    assert "list of transfers" not in words(app)
    said = words(worked(next(one for one in app.button if one.label == "Work out all transfers").click().run()))
    assert (
        "**0** in the list of transfers, **1** in that of orders from outside" in said
    )  # the depot has nothing to give, and buys


def test_a_link_opens_the_product_it_was_copied_from(of_locations: stand_in.Purchases, visit: Visit) -> None:
    app = visit("buy_plan", open="locations", product="Tea from Depot")
    assert "from outside" in words(app)
    assert any("open=locations&product=Tea+from+Depot" in one.value for one in app.code)
    assert not any("locations" in one.value for one in visit("buy_plan").code)
