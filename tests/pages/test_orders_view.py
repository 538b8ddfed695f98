"""Orders on the Buy plan: what is on its way, what lead times rest on, suppliers as a scope, and their purchase orders."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable

import openpyxl
import pandas as pd
import pytest
import stand_in
from streamlit.testing.v1 import AppTest

from forecasting.purchasing.purchase_plan import BuyPlan
from forecasting.purchasing.purchase_terms import BuySettings
from pages.ui.buy_plan import joint_demand_panel, open_orders_panel, supplier_exports
from pages.ui.display import exports

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"
STAMP = exports.Stamp("Corner shop", pd.Timestamp("2025-12-28"), "mqcnn 1")


@pytest.fixture(autouse=True)
def _ordered(desk: stand_in.State) -> None:
    desk.ordered = True


def expected(**asked: object) -> BuyPlan:
    return stand_in.Purchases().plan(BuySettings(**asked), {})


def text(app: AppTest) -> str:
    assert not app.exception, app.exception
    found = (*app.markdown, *app.caption, *app.subheader, *app.error, *app.info)
    return " ".join(element.value for element in found).replace("\\", "")  # without Markdown's escapes


def html(app: AppTest) -> str:
    return " ".join(one.proto.body for one in app.get("html"))


def opened(app: AppTest, key: str) -> AppTest:
    app.session_state[key] = True
    return app.run()


def test_the_page_says_what_lead_times_rest_on_and_what_is_overdue(visit: Visit, desk: stand_in.State) -> None:
    words = text(visit("buy_plan"))
    assert (
        "Lead times rest on 2,390 receipts of 239 of 240 items; 1 without any take those of their supplier or of all." in words
    )
    assert (
        "3 open orders count as on order, 53 units of them too late for this list; 1 is overdue and expected next week."
        in words
    )
    desk.ordered = False
    assert "Lead times rest on" not in text(visit("buy_plan"))


def test_one_item_tells_its_receipts_and_lists_its_orders_with_what_counts(visit: Visit) -> None:
    app = opened(visit("buy_plan", scope="item", item=ITEM), "orders")
    words = text(app)
    assert "10 receipts, 1 to 3 weeks, drawn a little towards the 790 of Old Mill; 1.9 weeks on average." in words
    assert "438 are needed for 2.9 weeks, give or take 0.8 weeks (P90)" in words
    assert "less 0 on hand and 38 on order (53 more arrive too late), is 400" in words
    shown = html(app)
    for cell in ("31", "in time", "53", "too late", "overdue, next week"):
        assert cell in shown
    assert shown.index("overdue, next") < shown.index("in time") < shown.index("too late"), "those first that come first"


def test_an_item_without_receipts_says_whose_stand_in(visit: Visit) -> None:
    app = opened(visit("buy_plan", scope="item", item="SKU-0000"), "orders")
    assert "no order of this item was received yet; the 790 of Old Mill stand in, 1.9 weeks on average." in text(app)
    assert "No order of these items is open." in text(app)


@pytest.mark.parametrize(
    ("own", "words"),
    [(1, "1 receipt, 2 weeks, drawn towards all 40 on record"), (9, "9 receipts, 2 weeks, drawn a little towards")],
)
def test_few_receipts_are_told_in_words(own: int, words: str) -> None:
    from forecasting.inventory.lead_times import Record

    record = Record(own, 2.0, 2.0, 40, "", 2.2, True)
    assert open_orders_panel.rests_on(record, stand_in.about()).startswith(words)


def test_a_supplier_is_in_the_link_like_a_category(visit: Visit) -> None:
    name = "Pier 9: East/West"
    app = visit("buy_plan", scope="supplier", supplier=name)
    assert "$4,922" in [metric.value for metric in app.metric]
    assert name in next(one for one in app.selectbox if one.label == "Supplier").value
    links = " ".join(str(one.proto) for one in app.get("code")) + text(app)
    assert "supplier" in links
    app = visit("buy_plan", scope="supplier", supplier="Nobody")
    assert "no supplier 'Nobody'" in text(app)


def test_catalogs_without_suppliers_offer_none(visit: Visit, desk: stand_in.State) -> None:
    scopes = lambda app: next(one.options for one in app.button_group if one.label == "For")  # noqa: E731
    assert "A supplier" in scopes(visit("buy_plan"))
    desk.ordered = False
    assert "A supplier" not in scopes(visit("buy_plan"))
    assert not supplier_exports.by_supplier(expected(), stand_in.about()).keys() - {"No supplier"}


def test_totals_are_told_by_supplier_and_not_added(visit: Visit) -> None:
    app = opened(visit("buy_plan"), "together")
    assert "Pier 9: East/West" in html(app)
    found = stand_in.Purchases().joint_totals(expected())
    shown = joint_demand_panel.supplier_table(found, stand_in.about())
    assert list(shown.columns[0].values) == [one.name for one in found.suppliers]
    assert sum(one.units_p90 for one in found.suppliers) > found.whole.units_p90


def test_each_supplier_gets_its_own_order_with_its_total() -> None:
    plan, about = expected(), stand_in.about()
    tables = supplier_exports.by_supplier(plan, about)
    assert sorted(tables) == sorted(plan.inputs.assortment.suppliers)
    book = openpyxl.load_workbook(io.BytesIO(supplier_exports.as_workbook(tables, STAMP)))
    assert book.sheetnames == ["=Summit()", "Old Mill", "Pier 9  East West", "About these numbers"]
    units = money = 0.0
    for sheet in book.worksheets[:-1]:
        head, *rows, last = [[cell.value for cell in row] for row in sheet.iter_rows()]
        buy, paid = head.index("Buy"), head.index("Money")
        assert last[0] == "Total"
        assert last[buy] == pytest.approx(sum(row[buy] for row in rows))
        assert last[paid] == pytest.approx(sum(row[paid] for row in rows))
        assert last[head.index("Need")] is None
        assert len({row[head.index("Supplier")] for row in rows}) == 1
        units, money = units + last[buy], money + last[paid]
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert (units, money) == (11_246, pytest.approx(13_705.468))  # of the three together
    archive = zipfile.ZipFile(io.BytesIO(supplier_exports.as_archive(tables, STAMP)))
    assert len(archive.namelist()) == 3
    for name in archive.namelist():
        rows = list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
        assert rows[-1]["Item"] == "Total"
        assert float(rows[-1]["Buy"]) == pytest.approx(sum(float(row["Buy"]) for row in rows[:-1]))


def test_orders_are_loaded_with_the_sales_or_refused_with_their_rows(visit: Visit, desk: stand_in.State) -> None:
    sales = b"item_id,date,demand\nA,2024-01-07,5\nA,2024-01-14,6\nA,2024-01-21,7\n"
    head = b"item_id,ordered,due,received,units\n"
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", sales, "text/csv")).run()
    app.file_uploader[1].set_value(("po.csv", head + b"A,2024-01-02,,2024-01-01,5\n", "text/csv")).run()
    assert "received before it was ordered (row 2)" in text(app)
    load = next(one for one in app.button if one.label == "Load it")
    assert load.disabled
    app.file_uploader[1].set_value(("po.csv", head + b"A,2024-01-02,,2024-01-11,5\nA,2024-01-15,,,5\n", "text/csv")).run()
    assert "2 orders of 1 item, 1 of them still open." in text(app)
    next(one for one in app.button if one.label == "Load it").click().run()
    assert desk.loaded == ["mine: 3 rows of mine.csv with 2 orders of po.csv"]
