"""What is known of all items at once: their forecasts as they were made and kept, the lists they rank, and how they did."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.catalog import ItemFacts
from data.errors import NotTrained, ResourceError
from data.schema import PRICE
from data.units import PIECES, Unit, is_factor
from forecasting.batch.batch_forecast import Run, forecast_all, latest
from forecasting.batch.catalog_totals import CatalogTotals, span_total
from forecasting.batch.forecast_monitoring import ForecastMonitoring, forecast_monitoring
from forecasting.batch.forecast_summary import Summary, summarise, summary_of
from forecasting.core.kept import Kept
from forecasting.core.types import QuantileForecast, Report
from forecasting.explain.attention_faithfulness import Faithfulness, faithfulness
from forecasting.service.in_unit import columns_of
from forecasting.service.model_loading import ServedModel
from forecasting.service.total_view import SpanTotal, TotalView, total_view
from forecasting.service.unit_totals import Counted, counted, total_in
from forecasting.service.view_models import Order, SummaryStatus, TodayPage, TodayRow

if TYPE_CHECKING:
    from data.catalog import Catalog  # it is handed an opened one

#: Matches of a search that are ranked; more than a planner pages through.
_RANKED = 500

#: Units in which all items are kept.
_UNITS_KEPT = 3

#: What is kept of all items, beside the catalog.
_SUMMARY, _TOTALS, MONITORING, _FAITHFULNESS = "summary.parquet", "totals.parquet", "look-back.parquet", "faithfulness.json"


class CatalogForecasts:
    """The forecasts of all items of ``catalog`` by ``model``, kept in ``home`` under their ``key``.

    Attributes are replaced whole, never changed: threads that read meanwhile see the old or the new.
    """

    def __init__(self, catalog: Catalog, model: ServedModel, key: str, horizon: int, home: Path) -> None:
        self._catalog, self._model, self._key, self._horizon, self._home = catalog, model, key, horizon, home
        self._summary: Summary | None = None
        self._totals: CatalogTotals | None = None
        if model.status.serves:
            self._summary, self._totals = self._load()
        self._monitoring: ForecastMonitoring | None = None
        self._counted = Kept[Counted](_UNITS_KEPT)

    def status(self) -> SummaryStatus:
        """Whether all items were forecast."""
        if self._summary is not None:
            made, expected = self._summary.ledger, None if self._totals is None else float(self._totals.expected[0].sum())
            return SummaryStatus(True, "", expected, made, behind=made != self._catalog.ledger.digest)
        if not self._model.status.serves:
            return SummaryStatus(False, "Items are ranked by recent sales until a model is trained on the Data page.", None)
        return SummaryStatus(False, "Items are ranked by recent sales until the forecasts of all items were made.", None)

    def summary(self) -> Summary:
        """What ranks all items and what their orders are made of; raises NotTrained until they were forecast."""
        if self._summary is None:
            raise NotTrained(self.status().message)
        return self._summary

    def summarise(self, report: Report) -> None:
        """Forecasts all items, or reads them from a run that has them, and keeps what ranks them; raises NotTrained."""
        run, made, twin = self._latest(whole=True, ledger=self._catalog.ledger.digest), None, self._model.twin()
        if run is not None:
            with suppress(ResourceError):  # a damaged run is set aside
                made = summary_of(run, self._catalog, twin, self._key, report)
        summary, totals = made or summarise(self._catalog, twin, self._key, report)
        totals.save(self._home / _TOTALS)  # first: who sees a new summary finds its totals
        summary.save(self._home / _SUMMARY)
        self._totals = totals
        self._summary = summary

    def total(self, category: str = "", unit: Unit = PIECES) -> TotalView:
        """What all items, or those of a category, sold together and will sell; a category that is unknown is all items.

        In pieces until all items were forecast, and where none of them has the factor of the unit.
        """
        found = total_view(self._catalog, self._totals, category, self._horizon)
        counting = self._in(unit)
        return found if counting is None else total_in(found, counting, self._catalog.about.frequency, self._horizon)

    def span_total(self, category: str, unit: Unit, periods: int) -> SpanTotal | None:
        """The total of the first ``periods`` coming ones together; None until all items were forecast."""
        summary, totals, counting = self._summary, self._totals, self._in(unit)
        if summary is None or totals is None:
            return None
        each = np.ones(len(summary.item_ids)) if counting is None else counting.up_to(periods)
        if not np.isfinite(each).any():
            each = np.ones(len(each))
        spans = np.asarray(summary.spans[:, periods - 1])
        values = span_total(self._catalog.assortment(), summary.item_ids, spans, each, totals, category)
        return SpanTotal(totals.taus, values)

    def _in(self, unit: Unit) -> Counted | None:
        """All items in a unit, which is kept for the last few; None for pieces, and until they were forecast."""
        summary = self._summary
        if unit.is_pieces or summary is None:
            return None
        key = (unit, summary.key, summary.ledger, self._catalog.ledger.version)
        return self._counted.made(key, lambda: counted(self._catalog, summary, unit))

    def _load(self) -> tuple[Summary, CatalogTotals] | tuple[None, None]:
        """Summary and totals as they are kept; neither where one of them is missing: both are made anew."""
        totals = CatalogTotals.load(self._home / _TOTALS, self._key)
        summary = Summary.load(self._home / _SUMMARY, self._key) if totals else None
        return (summary, totals) if summary and totals else (None, None)

    def forecast(self, item_ids: Sequence[str] | None = None) -> QuantileForecast:
        """Forecast of these items, or of all; raises UnknownItem, NotTrained."""
        forecaster, panel = self._model.twin(), self._catalog.panel(item_ids)
        return forecaster.forecast(panel, [panel.last], self._catalog.plan(item_ids, forecaster.horizon))[0]

    def forecast_all(self, runs: Path, report: Report) -> Run:
        """Forecasts every item into a run below ``runs``; raises NotTrained."""
        return forecast_all(self._catalog, self._model.twin(), runs, report)

    def run(self) -> Run | None:
        """The newest run of this catalog and model, whole or not."""
        return self._latest(whole=False) if self._model.status.serves else None

    def _latest(self, *, whole: bool, ledger: str | None = None) -> Run | None:
        history = self._catalog.about.history_hash
        return latest(self._home / "runs", history, self._model.version, whole=whole, ledger=ledger)

    def monitoring(self) -> ForecastMonitoring | None:
        """What the forecasts of all items did lately; None until it was worked out for this catalog and model."""
        found = self._monitoring
        if found is None and self._model.status.serves:
            found = self._monitoring = ForecastMonitoring.load(self._home / MONITORING, self._key)
        return found

    def monitor(self, report: Report) -> None:
        """Works it out, which takes about three times as long as to forecast all items, and keeps it; raises NotTrained."""
        forecast_monitoring(self._catalog, self._model.twin(), self._key, report).save(self._home / MONITORING)

    def faithfulness(self) -> Faithfulness | None:
        """How far attention agrees with masking, None until it was measured."""
        return Faithfulness.load(self._home / _FAITHFULNESS, self._key)

    def measure_faithfulness(self, report: Report) -> None:
        """Measures and keeps it; raises NotTrained, ModelError where the networks have no attention."""
        faithfulness(self._catalog, self._model.twin(), self._key, report).save(self._home / _FAITHFULNESS)

    def today(
        self, order: Order = "expected", limit: int = 25, offset: int = 0, text: str = "", unit: Unit = PIECES
    ) -> TodayPage:
        """A page of the items in this order, of all or of those that match ``text``; those that lack the factor of the unit
        come in pieces, after the others where these are ranked by what is expected."""
        summary, counting = self._summary, self._in(unit)
        if summary is None or order == "recent":
            found = self._catalog.search(text, limit=limit, offset=offset)
            facts, total = tuple(one for one in found.rows if _is_sold(one, summary)), found.total
        elif text.strip():
            found = self._catalog.search(text, limit=_RANKED)
            facts, total = _ranked(found.rows, order, summary, counting)[offset : offset + limit], min(found.total, _RANKED)
        else:
            best = np.argsort(-_in_order(summary, counting), kind="stable")
            rows = best if order == "expected" else summary.most_uncertain
            wanted = summary.item_ids[rows[offset : offset + limit]]
            facts, total = self._catalog.items(list(wanted)), len(rows)
        return TodayPage(
            rows=tuple(_today_row(one, summary, unit, counting) for one in facts),
            total=total,
            horizon=self._horizon,
            creation_date=summary.creation_date if summary else None,
            order=order,
            unit=unit,
        )


def _in_order(summary: Summary, counting: Counted | None) -> np.ndarray:
    """What is expected of each item [M], below nothing where it lacks the factor of the unit."""
    return summary.expected if counting is None else np.nan_to_num(summary.expected * counting.whole, nan=-1.0)


def _ranked(found: tuple[ItemFacts, ...], order: Order, summary: Summary, counting: Counted | None) -> tuple[ItemFacts, ...]:
    uncertain = np.where(summary.expected >= 0.5, summary.width, -1)
    numbers = _in_order(summary, counting) if order == "expected" else uncertain

    def rank(facts: ItemFacts) -> float:
        row = summary.row_of(facts.item_id)
        return -float(numbers[row]) if row is not None else np.inf

    return tuple(sorted(found, key=rank))


def _is_sold(facts: ItemFacts, summary: Summary | None) -> bool:
    """Whether an item is still sold, as far as anybody knows."""
    return summary is None or summary.row_of(facts.item_id) is not None


def _today_row(facts: ItemFacts, summary: Summary | None, unit: Unit, counting: Counted | None) -> TodayRow:
    row = summary.row_of(facts.item_id) if summary else None
    whole, lately = _factors(facts, unit, counting, row)
    counted_in = PIECES if whole is None else unit
    whole, lately = (1.0 if one is None else one for one in (whole, lately))
    expected = low = high = width = None
    if summary is not None and row is not None:
        expected, low, high = (float(one[row]) * whole for one in (summary.expected, summary.low, summary.high))
        width = float(summary.width[row])
    return TodayRow(
        item_id=facts.item_id,
        name=facts.name,
        category=next((value for name, value in facts.static.items() if not is_factor(name)), ""),
        recent_units=facts.recent_units * lately,
        expected_units=expected,
        low=low,
        high=high,
        width=width,
        price=facts.commercial.get(PRICE),
        unit=counted_in,
    )


def _factors(
    facts: ItemFacts, unit: Unit, counting: Counted | None, row: int | None
) -> tuple[float, float] | tuple[None, None]:
    """Units in a piece of what is expected of an item, and of what it sold lately; None where it lacks the factor."""
    if unit.is_pieces:
        return 1.0, 1.0
    if counting is not None and row is not None:
        whole, lately = float(counting.whole[row]), float(counting.recent[row])
        return (whole, lately) if np.isfinite(whole) else (None, None)
    each = facts.commercial.get(PRICE) if unit.is_money else unit.factor(columns_of(facts))
    return (each, each) if each else (None, None)
