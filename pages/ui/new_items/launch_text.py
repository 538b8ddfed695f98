"""A launch in words and tables: what the chart shows, what stands behind it, and how such forecasts did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.facts import About
from data.schema import Frequency
from forecasting.new_products.analog_forecast import LaunchForecast, LaunchRecord
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table, numbers, stamps

_TITLES = {
    "blend": "Blend, shown above",
    "analogs": "Analogs by the learned metric",
    "network": "Network, from attributes and price",
    "alike by attributes": "The 30 launches most alike by attributes",
    "category": "All launches of the category",
}


@dataclass(frozen=True)
class Words:
    """A launch forecast and the quantile ``tau`` of its total, in words."""

    view: LaunchForecast
    tau: float
    frequency: Frequency

    @property
    def _span(self) -> str:
        return formats.periods(len(self.view.blend.periods), self.frequency)

    def sentence(self) -> str:
        """The answer: what to expect of the launch, and the chosen quantile."""
        blend = self.view.blend
        expected, chosen = float(blend.span_mean()[0, -1]), float(blend.span_at(self.tau)[0, -1])
        return (
            f"Expect about **{formats.units(expected)}** units in the first {self._span}; {formats.odds(self.tau)} you will "
            f"sell **{formats.fewer_than(chosen)}**."
        )

    def eight_in_ten(self) -> str:
        """P10 to P90 of the total."""
        low, high = (float(self.view.blend.span_at(tau)[0, -1]) for tau in (0.1, 0.9))
        return f"{formats.units(low)} – {formats.units(high)}"

    def failures(self) -> str:
        """The share of the weight on launches that sold in a quarter of their periods or fewer, in words."""
        total = sum(analog.share for analog in self.view.nearest)
        failed = sum(analog.share for analog in self.view.nearest if (analog.curve > 0).mean() <= 0.25)
        return formats.percent(failed / total) if total else formats.UNKNOWN

    def caption(self) -> str:
        """Which views the blend is made of, and how to read the chart."""
        view = self.view
        known = len(view.nearest) + view.others
        if view.network is None:
            made = f"It is made of {known:,} launches on record alone, for no model serves this catalog yet."
        elif view.network_share == 0:
            made = f"It is made of {known:,} launches on record; on earlier launches the network's view did not add to them."
        else:
            made = (
                f"{formats.percent(1 - view.network_share)} of it is {known:,} launches on record, each with its share, and "
                f"{formats.percent(view.network_share)} the network, which reads attributes and price."
            )
        if abs(view.moved - 1) >= 0.005:
            moved = formats.percent(view.moved - 1, signed=True)
            made += f" What the launches sold is moved by {moved}, as launches have grown or shrunk since their time."
        made += self._wait()
        return f"{made} Grey lines are the nearest launches as they went, failures included; the wider, the more they weigh."

    def _wait(self) -> str:
        """What of the time until a later launch is in the forecast; empty for a launch in the next period."""
        blend = self.view.blend
        if blend.periods[0] <= self.frequency.after(blend.creation_date, 1)[0]:
            return ""
        newest = formats.period(blend.creation_date, self.frequency)
        if self.view.network is None:
            reads = "The launches on record know no time of the year"
        else:
            reads = "The network reads the holidays of the launch's periods; the launches on record know no time of the year"
        return (
            f" {reads}, and where category and brand stand is taken as it is at the newest on record, {newest}: the later the "
            "launch, the less sure it is."
        )

    def description(self) -> str:
        """What the chart shows, for those who do not see it."""
        first, last = (float(self.view.blend.at(self.tau)[0, w]) for w in (0, -1))
        return (
            f"Fan of the first {self._span} of a launch over the curves of its nearest analogs. {formats.level(self.tau)} runs "
            f"from {formats.units(first)} to {formats.units(last)} units per {formats.period_word(self.frequency)}. The table "
            "below the chart has every number."
        )


def table(view: LaunchForecast, tau: float, about: About) -> Table:
    """The twin of the chart: every period of the launch as the blend and as each view sees it."""
    blend = view.blend
    columns = [
        Column(formats.period_word(about.frequency).title(), "period", stamps(blend.periods)),
        Column("Expected", "units", numbers(blend.mean()[0])),
        *(Column(formats.level(level), "units", numbers(blend.at(level)[0])) for level in sorted({0.1, 0.5, 0.9, tau})),
        Column("Total so far", "units", numbers(blend.span_mean()[0])),
        Column(f"{formats.level(tau)} of total", "units", numbers(blend.span_at(tau)[0])),
        Column("Analogs expect", "units", numbers(view.analogs.mean()[0])),
    ]
    if view.network is not None:
        columns.append(Column("Network expects", "units", numbers(view.network.mean()[0])))
    if np.isfinite(view.sold).any():
        columns.append(Column("Sold", "units", numbers(view.sold)))
    return Table(f"Launch of {view.name}", tuple(columns), about.frequency, about.currency)


def analogs_table(view: LaunchForecast, about: About) -> Table:
    """The analogs for a file: share, what matches, and the curve period by period."""
    near = view.nearest
    window = len(view.blend.periods)
    word = formats.period_word(about.frequency).title()
    return Table(
        f"Analogs of {view.name}",
        (
            Column("Item", "text", [one.item_id for one in near]),
            Column("Name", "text", [one.name for one in near]),
            Column("Share of the weight", "percent", [one.share for one in near]),
            Column("Weight ×", "factor", [one.emphasis for one in near]),
            Column("Matches", "words", [", ".join(one.matches) for one in near]),
            Column("Price", "price", [one.price for one in near]),
            Column("Launched", "period", [one.launch for one in near]),
            Column("Total", "units", [float(one.curve.sum()) for one in near]),
            *(Column(f"{word} {w + 1}", "units", [float(one.curve[w]) for one in near]) for w in range(window)),
        ),
        about.frequency,
        about.currency,
    )


def record_sentence(record: LaunchRecord, frequency: Frequency) -> str:
    """How the blend did on launches held out, against what a planner would do by hand."""
    by_name = {one.title: one for one in record.views}
    parts = []
    for name, words in (("category", "all launches of the category"), ("alike by attributes", "launches alike by attributes")):
        ratio = by_name["blend"].wql / by_name[name].wql - 1
        sure = record.blend_vs[name]
        certain = "" if sure.high < 0 or sure.low > 0 else ", which may be chance"
        better = "below" if ratio < 0 else "above"
        parts.append(f"**{formats.percent(abs(ratio))} {better}** that of {words}{certain}")
    span = f"{formats.period(record.first, frequency)} and {formats.period(record.last, frequency)}"
    return (
        f"On **{record.launches:,} launches** between {span}, forecast from what was known before, the blend's error was "
        f"{formats.listing(parts)}."
    )


def record_table(record: LaunchRecord, frequency: Frequency) -> Table:
    """The error of every view on launches held out, in units per unit sold."""
    return Table(
        "How the views did on launches held out",
        (
            Column("View", "text", [_TITLES.get(one.title, one.title) for one in record.views]),
            Column(f"Error per {formats.period_word(frequency)} (wQL)", "loss", [one.wql for one in record.views]),
            Column("Error of the launch's total (wQL)", "loss", [one.span_wql for one in record.views]),
        ),
        frequency,
    )
