"""Numbers, money, dates and chances are written one way."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from data.schema import Frequency
from forecasting.core.types import Progress
from pages.ui.display import formats
from pages.ui.jobs import job_panel

WEEKS, MONTHS, DAYS = (Frequency.of(alias) for alias in ("W-SUN", "MS", "D"))


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0.0"), (-0.0, "0.0"), (9.94, "9.9"), (9.96, "10"), (1240.6, "1,241"), (-3.21, "-3.2"), (None, "—"), (math.nan, "—")],
)
def test_units_have_one_decimal_below_ten_and_none_above(value: float | None, words: str) -> None:
    assert formats.units(value) == words


@given(st.floats(0, 1e9))
def test_units_read_back_within_half_of_their_last_digit(value: float) -> None:
    shown = float(formats.units(value).replace(",", ""))
    assert abs(shown - value) <= (0.05 if shown < 10 else 0.5) + 1e-6 * value


@pytest.mark.parametrize(
    ("share", "words"), [(0.5, "50%"), (0.0834, "8.3%"), (0.05, "5%"), (1.2, "120%"), (0, "0%"), (-0.0001, "0%"), (None, "—")]
)
def test_percentages_are_whole_unless_below_ten(share: float | None, words: str) -> None:
    assert formats.percent(share) == words


def test_money_is_in_the_catalogs_currency_and_drops_cents_from_a_hundred_on() -> None:
    assert formats.money(86.4, "USD") == "$86.40"
    assert formats.money(1240.4, "EUR") == "€1,240"
    assert formats.money(1240.4, "CHF") == "CHF 1,240"
    assert formats.money(-3, "GBP") == "−£3.00"
    assert formats.money(-0.001, "USD") == "$0.00"
    assert formats.price(2.5, "USD") == "$2.50"
    assert formats.price(None) == "—"


def test_changes_carry_sign_and_share() -> None:
    assert formats.unit_change(100, 112) == "+12 (+12%)"
    assert formats.unit_change(100, 92) == "−8 (−8%)"
    assert formats.unit_change(0, 12) == "+12"
    assert formats.unit_change(None, 12) == ""
    assert formats.money_change(200, 100, "USD") == "−$100 (−50%)"


def test_dates_are_written_one_way_and_months_without_their_day() -> None:
    stamp = pd.Timestamp("2025-01-05")
    assert formats.date("2025-01-05T08:00:00+00:00") == "5 Jan 2025"
    assert formats.period(stamp, WEEKS) == formats.period(stamp, DAYS) == "5 Jan 2025"
    assert formats.period(stamp, MONTHS) == "Jan 2025"
    assert formats.date(None) == formats.date(pd.NaT) == "—"


def test_horizons_agree_with_their_number() -> None:
    assert formats.ahead(1, WEEKS) == "the next week"
    assert formats.ahead(13, WEEKS) == "the next 13 weeks"
    assert formats.ahead_label(6, MONTHS) == "next 6 months"
    assert formats.periods(1, DAYS) == "1 day"


@given(st.integers(1, 99))
def test_odds_say_the_chance_exactly(percent: int) -> None:
    times, _, _, of = formats.odds(percent / 100).replace("times", "time").split(" ")
    assert int(times) * 100 == percent * int(of)


def test_a_level_keeps_its_half_percent() -> None:
    assert formats.level(0.975) == "P97.5"


def test_elasticity_in_words() -> None:
    assert formats.elasticity(1.84) == "A price 1% higher sells about 1.8% fewer units."
    assert "hardly" in formats.elasticity(0.0)
    assert "cannot tell" in formats.elasticity(None)
    assert formats.elasticity_figure(1.84) == "−1.8"
    assert formats.elasticity_figure(0.01) == "0.0"


def test_time_left_is_rough() -> None:
    assert formats.duration(3) == "a few seconds"
    assert formats.duration(47) == "about 50 seconds"
    assert formats.duration(200) == "about 3 minutes"
    assert formats.duration(9000) == "about 2.5 hours"
    assert job_panel.words(Progress(1, 2, "Reading", 47.0)) == "Reading, about 50 seconds left"
    assert job_panel.words(Progress(1, 2, "Reading")) == "Reading"


def test_text_from_the_data_shows_as_written() -> None:
    assert formats.plain("a*b_[c](d)$e$ :red[f]") == r"a\*b\_\[c\]\(d\)\$e\$ \:red\[f\]"


def test_file_names_have_no_odd_signs() -> None:
    assert (
        formats.file_name("Forecast of A/B: 5 %", pd.Timestamp("2025-01-05"), suffix="csv")
        == "forecast-of-a-b-5-2025-01-05.csv"
    )


def test_listing() -> None:
    assert formats.listing([]) == ""
    assert formats.listing(["a"]) == "a"
    assert formats.listing(["a", "b", "c"]) == "a, b and c"


def test_numpy_numbers_are_numbers() -> None:
    assert formats.units(np.float32(1240.4)) == "1,240"
    assert formats.whole(np.int64(1240)) == "1,240"


def test_a_change_is_that_of_the_numbers_shown() -> None:
    assert (formats.units(60.6), formats.units(84.4), formats.change(60.6, 84.4)) == ("61", "84", "+23")
    assert (formats.units(9.46), formats.units(12.2), formats.change(9.46, 12.2)) == ("9.5", "12", "+2.5")
    assert formats.money_change(3907.4, 3971.9) == "+$65 (+1.7%)"


@given(
    st.floats(0, 2000),
    st.lists(st.floats(-300, 300), min_size=1, max_size=6),
)
def test_parts_add_up_to_the_numbers_shown(before: float, parts: list[float]) -> None:
    after = before + sum(parts)
    assume(after >= 0)
    moved, digits = formats.steps(before, parts, after)
    shown_before, shown_after = (float(formats.units(one).replace(",", "")) for one in (before, after))
    if any(abs(part) > 1e-3 for part in parts):
        assert shown_before + sum(moved) == pytest.approx(shown_after, abs=1e-6)
    assert all(abs(one - part) <= 2 * 10.0**-digits for one, part in zip(moved, parts, strict=True))
    assert all(one == 0 for one, part in zip(moved, parts, strict=True) if part == 0)
