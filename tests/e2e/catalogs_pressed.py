"""The desks that are pressed: the demo with its model, a simulated catalog with its truth and a model of its own, a small file
of one's own without one, files as other systems write them, and nothing at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from e2e.crawler import Route
from e2e.serving import ROOT, forecasting, python

from data.catalog import Catalog

CASES = ROOT.parent / "shared" / "cases"
ITEMS, WEEKS = 12, 60
DEMO_ITEM, SMALL_ITEM = "1082185", "PEN-03"
_PAGES = ("accuracy", "item", "what_if", "new_items", "buy_plan")

#: Addresses that nobody should send, but somebody will.
_NONSENSE = (
    "item?item=nothing&horizon=words&tau=nan&scenario=%25%25",
    "what_if?item=nothing&scenario=p-999_m7_3p0_99p1",
    "buy_plan?by=words&scope=words&lead=words&pack=-5&budget=2,40&page=-1&tau=7",
    "new_items?described=1&is.category=nothing&price=words&launch=words&weigh=a:b",
    "new_items?described=1&launch=2999-01-01&price=-1",
    "new_items?described=1&launch=nat&promo=1e9",
    "new_items?described=1&launch=2018-02-01T00:00Z",
    "accuracy?slice=nothing&of=nothing&with=nothing&by=nothing&ahead=nothing",
    "?page=99999999&order=nothing&alerts=-3",
    "?unit=furlongs&sum=words&total=nothing",
    "item?item=nothing&unit=money&sum=quarter",
)


_SIMULATED = """
from forecasting import workflows
from forecasting.models.mqtransformer.settings import TrainingSettings
say = lambda progress: None
workflows.load_simulated(40, 80, 3, say)
workflows.train(say, TrainingSettings(members=1, scale_lives=(0.5,), most_steps=50, width=8, decoder_width=8))
"""


def small_file(path: Path) -> Path:
    """Sales of ``ITEMS`` items over ``WEEKS`` weeks, with price, promotion and a category, as CSV."""
    draw = np.random.default_rng(7)
    weeks = pd.date_range("2023-01-02", periods=WEEKS, freq="7D")
    rows = []
    for number in range(ITEMS):
        promoted = draw.random(WEEKS) < 0.1
        price = np.where(promoted, 1.6, 2.0) + number / 10
        sold = draw.poisson((4 + 2 * number) * np.where(promoted, 1.8, 1.0))
        rows.append(
            pd.DataFrame(
                {"item_id": f"PEN-{number:02}", "date": weeks, "demand": sold, "price": price, "promo": promoted.astype(int),
                 "category": "Pens" if number % 2 else "Paper"}
            )
        )  # fmt: skip
    pd.concat(rows).to_csv(path, index=False)
    return path


def files(folder: Path) -> tuple[str, ...]:
    """What is given to every place that takes a file: nothing, no table, no sales, and sales."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nothing.csv").write_bytes(b"")
    (folder / "picture.xlsx").write_bytes(bytes(range(256)))
    (folder / "no_sales.csv").write_text("a;b\n1;words\n", "utf-8")
    small_file(folder / "pens.csv")
    return tuple(str(folder / name) for name in ("nothing.csv", "picture.xlsx", "no_sales.csv", "pens.csv"))


def demo(home: Path, kept: Path | None = None) -> Route:
    """The demo and the model that ships; from a ``kept`` home where there is one, which saves a minute."""
    if kept and (kept / "catalog.duckdb").exists():
        shutil.copytree(kept, home, dirs_exist_ok=True)
    forecasting(home, "prepare")
    return Route("demo", _pages(DEMO_ITEM), ("item", "what_if", *_NONSENSE), files(home / "files"))


def small(home: Path) -> Route:
    """A small file of one's own, loaded, with no model trained on it."""
    forecasting(home, "load", str(small_file(home / "pens.csv")), "--name", "Pens")
    return Route("small", _pages(SMALL_ITEM), ("item", *_NONSENSE[:2]), files(home / "files"))


def simulated(home: Path) -> Route:
    """A catalog whose truth is known, and a model trained on it for a moment."""
    python(home, _SIMULATED)
    return Route("simulated", _pages(_best_seller(home)), ("item", *_NONSENSE[:2]), files(home / "files"))


def planned(home: Path) -> Route:
    """Weeks to come with prices and no sales, and one item without any."""
    return _file(home, "35-future-price-blank-demand.csv")


def sold_out(home: Path) -> Route:
    """Closing stock beside the sales, and weeks without either."""
    return _file(home, "21-stockouts-with-stock-column.csv")


def _file(home: Path, name: str) -> Route:
    """One of the messy files that every developer is given."""
    forecasting(home, "load", str(CASES / name), "--name", "Sales")
    return Route(name.split("-")[0], _pages(_best_seller(home)), ("item", *_NONSENSE[:2]), files(home / "files"))


def _best_seller(home: Path) -> str:
    with closing(Catalog(home / "catalog.duckdb")) as catalog:
        return catalog.search("", limit=1).rows[0].item_id


def nothing(home: Path) -> Route:
    """No catalog and no model."""
    return Route("nothing", _pages(""), _NONSENSE[2:], files(home / "files"))


CATALOGS: dict[str, Callable[..., Route]] = {"demo": demo, "simulated": simulated, "small": small, "nothing": nothing}
if CASES.is_dir():
    CATALOGS |= {"planned": planned, "sold_out": sold_out}


def _pages(item: str) -> tuple[str, ...]:
    """Every page, for this item where there is one; Data last, for it loads other data."""
    chosen = f"?item={item}" if item else ""
    address = {"item": f"item{chosen}", "what_if": f"what_if{chosen}"}
    return ("", *(address.get(name, name) for name in _PAGES), "data")
