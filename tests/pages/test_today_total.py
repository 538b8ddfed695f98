"""Today opens with the total of all items: its numbers agree wherever they stand, and no cause is told that nobody computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import stand_in
from seen import figure, figures, links, text
from stand_in_items import HORIZON
from streamlit.testing.v1 import AppTest

from forecasting.batch.common_error import ASSUMED
from forecasting.service.total_view import TotalView
from pages.ui.display import charts, formats
from pages.ui.today import total_text

Visit = Callable[..., AppTest]


@pytest.fixture
def view(desk: stand_in.State) -> TotalView:
    return stand_in.Forecasts().total()


def changed(view: TotalView, expected: float, planned: float | None, season: float | None) -> TotalView:
    """The total with 10,000 a week lately and so much expected."""
    assert view.forecast is not None
    forecast = replace(view.forecast, expected=np.full(HORIZON, expected))
    return replace(view, forecast=forecast, recent=10_000.0, planned=planned, season=season)


def test_sentence_figure_chart_and_table_say_the_same(visit: Visit, view: TotalView) -> None:
    app = visit()
    assert view.forecast is not None
    expected = view.forecast.expected
    assert figures(app)["Units, next 13 weeks"] == formats.units(float(expected.sum()))
    line = next(trace for trace in figure(app)["data"] if trace["name"] == "Expected")
    assert [label.split(", ")[0] for label in line["customdata"]] == [formats.units(units) for units in expected]
    sentence = total_text.sentence(view, stand_in.about())
    assert f"**{formats.units(expected.sum() / HORIZON)}** expected" in sentence
    assert f"**{formats.units(view.history.demand[-13:].mean())}** a week lately" in sentence
    assert sentence in text(app)
    table = total_text.table(view, stand_in.about())
    columns = {column.title: np.array(column.values[-HORIZON:], float) for column in table.columns[1:]}
    assert columns["Expected"] == pytest.approx(expected)
    assert columns["Last year"] == pytest.approx(view.last_year)
    assert list(columns) == ["Sold", "Last year", "Expected", "P10", "P25", "P50", "P75", "P90"]
    assert table.html() in text(app)
    assert {button.label for button in app.get("download_button")} >= {"CSV", "Excel"}


def test_the_total_stands_above_what_needs_somebody(visit: Visit) -> None:
    words = text(visit())
    assert words.index("All items together") < words.index("no stock on hand")


def test_a_category_is_chosen_and_kept_in_the_address(visit: Visit) -> None:
    app = visit()
    box = next(one for one in app.selectbox if one.label == "Total of all items, or by category")
    assert box.options[0] == "All items"
    app = box.set_value("Coffee").run()
    assert app.query_params["total"] == "Coffee"
    coffee = stand_in.Forecasts().total("Coffee")
    assert f"All items in Coffee: **{formats.units(coffee.recent)}** a week lately" in text(app)
    assert "All items in Coffee" in text(visit(total="Coffee"))
    assert "All items together" in text(visit(total="no such category"))
    assert links(app), "the rest of the page is there"


def test_before_the_forecast_is_made_the_record_stands_alone(visit: Visit, desk: stand_in.State) -> None:
    desk.summarised = False
    app = visit()
    assert "a week lately; the forecast is still to be made." in text(app)
    assert [trace["name"] for trace in figure(app)["data"] if trace["name"] in ("Sold", "Expected", "Eight in ten")] == ["Sold"]


def test_without_categories_there_is_no_choice(visit: Visit, monkeypatch: pytest.MonkeyPatch, view: TotalView) -> None:
    alone = replace(view, column="", categories=())
    monkeypatch.setattr(stand_in.Forecasts, "total", lambda self, category="": alone)
    app = visit()
    assert not any(box.label.startswith("Total of") for box in app.selectbox)
    assert "within one" not in total_text.caption(alone, stand_in.about())


def test_a_small_change_needs_no_reason(view: TotalView) -> None:
    assert "That is" not in total_text.sentence(changed(view, 10_400.0, 300.0, 200.0), stand_in.about())


def test_the_parts_of_a_change_add_up_to_it(view: TotalView) -> None:
    """13,000 − 10,000 = 1,200 + 900 + 900, and 900 of 10,000 are 9 %."""
    words = total_text.sentence(changed(view, 13_000.0, 1_200.0, 900.0), stand_in.about())
    assert words.endswith(
        "That is +3,000 a week (30% more): +1,200 for what is planned against usual prices and promotions, +900 for the "
        "season, going by last year (these 13 weeks sold 9% more a week than the 13 weeks before, promotions included) and "
        "+900 that the model makes of its items."
    )


@pytest.mark.parametrize(
    ("planned", "season", "told", "untold"),
    [
        (
            None,
            None,
            "which is what the model makes of its items: no effect of a plan is known and last year is not",
            "season,",
        ),
        (None, -800.0, "−800 for the season, going by last year (these 13 weeks sold 8% less a week", "planned against"),
        (-1_500.0, None, "−1,500 for what is planned against usual prices and promotions (last year is not", "that the model"),
    ],
)
def test_a_cause_that_was_not_computed_is_not_told(
    view: TotalView, planned: float | None, season: float | None, told: str, untold: str
) -> None:
    words = total_text.sentence(changed(view, 8_500.0, planned, season), stand_in.about())
    assert "That is −1,500 a week (15% less)" in words
    assert told in words
    assert untold not in words


def test_what_is_assumed_and_what_is_not_known_is_said(view: TotalView) -> None:
    about = stand_in.about()
    assert "Items are off together by about 8% of what is expected, 11% within one category, as in forecasts from" in (
        total_text.caption(view, about)
    )
    assert view.forecast is not None
    unknown = view.unknown.copy()
    unknown[-3:] = 0.2
    guessed = total_text.caption(replace(view, forecast=replace(view.forecast, common=ASSUMED), unknown=unknown), about)
    assert "cannot be measured yet. It is assumed to be as in the demo: about 10% of what is expected" in guessed
    assert "In 3 weeks shown, the sales of up to 20% of the items on record before are not known" in guessed
    one = total_text.caption(view, replace(about, items=1))
    assert "together" not in one


def test_the_chart_tells_its_finding_to_those_who_do_not_see_it(view: TotalView) -> None:
    words = total_text.description(view, stand_in.about())
    assert words.startswith("All items together: ")
    assert "*" not in words
    assert "last year as a dotted line" in words
    without = total_text.description(replace(view, last_year=np.full(HORIZON, np.nan)), stand_in.about())
    assert "last year" not in without.split("Line of past sales")[1]


def test_last_year_is_drawn_where_it_is_known(view: TotalView) -> None:
    assert view.forecast is not None
    weeks = stand_in.about().frequency
    drawn = charts.total_fan(view.history, view.last_year, view.forecast, view.forecast.expected, weeks)
    labels = [label.text for label in drawn.layout.annotations]
    assert "Last year" in labels
    assert any(label.startswith("<b>Expected</b>") for label in labels)
    assert drawn.layout.yaxis.range[0] == 0
    assert drawn.layout.yaxis.range[1] > float(view.forecast.at(0.9).max())
    none = charts.total_fan(view.history, np.full(HORIZON, np.nan), view.forecast, view.forecast.expected, weeks)
    assert "Same time last year" not in [trace.name for trace in none.data]


def test_a_catalog_of_days_and_of_months_is_worded_so(view: TotalView) -> None:
    for alias, word in (("D", "day"), ("MS", "month")):
        frequency = type(stand_in.about().frequency).of(alias)
        about = replace(stand_in.about(), frequency=frequency)
        periods = frequency.range(pd.Timestamp("2024-01-01"), len(view.history.periods) + HORIZON)
        assert view.forecast is not None
        dated = replace(
            view,
            history=replace(view.history, periods=periods[:-HORIZON], events=()),
            forecast=replace(view.forecast, periods=periods[-HORIZON:]),
        )
        assert f"a {word} lately" in total_text.sentence(dated, about)
        assert dated.forecast is not None
        charts.total_fan(dated.history, dated.last_year, dated.forecast, dated.forecast.expected, frequency)
        assert len(total_text.table(dated, about)) <= len(periods)
