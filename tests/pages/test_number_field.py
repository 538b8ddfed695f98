"""A number is read as it is written; what cannot be meant is refused with a word, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.display.number_field import Range, read

Visit = Callable[..., AppTest]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2,40", 2.4),
        ("2.40", 2.4),
        ("1,240", 1240),
        ("1.240,5", 1240.5),
        ("1 240", 1240),
        ("$3", 3),
        ("3 €", 3),
        ("0.125", 0.125),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, value: float) -> None:
    assert read(text, Range(0, 5000)) == value


@pytest.mark.parametrize(
    "text", ["words", "-5", "", "9999", "nan", "inf", "1e9", "1.240", "1,2,3", "=1+1", "1" + "." * 100_000]
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|needed|may be"):
        read(text, Range(0, 5000))


def test_a_long_text_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="is not a number"):
        read("1" + "." * 100_000, Range(0, 5000))


def test_a_refused_number_leaves_the_address_and_says_what_counts(visit: Visit) -> None:
    app = visit("buy_plan", budget="250")
    app.text_input(key="budget").set_value("words").run()
    assert app.query_params["budget"] == "250"
    assert app.text_input(key="budget").value == "250"
    assert any("words” is not a number" in one.value and "250 still counts" in one.value for one in app.caption)
    app.text_input(key="budget").set_value("2,40").run()
    assert app.query_params["budget"] == "2.4"
    assert not any("still counts" in one.value for one in app.caption)
    app.text_input(key="budget").set_value("").run()
    assert "budget" not in app.query_params


def test_the_chosen_quantile_is_typed(visit: Visit) -> None:
    app = visit("buy_plan")
    app.text_input(key="tau typed").set_value("95").run()
    assert app.query_params["tau"] == "0.95"
    assert app.slider(key="tau").value == 95
    app.text_input(key="tau typed").set_value("100").run()
    assert app.query_params["tau"] == "0.95"
    assert any("is not between 1 and 99" in one.value for one in app.caption)
