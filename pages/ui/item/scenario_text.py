"""A scenario against the plan, in words and as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.facts import About
from data.plans import PRICE_FLAT, PRICE_REACH
from data.units import Unit
from forecasting.service.view_models import ScenarioView
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, changes, numbers, stamps
from pages.ui.item.forecast_text import why_outside
from pages.ui.shell.scenario_code import Scenario


@dataclass(frozen=True)
class Words:
    """What a scenario does, in words."""

    view: ScenarioView
    scenario: Scenario
    about: About

    @property
    def _unit(self) -> Unit:
        return self.view.unit

    @property
    def _ahead(self) -> str:
        return formats.ahead(len(self.view.scenario.periods), self.about.frequency)

    def sentence(self) -> str:
        """The answer: units with the scenario against units as planned."""
        before, after = self.view.before.units, self.view.after.units
        if not self.scenario.changed:
            return (
                f"{self._baseline} you will sell about **{formats.units(before, self._unit)}**"
                f"{formats.word_of(self._unit)} in {self._ahead}. "
                "Move the price, or set single periods below, to see what changes."
            )
        change = formats.unit_change(before, after, self._unit)
        return (
            f"With {self.scenario.phrase(self.about.frequency)} you will sell about "
            f"**{formats.units(after, self._unit)}**{formats.word_of(self._unit)} "
            f"in {self._ahead} instead of {formats.units(before, self._unit)}: **{change}**."
        )

    @property
    def _baseline(self) -> str:
        return "As planned" if self.view.planned else "As usual"

    @property
    def units(self) -> str | None:
        """The change in units, None where nothing is changed; so are the next two."""
        return self._delta(formats.unit_change(self.view.before.units, self.view.after.units, self._unit))

    @property
    def revenue(self) -> str | None:
        """The change in revenue."""
        return self._delta(formats.money_change(self.view.before.revenue, self.view.after.revenue, self.about.currency))

    @property
    def margin(self) -> str | None:
        """The change in margin."""
        return self._delta(formats.money_change(self.view.before.margin, self.view.after.margin, self.about.currency))

    @property
    def span(self) -> str | None:
        """Where eight in ten lay as planned."""
        before = self.view.before
        return self._delta(
            f"{formats.units(before.low, self._unit)} – {formats.units(before.high, self._unit)} {self._baseline.lower()}"
        )

    def _delta(self, words: str) -> str | None:
        return words or None if self.scenario.changed else None

    def no_margin(self) -> str | None:
        """Why there is no margin to show, None where there is one."""
        return None if self.view.after.margin is not None else "The catalog has no unit cost for this item."

    def caption(self) -> str:
        """Below the chart: how the item answers to price, and where the answer is unsure."""
        grey = "the plan" if self.view.planned else "what is usual"
        words = [f"Grey is {grey}, coloured the scenario. {formats.elasticity(self.view.elasticity)}"]
        low, high, outside = self.view.price_low, self.view.price_high, int(np.sum(self.view.outside))
        if outside and low is not None and high is not None:
            seen = f"{formats.price(low, self.about.currency)} to {formats.price(high, self.about.currency)}"
            where = f"{formats.periods(outside, self.about.frequency)} of the scenario"
            words.append(f"**Unsure where hatched:** in {where} the price is outside the {seen} that this item has had.")
            words.append(f"More than {formats.percent(PRICE_FLAT - 1)} outside it, sales stay as at that edge.")
        if harder := int(np.sum(self.view.promo_outside)):
            where = f"{formats.periods(harder, self.about.frequency)} of the scenario"
            hardest = self.view.promo_high or 0.0
            ever = f"at most in {formats.percent(hardest)} of stores" if hardest > 0 else "never"
            words.append(f"**Unsure where hatched:** this item was {ever} promoted, and {where} asks for more.")
        if refused := int(np.sum(self.view.refused)):
            periods = formats.periods(refused, self.about.frequency)
            words.append(
                f"**Not taken:** the price asked for {periods} lies more than {PRICE_REACH:g} times outside all that this item "
                "ever cost; the one before stands."
            )
        words.append(why_outside(self.view.scenario, self._unit).strip())
        return " ".join(filter(None, words)).replace("$", "\\$")

    def description(self) -> str:
        """What the chart shows, for those who do not see it."""
        return (
            f"Line of past sales, then two fans of forecasts: {self._baseline.lower()}, about "
            f"{formats.units(self.view.before.units, self._unit)} {self._unit.label} in {self._ahead}, and the scenario, about "
            f"{formats.units(self.view.after.units, self._unit)}. "
            f"{int(np.sum(self.view.unsure))} periods have a price or a promotion never seen. The table below has every number."
        )


def promotion_column(planned: bool) -> str:
    """What the column of the baseline's promotions is called."""
    return "Planned promotion" if planned else "Promotion as usual"


def table(view: ScenarioView, about: About) -> Table:
    """The twin of the chart: every period as planned and with the scenario; prices never seen are marked."""
    before, after = view.baseline.mean()[0], view.scenario.mean()[0]  # (H,)
    columns = [Column(formats.period_word(about.frequency).title(), "period", stamps(view.scenario.periods))]
    plan, other = view.baseline_plan, view.scenario_plan
    if plan.price is not None and other.price is not None and np.isfinite(plan.price).any():
        columns += [
            Column("Planned price", "price", numbers(plan.price)),
            Column("Price", "price", numbers(other.price)),
        ]
    columns += [
        Column("As planned" if view.planned else "As usual", "units", numbers(before)),
        Column("Scenario", "units", numbers(after)),
        changes("Difference", before, after, view.unit),
        Column("P10", "units", numbers(view.scenario.at(0.1)[0])),
        Column("P90", "units", numbers(view.scenario.at(0.9)[0])),
    ]
    if plan.promo is not None and other.promo is not None and np.nan_to_num([plan.promo, other.promo]).any():
        columns += [
            Column(promotion_column(view.promo_planned), "promotion", numbers(plan.promo)),
            Column("Promotion", "promotion", numbers(other.promo)),
        ]
    title = f"Scenario for {view.facts.name}"
    marked = np.asarray(view.unsure).tolist()
    return Table(title, tuple(columns), about.frequency, about.currency, marked=marked, unit=view.unit)
