"""Two sessions meet in one service: eight threads ask it everything at once, and each is answered as if it were alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from forecasting import workflows
from forecasting.models.baselines import EmpiricalQuantiles
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.planning_service import PlanningService
from forecasting.service.view_models import PlanChange

THREADS, ROUNDS = 8, 6
MOMENT = TrainingSettings(members=2, scale_lives=(0.5,), most_steps=4, look_every=2, patience=1)

Question = Callable[[PlanningService, str], np.ndarray]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlanningService]:
    """A simulated catalog and a model that was trained for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIDELINE_HOME", str(tmp_path_factory.mktemp("home")))
        workflows.load_simulated(24, 80, 1, lambda progress: None)
        workflows.train(lambda progress: None, MOMENT)
        with closing(workflows.open_service()) as opened:
            yield opened


def scenario(service: PlanningService, item: str) -> np.ndarray:
    horizon = service.horizon
    price = service.items.view(item).plan_price * 0.8
    return service.items.scenario(item, horizon, PlanChange(price, np.full(horizon, 0.5))).scenario.values


QUESTIONS: dict[str, Question] = {
    "view": lambda service, item: service.items.view(item).forecast.values,
    "scenario": scenario,
    "past": lambda service, item: np.stack([one.forecast.values for one in service.items.past_forecasts(item, 4)]),
    "drivers": lambda service, item: service.items.drivers(item).parts,
    "attention": lambda service, item: service.items.attention(item).weights,
    "errors": lambda service, item: service.items.errors(item).forecast,
    "all": lambda service, item: service.forecasts.forecast().values,
    "search": lambda service, item: np.array([len(service.search(item).rows)]),
    "plan": lambda service, item: service.purchases.plan(BuySettings(tau=0.8), {item: 7.0}).quantity,
    "list": lambda service, item: np.array([row.expected_units for row in service.forecasts.today().rows], float),
}


def test_eight_threads_are_answered_as_if_each_were_alone(service: PlanningService) -> None:
    items = [row.item_id for row in service.search("", 4).rows]
    alone = {(name, item): ask(service, item) for name, ask in QUESTIONS.items() for item in items}
    asked = list(alone) * ROUNDS
    np.random.default_rng(0).shuffle(asked)
    begin = threading.Barrier(THREADS)

    def ask(number: int) -> list[str]:
        begin.wait()
        wrong = []
        for name, item in asked[number::THREADS]:
            answer = QUESTIONS[name](service, item)
            if not np.allclose(answer, alone[name, item], rtol=1e-5, atol=1e-6, equal_nan=True):
                wrong.append(f"{name} of {item}")
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert [one for found in pool.map(ask, range(THREADS)) for one in found] == []


def test_a_generation_of_the_ladder_is_asked_by_one_thread_at_a_time(service: PlanningService) -> None:
    inside, most = 0, 0

    class Slow(EmpiricalQuantiles):
        def forecast(self, *asked: object, **named: object) -> object:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1
            return super().forecast(*asked, **named)

    slow, item = Slow(), service.search("", 1).rows[0].item_id
    panel = service._catalog.panel([item])
    slow.fit(panel, panel.last, 4)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: service.items.forecast_by(slow, item), range(THREADS)))
    assert most == 1
