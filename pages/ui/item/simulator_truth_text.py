"""What a simulator knows, in words and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data.schema import Frequency
from forecasting.evaluation.simulator_check import ItemTruth, TruthRecord
from forecasting.service.view_models import ItemView, ScenarioView
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, numbers, stamps

TRUTH = "The truth"

CAPTION = (
    "This exists for simulated catalogs alone: the simulator drew demand from these chances, and real items have no such list. "
    "No forecaster reads it. Even the true fan is as wide as it is: what lies within it is chance that nobody can foresee."
)
RECORD_CAPTION = (
    "The true chance is computed from the law that demand is drawn from, not counted. Units come whole: where few are sold, "
    "more often than promised no more than a low quantile sells, for nothing sells less than nothing; items that sell "
    "well show what is owed to the model."
)

_HOLIDAYS = 3  # that are told where none is felt in the periods ahead


@dataclass(frozen=True)
class Words:
    """One item's forecast and the truth, with the chosen quantile ``tau``."""

    view: ItemView
    truth: ItemTruth
    tau: float
    frequency: Frequency

    def sentence(self) -> str:
        """Expected against true, and how often the chosen quantile truly holds."""
        forecast, true = float(self.view.forecast.span_mean()[0, -1]), float(self.truth.mean.sum())
        chosen, named = float(self.view.forecast.span_at(self.tau)[0, -1]), formats.level(self.tau)
        level = float(self.truth.fan.span_level_of(chosen)[0, -1])
        ahead = formats.ahead(len(self.truth.mean), self.frequency)
        return (
            f"In {ahead} this item truly sells **{formats.units(true)}** units on average; the model expects "
            f"**{formats.units(forecast)}**, {formats.unit_change(true, forecast)}. The model's {named} of the "
            f"total is {formats.units(chosen)}: truly no more than that sell in **{formats.percent(level)}** of all cases."
        )

    def description(self) -> str:
        """What the chart shows, for those who do not see it."""
        return f"The fan of the forecast with the true fan over it as a dashed outline. {self.sentence()}"

    def causes(self) -> str:
        """True elasticity beside the learned one, the lift of a promotion, and the holidays that the item feels."""
        learned, true = self.view.elasticity, self.truth.elasticity
        price = f"**Price elasticity:** truly {formats.elasticity_figure(true)}"
        price += f", learned {formats.elasticity_figure(learned)}." if learned is not None else "; the model has learned none."
        lift = (
            f"**A full promotion** at an unchanged price truly sells {formats.factor(self.truth.promotion_lift)} times as much."
        )
        return f"{price} {lift} {self._holidays()}"

    def _holidays(self) -> str:
        ahead = {name for stamp, name in self.view.history.events if stamp in self.view.forecast.periods}
        felt = [(name, times) for name, times in self.truth.holidays if name in ahead]
        shown, where = (felt, "in the periods ahead") if felt else (self.truth.holidays[:_HOLIDAYS], "most, in other periods")
        if not shown:
            return "**Holidays** move nothing of this item."
        effects = [f"{formats.plain(name)} × {formats.factor(times)}" for name, times in shown]
        return f"**Holidays** that truly move it {where}: {formats.listing(effects)}."

    def table(self) -> Table:
        """The twin of the chart: model and truth, period by period, and what the simulator drew."""
        forecast, fan = self.view.forecast, self.truth.fan
        columns = [
            Column(formats.period_word(self.frequency).title(), "period", stamps(forecast.periods)),
            Column("Expected", "units", numbers(forecast.mean()[0])),
            Column("True mean", "units", numbers(self.truth.mean)),
        ]
        for tau in sorted({0.1, 0.5, 0.9, self.tau}):
            columns.append(Column(formats.level(tau), "units", numbers(forecast.at(tau)[0])))
            columns.append(Column(f"True {formats.level(tau)}", "units", numbers(fan.at(tau)[0])))
        columns.append(Column("Will sell", "units", numbers(self.truth.drawn)))
        return Table("What the simulator knows", tuple(columns), self.frequency)


def response(view: ScenarioView, truth: ItemTruth, true: np.ndarray, changed: bool) -> str:
    """What a scenario truly does, beside what the model says of it."""
    learned = formats.elasticity_figure(view.elasticity)
    known = f"True price elasticity {formats.elasticity_figure(truth.elasticity)}, learned {learned}."
    before, after = float(truth.mean.sum()), float(true.sum())
    sales = f"What the simulator knows: as planned, this item truly sells **{formats.units(before)}** units on average"
    if not changed:
        return f"{sales}; the model expects {formats.units(view.before.units)}. {known}"
    return (
        f"{sales} and with the scenario **{formats.units(after)}**, {formats.unit_change(before, after)}; the model says "
        f"{formats.units(view.before.units)} and {formats.units(view.after.units)}, "
        f"{formats.unit_change(view.before.units, view.after.units)}. {known}"
    )


def planted(chosen: Mapping[str, float]) -> str:
    """Which truths a simulated catalog has."""
    titles = {
        "holidays": "holidays that move sales",
        "promotions_in_season": "promotions that follow the season",
        "launches": "launches along curves of their kind",
        "stockouts": "stockouts that hide what would have sold",
    }
    there = [words for name, words in titles.items() if chosen.get(name)]
    also = f", and with {formats.listing(there)}" if there else ""
    return (
        f"This catalog is made up, with seed {chosen.get('seed', 0):.0f}{also}. Its truth lies beside it and is shown on the "
        "Item and What if pages; catalogs of real sales have no such section."
    )


def record(found: TruthRecord, frequency: Frequency) -> str:
    """How a sample of the forecasts stands to the truth."""
    kept = found.dense or found.everything
    kind = f"of the {kept.items} that sell well, " if found.dense else ""
    shares = [f"below {formats.level(tau)} {formats.percent(kept.below[tau])}" for tau in sorted(kept.below)]
    words = (
        f"**{found.items} items** were drawn at random. In {formats.ahead(found.horizon, frequency)}, {kind}demand truly stays "
        f"**{formats.listing(shares)} of the time**. "
    )
    if np.isfinite(found.loss):
        words += (
            f"The model's error per unit sold is {formats.loss(found.loss)}; with the true quantiles it would be "
            f"{formats.loss(found.best_loss)}, which is chance alone. "
        )
    if np.isfinite(found.elasticity_error):
        words += f"Half of its price elasticities are off by less than {found.elasticity_error:.2f}."
    return words


def record_table(found: TruthRecord, frequency: Frequency) -> Table:
    """Promised and true chances, over all items of the sample and over those that sell well."""
    taus = sorted(found.everything.below)
    columns = [
        Column("Quantile", "text", [formats.level(tau) for tau in taus]),
        Column("Promised", "percent", taus),
        Column(f"Truly below it, all {found.everything.items} items", "percent", [found.everything.below[tau] for tau in taus]),
    ]
    if found.dense:
        title = f"Truly below it, {found.dense.items} that sell well"
        columns.append(Column(title, "percent", [found.dense.below[tau] for tau in taus]))
    return Table("Forecasts against the truth", tuple(columns), frequency)
