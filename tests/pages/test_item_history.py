"""A planner puts an item's history right on its page: marks, proposals, undo, the layers, and its life."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import numpy as np
import pytest
import stand_in
import stand_in_history
from seen import button, links, text
from streamlit.testing.v1 import AppTest

from data.history_marks import Mark
from pages.ui.display import charts, exports, formats
from pages.ui.item import history_text

Visit = Callable[..., AppTest]
ITEM, ODD = "SKU-0003", f"SKU-{stand_in_history.ODD:04d}"
DAY = "2025-11-02"


def opened(visit: Visit, item: str, section: str = "history") -> AppTest:
    app = visit("item", item=item, open=section)
    assert not app.exception, app.exception
    return app


def marks() -> tuple[Mark, ...]:
    return stand_in.planner_store().ledger("Corner shop").marks


def field(app: AppTest, label: str) -> object:
    return next(box for box in (*app.text_input, *app.selectbox, *app.radio) if box.label == label)


def test_nothing_is_marked_until_a_planner_does_and_the_section_is_folded(visit: Visit) -> None:
    app = visit("item", item=ITEM)
    assert "Is the history wrong somewhere?" in [one.label for one in app.expander]
    assert "Mark some periods" not in text(app)
    app = opened(visit, ITEM)
    assert "Nothing is marked yet." in text(app)


@pytest.mark.parametrize(
    ("kind", "typed", "units"),
    [
        ("one-off", {"Usual units a week": "30"}, 30.0),
        ("one-off", {}, None),
        ("wrong", {"Right units a week": "2,5"}, 2.5),
        ("out of stock", {}, None),
        ("event", {"Name of the event": "Strike"}, None),
    ],
)
def test_a_mark_is_made_with_its_reason_and_undone(visit: Visit, kind: str, typed: dict[str, str], units: float | None) -> None:
    app = opened(visit, ITEM)
    field(app, "They are").set_value(kind)
    app.run()
    field(app, "From").set_value(stand_in.history(3).periods[-9])
    app.run()
    for label, value in {**typed, "Why": "so it was"}.items():
        field(app, label).set_value(value)
    button(app, "Mark them").click()
    app.run()
    assert not app.exception, app.exception
    (mark,) = marks()
    assert (mark.kind, mark.first, mark.last, mark.units, mark.reason) == (kind, DAY, DAY, units, "so it was")
    assert mark.item_id == ITEM
    assert "Marked." in app.success[0].value
    button(app, "Undo").click()
    app.run()
    assert marks() == ()
    assert "Undone." in app.success[0].value


def test_what_cannot_be_meant_is_refused_in_words(visit: Visit) -> None:
    app = opened(visit, ITEM)
    button(app, "Mark them").click()
    app.run()
    assert "Give a reason" in text(app) + "".join(one.value for one in app.error)
    field(app, "They are").set_value("wrong")
    app.run()
    field(app, "Why").set_value("typo")
    button(app, "Mark them").click()
    app.run()
    assert "A number is needed" in "".join(one.value for one in app.error)
    assert marks() == ()


def test_two_planners_do_not_overwrite_each_other_unseen(visit: Visit) -> None:
    app = opened(visit, ITEM)
    field(app, "Why").set_value("mine")
    stand_in.planner_store().add_mark("Corner shop", Mark("out of stock", DAY, DAY, ITEM, reason="theirs"), 0)
    button(app, "Mark them").click()
    app.run()
    assert "Somebody else" in "".join(one.value for one in app.error)
    assert [one.reason for one in marks()] == ["theirs"]


def test_proposals_wait_for_an_answer(visit: Visit) -> None:
    app = opened(visit, ODD)
    assert "2 stretches that look** unusual" in text(app)
    assert marks() == ()
    button(app, "Yes, count what is usual").click()
    app.run()
    button(app, "No, it is right").click()
    app.run()
    bulk, right = marks()
    assert (bulk.kind, bulk.first) == ("one-off", f"{stand_in.history(7).periods[40]:%Y-%m-%d}")
    assert bulk.units == pytest.approx(np.median(stand_in.history(7).demand[30:50]), rel=0.3)
    assert right.kind == "right"
    assert "Marked so far" in text(app)
    assert not stand_in.Items().record(ODD).proposals


def test_the_chart_and_the_csv_show_the_layers(visit: Visit) -> None:
    store, periods = stand_in.planner_store(), stand_in.history(7).periods
    stamp = f"{periods[60]:%Y-%m-%d}"
    store.add_mark("Corner shop", Mark("one-off", stamp, stamp, ODD, units=12.0, reason="bulk"), 0)
    view, record = stand_in.Items().view(ODD), stand_in.Items().record(ODD)
    figure = charts.item_fan(view.history, view.forecast, 0.9, stand_in.WEEKS, view.plan_promo)
    shown = next(trace for trace in figure.data if trace.name == "As imported")
    assert list(shown.customdata) == [f"{formats.units(stand_in.history(7).demand[60])} as imported"]
    sold = next(trace for trace in figure.data if trace.name == "Sold")
    assert 12.0 in list(sold.y)
    table = history_text.table(record, stand_in.about())
    written = exports.as_csv(table, exports.Stamp("Corner shop", None, "history")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(written)))
    assert len(rows) == len(periods)
    changed = next(row for row in rows if row["Week"] == stamp)
    assert (float(changed["Imported"]), float(changed["Counts as"])) == (stand_in.history(7).demand[60], 12.0)
    assert changed["Because"] == "A one-off: bulk"
    app = opened(visit, ODD)
    assert "as planners have put it right" in text(app)


def test_an_event_is_named_on_the_chart_and_counts_for_its_category(visit: Visit) -> None:
    store = stand_in.planner_store()
    store.add_mark("Corner shop", Mark("event", DAY, DAY, category="Bakery", name="Strike", reason="no trucks"), 0)
    assert np.isnan(stand_in.Items().record(ITEM).demand[-9])
    assert "Strike" in text(opened(visit, ITEM))
    assert "Strike" not in text(opened(visit, ODD))


def test_an_item_that_has_ended_says_so_and_can_be_brought_back(visit: Visit) -> None:
    app = opened(visit, ITEM, "life")
    next(box for box in app.text_input if box.key.startswith("end reason")).set_value("delisted")
    button(app, "It has ended").click()
    app.run()
    assert [one.kind for one in marks()] == ["ended"]
    assert "No longer sold" in text(app)
    button(app, "Undo: it is still sold").click()
    app.run()
    assert marks() == ()


def test_a_pair_is_chosen_on_the_page_and_undone(visit: Visit) -> None:
    app = opened(visit, ITEM, "life")
    field(app, "Find the old product").set_value("SKU-0005")
    app.run()
    field(app, "New units for one old").set_value("1,5")
    next(box for box in app.text_input if box.key.startswith("pair reason")).set_value("new recipe")
    button(app, "It replaces it").click()
    app.run()
    assert not app.exception, app.exception
    (mark,) = marks()
    assert (mark.kind, mark.item_id, mark.other, mark.units, mark.first, mark.last) == (
        "replaces", ITEM, "SKU-0005", 1.5, "", "",
    )  # fmt: skip
    assert "It replaces" in text(app)
    assert any("SKU\\-0005" in label for label in links(app))
    button(app, "Undo").click()
    app.run()
    assert marks() == ()
