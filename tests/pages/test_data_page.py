"""The Data page: what is loaded, the model and its training, and loading other data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import stand_in
from seen import button, figures, text
from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]
PAGES = ("today", "item", "what_if", "new_items", "buy_plan", "accuracy", "data")
ITEM = "SKU-0003"
ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def test_data_shows_what_is_loaded_and_what_the_import_found(visit: Visit) -> None:
    app = visit("data")
    assert figures(app)["Items"] == "240"
    assert "12 items have no price in their first weeks." in text(app)
    assert "▲ worth mending" in text(app)
    assert "It fits the data that is loaded" in text(app)


def test_a_model_older_than_the_data_is_said(visit: Visit, desk: stand_in.State) -> None:
    desk.stale = True
    app = visit("data")
    assert "trained on other data" in app.warning[0].value


def test_training_shows_progress_can_be_stopped_and_taken_up(visit: Visit) -> None:
    from pages.ui.resources import jobs

    app = visit("data")
    button(app, "Train on this data").click().run()
    assert app.get("progress")
    assert "seconds left" in app.get("progress")[0].proto.text
    button(app, "Stop training").click().run()
    app.run()
    assert "Stopped at" in text(app)
    button(app, "Resume training").click().run()
    while jobs.command("train").running:
        app.run()
    app.run()
    assert not app.exception
    assert not app.get("progress")


def test_a_training_that_failed_says_why(visit: Visit) -> None:
    from pages.ui.resources import jobs

    jobs.command("train").failed = "No space is left."
    assert "No space is left" in text(visit("data"))


def test_the_demo_and_a_simulated_catalog_can_be_loaded(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data", item=ITEM)
    app.button_group(key="source/upload").set_value("demo").run()
    button(app, "Load the demo").click().run()
    assert desk.loaded == ["complete journey"]
    assert app.success[0].value == "The demo is loaded."
    assert "item" not in app.query_params
    app.button_group(key="source/upload").set_value("simulated").run()
    app.text_input(key="simulated items").set_value("500").run()
    button(app, "Make and load it").click().run()
    assert desk.loaded[-1] == "simulated 500 104 1 ['holidays', 'launches', 'stockouts']"


def test_a_catalog_that_planners_worked_on_is_replaced_only_when_somebody_says_so(visit: Visit) -> None:
    stand_in.planner_store().set_terms("Corner shop", "", "", {"lead_time": 3.0}, 0)
    app = visit("data")
    app.button_group(key="source/upload").set_value("demo").run()
    assert button(app, "Load the demo").disabled
    assert "have saved 1 decision" in app.checkbox[0].label
    app.checkbox[0].check().run()
    assert not button(app, "Load the demo").disabled


def test_a_file_is_read_mapped_and_loaded(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload(), "text/csv")).run()
    assert not app.exception
    assert "2 items" in text(app)
    assert next(box for box in app.selectbox if box.label == "Item (needed)").value == "sku"
    button(app, "Load it").click().run()
    assert desk.loaded == ["mine: 60 rows of mine.csv"]


def test_a_file_that_breaks_the_contract_is_not_loaded_and_says_which_rows(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload().replace(b",7,", b",-7,"), "text/csv")).run()
    assert "It cannot be loaded like this" in app.error[0].value
    assert "row" in app.error[0].value
    assert button(app, "Load it").disabled
    empty = visit("data")
    empty.file_uploader[0].set_value(("empty.csv", b"", "text/csv")).run()
    assert not empty.exception
    assert empty.error
    assert not desk.loaded


def test_the_planner_can_say_otherwise_what_a_column_is(visit: Visit) -> None:
    app = visit("data")
    app.file_uploader[0].set_value(("mine.csv", upload(), "text/csv")).run()
    next(box for box in app.selectbox if box.label == "Price").set_value("—")
    button(app, "Read it like this").click().run()
    assert not app.exception
    assert next(box for box in app.selectbox if box.label == "Price").value == "—"


def upload() -> bytes:
    """Two items over 30 weeks."""
    import pandas as pd

    weeks = pd.date_range("2025-01-05", periods=30, freq="W-SUN")
    rows = [
        f"{sku},{week:%Y-%m-%d},{units % 9},{2.5},{kind}"
        for sku, kind in (("A", "tea"), ("B", "soap"))
        for units, week in enumerate(weeks)
    ]
    return "\n".join(["sku,week,units,price,category", *rows]).encode()
