"""Recipes: how a file was read is kept for the next of its form, whatever the order of its columns, and can be taken back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from uploads import GOOD, seen

from data.errors import ConfigurationError
from data.sources.upload.load import as_before, decide, recipe_of, review
from data.sources.upload.recipes import Recipe, RecipeStore


def wide(first: str, weeks: int = 12) -> str:
    days = pd.date_range(first, periods=weeks, freq="W-MON")
    return "sku," + ",".join(f"{day:%Y-%m-%d}" for day in days) + "\nA," + ",".join(map(str, range(weeks))) + "\n"


def test_a_recipe_comes_back_from_its_text() -> None:
    got = seen(GOOD)
    mapping = replace(got.mapping, missing="zero", country="DE", commercial={"pack_size": "demand"}, demand="")
    recipe = recipe_of(replace(got, decisions={"sheet": "Müsli"}), mapping)
    assert Recipe.of(recipe.text()) == recipe


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "signature": "x"}'])
def test_what_is_no_recipe_is_said(text: str) -> None:
    with pytest.raises(ConfigurationError, match="recipe"):
        Recipe.of(text)


def test_a_form_is_its_columns_whatever_their_order_and_weeks() -> None:
    assert seen(GOOD).signature == seen("demand,Date,ITEM_ID\n1,2024-01-07,A\n2,2024-01-14,A\n").signature
    assert seen(GOOD).signature != seen(GOOD.replace("demand", "units")).signature
    assert seen(wide("2023-01-02")).signature == seen(wide("2023-01-09")).signature


def test_the_next_file_of_a_form_is_read_as_the_last_was(tmp_path: Path) -> None:
    text = "item,date,qty,other\n" + "".join(f"A,{day},{n},{n * 7 % 5}\n" for n, day in enumerate(("01/01/2024", "01/02/2024")))
    first = seen(text)
    assert not first.loadable
    chosen = decide(first, {"date-order": "months"})
    chosen = review(chosen, replace(chosen.mapping, demand="other", past=("qty",)))
    store = RecipeStore(tmp_path / "recipes")
    store.keep(recipe_of(chosen, chosen.mapping))
    following = seen(text.replace("2024", "2025"), "next.csv")
    found = store.find(following.signature)
    assert found is not None
    again = as_before(following, found)
    assert (again.loadable, again.mapping.demand, again.frequency_words) == (
        True,
        "other",
        "Months, stamped on their first day",
    )
    assert again.recipe == "sales.csv"
    assert [one.signature for one in store.all()] == [following.signature]
    store.forget(following.signature)
    assert store.find(following.signature) is None
    assert store.all() == ()


def test_a_recipe_that_no_longer_fits_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    got = seen(GOOD)
    strange = Recipe(got.signature, "old.csv", replace(got.mapping, price="gone"), {"sheet": "gone"})
    assert as_before(got, strange).mapping == got.mapping
    store = RecipeStore(tmp_path)
    (tmp_path / f"{got.signature}.json").write_text("damaged")
    assert store.find(got.signature) is None
    assert store.find("../../etc/passwd") is None
