"""Rows marked on a grid say what sorting them would: which come twice, and how the dates step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.sources.upload.columns import row_keys
from data.sources.upload.columns.row_keys import counted, different_days, first_rows, looked_up, seen

ROWS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 40)), max_size=60)


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    items = np.array([item for item, _ in rows], dtype=np.int32)
    days = np.array([np.datetime64("NaT") if day < 0 else np.datetime64("2024-01-01") + day for _, day in rows])
    return items, days.astype("datetime64[D]")


@pytest.fixture(autouse=True, scope="module")
def few_at_a_time() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:  # so that every seam between stretches is met
        patch.setattr(row_keys, "_ROWS", 7)
        patch.setattr(row_keys, "_CELLS", 13)
        yield


@given(ROWS)
def test_what_comes_twice_and_the_steps_are_those_of_the_sorted_rows(rows: list[tuple[int, int]]) -> None:
    items, days = arrays(rows)
    whole = sorted((item, day) for item, day in rows if item >= 0 and day >= 0)
    found = seen(items, days)
    if found is None:  # more places than are laid out for so few rows
        return
    assert found.again == len(whole) - len(set(whole))
    steps = [(int(item), int(step)) for owner, by in found.steps() for item, step in zip(owner, by, strict=True)]
    once = sorted(set(whole))
    assert steps == [(a, y - x) for (a, x), (b, y) in pairwise(once) if a == b]


@given(ROWS)
def test_days_are_found_and_looked_up(rows: list[tuple[int, int]]) -> None:
    items, days = arrays(rows)
    known = different_days(days, items >= 0)
    assert known.tolist() == np.unique(days[(items >= 0) & ~np.isnat(days)]).tolist()
    place = looked_up(days, known, np.arange(len(known)))
    assert [known[p] if p >= 0 else None for p in place] == [day if day in known else None for day in days]


@given(st.lists(st.integers(-1, 9), max_size=50))
def test_first_rows_and_counts(codes: list[int]) -> None:
    found = np.array(codes, dtype=np.int8)
    assert first_rows(found, 10).tolist() == [codes.index(code) if code in codes else len(codes) for code in range(10)]
    assert counted(found, 10).tolist() == [codes.count(code) for code in range(10)]
