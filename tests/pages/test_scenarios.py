"""A scenario in the address bar says what it changes, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.schema import Frequency
from pages.ui.shell.scenario_code import HIGHEST, LOWEST, Scenario

WEEKS = Frequency.of("W-SUN")
PLAN = np.array([2.0, 2.0, 4.0])

scenarios = st.builds(
    Scenario,
    st.integers(LOWEST, HIGHEST),
    st.none() | st.integers(0, 100).map(lambda percent: percent / 100),
    st.dictionaries(st.integers(1, 104), st.integers(1, 99_999).map(lambda cents: cents / 100)),
    st.dictionaries(st.integers(1, 104), st.integers(0, 100).map(lambda percent: percent / 100)),
)


@given(scenarios)
def test_reading_what_was_written_gives_the_same_scenario(scenario: Scenario) -> None:
    assert Scenario.read(scenario.text) == scenario


@given(st.text())
def test_no_address_breaks_the_page(text: str) -> None:
    scenario = Scenario.read(text)
    assert LOWEST <= scenario.price_change <= HIGHEST


def test_what_cannot_be_read_is_left_out() -> None:
    assert Scenario.read("p-10_3pfree_m_x_3p1.99").text == "p-10_3p1.99"
    assert Scenario.read("p-500").price_change == LOWEST


def test_single_periods_win_over_all_periods() -> None:
    scenario = Scenario(-50, 1.0, {2: 3.0, 9: 1.0}, {3: 0.0})
    np.testing.assert_allclose(scenario.prices_at(PLAN), [1.0, 3.0, 2.0])
    np.testing.assert_allclose(scenario.promotions_at(np.zeros(3)), [1, 1, 0])
    np.testing.assert_allclose(PLAN, [2, 2, 4])


def test_nothing_is_asked_of_the_model_where_nothing_differs() -> None:
    assert Scenario().prices_at(PLAN) is None
    assert Scenario(promotion=0.5).prices_at(PLAN) is None
    assert Scenario(price_change=5).promotions_at(PLAN) is None
    assert Scenario(promotions={1: 0.5}).promotions_at(PLAN) is not None


@pytest.mark.parametrize(
    ("scenario", "words", "phrase"),
    [
        (Scenario(), "as planned", ""),
        (Scenario(-10), "price −10%", "the price 10% lower"),
        (Scenario(10, 1.0), "price +10%, promoted in full", "the price 10% higher and a promotion in full"),
        (Scenario(0, 0.5), "promoted at 50%", "a promotion at 50%"),
        (Scenario(prices={1: 2.0}, promotions={1: 0.5}), "1 week set by hand", "1 week set by hand"),
    ],
)
def test_a_scenario_in_words(scenario: Scenario, words: str, phrase: str) -> None:
    assert scenario.words(WEEKS) == words
    assert scenario.phrase(WEEKS) == phrase
