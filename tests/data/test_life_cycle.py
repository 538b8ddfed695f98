"""What replaces what and what has ended: histories that go on, forecasts that stop, and nothing of it before it was known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from catalogs import write
from factories import counting_panel, make_panel
from hypothesis import given, settings
from hypothesis import strategies as st
from uploads import loaded, seen

from data.corrected_catalog import CorrectedCatalog
from data.groups import group_series
from data.history_marks import Ledger, Mark
from data.life_cycle import Pair, lived, seems_over
from data.schema import Panel
from forecasting.core.life_cycle import kept_demand
from forecasting.core.time_splits import actuals_after, history_until, plan_after
from forecasting.models.baselines import SeasonalNaive

LAUNCH = 6


def line() -> Panel:
    """Item 0 is followed by item 1 in period 6: both sell in it, and demand is 100 n + s else."""
    panel = counting_panel(2, 12)
    demand = panel.demand.copy()
    demand[0, LAUNCH + 1 :], demand[1, :LAUNCH] = np.nan, np.nan
    return replace(panel, demand=demand)


PAIRS = {"item 1": Pair("item 1", "item 0", ratio=2.0)}


def test_a_successor_is_read_as_going_on_where_the_other_ended() -> None:
    panel = line()
    got = lived(panel, [], PAIRS, panel)
    assert got.demand[1].tolist() == [0, 2, 4, 6, 8, 10, 106 + 12, 107, 108, 109, 110, 111]
    np.testing.assert_array_equal(got.demand[0], panel.demand[0])
    assert got.life is not None
    assert got.life.lent(got.periods)[1].tolist() == [True] * 6 + [False] * 6
    assert got.known["promo"][1, :LAUNCH].tolist() == panel.known["promo"][0, :LAUNCH].tolist()
    price = got.known["price"][1]
    assert price[LAUNCH - 1] == pytest.approx(price[LAUNCH]), "prices are lent as a course, not as a level"
    alone = lived(panel.take([1]), [], PAIRS, panel)
    np.testing.assert_array_equal(alone.demand[0], got.demand[1])


def test_the_old_item_ends_and_nothing_of_it_was_known_before_the_launch() -> None:
    panel = line()
    got = lived(panel, [], PAIRS, panel)
    ahead = panel.frequency.after(panel.last, 3)
    assert kept_demand(got, ahead).tolist() == [[0, 0, 0], [1, 1, 1]]
    for t in range(LAUNCH):
        before = history_until(got, t)
        assert kept_demand(before, got.periods[t + 1 : t + 4]).tolist() == [[1] * 3, [1] * 3]
        np.testing.assert_array_equal(before.demand, panel.demand[:, : t + 1])
        assert np.isnan(actuals_after(got, t, 3)[1, : LAUNCH - t - 1]).all()
    assert np.isfinite(history_until(got, LAUNCH).demand[1]).all()


def test_an_item_that_is_still_to_come_has_the_others_history_and_sells_from_its_date_on() -> None:
    panel = counting_panel(2, 12)
    demand = panel.demand.copy()
    demand[1] = np.nan
    panel = replace(panel, demand=demand)
    ahead = panel.frequency.after(panel.last, 4)
    pair = Pair("item 1", "item 0", since=ahead[2], known=panel.last)
    got = lived(panel, [], {"item 1": pair}, panel)
    np.testing.assert_array_equal(got.demand[1], got.demand[0])
    assert kept_demand(got, ahead).tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    assert np.isnan(history_until(got, 8).demand[1]).all(), "nobody knew of the pair then"
    assert (kept_demand(history_until(got, 8), ahead) == 1).all()


def test_a_share_is_taken_until_a_date_and_both_are_read_as_one_line() -> None:
    panel = line()
    ahead = panel.frequency.after(panel.last, 4)
    pair = Pair("item 1", "item 0", ratio=2.0, share=0.25, until=ahead[2])
    panel = replace(panel, demand=np.where(np.isnan(panel.demand), [[10.0], [np.nan]], panel.demand).astype(np.float32))
    got = lived(panel, [], {"item 1": pair}, panel)
    np.testing.assert_allclose(kept_demand(got, ahead), [[0.75, 0.75, 0, 0], [0.25, 0.25, 1, 1]])
    np.testing.assert_allclose(got.demand[0, LAUNCH:] * 2, got.demand[1, LAUNCH:])


def test_planners_say_that_an_item_has_ended_or_is_sold_on() -> None:
    panel = counting_panel(2, 12)
    ahead = panel.frequency.after(panel.last, 3)
    day = f"{ahead[1]:%Y-%m-%d}"
    ended = Mark("ended", day, "", "item 0", reason="delisted", known=f"{panel.last:%Y-%m-%d}")
    got = lived(panel, [ended], {}, None)
    assert kept_demand(got, ahead).tolist() == [[1, 0, 0], [1, 1, 1]]
    assert (kept_demand(history_until(got, 10), ahead) == 1).all()
    again = Mark("sold on", "", "", "item 0", reason="back again")
    assert (kept_demand(lived(panel, [ended, again], {}, None), ahead) == 1).all()


def quiet(sold: np.ndarray, alias: str = "W-SUN") -> Panel:
    """One item that sold in these periods."""
    panel = counting_panel(1, len(sold), alias=alias)
    return replace(panel, demand=np.asarray(sold, np.float32)[None])


def test_a_regular_item_that_went_silent_is_taken_for_ended_and_told_so_once_it_was_long_enough() -> None:
    demand = np.r_[np.full(80, 5.0), np.zeros(30)]
    panel = quiet(demand)
    over = [bool(seems_over(history_until(panel, t))[0]) for t in range(110)]
    first = over.index(True)
    assert 80 + 13 <= first + 1 <= 80 + 15
    assert all(over[first:])
    assert seems_over(quiet(np.r_[np.full(80, 5.0), np.full(30, np.nan)]))[0], "not recorded any more is silence, too"
    stocked_out = replace(panel, in_stock=np.where(demand > 0, 1.0, 0.0).astype(np.float32)[None])
    assert not seems_over(stocked_out)[0]


def test_a_season_is_not_taken_for_an_end() -> None:
    summer = np.tile(np.r_[np.full(20, 9.0), np.zeros(32)], 3)
    assert not any(seems_over(history_until(quiet(summer), t))[0] for t in range(len(summer)))
    assert not seems_over(quiet(np.r_[np.full(20, 9.0), np.zeros(40)]))[0], "less than a year of sales shows no season"


@given(st.integers(0, 10_000), st.floats(0.03, 0.6))
@settings(max_examples=60, deadline=None)
def test_rare_sellers_are_not_taken_for_ended(seed: int, rate: float) -> None:
    sold = np.random.default_rng(seed).random((20, 156)) < rate
    panel = counting_panel(20, 156, alias="W-SUN")
    assert seems_over(replace(panel, demand=sold.astype(np.float32))).sum() <= 1


def test_a_forecast_of_what_has_ended_is_nothing_and_of_the_rest_what_it_was() -> None:
    panel = make_panel(4, 120)
    demand = panel.demand.copy()
    demand[2, 90:] = 0
    panel = replace(panel, demand=demand)
    model = SeasonalNaive()
    model.fit(panel, panel.last, 4)
    plan = plan_after(panel, 119, 4)
    (got,) = model.forecast(panel, [panel.last], plan)
    assert not got.values[2].any()
    assert not got.cumulative[2].any()
    assert got.values[[0, 1, 3]].any(axis=(1, 2)).all()
    early = model.forecast(panel, [panel.periods[88]])[0]
    assert early.values[2].any(), "nothing was known of its end then"


def test_marks_after_a_creation_date_do_not_change_what_was_forecast_at_it(tmp_path: Path) -> None:
    panel, t = make_panel(6, 60), 40
    marks = [
        Mark("one-off", *[f"{panel.periods[t + 1]:%Y-%m-%d}"] * 2, "item 1", units=3.0),
        Mark("event", f"{panel.periods[t + 1]:%Y-%m-%d}", f"{panel.periods[t + 5]:%Y-%m-%d}", name="Strike"),
        Mark("out of stock", *[f"{panel.periods[t + 2]:%Y-%m-%d}"] * 2, "item 2"),
        Mark("ended", f"{panel.periods[t + 3]:%Y-%m-%d}", "", "item 3", known=f"{panel.periods[t + 3]:%Y-%m-%d}"),
    ]
    path = write(tmp_path / "catalog.duckdb", panel, name="shop")
    plain = CorrectedCatalog(path, lambda name: Ledger()).panel()
    marked = CorrectedCatalog(path, lambda name: Ledger(4, tuple(marks))).panel()
    model = SeasonalNaive()
    model.fit(plain, plain.periods[t], 4)
    before, after = (model.forecast(one, [one.periods[t]])[0] for one in (plain, marked))
    np.testing.assert_array_equal(before.values, after.values)
    for old, new in zip(history_until(plain, t).groups, history_until(marked, t).groups, strict=True):
        np.testing.assert_array_equal(old.demand, new.demand)
    later = marked.periods[t + 4]
    assert not np.array_equal(*(model.forecast(one, [later])[0].values for one in (plain, marked))), "a leak would be seen"


def test_the_column_replaces_of_a_file_makes_pairs_and_groups_nothing(tmp_path: Path) -> None:
    days = pd.date_range("2024-01-01", periods=30, freq="W-MON")
    lines = [(f"{age}-{brand}", brand) for brand in ("A", "B") for age in ("OLD", "NEW")]
    rows = [
        f"{item},{day:%Y-%m-%d},{units},{brand},{replaces}"
        for item, brand in lines
        for replaces, part, units in [("", days[:20], 10) if item.startswith("OLD") else (f"OLD-{brand}", days[20:], 12)]
        for day in part
    ]
    loaded(seen("\n".join(["item,week,units,brand,replaces", *rows])), tmp_path)
    catalog = CorrectedCatalog(next(tmp_path.glob("*.duckdb")), lambda name: Ledger())
    panel = catalog.panel(["NEW-A", "OLD-A"])
    assert panel.demand[0].tolist() == [10] * 20 + [12] * 10
    assert {group.column for group in panel.groups} <= {"", "brand"}
    ahead = panel.frequency.after(panel.last, 2)
    assert kept_demand(panel, ahead).tolist() == [[1, 1], [0, 0]]
    np.testing.assert_array_equal(catalog.panel(["OLD-A"]).life.ends, panel.life.ends[1:])
    items = [one.item_id for one in catalog.search("").rows]
    assert dict(zip(items, catalog.known_periods(), strict=True))["NEW-A"] == 30, "it is no new item"
    (whole,) = (group for group in panel.groups if group.column == "")
    (recorded, *_) = group_series(catalog.imported(["NEW-A", "OLD-A", "NEW-B", "OLD-B"]))
    np.testing.assert_array_equal(whole.demand, recorded.demand, "what was lent is counted once in sums")
