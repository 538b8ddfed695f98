"""What every import tells of its data, whatever its source: counted chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.facts import Check, Severity
from data.locations import LOCATION_COLUMNS, families, location_columns
from data.plans import PRICE_REACH
from data.schema import PRICE, Panel

#: Items whose locations contradict each other that are named, at most.
_NAMED = 5


class Findings:
    """Counts over the panels added, and the checks that follow from them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._panel: Panel | None = None
        self._where: list[tuple[np.ndarray, ...]] = []  # ids, silence, products, locations and sources of the panels

    def add(self, panel: Panel) -> None:
        """Counts the panel's items [N, T], which no earlier panel held."""
        self._panel = self._panel or panel.take(np.zeros(0, int))
        known = np.isfinite(panel.demand)
        begun = np.logical_or.accumulate(known, axis=1)
        if where := location_columns(panel.static):
            self._where.append((panel.item_ids, ~known.any(axis=1), *(where[name] for name in LOCATION_COLUMNS)))
        counts = {
            "items": len(panel),
            "silent": int((~known.any(axis=1)).sum()),
            "late": int((~known[:, 0] & known.any(axis=1)).sum()),
            "known": int(known.sum()),
            "unknown": int((begun & ~known).sum()),
            "zero": int((panel.demand == 0).sum()),
            "censored": int((known & (panel.in_stock < 1)).sum()),
        }
        if PRICE in panel.known:
            counts["priceless"] = int((known & ~np.isfinite(panel.known[PRICE])).sum())
        for name, count in counts.items():
            self._counts[name] = self._counts.get(name, 0) + count

    def checks(self) -> tuple[Check, ...]:
        """The findings in a planner's words, the size of the catalog first."""
        count, panel = self._counts, self._panel
        if panel is None:
            return ()
        unit = {"day": "days", "week": "weeks", "month": "months"}[panel.frequency.unit]
        found: list[Check] = []

        def tell(title: str, words: str, number: int, severity: Severity) -> None:
            found.append(Check(title, words, number, severity))

        def share(part: str) -> str:
            return _percent(count[part], count["known"])

        span = f"{panel.periods[0]:%Y-%m-%d} to {panel.last:%Y-%m-%d}"
        tell("Size", f"{count['items']:,} items over {len(panel.periods):,} {unit}, {span}.", count["items"], "fine")
        if late := count["late"]:
            tell("Launches", f"{late:,} items begin after the first of these {unit}.", late, "note")
        whole: list[list[Any]] = [np.concatenate(parts).tolist() for parts in zip(*self._where, strict=True)] or [[]] * 5
        ids, silences, *columns = whole
        made, wrong = families(*columns)
        if silent := count["silent"] - sum(silences[one.depot] for one in made):  # a depot need not sell
            words = f"{silent:,} items have no known demand at all; they are forecast like new items."
            tell("No history", words, silent, "warning")
        if self._where:
            branches = sum(len(one.branches) for one in made)
            depots = f"{len(made):,} depot{'s' * (len(made) != 1)}"
            tell("Locations", f"{branches:,} branches are supplied by {depots}.", branches, "fine" if made else "note")
            for one in wrong[:_NAMED]:
                tell("Locations", f"{ids[one.row]}: {one.message}", len(wrong), "warning")
            if len(wrong) > _NAMED:
                tell("Locations", f"{len(wrong) - _NAMED:,} more items like these.", len(wrong), "warning")
        if unknown := count["unknown"]:
            words = f"Demand is unknown in {unknown:,} item {unit} after an item's first; unknown is not zero."
            tell("Gaps", words, unknown, "warning")
        mostly = count["zero"] * 2 > count["known"]
        words = f"{share('zero')} of the known item {unit} sold nothing."
        tell("No sales", words, count["zero"], "note" if mostly else "fine")
        if count["censored"]:
            words = f"{share('censored')} of the known item {unit} were out of stock at times: demand may have been higher."
            tell("Out of stock", words, count["censored"], "note")
        if count.get("priceless"):
            words = f"No price is known in {share('priceless')} of the item {unit} with known demand."
            tell("Unknown prices", words, count["priceless"], "note")
        return tuple(found)


class Impossible:
    """Counts planned prices that cannot be meant, see ``data.plans``."""

    def __init__(self) -> None:
        self._count = 0
        self._first = ""

    def add(self, given: np.ndarray, kept: np.ndarray, item_ids: np.ndarray) -> None:
        """Counts the prices ``given`` [n, F] that were not ``kept`` [n, F]."""
        refused = ~np.isnan(given) & np.isnan(kept)
        if refused.any() and not self._count:
            row, period = np.argwhere(refused)[0]
            self._first = f"the first is {given[row, period]:g} for item {item_ids[row]}"
        self._count += int(refused.sum())

    def checks(self) -> tuple[Check, ...]:
        """What to tell the planner; nothing where every price can be meant."""
        if not self._count:
            return ()
        words = (
            f"{self._count:,} planned prices are 0, negative or more than {PRICE_REACH:g} times outside what the item ever "
            f"cost ({self._first}). They count as unknown, and the last price is taken."
        )
        return (Check("Planned prices", words, self._count, "warning"),)


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or not part else f"{max(share, 0.1):.1f} %"
