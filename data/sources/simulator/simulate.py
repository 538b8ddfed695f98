"""A made-up catalog of any size whose truth is known: what sells, why, and with what chances.

    for chunk in simulate(Simulation(items=100_000)):    # in bounded memory
        chunk.panel, chunk.plan, chunk.truth

Item i is the same whatever the chunk size and however many items are asked for. ``simulator_market`` holds what items
share, ``simulator_items`` makes them, ``simulator_truth`` knows the quantiles of their demand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from data.catalog import Catalog
from data.catalog_writer import CatalogWriter
from data.errors import ConfigurationError
from data.groups import GroupSums, grouping_columns
from data.schema import PRICE, PROMO, Panel, Plan
from data.sources.simulator.items import BLOCK, Block, simulated_block
from data.sources.simulator.locations import at_locations
from data.sources.simulator.market import LINES, VARIANTS, Market, market_of
from data.sources.simulator.orders import SUPPLIERS, joined, simulated_orders, suppliers_of
from data.sources.simulator.settings import Planted, SimulatedChunk, Simulation
from data.sources.simulator.truth import Truth
from data.truth_store import TruthWriter

#: Called with items done, items in all, and what is being done.
Report = Callable[[int, int, str], None]

CHUNK = 8 * BLOCK

#: Items times periods that a planner may ask for: a million items over two years of weeks.
MOST_CELLS = 104_000_000

#: Branches of each depot where a planner asks for locations.
_BRANCHES = 4

_PLANTED = ("holidays", "promotions_in_season", "launches", "stockouts", "seed")


def asked_for(items: int, periods: int, seed: int, planted: Planted) -> Simulation:
    """The simulation that a planner asked for; raises ConfigurationError where it is larger than ``MOST_CELLS``."""
    if items * periods > MOST_CELLS:
        raise ConfigurationError(
            f"{items:,} items over {periods:,} periods are {items * periods:,} numbers; at most {MOST_CELLS:,} are simulated, "
            f"a million items over two years of weeks. Ask for at most {MOST_CELLS // periods:,} items, or fewer periods."
        )
    rows = 1 + _BRANCHES if planted.locations else 1
    usual = Simulation(items=max(items // rows, 1), periods=periods, seed=seed)
    return replace(
        usual,
        holidays=usual.holidays * planted.holidays,
        promotions_in_season=2.0 * planted.promotions_in_season,
        launches=usual.launches * planted.launches,
        new_items=usual.new_items * planted.launches,
        stockouts=0.0 if planted.locations else usual.stockouts * planted.stockouts,
        locations=_BRANCHES if planted.locations else 0,
        orders=planted.orders,
    )


def simulate(settings: Simulation, chunk: int = CHUNK) -> Iterator[SimulatedChunk]:
    """All items of the simulation, ``chunk`` at a time, in memory bounded by the chunk."""
    if chunk < 1:
        raise ConfigurationError(f"A chunk holds at least one item; got {chunk}.")
    market = market_of(settings)
    made: dict[int, Block] = {}
    for first in range(0, settings.items, chunk):
        last = min(first + chunk, settings.items)
        parts = []
        for number in range(first // BLOCK, (last - 1) // BLOCK + 1):
            if number not in made:  # the one block kept is the last: of a block cut by a chunk the rest comes next
                made = {number: simulated_block(settings, market, number)}
            start = number * BLOCK
            parts.append(made[number].part(slice(max(first - start, 0), last - start)))
        products = _chunk(settings, market, Block.joined(parts), first)
        yield at_locations(products, settings.locations, settings.seed) if settings.locations else products


def simulated(settings: Simulation) -> SimulatedChunk:
    """The whole simulation at once, its panel and plan with the groups of the catalog: for tests and small studies."""
    whole = next(simulate(settings, chunk=settings.items))
    panel, plan, T = whole.panel, whole.plan, settings.periods
    through = replace(  # demand is unknown in the plan's periods, prices and promotions are not
        panel,
        periods=panel.periods.append(plan.periods),
        demand=np.pad(panel.demand, ((0, 0), (0, len(plan))), constant_values=np.nan),
        in_stock=np.pad(panel.in_stock, ((0, 0), (0, len(plan))), constant_values=np.nan),
        known={name: np.hstack([panel.known[name], plan.known[name]]) for name in panel.known},
        events=np.vstack([panel.events, plan.events]),
    )
    sums = GroupSums(grouping_columns(panel.static))
    sums.add(through)
    groups = sums.series(through)
    past = tuple(
        replace(
            group,
            demand=group.demand[:, :T],
            sellers=group.sellers[:, :T],
            known={name: values[:, :T] for name, values in group.known.items()},
        )
        for group in groups
    )
    ahead = {group.column: {name: values[:, T:] for name, values in group.known.items()} for group in groups}
    return replace(whole, panel=replace(panel, groups=past), plan=replace(plan, groups=ahead))


def load(path: Path, settings: Simulation, report: Report | None = None) -> None:
    """Simulates into a new catalog at ``path``, which takes the place of the old one when all of it is written.

    What is true of the items is kept beside it (``data.truth_store``) and nowhere in it.
    """
    report = report or (lambda done, total, words: None)
    rows = settings.items * (1 + settings.locations)
    truths = TruthWriter(path, {name: float(getattr(settings, name)) for name in _PLANTED})
    try:
        with CatalogWriter(
            path,
            name=f"Simulated catalog, {rows:,} items",
            source="simulator",
            words=f"Made up by Tideline's simulator (seed {settings.seed}): no real shop or product stands behind it.",
            frequency=settings.frequency,
            country=settings.country,
        ) as writer:
            done, orders = 0, []
            for chunk in simulate(settings):
                writer.add(chunk.panel, names=chunk.names.tolist(), commercial=chunk.commercial, plan=chunk.plan)
                truths.add(chunk.truth)
                if settings.orders:
                    orders.append(simulated_orders(settings, chunk, done))
                done += len(chunk)
                report(done, rows, f"Simulated {done:,} of {rows:,} items")
            writer.set_orders(joined(orders))
        with closing(Catalog(path)) as catalog:
            truths.finish(catalog.about.catalog_hash)
    except BaseException:
        truths.drop()
        raise


def _suppliers(settings: Simulation, first: int, count: int) -> dict[str, np.ndarray]:
    if not settings.orders:
        return {}
    return {"supplier": np.array(SUPPLIERS, dtype=object)[suppliers_of(settings.seed, range(first, first + count))]}


def _chunk(settings: Simulation, market: Market, block: Block, first: int) -> SimulatedChunk:
    """What planner and truth see of a block whose first item is number ``first``."""
    T = settings.periods
    item_ids = np.array([f"SIM{number:07d}" for number in range(first, first + len(block))], dtype=object)
    categories, brands = market.categories[block.category], market.brands[block.brand]
    variants = np.array(VARIANTS, dtype=object)[block.variant]
    panel = Panel(
        item_ids=item_ids,
        periods=market.periods[:T],
        frequency=settings.frequency,
        demand=block.sold,
        in_stock=block.in_stock,
        known={PRICE: block.price[:, :T], PROMO: block.promo[:, :T]},
        static={
            "department": market.departments[block.category],
            "category": categories,
            "brand": brands,
            "line": np.array(LINES, dtype=object)[block.line],
            **_suppliers(settings, first, len(block)),
        },
        event_names=market.event_names,
        events=market.events[:T],
    )
    plan = Plan(
        periods=market.periods[T:],
        known={PRICE: block.price[:, T:], PROMO: block.promo[:, T:]},
        events=market.events[T:],
    )
    last_price = block.price[:, T - 1]
    commercial = pd.DataFrame(
        {
            "unit_cost": block.unit_cost,
            "price": np.where(np.isfinite(last_price), last_price, block.price[:, T]).astype(np.float64).round(2),
            "pack_size": block.pack_size.astype(np.float64),
            "min_order": block.min_order.astype(np.float64),
            "lead_time": block.lead_time.astype(np.float64),
            "on_hand": block.on_hand,
            "on_order": block.on_order,
        }
    )
    truth = Truth(
        item_ids=item_ids,
        periods=market.periods,
        history=T,
        mean=block.mean,
        shape=block.shape,
        active=block.active,
        demand=block.demand,
        lost=block.demand[:, :T] - block.sold,
        elasticity=block.elasticity,
        promotion_lift=np.exp(block.lift),
        holiday_names=market.event_names,
        holiday_effect=np.exp(block.holiday),
        launch=block.launch,
        end=block.end,
    )
    words = zip(brands, categories, variants, strict=True)
    names = [f"{brand} {category.lower()}, {variant}" for brand, category, variant in words]
    return SimulatedChunk(panel, plan, np.array(names, dtype=object), commercial, truth)
