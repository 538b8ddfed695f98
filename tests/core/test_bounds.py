"""What a plan may ask and a forecast may answer, on numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from factories import counting_panel, make_panel

from data.groups import group_series
from data.schema import Panel, Plan
from forecasting.core.bounds import bounded, most_units, plausible_plan, promoted_range
from forecasting.core.quantile_function import TAUS
from forecasting.core.time_splits import history_until, plan_after
from forecasting.core.types import QuantileForecast


def test_a_plan_that_can_be_meant_is_left_alone() -> None:
    panel = make_panel()
    plan = plan_after(panel, 40, 4)
    assert plausible_plan(history_until(panel, 40), plan) is plan


def test_a_price_of_zero_is_the_last_one_and_not_given() -> None:
    panel = make_panel()
    plan = plan_after(panel, 40, 4)
    price = plan.known["price"].copy()
    price[:, 1] = 0.0
    found = plausible_plan(history_until(panel, 40), replace(plan, known={**plan.known, "price": price}))
    np.testing.assert_array_equal(found.known["price"][:, 1], panel.known["price"][:, 40])
    np.testing.assert_array_equal(found.known["price"][:, [0, 2, 3]], plan.known["price"][:, [0, 2, 3]])
    assert found.is_given("price")[0].tolist() == [True, False, True, True]


def test_a_promotion_lies_between_none_and_all_stores() -> None:
    panel = make_panel()
    plan = plan_after(panel, 40, 4)
    promo = np.tile(np.float32([-1.0, 7.0, np.inf, 0.25]), (len(panel), 1))
    found = plausible_plan(history_until(panel, 40), replace(plan, known={**plan.known, "promo": promo}))
    usual = panel.known["promo"][0, 28:41].mean()
    np.testing.assert_allclose(found.known["promo"][0], [0.0, 1.0, usual, 0.25], rtol=1e-6)


def test_the_bound_is_ten_times_the_record_or_that_of_the_groups_for_a_new_item() -> None:
    panel = counting_panel(items=2)  # 0 … 9 and 100 … 109
    np.testing.assert_array_equal(most_units(panel), [90, 1090])
    demand = panel.demand.copy()
    demand[0, :-1] = np.nan  # new: 9 in its only period
    new = replace(panel, demand=demand)
    new = replace(new, groups=group_series(new))  # per item of the group at most 108, in the period before
    np.testing.assert_array_equal(most_units(new), [1080, 1090])
    nothing = replace(panel, demand=np.full_like(demand, np.nan), groups=())
    assert np.isinf(most_units(nothing)).all()


def test_no_quantile_lies_beyond_the_bound() -> None:
    values = np.linspace(1, 100, len(TAUS))[None, None].repeat(2, axis=1)  # [1, 2, Q]
    forecast = QuantileForecast(
        item_ids=np.array(["a"]),
        creation_date=counting_panel().last,
        periods=counting_panel().periods[:2],
        taus=np.array(TAUS),
        values=values,
        cumulative=np.cumsum(values, axis=1),
        model="m",
        version="1",
    )
    assert bounded(forecast, np.array([100.0])) is forecast
    found = bounded(forecast, np.array([40.0]))
    assert found.values.max() == 40
    assert found.cumulative[:, 1].max() == 80
    assert found.values.min() == 1


def promoted_panel(*, promotions: int) -> Panel:
    """Two items of 10 units in each of 40 periods and 20 units in those promoted, so many of them for the first, none for the
    other."""
    panel = make_panel(items=2, periods=40)
    promo, demand = np.zeros((2, 40), np.float32), np.full((2, 40), 10.0, np.float32)
    when = np.arange(14, 14 + 5 * promotions, 5)
    promo[0, when], demand[0, when] = 1.0, 20.0
    panel = replace(panel, demand=demand, in_stock=np.ones_like(demand), known={**panel.known, "promo": promo})
    return replace(panel, groups=group_series(panel))


def plan_in_full(panel: Panel, *, given: bool = True, priced: bool = False) -> Plan:
    plan = plan_after(panel, len(panel.periods) - 1, 4)
    full = np.ones_like(plan.known["promo"])
    flags = {"promo": np.full(full.shape, given), "price": np.full(full.shape, priced)}
    return replace(plan, known={**plan.known, "promo": full}, given=flags)


def test_a_promotion_does_about_what_the_items_own_did() -> None:
    panel = promoted_panel(promotions=4)
    found = promoted_range(panel, plan_in_full(panel))
    assert found is not None
    least, most = found
    np.testing.assert_allclose(least[0], 0.85 * 20)  # which is twice what it sells without one, 10
    np.testing.assert_allclose(most[0], 1.15 * 20)


def test_without_promotions_of_its_own_it_may_do_what_the_groups_best_period_did() -> None:
    panel = promoted_panel(promotions=4)
    found = promoted_range(panel, plan_in_full(panel))
    assert found is not None
    least, most = found
    assert (least[1] == 0).all()
    finest = max(panel.groups, key=lambda group: len(group.labels))
    each = (finest.demand / np.maximum(finest.sellers, 1))[finest.codes[1]]
    lift = max(each[t] / each[max(0, t - 13) : t].mean() for t in range(13, 40))
    np.testing.assert_allclose(most[1], 10 * lift, rtol=1e-6)


def test_a_promotion_that_nobody_plans_or_that_has_its_price_has_no_bound_of_its_own() -> None:
    panel = promoted_panel(promotions=4)
    assert promoted_range(panel, plan_in_full(panel, given=False)) is None
    assert promoted_range(panel, plan_in_full(panel, priced=True)) is None
    assert promoted_range(panel, plan_after(panel, 39, 4)) is None
