"""Where time is cut, on numbers that say where they come from: demand is 0, 1 …, the price 1000 …, promotion 2000 …"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factories import counting_panel

from data.errors import ConfigurationError, TooLittleHistory
from forecasting.core.time_splits import actuals_after, history_until, origins, plan_after, position, unknown_ahead, with_plan


def test_origins_are_those_of_the_bench_format() -> None:
    assert origins(52, horizon=8, count=3, stride=4) == (35, 39, 43)


def test_the_newest_origin_has_a_whole_horizon_after_it() -> None:
    assert origins(10, horizon=3, count=1, stride=1) == (6,)


def test_origins_without_history_are_left_out() -> None:
    assert origins(6, horizon=2, count=9, stride=1) == (1, 2, 3)
    assert origins(3, horizon=2, count=9, stride=1) == ()


def test_a_creation_date_is_found_by_its_stamp() -> None:
    panel = counting_panel()
    assert position(panel, pd.Timestamp("2024-01-04")) == 3
    with pytest.raises(ConfigurationError, match=r"2024-03-01 is not a period .* 2024-01-01 to 2024-01-10"):
        position(panel, pd.Timestamp("2024-03-01"))


def test_a_plan_is_known_unknown_or_the_catalogs() -> None:
    panel = replace(counting_panel(), planned=frozenset({"price"}))
    assert with_plan(panel, "catalog").unplanned == {"promo"}
    assert with_plan(panel, "known").unplanned == frozenset()
    assert with_plan(panel, "unknown").unplanned == {"price", "promo"}
    with pytest.raises(ConfigurationError, match="known, unknown, catalog"):
        with_plan(panel, "guessed")


def test_what_chose_does_not_count_among_what_came() -> None:
    found = actuals_after(counting_panel(), 3, 4, since=6)
    assert np.isnan(found[:, :2]).all()
    assert found[0, 2:].tolist() == [6, 7]


def test_history_ends_with_the_creation_date() -> None:
    history = history_until(counting_panel(), 3)
    assert history.demand[1].tolist() == [100, 101, 102, 103]
    assert history.known["price"][0].tolist() == [1000, 1001, 1002, 1003]
    assert history.past["views"][0].tolist() == [3000, 3001, 3002, 3003]
    assert history.groups[0].demand[0].tolist() == [100, 102, 104, 106]
    assert history.groups[0].known["promo"].shape == (1, 4)
    assert history.events[:, 0].tolist() == [1, 0, 1, 0]
    assert history.last == pd.Timestamp("2024-01-04")


def test_history_before_the_first_period_is_too_little() -> None:
    with pytest.raises(TooLittleHistory):
        history_until(counting_panel(), -1)


def test_the_plan_is_what_was_recorded_of_the_periods_ahead() -> None:
    plan = plan_after(counting_panel(), 3, 4)
    assert plan.known["price"][0].tolist() == [1004, 1005, 1006, 1007]
    assert plan.known["promo"][1].tolist() == [2104, 2105, 2106, 2107]
    assert plan.groups[""]["promo"][0].tolist() == [2054, 2055, 2056, 2057]
    assert plan.periods.tolist() == list(pd.date_range("2024-01-05", periods=4))
    assert plan.events[:, 0].tolist() == [1, 0, 1, 0]


def test_past_the_end_of_the_panel_prices_hold_and_promotions_go_on_as_usual() -> None:
    plan = plan_after(counting_panel(), 7, 4)
    assert plan.known["price"][0].tolist() == [1008, 1009, 1007, 1007]
    assert plan.known["promo"][0].tolist() == [2008, 2009, 2003.5, 2003.5]
    assert plan.groups[""]["promo"][0].tolist() == [2058, 2059, 2053.5, 2053.5]
    assert plan.is_given("promo")[0].tolist() == [True, True, False, False]
    assert plan.periods.tolist() == list(pd.date_range("2024-01-09", periods=4))
    assert plan.events[:, 0].tolist() == [1, 0, 0, 0]
    assert plan_after(counting_panel(), 9, 2).known["promo"][0].tolist() == [2004.5, 2004.5]


def test_a_forecast_of_the_past_is_told_nothing_of_what_nobody_plans() -> None:
    panel = counting_panel(planned=frozenset({"price"}))
    plan = plan_after(panel, 3, 4)
    assert plan.known["price"][0].tolist() == [1004, 1005, 1006, 1007]
    assert plan.known["promo"][0].tolist() == [2001.5] * 4  # the mean of 2000 … 2003
    assert plan.groups[""]["promo"][0].tolist() == [2051.5] * 4
    assert not plan.is_given("promo").any()
    assert unknown_ahead(panel) == {"promo"}


def test_a_gap_in_a_covariate_is_as_usual() -> None:
    panel = counting_panel()
    promo = panel.known["promo"].copy()
    promo[0, 3:6] = np.nan
    plan = plan_after(replace(panel, known={**panel.known, "promo": promo}), 4, 3)
    assert plan.known["promo"][0].tolist() == [2001, 2006, 2007]
    assert plan.known["promo"][1].tolist() == [2105, 2106, 2107]


def test_a_price_seen_only_with_a_sale_is_held_at_the_creation_date() -> None:
    panel = counting_panel(price_seen="when sold")
    plan = plan_after(panel, 3, 4)
    assert plan.known["price"][0].tolist() == [1003, 1003, 1003, 1003]
    assert plan.known["promo"][0].tolist() == [2004, 2005, 2006, 2007]
    index = panel.groups[0].known["price"][0, 3]
    assert plan.groups[""]["price"][0].tolist() == [index] * 4


def test_a_price_that_is_unknown_at_the_creation_date_is_held_from_before() -> None:
    panel = counting_panel(price_seen="when sold")
    price = panel.known["price"].copy()
    price[0, 2:4] = np.nan
    plan = plan_after(replace(panel, known={**panel.known, "price": price}), 3, 2)
    assert plan.known["price"][0].tolist() == [1001, 1001]


def test_a_covariate_that_was_never_known_stays_unknown() -> None:
    panel = counting_panel()
    never = np.full_like(panel.demand, np.nan)
    plan = plan_after(replace(panel, known={**panel.known, "promo": never}), 3, 2)
    assert np.isnan(plan.known["promo"]).all()
