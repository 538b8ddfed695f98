"""Writing a catalog: its hash, the swap, and that nothing changes when an import fails."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from catalogs import WEEKLY, panel_of, write

from data.catalog import Catalog, Check
from data.catalog_writer import CatalogWriter
from data.errors import DataError, ResourceError
from data.orders import Orders
from data.schema import Plan

# hash


def test_the_hash_is_the_same_for_the_same_data_however_it_came(tmp_path):
    panel = panel_of()
    hashes = {
        Catalog(write(tmp_path / f"{n}.duckdb", panel, size=size, name=f"Name {n}", words="Other words.")).about.catalog_hash
        for n, size in enumerate((1000, 7, 13))
    }
    assert len(hashes) == 1


def test_the_hash_changes_with_anything_that_counts(tmp_path):
    def changed(array: np.ndarray, value: object) -> np.ndarray:
        copy = array.copy()
        copy[-1, -1] = value
        return copy

    panel, base = panel_of(), panel_of()
    renamed = panel.item_ids.copy()
    renamed[0] = "SKU-9999"
    relabelled = panel.static["brand"].copy()
    relabelled[0] = "Other"
    variants = [
        (base, {}),
        (panel_of(demand=changed(panel.demand, 77)), {}),
        (panel_of(demand=changed(panel.demand, np.nan)), {}),
        (panel_of(in_stock=changed(panel.in_stock, 0.25)), {}),
        (panel_of(known={**panel.known, "price": changed(panel.known["price"], 0.01)}), {}),
        (panel_of(past={"views": changed(panel.past["views"], 5)}), {}),
        (panel_of(item_ids=renamed), {}),
        (panel_of(static={**panel.static, "brand": relabelled}), {}),
        (replace(panel, periods=WEEKLY.range(pd.Timestamp("2023-01-08"), 40)), {}),
        (base.take(np.arange(29)), {}),
        (base, {"price_seen": "when sold"}),
        (base, {"country": "US"}),
        (base, {"names": ["x"] * 30}),
        (base, {"commercial": pd.DataFrame({"on_hand": np.ones(30)})}),
        (base, {"suppliers": ["Old Mill"] * 30}),
        (base, {"suppliers": ["Old Mill"] * 29 + ["Pier 9"]}),
        (base, {"plan": Plan(WEEKLY.after(base.last, 1), {"promo": np.ones((30, 1), np.float32)})}),
    ]
    hashes = [
        Catalog(write(tmp_path / f"{n}.duckdb", variant, **about)).about.catalog_hash
        for n, (variant, about) in enumerate(variants)
    ]
    assert len(set(hashes)) == len(hashes)


def test_what_forecasting_reads_has_a_hash_that_stock_and_suppliers_and_orders_leave_alone(tmp_path):
    base = panel_of()
    day = np.array(["2023-02-01"], "datetime64[D]")
    orders = Orders(base.item_ids[:1], day, day + 7, np.array(["NaT"], "datetime64[D]"), np.array([5.0]))
    supplied = {"commercial": pd.DataFrame({"on_hand": np.ones(30)}), "suppliers": ["Old Mill"] * 30, "orders": orders}
    other = base.demand.copy()
    other[-1, -1] = 77
    planned = {"plan": Plan(WEEKLY.after(base.last, 1), {"promo": np.ones((30, 1), np.float32)})}
    variants = (
        (base, {}),
        (base, supplied),
        (base, {"supply_words": "Made up."}),
        (panel_of(demand=other), {}),
        (base, planned),
    )
    catalogs = [Catalog(write(tmp_path / f"{n}.duckdb", panel, **what)) for n, (panel, what) in enumerate(variants)]
    plain, stocked, told, sold, ahead = (one.about for one in catalogs)
    assert plain.history_hash == stocked.history_hash == told.history_hash
    assert len({plain.history_hash, sold.history_hash, ahead.history_hash}) == 3
    assert plain.catalog_hash == told.catalog_hash != stocked.catalog_hash
    assert [one.panel().catalog_hash for one in catalogs[:2]] == [plain.history_hash] * 2
    assert (plain.supply_words, told.supply_words) == ("", "Made up.")


def test_suppliers_are_known_to_buying_and_searches_and_not_to_forecasting(tmp_path):
    panel, names = panel_of(), [f"Mill {n % 3}" for n in range(30)]
    catalog = Catalog(write(tmp_path / "catalog.duckdb", panel, suppliers=names, size=7))
    assert catalog.assortment().suppliers == ("Mill 0", "Mill 1", "Mill 2")
    assert [fact.supplier for fact in catalog.items(panel.item_ids.tolist())] == names
    assert catalog.search("mill 1").total >= 10
    assert set(catalog.panel().static) == {"category", "brand"}
    assert Catalog(write(tmp_path / "plain.duckdb", panel)).assortment().supplier is None
    with (
        pytest.raises(DataError, match="as many names, suppliers"),
        CatalogWriter(tmp_path / "short.duckdb", name="", source="", words="", frequency=WEEKLY) as writer,
    ):
        writer.add(panel, suppliers=names[:5])


def test_unknown_and_zero_have_one_form_each(tmp_path):
    panel = panel_of()
    odd = panel.demand.copy()
    odd.view(np.uint32)[np.isnan(odd)] = 0xFFC00001  # another NaN
    odd[odd == 0] = -0.0
    hashes = [
        Catalog(write(tmp_path / f"{n}.duckdb", panel_of(demand=demand))).about.catalog_hash
        for n, demand in enumerate((panel.demand.copy(), odd))
    ]
    assert hashes[0] == hashes[1]


# swap and failure


def test_a_catalog_swapped_in_is_seen_by_those_who_open_it_later(tmp_path):
    path = write(tmp_path / "c.duckdb", panel_of(seed=1))
    old = Catalog(path)
    write(path, panel_of(seed=2))
    new = Catalog(path)
    np.testing.assert_array_equal(old.panel().demand, panel_of(seed=1).demand)
    np.testing.assert_array_equal(new.panel().demand, panel_of(seed=2).demand)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.duckdb"]


def test_an_import_that_fails_leaves_the_old_catalog(tmp_path):
    path = write(tmp_path / "c.duckdb", panel_of())
    before = path.read_bytes()
    broken = CatalogWriter(path, name="n", source="s", words="w", frequency=WEEKLY)

    def cut_off() -> None:
        with broken as writer:
            writer.add(panel_of())
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        cut_off()
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.duckdb"]


@pytest.mark.parametrize("remains", [b"", b"half a file " * 1000])
def test_remains_of_a_crash_are_cleared(tmp_path, remains):
    (tmp_path / "c.duckdb.building").write_bytes(remains)
    (tmp_path / "c.duckdb.building.wal").write_bytes(remains)
    write(tmp_path / "c.duckdb", panel_of())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["c.duckdb"]


def test_two_imports_at_once_are_refused(tmp_path):
    settings = {"name": "n", "source": "s", "words": "w", "frequency": WEEKLY}
    with CatalogWriter(tmp_path / "c.duckdb", **settings) as first:
        first.add(panel_of())
        refused: list[str] = []

        def second() -> None:
            try:
                with CatalogWriter(tmp_path / "c.duckdb", **settings):
                    pass
            except ResourceError as error:
                refused.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "being written already" in refused[0]
    assert Catalog(tmp_path / "c.duckdb").about.items == 30


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (lambda: panel_of(), "comes 2 times"),
        (lambda: panel_of(periods=39), "same periods"),
        (lambda: panel_of(past={}), "same columns"),
        (lambda: panel_of(demand=-np.ones((30, 40), np.float32)), "demand of item .* is -1"),
        (lambda: panel_of(in_stock=np.full((30, 40), 1.5, np.float32)), "in_stock of item .* is 1.5"),
    ],
)
def test_chunks_that_break_the_contract_are_refused(tmp_path, second, words):
    def both() -> None:
        with CatalogWriter(tmp_path / "c.duckdb", name="n", source="s", words="w", frequency=WEEKLY) as writer:
            writer.add(panel_of())
            writer.add(second())

    with pytest.raises(DataError, match=words):
        both()
    assert not list(tmp_path.iterdir())


def test_an_empty_catalog_is_refused(tmp_path):
    with (
        pytest.raises(DataError, match="no item"),
        CatalogWriter(tmp_path / "c.duckdb", name="n", source="s", words="w", frequency=WEEKLY),
    ):
        pass


def test_checks_tell_what_was_counted(tmp_path):
    panel = panel_of()
    with CatalogWriter(tmp_path / "c.duckdb", name="n", source="s", words="w", frequency=WEEKLY) as writer:
        writer.add(panel.take(np.arange(20)))
        writer.add(panel.take(np.arange(20, 30)))
        writer.note(Check("Own", "Something else.", 3, "warning"))
    checks = {check.title: check for check in Catalog(tmp_path / "c.duckdb").checks()}
    known = np.isfinite(panel.demand)
    assert checks["Size"].count == 30
    assert checks["Launches"].count == int((~known[:, 0]).sum())
    assert checks["No sales"].count == int((panel.demand == 0).sum())
    assert checks["Out of stock"].count == int((known & (panel.in_stock < 1)).sum())
    assert checks["Unknown prices"].count == int((known & np.isnan(panel.known["price"])).sum())
    assert checks["Gaps"].count == int((~known & np.logical_or.accumulate(known, axis=1)).sum())
    assert checks["Own"] == Check("Own", "Something else.", 3, "warning")
