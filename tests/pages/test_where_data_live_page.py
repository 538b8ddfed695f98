"""The places of data on the Data page: a file on the server, a table of a database, and a file that is added."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pandas as pd
import pytest
import stand_in
import stand_in_uploads
from seen import button, text
from streamlit.testing.v1 import AppTest

from data.sources.upload.writing.difference import Change, Difference
from pages.ui.loading import reading_job

Visit = Callable[..., AppTest]

SALES = "item,date,units\n" + "".join(f"{i},2024-01-{day:02},{day % 5}\n" for i in "AB" for day in range(1, 29))


@pytest.fixture(autouse=True)
def no_files() -> Iterator[None]:
    yield
    for one in stand_in_uploads.files().glob("*") if stand_in_uploads.files().is_dir() else ():
        one.unlink()


def placed(visit: Visit, place: str) -> AppTest:
    app = visit("data")
    next(one for one in app.button_group if one.label == "Where the file is").set_value(place).run()
    assert not app.exception
    return app


def until_it_ends(app: AppTest) -> AppTest:
    """Looks again until the work beside the page is through."""
    end = time.monotonic() + 30
    while any(one.label == "Stop" for one in app.button):
        assert time.monotonic() < end
        app.run()
    app.run()
    assert not app.exception
    return app


def test_a_server_without_files_says_where_to_put_them(visit: Visit) -> None:
    app = placed(visit, "server")
    assert any("No file lies in the folder" in one.value and "files" in one.value for one in app.info)


def test_a_file_on_the_server_is_read_beside_the_page_and_loaded(visit: Visit, desk: stand_in.State) -> None:
    stand_in_uploads.files().mkdir(exist_ok=True)
    (stand_in_uploads.files() / "large.csv").write_text(SALES)
    app = placed(visit, "server")
    button(app, "Read it").click().run()
    app = until_it_ends(app)
    assert "large.csv**: 56 rows" in text(app).replace("\\", "")
    button(app, "Load it").click().run()
    assert desk.loaded == ["large: 56 rows of large.csv"]
    assert any("large is loaded" in one.value for one in app.success)


def test_what_is_large_is_loaded_beside_the_page(visit: Visit, desk: stand_in.State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_job, "MANY", 10)
    stand_in_uploads.files().mkdir(exist_ok=True)
    (stand_in_uploads.files() / "mine.csv").write_text(SALES)
    app = placed(visit, "server")
    button(app, "Read it").click().run()
    app = until_it_ends(app)
    next(one for one in app.selectbox if one.label == "Stock").set_value("units")
    button(app, "Read it like this").click().run()
    app = until_it_ends(app)
    assert "chosen for two things" in app.error[0].value
    next(one for one in app.selectbox if one.label == "Stock").set_value("—")
    button(app, "Read it like this").click().run()
    app = until_it_ends(app)
    button(app, "Load it").click().run()
    app = until_it_ends(app)
    assert desk.loaded == ["mine: 56 rows of mine.csv"]


def test_a_file_that_cannot_be_read_says_why_and_another_can_be(visit: Visit) -> None:
    stand_in_uploads.files().mkdir(exist_ok=True)
    (stand_in_uploads.files() / "bad.csv").write_text("")
    app = placed(visit, "server")
    button(app, "Read it").click().run()
    app = until_it_ends(app)
    assert "bad.csv is empty" in app.error[0].value.replace("\\", "")
    button(app, "Put this away").click().run()
    assert not app.error
    assert button(app, "Read it")


def test_without_a_database_it_says_how_one_is_connected(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIDELINE_POSTGRES", "PGHOST", "PGSERVICE", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    app = placed(visit, "database")
    assert any("PGHOST" in one.value and "nothing of it is kept or shown" in one.value for one in app.info)
    monkeypatch.setenv("PGHOST", "/nowhere")
    app = placed(visit, "database")
    assert button(app, "Read it").disabled
    next(one for one in app.text_input if one.label == "Table").set_value("sales; drop").run()
    assert "names no table" in app.error[0].value


def test_what_a_file_would_change_is_shown_before_it_is_added(visit: Visit, desk: stand_in.State) -> None:
    week = pd.Timestamp("2024-02-04")
    desk.kept = Difference(
        "Corner shop", added=(week,), new_items=("New",), changed=2, before=5, after=9,
        examples=(Change("A", week, 3, 7),), cells=12,
    )  # fmt: skip
    stand_in_uploads.files().mkdir(exist_ok=True)
    (stand_in_uploads.files() / "week.csv").write_text(SALES)
    app = placed(visit, "server")
    button(app, "Read it").click().run()
    app = until_it_ends(app)
    next(one for one in app.button_group if one.label == "What to do with it").set_value("add").run()
    app = until_it_ends(app)
    shown = text(app).replace("\\", "")
    assert "What would change in Corner shop" in shown
    assert "1 period more, 2024-02-04, with 12 numbers of demand" in shown
    assert "1 new item: New" in shown
    assert "2 numbers on record change, from 5 to 9 units in all: A on 2024-02-04 3 → 7" in shown
    assert "forecast anew with that model" in shown
    button(app, "Add it").click().run()
    assert desk.loaded == ["added: 56 rows of week.csv"]
    assert any("week.csv is added. All items" in one.value.replace("\\", "") for one in app.success)


def test_a_file_that_changes_nothing_is_not_added(visit: Visit, desk: stand_in.State) -> None:
    desk.kept = Difference("Corner shop")
    stand_in_uploads.files().mkdir(exist_ok=True)
    (stand_in_uploads.files() / "week.csv").write_text(SALES)
    app = placed(visit, "server")
    button(app, "Read it").click().run()
    app = until_it_ends(app)
    next(one for one in app.button_group if one.label == "What to do with it").set_value("add").run()
    app = until_it_ends(app)
    assert any("nothing would change" in one.value for one in app.info)
    assert button(app, "Add it").disabled
