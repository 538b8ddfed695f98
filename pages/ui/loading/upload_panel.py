"""A planner's own file: how it would be read, which column is what, and loading it all or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from data.schema import COMMERCIAL, Frequency
from pages.ui.display import formats
from pages.ui.display.tables import Column, Table

if TYPE_CHECKING:
    from data.sources.upload.column_mapping import ColumnMapping
    from data.sources.upload.load import UploadPreview
    from data.sources.upload.purchase_orders import OrdersFile

_PREVIEW = "upload preview"
_ROUND = "upload round"
_ORDERS = "upload orders"
_NONE = "—"
_ANY_STEP = Frequency.of("D")  # for a table of text alone, which needs none

#: Role in the mapping → what the planner reads; the first three are needed.
_ROLES = {
    "item_id": "Item",
    "date": "Date",
    "demand": "Units sold",
    "price": "Price",
    "promo": "Promotion",
    "stock": "Stock",
    "name": "Name of the item",
    "location": "Store or location",
}
_NEEDED = ("item_id", "date", "demand")
_MISSING: dict[Literal["unknown", "zero"], str] = {"unknown": "is not known", "zero": "means that nothing sold"}
_DAY_FIRST: dict[bool | None, str] = {
    None: "As the dates tell",
    True: "Day first: 31/12/2024",
    False: "Month first: 12/31/2024",
}


def section(agreed: bool) -> str | None:
    """The way from a file to a catalog, once it is ``agreed`` that the one in use is replaced; answers the new catalog's name
    once it is loaded, raises UploadError."""
    st.markdown(
        "A CSV, Parquet or Excel file with one row for each item and period: item, date and units sold, and where you "
        "have them price, promotion, stock and attributes such as category or brand. Nothing is loaded before you have "
        "seen how the file is read, and then all of it or nothing."
    )
    names = ", ".join(f"`{name}`" for name in COMMERCIAL if name != "price")
    st.caption(
        f"For buying, columns of these names are read, too, the latest cell of each item: {names}. Times are in periods; "
        "`lead_time_sd` is how far the lead time gives or takes, and `arrives_in` when the units on order come."
    )
    from data.sources.upload import load

    key = f"upload/{st.session_state.get(_ROUND, 0)}"  # a new one after each file, so that the loaded file is put away
    file = st.file_uploader("File", type=["csv", "parquet", "xlsx"], key=key, label_visibility="collapsed")
    if file is None:
        st.session_state.pop(_PREVIEW, None)
        return None
    held = st.session_state.get(_PREVIEW)
    if held is None or held[0] != file.file_id:  # a file is read once, not at every click
        with st.spinner("Reading the file"):
            held = (file.file_id, load.preview(file.name, file.getvalue()))
        st.session_state[_PREVIEW] = held
    preview: UploadPreview = held[1]
    _reading(preview)
    mapping = _mapping(preview)
    if mapping is not None:
        with st.spinner("Reading the file again"):
            st.session_state[_PREVIEW] = (file.file_id, load.review(preview, mapping))
        st.rerun()
    return _loading(preview, agreed)


def _reading(preview: UploadPreview) -> None:
    """How the file is read, with what is wrong and what is worth knowing."""
    words = [f"**{formats.plain(preview.file_name)}**: {preview.rows:,} rows"]
    if preview.frequency is not None and preview.first is not None:
        first, last = (formats.period(stamp, preview.frequency) for stamp in (preview.first, preview.last))
        words.append(f"{preview.items:,} items, {first} to {last}. {formats.plain(preview.frequency_words)}.")
    st.markdown(", ".join(words))
    cells = list(zip(*preview.first_rows, strict=True)) or [()] * len(preview.columns)
    columns = tuple(Column(name, "text", values) for name, values in zip(preview.columns, cells, strict=True))
    st.html(Table("First rows of the file", columns, preview.frequency or _ANY_STEP).html())
    if preview.problems:
        lines = [f"- {formats.plain(str(problem))}" for problem in preview.problems]
        st.error("\n".join(["**It cannot be loaded like this.** Mend the file, or choose other columns below.", "", *lines]))
    found = [check for check in preview.checks if check.severity != "fine"]
    if found:
        st.info("\n".join(f"- **{formats.plain(check.title)}**: {formats.plain(check.finding)}" for check in found))


def _mapping(preview: UploadPreview) -> ColumnMapping | None:
    """The form in which the planner says which column is what; answers the mapping when it is sent."""
    now = preview.mapping
    with st.form(f"mapping/{preview.file_name}", border=False):
        st.markdown("**Which column is what?**")
        places, chosen = st.columns(4), {}
        options = [_NONE, *preview.columns]
        for position, (role, label) in enumerate(_ROLES.items()):
            held = getattr(now, role)
            with places[position % 4]:
                label = f"{label} (needed)" if role in _NEEDED else label
                chosen[role] = st.selectbox(label, options, options.index(held) if held in options else 0)
        static = st.multiselect("Attributes of the item", preview.columns, now.static)
        if now.commercial:
            roles = [f"{formats.plain(column)} as {role.replace('_', ' ')}" for role, column in now.commercial.items()]
            st.caption(f"For buying, read from the column names: {formats.listing(roles)}.")
        with st.expander("Costs, other numbers, missing rows, dates and holidays"):
            known = st.multiselect("Other numbers that are planned ahead", preview.columns, now.known)
            past = st.multiselect("Other numbers that are known only afterwards", preview.columns, now.past)
            first, second, third, fourth = st.columns(4)
            cost = first.selectbox("Unit cost", options, _position(options, now.commercial.get("unit_cost")))
            missing = second.selectbox(
                "A row that is not there", list(_MISSING), list(_MISSING).index(now.missing), _MISSING.__getitem__
            )
            day_first = third.selectbox(
                "Dates like 02/01/2024", list(_DAY_FIRST), list(_DAY_FIRST).index(now.day_first), _DAY_FIRST.__getitem__
            )
            country = fourth.text_input("Country of its holidays", now.country or "", max_chars=2, placeholder="US, DE")
        sent = st.form_submit_button("Read it like this")
    if not sent:
        return None
    single: dict[str, Any] = {role: "" if column == _NONE else column for role, column in chosen.items()}
    commercial = dict(now.commercial) | {"unit_cost": cost}
    if cost == _NONE:
        del commercial["unit_cost"]
    taken = {*single.values(), *commercial.values()}
    free = [[column for column in columns if column not in taken] for columns in (static, known, past)]
    return replace(
        now,
        **single,
        static=tuple(free[0]),
        known=tuple(free[1]),
        past=tuple(free[2]),
        commercial=commercial,
        missing=missing,
        day_first=day_first,
        country=country.strip().upper() or None,
    )


def _position(options: list[str], held: str | None) -> int:
    return options.index(held) if held in options else 0


def _loading(preview: UploadPreview, agreed: bool) -> str | None:
    """The last step; answers the name once everything is loaded."""
    orders = _orders(preview)
    usual = preview.file_name.rsplit(".", 1)[0]
    name = st.text_input("Name of the catalog", usual, max_chars=80).strip() or usual
    wrong = not agreed or not preview.loadable or (orders is not None and bool(orders.problems))
    if not st.button("Load it", type="primary", disabled=wrong):
        return None
    from forecasting import workflows

    with st.spinner("Loading every row"):
        workflows.load_upload(preview, preview.mapping, name, orders)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1
    return name


def _orders(preview: UploadPreview) -> OrdersFile | None:
    """Another file, of purchase orders; nothing where none is brought."""
    st.markdown(
        "**Purchase orders, if you have them**, in a file of their own, one row for each order: `item_id`, `ordered`, `due`, "
        "`received` and `units`. Received ones tell how long orders take, those without a date of receipt what is on its way."
    )
    from data.sources.upload.purchase_orders import read_orders

    key = f"orders/{st.session_state.get(_ROUND, 0)}"
    file = st.file_uploader("Purchase orders", type=["csv", "parquet", "xlsx"], key=key, label_visibility="collapsed")
    if file is None:
        st.session_state.pop(_ORDERS, None)
        return None
    held = st.session_state.get(_ORDERS)
    if held is None or held[0] != file.file_id:
        with st.spinner("Reading the orders"):
            held = (file.file_id, read_orders(file.name, file.getvalue()))
        st.session_state[_ORDERS] = held
    found: OrdersFile = held[1]
    if found.problems:
        lines = [f"- {formats.plain(str(problem))}" for problem in found.problems]
        st.error("\n".join(["**The orders cannot be loaded like this.** Mend the file, or take it out.", "", *lines]))
    elif preview.last is not None and preview.frequency is not None:
        checks = found.found(preview.last, preview.frequency, preview.mapping.stamp)
        st.info("\n".join(f"- {formats.plain(check.finding)}" for check in checks))
    return found
