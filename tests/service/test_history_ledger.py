"""The ledger behind the desk: a mark is in the next forecast, undone it is as before, and lists say that they are behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from catalogs import panel_of, write

from data.corrected_catalog import CorrectedCatalog
from data.history_marks import Mark
from forecasting import workflows
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.planning_service import PlanningService

SMALL = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=5, look_every=5, width=8, decoder_width=12)
HORIZON = 4


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A catalog and a model that has seen five steps of training."""
    home = tmp_path_factory.mktemp("home")
    path = write(home / "catalog.duckdb", panel_of(12, 30), name="Mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDELINE_HOME", str(home))
        patch.setattr(workflows, "SHIPPED", home / "shipped")
        catalog = CorrectedCatalog(path, workflows.planner_store().ledger)
        model, panel = MQTransformerForecaster(SMALL), catalog.panel()
        model.fit(panel, panel.last, HORIZON)
        catalog.close()
        assert model.card is not None
        model.card = replace(model.card, catalog_name="Mine")
        model.save(home / "model")
        assert workflows.prepare(lambda progress: None) == ()
        yield home


@pytest.fixture
def service(home: Path) -> Iterator[PlanningService]:
    """The desk, with an empty ledger before and after."""
    opened = workflows.open_service()
    yield opened
    ledger = workflows.planner_store().ledger("Mine")
    for mark in ledger.marks:
        ledger = workflows.planner_store().undo_mark("Mine", mark, ledger.version)
    if opened.forecasts.status().behind:
        opened.forecasts.summarise(lambda progress: None)
    opened.close()


def marked(mark: Mark) -> None:
    store = workflows.planner_store()
    store.add_mark("Mine", replace(mark, reason="so it was"), store.ledger("Mine").version)


def last_stamp(service: PlanningService, back: int = 1) -> str:
    return f"{service.items.history(best(service)).periods[-back]:%Y-%m-%d}"


def best(service: PlanningService) -> str:
    return service.forecasts.today().rows[0].item_id


def test_a_mark_is_in_the_next_forecast_and_undone_all_is_as_before(service: PlanningService) -> None:
    item, stamp = best(service), last_stamp(service)
    before, errors = service.items.view(item), service.items.past_forecasts(item, HORIZON)
    marked(Mark("wrong", stamp, stamp, item, units=500.0))
    after = service.items.view(item)
    assert not np.array_equal(after.forecast.values, before.forecast.values)
    assert after.history.demand[-1] == 500
    assert after.history.imported is not None
    np.testing.assert_array_equal(after.history.imported, before.history.demand)
    assert service.items.record(item).changed.nonzero()[0].tolist() == [len(after.history.periods) - 1]
    np.testing.assert_allclose(service.forecasts.forecast([item]).first(HORIZON).values, after.forecast.values, rtol=1e-5)
    for old, new in zip(errors, service.items.past_forecasts(item, HORIZON), strict=True):
        np.testing.assert_array_equal(old.forecast.values, new.forecast.values, "what came later was marked")
    store = workflows.planner_store()
    store.undo_mark("Mine", store.ledger("Mine").marks[0], store.ledger("Mine").version)
    np.testing.assert_array_equal(service.items.view(item).forecast.values, before.forecast.values)
    assert not service.forecasts.status().behind


def test_lists_are_behind_until_all_items_are_forecast_again(service: PlanningService, home: Path) -> None:
    item, stamp = best(service), last_stamp(service)
    expected = service.forecasts.today().rows[0].expected_units
    marked(Mark("wrong", stamp, stamp, item, units=500.0))
    assert service.forecasts.status().behind
    assert service.forecasts.today().rows[0].expected_units == expected
    workflows.forecast_all(lambda progress: None)
    again = workflows.open_service()
    try:
        assert not again.forecasts.status().behind
        row = next(row for row in again.forecasts.today().rows if row.item_id == item)
        assert row.expected_units is not None
        assert row.expected_units == pytest.approx(again.items.view(item).forecast.mean().sum(), rel=1e-4)
    finally:
        again.close()


def test_what_has_ended_sells_nothing_and_leaves_the_lists(service: PlanningService) -> None:
    item = best(service)
    ahead = service.figures().frequency.after(service.figures().last, 1)[0]
    every = len(service.purchases.plan(BuySettings(), {}))
    marked(Mark("ended", f"{ahead:%Y-%m-%d}", "", item, known=f"{service.figures().last:%Y-%m-%d}"))
    view = service.items.view(item)
    assert not view.forecast.values.any()
    assert view.life.is_over
    service.forecasts.summarise(lambda progress: None)
    assert item not in [row.item_id for row in service.forecasts.today().rows]
    assert item not in [row.item_id for row in service.forecasts.today("recent").rows]
    plan = service.purchases.plan(BuySettings(), {})
    assert len(plan) == every - 1
    assert service.purchases.plan(BuySettings(item=item), {}).totals.units == 0
    assert item not in [alert.item_id for alert in service.purchases.alerts().of(range(len(service.purchases.alerts())))]


def test_an_item_that_replaces_another_shows_both_as_one_line(service: PlanningService) -> None:
    rows = service.forecasts.today().rows
    new, old = rows[-1].item_id, rows[0].item_id
    marked(Mark("replaces", "", "", new, other=old, units=2.0, known=f"{service.figures().last:%Y-%m-%d}"))
    view = service.items.view(new)
    assert view.life.replaces is not None
    assert view.history.lender == service.items.view(old).facts.name
    assert service.items.view(old).life.replaced_by is not None
    assert not service.items.view(old).forecast.values.any()
