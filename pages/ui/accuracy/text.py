"""The ladder in words and tables: what the charts of the Accuracy page show, for those who read it instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.schema import Frequency
from forecasting.evaluation.accuracy_report import AccuracyReport, CoverageCell, ModelScores, Verdict
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table

#: Quantiles whose coverage the table shows, by their place among the taus of a certificate.
_SHOWN = ((0, "P10"), (4, "P50"), (8, "P90"))


def sentence(report: AccuracyReport, one: ModelScores, part: str) -> str:
    """The answer: how the generation looked at did, against the first rung and among all."""
    scores, first = one.of(part), report.tried[0]
    dates = f"{len(report.creation_dates)} earlier dates" if len(report.creation_dates) > 1 else "an earlier date"
    begin = f"Tried from {dates}, each with only what was known then, **{formats.plain(one.title)}**"
    if not scores.count:
        return f"{begin} met nothing of this kind: there is no such target in the periods tried."
    ranked = sorted(other.of(part).wql for other in report.tried if np.isfinite(other.of(part).wql))
    rank, of = ranked.index(scores.wql) + 1 if scores.wql in ranked else 0, len(ranked)
    place = {1: "lowest", 2: "second lowest", 3: "third lowest", of: "highest"}.get(rank, f"{rank}th lowest")
    standing = f"has the {place} error of {of} generations" if of > 1 else "is the only one tried so far"
    if not rank:
        standing = "has no error to show, for nothing was sold there"
    against = "" if one.name == first.name else f", {_less(first.of(part).wql, scores.wql)} than *{formats.plain(first.title)}*"
    return (
        f"{begin} {standing}{against if rank else ''}. Where it said 9 times in 10 fewer, "
        f"it was so **{10 * scores.below_p90:.1f} times in 10**."
    )


def measured(report: AccuracyReport) -> str:
    """When the ladder was climbed and on which commit, for the line under its chart; empty where nobody wrote it down."""
    found = report.measured
    if found is None:
        return ""
    of = f" on commit {found.commit}" if found.commit != "unknown" else ""
    shipped = " and came with the model; try the generations yourself below" if report.shipped else ""
    return f" Measured on {formats.date(found.on)}{of}{shipped}."


def _less(before: float, after: float) -> str:
    """``"**12% lower**"``."""
    change = after / before - 1 if before > 0 else float("nan")
    return f"**{formats.percent(abs(change))} {'lower' if change <= 0 else 'higher'}**"


def change(before: float, after: float) -> str:
    """The difference of two errors as a share of the first: ``"−12%"``."""
    return formats.percent(after / before - 1, signed=True) if before > 0 else formats.UNKNOWN


def verdict(first: ModelScores, second: ModelScores, found: Verdict) -> str:
    """Two generations compared, with the interval in words."""
    one, other, base = formats.plain(first.title), formats.plain(second.title), found.second
    if not (np.isfinite(found.difference.value) and base > 0):
        return f"There is nothing to compare **{one}** and **{other}** on here."
    share = found.difference.value / base
    low, high = (formats.percent(end / base, signed=True) for end in (found.difference.low, found.difference.high))
    word = "less" if share <= 0 else "more"
    compared = f"**{one}** errs **{formats.percent(abs(share))} {word}** per unit sold than **{other}**"
    if abs(share) < 0.0005:
        compared = f"**{one}** errs as much per unit sold as **{other}**"
    range_ = f"Drawn anew, 9 times in 10 other items and dates put the difference between {low} and {high}"
    if found.sure:
        end = f"so it is **{'better' if share < 0 else 'worse'}, and not by luck alone**."
    else:
        end = "so **which of them is better is open**."
    return f"{compared} ({formats.loss(found.first)} against {formats.loss(found.second)}). {range_}, {end}"


def ladder_description(report: AccuracyReport, one: ModelScores, part: str) -> str:
    """What the chart of the ladder shows, for those who do not see it."""
    best = report.best(part)
    return (
        f"One line for each of {len(report.tried)} generations with its error per unit sold, oldest first. {one.title} has "
        f"{formats.loss(one.of(part).wql)}, the lowest is {formats.loss(best.of(part).wql)} by {best.title}. The table below "
        "the chart has every number."
    )


def ladder_table(report: AccuracyReport, part: str, frequency: Frequency) -> Table:
    """Every generation, oldest first, with its scores on a slice."""
    models, scores = report.tried, [one.of(part) for one in report.tried]
    columns = [
        Column("Generation", "text", [one.title for one in models]),
        Column("Error per unit", "loss", [one.wql for one in scores]),
        Column("of P50", "loss", [one.p50 for one in scores]),
        Column("of P90", "loss", [one.p90 for one in scores]),
        Column("Error, items alike", "loss", [one.scaled.value for one in scores]),
        Column("MASE", "loss", [one.mase.value for one in scores]),
        Column("Below P90", "percent", [one.below_p90 for one in scores]),
        Column("Mean miss of promises", "percent", [one.calibration.error for one in scores]),
        Column("Bias", "percent", [one.bias for one in scores]),
    ]
    if part == "all":
        columns += [
            Column("Error of totals", "loss", [one.rung.span for one in models]),
            Column("Needless revisions", "loss", [one.rung.volatility for one in models]),
            Column("Trained in, s", "count", [one.rung.fit_seconds for one in models]),
        ]
    title = next(one.title for one in report.parts if one.name == part)
    return Table(f"Ladder of generations: {title}", tuple(columns), frequency)


def notes_table(report: AccuracyReport, frequency: Frequency) -> Table:
    """What each generation is."""
    return Table(
        "What each generation is",
        (
            Column("Generation", "text", [one.title for one in report.tried]),
            Column("What it is", "words", [one.note for one in report.tried]),
            Column("Trained until", "period", [one.trained_until for one in report.tried]),
        ),
        frequency,
    )


def kinds(rows: Sequence[CoverageCell]) -> dict[str, str]:
    """The ways in which the certificate parts the items: name → title."""
    titles = {"zeros": "By zeros", "volume": "By volume"}
    found = dict.fromkeys(row.kind for row in rows if row.kind != "all")
    return {kind: titles.get(kind, f"By {kind}") for kind in ("zeros", *found) if kind in found}


def bands(rows: Sequence[CoverageCell], horizon: int, frequency: Frequency) -> dict[str, str]:
    """The stretches of periods ahead that are certified: ``"5-8"`` → ``"Weeks 5–8"``."""
    word = formats.period_word(frequency).title()
    found = dict.fromkeys((row.first, row.last) for row in rows)
    return {
        _band(first, last): f"All {formats.periods(horizon, frequency)}"
        if (first, last) == (1, horizon) and horizon > 1
        else f"{word} {first}"
        if first == last
        else f"{word}s {first}–{last}"
        for first, last in found
    }


def certified(rows: Sequence[CoverageCell], kind: str, band: str) -> list[CoverageCell]:
    """All items, then the parts of one kind, over the periods of ``band`` ahead."""
    return [row for row in rows if row.kind in ("all", kind) and _band(row.first, row.last) == band]


def _band(first: int, last: int) -> str:
    return f"{first}-{last}"


def certificate_table(rows: Sequence[CoverageCell], tolerance: float, frequency: Frequency) -> Table:
    """Coverage of every part: what came below P10, P50 and P90, and whether the promise was kept."""
    columns = [
        Column("Part of the catalog", "text", [row.segment for row in rows]),
        Column("Items", "count", [row.items for row in rows]),
        Column("Actuals", "count", [row.count for row in rows]),
    ]
    columns += [Column(f"Below {name}", "percent", [row.up_to[place] for row in rows]) for place, name in _SHOWN]
    columns += [
        Column("P90 range", "text", [_range(row.low[8], row.high[8]) for row in rows]),
        Column("Mean miss", "percent", [row.error for row in rows]),
        Column("Miss range", "text", [_range(row.error_low, row.error_high) for row in rows]),
        Column("Promise", "text", [_promise(row, tolerance) for row in rows]),
    ]
    return Table("Promised and came", tuple(columns), frequency)


def promise_sentence(row: CoverageCell, dense: CoverageCell | None, tolerance: float) -> str:
    """Whether the promise holds for all items, and where it is measured: on items with few zeros."""
    measured = dense or row
    where = "On items that seldom sell nothing" if dense else "On all items"
    if measured.kept:
        kept = f"every quantile is met within {formats.points(tolerance)}"
    else:
        kept = (
            f"the worst quantile misses by {formats.points(measured.worst)}, more than the {formats.points(tolerance)} promised"
        )
    below = f"90% of what comes should lie below P90, and {formats.percent(measured.up_to[8])} did"
    return f"{where} {kept}: {below}."


def _range(low: float, high: float) -> str:
    return f"{formats.percent(low)} – {formats.percent(high)}"


def _promise(row: CoverageCell, tolerance: float) -> str:
    return f"✓ within {formats.points(tolerance)}" if row.kept else f"▲ off by {formats.points(row.worst)}"
