"""What a simulator knows of the catalog in use."""

from __future__ import annotations

from data.truth_store import TruthStore
from forecasting.evaluation.simulator_check import ItemTruth, TruthRecord, item_truth, recorded
from pages.ui.resources import catalog
from pages.ui.resources.kept import by


@by(catalog.version, 1)
def truths() -> TruthStore | None:
    """The truths of the catalog in use, None where nobody simulated it."""
    from forecasting import workflows

    return workflows.truths(catalog.service().figures().catalog_hash)


@by(catalog.history_version, 64)
def of_item(item_id: str, horizon: int) -> ItemTruth | None:
    """The truth beside the forecast of one item."""
    known = truths()
    return item_truth(catalog.item(item_id, horizon).forecast, known) if known else None


@by(catalog.version, 1)
def record() -> TruthRecord | None:
    """How a sample of the forecasts stands to the truth; None where the simulation does not reach so far."""
    known = truths()
    return recorded(catalog.service().forecasts.forecast, known) if known else None
