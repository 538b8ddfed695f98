"""The numbers of a small desk fit together on all its pages, and the checker finds those that do not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import streamlit as st
from agreement.reading import in_a_unit, read_desk
from agreement.shown import Ledger, plain, read

from data.sources.simulator.settings import Planted
from forecasting import workflows
from forecasting.models.mqtransformer.settings import TrainingSettings

MOMENT = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=2, look_every=1, patience=1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small simulated catalog with stockouts and orders, and a model that was trained for a moment."""
    main, home = sys.modules["__main__"], tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDELINE_HOME", str(home))
        workflows.load_simulated(30, 60, 4, lambda progress: None, Planted(orders=True))
        workflows.train(lambda progress: None, MOMENT)
        workflows.look_back(lambda progress: None)
        st.cache_resource.clear()
        yield home
        st.cache_resource.clear()
    sys.modules["__main__"] = main


def test_the_numbers_of_a_small_desk_agree(desk: Path) -> None:
    found = read_desk(3, lambda words: None, alerts=3)
    assert found.read == 3
    assert sum(found.alert_kinds.values()) > 0
    assert found.book.checked > 2000
    assert not found.book.wrong, found.book.wrong


@pytest.mark.parametrize("unit", ["cases", "money"])
def test_an_item_agrees_with_itself_in_another_unit(desk: Path, unit: str) -> None:
    book, best = Ledger(), workflows.open_service().search("", 1).rows[0].item_id
    in_a_unit(book, best, unit)
    assert book.checked > 300
    assert not book.wrong, book.wrong


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        ("difference", ("61", "84", "+24")),
        ("same", ("312", "316")),
        ("same", ("—", "0.0")),
        ("adds", ("12", ["+3.3"], "16")),
        ("sums", (["1.2", "3.4"], "4.9")),
        ("within", ("3,180", "5,100", "5,029")),
    ],
)
def test_what_does_not_fit_is_found(check: str, arguments: tuple[object, ...]) -> None:
    book = Ledger()
    getattr(book, check)("kind", *arguments)
    assert (book.checked, book.contradictions) == (1, 1)


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        ("difference", ("61", "84", "+23")),
        ("difference", ("9.5", "12", "+2.5")),
        ("same", ("83", "83.4")),
        ("same", ("—", "—")),
        ("adds", ("277", ["−51", "+75", "0"], "301")),
        ("sums", (["1.2", "3.4"], "4.7")),
        ("within", ("0.0", "0.3", "1.2")),
    ],
)
def test_what_fits_is_left_alone(check: str, arguments: tuple[object, ...]) -> None:
    book = Ledger()
    getattr(book, check)("kind", *arguments)
    assert (book.checked, book.contradictions) == (1, 0)


def test_percentages_are_judged_within_what_rounding_allows() -> None:
    book = Ledger()
    book.share("kind", "39", "40", "98%")
    book.share("kind", "4,026", "3,961", "+1.6%", less=1)
    assert book.contradictions == 0
    book.share("kind", "39", "40", "93%")
    book.share("kind", "4,026", "3,961", "+2.6%", less=1)
    assert book.contradictions == 2


def test_numbers_are_read_as_they_are_shown() -> None:
    shown = read("−$1,240.50")
    assert shown is not None
    assert (shown.value, shown.step) == (Decimal("-1240.50"), Decimal("0.01"))
    assert read("—") is None
    assert plain(":material/info: **9,5** a\\.b") == "9,5 a.b"
