"""How far attention agrees with masking: the figure, its interval, and that it is taken from the forecasts themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from data.catalog import Catalog
from data.errors import ModelError
from data.sources.simulator import simulate
from data.sources.simulator.settings import Simulation
from forecasting.explain.attention_attribution import attention_attribution
from forecasting.explain.attention_faithfulness import Faithfulness, agreement, faithfulness
from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster
from forecasting.models.mqtransformer.settings import TrainingSettings


def test_the_rank_correlation_is_scipys_and_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    looked = rng.random(200)
    moved = np.round(looked + rng.normal(0, 0.7, 200), 1)  # with ties
    found = agreement(looked, moved)
    assert found.value == pytest.approx(spearmanr(looked, moved).statistic)
    assert found.low < found.value < found.high
    assert agreement(looked, -looked).value == -1
    assert agreement(looked[:50], moved[:50]).high - agreement(looked[:50], moved[:50]).low > found.high - found.low


def test_what_cannot_be_ranked_is_not_a_number() -> None:
    assert np.isnan(agreement(np.arange(5), np.arange(5)).value)
    assert np.isnan(agreement(np.ones(20), np.arange(20)).value)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    path = tmp_path_factory.mktemp("faithful") / "catalog.duckdb"
    simulate.load(path, Simulation(items=45, periods=60, seed=1, new_items=0.1))
    return Catalog(path)


def trained(catalog: Catalog, **settings: object) -> MQTransformerForecaster:
    usual = {"members": 1, "most_steps": 2, "look_every": 1, "scale_lives": (0.5,)}
    model = MQTransformerForecaster(TrainingSettings(**usual | settings))
    panel = catalog.panel()
    model.fit(panel, panel.last, 6)
    return model


def test_it_is_taken_over_a_sample_of_the_catalog_in_parts(catalog: Catalog) -> None:
    model, told = trained(catalog), []
    found = faithfulness(catalog, model, "key", told.append, items=45)
    panel, plan = catalog.panel(), catalog.plan(None, 6)
    whole = attention_attribution(model.networks, panel, plan)
    known = np.isfinite(panel.demand).any(axis=1)
    assert (~known).sum() > 0  # items without history have nothing to look at
    expected = spearmanr(whole.counted[known].mean(axis=1), whole.share[known].mean(axis=1)).statistic
    assert found.agreement.items == known.sum()
    assert found.agreement.value == pytest.approx(expected, abs=0.02)  # batches round otherwise, and ranks may swap
    assert found.looked == pytest.approx(whole.mass[known].mean(), rel=1e-4)
    assert [one.done for one in told] == [20, 40, 45]


def test_a_model_without_attention_says_so(catalog: Catalog) -> None:
    model = trained(catalog, parts=("lags", "moves", "peak_care"))
    with pytest.raises(ModelError, match="without attention"):
        faithfulness(catalog, model, "key", lambda progress: None, items=5)


def test_it_is_kept_for_its_catalog_and_model_alone(tmp_path: Path) -> None:
    path = tmp_path / "faithfulness.json"
    found = Faithfulness("one", agreement(np.arange(12), np.arange(12)), 0.4, 0.3, 0.1, 0.05, 2.0)
    found.save(path)
    assert Faithfulness.load(path, "one") == found
    assert Faithfulness.load(path, "another") is None
    path.write_text(path.read_text()[:40])  # cut off while written
    assert Faithfulness.load(path, "one") is None
