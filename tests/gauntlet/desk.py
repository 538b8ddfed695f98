"""A catalog at the desk: written, a model trained for a moment, and everything asked that the pages ask, on three of its items.

``at_the_desk`` names each step and hands it over as something to attempt, which answers what is wrong in words.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from catalogs import write
from gauntlet.drawing import Case
from gauntlet.laws import broken

from data.schema import Panel
from forecasting import workflows
from forecasting.models.mqtransformer.settings import TrainingSettings
from forecasting.models.patchwork.forecaster import Patchwork
from forecasting.new_products.launch_service import NewProduct
from forecasting.purchasing.multi_echelon_plan import product_plans
from forecasting.purchasing.policy_backtest import ReplaySettings
from forecasting.purchasing.purchase_terms import BuySettings
from forecasting.service.planning_service import PlanningService
from forecasting.service.view_models import PlanChange

MOMENT = TrainingSettings(members=1, scale_lives=(0.5,), most_steps=2, look_every=1, patience=1)

Attempt = Callable[[], Iterable[str]]

#: What needs more than a history: launches on record, forecasts of the past that the networks had not learned from.
MAY_REFUSE = ("new items", "totals together", "locations", "buying looks back")

#: Periods of a scenario and of the forecasts looked back at.
AHEAD = 4


def at_the_desk(case: Case, home: Path, *, replay: bool) -> Iterator[tuple[str, Attempt]]:
    """Every step, in the order in which a planner comes to it; ``replay``: buying is replayed, too."""
    home.mkdir()
    with kept_in(home):
        yield "catalog", lambda: _written(case, home, fitted_on=True)
        if not workflows.catalog_path().is_file():
            return
        yield "training", lambda: _trained()
        if case.newcomers:
            yield "catalog with new items", lambda: _written(case, home, fitted_on=False)
        desk = Desk(case, workflows.open_service())
        try:
            yield from desk.steps()
            if replay:
                yield "buying looks back", desk.buying_looks_back
        finally:
            desk.service.close()


@contextmanager
def kept_in(home: Path) -> Iterator[None]:
    """Lets the desk keep everything in this directory for as long as the block lasts."""
    before = os.environ.get("TIDELINE_HOME")
    os.environ["TIDELINE_HOME"] = str(home)
    try:
        yield
    finally:
        del os.environ["TIDELINE_HOME"]
        if before is not None:
            os.environ["TIDELINE_HOME"] = before


def _written(case: Case, home: Path, *, fitted_on: bool) -> Iterable[str]:
    panel = case.learned if fitted_on else case.history
    plan = case.planned.take(np.arange(len(panel))) if case.planned else None
    about = {"price_seen": panel.price_seen, "country": case.country}
    write(home / "catalog.duckdb", panel, plan=plan, commercial=_terms(case, panel), orders=case.orders, **about)
    return ()


def _terms(case: Case, panel: Panel) -> pd.DataFrame:
    """What is known for buying: everything of one item in two, nothing of the others."""
    usual = np.nan_to_num(np.nan_to_num(panel.demand).mean(axis=1))
    known = np.arange(len(panel)) % 2 == 0
    columns = {"unit_cost": 2.0, "lead_time": 2.0, "pack_size": 6.0, "on_hand": 3 * usual, "lead_time_sd": 0.5}
    return pd.DataFrame({name: np.where(known, value, np.nan) for name, value in columns.items()} | dict(case.terms))


def _trained() -> Iterable[str]:
    workflows.train(lambda progress: None, MOMENT)
    return ()


@dataclass(frozen=True, eq=False)
class Desk:
    """The open desk of one case."""

    case: Case
    service: PlanningService

    def steps(self) -> Iterator[tuple[str, Attempt]]:
        for one in (
            self.about,
            self.all_items,
            self.today,
            self.buying,
            self.totals_together,
            self.locations,
            self.looking_back,
        ):
            yield one.__name__.replace("_", " "), one
        ids = [str(item) for item in self.case.history.item_ids]
        for item in dict.fromkeys((ids[0], ids[len(ids) // 2], ids[-1])):
            for asked in (self.view, self.past, self.scenario, self.drivers, self.explained, self.parts):
                yield f"{asked.__name__} of {item}", partial(asked, item)
        yield "new items", self.new_items

    # all items

    def about(self) -> Iterator[str]:
        if self.service.figures().items != len(self.case.history):
            yield f"the catalog says {self.service.figures().items} items"
        self.service.checks()
        self.service.duplicates()
        if not self.service.search("").rows:
            yield "the search finds nothing"

    def all_items(self) -> Iterator[str]:
        forecast = self.service.forecasts.forecast([str(item) for item in self.case.history.item_ids])
        yield from broken(forecast, self.case.history, self.service.horizon)

    def today(self) -> Iterator[str]:
        if self.service.model().serves and not self.service.forecasts.status().ready:
            self.service.forecasts.summarise(lambda progress: None)
        for order in ("expected", "uncertain", "recent"):
            for row in self.service.forecasts.today(order).rows:
                yield from _numbers(f"Today, {row.item_id}", row.expected_units, row.low, row.high)
        self.service.purchases.alerts()

    def looking_back(self) -> Iterator[str]:
        self.service.forecasts.monitor(lambda progress: None)
        if self.service.forecasts.monitoring() is None:
            yield "nothing was kept"
        alerts = self.service.purchases.alerts()
        yield from _numbers("alerts", *alerts.money)

    # buying

    def buying(self) -> Iterator[str]:
        late = BuySettings(lead_time=20.0, waits=True)
        for settings in (BuySettings(), BuySettings(tau=None), BuySettings(budget=100.0), late):
            plan = self.service.purchases.plan(settings, {})
            yield from _numbers("quantities", *plan.quantity)
            yield from _numbers("totals", plan.totals.units, plan.totals.money, plan.totals.lost_sales, plan.totals.left_over)
            for line in plan.lines(np.arange(min(len(plan), 5))):
                yield from _numbers(f"buy list, {line.item_id}", line.quantity, line.money, line.need, line.level)

    def totals_together(self) -> Iterator[str]:
        whole = self.service.purchases.joint_totals(self.service.purchases.plan(BuySettings(), {})).whole
        yield from _numbers("totals together", whole.added_units, whole.added_money)

    def locations(self) -> Iterator[str]:
        plan = self.service.purchases.plan(BuySettings(), {})
        for product in product_plans(plan, self.service.purchases.branch_errors(plan), lambda progress: None):
            yield from _numbers(f"{product.line.product} by location", *product.need, product.line.short)

    def buying_looks_back(self) -> Iterator[str]:
        record = self.service.purchases.policy_backtest(ReplaySettings(0.8), lambda progress: None)
        if record.first > record.last:
            yield "the replay ends before it begins"

    # one item

    def view(self, item: str) -> Iterator[str]:
        view = self.service.items.view(item)
        yield from broken(view.forecast, self._history_of(item), self.service.horizon)
        yield from _numbers("price range", view.price_low, view.price_high)

    def past(self, item: str) -> Iterator[str]:
        for fan in self.service.items.past_forecasts(item, min(AHEAD, self.service.horizon)):
            if not np.isfinite(fan.forecast.values).all():
                yield f"the forecast of {fan.forecast.creation_date:%Y-%m-%d} is not finite"

    def scenario(self, item: str) -> Iterator[str]:
        horizon = min(AHEAD, self.service.horizon)
        view = self.service.items.view(item, horizon)
        price = np.where(view.plan_price > 0, view.plan_price, 5.0)
        sold = []
        for times in (0.8, 1.0, 1.25):
            found = self.service.items.scenario(item, horizon, PlanChange(times * price))
            yield from broken(found.scenario, self._history_of(item), horizon)
            sold.append(found.after.units)
        if (np.diff(sold) > 1e-4 * max(1.0, *sold)).any():
            yield f"a higher price sells more: {sold}"
        for promo in (0.0, 1.0):
            found = self.service.items.scenario(item, horizon, PlanChange(promo=np.full(horizon, promo)))
            yield from _numbers("scenario", found.after.units, found.after.low, found.after.high, found.after.revenue)

    def drivers(self, item: str) -> Iterator[str]:
        found = self.service.items.drivers(item)
        if not np.isfinite(found.parts).all():
            yield "a part is not finite"
        if found.gap > 1e-3 * max(1.0, float(found.forecast.sum()), float(found.reference.sum())):
            yield f"the parts miss the forecast by {found.gap:.3g} of {found.forecast.sum():.3g}"

    def explained(self, item: str) -> Iterator[str]:
        looked, errors = self.service.items.attention(item), self.service.items.errors(item)
        revision = self.service.items.revision(item)
        arrays = {"weights": looked.weights, "masked": looked.masked, "corrected": errors.forecast, "plain": errors.without}
        arrays |= {} if revision is None else {"revision": revision.parts, "before": revision.before}
        yield from (f"{name} are not finite" for name, array in arrays.items() if not np.isfinite(array).all())

    def parts(self, item: str) -> Iterator[str]:
        """The patchwork's, as the item's page lays them out."""
        history, patchwork = self._history_of(item), Patchwork()
        patchwork.fit(self.case.history, self.case.history.last, self.case.horizon)
        self.service.items.patchwork_parts(patchwork, item)
        yield from broken(self.service.items.forecast_by(patchwork, item), history, self.case.horizon)

    def _history_of(self, item: str) -> Panel:
        rows = np.flatnonzero(self.case.history.item_ids == item)
        return self.case.history.take(rows)

    # launches

    def new_items(self) -> Iterator[str]:
        self.service.learn_launches(lambda progress: None)
        launches = self.service.launches()
        assert launches is not None  # they were just learned
        static = {name: str(values[0]) for name, values in self.case.history.static.items()}
        soon = self.case.history.frequency.after(self.case.history.last, 2)[-1]
        product = NewProduct("new", static, None, 0.0, soon)
        for asked in (
            product,
            replace(product, price=3.0, promo=0.5),
            replace(product, static=dict.fromkeys(static, "unheard")),
        ):
            found = launches.forecast_new(asked, {})
            if not np.isfinite(found.blend.values).all():
                yield "the forecast of a new product is not finite"
        for recent in launches.recent()[:2]:
            launches.forecast_recent(recent.item_id, {})
        launches.similar(launches.items[0].item_id)


def _numbers(where: str, *values: float | None) -> Iterator[str]:
    """Those that are given must be finite and not negative."""
    wrong = [value for value in values if value is not None and not (np.isfinite(value) and value >= -1e-9)]
    if wrong:
        yield f"{where}: {wrong[0]}"
