"""A fiscal calendar on the pages: kept on Data, used on Today and Item for labels and sums, and named in files."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import stand_in
from seen import button, text
from streamlit.testing.v1 import AppTest

from data.fiscal_calendar import FiscalCalendar
from pages.ui.calendar import fiscal_tables
from pages.ui.item import forecast_text

CALENDAR = FiscalCalendar("4-4-5", "2025-12-29")
ITEM = "SKU-0003"


@pytest.fixture
def fiscal(desk: stand_in.State) -> stand_in.State:
    """4-4-5 weeks from 29 Dec 2025 on; the newest week of the stand-in is that of 28 Dec 2025."""
    stand_in.planner_store().set_calendar("Corner shop", CALENDAR, 0)
    return desk


def opened(app: AppTest) -> AppTest:
    app.session_state["calendar"] = True
    return app.run()


def test_without_a_calendar_the_pages_offer_none_and_today_says_where(visit) -> None:
    assert "Table by" not in [one.label for one in visit("item", item=ITEM, sum="period").button_group]
    assert "say on the Data page how your fiscal year is cut" in text(visit("today"))


def test_the_data_page_keeps_one_and_takes_it_away(visit) -> None:
    app = opened(visit("data"))
    assert "Without one, weeks stand by themselves." in text(app)
    next(one for one in app.selectbox if one.label == "A quarter has").set_value("4-5-4")
    app.date_input[0].set_value(datetime.date(2026, 2, 1))
    button(app, "Use this calendar").click().run()
    kept = stand_in.planner_store().calendar("Corner shop").calendar
    assert kept == FiscalCalendar("4-5-4", "2026-02-01")
    assert any("Kept." in one.value for one in app.success)
    assert "**FY26 P11**" in text(app) or "**FY26 P12**" in text(app)
    assert "53 weeks, the last of them in P12" in text(app)
    button(app, "Take it away: weeks alone").click().run()
    assert stand_in.planner_store().calendar("Corner shop").calendar is None


def test_a_first_day_that_cannot_be_is_refused_and_nothing_kept(visit) -> None:
    app = opened(visit("data"))
    app.date_input[0].set_value(datetime.date(2025, 7, 15))
    button(app, "Use this calendar").click().run()
    assert any("from the end of a month" in one.value and "Nothing was kept" in one.value for one in app.error)
    assert stand_in.planner_store().calendar("Corner shop").calendar is None


def test_the_item_table_is_summed_by_fiscal_period(visit, fiscal: stand_in.State) -> None:
    app = visit("item", item=ITEM, sum="period")
    shown = text(app)
    assert "FY26 P01" in shown
    assert "FY26 P03" in shown
    assert fiscal_tables.NO_RANGE in shown
    next(one for one in app.button_group if one.label == "Table by").set_value("quarter").run()
    assert "quarter" in app.query_params["sum"]
    assert "FY26 Q1" in text(app)
    assert any("sum=quarter" in one.value for one in app.code)


def test_weekly_tables_name_the_fiscal_period(visit, fiscal: stand_in.State) -> None:
    for name in ("item", "what_if"):
        assert "Fiscal period" in text(visit(name, item=ITEM))


def test_the_sums_are_those_of_the_weeks_and_only_the_first_has_a_range(fiscal: stand_in.State) -> None:
    from data.fiscal_calendar import stretches

    view, about = stand_in.Items().view(ITEM), stand_in.about()
    periods, past = view.forecast.periods, view.history.periods
    sizes = CALENDAR.sizes(past.append(periods), about.stamp, "period")
    cut = stretches(CALENDAR.labels(past, about.stamp), CALENDAR.labels(periods, about.stamp), sizes)
    table = fiscal_tables.item_table(view, 0.9, cut, "period", about)
    column = {one.title: list(one.values) for one in table.columns}
    assert column["Fiscal period"] == ["FY26 P01", "FY26 P02", "FY26 P03"]
    assert column["Weeks"] == ["4", "4", "5"]
    weekly = {one.title: list(one.values) for one in forecast_text.table(view, 0.9, about).columns}
    assert sum(column["Expected"]) == pytest.approx(sum(weekly["Expected"]))
    assert column["P90"][0] == pytest.approx(float(view.forecast.span_at(0.9)[0, 3]))
    assert column["P90"][0] < sum(weekly["P90"][:4]), "a range is no sum of ranges"
    assert np.isnan(column["P90"][1:]).all()
    assert column["Total so far"] == [weekly["Total so far"][week] for week in (3, 7, 12)]
    assert column["P90 of total"] == [weekly["P90 of total"][week] for week in (3, 7, 12)]


def test_a_stretch_that_has_begun_tells_what_it_sold_so_far(desk: stand_in.State) -> None:
    from data.fiscal_calendar import stretches

    calendar = FiscalCalendar("4-4-5", "2025-12-01", "nearest")  # two weeks before the end of a period
    view, about = stand_in.Items().view(ITEM), stand_in.about()
    past, ahead = view.history.periods, view.forecast.periods
    sizes = calendar.sizes(past.append(ahead), about.stamp, "period")
    cut = stretches(calendar.labels(past, about.stamp), calendar.labels(ahead, about.stamp), sizes)
    table = fiscal_tables.item_table(view, 0.9, cut, "period", about)
    column = {one.title: list(one.values) for one in table.columns}
    if "to come" in column["Weeks"][0]:
        weeks = int(column["Weeks"][0].split()[0])
        begun = sizes[column["Fiscal period"][0]] - weeks
        assert column["Sold so far"][0] == pytest.approx(view.history.demand[-begun:].sum())
    else:
        assert "Sold so far" not in column


def test_today_sums_the_total_with_a_range_for_the_stretch_that_begins_now(visit, fiscal: stand_in.State) -> None:
    app = visit("today", sum="period")
    assert not app.exception
    shown = text(app)
    assert "FY25 P12" in shown
    assert "FY26 P01" in shown
    fan = stand_in.Forecasts().total("").forecast
    begins = stand_in.Forecasts().span_total("", stand_in.PIECES, 4)
    assert fan is not None
    assert f"{begins.at(0.9):,.0f}" in shown
    assert f"{fan.at(0.9)[0, :4].sum():,.0f}" not in shown, "a range is no sum of ranges"
