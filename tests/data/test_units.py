"""Units: factors invert each other, and what is no factor is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uploads import loaded, seen

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


def test_a_files_weight_is_an_attribute_that_groups_nothing_and_offers_kilograms(tmp_path: Path) -> None:
    rows = [
        f"{item},{day:%Y-%m-%d},{week},{weight},{pallet},{brand}"
        for item, weight, pallet, brand in (("A", "0.25", 80, "own"), ("B", "1.5", 40, "other"), ("C", "1.5", 40, "own"))
        for week, day in enumerate(pd.date_range("2024-01-07", periods=12, freq="7D"))
    ]
    got = seen("\n".join(["item_id,date,demand,weight_kg,units_per_pallet,brand", *rows]))
    assert got.mapping.demand == "demand"
    assert got.mapping.static == ("brand", "weight_kg", "units_per_pallet")
    catalog = loaded(got, tmp_path)
    try:
        assert catalog.about.static == ("brand", "units_per_pallet", "weight_kg")
        assert set(catalog.about.grouped_by) <= {"", "brand"}
        known = catalog.assortment()
        assert known.category.categories.tolist() == ["other", "own"]
        kg = named(*catalog.about.static)["kg"]
        found = dict(zip(known.item_ids.tolist(), kg.factors(known.measures["weight_kg"]), strict=True))
        assert found == {"A": 0.25, "B": 1.5, "C": 1.5}
        assert kg.factor(catalog.item("A").static) == 0.25
    finally:
        catalog.close()
