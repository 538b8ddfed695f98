"""What orders tell: lead times that are pooled, mixed as they were seen, and arrivals that count or come too late."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from catalogs import panel_of, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from data.assortment import Assortment
from data.catalog import Catalog
from data.facts import About
from data.orders import Orders
from data.planner_store import Term
from data.schema import COMMERCIAL
from data.sources.simulator import simulate
from data.sources.simulator.orders import SUPPLIERS, lead_time_laws
from forecasting.core import quantile_function
from forecasting.core.quantile_function import TAUS
from forecasting.inventory.lead_times import PSEUDO, Supply, supply_of
from forecasting.purchasing.alerts import REASONS, alerts
from forecasting.purchasing.plan_inputs import PlanInputs
from forecasting.purchasing.purchase_plan import BuyPlan, buy_plan
from forecasting.purchasing.purchase_terms import BuySettings

KNOTS = np.array(TAUS)
LAST = pd.Timestamp("2024-06-30")  # a Sunday: the week 24–30 June
MEAN, DEVIATION, HORIZON = 100.0, 30.0, 13
Row = tuple[str, str, str, str, float]


@pytest.fixture(scope="module")
def about(tmp_path_factory: pytest.TempPathFactory) -> About:
    with closing(Catalog(write(tmp_path_factory.mktemp("about") / "catalog.duckdb", panel_of(6)))) as catalog:
        return replace(catalog.about, last=LAST)


def orders_of(rows: list[Row]) -> Orders:
    ids, ordered, due, received, units = zip(*rows, strict=True) if rows else ((),) * 5
    days = [np.array([day or "NaT" for day in column], "datetime64[D]") for column in (ordered, due, received)]
    return Orders(np.array(ids, object), days[0], days[1], days[2], np.array(units, float))


def took(item: str, *weeks: int) -> list[Row]:
    """Receipts of an item that took so many weeks."""
    ordered = np.datetime64("2024-01-03")
    return [(item, str(ordered), "", str(ordered + 7 * week), 10.0) for week in weeks]


def assortment(items: int = 4, suppliers: list[str] | None = None, **known: list[float]) -> Assortment:
    ids = [f"I{n}" for n in range(items)]
    empty = np.full(items, np.nan)
    return Assortment(
        item_ids=np.array(ids, object),
        names=pa.chunked_array([ids]),
        search_text=pa.chunked_array([ids]),
        category=pd.Categorical(["Tea", "Rice"] * (items // 2) + ["Tea"] * (items % 2)),
        commercial={name: np.array(known.get(name, empty), float) for name in COMMERCIAL},
        supplier=None if suppliers is None else pd.Categorical(suppliers),
    )


def made(every: Assortment, supply: Supply | None) -> PlanInputs:
    """Demand of h weeks is normal, with mean 100 h and deviation 30 √h."""
    ahead = np.arange(1, HORIZON + 1)[:, None]
    spans = MEAN * ahead + DEVIATION * np.sqrt(ahead) * norm.ppf(KNOTS)
    whole = np.broadcast_to(spans, (len(every), HORIZON, len(KNOTS))).astype(np.float32)
    return PlanInputs(every, KNOTS, whole, np.arange(len(every)), LAST, supply)


def bought(every: Assortment, rows: list[Row], about: About, asked: BuySettings | None = None, **how: object) -> BuyPlan:
    return buy_plan(made(every, supply_of(orders_of(rows), every, about)), asked or BuySettings(), {}, **how)


# lead times


def test_receipts_are_counted_in_periods_and_later_ones_are_not_known_yet(about: About) -> None:
    rows = [*took("I0", 2, 2, 5), ("I0", "2024-06-12", "", "2024-07-03", 9.0)]
    supply = supply_of(orders_of(rows), assortment(), about)
    assert supply.periods.tolist() == [2, 5]
    assert supply.counts[0].tolist() == [2, 1]
    assert supply.record(0).own == 3
    assert (supply.record(0).shortest, supply.record(0).longest) == (2, 5)
    assert supply.arrives.tolist() == [1], "the one that came in the week after the last on record was open then"


def test_few_receipts_are_drawn_towards_the_supplier_and_that_towards_everybody(about: About) -> None:
    every = assortment(4, ["East", "East", "West", "North"])
    rows = [*took("I0", 1, 1), *took("I1", *[3] * 20), *took("I2", *[6] * 10)]
    supply = supply_of(orders_of(rows), every, about)
    everybody = np.array([2, 20, 10]) / 32
    east = (np.array([2, 20, 0]) + PSEUDO * everybody) / (22 + PSEUDO)
    np.testing.assert_allclose(supply.chances[0], (np.array([2, 0, 0]) + PSEUDO * east) / (2 + PSEUDO), rtol=1e-6)
    np.testing.assert_allclose(supply.chances[3], everybody, rtol=1e-6)
    assert (supply.record(0).supplier, supply.record(0).pooled) == ("East", 22)
    assert (supply.record(3).supplier, supply.record(3).pooled) == ("", 32), "nobody has bought from North yet"
    many = supply_of(orders_of([*rows, *took("I0", *[1] * 2000)]), every, about)
    assert many.chances[0, 0] > 0.99, "its own receipts win where there are many"


def test_receipts_come_before_the_column_and_the_column_before_the_pool(about: About) -> None:
    every = assortment(3, None, lead_time=[9.0, 9.0, np.nan])
    terms = (Term("lead_time", 7.0),)
    plan = bought(every, took("I0", 2, 4), about, saved=terms)
    assert plan.periods.tolist() == [4.0, 10.0, 4.0]
    assert plan.give_or_take.tolist() == [1.0, 0.0, 1.0]
    assert plan.assumed.get("lead_time") is None
    without = buy_plan(made(every, None), BuySettings(), {}, terms)
    assert without.periods.tolist() == [10.0, 10.0, 8.0]


def test_the_mixture_is_what_monte_carlo_draws(about: About) -> None:
    rng = np.random.default_rng(1)
    plan = bought(assortment(1), took("I0", *[1] * 6, *[2] * 3, *[6] * 3), about)
    weeks = rng.choice([1, 2, 6], 400_000, p=[0.5, 0.25, 0.25]) + 1.0
    drawn = MEAN * weeks + DEVIATION * np.sqrt(weeks) * rng.standard_normal(len(weeks))
    got = quantile_function.quantile(KNOTS, plan.knots[:, None], np.array([0.3, 0.5, 0.8, 0.9, 0.95]))[0]
    np.testing.assert_allclose(got, np.quantile(drawn, [0.3, 0.5, 0.8, 0.9, 0.95]), rtol=0.02)


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 6), st.integers(0, 2), st.integers(0, 2), st.floats(0.9, 0.95))
def test_less_certain_lead_times_with_the_same_mean_never_lower_a_high_quantile(
    about: About, middle: int, near: int, more: int, tau: float
) -> None:
    far = min(near + more, middle)
    asked = BuySettings(tau=tau)
    tight = bought(assortment(1), took("I0", middle - near, middle + near), about, asked)
    wide = bought(assortment(1), took("I0", middle - far, middle + far), about, asked)
    assert tight.periods[0] == pytest.approx(wide.periods[0])
    assert wide.order.need[0] >= tight.order.need[0]


def test_pooling_foresees_a_lead_time_better_than_the_item_or_the_pool_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalog.duckdb"
    simulate.load(path, simulate.Simulation(items=600, periods=60, seed=5, orders=True))
    with closing(Catalog(path)) as catalog:
        every = catalog.assortment()
        supply = supply_of(catalog.orders(), every, catalog.about)
    laws = lead_time_laws(5)
    assert set(supply.periods) <= set(laws.periods)
    truth = laws.chances[[SUPPLIERS.index(one) for one in every.supplier]]
    assert truth[:, len(supply.periods) :].max(initial=0.0) < 1e-3, "what never came is next to impossible"
    truth = truth[:, : len(supply.periods)] / truth[:, : len(supply.periods)].sum(axis=1, keepdims=True)
    own = supply.counts.sum(axis=1)
    few = (own > 0) & (own < 8)

    def score(chances: np.ndarray) -> float:
        """Mean log chance of what truly comes."""
        return float((truth * np.log(np.maximum(chances, 1e-4))).sum(axis=1)[few].mean())

    alone = np.where(own[:, None] > 0, supply.counts / np.maximum(own[:, None], 1), 1 / len(supply.periods))
    everybody = np.broadcast_to(supply.counts.sum(axis=0) / supply.counts.sum(), supply.counts.shape)
    best = float((truth * np.log(np.maximum(truth, 1e-300))).sum(axis=1)[few].mean())
    assert few.sum() > 100
    gaps = [best - score(one) for one in (supply.chances, alone, everybody)]
    assert gaps[0] < 0.35 * min(gaps[1:])
    np.testing.assert_allclose(supply.mean[own >= 10], (truth @ supply.periods)[own >= 10], atol=1.0)


# arrivals


def test_open_orders_arrive_when_they_are_due_or_usually_come_and_overdue_ones_next(about: About) -> None:
    rows = [
        *took("I0", 3, 3),
        ("I0", "2024-06-20", "2024-07-19", "", 5.0),  # due in the third week
        ("I0", "2024-06-20", "", "", 7.0),  # ordered in the week before the last, takes 3
        ("I0", "2024-05-20", "2024-06-10", "", 11.0),  # should have come
        ("I0", "2024-05-20", "", "", 13.0),  # usually would have
        ("I1", "2024-06-25", "", "", 17.0),  # everybody's 3 weeks
    ]  # fmt: skip
    supply = supply_of(orders_of(rows), assortment(), about)
    assert supply.arrives.tolist() == [3, 2, 1, 1, 3]
    assert supply.is_overdue.tolist() == [False, False, True, True, False]
    assert supply.arriving[0].tolist() == [24, 7, 5]
    listed = supply.open_orders(np.array([0]), 3)
    assert [(one.units, one.expected) for one in listed] == [(11, "2024-07-07"), (13, "2024-07-07"), (7, "2024-07-14")]
    assert [one.due for one in listed] == ["2024-06-10", "", ""]


def test_open_orders_take_the_place_of_the_column_and_only_those_in_time_count(about: About) -> None:
    every = assortment(3, None, lead_time=[1.0] * 3, on_hand=[0.0] * 3, on_order=[500.0] * 3, arrives_in=[1.0] * 3)
    rows = [("I0", "2024-06-20", "2024-07-03", "", 40.0), ("I0", "2024-06-20", "2024-07-30", "", 60.0)]
    plan = bought(every, rows, about)
    first, other = plan.lines([0, 1])
    assert (first.on_order, first.later) == (40.0, 60.0)
    assert (other.on_order, other.later) == (500.0, 0.0)
    assert first.gap == first.need - 40 - first.lost_before
    patient = bought(every, rows, about, BuySettings(review=5.0))
    assert patient.lines([0])[0].on_order == 100.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-30, 90), st.integers(1, 900)), max_size=12),
    st.lists(st.integers(0, 9), max_size=12),
    st.floats(0.05, 0.98),
)
def test_orders_never_make_a_quantity_negative_or_broken_and_more_on_the_way_buys_no_more(
    about: About, open_: list[tuple[int, int, int]], weeks: list[int], tau: float
) -> None:
    known = {"pack_size": [6.0] * 4, "min_order": [12.0] * 4, "lead_time": [2.0] * 4, "on_hand": [40.0] * 4}
    every = assortment(4, None, **known)
    received = took("I1", *weeks)
    coming = [(f"I{n}", "2024-05-01", str(np.datetime64("2024-06-30") + day), "", units) for n, day, units in open_]
    coming = [(one, ordered, due if due >= ordered else "", came, units) for one, ordered, due, came, units in coming]
    asked = BuySettings(tau=tau)
    plan, without = bought(every, [*received, *coming], about, asked), bought(every, received, about, asked)
    assert (plan.quantity >= 0).all()
    assert (plan.quantity % 6 == 0).all()
    assert ((plan.quantity == 0) | (plan.quantity >= 12)).all()
    assert (plan.quantity <= without.quantity).all()
    assert plan.order.on_order + plan.later == pytest.approx(
        np.bincount([n for n, _, _ in open_], [units for *_, units in open_], 4)
    )


def test_today_sees_the_gap_before_an_arrival_and_the_lead_time_that_may_be_long(about: About) -> None:
    def missed(rows: list[Row], hand: float) -> float:
        every = assortment(1, None, on_hand=[hand], lead_time=[4.0])
        found = alerts(made(every, supply_of(orders_of(rows), every, about)), BuySettings(), np.array([99]))
        at = found.reason == REASONS.index("shortage")
        return float(found.units[at].sum())

    late, soon = (("I0", "2024-06-20", due, "", 400.0) for due in ("2024-07-26", "2024-07-02"))
    assert missed([soon], 100.0) < 5
    assert missed([late], 100.0) == pytest.approx(200, abs=15), "the shelf is empty for two weeks before it comes"
    assert missed([], 100.0) == pytest.approx(300, abs=15)
    sure, unsure = took("I0", *[4] * 8), took("I0", *[2] * 4, *[6] * 4)
    assert missed(unsure, 400.0) > missed(sure, 400.0) + 20


def test_a_supplier_is_a_scope(about: About) -> None:
    every = assortment(4, ["East", "West", "East", "West"])
    plan = bought(every, took("I0", 2), about, BuySettings(supplier="East"))
    assert plan.rows.tolist() == [0, 2]
    with pytest.raises(Exception, match="no supplier 'Nobody'"):
        bought(every, took("I0", 2), about, BuySettings(supplier="Nobody"))
