"""The stand-in's part for products without history: three analogs of closed formulas, weighed as the page asks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from data.errors import DataError, UnknownItem
from data.schema import Frequency
from forecasting.core import metrics
from forecasting.core.quantile_function import TAUS
from forecasting.core.types import QuantileForecast
from forecasting.new_products.analog_forecast import Analog, LaunchForecast, LaunchRecord, ViewRecord, weighted_fans
from forecasting.new_products.launch_service import NewProduct, RecentItem, SimilarItem

WINDOW = 8
CURVES = np.array([[20.0] * 8, [60.0, 40, 30, 20, 15, 10, 8, 6], [2.0, 0, 0, 0, 0, 0, 0, 0]])
NAMES = ("Almond milk, 1 l", "Rice milk, 1 l", "Hemp milk, 1 l")
SHARES = np.array([0.5, 0.3, 0.2])
LAST = pd.Timestamp("2025-12-28")
_WEEKS = Frequency.of("W-SUN")
_DIFFERENCE = metrics.Difference(-0.05, -0.08, -0.02, 1.0, 120)


class LaunchService:
    """Answers as the real one does; ``problem`` is raised where it is made."""

    window = WINDOW

    def __init__(self, problem: str, trained: bool) -> None:
        if problem == "plain":
            raise DataError("The catalog 'Corner shop' has no attributes.")
        self._trained, self._recent = trained, problem != "none recent"
        self.record = record() if problem != "untried" else None

    def recent(self) -> tuple[RecentItem, ...]:
        return (RecentItem("SKU-0000", "New oat drink", pd.Timestamp("2025-11-23")),) if self._recent else ()

    def knows(self, item_id: str) -> bool:
        return item_id == "SKU-0000"

    def values(self, column: str, given: Mapping[str, str]) -> tuple[str, ...]:
        if column == "category":
            return ("Dairy", "Juice")
        return ("Alpine", "Own brand") if given.get("category") == "Dairy" else ("Grove",)

    def usual_price(self, static: Mapping[str, str]) -> float | None:
        return 2.49 if static else None

    def forecast_recent(self, item_id: str, emphasis: Mapping[str, float]) -> LaunchForecast:
        if item_id != "SKU-0000":
            raise UnknownItem(f"{item_id!r} is not among the recent items.")
        sold = np.array([18.0, 25, 22, 19, 30, 21, np.nan, np.nan])
        return self._forecast("New oat drink", {"category": "Dairy"}, 2.49, pd.Timestamp("2025-11-23"), emphasis, sold)

    def forecast_new(self, product: NewProduct, emphasis: Mapping[str, float]) -> LaunchForecast:
        nothing = np.full(WINDOW, np.nan)
        return self._forecast(product.name, product.static, product.price, product.launch, emphasis, nothing)

    def similar(self, item_id: str, count: int = 10) -> tuple[SimilarItem, ...]:
        if item_id == "SKU-0000":
            raise UnknownItem("Items are compared among the 20,000 best sellers of the catalog, and 'SKU-0000' is not one.")
        return (SimilarItem("SKU-0011", "Rye bread, 1 l", ("Bakery", "Mill"), 2.49, 38.0, 0.4),)

    def _forecast(
        self,
        name: str,
        static: Mapping[str, str],
        price: float | None,
        launch: pd.Timestamp,
        emphasis: Mapping[str, float],
        sold: np.ndarray,
    ) -> LaunchForecast:
        ids = [f"A{row}" for row in range(3)]
        shares = SHARES * [emphasis.get(one, 1.0) for one in ids]
        if not shares.sum() > 0:
            raise DataError("Every analog is excluded, so nothing is left to forecast from. Give one of them some weight.")
        shares = shares / shares.sum()
        analogs = weighted_fans(CURVES, shares[None])
        network = weighted_fans(CURVES[:1] * 2, np.ones((1, 1)))
        share = 0.25 if self._trained else 0.0

        def forecast(fans: object, model: str) -> QuantileForecast:
            periods = _WEEKS.range(launch, WINDOW)
            return QuantileForecast(
                np.array(["new"]),
                min(launch - pd.Timedelta(days=7), LAST),
                periods,
                np.array(TAUS),
                fans.values,
                fans.spans,
                model,
                "1",
            )

        return LaunchForecast(
            name=name,
            static=static,
            price=price,
            blend=forecast(analogs.blended(network, share), "launch blend"),
            analogs=forecast(analogs, "analogs"),
            network=forecast(network, "mqtransformer") if self._trained else None,
            network_share=share,
            nearest=tuple(
                Analog(
                    ids[row], NAMES[row], float(shares[row]), emphasis.get(ids[row], 1.0), ("Dairy",), 2.2, LAST, CURVES[row]
                )
                for row in range(3)
            ),
            others=0,
            moved=1.0,
            sold=sold,
        )


def record() -> LaunchRecord:
    views = {"blend": 0.7, "analogs": 0.72, "network": 0.74, "alike by attributes": 0.8, "category": 0.875}
    return LaunchRecord(
        launches=57,
        first=pd.Timestamp("2025-09-07"),
        last=pd.Timestamp("2025-11-02"),
        views=tuple(ViewRecord(name, wql, 0.8 * wql) for name, wql in views.items()),
        blend_vs={name: _DIFFERENCE for name in views if name != "blend"},
    )
