"""The figures say what the numbers say, in the grammar that every chart shares."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import stand_in
from stand_in import PlanChange

from data.schema import Frequency
from forecasting.service.view_models import ItemHistory, ItemView
from pages.ui.display import charts

WEEKS = Frequency.of("W-SUN")


def named(figure: go.Figure, name: str) -> go.Scatter:
    return next(trace for trace in figure.data if trace.name == name)


def labels(figure: go.Figure) -> list[str]:
    return [label.text for label in figure.layout.annotations]


@pytest.fixture
def view(desk: stand_in.State) -> ItemView:
    return stand_in.Items().view("SKU-0003")


def drawn(view: ItemView, tau: float = 0.9) -> go.Figure:
    return charts.item_fan(view.history, view.forecast, tau, WEEKS, view.plan_promo)


def test_the_fan_shows_the_quantiles_of_the_forecast(view: ItemView) -> None:
    figure = drawn(view)
    outer, inner = named(figure, "Eight in ten"), named(figure, "Middle half")
    np.testing.assert_allclose(outer.y[:13], view.forecast.at(0.1)[0])
    np.testing.assert_allclose(outer.y[13:], view.forecast.at(0.9)[0][::-1])
    np.testing.assert_allclose(inner.y[:13], view.forecast.at(0.25)[0])
    np.testing.assert_allclose(named(figure, "Median").y, view.forecast.at(0.5)[0])
    np.testing.assert_allclose(named(figure, "Your P90").y, view.forecast.at(0.9)[0])


def test_only_the_chosen_quantile_has_the_accent_and_says_so_at_its_end(view: ItemView) -> None:
    figure = drawn(view, 0.75)
    accent = [trace.name for trace in figure.data if trace.line.color == charts.ACCENT]
    assert accent == ["Your P75"]
    end = view.forecast.at(0.75)[0, -1]
    assert f"<b>P75</b><br>3 times in 4<br>fewer than {end:,.0f}<br>in the last week" in labels(figure)


def test_the_past_is_an_ink_line_and_the_creation_date_a_vertical_one(view: ItemView) -> None:
    figure = drawn(view)
    sold = named(figure, "Sold")
    assert sold.line.color == charts.INK
    np.testing.assert_allclose(sold.y, view.history.demand[-len(sold.y) :])
    assert pd.Timestamp(figure.layout.shapes[0].x0) == view.forecast.creation_date


def test_periods_out_of_stock_are_hatched_and_promotions_are_ticks(view: ItemView) -> None:
    figure = drawn(view)
    hatched = named(figure, "Out of stock")
    assert hatched.fillpattern.shape == "/"
    left, right = pd.Timestamp(hatched.x[0]), pd.Timestamp(hatched.x[2])
    assert left < view.history.periods[60] < view.history.periods[61] < right
    assert right - left == pd.Timedelta(days=14)
    ticks = pd.DatetimeIndex(named(figure, "Promotion").x)
    assert view.forecast.periods[4] in ticks
    assert view.forecast.periods[3] not in ticks


def test_events_ahead_are_written_out_and_past_ones_are_told_to_the_pointer(view: ItemView) -> None:
    figure = drawn(view)
    assert "New Year's Day" in labels(figure)
    assert "Independence Day" not in labels(figure)
    told = dict(zip(pd.DatetimeIndex(named(figure, "Sold").x), named(figure, "Sold").customdata, strict=True))
    assert [words for words in told.values() if words.endswith(", Independence Day")]
    assert told[view.history.periods[60]].endswith(", out of stock")
    assert not [trace.name for trace in figure.data if trace.name in ("Event", "Promotion") and trace.hoverinfo != "skip"]


def test_events_that_would_touch_share_a_label(view: ItemView) -> None:
    stamps = view.forecast.periods
    history = ItemHistory(
        *(getattr(view.history, name) for name in ("periods", "demand", "price", "promo", "in_stock")),
        ((stamps[5], "One"), (stamps[6], "Two")),
    )
    figure = charts.item_fan(history, view.forecast, 0.9, WEEKS, view.plan_promo)
    assert "One<br>Two" in labels(figure)


def test_a_scenario_is_the_accent_over_the_grey_plan(view: ItemView, desk: stand_in.State) -> None:
    answer = stand_in.Items().scenario("SKU-0003", 13, PlanChange(np.full(13, 2.2), None))
    figure = charts.scenario_fans(answer, WEEKS)
    assert named(figure, "Plan: eight in ten").line.color == charts.BASELINE
    assert named(figure, "Scenario: eight in ten").line.color == charts.ACCENT
    assert named(figure, "Scenario: median").y.sum() > named(figure, "Plan: median").y.sum()
    assert "price never seen" not in labels(figure)


def test_only_the_periods_with_a_price_never_seen_are_hatched(desk: stand_in.State) -> None:
    price = np.full(13, 2.49)
    price[[2, 7, 8]] = 1.0
    figure = charts.scenario_fans(stand_in.Items().scenario("SKU-0003", 13, PlanChange(price, None)), WEEKS)
    hatched = pd.DatetimeIndex(named(figure, "Price never seen: unsure").x)
    periods = stand_in.Items().view("SKU-0003").forecast.periods
    assert {periods[7], periods[8]} <= set(hatched.dropna())
    assert not {periods[3], periods[6], periods[9]} & set(hatched.dropna())
    assert "price never seen" in labels(figure)


def test_earlier_fans_each_have_their_line_and_one_place_in_the_legend(desk: stand_in.State) -> None:
    items = stand_in.Items()
    fans = items.past_forecasts("SKU-0003", 13)
    figure = charts.past_fans(items.view("SKU-0003").history, fans, WEEKS)
    assert len(figure.layout.shapes) == len(fans) == 4
    assert sum(trace.name == "Eight in ten" and trace.showlegend for trace in figure.data) == 1


@pytest.mark.parametrize("horizon", [1, 2, 13])
def test_every_horizon_can_be_drawn(desk: stand_in.State, horizon: int) -> None:
    view = stand_in.Items().view("SKU-0000", horizon)
    figure = drawn(view)
    assert len(set(named(figure, "Eight in ten").x)) >= 2
    assert figure.layout.yaxis.range[1] > view.forecast.at(0.9).max()


def test_an_item_without_a_past_has_its_fan(view: ItemView) -> None:
    nothing = np.zeros(0)
    history = ItemHistory(pd.DatetimeIndex([]), nothing, nothing, nothing, nothing, ())
    figure = charts.item_fan(history, view.forecast, 0.9, WEEKS, np.full(13, np.nan))
    assert named(figure, "Eight in ten").y.max() > 0


def test_colours_are_roles_that_the_theme_fills_for_light_and_dark(view: ItemView) -> None:
    config = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
    theme = tomllib.loads(config.read_text())["theme"]
    for mode in ("light", "dark"):
        palette = theme[mode]["chartCategoricalColors"]
        assert len(palette) == 10
        assert palette[0] == theme[mode]["primaryColor"]
    roles = {charts.ACCENT, charts.INK, charts.FAN, charts.MEDIAN, charts.BASELINE, charts.RULE, charts.NOTE}
    assert {trace.line.color for trace in drawn(view).data if trace.line.color} <= roles


def test_the_end_of_a_plan_is_marked_where_it_ends_before_the_forecast_does(view: ItemView) -> None:
    def drawn_to(planned: int) -> go.Figure:
        return charts.item_fan(view.history, view.forecast, 0.9, WEEKS, view.plan_promo, planned=planned)

    assert "plan ends" in labels(drawn_to(3))
    assert not any("plan ends" in labels(drawn_to(planned)) for planned in (0, len(view.forecast.periods)))


def test_what_another_item_lent_is_a_line_of_its_own_and_planners_events_carry_their_names(view: ItemView) -> None:
    lent = np.arange(104) < 80
    week = view.history.periods[70]
    history = replace(view.history, lent=lent, lender="Old rye bread", named=((week, "Strike"),))
    figure = charts.item_fan(history, view.forecast, 0.9, WEEKS, view.plan_promo)
    before, own = named(figure, "Sold of Old rye bread"), named(figure, "Sold")
    assert (before.line.dash, before.line.color) == ("dash", charts.NOTE)
    shown = ~lent[-len(own.y) :]
    np.testing.assert_array_equal(np.isfinite(own.y), shown)
    assert np.isfinite(before.y).sum() == (~shown).sum() + 1, "one line goes over into the other"
    assert "Strike" in labels(figure)


def test_what_was_imported_stands_beside_what_counts(view: ItemView) -> None:
    imported = view.history.demand.copy()
    imported[[90, 95]] = [view.history.demand[90] + 5, 9000]
    figure = charts.item_fan(replace(view.history, imported=imported), view.forecast, 0.9, WEEKS, view.plan_promo)
    shown = [trace for trace in figure.data if trace.name == "As imported"]
    assert [trace.marker.symbol for trace in shown] == ["circle-open", "triangle-up-open"]
    assert "9,000 as imported" in labels(figure)
    assert figure.layout.yaxis.range[1] < 2000, "a slip of the past does not flatten the chart"
