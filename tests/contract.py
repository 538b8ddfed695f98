"""What every generation of forecaster must hold to, as checks of one that was fitted on a small panel.

``LAWS`` is the list; ``models/test_generations.py`` runs each on each generation. A law takes a ``Fitted`` and asserts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import NotTrained, TooLittleHistory
from data.groups import group_series
from data.schema import Panel
from forecasting.core.forecaster import Generation
from forecasting.core.time_splits import history_until, plan_after, position
from forecasting.core.types import QuantileForecast

HORIZON = 4


@dataclass(frozen=True)
class Fitted:
    """A generation, how to make another like it, and what it was fitted on."""

    make: Callable[[], Generation]
    panel: Panel
    until: pd.Timestamp

    @cached_property
    def generation(self) -> Generation:
        return fitted(self.make(), self.panel, self.until)

    @property
    def later(self) -> pd.Timestamp:
        """A creation date after the fit, with a whole horizon of the panel after it."""
        return self.panel.periods[-HORIZON - 2]


def fitted(generation: Generation, panel: Panel, until: pd.Timestamp) -> Generation:
    generation.fit(panel, until, HORIZON)
    return generation


def only(generation: Generation, panel: Panel, creation_date: pd.Timestamp) -> QuantileForecast:
    """The forecast from one creation date, out of what the panel recorded."""
    (forecast,) = generation.forecast(panel, [creation_date])
    return forecast


def assert_same(first: QuantileForecast, second: QuantileForecast, *, rtol: float = 0.0) -> None:
    np.testing.assert_allclose(first.values, second.values, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(first.cumulative, second.cumulative, rtol=rtol, atol=rtol)


# a fan for every item and horizon


def answers_every_item_and_period(subject: Fitted) -> None:
    dates = [subject.until, subject.later]
    forecasts = subject.generation.forecast(subject.panel, dates)
    assert len(forecasts) == len(dates)
    for forecast, creation_date in zip(forecasts, dates, strict=True):
        assert_is_a_fan(forecast, len(subject.panel))
        assert forecast.item_ids.tolist() == subject.panel.item_ids.tolist()
        assert forecast.creation_date == creation_date
        after = position(subject.panel, creation_date) + 1
        assert forecast.periods.tolist() == subject.panel.periods[after : after + HORIZON].tolist()
        assert forecast.model == subject.generation.name
        assert forecast.catalog_hash == subject.panel.catalog_hash


def assert_is_a_fan(forecast: QuantileForecast, items: int) -> None:
    for fan in (forecast.values, forecast.cumulative):
        assert fan.shape == (items, HORIZON, len(forecast.taus))
        assert np.isfinite(fan).all()
        assert (fan >= 0).all()
        assert (np.diff(fan, axis=-1) >= 0).all(), "quantiles cross"


def is_wider_than_a_line(subject: Fitted) -> None:
    forecast = only(subject.generation, subject.panel, subject.later)
    assert (forecast.at(0.9) > forecast.at(0.1)).mean() > 0.9


# the same again


def gives_the_same_numbers_for_the_same_seed(subject: Fitted) -> None:
    again = fitted(subject.make(), subject.panel, subject.until)
    assert_same(only(again, subject.panel, subject.later), only(subject.generation, subject.panel, subject.later), rtol=1e-6)


def comes_back_from_disk_as_it_was(subject: Fitted) -> None:
    with tempfile.TemporaryDirectory() as name:
        subject.generation.save(Path(name))
        loaded = type(subject.generation).load(Path(name))
        assert loaded.horizon == HORIZON
        assert_same(
            only(loaded, subject.panel, subject.later),
            only(subject.generation, subject.panel, subject.later),
            rtol=1e-6,
        )


def says_when_there_is_nothing_to_load(subject: Fitted) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.raises(NotTrained):
        type(subject.generation).load(Path(name))


def says_when_it_was_not_fitted(subject: Fitted) -> None:
    fresh = subject.make()
    with pytest.raises(NotTrained):
        _ = fresh.horizon
    with pytest.raises(NotTrained):
        only(fresh, subject.panel, subject.later)


# items do not see each other but through the groups


def does_not_care_for_the_order_of_items(subject: Fitted) -> None:
    order = np.random.default_rng(1).permutation(len(subject.panel))
    shuffled = only(subject.generation, subject.panel.take(order), subject.later)
    assert_same(shuffled, only(subject.generation, subject.panel, subject.later).take(order), rtol=1e-5)


def forecasts_an_item_alone_as_in_company(subject: Fitted) -> None:
    company = only(subject.generation, subject.panel, subject.later)
    for row in (0, len(subject.panel) - 1):
        alone = only(subject.generation, subject.panel.take([row]), subject.later)
        assert_same(alone, company.take([row]), rtol=1e-5)


# unusual data


def refuses_too_little_history(subject: Fitted) -> None:
    with pytest.raises(TooLittleHistory, match=r"\d"):
        subject.make().fit(subject.panel, subject.panel.periods[0], HORIZON)


def unusual_items(panel: Panel, until: int) -> Panel:
    """The panel with an item that never sells, a huge and a tiny one, three that are new, and two with holes."""
    demand, in_stock = panel.demand.copy(), panel.in_stock.copy()
    demand[0] = 0.0
    demand[1] *= 1e7 / demand[1].mean()
    demand[2] *= 1e-3 / demand[2].mean()
    demand[3] = np.nan
    demand[4, : until - 1] = np.nan
    demand[5, : until + 2] = np.nan
    demand[6, 5:20] = np.nan
    in_stock[7, until - 6 : until + 1] = 0.0
    unusual = replace(panel, demand=demand, in_stock=in_stock)
    return replace(unusual, groups=group_series(unusual))


def copes_with_unusual_items(subject: Fitted) -> None:
    until = position(subject.panel, subject.until)
    panel = unusual_items(subject.panel, until)
    for generation in (subject.generation, fitted(subject.make(), panel, subject.until)):
        forecast = only(generation, panel, subject.until)
        assert_is_a_fan(forecast, len(panel))
        median, tops = forecast.at(0.5), forecast.at(0.9)
        assert (tops[0] < 5).all(), "an item that never sold in a year will not sell much"
        assert (median[1] > 1e5).all(), "an item that sells ten millions goes on selling"
        assert (median[1] < 1e9).all()
        assert (tops[2] < 1).all(), "an item that sells thousandths does not come to sell whole units"


def copes_with_one_item(subject: Fitted) -> None:
    alone = subject.panel.take([0])
    alone = replace(alone, groups=group_series(alone))
    assert_is_a_fan(only(fitted(subject.make(), alone, subject.until), alone, subject.later), 1)


def does_not_care_for_the_unit_of_measurement(subject: Fitted) -> None:
    usual = only(subject.generation, subject.panel, subject.later)
    for factor in (2.0**-10, 2.0**23):  # powers of two leave the digits of a float as they are
        panel = replace(subject.panel, demand=subject.panel.demand * np.float32(factor))
        panel = replace(panel, groups=group_series(panel))
        other = only(fitted(subject.make(), panel, subject.until), panel, subject.later)
        # a tree may cut its bins elsewhere: a twentieth of the largest number is allowed
        np.testing.assert_allclose(other.values / factor, usual.values, atol=0.05 * usual.values.max())


# the arrow of time


def changed_after(panel: Panel, t: int, horizon: int = HORIZON) -> Panel:
    """The panel with all altered that cannot be known at the end of period t, and what stands past the horizon too."""
    future = slice(t + 1, None)
    beyond = slice(t + 1 + horizon, None)
    rng = np.random.default_rng(2)

    def altered(array: np.ndarray, where: slice) -> np.ndarray:
        answer = array.copy()
        answer[:, where] = 3 * np.nan_to_num(answer[:, where]) + rng.integers(1, 50, answer[:, where].shape)
        return answer

    events = panel.events.copy()
    events[beyond] = 1 - events[beyond]
    return replace(
        panel,
        demand=altered(panel.demand, future),
        in_stock=np.where(np.arange(len(panel.periods)) > t, np.float32(0.3), panel.in_stock).astype(np.float32),
        known={name: altered(array, beyond) for name, array in panel.known.items()},
        past={name: altered(array, future) for name, array in panel.past.items()},
        groups=tuple(
            replace(
                group,
                demand=altered(group.demand, future),
                sellers=altered(group.sellers, future),
                known={name: altered(array, beyond) for name, array in group.known.items()},
            )
            for group in panel.groups
        ),
        events=events,
    )


def sees_nothing_after_the_creation_date(subject: Fitted) -> None:
    for creation_date in (subject.until, subject.later):
        other = changed_after(subject.panel, position(subject.panel, creation_date))
        assert_same(only(subject.generation, other, creation_date), only(subject.generation, subject.panel, creation_date))


def learns_nothing_after_the_end_of_its_fit(subject: Fitted) -> None:
    other = changed_after(subject.panel, position(subject.panel, subject.until))
    known = {name: _altered_from(array, subject) for name, array in other.known.items()}
    again = fitted(subject.make(), replace(other, known=known), subject.until)
    assert_same(only(again, subject.panel, subject.later), only(subject.generation, subject.panel, subject.later))


def _altered_from(array: np.ndarray, subject: Fitted) -> np.ndarray:
    """Covariates of the future belong to forecasts; a fit must not see them either."""
    answer = array.copy()
    answer[:, position(subject.panel, subject.until) + 1 :] = 77.0
    return answer


def reads_the_plan_that_it_is_given(subject: Fitted) -> None:
    t = position(subject.panel, subject.later)
    (given,) = subject.generation.forecast(
        history_until(subject.panel, t), [subject.later], plan_after(subject.panel, t, HORIZON)
    )
    assert_same(given, only(subject.generation, subject.panel, subject.later))


def holds_a_price_that_is_seen_only_with_a_sale(subject: Fitted) -> None:
    t = position(subject.panel, subject.later)
    panel = replace(subject.panel, price_seen="when sold")
    price = panel.known["price"].copy()
    price[:, t + 1 :] *= 0.5
    told = replace(panel, known={**panel.known, "price": price})
    assert_same(only(subject.generation, told, subject.later), only(subject.generation, panel, subject.later))


# plans


def takes_a_plan_that_nobody_made_as_usual(subject: Fitted) -> None:
    t = position(subject.panel, subject.later)
    panel = replace(subject.panel, planned=frozenset())
    later = {name: np.where(np.arange(array.shape[1]) > t, array + 0.5, array) for name, array in panel.known.items()}
    told = replace(panel, known={name: array.astype(np.float32) for name, array in later.items()})
    assert_same(only(subject.generation, told, subject.later), only(subject.generation, panel, subject.later))


#: What a plan may hold by mistake.
_ODD = st.sampled_from([0.0, -1.0, 1e-9, 1e12, -1e12, 0.5, 3.0, float("nan"), float("inf"), float("-inf")])


def no_plan_lifts_it_far_beyond_its_record(subject: Fitted) -> None:
    t = position(subject.panel, subject.later)
    history, plan = history_until(subject.panel, t), plan_after(subject.panel, t, HORIZON)
    largest = np.nanmax(history.demand, axis=1)

    @settings(max_examples=20, deadline=None, derandomize=True, database=None)
    @given(
        st.dictionaries(st.sampled_from(sorted(plan.known)), st.lists(_ODD, min_size=HORIZON, max_size=HORIZON), min_size=1),
        st.booleans(),
    )
    def check(odd: dict[str, list[float]], also_groups: bool) -> None:
        known = {name: np.tile(np.float32(cells), (len(history), 1)) for name, cells in odd.items()}
        groups = {
            column: {
                name: np.tile(np.float32(odd[name]), (len(array), 1)) if also_groups and name in odd else array
                for name, array in columns.items()
            }
            for column, columns in plan.groups.items()
        }
        hostile = replace(plan, known={**plan.known, **known}, groups=groups)
        forecast = subject.generation.forecast(history, [subject.later], hostile)[0]
        assert_is_a_fan(forecast, len(history))
        assert (forecast.at(0.9) <= 10 * largest[:, None] * (1 + 1e-9)).all()
        assert (forecast.span_at(0.9)[:, -1] <= 10 * HORIZON * largest * (1 + 1e-9)).all()

    check()


def takes_a_price_that_cannot_be_meant_for_an_unknown_one(subject: Fitted) -> None:
    t = position(subject.panel, subject.later)
    history, plan = history_until(subject.panel, t), plan_after(subject.panel, t, HORIZON)
    last = np.repeat(history.known["price"][:, -1:], HORIZON, axis=1)
    given = {**plan.given, "price": np.zeros(last.shape, bool)}
    unknown = replace(plan, known={**plan.known, "price": last}, given=given)
    (held,) = subject.generation.forecast(history, [subject.later], unknown)
    for price in (0.0, -2.0, np.nan, np.inf, 1e6, 1e-6):
        odd = np.full_like(last, price)
        (found,) = subject.generation.forecast(history, [subject.later], replace(plan, known={**plan.known, "price": odd}))
        assert_same(found, held)


LAWS: tuple[Callable[[Fitted], None], ...] = (
    answers_every_item_and_period,
    is_wider_than_a_line,
    gives_the_same_numbers_for_the_same_seed,
    comes_back_from_disk_as_it_was,
    says_when_there_is_nothing_to_load,
    says_when_it_was_not_fitted,
    does_not_care_for_the_order_of_items,
    forecasts_an_item_alone_as_in_company,
    refuses_too_little_history,
    copes_with_unusual_items,
    copes_with_one_item,
    does_not_care_for_the_unit_of_measurement,
    sees_nothing_after_the_creation_date,
    learns_nothing_after_the_end_of_its_fit,
    reads_the_plan_that_it_is_given,
    holds_a_price_that_is_seen_only_with_a_sale,
    takes_a_plan_that_nobody_made_as_usual,
    no_plan_lifts_it_far_beyond_its_record,
    takes_a_price_that_cannot_be_meant_for_an_unknown_one,
)
