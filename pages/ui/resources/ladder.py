"""How the generations did on the catalog in use, and what each says of one item; kept until the ladder's files change."""

from __future__ import annotations

from typing import cast

from forecasting.core.forecaster import Generation
from forecasting.core.types import QuantileForecast
from forecasting.evaluation.accuracy_report import AccuracyReport, ModelScores
from forecasting.models.patchwork.forecaster import Patchwork, PatchworkParts
from pages.ui.resources import catalog
from pages.ui.resources.kept import by

_Files = tuple[str, tuple[tuple[str, int], ...]]


def _files() -> _Files:
    """What the ladder of the catalog in use has brought, with the time of its last change."""
    from forecasting import workflows

    about = catalog.service().figures()
    files = sorted((workflows.home() / "ladder" / about.history_hash).glob("**/*.json"))
    found = tuple((f"{file.parent.name}/{file.name}", file.stat().st_mtime_ns) for file in files if file.is_file())
    return (catalog.version(), found)


@by(lambda: _files(), 2)
def accuracy() -> AccuracyReport | None:
    """How the generations did on this catalog, as far as they were tried; None where nobody asked yet."""
    from forecasting import workflows

    return workflows.accuracy(catalog.service().figures().history_hash)


@by(lambda: _files(), 2)
def better_generation(name: str) -> ModelScores | None:
    """The generation that was surely better on this catalog than the one called ``name``."""
    report = accuracy()
    tried = report is not None and name in [one.name for one in report.tried]
    return report.surely_better(name) if report is not None and tried else None


@by(lambda: _files(), 4)
def _generation(name: str) -> Generation:
    from forecasting import workflows

    return workflows.fitted_generation(catalog.service().figures().history_hash, name)


@by(lambda: (_files(), catalog.ledger().version), 64)
def forecast_by(name: str, item_id: str) -> QuantileForecast:
    """One item as a generation of the ladder sees it."""
    return catalog.service().items.forecast_by(_generation(name), item_id)


def patchwork_parts(item_id: str) -> PatchworkParts:
    """How the patchwork comes to its forecast of one item."""
    patchwork = cast("Patchwork", _generation("patchwork"))  # the registry's class of that name
    return catalog.service().items.patchwork_parts(patchwork, item_id)
