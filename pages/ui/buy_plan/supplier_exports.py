"""The purchase order of each supplier, with its total: a workbook with a sheet for each, or a file for each in an archive."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from data.facts import About
from forecasting.purchasing.plan_in_unit import PlanInUnit
from forecasting.purchasing.purchase_plan import BuyPlan
from pages.ui.buy_plan import order_table
from pages.ui.display import exports
from pages.ui.display.exports import Stamp
from pages.ui.display.tables import Column, Table
from pages.ui.shell import frame

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SUMMED = ("Buy", "Money")
_LONGEST_SHEET = 31  # characters that Excel allows in the name of a sheet


def by_supplier(plan: BuyPlan, about: About, counted: PlanInUnit | None = None) -> dict[str, Table]:
    """Supplier → what is to be bought of it, dearest first, and a row that adds it up."""
    places = plan.places(only_to_buy=True)
    bought_from = [row.supplier for row in plan.lines(places)]
    return {
        supplier or "No supplier": with_total(
            order_table.table_of(places[[one == supplier for one in bought_from]], plan, about, counted)
        )
        for supplier in sorted(set(bought_from))
    }


def with_total(table: Table) -> Table:
    """The table with a last row: the sums of units bought and of money, nothing else; none in a unit that an item lacks."""

    def total(column: Column) -> object:
        if column.title in _SUMMED or column.title.startswith("Buy, in "):
            return sum(value for value in column.values if isinstance(value, (int, float)))
        if column.title == "Item":
            return "Total"
        return "" if column.kind == "text" else float("nan")

    return replace(table, columns=tuple(replace(one, values=[*one.values, total(one)]) for one in table.columns))


def as_workbook(tables: dict[str, Table], stamp: Stamp) -> bytes:
    """A sheet for each supplier."""
    names = unlike([_plain(supplier) for supplier in tables], _LONGEST_SHEET)
    return exports.workbook(list(zip(names, tables.values(), strict=True)), stamp)


def as_archive(tables: dict[str, Table], stamp: Stamp) -> bytes:
    """A CSV file for each supplier."""
    names = unlike([re.sub(r"[^\w-]+", "-", supplier).strip("-") or "supplier" for supplier in tables], 60)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, table in zip(names, tables.values(), strict=True):
            archive.writestr(exports.name(f"Purchase order {name}", stamp, "csv"), exports.as_csv(table, stamp))
    return sink.getvalue()


def unlike(names: Sequence[str], longest: int) -> list[str]:
    """The names, cut to ``longest`` characters and numbered where that makes two the same, whatever their case.

    >>> unlike(["Harbour Foods", "harbour foods", "Old Mill"], 10)
    ['Harbour Fo', 'harbour 2', 'Old Mill']
    """
    taken: list[str] = []
    for name in names:
        short, number = name[:longest].strip(), 1
        while short.casefold() in {one.casefold() for one in taken}:
            number += 1
            end = f" {number}"
            short = f"{name[: longest - len(end) - 1].strip()}{end}"
        taken.append(short)
    return taken


def _plain(supplier: str) -> str:
    """A name that Excel takes for a sheet."""
    return re.sub(r"[\[\]:*?/\\]", " ", supplier).strip().strip("'") or "Supplier"


def downloads(plan: BuyPlan, about: About, stamp: Stamp, counted: PlanInUnit) -> None:
    """The two buttons; nothing where the catalog has no suppliers, and for one item alone."""
    if plan.settings.item or not plan.inputs.assortment.suppliers:
        return
    with frame.box("files-by-supplier", horizontal=True, gap="small"):
        for label, suffix, mime, write in (
            ("CSV by supplier", "zip", "application/zip", as_archive),
            ("Excel by supplier", "xlsx", _XLSX, as_workbook),
        ):
            st.download_button(
                label,
                data=partial(_file, write, plan, about, stamp, counted),
                file_name=exports.name("Purchase orders by supplier", stamp, suffix),
                mime=mime,
                key=f"by-supplier-{suffix}",
                on_click="ignore",
                type="tertiary",
                icon=":material/local_shipping:",
            )


def _file(
    write: Callable[[dict[str, Table], Stamp], bytes], plan: BuyPlan, about: About, stamp: Stamp, counted: PlanInUnit
) -> bytes:
    """What is handed over when a button is pressed."""
    return write(by_supplier(plan, about, counted), stamp)
