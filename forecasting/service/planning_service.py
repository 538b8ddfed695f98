"""What pages, command line and benches call: an opened catalog, the model that serves it, and who answers about both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.catalog import About, Check, SearchResult
from data.schema import PRICE
from data.units import PACK_SIZE, Unit, units_of
from forecasting.core.types import Report
from forecasting.new_products.duplicate_items import Duplicate, duplicates
from forecasting.new_products.launch_service import LaunchService, learn
from forecasting.new_products.model_store import LaunchStore
from forecasting.service.catalog_forecasts import CatalogForecasts
from forecasting.service.item_service import ItemService
from forecasting.service.model_loading import ServedModel
from forecasting.service.purchase_service import PurchaseService
from forecasting.service.view_models import ModelStatus

if TYPE_CHECKING:
    from data.corrected_catalog import CorrectedCatalog  # it is handed an opened one
    from forecasting.models.mqtransformer.forecaster import MQTransformerForecaster

#: Best sellers among which duplicates are looked for.
_COMPARED = 20_000


class PlanningService:
    """Answers about one catalog with one model; thread-safe.

    ``models`` are directories in the order in which they are asked for a model of this catalog; what was made of both is in
    ``home``. ``items`` answers about one item, ``forecasts`` about all of them, ``purchases`` what to order.
    """

    def __init__(self, catalog: CorrectedCatalog, models: tuple[Path, ...], home: Path) -> None:
        self._catalog, self._home = catalog, home
        self._model = ServedModel(catalog.about, models)
        self.items = ItemService(catalog, self._model, self.horizon)
        self.forecasts = CatalogForecasts(catalog, self._model, self.key, self.horizon, home)
        self.purchases = PurchaseService(catalog, self._model, self.forecasts)

    @property
    def key(self) -> str:
        """Names catalog and model together."""
        return f"{self._catalog.about.catalog_hash}/{self._model.version}"

    @property
    def horizon(self) -> int:
        """The longest horizon answered; the usual one of the frequency where no model serves."""
        return self._model.horizon or self._catalog.about.frequency.horizon

    def close(self) -> None:
        """Frees the catalog's file."""
        self._catalog.close()

    def figures(self) -> About:
        """What the catalog is."""
        return self._catalog.about

    def units(self) -> tuple[Unit, ...]:
        """What demand of this catalog can be shown in, pieces first: of which it has the factor of any item."""
        known, about = self._catalog.assortment(), self._catalog.about
        told = {name: bool((known.commercial[name] > 0).any()) for name in (PACK_SIZE, PRICE)}
        found = units_of(about.static, packs=told[PACK_SIZE], prices=told[PRICE], currency=about.currency)
        empty = {
            one.column
            for one in found
            if one.column in known.measures and not np.isfinite(one.factors(known.measures[one.column])).any()
        }
        return tuple(one for one in found if one.column not in empty or not one.column)

    def checks(self) -> tuple[Check, ...]:
        """What the import of the catalog found."""
        return self._catalog.checks()

    def model(self) -> ModelStatus:
        """Which model serves."""
        return self._model.status

    def search(self, text: str, limit: int = 20, offset: int = 0) -> SearchResult:
        """Items by id, name or attribute."""
        return self._catalog.search(text, limit=limit, offset=offset)

    def launches(self) -> LaunchService | None:
        """The part for products without history, None until ``learn_launches``; raises DataError."""
        return LaunchService.of(self._catalog, self._network(), LaunchStore(self._home, self.key))

    def learn_launches(self, report: Report) -> None:
        """Learns from the launches on record and keeps it beside the catalog; raises TooLittleHistory."""
        learn(self._catalog, self._network(), LaunchStore(self._home, self.key), report)

    def _network(self) -> MQTransformerForecaster | None:
        return self._model.twin() if self._model.status.serves else None

    def duplicates(self) -> tuple[Duplicate, ...]:
        """Best sellers that are probably one and the same item."""
        return duplicates(self._catalog.search("", limit=_COMPARED).rows, self._catalog.panel)
