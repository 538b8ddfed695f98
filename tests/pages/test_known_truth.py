"""What the simulator knows: shown for simulated catalogs alone, closed until asked for, and the very numbers of the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import stand_in
import stand_in_truth
import streamlit as st
from streamlit.testing.v1 import AppTest
from test_pages import figure, text

from forecasting.core.types import QuantileForecast

Visit = Callable[..., AppTest]
ITEM = "SKU-0003"


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, desk: stand_in.State) -> None:
    """The stand-in's catalog as one that was simulated."""

    def forecast(self: stand_in.Forecasts, item_ids: list[str]) -> QuantileForecast:
        fans = [stand_in.Items().view(item_id).forecast for item_id in item_ids]
        parts = {name: np.concatenate([getattr(fan, name) for fan in fans]) for name in ("values", "cumulative", "elasticity")}
        return replace(fans[0], item_ids=np.array(item_ids, dtype=object), **parts)

    monkeypatch.setattr(stand_in, "truths", lambda catalog_hash: stand_in_truth.TruthStore())
    monkeypatch.setattr(stand_in.Forecasts, "forecast", forecast, raising=False)


def test_a_catalog_of_real_sales_has_no_such_section(visit: Visit) -> None:
    for page in ("item", "what_if", "data"):
        app = visit(page, item=ITEM)
        assert not app.exception
        assert "simulator knows" not in text(app)
        assert not [one for one in app.expander if "simulator" in one.label]


@pytest.mark.usefixtures("made_up")
def test_the_item_page_lays_the_true_fan_over_the_forecast(visit: Visit) -> None:
    app = visit("item", item=ITEM, horizon="4")
    assert "truly sells" not in text(app)
    app.session_state["truth"] = True
    app.run()
    assert not app.exception
    assert "truly sells **160** units on average" in text(app)
    assert "truly −2.0, learned −1.4" in text(app)
    assert "New Year's Day × 1.8" in text(app)
    assert "Flag Day" not in text(app)
    names = [trace.get("name", "") for trace in figure(app, 1)["data"]]
    assert "The truth: eight in ten" in names
    table = next(html.proto.body for html in app.get("html") if "True mean" in html.proto.body)
    assert table.count(">41<") == 4  # what was drawn
    assert "real items have no such list" in text(app)


@pytest.mark.usefixtures("made_up")
def test_what_if_tells_the_true_response(visit: Visit) -> None:
    app = visit("what_if", item=ITEM, horizon="2", scenario="p-10")
    assert not app.exception
    assert "truly sells **80** units on average and with the scenario **99**, +19 (+23%);" in text(app)
    assert "the model expects" in text(visit("what_if", item=ITEM, horizon="2"))


@pytest.mark.usefixtures("made_up")
def test_the_data_page_says_what_is_planted_and_how_the_forecasts_stand_to_it(visit: Visit, desk: stand_in.State) -> None:
    app = visit("data")
    assert not app.exception
    assert "holidays that move sales and launches" in text(app)
    assert "stockouts" not in text(app).split("Its truth lies")[0].split("made up")[1]
    assert "**20 items** were drawn at random" in text(app)
    desk.trained = False
    st.cache_resource.clear()
    assert "Train a model below" in text(visit("data"))
