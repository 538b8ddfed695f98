"""Units: factors invert each other, and what is no factor is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.groups import grouping_columns
from data.units import CASES, PIECES, is_factor, money, units_of


def named(*columns: str, packs: bool = False, prices: bool = False) -> dict[str, object]:
    return {one.name: one for one in units_of(columns, packs=packs, prices=prices, currency="EUR")}


@given(pack=st.floats(0.01, 1e5), pieces=st.floats(0, 1e7))
def test_pieces_and_cases_invert_each_other(pack: float, pieces: float) -> None:
    factor = CASES.factor({"pack_size": pack})
    assert factor is not None
    assert pieces * factor * pack == pytest.approx(pieces)


def test_a_weight_is_in_a_piece_and_a_pallet_holds_pieces() -> None:
    known = named("brand", "weight_kg", "units_per_pallet")
    row = {"weight_kg": "0,5", "units_per_pallet": "80"}
    assert (known["kg"].factor(row), known["pallets"].factor(row)) == (0.5, 1 / 80)


@pytest.mark.parametrize("told", [None, "", "n/a", "0", "-3", "nan", "inf", 0.0])
def test_what_is_no_number_above_nothing_is_no_factor(told: object) -> None:
    assert CASES.factor({"pack_size": told}) is None


def test_a_catalog_without_any_factor_has_pieces_and_money_where_prices_are_known() -> None:
    assert list(named("brand")) == ["pieces"]
    assert list(named("brand", prices=True)) == ["pieces", "money"]
    assert list(named(packs=True, prices=True)) == ["pieces", "cases", "money"]
    assert money("EUR").label == "EUR"
    assert units_of((), packs=False, prices=False, currency="EUR") == (PIECES,)


def test_of_two_columns_for_one_unit_the_first_counts() -> None:
    assert named("kg_per_unit", "weight_kg")["kg"].column == "kg_per_unit"


def test_what_measures_a_piece_groups_nothing() -> None:
    static = {"category": np.array(["a", "a", "b", "b"]), "weight_kg": np.array(["1", "1", "2", "2"])}
    assert is_factor("Weight_kg")
    assert grouping_columns(static) == ("", "category")
