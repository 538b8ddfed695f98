"""The pages on the real desk: a tiny catalog, a model trained for a moment, and the same numbers on the page as below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from forecasting import workflows
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.registry import generation
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.view_models import PlanChange
from pages.ui.buy_plan.text import count
from pages.ui.display import formats
from pages.ui.shell.scenario_code import Scenario

ROOT = Path(__file__).resolve().parents[2]
MOMENT = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=2, look_every=1, patience=1)
Visit = Callable[..., AppTest]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A simulated catalog and a model that has seen two steps of training."""
    directory = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDELINE_HOME", str(directory))
        workflows.load_simulated(24, 60, 1, lambda progress: None)
        workflows.train(lambda progress: None, MOMENT)
        st.cache_resource.clear()
        yield directory
        st.cache_resource.clear()


@pytest.fixture
def open_page(home: Path) -> Visit:
    def open_page(name: str, **address: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
        for key, value in address.items():
            app.query_params[key] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return open_page


def figures(app: AppTest) -> list[str]:
    return [metric.value for metric in app.metric]


def test_today_ranks_what_the_model_forecast(open_page: Visit) -> None:
    service = workflows.open_service()
    assert figures(open_page("today"))[:3] == ["24", "60", formats.units(service.forecasts.status().expected_units)]


def test_an_item_shows_the_models_numbers(open_page: Visit) -> None:
    service = workflows.open_service()
    item = service.search("", 1).rows[0].item_id
    fan = service.items.view(item, 4).forecast
    app = open_page("item", item=item, horizon="4", tau="0.8")
    assert figures(app)[0] == formats.units(float(fan.span_mean()[0, -1]))
    assert figures(app)[2] == formats.units(float(fan.span_at(0.8)[0, -1]))
    app.session_state["past"] = True
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 2


def test_a_scenario_shows_the_models_numbers(open_page: Visit) -> None:
    service = workflows.open_service()
    item = service.search("", 1).rows[0].item_id
    scenario = Scenario(-20, 1.0)
    plan = service.items.view(item, 6)
    change = PlanChange(scenario.prices_at(plan.plan_price), scenario.promotions_at(plan.plan_promo))
    after = service.items.scenario(item, 6, change).after
    app = open_page("what_if", item=item, horizon="6", scenario=scenario.text)
    assert figures(app)[:2] == [formats.units(after.units), formats.money(after.revenue)]


def test_the_buy_plan_is_the_order_for_the_models_spans(open_page: Visit) -> None:
    service = workflows.open_service()
    item = service.search("", 1).rows[0].item_id
    plan = service.purchases.plan(BuySettings(tau=0.8, item=item), {})
    row = plan.lines([0])[0]
    lead = service.search("", 1).rows[0].commercial["lead_time"]
    span = service.forecasts.forecast([item]).span_at(0.8)[0, int(lead)]  # lead time and one period of review
    assert row.need == pytest.approx(span, abs=0.51)
    app = open_page("buy_plan", scope="item", item=item, tau="0.8")
    assert figures(app)[:2] == [count(row.quantity), formats.money(row.money)]
    assert figures(open_page("buy_plan"))[0] == count(service.purchases.plan(BuySettings(), {}).totals.units)


def test_data_shows_the_card_of_the_model(open_page: Visit) -> None:
    app = open_page("data")
    card = workflows.open_service().model().card
    assert card is not None
    assert any(formats.plain(card.version) in element.value for element in app.markdown)
    assert not app.warning


@pytest.mark.slow
def test_the_ladder_that_was_climbed_is_on_the_page_and_its_fans_over_the_items(open_page: Visit) -> None:
    names = ["seasonal_naive", "empirical_last26", "patchwork"]
    report = workflows.climb_ladder(lambda progress: None, lambda name: generation(name)(), names)
    assert [one.name for one in report.tried] == names
    best = report.best()
    assert figures(open_page("accuracy"))[0] == formats.loss(best.rung.wql)
    service = workflows.open_service()
    item = service.search("", 1).rows[0].item_id
    fitted = workflows.fitted_generation(service.figures().history_hash, "patchwork")
    expected = float(service.items.forecast_by(fitted, item).first(4).span_mean()[0, -1])
    app = open_page("item", item=item, horizon="4", over="patchwork")
    assert any(f"expects **{formats.units(expected)}**" in element.value for element in app.markdown)
    app.session_state["parts"] = True
    app.run()
    assert not app.exception
    parts = service.items.patchwork_parts(fitted, item)
    assert any(f"<td class=n>{formats.units(float(parts.point[0]))}</td>" in html.proto.body for html in app.get("html"))


def test_a_catalog_loaded_by_someone_else_is_seen_without_a_restart(open_page: Visit) -> None:
    assert figures(open_page("data"))[0] == "24"
    workflows.load_simulated(30, 60, 2, lambda progress: None)
    app = open_page("data")
    assert figures(app)[0] == "30"
