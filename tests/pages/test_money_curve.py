"""The money curve's section on a real desk: nothing until asked, then the numbers of the replay."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from seen import worked
from streamlit.testing.v1 import AppTest

from data.errors import NotTrained
from forecasting import workflows
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.purchasing.policy_backtest import BuyingRecord, ReplaySettings
from pages.ui.buy_plan import cost_curve_panel
from pages.ui.display import formats
from pages.ui.resources import catalog

pytestmark = pytest.mark.slow

MOMENT = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=2, look_every=1, patience=1)
ASKED = ReplaySettings(0.8)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A simulated catalog and a model that has seen two steps of training."""
    directory = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDELINE_HOME", str(directory))
        workflows.load_simulated(24, 70, 1, lambda progress: None)
        workflows.train(lambda progress: None, MOMENT)
        st.cache_resource.clear()
        yield directory
        st.cache_resource.clear()


@pytest.fixture(scope="module")
def record(home: Path) -> BuyingRecord:
    with closing(workflows.open_service()) as service:
        return service.purchases.policy_backtest(ASKED, lambda progress: None)


def page() -> None:
    from forecasting.purchasing.policy_backtest import ReplaySettings
    from pages.ui.buy_plan import cost_curve_panel

    cost_curve_panel.section(ReplaySettings(0.8), 0.9)


def test_the_replay_waits_for_a_click_and_then_shows_its_numbers(home: Path, record: BuyingRecord) -> None:
    app = AppTest.from_function(page, default_timeout=120).run()
    assert not app.exception
    assert not app.get("plotly_chart")
    worked(app.button(key="replay").click().run())
    assert not app.exception
    assert app.get("plotly_chart")
    about = catalog.service().figures()
    shown = " ".join(one.value for one in app.markdown)
    assert cost_curve_panel.sentence(record, 0.9, about) in shown
    assert formats.plain(formats.money(record.curve.replayed.at(0.9), about.currency)) in shown


def test_the_table_has_every_quantile_and_the_chart_its_marks(record: BuyingRecord) -> None:
    about = catalog.service().figures()
    found = cost_curve_panel.table(record, about)
    assert len(found) == len(record.curve.replayed.taus)
    assert found.columns[2].values == pytest.approx(record.curve.replayed.cost)
    drawn = cost_curve_panel.figure(record, 0.9, about)
    names = [trace.name for trace in drawn.data]
    assert f"You buy to: {formats.level(0.9)}" in names
    assert f"By your costs: {formats.level(0.8)}" in names
    assert "best sellers" in cost_curve_panel.description(record, 0.9, about)


def test_a_category_and_one_item_are_replayed_by_themselves(home: Path) -> None:
    with closing(workflows.open_service()) as service:
        best = service.search("", 1).rows[0]
        one = service.purchases.policy_backtest(ReplaySettings(0.8, item=best.item_id), lambda progress: None)
        category = next(iter(best.static.values()))
        some = service.purchases.policy_backtest(ReplaySettings(0.8, category=category), lambda progress: None)
        with pytest.raises(NotTrained, match="another category"):
            service.purchases.policy_backtest(ReplaySettings(0.8, category="no such"), lambda progress: None)
    assert one.curve.items == 1
    assert one.curve.verdict == "open"
    assert one.policy == ()
    assert 1 <= some.curve.items < 24
    assert np.isfinite(some.curve.replayed.cost).all()


def test_one_quantile_alone_is_called_the_cheapest(record: BuyingRecord) -> None:
    about, curve = workflows.open_service().figures(), record.curve.replayed
    for tau in map(float, curve.taus):
        words = cost_curve_panel.sentence(record, tau, about)
        named = any(f"the cheapest{word} **{formats.level(curve.best)}**" in words for word in (" was", ","))
        assert named != ("no other quantile would have been cheaper" in words)
        assert named == (formats.level(tau) != formats.level(curve.best))
