"""The upload page: what was found as cards to take or leave, the way back, and forms that are read without asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import pytest
import stand_in
import stand_in_uploads
from seen import button, text
from streamlit.testing.v1 import AppTest

Visit = Callable[..., AppTest]

MONTHS = pd.date_range("2022-01-01", periods=24, freq="MS")
WIDE = "SKU,Category," + ",".join(f"{day:%Y-%m}" for day in MONTHS) + "".join(f"\n{i},tea" + ",5" * 24 for i in "AB") + "\n"
FISCAL = "Item,Fiscal Year,Period,Week of Period,Units\n" + "".join(
    f"A,FY23,P{period:02},W{week},7\n" for period in range(1, 4) for week in range(1, 5)
)


@pytest.fixture(autouse=True)
def no_recipes() -> Iterator[None]:
    yield
    for one in stand_in_uploads.recipes().all():
        stand_in_uploads.recipes().forget(one.signature)


def brought(visit: Visit, content: str, name: str = "mine.csv") -> AppTest:
    app = visit("data")
    app.file_uploader[0].set_value((name, content.encode(), "text/csv")).run()
    assert not app.exception
    return app


def test_an_offer_shows_what_it_does_and_is_left_and_taken_with_a_click(visit: Visit, desk: stand_in.State) -> None:
    app = brought(visit, WIDE)
    assert "Periods as columns** · 24" in text(app)
    assert "2 items, " in text(app)
    choice = next(one for one in app.radio if one.label.startswith("Periods as columns"))
    assert choice.value == "yes"
    choice.set_value("no").run()
    assert "It cannot be loaded like this" in app.error[0].value
    assert button(app, "Load it").disabled
    button(app, "Read the file as it came").click().run()
    assert not app.error
    button(app, "Load it").click().run()
    assert desk.loaded == ["mine: 48 rows of mine.csv"]


def test_a_choice_of_encodings_is_shown_with_an_example(visit: Visit) -> None:
    app = visit("data")
    rows = "".join(f"Käse,2024-01-{day:02},5\n" for day in range(1, 20))
    app.file_uploader[0].set_value(("mine.csv", f"item,date,units\n{rows}".encode("cp1252"), "text/csv")).run()
    assert "Western Europe" in text(app)
    box = next(one for one in app.selectbox if one.label.startswith("Encoding"))
    assert any("Käse" in option for option in box.options)
    box.set_value("no").run()
    assert "no other encoding was wanted" in app.error[0].value


def test_the_first_day_of_a_fiscal_year_is_asked_for(visit: Visit) -> None:
    app = brought(visit, FISCAL)
    assert "Give its first day" in app.error[0].value
    app.date_input[0].set_value(pd.Timestamp("2023-01-30").date()).run()
    assert not app.exception
    assert not app.error
    assert "1 items" in text(app)


def test_a_form_that_is_known_says_so_and_can_be_forgotten(visit: Visit) -> None:
    from data.sources.upload.load import preview, recipe_of

    got = preview("last week.csv", WIDE.encode())
    stand_in_uploads.recipes().keep(recipe_of(got, got.mapping))
    app = brought(visit, WIDE)
    assert any("Read as last week" in info.value for info in app.info)
    assert "SKU is the item" in text(app)
    button(app, "Ask me again").click().run()
    assert not any("Read as last week" in info.value for info in app.info)
    button(app, "Forget").click().run()
    assert stand_in_uploads.recipes().all() == ()
